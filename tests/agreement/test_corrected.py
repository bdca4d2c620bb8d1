"""Scores corrected by labels: nearer the truth than the judge's, never surer than the labels allow, refused where they are too few."""

from __future__ import annotations

import pytest

from medsim.agreement import Corrected, corrected, table_of
from medsim.agreement.columns import Table
from tests.agreement.conftest import CASES, JUDGED, Ward, truth, wrong


def of(table: Table, agent: str, judge: str = "model a") -> Corrected:
    (row,) = [row for row in corrected(table, resamples=400) if (row.agent, row.judge) == (agent, judge)]
    return row


def true_score(ward: Ward, agent: str) -> float:
    """The mean raw score that the truth gives, by hand."""
    points = {item.id: item.points for item in ward.rubric.items}
    total = 0.0
    for one in (one for one in ward.known if one.agent == agent):
        met = sum(points[item] for item in JUDGED if truth(one.trajectory, item) == "met")
        total += (met + (2 if agent == "secret-agent-1" else 0)) / 8
    return total / CASES


def test_a_judge_that_never_errs_is_left_as_it_is(ward: Ward) -> None:
    ward.judge("model a", truth)
    ward.people("ann", truth)
    for agent in ("secret-agent-1", "secret-agent-2"):
        row = of(table_of(ward.store, run="r"), agent)
        assert row.score.value == pytest.approx(true_score(ward, agent))
        assert row.rogan_gladen.value == pytest.approx(row.score.value)
        assert row.prediction_powered.value == pytest.approx(row.score.value)


def test_a_lenient_judge_is_brought_back_towards_the_truth(ward: Ward) -> None:
    lenient = wrong(truth, share=0.5, name="lenient", only="unmet")
    ward.judge("model a", lambda trajectory, item: truth(trajectory, item) if item == "rude" else lenient(trajectory, item))
    ward.people("ann", truth, cases=6)
    row = of(table_of(ward.store, run="r"), "secret-agent-1")
    right = true_score(ward, "secret-agent-1")
    judged = abs(row.score.value - right)
    assert judged > 0.07
    for estimate in (row.rogan_gladen, row.prediction_powered):
        assert abs(estimate.value - right) < judged
        assert estimate.low < right < estimate.high
    assert (row.labels, row.whole, row.encounters) == (2 * 6 * 5, 6, CASES)


def test_too_few_labels_are_refused_with_their_number(ward: Ward) -> None:
    ward.judge("model a", wrong(truth, share=0.2, name="x"))
    ward.people("ann", truth, cases=2)
    row = of(table_of(ward.store, run="r"), "secret-agent-1")
    assert row.score.value is not None
    for estimate in (row.rogan_gladen, row.prediction_powered):
        assert estimate.value is None
        assert "2 labelled cases" in estimate.note
        assert "5" in estimate.note


def test_encounters_labelled_in_part_do_not_count_as_whole(ward: Ward) -> None:
    ward.judge("model a", wrong(truth, share=0.1, name="x"))
    ward.people("ann", truth, items=JUDGED[:3])
    row = of(table_of(ward.store, run="r"), "secret-agent-2")
    assert row.whole == 0
    assert row.labels == 2 * CASES * 3
    assert row.rogan_gladen.value is not None
    assert "0 labelled cases" in row.prediction_powered.note


def test_a_coin_corrects_nothing(ward: Ward) -> None:
    ward.judge("model a", wrong(truth, share=0.5, name="coin"))
    ward.people("ann", truth)
    row = of(table_of(ward.store, run="r"), "secret-agent-1")
    found = row.rogan_gladen
    assert found.low is None or found.high - found.low > 0.5, "either no number, or one that says how little it is worth"
    assert (found.value is None) == ("no better than chance" in found.note)


def test_without_labels_there_is_nothing_to_correct_by(ward: Ward) -> None:
    ward.judge("model a", truth)
    assert corrected(table_of(ward.store, run="r")) == []


def test_what_does_not_apply_by_people_is_not_held_against_the_truth(ward: Ward) -> None:
    ward.judge("model a", truth)
    ward.people("ann", lambda trajectory, item: "na" if item == "rude" else truth(trajectory, item))
    row = of(table_of(ward.store, run="r"), "secret-agent-1")
    assert row.whole == CASES
    assert row.prediction_powered.value > row.score.value
