"""Agreement of raters beyond chance, held against published examples."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import Estimate, cohen_kappa, fleiss_kappa, icc, krippendorff_alpha
from tests.stats.test_variance import RATED

FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
"""Ten subjects, fourteen raters, five classes: the example of the usual encyclopaedia article; kappa is 0.210."""

OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
"""Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011, example C."""

UNITS = [list(unit) for unit in zip(*OBSERVERS, strict=True)]


def test_cohen_kappa_of_a_worked_example() -> None:
    first, second = [1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15
    found = cohen_kappa(first, second=second)
    assert found.value == pytest.approx(0.4)
    assert found.low < 0.4 < found.high  # type: ignore[operator]


def test_high_prevalence_makes_accuracy_look_better_than_kappa() -> None:
    truth, judged = [1] * 900 + [0] * 100, [1] * 855 + [0] * 45 + [0] * 70 + [1] * 30
    assert np.mean(np.array(truth) == judged) == pytest.approx(0.925)
    assert cohen_kappa(truth, second=judged).value == pytest.approx(0.61, abs=0.005)


def test_quadratic_weights_forgive_near_misses() -> None:
    first, second = [1, 2, 3, 4, 5, 3, 2], [2, 2, 3, 5, 5, 4, 1]
    plain, linear, quadratic = (cohen_kappa(first, second=second, weights=w).value for w in ("none", "linear", "quadratic"))  # type: ignore[arg-type]
    assert plain < linear < quadratic  # type: ignore[operator]


def test_quadratic_kappa_is_the_closed_form() -> None:
    first, second = np.array([1, 2, 4, 4, 5, 3, 10]), np.array([2, 2, 2, 5, 5, 4, 9])
    expected = 1 - ((first - second) ** 2).mean() / ((first[:, None] - second[None, :]) ** 2).mean()
    assert cohen_kappa(first.tolist(), second=second.tolist(), weights="quadratic").value == pytest.approx(expected)
    assert cohen_kappa(first, second=second, weights="quadratic").value == pytest.approx(expected)


def test_fleiss_kappa_of_a_worked_example() -> None:
    rows = [[label for label, count in enumerate(row) for _ in range(count)] for row in FLEISS]
    assert fleiss_kappa(rows).value == pytest.approx(0.210, abs=0.0005)


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_alpha_of_the_published_example(level: str, value: float) -> None:
    found = krippendorff_alpha(UNITS, level=level)  # type: ignore[arg-type]
    assert found.value == pytest.approx(value, abs=0.0005)
    assert (found.n, found.left_out) == (11, 1)


def test_the_ordinal_scale_goes_by_size_and_not_by_spelling() -> None:
    tens = [[None if value is None else 5 * value for value in unit] for unit in UNITS]
    for rows in (tens, [[None if v is None else np.int64(v) for v in unit] for unit in tens]):
        assert krippendorff_alpha(rows, level="ordinal").value == pytest.approx(0.815, abs=0.0005)


@pytest.mark.parametrize(("kind", "value"), [("2,1", 0.29), ("3,1", 0.71)])
def test_icc_of_the_published_example(kind: str, value: float) -> None:
    found = icc(RATED, kind=kind)  # type: ignore[arg-type]
    assert found.value == pytest.approx(value, abs=0.005)
    assert "too narrow" in found.note


def items(generator: np.random.Generator, cases: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items of unequal cases, with a judge who is worse in some cases than in others."""
    owner = np.repeat(np.arange(cases), generator.integers(3, 25, cases))
    truth = generator.random(len(owner)) < generator.beta(2, 2, cases)[owner]
    wrong = generator.random(len(owner)) < generator.beta(1, 5, cases)[owner]
    return owner, truth.astype(int), (truth ^ wrong).astype(int)


def test_the_interval_of_kappa_covers_what_it_says_and_that_of_items_does_not() -> None:
    generator = np.random.default_rng(8)
    owner, truth, judged = items(generator, 20_000)
    true = cohen_kappa(truth, second=judged, cases=owner, resamples=2).value
    by_case, by_item = [], []
    for _ in range(200):
        owner, truth, judged = items(generator, 25)
        whole = cohen_kappa(truth, second=judged, cases=owner, resamples=300)
        by_case.append(whole.low <= true <= whole.high)  # type: ignore[operator]
        error = np.sqrt(np.mean(truth == judged) * np.mean(truth != judged) / len(truth)) / 0.5
        by_item.append(abs(whole.value - true) <= 1.96 * error)  # type: ignore[operator]
    assert 0.92 <= np.mean(by_case) <= 0.98
    assert np.mean(by_item) < 0.9


def no_number(found: Estimate, *, because: str) -> None:
    assert found[:3] == (None, None, None)
    assert because in found.note


def test_one_class_only_has_no_kappa() -> None:
    no_number(cohen_kappa([1, 1, 1], second=[1, 1, 1]), because="one and the same class")
    no_number(fleiss_kappa([[1, 1], [1, 1]]), because="one class")
    no_number(krippendorff_alpha([[2, 2], [2, 2]], level="interval"), because="the same")
    no_number(icc([[3, 3], [3, 3]]), because="same")


def test_one_rater_has_no_agreement() -> None:
    no_number(fleiss_kappa([[1], [0]]), because="one rater")
    no_number(krippendorff_alpha([[1, None], [None, 0]]), because="one rater")
    no_number(icc([[1.0], [2.0]]), because="One rater")
    no_number(cohen_kappa([1, 0], second=[None, None]), because="both raters")


def test_nothing_rated_has_no_agreement() -> None:
    for found in (cohen_kappa([], second=[]), fleiss_kappa([]), krippendorff_alpha([]), icc([])):
        assert found.value is None
        assert found.note


def test_perfect_agreement_has_a_value_and_no_made_up_interval() -> None:
    found = cohen_kappa([1, 0, 1, 0] * 5, second=[1, 0, 1, 0] * 5, cases=[i // 4 for i in range(20)])
    assert found[:3] == (1.0, None, None)
    assert "Every resample" in found.note


def test_things_that_do_not_differ_have_no_icc() -> None:
    no_number(icc([[1, 2], [1, 2], [1, 2]], kind="3,1"), because="do not differ")


def test_a_thing_not_rated_by_all_is_left_out_of_the_icc() -> None:
    assert icc([*RATED, [None, 1, 2, 3]]).left_out == 1


def test_bad_input_is_refused_in_a_sentence() -> None:
    with pytest.raises(MedsimError, match="one length"):
        cohen_kappa([1, 0], second=[1])
    with pytest.raises(MedsimError, match="one place for each rater"):
        fleiss_kappa([[1, 0], [1]])
    with pytest.raises(MedsimError, match="level is"):
        krippendorff_alpha([[1, 2]], level="ratio")  # type: ignore[arg-type]
    with pytest.raises(MedsimError, match="must be a number"):
        krippendorff_alpha([["low", "high"]], level="ordinal")
    with pytest.raises(MedsimError, match="kind is"):
        icc(RATED, kind="1,1")  # type: ignore[arg-type]
    with pytest.raises(MedsimError, match="Weights are"):
        cohen_kappa([1, 2], second=[2, 1], weights="cubic")  # type: ignore[arg-type]
    with pytest.raises(MedsimError, match="different labels"):
        cohen_kappa(range(100), second=range(100))


@pytest.mark.parametrize(("telling", "bounded"), [(2, False), (3, True)])
def test_an_interval_is_given_where_nine_tenths_of_the_resamples_have_a_value(telling: int, bounded: bool) -> None:
    """Of twenty items two or three tell classes apart: 12 or 4 % of the resamples hold none of them."""
    first, second = [1] * telling + [0] * (20 - telling), [1] * (telling - 1) + [0] * (21 - telling)
    found = cohen_kappa(first, second=second)
    assert found.value is not None
    assert (found.low is not None) == bounded
    assert ("of the resamples it has no value" in found.note) != bounded
