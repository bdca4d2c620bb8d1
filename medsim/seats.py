"""Who sits in the patient's and the controller's seat of an encounter, and which models they ask.

The rule: a model is asked only through the one ``LLM`` that was given; what cannot be seated is said before anything is played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from medsim.case import Case
from medsim.controller import Controller
from medsim.errors import CaseError, did_you_mean
from medsim.llm.call import lacks
from medsim.patient.identity import fingerprint
from medsim.patient.personas import persona_over, portrait
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Patient
from medsim.recipe import Kind, Recipe

if TYPE_CHECKING:
    from medsim.judge import Judge
    from medsim.llm import LLM

KINDS: tuple[Kind, ...] = get_args(Kind)
"""What can sit in the patient's seat of a compiled case."""


def kind_of(name: str) -> str:
    """The name of a kind of patient, checked."""
    if name not in KINDS:
        raise CaseError(f"No kind of patient '{name}'.{did_you_mean(name, KINDS)} Known: {', '.join(KINDS)}.")
    return name


class Seats(NamedTuple):
    """The language model of a run, if any, and the names by which a result's identity knows its models."""

    llm: LLM | None = None
    patient: str = "scripted"
    models: tuple[tuple[str, str], ...] = ()
    """(role, model) pairs."""
    bias: str = ""
    target: str = ""
    """Bias of a role-played patient, and what it is about."""
    persona: Mapping[str, Any] = {}
    """Levels laid over every case's own persona."""
    results_told: bool = False
    """Whether a role-played patient is told what examinations and tests show."""
    judge: Judge | None = None
    """Who decides the rubric items that no predicate can; None leaves them unknown."""

    def under(self, recipe: Recipe) -> Seats:
        """These seats as a recipe has them filled; what was chosen for the seats themselves is kept where a recipe leaves it open."""
        kept = (self.patient, self.bias, self.target) if recipe.patient == "scripted" else (recipe.patient, recipe.bias, recipe.target)
        kind, bias, target = kept
        persona, told = {**recipe.persona, **self.persona}, recipe.results_told or self.results_told
        if persona and kind == "factselect":
            raise CaseError("A factselect patient says facts word for word and has no persona: leave the persona out.")
        return self._replace(patient=kind, bias=bias, target=target, persona=persona, results_told=told)

    def check(self, cases: Sequence[Case]) -> None:
        """Say what cannot be seated before anything is played: one case of each grade is tried."""
        for documented in (False, True):
            for case in [case for case in cases if (case.roles is not None) is documented][:1]:
                self.patient_of(case)
                self.controller_of(case)

    def patients(self, cases: Sequence[Case]) -> str:
        """The hash of what the patients of these cases are told, for a run's identity."""
        documented = any(case.roles is not None for case in cases)
        return fingerprint(self.patient, bias=self.bias, target=self.target, persona=self.persona, documented=documented)

    def patient_of(self, case: Case) -> Patient:
        """Seat the patient of one encounter; a documented case is always acted from its own script."""
        brief = persona_over(case.brief(), self.persona)
        if case.roles is not None:
            from medsim.patient.documented import DocumentPatient

            return DocumentPatient(brief, self._model("patient", _documented(case)), persona=portrait(brief.persona))
        if self.patient == "scripted":
            return ScriptedPatient(brief)
        llm = self._model("patient", f"A {self.patient} patient needs a language model: give --patient MODEL")
        if self.patient == "role":
            from medsim.patient.role import RolePatient

            return RolePatient(brief, llm, bias=self.bias, target=self.target, results=self.results_told)
        from medsim.patient import mediq

        if self.patient in mediq.KINDS:
            return mediq.MediqPatient(brief, llm, kind=self.patient)
        from medsim.patient.voiced import VoicedPatient

        return VoicedPatient(brief, llm)

    def controller_of(self, case: Case) -> Controller | None:
        """Seat the controller of a documented case; a compiled one answers for itself."""
        if case.roles is None:
            return None
        from medsim.controller.model import ModelController

        return ModelController(case, self._model("controller", _documented(case)))

    def _model(self, role: str, wanted: str) -> LLM:
        """The language model of a role; CaseError where none is seated, with what was wanted of it."""
        if self.llm is None or lacks(self.llm, role):
            told = "" if self.llm is None else f"No model is given for the role '{role}'. "
            raise CaseError(f"{told}{wanted}, or a models file with --models; in Python, models=Models(...).")
        return self.llm


def _documented(case: Case) -> str:
    return (
        f"Case '{case.id}' is a documented one: language models have to be its patient and its controller. "
        "Give --patient MODEL and --controller MODEL"
    )
