"""How large the next study must be."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import Spread, cases_needed, claim, plan, smallest_difference, spread, study_power
from medsim.stats.quantiles import student


@pytest.mark.parametrize("gap", [0.05, 0.1, 0.2])
def test_the_cases_needed_find_the_difference_as_often_as_said(gap: float) -> None:
    cases = cases_needed(gap, sd=0.15)
    drawn = np.random.default_rng(cases).normal(gap, 0.15, (20_000, cases))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / np.sqrt(cases))
    found = np.mean(np.abs(t) > student(0.975, cases - 1))
    assert found == pytest.approx(study_power(gap, sd=0.15, cases=cases), abs=0.012)
    assert 0.79 <= found <= 0.87


@pytest.mark.parametrize(("gap", "sd", "cases"), [(0.02, 0.15, 442), (0.05, 0.15, 71), (0.02, 0.25, 1227), (0.1, 0.25, 50)])
def test_large_studies_need_what_the_normal_formula_says_and_a_case_or_two_for_the_t(gap: float, sd: float, cases: int) -> None:
    assert cases <= cases_needed(gap, sd=sd) <= cases + 2


def test_one_case_fewer_is_too_few() -> None:
    cases = cases_needed(0.07, sd=0.2)
    assert study_power(0.07, sd=0.2, cases=cases) >= 0.8 > study_power(0.07, sd=0.2, cases=cases - 1)


def test_the_smallest_difference_is_the_converse() -> None:
    for cases in (2, 20, 300):
        gap = smallest_difference(cases, sd=0.15)
        assert study_power(gap, sd=0.15, cases=cases) == pytest.approx(0.8, abs=1e-6)
        assert cases_needed(gap * 1.0001, sd=0.15) <= cases


def test_power_stays_a_probability_far_out() -> None:
    assert study_power(10, sd=0.1, cases=1000) == 1
    assert study_power(0, sd=0.1, cases=30) == pytest.approx(0.05, abs=1e-6)


def test_the_claim_is_in_plain_words() -> None:
    assert claim(20, sd=0.15) == "20 cases support differences of 10 points or more."
    assert claim(1, sd=0.15) == "One case supports no claim about a difference."
    assert "support no claim" in claim(2, sd=0.3)


def trials(generator: np.random.Generator, cases: int, count: int, shift: float) -> tuple[list[float], list[int]]:
    own = generator.normal(shift, 0.1, cases)
    values = own[:, None] + generator.normal(0, 0.2, (cases, count))
    return values.ravel().tolist(), np.repeat(np.arange(cases), count).tolist()


def test_the_spread_between_cases_is_told_from_that_between_trials() -> None:
    generator = np.random.default_rng(1)
    found = []
    for _ in range(100):
        (one, cases), (other, others) = trials(generator, 30, 3, 0.6), trials(generator, 30, 2, 0.5)
        found.append(spread(one, cases=cases, other=other, other_cases=others))
    assert np.mean([one.case for one in found]) == pytest.approx(2 * 0.01, rel=0.15)
    assert np.mean([one.trial for one in found]) == pytest.approx(2 * 0.04, rel=0.05)


def test_more_trials_need_fewer_cases_and_more_encounters_come_last() -> None:
    needs = plan(0.1, spread=Spread(case=0.01, trial=0.04), trials=(1, 3, 10))
    by_trials = {need.trials: need.cases for need in needs}
    assert by_trials[1] > by_trials[3] > by_trials[10]
    assert [need.encounters for need in needs] == sorted(need.encounters for need in needs)
    assert all(need.encounters == 2 * need.trials * need.cases for need in needs)


def test_one_trial_a_case_says_that_trials_cannot_be_told_from_cases() -> None:
    found = spread([0.1, 0.5, 0.9], cases="abc", other=[0.2, 0.3, 0.4], other_cases="abc")
    assert found.trial == 0
    assert "One trial a case" in found.note


def test_what_has_no_answer_is_refused() -> None:
    with pytest.raises(MedsimError, match="difference other than 0"):
        cases_needed(0, sd=0.1)
    with pytest.raises(MedsimError, match="More than 1,000,000"):
        cases_needed(1e-6, sd=0.2)
    with pytest.raises(MedsimError, match="two cases"):
        smallest_difference(1, sd=0.1)
    with pytest.raises(MedsimError, match="standard deviation above 0"):
        study_power(0.1, sd=0, cases=10)
    with pytest.raises(MedsimError, match="two cases that both"):
        spread([0.1], cases="a", other=[0.2], other_cases="a")


@pytest.mark.parametrize(
    ("smallest", "said"), [(0.005, "differences of 1 point or"), (0.995, "differences of 100 points or"), (1.005, "no claim")]
)
def test_a_difference_of_all_points_is_the_largest_that_is_claimed(smallest: float, said: str) -> None:
    assert said in claim(20, sd=smallest / smallest_difference(20, sd=1.0))
