"""Tools, tasks and the environment over the record."""

from __future__ import annotations

import json
import math
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import medsim  # noqa: F401  # registers the environments
from medsim.errors import ActionError, CaseError
from medsim.record.benchmarks import medagentbench, physicianbench
from medsim.record.grade import grade
from medsim.record.holdings import Holdings
from medsim.record.menu import menu
from medsim.record.parameters import TYPES
from medsim.record.sitting import Sitting
from medsim.record.task import Task, listed, load
from medsim.record.tools import TOOLS, chosen, from_text, from_tool, manual, schemas, shown
from medsim.record_env import RecordEnv
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
    assert {tool.kind for tool in tools if tool.verb == "search"} == set(TYPES)
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
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # one task, so that every number of the space is in its menu: the checker does not look at the mask
        env = gym.make("medsim/Record-v0", tasks="latest-potassium", actions=actions, render_mode="ansi")
        check_env(env.unwrapped, skip_render_check=True)


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
