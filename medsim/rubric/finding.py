"""What a predicate comes to: a verdict, the events that decided it, and how much of it was done.

The rule: unknown is a verdict of its own and never worth anything; ``na`` is no verdict on the doctor.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from medsim.trajectory import Event

Verdict = Literal["met", "unmet", "unknown", "na"]
Ending = Literal["open", "voluntary", "censored"]


class Hit(NamedTuple):
    """An event that matched: its number and time."""

    seq: int
    t: int
    event: Event | None = None


class Finding(NamedTuple):
    """A verdict with the events that decided it."""

    verdict: Verdict
    evidence: tuple[int, ...] = ()
    reason: str = ""
    share: float = 1.0
    """How much of it was met, where that is measured: what an item of this predicate alone earns of its points."""


UNKNOWN = Finding("unknown")
NA = Finding("na")


class Judged(NamedTuple):
    """The verdict of an item: with the share of its points it earns, the deciding events and, where unknown, the reason."""

    verdict: Verdict
    credit: float = 0.0
    """Where only a judge's opinion is missing: what is earned if the judge says met."""
    evidence: tuple[int, ...] = ()
    reason: str = ""
    waits: bool = False
    """Whether only a judge's opinion is missing."""
    rating: int | None = None
    """On a scale: from 1 to 5."""


def rated(rating: int, *, met_from: int, evidence: tuple[int, ...] = (), reason: str = "") -> Judged:
    """The verdict of a scale: its credit is (rating - 1) / 4."""
    return Judged("met" if rating >= met_from else "unmet", (rating - 1) / 4, evidence, reason, rating=rating)
