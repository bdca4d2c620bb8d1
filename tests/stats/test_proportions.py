"""Rates of runs."""

from __future__ import annotations

from itertools import combinations
from math import sqrt

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import harm_rate, pass_at_k, pass_hat_k, pass_rate
from medsim.stats.proportions import none_seen


def test_one_trial_a_case_gives_the_interval_of_wilson() -> None:
    found = pass_rate([1] * 7 + [0] * 13, cases=range(20))
    z, p, n = 1.959964, 0.35, 20
    centre, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    assert found[:3] == pytest.approx((p, centre - half, centre + half), abs=1e-5)


def test_trials_that_agree_are_worth_no_more_than_one() -> None:
    once = pass_rate([1, 0, 1, 1, 0, 1, 0, 1, 1, 1], cases=range(10))
    thrice = pass_rate([1, 0, 1, 1, 0, 1, 0, 1, 1, 1] * 3, cases=list(range(10)) * 3)
    assert thrice.value == once.value
    assert thrice.high - thrice.low >= 0.95 * (once.high - once.low)  # type: ignore[operator]


def test_all_passed_still_has_an_interval() -> None:
    found = pass_rate([1] * 20, cases=range(20))
    assert found.high == 1
    assert 0.8 < found.low < 0.9  # type: ignore[operator]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_the_rate_over_three_trials_covers_what_it_says(share: float) -> None:
    generator, hits = np.random.default_rng(7), []
    for _ in range(400):
        passed = generator.random((20, 3)) < generator.beta(2 * share, 2 * (1 - share), 20)[:, None]
        found = pass_rate(passed.ravel().astype(int).tolist(), cases=np.repeat(np.arange(20), 3).tolist())
        hits.append(found.low <= share <= found.high)  # type: ignore[operator]
    assert 0.92 <= np.mean(hits) <= 0.985


def test_no_harm_in_a_hundred_cases_leaves_three_percent() -> None:
    found = harm_rate([0] * 100, cases=range(100))
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(0.03, abs=0.001)
    assert "rule of three" in found.note


def test_trials_of_one_case_do_not_vouch_for_others() -> None:
    found = harm_rate([0] * 100, cases=[run // 5 for run in range(100)])
    assert found.high == pytest.approx(1 - 0.05 ** (1 / 20))
    assert "100 runs of 20 cases" in found.note


def test_harm_that_was_seen_is_a_rate_like_others() -> None:
    assert harm_rate([1, 0, 0, 0], cases="abcd") == pass_rate([1, 0, 0, 0], cases="abcd")


def test_a_bound_without_cases_is_refused() -> None:
    with pytest.raises(MedsimError):
        none_seen(0)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_pass_at_k_and_pass_hat_k_are_what_drawing_k_of_the_trials_gives(k: int) -> None:
    trials = {"a": [1, 0, 1, 1, 0], "b": [0, 0, 0, 1], "c": [1, 1, 1]}
    passed, cases = [x for row in trials.values() for x in row], [name for name, row in trials.items() for _ in row]
    some = np.mean([np.mean([any(draw) for draw in combinations(row, k)]) for row in trials.values()])
    every = np.mean([np.mean([all(draw) for draw in combinations(row, k)]) for row in trials.values()])
    assert pass_at_k(passed, cases=cases, k=k).value == pytest.approx(some)
    assert pass_hat_k(passed, cases=cases, k=k).value == pytest.approx(every)


def test_a_case_with_too_few_trials_is_left_out_and_told() -> None:
    found = pass_hat_k([1, 1, 1, 0, 1], cases=["a", "a", "b", "b", "c"], k=2)
    assert (found.value, found.n) == (0.5, 2)
    assert "1 case with fewer than 2 trials" in found.note


def test_too_few_trials_everywhere_give_no_number() -> None:
    found = pass_at_k([1, 0], cases=["a", "b"], k=3)
    assert found.value is None
    assert "No case has 3 trials" in found.note


def test_no_trial_gives_no_number() -> None:
    assert pass_rate([None, None], cases="ab").value is None
    assert harm_rate([], cases=[]).value is None


def test_one_case_gives_a_rate_without_an_interval() -> None:
    assert pass_rate([1, 0], cases="aa")[:3] == (0.5, None, None)


def test_cases_that_all_pass_half_the_time_tell_no_spread() -> None:
    found = pass_rate([1, 0, 1, 0], cases="aabb")
    assert (found.value, found.low) == (0.5, None)


def test_a_score_is_not_a_verdict() -> None:
    with pytest.raises(MedsimError, match="0, 1 or None"):
        pass_rate([0.5], cases="a")


def test_k_of_zero_is_refused() -> None:
    with pytest.raises(MedsimError, match="at least 1"):
        pass_at_k([1], cases="a", k=0)


def test_cases_of_one_source_are_one_unit_of_a_rate_over_trials() -> None:
    passed, cases = [1, 1, 1, 1, 0, 1, 0, 0], list("aabbccdd")
    apart, together = (pass_hat_k(passed, cases=cases, k=2, groups=groups) for groups in (None, list("ggggcchh")))
    assert (apart.value, apart.n) == (0.5, 4)
    assert (together.value, together.n) == (0.5, 3)
