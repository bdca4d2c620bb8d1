"""Quantiles held against a second source."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr, stdtrit

from medsim.stats.quantiles import student, students, widened_tail


@pytest.mark.parametrize("p", [0.9, 0.95, 0.975, 0.995])
def test_students_quantile_is_right_to_eight_digits(p: float) -> None:
    df = np.array([1, 1.3, 2, 3, 4.5, 9, 19, 50, 200, 2000, 50_000])
    assert np.allclose(students(p, df), stdtrit(df, p), rtol=1e-8, atol=0)


def test_the_table_that_every_textbook_prints() -> None:
    assert [round(student(0.975, df), 3) for df in (1, 2, 5, 10, 30)] == [12.706, 4.303, 2.571, 2.228, 2.042]


def test_the_tail_of_a_widened_percentile_is_what_it_is_defined_as_and_keeps_its_shape() -> None:
    units = np.array([[2.0, 5.0, 20.0], [20.0, 100.0, 1000.0]])
    wanted = ndtr(-np.sqrt(units / (units - 1)) * stdtrit(units - 1, 0.975))
    assert np.allclose(widened_tail(units, confidence=0.95), wanted, rtol=1e-6, atol=1e-15)
    assert widened_tail(np.array(7.0), confidence=0.95).shape == ()


def test_one_unit_that_outweighs_all_others_leaves_no_tail() -> None:
    assert float(widened_tail(np.array(1.0), confidence=0.95)) < 1e-6
