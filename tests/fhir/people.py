"""Made-up people as Synthea writes them: one transaction Bundle a person, addresses as urn:uuid, money matters among the medicine.

The rule: the people are our own and made up; no code of a licensed terminology stands in them.
"""

from __future__ import annotations

import base64
import random
import uuid
from typing import Any

_GIVEN = ["Ada", "Bo", "Cleo", "Dirk", "Esra", "Finn", "Gro", "Hamid", "Ines", "Jun", "Kofi", "Lena"]
_FAMILY = ["Abend", "Brook", "Castell", "Dorn", "Elling", "Fuchs", "Grau", "Holm", "Ibarra", "Jansen", "Krol", "Lund"]
_ILLS = ["Hypertension", "Type 2 diabetes", "Asthma", "Gout", "Migraine", "Hypothyroidism", "Osteoarthritis", "Seasonal rhinitis"]
_DRUGS = [
    "Lisinopril 10 mg tablet",
    "Metformin 500 mg tablet",
    "Salbutamol inhaler",
    "Allopurinol 100 mg tablet",
    "Levothyroxine 50 mcg tablet",
]
_ALLERGENS = ["Penicillin", "Peanut", "Latex", "Ibuprofen"]
_LABS = [("4548-4", "Haemoglobin A1c", "%", 6.1), ("2160-0", "Creatinine", "mg/dL", 0.9), ("718-7", "Haemoglobin", "g/dL", 13.4), ("2823-3", "Potassium", "mmol/L", 4.2)]  # fmt: skip
_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
Resource = dict[str, Any]


class Person:
    """One made-up person, and the Bundle they become."""

    def __init__(self, seed: int, *, kind: str = "transaction") -> None:
        self.chance, self.seed, self.kind = random.Random(seed), seed, kind
        self.entries: list[Resource] = []
        self.born = self.chance.randint(1935, 2015)
        self.patient = self._patient()
        for year in sorted(self.chance.sample(range(2016, 2026), 4)):
            self._year(year)
        self._allergy()

    def bundle(self) -> Resource:
        """The whole life."""
        return {"resourceType": "Bundle", "type": self.kind, "entry": self.entries}

    def add(self, kind: str, **body: Any) -> Resource:
        """Put one resource in; return a reference to it."""
        name = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        resource = {"resourceType": kind, "id": name, "meta": {"profile": [f"http://example.org/{kind}"]}, **body}
        self.entries.append({"fullUrl": f"urn:uuid:{name}", "resource": resource, "request": {"method": "POST", "url": kind}})
        return {"reference": f"urn:uuid:{name}"}

    def _patient(self) -> Resource:
        chance, number = self.chance, self.seed % len(_GIVEN)
        return self.add(
            "Patient",
            text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Made up</div>'},
            extension=[{"url": "http://example.org/quality-adjusted-life-years", "valueDecimal": 41.5}],
            identifier=[{"system": "http://example.org/mrn", "value": f"MRN{self.seed:05d}"}],
            name=[{"use": "official", "family": f"{_FAMILY[number]}{chance.randint(1, 999)}", "given": [f"{_GIVEN[number]}{chance.randint(1, 999)}"]}],
            gender=chance.choice(["female", "male"]), birthDate=f"{self.born}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
            **({"deceasedDateTime": "2031-04-01T08:00:00+02:00"} if self.seed % 3 == 0 else {}),
        )  # fmt: skip

    def _year(self, year: int) -> None:
        chance, day = self.chance, f"{year}-{self.chance.randint(1, 12):02d}-{self.chance.randint(1, 28):02d}"
        at, until = f"{day}T09:12:00+01:00", f"{day}T09:40:00+01:00"
        whose = {"subject": self.patient}
        doctor = {"reference": "Practitioner?identifier=http://example.org/npi|9999", "display": "Dr. Made Up"}
        visit = self.add(
            "Encounter", status="finished", **{"class": {"system": _CLASS, "code": "AMB"}}, type=[{"text": "General examination"}], **whose,
            participant=[{"individual": doctor}], period={"start": at, "end": until},
            serviceProvider={"reference": "Organization?identifier=x|1", "display": "Made-up practice"},
        )  # fmt: skip
        ill = chance.choice(_ILLS)
        active = chance.random() < 0.6
        condition = self.add(
            "Condition", clinicalStatus=_coded("condition-clinical", "active" if active else "resolved"),
            verificationStatus=_coded("condition-ver-status", "confirmed"), category=[_coded("condition-category", "encounter-diagnosis")],
            code={"coding": [{"system": "http://example.org/terms", "code": ill.lower().replace(" ", "-"), "display": ill}], "text": ill}, **whose,
            encounter=visit, onsetDateTime=at, recordedDate=at, **({} if active else {"abatementDateTime": f"{year + 1}-02-03T10:00:00+01:00"}),
        )  # fmt: skip
        made = [self._lab(day, visit, *lab) for lab in chance.sample(_LABS, 2)]
        self._pressure(day, visit)
        self.add(
            "Observation", status="final", category=[_coded("observation-category", "vital-signs")], code=_loinc("29463-7", "Body weight"), **whose,
            encounter=visit, effectiveDateTime=at, issued=f"{day}T09:12:00.125+01:00", valueQuantity={"value": round(chance.uniform(50, 95), 1), "unit": "kg", "code": "kg"},
        )  # fmt: skip
        note = base64.b64encode(f"{day}: seen for {ill}. Made up.".encode()).decode()
        self.add(
            "DiagnosticReport", status="final", code=_loinc("11502-2", "Laboratory report"), **whose, encounter=visit, effectiveDateTime=until,
            issued=f"{day}T09:40:00.125+01:00", result=[{**part, "display": "a result"} for part in made],
            presentedForm=[{"contentType": "text/plain; charset=utf-8", "data": note}],
        )  # fmt: skip
        self.add(
            "DocumentReference", status="current", type=_loinc("34117-2", "History and physical note"), **whose, date=f"{day}T09:40:00.125+01:00",
            content=[{"attachment": {"contentType": "text/plain; charset=utf-8", "data": note}}], context={"encounter": [visit]},
        )  # fmt: skip
        drug = chance.choice(_DRUGS)
        medicine = self.add("Medication", code={"text": drug}, status="active")
        how = {"medicationReference": medicine} if year % 2 else {"medicationCodeableConcept": {"text": drug}}
        request = self.add(
            "MedicationRequest", status=chance.choice(["active", "stopped"]), intent="order", **how, **whose, encounter=visit, authoredOn=at,
            requester=doctor, reasonReference=[condition], dosageInstruction=[{"text": "One in the morning"}],
        )  # fmt: skip
        self.add(
            "Immunization",
            status="completed",
            vaccineCode={"text": "Influenza vaccine"},
            patient=self.patient,
            encounter=visit,
            occurrenceDateTime=at,
        )
        self.add(
            "Procedure",
            status="completed",
            code={"text": "Spirometry"},
            **whose,
            encounter=visit,
            performedPeriod={"start": at, "end": until},
        )
        self.add("CarePlan", status="active", intent="order", **whose)
        claim = self.add(
            "Claim", status="active", type={"text": "pharmacy"}, use="claim", patient=self.patient, created=at, provider=doctor, priority={"text": "normal"},
            prescription=request, insurance=[{"sequence": 1, "focal": True, "coverage": {"display": "none"}}],
        )  # fmt: skip
        self.add(
            "ExplanationOfBenefit", status="active", type={"text": "pharmacy"}, use="claim", claim=claim, patient=self.patient, created=at, insurer=doctor,
            provider=doctor, outcome="complete", insurance=[{"focal": True, "coverage": {"display": "none"}}],
        )  # fmt: skip

    def _lab(self, day: str, visit: Resource, code: str, name: str, unit: str, typical: float) -> Resource:
        value = round(typical * self.chance.uniform(0.8, 1.3), 2)
        return self.add(
            "Observation", status="final", category=[_coded("observation-category", "laboratory")], code=_loinc(code, name), subject=self.patient,
            encounter=visit, effectiveDateTime=f"{day}T09:12:00+01:00", issued=f"{day}T09:12:00.125+01:00",
            valueQuantity={"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        )  # fmt: skip

    def _pressure(self, day: str, visit: Resource) -> None:
        parts = [
            {"code": _loinc(code, name), "valueQuantity": {"value": value, "unit": "mm[Hg]", "code": "mm[Hg]"}}
            for code, name, value in (("8462-4", "Diastolic blood pressure", 78), ("8480-6", "Systolic blood pressure", 131))
        ]
        self.add(
            "Observation", status="final", category=[_coded("observation-category", "vital-signs")], code=_loinc("85354-9", "Blood pressure panel"),
            subject=self.patient, encounter=visit, effectiveDateTime=f"{day}T09:12:00+01:00", component=parts,
        )  # fmt: skip

    def _allergy(self) -> None:
        self.add(
            "AllergyIntolerance", clinicalStatus=_coded("allergyintolerance-clinical", "active"), type="allergy", category=["medication"], criticality="low",
            verificationStatus=_coded("allergyintolerance-verification", "confirmed"), code={"text": self.chance.choice(_ALLERGENS)}, patient=self.patient,
            recordedDate="2016-01-03T09:12:00+01:00",
        )  # fmt: skip


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def _loinc(code: str, name: str) -> Resource:
    return {"coding": [{"system": "http://loinc.org", "code": code, "display": name}], "text": name}


def person(seed: int, *, kind: str = "transaction") -> Resource:
    """The Bundle of one made-up person."""
    return Person(seed, kind=kind).bundle()
