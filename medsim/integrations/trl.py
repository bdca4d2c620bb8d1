"""Encounters for TRL's GRPOTrainer, without importing TRL: ``environment_factory`` with tools, and ``rollout_func`` with one token an action.

    from medsim.integrations import trl

    GRPOTrainer(..., environment_factory=trl.encounter_tools(world="sore-throat"), reward_funcs=trl.reward_func,
                train_dataset=Dataset.from_list(trl.rows(1000, seed=0)))

The rule: the patient is a function of the row's seed, so that all rollouts of a group meet the same one. Until the diagnosis the reward is that
of an encounter cut off there; with it the reward is settled, and nothing that is called afterwards changes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medsim import recipe as recipes
from medsim.errors import ActionError, CaseError
from medsim.integrations.trl_menu import MenuRollout, menu_prompt, menu_rows, one_token_labels, rollout_reward
from medsim.integrations.trl_tools import MOST_WAITS, OVER, CaseTools, EncounterTools, game_of
from medsim.world.payoff import Payoff, payoff

__all__ = [
    "MOST_WAITS", "OVER", "CaseTools", "EncounterTools", "MenuRollout", "encounter_tools", "menu_prompt", "menu_rows", "one_token_labels",
    "reward_func", "rollout_reward", "rows",
]  # fmt: skip

INSTRUCTION = (
    "You are the doctor. Find out what the patient in front of you has: ask, examine and order as little as it takes, then call diagnose with "
    "the most likely diagnosis first. Only what you call as a tool happens."
)


def encounter_tools(
    *,
    world: str | None = None,
    cases: str | Sequence[str] | None = None,
    reward: Payoff | Mapping[str, float] | None = None,
    max_turns: int = 30,
) -> type[EncounterTools]:
    """Return the class to give as ``environment_factory``: encounters of a world, or of authored cases."""
    if (world is None) == (cases is None):
        raise ActionError("Give a world or cases, one of the two: encounter_tools(world='sore-throat'), encounter_tools(cases='starter').")
    if cases is not None:
        if reward is not None:
            raise ActionError("The reward of authored cases is their rubric's. Leave reward out.")
        loaded = recipes.load_cases([cases] if isinstance(cases, str) else list(cases))
        if told := [case.id for case in loaded if case.grade != "compiled"]:
            raise CaseError(f"Case '{told[0]}' is a documented one: its patient and controller are models. Choose compiled cases.")
        return type("CaseTools", (CaseTools,), {"_cases": staticmethod(lambda: loaded), "__doc__": CaseTools.__doc__})
    terms = payoff(reward if isinstance(reward, Payoff) or reward is None else dict(reward))
    play = game_of(str(world), terms, max_turns)
    return type("EncounterTools", (EncounterTools,), {"_games": staticmethod(lambda: play), "__doc__": EncounterTools.__doc__})


def reward_func(environments: Sequence[EncounterTools], **_: Any) -> list[float]:
    """Return each encounter's reward, for ``reward_funcs``."""
    return [environment.reward for environment in environments]


def rows(count: int, *, seed: int, instruction: str = INSTRUCTION) -> list[dict[str, Any]]:
    """Return dataset rows, a prompt and the seed of a patient each; another seed gives other patients."""
    said = [{"role": "user", "content": f"{instruction}\n\n"}]  # TRL puts what reset gives behind it
    return [{"prompt": said, "seed": seed * 1_000_000 + i} for i in range(count)]
