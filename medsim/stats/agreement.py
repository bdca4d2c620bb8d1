"""How far raters agree beyond chance: Cohen's and Fleiss' kappa and Krippendorff's alpha.

The rule: every measure carries an interval that draws whole cases again, because the items of one case are judged from one transcript. Where
chance agreement is complete (one class only) or there is one rater, there is no value, and the reason is given; never nan, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Literal

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.bootstrap import of_sums
from medsim.stats.estimate import Array, Codes, Estimate, Labels, coded, matrix, nothing, same_length, totals

Level = Literal["nominal", "ordinal", "interval"]
Weights = Literal["none", "linear", "quadratic"]

MOST = 60
"""Categories; a scale of more is a number, for the interval level or an intraclass correlation."""


def cohen_kappa(
    first: Iterable[Hashable], *, second: Iterable[Hashable], cases: Labels | None = None, weights: Weights = "none", **options: Any
) -> Estimate:
    """Cohen's kappa of two raters (Educational and Psychological Measurement 1960;20:37).

    One label an item from each, None where one gave none. ``weights`` other than "none" want numbers, and weigh a disagreement by the
    distance of the two numbers, or its square. ``options`` are those of ``bootstrap.of_sums``.
    """
    table, names, left_out = two_way(first, second=second, cases=cases, numeric=weights != "none")
    if not len(table):
        return nothing("No item has a label from both raters.", left_out=left_out)
    size, cost = len(names), _costs(names, weights)
    why = "Both raters use one and the same class throughout, so agreement beyond chance has no meaning."

    def statistic(sums: Array) -> Array:
        return _kappa(sums.reshape(*sums.shape[:-1], size, size), cost)

    return of_sums(table, statistic=statistic, sizes=table.sum(axis=1), why=why, left_out=left_out, **options)


def fleiss_kappa(ratings: Iterable[Sequence[Hashable]], *, cases: Labels | None = None, **options: Any) -> Estimate:
    """Fleiss' kappa of several raters (Psychological Bulletin 1971;76:378); one row an item, one label a rater, None where missing.

    Raters may change from item to item. An item with fewer than two labels is left out; with unequal numbers each item counts alike.
    """
    codes, names = _table(ratings)
    owners = _owners(cases, len(codes))
    size = len(names)
    counts = np.stack([(codes == label).sum(axis=1) for label in range(size)], axis=1).astype(float) if size else np.zeros((len(codes), 0))
    raters = counts.sum(axis=1)
    kept = raters >= 2
    left_out = int((~kept).sum())
    if not kept.any():
        return nothing("No item has labels from two raters: one rater cannot agree or disagree.", left_out=left_out)
    counts, raters = counts[kept], raters[kept]
    agreed = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    features = by_case(np.column_stack([agreed, np.ones(len(agreed)), counts]), owners[kept])

    def statistic(sums: Array) -> Array:
        observed = sums[..., 0] / sums[..., 1]
        shares = sums[..., 2:] / sums[..., 2:].sum(-1, keepdims=True)
        return beyond_chance(1 - observed, 1 - (shares**2).sum(-1))

    return of_sums(
        features,
        statistic=statistic,
        sizes=features[:, 1],
        why="All labels are of one class, so agreement beyond chance has no meaning.",
        left_out=left_out,
        **options,
    )


def krippendorff_alpha(
    ratings: Iterable[Sequence[Any]], *, level: Level = "nominal", cases: Labels | None = None, **options: Any
) -> Estimate:
    """Krippendorff's alpha of any number of raters, None where a label is missing (Computing Krippendorff's Alpha-Reliability, 2011).

    One row an item, one column a rater. ``level`` says what a difference between labels means; the ordinal and interval levels want numbers.
    An item with fewer than two labels cannot be paired and is left out.
    """
    if level not in ("nominal", "ordinal", "interval"):
        raise MedsimError(f"A level is nominal, ordinal or interval, given '{level}'.")
    rows = [list(row) for row in ratings]
    owners = _owners(cases, len(rows))
    paired = np.array([sum(label is not None for label in row) >= 2 for row in rows], dtype=bool)
    left_out = int((~paired).sum())
    if not paired.any():
        return nothing("No item has labels from two raters: one rater cannot agree or disagree.", left_out=left_out)
    kept = [row for row, keep in zip(rows, paired, strict=True) if keep]
    features, statistic = _interval(kept) if level == "interval" else _coincidences(kept, level)
    why = "All labels are the same, so agreement beyond chance has no meaning."
    sizes = by_case(np.ones((len(kept), 1)), owners[paired])[:, 0]
    return of_sums(by_case(features, owners[paired]), statistic=statistic, sizes=sizes, why=why, left_out=left_out, **options)


def two_way(
    first: Iterable[Hashable], *, second: Iterable[Hashable], cases: Labels | None, numeric: bool = False
) -> tuple[Array, list[Hashable], int]:
    """Each case's table of first by second rater, flattened; shapes (cases, labels * labels), and the labels and items left out."""
    codes, names = _table(zip(*_equal(list(first), list(second)), strict=True), numeric=numeric)
    owners = _owners(cases, len(codes))
    size = len(names)
    kept = (codes >= 0).all(axis=1) if len(codes) else np.zeros(0, dtype=bool)
    left_out = int((~kept).sum())
    if not kept.any():
        return np.zeros((0, 0)), names, left_out
    cells = np.zeros((int(kept.sum()), size * size))
    cells[np.arange(len(cells)), codes[kept, 0] * size + codes[kept, 1]] = 1
    return by_case(cells, owners[kept]), names, left_out


def by_case(features: Array, owners: Codes) -> Array:
    """Sum the items' features within each case; shapes (items, p) to (cases, p)."""
    _, codes = np.unique(owners, return_inverse=True)
    return np.stack([totals(codes, column, int(codes.max()) + 1) for column in features.T], axis=1)


def beyond_chance(observed: Array, expected: Array) -> Array:
    """1 - observed/expected disagreement; not finite where nothing is expected, so that no number stands for it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 1e-12, 1 - observed / expected, np.nan)


def _kappa(table: Array, cost: Array) -> Array:
    shares = table / table.sum((-2, -1), keepdims=True)
    chance = shares.sum(-1)[..., :, None] * shares.sum(-2)[..., None, :]
    return beyond_chance((cost * shares).sum((-2, -1)), (cost * chance).sum((-2, -1)))


def _costs(names: list[Any], weights: Weights) -> Array:
    if weights not in ("none", "linear", "quadratic"):
        raise MedsimError(f"Weights are none, linear or quadratic, given '{weights}'.")
    if weights == "none":
        return 1 - np.eye(len(names))
    scale = np.array([float(name) for name in names])
    gap = np.abs(scale[:, None] - scale[None, :])
    return gap if weights == "linear" else np.asarray(gap**2)


def _interval(rows: list[list[Any]]) -> tuple[Array, Callable[[Array], Array]]:
    """Sums from which alpha at the interval level follows without listing the values: squared differences, count, sum, sum of squares."""
    values, there = matrix(rows, what="label")
    values = np.where(there, values - values[there].mean(), 0.0)
    number, total, squares = there.sum(axis=1), values.sum(axis=1), (values**2).sum(axis=1)
    observed = 2 * (number * squares - total**2) / (number - 1)

    def statistic(sums: Array) -> Array:
        apart, count, total, squares = np.moveaxis(sums, -1, 0)
        return beyond_chance(apart / count, 2 * (count * squares - total**2) / (count * (count - 1)))

    return np.column_stack([observed, number, total, squares]), statistic


def _coincidences(rows: list[list[Any]], level: Level) -> tuple[Array, Callable[[Array], Array]]:
    codes, names = _table(rows, numeric=level == "ordinal")
    size = len(names)
    counts = np.stack([(codes == label).sum(axis=1) for label in range(size)], axis=1).astype(float)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(size)
    features = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).reshape(len(rows), size * size)

    def statistic(sums: Array) -> Array:
        table = sums.reshape(*sums.shape[:-1], size, size)
        each = table.sum(-1)
        count = each.sum(-1)
        distance = 1 - np.eye(size) if level == "nominal" else _ordinal(each)
        chance = each[..., :, None] * each[..., None, :] / (count - 1)[..., None, None]
        return beyond_chance((distance * table).sum((-2, -1)) / count, (distance * chance).sum((-2, -1)) / count)

    return features, statistic


def _ordinal(each: Array) -> Array:
    """Squared ordinal distances: how many labels lie between two ranks, the ends counted half."""
    middle = np.cumsum(each, axis=-1) - each / 2
    return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)


def _table(ratings: Iterable[Sequence[Any]], *, numeric: bool = False) -> tuple[Codes, list[Hashable]]:
    """Number the labels of a table of raters, -1 where one is missing; shape (items, raters)."""
    rows = [list(row) for row in ratings]
    if len({len(row) for row in rows}) > 1:
        raise MedsimError("Every item must have one place for each rater. Give None where a label is missing.")
    if numeric:
        matrix(rows, what="label")
    flat = [label for row in rows for label in row if label is not None]
    codes, names = coded(flat)
    if len(names) > MOST:
        raise MedsimError(
            f"{len(names)} different labels are more than the {MOST} a scale may have. Use level='interval' or icc() for numbers."
        )
    table = np.full((len(rows), len(rows[0]) if rows else 0), -1, dtype=np.intp)
    table[np.array([[label is not None for label in row] for row in rows], dtype=bool).reshape(table.shape)] = codes
    return table, names


def _owners(cases: Labels | None, items: int) -> Codes:
    if cases is None:
        return np.arange(items)
    codes, _ = coded(cases)
    same_length(items=np.arange(items), cases=codes)
    return codes


def _equal(first: list[Any], second: list[Any]) -> tuple[list[Any], list[Any]]:
    same_length(first=first, second=second)
    return first, second
