"""Learn to ask from a teacher: behaviour cloning and DAgger from greedy information gain, in numpy, on a noisy made-up world.

python examples/rl/imitation.py [--world random|noisy|trap|NAME|FILE|DDXPLUS-FOLDER] [--seconds 30] [--seeds 1]
Prints a table, and saves imitation.png and one checkpoint, imitation.npz.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: more threads than free cores cost more than they bring

from medsim.bench import arena
from medsim.bench.figures import learning
from medsim.policy import Greedy, Silent, play
from medsim.policy.imitate import imitate

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--world", default="noisy")
options.add_argument("--seconds", type=float, default=30.0, help="processor seconds of one training")
options.add_argument("--steps", type=int, default=10**9, help="or environment steps, if they are fewer")
options.add_argument("--seeds", type=int, default=1)
options.add_argument("--patients", type=int, default=4096, help="held-out patients")
given = options.parse_args()

place = arena(given.world)
teacher, curves, rows = Greedy(place.tables), {}, {}
for seed in range(given.seeds):
    held_out, _ = place.patients(seed, given.patients)
    players = [Silent(), teacher]
    for dagger, sight in ((False, "plain"), (True, "plain"), (True, "gain")):
        policy, curve = imitate(place.game, teacher, seed=seed, seconds=given.seconds, steps=given.steps, dagger=dagger, sight=sight)
        policy.name = f"{policy.name}, {'gains in sight' if sight == 'gain' else 'observation alone'}"
        curves.setdefault(policy.name, []).append(curve)
        players.append(policy)
    for player in players:
        rows.setdefault(player.name, []).append(play(player, place.game, held_out, seed=seed))

print(f"{place.name}: {given.seeds} seed(s), {given.patients} held-out patients each\n{'policy':44} accuracy questions  return (score)")
for name, played in rows.items():
    mean = [sum(float(getattr(p, what).mean()) for p in played) / len(played) for what in ("success", "questions", "earned")]
    print(f"{name:44} {mean[0]:8.3f} {mean[1]:9.2f} {mean[2]:7.3f}")
policy.save("imitation.npz")
learning(curves, "imitation.png", title=place.name)
