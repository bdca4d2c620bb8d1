"""Learning from a teacher: behaviour cloning, which follows the teacher, and DAgger, which asks the teacher on its own way.

The rule: the label is the action the teacher would take where the learner stands. (Ross, Gordon and Bagnell, AISTATS 2011.)
"""

from __future__ import annotations

import numpy as np

from medsim.policy.learned import Learned, Sight
from medsim.policy.training import Clock, Point, Report, Stream
from medsim.policy.view import Policy
from medsim.world.game import Game
from medsim.world.tables import F32, I8, I64

POINTS = 40
"""How many points a learning curve has at most."""


class Memory:
    """The newest labelled situations, in a ring."""

    def __init__(self, size: int, wide: int, actions: int) -> None:
        self.x = np.zeros((size, wide), dtype=np.float16)
        self.mask = np.zeros((size, actions), dtype=np.int8)
        self.label = np.zeros(size, dtype=np.int64)
        self.size, self.held, self.next = size, 0, 0

    def add(self, x: F32, mask: I8, label: I64) -> None:
        """Put in one batch, over the oldest."""
        at = (self.next + np.arange(len(x))) % self.size
        self.x[at], self.mask[at], self.label[at] = x, mask, label
        self.next, self.held = int((self.next + len(x)) % self.size), min(self.size, self.held + len(x))


def imitate(
    game: Game,
    teacher: Policy,
    *,
    seed: int,
    steps: int = 500_000,
    seconds: float = float("inf"),
    dagger: bool = True,
    envs: int = 256,
    hidden: tuple[int, ...] = (256, 256),
    sight: Sight = "gain",
    rate: float = 1e-3,
    batch: int = 1024,
    report: Report | None = None,
) -> tuple[Learned, list[Point]]:
    """Train on the teacher's labels; return the policy and its learning curve, which is of the encounters as they were played."""
    clock, stream = Clock(steps, seconds), Stream(game, envs, seed=seed)
    policy = Learned.fresh(game, seed=seed, hidden=hidden, sight=sight, name="DAgger" if dagger else "behaviour cloning")
    memory, rng = Memory(65_536, policy.eyes.width, game.actions), stream.rng
    shown = 0.0
    while clock.share < 1.0:
        view = stream.view()
        x, mask, label = policy.eyes(view.seen, view.mask), view.mask.copy(), teacher.act(view)
        memory.add(x, mask, label)
        own = policy.logs(x, mask).argmax(axis=1) if dagger else label
        follow = rng.random(envs) < 1.0 - 10.0 * clock.share
        stream.step(np.where(follow, label, own))
        clock.done += envs
        drawn = rng.integers(memory.held, size=min(batch, memory.held))
        _fit(policy, memory, drawn, rate=rate * (1.0 - 0.9 * clock.share))
        if clock.share >= shown + 1 / POINTS:
            shown = clock.share
            stream.point(clock, report)
    stream.point(clock, report)
    return policy, stream.curve


def _fit(policy: Learned, memory: Memory, drawn: I64, *, rate: float) -> None:
    """Take one step towards the teacher's choices: cross-entropy."""
    through, logs = policy.through(memory.x[drawn].astype(np.float32), memory.mask[drawn])
    slope = np.exp(logs)
    slope[np.arange(len(drawn)), memory.label[drawn]] -= 1.0
    policy.net.learn(through, np.asarray(slope / len(drawn), dtype=np.float32), rate=rate, clip=1.0)
