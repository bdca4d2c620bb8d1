"""Verdicts: what a monitor pays and decides while an encounter runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.rubric import log, operators, verdict
from medsim.rubric.scorecard import tally
from medsim.rubric.verdict import Ending, Monitor
from medsim.trajectory import Event
from tests.rubric.predicates import EVENTS, PRED, made

RUBRICS = st.lists(st.tuples(PRED, st.integers(-5, 5).filter(bool), st.booleans()), min_size=1, max_size=5).filter(
    lambda items: any(points > 0 for _, points, _ in items)
)


@given(RUBRICS, EVENTS, st.sampled_from(["voluntary", "censored"]))
def test_scores_stay_in_their_bounds_and_dense_reward_adds_up(mini: Case, items: list[Any], events: list[Event], ending: Ending) -> None:
    rubric = Rubric.model_validate(
        {
            "items": [
                {
                    "id": f"i{n}",
                    "text": "x",
                    "points": points,
                    "comp": "PC",
                    "pred": pred,
                    **({"critical": "fail"} if fatal and points < 0 else {}),
                }
                for n, (pred, points, fatal) in enumerate(items)
            ]
        }
    )
    monitor = Monitor(rubric, mini)
    paid, before = 0.0, 0.0
    for event in events:
        monitor.feed([event])
        now = monitor.earned()
        paid, before = paid + now - before, now
    paid += monitor.earned(ending) - before
    card = tally(monitor, ending)
    assert card.score is None or 0 <= card.score <= 1
    assert 0 <= card.coverage <= 1
    assert paid == pytest.approx(sum(item.earned for item in card.items) / monitor.positive)
    assert not (card.passed and card.critical)
    if card.raw is None:
        assert card.score is None
        assert card.passed is None


def test_an_item_decided_while_the_encounter_is_open_stays_decided(mini: Case) -> None:
    rubric = Rubric.model_validate(
        {"items": [{"id": "gives", "text": "x", "points": 2, "comp": "PC", "pred": {"did": {"code": "aspirin"}}}]}
    )
    monitor = Monitor(rubric, mini)
    item = rubric.items[0]
    assert monitor.verdict(item).verdict == "unknown"
    monitor.feed(made((5, "treat", "aspirin")))
    first = monitor.verdict(item)
    assert (first.verdict, first.evidence, monitor.earned()) == ("met", (0,), 1.0)
    monitor.feed(made((9, "treat", "aspirin")))
    assert monitor.verdict(item) is first


def test_the_parts_of_a_verdict_can_be_had_from_one_place() -> None:
    assert (verdict.Log, verdict.patterns, verdict.decide) == (log.Log, log.patterns, operators.decide)
    assert [name for name in verdict.__all__ if not hasattr(verdict, name)] == []
