"""The waiting room: who comes next in each sub-environment, a few patients called ahead because calling many at once is cheap.

The rule: patient e of sub-environment i is a function of that one's root and of e alone; how far ahead patients are called changes nothing.
"""

from __future__ import annotations

import numpy as np

from medsim.world import chance
from medsim.world.game import Game
from medsim.world.tables import I64

AHEAD = 8
KEY, PATIENT, GROUP, AGE, CONDITION, COMPLAINT, SEX = range(7)
"""What is known of a patient at the door, one column each; PATIENT is the place in a bank."""


class WaitingRoom:
    """The next patients of n sub-environments."""

    def __init__(self, game: Game, n: int, *, in_order: bool = False) -> None:
        self._game, self._n, self._in_order = game, n, in_order
        self._root = np.zeros(n, dtype=np.uint64)
        self._next = np.zeros(n, dtype=np.int64)
        self._first = np.full(n, -AHEAD, dtype=np.int64)
        self._called = np.zeros((n * AHEAD, 7), dtype=np.int64)

    def seed(self, row: int, root: int) -> None:
        """Begin anew with the first patient of this root."""
        self._root[row], self._next[row], self._first[row] = root, 0, -AHEAD

    def call(self, rows: I64) -> I64:
        """Return the next patient of each of these, (k, 7)."""
        at = self._next[rows] - self._first[rows]
        if rows.size and at.max() >= AHEAD:
            self._fill()
            at = self._next[rows] - self._first[rows]
        self._next[rows] += 1
        at += rows * AHEAD
        return self._called.take(at, axis=0)

    def _fill(self) -> None:
        """Call ahead wherever half of those called have been seen."""
        rows = np.flatnonzero(self._next - self._first >= AHEAD // 2)
        self._first[rows] = self._next[rows]
        number = (self._next[rows][:, None] + np.arange(AHEAD)).ravel()
        owner = np.repeat(rows, AHEAD)
        places = (rows[:, None] * AHEAD + np.arange(AHEAD)).ravel()
        self._called[places] = self._people(owner, number)

    def _people(self, owner: I64, number: I64) -> I64:
        g, found = self._game, np.zeros((len(owner), 7), dtype=np.int64)
        key = chance.keys(self._root[owner], number)
        if g.bank is None:
            columns = g.draw.people(key)
        else:
            drawn = (chance.unit(chance.bits(key, chance.CONDITION)) * len(g.bank)).astype(np.int64)
            which = (owner + number * self._n) % len(g.bank) if self._in_order else drawn
            found[:, PATIENT] = which
            columns = g.bank.group[which], g.bank.age[which], g.bank.condition[which], g.bank.complaint[which]
        found[:, KEY] = key.astype(np.int64)
        found[:, GROUP], found[:, AGE], found[:, CONDITION], found[:, COMPLAINT] = columns
        found[:, SEX] = g.tables.female[columns[0]]
        return found
