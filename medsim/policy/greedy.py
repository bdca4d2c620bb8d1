"""Questions by expected information gain under an exact posterior: greedy, blind to noise, and looking two questions ahead.

The rule: the gain of every question comes from two matrix products (``medsim.world.belief.Gain``), and these policies stop when the
posterior is certain enough, when a number of questions is asked, or when no question tells anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medsim.policy.view import View, play
from medsim.world.belief import Gain
from medsim.world.game import Game
from medsim.world.patients import Patients
from medsim.world.tables import F32, I64, PRESENT, Tables, compile_world

LEAST = 1e-6
"""A gain in nats below this is rounding."""
LEVELS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995)


def finish(view: View, belief: F32) -> I64:
    """Return the actions that end: STOP, or first what the likeliest condition needs, then its diagnosis."""
    g = view.game
    if g.task == "inquiry":
        return np.full(len(view), g.stop)
    likeliest = belief.argmax(axis=1)
    end = g.stop + likeliest
    if not g.treatments:
        return np.asarray(end)
    open_now = view.mask[:, g.findings : g.stop] != 0
    due = g.critical[likeliest] & open_now & ~g.harmful.T[likeliest]
    due &= ((view.seen["findings"] > 0).astype(np.float32) @ g.forbidding.T.astype(np.float32)) == 0
    return np.asarray(np.where(due.any(axis=1), g.findings + due.argmax(axis=1), end))


@dataclass(eq=False)
class Greedy:
    """Ask what is expected to tell most; stop at a posterior of ``certain``, or after a number of ``questions``."""

    tables: Tables
    certain: float = 0.99
    questions: int | None = None
    blind: bool = False
    """Take every answer for the truth, as if the patients of a noisy world were not noisy."""
    per_price: bool = False
    """Ask what tells most for its fee."""
    name: str = ""

    def __post_init__(self) -> None:
        """Name it by its terms."""
        end = f"{self.questions} questions" if self.questions is not None else f"until {self.certain:g}"
        extra = (", blind to noise" if self.blind else "") + (", per fee" if self.per_price else "")
        self.name = self.name or f"greedy, {end}{extra}"

    @cached_property
    def model(self) -> Tables:
        """The tables it believes in."""
        return compile_world(self.tables.world, noise={}) if self.blind else self.tables

    @cached_property
    def gain(self) -> Gain:
        """Its expected information gain."""
        return Gain.of(self.model)

    def act(self, view: View) -> I64:
        """Return the question that tells most, or the end."""
        belief = view.belief_under(self.model) if self.blind else view.belief
        worth = np.where(view.questions != 0, self.worth(view, belief), np.float32(-1.0))
        best = worth.argmax(axis=1)
        enough = belief.max(axis=1) >= self.certain if self.questions is None else view.turn >= self.questions
        done = enough | (worth.max(axis=1) <= LEAST) | view.last
        may_end = view.mask[:, view.game.findings :].any(axis=1) | (worth.max(axis=1) < 0)
        return np.where(done & may_end, finish(view, belief), best)

    def worth(self, view: View, belief: F32) -> F32:
        """Return (n, F): how much each question is worth."""
        gain = self.gain(belief)
        return np.asarray(gain / np.maximum(self.tables.fee, np.float32(1e-3)), dtype=np.float32) if self.per_price else gain


@dataclass(eq=False)
class LookAhead(Greedy):
    """Ask what tells most together with the best question after it; a gate counts for what it opens."""

    width: int = 8
    """Questions followed up: the best by gain, and as many gates by the best they may open."""

    def __post_init__(self) -> None:
        """Name it by its terms."""
        self.name = self.name or f"two-step look-ahead, until {self.certain:g}"
        super().__post_init__()

    def worth(self, view: View, belief: F32) -> F32:
        """Return (n, F): the gain of each question followed up, and of the best one after it; little for the others."""
        first = self.gain(belief)
        legal = view.questions != 0
        value = np.where(legal, first * np.float32(1e-3), np.float32(-1.0))
        rows = np.arange(len(view))
        for f in self._followed(first, legal).T:
            total = first[rows, f] + self._after(view, belief, f)
            value[rows, f] = np.where(legal[rows, f], total, value[rows, f])
        return value

    def _followed(self, first: F32, legal: NDArray[np.bool_]) -> I64:
        """Return (n, candidates)."""
        t = self.tables
        width = min(self.width, first.shape[1])
        best = np.argpartition(np.where(legal, first, -1.0), -width, axis=1)[:, -width:]
        gates = np.flatnonzero(t.children[:, 0] >= 0)
        if not gates.size:
            return best
        opened = np.where(t.children[gates] >= 0, first[:, t.children[gates]], -1.0).max(axis=2)
        promise = np.where(legal[:, gates], opened, -1.0)
        most = min(self.width, gates.size)
        return np.concatenate([best, gates[np.argpartition(promise, -most, axis=1)[:, -most:]]], axis=1)

    def _after(self, view: View, belief: F32, f: I64) -> F32:
        """Return the expected gain of the best question after one question each, (n,)."""
        t, rows = self.model, np.arange(len(f))
        total = np.zeros(len(f), dtype=np.float32)
        for outcome in range(2 + max(1, int(t.values[f].max()))):
            real = outcome < 2 + np.maximum(t.values[f], 1)
            joint = belief * t.likelihood[np.where(real, t.offset[f] + outcome, 0)].astype(np.float32)
            chance = np.where(real, joint.sum(axis=1), 0.0).astype(np.float32)
            some = np.flatnonzero(chance > 1e-6)
            if not some.size:
                continue
            legal = view.questions[some] != 0
            legal[np.arange(some.size), f[some]] = False
            if outcome >= PRESENT:
                for child in t.children[f[some]].T:
                    at = np.flatnonzero(child >= 0)
                    legal[at, child[at]] = True
            then = np.where(legal, self.gain(joint[some] / joint[some].sum(axis=1, keepdims=True)), 0.0).max(axis=1)
            total[rows[some]] += chance[some] * then
        return total


def tuned(game: Game, patients: Patients, *, levels: Sequence[float] = LEVELS, blind: bool = False) -> Greedy:
    """Return greedy with the level of certainty that earns most on these patients, which must not be the ones it is judged on."""
    tried = [Greedy(game.tables, certain=level, blind=blind) for level in levels]
    earned = [float(play(policy, game, patients).earned.mean()) for policy in tried]
    best = tried[int(np.argmax(earned))]
    return replace(best, name=f"greedy, tuned ({best.certain:g})")
