"""What failed in a run, by the boundary at which it failed.

The rule: a failure is told with its own first words, however many there are of its kind; it is never a number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from medsim import errors

_LONGEST = 500


class Failure(NamedTuple):
    """All encounters of a run that failed at one boundary."""

    boundary: str
    """LLM, Patient, Judge, Store, Case, Action (as the exceptions are named), Agent for an agent of one's own, or Engine."""
    number: int
    reason: str
    """The first one's own words, with agent and case."""


def failures(rows: Iterable[Mapping[str, Any]]) -> list[Failure]:
    """Count the stored rows of status ``error``, and those that were played and could not be scored, by boundary, the most frequent first."""
    found: dict[str, Failure] = {}
    for row in rows:
        if row["error"]:
            name = boundary(row["reason"]) if row["status"] == "error" else "Judge"
            words = f"{row['agent']} on {row['case_id']}, trial {row['trial']}: {row['error']}"
            first = found.get(name) or Failure(name, 0, words[:_LONGEST])
            found[name] = first._replace(number=first.number + 1)
    return sorted(found.values(), key=lambda failure: (-failure.number, failure.boundary))


def boundary(reason: str) -> str:
    """The boundary behind a stored reason: an exception of medsim or of a kind of it, or the part of an encounter that raised another."""
    if reason == "agent":
        return "Agent"
    named = next((kind for kind in _kinds(errors.MedsimError) if kind.__name__ == reason), None)
    if named is None:
        return "Engine"
    ground = next(kind for kind in named.__mro__ if errors.MedsimError in kind.__bases__ or kind is errors.MedsimError)
    return ground.__name__.removesuffix("Error")


def _kinds(kind: type[BaseException]) -> Iterable[type[BaseException]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
