"""Encounters as training text: chats of a teacher or of stored trajectories, and pairs of a better and a worse one.

The rule: a line holds what a doctor was shown and what the doctor wrote, never the truth. ``loss_mask`` stands beside the messages: 1 for
what is to be learnt (the doctor's turns), 0 for all that the encounter said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from medsim import library
from medsim.agent.chat import NOTHING
from medsim.case import Case
from medsim.consult import Consult
from medsim.errors import ActionError
from medsim.patient.scripted import ScriptedPatient
from medsim.trajectory import Event, Trajectory, transcript
from medsim.world.belief import posterior
from medsim.world.game import Game
from medsim.world.patients import UNKNOWN
from medsim.world.settling import settle
from medsim.world.teacher import Teacher
from medsim.world.telling import Told

MARGIN = 0.1
Chat = dict[str, Any]


class Scored(NamedTuple):
    """A trajectory with its score by one rubric and one judge."""

    trajectory: Trajectory
    score: float


def system_prompt() -> str:
    """Return what a doctor who is a language model is told at first."""
    return library.prompt("doctor")


def chat(events: Sequence[Event], *, system: str | None = None) -> Chat:
    """Return an encounter as messages with their loss mask: a user message is what is seen before a turn, an assistant message the turn."""
    messages = [{"role": "system", "content": system_prompt() if system is None else system}]
    turns = max((event.turn for event in events), default=0)
    seen = {turn: [event for event in events if event.turn == turn] for turn in range(turns + 1)}
    for turn in range(1, turns + 1):
        words = next((event.text for event in seen[turn] if event.kind == "message"), "")
        messages.append({"role": "user", "content": transcript(seen[turn - 1], doctor=False) or NOTHING})
        messages.append({"role": "assistant", "content": words})
    return {"messages": messages, "loss_mask": [int(message["role"] == "assistant") for message in messages]}


def of_trajectory(trajectory: Trajectory, *, score: float | None = None, system: str | None = None) -> Chat:
    """Return a stored trajectory as a chat; one that ended in an error is refused, because its last turn is not the doctor's doing."""
    if trajectory.outcome.status == "error":
        raise ActionError(f"Trajectory {trajectory.id} ended in an error ({trajectory.outcome.reason}). Leave it out.")
    made = chat(trajectory.events, system=system)
    about = {"trajectory": trajectory.id, "case_id": trajectory.case_id, "agent": trajectory.agent, "seed": trajectory.seed}
    return {**made, **about, "score": score}


def of_teacher(told: Told, game: Game, *, teacher: Teacher | None = None, system: str | None = None) -> Chat:
    """Return the greedy teacher's encounter with a told patient as a chat, with its unshaped return.

    The teacher names the likeliest condition of the exact posterior, right or wrong: it does not know the truth.
    """
    teacher = teacher or Teacher(told.tables, most=game.max_turns - 1)
    path = teacher.path(told.patients)[: game.max_turns - 1]
    consult, seat = Consult(told.case), ScriptedPatient(told.case.brief())
    for action in path:
        consult.play(told.words(game, action), seat)
    for action in _closing(told, game, path):
        if not consult.over:
            consult.play(told.words(game, action), seat)
    settled = settle(told, game, consult.events, over=consult.over)
    about = {"case_id": told.case.id, "agent": "greedy teacher", "return_unshaped": settled.unshaped, "success": settled.success}
    return {**chat(consult.events, system=system), **about}


def _closing(told: Told, game: Game, path: Sequence[int]) -> list[int]:
    """STOP; or what the likeliest condition needs, as far as it does no harm, and its diagnosis."""
    if game.task == "inquiry":
        return [game.stop]
    one = told.patients
    outcomes = np.full((1, game.findings), UNKNOWN, dtype=np.int64)
    outcomes[0, list(path)] = one.reported[0, list(path)]
    likeliest = int(posterior(game.tables, group=one.group, complaint=one.complaint, outcomes=outcomes)[0].argmax())
    room = game.max_turns - len(path) - 1
    needed = [m for m in range(game.treatments) if game.critical[likeliest, m] and not game.harmful[m, likeliest]][:room]
    return [*(game.findings + m for m in needed), game.stop + likeliest]


def pairs(scored: Iterable[Scored], *, margin: float = MARGIN, system: str | None = None, most: int = 10) -> Iterator[Chat]:
    """Yield preference pairs: of encounters with one version of one case, each better by ``margin`` than the other; the widest first.

    ``prompt`` is what both begin with, ``chosen`` and ``rejected`` the messages after it, each with its mask. At most ``most`` a case.
    """
    if margin <= 0:
        raise ActionError(f"A margin above 0 was expected, given {margin:g}: pairs of equal score teach chance.")
    groups: dict[tuple[str, str], list[Scored]] = {}
    for one in scored:
        if one.trajectory.outcome.status in {"finished", "truncated"}:
            groups.setdefault((one.trajectory.case_id, one.trajectory.case_hash), []).append(one)
    for (case_id, _), group in groups.items():
        found = [(abs(a.score - b.score), max(a, b, key=_score), min(a, b, key=_score)) for a, b in combinations(group, 2)]
        wide = sorted((pair for pair in found if pair[0] >= margin), key=lambda pair: -pair[0])[:most]
        for _, better, worse in wide:
            if pair := _pair(case_id, better, worse, system):
                yield pair


def _score(one: Scored) -> float:
    return one.score


def _pair(case_id: str, better: Scored, worse: Scored, system: str | None) -> Chat | None:
    """A pair, or None where the two do not begin alike or say the same."""
    chosen, rejected = (chat(one.trajectory.events, system=system)["messages"] for one in (better, worse))
    if chosen[:2] != rejected[:2] or chosen == rejected or min(len(chosen), len(rejected)) < 3:
        return None
    return {
        "prompt": chosen[:2], "chosen": chosen[2:], "rejected": rejected[2:],
        "chosen_mask": [int(message["role"] == "assistant") for message in chosen[2:]],
        "rejected_mask": [int(message["role"] == "assistant") for message in rejected[2:]],
        "case_id": case_id, "score_chosen": better.score, "score_rejected": worse.score,
        "trajectory_chosen": better.trajectory.id, "trajectory_rejected": worse.trajectory.id,
    }  # fmt: skip


def lines(chats: Iterable[Chat]) -> Iterator[str]:
    """Write each as one line of JSON."""
    for made in chats:
        yield json.dumps(made, ensure_ascii=False, allow_nan=False)


def golden(case: Case, *, seed: int = 0, system: str | None = None) -> Chat:
    """Return a case's golden script as a chat."""
    consult, seat = Consult(case, seed=seed), ScriptedPatient(case.brief())
    for turn in case.golden:
        if not consult.over:
            consult.play(turn, seat)
    return {**chat(consult.events, system=system), "case_id": case.id, "agent": "golden"}
