"""A FHIR Bundle as the chart of a case: one patient's resources, with references that resolve, and nothing from the future.

The rule: what is left out is counted by reason, what is wrong is said; nothing is guessed.
"""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from medsim.action import tidy
from medsim.case.chart import KINDS, ended_at, known_from, named
from medsim.errors import CaseError, did_you_mean
from medsim.fhir.check import faults

MAX_BYTES = 64_000_000
MAX_ENTRIES = 100_000
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}\Z")
_DROPPED = ("meta", "text", "implicitRules")
_OF_PATIENT = ("resourceType", "id", "identifier", "active", "name", "gender", "birthDate", "maritalStatus", "communication")
"""All that is kept of a Patient: no death to come, no measures of a life as a whole."""
_NEEDED = {"diagnosis": "condition", "performer": "actor", "location": "location", "relatesTo": "target", "media": "link"}
"""Parts that mean nothing without their reference."""
_LASTING = frozenset({"Patient", "AllergyIntolerance", "Condition"})
"""Types that are kept however old they are."""
Resource = dict[str, Any]


class Intake(NamedTuple):
    """What a Bundle became."""

    patient: Resource
    resources: list[Resource]
    """The chart, the patient first; references as ``Type/id``."""
    start: datetime
    """When the visit begins: everything is from before."""
    left_out: dict[str, int]
    """Reason -> how many resources."""
    bad: list[str]
    """What was wrong with resources that were left out for it."""


def load(path: Path) -> Resource:
    """Read a Bundle from a JSON file; CaseError says what else was found."""
    try:
        if not path.is_file():
            raise CaseError(
                f"{path}: {'that is no file' if path.exists() else 'there is no such file'}. The JSON file of one patient's FHIR Bundle was expected."
            )
        if path.stat().st_size > MAX_BYTES:
            raise CaseError(f"{path}: the file has {path.stat().st_size:,} bytes; at most {MAX_BYTES:,} are read.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: is not UTF-8 text. A FHIR Bundle as JSON was expected.") from error
    try:
        data = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise CaseError(f"{path}: is nested too deeply. A FHIR Bundle as JSON was expected.") from error
    except ValueError as error:
        raise CaseError(f"{path}: is not JSON ({error}). A FHIR Bundle as JSON was expected.") from error
    kind = data.get("resourceType") if isinstance(data, dict) else None
    if kind != "Bundle":
        raise CaseError(f"{path}: a FHIR Bundle was expected, given {f'a {str(kind)[:40]}' if kind else type(data).__name__}.")
    return dict(data)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def take_in(
    bundle: Resource,
    *,
    patient: str = "",
    start: datetime | None = None,
    since: datetime | None = None,
    hide: Sequence[str] = (),
    skip_bad: bool = False,
) -> Intake:
    """Turn a Bundle into a chart.

    ``patient`` chooses one of several by id; ``start`` is when the visit begins (left out: the day after the newest resource);
    what names one of ``hide`` is left out; ``since`` leaves out older results, visits and papers. CaseError for what is invalid,
    unless ``skip_bad``.
    """
    left, bad = Counter[str](), list[str]()
    entries = _entries(bundle)
    own = _patient(entries, patient)
    names = _names(entries)
    medicines = {names[url]: resource for url, resource in entries if resource["resourceType"] == "Medication"}
    kept: dict[str, Resource] = {}
    for url, resource in entries:
        reason = _unwanted(names[url], resource, names, names[own[0]])
        if not reason and (wrong := faults(resource)):
            bad.append(f"{resource['resourceType']}/{str(resource.get('id'))[:64]}: {wrong[0]}")
            reason = "invalid"
        if reason:
            left[reason] += 1
        elif names[url] in kept:
            left["twice in the Bundle"] += 1
        else:
            kept[names[url]] = _with_medicine(resource, medicines, names)
    if bad and not skip_bad:
        raise CaseError(f"{len(bad)} resources are not valid FHIR R4: {'; '.join(bad[:3])}. Mend them, or leave them out with --skip-bad.")
    begin = start or _after(kept.values())
    begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
    _select(kept, left, begin=begin, since=since, hide=hide)
    if names[own[0]] not in kept:
        raise CaseError("The Patient itself is invalid or names what is to be hidden: give the Bundle another Patient.")
    chart = [_cleaned(resource, name, names, kept) for name, resource in kept.items()]
    chart.sort(key=lambda resource: resource["resourceType"] != "Patient")
    return Intake(chart[0], chart, begin, dict(sorted(left.items())), bad)


def _entries(bundle: Resource) -> list[tuple[str, Resource]]:
    """(address, resource) of every entry that holds one; an entry without an address gets one of its own."""
    entries = bundle.get("entry")
    if not isinstance(entries, list) or not entries:
        raise CaseError("The Bundle has no entries: a Bundle with one patient's resources was expected.")
    if len(entries) > MAX_ENTRIES:
        raise CaseError(f"The Bundle has {len(entries):,} entries; at most {MAX_ENTRIES:,} are read.")
    found = []
    for at, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise CaseError(f"entry[{at}] of the Bundle holds no resource. Each entry should be a mapping with a resource.")
        own = f"{resource['resourceType']}/{resource['id']}" if isinstance(resource.get("id"), str) else f"entry:{at}"
        found.append((str(entry.get("fullUrl") or own), resource))
    return found


def _patient(entries: list[tuple[str, Resource]], wanted: str) -> tuple[str, Resource]:
    found = [(url, resource) for url, resource in entries if resource["resourceType"] == "Patient"]
    known = [str(resource.get("id") or url) for url, resource in found]
    if not found:
        raise CaseError(
            "The Bundle holds no Patient. Give the Bundle of one person (Synthea: not hospitalInformation, practitionerInformation)."
        )
    if wanted:
        if wanted not in known:
            raise CaseError(f"No Patient '{wanted}' in the Bundle.{did_you_mean(wanted, known)} There are: {', '.join(known[:8])}.")
        return found[known.index(wanted)]
    if len(found) > 1:
        raise CaseError(f"The Bundle holds {len(found)} Patients ({', '.join(known[:8])}): choose one with --patient ID.")
    return found[0]


def _names(entries: list[tuple[str, Resource]]) -> dict[str, str]:
    """Address -> ``Type/id``; addresses are full URLs and ``Type/id`` as they stand in references."""
    names: dict[str, str] = {}
    for url, resource in entries:
        kind, given = resource["resourceType"], resource.get("id")
        name = given if isinstance(given, str) and _ID.match(given) else str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {url}"))
        names[url] = f"{kind}/{name}"
        if isinstance(given, str):
            names[f"{kind}/{given}"] = f"{kind}/{name}"
    return names


def _found(reference: Any, names: dict[str, str]) -> str:
    """The ``Type/id`` a reference leads to within the Bundle, else nothing. A version and a server's address make no difference."""
    text = str(reference).split("/_history/")[0]
    return names.get(text) or names.get("/".join(text.split("/")[-2:]), "")


def _unwanted(name: str, resource: Resource, names: dict[str, str], own: str) -> str:
    """Why a resource is not for this chart; empty where it is."""
    kind = resource["resourceType"]
    if kind not in KINDS:
        return f"{kind[:40]} (not kept)"
    if kind == "Patient":
        return "" if name == own else "another patient"
    for part in ("subject", "patient"):
        whose = resource.get(part)
        if isinstance(whose, dict) and whose.get("reference"):
            return "" if _found(whose["reference"], names) == own else "another patient"
    return ""


def _with_medicine(resource: Resource, medicines: dict[str, Resource], names: dict[str, str]) -> Resource:
    """A prescription with the medicine it refers to written into it, as Medication is no type of ours."""
    given = resource.get("medicationReference")
    medicine = medicines.get(_found(given.get("reference"), names)) if isinstance(given, dict) else None
    if medicine is None or not isinstance(medicine.get("code"), dict):
        return resource
    return {
        **{name: value for name, value in resource.items() if name != "medicationReference"},
        "medicationCodeableConcept": medicine["code"],
    }


def _after(resources: Any) -> datetime:
    """Nine in the morning of the day after the newest resource."""
    newest = max((known for resource in resources if (known := _known(resource))), default=None)
    if newest is None:
        raise CaseError("No resource of the Bundle has a date: say when the visit begins with --start, e.g. --start 2026-01-05T09:00:00.")
    if newest.year > 2200:
        raise CaseError(f"The newest resource of the Bundle is of {newest:%Y-%m-%d}: say when the visit begins with --start.")
    return datetime.combine(newest.date() + timedelta(days=1), time(9), tzinfo=UTC)


def _known(resource: Resource) -> datetime | None:
    try:
        ended_at(resource)
        return known_from(resource)
    except ValueError as error:
        raise CaseError(f"{resource['resourceType']}/{resource.get('id')}: {error}. Mend it, or take it out of the Bundle.") from error


def _select(kept: dict[str, Resource], left: Counter[str], *, begin: datetime, since: datetime | None, hide: Sequence[str]) -> None:
    for name, resource in list(kept.items()):
        known, kind = _known(resource), resource["resourceType"]
        reason = ""
        if known is not None and known > begin:
            reason = "after the visit begins"
        elif since is not None and known is not None and known < since and kind not in _LASTING:
            reason = "older than --since"
        elif named(_bare(resource), hide):
            reason = "names the diagnosis"
        if reason:
            left[reason] += 1
            del kept[name]


def _bare(resource: Resource) -> Resource:
    if resource["resourceType"] == "Patient":
        return {name: resource[name] for name in _OF_PATIENT if name in resource}
    return {name: value for name, value in resource.items() if name not in _DROPPED}


def _cleaned(resource: Resource, name: str, names: dict[str, str], kept: dict[str, Resource]) -> Resource:
    """A resource with its own id, tidy texts and references that resolve; one to what was left out goes, one to elsewhere keeps its words."""
    cleaned = _plain(_bare(resource), "", names, kept)
    return {
        "resourceType": resource["resourceType"],
        "id": name.split("/")[1],
        **{key: cleaned[key] for key in cleaned if key not in {"resourceType", "id"}},
    }


def _plain(value: Any, name: str, names: dict[str, str], kept: dict[str, Resource]) -> Any:
    """Plain data without what is empty; None where nothing is left."""
    if isinstance(value, str):
        return tidy(value, limit=len(value)) or None
    if isinstance(value, list):
        return [part for inner in value if (part := _plain(inner, name, names, kept)) is not None] or None
    if not isinstance(value, dict):
        return value
    if isinstance(target := value.get("reference"), str) and not target.startswith("#"):
        found = _found(target, names)
        if found in kept:
            value = {**value, "reference": found}
        elif found:
            return None
        else:
            value = {key: part for key, part in value.items() if key in {"display", "type"} and value.get("display")}
    made = {str(key): part for key, inner in value.items() if (part := _plain(inner, str(key), names, kept)) is not None}
    needs = _NEEDED.get(name, "")
    return made if made and not (needs in value and needs not in made) else None
