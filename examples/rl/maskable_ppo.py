"""Train MaskablePPO of sb3-contrib on a world, without and with the exact posterior in sight, and compare it with greedy questions.

pip install "medsim[rl]"; python examples/rl/maskable_ppo.py [--world noisy] [--steps 1500000]
Prints a table, and saves maskable_ppo.png.
"""

import argparse
import os
import time
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback

from medsim.bench import arena
from medsim.bench.figures import learning
from medsim.integrations.sb3 import WorldVecEnv
from medsim.policy import Greedy, Silent, play
from medsim.policy.training import Point

torch.set_num_threads(1)  # with two threads on two busy cores it is a hundred times slower
options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--world", default="noisy")
options.add_argument("--steps", type=int, default=1_500_000)
options.add_argument("--seed", type=int, default=0)
options.add_argument("--patients", type=int, default=4096, help="held-out patients")
given = options.parse_args()
place = arena(given.world)


@dataclass
class Trained:
    """The likeliest legal action of a model."""

    name: str
    model: Any

    def act(self, view):
        parts = [view.seen[name] for name in view.game.layout if name != "belief" or "posterior" in self.name]
        seen = np.concatenate(parts, axis=1, dtype=np.float32)
        return self.model.predict(seen, action_masks=view.mask, deterministic=True)[0]


class Curve(BaseCallback):
    """Keeps one point a rollout."""

    def __init__(self):
        super().__init__()
        self.points, self.start = [], time.process_time()

    def _on_step(self):
        return True

    def _on_rollout_end(self):
        ended = self.model.ep_info_buffer
        if ended:
            mean = [float(np.mean([one[key] for one in ended])) for key in ("r", "l", "s")]
            self.points.append(Point(self.num_timesteps, time.process_time() - self.start, mean[0], mean[1], mean[2]))


players, curves = [Silent(), Greedy(place.tables)], {}
for belief in (False, True):
    terms = {"reward": place.game.payoff.model_copy(update={"shaping": 0.3}), "max_turns": place.game.max_turns}
    # The network is the cost, not the world: many environments, large batches, two passes and a small net bring the most return a second.
    env = WorldVecEnv(1024, world=place.tables, belief=belief, **terms)
    model = MaskablePPO(
        "MlpPolicy", env, seed=given.seed, n_steps=16, batch_size=2048, n_epochs=2, learning_rate=2e-3, gamma=1.0, ent_coef=0.01,
        stats_window_size=1000, policy_kwargs={"net_arch": [128, 128], "activation_fn": torch.nn.ReLU}, device="cpu",
    )  # fmt: skip
    curve, start, cpu = Curve(), time.perf_counter(), time.process_time()
    model.learn(given.steps, callback=curve)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    name = f"MaskablePPO, {'posterior in sight' if belief else 'observation alone'}"
    print(
        f"{name}: {model.num_timesteps / wall:,.0f} frames a second, learning included ({model.num_timesteps / cpu:,.0f} of processor time)"
    )
    players.append(Trained(name, model))
    curves[name] = [curve.points]

held_out, _ = place.patients(given.seed, given.patients)
print(f"\n{place.name}: {given.patients} held-out patients, one seed\n{'policy':44} accuracy questions  return (score)")
for player in players:
    played = play(player, place.game, held_out)
    print(f"{player.name:44} {played.success.mean():8.3f} {played.questions.mean():9.2f} {played.earned.mean():7.3f}")
learning(curves, "maskable_ppo.png", title=place.name)
