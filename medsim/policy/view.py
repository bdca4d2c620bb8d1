"""What a policy is shown of many encounters, and the playing of one policy on a fixed set of patients.

The rule: a policy is given what the observation and the mask say, never the truth, unless it says of itself that it ``knows`` (an oracle).
All policies of one comparison play the same patients, each once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from medsim.errors import ActionError
from medsim.world.belief import posterior
from medsim.world.game import Game
from medsim.world.inquiry import WorldVectorEnv
from medsim.world.patients import UNKNOWN, Patients
from medsim.world.tables import F32, I8, I64, PRESENT, Tables

MAX_AGE = 110.0


@dataclass(eq=False)
class View:
    """n encounters as the doctor sees them now."""

    game: Game
    seen: dict[str, NDArray[Any]]
    """The parts of the observation, the posterior (``belief``) among them; see ``game.layout``."""
    mask: I8
    """(n, A)"""
    turn: I64
    """(n,)"""
    complaint: I64
    """(n,): the finding each opened with, -1 for none."""
    rng: np.random.Generator
    truth: I64 | None = None
    """(n,): the conditions; for a policy that knows."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.turn)

    @property
    def belief(self) -> F32:
        """(n, D): the exact posterior, noise included."""
        return np.asarray(self.seen["belief"])

    @property
    def questions(self) -> I8:
        """(n, F): which findings may be asked for."""
        return self.mask[:, : self.game.findings]

    @property
    def last(self) -> NDArray[np.bool_]:
        """(n,): where there is just time left to finish."""
        return np.asarray(self.turn >= self.game.max_turns - 1 - most_critical(self.game))

    def outcomes(self) -> I64:
        """Return (n, F): the outcome of each finding that was asked for, -1 elsewhere and for the complaint."""
        seen, t = self.seen, self.game.tables
        found = np.where(seen["asked"] > 0, seen["findings"].astype(np.int64) + 1, -1)
        for f in np.flatnonzero(t.values):
            start = int(self.game.value_offset[f])
            which = seen["values"][:, start : start + int(t.values[f])].argmax(axis=1)
            found[:, f] += np.where(found[:, f] == PRESENT, which, 0)
        opened = np.flatnonzero(self.complaint >= 0)
        found[opened, self.complaint[opened]] = -1
        return found

    def belief_under(self, tables: Tables) -> F32:
        """Return the posterior under other tables of the same world, such as those of a doctor who takes every answer for true."""
        age = np.rint(self.seen["demo"][:, 0] * MAX_AGE).astype(np.int64)
        female = self.seen["demo"][:, 2] > 0.5
        fits = (tables.female == female[:, None]) & (tables.ages[:, 0] <= age[:, None]) & (age[:, None] <= tables.ages[:, 1])
        log = posterior(tables, group=fits.argmax(axis=1), complaint=self.complaint, outcomes=self.outcomes())
        return np.exp(log)


def most_critical(game: Game) -> int:
    """Return the most treatments that one condition needs before it is named."""
    return int(game.critical.sum(axis=1).max(initial=0))


class Policy(Protocol):
    """Chooses an action for each of many encounters."""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        ...

    def act(self, view: View) -> I64:
        """Return (n,) actions."""
        ...


@dataclass(frozen=True, eq=False)
class Played:
    """What one policy did on n patients; arrays of n."""

    name: str
    condition: I64
    diagnosis: I64
    """-1 where none was given."""
    success: NDArray[np.bool_]
    questions: I64
    """Findings asked for, tests included."""
    earned: F32
    """The unshaped return."""
    shaping: F32
    illegal: I64
    truncated: NDArray[np.bool_]
    belief: F32
    """(n, D): the exact posterior at the end."""
    right_by: NDArray[np.float64]
    """(T + 1,): share of patients whose likeliest condition was the true one after so many turns; ended ones stay as they ended."""

    def __len__(self) -> int:
        """Return how many patients there were."""
        return len(self.condition)


def play(policy: Policy, game: Game, patients: Patients, *, seed: int = 0, shaping: float | None = None) -> Played:
    """Play every patient once; ``seed`` is of the policy's own chance. ``shaping`` replaces the game's weight of it."""
    if len(patients) == 0:
        raise ActionError("No patients to play. Draw some: medsim.world.sample(tables, 1000, seed=1).")
    terms = game.payoff if shaping is None else game.payoff.model_copy(update={"shaping": shaping})
    # Several policies play one game again and again; what is computed once a game stays with its bank.
    game = replace(game, bank=patients, belief=True, seen="dict", payoff=terms)
    n = len(patients)
    env = WorldVectorEnv(n, world=game, in_order=True, copy=False)
    seen, info = env.reset(seed=seed)
    assert isinstance(seen, dict)
    return _played(policy, env, seen, info, rng=np.random.default_rng([seed, 0x9A7]), patients=patients)


def _played(
    policy: Policy,
    env: WorldVectorEnv,
    seen: dict[str, NDArray[Any]],
    info: dict[str, Any],
    *,
    rng: np.random.Generator,
    patients: Patients,
) -> Played:
    game, n = env.game, env.num_envs
    truth, running = env.truth, np.arange(n)
    complaint = complaints(seen)
    made = Played(
        policy.name, truth, np.full(n, -1), np.zeros(n, dtype=bool), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.float32),
        np.zeros(n, dtype=np.float32), np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool),
        np.zeros((n, game.conditions), dtype=np.float32), np.zeros(game.max_turns + 1),
    )  # fmt: skip
    now = seen["belief"].argmax(axis=1) == truth
    made.right_by[0] = now.mean()
    for turn in range(1, game.max_turns + 1):
        view = View(
            game, {name: part[running] for name, part in seen.items()}, info["action_mask"][running], info["turn"][running],
            complaint[running], rng, truth[running] if getattr(policy, "knows", False) else None,
        )  # fmt: skip
        chosen = policy.act(view)
        legal = view.mask[np.arange(len(running)), chosen] != 0
        made.questions[running] += legal & (chosen < game.findings)
        made.illegal[running] += ~legal
        actions = np.full(n, game.stop)
        actions[running] = chosen
        step, _, ended, cut, info = env.step(actions)
        assert isinstance(step, dict)
        seen = step
        made.shaping[running] += info["reward_shaping"][running]
        over = running[(ended | cut)[running]]
        if over.size:
            final = info["final_info"]
            made.earned[over], made.diagnosis[over] = final["return_unshaped"][over], final["diagnosis"][over]
            made.success[over], made.truncated[over] = final["success"][over] > 0, cut[over]
            made.belief[over] = info["final_obs"]["belief"][over]
            now[over] = made.belief[over].argmax(axis=1) == truth[over]
        running = running[~(ended | cut)[running]]
        now[running] = seen["belief"][running].argmax(axis=1) == truth[running]
        made.right_by[turn] = now.mean()
        if not running.size:
            made.right_by[turn:] = now.mean()
            break
    return made


def complaints(seen: dict[str, NDArray[Any]]) -> I64:
    """Return what each encounter opened with, from its first observation."""
    return np.where(seen["asked"].any(axis=1), seen["asked"].argmax(axis=1), UNKNOWN)


def without_complaint(patients: Patients) -> Patients:
    """Return the same patients saying nothing of themselves, so that only age and sex are known."""
    return replace(patients, complaint=np.full(len(patients), UNKNOWN))
