"""The one patient that is met in an encounter with a world: who comes in, and what is answered when asked.

The rule: all of it is a function of the patient's key, or of the place in a bank: whoever is asked the same twice says the same, and nothing is
drawn that nobody asked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsim.errors import ActionError
from medsim.world import chance
from medsim.world.game import Game
from medsim.world.tables import ABSENT, PRESENT, UNSURE


class Met:
    """The patient of the encounter that runs; ``enter`` brings in the next.

    ``place`` is the patient's key, or the place in the bank. ``group``, ``age`` (years), ``condition`` and ``complaint`` (the finding they come
    with, -1 without one) are numbers of the tables.
    """

    __slots__ = ("_game", "_limit", "_limits", "_noise", "_values", "age", "complaint", "condition", "group", "key", "place")

    def __init__(self, game: Game) -> None:
        self._game = game
        self._limits: list[list[int]] = game.draw.thresholds.tolist()
        self._noise = game.tables.noise.tolist()
        self._values: list[int] = game.tables.values.tolist()

    def enter(self, key: int, patient: Any = None) -> None:
        """Draw the patient of this key, or take one of the bank; ``patient`` asks for one in particular."""
        g = self._game
        self.key = key
        if g.bank is None:
            if patient is not None:
                self.key = int(patient) & chance.MASK
            drawn = g.draw.people(np.array([self.key], dtype=np.uint64))
            self.place = self.key
        else:
            chosen = int(chance.unit_of(chance.bits_of(key, chance.CONDITION)) * len(g.bank)) if patient is None else int(patient)
            if not 0 <= chosen < len(g.bank):
                raise ActionError(f"The bank holds patients 0 to {len(g.bank) - 1}; given {chosen}.")
            row = slice(chosen, chosen + 1)
            drawn = (g.bank.group[row], g.bank.age[row], g.bank.condition[row], g.bank.complaint[row])
            self.place = chosen
        self.group, self.age, self.condition, self.complaint = (int(column[0]) for column in drawn)
        self._limit = self._limits[self.condition]

    def opened(self) -> int:
        """Return the outcome of the finding they come with."""
        if self._game.bank is not None:
            return max(int(self._game.bank.reported[self.place, self.complaint]), PRESENT)
        return PRESENT + self._value(self.complaint)

    def answer(self, f: int) -> int:
        """Return the outcome of a finding: absent, unsure, present, or present with a value."""
        if self._game.bank is not None:
            return max(int(self._game.bank.reported[self.place, f]), ABSENT)
        raw = chance.bits_of(self.key, chance.FINDINGS + f)
        there = (raw & 0xFFFFFFFF) < self._limit[f]
        unsure, flip, omit = self._noise[f]
        if unsure or flip or omit:
            u = chance.unit_of(raw >> 32 << 32)
            if u < unsure:
                return UNSURE
            if u < unsure + flip or (there and u < unsure + flip + omit):
                there = not there
        return PRESENT + self._value(f) if there else ABSENT

    def has(self) -> NDArray[np.bool_]:
        """Return what is really there, (F,); nothing where it forbids no treatment."""
        g = self._game
        if not g.forbidding.any():
            return np.zeros(g.findings, dtype=bool)
        if g.bank is not None:
            known = g.bank.present
            return np.asarray(known[self.place] if known is not None else g.bank.reported[self.place] >= PRESENT)
        present = g.draw.patients(np.array([self.key], dtype=np.uint64)).present
        assert present is not None
        return np.asarray(present[0])

    def _value(self, f: int) -> int:
        if not self._values[f]:
            return 0
        at = np.array([self.key], dtype=np.uint64), np.array([self.condition]), np.array([f])
        return int(self._game.draw.value(*at)[0])
