"""The OSCE form of AgentClinic: a patient to act, findings and results by section, a diagnosis.

The rule: any key may be missing, of another type or unknown; what is not understood is kept as text or flagged, never lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from medsim.importers import people, vitals
from medsim.importers.draft import NEUTRAL, TASK, Draft, Refused
from medsim.importers.findings import Bench
from medsim.importers.script import Script, Writer, section_of, uncapped
from medsim.importers.speech import Voice
from medsim.importers.text import clean, label, leaves, sentence

_ORDER = ("History", "Past_Medical_History", "Social_History", "Review_of_Systems")
_READ = {"Objective_for_Doctor", "Patient_Actor", "Physical_Examination_Findings", "Test_Results", "Correct_Diagnosis"}


def medqa(data: Mapping[str, Any]) -> Draft:
    """Read an OSCE case."""
    osce = _mapping(data.get("OSCE_Examination", data))
    actor = osce.get("Patient_Actor")
    actor = actor if isinstance(actor, dict) else {"History": actor}
    named = [leaf.text for leaf in leaves(osce.get("Correct_Diagnosis"))]
    if not named or not re.search(r"\w", named[0]):
        raise Refused("no_diagnosis")
    if not any(leaves(actor)):
        raise Refused("no_patient_data")
    demographics = "; ".join(_labelled(leaf.path, leaf.text) for leaf in leaves(actor.get("Demographics")))[:300]
    person = people.person(demographics)
    exam = _sections(osce.get("Physical_Examination_Findings"), "Physical_Examination")
    tests = _sections(osce.get("Test_Results"), "Laboratory_Tests")
    told = json.dumps([value for key, value in actor.items() if key != "Demographics"], default=str)[:20_000]
    voice = Voice(person.sex, people.informant(person.age, told), told)
    script = _script(actor, voice)
    signs = next((key for key in exam if re.fullmatch(r"vitals?(?:[_ ]signs?)?", key, re.I)), None)
    reading = vitals.read(exam.get(signs) if signs else None, years=person.age.years)
    bench = Bench()
    for sections, kind in ((exam, "examine"), (tests, "order")):
        for key, value in sections.items():
            if key != signs:
                bench.section(key, value, kind)  # type: ignore[arg-type]
    flags = [
        *(["no_tests"] if not any(leaves(tests)) else []),
        *(["no_examination"] if not any(leaves(exam)) else []),
        *bench.flags,
    ]
    flags += [
        "management_left_out" if re.search("manage|interven|treat", key, re.I) else f"section_left_out:{label(key)}"
        for key in osce
        if key not in _READ
    ]
    objective = sentence(" ".join(leaf.text for leaf in leaves(osce.get("Objective_for_Doctor"))))
    door = " ".join(part for part in (sentence(demographics), objective) if part)
    return Draft(
        person=person,
        demographics=demographics,
        door=door,
        task=TASK,
        opening=_opening(actor, voice, script),
        script=script,
        voice=voice,
        reading=reading,
        actions=bench.actions(),
        media=(),
        answer=named[0],
        also=tuple(named[1:6]),
        question=None,
        tags=(),
        flags=tuple(flags),
    )


def _script(actor: Mapping[str, Any], voice: Voice) -> Script:
    writer = Writer(voice)
    symptoms = actor.get("Symptoms")
    listed = symptoms if isinstance(symptoms, dict) else {"Secondary_Symptoms": symptoms}
    for key in sorted(listed, key=lambda key: "primary" not in str(key).lower()):
        first = "primary" in str(key).lower()
        writer.symptoms(listed[key], tier="volunteer" if first else "open", primary=first)
    if not writer.facts:
        writer.flags.append("no_symptoms")
    for key in (*_ORDER, *(key for key in actor if key not in {*_ORDER, "Demographics", "Symptoms"})):
        if key in actor:
            section = section_of(key)
            if section == "other":
                writer.flags.append(f"unknown_key:{label(key)}")
            writer.write(section, actor[key])
    return writer.script()


def _opening(actor: Mapping[str, Any], voice: Voice, script: Script) -> str:
    symptoms = actor.get("Symptoms")
    primary = symptoms.get("Primary_Symptom") if isinstance(symptoms, dict) else None
    named = clean(next((leaf.text for leaf in leaves(primary)), ""), limit=240).strip(" .")
    if named and not re.search(r"\b(?:patient|mother|father|he|she|his|her|is|are|was|were|has|reports?)\b", named, re.I):
        named = re.sub(r"\A(?:the )?presence of ", "", named, flags=re.I)
        return f"Hello, doctor. {'I have come' if voice.own else 'We have come'} about {uncapped(named)}."
    if script.facts:
        return f"Hello, doctor. {script.facts[0].say[0]}"
    return f"Hello, doctor. {NEUTRAL}"


def _sections(value: object, name: str) -> dict[str, Any]:
    """Return sections by name; a text or list without sections becomes one."""
    if isinstance(value, dict):
        return {clean(key, limit=80) or name: held for key, held in value.items()}
    return {name: value} if any(leaves(value)) else {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _labelled(path: tuple[str, ...], text: str) -> str:
    return f"{label(path[-1])}: {text}" if path else text
