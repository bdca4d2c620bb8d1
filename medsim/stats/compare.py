"""Two agents, or several, over the same cases: the difference with its interval, and whether chance explains it.

The rule: agents are compared case by case, so that how hard a case is cancels. The interval draws whole cases again, the test turns the
sign of whole cases, and several contrasts share one error rate by Holm's method (Scandinavian Journal of Statistics 1979;6:65).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.bootstrap import CONFIDENCE, RESAMPLES, SEED, Clusters, ratio
from medsim.stats.estimate import Array, Bounds, Column, Estimate, Labels, coded, counted, read, same_length, totals

EXACT = 16
"""Up to this many units every turn of signs is counted, 65,536 of them; above it they are drawn."""
DRAWN = 20_000


class Comparison(NamedTuple):
    """One agent less another over the same cases."""

    one: str
    other: str
    difference: Estimate
    p: float | None
    """Two-sided p value of the paired permutation test; None where there is nothing to permute."""
    p_holm: float | None = None
    """The same after Holm's correction for all contrasts that were asked for together."""


def difference(
    one: Column,
    *,
    other: Column,
    groups: Labels | None = None,
    bounds: Bounds | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """The mean of one less other, case by case, with its paired bootstrap interval; one value a case, in the same order of cases.

    ``bounds`` cuts the difference and its interval at what it can be: -1 to 1 for scores from 0 to 1.
    """
    units, left_out = _differences(one, other, groups)
    found = ratio(units, left_out=left_out, bounds=bounds, confidence=confidence, resamples=resamples, seed=seed)
    if found.value is None:
        return found._replace(note="No case has a value from both agents.")
    return found


def permutation_test(one: Column, *, other: Column, groups: Labels | None = None, draws: int = DRAWN, seed: int = SEED) -> float | None:
    """Two-sided p value that chance alone gives so large a mean difference; None with no pair.

    Under no difference the sign of each case's difference is a coin's. Exact up to 16 cases (or groups), else from ``draws`` random turns,
    counting the one that was seen. On binary outcomes it is McNemar's exact test.
    """
    units, _ = _differences(one, other, groups)
    if not len(units.top):
        return None
    moved = units.top[np.abs(units.top) > 1e-12]  # a difference of 0 has no sign to turn
    return turned(moved[None, :], draws=draws, seed=seed)[0].item() if len(moved) else 1.0


def turned(differences: Array, *, draws: int = DRAWN, seed: int = SEED) -> Array:
    """p values of data sets of one length that share the turns of sign; shapes (sets, n) to (sets,)."""
    n = differences.shape[-1]
    seen = np.abs(differences.sum(-1)) * (1 - 1e-9)  # a turn that ties with what was seen counts whatever the rounding
    if n <= EXACT:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return np.asarray((np.abs(differences @ signs.T) >= seen[:, None]).mean(axis=1))
    generator = np.random.default_rng(seed)
    beyond, left = np.zeros(len(differences)), draws
    while left:
        block = min(left, 2000)
        signs = generator.integers(0, 2, size=(block, n)) * 2.0 - 1.0
        beyond += (np.abs(differences @ signs.T) >= seen[:, None]).sum(axis=1)
        left -= block
    return np.asarray((beyond + 1) / (draws + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values, in the order given; each may be held against the error rate of the whole family."""
    if any(not 0 <= p <= 1 for p in p_values):
        raise MedsimError(f"p values lie between 0 and 1, given {next(p for p in p_values if not 0 <= p <= 1)}.")
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def contrasts(
    scores: Mapping[str, Column],
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    groups: Labels | None = None,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Comparison]:
    """Compare agents pair by pair over the same cases; Holm's correction spans all pairs asked for (by default every pair).

    ``scores`` maps each agent to one value a case, all in the same order of cases; None where a case has none.
    """
    asked = list(pairs) if pairs is not None else list(combinations(scores, 2))
    unknown = [name for pair in asked for name in pair if name not in scores]
    if unknown:
        raise MedsimError(f"No agent '{unknown[0]}' among {', '.join(scores)}.")
    columns = {name: list(column) for name, column in scores.items()}
    labels = list(groups) if groups is not None else None
    found = []
    for one, other in asked:
        gap = difference(columns[one], other=columns[other], groups=labels, confidence=confidence, resamples=resamples, seed=seed)
        found.append(Comparison(one, other, gap, permutation_test(columns[one], other=columns[other], groups=labels, seed=seed)))
    tested = [row for row, comparison in enumerate(found) if comparison.p is not None]
    for row, adjusted in zip(tested, holm([found[row].p or 0.0 for row in tested]), strict=True):
        found[row] = found[row]._replace(p_holm=adjusted)
    return found


def floored(units: int, *, pairs: int, alpha: float = 0.05) -> str:
    """Say where so few cases and so many pairs leave no p value that could be small, however large the differences; empty otherwise."""
    least = 2.0 ** (1 - units)
    if units < 2 or not pairs or least * pairs <= alpha:
        return ""
    all_ = f", and corrected for {pairs} pairs not below {min(1.0, least * pairs):.2f}" if pairs > 1 else ""
    more = "name fewer agents or play more cases" if pairs > 1 else "play more cases"
    return f"With {counted(units, 'case')} no p value can fall below {least:.3f}{all_}, however large the difference: {more}."


def sentence(comparison: Comparison) -> str:
    """The comparison in words."""
    gap = comparison.difference
    if gap.value is None:
        return f"{comparison.one} and {comparison.other} cannot be compared. {gap.note}"
    told = f"{comparison.one} less {comparison.other}: {100 * gap.value:+.1f} points over {counted(gap.n, 'case')}"
    if gap.low is None or gap.high is None:
        return f"{told}. {gap.note}"
    p = comparison.p_holm if comparison.p_holm is not None else comparison.p
    chance = "" if p is None else ", p < 0.001" if p < 0.001 else f", p {p:.3f}"
    return f"{told} (interval {100 * gap.low:+.1f} to {100 * gap.high:+.1f}{chance})."


def _differences(one: Column, other: Column, groups: Labels | None) -> tuple[Clusters, int]:
    first, known_first = read(one)
    second, known_second = read(other)
    same_length(one=first, other=second)
    kept = known_first & known_second
    gaps = (first - second)[kept]
    left_out = int((~kept).sum())
    if groups is None:
        return Clusters(gaps, np.ones(len(gaps))), left_out
    listed = list(groups)
    same_length(one=first, groups=listed)
    codes, names = coded(label for label, keep in zip(listed, kept, strict=True) if keep)
    return Clusters(totals(codes, gaps, len(names)), totals(codes, np.ones(len(gaps)), len(names))), left_out
