"""The consult: what a turn does, snapshot and replay, and that nothing a doctor sees or a patient gets holds the truth."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import action as act
from medsim.agent.script import Golden, Script
from medsim.case import Case
from medsim.case.body import React
from medsim.consult import Consult
from medsim.episode import replay, rollout
from medsim.errors import ActionError
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Reply, Turn
from medsim.rubric import score
from medsim.trajectory import Trajectory, transcript

TURNS = [
    "ask: Hello, what brings you in today?", "ask: where does it hurt?", "ask: do you smoke?", "ask: any cough?", "order: ecg", "order: troponin, lactate",
    "examine: heart", "treat: aspirin 300 mg po", "treat: nitroglycerin 0.4 mg sl", "consult: cath lab", "wait: 10m", "wait: result", "note: pain and ST elevation",
    "diagnose: inferior STEMI; aortic dissection", "dispose: cath lab", "treat: aspirin", "order: unicorn level", "", "procedure: defibrillate 200 J",
    "say: I can see you are frightened. Everything you tell me stays between us.", "ask: do you take tablets for erections?", "end:",
]  # fmt: skip
SCRIPTS = st.lists(st.sampled_from(TURNS) | st.text(max_size=30), max_size=12)


def played(case: Case, *turns: str, seed: int = 0) -> Consult:
    consult, patient = Consult(case, seed=seed), ScriptedPatient(case.brief())
    for turn in turns:
        if not consult.over:
            consult.play(turn, patient)
    return consult


def kinds(consult: Consult) -> list[str]:
    return [event.kind for event in consult.events]


def last(consult: Consult, kind: str) -> str:
    return next(event.text for event in reversed(consult.events) if event.kind == kind)


def test_the_opening_is_spoken_at_the_first_greeting(mini: Case) -> None:
    assert "It's my chest" in last(played(mini, "Hello, what brings you in today?"), "reply")


def test_a_closed_question_brings_one_fact_and_its_id(mini: Case) -> None:
    event = played(mini, "ask: do you smoke?").events[-1]
    assert event.facts == ("smoking",)
    assert event.text.lower().endswith("ten a day.")


def test_a_fact_told_again_is_not_told_as_new(mini: Case) -> None:
    event = played(mini, "ask: do you smoke?", "ask: do you smoke?").events[-1]
    assert event.facts == ()
    assert "ten a day" in event.text.lower()
    assert event.text.startswith(("Like I said", "As I told you", "As I said"))


def test_a_symptom_nobody_scripted_is_denied(mini: Case) -> None:
    assert last(played(mini, "ask: any headache?"), "reply").startswith("No")


def test_a_sensitive_fact_needs_trust_and_a_promise(mini: Case) -> None:
    question = "ask: have you taken viagra or anything like that?"
    assert last(played(mini, question), "reply") == "Nothing that matters."
    earned = played(
        mini, "say: I am sorry, this must be frightening.", "say: Everything you tell me is confidential, it stays between us.", question
    )  # fmt: skip
    assert earned.events[-1].facts == ("pill",)


def test_a_fact_of_tier_never_is_in_no_brief(mini: Case) -> None:
    assert "hidden" not in {fact.id for fact in mini.brief().facts}


def test_results_come_back_after_their_turnaround(mini: Case) -> None:
    consult = played(mini, "order: ecg", "wait: result")
    result = consult.events[-1]
    assert (result.kind, result.text) == ("result", "12-lead ECG: ST elevation in II, III and aVF.")
    assert result.t == 60 + 180


def test_a_result_shows_the_state_in_which_the_specimen_was_taken(mini: Case) -> None:
    consult = played(mini, "treat: nitroglycerin 0.4 mg sl", "order: ecg", "wait: 20m", "wait: 20m")
    result = next(event for event in consult.events if event.kind == "result")
    assert result.args["specimen_state"] in {"ill", "shock"}
    assert ("ST elevation" in result.text) == (result.args["specimen_state"] == "ill")


def test_waiting_is_interrupted_by_what_happens(mini: Case) -> None:
    consult = played(mini, "wait: 1h")
    assert consult.scene.body.now == 5 * 60
    assert last(consult, "challenge") == "Am I going to die?"


def test_two_panels_never_disagree_about_one_analyte(mini: Case) -> None:
    consult = played(mini, "order: blood gas", "wait: 1h", "wait: 1h")
    text = next(event.text for event in consult.events if event.kind == "result")
    assert "Lactate 4.1" in text.replace("lactate", "Lactate")


def test_what_the_case_does_not_author_is_normal_and_marked(mini: Case) -> None:
    consult = played(mini, "order: tsh", "wait: 3h", "wait: 3h", "wait: 3h")
    order = next(event for event in consult.events if event.kind == "order")
    assert order.args["shared"] is True


def test_a_drug_without_a_dose_is_asked_back_and_not_given(mini: Case) -> None:
    consult = played(mini, "treat: aspirin")
    assert "how much? Give the amount in mg" in consult.events[-1].text
    assert "treat" not in kinds(consult)
    assert consult.scene.body.now > 0, "never silently free"


def test_a_dose_is_judged_against_its_range(mini: Case) -> None:
    doses = [
        event.args.get("dose")
        for text in ("300 mg", "81 mg", "2 g")
        for event in played(mini, f"treat: aspirin {text} po").events
        if event.kind == "treat"
    ]
    assert doses == ["ok", "low", "high"]


def test_what_is_required_first_is_asked_for(mini: Case) -> None:
    assert last(played(mini, "consult: cath lab"), "answer") == "They ask for the ECG first."


def test_what_cannot_be_understood_is_answered_with_near_names_and_costs_time(mini: Case) -> None:
    consult = played(mini, "order: troponnin and unicorn level")
    unclear = played(mini, "order: unicorn level")
    assert "not understood" in unclear.events[-1].text
    assert unclear.scene.body.now == 10
    assert any(event.code == "troponin" for event in consult.events)


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        " ",
        "\x00\x1b[2J",
        "ask:",
        "order:",
        "treat: ;;",
        "🦄" * 50,
        "a" * 300_000,
        "\ud800",
        "wait: forever",
        "diagnose:",
        "dispose: Mars",
    ],
)
def test_rubbish_gives_an_event_not_a_crash(mini: Case, rubbish: str) -> None:
    consult = played(mini, rubbish)
    assert consult.events[-1].turn == 1
    assert "\x1b" not in transcript(consult.events)


def test_too_many_actions_in_one_turn_are_cut_and_said_so(mini: Case) -> None:
    consult = played(mini, "\n".join(["examine: heart"] * 40))
    assert kinds(consult).count("examine") == act.MAX_ACTIONS
    assert "Only the first" in consult.events[-1].text


def test_death_ends_the_encounter_and_ordering_goes_no_further(mini: Case) -> None:
    consult = played(mini, "treat: nitroglycerin 0.4 mg sl", *["wait: 30m"] * 6)
    assert (consult.outcome().status, consult.outcome().reason, consult.outcome().state) == ("finished", "patient", "dead")
    with pytest.raises(ActionError, match="over"):
        consult.play("ask: hello?", ScriptedPatient(mini.brief()))


def test_a_good_end_leaves_one_last_turn(mini: Case) -> None:
    consult = played(mini, "order: ecg", "consult: cath lab", *["wait: 30m"] * 3)
    assert consult.scene.closing
    patient = ScriptedPatient(mini.brief())
    consult.play("diagnose: inferior stemi\ndispose: cath lab", patient)
    assert consult.outcome().status == "finished"
    assert consult.outcome().disposition == "cath_lab"


def test_limits_truncate(mini: Case) -> None:
    assert played(mini, *["ask: hello?"] * 30).outcome().reason == "turns"


def test_an_unconscious_patient_does_not_answer(mini: Case) -> None:
    consult = played(mini, "wait: 10m", "wait: 1h", "ask: can you hear me?")
    assert consult.scene.body.state == "arrest"
    assert consult.events[-1].text == "There is no response."


def test_open_and_close_are_called_in_turn(mini: Case) -> None:
    consult = Consult(mini)
    turn = consult.open(act.ask("do you smoke?"))
    with pytest.raises(ActionError, match="close"):
        consult.open(act.ask("again?"))
    with pytest.raises(ActionError, match="reply"):
        consult.close(turn, None)


def test_a_reply_cannot_disclose_facts_that_do_not_exist(mini: Case) -> None:
    consult = Consult(mini)
    turn = consult.open(act.ask("do you smoke?"))
    consult.close(turn, Reply("Ten \x1b[31ma day", ("smoking", "invented"), "Ann"))
    assert consult.events[-1].facts == ("smoking",)
    assert "\x1b" not in consult.events[-1].text


def test_a_reply_that_names_the_diagnosis_is_withheld_until_the_doctor_has_named_it(mini: Case) -> None:
    consult = Consult(mini)
    consult.close(consult.open(act.ask("do you smoke?")), Reply("It is a STEMI, doctor.", (), "Ann"))
    assert "STEMI" not in consult.events[-1].text
    consult.close(consult.open(act.say("You are having a STEMI.")), Reply("A STEMI?", (), "Ann"))
    assert consult.events[-1].text == "A STEMI?"


@given(SCRIPTS, st.integers(0, 12))
@settings(max_examples=60)
def test_going_on_from_a_snapshot_gives_the_same_history(mini: Case, turns: list[str], cut: int) -> None:
    whole = played(mini, *turns)
    first = played(mini, *turns[:cut])
    twin = Consult.restore(mini, first.snapshot())
    before = json.dumps([event.data() for event in first.events])
    patient = ScriptedPatient(mini.brief())
    for turn in turns[cut:]:
        if not twin.over:
            twin.play(turn, patient)
    assert twin.events == whole.events
    assert twin.outcome() == whole.outcome()
    assert json.dumps([event.data() for event in first.events]) == before, "a fork leaves its origin alone"


@given(SCRIPTS, st.integers(0, 2**31 - 1))
@settings(max_examples=60)
def test_same_seed_and_actions_give_the_same_bytes_and_replay_to_them(mini: Case, turns: list[str], seed: int) -> None:
    runs = [rollout(mini, Script(turns), seed=seed) for _ in range(2)]
    assert runs[0].to_json() == runs[1].to_json()
    stored = Trajectory.of(json.loads(runs[0].to_json()))
    assert stored == runs[0]
    assert replay(mini, stored).events == stored.events


@given(SCRIPTS)
@settings(max_examples=60)
def test_nothing_a_seat_or_doctor_sees_holds_the_truth(mini: Case, turns: list[str]) -> None:
    names = ("stemi", "infarction", "i21.19", "aortic dissection")
    consult = Consult(mini)

    class Watching(ScriptedPatient):
        def reply(self, turn: Turn) -> Reply:
            given = json.dumps(asdict(turn) | {"words": "", "utterance": "", "heard": ""}, default=str).lower()
            assert not any(name in given for name in names)
            return super().reply(turn)

    patient = Watching(mini.brief())
    for turn in turns:
        if not consult.over and "diagnose" not in turn:
            seen = transcript(consult.play(turn, patient), doctor=False).lower()
            assert not any(name in seen for name in names)
            assert "right ventricle" not in seen
    assert not any(name in json.dumps(mini.brief(), default=lambda part: part.model_dump()).lower() for name in names)


def test_the_golden_script_passes(mini: Case) -> None:
    run = rollout(mini, Golden(mini))
    card = score(mini, run.events, run.outcome)
    assert card.raw is not None
    assert card.raw >= 0.95, [(item.id, item.verdict) for item in card.items if item.earned < max(item.points, 0)]
    assert card.passed


@pytest.mark.parametrize(
    ("kind", "turn"), [("note", "note: allergic to penicillin"), ("diagnose", "diagnose: flu"), ("dispose", "dispose: ward")]
)
def test_what_the_doctor_decides_can_move_the_case(mini: Case, patient: ScriptedPatient, kind: str, turn: str) -> None:
    other = next(name for name in mini.states if name != mini.initial)
    react = (React.model_validate({"did": {"kind": kind}, "to": other}),)
    first = mini.states[mini.initial].model_copy(update={"react": react, "timers": ()})
    consult = Consult(mini.model_copy(update={"states": {**mini.states, mini.initial: first}}))
    consult.play("examine: heart", patient)
    assert consult.scene.body.state == mini.initial
    consult.play(turn, patient)
    assert consult.scene.body.state == other


@pytest.mark.parametrize("kind", ["examine", "order", "treat", "procedure", "consult"])
def test_an_action_that_names_nothing_is_answered_with_an_example_of_its_kind_that_is_understood(mini: Case, kind: str) -> None:
    answer = played(mini, f"{kind}: ").events[-1]
    example = answer.text.partition("For example: ")[2]
    assert example.startswith(f"{kind}: ")
    assert kind in kinds(played(mini, example))
    assert "unclear" not in kinds(played(mini, example))


@pytest.mark.parametrize("length", ["99999h", "367d", "9000 days", "9" * 400 + "h"])
def test_a_wait_beyond_all_reason_is_told_the_longest(mini: Case, length: str) -> None:
    consult = played(mini, f"wait: {length}")
    assert consult.events[-1].text == "That is too long: at most 12 hours at a time, wait: 12h."
    assert consult.scene.body.now == 10
    assert last(played(mini, "wait: a while"), "answer").startswith("How long?")
    assert "wait" in kinds(played(mini, "wait: 12h"))
