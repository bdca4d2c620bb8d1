"""Rows of figures: what every section of a report is made of, as plain data.

The rule: a number comes with its interval and, where there is none, a sentence in its place. A row names the arm and the case that it is
about, so that whoever reads it can go to the trajectories behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from medsim.report.arms import Arm, Material
from medsim.report.encounter import Encounter
from medsim.stats import Estimate, macro

Row = dict[str, Any]
DIGITS = 6
NOT_ENDED = "No encounter has come to an end, so there is nothing to measure."


def figure(found: Estimate) -> Row:
    """An estimate as plain data."""
    return {
        "value": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high), "cases": found.n, "left_out": found.left_out, "note": found.note,
    }  # fmt: skip


def nothing(note: str) -> Row:
    """A sentence in the place of a number."""
    return figure(Estimate(None, note=note))


def rounded(value: float | None) -> float | None:
    """A number to so many digits that two machines write the same."""
    return None if value is None else round(float(value), DIGITS) + 0.0


def labels(material: Material, encounters: Sequence[Encounter]) -> tuple[list[str], list[str]]:
    """The case of each encounter and the group that its case is drawn with."""
    return [one.case_hash for one in encounters], [material.groups[one.case_hash] for one in encounters]


def mean(
    material: Material,
    arm: Arm,
    value: Callable[[Encounter], float | None],
    *,
    bounds: tuple[float, float] | None = None,
    missing: str = "",
) -> Row:
    """The mean over cases of something that each ended encounter of an arm has; ``missing`` says why none may have it."""
    ended = arm.ended
    if not ended:
        return nothing(NOT_ENDED)
    values = [value(one) for one in ended]
    if missing and all(one is None for one in values):
        return nothing(missing)
    cases, groups = labels(material, ended)
    return figure(macro(values, cases=cases, groups=groups, bounds=bounds))
