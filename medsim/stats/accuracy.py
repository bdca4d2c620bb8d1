"""A judge held against the truth: macro-F1, sensitivity, specificity and signed bias.

The rule: accuracy alone is not given, because at high prevalence it looks good for a judge that agrees with nobody beyond chance. Intervals
draw whole cases again; a measure without its denominator (no item that is truly met) has no value and says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.agreement import two_way
from medsim.stats.bootstrap import of_sums
from medsim.stats.estimate import Array, Estimate, Labels, nothing
from medsim.stats.proportions import share_interval

NONE = "No item has both a truth and a verdict."


def macro_f1(truth: Iterable[Hashable], *, judged: Iterable[Hashable], cases: Labels | None = None, **options: Any) -> Estimate:
    """The mean over classes of 2 TP / (2 TP + FP + FN); classes are those in use, None is left out and counted."""
    table, names, left_out = two_way(truth, second=judged, cases=cases)
    if not len(table):
        return nothing(NONE, left_out=left_out)
    size = len(names)
    why = "Truth and verdicts are all of one class, so a mean over classes has no meaning."

    def statistic(sums: Array) -> Array:
        square = sums.reshape(*sums.shape[:-1], size, size)
        both = square.sum(-1) + square.sum(-2)
        right = 2 * np.diagonal(square, axis1=-2, axis2=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(both > 0, right / both, 0.0)
            used = (both > 0).sum(-1)
        return np.where(used > 1, scores.sum(-1) / np.maximum(used, 1), np.nan)

    return of_sums(table, statistic=statistic, sizes=table.sum(axis=1), why=why, bounds=(0.0, 1.0), left_out=left_out, **options)


def sensitivity(truth: Iterable[Any], *, judged: Iterable[Any], cases: Labels | None = None, **options: Any) -> Estimate:
    """The share of truly met items that the judge calls met; truth and verdicts are 0, 1 (or booleans) or None."""
    sums, left_out = four_cells(truth, judged=judged, cases=cases)
    return _share(sums[:, [0, 1]], left_out, "No item is truly met, so sensitivity has no value. Label items that are.", options)


def specificity(truth: Iterable[Any], *, judged: Iterable[Any], cases: Labels | None = None, **options: Any) -> Estimate:
    """The share of truly unmet items that the judge calls unmet."""
    sums, left_out = four_cells(truth, judged=judged, cases=cases)
    return _share(sums[:, [2, 3]], left_out, "No item is truly unmet, so specificity has no value. Label items that are.", options)


def bias(truth: Iterable[Any], *, judged: Iterable[Any], cases: Labels | None = None, **options: Any) -> Estimate:
    """Signed bias in points of 100: how much more of the items the judge calls met than are; above zero it is too kind."""
    sums, left_out = four_cells(truth, judged=judged, cases=cases)
    if not len(sums):
        return nothing(NONE, left_out=left_out)

    def statistic(cells: Array) -> Array:
        return np.asarray(100 * (cells[..., 3] - cells[..., 1]) / cells.sum(-1))

    return of_sums(sums, statistic=statistic, sizes=sums.sum(axis=1), why=NONE, bounds=(-100.0, 100.0), left_out=left_out, **options)


def four_cells(truth: Iterable[Any], *, judged: Iterable[Any], cases: Labels | None = None) -> tuple[Array, int]:
    """Counts for each case: true met, missed met, true unmet, wrongly met; shape (cases, 4), and items left out."""
    given, verdicts = ([None if value is None else _binary(value) for value in column] for column in (truth, judged))
    table, names, left_out = two_way(given, second=verdicts, cases=cases)
    places = {name: place for place, name in enumerate(names)}

    def count(true: int, told: int) -> Array:
        seen = len(table) and true in places and told in places
        return table[:, places[true] * len(names) + places[told]] if seen else np.zeros(len(table))

    return np.stack([count(1, 1), count(1, 0), count(0, 0), count(0, 1)], axis=1), left_out


def _binary(value: Any) -> int:
    if value not in (0, 1):
        raise MedsimError(f"A verdict here is met (1), unmet (0) or None, given {value!r}.")
    return int(value)


def _share(cells: Array, left_out: int, why: str, options: dict[str, Any]) -> Estimate:
    """The first count as a share of both; where it is all or nothing, Wilson's interval over cases takes the bootstrap's place."""
    kept = cells[cells.sum(axis=1) > 0]
    if not len(kept):
        return nothing(why, left_out=left_out)
    sizes = kept.sum(axis=1)
    found = of_sums(
        kept, statistic=lambda sums: sums[..., 0] / sums.sum(-1), sizes=sizes, why=why, bounds=(0.0, 1.0), left_out=left_out, **options
    )
    if found.value not in (0.0, 1.0) or found.n < 2:
        return found
    low, high = share_interval(found.value, error=0.0, n=found.n, confidence=options.get("confidence", 0.95))
    return found._replace(low=low, high=high, note="")
