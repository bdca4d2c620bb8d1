"""Does a policy learn to ask, or does it learn its patients by heart? Train on few and on many, and play templates it never met.

python examples/rl/memorisation.py [--world sore-throat] [--seconds 20]
A template is condition, complaint, age group and sex; a fifth of them is held out. The task is workup: the policy names the diagnosis itself.
Prints a table with the memorisation number (return on train less return on held-out templates, 95 % interval), and saves memorisation.png.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from medsim import world
from medsim.bench.figures import learning
from medsim.policy import Greedy, play
from medsim.policy.ppo import ppo
from medsim.world.game import Game
from medsim.world.splits import memorisation, split

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--world", default="sore-throat")
options.add_argument("--few", type=int, default=100, help="patients of the small training set")
options.add_argument("--seconds", type=float, default=20.0, help="processor seconds of one training")
options.add_argument("--steps", type=int, default=10**9, help="or environment steps, if they are fewer")
options.add_argument("--seed", type=int, default=0)
options.add_argument("--patients", type=int, default=4096, help="patients of every other set")
given = options.parse_args()

sets = split(world.load(given.world), n=given.patients, seed=given.seed)
few, many = sets.train.patients.take(slice(0, given.few)), sets.train.patients
players, curves = [("greedy, until 0.99", many, Greedy(sets.train.tables))], {}
for bank in (few, many):
    policy, curve = ppo(
        Game(sets.train.tables, "workup", bank=bank), seed=given.seed, seconds=given.seconds, steps=given.steps, sight="plain"
    )
    name = f"PPO on {len(bank)} patients"
    players.append((name, bank, policy))
    curves[name] = [curve]

print(f"{given.world}, workup, one seed: return (score) by set\n{'policy':28}   train     iid template   noise   memorisation number")
for name, met, policy in players:
    tested = {
        "train": (sets.train.tables, met),
        **{s: (getattr(sets, s).tables, getattr(sets, s).patients) for s in ("iid", "template", "noise")},
    }
    earned = {s: play(policy, Game(tables, "workup"), patients).earned for s, (tables, patients) in tested.items()}
    gap = memorisation(earned["train"], earned["template"])
    figures = " ".join(f"{one.mean():7.3f}" for one in earned.values())
    print(f"{name:28} {figures}   {gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})")
learning(curves, "memorisation.png", title=f"{given.world}, workup")
