"""What Gymnasium's own checker has against an environment."""

from __future__ import annotations

import warnings
from typing import Any

import gymnasium as gym
from gymnasium.utils.env_checker import check_env


def complaints(name: str, *, render: bool = True, **options: Any) -> list[str]:
    """Make an environment and check it; every warning on the way, and what the checker refuses it for."""
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        try:
            env = gym.make(name, **options)
            check_env(env.unwrapped, skip_render_check=not render)
            env.close()
        except AssertionError as refused:
            return [*(str(each.message) for each in raised), str(refused) or "refused without a word"]
    return [str(each.message) for each in raised]
