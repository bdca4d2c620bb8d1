"""Ranks with intervals that hold together."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import MedsimError
from medsim.stats import ranks
from medsim.stats.ranks import bounds


@pytest.mark.parametrize("means", [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.1, 0.3]])
@pytest.mark.parametrize("cases", [10, 30])
def test_all_ranks_hold_together_as_often_as_said(cases: int, means: list[float]) -> None:
    generator, true = np.random.default_rng(cases), np.array(means)
    top, bottom = 1 + (true[None, :] > true[:, None]).sum(axis=1), 4 - (true[None, :] < true[:, None]).sum(axis=1)
    held = 0
    for _ in range(300):
        table = generator.normal(0, 0.2, (cases, 1)) + true + generator.normal(0, 0.15, (cases, 4))
        best, worst = bounds(table, resamples=300)
        held += bool((best <= top).all() and (worst >= bottom).all())
    assert held / 300 >= 0.93


def test_agents_far_apart_have_one_rank_each() -> None:
    generator = np.random.default_rng(1)
    hard = generator.normal(0, 0.3, 40)
    scores = {name: hard + mean + generator.normal(0, 0.05, 40) for name, mean in [("low", 0.1), ("high", 0.9), ("middle", 0.5)]}
    rows, note = ranks(scores)
    assert [(row.agent, row.rank, row.best, row.worst) for row in rows] == [("high", 1, 1, 1), ("middle", 2, 2, 2), ("low", 3, 3, 3)]
    assert note == ""


def test_equal_agents_share_a_rank_and_keep_every_one_possible() -> None:
    scores = [0.1, 0.5, 0.9, 0.3, 0.4, 0.8]
    rows, _ = ranks({"a": scores, "b": scores})
    assert [(row.rank, row.best, row.worst) for row in rows] == [(1, 1, 2), (1, 1, 2)]


def test_few_cases_claim_nothing() -> None:
    rows, note = ranks({"a": [0.9, 0.9, 0.8], "b": [0.1, 0.2, 0.1]})
    assert [(row.best, row.worst) for row in rows] == [(1, 2), (1, 2)]
    assert "every rank stays possible" in note


def test_a_case_that_one_agent_lacks_is_left_out_and_told() -> None:
    _, note = ranks({"a": [0.9, None, 0.8, 0.4, 0.5, 0.6], "b": [0.1, 0.2, 0.1, 0.3, 0.2, 0.5]})
    assert "1 of 6 cases left out" in note


def test_no_shared_case_is_refused() -> None:
    with pytest.raises(MedsimError, match="cannot be ranked"):
        ranks({"a": [None, 0.5], "b": [0.5, None]})


def test_one_agent_is_first() -> None:
    rows, _ = ranks({"a": [0.1, 0.2, 0.3, 0.4, 0.5]})
    assert rows[0][2:] == (1, 1, 1)


def test_cases_of_one_source_are_drawn_together_or_ranks_are_claimed_too_often() -> None:
    generator, sources = np.random.default_rng(7), 10
    codes = np.repeat(np.arange(sources), 4)
    held = {"together": 0, "apart": 0}
    for _ in range(200):
        table = np.repeat(generator.normal(0, 0.2, (sources, 3)), 4, axis=0) + generator.normal(0, 0.05, (4 * sources, 3))
        for name, groups in (("together", codes), ("apart", None)):
            best, worst = bounds(table, groups=groups, resamples=300)
            held[name] += bool((best == 1).all() and (worst == 3).all())
    assert held["together"] / 200 >= 0.93
    assert held["apart"] / 200 < 0.7


def test_groups_of_one_case_each_change_nothing() -> None:
    generator = np.random.default_rng(2)
    scores = {name: generator.normal(mean, 0.2, 15) for name, mean in [("a", 0.1), ("b", 0.4), ("c", 0.5)]}
    assert ranks(scores, groups=list(range(15))) == ranks(scores)
    assert "With 3 independent cases" in ranks(scores, groups=[0, 1, 2] * 5)[1]


def test_agents_that_differ_by_the_same_in_every_case_are_ranked_where_the_number_of_cases_bears_it() -> None:
    two = {"ceiling": [1.0] * 6, "floor": [0.0] * 6}
    rows, note = ranks(two)
    assert [(row.agent, row.best, row.worst) for row in rows] == [("ceiling", 1, 1), ("floor", 2, 2)], "2 * 2**-6 is below 0.05"
    assert note == ""
    rows, note = ranks({name: column[:5] for name, column in two.items()})
    assert [(row.best, row.worst) for row in rows] == [(1, 2), (1, 2)], "2 * 2**-5 is not"
    assert "Not used for the ranks: ceiling and floor." in note
    rows, _ = ranks({"a": [0.6] * 6, "b": [0.5] * 6})
    assert [(row.best, row.worst) for row in rows] == [(1, 2), (1, 2)], "a small lead may be lost in one case that was not seen"


def test_a_pair_without_spread_answers_for_all_pairs_that_are_ranked_at_once() -> None:
    scores = {"ceiling": [1.0] * 6, "floor": [0.0] * 6, "low": [0.1, 0.2, 0.1, 0.3, 0.2, 0.1]}
    rows, note = ranks(scores)
    assert {row.agent: (row.best, row.worst) for row in rows}["ceiling"] == (1, 2)
    assert "ceiling and floor. They differ by the same in every case" in note
    assert "3 pairs to be right about at once" in note
    longer, note = ranks({name: column * 2 for name, column in scores.items()})
    assert {row.agent: (row.best, row.worst) for row in longer}["ceiling"] == (1, 1)
    assert "Not used" not in note


def test_scores_that_a_rubric_does_not_clip_have_no_bound_to_rank_by() -> None:
    rows, note = ranks({"a": [1.5] * 20, "b": [-0.5] * 20})
    assert [(row.best, row.worst) for row in rows] == [(1, 2), (1, 2)]
    assert "Not used" in note


@pytest.mark.parametrize(("cases", "lead"), [(6, 1.0), (10, 0.5), (15, 0.3), (40, 0.1)])
def test_equal_agents_are_seldom_told_apart_where_a_lead_is_mostly_the_same(cases: int, lead: float) -> None:
    generator, wrong = np.random.default_rng(cases), 0
    for _ in range(400):  # the least favourable world: ahead by the same in as many cases as equal means allow, else wholly behind
        ahead = generator.random(cases) < 1 / (1 + lead)
        best, _ = bounds(np.stack([np.where(ahead, lead, 0.0), np.where(ahead, 0.0, 1.0)], axis=1), resamples=200)
        wrong += bool((best != 1).any())
    assert wrong / 400 <= 0.06


@pytest.mark.parametrize(("cases", "claimed"), [(4, False), (5, True)])
def test_ranks_are_claimed_from_five_cases_on(cases: int, claimed: bool) -> None:
    generator = np.random.default_rng(2)
    table = np.stack([generator.normal(mean, 0.001, cases) for mean in (0.1, 0.9)], axis=1)
    best, worst = bounds(table)
    assert ((best == worst).all(), (worst - best == 1).all()) == (claimed, not claimed)
