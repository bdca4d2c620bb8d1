"""Agents compared case by case."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import contrasts, difference, holm, permutation_test
from medsim.stats.bootstrap import ratio_interval
from medsim.stats.compare import floored, sentence, turned
from tests.stats.worlds import covered

ONE = [0.9, 0.7, 0.8, 0.95, 0.6, 0.7, 0.85]
OTHER = [0.7, 0.6, 0.75, 0.8, 0.65, 0.5, 0.8]


def test_the_exact_test_counts_every_turn_of_signs() -> None:
    gaps = np.array(ONE) - np.array(OTHER)
    turns = [abs(np.dot(signs, gaps)) >= abs(gaps.sum()) - 1e-12 for signs in product([-1, 1], repeat=7)]
    assert permutation_test(ONE, other=OTHER) == pytest.approx(np.mean(turns))


def test_binary_outcomes_give_the_exact_test_of_mcnemar() -> None:
    one, other = [1] * 8 + [0] * 2 + [1] * 5, [0] * 8 + [1] * 2 + [1] * 5
    assert permutation_test(one, other=other) == pytest.approx(2 * (1 + 10 + 45) / 2**10)


def test_agents_alike_in_every_case_have_nothing_to_turn() -> None:
    assert permutation_test(ONE, other=ONE) == 1.0
    assert difference(ONE, other=ONE).value == 0


def test_pairing_takes_out_how_hard_the_cases_are() -> None:
    generator = np.random.default_rng(2)
    hard = generator.normal(0.5, 0.2, 30)
    one, other = hard + 0.05 + generator.normal(0, 0.03, 30), hard + generator.normal(0, 0.03, 30)
    found = difference(one, other=other)
    assert 0 < found.low < 0.05 < found.high < 0.1  # type: ignore[operator]
    assert permutation_test(one, other=other) < 0.001  # type: ignore[operator]


@pytest.mark.parametrize("cases", [8, 12, 30])
def test_the_test_holds_its_level_and_the_interval_covers_no_difference(cases: int) -> None:
    generator = np.random.default_rng(cases)
    gaps = generator.beta(2, 3, (2000, cases)) - generator.beta(2, 3, (2000, cases))
    assert 0.03 <= np.mean(turned(gaps[:, :cases], draws=1000) <= 0.05) <= 0.06
    low, high = ratio_interval(gaps, bottom=np.ones_like(gaps), resamples=600)
    assert 0.93 <= covered(low, high, 0) <= 0.97


def test_groups_turn_together() -> None:
    one, other = np.array([1.0] * 12), np.zeros(12)
    assert permutation_test(one, other=other) == pytest.approx(2 / 2**12)
    assert permutation_test(one, other=other, groups=[i // 4 for i in range(12)]) == pytest.approx(2 / 2**3)


def test_cases_without_a_pair_are_left_out_and_counted() -> None:
    found = difference([0.5, None, 0.7], other=[0.4, 0.2, None])
    assert (found.n, found.left_out) == (1, 2)


def test_no_pair_gives_no_number() -> None:
    assert difference([None], other=[0.5]).value is None
    assert permutation_test([None], other=[0.5]) is None


def test_holm_matches_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_keeps_the_error_rate_of_the_family() -> None:
    generator = np.random.default_rng(5)
    wrong = [min(holm(row)) <= 0.05 for row in generator.random((2000, 6)).tolist()]
    assert 0.035 <= np.mean(wrong) <= 0.06


def test_holm_refuses_what_is_no_probability() -> None:
    with pytest.raises(MedsimError, match="between 0 and 1"):
        holm([0.5, 1.2])


def test_all_pairs_are_contrasted_under_one_correction() -> None:
    found = contrasts({"a": ONE, "b": OTHER, "c": [None] * 7})
    assert [(row.one, row.other) for row in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].p_holm == found[0].p
    assert found[1].p is None
    assert "cannot be compared" in sentence(found[1])


def test_a_comparison_is_told_in_points() -> None:
    told = sentence(contrasts({"a": ONE, "b": OTHER})[0])
    assert told.startswith("a less b: +10.0 points over 7 cases (interval")


def test_a_contrast_of_an_unknown_agent_is_refused() -> None:
    with pytest.raises(MedsimError, match="No agent 'z'"):
        contrasts({"a": ONE, "b": OTHER}, pairs=[("a", "z")])


def test_the_interval_of_a_difference_ends_where_differences_do() -> None:
    one, other = [1.0] * 6, [0.0, 0.0, 0.1, 0.0, 0.2, 0.0]
    assert (difference(one, other=other).high or 0) > 1
    assert difference(one, other=other, bounds=(-1, 1)).high == 1


@pytest.mark.parametrize(
    ("units", "pairs", "told"), [(6, 1, ""), (6, 10, "10 pairs not below 0.31"), (5, 1, "below 0.062"), (9, 10, ""), (1, 3, ""), (6, 0, "")]
)
def test_few_cases_and_many_pairs_leave_no_small_p_value_and_that_is_said(units: int, pairs: int, told: str) -> None:
    found = floored(units, pairs=pairs)
    assert bool(found) == bool(told)
    assert told in found
    if units > 1:
        least = permutation_test([1.0] * units, other=[0.0] * units)
        assert least == pytest.approx(2.0 ** (1 - units)), "the smallest there is"
