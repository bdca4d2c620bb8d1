"""Policies that learn nothing, and one of your own beside them, on the same held-out patients.

python examples/rl/baselines.py [--world random|noisy|trap|NAME|FILE|DDXPLUS-FOLDER] [--patients 4096]
Prints a table, and saves baselines.png: accuracy against questions. `medsim bench inquiry` does the same over five seeds, with intervals.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: more threads than free cores cost more than they bring

import numpy as np
from matplotlib.figure import Figure

from medsim.bench import arena
from medsim.policy import AskAll, Fixed, Greedy, LookAhead, Oracle, Random, Silent, play, tuned, without_complaint

options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
options.add_argument("--world", default="noisy")
options.add_argument("--seed", type=int, default=0)
options.add_argument("--patients", type=int, default=4096, help="held-out patients")
given = options.parse_args()
place = arena(given.world)
tables, most = place.tables, place.game.max_turns - 1


class Mine:
    """Asks what parts the two likeliest conditions most, and ends when the second is less than a tenth as likely as the first."""

    name = "my own: parts the first two"

    def act(self, view):
        first, second = view.belief.argsort(axis=1)[:, :-3:-1].T
        rows = np.arange(len(view))
        parts = np.abs(tables.present[first] - tables.present[second])
        parts = np.where(view.questions != 0, parts, -1.0)
        done = (view.belief[rows, second] < 0.1 * view.belief[rows, first]) | (parts.max(axis=1) < 0.05) | view.last
        return np.where(done, view.game.stop, parts.argmax(axis=1))


held_out, _ = place.patients(given.seed, given.patients)
rivals = [
    (Silent("prior"), without_complaint(held_out)),
    *[(policy, held_out) for policy in (Silent(), Random(10), Random(most), Fixed(tables, 10), Fixed(tables, most), AskAll())],
    *[(policy, held_out) for policy in (Greedy(tables, questions=10), Greedy(tables, certain=0.95), Greedy(tables), LookAhead(tables))],
    *([(Greedy(tables, blind=True), held_out)] if place.noisy else []),
    *[(policy, held_out) for policy in (tuned(place.game, place.tuning(given.seed, 2048)), Mine(), Oracle(tables))],
]
figure = Figure(figsize=(7.5, 4.5), layout="constrained")
axes = figure.subplots()
print(f"{place.name}: {given.patients} held-out patients, one seed\n{'policy':44} accuracy questions  return (score)")
for policy, met in rivals:
    played = play(policy, place.game, met, seed=given.seed)
    print(f"{policy.name:44} {played.success.mean():8.3f} {played.questions.mean():9.2f} {played.earned.mean():7.3f}")
    axes.plot(played.right_by[:-1], lw=1.2, label=policy.name)
axes.set(xlabel="questions", ylabel="accuracy of the likeliest condition", title=place.name, ylim=(0, 1.02))
axes.legend(fontsize=7, frameon=False)
figure.savefig("baselines.png", dpi=140)
