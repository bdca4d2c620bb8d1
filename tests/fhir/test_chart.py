"""The chart of a case: seen from its own time on, read in the action grammar, and free of what is to be found out."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import case as case_module
from medsim.case import Case
from medsim.case.chart import KINDS, Chart, moment, named
from medsim.consult import Consult
from medsim.consult.chart import LONGEST, page
from medsim.episode import replay, rollout
from medsim.errors import CaseError
from medsim.fhir import Records
from medsim.lint import lint
from medsim.patient.scripted import ScriptedPatient
from medsim.trajectory import Event, Trajectory

from .test_export import of, played

PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1961-05-05", "deceasedDateTime": "2031-01-01"}
ALLERGY = {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/p"}, "code": {"text": "Penicillin"}}
HBA1C = {
    "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "Haemoglobin A1c"}, "subject": {"reference": "Patient/p"},
    "issued": "2025-11-03T10:00:00Z", "valueQuantity": {"value": 7.2, "unit": "%"},
}  # fmt: skip
LATER = {**HBA1C, "id": "o2", "issued": "2026-01-14T10:30:00Z", "valueQuantity": {"value": 9.9, "unit": "%"}}
DISEASE = {
    "resourceType": "Condition", "id": "c", "code": {"text": "Gout"}, "subject": {"reference": "Patient/p"}, "recordedDate": "2019",
    "abatementDateTime": "2026-06-01", "clinicalStatus": {"coding": [{"code": "resolved"}]},
}  # fmt: skip
LETTER = {
    "resourceType": "DocumentReference", "id": "d", "status": "current", "type": {"text": "Letter"}, "date": "2020-02-02T08:00:00Z",
    "content": [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"Seen in clinic, all well.").decode()}}],
}  # fmt: skip
ALL: list[dict[str, Any]] = [PATIENT, ALLERGY, HBA1C, LATER, DISEASE, LETTER]
ARRIVAL = datetime(2026, 1, 14, 10, 20, tzinfo=UTC)


def with_chart(mini: Case, *resources: Any, **rest: Any) -> Case:
    data = case_module.authored(mini)
    return Case.model_validate({**data, **rest, "ehr": {"resources": list(resources or ALL)}})


def records(events: list[Event]) -> list[str]:
    return [event.text for event in events if event.kind == "result" and event.code == "chart"]


# ---- what is on file when ------------------------------------------------------------------------------------------------------------


@given(minutes=st.integers(0, 90))
def test_a_resource_is_on_file_from_its_own_time_on(minutes: int) -> None:
    chart = Chart.model_validate({"resources": ALL})
    seen = {part["id"] for part in chart.visible(ARRIVAL + timedelta(minutes=minutes), elapsed=60 * minutes)}
    assert ("o2" in seen) == (minutes >= 10)
    assert {"p", "a", "o1", "c", "d"} <= seen


def test_what_arrives_later_is_not_on_file_before() -> None:
    chart = Chart.model_validate({"resources": [PATIENT, {"resource": LETTER, "after": "30m"}]})
    assert [len(chart.visible(ARRIVAL, elapsed=elapsed)) for elapsed in (0, 1799, 1800)] == [1, 1, 2]


def test_a_date_without_an_hour_counts_from_its_end() -> None:
    assert moment("2024") == datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert moment("2024-02") == datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)
    assert moment("2024-02-03T04:05:06+02:00") == datetime(2024, 2, 3, 2, 5, 6, tzinfo=UTC)
    chart = Chart.model_validate({"resources": [{**HBA1C, "issued": "2026-01-14"}]})
    assert chart.visible(ARRIVAL) == []


def test_nothing_points_at_what_is_not_on_file_yet() -> None:
    later = {"reference": "Observation/o2", "display": "9.9 %"}
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "Panel"},
        "result": [{"reference": "Observation/o1"}, later],
    }
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "status": "finished",
        "class": {"code": "AMB"},
        "diagnosis": [{"condition": later, "rank": 1}],
        "partOf": later,
    }
    chart = Chart.model_validate({"resources": [HBA1C, LATER, report, visit]})
    before, after = (chart.visible(ARRIVAL + timedelta(minutes=minutes)) for minutes in (0, 10))
    assert "9.9" not in str(before)
    assert "o2" not in str(before)
    assert before[1]["result"] == [{"reference": "Observation/o1"}]
    assert set(before[2]) == {"resourceType", "id", "status", "class"}
    assert after == [HBA1C, LATER, report, visit]


@pytest.mark.parametrize("given", ["", "yesterday", "2024-13", "2023-02-29", "2024-01-01T25:00:00Z", "2024-1-1"])
def test_what_is_no_date_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="date"):
        moment(given)


def test_what_ends_later_has_not_ended_and_no_death_is_foretold() -> None:
    seen = {part["id"]: part for part in Chart.model_validate({"resources": ALL}).visible(ARRIVAL)}
    assert "abatementDateTime" not in seen["c"]
    assert seen["c"]["clinicalStatus"]["coding"][0]["code"] == "active"
    assert "deceasedDateTime" not in seen["p"]
    later = {part["id"]: part for part in Chart.model_validate({"resources": ALL}).visible(datetime(2027, 1, 1, tzinfo=UTC))}
    assert later["c"]["clinicalStatus"]["coding"][0]["code"] == "resolved"
    assert DISEASE["abatementDateTime"] == "2026-06-01"


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ([{"resourceType": "Claim", "id": "x"}], "a chart holds"), ([{"resourceType": "Patient"}], "needs an id"), ([PATIENT, PATIENT], "stands twice"),
        ([PATIENT, {**PATIENT, "id": "q"}], "one patient"), ([{**HBA1C, "issued": "soon"}], "date or time"), ([], "at least 1"),
    ],
)  # fmt: skip
def test_a_chart_that_means_nothing_is_refused(mini: Case, resources: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Chart.model_validate({"resources": resources})


# ---- secrets -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    [
        {**DISEASE, "code": {"text": "Inferior STEMI"}}, {**DISEASE, "code": {"text": "old inferior  myocardial-infarction"}},
        {**DISEASE, "code": {"coding": [{"code": "I21.19"}]}}, {**LETTER, "description": "after a STEMI"},
        {**LETTER, "content": [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"Had an infarction.").decode()}}]},
    ],
)  # fmt: skip
def test_a_chart_that_names_the_diagnosis_is_refused(mini: Case, resource: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="which the doctor is to find out"):
        with_chart(mini, PATIENT, resource)


def test_a_name_inside_another_word_is_no_name() -> None:
    assert named(DISEASE, ["gout"]) == "gout"
    assert named({**DISEASE, "code": {"text": "Goutte"}}, ["gout", ""]) == ""


@settings(max_examples=20)
@given(minutes=st.integers(0, 200))
def test_the_record_knows_the_chart_alone(mini: Case, minutes: int) -> None:
    case = with_chart(mini)
    bare = case.model_copy(update={"patient": mini.patient.model_copy(update={"facts": ()}), "actions": {}})
    assert case.ehr is not None
    assert bare.ehr is not None
    at = ARRIVAL + timedelta(minutes=minutes)
    mine, theirs = (Records.visible(chart, at, elapsed=60 * minutes) for chart in (case.ehr, bare.ehr))
    assert mine == theirs
    text = str(mine.collection())
    assert not [said for fact in case.patient.facts for said in fact.say if said in text]
    assert case.outcome.diagnosis.name not in text


# ---- in the consult ------------------------------------------------------------------------------------------------------------------


def test_the_doctor_reads_what_is_on_file_now(mini: Case) -> None:
    case = with_chart(mini)
    events = played(case, ["order: previous records", "wait: 6m", "wait: 6m", "examine: chart"]).events
    first, second = records(events)
    assert "Penicillin" in first
    assert "Haemoglobin A1c: 7.2 %" in first
    assert "9.9" not in first
    assert "9.9 %" in second
    order = next(event for event in events if event.kind == "order")
    result = next(event for event in events if event.kind == "result")
    assert (order.code, order.cls, result.t - order.t, result.args["order"]) == ("chart", "records", 120, order.seq)
    assert "Observation/o1" in result.args["shown"]
    assert "Observation/o2" not in result.args["shown"]


def test_a_part_of_the_chart_can_be_asked_for(mini: Case) -> None:
    case = with_chart(mini)
    (text,) = records(played(case, ["order: chart notes"]).events)
    assert "Seen in clinic, all well." in text
    assert "Penicillin" not in text
    (text,) = records(played(case, ["order: records of visits"]).events)
    assert text == "Previous records: Nothing is on file."


def test_the_patient_may_say_otherwise_than_the_chart(mini: Case) -> None:
    facts = [{"id": "none", "topics": ["allergy.any"], "say": "No allergies at all."}]
    case = with_chart(mini, **{"patient": {**case_module.authored(mini)["patient"], "facts": facts}})
    events = played(case, ["order: previous records", "ask: Do you have any allergies?"]).events
    assert "Penicillin" in records(events)[0]
    assert next(event for event in events if event.kind == "reply").text == "No allergies at all."


def test_a_case_without_a_chart_stays_as_it_was(mini: Case) -> None:
    assert mini.ehr is None
    assert "chart" not in mini.actions
    assert mini.hash == "d8d57f70e807e0b6"
    assert [event.kind for event in played(mini, ["order: previous records"]).events if event.turn == 1 and event.visible] == [
        "unclear",
        "answer",
    ]


def test_a_case_with_a_chart_reads_back_equal_and_replays(mini: Case) -> None:
    case = with_chart(mini)
    again = case_module.loads(case_module.dumps(case))
    assert again == case
    assert again.hash == case.hash != mini.hash
    trajectory = played(case, ["order: chart results", "wait: 6m", "wait: 6m", "order: chart results"])
    assert len(set(records(trajectory.events))) == 2
    assert len(replay(again, trajectory).events) == len(trajectory.events)


def test_lint_takes_a_case_with_a_chart(mini: Case) -> None:
    before = {(finding.rule, finding.where) for finding in lint(mini, run_gates=False)[0] if finding.level == "error"}
    after = {(finding.rule, finding.where) for finding in lint(with_chart(mini), run_gates=False)[0] if finding.level == "error"}
    assert after == before


def test_an_author_may_write_the_action_himself_but_the_visit_needs_a_time(mini: Case) -> None:
    own = {**case_module.authored(mini)["actions"], "chart": {"kind": "order", "name": "The blue folder", "busy": "10m"}}
    events = played(with_chart(mini, actions=own), ["order: the blue folder"]).events
    assert "Penicillin" in records(events)[0]
    assert next(event for event in events if event.kind == "result").t == 600
    with pytest.raises(ValueError, match="what is on file when"):
        with_chart(mini, encounters=[{**case_module.authored(mini)["encounters"][0], "start": "in the morning"}])


def test_reading_the_chart_is_exported_as_what_the_ward_said_and_not_as_a_result(mini: Case) -> None:
    from medsim.fhir import bundle_faults, bundle_of

    case = with_chart(mini)
    bundle = bundle_of(played(case, ["order: previous records"]), case=case)
    assert bundle_faults(bundle) == []
    assert of(bundle, "DiagnosticReport") == []
    assert any("Penicillin" in part["payload"][0]["contentString"] for part in of(bundle, "Communication"))


def test_in_a_documented_case_nobody_makes_the_chart_up() -> None:
    from tests.conftest import DATA

    documented = case_module.load(DATA / "documented.yaml")
    case = Case.model_validate({**case_module.authored(documented), "ehr": {"resources": [PATIENT, ALLERGY]}})

    class Nobody:
        name = "nobody"

        def rule(self, task: Any) -> Any:
            raise AssertionError("the controller was asked")

    consult = Consult(case)
    events = consult.play("order: previous records", ScriptedPatient(case.brief()), controller=Nobody())
    assert "Penicillin" in records(events)[0]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "Patient"])
def test_a_page_can_be_written_of_anything_an_author_wrote(kind: str) -> None:
    odd: list[Any] = [None, 7, "x", [], {}, [7], [{"coding": 7}], {"coding": [7, {"code": 7}]}, {"text": 3}, [[{"text": "x"}]]]
    names = ["code", "status", "category", "component", "interpretation", "reaction", "medicationCodeableConcept", "dosageInstruction", "presentedForm",
             "result", "type", "class", "reasonCode", "content", "payload", "item", "vaccineCode", "valueQuantity", "clinicalStatus", "topic"]  # fmt: skip
    for name in names:
        for value in odd:
            text, shown = page([{"resourceType": kind, "id": "x", name: value}])
            assert shown == [f"{kind}/x"]
            assert text


def test_a_long_chart_is_cut_and_says_so() -> None:
    many = [{**HBA1C, "id": f"o{at}", "code": {"text": f"Test {at}"}} for at in range(300)]
    text, shown = page(many)
    assert "(288 more; order: chart results)" in text
    assert len(shown) == 12
    text, shown = page(many, "chart results")
    assert "(240 older ones are not shown)" in text
    long = [{**LETTER, "id": f"d{at}", "content": [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"word " * 500).decode()}}]} for at in range(9)]  # fmt: skip
    text, _ = page(long, "chart letters")
    assert len(text) < LONGEST + 100
    assert text.endswith("order: chart results)")


# ---- records -------------------------------------------------------------------------------------------------------------------------


def test_forks_of_a_record_do_not_see_each_other() -> None:
    one = Records([PATIENT, ALLERGY])
    two = one.fork()
    two.put({**ALLERGY, "code": {"text": "Latex"}})
    two.remove("Patient", "p")
    read = one.read("AllergyIntolerance", "a")
    assert read == ALLERGY
    assert read is not None
    read["code"]["text"] = "changed"
    assert one.read("AllergyIntolerance", "a") == ALLERGY
    assert (len(one), len(two), ("Patient", "p") in two, one == two, one == one.fork()) == (2, 1, False, False, True)
    assert [part["resourceType"] for part in one.each()] == ["Patient", "AllergyIntolerance"]
    with pytest.raises(CaseError, match="resourceType and an id"):
        one.put({"resourceType": "Patient"})


def test_an_agent_can_finish_a_case_with_a_chart(mini: Case) -> None:
    from medsim.agent.script import Golden

    case = with_chart(mini)
    trajectory = rollout(case, Golden(case))
    assert isinstance(trajectory, Trajectory)
    assert trajectory.outcome.status == "finished"
