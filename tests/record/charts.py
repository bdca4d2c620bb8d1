"""A small original chart of three people, in plain FHIR R4."""

from __future__ import annotations

from typing import Any

LOINC = "http://loinc.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
Resource = dict[str, Any]


def concept(code: str, *, system: str = LOINC, text: str = "") -> Resource:
    made: Resource = {"coding": [{"system": system, "code": code, "display": text or code}]}
    return {**made, "text": text} if text else made


def result(name: str, code: str, at: str, value: float, *, of: str = "p1", kind: str = "laboratory", **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "category": [concept(kind, system=CATEGORY)],
        "code": concept(code, text=f"test {code}"),
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        **more,
    }


def order(text: str = "Potassium", *, of: str = "p1", **more: Any) -> Resource:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{of}"},
        "code": {"text": text},
        **more,
    }


def chart() -> list[Resource]:
    return [
        {
            "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1960-05-04",
            "name": [{"family": "Núñez", "given": ["Ana", "María"], "prefix": ["Dr"]}], "telecom": [{"system": "phone", "value": "555-0101"}],
            "identifier": [{"system": "urn:mrn", "value": "S1"}], "address": [{"line": ["1 Mill Lane"], "city": "Leeds", "postalCode": "LS1"}],
        },
        {"resourceType": "Patient", "id": "p2", "gender": "male", "birthDate": "1960-11", "name": [{"family": "O'Brien", "given": ["Sean"]}]},
        {"resourceType": "Patient", "id": "p3", "name": [{"text": "Unknown, trauma bay"}], "identifier": [{"value": "S3"}]},
        result("k-old", "2823-3", "2023-01-05T08:00:00Z", 4.1),
        result("k-new", "2823-3", "2023-11-12T23:30:00-02:00", 3.0),
        result("k-later", "2823-3", "2023-11-14", 3.9),
        result("hr", "8867-4", "2023-11", 88, kind="vital-signs"),
        result("na", "2951-2", "2023-11-01T07:00:00Z", 140, of="p2", encounter={"reference": "Encounter/e1"}),
        {
            "resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"system": "urn:class", "code": "AMB"},
            "subject": {"reference": "Patient/p2"}, "period": {"start": "2023-11-01T06:00:00Z", "end": "2023-11-03T09:00:00Z"},
        },
        {"resourceType": "Encounter", "id": "e2", "status": "in-progress", "class": {"code": "IMP"}, "subject": {"reference": "Patient/p1"}, "period": {"start": "2023-11-10"}},
        {
            "resourceType": "Condition", "id": "c1", "subject": {"reference": "Patient/p1"}, "recordedDate": "2020-03-01", "onsetDateTime": "2019",
            "code": {"coding": [{"code": "local-7"}], "text": "Chronic kidney disease"},
            "category": [concept("problem-list-item", system="urn:cat")], "clinicalStatus": concept("active", system="urn:clin"),
        },
        {"resourceType": "Appointment", "id": "a1", "status": "booked", "start": "2024-02-01T09:00:00Z", "created": "2023-10-01", "participant": [{"actor": {"reference": "Practitioner/p1"}, "status": "accepted"}, {"actor": {"reference": "Patient/p2"}, "status": "accepted"}]},
    ]  # fmt: skip


NOW = "2023-11-13T10:15:00Z"
