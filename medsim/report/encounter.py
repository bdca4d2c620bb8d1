"""One stored encounter as a report needs it.

The rule: its events are read once, and only what a figure needs is kept of them. One that failed has no verdicts and no score, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from medsim.store import Store
from medsim.trajectory import Trajectory, Usage, line

OWN = "each case's own"
"""The rubric of a scoring where every case is scored by its own."""
_DOCTOR = ("doctor", "question")
_LONGEST_WORDS = 400


class Scoring(NamedTuple):
    """By what a trajectory was scored: the name of a rubric, or ``OWN``, and the judge."""

    rubric: str
    judge: str


class Words(NamedTuple):
    """An event that a verdict rests on: its number, the doctor's turn and what stands in the transcript."""

    seq: int
    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class Encounter:
    """One stored encounter, without its events."""

    number: int
    """Its place in the report, from 1: anchors are made of it, for ids come from anywhere."""
    id: str
    run: str
    case_id: str
    case_hash: str
    trial: int
    status: str
    reason: str
    error: str
    turns: int
    minutes: float | None
    cost: float
    usage: dict[str, Usage]
    information: float | None
    score: Mapping[str, Any] | None
    """The score that was asked for, with its items; None where there is none and ``unscored`` says why."""
    unscored: str
    told: dict[str, int]
    """The turn at which each fact was first told."""
    asked: frozenset[str]
    """Topics that the doctor asked about."""
    words: dict[int, Words]
    """Events that harms rest on."""
    calls: tuple[tuple[str, str, str], ...]
    """(role, model, prompt hash) of every model call."""

    @property
    def ended(self) -> bool:
        """Whether it came to an end, its own or a limit's."""
        return self.status != "error"

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The verdicts; none where it has no score."""
        return self.score["items"] if self.score is not None and self.ended else ()

    @property
    def value(self) -> float | None:
        """The score; None where it has none."""
        return None if self.score is None or not self.ended else self.score["score"]

    @property
    def harms(self) -> list[Mapping[str, Any]]:
        """Harm items that were met, and critical ones that were met or, where that is what is critical, left undone."""
        return harms_of(self.score) if self.score is not None and self.ended else []

    @property
    def tokens(self) -> int | None:
        """Tokens of the doctor's models; None where they were not counted."""
        count = sum(self.usage[role].tokens_in + self.usage[role].tokens_out for role in _DOCTOR if role in self.usage)
        return count or None

    @property
    def usd(self) -> float:
        """What all models cost."""
        return sum(usage.usd for usage in self.usage.values())


def harms_of(score: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The items of a score that tell of harm."""
    struck = set(score["critical"])
    return [item for item in score["items"] if item["item"] in struck or (item["verdict"] == "met" and item.get("role") == "harm")]


def scoring_of(score: Mapping[str, Any], case_id: str) -> Scoring:
    """By what a score was made."""
    return Scoring(OWN if score["rubric"] == case_id else score["rubric"], score["judge"])


def read(number: int, row: Mapping[str, Any], store: Store, scores: Sequence[Mapping[str, Any]], scoring: Scoring) -> Encounter:
    trajectory = store.load(row["id"], run=row["run"])
    own = [score for score in scores if scoring_of(score, row["case_id"]) == scoring]
    score = own[-1] if own else None  # the rubric may have been mended since: its newest version counts
    calls = (
        tuple((call["role"], call["model"], call["prompt_hash"]) for call in store.calls(row["id"], run=row["run"]))
        if trajectory.usage
        else ()
    )
    return Encounter(
        number=number, id=row["id"], run=row["run"], case_id=row["case_id"], case_hash=row["case_hash"], trial=row["trial"],
        status=row["status"], reason=row["reason"], error=row["error"], turns=row["turns"],
        minutes=row["seconds"] / 60 if row["seconds"] or row["turns"] == 0 else None, cost=row["cost"], usage=trajectory.usage,
        information=row["information"], score=score, unscored=_why_unscored(row, score), told=_told(trajectory), asked=_asked(trajectory),
        words=_words(trajectory, score), calls=calls,
    )  # fmt: skip


def _why_unscored(row: Mapping[str, Any], score: Mapping[str, Any] | None) -> str:
    if row["status"] == "error":
        return "the encounter failed"
    if score is None:
        return row["error"] or "it has no score of this kind"
    return "nothing in its rubric was decided" if score["score"] is None else ""


def _told(trajectory: Trajectory) -> dict[str, int]:
    told: dict[str, int] = {}
    for event in trajectory.events:
        for name in event.facts:
            told.setdefault(name, event.turn)
    return told


def _asked(trajectory: Trajectory) -> frozenset[str]:
    return frozenset(
        topic for event in trajectory.events if event.actor == "doctor" and event.kind in {"ask", "say"} for topic in event.topics
    )


def _words(trajectory: Trajectory, score: Mapping[str, Any] | None) -> dict[int, Words]:
    """The events that harms rest on; a state is not in the transcript and is named."""
    if score is None:
        return {}
    wanted = {seq for item in harms_of(score) for seq in item["evidence"]}
    return {
        event.seq: Words(
            event.seq, event.turn, (f"(the patient's state: {event.text})" if event.kind == "state" else line(event))[:_LONGEST_WORDS]
        )
        for event in trajectory.events
        if event.seq in wanted
    }
