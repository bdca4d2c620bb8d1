"""The log: which events matched which pattern, the totals, and where patterns are looked for."""

from __future__ import annotations

import pytest

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.case.pattern import Did
from medsim.case.predicate import Pred
from medsim.rubric.log import Log, patterns, patterns_of
from medsim.trajectory import Event
from tests.rubric.predicates import made

GIVES, ORDERS = Did.model_validate({"code": "aspirin"}), Did.model_validate({"kind": "order"})


def test_a_pattern_has_the_events_that_matched_it_in_their_order(mini: Case) -> None:
    log = Log([GIVES, ORDERS], mini)
    for event in made((5, "treat", "aspirin"), (7, "order", "ecg12"), (8, "result", "ecg12"), (9, "treat", "aspirin")):
        log.feed(event)
    assert [(hit.seq, hit.t) for hit in log.hits(GIVES)] == [(0, 5), (3, 9)]
    assert [hit.seq for hit in log.hits(ORDERS)] == [1]


def test_patterns_that_read_alike_have_hits_of_their_own_and_a_stranger_has_none(mini: Case) -> None:
    same = GIVES.model_copy()
    log = Log([GIVES, same], mini)
    log.feed(made((5, "treat", "aspirin"))[0])
    assert log.hits(GIVES) == log.hits(same)
    assert log.hits(GIVES) is not log.hits(same)
    with pytest.raises(KeyError):
        log.hits(GIVES.model_copy())


def test_time_cost_and_what_the_doctor_did_add_up(mini: Case) -> None:
    log = Log([], mini)
    log.feed(Event(0, 1, 60, "doctor", "order", code="ecg12", cost=20.0))
    log.feed(Event(1, 1, 90, "controller", "result", code="ecg12", cost=1.5))
    log.feed(Event(2, 2, 90, "doctor", "note", text="No ALLERGY"))
    log.feed(Event(3, 3, 95, "doctor", "diagnose", args={"ranked": ["flu", "cold"]}))
    log.feed(Event(4, 3, 99, "controller", "state", code="shock"))
    assert (log.now, log.cost, log.turns, log.done) == (99, 21.5, 3, {"order": 1, "note": 1, "diagnose": 1})
    assert (log.note.split(), log.note_seqs) == (["no", "allergy"], [2])
    assert (log.ranked, log.diagnosis_seq, log.states) == (["flu", "cold"], 3, [("shock", 4)])
    assert [(where, done.seq) for where, done in log.said] == [("note", 2), ("diagnosis", 3)]


def test_patterns_are_found_wherever_they_stand() -> None:
    inner = {"not": {"any": [{"did": {"code": "aspirin"}}, {"never": {"code": "ecg12"}, "before": {"code": "cath_lab"}}]}}
    pred = Pred.model_validate({"implies": {"if": inner, "then": {"count": {"did": {"kind": "order"}, "le": 1}}}})
    found = patterns(pred)
    assert sorted(code for did in found for code in did.code) == ["aspirin", "cath_lab", "ecg12"]
    assert len(found) == 4
    assert patterns({"a": [pred], "b": "aspirin", "c": None}) == found


def test_the_patterns_of_a_rubric_are_looked_for_once_and_are_its_own() -> None:
    items = [{"id": "gives", "text": "x", "points": 1, "comp": "PC", "pred": {"did": {"code": "aspirin"}}}]
    rubric, twin = (Rubric.model_validate({"items": items}) for _ in range(2))
    assert patterns_of(rubric) is patterns_of(rubric)
    assert patterns_of(rubric)[0] is rubric.items[0].pred.did  # type: ignore[union-attr]
    assert patterns_of(twin)[0] is not patterns_of(rubric)[0]
