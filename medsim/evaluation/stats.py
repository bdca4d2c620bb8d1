"""Numbers that may be believed: means over cases, with intervals that resample cases.

The rule: the unit is the case. Trials of one case are averaged first; what has no score is left out and counted, never taken as zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

RESAMPLES = 4000


class Interval(NamedTuple):
    """A mean with its 95 % case-bootstrap interval; all None where there is nothing to average."""

    mean: float | None
    low: float | None
    high: float | None


class Summary(NamedTuple):
    """One agent over a set of cases."""

    agent: str
    n: int
    """Trajectories that ended."""
    cases: int
    score: Interval
    pass_rate: float | None
    critical: int
    """Trajectories with at least one critical item met."""
    turns: float | None
    minutes: float | None
    cost: float | None
    information: float | None
    coverage: float | None
    truncated: int
    unscored: int
    errors: int


def case_means(rows: Iterable[Mapping[str, Any]], column: str) -> list[float]:
    """The mean of a column for each case, None left out."""
    by_case: dict[str, list[float]] = {}
    for row in rows:
        if row[column] is not None:
            by_case.setdefault(row["case_hash"], []).append(float(row[column]))
    return [float(np.mean(values)) for values in by_case.values()]


def macro(rows: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """The mean over cases of each case's mean."""
    means = case_means(rows, column)
    return float(np.mean(means)) if means else None


def interval(means: Sequence[float], *, seed: int = 20261120) -> Interval:
    """Mean and percentile interval of a case bootstrap; with one case there is no interval."""
    if not means:
        return Interval(None, None, None)
    values = np.asarray(means, dtype=float)
    if len(values) == 1:
        return Interval(float(values[0]), None, None)
    draws = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def summarise(agent: str, rows: Sequence[Mapping[str, Any]]) -> Summary:
    """Sum up the stored rows of one agent."""
    ended = [row for row in rows if row["status"] != "error"]
    minutes = [{**row, "minutes": row["seconds"] / 60} for row in ended]
    return Summary(
        agent=agent,
        n=len(ended),
        cases=len({row["case_hash"] for row in ended}),
        score=interval(case_means(ended, "score")),
        pass_rate=macro(ended, "passed"),
        critical=sum(bool(row["critical"]) for row in ended),
        turns=macro(ended, "turns"),
        minutes=macro(minutes, "minutes"),
        cost=macro(ended, "cost"),
        information=macro(ended, "information"),
        coverage=macro(ended, "coverage"),
        truncated=sum(row["status"] == "truncated" for row in ended),
        unscored=sum(row["score"] is None for row in ended),
        errors=len(rows) - len(ended),
    )
