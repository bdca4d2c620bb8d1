"""Variance split into case, patient, trial and judge."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import components, split

RATED = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Shrout and Fleiss, Psychological Bulletin 1979;86:420, table 2."""


def test_balanced_data_give_the_classical_mean_squares() -> None:
    values = [value for row in RATED for value in row]
    found = split(values, case=[i for i in range(6) for _ in range(4)], judge=list(range(4)) * 6)
    table = np.array(RATED, dtype=float)
    rows, columns = 4 * table.mean(axis=1).var(ddof=1), 6 * table.mean(axis=0).var(ddof=1)
    rest = ((table - table.mean()) ** 2).sum() - 5 * rows - 3 * columns
    assert found.components == pytest.approx({"case": (rows - rest / 15) / 4, "judge": (columns - rest / 15) / 6, "rest": rest / 15})
    assert found.notes == []


def test_unbalanced_nested_data_give_the_classical_estimator() -> None:
    groups = [[1.0, 2.0, 4.0], [5.0, 6.0], [2.0, 2.5, 3.0, 9.0]]
    found = split([v for g in groups for v in g], case=[i for i, g in enumerate(groups) for _ in g])
    sizes = np.array([3, 2, 4])
    within = sum(((np.array(g) - np.mean(g)) ** 2).sum() for g in groups) / 6
    mean = np.concatenate(groups).mean()
    between = sum(len(g) * (np.mean(g) - mean) ** 2 for g in groups) / 2
    size = (9 - (sizes**2).sum() / 9) / 2
    assert found.components == pytest.approx({"case": (between - within) / size, "rest": within})


def simulated(generator: np.random.Generator) -> dict[str, float]:
    """One unbalanced study: 12 cases, 4 patients, 1 to 3 trials, 3 judges, a fifth of the judgements missing."""
    case, patient, judge = generator.normal(0, 0.2, 12), generator.normal(0, 0.1, 4), generator.normal(0, 0.08, 3)
    both, rows = generator.normal(0, 0.07, (12, 4)), []
    for c, p in np.ndindex(12, 4):
        for t in range(generator.integers(1, 4)):
            base = case[c] + patient[p] + both[c, p] + generator.normal(0, 0.1)
            rows += [(c, p, t, j, base + judge[j] + generator.normal(0, 0.05)) for j in range(3) if generator.random() < 0.8]
    c, p, t, j, values = zip(*rows, strict=True)
    return split(values, case=c, patient=p, trial=t, judge=j).raw


def test_unbalanced_crossed_data_give_the_true_components_on_average() -> None:
    generator = np.random.default_rng(3)
    found = [simulated(generator) for _ in range(150)]
    true = {"case": 0.04, "patient": 0.01, "case and patient": 0.0049, "trial": 0.01, "judge": 0.0064, "rest": 0.0025}
    for name, variance in true.items():
        drawn = np.array([one[name] for one in found])
        assert abs(drawn.mean() - variance) < 4 * drawn.std() / np.sqrt(len(drawn)), name


def test_a_component_below_zero_is_shown_as_zero_with_a_note() -> None:
    found = split([0.0, 1.0, 0.0, 1.0, 0.0, 1.0], case=[0, 0, 1, 1, 2, 2])
    assert found.components["case"] == 0
    assert found.raw["case"] < 0
    assert any("case is below zero" in note for note in found.notes)
    assert found.share("rest") == 1


def test_what_cannot_be_told_apart_is_joined_and_named() -> None:
    found = split([1.0, 2.0, 3.0, 5.0], case=[0, 0, 1, 1], patient=["p", "p", "q", "q"], judge=["j"] * 4)
    assert set(found.components) == {"case", "rest"}
    assert any("patient cannot be told from that of case" in note for note in found.notes)
    assert any("one judge only" in note for note in found.notes)


def test_one_trial_a_case_leaves_case_in_the_rest() -> None:
    found = split([0.1, 0.5, 0.9], case="abc")
    assert found.components == pytest.approx({"rest": 0.16})
    assert any("Each case has one value" in note for note in found.notes)


def test_missing_values_are_left_out_and_told() -> None:
    found = split([1.0, 2.0, None, 3.0, 5.0], case=[0, 0, 0, 1, 1])
    assert found.n == 4
    assert "1 observations" in found.notes[0]


def test_scores_that_do_not_vary_have_no_share() -> None:
    assert split([0.5] * 4, case=[0, 0, 1, 1]).share("case") is None


def test_too_little_is_refused() -> None:
    with pytest.raises(MedsimError, match="two observations"):
        components([0.5], factors={"case": ["a"]})
