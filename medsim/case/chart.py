"""What a hospital has on file about the patient before the doctor comes: FHIR R4 resources as plain data.

The rule: each resource is seen from its own time on and never before; the chart holds nothing that the case hides, and need not agree
with what the patient says.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from medsim.case.part import Part, Seconds

KINDS: dict[str, tuple[str, ...]] = {
    "Patient": (),
    "Encounter": ("period.start",),
    "Condition": ("recordedDate", "onsetDateTime", "onsetPeriod.start"),
    "Observation": ("issued", "effectiveDateTime", "effectiveInstant", "effectivePeriod.start", "effectivePeriod.end"),
    "AllergyIntolerance": ("recordedDate", "onsetDateTime"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("dateAsserted", "effectiveDateTime", "effectivePeriod.start"),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod.start", "effectivePeriod.end"),
    "ServiceRequest": ("authoredOn",),
    "DiagnosticReport": ("issued", "effectiveDateTime", "effectivePeriod.start", "effectivePeriod.end"),
    "Procedure": ("performedDateTime", "performedPeriod.start", "performedPeriod.end"),
    "DocumentReference": ("date",),
    "Immunization": ("recorded", "occurrenceDateTime"),
    "Communication": ("sent", "received"),
    "Appointment": ("created",),
    "QuestionnaireResponse": ("authored",),
}
"""The types of resource a chart holds, and the times of each; it is known from the latest of them on."""

ACTION: dict[str, Any] = {
    "kind": "order",
    "name": "Previous records",
    "class": "records",
    "synonyms": [
        "chart", "patient chart", "medical chart", "previous records", "old records", "past records", "records", "medical records", "medical record",
        "patient record", "health record", "electronic record", "ehr", "gp records", "old notes", "case notes", "medical notes",
    ],
    "busy": "2m",
}  # fmt: skip
"""How a doctor asks for the chart, in a case that says nothing else: ``order: previous records``."""
CODE = "chart"


def askable(data: Any) -> Any:
    """Give the plain data of a case with a chart the action that asks for it, where it has none of its own."""
    actions = (data.get("actions") or {}) if isinstance(data, dict) and data.get("ehr") else None
    if not isinstance(actions, dict) or CODE in actions:
        return data
    return {**data, "actions": {**actions, CODE: ACTION}}


_DATE = re.compile(
    r"(?P<y>\d{4})(?:-(?P<m>\d\d)(?:-(?P<d>\d\d)(?:T(?P<h>\d\d):(?P<i>\d\d)(?::(?P<s>\d\d)(?:\.\d+)?)?(?P<z>Z|[+-]\d\d:\d\d)?)?)?)?\Z"
)


def moment(text: str) -> datetime:
    """Read a FHIR date or time; one that names only a day, month or year is its last second. Without a zone it is read as UTC."""
    found = _DATE.match(text)
    if found is None:
        raise ValueError(f"a FHIR date or time such as 2024-05-01 or 2024-05-01T09:30:00Z was expected, given {text[:60]!r}")
    year, month = int(found["y"]), int(found["m"] or 12)
    try:
        day = int(found["d"] or calendar.monthrange(year, month)[1])
        if found["h"] is None:
            return datetime(year, month, day, 23, 59, 59, tzinfo=UTC)
        at = datetime(year, month, day, int(found["h"]), int(found["i"]), int(found["s"] or 0), tzinfo=_zone(found["z"]))
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"there is no such date or time: {text[:60]!r} ({error})") from error


def _zone(text: str | None) -> timezone:
    if text in {None, "Z"}:
        return UTC
    assert text is not None
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def found_at(resource: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for name in path.split("."):
        resource = resource.get(name) if isinstance(resource, dict) else None
    return resource


def known_from(resource: dict[str, Any]) -> datetime | None:
    """The time from which a resource is on file: the latest of its own; None where it has none. ValueError for what is no date."""
    times = [moment(str(given)) for path in KINDS.get(str(resource.get("resourceType")), ()) if (given := found_at(resource, path))]
    return max(times, default=None)


_ENDS = {"Condition": "abatementDateTime", "Encounter": "period.end"}


def ended_at(resource: dict[str, Any]) -> datetime | None:
    """When an illness or a visit ended; None for what goes on, or says nothing of it. ValueError for what is no date."""
    given = found_at(resource, _ENDS.get(str(resource.get("resourceType")), ""))
    return moment(str(given)) if given else None


def texts(value: Any) -> Iterator[str]:
    """Every text inside plain data, attached plain text decoded."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield attached(value) if name == "data" and "contentType" in value else ""
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def attached(attachment: dict[str, Any]) -> str:
    """The words of an attachment of text; empty for a picture or what cannot be read."""
    if not str(attachment.get("contentType", "")).startswith("text/"):
        return ""
    try:
        return base64.b64decode(str(attachment.get("data", "")), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def named(resource: Any, terms: Iterable[str]) -> str:
    """The first of the terms that stands in a resource as words of its own; empty where none does."""
    said = "\n".join(texts(resource)).casefold()
    for term in terms:
        words = r"[\s_-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", term.strip().casefold()))
        if len(term.strip()) > 2 and re.search(rf"(?<!\w){words}(?!\w)", said):
            return term
    return ""


class Record(Part):
    """One resource of the chart."""

    resource: dict[str, Any]
    after: Seconds = 0
    """On file only so long after arrival: old records that come by fax. Its own time holds as well."""

    @model_validator(mode="after")
    def _readable(self) -> Record:
        kind = self.resource.get("resourceType")
        if kind not in KINDS:
            raise ValueError(f"a chart holds {', '.join(KINDS)}; given resourceType {str(kind)[:40]!r}")
        if not isinstance(self.resource.get("id"), str):
            raise ValueError(f"a {kind} of a chart needs an id, as text")
        known_from(self.resource)
        ended_at(self.resource)
        return self

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.resource["resourceType"], self.resource["id"]


def _wrapped(value: Any) -> Any:
    return {"resource": value} if isinstance(value, dict) and "resourceType" in value else value


class _Timed(NamedTuple):
    resource: dict[str, Any]
    known: datetime | None
    after: int
    points_at: frozenset[str]


class Chart(Part):
    """What is on file: a resource stands as it is, or as ``{resource: …, after: 30m}``."""

    resources: tuple[Annotated[Record, BeforeValidator(_wrapped), WithJsonSchema({"type": "object"})], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_patient(self) -> Chart:
        keys = [record.key for record in self.resources]
        twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
        if twice:
            raise ValueError(f"{'/'.join(twice)} stands twice")
        if sum(kind == "Patient" for kind, _ in keys) > 1:
            raise ValueError("a chart is of one patient: it holds more than one Patient")
        return self

    def suits(self, *, starts: Mapping[str, str], terms: Iterable[str]) -> None:
        """Refuse, with ValueError, a case in which nobody could say what is on file when, or a chart that names what is to be found out."""
        for visit, start in starts.items():
            try:
                moment(start)
            except ValueError as error:
                raise ValueError(f"encounters.{visit}.start: a case with a chart needs to know what is on file when: {error}") from error
        sought = tuple(terms)
        for record in self.resources:
            if term := named(record.resource, sought):
                raise ValueError(f"ehr: {'/'.join(record.key)} names '{term}', which the doctor is to find out; take it out of the chart")

    @cached_property
    def _timed(self) -> tuple[_Timed, ...]:
        return tuple(
            _Timed(record.resource, known_from(record.resource), record.after, frozenset(_pointed_at(record.resource)))
            for record in self.resources
        )

    def visible(self, at: datetime, *, elapsed: int = 0) -> list[dict[str, Any]]:
        """The resources on file at a time, ``elapsed`` seconds after arrival, as they read then. They are shared: not to be changed."""
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        seen, unseen = list[_Timed](), set[str]()
        for part, record in zip(self._timed, self.resources, strict=True):
            if (part.known is None or part.known <= at) and part.after <= elapsed:
                seen.append(part)
            else:
                unseen.add("/".join(record.key))
        return [_without(as_of(part.resource, at), unseen) if part.points_at & unseen else as_of(part.resource, at) for part in seen]


def _pointed_at(value: Any) -> Iterator[str]:
    """Every reference inside."""
    if isinstance(value, list):
        for inner in value:
            yield from _pointed_at(inner)
    elif isinstance(value, dict):
        if isinstance(target := value.get("reference"), str):
            yield target
        for inner in value.values():
            yield from _pointed_at(inner)


def _without(value: Any, unseen: set[str], *, listed: bool = False) -> Any:
    """Plain data without references to what is not on file yet, and without the parts of lists that lose one; None where nothing is left."""
    if isinstance(value, list):
        return [part for inner in value if (part := _without(inner, unseen, listed=True)) is not None] or None
    if not isinstance(value, dict):
        return value
    if isinstance(target := value.get("reference"), str) and target in unseen:
        return None
    made = {name: part for name, inner in value.items() if (part := _without(inner, unseen)) is not None}
    lost = any(isinstance(value[name], dict) for name in value if name not in made)
    return None if listed and lost else made or None


def as_of(resource: dict[str, Any], at: datetime) -> dict[str, Any]:
    """A resource as it read at a time: what ended later had not ended."""
    kind, ended = resource["resourceType"], ended_at(resource)
    later = ended is not None and ended > at
    if kind == "Condition" and later:
        active = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
        return {**{name: value for name, value in resource.items() if name != "abatementDateTime"}, "clinicalStatus": active}
    if kind == "Encounter" and later:
        return {**resource, "period": {name: held for name, held in resource["period"].items() if name != "end"}, "status": "in-progress"}
    if kind == "Patient":
        return {name: value for name, value in resource.items() if not name.startswith("deceased")}
    return resource
