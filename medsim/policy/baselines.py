"""Policies that need no learning and little thought: silent, random, a fixed order, everything; and one that knows the answer.

The rule: each is one short class, takes many encounters at once, and is legal in both tasks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from medsim.policy.greedy import finish
from medsim.policy.view import View
from medsim.world.tables import F64, I64, Tables


@dataclass
class Silent:
    """Ask nothing; the complaint, age and sex decide."""

    name: str = "chief complaint only"

    def act(self, view: View) -> I64:
        """Return the end."""
        return finish(view, view.belief)


@dataclass
class Random:
    """Ask so many legal questions by lot, then end."""

    questions: int
    name: str = ""

    def __post_init__(self) -> None:
        """Name it by its number."""
        self.name = self.name or f"random, {self.questions} questions"

    def act(self, view: View) -> I64:
        """Return a question by lot, or the end."""
        lots = np.where(view.questions != 0, view.rng.random(view.questions.shape), -1.0)
        done = (view.turn >= self.questions) | view.last | (lots.max(axis=1) < 0)
        return np.where(done, finish(view, view.belief), lots.argmax(axis=1))


@dataclass
class Fixed:
    """Ask in one order, the same for all: by default the findings that vary most from patient to patient first."""

    tables: Tables
    questions: int
    order: list[int] = field(default_factory=list)
    name: str = ""

    def __post_init__(self) -> None:
        """Lay down the order."""
        self.name = self.name or f"fixed order, {self.questions} questions"
        if not self.order:
            self.order = np.argsort(-variance(self.tables), kind="stable").tolist()
        self._rank = np.empty(len(self.order))
        self._rank[self.order] = np.arange(len(self.order))

    def act(self, view: View) -> I64:
        """Return the next question of the order that is legal, or the end."""
        rank = np.where(view.questions != 0, self._rank, np.inf)
        done = (view.turn >= self.questions) | view.last | np.isinf(rank.min(axis=1))
        return np.where(done, finish(view, view.belief), rank.argmin(axis=1))


@dataclass
class AskAll:
    """Ask everything that may be asked; give it a game with turns enough."""

    name: str = "ask all"

    def act(self, view: View) -> I64:
        """Return the first legal question, or the end."""
        done = ~view.questions.any(axis=1) | view.last
        return np.where(done, finish(view, view.belief), view.questions.argmax(axis=1))


@dataclass
class Oracle:
    """Know the condition: ask what speaks for it most, and stop as soon as the posterior names it; with diagnoses, name it at once."""

    tables: Tables
    name: str = "oracle"
    knows: bool = True

    def __post_init__(self) -> None:
        """Weigh every outcome once."""
        logs, chance = self.tables.log_likelihood.astype(np.float64), self.tables.likelihood
        starts = self.tables.offset
        own = np.add.reduceat(chance * logs, starts, axis=0)
        self._own, self._logs, self._chance, self._starts = own, logs, chance, starts

    def act(self, view: View) -> I64:
        """Return the question expected to lift the true condition most over its nearest rival, or the end."""
        assert view.truth is not None
        g, truth, rows = view.game, view.truth, np.arange(len(view))
        if g.task == "workup":
            sure = np.zeros_like(view.belief)
            sure[rows, truth] = 1.0
            return finish(view, sure)
        belief = view.belief.copy()
        right = belief.argmax(axis=1) == truth
        belief[rows, truth] = -1.0
        worth = np.where(view.questions != 0, self._margin(truth, belief.argmax(axis=1)), -np.inf)
        done = right | view.last | ~view.questions.any(axis=1)
        return np.where(done, finish(view, view.belief), worth.argmax(axis=1))

    def _margin(self, truth: I64, rival: I64) -> F64:
        """(n, F): E[log P(answer | truth) - log P(answer | rival)], the patient having ``truth``."""
        cross = np.add.reduceat(self._chance[:, truth] * self._logs[:, rival], self._starts, axis=0)
        return np.asarray((self._own[:, truth] - cross).T)


def variance(tables: Tables) -> F64:
    """Return (F,): how much each finding varies over all patients, p (1 - p); a child counts with its parent."""
    prior = tables.weight @ tables.prior
    present = tables.present.copy()
    for f in range(present.shape[1]):
        above = int(tables.parent[f])
        while above >= 0:
            present[:, f] *= tables.present[:, above]
            above = int(tables.parent[above])
    p = prior @ present
    return np.asarray(p * (1 - p))
