"""A judge held against the truth."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import bias, macro_f1, sensitivity, specificity

TRUTH = [1] * 40 + [0] * 20
JUDGED = [1] * 34 + [0] * 6 + [0] * 15 + [1] * 5
CASES = [place % 12 for place in range(60)]


def test_the_measures_are_their_definitions() -> None:
    assert sensitivity(TRUTH, judged=JUDGED, cases=CASES).value == pytest.approx(34 / 40)
    assert specificity(TRUTH, judged=JUDGED, cases=CASES).value == pytest.approx(15 / 20)
    assert bias(TRUTH, judged=JUDGED, cases=CASES).value == pytest.approx(100 * (39 - 40) / 60)
    met, unmet = 2 * 34 / (2 * 34 + 5 + 6), 2 * 15 / (2 * 15 + 6 + 5)
    assert macro_f1(TRUTH, judged=JUDGED, cases=CASES).value == pytest.approx((met + unmet) / 2)


@pytest.mark.parametrize("measure", [sensitivity, specificity, bias, macro_f1])
def test_every_measure_has_an_interval_around_it(measure) -> None:  # type: ignore[no-untyped-def]
    found = measure(TRUTH, judged=JUDGED, cases=CASES)
    assert found.low < found.value < found.high
    assert found.n == 12


def test_a_judge_too_kind_has_a_bias_above_zero() -> None:
    assert bias([0, 0, 1, 1], judged=[1, 0, 1, 1]).value == pytest.approx(25)


def test_without_its_class_a_measure_has_no_value_and_says_so() -> None:
    found = sensitivity([0, 0], judged=[0, 1])
    assert found.value is None
    assert "No item is truly met" in found.note
    assert "No item is truly unmet" in specificity([1, 1], judged=[0, 1]).note
    assert "all of one class" in macro_f1([1, 1], judged=[1, 1]).note


def test_unknown_verdicts_are_left_out_and_counted_never_taken_as_unmet() -> None:
    found = sensitivity([1, 1, 1, 0], judged=[1, None, 1, 0])
    assert (found.value, found.left_out) == (1.0, 1)


def test_a_judge_never_seen_to_miss_keeps_an_interval() -> None:
    found = sensitivity([1] * 30, judged=[1] * 30)
    assert found.high == 1
    assert 0.85 < found.low < 0.95  # type: ignore[operator]


def test_nothing_labelled_has_no_value() -> None:
    for measure in (sensitivity, specificity, bias, macro_f1):
        assert measure([], judged=[]).value is None
        assert measure([1, None], judged=[None, 0]).value is None


def test_macro_f1_of_three_classes_averages_them() -> None:
    truth, judged = ["a", "a", "b", "c"], ["a", "b", "b", "c"]
    assert macro_f1(truth, judged=judged).value == pytest.approx(np.mean([2 / 3, 2 / 3, 1]))


def test_a_scale_is_no_verdict() -> None:
    with pytest.raises(MedsimError, match="met \\(1\\), unmet \\(0\\)"):
        bias([1, 3], judged=[1, 0])
