"""Tools, tasks and the environment over the record."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import medsim  # noqa: F401  # registers the environments
from medsim.errors import ActionError, CaseError
from medsim.record.benchmarks import medagentbench, physicianbench
from medsim.record.grade import grade
from medsim.record.holdings import Holdings
from medsim.record.menu import menu
from medsim.record.parameters import CLINICAL
from medsim.record.sitting import Sitting
from medsim.record.task import Task, listed, load
from medsim.record.tools import CALCULATORS, TOOLS, chosen, from_text, from_tool, manual, schemas, shown
from medsim.record_env import RecordEnv
from tests.contract import complaints
from tests.record.charts import NOW, chart, order

SHIPPED = [load(path) for path in listed()]


def task(*checks: dict[str, Any], **more: Any) -> Task:
    return Task.model_validate(
        {
            "schema": "medsim.task/1",
            "id": "t",
            "instruction": "Do it.",
            "now": NOW,
            "chart": chart(),
            "patient": "p1",
            "checks": list(checks),
            **more,
        }
    )


def played(made: Task, *calls: str) -> Sitting:
    sitting = Sitting.begin(made, check=None)
    for call in calls:
        sitting.say(call)
    return sitting


def verdict(check: dict[str, Any], *calls: str, **more: Any) -> str:
    return grade(played(task({"id": "c", **check}, **more), *calls)).findings["c"].verdict


# tools


def test_every_form_of_a_tool_comes_from_the_one_definition() -> None:
    tools = chosen(())
    assert [schema["function"]["name"] for schema in schemas(tools)] == list(TOOLS)
    assert [line.partition("(")[0] for line in manual(tools).splitlines()] == list(TOOLS)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in TOOLS)
    assert {tool.kind for tool in tools if tool.verb == "search"} == set(CLINICAL)
    assert [tool.name for tool in chosen(["search_patient"])] == ["search_patient", "finish"]


SAME = [
    ('search_observation {"patient": "p1", "code": "2823-3"}', "GET http://localhost:8080/fhir/Observation?patient=p1&code=2823-3"),
    ('create_service_request {"resource": {"status": "active"}}', 'POST /fhir/ServiceRequest\n{"resourceType": "ServiceRequest", "status": "active"}'),
    ('read {"type": "Patient", "id": "p1"}', "GET Patient/p1"),
    ('finish {"answer": ["S1", 3]}', 'FINISH(["S1", 3])'),
    ('finish {"answer": []}', "FINISH()"),
    ('finish {"answer": []}', '```json\nfinish {"answer": []}\n```'),
]  # fmt: skip


@pytest.mark.parametrize(("named", "rest"), SAME)
def test_the_verbs_of_the_benchmarks_are_the_same_calls(named: str, rest: str) -> None:
    name, _, arguments = named.partition(" ")
    assert from_text(named) == from_text(rest) == from_tool(name, json.loads(arguments)) == from_text(shown(from_text(rest)))


@pytest.mark.parametrize(
    "text",
    ["", "hello", "GET Claim?x=1", "GET Patient/p1/_history", "POST Patient/1\n{}", "POST Observation\nnot json", "DELETE Patient/p1", "FINISH(S1)", 'FINISH({"a": 1})', "finish", "reed {}", 'read {"type": "Patient"}', 'search_patient {"patientt": "p1"}', 'create_observation {"resource": [1]}', 'create_observation {"resource": {"resourceType": "Patient"}}', "FINISH([NaN])", "GET", "read {" + "[" * 5000],
)  # fmt: skip
def test_what_cannot_be_read_is_answered_and_costs_a_round(text: str) -> None:
    with pytest.raises(ActionError):
        from_text(text)
    sitting = played(task(), text)
    (only,) = sitting.rounds
    assert not only.done
    assert only.text.startswith("Nothing was done.")
    assert not sitting.record.writes


@given(
    st.one_of(
        st.text(max_size=40), st.builds("{} {}".format, st.sampled_from([*TOOLS, "GET", "POST", "PUT", "FINISH"]), st.text(max_size=40))
    )
)
@settings(max_examples=150, deadline=None)
def test_no_text_fails(text: str) -> None:
    sitting = played(task(), text)
    assert len(sitting.rounds) == 1


@pytest.mark.parametrize(
    ("url", "body", "done"),
    [("Patient/p1", {"resourceType": "Patient", "id": "p1"}, True), ("http://h/fhir/Patient/p1", {"resourceType": "Patient", "id": "p1"}, True), ("Patient/p1", {"resourceType": "Patient", "id": "p2"}, False), ("Patient/p1", {"resourceType": "Observation", "id": "k-new"}, False), ("Patient", {"resourceType": "Patient", "id": "p1"}, False), ("Patient/p1", {}, False), ("Patient/p1", [1], False)],
)  # fmt: skip
def test_a_put_changes_what_its_address_says_or_nothing(url: str, body: Any, done: bool) -> None:
    sitting = played(task(), f"PUT {url}\n{json.dumps(body)}")
    assert sitting.rounds[0].done is done
    assert len(sitting.record.writes) == done
    assert done or "that type and id in its body" in sitting.rounds[0].text


def test_an_answer_that_is_too_long_is_cut_and_says_so() -> None:
    many = [{**order(), "id": f"o{n}", "note": [{"text": "x" * 500}]} for n in range(100)]
    (only,) = played(task(chart=[*chart(), *many]), "GET ServiceRequest?_count=100").rounds
    assert len(only.text) < 21_000
    assert "cut after" in only.text
    assert len(played(task(chart=[*chart(), *many]), "GET ServiceRequest").rounds[0].shown) == 20


def test_a_note_and_a_calculation_are_tools_too() -> None:
    sitting = played(
        task(),
        'write_note {"patient": "p1", "text": "Potassium is low."}',
        'calculate {"what": "bmi weight=70 kg height=175 cm"}',
        'calculate {"what": "nothing"}',
    )
    note, sum_, wrong = sitting.rounds
    assert [part.done for part in sitting.rounds] == [True, True, False]
    assert json.loads(note.text)["subject"] == {"reference": "Patient/p1"}
    assert "22.9" in sum_.text
    assert "no calculator" in wrong.text


# calculators


def test_every_calculator_is_a_tool_made_of_itself() -> None:
    from medsim.calculator import registry

    assert set(CALCULATORS) == {f"calculate_{name}" for name in registry()}
    for entry in registry().values():
        made, own = CALCULATORS[f"calculate_{entry.id}"].schema["function"], entry.tool()["function"]
        assert (made["name"], made["description"]) == (own["name"], own["description"])
        assert made["parameters"] == own["parameters"]


def test_a_calculator_answers_the_same_as_a_tool_in_text_and_in_a_doctors_words() -> None:
    forms = (
        'calculate_egfr {"creatinine": "1.2 mg/dL", "age": 60, "sex": "female"}',
        'calculate {"what": "egfr creatinine=1.2 mg/dL age=60 sex=female"}',
        "calculate: egfr creatinine=1.2 mg/dL age=60 sex=female",
    )
    sitting = played(task(), *forms)
    sitting.call("calculate_egfr", {"creatinine": "1.2 mg/dL", "age": 60, "sex": "female"})
    assert all(part.done for part in sitting.rounds)
    assert len({part.text for part in sitting.rounds}) == 1
    assert "51.8" in sitting.rounds[0].text or "52" in sitting.rounds[0].text
    for part in sitting.rounds:
        assert part.call is not None
        assert from_text(shown(part.call)) == part.call


def test_what_a_calculator_cannot_take_is_said_and_costs_a_round() -> None:
    sitting = played(
        task(),
        'calculate_egfr {"creatinine": "1.2", "age": 60, "sex": "female"}',
        'calculate_egfr {"creatinin": "1.2 mg/dL"}',
        'calculate_egf {"age": 60}',
        'calculate_phq9 {"answers": [1, 2]}',
    )
    assert [part.done for part in sitting.rounds] == [False] * 4
    said = [part.text for part in sitting.rounds]
    assert "of what" in said[0]
    assert "takes no 'creatinin'" in said[1]
    assert "Did you mean 'calculate_egfr'" in said[2]
    assert "9 whole numbers" in said[3]


def test_a_task_names_calculators_one_by_one_or_all_and_calculate_stands_for_all() -> None:
    one = task(tools=["calculate_bmi"])
    assert [tool.name for tool in one.offered] == ["finish", "calculate_bmi"]
    assert not played(one, 'calculate_egfr {"creatinine": "1.2 mg/dL", "age": 60, "sex": "female"}').rounds[0].done
    assert played(one, 'calculate_bmi {"weight": "70 kg", "height": "175 cm"}').rounds[0].done
    assert len(task(tools=["calculators"]).offered) == len(CALCULATORS) + 1
    names = [schema["function"]["name"] for schema in schemas(chosen(()), calculators=True)]
    assert set(CALCULATORS) <= set(names)
    assert "calculate" not in names
    assert names[-1] == "finish"


def test_a_menu_offers_the_calculators_that_the_record_fills_and_no_other() -> None:
    measured = [
        {**played_result("w", "29463-7", 70, "kg")}, {**played_result("h", "8302-2", 175, "cm")},
        {**played_result("cr", "2160-0", 1.2, "mg/dL")}, {**played_result("cr-old", "2160-0", 0.6, "mg/dL", at="2020-01-01")},
        {**played_result("cr-later", "2160-0", 3.0, "mg/dL", at="2024-01-01")},
    ]  # fmt: skip
    made = task(chart=[*chart(), *measured])
    calls = {call.kind: call for call in menu(made) if call.verb == "calculate"}
    assert {"bmi", "egfr", "creatinine_clearance", "bsa"} <= set(calls)
    assert not {"cha2ds2_vasc", "anion_gap", "wells_pe"} & set(calls)
    assert calls["egfr"].arguments == {"creatinine": "1.2 mg/dL", "age": 63, "sex": "female"}
    sitting = Sitting.begin(made)
    assert "22.9" in sitting.use(calls["bmi"]).text
    assert not [call for call in menu(task(chart=chart(), tools=["search_patient"])) if call.verb == "calculate"]


def played_result(name: str, code: str, value: float, unit: str, *, at: str = "2023-11-01") -> dict[str, Any]:
    quantity = {"value": value, "unit": unit}
    coded = {"coding": [{"system": "http://loinc.org", "code": code}]}
    who = {"reference": "Patient/p1"}
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "subject": who,
        "code": coded,
        "effectiveDateTime": at,
        "valueQuantity": quantity,
    }


# the patient


def asking(**more: Any) -> Task:
    return task(case="winter-cough", now="2024-01-10T09:00:00Z", **more)


def test_a_patient_is_asked_where_the_task_has_one_and_nowhere_else() -> None:
    assert "ask_patient" not in [tool.name for tool in task().offered]
    assert not played(task(), 'ask_patient {"question": "What brings you here?"}').rounds[0].done
    made = asking()
    sitting = played(made, 'ask_patient {"question": "Are you allergic to anything?"}')
    (only,) = sitting.rounds
    assert only.done
    assert "amoxicillin" in only.text.lower()
    assert sitting.record.now is not None
    assert sitting.record.now > made.at, "asking takes time"
    with pytest.raises(ValueError, match="somebody to ask"):
        task(tools=["ask_patient"])


def test_a_question_is_only_words_whatever_stands_in_it() -> None:
    sitting = played(asking(), json.dumps({"question": "How are you?\ntreat: amoxicillin 1 g po\nend:"}).join(["ask_patient ", ""]))
    assert sitting.consult is not None
    kinds = {event.kind for event in sitting.consult.events if event.actor == "doctor"}
    assert "treat" not in kinds
    assert not sitting.consult.over


def test_a_fork_asks_a_patient_of_its_own() -> None:
    first = played(asking(), 'ask_patient {"question": "What brings you here?"}')
    second = first.fork()
    second.say('ask_patient {"question": "Do you smoke?"}')
    assert first.consult is not None
    assert second.consult is not None
    assert len(second.consult.events) > len(first.consult.events)
    assert first.record.now != second.record.now


def test_the_patients_questions_stand_in_the_menu_and_are_answered() -> None:
    made = asking(rounds=200)
    asked = [call for call in menu(made) if call.verb == "ask"]
    assert len(asked) > 10
    sitting = Sitting.begin(made)
    answers = [json.loads(sitting.use(call).text)["answered"] for call in asked[:12]]
    assert all(any(line["text"] for line in lines) for lines in answers)


def test_without_a_chart_of_its_own_a_task_has_the_chart_of_its_case() -> None:
    from medsim import document, library
    from medsim.case import Case

    data = document.read(library.shipped_cases()["winter-cough"]).data
    ehr = {"resources": [{"resourceType": "Patient", "id": "mrs-x", "gender": "female"}]}
    made = asking(chart=[])
    made.__dict__["person"] = Case.model_validate({**data, "ehr": ehr})
    assert [held.resource["id"] for held in made.holdings.at(None).rows["Patient"]] == ["mrs-x"]
    assert not len(asking(chart=[]).holdings)


def test_a_case_that_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    base = {"schema": "medsim.task/1", "id": "t", "instruction": "x", "now": NOW}
    file.write_text(json.dumps({**base, "case": "winter-cof"}))
    with pytest.raises(CaseError, match="Did you mean 'winter-cough'"):
        load(file)


# checks

POST = 'POST ServiceRequest\n{"status": "active", "intent": "order", "subject": {"reference": "Patient/p1"}, "code": {"text": "Potassium"}}'

VERDICTS = [
    ({"wrote": "ServiceRequest?patient=p1&status=active"}, [POST, "FINISH()"], "met"),
    ({"wrote": "ServiceRequest?patient=p2"}, [POST, "FINISH()"], "unmet"),
    ({"wrote": "ServiceRequest?patient=p2"}, [POST], "unknown"),
    ({"wrote": "ServiceRequest", "max": 1}, [POST, POST], "unmet"),
    ({"wrote": "ServiceRequest", "min": 0, "max": 0}, ["FINISH()"], "met"),
    ({"wrote": "ServiceRequest", "min": 0, "max": 0}, ["GET Patient"], "unknown"),
    ({"wrote": "Observation"}, ["GET Observation", "FINISH()"], "unmet"),  # what is on file was not written
    ({"wrote": "ServiceRequest", "fhir": "code.text = 'Potassium' and subject.reference.endsWith('p1')"}, [POST, "FINISH()"], "met"),
    ({"wrote": "ServiceRequest", "fhir": "code.text = 'Sodium'"}, [POST, "FINISH()"], "unmet"),
    ({"writes": True, "max": 1}, [POST, "I will POST it again", "FINISH()"], "met"),
    ({"writes": True, "min": 0, "max": 0}, [POST, "FINISH()"], "unmet"),
    ({"saw": "Observation/k-new"}, ["GET Observation?patient=p1", "FINISH()"], "met"),
    ({"saw": "Observation/k-new"}, ["GET Observation/k-new"], "met"),
    ({"saw": "Observation/k-new"}, ["GET Observation?code=4548-4", "FINISH()"], "unmet"),
    ({"saw": "Observation/k-new"}, ["GET Observation?patient=p1&_summary=count", "FINISH()"], "unmet"),
    ({"saw": "Observation?code=2823-3", "min": 2}, ["GET Observation/k-new", "GET Observation/k-new", "FINISH()"], "unmet"),
    ({"saw": "Observation?code=2823-3", "min": 2}, ["GET Observation/k-new", "GET Observation/k-old", "FINISH()"], "met"),
    ({"looked": "AllergyIntolerance?patient=p1"}, ["GET AllergyIntolerance?patient=p1&_count=5", "FINISH()"], "met"),
    ({"looked": "AllergyIntolerance?patient=p1"}, ["GET AllergyIntolerance?patient=p2", "FINISH()"], "unmet"),
    ({"looked": "Observation"}, ["GET Observation?date=soon", "FINISH()"], "unmet"),
    ({"answer": [3.0], "within": 0.05}, ["FINISH([3.04])"], "met"),
    ({"answer": [3.0], "within": 0.05}, ['FINISH(["3.0"])'], "met"),
    ({"answer": [3.0], "within": 0.05}, ["FINISH([3.1])"], "unmet"),
    ({"answer": [3.0]}, ["FINISH([3, 3])"], "unmet"),
    ({"answer": ["S1"]}, ['FINISH([" s1 "])'], "met"),
    ({"answer": []}, ["FINISH()"], "met"),
    ({"answer": [True]}, ["FINISH([1])"], "unmet"),
    ({"answer": ["S1"]}, ["The answer is S1"], "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "calls", "expected"), VERDICTS)
def test_a_check_is_decided_by_what_happened(check: dict[str, Any], calls: list[str], expected: str) -> None:
    if "fhir" in check:
        pytest.importorskip("fhirpathpy")
    assert verdict(check, *calls) == expected


def test_a_critical_check_that_is_unmet_fails_the_task() -> None:
    made = task({"id": "a", "answer": ["x"]}, {"id": "b", "writes": True, "min": 0, "max": 0, "critical": True, "points": 0})
    good, bad, open_ = grade(played(made, 'FINISH(["x"])')), grade(played(made, POST, 'FINISH(["x"])')), grade(played(made, POST))
    assert (good.score, good.passed) == (1.0, True)
    assert (bad.score, bad.passed) == (0.0, False)
    assert (open_.score, open_.coverage, open_.passed) == (None, 0.0, False)


def test_a_critical_check_that_is_not_decided_fails_nothing_yet() -> None:
    made = task({"id": "a", "looked": "Observation"}, {"id": "b", "wrote": "ServiceRequest", "critical": True})
    found = grade(played(made, "GET Observation?patient=p1"))
    assert (found.findings["b"].verdict, found.score, found.coverage, found.passed) == ("unknown", 1.0, 0.5, None)


def test_points_that_are_taken_off_lower_the_score_and_not_what_it_is_a_share_of() -> None:
    made = task(
        {"id": "a", "answer": ["x"], "points": 4}, {"id": "b", "writes": True, "points": -1}, {"id": "c", "answer": ["y"], "points": 4}
    )
    found = grade(played(made, POST, 'FINISH(["x"])'))
    assert (found.score, found.coverage) == (3 / 8, 1.0)


def test_a_task_without_checks_has_no_score() -> None:
    graded = grade(played(task(), "FINISH()"))
    assert (graded.score, graded.passed, graded.coverage) == (None, None, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [{"checks": [{"id": "c"}]}, {"checks": [{"id": "c", "wrote": "Claim"}]}, {"checks": [{"id": "c", "wrote": "Patient?shoe=1"}]}, {"checks": [{"id": "c", "saw": "Observation?date=soon"}]}, {"checks": [{"id": "c", "answer": [1], "fhir": "x"}]}, {"checks": [{"id": "c", "answer": [1]}, {"id": "c", "answer": [1]}]}, {"now": "noon"}, {"tools": ["telepathy"]}, {"golden": ["do it"]}, {"sources": 1, "cheks": []}],
)  # fmt: skip
def test_a_task_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        task(**wrong)


def test_a_sitting_is_forked_at_any_round() -> None:
    first = played(task({"id": "c", "wrote": "ServiceRequest"}), "GET Patient/p1")
    second = first.fork()
    second.say(POST)
    second.say("FINISH()")
    assert (len(first.rounds), len(first.record.writes), first.over) == (1, 0, False)
    assert grade(second).passed is True
    with pytest.raises(ActionError, match="over"):
        second.say(POST)


# shipped tasks


@pytest.mark.parametrize("made", SHIPPED, ids=lambda made: made.id)
def test_a_shipped_task_is_passed_by_its_golden_calls_and_by_nothing_cheap(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    golden, idle, everything = (
        Sitting.begin(made),
        Sitting.begin(made),
        Sitting.begin(made.model_copy(update={"rounds": 500}).over(made.holdings)),
    )
    for call in made.golden:
        assert golden.say(call).done, call
    idle.say("FINISH()")
    for choice in menu(made):
        if choice.verb != "finish":
            everything.use(choice)
    everything.use(menu(made)[-1])
    assert grade(golden).score == 1.0
    assert grade(golden).passed is True
    assert grade(idle).score == 0.0
    assert grade(everything).passed is False


@pytest.mark.parametrize("made", SHIPPED, ids=lambda made: made.id)
def test_nothing_an_agent_is_told_holds_what_is_not_yet_known(made: Task) -> None:
    sitting = Sitting.begin(made.model_copy(update={"rounds": 500}).over(made.holdings))
    for choice in menu(made):
        if choice.verb == "search":
            sitting.use(choice)
    seen = "".join(part.text for part in sitting.rounds)
    assert "k-5" not in seen
    assert made.id != "latest-potassium" or "k-2" in seen


# environment


@pytest.mark.parametrize("actions", ["text", "menu"])
def test_the_environment_keeps_gymnasiums_contract(actions: str) -> None:
    # one task, so that every number of the space is in its menu: the checker does not look at the mask
    assert complaints("medsim/Record-v0", render=False, tasks="latest-potassium", actions=actions, render_mode="ansi") == []


def test_an_episode_pays_at_its_end_and_tells_nothing_before() -> None:
    env = RecordEnv(task({"id": "a", "answer": ["x"]}, {"id": "b", "wrote": "ServiceRequest"}))
    seen, info = env.reset(seed=0)
    assert seen.startswith("Do it.")
    assert set(info) == {"task", "round", "done", "writes"}
    _, reward, terminated, truncated, info = env.step(POST.replace("}}", '}, "status": "on"}}'))
    assert (reward, terminated, truncated, info["done"], info["round"]) == (0.0, False, False, False, 1)
    *_, info = env.step('FINISH(["x"])')
    assert (info["score"], info["coverage"], info["passed"]) == (0.5, 1.0, 0.0)
    with pytest.raises(ActionError, match="Call reset"):
        env.step("FINISH()")
    env.reset()
    assert not env.sitting.record.writes


@pytest.mark.parametrize("hints", [None, True, False])
def test_a_code_that_never_occurs_is_said_only_where_hints_are_asked_for(hints: bool | None) -> None:
    env = RecordEnv(task(), hints=hints)
    env.reset(seed=0)
    guessed, *_ = env.step("GET Observation?patient=p1&code=9999-9")
    found, *_ = env.step("GET Observation?patient=p1&code=2823-3")
    assert ("OperationOutcome" in guessed) is bool(hints)
    assert json.loads(guessed)["total"] == 0
    assert "OperationOutcome" not in found
    authored = RecordEnv(task(hints=True), hints=hints)
    authored.reset(seed=0)
    assert ("OperationOutcome" in authored.step("GET Observation?patient=p1&code=9999-9")[0]) is (hints is not False)


def test_rounds_that_run_out_truncate_and_leave_open_what_was_open() -> None:
    env = RecordEnv(task({"id": "a", "answer": ["x"]}), rounds=2)
    env.reset(seed=0)
    assert env.step("GET Patient")[2:4] == (False, False)
    _, reward, terminated, truncated, info = env.step("GET Patient")
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert math.isnan(info["score"])
    assert math.isnan(info["passed"])


def test_a_menu_is_masked_to_the_calls_of_its_task() -> None:
    env = RecordEnv([task(), SHIPPED[0]], actions="menu")
    _, info = env.reset(seed=1, options={"task": "t"})
    assert info["action_mask"].sum() == len(env.menu) < env.action_space.n  # type: ignore[attr-defined]
    last = len(env.menu) - 1
    with pytest.raises(ActionError, match="action_mask"):
        env.step(last + 1)
    assert env.step(last)[2] is True


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tasks": "lates-potassium"}, "Did you mean 'latest-potassium'"),
        ({"tasks": []}, "No task was given"),
        ({"actions": "dance"}, "text"),
        ({"rounds": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_an_environment_is_said(given: dict[str, Any], said: str) -> None:
    with pytest.raises((ActionError, CaseError), match=said):
        RecordEnv(**given)


# benchmarks of others


def test_medagentbench_tasks_are_read_and_scored_by_their_own_solution_alone(tmp_path: Path) -> None:
    tasks, functions = tmp_path / "test.json", tmp_path / "funcs.json"
    tasks.write_text(json.dumps([
        {"id": "task1_1", "instruction": "Whose number?", "context": "", "sol": ["S1"], "eval_MRN": "p1"}, {"id": "task3_1", "instruction": "Record it.", "context": "c"},
    ]))  # fmt: skip
    functions.write_text(json.dumps([{"name": "GET {api_base}/Patient"}, {"name": "POST {api_base}/ServiceRequest"}]))
    first, second = medagentbench(tasks, functions=functions, holdings=Holdings(chart()))
    assert [tool.name for tool in first.offered] == ["search_patient", "create_service_request", "finish"]
    assert grade(played(first, "GET http://x/fhir/Patient?name=nunez", 'FINISH(["S1"])')).passed is True
    assert grade(played(second, POST, "FINISH()")).score is None
    assert played(second, POST).record.writes  # it really happened
    assert (first.rounds, first.now) == (8, NOW)


def test_a_physicianbench_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "instruction.md").write_text("Advise on this patient.")
    made = physicianbench(tmp_path, now=NOW, holdings=Holdings(chart()))
    assert made.instruction == "Advise on this patient."
    assert grade(played(made, "FINISH()")).score is None


def test_copies_that_are_none_are_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    for text in ("{", "{}", "[1]", '[{"id": 1}]'):
        bad.write_text(text)
        with pytest.raises(CaseError):
            medagentbench(bad)
    bad.write_text('[{"name": "DELETE /Patient"}]')
    good = tmp_path / "good.json"
    good.write_text('[{"id": "a", "instruction": "b"}]')
    with pytest.raises(CaseError, match="no function"):
        medagentbench(good, functions=bad)
    with pytest.raises(CaseError, match=r"instruction\.md"):
        physicianbench(tmp_path, now=NOW)
    with pytest.raises(CaseError, match="cannot be read"):
        medagentbench(tmp_path / "none.json")


def test_an_expression_that_cannot_be_decided_is_unknown_and_one_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("fhirpathpy")
    check = {"id": "c", "wrote": "ServiceRequest", "fhir": "code.text.nonsense()"}
    finding = grade(played(task(check), POST, "FINISH()")).findings["c"]
    assert finding.verdict == "unknown"
    assert "cannot be evaluated" in finding.reason
    file = tmp_path / "t.json"
    file.write_text(
        json.dumps({"schema": "medsim.task/1", "id": "t", "instruction": "x", "now": NOW, "checks": [{**check, "fhir": "code.text = = 1"}]})
    )
    with pytest.raises(CaseError, match="cannot be read"):
        load(file)


def test_a_number_in_an_expression_is_the_number_in_the_resource_to_the_last_digit() -> None:
    pytest.importorskip("fhirpathpy")
    post = POST.replace('"status"', '"quantityQuantity": {"value": 3.1, "unit": "mg"}, "status"')
    for value, expected in (("3.1", "met"), ("3.10", "met"), ("3.11", "unmet")):
        assert verdict({"wrote": "ServiceRequest", "fhir": f"quantity.value = {value}"}, post, "FINISH()") == expected


def test_without_the_library_such_a_check_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fhirpathpy", None)
    finding = grade(played(task({"id": "c", "wrote": "ServiceRequest", "fhir": "status = 'active'"}), POST, "FINISH()")).findings["c"]
    assert finding.verdict == "unknown"
    assert "pip install fhirpathpy" in finding.reason


@pytest.mark.parametrize(
    ("drug", "failed"),
    [("nitrofurantoin modified release", "no-nitrofurantoin"), ("Pivmecillinam", "no-penicillin"), ("amoxicillin", "no-penicillin")],
)
def test_a_drug_that_harms_fails_the_antibiotic_task_by_its_own_check(drug: str, failed: str) -> None:
    pytest.importorskip("fhirpathpy")
    made = load("antibiotic-allergy")
    right = next(call for call in made.golden if "trimethoprim" in call and call.startswith("create"))
    graded = grade(played(made, right.replace("trimethoprim", drug), 'FINISH(["trimethoprim"])'))
    assert [name for name, found in graded.findings.items() if name.startswith("no-") and found.verdict == "unmet"] == [failed]
    assert graded.score == 0.0
