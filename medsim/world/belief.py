"""The exact posterior over conditions, and what each question is expected to tell about it.

The rule: belief is a function of the group, the complaint and the reported outcomes, never of the truth. Beliefs are normalised
log-probabilities, float32 of shape (B, D).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsim.world.tables import F32, F64, I64, Tables


def start(tables: Tables, *, group: I64, complaint: I64) -> F32:
    """Return the beliefs before the first question; ``complaint`` is -1 (the last row) where none was brought."""
    return np.asarray(tables.log_start[group, complaint])


def normal(log: F32) -> F32:
    """Scale log-weights to log-probabilities."""
    log = log - log.max(axis=-1, keepdims=True)
    return np.asarray(log - np.log(np.exp(log).sum(axis=-1, keepdims=True)))


def update(tables: Tables, log: F32, *, finding: I64, outcome: I64) -> F32:
    """Return the beliefs after one outcome each."""
    return normal(log + tables.log_likelihood[tables.offset[finding] + outcome])


def posterior(tables: Tables, *, group: I64, complaint: I64, outcomes: NDArray[Any]) -> F32:
    """Return the beliefs given all outcomes, (B, F) with -1 for what was not asked; one matrix product."""
    taken = np.zeros((len(outcomes), len(tables.likelihood)), dtype=np.float32)
    rows, cols = np.nonzero(outcomes >= 0)
    taken[rows, tables.offset[cols] + outcomes[rows, cols]] = 1.0
    return normal(start(tables, group=group, complaint=complaint) + taken @ tables.log_likelihood)


def entropy(log: F32) -> F32:
    """Return the entropy in nats."""
    return np.asarray(-(np.exp(log) * log).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Gain:
    """Expected information gain of every finding, I(Y; A_f | h) = H(sum_d b_d P_df) - sum_d b_d H(P_df), by two matrix products."""

    mixed: F32
    """(D, kept outcomes)"""
    starts: I64
    own: F32
    """(D, F): entropy of each finding's outcome given the condition."""

    @classmethod
    def of(cls, tables: Tables) -> Gain:
        """Build the two matrices; outcomes that never happen are left out."""
        keep = np.flatnonzero(tables.likelihood.max(axis=1) > 0)
        owner = np.repeat(np.arange(len(tables.offset)), 2 + np.maximum(tables.values, 1))[keep]
        chance = tables.likelihood[keep]
        surprise = -chance * np.log(np.maximum(chance, 1e-300))
        starts = np.searchsorted(owner, np.arange(len(tables.offset)))
        own = np.add.reduceat(surprise, starts, axis=0)
        return cls(mixed=chance.T.astype(np.float32), starts=starts.astype(np.int64), own=np.ascontiguousarray(own.T, dtype=np.float32))

    def __call__(self, belief: F32 | F64) -> F32:
        """Return the gain in nats, (B, F), for beliefs as probabilities (B, D)."""
        b = np.asarray(belief, dtype=np.float32)
        seen = b @ self.mixed
        seen *= np.log(np.maximum(seen, np.float32(1e-30)))
        total: F32 = -np.add.reduceat(seen, self.starts, axis=1)
        total -= b @ self.own
        return np.maximum(total, 0.0)
