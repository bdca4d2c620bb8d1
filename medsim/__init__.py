"""medsim: a simulation of the clinical encounter, for research and teaching, not for care.

Importing it registers the environments and loads nothing else::

    import gymnasium as gym, medsim

    env = gym.make("medsim/Consult-v0")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step("ask: where does it hurt?")
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

from medsim.version import __version__

if TYPE_CHECKING:
    from medsim.agent import Agent
    from medsim.case import Case
    from medsim.consult import Consult
    from medsim.env import ConsultEnv, Utterance
    from medsim.episode import replay, rollout
    from medsim.evaluation import evaluate
    from medsim.evaluation.comparing import compare
    from medsim.judge import score_with
    from medsim.patient.scripted import ScriptedPatient
    from medsim.rubric import Rubric, Scorecard, score
    from medsim.store import Store
    from medsim.trajectory import Event, Trajectory

_HOMES = {
    "Agent": "agent", "Case": "case", "Consult": "consult", "ConsultEnv": "env", "Event": "trajectory", "Rubric": "rubric",
    "Scorecard": "rubric", "ScriptedPatient": "patient.scripted", "Store": "store", "Trajectory": "trajectory", "Utterance": "env",
    "compare": "evaluation.comparing", "evaluate": "evaluation", "replay": "episode", "rollout": "episode", "score": "rubric", "score_with": "judge",
}  # fmt: skip

__all__ = [
    "Agent", "Case", "Consult", "ConsultEnv", "Event", "Rubric", "Scorecard", "ScriptedPatient", "Store", "Trajectory", "Utterance",
    "__version__", "compare", "evaluate", "replay", "rollout", "score", "score_with",
]  # fmt: skip

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing medsim stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'medsim' has no attribute '{name}'")
    return getattr(importlib.import_module(f"medsim.{_HOMES[name]}"), name)


def _register() -> None:
    """Register one environment for each recipe, and the two with worlds; entry points are strings, nothing is imported or read."""
    from gymnasium.envs.registration import register, registry

    from medsim import library

    for name in library.names("envs"):
        if f"medsim/{name}" not in registry:
            register(
                f"medsim/{name}",
                entry_point="medsim.env:ConsultEnv",
                vector_entry_point="medsim.vector:consult_vec",
                kwargs={"recipe": name},
                disable_env_checker=False,
            )
    for name in ("inquiry", "workup"):
        if f"medsim/{name.title()}-v0" not in registry:
            register(
                f"medsim/{name.title()}-v0",
                entry_point=f"medsim.menu:{name}",
                vector_entry_point=f"medsim.menu:{name}_vec",
            )
    if "medsim/Record-v0" not in registry:
        register("medsim/Record-v0", entry_point="medsim.record_env:RecordEnv")


_register()
