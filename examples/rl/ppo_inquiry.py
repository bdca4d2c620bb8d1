"""Proximal policy optimisation in one file: torch, Gymnasium's native vector environment, masks, and nothing else to learn with.

pip install "medsim[rl]"; python examples/rl/ppo_inquiry.py [--world trap] [--steps 400000] [--seed 0]
Prints a table, and saves ppo_inquiry.png. The encounter is short and its return is what counts, so nothing is discounted.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium as gym
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical

import medsim  # noqa: F401  (registers the environments)
from medsim.bench import arena
from medsim.bench.figures import learning
from medsim.policy import Greedy, Silent, play
from medsim.policy.training import Point

torch.set_num_threads(1)
options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--world", default="trap")
options.add_argument("--steps", type=int, default=400_000)
options.add_argument("--envs", type=int, default=256)
options.add_argument("--length", type=int, default=32, help="steps of each environment between two updates")
options.add_argument("--rate", type=float, default=1e-3)
options.add_argument("--seed", type=int, default=0)
options.add_argument("--patients", type=int, default=4096, help="held-out patients")
given = options.parse_args()
torch.manual_seed(given.seed)

place = arena(given.world)
reward = place.game.payoff.model_copy(update={"shaping": 0.3})  # potential-based: it speeds learning up and changes no ranking
envs = gym.make_vec(
    "medsim/Inquiry-v0",
    num_envs=given.envs,
    world=place.tables,
    reward=reward,
    observation="flat",
    max_turns=place.game.max_turns,
    belief=True,
)


def layer(wide, out, gain=2**0.5):
    made = nn.Linear(wide, out)
    nn.init.orthogonal_(made.weight, gain)
    nn.init.zeros_(made.bias)
    return made


class Doctor(nn.Module):
    """A policy and a critic, apart from each other."""

    name = "our PPO, posterior in sight"

    def __init__(self, wide, actions):
        super().__init__()
        self.policy = nn.Sequential(layer(wide, 256), nn.ReLU(), layer(256, 256), nn.ReLU(), layer(256, actions, 0.01))
        self.critic = nn.Sequential(layer(wide, 256), nn.ReLU(), layer(256, 1, 1.0))

    def choose(self, seen, mask):
        return Categorical(logits=self.policy(seen).masked_fill(~mask, -1e9))

    def act(self, view):
        """Play as any policy of medsim does: the likeliest legal action."""
        seen = np.concatenate([view.seen[name] for name in view.game.layout], axis=1, dtype=np.float32)
        with torch.no_grad():
            return self.choose(torch.from_numpy(seen), torch.from_numpy(view.mask != 0)).logits.argmax(1).numpy()


doctor = Doctor(envs.single_observation_space.shape[0], int(envs.single_action_space.n))
adam = torch.optim.Adam(doctor.parameters(), lr=given.rate, eps=1e-5)
updates, curve, clock = max(1, given.steps // (given.envs * given.length)), [], time.process_time()
seen, info = envs.reset(seed=given.seed)
for update in range(updates):
    adam.param_groups[0]["lr"] = given.rate * (1 - update / updates)
    kept, ended = [], []
    for _ in range(given.length):
        x, mask = torch.from_numpy(seen), torch.from_numpy(info["action_mask"] != 0)
        with torch.no_grad():
            choice, value = doctor.choose(x, mask), doctor.critic(x)[:, 0]
            action = choice.sample()
        seen, paid, over, cut, info = envs.step(action.numpy())
        over = over | cut  # the turns left are in the observation, so the end by the limit is an end like any other
        kept.append((x, mask, action, choice.log_prob(action), value, torch.from_numpy(paid), torch.from_numpy(over).float()))
        if over.any():
            final = info["final_info"]
            ended.append(np.stack([final[name][over] for name in ("return_unshaped", "turn", "success")], axis=1))
    xs, masks, actions, logs, values, rewards, overs = (torch.stack(column) for column in zip(*kept, strict=True))
    with torch.no_grad():
        after, ahead, gains = doctor.critic(torch.from_numpy(seen))[:, 0], torch.zeros(given.envs), torch.zeros_like(values)
        for t in reversed(range(given.length)):
            ahead = rewards[t] + (1 - overs[t]) * after - values[t] + 0.95 * (1 - overs[t]) * ahead
            gains[t], after = ahead, values[t]
    aims, count = (gains + values).flatten(), values.numel()
    xs, masks, actions, logs, gains = (column.reshape(count, *column.shape[2:]) for column in (xs, masks, actions, logs, gains))
    for _ in range(4):
        for at in torch.randperm(count).split(2048):
            choice, gain = doctor.choose(xs[at], masks[at]), gains[at]
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
            ratio = (choice.log_prob(actions[at]) - logs[at]).exp()
            pull = torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean()
            loss = 0.5 * (doctor.critic(xs[at])[:, 0] - aims[at]).pow(2).mean() - pull - 0.01 * choice.entropy().mean()
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(doctor.parameters(), 0.5)
            adam.step()
    if ended:
        mean = np.concatenate(ended).mean(axis=0).tolist()
        curve.append(Point((update + 1) * count, time.process_time() - clock, *mean))

held_out, _ = place.patients(given.seed, given.patients)
print(f"{place.name}: {given.patients} held-out patients, one seed\n{'policy':44} accuracy questions  return (score)")
for player in (Silent(), Greedy(place.tables), doctor):
    played = play(player, place.game, held_out)
    print(f"{player.name:44} {played.success.mean():8.3f} {played.questions.mean():9.2f} {played.earned.mean():7.3f}")
learning({doctor.name: [curve]}, "ppo_inquiry.png", title=place.name)
