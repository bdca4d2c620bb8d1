"""AgentClinic: OSCE cases made from MedQA, and NEJM image challenges, one JSON object a line.

The rule: the gold answer goes into the truth and nowhere else. A text that names it is kept from the patient and the doctor and
flagged; management and interventions stay out of the case altogether.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Literal

from medsim.case import MAX_CASE_BYTES, Case, dumps, loads
from medsim.case.body import CaseAction, Result, State
from medsim.case.person import Fact
from medsim.errors import CaseError
from medsim.importers import Imported, Row, people
from medsim.importers.answers import accepted, holds
from medsim.importers.challenge import challenge
from medsim.importers.draft import NEUTRAL, TASK, Draft, Refused
from medsim.importers.duplicates import Known
from medsim.importers.nejm import LICENCE
from medsim.importers.osce import medqa
from medsim.importers.vitals import Reading

Format = Literal["medqa", "nejm"]
LICENCES: dict[Format, str] = {"medqa": "MIT (AgentClinic repository); derived from MedQA", "nejm": LICENCE}
_SIGNS = "vitals, vital signs, observations, obs, blood pressure, bp, temperature, heart rate, pulse, respiratory rate, spo2"
EXPECTED = "one JSON object a line, with 'OSCE_Examination' (MedQA) or 'patient_info' and 'answers' (NEJM)"


def load(path: Path, *, source: str | None = None) -> Imported:
    """Read a file of either form; every line that is not blank gives one row, and no line stops the others.

    ``source`` is the beginning of the case ids, e.g. ``agentclinic-medqa-ext``; left out, it is taken from the form.
    """
    path = Path(path)
    if source is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,60}", source):
        raise CaseError(
            f"Source '{source}' cannot begin a case id. Use lower-case letters, digits, '.', '_' and '-', e.g. agentclinic-medqa-ext."
        )
    lines = _lines(path)
    parsed = [(number, raw, _parsed(raw)) for number, raw in lines]
    forms = [form for *_, data in parsed if (form := form_of(data))]
    if not forms:
        number = lines[0][0] + 1 if lines else 1
        raise CaseError(f"{path}:{number}: no line of this file is an AgentClinic case. Expected {EXPECTED}.")
    cases: list[Case] = []
    rows: list[Row] = []
    known = Known()
    for number, raw, data in parsed:
        form = form_of(data)
        name = f"{source or f'agentclinic-{form or forms[0]}'}-{number:04d}"
        case, reasons = _case(data, form, name, path.name, number, raw, known)
        if case:
            cases.append(case)
        rows.append(Row(number, "refused" if case is None else "flagged" if reasons else "imported", name, reasons))
    return Imported(cases, rows, path)


def about(imported: Imported) -> tuple[str, str, tuple[str, ...]]:
    """Return title, licence and notes for a pack of these cases."""
    licences = " and ".join(sorted({case.license for case in imported.cases})) or "unknown"
    notes = (
        "Imported from the user's own copy of AgentClinic (Schmidgall and others, 2024).",
        "Not to be passed on where it holds NEJM text.",
    )
    nejm = LICENCES["nejm"] in licences
    return f"AgentClinic: {imported.source.stem}", licences, notes if nejm else notes[:1]


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror}). Expected a file with {EXPECTED}.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaseError(f"{path}:{line}: byte {error.start} is not UTF-8. Expected {EXPECTED}, saved as UTF-8.") from error
    return [(number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n")) if line.strip()]


def _parsed(raw: str) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def form_of(data: object) -> Format | None:
    """Recognise the form of a line by its keys."""
    if not isinstance(data, dict):
        return None
    if "OSCE_Examination" in data or "Patient_Actor" in data:
        return "medqa"
    return "nejm" if "answers" in data and ({"patient_info", "question", "image_url", "physical_exams"} & data.keys()) else None


def _case(data: Any, form: Format | None, name: str, file: str, line: int, raw: str, known: Known) -> tuple[Case | None, tuple[str, ...]]:
    """Return the case of a line with its flags, or None with the reason."""
    if form is None:
        return None, ("not_json" if data is None else "not_an_object" if not isinstance(data, dict) else "unknown_form",)
    try:
        draft = medqa(data) if form == "medqa" else challenge(data)
        case = build(draft, form, name, file, line, raw, known)
        text = dumps(case)
        if len(text.encode()) > MAX_CASE_BYTES or loads(text) != case:
            return None, ("cannot_be_stored",)
    except Refused as reason:
        return None, (str(reason),)
    except Exception as error:  # a line of a stranger's file must not cost the others; the report names what went wrong
        return None, (f"error:{type(error).__name__}",)
    known.add(case, draft.script)
    return case, case.provenance.flags


def build(draft: Draft, form: Format, name: str, file: str, line: int, raw: str, known: Known) -> Case:
    """Make the case of a draft; whatever names the answer is kept from both seats."""
    flags = [*draft.person.flags, *draft.script.flags, *draft.flags, *_assumed(draft.reading)]
    names = (draft.answer, *draft.also)

    def safe(where: str, text: str, instead: str) -> str:
        if not any(holds(text, one) for one in names):
            return text
        flags.append(f"leak:{where}")
        return instead

    neutral = f"{draft.person} is seen in clinic."
    encounter = {
        "id": "clinic",
        "location": "clinic",
        "start": "2026-01-05T09:00:00",
        "limits": {"sim": "24h", "turns": 30},
        "door_note": safe("door_note", draft.door, neutral),
        "task": safe("task", draft.task, TASK),
    }
    patient = _patient(draft, line, safe("opening", draft.opening, f"Hello, doctor. {NEUTRAL}"), _facts(draft, names, flags))
    results = [result.text or "" for action in draft.actions.values() for result in action.result.values()]
    if any(holds(text, one) for text in results for one in names):
        flags.append("answer_in_results")
    twin = known.twin(draft.answer, draft.person, draft.script)
    flags += [f"dup_of:{twin}"] if twin else []
    diagnosis = {"name": draft.answer, "accept": tuple(dict.fromkeys(way for one in names for way in accepted(one)))}
    young = draft.person.age.years < 18
    return Case.model_validate(
        {
            "schema": "medsim.case/1",
            "id": name,
            "version": "1.0.0",
            "title": f"Clinic visit of {str(draft.person)[0].lower()}{str(draft.person)[1:]}",
            "grade": "compiled",
            "license": LICENCES[form],
            "provenance": {
                "origin": "imported",
                "clinical_review": "not_applicable",
                "file": file,
                "line": line,
                "sha256": hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest(),
                "notes": [f"Demographics: {draft.demographics or 'not given'}"],
                "flags": list(dict.fromkeys(flags)),
            },
            "blueprint": {
                "specialty": ["paediatrics" if young else "general medicine"],
                "setting": "clinic",
                "population": draft.person.population(draft.demographics),
                **({"tags": list(draft.tags)} if draft.tags else {}),
            },
            "encounters": [encounter],
            "patient": patient,
            "actions": {**_record(draft.reading), **draft.actions},
            "initial": "visit",
            "states": {"visit": State(vitals=draft.reading.vitals)},
            **({"media": draft.media} if draft.media else {}),
            "outcome": {"diagnosis": diagnosis, **({"question": draft.question} if draft.question else {})},
            "rubric": _rubric(draft),
            "unlisted": "unavailable",
        }
    )


def _facts(draft: Draft, names: tuple[str, ...], flags: list[str]) -> tuple[Fact, ...]:
    """Return the facts; one that names the answer is never told."""
    found = []
    for fact in draft.script.facts:
        leaks = any(holds(text, one) for text in fact.say for one in names)
        flags += [f"leak:{fact.id}"] if leaks else []
        found.append(fact.model_copy(update={"tier": "never"}) if leaks else fact)
    return tuple(found)


def _patient(draft: Draft, line: int, opening: str, facts: tuple[Fact, ...]) -> dict[str, Any]:
    size = {"weight_kg": draft.reading.weight_kg, "height_cm": draft.reading.height_cm}
    return {
        "name": people.name(line, draft.person.sex),
        "age": draft.person.age,
        "sex": draft.person.sex,
        **{key: value for key, value in size.items() if value is not None},
        "informant": draft.voice.informant,
        "opening": opening,
        "facts": facts,
    }


def _assumed(reading: Reading) -> list[str]:
    return ["vitals_assumed:all"] if len(reading.assumed) == 6 else [f"vitals_assumed:{key}" for key in reading.assumed]


def _rubric(draft: Draft) -> dict[str, Any]:
    other = bool(draft.question and draft.question["kind"] == "other")
    text = "Gives the right answer to the question." if other else "Names the right diagnosis."
    return {"items": [{"id": "diagnosis", "text": text, "points": 1, "comp": "MK", "pred": {"diagnosis": True}}]}


def _record(reading: Reading) -> dict[str, CaseAction]:
    """The vital signs word for word; the chart shows numbers, some of them assumed."""
    own = [line.split(": ")[0].lower() for line in reading.record.split("\n") if ": " in line]
    parts = [part for name in own for part in (name, *name.split(", ")[:1]) if len(part) < 60]
    synonyms = tuple(dict.fromkeys((*_SIGNS.split(", "), *parts)))
    result = Result(text=reading.record or "No vital signs were recorded.")
    return {"exam.vitals_record": CaseAction(kind="examine", name="Vital signs as recorded", synonyms=synonyms, result={"_": result})}


__all__ = ["LICENCES", "Imported", "Row", "about", "load"]
