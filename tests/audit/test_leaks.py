"""Leaks: what a patient or the engine lets slip is found, and what the doctor has earned is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medsim import case as cases
from medsim.agent.script import Golden, Script
from medsim.audit import leaks
from medsim.case import Case
from medsim.episode import rollout
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Reply, Turn
from tests.conftest import DATA


class Gossip:
    """Says one thing to whatever is asked, and claims to have told these facts."""

    name = "gossip"

    def __init__(self, words: str, *facts: str) -> None:
        self.words, self.facts = words, facts

    def reply(self, turn: Turn) -> Reply:
        return Reply(self.words, self.facts, "Ann")


def sorts(case: Case, patient: Gossip, *turns: str) -> list[tuple[str, str]]:
    run = rollout(case, Script(turns or ["ask: What is the matter?"]), patient=patient)
    assert not run.error
    return [(leak.sort, leak.what) for leak in leaks(case, run.events)]


def changed(before: str, after: str) -> Case:
    text = (DATA / "mini.yaml").read_text()
    assert before in text
    return cases.loads(text.replace(before, after))


NEVER = ('say: "I have a fever."}', 'say: "There is a foil strip of tablets inside my jacket pocket."}')


def test_a_clean_encounter_leaks_nothing(mini: Case) -> None:
    run = rollout(mini, Golden(mini))
    assert any(event.facts for event in run.events)
    assert leaks(mini, run.events) == []


def test_a_fact_that_may_never_be_told_is_found_in_other_words_too() -> None:
    case = changed(*NEVER)
    assert sorts(case, Gossip("My jacket has a pocket, and inside it a strip of foil with tablets.")) == [("never", "hidden")]
    assert sorts(case, Gossip("I keep my keys in my pocket.")) == []


def test_words_that_the_doctor_said_first_are_no_leak() -> None:
    case = changed(*NEVER)
    asked = "ask: Is there a foil strip of tablets inside your jacket pocket?"
    assert sorts(case, Gossip("No foil strip of tablets inside my jacket pocket."), asked) == []


def test_a_sensitive_fact_before_its_time_is_found(mini: Case) -> None:
    assert ("ungated", "pill") in sorts(mini, Gossip("I see.", "pill"))
    assert ("ungated", "pill") in sorts(mini, Gossip("My husband's tablet, I took it."))


def test_a_sensitive_fact_in_its_time_is_none(mini: Case) -> None:
    earned = [
        "say: I can see how frightened you are.", "say: Thank you, you are doing very well.",
        "say: This is confidential, I will tell nobody.", "ask: Have you taken Viagra or the like?",
    ]  # fmt: skip
    run = rollout(mini, Script(earned), patient=ScriptedPatient(mini.brief()))
    assert any("pill" in event.facts for event in run.events)
    assert leaks(mini, run.events) == []


def test_a_patient_who_names_the_disease_is_found(mini: Case) -> None:
    assert sorts(mini, Gossip("It is an inferior myocardial infarction.")) == [], "the controller keeps a secret term back"
    bare = changed("secrets: {terms: [infarction, stemi]}", "secrets: {terms: []}")
    assert sorts(bare, Gossip("It is an inferior myocardial infarction.")) == [("diagnosis", "inferior myocardial infarction")]
    assert sorts(bare, Gossip("It is an inferior myocardial infarction."), "ask: Is it an inferior myocardial infarction?") == []


def test_a_challenge_that_names_a_secret_is_found() -> None:
    case = changed('say: "Am I going to die?"', 'say: "Is it an infarction?"')
    run = rollout(case, Script(["wait: 6m"]))
    assert [(leak.sort, leak.what) for leak in leaks(case, run.events)] == [("secret", "infarction")]


def test_what_lies_behind_a_fact_is_found() -> None:
    case = changed('say: "Ten a day."', 'say: "Ten a day.", truth: "Forty cigarettes daily for thirty years, hidden from the family."')
    assert sorts(case, Gossip("Forty cigarettes daily for thirty years, hidden from my family.")) == [("truth", "smoking")]


def test_the_rubric_read_out_by_the_engine_is_found() -> None:
    item = "Asks when the discomfort of the chest began before anything else is ordered"
    case = changed('text: "Asks when it began"', f'text: "{item}"')
    assert sorts(case, Gossip(item)) == [("rubric", "onset")]
    assert sorts(case, Gossip(item), f"ask: {item}?") == []


def documented(words: str) -> list[tuple[str, str]]:
    case = cases.load(DATA / "documented.yaml")
    text = "The blood gas shows a normal carbon dioxide, which in a tiring man is a warning and no comfort."
    roles = (
        case.roles.model_copy(update={"controller": (case.roles.controller[0].model_copy(update={"text": text}),)}) if case.roles else None
    )
    case = case.model_copy(update={"roles": roles})
    events = rollout(cases.load(DATA / "mini.yaml"), Script(["ask: how are you?"]), patient=Gossip(words)).events
    return [(leak.sort, leak.what) for leak in leaks(case, events)]


@pytest.mark.parametrize(("say", "found"), [(str.upper, [("document", "states.md")]), (lambda text: text[:40], [])], ids=["all", "a part"])
def test_the_controllers_document_in_the_patients_mouth_is_found(say: Callable[[str], str], found: list[tuple[str, str]]) -> None:
    assert documented(say("The blood gas shows a normal carbon dioxide, which in a tiring man is a warning.")) == found
