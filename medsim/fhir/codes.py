"""The code sets that a FHIR R4 resource is bound to, and the types its references may point at.

The rule: a required binding is checked here, as the models do not; what is only preferred or an example is left alone. Source of the
sets: HL7 FHIR R4 (4.0.1), which is in the public domain (CC0).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medsim.errors import did_you_mean


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_GENDER = _set("male female other unknown")
_PRIORITY = _set("routine urgent asap stat")
_REQUEST = _set("draft active on-hold revoked completed entered-in-error unknown")
_EVENT = _set("preparation in-progress not-done on-hold stopped completed entered-in-error unknown")
_VISIT = _set("planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown")
_NAME_USE = _set("usual official temp nickname anonymous old maiden")
_IDENTIFIER_USE = _set("usual official temp secondary old")

CODES: dict[str, frozenset[str]] = {
    "Patient.gender": _GENDER,
    "Patient.name.use": _NAME_USE,
    "Patient.identifier.use": _IDENTIFIER_USE,
    "Patient.telecom.system": _set("phone fax email pager url sms other"),
    "Patient.telecom.use": _set("home work temp old mobile"),
    "Patient.address.use": _set("home work temp old billing"),
    "Patient.address.type": _set("postal physical both"),
    "Patient.contact.gender": _GENDER,
    "Patient.link.type": _set("replaced-by replaces refer seealso"),
    "RelatedPerson.gender": _GENDER,
    "RelatedPerson.name.use": _NAME_USE,
    "Encounter.status": _VISIT,
    "Encounter.statusHistory.status": _VISIT,
    "Encounter.class.code": _set("AMB EMER FLD HH IMP ACUTE NONAC OBSENC PRENC SS VR"),
    "Encounter.location.status": _set("planned active reserved completed"),
    "Condition.clinicalStatus": _set("active recurrence relapse inactive remission resolved"),
    "Condition.verificationStatus": _set("unconfirmed provisional differential confirmed refuted entered-in-error"),
    "AllergyIntolerance.clinicalStatus": _set("active inactive resolved"),
    "AllergyIntolerance.verificationStatus": _set("unconfirmed confirmed refuted entered-in-error"),
    "AllergyIntolerance.type": _set("allergy intolerance"),
    "AllergyIntolerance.category": _set("food medication environment biologic"),
    "AllergyIntolerance.criticality": _set("low high unable-to-assess"),
    "AllergyIntolerance.reaction.severity": _set("mild moderate severe"),
    "Observation.status": _set("registered preliminary final amended corrected cancelled entered-in-error unknown"),
    "DiagnosticReport.status": _set("registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"),
    "MedicationRequest.status": _set("active on-hold cancelled completed entered-in-error stopped draft unknown"),
    "MedicationRequest.intent": _set("proposal plan order original-order reflex-order filler-order instance-order option"),
    "MedicationRequest.priority": _PRIORITY,
    "MedicationStatement.status": _set("active completed entered-in-error intended stopped on-hold unknown not-taken"),
    "MedicationAdministration.status": _set("in-progress not-done on-hold completed entered-in-error stopped unknown"),
    "ServiceRequest.status": _REQUEST,
    "ServiceRequest.intent": _set("proposal plan directive order original-order reflex-order filler-order instance-order option"),
    "ServiceRequest.priority": _PRIORITY,
    "Procedure.status": _EVENT,
    "DocumentReference.status": _set("current superseded entered-in-error"),
    "DocumentReference.docStatus": _set("preliminary final amended entered-in-error"),
    "DocumentReference.relatesTo.code": _set("replaces transforms signs appends"),
    "Immunization.status": _set("completed entered-in-error not-done"),
    "Communication.status": _EVENT,
    "Communication.priority": _PRIORITY,
    "Appointment.status": _set("proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist"),
    "Appointment.participant.required": _set("required optional information-only"),
    "Appointment.participant.status": _set("accepted declined tentative needs-action"),
    "QuestionnaireResponse.status": _set("in-progress completed amended entered-in-error stopped"),
    "Device.deviceName.type": _set("udi-label-name user-friendly-name patient-reported-name manufacturer-name model-name other"),
    "Device.status": _set("active inactive entered-in-error unknown"),
    "Provenance.entity.role": _set("derivation revision quotation source removal"),
    "Bundle.type": _set("document message transaction transaction-response batch batch-response history searchset collection"),
    "Bundle.entry.request.method": _set("GET HEAD POST PUT DELETE PATCH"),
    "Bundle.entry.search.mode": _set("match include outcome"),
}
"""Path -> allowed codes. Where a path ends at a CodeableConcept, one of its codings must be allowed."""

ANYWHERE: dict[str, frozenset[str]] = {"comparator": _set("< <= >= >")}
"""Name of an element of any depth -> allowed codes."""

_WHO = _set("Practitioner PractitionerRole Organization Patient RelatedPerson Device CareTeam HealthcareService Group")
TARGETS: dict[str, frozenset[str]] = {
    "patient": _set("Patient"),
    "subject": _set("Patient Group Device Location"),
    "encounter": _set("Encounter"),
    "requester": _WHO,
    "sender": _WHO,
    "recipient": _WHO | _set("Location"),
    "recorder": _WHO,
    "asserter": _WHO,
    "performer": _WHO | _set("Location"),
    "author": _WHO,
    "result": _set("Observation"),
    "hasMember": _set("Observation QuestionnaireResponse MolecularSequence"),
    "request": _set("MedicationRequest"),
    "condition": _set("Condition Procedure"),
    "actor": _WHO | _set("Location"),
}
"""Name of the element that holds a reference -> types it may point at, in the resources a record holds."""


def wrong_codes(resource: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, what is wrong) of every code outside its required set."""
    kind = str(resource.get("resourceType"))
    for path, allowed in CODES.items():
        if path.split(".")[0] == kind:
            for given in _at(resource, path.split(".")[1:]):
                yield from ((path, said) for said in _judged(path, given, allowed))
    for name, given in _everywhere(resource):
        if name in ANYWHERE:
            yield from ((f"{kind}…{name}", said) for said in _judged(name, given, ANYWHERE[name]))


def _judged(path: str, given: Any, allowed: frozenset[str]) -> Iterator[str]:
    codes = [given]
    if isinstance(given, dict):
        codings = given.get("coding")
        codes = [coding.get("code") for coding in codings if isinstance(coding, dict)] if isinstance(codings, list) else []
        if any(isinstance(code, str) and code in allowed for code in codes):
            return
        codes = codes[:1] or ["no code"]
    for code in codes:
        if not isinstance(code, str) or code not in allowed:
            near = did_you_mean(str(code), allowed)
            yield f"'{str(code)[:60]}' is not one of {', '.join(sorted(allowed))}.{near}"


def _at(value: Any, names: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _at(part, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and value.get(names[0]) is not None:
        yield from _at(value[names[0]], names[1:])


def _everywhere(value: Any) -> Iterator[tuple[str, Any]]:
    """Every (name, value) of every mapping inside."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from _everywhere(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _everywhere(inner)


def references(value: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """(name of the element that holds it, reference) of every reference inside; contained ones (``#id``) are left out."""
    if isinstance(value, dict):
        target = value.get("reference")
        if isinstance(target, str) and not target.startswith("#"):
            yield name, value
        for inner_name, inner in value.items():
            yield from references(inner, inner_name)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner, name)
