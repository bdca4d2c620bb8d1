"""Checks of order, sources, artefacts, units and judged statements: what happened decides, and a failing judge decides nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from medsim.errors import CaseError, LLMError
from medsim.judge.keywords import KeywordJudge
from medsim.record.artefact import text_of
from medsim.record.checks import Check
from medsim.record.grade import grade
from medsim.record.kept import card, replayed, trajectory
from medsim.record.sitting import Sitting
from medsim.record.task import Task
from medsim.record.wanted import Amount, agrees, numbers, stands
from medsim.record_env import RecordEnv, judged_by
from medsim.rubric.opinion import Opinion
from tests.record.charts import NOW, chart, result

POST = 'create_service_request {"resource": {"status": "active", "intent": "order", "code": {"text": "Potassium"}, "subject": {"reference": "Patient/p1"}}}'
LOOK, READ, END = "GET Observation?patient=p1&code=2823-3", "GET AllergyIntolerance?patient=p1", "FINISH()"
NOTE = 'write_note {"patient": "p1", "text": "Warfarin 3 mg at night. eGFR 34 mL/min/1.73m2, ratio 0.412 g/g."}'


def task(*checks: dict[str, Any], **more: Any) -> Task:
    weight = result("w", "29463-7", "2023-11-01T08:00:00Z", 70, valueQuantity={"value": 70, "unit": "kg"})
    height = result("h", "8302-2", "2023-11-01T08:00:00Z", 175, valueQuantity={"value": 175, "unit": "cm"})
    given = {
        "schema": "medsim.task/1",
        "id": "t",
        "instruction": "Do it.",
        "now": NOW,
        "chart": [*chart(), weight, height],
        "patient": "p1",
    }
    return Task.model_validate({**given, "checks": list(checks), **more})


def played(made: Task, *calls: str) -> Sitting:
    sitting = Sitting.begin(made, check=None)
    for call in calls:
        sitting.say(call)
    return sitting


def verdict(checks: list[dict[str, Any]], *calls: str, **more: Any) -> str:
    return grade(played(task(*checks, **more), *calls)).findings["c"].verdict


SEEN = {"id": "seen", "saw": "Observation/k-new"}
ORDER = [
    ([SEEN, {"id": "c", "wrote": "ServiceRequest", "after": "seen"}], [LOOK, POST, END], "met"),
    ([SEEN, {"id": "c", "wrote": "ServiceRequest", "after": "seen"}], [POST, LOOK, END], "unmet"),
    ([SEEN, {"id": "c", "wrote": "ServiceRequest", "after": "seen"}], [POST, LOOK, POST, END], "unmet"),
    ([SEEN, {"id": "c", "wrote": "ServiceRequest", "after": "seen"}], [POST, END], "unmet"),
    ([SEEN, {"id": "c", "wrote": "ServiceRequest", "after": "seen"}], [LOOK], "unknown"),
    ([SEEN, {"id": "c", "wrote": "ServiceRequest", "min": 0, "after": "seen"}], [LOOK, END], "met"),
    ([SEEN, {"id": "c", "looked": "AllergyIntolerance", "after": ["seen"]}], [LOOK, READ, END], "met"),
    ([SEEN, {"id": "c", "looked": "AllergyIntolerance", "after": ["seen"]}], [READ, LOOK, END], "unmet"),
    ([SEEN, {"id": "c", "looked": "Observation", "after": "seen"}], [LOOK, END], "unmet"),
]  # fmt: skip


@pytest.mark.parametrize(("checks", "calls", "expected"), ORDER)
def test_what_is_to_come_after_something_else_is_met_only_in_that_order(
    checks: list[dict[str, Any]], calls: list[str], expected: str
) -> None:
    assert verdict(checks, *calls) == expected


BMI, LOOKED = 'calculate_bmi {"weight": "70 kg", "height": "1.75 m"}', "GET Observation?patient=p1"
THREE = "GET Observation?value-quantity=3.0"
SOURCED = {"id": "c", "called": "calculate_bmi", "sources": {"weight": "Observation?code=29463-7", "height": "Observation?code=8302-2"}}
CALLED = [
    ({"id": "c", "called": "calculate_bmi"}, [BMI, END], "met"),
    ({"id": "c", "called": "calculate_bmi"}, ["calculate: bmi weight=70 kg height=175 cm", END], "met"),
    ({"id": "c", "called": "calculate_bmi"}, ['calculate {"what": "bmi weight=70 kg height=175 cm"}', END], "met"),
    ({"id": "c", "called": "calculate_bmi"}, ['calculate_bmi {"weight": "70 kg", "height": "9 m"}', END], "unmet"),  # it refused
    ({"id": "c", "called": "calculate_bmi"}, ["calculate: bsa weight=70 kg height=175 cm", END], "unmet"),
    ({"id": "c", "called": "calculate_bmi", "given": {"weight": {"value": 70, "unit": "kg"}}}, ["calculate: bmi weight=70000 g height=175 cm", END], "met"),
    ({"id": "c", "called": "calculate_bmi", "given": {"weight": {"value": 70, "unit": "kg"}}}, ["calculate: bmi weight=71 kg height=175 cm", END], "unmet"),
    (SOURCED, [LOOKED, BMI, END], "met"),
    (SOURCED, [BMI, LOOKED, END], "unmet"),  # a number that nobody had seen yet
    (SOURCED, [LOOKED, BMI.replace("70", "71"), END], "unmet"),
    (SOURCED, ["GET Observation?code=29463-7", BMI, END], "unmet"),  # the height was never read
    ({"id": "c", "called": "search_observation", "given": {"code": "2823-3"}}, [LOOK, END], "met"),
    ({"id": "c", "called": "search_observation", "sources": {"value-quantity": "Observation/k-new"}}, [LOOK, THREE, END], "met"),
    ({"id": "c", "called": "search_observation", "sources": {"value-quantity": "Observation/k-new"}}, [THREE, END], "unmet"),  # shown by this very call
]  # fmt: skip


@pytest.mark.parametrize(("check", "calls", "expected"), CALLED)
def test_a_tool_and_where_its_arguments_came_from(check: dict[str, Any], calls: list[str], expected: str) -> None:
    assert verdict([check], *calls) == expected


WROTE = {"id": "c", "wrote": "DocumentReference?patient=p1"}
SAYS = [
    ([["warfarin", "coumadin"]], "met"), (["night"], "met"), (["nigh"], "unmet"), (["Coumadin"], "unmet"),
    ([{"value": 3, "unit": "mg"}], "met"), ([{"value": 3, "unit": "g"}], "unmet"), ([{"value": 34, "unit": "mL/min/1.73m2"}], "met"),
    ([{"value": 412, "unit": "mg/g"}], "met"), ([{"between": [400, 420], "unit": "mg/g"}], "met"), ([{"between": [413, 420], "unit": "mg/g"}], "unmet"),
    (["warfarin", {"value": 35}], "unmet"), ([{"value": 34}], "met"), ([{"value": 73}], "unmet"),
]  # fmt: skip


@pytest.mark.parametrize(("says", "expected"), SAYS)
def test_an_artefact_is_decided_by_its_words_and_numbers_with_their_units(says: list[Any], expected: str) -> None:
    assert verdict([{**WROTE, "says": says}], NOTE, END) == expected


def test_only_text_is_read_in_an_artefact() -> None:
    for kind, data, expected in (("text/plain", "d2FyZmFyaW4=", "warfarin"), ("application/pdf", "d2FyZmFyaW4=", ""), ("text/plain", "%%", ""), (1, 2, "")):  # fmt: skip
        assert text_of({"content": [{"attachment": {"contentType": kind, "data": data}}]}) == expected
    assert text_of({"payload": [{"contentString": "a"}, 1], "note": [{"text": "b"}], "code": {"text": "c"}, "description": ["d"]}) == "a\nb"


ANSWERS = [
    ({"answer": [{"value": 300, "unit": "mg"}]}, 'FINISH(["300 mg"])', "met"),
    ({"answer": [{"value": 300, "unit": "mg"}]}, 'FINISH(["0.3 g"])', "met"),
    ({"answer": [{"value": 300, "unit": "mg"}]}, "FINISH([300])", "met"),
    ({"answer": [{"value": 300, "unit": "mg"}]}, 'FINISH(["300 g"])', "unmet"),  # an m in front is not nothing
    ({"answer": [{"value": 300, "unit": "mg"}]}, 'FINISH(["300 mL"])', "unmet"),
    ({"answer": [{"value": 300, "unit": "mg"}]}, 'FINISH(["300 drops"])', "unmet"),
    ({"answer": [{"value": 300, "unit": "mg"}]}, 'FINISH(["300 or 600 mg"])', "unmet"),
    ({"answer": [{"between": [2.0, 2.4], "unit": "mmol/L"}]}, "FINISH([2.4])", "met"),
    ({"answer": [{"between": [2.0, 2.4], "unit": "mmol/L"}]}, "FINISH([2.41])", "unmet"),
    ({"answer": [4.4], "also": [[]]}, "FINISH([])", "met"),
    ({"answer": [4.4], "also": [[]]}, "FINISH([4.5])", "unmet"),
    ({"answer": ["2023-11-09T07:00:00+00:00"]}, 'FINISH(["2023-11-09T08:00:00+01:00"])', "met"),
    ({"answer": ["2023-11-09T07:00:00+00:00"]}, 'FINISH(["2023-11-09T07:00:01Z"])', "unmet"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "end", "expected"), ANSWERS)
def test_an_answer_is_a_number_in_its_unit_or_a_moment_however_it_is_written(check: dict[str, Any], end: str, expected: str) -> None:
    assert verdict([{"id": "c", **check}], end) == expected


def test_numbers_in_text_come_with_what_stands_behind_them() -> None:
    assert list(numbers("K 3.4 mmol/L, 1,200 mL and 80%.")) == [(3.4, "mmol/L"), (1200.0, "mL"), (80.0, "%")]
    assert not list(numbers("p1 v2.x"))
    assert agrees(True, True)
    assert not agrees(1, True)
    assert not stands("ibu", "ibuprofen")
    assert str(Amount(between=(1, 2), unit="mg")) == "1 to 2 mg"


JUDGED = {**WROTE, "judge": "Warfarin is taken at night."}


def test_a_judge_rules_on_the_text_and_nothing_it_fails_at_is_a_no() -> None:
    sitting = played(task(JUDGED), NOTE, END)
    asked: list[tuple[str, str]] = []

    def says(verdict: Any) -> Any:
        def rule(statement: str, text: str) -> Opinion:
            asked.append((statement, text))
            if isinstance(verdict, Exception):
                raise verdict
            return Opinion(verdict, reason="so")

        return rule

    for given, expected in (("met", "met"), ("unmet", "unmet"), ("unknown", "unknown"), ("na", "unknown"), (LLMError("out of reach"), "unknown")):  # fmt: skip
        assert grade(sitting, judge=says(given)).findings["c"].verdict == expected
    assert asked[0] == (JUDGED["judge"], "Warfarin 3 mg at night. eGFR 34 mL/min/1.73m2, ratio 0.412 g/g.")
    without = grade(sitting)
    assert (without.findings["c"].verdict, without.score, without.coverage) == ("unknown", None, 0.0)
    assert grade(played(task(JUDGED), END), judge=says("met")).findings["c"].verdict == "unmet", "nothing was written"


def test_any_judge_of_encounters_rules_in_the_environment() -> None:
    env = RecordEnv(task(JUDGED), judge=KeywordJudge())
    env.reset(seed=0)
    env.step(NOTE)
    *_, info = env.step(END)
    assert info["score"] == 1.0
    env.reset(seed=0)
    env.step(NOTE.replace("Warfarin 3 mg at night.", "Nothing new."))
    *_, info = env.step(END)
    assert info["score"] == 0.0
    assert judged_by(KeywordJudge())("the and", "x").verdict == "unknown"


def test_a_fact_is_heard_where_the_patient_told_it() -> None:
    check = {"id": "c", "heard": "allergy_drug"}
    more = {"case": "winter-cough"}
    asked = 'ask_patient {"question": "Are you allergic to anything?"}'
    assert verdict([check], asked, END, **more) == "met"
    assert verdict([check], 'ask_patient {"question": "Where does it hurt?"}', END, **more) == "unmet"
    assert verdict([check], 'write_note {"patient": "p1", "text": "Allergic to amoxicillin."}', END, **more) == "unmet", (
        "no words of its own"
    )


@pytest.mark.parametrize(
    ("checks", "said"),
    [([{"id": "c", "wrote": "ServiceRequest", "after": "seem"}, SEEN], "Did you mean 'seen'"), ([{"id": "c", "wrote": "ServiceRequest", "after": "c"}], "cannot come after"), ([{"id": "c", "called": "calculate_bmj"}], "calculate_bmi"), ([{"id": "c", "heard": "x"}], "name a case"), ([{"id": "c", "saw": "Patient", "says": "x"}], "says belongs to wrote"), ([{"id": "c", "answer": [{"value": 1, "unit": "mgg"}]}], "no unit"), ([{"id": "c", "answer": [{"between": [2, 1]}]}], "from the least"), ([{"id": "c", "answer": [{}]}], "either a value or between")],
)  # fmt: skip
def test_a_check_that_makes_no_sense_is_refused_with_what_would(checks: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        task(*checks)


def test_what_a_check_looks_at_stands_in_the_scorecard() -> None:
    made = task(
        SEEN,
        {"id": "c", "wrote": "ServiceRequest", "says": [["a", "b"], {"value": 3, "unit": "mg"}], "after": "seen"},
        SOURCED | {"id": "d"},
    )
    items = {item.id: item.text for item in card(played(made, LOOK, POST, END)).items}
    assert "which says a or b, 3 mg, after seen" in items["c"]
    assert "weight from Observation?code=29463-7" in items["d"]
    assert "says" not in Check.model_validate(SEEN).model_dump(), "older tasks keep their hash"


def test_a_stored_episode_is_done_again_for_a_judge_and_only_over_the_same_task() -> None:
    made = task(JUDGED, {"id": "d", "heard": "medicines"}, case="winter-cough")
    ask = 'ask_patient {"question": "What medicines do you take?"}'
    sitting = played(made, NOTE, "no call", "GET Observation?date=soon", ask, END)
    kept = trajectory(sitting, agent="a")
    again = replayed(made, kept)
    assert [part.text for part in again.rounds] == [part.text for part in sitting.rounds]
    assert grade(again).findings["d"].verdict == "met"
    ruled = card(again, judge=lambda statement, text: Opinion("met"))
    assert (ruled.score, ruled.judge, card(again).judge) == (1.0, "given", "none")
    with pytest.raises(CaseError, match="does not replay"):
        replayed(task(JUDGED, tools=["finish", "write_note"]), kept)
    with pytest.raises(CaseError, match="no whole episode"):
        replayed(made, dataclasses.replace(kept, env="Consult-v0"))
