"""What learners share: many encounters that never end, the clock of a training, and its learning curve.

The rule: training patients are drawn afresh and never the ones a policy is judged on; a learner stops by steps or by seconds of this
process's own processor time, whichever comes first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsim.errors import ActionError
from medsim.policy.view import View, complaints
from medsim.world.game import Game
from medsim.world.inquiry import WorldVectorEnv
from medsim.world.tables import F32, I64

Flags = NDArray[np.bool_]
Report = Callable[["Point"], None]


@dataclass(frozen=True)
class Point:
    """One point of a learning curve."""

    steps: int
    seconds: float
    """Of processor time."""
    earned: float
    """Mean unshaped return of the encounters that ended since the point before."""
    questions: float
    accuracy: float


@dataclass
class Clock:
    """Steps taken and processor seconds used, and where they end."""

    steps: int
    """At most so many environment steps."""
    seconds: float = float("inf")
    """At most so many seconds of processor time."""
    done: int = 0
    start: float = field(default_factory=time.process_time)

    def __post_init__(self) -> None:
        """Refuse a training that cannot begin."""
        if self.steps < 1 or self.seconds <= 0:
            raise ActionError(
                f"A training of at least one step and some seconds was expected, given steps={self.steps}, seconds={self.seconds}."
            )

    @property
    def used(self) -> float:
        """Seconds since the start."""
        return time.process_time() - self.start

    @property
    def share(self) -> float:
        """How much of the training is over, 0 to 1."""
        return min(1.0, max(self.done / self.steps, self.used / self.seconds))


class Stream:
    """Encounters of a game that begin anew as they end, seen as policies see them."""

    def __init__(self, game: Game, count: int, *, seed: int) -> None:
        """Begin them."""
        self.env = WorldVectorEnv(count, world=replace(game, belief=True, seen="dict"), copy=False)
        self.count, self.rng = count, np.random.default_rng([seed, 0x57A])
        seen, info = self.env.reset(seed=int(self.rng.integers(2**31)))
        assert isinstance(seen, dict)
        self.seen: dict[str, NDArray[Any]] = seen
        self.info = info
        self.complaint = complaints(seen)
        self.ended: list[tuple[float, float, float]] = []
        self.curve: list[Point] = []

    def view(self) -> View:
        """Return what a policy sees now."""
        return View(self.env.game, self.seen, self.info["action_mask"], self.info["turn"], self.complaint, self.rng)

    def step(self, actions: I64) -> tuple[F32, Flags]:
        """Carry out the actions; return the rewards and where an encounter ended."""
        seen, reward, ended, cut, self.info = self.env.step(actions)
        assert isinstance(seen, dict)
        self.seen = seen
        over = ended | cut
        if over.any():
            final = self.info["final_info"]
            turns = final["turn"][over] - ended[over]
            self.ended += zip(final["return_unshaped"][over], turns, final["success"][over], strict=True)
            self.complaint = np.where(over, complaints(seen), self.complaint)
        return reward, over

    def point(self, clock: Clock, report: Report | None = None) -> None:
        """Put what ended since the last time on the learning curve."""
        if self.ended:
            earned, questions, right = (float(x) for x in np.mean(self.ended, axis=0))
            self.curve.append(Point(clock.done, clock.used, earned, questions, right))
            self.ended.clear()
            if report:
                report(self.curve[-1])
