"""Scores corrected for a judge whose faults are known from labelled items, with what is not known of them carried through.

The rule: a correction never makes a score look surer than the labels allow. The labelled and the judged cases are drawn again together, case
by case, so that a case in both is counted once. A judge no better than a coin gives no correction, only the reason.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.accuracy import four_cells
from medsim.stats.bootstrap import CONFIDENCE, RESAMPLES, SEED, case_means, draws, widened
from medsim.stats.estimate import Array, Column, Estimate, Labels, confined, nothing
from medsim.stats.quantiles import student

WEAKEST = 0.1
"""Sensitivity plus specificity less one; below it the correction divides by next to nothing."""
FEWEST = 5
"""Labelled cases; with fewer the judge's faults are not known well enough to correct by."""


class Labelled(NamedTuple):
    """Items with a human verdict beside the judge's: columns of 0, 1 (scores for ``ppi_mean``) or None, and each item's case."""

    truth: Iterable[Any]
    judged: Iterable[Any]
    cases: Iterable[Hashable]


def rogan_gladen(
    judged: Column,
    *,
    cases: Labels,
    labelled: Labelled,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """The true share of met items, averaged over cases, from the judged share and the judge's sensitivity and specificity.

    (share + specificity - 1) / (sensitivity + specificity - 1) (American Journal of Epidemiology 1978;107:71), held within 0 and 1.
    ``judged`` are the judge's verdicts to be corrected, ``labelled`` the calibration items.
    """
    features, known, left_out = _joined(judged, list(cases), labelled)
    total = features.sum(axis=0)
    reason = _too_little(total, int(known.sum()))
    if reason:
        return nothing(reason, n=int((features[:, 1] > 0).sum()), left_out=left_out)
    gain = _gain(total)
    if gain < WEAKEST:
        return nothing(
            f"Sensitivity and specificity add up to {gain + 1:.2f}: no better than chance, so nothing can be corrected by it.",
            left_out=left_out,
        )
    replicates = []
    for chosen in _drawn(features, known, resamples=resamples, seed=seed):
        with np.errstate(divide="ignore", invalid="ignore"):
            replicates.append(np.where(_gain(chosen) > 0, _corrected(chosen), np.nan))
    values = np.concatenate(replicates)
    values = values[np.isfinite(values)]
    value, n = float(_corrected(total)), int((features[:, 1] > 0).sum())
    held = confined(value, (0.0, 1.0))
    note = (
        f"The uncorrected sum gives {value:.3f}, outside 0 to 1: the judge does worse or better here than on the labelled items."
        if held != value
        else ""
    )
    if len(values) < 0.975 * resamples:
        return Estimate(
            held, None, None, n, left_out, "No interval: in too many resamples the judge is no better than chance. Label more items."
        )
    low, high = widened(values, n=min(int(known.sum()), n) if n > 1 else int(known.sum()), confidence=confidence)
    return Estimate(held, confined(float(low), (0.0, 1.0)), confined(float(high), (0.0, 1.0)), n, left_out, note)


def ppi_mean(judged: Column, *, cases: Labels, labelled: Labelled, weight: float | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The mean true score over cases, by prediction-powered inference: the judge's mean, mended by what the labels show it to miss.

    weight * mean(judge) + mean(truth - weight * judge on the labelled); the weight that makes the error least is found from the data and
    kept within 0 and 1 (Angelopoulos and others, Science 2023;382:669 and arXiv 2311.01453). 0 uses the labels alone. Needs no model of the
    judge's faults and holds for scores as for verdicts. Standard errors are by case; a labelled case may be among the judged.
    """
    names, means, left_out = case_means(judged, cases=cases)
    truth, theirs, owners = (list(column) for column in labelled)
    if not len(truth) == len(theirs) == len(owners):
        raise MedsimError(
            f"One truth, verdict and case for each labelled item is expected, given {len(truth)}, {len(theirs)} and {len(owners)}."
        )
    both = [(t, j, c) for t, j, c in zip(truth, theirs, owners, strict=True) if t is not None and j is not None]
    left_out += len(truth) - len(both)
    where, true_means, _ = case_means([t for t, _, _ in both], cases=[c for _, _, c in both])
    _, judge_means, _ = case_means([j for _, j, _ in both], cases=[c for _, _, c in both])
    if not len(means) or len(where) < FEWEST:
        reason = (
            f"{len(where)} labelled cases are too few to correct by: at least {FEWEST} are needed."
            if len(means)
            else "No case has a verdict to correct."
        )
        return nothing(reason, n=len(means), left_out=left_out)
    steady, moving = _influence(names, means, where, true_means, judge_means)
    best = -float((steady * moving).sum() / (moving**2).sum()) if (moving**2).sum() > 1e-18 else 0.0
    used = confined(best, (0.0, 1.0)) if weight is None else weight
    value = float(true_means.mean() + used * (means.mean() - judge_means.mean()))
    error = float(np.sqrt(((steady + used * moving) ** 2).sum() * len(where) / (len(where) - 1)))
    if error < 1e-12:
        return Estimate(value, None, None, len(means), left_out, "No interval: the cases do not differ.")
    margin = student(0.5 + confidence / 2, len(where) - 1) * error
    note = f"Judge's verdicts weigh {used:.2f}; {len(where)} labelled cases."
    return Estimate(value, value - margin, value + margin, len(means), left_out, note)


def _influence(names: list[object], means: Array, where: list[object], truth: Array, judge: Array) -> tuple[Array, Array]:
    """Each case's part in the estimate: what stands whatever the weight, and what the weight multiplies; shapes (cases,)."""
    places = {name: place for place, name in enumerate(dict.fromkeys([*names, *where]))}
    steady, moving = np.zeros(len(places)), np.zeros(len(places))
    at, on = [places[name] for name in names], [places[name] for name in where]
    moving[at] += (means - means.mean()) / len(means)
    moving[on] -= (judge - judge.mean()) / len(where)
    steady[on] += (truth - truth.mean()) / len(where)
    return steady, moving


def _joined(judged: Column, cases: list[Hashable], labelled: Labelled) -> tuple[Array, np.ndarray[Any, np.dtype[np.bool_]], int]:
    """One row a case: its judged share, 1 if it has one, and its four calibration counts; and which cases are labelled."""
    names, means, left_out = case_means(judged, cases=cases)
    truth, verdicts, owners = (list(column) for column in labelled)
    both = [(t, j, c) for t, j, c in zip(truth, verdicts, owners, strict=True) if t is not None and j is not None]
    where, _, _ = case_means([1.0] * len(both), cases=[c for _, _, c in both])
    counts, _ = four_cells([t for t, _, _ in both], judged=[j for _, j, _ in both], cases=[c for _, _, c in both])
    places = {name: place for place, name in enumerate(dict.fromkeys([*names, *where]))}
    features, known = np.zeros((len(places), 6)), np.zeros(len(places), dtype=bool)
    at, on = [places[name] for name in names], [places[name] for name in where]
    features[at, 0], features[at, 1] = means, 1.0
    if on:
        features[on, 2:], known[on] = counts, True
    return features, known, left_out + len(truth) - len(both)


def _too_little(total: Array, labelled: int) -> str:
    if total[1] == 0:
        return "No case has a verdict to correct."
    if labelled < FEWEST:
        return f"{labelled} labelled cases are too few to correct by: at least {FEWEST} are needed."
    if total[2] + total[3] == 0 or total[4] + total[5] == 0:
        return "The labels hold one class only: label items that are truly met and items that are truly unmet."
    return ""


def _gain(sums: Array) -> Array:
    return np.asarray(sums[..., 2] / (sums[..., 2] + sums[..., 3]) + sums[..., 4] / (sums[..., 4] + sums[..., 5]) - 1)


def _corrected(sums: Array) -> Array:
    share, specific = sums[..., 0] / sums[..., 1], sums[..., 4] / (sums[..., 4] + sums[..., 5])
    return np.asarray((share + specific - 1) / _gain(sums))


def _drawn(features: Array, known: np.ndarray[Any, np.dtype[np.bool_]], *, resamples: int, seed: int) -> list[Array]:
    """Sums over cases drawn again, the labelled and the others apart, so that every draw has as many of each; blocks of shape (block, 6)."""
    parts = [features[known], features[~known]]
    sums = [
        np.concatenate([draw @ part for draw in draws(len(part), resamples=resamples, seed=seed + place)])
        for place, part in enumerate(parts)
        if len(part)
    ]
    return [np.sum(sums, axis=0)]
