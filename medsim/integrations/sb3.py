"""The worlds as a vector environment of Stable-Baselines3, with the masks that sb3-contrib's MaskablePPO asks for.

    from sb3_contrib import MaskablePPO
    from medsim.integrations.sb3 import WorldVecEnv

    env = WorldVecEnv(1024, world="sore-throat", reward={"shaping": 0.3})
    model = MaskablePPO("MlpPolicy", env, n_steps=16, batch_size=2048, n_epochs=2, gamma=1.0)

The rule: the patients, masks and rewards are those of ``medsim.world.inquiry.WorldVectorEnv`` under the same seed; only the form differs.
Needs ``stable-baselines3``. Learning costs far more than stepping, so take many encounters, few steps of each, large batches and few epochs.
Set OMP_NUM_THREADS=1 and ``torch.set_num_threads(1)``: with more threads than free cores torch all but stops.
"""

# The framework is an extra: where it is not installed its classes have no types.
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from medsim.errors import ActionError, did_you_mean
from medsim.world.inquiry import WorldVectorEnv


class WorldVecEnv(VecEnv):
    """``count`` encounters with one world; arguments are those of ``medsim.world.game.game``, observations one flat Box unless told.

    ``env_method("action_masks")`` gives the masks. The info of an ended encounter holds ``terminal_observation``, ``episode`` (``r`` is the
    unshaped return, ``l`` the turns, ``s`` success), ``TimeLimit.truncated`` (always False: the turns left are in the observation, so the
    end by the limit is an end) and ``is_success``; that of others is empty.
    """

    def __init__(self, count: int, *, seed: int | None = None, **terms: Any) -> None:
        terms.setdefault("observation", "flat")
        self.env = WorldVectorEnv(count, autoreset_mode=AutoresetMode.SAME_STEP, **terms)
        self._actions: NDArray[np.int64] = np.zeros(count, dtype=np.int64)
        self.render_mode = None
        super().__init__(count, self.env.single_observation_space, self.env.single_action_space)
        if seed is not None:
            self.seed(seed)

    def reset(self) -> Any:
        """Begin every encounter anew; the seed given before holds for this reset."""
        seed = next((s for s in self._seeds if s is not None), None)
        self._reset_seeds()
        self._reset_options()
        return self.env.reset(seed=seed)[0]

    def step_async(self, actions: Any) -> None:
        """Take the actions."""
        self._actions = np.asarray(actions, dtype=np.int64).reshape(-1)

    def step_wait(self) -> Any:
        """Carry them out; return observations, rewards, ends and infos."""
        seen, reward, ended, cut, info = self.env.step(self._actions)
        over = ended | cut
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over.any():
            final, last = info["final_info"], info["final_obs"]
            for i in np.flatnonzero(over):
                right = bool(final["success"][i])
                infos[i] = {
                    "terminal_observation": {k: v[i] for k, v in last.items()} if isinstance(last, dict) else last[i],
                    "TimeLimit.truncated": False, "truncated": bool(cut[i]), "is_success": right,
                    "episode": {"r": float(final["return_unshaped"][i]), "l": int(final["turn"][i]), "t": 0.0, "s": right},
                }  # fmt: skip
        return seen, reward, over, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Return what is legal now, (count, A)."""
        return self.env.action_masks().view(np.bool_)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Call ``action_masks``, the one method there is, for these encounters."""
        if method_name != "action_masks" or method_args or method_kwargs:
            raise ActionError(
                f"No method '{method_name}' with these arguments.{did_you_mean(method_name, ['action_masks'])} There is: action_masks()."
            )
        return list(self.action_masks()[list(self._get_indices(indices))])

    def has_attr(self, attr_name: str) -> bool:
        """Say whether each encounter has this attribute."""
        return attr_name == "action_masks" or hasattr(self.env, attr_name)

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute, the same for each of these encounters."""
        value = self.action_masks if attr_name == "action_masks" else getattr(self.env, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: the encounters share one game, which does not change."""
        raise ActionError(f"'{attr_name}' cannot be set: the encounters share one game. Make another environment with other arguments.")

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Any = None) -> list[bool]:
        """Return False for each: they are not wrapped."""
        return [False for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[Any]:
        """Return no images."""
        return [None for _ in range(self.num_envs)]

    def close(self) -> None:
        """Let go of nothing; there is nothing to hold."""
        self.env.close()

    def _get_indices(self, indices: int | Iterable[int] | None) -> Iterable[int]:
        return range(self.num_envs) if indices is None else [indices] if isinstance(indices, int) else indices
