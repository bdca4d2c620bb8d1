"""How content points at events: patterns, and triggers made of patterns.

The rule: a pattern without ``kind`` means something the doctor did; the environment's own events are matched only by naming their
kind, or by a ``fact`` the patient told.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal, get_args

from pydantic import Field, model_validator

from medsim.case.part import Many, Part

DoctorKind = Literal[
    "ask", "say", "examine", "order", "treat", "procedure", "consult", "wait", "calculate", "note", "diagnose", "dispose", "end"
]
WorldKind = Literal["reply", "finding", "result", "state", "challenge", "alarm", "answer", "unclear", "refused", "encounter"]
EventKind = Literal[DoctorKind, WorldKind]

DOCTOR_KINDS: frozenset[str] = frozenset(get_args(DoctorKind))

Scalar = str | int | float | bool


class Range(Part):
    """A numeric condition; all given bounds must hold."""

    ge: float | None = None
    le: float | None = None
    gt: float | None = None
    lt: float | None = None

    def holds(self, value: Any) -> bool:
        """Say whether a number lies inside; anything that is not a number does not."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return (
            (self.ge is None or value >= self.ge - 1e-9)
            and (self.le is None or value <= self.le + 1e-9)
            and (self.gt is None or value > self.gt)
            and (self.lt is None or value < self.lt)
        )


class Did(Part):
    """A pattern over events. Every given field must match; lists mean any of."""

    kind: Many[EventKind] = ()
    """Event kinds, e.g. ``order`` or ``result``; left out: anything the doctor did."""
    code: Many[str] = ()
    """Action codes of the case or the shared vocabulary; for ``state``, ``challenge`` the id."""
    cls: Many[str] = Field(default=(), alias="class")
    """Action classes: med, lab, imaging, bedside, monitor, exam, consult, procedure, ..."""
    group: Many[str] = ()
    """Drug groups: nitrate, penicillin, beta_lactam, ..."""
    topic: Many[str] = ()
    """What was said: topic ids; ``pmh`` matches every ``pmh.…``. Matches ask and say alike."""
    fact: Many[str] = ()
    """Fact ids that the patient told (a reply)."""
    state: Many[str] = ()
    """Only while the body was in one of these states."""
    where: dict[str, Range | list[Scalar] | Scalar] = {}
    """Conditions on arguments: ``{dose_mg: {ge: 162, le: 325}, route: [po, chew]}``."""

    @model_validator(mode="after")
    def _says_something(self) -> Did:
        if not (self.kind or self.code or self.cls or self.group or self.topic or self.fact):
            raise ValueError("a pattern must name at least one of kind, code, class, group, topic, fact")
        return self

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of events this pattern can match."""
        kinds = frozenset(self.kind) or (frozenset({"reply"}) if self.fact else DOCTOR_KINDS)
        return kinds | {"ask", "say"} if self.topic and kinds & {"ask", "say"} else kinds

    @cached_property
    def matches(self) -> Callable[[Any], bool]:
        """A test of one event (``medsim.trajectory.Event``), compiled once."""
        kinds = self.kinds
        codes, classes, groups, facts, states = map(frozenset, (self.code, self.cls, self.group, self.fact, self.state))
        topics = tuple(self.topic)
        where = [(name, _condition(value)) for name, value in self.where.items()]

        def test(event: Any) -> bool:
            return (
                event.kind in kinds
                and (not codes or event.code in codes)
                and (not classes or event.cls in classes)
                and (not groups or not groups.isdisjoint(event.groups))
                and (not topics or any(covers(topic, heard) for heard in event.topics for topic in topics))
                and (not facts or not facts.isdisjoint(event.facts))
                and (not states or event.state in states)
                and all(condition(event.args.get(name)) for name, condition in where)
            )

        return test

    def __getstate__(self) -> dict[Any, Any]:
        """Leave the compiled test behind: it is no plain data, and is made again where it is asked for."""
        state = super().__getstate__()
        return {**state, "__dict__": {name: value for name, value in state["__dict__"].items() if name != "matches"}}


def covers(topic: str, heard: str) -> bool:
    """Say whether a topic is the heard one or above it: ``pmh`` covers ``pmh.heart``."""
    return heard == topic or heard.startswith(topic + ".")


def _condition(value: Range | list[Scalar] | Scalar) -> Callable[[Any], bool]:
    if isinstance(value, Range):
        return value.holds
    allowed = value if isinstance(value, list) else [value]
    return lambda given: given is not None and given in allowed


class Trigger(Part):
    """Something the doctor has done: one pattern, or several joined by all or any."""

    did: Did | None = None
    all: tuple[Did, ...] = ()
    any: tuple[Did, ...] = ()

    @model_validator(mode="after")
    def _exactly_one(self) -> Trigger:
        if sum((self.did is not None, bool(self.all), bool(self.any))) != 1:
            raise ValueError("give exactly one of did, all, any")
        return self

    @property
    def patterns(self) -> tuple[Did, ...]:
        """The patterns this trigger is made of."""
        return (self.did,) if self.did else self.all or self.any
