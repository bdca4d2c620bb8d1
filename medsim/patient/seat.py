"""The patient's seat: what it is given each turn, and what it gives back.

The rule: a turn carries words and what was already told, never the truth; a reply carries the ids of the facts it disclosed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from medsim.patient.matcher import Heard
from medsim.trajectory import Usage


@dataclass(frozen=True, slots=True)
class Turn:
    """One action as put to a seat. ``to`` is ``patient`` where a patient must answer, otherwise empty."""

    index: int
    kind: str
    to: str
    utterance: str = ""
    heard: tuple[Heard, ...] = ()
    told: tuple[str, ...] = ()
    """Ids of facts told before, in order."""
    said: tuple[str, ...] = ()
    """Topics the doctor has addressed so far, this turn included."""
    trust: int = 3
    opened: bool = False
    """Whether the opening statement has been spoken."""
    conscious: str = "alert"
    speech: str = "normal"
    seed: int = 0
    words: str = ""
    """All that the doctor has said so far: words the patient may take up."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a seat says, and the ids of the facts it told."""

    text: str
    facts: tuple[str, ...] = ()
    speaker: str = ""
    source: str = "scripted"
    usage: Usage | None = None


class Patient(Protocol):
    """Anything that can sit in the patient's seat."""

    @property
    def name(self) -> str:
        """What a result's identity calls this patient."""
        ...

    def reply(self, turn: Turn) -> Reply:
        """Answer one turn."""
        ...


def plain(turn: Turn) -> dict[str, Any]:
    """A turn as plain data, for prompts and logs."""
    return {name: getattr(turn, name) for name in turn.__slots__}
