"""A score of signed points corrected for a judge that errs: Rogan and Gladen's correction, item by item, carried to the score.

The rule: what the judge did not decide is not corrected. The judge's sensitivity and specificity come from labelled items, and the labelled
and the judged cases are drawn again together, so that the interval holds what is not known of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from medsim.stats.accuracy import four_cells
from medsim.stats.bootstrap import CONFIDENCE, RESAMPLES, SEED, case_means, draws, widened
from medsim.stats.correction import FEWEST, WEAKEST, Labelled
from medsim.stats.estimate import Array, Estimate, Labels, confined, counted, nothing


class Parts(NamedTuple):
    """Scores taken apart: one place an encounter, all as shares of its possible points."""

    fixed: Sequence[float]
    """Earned by items that the judge did not decide."""
    judged: Sequence[float]
    """Earned by items that the judge decided."""
    weight: Sequence[float]
    """What those would earn, were all of them met."""
    worst: Sequence[float]
    """What those would earn at worst: every harm met and nothing else."""


def rogan_gladen_score(
    parts: Parts,
    *,
    cases: Labels,
    labelled: Labelled,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """The mean over cases of scores in which each judged verdict m is replaced by (m + specificity - 1) / (sensitivity + specificity - 1).

    That is the item's expected true verdict where the judge errs on all items alike (American Journal of Epidemiology 1978;107:71).
    """
    features, known, left_out = _joined(parts, list(cases), labelled)
    total, n = features.sum(axis=0), int(features[:, 3].sum())
    if reason := _too_little(total, int(known.sum())):
        return nothing(reason, n=n, left_out=left_out)
    bounds = _bounds(parts, list(cases))
    sum_alone = float(_mended(total))
    value = confined(sum_alone, bounds)
    note = (
        f"The uncorrected sum gives {sum_alone:.3f}, outside {bounds[0]:.3g} to {bounds[1]:.3g}: the judge does worse or better here than on the "
        "labelled items."
        if value != sum_alone
        else ""
    )
    replicates = np.sum(
        [
            np.concatenate([draw @ part for draw in draws(len(part), resamples=resamples, seed=seed + place)])
            for place, part in enumerate((features[known], features[~known]))
            if len(part)
        ],
        axis=0,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where((_gain(replicates) > 0) & (replicates[:, 3] > 0), _mended(replicates), np.nan)
    values = values[np.isfinite(values)]
    if len(values) < 0.975 * resamples:
        return Estimate(
            value, None, None, n, left_out, "No interval: in too many resamples the judge is no better than chance. Label more items."
        )
    low, high = widened(values, n=max(2, min(int(known.sum()), n)), confidence=confidence)
    return Estimate(value, confined(float(low), bounds), confined(float(high), bounds), n, left_out, note)


def _bounds(parts: Parts, cases: list[object]) -> tuple[float, float]:
    """The least and the most that the mean over cases can be."""
    worst = [fixed + worst for fixed, worst in zip(parts.fixed, parts.worst, strict=True)]
    best = [fixed + weight - worst for fixed, weight, worst in zip(parts.fixed, parts.weight, parts.worst, strict=True)]
    least, most = (float(np.mean(case_means(column, cases=cases)[1])) for column in (worst, best))
    return least, min(1.0, most)


def _joined(parts: Parts, cases: list[object], labelled: Labelled) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.bool_]], int]:
    """One row a case: mean fixed, judged and weight, 1 if it has a score, four calibration counts; and which cases are labelled."""
    columns = [case_means(list(column), cases=cases) for column in parts[:3]]
    truth, verdicts, owners = (list(column) for column in labelled)
    both = [(t, j, c) for t, j, c in zip(truth, verdicts, owners, strict=True) if t is not None and j is not None]
    where, _, _ = case_means([1.0] * len(both), cases=[c for _, _, c in both])
    counts, _ = four_cells([t for t, _, _ in both], judged=[j for _, j, _ in both], cases=[c for _, _, c in both])
    names = columns[0][0]
    places = {name: place for place, name in enumerate(dict.fromkeys([*names, *where]))}
    features, known = np.zeros((len(places), 8)), np.zeros(len(places), dtype=bool)
    at, on = [places[name] for name in names], [places[name] for name in where]
    for column, (_, means, _) in enumerate(columns):
        features[at, column] = means
    features[at, 3] = 1.0
    if on:
        features[on, 4:], known[on] = counts, True
    return features, known, len(truth) - len(both)


def _too_little(total: Array, labelled: int) -> str:
    if not total[3]:
        return "No encounter has a score to correct."
    if labelled < FEWEST:
        return f"{counted(labelled, 'labelled case')} of at least {FEWEST}: too few to correct by."
    if not total[4] + total[5] or not total[6] + total[7]:
        return "The labels hold one class only: label items that are truly met and items that are truly unmet."
    if (gain := float(_gain(total))) < WEAKEST:
        return f"Sensitivity and specificity add up to {gain + 1:.2f}: no better than chance, so nothing can be corrected by it."
    return ""


def _gain(sums: Array) -> Array:
    return np.asarray(sums[..., 4] / (sums[..., 4] + sums[..., 5]) + sums[..., 6] / (sums[..., 6] + sums[..., 7]) - 1)


def _mended(sums: Array) -> Array:
    specific = sums[..., 6] / (sums[..., 6] + sums[..., 7])
    return np.asarray((sums[..., 0] + (sums[..., 1] + (specific - 1) * sums[..., 2]) / _gain(sums)) / sums[..., 3])
