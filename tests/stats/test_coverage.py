"""What a 95 % interval is worth: simulated results with a known truth."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.stats.bootstrap import clusters, effective, ratio_error, ratio_interval
from medsim.stats.quantiles import normal
from tests.stats.worlds import checklists, covered

SETS = 2000
TRUTH = 0.6


@pytest.mark.parametrize("icc", [0.1, 0.25])
@pytest.mark.parametrize("cases", [5, 10, 20, 100])
def test_the_macro_interval_covers_what_it_says(cases: int, icc: float) -> None:
    items, met = checklists(sets=SETS, cases=cases, icc=icc, seed=cases)
    low, high = ratio_interval(met / items, bottom=np.ones_like(items), resamples=600)
    assert 0.93 <= covered(low, high, TRUTH) <= 0.97


@pytest.mark.parametrize("icc", [0.1, 0.25])
@pytest.mark.parametrize("cases", [10, 20, 100])
def test_the_micro_interval_covers_what_it_says(cases: int, icc: float) -> None:
    items, met = checklists(sets=SETS, cases=cases, icc=icc, seed=cases)
    low, high = ratio_interval(met, bottom=items, resamples=600)
    assert 0.93 <= covered(low, high, TRUTH) <= 0.97


@pytest.mark.parametrize(("icc", "at_most"), [(0.1, 0.75), (0.25, 0.6)])
@pytest.mark.parametrize("cases", [20, 100])
def test_an_interval_that_takes_items_as_independent_fails(cases: int, icc: float, at_most: float) -> None:
    items, met = checklists(sets=SETS, cases=cases, icc=icc, seed=cases)
    share = met.sum(axis=1) / items.sum(axis=1)
    margin = normal(0.975) * np.sqrt(share * (1 - share) / items.sum(axis=1))
    assert covered(share - margin, share + margin, TRUTH) < at_most


def test_more_cases_do_not_mend_an_interval_that_takes_items_as_independent() -> None:
    found = []
    for cases in (20, 400):
        items, met = checklists(sets=SETS, cases=cases, icc=0.25, seed=cases)
        share = met.sum(axis=1) / items.sum(axis=1)
        margin = normal(0.975) * np.sqrt(share * (1 - share) / items.sum(axis=1))
        found.append(covered(share - margin, share + margin, TRUTH))
    assert max(found) < 0.6


def scenarios(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Case means that share half their spread with the other scenarios of their source; shapes (sets, 30 sources, 4) and a mask."""
    generator = np.random.default_rng(seed)
    kept = np.arange(4) < generator.integers(1, 5, size=(SETS, 30, 1))
    return 0.5 + generator.normal(0, 0.15, (SETS, 30, 1)) + generator.normal(0, 0.15, (SETS, 30, 4)), kept


def test_drawing_groups_covers_where_cases_share_a_source_and_drawing_cases_does_not() -> None:
    scores, kept = scenarios(4)
    low, high = ratio_interval((scores * kept).sum(axis=2), bottom=kept.sum(axis=2).astype(float), resamples=600)
    assert 0.93 <= covered(low, high, 0.5) <= 0.97
    alone = []
    for row, mask in zip(scores[:300], kept[:300], strict=True):
        values = row[mask]
        alone.append(np.abs(values.mean() - 0.5) <= 2 * values.std(ddof=1) / np.sqrt(len(values)))
    assert np.mean(alone) < 0.9


def test_one_set_at_a_time_gives_what_many_give_together() -> None:
    items, met = checklists(sets=3, cases=12, icc=0.2, seed=1)
    low, high = ratio_interval(met, bottom=items, resamples=200)
    for row in range(3):
        alone = ratio_interval(met[row], bottom=items[row], resamples=200)
        assert np.allclose(alone, (low[row], high[row]))


def test_the_standard_error_of_equal_weights_is_that_of_the_mean() -> None:
    values = np.array([0.1, 0.5, 0.4, 0.9])
    assert np.isclose(ratio_error(values, bottom=np.ones(4)), values.std(ddof=1) / 2)


def test_units_of_equal_weight_count_in_full_and_one_giant_counts_as_one() -> None:
    assert effective(np.full(7, 3.0)) == pytest.approx(7)
    assert effective(np.array([1e9, 1.0, 1.0])) == pytest.approx(1, abs=1e-6)


def test_groups_gather_their_cases() -> None:
    units, _ = clusters([1.0, 0.0, 0.5, 0.5], cases=["a", "b", "c", "c"], groups=["g", "g", "h", "h"])
    assert units.top.tolist() == [1.0, 0.5]
    assert units.bottom.tolist() == [2.0, 1.0]
