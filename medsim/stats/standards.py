"""Where the pass mark lies: modified Angoff before there are runs, borderline regression once there are enough.

The rule: a mark from judgement alone is provisional and says so; a mark from regression is refused until at least 30 rated runs bear it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.bootstrap import CONFIDENCE
from medsim.stats.estimate import Column, counted, matrix, read, same_length
from medsim.stats.quantiles import student

RATERS = 3
RUNS = 30


class PassMark(NamedTuple):
    """A pass mark as a share of the points; None where it cannot be set, and then ``note`` says why."""

    mark: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    provisional: bool = True
    n: int = 0
    """Raters, or rated runs."""
    r_squared: float | None = None
    rmse: float | None = None
    note: str = ""


def angoff(
    estimates: Iterable[Sequence[float | None]], *, points: Sequence[float] | None = None, confidence: float = CONFIDENCE
) -> PassMark:
    """The modified Angoff mark: what share of the points raters expect of a doctor who only just deserves to pass.

    One row a rater, one column an item: the chance, 0 to 1, that a borderline doctor meets it, from the last round of rating. ``points``
    weigh the items. The interval is over raters. At least three clinicians are expected; every rater must have rated every item.
    """
    chances, there = matrix(estimates, what="estimate")
    raters, items = chances.shape
    weights = np.ones(items) if points is None else read(points, what="number of points")[0]
    same_length(items=chances.T, points=weights)
    wrong = chances[there & ((chances < 0) | (chances > 1))]
    if len(wrong):
        raise MedsimError(f"An estimate is a chance between 0 and 1, given {wrong[0]}. Divide percentages by 100.")
    if raters < RATERS or not there.all():
        short = (
            f"{counted(raters, 'rater')} given, at least {RATERS} expected"
            if raters < RATERS
            else "a rater left an item without an estimate"
        )
        return PassMark(None, method="modified Angoff", n=raters, note=f"No mark: {short}.")
    if (weights <= 0).any() or not items:
        raise MedsimError("The items that a pass mark is set over have points above 0: harm is not expected of a borderline doctor.")
    marks = chances @ weights / weights.sum()
    mark = float(marks.mean())
    margin = student(0.5 + confidence / 2, raters - 1) * float(marks.std(ddof=1)) / np.sqrt(raters)
    note = f"Provisional: the judgement of {raters} raters, whose own marks run from {marks.min():.2f} to {marks.max():.2f}; no run bears on it yet."
    return PassMark(mark, max(0.0, mark - margin), min(1.0, mark + margin), "modified Angoff", True, raters, note=note)


def borderline_regression(scores: Column, *, ratings: Column, borderline: float, confidence: float = CONFIDENCE) -> PassMark:
    """The score that regression on the global rating predicts for a borderline run.

    One checklist score and one global rating (1 to 5, say) a run; ``borderline`` is the rating that stands for it. Refused with fewer than
    30 rated runs, where no run lies on one side of borderline, or where the score does not rise with the rating. The interval is that of
    the regression line at borderline.
    """
    method = "borderline regression"
    score, scored = read(scores, what="score")
    rating, rated = read(ratings, what="rating")
    same_length(scores=score, ratings=rating)
    y, x = score[scored & rated], rating[scored & rated]
    n = len(y)
    if n < RUNS:
        return PassMark(
            None,
            method=method,
            n=n,
            note=f"No mark: {n} rated runs, at least {RUNS} expected. Rate more runs; until then use modified Angoff.",
        )
    if x.min() >= borderline or x.max() <= borderline:
        return PassMark(
            None,
            method=method,
            n=n,
            note=f"No mark: ratings run from {x.min():g} to {x.max():g}, and must lie on both sides of {borderline:g}.",
        )
    across = float(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / across
    if slope <= 0:
        return PassMark(
            None,
            method=method,
            n=n,
            note="No mark: the score does not rise with the global rating, so the checklist and the raters disagree.",
        )
    mark = float(y.mean() + slope * (borderline - x.mean()))
    rest = y - y.mean() - slope * (x - x.mean())
    rmse = float(np.sqrt((rest**2).sum() / (n - 2)))
    margin = student(0.5 + confidence / 2, n - 2) * rmse * float(np.sqrt(1 / n + (borderline - x.mean()) ** 2 / across))
    explained = 1 - float((rest**2).sum() / ((y - y.mean()) ** 2).sum())
    return PassMark(mark, mark - margin, mark + margin, method, False, n, explained, rmse)
