"""The doctor's action ``calculate``: answered from the registry, for a moment of time, and by nothing in the case."""

from __future__ import annotations

from medsim import action as act
from medsim.case.pattern import Did
from medsim.consult import Consult
from medsim.patient.scripted import ScriptedPatient
from medsim.recipe import case_named
from medsim.trajectory import transcript


def played(*turns: str) -> Consult:
    case = case_named("winter-cough")
    consult, patient = Consult(case), ScriptedPatient(case.brief())
    for turn in turns:
        consult.play(turn, patient)
    return consult


def test_a_doctor_works_out_a_score_for_a_moment_of_time() -> None:
    consult = played("calculate: curb65 confusion=no urea=8.2 mmol/L rr=28 sbp=104 dbp=58 age=71")
    done = next(event for event in consult.events if event.kind == "calculate")
    assert (done.code, done.args["value"], done.args["unit"]) == ("curb65", 3, "points")
    assert done.args["inputs"]["urea"] == 8.2
    assert "CURB-65: 3 points (high severity)" in transcript(consult.events, doctor=False)
    assert 0 < consult.scene.body.now <= 60
    assert Did(kind=("calculate",), code=("curb65",), where={"value": 3}).matches(done)


def test_what_cannot_be_worked_out_is_answered_and_changes_nothing() -> None:
    for turn, told in (
        ("calculate: curb66 age=71", "Did you mean 'curb65'?"),
        ("calculate: bmi weight=70 height=175 cm", "Give its unit"),
        ("calculate: bmi weight=7000 kg height=175 cm", "lies outside"),
        ("calculate:", "Which calculator?"),
    ):
        consult = played(turn)
        assert [event.kind for event in consult.events if event.actor == "doctor"] == ["message", "unclear"]
        assert told in transcript(consult.events, doctor=False)


def test_several_calculations_and_other_actions_stand_in_one_turn() -> None:
    consult = played("calculate: map sbp=90 dbp=60; calculate: shock_index hr=120 sbp=80\nnote: MAP 70, shock index 1.5")
    assert [event.kind for event in consult.events if event.actor == "doctor"] == ["message", "calculate", "calculate", "note"]


def test_the_tool_and_the_words_are_one() -> None:
    made = act.from_tool("calculate", {"calculation": "bmi weight=70 kg height=175 cm"})
    assert made == act.calculate("bmi weight=70 kg height=175 cm") == act.parse(act.show([made]))[0]
