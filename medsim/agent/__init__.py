"""Doctors: anything with ``reset`` and ``act``.

The rule: an agent sees text and answers text. The built-in ones that look at the case (golden, shotgun) are yard-sticks, not contestants.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import Field

from medsim import document, library
from medsim.agent import own
from medsim.agent.chat import ChatDoctor
from medsim.agent.clinic import ClinicDoctor
from medsim.agent.examinee import ExamineeDoctor
from medsim.agent.mediq import MediqExpert
from medsim.agent.own import Given, called
from medsim.agent.panel import PanelDoctor
from medsim.agent.script import Golden, Inert, Interviewer, RandomDoctor, Shotgun
from medsim.agent.tools import ToolsDoctor
from medsim.case import Case
from medsim.case.part import CODE, Part
from medsim.errors import CaseError, did_you_mean
from medsim.llm import LLM
from medsim.llm.call import lacks
from medsim.patient import biases


@runtime_checkable
class Agent(Protocol):
    """A doctor policy."""

    def reset(self, seed: int) -> None:
        """Prepare for a new encounter; all chance comes from the seed."""
        ...

    def act(self, observation: str) -> str:
        """Answer what was observed with one turn in the action grammar."""
        ...


Maker = Callable[[Case], Agent]

KINDS: dict[str, Callable[..., Agent]] = {
    "golden": Golden,
    "inert": Inert,
    "shotgun": Shotgun,
    "random": RandomDoctor,
    "interviewer": Interviewer,
    "chat": ChatDoctor,
    "tools": ToolsDoctor,
    "panel": PanelDoctor,
    "agentclinic": ClinicDoctor,
    "mediq": MediqExpert,
    "examinee": ExamineeDoctor,
}
"""Makers by kind; one with a parameter ``case`` or ``llm`` is given it."""


class AgentRecipe(Part):
    """One YAML file of ``agents/``: which kind of doctor, with which settings."""

    schema_: Literal["medsim.agent/1"] = Field(alias="schema")
    id: str = Field(pattern=CODE)
    kind: str
    description: str = ""
    params: dict[str, Any] = {}


def make(name: Given, llm: LLM | None = None) -> tuple[str, Maker]:
    """Return an agent's name and a maker of it for each case.

    ``name`` is a shipped agent, the path of a recipe, ``module:attribute`` for a class or function of one's own, or that class or function.
    It is called with what it needs of ``case`` and ``llm``, by name; the only argument of a function is the case.
    """
    if not isinstance(name, str) or own.stands_in_a_module(name):
        return called(name), _own(name, llm)
    recipe = document.validate(document.read(library.find("agents", name)), AgentRecipe)
    kind = KINDS.get(recipe.kind)
    if kind is None:
        raise CaseError(f"{name}: no agent kind '{recipe.kind}'.{did_you_mean(recipe.kind, KINDS)} Known: {', '.join(KINDS)}.")
    settings = inspect.signature(kind).parameters
    if "llm" in settings and (llm is None or (lacks(llm, "doctor") and not recipe.params.get("model"))):
        raise CaseError(f"Agent '{name}' is a language model: say which, with --doctor MODEL or a models file (--models).")
    unknown = [key for key in recipe.params if key not in settings or key in {"case", "llm"}]
    if unknown:
        known = ", ".join(key for key in settings if key not in {"case", "llm"}) or "none"
        raise CaseError(
            f"{name}: kind '{recipe.kind}' has no setting '{unknown[0]}'.{did_you_mean(unknown[0], settings)} Its settings: {known}."
        )
    return recipe.id, lambda case: kind(**{key: given for key, given in (("case", case), ("llm", llm)) if key in settings}, **recipe.params)


def fingerprint(name: Given) -> str:
    """A hash of what a recipe and its prompt say, or of the source of a class or function.

    Empty for ``module:attribute``, whose code medsim does not read.
    """
    if not isinstance(name, str):
        return own.fingerprint(name)
    if own.stands_in_a_module(name):
        return ""
    path = library.find("agents", name)
    recipe = document.validate(document.read(path), AgentRecipe)
    settings = inspect.signature(KINDS[recipe.kind]).parameters if recipe.kind in KINDS else {}
    prompt = library.prompt(str(recipe.params.get("prompt", settings["prompt"].default))) if "prompt" in settings else ""
    bias = biases.sentence("doctor", str(recipe.params.get("bias", "")), str(recipe.params.get("target", ""))) if "bias" in settings else ""
    prompt += "".join(library.prompt(named) for named in getattr(KINDS.get(recipe.kind), "prompts", ()))
    return hashlib.sha256(path.read_bytes() + prompt.encode() + bias.encode()).hexdigest()[:16]


def _own(given: Given, llm: LLM | None) -> Maker:
    name = called(given)
    made = own.maker(own.find(given), llm=llm)

    def maker(case: Case) -> Agent:
        agent = made(case)
        if not isinstance(agent, Agent):
            raise CaseError(f"'{name}' is no agent: it needs reset(seed) and act(observation) -> str.")
        return agent

    return maker


__all__ = [
    "Agent",
    "AgentRecipe",
    "ChatDoctor",
    "ClinicDoctor",
    "ExamineeDoctor",
    "Given",
    "Golden",
    "Inert",
    "Interviewer",
    "Maker",
    "MediqExpert",
    "PanelDoctor",
    "RandomDoctor",
    "Shotgun",
    "ToolsDoctor",
    "called",
    "fingerprint",
    "make",
]
