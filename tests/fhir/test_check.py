"""The validator catches what the models let through, and what they do not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from medsim.fhir import bundle_faults, faults
from medsim.fhir.codes import CODES
from tests.fhir.people import person

GOOD: dict[str, dict[str, Any]] = {
    "Patient": {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1960"},
    "Encounter": {"resourceType": "Encounter", "status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
    "Observation": {"resourceType": "Observation", "status": "final", "code": {"text": "Weight"}, "valueQuantity": {"value": 7.1, "comparator": "<"}},
    "MedicationRequest": {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "medicationCodeableConcept": {"text": "x"}, "subject": {"display": "x"}},
    "AllergyIntolerance": {"resourceType": "AllergyIntolerance", "patient": {"display": "x"}, "category": ["food"],
                           "clinicalStatus": {"coding": [{"code": "active"}]}},
    "Condition": {"resourceType": "Condition", "subject": {"display": "x"}, "clinicalStatus": {"coding": [{"code": "active"}]}},
    "ServiceRequest": {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"display": "x"}},
    "Appointment": {"resourceType": "Appointment", "status": "booked", "participant": [{"status": "accepted"}]},
}  # fmt: skip


@pytest.mark.parametrize("kind", GOOD)
def test_a_right_resource_has_no_faults(kind: str) -> None:
    assert faults(GOOD[kind]) == []


@pytest.mark.parametrize(
    ("kind", "path", "wrong"),
    [
        ("Patient", "gender", "banana"), ("Encounter", "status", "done"), ("Encounter", "class", {"code": "HOSPITAL"}), ("Observation", "status", "finale"),
        ("Observation", "valueQuantity", {"value": 1, "comparator": "~"}), ("MedicationRequest", "status", "given"), ("MedicationRequest", "intent", "wish"),
        ("MedicationRequest", "priority", "soon"), ("AllergyIntolerance", "category", ["food", "weather"]), ("AllergyIntolerance", "criticality", "huge"),
        ("AllergyIntolerance", "clinicalStatus", {"coding": [{"code": "resolute"}]}), ("Condition", "clinicalStatus", {"coding": [{"code": "on"}]}),
        ("Condition", "clinicalStatus", {"text": "active"}), ("Condition", "verificationStatus", {"coding": [{"code": "maybe"}]}), ("ServiceRequest", "intent", "hope"),
        ("Appointment", "participant", [{"status": "accepted"}, {"status": "yes"}]), ("Patient", "name", [{"use": "pet", "family": "x"}]),
    ],
)  # fmt: skip
def test_a_code_outside_its_required_set_is_caught(kind: str, path: str, wrong: Any) -> None:
    found = faults({**GOOD[kind], path: wrong})
    assert len(found) == 1
    assert path in found[0].where or "comparator" in found[0].where
    assert "is not one of" in found[0].what


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("Patient", {"gendr": "female"}), ("Observation", {"status": None}), ("Observation", {"valueString": "two values"}),
        ("Observation", {"issued": "2026-01-01T10:00:00"}), ("Encounter", {"class": None}), ("MedicationRequest", {"route": "IV"}),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_caught(kind: str, change: dict[str, Any]) -> None:
    made = {**GOOD[kind], **change}
    assert faults({name: value for name, value in made.items() if value is not None})


@pytest.mark.parametrize("given", [None, 7, [], {}, {"resourceType": "Banana"}, {"resourceType": 7}, {"resourceType": "../Patient"}])
def test_what_is_no_resource_is_said_to_be_none(given: Any) -> None:
    assert len(faults(given)) == 1


def test_a_hint_names_the_nearest_code() -> None:
    assert "Did you mean 'female'?" in faults({**GOOD["Patient"], "gender": "femal"})[0].what


def test_at_least_twenty_five_code_sets_are_checked() -> None:
    assert len(CODES) >= 25
    assert all(codes for codes in CODES.values())


@pytest.fixture
def small() -> dict[str, Any]:
    observation = {**GOOD["Observation"], "id": "o", "subject": {"reference": "urn:uuid:1"}}
    entries = [("urn:uuid:1", GOOD["Patient"]), ("urn:uuid:2", observation)]
    return {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"fullUrl": url, "resource": deepcopy(resource), "request": {"method": "POST", "url": resource["resourceType"]}} for url, resource in entries],
    }  # fmt: skip


def test_a_reference_that_leads_nowhere_or_to_a_wrong_type_is_caught(small: dict[str, Any]) -> None:
    assert bundle_faults(small) == []
    small["entry"][1]["resource"]["subject"]["reference"] = "Patient/p"
    assert bundle_faults(small) == []
    small["entry"][1]["resource"]["subject"]["reference"] = "urn:uuid:3"
    assert "is no resource of this Bundle" in bundle_faults(small)[0].what
    small["entry"][1]["resource"]["subject"]["reference"] = "urn:uuid:2"
    assert "points at a Observation" in bundle_faults(small)[0].what


def test_a_bundle_of_wrong_type_method_or_twice_the_same_address_is_caught(small: dict[str, Any]) -> None:
    assert bundle_faults({**small, "type": "parcel"})
    without = [{name: part for name, part in entry.items() if name != "request"} for entry in small["entry"]]
    assert len(bundle_faults({**small, "entry": without})) == 2
    small["entry"][0]["request"]["method"] = "SEND"
    assert "SEND" in bundle_faults(small)[0].what
    small["entry"][0]["request"]["method"] = "POST"
    small["entry"][1]["fullUrl"] = "urn:uuid:1"
    assert any("stands 2 times" in fault.what for fault in bundle_faults(small))


@pytest.mark.parametrize("given", [None, [], {"resourceType": "Patient"}, {"resourceType": "Bundle", "type": "batch", "entry": [7]}])
def test_what_is_no_bundle_is_said_to_be_none(given: Any) -> None:
    assert len(bundle_faults(given)) == 1


def test_the_made_up_people_are_valid_but_for_what_lies_in_other_bundles() -> None:
    found = bundle_faults(person(3))
    assert found
    assert all("?identifier=" in fault.what for fault in found)
