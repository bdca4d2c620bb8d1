"""Language models in the doctor's and the patient's seat, with a scripted model: no network."""

from __future__ import annotations

import pytest

from medsim import action as act
from medsim.agent.chat import ChatDoctor, actions_of
from medsim.case import Case
from medsim.consult import Consult
from medsim.episode import replay, rollout
from medsim.errors import CaseError, LLMError
from medsim.llm import Call, Scripted
from medsim.patient.voiced import VoicedPatient


def asked(mini: Case, patient: VoicedPatient, *questions: str) -> Consult:
    consult = Consult(mini)
    for question in questions:
        consult.play(question, patient)
    return consult


def test_a_chat_doctor_plays_a_whole_encounter(mini: Case) -> None:
    llm = Scripted(["say: Hello, what brings you in?", "order: ecg\nwait: result", "diagnose: inferior STEMI\nend:"])
    run = rollout(mini, ChatDoctor(llm), name="chat", seed=3)
    assert run.outcome.reason == "doctor"
    assert run.outcome.diagnosis == ("inferior STEMI",)
    assert [call.role for call in llm.calls] == ["doctor"] * 3
    assert llm.calls[-1].messages[0].role == "system"
    assert "ST elevation" in llm.calls[-1].messages[-1].content
    assert replay(mini, run).events == run.events


def test_a_failing_model_is_an_error_of_the_trajectory_and_never_a_reply(mini: Case) -> None:
    run = rollout(mini, ChatDoctor(Scripted(["say: Hello?", LLMError("gone")])), name="chat")
    assert run.outcome.status == "error"
    assert run.outcome.reason == "LLMError"
    assert "gone" in run.error


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("```\norder: ecg\n```", [act.order("ecg")]),
        ("<think>It may be the heart. order: nothing</think>\norder: ecg", [act.order("ecg")]),
        ("1. order: ecg\n2. examine: heart", [act.order("ecg"), act.examine("heart")]),
        ("- ask: where does it hurt?", [act.ask("where does it hurt?")]),
        ("Where does it hurt?", [act.ask("Where does it hurt?")]),
    ],
)
def test_the_actions_in_a_models_words_are_found(said: str, done: list[act.Action]) -> None:
    assert act.parse(actions_of(said)) == done


def test_the_patients_model_sees_only_what_the_gate_opened(mini: Case) -> None:
    llm = Scripted(lambda call: "About ten a day, doctor.")
    consult = asked(mini, VoicedPatient(mini.brief(), llm), "ask: do you smoke?")
    assert consult.events[-1].text == "About ten a day, doctor."
    assert consult.events[-1].facts == ("smoking",)
    seen = "\n".join(message.content for call in llm.calls for message in call.messages)
    assert "Ten a day" in seen
    for closed in ("husband", "hour ago", "fever", "STEMI", "sweat"):
        assert closed not in seen


def test_what_was_not_released_is_tried_again_and_then_the_template_speaks(mini: Case) -> None:
    llm = Scripted(lambda call: "Forty a day, and I take warfarin for it.")
    consult = asked(mini, VoicedPatient(mini.brief(), llm), "ask: do you smoke?")
    assert len(llm.calls) == 3
    assert len({call.salt for call in llm.calls}) == 3
    assert consult.events[-1].text.endswith("Ten a day.")
    assert consult.events[-1].args["source"] == "template"
    assert consult.events[-1].facts == ("smoking",)


def test_a_second_try_that_is_clean_is_taken(mini: Case) -> None:
    answers = iter(["As an AI I cannot say.", "Ten a day, me."])

    def say(call: Call) -> str:
        return next(answers)

    consult = asked(mini, VoicedPatient(mini.brief(), Scripted(say)), "ask: do you smoke?")
    assert consult.events[-1].text == "Ten a day, me."


def test_a_voiced_encounter_replays_from_its_own_words(mini: Case) -> None:
    llm = Scripted(lambda call: "Ten a day, me." if "Ten a day" in call.messages[-1].content else "Forty!")
    from medsim.agent.script import Script

    run = rollout(mini, Script(["ask: do you smoke?", "ask: when did it start?"]), patient=VoicedPatient(mini.brief(), llm))
    assert replay(mini, run).events == run.events


def test_an_unknown_prompt_is_answered_with_the_nearest() -> None:
    with pytest.raises(CaseError, match="Did you mean 'doctor'"):
        ChatDoctor(Scripted([]), prompt="docter")
