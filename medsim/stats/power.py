"""How many cases and trials the next study needs, and the smallest difference that a study of this size supports.

The rule: the unit is the case. Two agents are compared case by case with a two-sided t test; what decides is how much their difference
varies from case to case, and how much trials of one case vary around it. More trials shrink only the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.estimate import Array, Column, Labels, coded, read, same_length, totals
from medsim.stats.quantiles import power_of_t

POWER = 0.8
ALPHA = 0.05
MOST = 1_000_000


class Spread(NamedTuple):
    """How a paired difference of two agents varies, in squared units of the score."""

    case: float
    """Variance from case to case of the true difference."""
    trial: float
    """Variance that one trial of both agents adds."""
    note: str = ""

    def sd(self, trials: int = 1) -> float:
        """Standard deviation of one case's difference when each agent plays it ``trials`` times."""
        if trials < 1:
            raise MedsimError(f"A case is played at least once, given {trials} trials.")
        return sqrt(self.case + self.trial / trials)


class Need(NamedTuple):
    """One way to plan a study."""

    trials: int
    cases: int
    encounters: int
    """Cases times trials times two agents."""


def spread(one: Column, *, cases: Labels, other: Column, other_cases: Labels) -> Spread:
    """Estimate the spread of the paired difference from two agents' scores over shared cases, one or more trials each.

    The variance of case means of the difference, less what trials put into it. With one trial a case the two cannot be told apart: all of
    it is given to the case, which plans cautiously.
    """
    first, second = _by_case(one, cases), _by_case(other, other_cases)
    shared = [case for case in first if case in second]
    if len(shared) < 2:
        raise MedsimError(f"The spread of a difference needs at least two cases that both agents played, given {len(shared)}.")
    gaps = np.array([first[case].mean() - second[case].mean() for case in shared])
    total = float(gaps.var(ddof=1))
    noise = [_pooled([agent[case] for case in shared]) for agent in (first, second)]
    if noise[0] is None or noise[1] is None:
        return Spread(
            total, 0.0, "One trial a case: spread between trials is counted as spread between cases, so more trials may need fewer cases."
        )
    carried = float(np.mean([noise[0] / len(first[case]) + noise[1] / len(second[case]) for case in shared]))
    note = "Trials alone explain the spread: that from case to case is shown as 0." if total < carried else ""
    return Spread(max(0.0, total - carried), noise[0] + noise[1], note)


def study_power(difference: float, *, sd: float, cases: int, alpha: float = ALPHA) -> float:
    """The chance to find a true mean difference in a paired t test over so many cases, ``sd`` being that of one case's difference."""
    _check(sd, alpha)
    if cases < 2:
        raise MedsimError(f"A test needs at least two cases, given {cases}.")
    return power_of_t(abs(difference) * sqrt(cases) / sd, cases - 1, alpha=alpha)


def cases_needed(difference: float, *, sd: float, power: float = POWER, alpha: float = ALPHA) -> int:
    """The fewest cases that find a true difference with the given power."""
    _check(sd, alpha)
    if not difference or not 0 < power < 1:
        raise MedsimError(f"A difference other than 0 and a power between 0 and 1 are expected, given {difference} and {power}.")
    low, high = 1, 2
    while study_power(difference, sd=sd, cases=high, alpha=alpha) < power:
        low, high = high, 2 * high
        if high > MOST:
            raise MedsimError(f"More than {MOST:,} cases would be needed to find a difference of {difference}. Look for a larger one.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if study_power(difference, sd=sd, cases=middle, alpha=alpha) >= power else (middle, high)
    return high


def smallest_difference(cases: int, *, sd: float, power: float = POWER, alpha: float = ALPHA) -> float:
    """The smallest true difference that so many cases find with the given power."""
    _check(sd, alpha)
    if cases < 2:
        raise MedsimError(f"A test needs at least two cases, given {cases}.")
    low, high = 0.0, sd
    while study_power(high, sd=sd, cases=cases, alpha=alpha) < power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if study_power(middle, sd=sd, cases=cases, alpha=alpha) >= power else (middle, high)
    return high


def plan(
    difference: float, *, spread: Spread, trials: Sequence[int] = (1, 2, 3, 5), power: float = POWER, alpha: float = ALPHA
) -> list[Need]:
    """What each number of trials would need; the fewest encounters first."""
    needs = [(count, cases_needed(difference, sd=spread.sd(count), power=power, alpha=alpha)) for count in trials]
    return sorted((Need(count, cases, 2 * count * cases) for count, cases in needs), key=lambda need: (need.encounters, need.trials))


def claim(cases: int, *, sd: float, power: float = POWER, alpha: float = ALPHA) -> str:
    """Say in plain words which differences so many cases support, in points of 100."""
    if cases < 2:
        return "One case supports no claim about a difference." if cases == 1 else "No case supports no claim."
    points = ceil(100 * smallest_difference(cases, sd=sd, power=power, alpha=alpha) - 1e-9)
    if points > 100:
        return f"{cases} cases support no claim about a difference between two agents."
    return f"{cases} cases support differences of {points} {'point' if points == 1 else 'points'} or more."


def _by_case(values: Column, cases: Labels) -> dict[object, Array]:
    numbers, there = read(values)
    labels = list(cases)
    same_length(values=numbers, cases=labels)
    codes, names = coded(label for label, keep in zip(labels, there, strict=True) if keep)
    kept = numbers[there]
    order = np.argsort(codes, kind="stable")
    parts = np.split(kept[order], np.cumsum(np.bincount(codes, minlength=len(names)))[:-1]) if len(names) else []
    return dict(zip(names, parts, strict=True))


def _pooled(groups: Sequence[Array]) -> float | None:
    """The variance within cases; None where no case has two trials."""
    codes = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    numbers = np.concatenate(groups)
    degrees = len(numbers) - len(groups)
    if degrees < 1:
        return None
    means = totals(codes, numbers, len(groups)) / np.array([len(group) for group in groups])
    return float(((numbers - means[codes]) ** 2).sum() / degrees)


def _check(sd: float, alpha: float) -> None:
    if sd <= 0 or not 0 < alpha < 1:
        raise MedsimError(f"A standard deviation above 0 and an alpha between 0 and 1 are expected, given {sd} and {alpha}.")
