"""Operators: the laws of the predicate language."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from medsim.case import Case
from medsim.case.predicate import Pred
from medsim.rubric.finding import Ending
from medsim.rubric.log import Log, patterns
from medsim.rubric.operators import decide
from medsim.trajectory import Event
from tests.rubric.predicates import EVENTS, PRED, made


def verdict(case: Case, source: dict[str, Any], events: list[Event], ending: Ending = "voluntary", *, now: int | None = None) -> str:
    pred = Pred.model_validate(source)
    log = Log(patterns(pred), case)
    for event in events:
        log.feed(event)
    if now is not None:
        log.now = now
    return decide(pred, log, ending).verdict


ASPIRIN = {"did": {"code": "aspirin"}}
ECG = {"did": {"code": "ecg12"}}


@pytest.mark.parametrize(
    ("pred", "events", "ending", "expected"),
    [
        (ASPIRIN, [(5, "treat", "aspirin")], "open", "met"),
        (ASPIRIN, [], "open", "unknown"),
        (ASPIRIN, [], "voluntary", "unmet"),
        (ASPIRIN, [], "censored", "unknown"),
        ({**ASPIRIN, "min": 2}, [(5, "treat", "aspirin")], "voluntary", "unmet"),
        ({**ASPIRIN, "max": 1}, [(5, "treat", "aspirin"), (6, "treat", "aspirin")], "open", "unmet"),
        ({**ASPIRIN, "max": 1}, [], "voluntary", "met"),
        ({**ASPIRIN, "within": "10m"}, [(600, "treat", "aspirin")], "open", "met"),
        ({**ASPIRIN, "within": "10m"}, [(601, "treat", "aspirin")], "open", "unmet"),
        ({**ASPIRIN, "within": "10m"}, [(700, "wait", "")], "censored", "unmet"),
        ({**ASPIRIN, "within": "10m"}, [(300, "wait", "")], "censored", "unknown"),
        (
            {**ASPIRIN, "within": "10m", "from": {"kind": "result", "code": "ecg12"}},
            [(900, "result", "ecg12"), (1400, "treat", "aspirin")],
            "open",
            "met",
        ),
        (
            {**ASPIRIN, "within": "10m", "from": {"kind": "result", "code": "ecg12"}},
            [(10, "treat", "aspirin"), (900, "result", "ecg12")],
            "voluntary",
            "unmet",
        ),
        (
            {**ASPIRIN, "within": "10m", "from": {"kind": "result", "code": "ecg12"}, "early": True},
            [(10, "treat", "aspirin")],
            "open",
            "met",
        ),
        ({**ASPIRIN, "within": "10m", "from": {"kind": "result", "code": "ecg12"}}, [(10, "treat", "aspirin")], "voluntary", "na"),
        ({**ASPIRIN, "within": "10m", "from": {"kind": "result", "code": "ecg12"}, "from_absent": "unmet"}, [], "voluntary", "unmet"),
        ({"never": {"code": "nitroglycerin"}}, [(5, "treat", "nitroglycerin")], "open", "unmet"),
        ({"never": {"code": "nitroglycerin"}}, [], "open", "unknown"),
        ({"never": {"code": "nitroglycerin"}}, [], "voluntary", "met"),
        ({"never": {"code": "aspirin"}, "before": {"code": "ecg12"}}, [(1, "order", "ecg12"), (2, "treat", "aspirin")], "open", "met"),
        ({"never": {"code": "aspirin"}, "before": {"code": "ecg12"}}, [(1, "treat", "aspirin"), (2, "order", "ecg12")], "open", "unmet"),
        ({"never": {"code": "aspirin"}, "before": {"kind": "treat"}}, [(1, "treat", "aspirin")], "open", "met"),
        (
            {"precedes": {"a": {"code": "ecg12"}, "b": {"code": "cath_lab"}}},
            [(1, "order", "ecg12"), (2, "consult", "cath_lab")],
            "open",
            "met",
        ),
        ({"precedes": {"a": {"code": "ecg12"}, "b": {"code": "cath_lab"}}}, [(2, "consult", "cath_lab")], "open", "unmet"),
        ({"precedes": {"a": {"code": "ecg12"}, "b": {"code": "cath_lab"}}}, [(1, "order", "ecg12")], "voluntary", "na"),
        ({"precedes": {"a": {"code": "ecg12"}, "b": {"code": "cath_lab"}, "if_b_absent": "unmet"}}, [], "voluntary", "unmet"),
        ({"all": [ASPIRIN, ECG]}, [(1, "treat", "aspirin"), (2, "order", "ecg12")], "open", "met"),
        ({"any": [ASPIRIN, ECG]}, [(2, "order", "ecg12")], "open", "met"),
        ({"not": ASPIRIN}, [(1, "treat", "aspirin")], "open", "unmet"),
        ({"k_of": {"k": 2, "of": [ASPIRIN, ECG]}}, [(1, "treat", "aspirin")], "open", "unknown"),
        ({"k_of": {"k": 2, "of": [ASPIRIN, ECG]}}, [(1, "treat", "aspirin")], "voluntary", "unmet"),
        ({"implies": {"if": {"state": "arrest"}, "then": ASPIRIN}}, [(1, "treat", "aspirin")], "voluntary", "na"),
        ({"implies": {"if": {"state": "arrest"}, "then": ASPIRIN}}, [(1, "state", "arrest")], "voluntary", "unmet"),
        ({"state": ["arrest", "shock"]}, [(1, "state", "shock")], "open", "met"),
        ({"diagnosis": True}, [(1, "diagnose", "Acute inferior STEMI with right ventricular involvement")], "voluntary", "met"),
        ({"diagnosis": True}, [(1, "diagnose", "not an inferior STEMI")], "voluntary", "unmet"),
        ({"diagnosis": True}, [(1, "diagnose", "PE or inferior STEMI")], "voluntary", "unmet"),
        ({"diagnosis": True}, [(1, "diagnose", "inferior STEMI")], "open", "unknown"),
        ({"diagnosis": True}, [], "censored", "unknown"),
        ({"disposition": True}, [(1, "dispose", "cath_lab")], "voluntary", "met"),
        ({"disposition": True}, [(1, "dispose", "home")], "voluntary", "unmet"),
        ({"count": {"did": {"kind": "order"}, "le": 1}}, [(1, "order", "ecg12"), (2, "order", "x")], "open", "unmet"),
        ({"count": {"did": {"kind": "order"}, "ge": 1}}, [(1, "order", "ecg12")], "open", "met"),
        ({"time": {"le": 10}}, [(601, "wait", "")], "open", "unmet"),
        ({"note": {"contains_any": ["allergy"]}}, [(1, "note", "Allergy noted")], "open", "met"),
    ],
)
def test_operators(mini: Case, pred: dict[str, Any], events: list[tuple[int, str, str]], ending: Ending, expected: str) -> None:
    assert verdict(mini, pred, made(*events), ending) == expected


def test_a_pattern_without_kind_never_matches_the_environment(mini: Case) -> None:
    assert verdict(mini, ECG, made((1, "result", "ecg12"))) == "unmet"


def test_what_comes_before_something_that_never_happened_says_so(mini: Case) -> None:
    early = {"precedes": {"a": {"code": "ecg12"}, "b": {"group": "antibiotic"}, "if_b_absent": "unmet"}}
    late = {"precedes": {"a": {"code": "ecg12"}, "b": {"code": ["aspirin", "cath_lab"]}, "if_b_absent": "unmet"}}
    asked = made((1, "order", "ecg12"))

    def reason(source: dict[str, Any], events: list[Event]) -> str:
        pred = Pred.model_validate(source)
        log = Log(patterns(pred), mini)
        for event in events:
            log.feed(event)
        return decide(pred, log, "voluntary").reason

    assert reason(early, asked) == "what it has to come before never happened: antibiotic"
    assert reason(late, asked) == "what it has to come before never happened: aspirin or cath lab"
    assert reason(late, []) == "", "nothing was done that could have counted"
    assert reason(late, made((1, "treat", "aspirin"), (2, "order", "ecg12"))) == "", "the events themselves show it"
    assert reason({"precedes": {**early["precedes"], "if_b_absent": "met"}}, asked) == ""


# ---- laws --------------------------------------------------------------------------------------------------------------------------


@given(PRED, EVENTS)
def test_an_open_verdict_once_decided_never_changes(mini: Case, source: dict[str, Any], events: list[Event]) -> None:
    pred = Pred.model_validate(source)
    log = Log(patterns(pred), mini)
    decided = None
    for event in events:
        log.feed(event)
        now = decide(pred, log, "open").verdict
        if decided is not None:
            assert now == decided
        elif now != "unknown":
            decided = now
    for ending in ("voluntary", "censored"):
        final = decide(pred, log, ending).verdict
        if decided is not None:
            assert final == decided


@given(PRED, EVENTS)
def test_a_voluntary_end_leaves_nothing_unknown(mini: Case, source: dict[str, Any], events: list[Event]) -> None:
    assert verdict(mini, source, events) != "unknown"
