"""Where policies are compared: a world, the terms of the game, and the held-out patients of each seed.

The rule: seed s always means the same patients, and no training ever draws them. Data of others is read from the user's own copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medsim.errors import ActionError, CaseError
from medsim.world import Patients, Tables, compile_world, ddxplus, load, sample
from medsim.world.game import Game, Task, game
from medsim.world.payoff import Payoff
from medsim.world.procedural import random_world, trap_world
from medsim.world.schema import Class, Noise

HELD_OUT, TUNING = 1_000_003, 2_000_003
"""Where the seeds of held-out patients and of patients for settings begin."""
MADE = ("random", "noisy", "trap")
PLAIN = Payoff(correct=1.0, block=-1.0, wrong=-1.0, missed=-1.0)
"""Right +1, anything else -1: the terms of the published ladder on DDXPlus."""
MARGINALS, EVIDENCES, CONDITIONS = "symptom_condition_probs.json", "release_evidences.json", "release_conditions.json"
NOISY: Mapping[Class, Noise] = {
    "history": Noise(unsure=0.05, flip=0.08, omit=0.05), "exam": Noise(unsure=0.03, flip=0.05), "lab": Noise(flip=0.03),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Arena:
    """A game and who is met in it."""

    name: str
    game: Game
    official: Patients | None = None
    """The official test patients; every seed then plays all of them, or a part drawn by the seed."""
    differential: NDArray[np.float64] | None = None
    """(official, D): the differentials that come with them."""

    @property
    def tables(self) -> Tables:
        """The world's numbers."""
        return self.game.tables

    @cached_property
    def noisy(self) -> bool:
        """Whether patients are."""
        return self.tables.noisy

    def patients(self, seed: int, count: int) -> tuple[Patients, NDArray[np.float64] | None]:
        """Return the held-out patients of a seed, and their official differentials where there are any."""
        if self.official is None:
            return sample(self.tables, count, seed=HELD_OUT + seed), None
        drawn = np.random.default_rng([seed, HELD_OUT]).permutation(len(self.official))[:count]
        return self.official.take(drawn), None if self.differential is None else self.differential[drawn]

    def tuning(self, seed: int, count: int) -> Patients:
        """Return patients for choosing settings; none of them is held out."""
        return sample(self.tables, count, seed=TUNING + seed)


def arena(name: str, *, task: Task = "inquiry", noise: float = 0.0, max_turns: int = 30) -> Arena:
    """Set up a shipped world by its name, one's own by its path, DDXPlus by its folder, or one made here: random, noisy or trap.

    ``noise`` is the chance that an answer of the history is the opposite of the truth.
    """
    if not 0.0 <= noise < 0.5:
        raise ActionError(f"The chance of a flipped answer is from 0 to below 0.5, given {noise}.")
    flips = {"history": Noise(flip=noise)} if noise else None
    if Path(name).is_dir():
        return _ddxplus(Path(name), task=task, noise=flips, max_turns=max_turns)
    world = {"random": lambda: random_world(0), "noisy": lambda: random_world(0, noise=dict(NOISY)), "trap": lambda: trap_world(0)}
    tables = compile_world(world[name]() if name in world else load(name), noise=flips)
    return Arena(_titled(name, noise), game(tables, task=task, max_turns=max_turns))


def _titled(name: str, noise: float) -> str:
    return f"{name}, {noise:.0%} of answers flipped" if noise else name


def _ddxplus(folder: Path, *, task: Task, noise: Mapping[str, Noise] | None, max_turns: int) -> Arena:
    """The official files where train and test patients are there, else the table of marginals."""
    flip = noise["history"].flip if noise else 0.0
    train, test = _found(folder, "release_train_patients"), _found(folder, "release_test_patients")
    if train and test:
        world = ddxplus.from_patients(train, folder / EVIDENCES, folder / CONDITIONS)
        tables = compile_world(world, noise=noise)
        records = list(ddxplus.records(test))
        bank = ddxplus.bank(tables, records, folder / EVIDENCES)
        at = {condition.name: d for d, condition in enumerate(world.conditions)}
        stated = np.zeros((len(records), len(at)))
        for i, record in enumerate(records):
            for condition, chance in record.differential:
                if condition not in at:
                    raise CaseError(f"{test}: the differential names '{condition}', which is not in {CONDITIONS}. Use one release.")
                stated[i, at[condition]] += chance
        if noise:
            raise ActionError("Official patients answer as they are recorded; noise is for drawn patients. Leave it out.")
        return Arena("DDXPlus, official test patients", game(tables, task=task, reward=PLAIN, max_turns=max_turns), bank, stated)
    if not (folder / MARGINALS).is_file():
        raise CaseError(
            f"{folder}: neither release_train_patients and release_test_patients (CSV, unpacked) nor {MARGINALS} is there. "
            "Give the folder with your own copy of DDXPlus."
        )
    world = ddxplus.from_marginals(folder / MARGINALS, folder / EVIDENCES, gated=False)
    tables = compile_world(world, noise=noise)
    return Arena(_titled("DDXPlus marginals", flip), game(tables, task=task, reward=PLAIN, max_turns=max_turns))


def _found(folder: Path, name: str) -> Path | None:
    """The official files come without an ending or as .csv."""
    return next((path for path in (folder / f"{name}.csv", folder / name) if path.is_file()), None)
