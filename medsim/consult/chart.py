"""Reading the chart: what is on file now, as a page of text.

The rule: a page shows only what is on file at this moment, says how much it leaves out, and never more than ``LONGEST`` letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from medsim.action import tidy
from medsim.case.chart import ACTION, CODE, attached, found_at, known_from, moment
from medsim.consult.desk import Desk
from medsim.trajectory import Event

LONGEST, LONGEST_NOTE = 8000, 3000
Resource = dict[str, Any]

SECTIONS: dict[str, tuple[str, tuple[str, ...], str, int]] = {
    "allergies": ("Allergies", ("AllergyIntolerance",), r"allerg|intoleranc", 20),
    "problems": ("Problems", ("Condition",), r"problem|histor|diagnos|condition", 15),
    "medicines": ("Medicines", ("MedicationRequest", "MedicationStatement", "MedicationAdministration"), r"medicine|medicat|drug|prescri", 15),
    "results": ("Results", ("Observation", "DiagnosticReport", "QuestionnaireResponse"), r"result|\blab|test|blood|imaging|x-?ray|scan", 12),
    "vitals": ("Vital signs", ("Observation",), r"vital|weight|height", 8),
    "procedures": ("Procedures", ("Procedure", "ServiceRequest"), r"procedure|operation|surg|request|referral", 6),
    "immunisations": ("Immunisations", ("Immunization",), r"immuni[sz]|vaccin", 6),
    "visits": ("Visits", ("Encounter", "Appointment"), r"visit|encounter|admission|appointment", 6),
    "notes": ("Notes and letters", ("DocumentReference", "Communication"), r"note|letter|document|discharge|summar|message", 5),
}  # fmt: skip
"""Heading, types, the words that ask for it alone, and how many lines of it a whole page shows."""
IN_FULL = 60
"""Lines of a section that was asked for alone."""
_NAMES = sorted((str(ACTION["name"]).lower(), *ACTION["synonyms"]), key=len, reverse=True)


def now(desk: Desk) -> datetime:
    """The simulated date and time; ValueError where the visit begins at none."""
    begun = moment(desk.encounter.start)
    return begun + timedelta(seconds=desk.scene.body.now - desk.scene.visit_began)


def read(desk: Desk, order: Event) -> None:
    """Answer an order for the chart with what is on file now."""
    chart = desk.case.ehr
    assert chart is not None
    resources = chart.visible(now(desk), elapsed=desk.scene.body.now)
    text, shown = page(resources, order.text)
    args = {"order": order.seq, "taken": desk.scene.body.now, "shown": shown}
    desk.record("controller", "result", f"Previous records: {text}", code=CODE, cls=order.cls, args=args)


def wanted(words: str) -> list[str]:
    """The sections that the words of an order ask for; all where they name none."""
    rest = words.lower()
    for name in _NAMES:
        rest = rest.replace(name, " ")
    return [section for section, (_, _, asks, _) in SECTIONS.items() if re.search(asks, rest)] or list(SECTIONS)


def page(resources: Sequence[Resource], words: str = "") -> tuple[str, list[str]]:
    """Write the chart, or the sections the words ask for, the newest first; with the ``Type/id`` of what is shown."""
    sections = wanted(words)
    whole = len(sections) == len(SECTIONS)
    lines, shown = [], []
    for name in sections:
        found = _newest(_of(name, resources))
        if name in {"results", "vitals"} and whole:
            found = _latest(found)
        if name == "notes":
            found.sort(key=lambda resource: SECTIONS["notes"][1].index(resource["resourceType"]))
        most = SECTIONS[name][3] if whole else IN_FULL
        if not found:
            lines += [f"{SECTIONS[name][0]}: nothing on file."] if not whole or name == "allergies" else []
            continue
        rest = len(found) - most
        written = [(resource, _line(resource, full=not whole)) for resource in found[:most]]
        lines.append(f"{SECTIONS[name][0]}:\n" + "\n".join(f"- {said}" for _, said in written))
        if rest > 0:
            lines.append(f"({rest} more; order: chart {name})" if whole else f"({rest} older ones are not shown)")
        shown += [f"{resource['resourceType']}/{resource['id']}" for resource, _ in written]
    text = "\n".join(lines) if shown else "\n".join(["Nothing is on file.", *lines][:1])
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]} … (cut; ask for one section: order: chart results)"), shown


def _of(section: str, resources: Iterable[Resource]) -> list[Resource]:
    kinds = SECTIONS[section][1]
    found = [resource for resource in resources if resource["resourceType"] in kinds]
    if section in {"results", "vitals"}:
        return [resource for resource in found if _vital(resource) == (section == "vitals")]
    return found


def _vital(resource: Resource) -> bool:
    codes = [coding.get("code") for group in _parts(resource.get("category")) for coding in _parts(group.get("coding"))]
    return "vital-signs" in codes


def _newest(resources: Iterable[Resource]) -> list[Resource]:
    """The newest first; those of one moment, and those without a time, in the order in which they stand."""
    dated = [(known_from(resource), resource) for resource in resources]
    return [resource for _, resource in sorted(dated, key=lambda pair: pair[0].timestamp() if pair[0] else float("-inf"), reverse=True)]


def _latest(resources: Iterable[Resource]) -> list[Resource]:
    """Of each thing measured the newest alone."""
    first: dict[tuple[str, str], Resource] = {}
    for resource in resources:
        first.setdefault((resource["resourceType"], concept(resource.get("code"))), resource)
    return list(first.values())


# ---- one resource as a line ---------------------------------------------------------------------------------------------------------


def concept(value: Any) -> str:
    """The words of a CodeableConcept, Coding or reference; empty where it has none."""
    if isinstance(value, list):
        return "; ".join(dict.fromkeys(filter(None, map(concept, value))))
    if not isinstance(value, dict):
        return str(value or "")
    own = value.get("text") or value.get("display")
    return (
        str(own or "")
        or next((said for part in _parts(value.get("coding")) if (said := concept(part))), "")
        or str(value.get("code") or "")
    )


def quantity(resource: Resource) -> str:
    """The value of an observation or a component, with its unit and flag; empty where it has none."""
    value = resource.get("valueQuantity")
    if isinstance(value, dict):
        said = f"{value.get('comparator', '')}{value.get('value', '')} {value.get('unit') or value.get('code') or ''}".strip()
    else:
        given = next((held for name, held in resource.items() if name.startswith("value")), None)
        said = concept(given) if isinstance(given, (dict, list)) else "" if given is None else str(given)
    flag = next((part.get("code", "") for item in _parts(resource.get("interpretation")) for part in _parts(item.get("coding"))), "")
    return f"{said} {flag}".strip() if flag != "N" else said


def _line(resource: Resource, *, full: bool) -> str:
    kind, at = resource["resourceType"], known_from(resource)
    words, said = _SAID[kind](resource, full)
    date = f"{at:%Y-%m-%d} " if at else ""
    return tidy(f"{date}{words or kind}{': ' if words and said else ''}{said}").replace("\n", "\n    ")


def _status(resource: Resource, *plain: str) -> str:
    parts = [concept(resource.get(name)) for name in ("clinicalStatus", "verificationStatus", "status")]
    return ", ".join(part for part in parts if part and part not in plain)


def _condition(resource: Resource, full: bool) -> tuple[str, str]:
    return concept(resource.get("code")), _status(resource, "confirmed")


def _allergy(resource: Resource, full: bool) -> tuple[str, str]:
    reaction = "; ".join(filter(None, (concept(part.get("manifestation")) for part in _parts(resource.get("reaction")))))
    said = (reaction, str(resource.get("criticality") or ""), _status(resource, "confirmed"))
    return concept(resource.get("code")), ", ".join(filter(None, said))


def _medicine(resource: Resource, full: bool) -> tuple[str, str]:
    how = found_at(resource, "dosage.text") or "; ".join(
        str(part["text"]) for part in _parts(resource.get("dosageInstruction") or resource.get("dosage")) if part.get("text")
    )
    name = concept(resource.get("medicationCodeableConcept")) or concept(resource.get("medicationReference"))
    return name, ", ".join(filter(None, (str(how or ""), _status(resource))))


def _observation(resource: Resource, full: bool) -> tuple[str, str]:
    parts = [f"{concept(part.get('code'))} {quantity(part)}".strip() for part in _parts(resource.get("component"))]
    status = _status(resource, "final", "amended", "corrected")
    return concept(resource.get("code")), ", ".join(filter(None, (quantity(resource), *parts, status)))


def _report(resource: Resource, full: bool) -> tuple[str, str]:
    words = [attached(part) for part in _parts(resource.get("presentedForm"))] if full else []
    parts = (str(resource.get("conclusion") or ""), *map(concept, _parts(resource.get("result"))), *words)
    said = "; ".join(filter(None, parts))
    return concept(resource.get("code")), said[:LONGEST_NOTE]


def _visit(resource: Resource, full: bool) -> tuple[str, str]:
    kind = concept(resource.get("type")) or concept(resource.get("serviceType")) or concept(resource.get("class"))
    why = concept(resource.get("reasonCode")) or str(resource.get("description") or "")
    return kind, ", ".join(filter(None, (why, _status(resource, "finished"))))


def _document(resource: Resource, full: bool) -> tuple[str, str]:
    title = concept(resource.get("type")) or str(resource.get("description") or "")
    contents = [inner for part in _parts(resource.get("content")) for inner in _parts(part.get("attachment"))]
    words = " ".join(filter(None, (attached(part) or str(part.get("title") or "") for part in contents)))
    return title or "Document", words[:LONGEST_NOTE] if full else f"{words[:120]}{'…' if len(words) > 120 else ''}"


def _message(resource: Resource, full: bool) -> tuple[str, str]:
    words = " ".join(str(part.get("contentString") or "") for part in _parts(resource.get("payload")))
    return concept(resource.get("topic")) or "Message", words[: LONGEST_NOTE if full else 120]


def _answers(resource: Resource, full: bool) -> tuple[str, str]:
    said = [f"{item.get('text', '')} {quantity(answer)}".strip() for item in _items(resource) for answer in _parts(item.get("answer"))]
    return str(resource.get("questionnaire") or "Questionnaire"), "; ".join(said)[: LONGEST_NOTE if full else 200]


def _items(value: Resource) -> list[Resource]:
    return [part for item in _parts(value.get("item")) for part in (item, *_items(item))]


def _plain(resource: Resource, full: bool) -> tuple[str, str]:
    return concept(resource.get("code")) or concept(resource.get("vaccineCode")), _status(resource, "completed")


_SAID: dict[str, Callable[[Resource, bool], tuple[str, str]]] = {
    "AllergyIntolerance": _allergy, "Condition": _condition, "MedicationRequest": _medicine, "MedicationStatement": _medicine,
    "MedicationAdministration": _medicine, "Observation": _observation, "DiagnosticReport": _report, "QuestionnaireResponse": _answers,
    "Procedure": _plain, "ServiceRequest": _plain, "Immunization": _plain, "Encounter": _visit, "Appointment": _visit,
    "DocumentReference": _document, "Communication": _message,
}  # fmt: skip


def _parts(value: Any) -> list[Resource]:
    """The mappings in a list, or the one that stands alone: a chart written by hand may hold anything."""
    return [part for part in (value if isinstance(value, list) else [value]) if isinstance(part, dict)]
