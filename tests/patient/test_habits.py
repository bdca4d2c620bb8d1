"""The habits of the scripted patient: what low recall, confusion, haste, few words and a strange language make of an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from medsim.case import Case
from medsim.case.person import Fact
from medsim.consult import Consult
from medsim.patient import personas
from medsim.patient.matcher import Heard
from medsim.patient.personas import persona_over
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Line, Turn
from medsim.patient.verifier import faults

SAID = personas.shipped().phrases


def seat(case: Case, **levels: Any) -> ScriptedPatient:
    return ScriptedPatient(persona_over(case.brief(), {"affect": "calm", **levels}))


def turn(*topics: str, text: str = "zzyzx", **rest: Any) -> Turn:
    heard = tuple(Heard(text, topic, 1.0, ()) for topic in topics)
    words = rest.pop("utterance", text)
    return Turn(rest.pop("index", 1), "ask", "patient", utterance=words, heard=heard, opened=True, words=words, **rest)


def seeds_where(patient: ScriptedPatient, asked: Turn, held: bool) -> list[int]:
    return [seed for seed in range(40) if bool(patient.reply(replace(asked, seed=seed)).held) is held]


def test_a_bad_memory_keeps_some_facts_for_the_second_time_of_asking(mini: Case) -> None:
    patient = seat(mini, recall="low")
    assert 8 <= len(seeds_where(patient, turn("social.tobacco"), held=True)) <= 32
    seed = seeds_where(patient, turn("social.tobacco"), held=True)[0]
    first = patient.reply(turn("social.tobacco", seed=seed))
    assert (first.facts, first.held, first.text in SAID.held) == ((), ("smoking",), True)
    again = patient.reply(turn("social.tobacco", seed=seed, held=first.held, index=2))
    assert (again.facts, again.held, again.text.endswith("Ten a day.")) == (("smoking",), (), True)


def test_what_somebody_came_to_say_does_not_slip_the_mind(mini: Case) -> None:
    assert seeds_where(seat(mini, recall="low"), turn("pain.site"), held=True) == []


def test_what_is_held_back_comes_back_with_the_event_and_is_asked_for_again(mini: Case) -> None:
    patient = seat(mini, recall="low")
    seed = seeds_where(patient, turn("social.tobacco"), held=True)[0]
    consult = Consult(mini, seed=seed)
    consult.play("ask: do you smoke?", patient)
    assert consult.events[-1].args["held"] == ["smoking"]
    consult.play("ask: do you smoke?", patient)
    assert consult.events[-1].facts == ("smoking",)


def test_a_middling_memory_doubts_and_never_holds_back(mini: Case) -> None:
    patient = seat(mini, recall="medium")
    said = [patient.reply(turn("social.tobacco", seed=seed)) for seed in range(40)]
    assert {reply.facts for reply in said} == {("smoking",)}
    doubts = [reply.text for reply in said if reply.text != "Ten a day."]
    assert 2 <= len(doubts) <= 25
    assert all(text.removesuffix(" Ten a day.") in SAID.hedge for text in doubts)


def before(*lines: str) -> tuple[Line, ...]:
    return tuple(Line("doctor" if i % 2 == 0 else "patient", text) for i, text in enumerate(lines))


def test_a_confused_patient_answers_the_question_before_and_says_so(mini: Case) -> None:
    patient = seat(mini, confusion="marked")
    asked = turn("ros.cough", dialogue=before("Do you smoke?", "What?"))
    replies = [patient.reply(replace(asked, seed=seed)) for seed in range(60)]
    beside = [reply for reply in replies if reply.facts == ("smoking",)]
    assert 8 <= len(beside) <= 35
    assert all(any(words in reply.text for words in SAID.wandered) and "Ten a day." in reply.text for reply in beside)
    assert all("No cough." in reply.text for reply in replies if reply.facts == ("no_cough",))
    assert {reply.facts for reply in replies} == {("smoking",), ("no_cough",)}


def test_with_nothing_to_go_back_to_a_confused_patient_loses_the_thread_and_tells_nothing(mini: Case) -> None:
    patient = seat(mini, confusion="marked")
    replies = [patient.reply(turn("ros.cough", seed=seed)) for seed in range(40)]
    lost = [reply for reply in replies if not reply.facts]
    assert lost
    assert all(any(words in reply.text for words in SAID.lost) for reply in lost)


def test_a_kind_word_steadies(mini: Case) -> None:
    patient = seat(mini, confusion="mild")
    asked = turn("ros.cough")
    lost = [seed for seed in range(200) if not patient.reply(replace(asked, seed=seed)).facts]
    calmed = [seed for seed in range(200) if not patient.reply(replace(asked, seed=seed, said=("talk.reassure",))).facts]
    assert set(calmed) < set(lost)


def test_a_medical_word_is_asked_about_once_and_then_answered(mini: Case) -> None:
    patient = seat(mini, health_literacy="low")
    asked = turn("ros.cough", text="Any rhinorrhoea or cough?")
    first = patient.reply(asked)
    assert (first.facts, first.text) in {((), words.replace("{word}", "rhinorrhoea")) for words in SAID.puzzled}
    explained = patient.reply(turn("ros.cough", text="Any rhinorrhoea or cough?", dialogue=before("Any rhinorrhoea?", first.text)))
    assert explained.facts == ("no_cough",)
    for literacy in ("medium", "high"):
        assert seat(mini, health_literacy=literacy).reply(asked).facts == ("no_cough",)


def test_only_the_question_with_the_strange_word_waits(mini: Case) -> None:
    heard = (Heard("Any rhinorrhoea?", "ros.rhinorrhoea", 1.0, ()), Heard("Do you smoke?", "social.tobacco", 1.0, ()))
    reply = seat(mini, health_literacy="low").reply(
        Turn(1, "ask", "patient", heard=heard, opened=True, words="Any rhinorrhoea? Do you smoke?")
    )
    assert reply.facts == ("smoking",)
    assert "rhinorrhoea" in reply.text


def test_few_words_of_the_language_come_in_pieces_and_beg_for_shorter_questions(mini: Case) -> None:
    patient = seat(mini, language="A1")
    long = "Now I would like to ask you a question that is rather long and winds about a good deal: do you smoke?"
    assert patient.reply(turn("social.tobacco", utterance=long)).text.replace("... ", " ") in SAID.slow
    plea = SAID.slow[0]
    assert patient.reply(turn("social.tobacco", utterance=long, dialogue=before("Hello.", plea))).facts == ("smoking",)
    text = patient.reply(turn("onset.when")).text
    assert (text.replace("... ", " "), "... " in text) == ("It began about an hour ago.", True)
    assert all(len(piece.split()) <= 4 for piece in text.split("... "))


def test_haste_brings_one_fact_to_an_open_question_and_says_so(mini: Case) -> None:
    patient = seat(mini, temperament="impatient")
    early, late = (patient.reply(turn("complaint.more", index=index)) for index in (1, 8))
    assert (len(early.facts), len(late.facts)) == (2, 1)
    urges = {
        patient.reply(turn("onset.when", index=8, seed=seed)).text.removeprefix("It began about an hour ago.").strip() for seed in range(20)
    }
    assert len(urges - {""}) > 1
    assert patient.reply(turn("onset.when", index=1)).text == "It began about an hour ago."


def test_of_several_wordings_the_terse_use_the_shortest_and_the_wordy_the_longest(mini: Case) -> None:
    site = Fact(id="site", topics=("pain.site",), say=("Here.", "Right in the middle of my chest."))

    def said(**levels: Any) -> set[str]:
        brief = persona_over(mini.brief()._replace(facts=(site,)), {"affect": "calm", **levels})
        replies = [ScriptedPatient(brief).reply(turn("pain.site", index=9, seed=seed)) for seed in range(20)]
        assert {reply.facts for reply in replies} == {("site",)}
        return {reply.text for reply in replies}

    assert said() == set(site.say)
    assert said(personality="reserved") == said(talkativeness=1) == {"Here."}
    assert all(text.startswith("Here.") for text in said(temperament="impatient"))
    assert all(text.startswith("Right in the middle of my chest.") for text in said(talkativeness=5))


def test_a_courtesy_is_not_dressed_up(mini: Case) -> None:
    for levels in ({"personality": "worried"}, {"temperament": "impatient"}, {"talkativeness": 5}):
        patient = seat(mini, **levels)
        plain = seat(mini)
        for seed in range(10):
            asked = turn("talk.empathy", index=8, seed=seed)
            assert patient.reply(asked).text == plain.reply(asked).text


def test_nothing_a_persona_says_is_a_number_a_drug_or_a_symptom(mini: Case) -> None:
    assert faults(personas.spoken(), released=(), doctor="") == []
