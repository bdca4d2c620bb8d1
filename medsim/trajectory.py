"""What happened: events, and the trajectory they make.

The rule: an event is written once and never changed. It holds more than the doctor saw; ``seen`` is the part that a doctor, a person
or a transcript may show, and it carries no truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, NamedTuple

from medsim.errors import StoreError
from medsim.version import __version__

SCHEMA = "medsim.trajectory/1"

Actor = Literal["doctor", "patient", "controller"]
Status = Literal["open", "finished", "truncated", "error"]
HIDDEN_KINDS = frozenset({"state", "message", "ruling"})
"""state: what the body is in; message: the doctor's turn as it was written, for replay; ruling: what a controller said, for replay."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``t`` is whole seconds since arrival, ``cost`` USD."""

    seq: int
    turn: int
    t: int
    actor: Actor
    kind: str
    text: str = ""
    code: str = ""
    cls: str = ""
    groups: tuple[str, ...] = ()
    args: dict[str, Any] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    state: str = ""
    cost: float = 0.0

    @property
    def visible(self) -> bool:
        """Whether the doctor sees this event."""
        return self.kind not in HIDDEN_KINDS

    def seen(self) -> dict[str, Any]:
        """The part without truth: when, who, what kind, and the words."""
        return {"turn": self.turn, "t": self.t, "actor": self.actor, "kind": self.kind, "speaker": self.speaker, "text": self.text}

    @property
    def speaker(self) -> str:
        """Who is shown as speaking."""
        return str(self.args.get("speaker", "")) or self.actor.capitalize()

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {name: _plain(getattr(self, name)) for name in _EVENT_NAMES}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Event:
        """Rebuild an event from plain data."""
        known: dict[str, Any] = {name: _tupled(value) for name, value in data.items() if name in _EVENT_FIELDS}
        return cls(**known)


_EVENT_NAMES = tuple(part.name for part in fields(Event))
_EVENT_FIELDS = frozenset(_EVENT_NAMES)


def _plain(value: Any) -> Any:
    """A field as plain data, none of which the event still holds."""
    return list(value) if isinstance(value, tuple) else deepcopy(value) if value and isinstance(value, dict) else value


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class Usage(NamedTuple):
    """What a seat has cost in language-model calls."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0

    def plus(self, other: Usage) -> Usage:
        """Add two usages."""
        return Usage(self.calls + other.calls, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out, self.usd + other.usd)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the encounter ended."""

    status: Status
    reason: str = ""
    """doctor, patient (a terminal state), turns, time, or the boundary that failed."""
    state: str = ""
    diagnosis: tuple[str, ...] = ()
    disposition: str = ""
    seconds: int = 0
    turns: int = 0
    cost: float = 0.0


@dataclass(slots=True)
class Trajectory:
    """One finished encounter, with everything needed to replay and score it."""

    id: str
    case_id: str
    case_hash: str
    agent: str
    seed: int
    trial: int
    events: list[Event]
    outcome: Outcome
    patient: str = "scripted"
    env: str = ""
    identity: str = ""
    run: str = ""
    started: str = ""
    error: str = ""
    usage: dict[str, Usage] = field(default_factory=dict)
    medsim: str = __version__
    schema: str = SCHEMA

    def data(self) -> dict[str, Any]:
        """Plain data, in field order."""
        plain = {part.name: getattr(self, part.name) for part in fields(self)}
        plain["events"] = [event.data() for event in self.events]
        plain["outcome"] = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self.outcome).items()}
        plain["usage"] = {role: usage._asdict() for role, usage in self.usage.items()}
        return plain

    def to_json(self) -> str:
        """One line of JSON, byte-identical for equal trajectories."""
        return json.dumps(self.data(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, data: dict[str, Any]) -> Trajectory:
        """Rebuild a trajectory from plain data."""
        if data.get("schema") != SCHEMA:
            raise StoreError(
                f"A trajectory of schema '{SCHEMA}' was expected, given '{data.get('schema')}'. Export it again with this version."
            )
        try:
            outcome: dict[str, Any] = {name: _tupled(value) for name, value in data["outcome"].items()}
            rest = {name: value for name, value in data.items() if name not in {"events", "outcome", "usage"}}
            usage = {role: Usage(**value) for role, value in data.get("usage", {}).items()}
            return cls(events=[Event.of(event) for event in data["events"]], outcome=Outcome(**outcome), usage=usage, **rest)
        except (AttributeError, KeyError, TypeError) as error:
            raise StoreError(f"A trajectory of schema '{SCHEMA}' was expected; a part is missing or unknown ({error}).") from error


def stamp(t: int) -> str:
    """Write seconds since arrival as a clock: ``3725`` -> ``"1:02:05"``, ``65`` -> ``"1:05"``."""
    hours, rest = divmod(max(t, 0), 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


def transcript(events: Iterable[Event], *, doctor: bool = True) -> str:
    """Write the visible part of events as lines of text; ``doctor=False`` leaves out the doctor's own words."""
    return "\n".join(line(event) for event in events if event.visible and (doctor or event.actor != "doctor"))


def line(event: Event) -> str:
    """Write one event: clock, who, words. Further lines of its words are set in, so that no words pass for an event of their own."""
    return _line(event).replace("\n", "\n    ")


def _line(event: Event) -> str:
    if event.kind in {"reply", "challenge"}:
        return f'[{stamp(event.t)}] {event.speaker}: "{event.text}"'
    if event.actor == "doctor":
        return f"[{stamp(event.t)}] Doctor, {event.kind}: {event.text}".rstrip(": ")
    name = {"result": "Result", "finding": "Finding", "alarm": "You see", "encounter": "Visit"}.get(event.kind, "")
    return f"[{stamp(event.t)}] {name}: {event.text}" if name else f"[{stamp(event.t)}] {event.text}"


def last(events: Sequence[Event], kind: str) -> Event | None:
    """Return the last event of a kind, or None."""
    return next((event for event in reversed(events) if event.kind == kind), None)
