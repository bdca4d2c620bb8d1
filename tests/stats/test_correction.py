"""Scores corrected for a judge with known faults."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import Estimate, Labelled, macro, ppi_mean, rogan_gladen

TRUE = 2 / 3.5
SENSITIVITY, SPECIFICITY = 0.9, 0.7


def world(generator: np.random.Generator, labelled: int) -> tuple[list[float], list[int], Labelled]:
    """Sixty judged cases of twelve items; the first so many are labelled."""
    truth = generator.random((60, 12)) < generator.beta(2, 1.5, 60)[:, None]
    judged = np.where(truth, generator.random((60, 12)) < SENSITIVITY, generator.random((60, 12)) > SPECIFICITY)
    cases = np.repeat(np.arange(60), 12)
    part = slice(0, labelled * 12)
    columns = (column.ravel().astype(int).tolist()[part] for column in (truth, judged))
    return judged.ravel().astype(float).tolist(), cases.tolist(), Labelled(*columns, cases.tolist()[part])


def within(found: Estimate) -> bool:
    return bool(found.low <= TRUE <= found.high)  # type: ignore[operator]


def test_corrected_intervals_cover_the_truth_and_uncorrected_ones_miss_it() -> None:
    generator, held = np.random.default_rng(20), []
    for _ in range(200):
        judged, cases, labels = world(generator, 20)
        held.append(
            [
                within(rogan_gladen(judged, cases=cases, labelled=labels, resamples=300)),
                within(ppi_mean(judged, cases=cases, labelled=labels)),
                within(macro(judged, cases=cases, resamples=300)),
            ]
        )
    rogan, powered, raw = np.mean(held, axis=0)
    assert 0.92 <= rogan <= 0.99
    assert 0.92 <= powered <= 0.99
    assert raw < 0.4


def labels(met: int, missed: int, unmet: int, wrong: int) -> Labelled:
    truth = [1] * (met + missed) + [0] * (unmet + wrong)
    judged = [1] * met + [0] * missed + [0] * unmet + [1] * wrong
    return Labelled(truth, judged, [f"label {place % 10}" for place in range(len(truth))])


def test_rogan_gladen_is_its_formula() -> None:
    judged, cases = [1] * 11 + [0] * 9, list(range(20))
    found = rogan_gladen(judged, cases=cases, labelled=labels(90, 10, 70, 30))
    assert found.value == pytest.approx((0.55 + 0.7 - 1) / (0.9 + 0.7 - 1))
    assert found.low < found.value < found.high  # type: ignore[operator]


def test_fewer_labels_make_the_corrected_score_less_sure() -> None:
    judged, cases = [1] * 55 + [0] * 45, list(range(100))
    many, few = (rogan_gladen(judged, cases=cases, labelled=labels(9 * k, k, 7 * k, 3 * k)) for k in (40, 4))
    raw = macro(judged, cases=cases)
    assert many.value == pytest.approx(few.value)
    assert few.high - few.low > many.high - many.low > raw.high - raw.low  # type: ignore[operator]


def test_a_judge_no_better_than_a_coin_corrects_nothing() -> None:
    found = rogan_gladen([1, 0] * 10, cases=range(20), labelled=labels(50, 50, 50, 50))
    assert found.value is None
    assert "no better than chance" in found.note


def test_a_share_the_judge_could_not_give_is_held_at_zero_and_told() -> None:
    found = rogan_gladen([1] + [0] * 19, cases=range(20), labelled=labels(90, 10, 70, 30))
    assert found.value == 0
    assert "outside 0 to 1" in found.note


@pytest.mark.parametrize("given", [Labelled([], [], []), Labelled([1, 0], [1, 0], ["a", "b"])])
def test_too_few_labels_correct_nothing(given: Labelled) -> None:
    for found in (rogan_gladen([1, 0], cases="ab", labelled=given), ppi_mean([1, 0], cases="ab", labelled=given)):
        assert found.value is None
        assert "too few" in found.note


def test_labels_of_one_class_correct_nothing() -> None:
    found = rogan_gladen([1, 0], cases="ab", labelled=labels(20, 3, 0, 0))
    assert found.value is None
    assert "one class only" in found.note


def test_no_verdict_leaves_nothing_to_correct() -> None:
    for correct in (rogan_gladen, ppi_mean):
        found = correct([None], cases="a", labelled=labels(90, 10, 70, 30))  # type: ignore[operator]
        assert found.value is None
        assert "No case has a verdict" in found.note


def test_weight_zero_is_the_labels_alone_and_a_perfect_judge_adds_all_cases() -> None:
    judged, cases, given = world(np.random.default_rng(1), 20)
    alone = ppi_mean(judged, cases=cases, labelled=given, weight=0)
    assert alone.value == pytest.approx(np.mean(list(given.truth)))
    perfect = Labelled(list(given.judged), list(given.judged), given.cases)
    assert ppi_mean(judged, cases=cases, labelled=perfect).value == pytest.approx(macro(judged, cases=cases).value)


def test_a_judge_worth_something_narrows_what_labels_alone_tell() -> None:
    judged, cases, given = world(np.random.default_rng(2), 15)
    alone, powered = ppi_mean(judged, cases=cases, labelled=given, weight=0), ppi_mean(judged, cases=cases, labelled=given)
    assert powered.high - powered.low < alone.high - alone.low  # type: ignore[operator]


def test_uneven_labels_are_refused() -> None:
    with pytest.raises(MedsimError, match="each labelled item"):
        ppi_mean([1, 0], cases="ab", labelled=Labelled([1], [1, 0], ["a"]))


@pytest.mark.parametrize(("met", "enough"), [(59, False), (61, True)])
def test_a_judge_must_be_a_tenth_better_than_a_coin(met: int, enough: bool) -> None:
    found = rogan_gladen([1] * 11 + [0] * 9, cases=list(range(20)), labelled=labels(met, 100 - met, 50, 50))
    assert (found.value is not None) == enough
    assert ("no better than chance" in found.note) != enough


@pytest.mark.parametrize(("labelled", "enough"), [(4, False), (5, True)])
def test_five_labelled_cases_are_enough_and_four_are_not(labelled: int, enough: bool) -> None:
    cases, judged = list(range(20)), [0.1 * (place % 10) for place in range(20)]
    few = Labelled([min(1.0, value + 0.1) for value in judged[:labelled]], judged[:labelled], cases[:labelled])
    found = ppi_mean(judged, cases=cases, labelled=few)
    assert (found.value is not None) == enough
    assert ("too few to correct by" in found.note) != enough
