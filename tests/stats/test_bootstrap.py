"""Means over cases with their intervals."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import case_means, macro, micro

CASES = ["a", "a", "a", "b", "c", "c"]
SCORES = [1.0, 0.0, 0.5, 0.2, 0.9, 0.7]


def test_a_case_with_many_trials_counts_once() -> None:
    assert macro(SCORES, cases=CASES).value == pytest.approx((0.5 + 0.2 + 0.8) / 3)


def test_micro_pools_items() -> None:
    found = micro([3, 1, 10], possible=[4, 4, 12], cases=["a", "b", "c"])
    assert found.value == pytest.approx(14 / 20)


def test_the_interval_holds_the_mean() -> None:
    found = macro(SCORES, cases=CASES)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high  # type: ignore[operator]


def test_the_order_of_rows_changes_nothing() -> None:
    rows = list(zip(SCORES, CASES, strict=True))
    random.Random(1).shuffle(rows)
    shuffled = macro([score for score, _ in rows], cases=[case for _, case in rows])
    assert np.allclose(np.array(shuffled[:3], dtype=float), np.array(macro(SCORES, cases=CASES)[:3], dtype=float))


def test_what_has_no_score_is_left_out_and_counted() -> None:
    found = macro([0.4, None, 0.6, None], cases=["a", "a", "b", "c"])
    assert found.value == pytest.approx(0.5)
    assert (found.n, found.left_out) == (2, 2)


def test_one_case_has_a_mean_and_a_sentence_in_place_of_an_interval() -> None:
    found = macro([0.4, 0.6], cases=["a", "a"])
    assert (found.value, found.low, found.high) == (0.5, None, None)
    assert "One case" in found.note


def test_no_case_has_no_mean() -> None:
    for found in (macro([], cases=[]), macro([None], cases=["a"]), micro([None], possible=[3], cases=["a"])):
        assert found.value is None
        assert "nothing to average" in found.note


def test_equal_cases_tell_no_spread() -> None:
    found = macro([1.0] * 20, cases=range(20))
    assert (found.value, found.low) == (1.0, None)
    assert "same value" in found.note


def test_few_cases_say_so_and_give_a_wide_interval() -> None:
    few = macro([0.2, 0.8, 0.5], cases="abc")
    many = macro([0.2, 0.8, 0.5] * 10, cases=range(30))
    assert "Only 3" in few.note
    assert few.high - few.low > 3 * (many.high - many.low)  # type: ignore[operator]


def test_bounds_cut_the_interval_at_what_a_score_can_be() -> None:
    scores = [0.98, 1.0, 0.7, 1.0]
    assert macro(scores, cases="abcd").high > 1  # type: ignore[operator]
    assert macro(scores, cases="abcd", bounds=(0, 1)).high == 1


def test_a_group_is_drawn_whole() -> None:
    scores = [0.1, 0.12, 0.09, 0.9, 0.88, 0.91]
    apart = macro(scores, cases=range(6))
    together = macro(scores, cases=range(6), groups=[0, 0, 0, 1, 1, 1])
    assert together.value == apart.value
    assert together.n == 2
    assert together.high - together.low > apart.high - apart.low  # type: ignore[operator]


def test_a_case_in_two_groups_is_refused() -> None:
    with pytest.raises(MedsimError, match="two groups"):
        macro([0.1, 0.2, 0.3], cases=["a", "a", "b"], groups=["g", "h", "h"])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(bad: float) -> None:
    with pytest.raises(MedsimError, match="finite number or None"):
        macro([0.5, bad], cases=["a", "b"])


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(MedsimError, match="one length"):
        macro([0.5, 0.1], cases=["a"])


def test_text_in_place_of_a_number_is_refused_in_a_sentence() -> None:
    with pytest.raises(MedsimError, match="must be a number"):
        macro(["good"], cases=["a"])  # type: ignore[list-item]


def test_a_value_without_a_case_is_refused() -> None:
    with pytest.raises(MedsimError, match="label is missing"):
        macro([0.5, 0.1], cases=["a", None])


def test_case_means_name_their_cases() -> None:
    names, means, left_out = case_means([1, 0, None], cases=["b", "a", "a"])
    assert (names, means.tolist(), left_out) == (["a", "b"], [0.0, 1.0], 1)


def test_scipy_is_loaded_for_the_power_of_a_study_and_for_no_interval() -> None:
    program = (
        "import sys; from medsim import stats; from medsim.stats.power import study_power\n"
        "loaded = lambda: any(name.split('.')[0] == 'scipy' for name in sys.modules)\n"
        "stats.macro([0.2, 0.9], cases=['a', 'b']); print(loaded()); study_power(0.1, sd=0.2, cases=10); print(loaded())"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(("cases", "wider"), [(9, True), (10, False)])
def test_with_fewer_than_ten_cases_the_wider_of_two_intervals_is_given(cases: int, wider: bool) -> None:
    """One case in which something happened: no resample is below nought, and the interval of Student's t is."""
    found = macro([1.0, *[0.0] * (cases - 1)], cases=list(range(cases)))
    assert found.low is not None
    assert (found.low < 0) == wider
