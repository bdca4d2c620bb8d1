"""What a patient's seat is given: all it remembers stands in the turn, so a fork asks a model the same again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsim.agent.script import Script
from medsim.case import Case
from medsim.consult import Consult
from medsim.episode import fork, rollout
from medsim.evaluation import Seats
from medsim.llm import Call, Scripted
from medsim.patient.documented import DocumentPatient
from medsim.patient.role import RolePatient, conversation
from medsim.patient.seat import Line, Reply, Turn
from medsim.patient.voiced import VoicedPatient
from medsim.recipe import Recipe, load_case

DATA = Path(__file__).parents[1] / "data"
SAID = ["ask: do you smoke?", "examine: heart\ntreat: aspirin 300 mg po", "order: ecg\nwait: result", "ask: any cough?", "wait: 5m", "ask: when did it start?",
        "say: thank you"]  # fmt: skip


class Listening:
    """Keeps the turns it is given."""

    name = "listening"

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def reply(self, turn: Turn) -> Reply:
        self.turns.append(turn)
        return Reply(f"Answer {len(self.turns)}.", (), "Ann")


def test_a_turn_carries_the_talk_and_what_was_done_and_what_went_before_only(mini: Case) -> None:
    patient = Listening()
    rollout(mini, Script(SAID), patient=patient)
    assert patient.turns[0].dialogue == ()
    assert patient.turns[1].dialogue == (
        Line("doctor", "do you smoke?"),
        Line("patient", "Answer 1."),
        Line("scene", "Examined: heart"),
        Line("result", "Auscultation of the heart: Slow, regular, no murmur."),
        Line("scene", "Given: aspirin 300 mg po"),
        Line("patient", "What was that for?"),
        Line("patient", "Am I going to die?"),
    )
    later = patient.turns[-1].dialogue
    assert [line.text for line in later if line.who == "result"][-1].startswith("12-lead ECG: ST elevation")
    assert patient.turns[-1].utterance not in {line.text for line in later}
    assert not any("12-lead" in line.text for line in later if line.who != "result")


def told(case: Case, *, results: bool) -> list[Call]:
    llm = Scripted(lambda call: "Ten a day.")
    rollout(case, Script(SAID), patient=RolePatient(case.brief(), llm, results=results))
    return llm.calls


def test_a_played_patient_knows_what_is_done_and_is_told_what_it_showed_only_where_set(mini: Case) -> None:
    for results in (False, True):
        *_, last = told(mini, results=results)
        talk = "\n".join(message.content for message in last.messages[1:])
        assert "(Examined: heart)" in talk
        assert "(Given: aspirin 300 mg po)" in talk
        assert ("(You are told: " in talk, "ST elevation" in talk, "no murmur" in talk) == (results,) * 3


def test_who_speaks_in_a_conversation_changes_by_turns_and_the_patient_never_begins() -> None:
    lines = [Line("patient", "Help!"), Line("scene", "Examined: heart"), Line("result", "Nothing."), Line("doctor", "Hello?"), Line("patient", "Yes."),
             Line("patient", "Well."), Line("doctor", "Go on.")]  # fmt: skip
    talk = conversation(lines)
    assert [message.role for message in talk] == ["user", "assistant", "user", "assistant", "user"]
    assert [message.content for message in talk[1:]] == ["Help!", "(Examined: heart)\nHello?", "Yes.\nWell.", "Go on."]


@pytest.mark.parametrize("kind", ["role", "voiced"])
@pytest.mark.parametrize("turn", [0, 3, 5])
def test_a_fork_asks_the_patients_model_what_the_first_run_asked(mini: Case, kind: str, turn: int) -> None:
    def seat(llm: Scripted) -> RolePatient | VoicedPatient:
        return RolePatient(mini.brief(), llm) if kind == "role" else VoicedPatient(mini.brief(), llm)

    first, again = (Scripted(lambda call: f"Well, {call.messages[-1].content[-40:-5]}") for _ in range(2))
    run = rollout(mini, Script([*SAID, "end:"]), patient=seat(first))
    consult = fork(mini, run, turn=turn)
    for message in [*SAID, "end:"][turn:]:
        consult.play(message, seat(again))
    assert consult.events == run.events
    assert again.calls
    assert again.calls == first.calls[-len(again.calls) :]


def test_a_snapshot_asks_the_same_too_and_another_encounter_begins_anew(mini: Case) -> None:
    llm = Scripted(lambda call: "Ten a day.")
    patient = RolePatient(mini.brief(), llm)
    consult = Consult(mini)
    consult.play("ask: do you smoke?", patient)
    snapshot = consult.snapshot()
    for _ in range(2):
        Consult.restore(mini, snapshot).play("ask: any cough?", patient)
    Consult(mini).play("ask: do you smoke?", patient)
    assert llm.calls[1] == llm.calls[2]
    assert llm.calls[3] == llm.calls[0]


def test_a_voiced_patients_model_hears_the_last_words(mini: Case) -> None:
    llm = Scripted(lambda call: "Ten a day." if "Ten a day" in call.messages[-1].content else "No cough.")
    rollout(mini, Script(["ask: do you smoke?", "ask: any cough?"]), patient=VoicedPatient(mini.brief(), llm))
    first, last = (call.messages[-1].content for call in (llm.calls[0], llm.calls[-1]))
    assert "just before" not in first
    assert "Doctor: do you smoke?\nYou: Ten a day.\n" in last


def test_a_recipe_lets_the_patient_be_told(mini: Case) -> None:
    llm = Scripted(lambda call: "Ten a day.")
    seats = Seats(llm).under(Recipe(id="own", patient="role", results_told=True))
    consult = Consult(mini)
    for message in ("examine: heart", "ask: do you smoke?"):
        consult.play(message, seats.patient_of(mini))
    assert "(You are told: Auscultation of the heart: Slow" in llm.calls[-1].messages[-1].content


def test_a_documented_patient_is_given_the_runs_persona() -> None:
    case = load_case(DATA / "documented.yaml")
    llm = Scripted(lambda call: json.dumps({"lines": [{"speaker": "Ann", "text": "Hm."}]}))
    patient = Seats(llm, persona={"temperament": "phlegmatic"}).patient_of(case)
    assert isinstance(patient, DocumentPatient)
    assert "unhurried and unmoved" in patient.system
