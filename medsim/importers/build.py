"""A case from a draft: what every importer of single encounters shares.

The rule: the gold answer goes into the truth and nowhere else. A text that names it is kept from the patient and the doctor and
flagged; only where a data set shows the answer among its options may it be said.
"""

from __future__ import annotations

from typing import Any

from medsim.case import Case
from medsim.case.body import CaseAction, Result, State
from medsim.case.person import Fact
from medsim.importers import people
from medsim.importers.answers import accepted, holds
from medsim.importers.choices import LETTERS
from medsim.importers.draft import NEUTRAL, TASK, Draft
from medsim.importers.duplicates import Known
from medsim.importers.lines import sha256
from medsim.importers.vitals import Reading

LONG = 6
"""Shorter names of the answer (ALL, PE) stand in ordinary words too often to be kept from the patient's lips."""
_SIGNS = "vitals, vital signs, observations, obs, blood pressure, bp, temperature, heart rate, pulse, respiratory rate, spo2"


def build(draft: Draft, *, licence: str, name: str, file: str, line: int, raw: str, known: Known) -> Case:
    """Make the case of a draft; whatever names the answer is kept from both seats."""
    flags = [*draft.person.flags, *draft.script.flags, *draft.flags, *([] if draft.shown else _assumed(draft.reading))]
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
        "limits": {"sim": "24h", "turns": 60},
        "door_note": safe("door_note", draft.door, neutral),
        "task": draft.task if draft.shown else safe("task", draft.task, TASK),
    }
    patient = _patient(draft, line, safe("opening", draft.opening, f"Hello, doctor. {NEUTRAL}"), _facts(draft, names, flags))
    results = [result.text or "" for action in draft.actions.values() for result in action.result.values()]
    if any(holds(text, one) for text in results for one in names):
        flags.append("answer_in_results")
    twin = known.twin(draft.answer, draft.person, draft.script)
    flags += [f"dup_of:{twin}"] if twin else []
    accept = draft.accept or tuple(dict.fromkeys(way for one in names for way in accepted(one)))
    diagnosis = {"name": draft.called or draft.answer, "accept": accept}
    if not draft.shown:
        patient["secrets"] = {"terms": tuple(way for way in accept if len(way) >= LONG)}
    return Case.model_validate(
        {
            "schema": "medsim.case/1",
            "id": name,
            "version": "1.0.0",
            "title": draft.title or f"Clinic visit of {str(draft.person)[0].lower()}{str(draft.person)[1:]}",
            "grade": "compiled",
            "license": licence,
            **_origin(draft, file, line, raw, flags),
            "encounters": [encounter],
            "patient": patient,
            "actions": {**_record(draft.reading), **draft.actions},
            "initial": "visit",
            "states": {"visit": State(vitals=draft.reading.vitals)},
            **({"media": draft.media} if draft.media else {}),
            "outcome": {"diagnosis": diagnosis, **({"question": draft.question} if draft.question else {})},
            "rubric": _rubric(draft),
            "golden": [f"diagnose: {_best(draft)}\nend:"],
            "unlisted": "unavailable",
        }
    )


def _origin(draft: Draft, file: str, line: int, raw: str, flags: list[str]) -> dict[str, Any]:
    """Where the case comes from and what it is for."""
    young = draft.person.age.years < 18
    return {
        "provenance": {
            "origin": "imported",
            "clinical_review": "not_applicable",
            "file": file,
            "line": line,
            "sha256": sha256(raw),
            "notes": [f"Demographics: {draft.demographics or 'not given'}", *draft.notes],
            "flags": list(dict.fromkeys(flags)),
        },
        "blueprint": {
            "specialty": list(draft.specialty) or ["paediatrics" if young else "general medicine"],
            "setting": "clinic",
            "population": draft.person.population(draft.demographics),
            **({"tags": list(draft.tags)} if draft.tags else {}),
        },
    }


def _best(draft: Draft) -> str:
    """What a doctor who knows the answer would write: the letter of the option where letters are shown, the name otherwise."""
    if draft.shown and draft.question:
        return LETTERS[int(str(dict(draft.question)["answer"]))]
    return draft.called or draft.answer


def _facts(draft: Draft, names: tuple[str, ...], flags: list[str]) -> tuple[Fact, ...]:
    """Return the facts; one that names the answer is never told, unless the doctor is shown the answer among the options."""
    found = []
    for fact in draft.script.facts:
        leaks = any(holds(text, one) for text in fact.say for one in names)
        flags += [f"{'answer_in' if draft.shown else 'leak'}:{fact.id}"] if leaks else []
        found.append(fact.model_copy(update={"tier": "never"}) if leaks and not draft.shown else fact)
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
        **({"unknown": draft.unknown} if draft.unknown else {}),
        "facts": facts,
    }


def _assumed(reading: Reading) -> list[str]:
    return ["vitals_assumed:all"] if len(reading.assumed) == 6 else [f"vitals_assumed:{key}" for key in reading.assumed]


def _rubric(draft: Draft) -> dict[str, Any]:
    other = bool(draft.question and draft.question["kind"] == "other")
    text = "Gives the right answer to the question." if other else "Names the right diagnosis."
    return {"items": [{"id": "diagnosis", "text": text, "points": 1, "comp": "MK", "pred": draft.pred or {"diagnosis": True}}]}


def _record(reading: Reading) -> dict[str, CaseAction]:
    """The vital signs word for word; the chart shows numbers, some of them assumed."""
    own = [line.split(": ")[0].lower() for line in reading.record.split("\n") if ": " in line]
    parts = [part for name in own for part in (name, *name.split(", ")[:1]) if len(part) < 60 and len(part.split()) <= 6]
    synonyms = tuple(dict.fromkeys((*_SIGNS.split(", "), *parts)))
    result = Result(text=reading.record or "No vital signs were recorded.")
    return {"exam.vitals_record": CaseAction(kind="examine", name="Vital signs as recorded", synonyms=synonyms, result={"_": result})}
