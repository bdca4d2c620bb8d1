"""A case: everything about one simulated encounter, and what each seat may see of it.

The rule: the truth has a type of its own. ``Case`` never leaves the controller; the patient's seat gets ``case.brief()``, the doctor
the visible part of events.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from medsim import document
from medsim.case import chart
from medsim.case.body import CaseAction, Media, Place, Process, State
from medsim.case.chart import Chart
from medsim.case.checklist import Rubric
from medsim.case.label import Blueprint, Provenance, Source
from medsim.case.part import CODE, Later, Many, Part, Seconds
from medsim.case.person import Challenge, Fact, Informant, Name, Patient, Persona, Sex, Unknown
from medsim.case.role import RoleDocument, Roles, joined
from medsim.case.written import authored
from medsim.errors import CaseError, did_you_mean

MAX_CASE_BYTES = 512_000


class Limits(Part):
    """When we cut the encounter off."""

    sim: Seconds = 7200
    turns: int = Field(default=60, ge=1, le=1000)


class Encounter(Later):
    """One visit."""

    later = frozenset({"opening"})

    id: str = Field(pattern=CODE)
    location: Place
    start: str
    """Local date and time, ISO 8601."""
    limits: Limits = Limits()
    door_note: str
    task: str = "Take the history, examine, investigate, treat and decide as you see fit."
    gap: Seconds = 0
    """Simulated time since the visit before."""
    opening: str | None = None
    """What is said at the first greeting or question of this visit; of the first one that is ``patient.opening``."""


class Diagnosis(Part):
    """A diagnosis with the names that count as naming it."""

    name: str
    code: str | None = None
    """ICD-10-CM."""
    accept: Many[str] = ()
    must_not_miss: bool = False


class ChoiceQuestion(Part):
    """A multiple-choice question kept from an imported item."""

    text: str
    options: tuple[str, ...] = Field(min_length=2)
    answer: int = Field(ge=0)
    kind: Literal["diagnosis", "other"] = "diagnosis"


class Truth(Part):
    """What is really the matter."""

    diagnosis: Diagnosis
    differential: tuple[Diagnosis, ...] = ()
    disposition: Many[str] = ()
    """Accepted disposition codes: home, ward, icu, theatre, cath_lab, psychiatric_unit, ..."""
    question: ChoiceQuestion | None = None


class Brief(NamedTuple):
    """All that the patient's seat may know: no diagnosis, no states, no results, no rubric."""

    case_id: str
    name: Name
    age: str
    sex: Sex
    informant: Informant
    persona: Persona
    opening: str
    unknown: Unknown
    facts: tuple[Fact, ...]
    script: str = ""
    """The patient's role documents, where the case is a documented one."""
    trust_shift: int = 0
    """How much more this patient trusts than the case's own, where a run lays another persona over it."""


class Case(Part):
    """A complete case of ``medsim.case/1``."""

    schema_: Literal["medsim.case/1"] = Field(alias="schema")
    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=80)
    version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    title: str
    grade: Literal["compiled", "documented"] = "compiled"
    language: str = "en"
    license: str
    provenance: Provenance
    blueprint: Blueprint
    encounters: tuple[Encounter, ...] = Field(min_length=1)
    patient: Patient
    roles: Roles | None = None
    """Of a documented case: the texts its patient and controller work from."""
    actions: dict[str, CaseAction] = {}
    ehr: Chart | None = None
    """What is on file about the patient: FHIR R4 resources, each seen from its own time on."""
    initial: str
    states: dict[str, State] = Field(min_length=1)
    """In a documented case the order of the states is the order in which they follow one another."""
    processes: tuple[Process, ...] = ()
    media: tuple[Media, ...] = ()
    outcome: Truth
    rubric: Rubric
    golden: tuple[str, ...] = ()
    """One entry a turn, in the action grammar: the doctor who does everything right."""
    unlisted: Literal["vocabulary", "unavailable"] = "vocabulary"
    """Orders the case does not author: a normal result from the shared vocabulary, or not available."""

    @model_validator(mode="before")
    @classmethod
    def _chart_can_be_asked_for(cls, data: Any) -> Any:
        return chart.askable(data)

    @model_validator(mode="after")
    def _chart_keeps_secrets(self) -> Case:
        if self.ehr is not None:
            truth = self.outcome.diagnosis
            terms = (truth.name, *truth.accept, truth.code or "", *self.patient.secrets.terms)
            self.ehr.suits(starts={visit.id: visit.start for visit in self.encounters}, terms=terms)
        return self

    @model_validator(mode="after")
    def _whole(self) -> Case:
        """Refuse references to states, media or processes that do not exist, and a grade that the case does not bear out."""
        if (self.grade == "documented") != (self.roles is not None):
            raise ValueError("grade: documented and roles (patient, controller) belong together; a compiled case has neither")
        if not self.rubric.items and self.roles is None:
            raise ValueError("rubric: a compiled case needs at least one item with positive points")
        known = set(self.states)
        for where, name in self._state_references():
            if name not in known:
                raise ValueError(f"{where}: no state '{name}'.{did_you_mean(name, known)} States: {', '.join(self.states)}.")
        for what, ids in (
            ("process", [process.id for process in self.processes]),
            ("media", [slot.id for slot in self.media]),
            ("encounter", [encounter.id for encounter in self.encounters]),
        ):
            twice = {name for name in ids if ids.count(name) > 1}
            if twice:
                raise ValueError(f"{what} id '{min(twice)}' stands twice")
        if self.encounters[0].opening:
            raise ValueError("encounters[0].opening: what is said at the first visit stands in patient.opening; write it there")
        visits = {encounter.id for encounter in self.encounters}
        for challenge in self.patient.challenges:
            for name in challenge.when.visit:
                if name not in visits:
                    raise ValueError(f"challenges.{challenge.id}.when: no visit '{name}'.{did_you_mean(name, visits)}")
        slots = {slot.id for slot in self.media}
        for code, action in self.actions.items():
            for result in action.result.values():
                if result.media and result.media not in slots:
                    raise ValueError(f"actions.{code}: no media '{result.media}'.{did_you_mean(result.media, slots)}")
        if self.outcome.question and self.outcome.question.answer >= len(self.outcome.question.options):
            raise ValueError("outcome.question.answer must be the index of an option, counted from 0")
        return self

    def _state_references(self) -> list[tuple[str, str]]:
        found = [("initial", self.initial)]
        for name, state in self.states.items():
            found += [(f"states.{name}.react[{i}].to", react.to) for i, react in enumerate(state.react)]
            found += [(f"states.{name}.timers[{i}].to", timer.to) for i, timer in enumerate(state.timers)]
        for process in self.processes:
            for before, after in process.to.items():
                found += [(f"processes.{process.id}.to", before), (f"processes.{process.id}.to", after)]
        for code, action in self.actions.items():
            names = [*action.result, *action.answer]
            found += [(f"actions.{code}", name) for name in names if name != "_"]
            found += [(f"actions.{code}.contraindications", name) for item in action.contraindications for name in item.states]
        for challenge in self.patient.challenges:
            found += [(f"challenges.{challenge.id}", name) for name in (*challenge.when.state, *challenge.only_in)]
        found += [(f"facts.{fact.id}.only_in", name) for fact in self.patient.facts for name in fact.only_in]
        return found

    @cached_property
    def hash(self) -> str:
        """sha256 of the canonical JSON of the whole case, first 16 hex digits."""
        later = {"roles": self.roles, "ehr": self.ehr}  # parts that came later: the hashes of older cases stay what they were
        without = {name for name, part in later.items() if part is None}
        text = json.dumps(self.model_dump(mode="json", by_alias=True, exclude=without), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    kept: ClassVar[frozenset[str]] = frozenset({"folder"})

    @cached_property
    def folder(self) -> Path | None:
        """Where the case's file lies, for the pictures beside it; None for a case that was not read from a file. No part of the case."""
        return None

    def brief(self) -> Brief:
        """What the patient's seat may see."""
        patient = self.patient
        hidden: dict[str, Any] = {"truth": None, "only_in": ()}
        told = (fact for fact in patient.every_fact() if fact.tier != "never")
        facts = tuple(fact.model_copy(update=hidden) if fact.truth is not None or fact.only_in else fact for fact in told)
        return Brief(
            self.id, patient.name, str(patient.age), patient.sex, patient.informant, patient.persona, patient.opening,
            patient.unknown, facts, joined(self.roles.patient) if self.roles else "",
        )  # fmt: skip

    def following(self, state: str) -> str:
        """The declared state after one, empty after the last."""
        names = list(self.states)
        return next(iter(names[names.index(state) + 1 :]), "")

    def challenge(self, name: str) -> Challenge:
        """Return a challenge by id."""
        return next(challenge for challenge in self.patient.challenges if challenge.id == name)


def load(path: Path) -> Case:
    """Read a case file; raise CaseError with file, line and what to write instead."""
    case = document.validate(document.read(path, limit=MAX_CASE_BYTES), Case)
    case.__dict__["folder"] = Path(path).resolve().parent  # fills the cached property; equality and hash know only the fields
    return case


def loads(text: str, source: str = "<text>") -> Case:
    """Read a case from YAML text."""
    return document.validate(document.parse(text, source), Case)


def dumps(case: Case) -> str:
    """Write a case as YAML that ``loads`` reads back to an equal case."""
    return document.dump(authored(case))


def schema() -> dict[str, Any]:
    """Return the JSON Schema of ``medsim.case/1``, for editors."""
    return Case.model_json_schema(by_alias=True)


__all__ = [
    "Blueprint", "Brief", "Case", "CaseError", "Fact", "Provenance", "RoleDocument", "Roles", "Rubric", "Source", "authored", "dumps", "load",
    "loads", "schema",
]  # fmt: skip
