"""Ranks of several agents with intervals that hold for all of them at once.

The rule: a rank is claimed only as far as paired differences bear it. All pairwise differences get one simultaneous interval from the
bootstrap of the largest studentised difference, drawing whole cases (or groups of them); an agent ranks below those that are surely better and above those that
are surely worse (Mogstad, Romano, Shaikh and Wilhelm, Review of Economic Studies 2024;91:476).

A pair that differs by the same in every case has no spread to be studentised by. How surely the other cases are like these then rests on
their number alone, as in the rule of three (Hanley and Lippman-Hand, JAMA 1983;249:1743): were the true mean difference of scores from 0 to 1
not above 0, at most 1/(1 + d) of the cases could show d, and n cases all do with a chance of at most (1 + d)^-n. The pair is claimed where
twice that, times the number of pairs, is within the error rate; at d = 1 this is the sign test with Bonferroni's correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medsim.errors import MedsimError
from medsim.stats.bootstrap import CONFIDENCE, RESAMPLES, SEED, draws, ratio_error
from medsim.stats.estimate import Array, Codes, Column, Labels, coded, counted, read, same_length, totals

FEWEST = 5
"""With fewer cases nothing is claimed: every rank stays possible."""


class Rank(NamedTuple):
    """The ranks one agent may hold; 1 is the best."""

    agent: str
    mean: float
    rank: int
    best: int
    worst: int


def ranks(
    scores: Mapping[str, Column],
    *,
    groups: Labels | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> tuple[list[Rank], str]:
    """Rank agents by their mean over the cases that all have a value for, best first, with a sentence on what was left out.

    ``scores`` maps each agent to one value a case, in the same order of cases; ``groups`` labels the cases. With the given confidence all intervals hold together.
    """
    if not scores:
        raise MedsimError("There is no agent to rank. Give at least one.")
    read_in = {name: read(column) for name, column in scores.items()}
    same_length(**{name: numbers for name, (numbers, _) in read_in.items()})
    kept = np.logical_and.reduce([there for _, there in read_in.values()])
    table = np.stack([numbers[kept] for numbers, _ in read_in.values()], axis=1)
    if not len(table):
        raise MedsimError("No case has a value from every agent, so they cannot be ranked. Run all agents over the same cases.")
    codes = _groups(groups, kept)
    found = placed(table, groups=codes, confidence=confidence, resamples=resamples, seed=seed)
    names, means = list(read_in), table.mean(axis=0)
    rank = [1 + int((means > mean + 1e-12).sum()) for mean in means]
    rows = [Rank(name, float(means[i]), rank[i], int(found.best[i]), int(found.worst[i])) for i, name in enumerate(names)]
    open_ = [f"{names[i]} and {names[j]}" for i, j in found.open]
    units = len(table) if codes is None else int(codes.max()) + 1
    return sorted(rows, key=lambda row: (row.rank, row.agent)), _note(len(table), int((~kept).sum()), units, open_, found.pairs)


def _groups(groups: Labels | None, kept: NDArray[np.bool_]) -> Codes | None:
    """The group of each case that is kept."""
    if groups is None:
        return None
    labels = list(groups)
    same_length(cases=kept, groups=labels)
    return coded(label for label, keep in zip(labels, kept, strict=True) if keep)[0]


class Placed(NamedTuple):
    """The ranks that agents may hold, as columns of a table have them."""

    best: Array
    worst: Array
    open: list[tuple[int, int]]
    """Pairs that differ, by the same in every case, and by too few cases to claim it."""
    pairs: int
    """Pairs that share the error rate."""


def bounds(
    table: Array, *, groups: Codes | None = None, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[Array, Array]:
    """The best and the worst rank of each agent; ``table`` is (cases, agents), the higher the better; ``groups`` codes its rows."""
    found = placed(table, groups=groups, confidence=confidence, resamples=resamples, seed=seed)
    return found.best, found.worst


def placed(
    table: Array, *, groups: Codes | None = None, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = SEED
) -> Placed:
    """The same, with the pairs that stay open because they differ by the same in every case."""
    agents = table.shape[1]
    codes = np.arange(len(table)) if groups is None else groups
    sizes = np.bincount(codes).astype(np.float64)
    if len(sizes) < FEWEST or agents < 2:
        return Placed(np.ones(agents), np.full(agents, float(agents)), [], 0)
    left, right = np.triu_indices(agents, 1)
    gaps = np.stack([totals(codes, table[:, i] - table[:, j], len(sizes)) for i, j in zip(left, right, strict=True)], axis=1)
    means, errors = gaps.sum(axis=0) / sizes.sum(), ratio_error(gaps.T, bottom=sizes)
    told = errors > 1e-12  # a pair that differs by the same in every case has no spread to judge it by
    sure = np.zeros(len(left))
    if told.any():
        limit = _limit(gaps[:, told], sizes, means[told], confidence=confidence, resamples=resamples, seed=seed)
        sure[told] = np.sign(means[told]) * (np.abs(means[told]) > limit * errors[told])
    if (sizes == 1).all() and table.min() >= 0 and table.max() <= 1:
        chance = 2 * len(left) * (1 + np.abs(means)) ** -float(len(sizes))
        sure[~told] = np.sign(means[~told]) * (chance[~told] <= 1 - confidence + 1e-12)
    better, worse = np.zeros(agents), np.zeros(agents)
    for i, j, sign in zip(left, right, sure, strict=True):
        winner, loser = (i, j) if sign > 0 else (j, i)
        worse[winner] += sign != 0
        better[loser] += sign != 0
    still = [(int(left[at]), int(right[at])) for at in np.flatnonzero(~told & (sure == 0) & (np.abs(means) > 1e-12))]
    return Placed(1 + better, agents - worse, still, len(left))


def _limit(gaps: Array, sizes: Array, means: Array, *, confidence: float, resamples: int, seed: int) -> float:
    """The quantile of the largest studentised difference over resamples of units; ``gaps`` is (units, pairs), ``sizes`` (units,)."""
    units, largest = len(gaps), []
    for draw in draws(units, resamples=resamples, seed=seed):
        weight = (draw @ sizes)[:, None]
        again = draw @ gaps / weight
        rest = draw @ gaps**2 - 2 * again * (draw @ (gaps * sizes[:, None])) + again**2 * (draw @ sizes**2)[:, None]
        errors = np.sqrt(np.maximum(rest, 0) * units / (units - 1)) / weight
        off = np.abs(again - means)
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.where(off < 1e-12, 0.0, off / errors)
        largest.append(scaled.max(axis=1))
    ordered = np.sort(np.concatenate(largest))  # endless where a resample has no spread, so no value between two is taken
    return float(ordered[min(ceil(confidence * len(ordered)), len(ordered) - 1)])


def _note(cases: int, left_out: int, units: int, still: list[str], pairs: int) -> str:
    parts = [f"{left_out} of {cases + left_out} cases left out: not every agent has a value."] if left_out else []
    if units < FEWEST:
        parts.append(f"With {counted(units, 'independent case')}, fewer than {FEWEST}, every rank stays possible.")
    if still:
        named = "; ".join(still[:3]) + (f"; {len(still) - 3} more pairs" if len(still) > 3 else "")
        parts.append(
            f"Not used for the ranks: {named}. They differ by the same in every case, so there is no spread to judge by, "
            f"and {units} cases are too few to show by their number alone that others are alike ({counted(pairs, 'pair')} to be right about at once)."
        )
    return " ".join(parts)
