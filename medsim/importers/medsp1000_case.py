"""A documented case from a MedSP1000 packet: its role texts word for word, its rubric as questions to a judge.

The rule: nothing is made up. What the doctor is given is the door note, the patient's and the environment's texts are theirs, and the
evaluator's reach no seat. Age, sex and place are read for lists and filters only; where the texts do not say them they are flagged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from medsim.case import Case
from medsim.importers import medsp1000_rubric as frozen
from medsim.importers import people
from medsim.importers.lines import sha256
from medsim.importers.medsp1000_rubric import Note, PacketItem
from medsim.importers.medsp1000_text import Document

LICENCE = "per article (CC BY, BY-NC or BY-NC-SA, MedEdPORTAL); the packaging says MIT: local use only"
TURNS = 12
"""The turns the original engine allows."""
TAG = "medsp1000"
UNNAMED = "not stated in the packet"
PREFIX = "i"
"""Before an item's id, as an id begins with a letter."""

_STAGE = re.compile(
    r"^[\s#>*_|-]*(?P<kind>state|stage|phase|scene|frame|node|baseline state)\s*#?(?P<number>\d{1,2}|[ivx]{1,4})\b[\s:.)\-–—*_|]*(?P<title>[^|\n]*)",
    re.I | re.M,
)
_AGE = re.compile(
    r"\b\d{1,3}[\s-]*(?:years?|yrs?|months?|weeks?|days?)[\s-]*old\b|\b\d{1,3}\s*-?\s*y/?o\b"
    r"|\bage[d]?\W{1,4}\d{1,3}\b|[a-z],\s(?P<plain>\d{1,3}),\s",
    re.I,
)
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}
_PLACES = (
    ("icu", r"\b(?:icu|intensive care|picu|nicu|critical care unit)\b"),
    ("ed", r"\b(?:emergency (?:department|room|medicine)|ed\b|er\b|trauma bay|resus)"),
    ("ward", r"\b(?:ward|inpatient|hospital(?:ist|ized|ised)?|admitted|bedside|labou?r and delivery|operating room|post-?op)"),
    ("telehealth", r"\b(?:tele(?:health|medicine)|video visit|by (?:tele)?phone)\b"),
    ("home", r"\b(?:home visit|house call|patient's home)\b"),
)


def case_id(packet: str) -> str:
    """``mep-12-10505-s001/scenario2`` -> ``mep-12-10505-s001.scenario2``."""
    return re.sub(r"[^a-z0-9_.-]+", "-", packet.lower().replace("/", ".")).strip("-.")[:80]


def to_case(
    packet: str,
    *,
    doctor: str,
    patient: Sequence[Document],
    controller: Sequence[Document],
    evaluator: Sequence[Document] = (),
    rubric: Sequence[PacketItem] = (),
    split_group: str = "",
    doi: str = "",
    flags: Sequence[str] = (),
) -> Case:
    """Make the case of one packet. ``doctor`` is the examinee's text as one; ``rubric`` may be empty: then nothing can be scored."""
    told = f"{doctor}\n{''.join(document.text for document in patient)[:4000]}"
    person = people.person(_described(told))
    states = stages(controller)
    return Case.model_validate(
        {
            "schema": "medsim.case/1",
            "id": case_id(packet),
            "version": "1.0.0",
            "title": packet,
            "grade": "documented",
            "license": LICENCE,
            "provenance": {
                **_origin(packet, doctor, (*patient, *controller, *evaluator)),
                "notes": [f"{name}:{value}" for name, value in (("doi", doi), ("split_group", split_group)) if value],
                "flags": list(dict.fromkeys((*flags, *person.flags, *(() if rubric else ("not_scorable",))))),
            },
            "blueprint": _blueprint(told, person),
            "encounters": [_encounter(doctor, told)],
            "patient": _patient(packet, person),
            "roles": _roles(patient=patient, controller=controller, evaluator=evaluator),
            "initial": next(iter(states)),
            "states": states,
            "outcome": {"diagnosis": {"name": UNNAMED}},
            "rubric": {"items": [_item(item) for item in rubric], "pass": {"no_critical": False}},
        }
    )


def packet_items(case: Case, notes: dict[str, Note] | None = None) -> tuple[PacketItem, ...]:
    """The packet's items of a case, with the lint laid over them, and over that a person's own notes."""
    items = [PacketItem(item.id.removeprefix(PREFIX), item.text, item.comp) for item in case.rubric.items]
    return frozen.overlaid(frozen.linted(items), notes or {})


def stages(documents: Sequence[Document]) -> dict[str, dict[str, Any]]:
    """The states that the controller's texts declare by headings (``State 1: ...``), in order; one state where they declare none."""
    found: dict[int, str] = {}
    for document in documents:
        for match in _STAGE.finditer(document.text):
            number = int(match["number"]) if match["number"].isdigit() else _ROMAN.get(match["number"].lower(), 0)
            title = " ".join(re.sub(r"[*_#|]+", " ", match["title"]).split())[:200]
            if number and (number not in found or not found[number]):
                found[number] = title
    numbers = sorted(found)
    if len(numbers) < 2 or numbers != list(range(numbers[0], numbers[0] + len(numbers))) or numbers[0] > 1 or len(numbers) > 12:
        return {"encounter": _state("")}
    return {f"state_{number}": _state(found[number]) for number in numbers}


def place(text: str) -> str:
    """Where the encounter is, by the first words that say so; ``clinic`` otherwise."""
    return next((name for name, pattern in _PLACES if re.search(pattern, text[:6000], re.I)), "clinic")


def _described(text: str) -> str:
    """The words around the first age in the text that is somebody's ("a 45-year-old man"; ", 34, "), not a span of time."""
    found = _AGE.search(text)
    if found is None:
        return ""
    around = text[max(0, found.start() - 40) : found.end() + 40]
    return around if found["plain"] is None else f"{found['plain']} years old, {text[found.end() : found.end() + 40]}"


def _origin(packet: str, doctor: str, documents: Sequence[Document]) -> dict[str, str]:
    """Where the case comes from, with one digest of all its texts."""
    digest = sha256("\n".join((doctor, *(document.sha256 for document in documents))))
    return {"origin": "imported", "clinical_review": "not_applicable", "file": packet, "sha256": digest}


def _blueprint(told: str, person: people.Person) -> dict[str, Any]:
    return {"specialty": ["not stated"], "setting": place(told), "population": person.population(told[:2000]), "tags": [TAG]}


def _encounter(doctor: str, told: str) -> dict[str, Any]:
    return {
        "id": "encounter",
        "location": place(told),
        "start": "2026-01-05T09:00:00",
        "limits": {"sim": "24h", "turns": TURNS},
        "door_note": doctor,
        "task": "You are the clinician in this encounter.",
    }


def _patient(packet: str, person: people.Person) -> dict[str, Any]:
    return {"name": people.name(len(packet), person.sex), "age": person.age, "sex": person.sex, "opening": "Hello."}


def _state(title: str) -> dict[str, Any]:
    """A declared state. Its vital signs are never shown: the controller gives those that the packet holds."""
    normal = {"hr": 80, "sbp": 120, "dbp": 80, "rr": 16, "spo2": 98, "temp": 37}
    return {"vitals": normal, **({"note": title} if title else {})}


def _roles(*, patient: Sequence[Document], **others: Sequence[Document]) -> dict[str, list[dict[str, str]]]:
    """The patient's texts, and those of the other roles that have any."""
    told = {role: _texts(documents) for role, documents in others.items()}
    return {"patient": _texts(patient), **{role: texts for role, texts in told.items() if texts}}


def _texts(documents: Sequence[Document]) -> list[dict[str, str]]:
    return [{"name": document.name, "text": document.text} for document in documents if document.text.strip()]


def _item(item: PacketItem) -> dict[str, Any]:
    return {"id": f"{PREFIX}{item.id}", "text": item.text, "points": 1, "comp": item.competency, "judge": {"criterion": item.text}}
