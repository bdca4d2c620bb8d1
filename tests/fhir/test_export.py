"""An encounter as a FHIR transaction: valid, whole, the same bytes each time, and without truth."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import case as case_module
from medsim.agent.script import Golden, Inert, Interviewer
from medsim.case import Case
from medsim.consult import Consult
from medsim.controller import Deed, Ruling, Task
from medsim.episode import rollout
from medsim.errors import CaseError, StoreError
from medsim.fhir import bundle_faults, bundle_of, written
from medsim.fhir.export import checked, file_name
from medsim.fhir.values import rows
from medsim.patient.scripted import ScriptedPatient
from medsim.trajectory import Event, Outcome, Trajectory
from tests.conftest import DATA

STARTER = sorted(path for path in (Path(__file__).parents[2] / "cases" / "starter").glob("*.yaml") if path.name != "pack.yaml")
MESSAGES = [
    "Hello, I am Doctor Reed.", "ask: When did it start?", "order: 12-lead ECG\norder: troponin and lactate", "wait: result", "wait: 30m", "examine: heart",
    "examine: vital signs", "treat: aspirin 300 mg po", "treat: normal saline 500 ml iv", "treat: nitroglycerin 0.4 mg sl", "consult: cath lab", "procedure: iv access",
    "note: Pain \x07with ECG changes; \u202ecall “the team”.", "diagnose: pericarditis", "diagnose: inferior STEMI; dissection", "dispose: cath lab", "order: a unicorn",
    "examine:", "treat: aspirin", "procedure: defibrillate", "end:",
]  # fmt: skip


def played(case: Case, messages: list[str], *, seed: int = 0) -> Trajectory:
    consult, patient = Consult(case, seed=seed), ScriptedPatient(case.brief())
    for message in messages:
        if not consult.over:
            consult.play(message, patient)
    return Trajectory("t1", case.id, case.hash, "someone", seed, 0, list(consult.events), consult.outcome(), run="r1")


def of(bundle: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def at(bundle: dict[str, Any], reference: dict[str, Any]) -> dict[str, Any]:
    return next(entry["resource"] for entry in bundle["entry"] if entry["fullUrl"] == reference["reference"])


@pytest.fixture(scope="module")
def golden(mini: Case) -> tuple[Trajectory, dict[str, Any]]:
    trajectory = rollout(mini, Golden(mini), name="golden")
    return trajectory, bundle_of(trajectory, case=mini)


@settings(max_examples=30)
@given(messages=st.lists(st.sampled_from(MESSAGES), max_size=14))
def test_any_encounter_is_valid_resolves_every_reference_and_is_the_same_bytes_again(mini: Case, messages: list[str]) -> None:
    trajectory = played(mini, messages)
    bundle = bundle_of(trajectory, case=mini)
    assert bundle_faults(bundle) == []
    assert bundle_faults(bundle_of(trajectory)) == []
    again = Trajectory.of(json.loads(trajectory.to_json()))
    assert written(bundle_of(again, case=mini)) == written(bundle)


@settings(max_examples=30)
@given(messages=st.lists(st.sampled_from(MESSAGES), max_size=10))
def test_every_utterance_is_a_communication_in_order(mini: Case, messages: list[str]) -> None:
    trajectory = played(mini, messages)
    bundle = bundle_of(trajectory, case=mini)
    said = [event for event in trajectory.events if event.kind in {"ask", "say", "reply", "challenge"}]
    found = [
        part for part in of(bundle, "Communication") if part["category"][0]["coding"][0]["code"] in {"ask", "say", "reply", "challenge"}
    ]
    assert [part["payload"][0]["contentString"] for part in found] == [event.text for event in said]
    senders = [at(bundle, part["sender"])["resourceType"] for part in found]
    assert senders == ["Device" if event.actor == "doctor" else "Patient" for event in said]


@pytest.mark.parametrize("path", STARTER, ids=lambda path: path.stem)
@pytest.mark.parametrize("doctor", [Golden, Inert, Interviewer])
def test_shipped_cases_give_valid_bundles_with_every_doctor(path: Path, doctor: Any) -> None:
    case = case_module.load(path)
    agent = doctor(case) if doctor is Golden else doctor()
    assert len(checked(rollout(case, agent), case=case)["entry"]) >= 6


def test_the_golden_encounter_holds_what_was_done(mini: Case, golden: tuple[Trajectory, dict[str, Any]]) -> None:
    _, bundle = golden
    kinds = Counter(entry["resource"]["resourceType"] for entry in bundle["entry"])
    assert bundle["type"] == "transaction"
    assert (
        kinds["Patient"]
        == kinds["Encounter"]
        == kinds["DocumentReference"]
        == kinds["MedicationRequest"]
        == kinds["MedicationAdministration"]
        == 1
    )
    assert kinds["ServiceRequest"] == 2
    patient = of(bundle, "Patient")[0]
    assert (patient["name"], patient["gender"], patient["birthDate"]) == ([{"family": "Lee", "given": ["Ann"]}], "female", "1962")
    note = of(bundle, "DocumentReference")[0]["content"][0]["attachment"]["data"]
    assert base64.b64decode(note).decode() == "Inferior ST elevation, aspirin given, team called."


def test_a_result_points_at_its_order_and_a_dose_at_its_request(golden: tuple[Trajectory, dict[str, Any]]) -> None:
    _, bundle = golden
    report = of(bundle, "DiagnosticReport")[0]
    order = at(bundle, report["basedOn"][0])
    assert (order["resourceType"], order["code"]["text"], order["status"], order["intent"]) == (
        "ServiceRequest",
        "12-lead ECG",
        "completed",
        "order",
    )
    assert report["effectiveDateTime"] < report["issued"]
    assert at(bundle, report["result"][0])["valueString"] == "ST elevation in II, III and aVF."
    given = of(bundle, "MedicationAdministration")[0]
    request = at(bundle, given["request"])
    assert given["dosage"]["dose"] == {"value": 300, "unit": "mg"}
    assert request["authoredOn"] < given["effectiveDateTime"]
    assert at(bundle, request["requester"])["deviceName"][0]["name"] == "golden"


def test_a_result_that_does_not_say_its_order_belongs_to_the_last_one_of_its_name_before_it(mini: Case) -> None:
    told = played(mini, ["order: Lactate level", "wait: result", "wait: result", "order: Lactate level"])
    first, second = [event.seq for event in told.events if event.kind == "order"]
    (result,) = [event for event in told.events if event.kind == "result"]
    assert first < result.seq < second
    silent = replace(told, events=[replace(event, args={}) if event is result else event for event in told.events])
    for trajectory in (told, silent):
        bundle = bundle_of(trajectory, case=mini)
        (report,), (earlier, later) = of(bundle, "DiagnosticReport"), of(bundle, "ServiceRequest")
        assert at(bundle, report["basedOn"][0]) is earlier
        assert earlier["authoredOn"] < report["issued"] <= later["authoredOn"]


@pytest.mark.parametrize(("longest", "measured"), [(80, True), (81, False)])
def test_a_row_is_measured_where_its_name_is_a_name_and_no_sentence(longest: int, measured: bool) -> None:
    name = "N" * longest
    found, rest = rows(f"{name} 12.3 g/dL")
    assert ([row.name for row in found], rest) == (([name], "") if measured else ([], f"{name} 12.3 g/dL"))


def test_measured_rows_become_quantities_and_words_stay_words() -> None:
    found, rest = rows(
        "Haemoglobin 12.3 g/dL (12-15.5); pH 7.31 (7.35-7.45) L; eGFR 54 mL/min/1.73 m2 (from 60) L; Heart size 12 wide; Film rotated"
    )
    assert [row.name for row in found] == ["Haemoglobin", "pH", "eGFR"]
    assert found[0].body == {
        "valueQuantity": {"value": 12.3, "unit": "g/dL"},
        "referenceRange": [{"low": {"value": 12, "unit": "g/dL"}, "high": {"value": 15.5, "unit": "g/dL"}}],
    }
    assert found[1].body["interpretation"][0]["coding"][0]["code"] == "L"
    assert rest == "Heart size 12 wide; Film rotated"


def test_laboratory_values_and_vital_signs_are_numbers(mini: Case) -> None:
    bundle = bundle_of(played(mini, ["order: lactate\nexamine: vital signs", "wait: result", "wait: result"]), case=mini)
    codes = {part["code"].get("text"): part for part in of(bundle, "Observation")}
    assert codes["Lactate level"]["valueQuantity"] == {"value": 4.1, "unit": "mmol/L"}
    assert codes["Lactate level"]["category"][0]["coding"][0]["code"] == "laboratory"
    pressure = [part["valueQuantity"]["value"] for part in codes["Blood pressure"]["component"]]
    assert len(pressure) == 2
    assert pressure[0] > pressure[1]
    assert {at(bundle, member)["code"]["text"] for member in codes["Vital signs"]["hasMember"]} >= {
        "Heart rate",
        "Body temperature",
        "Blood pressure",
    }


def test_the_last_diagnosis_is_ranked_in_the_encounter_and_an_earlier_one_is_kept_as_replaced(mini: Case) -> None:
    bundle = bundle_of(
        played(mini, ["diagnose: pericarditis", "diagnose: inferior STEMI; dissection", "dispose: cath lab", "end:"]), case=mini
    )
    visit = of(bundle, "Encounter")[0]
    assert [(at(bundle, part["condition"])["code"]["text"], part["rank"]) for part in visit["diagnosis"]] == [
        ("inferior STEMI", 1),
        ("dissection", 2),
    ]
    first = next(part for part in of(bundle, "Condition") if part["code"]["text"] == "pericarditis")
    assert first["clinicalStatus"]["coding"][0]["code"] == "inactive"
    standing = {
        part["code"]["text"]: (part["clinicalStatus"]["coding"][0]["code"], part["verificationStatus"]["coding"][0]["code"])
        for part in of(bundle, "Condition")
    }
    assert standing == {
        "pericarditis": ("inactive", "unconfirmed"), "inferior STEMI": ("active", "provisional"), "dissection": ("active", "differential"),
    }  # fmt: skip
    assert visit["hospitalization"]["dischargeDisposition"]["coding"][0]["code"] == "cath_lab"
    assert visit["status"] == "finished"


def test_what_the_agent_made_is_tagged_and_has_provenance_and_nothing_else_is(golden: tuple[Trajectory, dict[str, Any]]) -> None:
    _, bundle = golden
    tagged = {
        entry["fullUrl"]
        for entry in bundle["entry"]
        if entry["resource"].get("meta", {}).get("tag") == [{"system": "urn:medsim", "code": "agent"}]
    }
    author = next(part for part in of(bundle, "Provenance") if part["agent"][0]["type"]["coding"][0]["code"] == "author")
    assert tagged == {target["reference"] for target in author["target"]}
    assert at(bundle, author["agent"][0]["who"])["deviceName"][0]["name"] == "golden"
    kinds = {at(bundle, {"reference": url})["resourceType"] for url in tagged}
    assert "Observation" not in kinds
    assert {"Communication", "ServiceRequest", "MedicationRequest", "Condition", "DocumentReference"} <= kinds


@settings(max_examples=30)
@given(messages=st.lists(st.sampled_from([text for text in MESSAGES if "STEMI" not in text]), max_size=14))
def test_truth_and_scores_stay_outside(mini: Case, messages: list[str]) -> None:
    trajectory = played(mini, messages)
    text = written(bundle_of(trajectory, case=mini))
    said = " ".join(event.text for event in trajectory.events if event.visible)
    truth = (
        "Inferior STEMI",
        "I21.19",
        "low_pressure",
        "contraindicated",
        "no_cough",
        "right ventricle",
        "I have a fever",
        "rubric",
        "passed",
    )
    hidden = {word for word in (*mini.states, *truth) if word.lower() not in said.lower()}
    assert not [word for word in hidden if re.search(rf"(?<![\w/-]){re.escape(word)}(?![\w-])", text)]
    assert not re.search(r'"(score|points|verdict|cost|facts|topics|state)":', text)
    assert "Inferior STEMI" in hidden


def test_an_encounter_that_was_cut_off_does_not_pass_for_a_finished_one(mini: Case) -> None:
    trajectory = played(mini, ["ask: where?"])
    status = {
        name: of(bundle_of(replace_outcome(trajectory, name), case=mini), "Encounter")[0]["status"]
        for name in ("open", "finished", "truncated", "error")
    }
    assert status == {"open": "in-progress", "finished": "finished", "truncated": "unknown", "error": "unknown"}


def replace_outcome(trajectory: Trajectory, status: Any) -> Trajectory:
    return replace(trajectory, outcome=Outcome(status))


def test_each_visit_is_an_encounter_of_its_own(mini: Case) -> None:
    first = mini.encounters[0]
    second = first.model_copy(update={"id": "review", "location": "clinic", "start": "2026-02-14T09:00:00+01:00", "gap": 60})
    case = mini.model_copy(update={"encounters": (first, second)})
    case.__dict__.pop("hash", None)
    trajectory = played(case, ["diagnose: pericarditis\nend:", "ask: how are you?\ndiagnose: gout", "end:"])
    bundle = bundle_of(trajectory, case=case)
    visits = of(bundle, "Encounter")
    assert [visit["class"]["code"] for visit in visits] == ["EMER", "AMB"]
    assert visits[1]["period"]["start"] == "2026-02-14T09:00:00+01:00"
    assert at(bundle, visits[1]["partOf"]) == visits[0]
    assert [at(bundle, visit["diagnosis"][0]["condition"])["code"]["text"] for visit in visits] == ["pericarditis", "gout"]
    assert bundle_faults(bundle) == []


def test_whoever_speaks_for_the_patient_is_a_related_person() -> None:
    case = case_module.load(next(path for path in STARTER if path.stem == "tight-chest-boy"))
    bundle = bundle_of(rollout(case, Golden(case)), case=case)
    related = of(bundle, "RelatedPerson")
    assert related[0]["relationship"][0]["text"] == case.patient.informant.role
    assert any(part["sender"]["reference"].endswith(related[0]["id"]) for part in of(bundle, "Communication"))


def test_a_stranger_at_the_bedside_is_no_relative_and_a_bare_finding_has_a_plain_name(
    mini: Case, golden: tuple[Trajectory, dict[str, Any]]
) -> None:
    first = golden[0].events[0]
    events = [
        first,
        Event(1, 1, 5, "patient", "reply", "He was in a hurry.", args={"speaker": "Nurse"}),
        Event(2, 1, 5, "controller", "finding", "162/96 mmHg"),
    ]
    bundle = bundle_of(replace(golden[0], events=events), case=mini)
    assert [(part["name"][0]["text"], part["relationship"][0]["text"]) for part in of(bundle, "RelatedPerson")] == [("Nurse", "other")]
    assert [(part["code"]["text"], part["valueString"]) for part in of(bundle, "Observation")] == [("Finding", "162/96 mmHg")]
    assert bundle_faults(bundle) == []


class Ruler:
    """A controller that finds nothing wrong, sends blood to the laboratory and has no drug but paracetamol."""

    name = "ruler"

    def rule(self, task: Task) -> Ruling:
        deeds = [
            Deed("pending", "Potassium 4.2 mmol/L", result_in=600) if "potassium" in line
            else Deed("unsupported", "There is none.") if "morphine" in line else Deed("executed", "Clear.")
            for line in task.actions
        ]  # fmt: skip
        return Ruling(tuple(deeds), vitals={"hr": 88, "sbp": 120, "dbp": 80})


def test_a_documented_encounter_is_a_bundle_too() -> None:
    case = case_module.load(DATA / "documented.yaml")
    consult, patient = Consult(case), ScriptedPatient(case.brief())
    for message in (
        "examine: lungs\norder: potassium\ntreat: paracetamol 1 g po\ntreat: morphine 5 mg iv",
        "wait: result",
        "diagnose: a cold",
    ):
        consult.play(message, patient, controller=Ruler())
    bundle = bundle_of(Trajectory("t", case.id, case.hash, "a", 0, 0, list(consult.events), consult.outcome()), case=case)
    assert bundle_faults(bundle) == []
    report = of(bundle, "DiagnosticReport")[0]
    assert at(bundle, report["result"][0])["valueQuantity"] == {"value": 4.2, "unit": "mmol/L"}
    assert at(bundle, report["basedOn"][0])["code"]["text"] == "potassium"
    assert [(part["medicationCodeableConcept"]["text"], part["status"]) for part in of(bundle, "MedicationRequest")] == [
        ("paracetamol 1 g po", "completed"), ("morphine 5 mg iv", "cancelled"),
    ]  # fmt: skip
    assert [part["dosage"]["dose"]["value"] for part in of(bundle, "MedicationAdministration")] == [1000]
    rate = next(part for part in of(bundle, "Observation") if part["code"]["text"] == "Heart rate")
    assert rate["valueQuantity"]["value"] == 88


def test_without_its_case_a_bundle_names_nobody(golden: tuple[Trajectory, dict[str, Any]]) -> None:
    patient = of(bundle_of(golden[0]), "Patient")[0]
    assert not {"name", "gender", "birthDate"} & set(patient)


def test_another_version_of_the_case_is_refused(mini: Case, golden: tuple[Trajectory, dict[str, Any]]) -> None:
    with pytest.raises(CaseError, match="Give that version, or no case"):
        bundle_of(replace(golden[0], case_hash="0" * 16), case=mini)


def test_a_trajectory_without_events_or_time_is_refused(golden: tuple[Trajectory, dict[str, Any]]) -> None:
    with pytest.raises(StoreError, match="no events"):
        bundle_of(replace(golden[0], events=[]))
    with pytest.raises(StoreError, match="date and time"):
        bundle_of(replace(golden[0], events=[Event(0, 0, 0, "doctor", "say", "hello")], started=""))
    dated = replace(golden[0], events=[Event(0, 0, 0, "doctor", "say", "hello")], started="2026-01-02T03:04:05+00:00")
    assert bundle_faults(bundle_of(dated)) == []


@pytest.mark.parametrize("kind", ["calculate", "agent", "base", "_said", "at_once", ""])
def test_an_event_of_a_kind_nobody_knows_is_told_as_words(kind: str, golden: tuple[Trajectory, dict[str, Any]]) -> None:
    events = [golden[0].events[0], Event(1, 1, 5, "doctor", kind, "some words")]
    bundle = bundle_of(replace(golden[0], events=events))
    assert of(bundle, "Communication")[0]["payload"] == [{"contentString": "some words"}]
    assert bundle_faults(bundle) == []


def test_ids_differ_between_trajectories_and_file_names_are_tame(mini: Case, golden: tuple[Trajectory, dict[str, Any]]) -> None:
    other = bundle_of(replace(golden[0], id="another"), case=mini)
    assert not {entry["fullUrl"] for entry in other["entry"]} & {entry["fullUrl"] for entry in golden[1]["entry"]}
    assert file_name(replace(golden[0], id="../../etc/passwd")) == "_.._etc_passwd.json"
