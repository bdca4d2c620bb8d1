"""Verdicts: the laws of the predicate language."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.case.predicate import Pred
from medsim.rubric.scorecard import tally
from medsim.rubric.verdict import Ending, Log, Monitor, decide, patterns
from medsim.trajectory import Event

CODES = ["aspirin", "ecg12", "cath_lab", "nitroglycerin"]


def made(*events: tuple[int, str, str]) -> list[Event]:
    """Events from (seconds, kind, code)."""
    built = []
    for seq, (t, kind, code) in enumerate(events):
        actor: Any = "controller" if kind in {"state", "result", "challenge"} else "doctor"
        args = {"ranked": [code]} if kind == "diagnose" else {}
        built.append(Event(seq, seq, t, actor, kind, text=code, code=code, args=args))
    return built


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


# ---- laws --------------------------------------------------------------------------------------------------------------------------

PATTERN = st.sampled_from(CODES).map(lambda code: {"code": code})
LEAF = st.one_of(
    PATTERN.map(lambda did: {"did": did}),
    st.tuples(PATTERN, st.integers(1, 30)).map(lambda pair: {"did": pair[0], "within": f"{pair[1]}m"}),
    st.tuples(PATTERN, PATTERN, st.integers(1, 30), st.booleans()).map(
        lambda four: {"did": four[0], "from": four[1], "within": f"{four[2]}m", "early": four[3], "from_absent": "unmet"}
    ),
    PATTERN.map(lambda did: {"never": did}),
    st.tuples(PATTERN, PATTERN).map(lambda pair: {"never": pair[0], "before": pair[1]}),
    st.tuples(PATTERN, PATTERN, st.sampled_from(["na", "met", "unmet"])).map(
        lambda three: {"precedes": {"a": three[0], "b": three[1], "if_b_absent": three[2]}}
    ),
    st.just({"state": "arrest"}),
    st.just({"diagnosis": True}),
    st.integers(0, 3).map(lambda n: {"count": {"did": {"kind": "treat"}, "le": n}}),
)
PRED = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"k_of": {"k": 2, "of": parts}}),
        st.tuples(inner, inner).map(lambda pair: {"implies": {"if": pair[0], "then": pair[1]}}),
    ),
    max_leaves=6,
)
EVENT = st.one_of(
    st.tuples(st.integers(0, 2400), st.just("treat"), st.sampled_from(CODES)),
    st.tuples(st.integers(0, 2400), st.just("state"), st.sampled_from(["ill", "arrest"])),
    st.tuples(st.integers(0, 2400), st.just("diagnose"), st.sampled_from(["inferior STEMI", "flu"])),
)
EVENTS = st.lists(EVENT, max_size=8).map(lambda events: made(*sorted(events)))


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
        final = decide(pred, log, ending).verdict  # type: ignore[arg-type]
        if decided is not None:
            assert final == decided


@given(PRED, EVENTS)
def test_a_voluntary_end_leaves_nothing_unknown(mini: Case, source: dict[str, Any], events: list[Event]) -> None:
    assert verdict(mini, source, events) != "unknown"


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
