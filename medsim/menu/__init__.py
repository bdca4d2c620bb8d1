"""The discrete environments by name: patients of a world, or authored cases.

The rule: ``world=`` plays patients drawn from a knowledge base, ``cases=`` plays compiled cases; what one of them has no meaning for is
refused, never ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medsim.errors import ActionError
from medsim.world import inquiry as worlds
from medsim.world.game import Task
from medsim.world.single import WorldEnv

if TYPE_CHECKING:
    from medsim.menu.env import CasesEnv

__all__ = ["inquiry", "inquiry_vec", "workup", "workup_vec"]


def inquiry(**terms: Any) -> WorldEnv | CasesEnv:
    """Make ``medsim/Inquiry-v0``."""
    return _made("inquiry", terms)


def workup(**terms: Any) -> WorldEnv | CasesEnv:
    """Make ``medsim/Workup-v0``."""
    return _made("workup", terms)


def _made(task: Task, terms: dict[str, Any]) -> WorldEnv | CasesEnv:
    if terms.get("cases") is None:
        terms.pop("cases", None)
        return WorldEnv(task=task, **terms)
    if "world" in terms:
        raise ActionError("Give a world or cases, not both: world='sore-throat', or cases='starter'.")
    from medsim.menu.env import CasesEnv

    return CasesEnv(task=task, **terms)


def inquiry_vec(**terms: Any) -> worlds.WorldVectorEnv:
    """Make many of ``medsim/Inquiry-v0`` in numpy."""
    return worlds.inquiry_vec(**_of_world(terms))


def workup_vec(**terms: Any) -> worlds.WorldVectorEnv:
    """Make many of ``medsim/Workup-v0`` in numpy."""
    return worlds.workup_vec(**_of_world(terms))


def _of_world(terms: dict[str, Any]) -> dict[str, Any]:
    if terms.pop("cases", None) is not None:
        raise ActionError("Cases are played one by one: gym.make_vec(..., vectorization_mode='sync', cases=...).")
    return terms
