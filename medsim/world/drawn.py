"""A drawn patient as the parts of a text case: who it is, what it says and knows, what can be done, and what comes of it.

The rule: every part is read off the world and this one patient, and nothing else; a finding without a code is in no part of the case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from medsim.rubric.names import folded
from medsim.vocabulary.whole import stands_in
from medsim.world.grading import harmful_to, rivals_of, rubric_of
from medsim.world.patients import Patients
from medsim.world.schema import Condition, Finding, World
from medsim.world.tables import ABSENT, PRESENT, UNSURE, Tables
from medsim.world.wording import VERBS, accepted, answer, bare, codes_of, questions, topics, wordings

NORMAL = {"hr": 76, "sbp": 122, "dbp": 76, "rr": 14, "spo2": 98, "temp": 36.8}
GREETING = "Hello, doctor. I would like you to have a look at me."
GIVEN = {"female": ("Ann", "Beth", "Clara", "Dora", "Eve", "Fay", "Gina"), "male": ("Abe", "Ben", "Cal", "Dan", "Earl", "Fred", "Gus")}


class Drawn(NamedTuple):
    """One patient as drawn, and what follows from it for the case."""

    tables: Tables
    one: Patients
    codes: tuple[str, ...]
    """(F + M,): of each finding, then of each treatment; empty where this patient has none."""
    harmful: frozenset[int]
    rivals: list[Condition]

    @classmethod
    def of(cls, tables: Tables, one: Patients) -> Drawn:
        """What follows from one patient."""
        return cls(tables, one, codes_of(tables, one), harmful_to(tables, one), rivals_of(tables, one))

    @property
    def truth(self) -> Condition:
        """The condition the patient has."""
        return self.tables.world.conditions[int(self.one.condition[0])]

    @property
    def complaint(self) -> int:
        """The finding it opens with, -1 for none."""
        return int(self.one.complaint[0])

    @property
    def female(self) -> bool:
        """The sex, as the patient's group has it."""
        return bool(self.tables.female[self.one.group[0]])

    @property
    def age(self) -> int:
        """In years."""
        return int(self.one.age[0])

    @property
    def who(self) -> str:
        """Age and sex in words."""
        return f"{self.age}-year-old {_who(self.age, self.female)}"

    @property
    def critical(self) -> list[int]:
        """The treatments that the condition calls for and that do this patient no harm."""
        world, truth = self.tables.world, self.truth.id
        given = [m for m, treatment in enumerate(world.treatments) if truth in treatment.critical and self.codes[len(world.findings) + m]]
        return [m for m in given if m not in self.harmful]


def case_of(drawn: Drawn, *, path: Sequence[int], name: str, max_turns: int) -> dict[str, Any]:
    """The case as data, all but its golden script. ``path`` are the findings that the golden script asks for."""
    world = drawn.tables.world
    return {
        "schema": "medsim.case/1",
        "id": name,
        "version": "1.0.0",
        "title": f"{drawn.who}, {world.findings[drawn.complaint].name if drawn.complaint >= 0 else 'no complaint'}",
        "license": world.license or "not stated",
        "provenance": _provenance(world),
        "blueprint": _blueprint(drawn),
        "encounters": [_encounter(drawn, max_turns)],
        "patient": _patient(drawn),
        "actions": _actions(drawn),
        "initial": "stable",
        "states": _states(drawn),
        "outcome": _outcome(drawn),
        "rubric": rubric_of(drawn.tables, drawn.codes, drawn.truth, drawn.rivals, path, drawn.critical, drawn.harmful),
        "unlisted": "unavailable",
    }


def _provenance(world: World) -> dict[str, Any]:
    return {
        "origin": "generated",
        "clinical_review": "not_applicable" if world.clinical_review == "not_applicable" else "pending",
        "notes": [f"Drawn from the world '{world.id}'. Vital signs are not part of that world."],
    }


def _blueprint(drawn: Drawn) -> dict[str, Any]:
    world, age = drawn.tables.world, drawn.age
    return {
        "specialty": [world.setting or "general medicine"],
        "setting": _place(world),
        "population": "infant" if age < 1 else "child" if age < 18 else "older_adult" if age >= 65 else "adult",
        "tags": [f"world:{world.id}"],
    }


def _place(world: World) -> str:
    setting = world.setting.lower()
    return "ed" if "emerg" in setting or setting == "ed" else "clinic"


def _encounter(drawn: Drawn, max_turns: int) -> dict[str, Any]:
    world, complaint = drawn.tables.world, drawn.complaint
    return {
        "id": "visit",
        "location": _place(world),
        "start": "2026-01-05T09:00:00",
        "limits": {"sim": f"{_hours(drawn.tables)}h", "turns": max_turns},
        "door_note": f"{drawn.who}." + (f" Comes with: {world.findings[complaint].name}." if complaint >= 0 else ""),
        "task": "Find the most likely diagnosis with as few questions and tests as it takes, and name what must not be missed.",
    }


def _patient(drawn: Drawn) -> dict[str, Any]:
    sex = "female" if drawn.female else "male"
    opening, facts = _opening(drawn), _facts(drawn)
    return {
        "name": {"given": GIVEN[sex][(drawn.age + drawn.complaint) % 7], "family": "Sample"},
        "age": {"value": drawn.age},
        "sex": sex,
        "opening": opening,
        "facts": facts,
        "secrets": {"terms": _secrets(drawn.truth, [opening, *(text for fact in facts for text in fact["say"])])},
    }


def _outcome(drawn: Drawn) -> dict[str, Any]:
    truth = drawn.truth
    return {
        "diagnosis": {**_listed(truth), "must_not_miss": truth.must_not_miss, **({"code": truth.icd10} if truth.icd10 else {})},
        "differential": [{**_listed(other), "must_not_miss": True} for other in drawn.rivals],
    }


def _listed(condition: Condition) -> dict[str, Any]:
    return {"name": bare(condition.name), "accept": accepted(condition)[1:]}


def _facts(drawn: Drawn) -> list[dict[str, Any]]:
    world = drawn.tables.world
    asked = questions(world)
    heard = topics(asked)
    return [
        _fact(drawn, f, asked=[asked[f], *wordings(world, f)], topic=heard[f])
        for f, finding in enumerate(world.findings)
        if drawn.codes[f] and finding.kind == "history"
    ]


def _fact(drawn: Drawn, f: int, *, asked: list[str], topic: str) -> dict[str, Any]:
    one, outcome = drawn.one, int(drawn.one.reported[0, f])
    fact: dict[str, Any] = {
        "id": drawn.codes[f], "say": [answer(drawn.tables.world.findings[f], outcome)], "loose": True, "negative": outcome == ABSENT,
        "asked": asked, **_tier(drawn, f),
    }  # fmt: skip
    if topic:
        fact["topics"] = [topic]
    if one.present is not None and outcome != UNSURE and bool(one.present[0, f]) != (outcome >= PRESENT):
        fact["truth"] = "present" if one.present[0, f] else "absent"
    return fact


def _tier(drawn: Drawn, f: int) -> dict[str, Any]:
    """When a fact is told: what it opens with at once, what hangs on another fact only after that one."""
    above = int(drawn.tables.parent[f])
    if f == drawn.complaint:
        return {"tier": "volunteer"}
    if above >= 0 and above != drawn.complaint and drawn.tables.world.findings[above].kind == "history":
        return {"tier": "sensitive", "needs": {"told": [drawn.codes[above]]}}
    return {}


def _actions(drawn: Drawn) -> dict[str, Any]:
    world, codes = drawn.tables.world, drawn.codes
    looked = [f for f, finding in enumerate(world.findings) if codes[f] and finding.kind != "history" and f != drawn.complaint]
    given = [m for m in range(len(world.treatments)) if codes[len(world.findings) + m]]
    return {codes[f]: _look(drawn, f) for f in looked} | {codes[len(world.findings) + m]: _treatment(drawn, m) for m in given}


def _look(drawn: Drawn, f: int) -> dict[str, Any]:
    """An examination or a test."""
    finding = drawn.tables.world.findings[f]
    return {
        "kind": VERBS[finding.kind], "name": finding.name, "class": _class(finding), "cost": finding.cost,
        "result": {"_": {"text": answer(finding, int(drawn.one.reported[0, f]))}},
        "busy": _minutes(finding.minutes) if finding.kind == "exam" and finding.minutes else "30s",
        "result_in": _minutes(finding.minutes) if finding.kind == "test" and finding.minutes else 0,
        **_occasion(drawn, f),
    }  # fmt: skip


def _occasion(drawn: Drawn, f: int) -> dict[str, Any]:
    """What has to be known before there is an occasion to look."""
    findings, above = drawn.tables.world.findings, int(drawn.tables.parent[f])
    if above < 0 or above == drawn.complaint:
        return {}
    seen = {"fact" if findings[above].kind == "history" else "code": drawn.codes[above]}
    return {"requires": {"did": seen}, "refusal": f"{findings[f].name}: there is no occasion for it so far."}


def _treatment(drawn: Drawn, m: int) -> dict[str, Any]:
    given = drawn.tables.world.treatments[m]
    harm = {"contraindications": [{"id": "harmful", "why": "It harms this patient."}]} if m in drawn.harmful else {}
    busy = _minutes(given.minutes) if given.minutes else "1m"
    return {"kind": "treat", "name": given.name, "cost": given.cost, "busy": busy, "answer": {"_": "Given."}, **harm}


def _states(drawn: Drawn) -> dict[str, Any]:
    if not drawn.harmful:
        return {"stable": {"vitals": NORMAL}}
    findings = len(drawn.tables.world.findings)
    did = {"kind": ["treat"], "code": [drawn.codes[findings + m] for m in sorted(drawn.harmful)]}
    return {
        "stable": {"vitals": NORMAL, "react": [{"did": did, "to": "harmed"}]},
        "harmed": {"vitals": {**NORMAL, "hr": 130, "sbp": 74, "dbp": 40}, "appear": "The patient collapses.", "terminal": "bad"},
    }


def _secrets(truth: Condition, told: Sequence[str]) -> list[str]:
    """The names of the diagnosis that the patient has no reason to say."""
    said = folded(" ".join(told))
    return [name for name in accepted(truth) if len(name) > 5 and not stands_in(folded(name), said)]


def _opening(drawn: Drawn) -> str:
    """The complaint as somebody says it who was not asked."""
    if drawn.complaint < 0:
        return GREETING
    said = answer(drawn.tables.world.findings[drawn.complaint], int(drawn.one.reported[0, drawn.complaint]))
    words = re.sub(r"^yes\W+(?=\w)", "", said, flags=re.IGNORECASE)
    return words[:1].upper() + words[1:] or GREETING


def _class(finding: Finding) -> str:
    return {"exam": "exam", "imaging": "imaging", "lab": "lab", "invasive": "lab", "history": "bedside"}[finding.group]


def _who(age: int, female: bool) -> str:
    return ("girl" if female else "boy") if age < 16 else ("woman" if female else "man")


def _minutes(minutes: float) -> str:
    return f"{max(1, round(60 * minutes))}s"


def _hours(tables: Tables) -> int:
    total = float(tables.minutes.sum()) + sum(given.minutes for given in tables.world.treatments)
    return min(24 + int(total // 60), 24 * 366)
