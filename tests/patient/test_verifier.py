"""The verifier: what stands in no released fact and was not said by the doctor is a fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.patient.verifier import faults, secrets_said

TOLD = ("It began 2 hours ago.", "I take aspirin.", "I had a fever of 38.5.")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("It began 3 hours ago.", "number: 3"),
        ("It was 39.5 at home.", "number: 39.5"),
        ("I take warfarin as well.", "drug: warfarin"),
        ("I have had a headache.", "symptom: headache"),
        ("As an AI I cannot feel pain.", "meta"),
        ("That is not in my script.", "meta"),
        ("The RUBRIC wants you to ask.", "meta"),
        ("I am a standardised patient.", "meta"),
    ],
)
def test_what_was_not_released_is_a_fault(text: str, kind: str) -> None:
    assert any(fault.startswith(kind) for fault in faults(text, released=TOLD, doctor=""))


@pytest.mark.parametrize(
    "text",
    [
        "It began 2 hours ago.",
        "My fever was 38.5, and I take aspirin.",
        "ASPIRIN, yes.",
        "No headache.",
        "I have not had any headache.",
        "I was never without my hat.",
        "",
    ],
)
def test_what_was_released_or_denied_is_clean(text: str) -> None:
    assert faults(text, released=TOLD, doctor="") == []


def test_the_doctors_own_words_may_be_taken_up() -> None:
    assert faults("I do take warfarin, 5 a day, for the headache.", released=TOLD, doctor="Warfarin? 5 a day? For headache?") == []
    assert faults("No, I am no chatbot.", released=TOLD, doctor="Are you a chatbot?") == []


def test_a_part_of_a_number_is_not_the_number() -> None:
    assert faults("38 degrees", released=("38.5 degrees",), doctor="") == ["number: 38"]


def test_a_denial_with_a_contracted_not_is_a_denial() -> None:
    assert faults("I haven't had headache.", released=(), doctor="") == []


@given(st.lists(st.sampled_from(["I took", "aspirin", "2", "38.5", "fever", "hours", "and", "began"]), max_size=8))
def test_words_of_released_facts_are_clean_in_any_order(words: list[str]) -> None:
    assert faults(" ".join(words), released=TOLD, doctor="") == []


def test_a_number_with_its_unit_is_the_number() -> None:
    assert faults("I take 5mg.", released=("I take 5mg.",), doctor="") == []


@given(st.text(st.characters(exclude_categories=["Nd", "Nl", "No"]), max_size=200), st.text(max_size=200))
def test_a_text_that_was_released_whole_holds_no_number_drug_or_symptom_of_its_own(text: str, doctor: str) -> None:
    assert [fault for fault in faults(text, released=(text,), doctor=doctor) if not fault.startswith("meta")] == []


@pytest.mark.parametrize(
    ("text", "doctor", "said"),
    [
        ("Is it a STEMI?", "", ["stemi"]),
        ("Is it a STEMI?", "You have a stemi.", []),
        ("systemic", "", []),
        ("I systemised it.", "", []),
        ("An Infarction, or a STEMI.", "infarction", ["stemi"]),
        ("heart attack", "", []),
    ],
)
def test_a_secret_is_said_where_its_word_stands_and_the_doctor_was_not_first(text: str, doctor: str, said: list[str]) -> None:
    assert secrets_said(text, secrets=("stemi", "infarction"), doctor=doctor) == said


def test_a_secret_of_several_words_with_signs_is_found() -> None:
    assert secrets_said("They said type-2 (ACS).", secrets=("type-2 (acs)", "acs"), doctor="") == ["type-2 (acs)", "acs"]
