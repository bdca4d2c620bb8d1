"""Taking over an encounter that is under way: what a doctor is told of the turns before his or her own.

The rule: nobody is told more than the doctor before could see. An agent that has ``resume`` is given those turns as if they were its own;
any other is told the transcript, the earlier doctor's words included, as its first observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from medsim.agent.observation import Observation, look
from medsim.case import Case
from medsim.trajectory import Event, transcript

TAKEN_OVER = "You take over an encounter that another doctor began. What has happened so far, the other doctor's words included:"


class Exchange(NamedTuple):
    """One turn that is past: what was observed, and what the doctor answered."""

    observation: Observation
    words: str


@runtime_checkable
class Resumes(Protocol):
    """An agent that can go on from turns it has not played."""

    def resume(self, history: Sequence[Exchange]) -> None:
        """Take these turns as one's own; called once, after ``reset``."""
        ...


def exchanges(case: Case, events: Sequence[Event]) -> list[Exchange]:
    """The turns of an encounter as its doctor had them."""
    words = {event.turn: event.text for event in events if event.kind == "message"}
    return [Exchange(seen(case, events, turn=turn - 1), said) for turn, said in sorted(words.items())]


def seen(case: Case, events: Sequence[Event], *, turn: int) -> Observation:
    """What the doctor observed after a turn; turn 0 is the door."""
    return look(case, [event for event in events if event.turn == turn])


def told(case: Case, events: Sequence[Event]) -> Observation:
    """The transcript as the first observation of a doctor who takes over, with the pictures shown so far."""
    whole = Observation(f"{TAKEN_OVER}\n{transcript(events)}")
    whole.pictures = look(case, events).pictures
    return whole


__all__ = ["Exchange", "Resumes", "exchanges", "seen", "told"]
