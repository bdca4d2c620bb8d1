"""Doctors: anything with ``reset`` and ``act``.

The rule: an agent sees text and answers text. The built-in ones that look at the case (golden, shotgun) are yard-sticks, not contestants.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import Field

from medsim import document, library
from medsim.agent.chat import ChatDoctor
from medsim.agent.clinic import ClinicDoctor
from medsim.agent.examinee import ExamineeDoctor
from medsim.agent.mediq import MediqExpert
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


def make(name: str, llm: LLM | None = None) -> tuple[str, Maker]:
    """Return an agent's name and a maker of it for each case.

    ``name`` is a shipped agent, the path of a recipe, or ``module:attribute`` for a class of one's own (called without arguments).
    """
    if ":" in name and not name.endswith((".yaml", ".yml")):
        return name, _own(name)
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


def fingerprint(name: str) -> str:
    """A hash of what a recipe and its prompt say; empty for an agent of one's own, whose code medsim does not read."""
    if ":" in name and not name.endswith((".yaml", ".yml")):
        return ""
    path = library.find("agents", name)
    recipe = document.validate(document.read(path), AgentRecipe)
    settings = inspect.signature(KINDS[recipe.kind]).parameters if recipe.kind in KINDS else {}
    prompt = library.prompt(str(recipe.params.get("prompt", settings["prompt"].default))) if "prompt" in settings else ""
    bias = biases.sentence("doctor", str(recipe.params.get("bias", "")), str(recipe.params.get("target", ""))) if "bias" in settings else ""
    prompt += "".join(library.prompt(named) for named in getattr(KINDS.get(recipe.kind), "prompts", ()))
    return hashlib.sha256(path.read_bytes() + prompt.encode() + bias.encode()).hexdigest()[:16]


def _own(name: str) -> Maker:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise CaseError(f"No agent '{name}': {error}. Give module:attribute of a class that can be imported from here.") from error

    def maker(case: Case) -> Agent:
        agent = found()
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
    "Golden",
    "Inert",
    "Interviewer",
    "Maker",
    "MediqExpert",
    "PanelDoctor",
    "RandomDoctor",
    "Shotgun",
    "ToolsDoctor",
    "fingerprint",
    "make",
]
