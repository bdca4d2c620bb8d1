"""One encounter with a world: ``medsim/Inquiry-v0`` and ``medsim/Workup-v0`` through ``gym.make``.

The rule: it is sub-environment 0 of the vector environment, in plain numbers because arrays of one are slow: the same seed gives the same
patients, the same answers and the same reward.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from medsim.errors import ActionError, did_you_mean
from medsim.world import belief, chance
from medsim.world.game import Game, game, numbered
from medsim.world.inquiry import root_of
from medsim.world.met import Met
from medsim.world.schema import World
from medsim.world.tables import F32, PRESENT, Tables

Observation = dict[str, NDArray[Any]] | NDArray[Any]


class WorldEnv(gym.Env[Any, Any]):
    """An encounter with one patient of a world; arguments are those of ``medsim.world.game.game``.

    Info: ``action_mask`` (int8), ``turn``, ``patient`` (the key, or the place in the bank), ``return_unshaped``, ``reward_cost``,
    ``reward_utility``, ``reward_safety``, ``reward_shaping``, ``success``, ``diagnosis`` (-1 until one is given).
    """

    metadata = {"render_modes": ["ansi", "human"], "render_fps": 4}

    def __init__(self, *, world: str | World | Tables | Game = "sore-throat", render_mode: str | None = None, **terms: Any) -> None:
        self.game = world if isinstance(world, Game) else game(world, **terms)
        self.render_mode = render_mode
        self.observation_space = self.game.observation_space
        self.action_space = gym.spaces.Discrete(self.game.actions)
        g = self.game
        width = sum(g.layout.values())
        starts = np.cumsum([0, *g.layout.values()])
        self._parts = [(name, int(start), int(start) + size) for (name, size), start in zip(g.layout.items(), starts, strict=False)]
        self._at = {name: start for name, start, _ in self._parts}
        self._exact = self._at["demo"]
        self._state = np.zeros(width if g.seen == "flat" else self._exact, dtype=np.float32 if g.seen == "flat" else np.int8)
        self._real = self._state[self._exact :] if g.seen == "flat" else np.zeros(width - self._exact, dtype=np.float32)
        self._cut = [(n, i, j) for n, i, j in self._parts if i < self._exact]
        self._cut_real = [(n, i - self._exact, j - self._exact) for n, i, j in self._parts if i >= self._exact]
        self._plain_tables()
        self._root, self._episode, self._running = 0, -1, False
        self._log: F32 = np.zeros(g.conditions, dtype=np.float32)
        self._start_entropy, self._potential, self._now = 1.0, -1.0, -1.0

    def _plain_tables(self) -> None:
        g, t = self.game, self.game.tables
        self._fees: list[float] = g.fee.tolist()
        self._costs: list[float] = g.cost.tolist()
        self._children = [[int(child) for child in row if child >= 0] for row in t.children]
        self._offset: list[int] = t.offset.tolist()
        self._values: list[int] = t.values.tolist()
        self._met = Met(g)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Begin an encounter; ``options={"patient": key}`` meets the same patient again (with a bank: its place there)."""
        super().reset(seed=seed)
        for name in options or ():
            if name != "patient":
                raise ActionError(f"No reset option '{name}'.{did_you_mean(str(name), ['patient'])} Known: patient.")
        if seed is not None or self._episode < 0:
            self._root, self._episode = root_of(None, self.np_random), 0
        key = chance.key_of(self._root, self._episode)
        self._episode += 1
        self._met.enter(key, (options or {}).get("patient"))
        self._running, self._turn, self._spent, self._return = True, 0, 0.0, 0.0
        self._codes: list[int] = []
        g = self.game
        met = self._met
        self._sex = int(g.tables.female[met.group])
        self._mask = g.opening_mask[met.group].copy()
        self._state[:] = 0
        self._real[:] = 0
        self._real[:3] = met.age / 110.0, 1 - self._sex, self._sex
        if met.complaint >= 0:
            self._show(met.complaint, met.opened())
        if g.tracks:
            self._begin_belief()
        if self.render_mode == "human":
            self.render()
        return self._observation(), self._info(0.0, 0.0, 0.0, 0.0, 0, -1)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out one action; an illegal one changes nothing, costs a little and takes a turn."""
        if not self._running:
            raise ActionError("The encounter is over, or was never begun. Call reset.")
        g = self.game
        a = numbered(action, actions=g.actions)
        legal = bool(self._mask[a])
        cost = -self._fees[a] if legal else g.payoff.illegal
        utility, safety, shaping, ended, given = 0.0, 0.0, 0.0, False, -1
        if legal:
            self._spent += self._costs[a]
            if a < g.findings:
                self._ask(a)
            elif a < g.stop:
                safety, ended = self._treat(a - g.findings, cost)
            else:
                given = int(self._reference().argmax()) if g.task == "inquiry" else a - g.stop
                (utility, safety), ended = self._diagnose(given, cost), True
        self._turn += 1
        if g.min_turn and not self._mask[g.stop :].any() and (self._turn >= g.min_turn or not self._mask[: g.findings].any()):
            self._mask[g.findings :] = g.closing_mask
        cut = not ended and (self._turn >= g.max_turns or (g.budget is not None and self._spent > g.budget))
        if cut:
            utility = g.payoff.truncated
        self._return += cost + utility + safety
        if g.payoff.shaping:
            after = 0.0 if ended or cut else self._now
            shaping = g.payoff.shaping * (g.payoff.gamma * after - self._potential)
            self._potential = after
        self._running = not (ended or cut)
        if self.render_mode == "human":
            self.render()
        info = self._info(cost, utility, safety, shaping, int(given == self._met.condition), given)
        return self._observation(), cost + utility + safety + shaping, ended, cut, info

    def action_masks(self) -> NDArray[np.int8]:
        """Return what is legal now, (A,) int8."""
        return self._mask.copy() if self.game.masked else np.ones_like(self._mask)

    @property
    def belief(self) -> F32:
        """The exact posterior of what has been reported so far, (D,)."""
        return np.asarray(np.exp(belief.normal(self._reference())), dtype=np.float32)

    @property
    def truth(self) -> int:
        """The condition. For oracles, tests and teachers only."""
        return self._met.condition

    def render(self) -> Any:
        """Return (ansi) or write (human) what is known so far."""
        if self.render_mode is None:
            return None
        if self.render_mode not in self.metadata["render_modes"]:
            raise ActionError(f"No render mode '{self.render_mode}'. Known: ansi, human.")
        text = self._page()
        if self.render_mode == "ansi":
            return text
        import sys

        sys.stdout.write(text + "\n")
        return None

    def _page(self) -> str:
        sign = {-1: "no", 0: "unsure", 1: "yes"}
        f = self.game.findings
        known = [
            f"{finding.name}: {sign[int(self._state[i])]}"
            for i, finding in enumerate(self.game.tables.world.findings)
            if self._state[f + i]
        ]
        return f"turn {self._turn}; {'male' if self._sex == 0 else 'female'}, {self._met.age}; " + "; ".join(known or ["nothing known"])

    def _ask(self, f: int) -> None:
        outcome = self._met.answer(f)
        self._show(f, outcome)
        code = self._offset[f] + outcome
        if not self.game.tracks:
            self._codes.append(code)
            return
        log = self._log + self.game.tables.log_likelihood[code]
        weight = np.exp(log)
        total = weight.sum()
        log_total = np.log(total)
        self._now = -float(log_total - weight.dot(log) / total) / self._start_entropy
        self._log = log - log_total
        if self.game.belief:
            np.divide(weight, total, out=self._real[5:])

    def _show(self, f: int, outcome: int) -> None:
        state = self._state
        state[f] = min(outcome, PRESENT) - 1
        state[self.game.findings + f] = 1
        self._mask[f] = 0
        if outcome < PRESENT:
            return
        if self._values[f]:
            state[self._at["values"] + int(self.game.value_offset[f]) + outcome - PRESENT] = 1
        for child in self._children[f]:
            self._mask[child] = self.game.tables.allowed[self._met.group, child]

    def _begin_belief(self) -> None:
        tables = self.game.tables
        self._log = tables.log_start[self._met.group, self._met.complaint]
        self._start_entropy = float(tables.start_entropy[self._met.group, self._met.complaint])
        self._potential = self._now = -1.0
        if self.game.belief:
            self._real[5:] = np.exp(self._log)

    def _reference(self) -> F32:
        if self.game.tracks:
            return self._log
        log: F32 = self.game.tables.log_start[self._met.group, self._met.complaint]
        return np.asarray(log + self.game.tables.log_likelihood[self._codes].sum(axis=0))

    def _diagnose(self, given: int, cost: float) -> tuple[float, float]:
        g = self.game
        utility = float(g.utility[self._met.condition, given])
        if not g.treatments:
            return utility, 0.0
        at = self._at["treated"]
        unmet = int((g.critical[self._met.condition] & (self._state[at : at + g.treatments] == 0)).sum())
        return utility, self._vetoed(g.payoff.critical * unmet, cost + utility) if unmet else 0.0

    def _treat(self, m: int, cost: float) -> tuple[float, bool]:
        g = self.game
        self._state[self._at["treated"] + m] = 1
        self._mask[g.findings + m] = 0
        if not (g.harmful[m, self._met.condition] or (self._met.has() & g.forbidding[m]).any()):
            return 0.0, False
        return self._vetoed(g.payoff.harm, cost), True

    def _vetoed(self, safety: float, rest: float) -> float:
        return safety - max(self._return + rest + safety, 0.0) if self.game.payoff.veto else safety

    def _observation(self) -> Observation:
        real = self._real
        real[3] = self._turn / self.game.max_turns
        real[4] = min(self._spent / self.game.dollars, 1.0)
        state = self._state.copy()
        if self.game.seen == "flat":
            return state
        seen = {name: state[start:end] for name, start, end in self._cut}
        real = real.copy()
        for name, start, end in self._cut_real:
            seen[name] = real[start:end]
        return seen

    def _info(self, cost: float, utility: float, safety: float, shaping: float, success: int, given: int) -> dict[str, Any]:
        return {
            "action_mask": self.action_masks(), "turn": self._turn, "patient": self._met.place, "return_unshaped": self._return,
            "reward_cost": cost, "reward_utility": utility, "reward_safety": safety, "reward_shaping": shaping,
            "success": success, "diagnosis": given,
        }  # fmt: skip


def inquiry(**terms: Any) -> WorldEnv:
    """Make ``medsim/Inquiry-v0``."""
    return WorldEnv(task="inquiry", **terms)


def workup(**terms: Any) -> WorldEnv:
    """Make ``medsim/Workup-v0``."""
    return WorldEnv(task="workup", **terms)
