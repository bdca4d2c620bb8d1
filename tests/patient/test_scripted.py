"""The scripted patient: words follow facts, and sound like one person."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Brief, Case
from medsim.case.person import Fact, Informant
from medsim.patient.matcher import Heard, matcher
from medsim.patient.scripted import ScriptedPatient, manners
from medsim.patient.seat import Reply, Turn
from medsim.patient.verifier import faults

TOPICS = ["complaint.main", "talk.greeting", "pain.site", "onset.when", "ros.sweating", "ros.cough", "ros.headache", "social.tobacco",
          "meds.erectile", "ros.fever", "talk.empathy", "talk.confidential", "ice.concerns", "fh.diabetes", "logistics.identity", "meta.ai"]  # fmt: skip


def turn(*topics: str | None, opened: bool = True, **rest: Any) -> Turn:
    heard = tuple(Heard(topic or "zzyzx", topic, 1.0, ()) for topic in topics)
    return Turn(index=rest.pop("index", 1), kind=rest.pop("kind", "ask"), to="patient", heard=heard, opened=opened, **rest)


def changed(brief: Brief, **persona: Any) -> Brief:
    return brief._replace(persona=brief.persona.model_copy(update=persona))


def phrases(name: str) -> set[str]:
    return {text for choice in manners()["phrases"][name].values() for text in choice}


def wordings(brief: Brief, name: str) -> tuple[str, ...]:
    return next(fact.say for fact in brief.facts if fact.id == name)


def test_the_opening_is_said_in_the_patients_words_with_what_is_volunteered(mini: Case, patient: ScriptedPatient) -> None:
    reply = patient.reply(turn("complaint.main", opened=False))
    assert reply.text.startswith(mini.patient.opening)
    assert reply.facts == ("site",)
    assert reply.speaker == "Ann"


def test_one_fact_to_a_closed_question_and_more_to_an_open_one(patient: ScriptedPatient) -> None:
    assert patient.reply(turn("social.tobacco")).facts == ("smoking",)
    assert len(patient.reply(turn("complaint.more")).facts) == 2


def test_several_questions_at_once_are_answered_in_order(patient: ScriptedPatient) -> None:
    reply = patient.reply(turn("social.tobacco", "ros.cough"))
    assert reply.facts == ("smoking", "no_cough")
    assert reply.text.index("Ten a day.") < reply.text.index("No cough.")


def test_what_was_told_is_not_told_as_new(patient: ScriptedPatient) -> None:
    reply = patient.reply(turn("social.tobacco", told=("smoking",)))
    assert reply.facts == ()
    assert reply.text.endswith("Ten a day.")
    assert reply.text.removesuffix("Ten a day.").strip() in phrases("again")


def test_a_symptom_nobody_wrote_is_denied_and_anything_else_is_not_known(mini: Case, patient: ScriptedPatient) -> None:
    assert patient.reply(turn("ros.headache")).text in mini.patient.unknown.symptom
    assert "fh.diabetes" not in matcher().symptoms
    assert patient.reply(turn("fh.diabetes")).text in mini.patient.unknown.other


def test_many_denials_are_one_denial(mini: Case, patient: ScriptedPatient) -> None:
    assert patient.reply(turn("ros.headache", "ros.rash", "ros.palpitations")).text in mini.patient.unknown.symptom


def test_what_is_not_understood_is_asked_back_and_a_remark_is_acknowledged(patient: ScriptedPatient) -> None:
    assert patient.reply(turn(None)).text in phrases("unclear")
    assert patient.reply(turn(None, kind="say")).text in phrases("acknowledge")


def test_what_is_understood_is_answered_though_a_part_is_not(patient: ScriptedPatient) -> None:
    reply = patient.reply(turn(None, "social.tobacco"))
    assert reply.text.endswith("Ten a day.")
    assert not any(words in reply.text for words in phrases("unclear"))


def test_a_guarded_fact_is_deflected_in_its_own_words(patient: ScriptedPatient) -> None:
    reply = patient.reply(turn("meds.erectile", trust=2))
    assert (reply.text, reply.facts) == ("Nothing that matters.", ())


def test_the_patient_says_who_they_are_and_a_parent_says_who_the_child_is(mini: Case) -> None:
    assert ScriptedPatient(mini.brief()).reply(turn("logistics.identity")).text == "Ann Lee."
    mother = ScriptedPatient(mini.brief()._replace(informant=Informant(role="mother")))
    reply = mother.reply(turn("logistics.identity"))
    assert (reply.text, reply.speaker) == ("This is Ann Lee.", "Mother")


def test_what_the_child_says_is_marked_as_the_childs(mini: Case) -> None:
    own = Fact(id="tummy", topics=("pain.site",), by="patient", say=("My tummy.",))
    seat = ScriptedPatient(mini.brief()._replace(facts=(own,), informant=Informant(role="father", name="Luis")))
    reply = seat.reply(turn("pain.site"))
    assert (reply.text.endswith("(Ann:) My tummy."), reply.speaker) == (True, "Luis")


@pytest.mark.parametrize(("speech", "size"), [("short", 5), ("words", 2)])
def test_breathlessness_breaks_the_words_and_leaves_them_as_they_are(mini: Case, speech: str, size: int) -> None:
    calm = ScriptedPatient(changed(mini.brief(), affect="calm"))
    whole, broken = (calm.reply(turn("onset.when", speech=how)) for how in ("normal", speech))
    assert broken.facts == whole.facts
    assert broken.text.replace("... ", " ") == whole.text
    assert all(len(piece.split()) <= size for piece in broken.text.split("..."))


def test_a_healthy_parent_is_not_short_of_breath(mini: Case) -> None:
    mother = ScriptedPatient(mini.brief()._replace(informant=Informant(role="mother")))
    assert mother.reply(turn("onset.when", speech="words")).text == mother.reply(turn("onset.when")).text


def test_affect_changes_how_and_never_what(mini: Case) -> None:
    for affect in ("calm", "frightened", "irritable", "low", "tearful", "confused"):
        reply = ScriptedPatient(changed(mini.brief(), affect=affect)).reply(turn("social.tobacco"))
        assert (reply.facts, reply.text.endswith("Ten a day.")) == (("smoking",), True)


def test_silence_is_answered_with_silence(patient: ScriptedPatient) -> None:
    assert patient.reply(Turn(1, "ask", "patient")) == Reply("...", (), "Ann")


def test_a_wording_that_would_betray_what_was_not_asked_falls_back_without_a_fact(mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    seat = ScriptedPatient(mini.brief())
    monkeypatch.setattr(seat, "_fact", lambda fact, turn: "I take warfarin, 7 a day.")
    reply = seat.reply(turn("social.tobacco"))
    assert (reply.facts, reply.source) == ((), "fallback")
    assert reply.text in phrases("unclear")


def test_a_fact_told_by_another_seat_that_this_one_does_not_know_is_passed_over(patient: ScriptedPatient) -> None:
    assert patient.reply(turn("social.tobacco", told=("hidden",))).facts == ("smoking",)


@given(
    st.lists(st.sampled_from(TOPICS) | st.none(), min_size=1, max_size=5),
    st.sets(st.sampled_from(["site", "onset", "sweats", "smoking", "no_cough", "ice.concerns"])),
    st.integers(0, 2**31 - 1),
    st.sampled_from(["normal", "short", "words"]),
)
def test_seed_and_wording_never_change_which_facts_are_told_and_nothing_else_is_said(
    mini: Case, topics: list[str | None], told: set[str], seed: int, speech: str
) -> None:
    seat, brief = ScriptedPatient(mini.brief()), mini.brief()
    asked = turn(*topics, told=tuple(sorted(told)), seed=seed, speech=speech, opened=False)
    reply = seat.reply(asked)
    assert reply == seat.reply(asked)
    assert reply.facts == seat.reply(turn(*topics, told=tuple(sorted(told)), opened=False)).facts
    assert reply.text
    assert not set(reply.facts) & told
    spoken = [wording for name in (*told, *reply.facts) for wording in wordings(brief, name)]
    manner = [text for name in manners()["phrases"] for text in phrases(name)]
    sounds = [text for choice in manners()["sounds"].values() for text in choice]
    always = [brief.opening, *brief.unknown.symptom, *brief.unknown.other, *(fact.deflect or "" for fact in brief.facts)]
    assert faults(reply.text, released=[*spoken, *manner, *sounds, *always], doctor="") == []
    for name in reply.facts:
        assert any(wording.split()[-1] in reply.text for wording in wordings(brief, name))
