"""Intraclass correlations of raters on a numeric scale.

The rule: (2,1) asks whether raters give the same numbers, (3,1) whether they order alike; both are for one rater, as one will be used. The
interval draws whole cases again. Rows with a missing rating are left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.agreement import by_case
from medsim.stats.bootstrap import of_sums
from medsim.stats.estimate import Array, Estimate, Labels, coded, matrix, nothing, same_length

Kind = Literal["2,1", "3,1"]

FEW = 30
"""Below it the interval covers about 90 % in simulation, where 95 % is said."""


def icc(ratings: Iterable[Sequence[float | None]], *, kind: Kind = "2,1", cases: Labels | None = None, **options: Any) -> Estimate:
    """ICC(2,1) or ICC(3,1) of Shrout and Fleiss (Psychological Bulletin 1979;86:420); one row a thing rated, one column a rater.

    ``cases`` labels the rows where several belong to one case. ``options`` are those of ``bootstrap.of_sums``.
    """
    if kind not in ("2,1", "3,1"):
        raise MedsimError(f"The kind is '2,1' (raters give the same numbers) or '3,1' (raters order alike), given '{kind}'.")
    numbers, there = matrix(ratings)
    owners = coded(cases)[0] if cases is not None else np.arange(len(numbers))
    same_length(ratings=numbers, cases=owners)
    kept = there.all(axis=1) if numbers.size else np.zeros(len(numbers), dtype=bool)
    left_out = int((~kept).sum())
    raters = numbers.shape[1]
    if not len(numbers):
        return nothing("There is nothing to measure: no ratings are given.")
    if raters < 2:
        return nothing("One rater cannot agree or disagree: give the ratings of at least two.", left_out=left_out)
    if kept.sum() < 2:
        return nothing(
            f"At least two things rated by all {raters} raters are needed, given {int(kept.sum())}.", n=int(kept.sum()), left_out=left_out
        )
    rows = numbers[kept] - numbers[kept].mean()
    if np.ptp(rows) < 1e-12:
        return nothing("All ratings are the same, so there is no spread to agree about.", n=len(rows), left_out=left_out)
    features = np.column_stack([np.ones(len(rows)), rows.sum(axis=1) ** 2 / raters, (rows**2).sum(axis=1), rows])
    why = "The things rated do not differ, so there is no spread to agree about."
    gathered = by_case(features, owners[kept])

    def statistic(sums: Array) -> Array:
        return _correlation(sums, raters, kind)

    found = of_sums(gathered, statistic=statistic, sizes=gathered[:, 0], why=why, left_out=left_out, **options)
    return (
        found
        if found.low is None or found.n >= FEW
        else found._replace(note=f"Fewer than {FEW} cases: the interval is somewhat too narrow.")
    )


def _correlation(sums: Array, raters: int, kind: Kind) -> Array:
    """Mean squares of rows, raters and the rest, and the correlation they give; not finite where nothing varies."""
    n, between, squares, columns = sums[..., 0], sums[..., 1], sums[..., 2], sums[..., 3:]
    centre = columns.sum(-1) ** 2 / (n * raters)
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = (between - centre) / (n - 1)
        across = ((columns**2).sum(-1) / n - centre) / (raters - 1)
        rest = (squares - between - across * (raters - 1)) / ((n - 1) * (raters - 1))
        spread = rows + (raters - 1) * rest
        if kind == "2,1":
            spread = spread + raters * (across - rest) / n
        return np.where(spread > 1e-12, (rows - rest) / spread, np.nan)
