"""Where the pass mark lies."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import angoff, borderline_regression


def test_angoff_is_the_mean_of_what_raters_expect_and_is_provisional() -> None:
    found = angoff([[0.6, 0.8], [0.5, 0.7], [0.7, 0.9]])
    assert found.mark == pytest.approx(0.7)
    assert found.provisional
    assert "Provisional" in found.note
    assert found.low < 0.7 < found.high  # type: ignore[operator]


def test_angoff_weighs_items_by_their_points() -> None:
    assert angoff([[0.5, 1.0]] * 3, points=[3, 1]).mark == pytest.approx((3 * 0.5 + 1.0) / 4)


def test_two_raters_set_no_mark() -> None:
    found = angoff([[0.6, 0.8], [0.5, 0.7]])
    assert found.mark is None
    assert "at least 3" in found.note


def test_an_item_without_an_estimate_sets_no_mark() -> None:
    assert angoff([[0.6, None], [0.5, 0.7], [0.5, 0.7]]).mark is None


def test_angoff_refuses_percentages_and_harm() -> None:
    with pytest.raises(MedsimError, match="Divide percentages"):
        angoff([[60, 80]] * 3)
    with pytest.raises(MedsimError, match="points above 0"):
        angoff([[0.5, 0.5]] * 3, points=[1, -2])


def runs(count: int, *, noise: float, seed: int = 1) -> tuple[list[float], list[float]]:
    generator = np.random.default_rng(seed)
    ratings = generator.integers(1, 6, count).astype(float)
    return (0.2 + 0.12 * ratings + generator.normal(0, noise, count)).tolist(), ratings.tolist()


def test_borderline_regression_reads_the_mark_off_the_line() -> None:
    scores, ratings = runs(60, noise=0.05)
    found = borderline_regression(scores, ratings=ratings, borderline=2)
    slope, start = np.polyfit(ratings, scores, 1)
    assert found.mark == pytest.approx(start + 2 * slope)
    assert found.r_squared == pytest.approx(np.corrcoef(ratings, scores)[0, 1] ** 2)
    assert not found.provisional


def test_the_interval_of_the_mark_covers_what_it_says() -> None:
    held = []
    for seed in range(500):
        scores, ratings = runs(35, noise=0.1, seed=seed)
        found = borderline_regression(scores, ratings=ratings, borderline=2)
        held.append(found.low <= 0.44 <= found.high)  # type: ignore[operator]
    assert 0.92 <= np.mean(held) <= 0.98


def test_fewer_than_thirty_rated_runs_set_no_mark() -> None:
    scores, ratings = runs(31, noise=0.05)
    found = borderline_regression([*scores[:29], None, scores[30]], ratings=[*ratings[:30], None], borderline=2)
    assert found.mark is None
    assert "29 rated runs" in found.note


def test_no_run_on_one_side_of_borderline_sets_no_mark() -> None:
    scores, ratings = runs(40, noise=0.05)
    assert "both sides" in borderline_regression(scores, ratings=[min(r + 2, 5) for r in ratings], borderline=2).note
    for at_the_edge in (2, 4):
        found = borderline_regression(scores, ratings=[min(max(r, 2), 4) for r in ratings], borderline=at_the_edge)
        assert (found.mark, "both sides" in found.note) == (None, True), "a run at borderline lies on neither side of it"


def test_a_score_that_falls_with_the_rating_sets_no_mark() -> None:
    scores, ratings = runs(40, noise=0.01)
    found = borderline_regression(scores, ratings=[6 - r for r in ratings], borderline=3)
    assert found.mark is None
    assert "does not rise" in found.note
