"""How fast the worlds are: steps a second of one and of many, beside CartPole measured in the same run, and how the cost grows.

    python -m tests.bench.world            (one thread: OMP_NUM_THREADS=1)

Actions are drawn before the clock starts, so that the figure is environment steps alone: each environment asks in a random order of its own,
never the same finding twice in an encounter, and stops with the chance given: 1 in 200, as a random policy does (most encounters then reach the
limit of 30 turns), or 1 in 8, as a trained one does. Resets, and the diagnoses at the stops, are in the figure.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

import medsim  # noqa: F401  (registers)
from medsim.world.belief import Gain
from medsim.world.procedural import random_world
from medsim.world.tables import compile_world

ROUNDS = 9


def say(what: str, value: float, aim: float | None = None) -> None:
    """Print one figure beside its aim."""
    verdict = "" if aim is None else f" (aim {aim:>11,.0f}) {'ok' if value >= aim else 'UNDER'}"
    print(f"{what:66} {value:14,.0f}/s{verdict}")


def best(play: Callable[[], int], *, rounds: int = ROUNDS) -> float:
    """Steps a second of the best of a few rounds: the others were disturbed."""
    found = 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        steps = play()
        found = max(found, steps / (time.perf_counter() - start))
    return found


def vector(world: Any, n: int, steps: int, *, stop: float = 1 / 200, **terms: Any) -> float:
    """Steps a second of the native vector environment."""
    env = gym.make_vec("medsim/Inquiry-v0", num_envs=n, world=world, **terms)
    rng = np.random.default_rng(0)
    findings = env.unwrapped.game.findings  # type: ignore[attr-defined]
    order = np.argsort(rng.random((n, findings)), axis=1)
    env.reset(seed=0)
    plan = []
    for t in range(steps):
        a = order[:, t % findings].copy()
        a[rng.random(n) < stop] = findings
        plan.append(a)

    def play() -> int:
        for a in plan:
            env.step(a)
        return n * steps

    for a in rng.integers(0, findings + 1, (60, n)):
        env.step(a)  # so that not all reach their limit together
    play()
    return best(play)


def cartpole_vector(n: int, steps: int) -> float:
    """Steps a second of Gymnasium's own vector CartPole."""
    env = gym.make_vec("CartPole-v1", num_envs=n, vectorization_mode="vector_entry_point")
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 2, (steps, n))

    def play() -> int:
        for a in actions:
            env.step(a)
        return n * steps

    return best(play)


def single(name: str, steps: int, **terms: Any) -> float:
    """Steps a second through ``gym.make``, resets included."""
    env = gym.make(name, **terms)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    count = env.action_space.n  # type: ignore[attr-defined]
    plan = rng.integers(0, count, steps).tolist()

    def play() -> int:
        for a in plan:
            _, _, terminated, truncated, _ = env.step(a)
            if terminated or truncated:
                env.reset()
        return steps

    play()
    return best(play)


def maskable_ppo(rollouts: int = 8, **terms: Any) -> float:
    """Frames a second of MaskablePPO, rollouts and learning, at the settings of ``examples/rl/maskable_ppo.py``."""
    import torch
    from sb3_contrib import MaskablePPO

    from medsim.integrations.sb3 import WorldVecEnv

    torch.set_num_threads(1)
    env = WorldVecEnv(1024, world=compile_world(random_world(0, conditions=20, findings=80)), reward={"shaping": 0.3}, **terms)
    net = {"net_arch": [128, 128], "activation_fn": torch.nn.ReLU}
    model = MaskablePPO("MlpPolicy", env, n_steps=16, batch_size=2048, n_epochs=2, gamma=1.0, policy_kwargs=net, seed=0, device="cpu")
    frames = rollouts * model.n_steps * env.num_envs

    def train() -> int:
        model.learn(frames)
        return frames

    return best(train, rounds=3)


def main() -> None:
    """Measure everything."""
    big = compile_world(random_world(0, conditions=100, findings=200))
    say("CartPole, gym.make", single("CartPole-v1", 20_000))
    say("200 findings x 100 conditions, gym.make", single("medsim/Inquiry-v0", 20_000, world=big), 100_000)
    say("  with exact posterior and shaping", single("medsim/Inquiry-v0", 10_000, world=big, belief=True, reward={"shaping": 0.3}))
    say("CartPole, native vector, 1,024", cartpole_vector(1024, 200))
    say("200 x 100, 1,024 environments", vector(big, 1024, 200), 5_000_000)
    say("  ending after eight questions", vector(big, 1024, 200, stop=1 / 8))
    say("  without copies", vector(big, 1024, 200, copy=False))
    say("  flat float32 observation", vector(big, 1024, 200, observation="flat"))
    say("  with exact posterior and shaping", vector(big, 1024, 100, reward={"shaping": 0.3}), 2_000_000)
    say("  ending after eight questions", vector(big, 1024, 100, stop=1 / 8, reward={"shaping": 0.3}))
    say("  and the posterior in the observation", vector(big, 1024, 100, belief=True, reward={"shaping": 0.3}))
    noise = {"history": {"unsure": 0.05, "flip": 0.03, "omit": 0.03}, "exam": {"flip": 0.02}, "lab": {"flip": 0.01}}
    say("  with patient noise", vector(big, 1024, 200, noise=noise))
    say("200 x 100, 16 environments", vector(big, 16, 1000))
    gain = Gain.of(big)
    belief = np.random.default_rng(0).dirichlet(np.ones(100), 1024).astype(np.float32)
    say("information gain of every finding, decisions", best(lambda: [gain(belief) for _ in range(20)] and 20 * 1024))
    if importlib.util.find_spec("sb3_contrib"):
        say("MaskablePPO, 80 x 20, 1,024 environments, learning included", maskable_ppo(), 20_000)
        say("  and the posterior in the observation", maskable_ppo(belief=True), 20_000)
    else:
        print("MaskablePPO: sb3-contrib is not installed (extra rl)")
    print("\nGrowth, with exact posterior and shaping, 1,024 environments:")
    print(f"{'findings':>10}{'conditions':>12}{'microseconds a step of one':>30}{'ns for each condition':>24}")
    for findings, conditions in ((100, 50), (200, 50), (400, 50), (200, 100), (200, 200), (400, 200), (400, 400)):
        world = compile_world(random_world(0, conditions=conditions, findings=findings))
        rate = vector(world, 1024, 50, reward={"shaping": 0.3})
        print(f"{findings:>10}{conditions:>12}{1e6 / rate:>30.3f}{1e9 / rate / conditions:>24.2f}")


if __name__ == "__main__":
    main()
