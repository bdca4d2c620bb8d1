"""Many encounters at once in numpy: the vector environment behind ``medsim/Inquiry-v0`` and ``medsim/Workup-v0``.

The rule: sub-environment i, seeded with s + i, plays the same patients whatever stands beside it, and a step costs a few array operations
for all. What is returned is fresh unless ``copy=False``. The truth is in no observation and in no info; ``truth`` is for oracles and tests.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from medsim.errors import ActionError
from medsim.world.batch import TERMS, Batch, Flags, Rows
from medsim.world.belief import normal
from medsim.world.game import Game, game
from medsim.world.schema import World
from medsim.world.tables import F32, I8, I64, Tables

Observation = dict[str, NDArray[Any]] | NDArray[Any]
Step = tuple[Observation, F32, Flags, Flags, dict[str, Any]]


def root_of(seed: int | None, generator: np.random.Generator | None = None) -> int:
    """Return where a sub-environment's keys start: the first number of Gymnasium's generator for this seed."""
    source = generator if generator is not None else seeding.np_random(seed)[0]
    return int(source.integers(2**63))


class WorldVectorEnv(VectorEnv[Any, Any, Any]):
    """N encounters with the patients of one world, stepped together.

    Arguments are those of ``medsim.world.game.game``. ``autoreset_mode`` is SAME_STEP (the default), NEXT_STEP or DISABLED (reset with
    ``options={"reset_mask": mask}``). ``in_order`` plays a bank's patients one after the other, i, i + N, i + 2N, …

    Info, arrays of N: ``action_mask`` (int8, N x A), ``turn``, ``return_unshaped``, ``reward_cost``, ``…_utility``, ``…_safety``,
    ``…_shaping`` (they add up to the reward), and at the end ``success`` and ``diagnosis``. With SAME_STEP those of an ended encounter
    stand in ``final_info``, and its last observation in ``final_obs``, where ``_final_info`` says so; both are batched like the others.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        world: str | World | Tables | Game = "sore-throat",
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        copy: bool = True,
        in_order: bool = False,
        render_mode: str | None = None,
        **terms: Any,
    ) -> None:
        if num_envs < 1:
            raise ActionError(f"num_envs is 1 or more, given {num_envs}.")
        self.game = world if isinstance(world, Game) else game(world, **terms)
        self.num_envs, self.copy, self.render_mode = num_envs, copy, render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = self.game.observation_space
        self.single_action_space = gym.spaces.Discrete(self.game.actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._batch = Batch(self.game, num_envs, in_order=in_order)
        self._begun = False

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin new encounters; with ``options={"reset_mask": mask}`` only there."""
        rows = self._rows_to_reset(options)
        self._seed(seed, rows)
        self._begun = True
        self._batch.restart(rows)
        self._batch.write_budget()
        return self._observation(), self._info()

    def step(self, actions: Any) -> Step:
        """Carry out one action in each; an illegal one changes nothing, costs a little and takes a turn."""
        a, b, g = self._checked(actions), self._batch, self.game
        waking = np.flatnonzero(b.over) if self.autoreset_mode is AutoresetMode.NEXT_STEP else b.all[:0]
        cell = b.all * g.actions
        cell += a
        legal = b.flat_mask.take(cell) != 0
        legal[waking] = False
        gains, ended = b.play(a, cell, legal)
        cut = b.pass_turn() & ~ended.terminated
        if waking.size:
            ended.terminated[waking] = cut[waking] = False
            gains["cost"][waking] = 0.0
        if cut.any():
            gains["utility"][cut] += g.payoff.truncated
        over = ended.terminated | cut
        b.earned += gains["cost"] + gains["utility"] + gains["safety"]
        if b.log is not None and g.payoff.shaping:
            gains["shaping"] = b.shaping(over)
            gains["shaping"][waking] = 0.0
        reward = gains["cost"] + gains["utility"] + gains["safety"] + gains["shaping"]
        if waking.size:
            b.restart(waking)
        extra = {"success": ended.success, "diagnosis": ended.diagnosis, **{f"reward_{name}": gains[name] for name in TERMS}}
        return self._hand_over(over, reward, ended.terminated, cut, extra)

    def action_masks(self) -> I8:
        """Return what is legal now, (N, A) int8."""
        mask = self._batch.mask
        return mask.copy() if self.game.masked else np.ones_like(mask)

    @property
    def belief(self) -> F32:
        """The exact posterior, (N, D), of what has been reported so far."""
        return np.asarray(np.exp(normal(self._batch.reference(self._batch.all))), dtype=np.float32)

    @property
    def truth(self) -> I64:
        """The conditions, (N,). For oracles, tests and teachers only."""
        return self._batch.condition.copy()

    @property
    def patients(self) -> NDArray[np.uint64] | I64:
        """The keys of the patients, or with a bank their places in it, (N,)."""
        return self._batch.key.copy() if self.game.bank is None else self._batch.patient.copy()

    def _checked(self, actions: Any) -> I64:
        if not self._begun:
            raise ActionError("step was called before reset. Call reset first.")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._batch.over.any():
            raise ActionError("An encounter is over. Call reset(options={'reset_mask': mask}) with the mask of those that ended.")
        given = np.asarray(actions)
        if given.dtype.kind not in "iubf" or (given.dtype.kind == "f" and not (given % 1 == 0).all()):
            raise ActionError(f"Actions are whole numbers, 0 to {self.game.actions - 1}; given {given[:8]!r}.")
        a: I64 = given.astype(np.int64, copy=False)
        if a.shape != (self.num_envs,):
            raise ActionError(f"{self.num_envs} actions were expected, shape ({self.num_envs},); given shape {a.shape}.")
        if a.min() < 0 or a.max() >= self.game.actions:
            raise ActionError(f"An action is 0 to {self.game.actions - 1}; given {int(a.min())} to {int(a.max())}.")
        return a

    def _seed(self, seed: int | list[int | None] | None, rows: Rows) -> None:
        """Give each sub-environment its own root; without a seed the next patients follow."""
        if isinstance(seed, np.integer):
            seed = int(seed)
        if isinstance(seed, (list, tuple)) and len(seed) != self.num_envs:
            raise ActionError(f"{self.num_envs} seeds were expected, one for each sub-environment, given {len(seed)}.")
        if seed is None and self._begun:
            return
        if seed is None or isinstance(seed, int):
            super().reset(seed=seed)
        if seed is None:
            for i, root in enumerate(self.np_random.integers(2**63, size=self.num_envs).tolist()):
                self._batch.waiting.seed(i, root)
            return
        seeds = [seed + i for i in range(self.num_envs)] if isinstance(seed, int) else seed
        for i in rows:
            if seeds[i] is not None or not self._begun:
                self._batch.waiting.seed(int(i), root_of(seeds[i]))

    def _rows_to_reset(self, options: dict[str, Any] | None) -> Rows:
        for name in options or ():
            if name != "reset_mask":
                raise ActionError(f"No reset option '{name}'. Known: reset_mask, an array of {self.num_envs} booleans.")
        if not options or options.get("reset_mask") is None:
            return self._batch.all
        mask = np.asarray(options["reset_mask"], dtype=bool)
        if mask.shape != (self.num_envs,):
            raise ActionError(f"reset_mask has shape ({self.num_envs},), given {mask.shape}.")
        if not self._begun and not mask.all():
            raise ActionError("The first reset begins every encounter; leave reset_mask out.")
        return np.flatnonzero(mask)

    def _hand_over(self, over: Flags, reward: F32, terminated: Flags, truncated: Flags, extra: dict[str, Any]) -> Step:
        b = self._batch
        b.over |= over
        b.write_budget()
        if self.autoreset_mode is not AutoresetMode.SAME_STEP or not over.any():
            return self._observation(), reward, terminated, truncated, {**self._info(), **extra}
        rows = np.flatnonzero(over)
        final_obs = self._observation(rows)
        final_info = {"turn": b.turn.copy(), "return_unshaped": b.earned.copy(), **extra}
        b.restart(rows)
        final = {"final_obs": final_obs, "_final_obs": over.copy(), "final_info": final_info, "_final_info": over.copy()}
        return self._observation(), reward, terminated, truncated, {**self._info(), **extra, **final}

    def _observation(self, rows: Rows | None = None) -> Observation:
        """Return the observation of all, or one of all in which only these rows are filled."""
        b, g = self._batch, self.game
        if g.seen == "flat":
            b.state[:, b.exact :] = b.real
            return self._copied(b.state, rows)
        state, real = self._copied(b.state, rows), self._copied(b.real, rows)
        seen: dict[str, NDArray[Any]] = {}
        for name, width in g.layout.items():
            at = b.at[name]
            seen[name] = state[:, at : at + width] if at < b.exact else real[:, at - b.exact : at - b.exact + width]
        return seen

    def _copied(self, array: NDArray[Any], rows: Rows | None) -> NDArray[Any]:
        if rows is None:
            return array.copy() if self.copy else array
        kept = np.zeros_like(array)
        kept[rows] = array[rows]
        return kept

    def _info(self) -> dict[str, Any]:
        b = self._batch
        mask = b.mask if self.game.masked else np.ones_like(b.mask)
        return {"action_mask": mask.copy() if self.copy else mask, "turn": b.turn.copy(), "return_unshaped": b.earned.copy()}


def inquiry_vec(num_envs: int = 1, **terms: Any) -> WorldVectorEnv:
    """Make ``medsim/Inquiry-v0`` for ``gym.make_vec``."""
    return WorldVectorEnv(num_envs, task="inquiry", **terms)


def workup_vec(num_envs: int = 1, **terms: Any) -> WorldVectorEnv:
    """Make ``medsim/Workup-v0`` for ``gym.make_vec``."""
    return WorldVectorEnv(num_envs, task="workup", **terms)
