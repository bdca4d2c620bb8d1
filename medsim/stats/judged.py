"""A judge held against human labels competency by competency, and whether it may score each.

The rule: a competency in which the judge agrees with clinicians no better than kappa 0.6, or leans by more than 5 points, is reported as
not scorable, and so is one for which that cannot be told. The point estimates decide; the intervals stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from medsim.stats.accuracy import bias, macro_f1, sensitivity, specificity
from medsim.stats.agreement import cohen_kappa, krippendorff_alpha
from medsim.stats.estimate import Codes, Estimate, Labels, coded, same_length

KAPPA = 0.6
BIAS = 5.0
"""Points of 100, either way."""
ALL = "all"


class Calibration(NamedTuple):
    """How a judge's verdicts stand to the truth within one competency."""

    competency: str
    items: int
    """Items with both a truth and a verdict."""
    kappa: Estimate
    alpha: Estimate
    f1: Estimate
    sensitivity: Estimate
    specificity: Estimate
    bias: Estimate
    scorable: bool
    reason: str
    """Why it is not scorable; empty where it is."""


def calibration(truth: Iterable[Any], *, judged: Iterable[Any], cases: Labels, competencies: Labels, **options: Any) -> list[Calibration]:
    """Measure a judge within each competency, and over all items first; verdicts are 0, 1 or None, one label of each kind an item."""
    columns = [list(truth), list(judged), list(cases)]
    codes, names = coded(competencies)
    same_length(truth=columns[0], judged=columns[1], cases=columns[2], competencies=codes)
    rows = [_measured(ALL, columns, options)]
    return rows + [_measured(str(name), [_of(column, codes, place) for column in columns], options) for place, name in enumerate(names)]


def _of(column: list[Any], codes: Codes, place: int) -> list[Any]:
    return [value for value, code in zip(column, codes, strict=True) if code == place]


def _measured(competency: str, columns: list[list[Any]], options: dict[str, Any]) -> Calibration:
    truth, judged, cases = columns
    kappa = cohen_kappa(truth, second=judged, cases=cases, **options)
    lean = bias(truth, judged=judged, cases=cases, **options)
    reason = _why_not(kappa, lean)
    return Calibration(
        competency,
        len(truth) - kappa.left_out,
        kappa,
        krippendorff_alpha(list(zip(truth, judged, strict=True)), cases=cases, **options),
        macro_f1(truth, judged=judged, cases=cases, **options),
        sensitivity(truth, judged=judged, cases=cases, **options),
        specificity(truth, judged=judged, cases=cases, **options),
        lean,
        not reason,
        reason,
    )


def _why_not(kappa: Estimate, lean: Estimate) -> str:
    if kappa.value is None or lean.value is None:
        return f"Not scorable: the judge's agreement cannot be told. {kappa.note or lean.note}"
    if kappa.value < KAPPA:
        return f"Not scorable: kappa {kappa.value:.2f} is below {KAPPA}."
    if abs(lean.value) > BIAS:
        return f"Not scorable: a bias of {lean.value:+.1f} points is beyond {BIAS:g}."
    return ""
