"""Environment recipes: one YAML file of ``envs/`` is one registered environment.

The rule: a recipe only chooses (cases, patient, limits, reward); it holds no behaviour.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from medsim import case as case_module
from medsim import document, library
from medsim.case import Case
from medsim.case.part import Many, Part, Seconds
from medsim.errors import CaseError, did_you_mean
from medsim.patient import biases, personas

Kind = Literal["scripted", "voiced", "role", "direct", "instruct", "factselect"]
"""Kinds of patient."""


class Select(Part):
    """Which cases of a pack; every given field must match."""

    id: Many[str] = ()
    specialty: Many[str] = ()
    setting: Many[str] = ()
    population: Many[str] = ()
    tag: Many[str] = ()
    grade: Many[str] = ()

    def takes(self, case: Case) -> bool:
        """Say whether a case is chosen."""
        plan = case.blueprint
        return (
            (not self.id or case.id in self.id)
            and (not self.specialty or any(name.lower() in _lower(plan.specialty) for name in self.specialty))
            and (not self.setting or plan.setting in self.setting)
            and (not self.population or plan.population in self.population)
            and (not self.tag or any(name.lower() in _lower(plan.tags) for name in self.tag))
            and (not self.grade or case.grade in self.grade)
        )


def _lower(names: tuple[str, ...]) -> set[str]:
    return {name.lower() for name in names}


class Reward(Part):
    """What a step is worth: the sum of these terms, each also in the info dict as ``reward_…``."""

    rubric: float = 1.0
    """Times the share of rubric points newly earned, as soon as a verdict cannot change any more; the rest at the end."""
    turn: float = 0.0
    """Per turn."""
    minute: float = 0.0
    """Per simulated minute."""
    usd: float = 0.0
    """Per US dollar spent."""
    unclear: float = 0.0
    """Per action that could not be understood or done."""
    unsafe: float = 0.0
    """Per finding of medication safety on a drug that is given; one that must not be given counts twice."""


class Recipe(Part):
    """One environment."""

    schema_: Literal["medsim.env/1"] = Field(default="medsim.env/1", alias="schema")
    id: str = ""
    title: str = ""
    cases: Many[str] = ("starter",)
    """Pack names, folders or case files."""
    data: str = ""
    """A public data set that medsim does not ship: the cases are the pack that ``medsim import`` makes of the user's own copy."""
    select: Select = Select()
    patient: Kind = "scripted"
    """scripted: templates, offline; voiced: a language model says what the gate has opened; role: a language model plays the whole story;
    direct, instruct, factselect: MediQ's (``medsim.patient.mediq``)."""
    bias: str = ""
    """Bias of a role-played patient, one of ``agents/prompts/biases.yaml``."""
    target: str = ""
    """What that bias is about: a diagnosis or an attribute."""
    persona: dict[str, Any] = {}
    """Levels laid over every case's own persona, ``{recall: low, temperament: impatient}``: the axes of ``agents/prompts/personas.yaml``."""
    results_told: bool = False
    """A role-played patient is told what examinations and tests show, not only that they are done."""
    turns: int | None = Field(default=None, ge=1, le=1000)
    """Turn limit instead of the case's own."""
    time: Seconds | None = None
    """Limit of simulated time instead of the case's own."""
    reward: Reward = Reward()

    @model_validator(mode="after")
    def _biased_role(self) -> Recipe:
        if self.patient != "role" and (self.bias or self.target):
            raise ValueError("bias and target are for a role-played patient: write patient: role")
        try:
            biases.sentence("patient", self.bias, self.target)
        except CaseError as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _seated_person(self) -> Recipe:
        if self.results_told and self.patient != "role":
            raise ValueError("results_told is for a role-played patient: write patient: role")
        if self.persona and self.patient == "factselect":
            raise ValueError("a factselect patient says facts word for word and has no persona: leave persona out")
        try:
            personas.checked(self.persona)
        except CaseError as error:
            raise ValueError(str(error)) from error
        return self

    def seating(self, kind: Kind) -> Recipe:
        """This recipe with another kind of patient; what only a role-played one can be told is left out, a bias is not given up silently."""
        if kind != "role" and self.bias:
            raise CaseError(
                f"{self.id} biases its role-played patient ('{self.bias}'): a {kind} one cannot have that. Choose another recipe or kind."
            )
        return self.model_copy(update={"patient": kind, "results_told": self.results_told and kind == "role"})

    def listed(self) -> list[Case]:
        """The cases this recipe chooses; where a data set has not been imported yet, say how."""
        try:
            return load_cases(self.cases, self.select)
        except CaseError as error:
            folder = Path(self.cases[0]) if self.cases else Path()
            if not self.data or folder.exists():
                raise
            raise CaseError(
                f"{self.id} plays the user's own copy of {self.data}, which medsim does not ship, and there is no pack '{folder}' here. Make it: "
                f"medsim import {self.data} FILE --to {folder}; or give the folder of another: cases=FOLDER (--cases FOLDER)."
            ) from error

    @property
    def limits(self) -> tuple[int | None, int | None]:
        """Seconds and turns to play a visit with, None for the case's own."""
        return self.time, self.turns


def load(name: str) -> Recipe:
    """Load a shipped recipe by name, or one's own by path."""
    path = library.find("envs", name)
    recipe = document.validate(document.read(path), Recipe)
    return recipe if recipe.id else recipe.model_copy(update={"id": path.stem})


def chosen(given: Recipe | str | None) -> Recipe:
    """Return a recipe as it is given or by its name, ``Consult-v0`` where none is; CaseError for anything else."""
    if given is None:
        return Recipe(id="Consult-v0")
    if not isinstance(given, (str, Recipe)):
        raise CaseError(f"recipe is the name of an environment recipe, its file or a Recipe: recipe='Consult-v0'; given {given!r}.")
    return load(given) if isinstance(given, str) else given


@cache
def _load_case(path: Path, stamp: float) -> Case:
    return case_module.load(path)


def load_case(path: Path) -> Case:
    """Load a case file once per version on disk."""
    return _load_case(path.resolve(), path.stat().st_mtime)


def case_named(name: str) -> Case:
    """Load a shipped case by id, or one's own by path."""
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return load_case(path)
    known = library.shipped_cases()
    if name not in known:
        raise CaseError(f"No case '{name}'.{did_you_mean(name, known)} List them: medsim cases")
    return load_case(known[name])


def named(given: object) -> tuple[str, ...]:
    """Return what names cases (packs, folders, files, ids), one name or several; CaseError for what names none."""
    several = [given] if isinstance(given, (str, os.PathLike)) else list(given) if isinstance(given, Iterable) else []
    names = tuple(os.fspath(one) for one in several if isinstance(one, (str, os.PathLike)))
    if not names or len(names) < len(several) or not all(name.strip() for name in names):
        told = repr(given)
        raise CaseError(
            "cases is a pack, a folder, a file or a case id, or several of them, at least one: cases='starter'; "
            f"given {told if len(told) <= 60 else f'{told[:57]}...'}."
        )
    return names


def load_cases(names: tuple[str, ...] | list[str], select: Select | None = None) -> list[Case]:
    """Load cases from packs, folders, files or ids, in order; each id once."""
    found: dict[str, Case] = {}
    for name in names:
        if name in library.shipped_cases():
            chosen = [case_named(name)]
        else:
            chosen = [load_case(path) for path in library.pack_files(name)]
        for case in chosen:
            if found.setdefault(case.id, case).hash != case.hash:
                raise CaseError(f"Two different cases have the id '{case.id}'; rename one.")
    taken = [case for case in found.values() if select is None or select.takes(case)]
    if not taken:
        if not names:
            raise CaseError("No case was named: cases is a pack, a folder, a file or a case id, or several of them.")
        raise CaseError(f"No case of {', '.join(names)} fits the selection {select.model_dump(exclude_defaults=True) if select else ''}.")
    return taken
