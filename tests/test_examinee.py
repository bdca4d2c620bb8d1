"""MedSP1000's examinee: its protocol read strictly into our grammar and back, and its test-time strategies."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import action as act
from medsim.agent import fingerprint, make
from medsim.agent.examinee import TRIES, ExamineeDoctor
from medsim.agent.packet_turn import MOST_ACTIONS, SCHEMA, PacketTurn, action_of, message_of, read, to_packet_turn
from medsim.case import Case
from medsim.episode import replay, rollout
from medsim.errors import ActionError, CaseError, LLMError
from medsim.llm import Answer, Call, Scripted

HELLO = '{"speak": "Hello, what brings you in?", "actions": [], "eos": false}'
LEAVE = '{"speak": "", "actions": [], "eos": true}'


def turn(speak: str = "", *actions: str, eos: bool = False) -> str:
    return PacketTurn(speak, actions, eos).to_json()


# ---- the protocol ----------------------------------------------------------------------------------------------------------------


def test_a_turn_becomes_words_then_acts_then_the_end_of_the_stage() -> None:
    said = turn(
        "I am going to listen to your chest.", "Auscultate heart and lungs", "Order CBC and troponin", "Give aspirin 300 mg PO", eos=True
    )
    assert message_of(said).splitlines() == [
        "say: I am going to listen to your chest.", "examine: heart and lungs", "order: CBC and troponin", "treat: aspirin 300 mg PO", "end:",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "action"),
    [
        ("Obtain 12-lead ECG", "order: 12-lead ECG"), ("Check vital signs", "examine: vital signs"), ("Check glucose", "order: glucose"),
        ("Perform a focused neurological exam", "examine: a focused neurological exam"), ("Start IV access", "procedure: IV access"),
        ("Start IV normal saline 1 L", "treat: IV normal saline 1 L"), ("Page neurosurgery", "consult: neurosurgery"),
        ("Perform lumbar puncture", "procedure: lumbar puncture"), ("Intubate the patient", "procedure: Intubate the patient"),
        ("Stop heparin infusion", "treat: Stop heparin infusion"), ("chest x-ray", "order: chest x-ray"), ("CBC", "order: CBC"),
        ("wait 10 minutes", "wait: 10 minutes"), ("Wait for the results", "wait: result"), ("Admit to the ICU", "dispose: ICU"),
        ("Discharge home", "dispose: home"), ("Discharge with antibiotics", "procedure: Discharge with antibiotics"),
        ("Wash hands", "procedure: Wash hands"), ("Check for allergies", "procedure: Check for allergies"), ("- 1", "procedure: 1"),
        ("diagnosis: STEMI", "diagnose: STEMI"), ("order: ecg; order: cbc", "order: ecg; \\order: cbc"), ("end: now", "procedure: \\end: now"),
    ],
)  # fmt: skip
def test_free_words_go_to_the_verb_they_lead_with_and_keep_what_they_say(words: str, action: str) -> None:
    assert str(action_of(words)) == action
    assert act.parse(str(action_of(words))) == [action_of(words)]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("", "no JSON object"),
        ("Hello there.", "no JSON object"),
        ("{speak: hi}", "broken"),
        (f"I use {{braces}}: {HELLO}", "broken"),
        (f"{HELLO}\n{LEAVE}", "more than one"),
        (f"{HELLO} }}", "more than one"),
        ('{"speak": "hi", "actions": []}', '"eos" is missing'),
        ('{"speak": "hi", "eos": false}', '"actions" is missing'),
        ('{"speak": "hi", "actions": [], "eos": "false"}', '"eos" should be true or false'),
        ('{"speak": "hi", "actions": [], "eos": 0}', '"eos" should be true or false'),
        ('{"speak": null, "actions": [], "eos": false}', '"speak" should be text'),
        ('{"speak": "hi", "actions": "order ecg", "eos": false}', '"actions" should be a list'),
        ('{"speak": "hi", "actions": [{"name": "ecg"}], "eos": false}', "every item"),
        ('{"speak": "hi", "speak": "ho", "actions": [], "eos": false}', "stands twice"),
        ('{"speak": " ", "actions": [" "], "eos": false}', "nothing is said"),
        (turn("hi", *["Wash hands"] * (MOST_ACTIONS + 1)), "too much"),
        (f"<think>{HELLO}", "no JSON object"),
        ("{" * 100_000, "broken"),
    ],
)
def test_what_is_no_turn_is_told_and_never_mended(said: str, fault: str) -> None:
    with pytest.raises(ActionError, match=fault):
        read(said)


@pytest.mark.parametrize(
    "said", [HELLO, f"```json\n{HELLO}\n```", f"Here it is: {HELLO}", f"<think>{LEAVE}</think>{HELLO}", HELLO[:-1] + ', "why": "x"}']
)
def test_fences_thoughts_prose_and_other_keys_do_no_harm(said: str) -> None:
    assert read(said) == PacketTurn("Hello, what brings you in?")


def test_a_brace_inside_the_words_is_a_word() -> None:
    assert read(turn("Write {x}?")).speak == "Write {x}?"


@settings(max_examples=150)
@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda held: st.lists(held) | st.dictionaries(st.sampled_from(["speak", "actions", "eos", "x"]), held), max_leaves=8).map(json.dumps))  # fmt: skip
def test_any_words_are_a_turn_of_the_grammar_or_a_fault(said: str) -> None:
    try:
        found = read(said)
    except ActionError:
        return
    assert 1 <= len(act.parse(message_of(found))) <= act.MAX_ACTIONS


@settings(max_examples=150)
@given(
    st.text(max_size=60),
    st.lists(st.text(max_size=40) | st.sampled_from(["Order CBC", "order: x; end:", "Give x"]), max_size=6),
    st.booleans(),
)
def test_a_turn_in_the_grammar_and_back_is_the_same_message(speak: str, actions: list[str], eos: bool) -> None:
    try:
        message = message_of(read(turn(speak, *actions, eos=eos)))
    except ActionError:
        return
    back = to_packet_turn(message)
    assert back.eos == eos
    assert to_packet_turn(message_of(back)) == back
    assert len(act.parse(message_of(back))) <= len(act.parse(message))


def test_a_message_is_exported_in_the_protocol() -> None:
    message = "ask: Where does it hurt?\norder: 12-lead ECG\nwait:\nend:"
    assert to_packet_turn(message) == PacketTurn("Where does it hurt?", ("order: 12-lead ECG", "wait: result"), True)
    assert message_of(to_packet_turn(message)) == "ask: Where does it hurt?\norder: 12-lead ECG\nwait: result\nend:"


# ---- one model -------------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_asked_again_with_the_reason_and_does_not_stay() -> None:
    llm = Scripted(["Hello.", HELLO, LEAVE])
    doctor = ExamineeDoctor(llm)
    doctor.reset(7)
    assert doctor.act("A man of 50.") == "ask: Hello, what brings you in?"
    assert doctor.act("He nods.") == "end:"
    assert "no JSON object" in llm.calls[1].messages[-1].content
    assert [message.content for message in llm.calls[2].messages[1:]] == ["A man of 50.", HELLO, "He nods."]
    assert [call.salt for call in llm.calls] == ["", "again 1", ""]
    assert {(call.role, call.seed) for call in llm.calls} == {("doctor", 7)}


def test_after_three_unreadable_answers_the_turn_fails() -> None:
    llm = Scripted(["no", "no", "no", HELLO])
    with pytest.raises(LLMError, match="asked 3 times"):
        ExamineeDoctor(llm).act("A man of 50.")
    assert len(llm.calls) == TRIES


@pytest.mark.parametrize(("strategy", "temperature"), [("off", None), ("single", 0.0)])
def test_off_and_single_differ_in_the_temperature(strategy: str, temperature: float | None) -> None:
    llm = Scripted([HELLO])
    ExamineeDoctor(llm, strategy=strategy).act("A man of 50.")
    assert [(call.temperature, call.schema) for call in llm.calls] == [(temperature, None)]


def test_a_structured_answer_is_asked_by_its_schema() -> None:
    llm = Scripted([HELLO])
    ExamineeDoctor(llm, structured=True).act("A man of 50.")
    assert llm.calls[0].schema == SCHEMA


def test_an_encounter_is_played_to_its_end_and_replays(mini: Case) -> None:
    said = [HELLO, turn("I will take an ECG.", "Obtain 12-lead ECG", "wait for results"), LEAVE]
    run = rollout(mini, ExamineeDoctor(Scripted(said)), name="examinee", seed=3)
    assert (run.outcome.status, run.outcome.reason, run.outcome.turns) == ("finished", "doctor", 3)
    assert any(event.kind == "order" and event.code for event in run.events)
    assert replay(mini, run).events == run.events


def test_a_failing_model_is_an_error_of_the_encounter(mini: Case) -> None:
    run = rollout(mini, ExamineeDoctor(Scripted([HELLO, "x", "y", "z"])))
    assert (run.outcome.status, run.outcome.reason) == ("error", "LLMError")


def test_the_recipe_is_found_and_its_prompts_are_part_of_its_identity() -> None:
    name, maker = make("examinee", Scripted([]))
    assert name == "examinee"
    assert maker(None).__class__ is ExamineeDoctor  # type: ignore[arg-type]
    assert len(fingerprint("examinee")) == 16


@pytest.mark.parametrize("wrong", [{"strategy": "best"}, {"n": 0}, {"n": True}, {"experts": 21}, {"rounds": -1}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(CaseError):
        ExamineeDoctor(Scripted([]), **wrong)


# ---- best of n -------------------------------------------------------------------------------------------------------------------


class Staff:
    """A model in every seat of a strategy, told apart by the prompt it is given."""

    seats = (
        ("select", "thought of"), ("recruit", "put together the team"), ("advise", "should\nbe asked"), ("advise", "say briefly"),
        ("vote", "proposes the turn"), ("revise", "their objections"), ("draft", "Weigh it"), ("turn", "clinician who is examined"),
    )  # fmt: skip

    def __init__(self, **said: Any) -> None:
        self.said = {
            "select": '{"choice": 2}', "recruit": '{"specialties": ["cardiology", "nursing", "surgery"]}', "advise": '{"advice": "Take an ECG."}',
            "vote": '{"agree": true, "change": ""}', "draft": turn("Drafted."), "revise": turn("Revised."), "turn": HELLO, **said,
        }  # fmt: skip
        self.seen: list[tuple[str, Call]] = []
        self.llm = Scripted(self.answer)

    def answer(self, call: Call) -> str | Answer:
        seat = next(name for name, words in self.seats if words in call.messages[0].content)
        self.seen.append((seat, call))
        said = self.said[seat]
        return said(call) if callable(said) else said  # type: ignore[no-any-return]

    def count(self) -> dict[str, int]:
        names = [name for name, _ in self.seen]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def test_the_selector_picks_one_of_n_candidates_and_only_that_one_stays() -> None:
    staff = Staff(turn=lambda call: turn(f"I am {call.salt}.") if call.temperature == 0.8 else HELLO)
    doctor = ExamineeDoctor(staff.llm, strategy="bon", n=5)
    doctor.reset(10)
    assert doctor.act("A man of 50.") == "say: I am candidate 1."
    assert staff.count() == {"turn": 5, "select": 1}
    assert {call.temperature for seat, call in staff.seen if seat == "turn"} == {0.8}
    assert len({(call.salt, call.seed) for seat, call in staff.seen if seat == "turn"}) == 5
    assert staff.seen[-1][1].temperature == 0.0
    assert [message.content for message in doctor.messages[1:]] == ["A man of 50.", turn("I am candidate 1.")]


def test_every_helper_sees_the_whole_history() -> None:
    for strategy in ("bon", "medagents"):
        staff = Staff(draft=turn("Drafted first."), turn=turn("Drafted first."))
        doctor = ExamineeDoctor(staff.llm, strategy=strategy, experts=3)
        doctor.act("A man of 50.")
        before = len(staff.seen)
        doctor.act("He is pale.")
        assert len(staff.seen) > before
        for seat, call in staff.seen[before:]:
            words = "\n".join(message.content for message in call.messages)
            assert "A man of 50." in words, seat
            assert "Drafted first." in words, seat
            assert "He is pale." in words, seat


def test_candidates_are_asked_at_the_same_time() -> None:
    all_there = threading.Barrier(5, timeout=20)

    def waits(call: Call) -> str:
        all_there.wait()
        return HELLO

    assert ExamineeDoctor(Staff(turn=waits).llm, strategy="bon").act("A man of 50.").startswith("ask: Hello")


@pytest.mark.parametrize("strategy", ["bon", "medagents"])
def test_helpers_too_are_asked_by_their_schemas_where_answers_are_structured(strategy: str) -> None:
    staff = Staff(vote='{"agree": false, "change": "Wait."}')
    ExamineeDoctor(staff.llm, strategy=strategy, experts=3, structured=True).act("A man of 50.")
    for _, call in staff.seen:
        assert call.schema is not None
        assert call.schema["required"] == list(call.schema["properties"])
        assert call.schema["additionalProperties"] is False
    assert len({str(call.schema) for _, call in staff.seen}) == {"bon": 2, "medagents": 4}[strategy]


@pytest.mark.parametrize("nonsense", ["2", '{"choice": "2"}', '{"choice": 6}', '{"choice": 0}', '{"choice": true}', "{}", "the second"])
def test_a_selector_that_answers_nonsense_is_asked_again_and_then_the_turn_fails(nonsense: str) -> None:
    staff = Staff(select=nonsense)
    with pytest.raises(LLMError, match="No choice"):
        ExamineeDoctor(staff.llm, strategy="bon").act("A man of 50.")
    assert staff.count() == {"turn": 5, "select": TRIES}


def test_a_candidate_that_cannot_be_read_is_not_left_out_in_silence() -> None:
    staff = Staff(turn=lambda call: "nothing" if call.salt.startswith("candidate 3") else HELLO)
    with pytest.raises(LLMError, match="No turn"):
        ExamineeDoctor(staff.llm, strategy="bon").act("A man of 50.")
    assert staff.count() == {"turn": 4 + TRIES}


def test_one_candidate_needs_no_selector() -> None:
    staff = Staff()
    ExamineeDoctor(staff.llm, strategy="bon", n=1).act("A man of 50.")
    assert staff.count() == {"turn": 1}


# ---- a conference ----------------------------------------------------------------------------------------------------------------


def test_experts_are_chosen_once_and_advise_and_agree_each_turn() -> None:
    staff = Staff()
    doctor = ExamineeDoctor(staff.llm, strategy="medagents", experts=3)
    assert doctor.act("A man of 50.") == "say: Drafted."
    assert staff.count() == {"recruit": 1, "advise": 3, "draft": 1, "vote": 3}
    doctor.act("He is pale.")
    assert staff.count() == {"recruit": 1, "advise": 6, "draft": 2, "vote": 6}
    assert {call.temperature for _, call in staff.seen} == {0.0}
    assert ["cardiology" in call.messages[0].content for seat, call in staff.seen if seat == "advise"].count(True) == 2
    doctor.reset(0)
    assert doctor.specialties == ()


def test_an_objection_has_the_turn_revised_and_voted_on_again() -> None:
    staff = Staff(
        vote=lambda call: '{"agree": false, "change": "No ECG yet."}' if "surgery" in call.messages[0].content else '{"agree": true}'
    )
    doctor = ExamineeDoctor(staff.llm, strategy="medagents", experts=3, rounds=2)
    assert doctor.act("A man of 50.") == "say: Revised."
    assert staff.count() == {"recruit": 1, "advise": 3, "draft": 1, "vote": 6, "revise": 2}
    revised = next(call for seat, call in staff.seen if seat == "revise").messages[-1].content
    assert "surgery: No ECG yet." in revised
    assert "cardiology: No" not in revised


def test_without_a_round_nobody_votes() -> None:
    staff = Staff()
    ExamineeDoctor(staff.llm, strategy="medagents", experts=3, rounds=0).act("A man of 50.")
    assert staff.count() == {"recruit": 1, "advise": 3, "draft": 1}


@pytest.mark.parametrize(
    ("seat", "said"),
    [
        ("recruit", '{"specialties": ["cardiology", "Cardiology", "surgery"]}'), ("recruit", '{"specialties": ["a", "b"]}'),
        ("recruit", '{"specialties": "a, b, c"}'), ("advise", "Take an ECG."), ("advise", '{"advice": ""}'), ("vote", '{"agree": "yes"}'),
        ("vote", '{"agree": false, "change": ""}'), ("draft", "Hello."),
    ],
)  # fmt: skip
def test_a_helper_that_answers_nonsense_fails_the_turn_whoever_it_is(seat: str, said: str) -> None:
    staff = Staff(**{seat: said})
    with pytest.raises(LLMError, match="asked 3 times"):
        ExamineeDoctor(staff.llm, strategy="medagents", experts=3).act("A man of 50.")
