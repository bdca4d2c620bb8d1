"""Proximal policy optimisation in numpy, from nothing or from a policy that can already do something.

The rule: illegal actions are masked out of the softmax, an end by the turn limit is an end like any other (the turn is in the observation),
and what is reported is the unshaped return. (Schulman et al., 2017; advantages by Schulman et al., 2016.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsim.policy.learned import Learned, Sight
from medsim.policy.net import Net, drawn
from medsim.policy.training import Clock, Point, Report, Stream
from medsim.world.game import Game
from medsim.world.tables import F32, I64


@dataclass(frozen=True)
class Terms:
    """The settings."""

    envs: int = 256
    length: int = 32
    """Steps of each environment between two updates."""
    epochs: int = 4
    batch: int = 2048
    rate: float = 5e-4
    clip: float = 0.2
    trace: float = 0.95
    """Lambda of the advantages; the discount is 1, as the return is what counts."""
    curiosity: float = 0.01
    """Weight of the entropy bonus; it falls to a tenth."""
    shaping: float = 0.3
    expected: bool = True
    """Learn from the utility a diagnosis has on average under the exact posterior, not from the one drawn: the same mean, less chance."""
    warm: int = 3
    """Updates in which only the critic learns, where the actor begins as a policy that can do something."""
    halt: float = 0.03
    """An update ends early when the policy has moved so far (KL, nats)."""


SCRATCH = Terms()
REFINING = Terms(envs=512, batch=4096, rate=2e-4, curiosity=0.0)
"""For going on from a policy that is good already: larger batches, smaller steps, no bonus for chance."""


@dataclass(eq=False)
class Rollout:
    """What happened between two updates; (length, envs, …)."""

    x: F32
    mask: NDArray[np.int8]
    action: I64
    log: F32
    value: F32
    reward: F32
    over: NDArray[np.bool_]


def ppo(
    game: Game,
    *,
    seed: int,
    steps: int = 1_000_000,
    seconds: float = float("inf"),
    start: Learned | None = None,
    terms: Terms | None = None,
    hidden: tuple[int, ...] = (256, 256),
    sight: Sight = "gain",
    report: Report | None = None,
) -> tuple[Learned, list[Point]]:
    """Train on the return; ``start`` is a policy to go on from, which is left as it is. Return the policy and its learning curve."""
    terms = terms or (SCRATCH if start is None else REFINING)
    shaped = replace(game, payoff=game.payoff.model_copy(update={"shaping": terms.shaping, "gamma": 1.0}))
    clock, stream = Clock(steps, seconds), Stream(shaped, terms.envs, seed=seed)
    policy = Learned.fresh(game, seed=seed, hidden=hidden, sight=sight, name="PPO")
    if start is not None:
        policy = _copied(start, game, seed=seed)
    critic = Net((policy.eyes.width, 128, 128, 1), rng=np.random.default_rng([seed, 0xC81]), last=1.0)
    updates = 0
    while clock.share < 1.0:
        made, last = _collected(stream, policy, critic, terms, clock)
        frozen = start is not None and updates < terms.warm
        _improve(policy, critic, made, last, terms, left=1.0 - clock.share, rng=stream.rng, frozen=frozen)
        updates += 1
        stream.point(clock, report)
    return policy, stream.curve


def _copied(start: Learned, game: Game, *, seed: int) -> Learned:
    sizes = start.net.sizes[1:-1]
    policy = Learned.fresh(game, seed=seed, hidden=sizes, sight=start.eyes.sight, name=f"{start.name}, then PPO")
    policy.net.weights = [weight.copy() for weight in start.net.weights]
    return policy


def _collected(stream: Stream, policy: Learned, critic: Net, terms: Terms, clock: Clock) -> tuple[Rollout, F32]:
    """Play on for one rollout; return it and the critic's value of where it stopped."""
    t, n = terms.length, terms.envs
    wide, actions = policy.net.sizes[0], policy.net.sizes[-1]
    made = Rollout(
        np.empty((t, n, wide), np.float32), np.empty((t, n, actions), np.int8), np.empty((t, n), np.int64), np.empty((t, n), np.float32),
        np.empty((t, n), np.float32), np.empty((t, n), np.float32), np.empty((t, n), bool),
    )  # fmt: skip
    for i in range(t):
        view = stream.view()
        made.x[i], made.mask[i] = policy.eyes(view.seen, view.mask), view.mask
        logs = policy.logs(made.x[i], made.mask[i])
        made.action[i] = drawn(logs, stream.rng)
        made.log[i] = logs[np.arange(n), made.action[i]]
        made.value[i] = critic(made.x[i])[:, 0]
        known = view.belief.copy() if terms.expected else None
        made.reward[i], made.over[i] = stream.step(made.action[i])
        if known is not None:
            made.reward[i] += averaged(stream, made.action[i], known)
    clock.done += t * n
    return made, critic(policy.eyes(stream.seen, stream.info["action_mask"]))[:, 0]


def averaged(stream: Stream, action: I64, belief: F32) -> F32:
    """Return (n,): what a diagnosis given now earns on average under the posterior, less what it earned."""
    g = stream.env.game
    given, change = stream.info["diagnosis"], np.zeros(len(action), dtype=np.float32)
    told = np.flatnonzero(given >= 0)
    mean = np.einsum("nd,dn->n", belief[told], g.utility[:, given[told]])
    change[told] = mean - stream.info["reward_utility"][told]
    return change


def advantages(made: Rollout, last: F32, *, trace: float) -> F32:
    """Return the generalised advantages, (length, envs), undiscounted."""
    found = np.empty_like(made.reward)
    after, ahead = last, np.zeros_like(last)
    for i in range(len(found) - 1, -1, -1):
        on = 1.0 - made.over[i].astype(np.float32)
        surprise = made.reward[i] + on * after - made.value[i]
        ahead = surprise + np.float32(trace) * on * ahead
        found[i], after = ahead, made.value[i]
    return found


def _improve(
    policy: Learned, critic: Net, made: Rollout, last: F32, terms: Terms, *, left: float, rng: np.random.Generator, frozen: bool
) -> None:
    gain = advantages(made, last, trace=terms.trace)
    flat: dict[str, Any] = {
        name: getattr(made, name).reshape(gain.size, *getattr(made, name).shape[2:]) for name in ("x", "mask", "action", "log")
    }
    aim, gain = (gain + made.value).ravel(), gain.ravel()
    rate = terms.rate * max(left, 0.05)
    moved = False
    for _ in range(terms.epochs):
        order = rng.permutation(gain.size)
        for at in np.array_split(order, max(1, gain.size // terms.batch)):
            through = critic.forward(flat["x"][at])
            critic.learn(through, np.asarray((through[-1] - aim[at, None]) / at.size, dtype=np.float32), rate=2.0 * rate)
            if not (frozen or moved):
                part = {name: array[at] for name, array in flat.items()}
                moved = _update(policy, part, gain[at], terms, curiosity=terms.curiosity * max(left, 0.1), rate=rate) > terms.halt


def _update(policy: Learned, part: dict[str, Any], gain: F32, terms: Terms, *, curiosity: float, rate: float) -> float:
    """Take one clipped step up the advantage; return how far the policy had moved (approximate KL)."""
    n = len(gain)
    gain = (gain - gain.mean()) / (gain.std() + np.float32(1e-8))
    through, logs = policy.through(part["x"], part["mask"])
    chance = np.exp(logs)
    rows = np.arange(n)
    change = logs[rows, part["action"]] - part["log"]
    ratio = np.exp(change)
    inside = np.where(gain > 0, ratio < 1 + terms.clip, ratio > 1 - terms.clip)
    pull = -(gain * ratio * inside)
    slope = -chance * pull[:, None]
    slope[rows, part["action"]] += pull
    doubt = -(chance * logs).sum(axis=1, keepdims=True)
    slope += np.float32(curiosity) * chance * (logs + doubt)
    slope *= part["mask"]
    policy.net.learn(through, np.asarray(slope / n, dtype=np.float32), rate=rate)
    return float((ratio - 1 - change).mean())
