"""A judge made of language models: votes, controls, escalation.

The rule: every model answers for itself. What it says is checked by code, its votes fall with its controls, and whatever goes wrong is
unknown with its reason. Only a budget that is spent stops the judge.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import json
import random
import re
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from medsim import library
from medsim.errors import JudgeError, LLMError
from medsim.judge import controls as known
from medsim.judge.ask import Ask, Line, mark, written
from medsim.judge.controls import Control, controls
from medsim.judge.votes import LONGEST_QUOTE, SCHEMA, Vote, checked, count, read, split
from medsim.llm import LLM, BudgetSpent, Call, Message
from medsim.rubric import Opinion

PROTOCOL = 1
"""To be raised when what is shown, checked or counted changes: judges of different protocols are different judges."""
MOST_VOTES = 15
MOST_IN_A_CALL = 10
AGREED = 0.75
"""More than this share must agree on a heavy item whose votes were split."""
_SLOT = re.compile(r"\{(mark|transcript|statements|labels)\}")


class Chair(NamedTuple):
    """One model of a judge, and the way to it; calls leave the model to the role ``judge`` of that way."""

    model: str
    llm: LLM
    parameters: tuple[tuple[str, Any], ...] = ()
    """What else decides its answers (temperature, length, seed), for the judge's identity."""


class _Seat(NamedTuple):
    """Where one answer goes: which statement, which vote of it."""

    ask: Ask
    vote: int


@dataclass(slots=True)
class _Batch:
    """All votes of one round by one model, with their controls."""

    chair: Chair
    seats: list[_Seat]
    controls: list[Control]


class ModelJudge:
    """Asks language models. Votes are odd; with several models they take turns, so that three votes of three models are one of each."""

    def __init__(
        self,
        chairs: Sequence[Chair],
        *,
        votes: int | None = None,
        second: Chair | None = None,
        group: int = 1,
        heavy: float = 3.0,
        more: int = 2,
        repeat: int = 0,
    ) -> None:
        if not chairs:
            raise JudgeError("A judge needs a model. For example: --judge openai/gpt-4o-mini")
        if votes is not None and not (1 <= votes <= MOST_VOTES and votes % 2):
            raise JudgeError(f"An odd number of votes from 1 to {MOST_VOTES} was expected, so that they can decide; given {votes}.")
        if not 1 <= group <= MOST_IN_A_CALL:
            raise JudgeError(f"From 1 to {MOST_IN_A_CALL} statements go into one call, given {group}.")
        if not 0 <= more <= MOST_VOTES or repeat < 0:
            raise JudgeError(f"From 0 to {MOST_VOTES} further votes and a repeat of at least 0 were expected, given {more} and {repeat}.")
        self.chairs, self.second = tuple(chairs), second
        self.votes, self.group, self.heavy, self.more, self.repeat = votes, group, heavy, more, repeat
        self.system, self.frame = library.prompt("judge"), library.prompt("judge_ask")

    @cached_property
    def prompt(self) -> str:
        """Hash of all that is said to a model beside the encounter: prompts, schema, controls."""
        parts = (self.system, self.frame, SCHEMA, known.FALSE, known.PLANTS)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """All that decides its opinions, as plain data."""
        second = [self.second.model, self.second.parameters] if self.second else None
        return {
            "models": [[chair.model, chair.parameters] for chair in self.chairs], "second": second, "votes": self.votes or "by item",
            "group": self.group, "heavy": self.heavy, "more": self.more, "agreed": AGREED, "repeat": self.repeat, "prompt": self.prompt,
            "protocol": PROTOCOL,
        }  # fmt: skip

    @property
    def name(self) -> str:
        """Models and votes in words, and the hash of all settings."""
        models = "+".join(dict.fromkeys(chair.model for chair in self.chairs))
        hashed = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:12]
        return f"{models[:70]} x{self.votes or 'item'} #{hashed}"

    def opinions(self, asks: Sequence[Ask], lines: Sequence[Line]) -> dict[str, Opinion]:
        """Judge the statements of one encounter; a second round settles heavy ones on which the first was split."""
        held: dict[str, str] = {}
        votes = self._round(asks, lines, self._first(asks), held, stage=0)
        again = [ask for ask in asks if self._is_heavy(ask) and self.more and split(votes[ask.id])]
        further = self._round(again, lines, self._further(again, votes), held, stage=1)
        for ask in again:
            votes[ask.id] += further[ask.id]
        raised = {ask.id for ask in again}
        return {ask.id: self._opinion(votes[ask.id], held, raised=ask.id in raised) for ask in asks}

    # ---- who is asked what ---------------------------------------------------------------------------------------------------------

    def _is_heavy(self, ask: Ask) -> bool:
        return ask.critical or ask.weight >= self.heavy

    def _first(self, asks: Sequence[Ask]) -> list[tuple[Chair, _Seat]]:
        wanted = ((ask, self.votes or ask.votes + 1 - ask.votes % 2) for ask in asks)
        return [(self.chairs[vote % len(self.chairs)], _Seat(ask, vote)) for ask, votes in wanted for vote in range(votes)]

    def _further(self, asks: Sequence[Ask], votes: dict[str, list[Vote]]) -> list[tuple[Chair, _Seat]]:
        seats = []
        for ask in asks:
            for vote in range(len(votes[ask.id]), len(votes[ask.id]) + self.more):
                seats.append((self.second or self.chairs[vote % len(self.chairs)], _Seat(ask, vote)))
        return seats

    def _round(
        self, asks: Sequence[Ask], lines: Sequence[Line], wanted: Iterable[tuple[Chair, _Seat]], held: dict[str, str], *, stage: int
    ) -> dict[str, list[Vote]]:
        """Ask everything of a round at once; a model whose controls fail has all its votes of the round void."""
        by_chair: dict[int, _Batch] = {}
        for chair, seat in wanted:
            batch = by_chair.setdefault(id(chair), _Batch(chair, [], []))
            batch.seats.append(seat)
        for batch in by_chair.values():
            batch.controls = controls(lines or batch.seats[0].ask.lines, salt=f"{self.repeat}/{stage}")
        works = [(batch, seats) for batch in by_chair.values() for seats in self._calls(batch)]
        answers = _together([self._asked(batch.chair, seats, stage) for batch, seats in works])
        given: dict[int, list[tuple[_Seat, Vote]]] = {at: [] for at in by_chair}
        for (batch, seats), answer in zip(works, answers, strict=True):
            given[id(batch.chair)] += zip(seats, answer, strict=True)
        found: dict[str, dict[int, Vote]] = {ask.id: {} for ask in asks}
        for at, batch in by_chair.items():
            fault = _control_fault(batch, given[at])
            held[batch.chair.model] = "; ".join(filter(None, (held.get(batch.chair.model, ""), fault)))
            for seat, vote in given[at]:
                if seat.vote >= 0:
                    vote = checked(vote, seat.ask)
                    found[seat.ask.id][seat.vote] = vote.void(f"the batch is void: {fault}") if fault else vote
        return {name: [votes[number] for number in sorted(votes)] for name, votes in found.items()}

    def _calls(self, batch: _Batch) -> list[list[_Seat]]:
        """Sort seats into calls: one transcript and one vote a call, up to ``group`` statements, shuffled, controls among them."""
        last = max(seat.vote for seat in batch.seats)
        extra = [_Seat(control.ask, -1 - at) for at, control in enumerate(batch.controls)]
        shared: dict[tuple[int, tuple[Line, ...]], list[_Seat]] = {}
        for seat in (*batch.seats, *extra):
            shared.setdefault((seat.vote if seat.vote >= 0 else last, seat.ask.lines), []).append(seat)
        calls = []
        for (vote, lines), seats in shared.items():
            random.Random(f"{mark(lines)}/{vote}/{self.repeat}").shuffle(seats)
            calls += [seats[at : at + self.group] for at in range(0, len(seats), self.group)]
        return calls

    # ---- one call --------------------------------------------------------------------------------------------------------------------

    async def _asked(self, chair: Chair, seats: Sequence[_Seat], stage: int) -> list[Vote]:
        """A vote for each seat; what the model layer cannot give is a void vote."""
        labels = [f"S{at}" for at in range(1, len(seats) + 1)]
        try:
            answer = await chair.llm.acomplete(self.call(seats, labels, stage))
        except BudgetSpent:
            raise
        except LLMError as error:
            return [Vote(chair.model, fault=f"no answer: {error}"[:600])] * len(seats)
        votes = read(answer.text, labels, model=chair.model, call=answer.hash)
        return [votes[label] for label in labels]

    def call(self, seats: Sequence[_Seat], labels: Sequence[str], stage: int = 0) -> Call:
        """The call that asks for these seats, all on one transcript."""
        word = mark(seats[0].ask.lines)
        slots = {
            "mark": word,
            "transcript": written(seats[0].ask.lines).replace(word, ""),
            "statements": "\n".join(f"{label}. {seat.ask.statement}" for label, seat in zip(labels, seats, strict=True)),
            "labels": ", ".join(labels),
        }
        asked = _SLOT.sub(lambda slot: slots[slot[1]], self.frame)
        salt = f"judge/{self.repeat}/{stage}/{max(seat.vote for seat in seats)}"
        return Call("", (Message("system", self.system), Message("user", asked)), role="judge", schema=SCHEMA, salt=salt)

    # ---- what comes of the votes -----------------------------------------------------------------------------------------------------

    def _opinion(self, votes: Sequence[Vote], held: dict[str, str], *, raised: bool) -> Opinion:
        said, reason = count(votes, share=AGREED if raised else 0.5)
        if said is None and raised:
            reason += "; it is a heavy item and was asked again"
        valid = [vote for vote in votes if vote.counts]
        data = {
            "votes": [vote.data() for vote in votes], "met": round(sum(vote.said == "met" for vote in valid) / len(valid), 4) if valid else None,
            "asked_again": raised, "prompt": self.prompt, "controls": {model: fault or "held" for model, fault in held.items()},
        }  # fmt: skip
        if said is None:
            return Opinion("unknown", (), reason, data)
        agreed = [vote for vote in valid if vote.said == said]
        evidence = tuple(sorted({vote.seq for vote in agreed if vote.seq is not None}))
        best = next((vote for vote in agreed if vote.quote), agreed[0])
        told = f'"{best.quote[:LONGEST_QUOTE]}": {best.why}' if best.quote else best.why
        return Opinion("met" if said == "met" else "unmet", evidence, told, data)


def _control_fault(batch: _Batch, given: Iterable[tuple[_Seat, Vote]]) -> str:
    """The first control that did not hold, in words."""
    faults = [batch.controls[-1 - seat.vote].fault(vote) for seat, vote in given if seat.vote < 0]
    return next((fault for fault in faults if fault), "")


def _together(works: Sequence[Coroutine[Any, Any, list[Vote]]]) -> list[list[Vote]]:
    """Run all calls at the same time, and let those that are under way end before a spent budget is told."""

    async def all_of_them() -> list[list[Vote] | BaseException]:
        return await asyncio.gather(*works, return_exceptions=True)

    if not works:
        return []
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        found = asyncio.run(all_of_them())
    else:  # a notebook: its loop is not ours to run
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(contextvars.copy_context().run, asyncio.run, all_of_them()).result()
    votes = []
    for answer in found:
        if isinstance(answer, BaseException):
            raise answer
        votes.append(answer)
    return votes
