"""Rates of runs: passed, passed at least once or every time in k trials, and did critical harm.

The rule: a rate is averaged within each case first, and its interval stays honest at 0 and 1, where a bootstrap has no width. One trial a
case gives Wilson's interval; else the same interval at the effective number of cases that their spread leaves (Korn and Graubard, Survey
Methodology 1998;24:193, with Wilson's in place of the exact limits). No harm at all gives the bound that the rule of three rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.bootstrap import CONFIDENCE, Clusters, clusters, grouped, ratio_error
from medsim.stats.estimate import Column, Estimate, Labels, coded, counted, nothing, read, same_length, totals
from medsim.stats.quantiles import normal, student


def pass_rate(passed: Column, *, cases: Labels, groups: Labels | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The share of runs that passed, averaged over cases; ``passed`` holds 0, 1 or None."""
    listed = _shares(passed)
    labels = list(cases)
    units, left_out = clusters(listed, cases=labels, groups=groups)
    return _interval(units, left_out=left_out, confidence=confidence)


def harm_rate(harmed: Column, *, cases: Labels, groups: Labels | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The share of runs with critical harm, averaged over cases.

    With none in n cases the upper bound is one-sided, 1 - 0.05 ** (1/n), which the rule of three rounds to 3/n. The n are cases, not runs:
    trials of one case do not vouch for the others.
    """
    listed = _shares(harmed)
    found = pass_rate(listed, cases=cases, groups=groups, confidence=confidence)
    if found.value is None or found.value > 0:
        return found
    high = none_seen(found.n, confidence=confidence)
    runs = sum(value is not None for value in listed)
    note = f"No critical harm in {counted(runs, 'run')} of {counted(found.n, 'case')}: by the rule of three the rate may still be up to {100 * high:.0f} %."
    return Estimate(0.0, 0.0, high, found.n, found.left_out, note)


def none_seen(n: int, *, confidence: float = CONFIDENCE) -> float:
    """The rate that n independent cases without an event leave possible (one-sided); about 3/n at 95 %."""
    if n < 1:
        raise MedsimError(f"At least one case is needed to bound a rate, given {n}.")
    return float(1 - (1 - confidence) ** (1 / n))


def pass_at_k(passed: Column, *, cases: Labels, k: int, groups: Labels | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The chance that at least one of k trials of a case passes: 1 - C(n-c, k)/C(n, k), unbiased from n trials with c passed."""
    return _over_trials(passed, cases=cases, k=k, groups=groups, confidence=confidence, every=False)


def pass_hat_k(passed: Column, *, cases: Labels, k: int, groups: Labels | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The chance that all k trials of a case pass (pass^k): C(c, k)/C(n, k), unbiased from n trials with c passed."""
    return _over_trials(passed, cases=cases, k=k, groups=groups, confidence=confidence, every=True)


def _over_trials(passed: Column, *, cases: Labels, k: int, groups: Labels | None, confidence: float, every: bool) -> Estimate:
    """Average the unbiased estimate of each case over the cases that have k trials."""
    if k < 1:
        raise MedsimError(f"k is the number of trials, at least 1, given {k}.")
    numbers, there = read(_shares(passed))
    labels = list(cases)
    same_length(passed=numbers, cases=labels)
    codes, names = coded(label for label, keep in zip(labels, there, strict=True) if keep)
    trials = np.bincount(codes, minlength=len(names))
    won = np.bincount(codes, weights=numbers[there], minlength=len(names)).astype(int)
    kept = [name for name, n in zip(names, trials, strict=True) if n >= k]
    pairs = [(int(n), int(c)) for n, c in zip(trials, won, strict=True) if n >= k]
    left_out = int((~there).sum())
    if not pairs:
        most = int(trials.max()) if len(trials) else 0
        return nothing(
            f"No case has {counted(k, 'trial')} that ended; the most is {most}. Run more trials or ask for a smaller k.", left_out=left_out
        )
    shares = [comb(c, k) / comb(n, k) if every else 1 - comb(n - c, k) / comb(n, k) for n, c in pairs]
    short = len(trials) - len(pairs)
    codes, size = grouped(list(kept), cases=labels, groups=groups) if groups is not None else (np.arange(len(kept)), len(kept))
    units = Clusters(totals(codes, np.array(shares), size), totals(codes, np.ones(len(shares)), size))
    found = _interval(units, left_out=left_out, confidence=confidence)
    note = f"{counted(short, 'case')} with fewer than {counted(k, 'trial')} left out. " if short else ""
    return found._replace(note=(note + found.note).strip())


def _shares(values: Column) -> Sequence[float | None]:
    """Read a column of 0, 1 or None."""
    listed = [None if value is None else float(value) for value in values]
    wrong = [value for value in listed if value not in (None, 0.0, 1.0)]
    if wrong:
        raise MedsimError(f"Each run has 0, 1 or None, given {wrong[0]}. Give a score to macro() instead.")
    return listed


def _interval(units: Clusters, *, left_out: int, confidence: float) -> Estimate:
    n = len(units.top)
    if n == 0:
        return nothing("There is nothing to count: no run has ended with a verdict.", left_out=left_out)
    value = float(units.top.sum() / units.bottom.sum())
    if n == 1:
        return Estimate(
            value, None, None, 1, left_out, "One case gives no interval: how cases differ cannot be seen in one. Run more cases."
        )
    error = float(ratio_error(units.top, bottom=units.bottom))
    if error < 1e-12 and 0 < value < 1:
        return Estimate(value, None, None, n, left_out, f"All {n} cases gave the same share, so no interval can be told from their spread.")
    low, high = share_interval(value, error=error, n=n, plain=_is_plain(units), confidence=confidence)
    return Estimate(value, low, high, n, left_out)


def _is_plain(units: Clusters) -> bool:
    """One trial a case, each case its own unit: a binomial count."""
    return bool(np.isin(units.top, (0.0, 1.0)).all() and (units.bottom == 1).all())


def share_interval(value: float, *, error: float, n: int, plain: bool = False, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's interval at the effective number of units, value (1 - value) / error squared; at 0 and 1 the number of units."""
    level = normal(0.5 + confidence / 2) if plain else student(0.5 + confidence / 2, n - 1)
    spread = value * (1 - value)
    size = float(n) if plain or spread < 1e-12 else spread / error**2
    centre = (value + level**2 / (2 * size)) / (1 + level**2 / size)
    half = level / (1 + level**2 / size) * sqrt(spread / size + level**2 / (4 * size**2))
    return max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))
