"""The grammar: parsing never fails, printing loses nothing, doses are read in base units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim import action as act
from medsim.action import VERBS, Action, parse, ranked, show, wait_seconds
from medsim.dose import dose_args, drug_words

WORDS = st.text(max_size=60) | st.text(alphabet="ask:order;\\ \nend", max_size=40)
ACTIONS = st.builds(Action, st.sampled_from(VERBS), WORDS)


@given(st.lists(ACTIONS, min_size=1, max_size=5))
def test_printing_then_parsing_gives_the_same_actions(actions: list[Action]) -> None:
    assert parse(show(actions)) == actions


@given(WORDS)
def test_any_text_is_some_action_and_prints_back(text: str) -> None:
    actions = parse(text)
    assert actions
    assert parse(show(actions)) == actions


@given(st.binary(max_size=200))
def test_rubbish_bytes_become_speech_without_control_codes(data: bytes) -> None:
    for action in parse(data.decode("utf-8", "surrogateescape")):
        assert all(ch == "\n" or ch.isprintable() or ch.isspace() for ch in action.text)


def test_text_without_a_verb_is_speech() -> None:
    assert parse("where does it hurt?") == [act.ask("where does it hurt?")]
    assert parse("I am sorry to hear that.") == [act.say("I am sorry to hear that.")]
    assert parse("end") == [act.end()]


def test_several_actions_stand_on_lines_or_behind_semicolons() -> None:
    assert parse("order: ecg; examine: heart\ntreat: aspirin 300 mg po") == [
        act.order("ecg"),
        act.examine("heart"),
        act.treat("aspirin", dose="300 mg", route="po"),
    ]


def test_a_note_goes_on_over_several_lines() -> None:
    assert parse("note: S: pain\nO: fine\nend:") == [act.note("S: pain\nO: fine"), act.end()]


def test_a_verb_inside_a_text_survives_printing() -> None:
    action = act.note("plan\norder: nothing more")
    assert parse(show([action])) == [action]
    assert "\\order:" in show([action])


@pytest.mark.parametrize(
    ("text", "weight", "expected"),
    [
        ("aspirin 300 mg po", 60, {"dose_mg": 300, "dose_mg_per_kg": 5, "route": "po"}),
        ("ceftriaxone 2 g IV", None, {"dose_mg": 2000, "route": "iv"}),
        ("epinephrine 500 micrograms intramuscular", None, {"dose_mg": 0.5, "route": "im"}),
        ("normal saline 20 ml/kg bolus", 20, {"dose_ml": 400, "dose_ml_per_kg": 20}),
        ("insulin 0.1 units/kg/h iv", 60, {"rate_units_per_kg_h": 0.1, "rate_units_per_h": 6, "route": "iv"}),
        ("oxygen 15 L/min by mask", None, {"flow_l_min": 15, "route": "inh"}),
        ("1,000 ml saline over 1 hour", None, {"dose_ml": 1000}),
        ("defibrillate 200 J", None, {"energy_j": 200}),
        ("potassium chloride 20 mmol/h", None, {"rate_mmol_per_h": 20}),
        ("aspirin", 60, {}),
    ],
)
def test_doses_are_read_in_base_units(text: str, weight: float | None, expected: dict[str, object]) -> None:
    assert dose_args(text, weight_kg=weight) == expected


def test_drug_words_leave_doses_and_routes_out() -> None:
    assert drug_words("Aspirin 300 mg PO stat") == "aspirin"
    assert drug_words("0.9% sodium chloride 500 ml iv over 15 min") == "0.9% sodium chloride"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("10 minutes", 600), ("for 2 h", 7200), ("1 hour 30 mins", 5400), ("15", 900), ("result", None), ("", None)],
)
def test_waiting_times_are_read_as_people_write_them(text: str, seconds: int | None) -> None:
    assert wait_seconds(text) == seconds


def test_unreadable_waiting_times_are_refused() -> None:
    with pytest.raises(ValueError, match="duration"):
        wait_seconds("a while")


def test_a_ranked_list_is_read_in_order() -> None:
    assert ranked("1. PE; 2. pneumonia") == ["PE", "pneumonia"]
    assert ranked("PE > pneumonia\n- pleurisy") == ["PE", "pneumonia", "pleurisy"]
