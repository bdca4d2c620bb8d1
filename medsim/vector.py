"""Many text environments at once, on threads.

The rule: one process, one client, one writer. Steps overlap, results come back in order, and everything else is Gymnasium's own
synchronous vector env.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gymnasium as gym
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.vector.utils import iterate

from medsim.env import ConsultEnv


class _Ahead(gym.Wrapper[Any, Any, Any, Any]):
    """Holds the result of a step that was taken ahead, until it is asked for."""

    _result: Any = None

    def take(self, action: Any) -> None:
        self._result = self.env.step(action)

    def reset(self, **kwargs: Any) -> Any:
        self._result = None  # a step taken ahead of another env's failure belongs to the encounter before
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Any:
        result, self._result = self._result, None
        return self.env.step(action) if result is None else result


class ThreadVectorEnv(SyncVectorEnv):
    """A SyncVectorEnv whose sub-environments step at the same time."""

    def __init__(self, env_fns: Sequence[Callable[[], gym.Env[Any, Any]]], **kwargs: Any) -> None:
        super().__init__([lambda make=make: _Ahead(make()) for make in env_fns], **kwargs)  # type: ignore[misc]
        self._pool = ThreadPoolExecutor(max_workers=min(64, len(env_fns)), thread_name_prefix="medsim-env")

    def step(self, actions: Any) -> Any:
        """Step every sub-environment, those that wait for a reset excepted."""
        waits = self._autoreset_envs if self.autoreset_mode == AutoresetMode.NEXT_STEP else [False] * self.num_envs
        pairs = zip(self.envs, list(iterate(self.action_space, actions)), waits, strict=True)
        list(self._pool.map(lambda pair: pair[0].take(pair[1]), [(env, action) for env, action, waiting in pairs if not waiting]))
        return super().step(actions)

    def close_extras(self, **kwargs: Any) -> None:
        """Close the sub-environments and the threads."""
        super().close_extras(**kwargs)
        self._pool.shutdown(wait=True)


def consult_vec(
    num_envs: int = 1, *, autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP, max_episode_steps: int | None = None, **kwargs: Any
) -> ThreadVectorEnv:
    """What ``gym.make_vec("medsim/Consult-v0")`` builds."""
    if max_episode_steps is not None:
        kwargs.setdefault("max_turns", max_episode_steps)
    return ThreadVectorEnv([lambda: ConsultEnv(**kwargs) for _ in range(num_envs)], autoreset_mode=autoreset_mode)
