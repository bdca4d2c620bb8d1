"""MediQ's patients: they tell what the record says and nothing else, and what cannot be used is asked for again and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim import recipe as recipes
from medsim.agent.script import Script
from medsim.case import Case
from medsim.episode import replay, rollout
from medsim.errors import CaseError, LLMError
from medsim.evaluation import Seats, evaluate
from medsim.importers import mediq as importer
from medsim.importers.pack import write_pack
from medsim.llm import Answer, Call, Scripted
from medsim.llm.scripted import Line
from medsim.patient.identity import PROMPTS
from medsim.patient.mediq import KINDS, TRIES, UNANSWERED, MediqPatient, selection
from medsim.patient.personas import persona_over
from medsim.patient.seat import Turn
from medsim.store import Store

CASE = importer.load(Path(__file__).parents[1] / "importers" / "fixtures" / "mediq_dev.jsonl").cases[0]
FACTS = [fact.say[0] for fact in CASE.brief().facts]
FEVER, LANTERNS, BRASS = FACTS.index("Patient denies fever."), 4, 5


def put(kind: str, *said: Line, question: str = "Does she have a fever?") -> tuple[MediqPatient, Scripted, Turn]:
    llm = Scripted(said)
    return MediqPatient(CASE.brief(), llm, kind=kind), llm, Turn(1, "ask", "patient", utterance=question, seed=7)


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(CASE.brief().facts[number].id for number in numbers)


# ---- what a patient is shown --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_is_shown_the_record_and_the_question_and_no_answer(kind: str) -> None:
    patient, llm, turn = put(kind, "1")
    patient.reply(turn)
    (call,) = llm.calls
    assert [message.role for message in call.messages] == ["system", "user"]
    assert all(fact in call.messages[0].content for fact in FACTS)
    assert "<<<\nDoes she have a fever?\n>>>" in call.messages[1].content
    shown = "\n".join(message.content for message in call.messages)
    for hidden in ("Harrow fever", "Brass itch", "Which of the following", "diagnose:"):
        assert hidden not in shown
    assert (call.role, call.seed) == ("patient", 7)


@pytest.mark.parametrize("kind", KINDS)
def test_every_question_stands_alone(kind: str) -> None:
    patient, llm, turn = put(kind, "1", "1")
    assert patient.reply(turn) == patient.reply(turn)
    assert llm.calls[0] == llm.calls[1]


def test_only_the_selecting_patient_sees_numbers() -> None:
    systems = {kind: put(kind)[0].system for kind in KINDS}
    assert "3. Patient denies fever.\n4. Patient has not travelled." in systems["factselect"]
    assert "Patient denies fever. Patient has not travelled." in systems["instruct"]
    assert "Patient denies fever. Patient has not travelled." in systems["direct"]
    assert len(set(systems.values())) == 3


def test_a_persona_colours_free_speech_and_no_selection() -> None:
    brief = persona_over(CASE.brief(), {"temperament": "impatient"})
    for kind in KINDS:
        plain, other = (MediqPatient(each, Scripted([]), kind=kind).system for each in (CASE.brief(), brief))
        assert (plain == other) is (kind == "factselect")
        assert other.startswith(plain)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_without_facts_answers_nothing_and_asks_no_model(kind: str) -> None:
    llm = Scripted([])
    reply = MediqPatient(CASE.brief()._replace(facts=()), llm, kind=kind).reply(Turn(1, "ask", "patient", utterance="Fever?"))
    assert (reply.text, reply.facts, llm.calls) == (UNANSWERED, (), [])


# ---- to select facts ----------------------------------------------------------------------------------------------------------------


def test_the_selected_facts_are_the_reply_word_for_word_in_the_order_of_the_record() -> None:
    patient, _, turn = put("factselect", "6, 3")
    reply = patient.reply(turn)
    assert reply.text == "Patient denies fever. Patient handles brass polish every day."
    assert reply.facts == ids(FEVER, BRASS)
    assert (reply.source, reply.usage.calls if reply.usage else 0) == ("factselect", 1)


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("3", (3,)), ("3.", (3,)), ("3, 5", (3, 5)), ("3,5", (3, 5)), ("[3, 5]", (3, 5)), ("3 and 5", (3, 5)), ("3, 5, and 6.", (3, 5, 6)),
        ("3\n5", (3, 5)), ("**3**", (3,)), ("Facts: 3, 5", (3, 5)), ("fact 3", (3,)), ("Answer: 3", (3,)), ("#3; #5", (3, 5)), ("5 5", (5, 5)),
        ("0", (0,)), ("NONE", ()), ("None.", ()), ("`none`", ()),
    ],
)  # fmt: skip
def test_numbers_are_read_where_there_is_nothing_else(said: str, numbers: tuple[int, ...]) -> None:
    assert selection(said) == numbers


@pytest.mark.parametrize(
    "said",
    [
        "",
        "3-5",
        "three",
        "3, none",
        "3. Patient denies fever.",
        "Fact 3 says so",
        "The answer is 3",
        "3 (fever)",
        "-3",
        "3.5",
        "1e3",
        "all",
        "३",
    ],
)
def test_what_is_not_only_numbers_is_no_selection(said: str) -> None:
    assert selection(said) is None


@pytest.mark.parametrize("bad", ["11", "0", "3, 400", "Patient denies fever.", "3-5"])
def test_a_number_that_is_no_fact_is_asked_for_again(bad: str) -> None:
    patient, llm, turn = put("factselect", bad, "3")
    reply = patient.reply(turn)
    assert (reply.text, reply.facts) == ("Patient denies fever.", ids(FEVER))
    assert [message.role for message in llm.calls[1].messages] == ["system", "user", "assistant", "user"]
    assert llm.calls[1].messages[2].content == bad
    assert reply.usage is not None
    assert reply.usage.calls == 2


def test_the_second_request_says_which_numbers_there_are() -> None:
    patient, llm, turn = put("factselect", "3, 11", "3")
    patient.reply(turn)
    assert "there is no fact 11; the facts are numbered 1 to 10" in llm.calls[1].messages[3].content


@pytest.mark.parametrize("bad", ["11", "the third"])
def test_after_three_tries_the_turn_fails_and_nothing_is_said(bad: str) -> None:
    patient, llm, turn = put("factselect", *[bad] * TRIES)
    with pytest.raises(LLMError, match=f"asked {TRIES} times"):
        patient.reply(turn)
    assert len(llm.calls) == TRIES


def test_none_is_answered_with_the_fixed_sentence() -> None:
    patient, _, turn = put("factselect", "NONE")
    reply = patient.reply(turn)
    assert (reply.text, reply.facts) == (UNANSWERED, ())


def test_thoughts_are_not_read() -> None:
    patient, _, turn = put("factselect", "<think>5, or 6?</think>\n3")
    assert patient.reply(turn).facts == ids(FEVER)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_that_was_cut_off_is_not_used(kind: str) -> None:
    cut = Answer("3, 1", finish="length")
    patient, llm, turn = put(kind, cut, "3")
    assert patient.reply(turn).text != "3, 1"
    assert len(llm.calls) == 2


# ---- to speak freely ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["direct", "instruct"])
def test_what_was_told_is_found_in_the_words(kind: str) -> None:
    patient, _, turn = put(kind, "No, the patient denies fever.\nShe repairs old lanterns.")
    reply = patient.reply(turn)
    assert reply.text == "No, the patient denies fever. She repairs old lanterns."
    assert reply.facts == ids(FEVER, LANTERNS)
    assert reply.source == kind


@pytest.mark.parametrize("kind", ["direct", "instruct"])
def test_what_the_record_does_not_say_is_no_fact(kind: str) -> None:
    patient, _, turn = put(kind, "She has a high fever and a cough.")
    assert patient.reply(turn).facts == ()


@pytest.mark.parametrize("said", ["NOT RECORDED", "Not recorded.", '"NOT RECORDED"', "**NOT RECORDED**"])
def test_a_question_that_the_record_does_not_answer_gets_the_fixed_sentence(said: str) -> None:
    patient, _, turn = put("instruct", said)
    reply = patient.reply(turn)
    assert (reply.text, reply.facts) == (UNANSWERED, ())


def test_half_a_refusal_is_asked_for_again() -> None:
    patient, llm, turn = put("instruct", "NOT RECORDED, but probably no.", "NOT RECORDED")
    assert patient.reply(turn).text == UNANSWERED
    assert len(llm.calls) == 2


# ---- in an encounter ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_model_is_an_error_of_the_encounter(kind: str) -> None:
    patient = MediqPatient(CASE.brief(), Scripted([LLMError("down")]), kind=kind)
    run = rollout(CASE, Script(["ask: fever?", "diagnose: A\nend:"]), patient=patient)
    assert (run.outcome.status, run.outcome.reason) == ("error", "LLMError")
    assert not [event for event in run.events if event.kind == "reply"]


def test_an_encounter_replays_from_its_own_words() -> None:
    llm = Scripted(["3", "NONE"])
    run = rollout(CASE, Script(["ask: fever?", "ask: pets?", "diagnose: A\nend:"]), patient=MediqPatient(CASE.brief(), llm, model="m"))
    assert (run.error, run.patient) == ("", "factselect:m")
    replies = [event for event in run.events if event.kind == "reply"]
    assert [(event.text, event.facts, event.args["source"]) for event in replies] == [
        ("Patient denies fever.", ids(FEVER), "factselect"), (UNANSWERED, (), "factselect"),
    ]  # fmt: skip
    assert replay(CASE, run).events == run.events


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(CaseError, match="Did you mean 'factselect'"):
        MediqPatient(CASE.brief(), Scripted([]), kind="factselct")


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_chooses_the_patient(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "quiz.yaml"
    file.write_text(f"schema: medsim.env/1\nid: quiz\npatient: {kind}\n")
    pack = tmp_path / "pack"
    write_pack(
        importer.load(Path(__file__).parents[1] / "importers" / "fixtures" / "mediq_dev.jsonl"), pack, title="x", licence="x", notes=()
    )
    case = str(next(pack.rglob(f"{CASE.id}.yaml")))

    def line(call: Call) -> Line:
        if call.role == "patient":
            return "3"
        known, asked = "Told:" in call.messages[1].content, call.messages[-1].content
        return "C" if "letter alone" in asked else "Fever?" if "question alone" in asked else "5" if known else "1"

    seats = Seats(Scripted(line), "voiced", (("doctor", "m"), ("patient", "m")))
    store = Store(tmp_path / "runs.db")
    done = evaluate(("mediq_scale",), cases=[case], recipe=str(file), store=store, seats=seats)
    assert done.errors == []
    (row,) = store.rows()
    run = store.load(row["id"])
    assert run.patient == kind
    assert [event.args["source"] for event in run.events if event.kind == "reply"] == [kind]


def test_the_prompts_are_part_of_a_runs_identity() -> None:
    for kind in KINDS:
        assert PROMPTS[kind] == (f"patient_{kind}", "patient_again")


def test_without_a_model_the_patient_is_refused() -> None:
    with pytest.raises(CaseError, match="needs a language model"):
        Seats(patient="factselect").patient_of(CASE)


def test_a_recipe_gives_no_bias_to_these_patients(tmp_path: Path) -> None:
    file = tmp_path / "quiz.yaml"
    file.write_text("schema: medsim.env/1\nid: quiz\npatient: factselect\nbias: recency\ntarget: flu\n")
    with pytest.raises(CaseError, match="role-played"):
        recipes.load(str(file))


def test_the_facts_are_those_of_the_brief(mini: Case) -> None:
    """Works with any case: what the patient may never tell is not in the record."""
    hidden = [fact.say[0] for fact in mini.patient.every_fact() if fact.tier == "never"]
    patient = MediqPatient(mini.brief(), Scripted([]))
    assert all(fact.say[0] in patient.system for fact in mini.brief().facts)
    assert not any(text in patient.system for text in hidden)
