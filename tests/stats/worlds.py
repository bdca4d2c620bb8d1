"""Made-up results with the spread of real checklists: a few long cases, many short ones, and items of a case that go together."""

from __future__ import annotations

import numpy as np

FEWEST = np.array([1, 3, 6, 11, 21, 41, 81])
MOST = np.array([2, 5, 10, 20, 40, 80, 131])
FILES = np.array([66, 286, 386, 433, 281, 79, 17])
"""How many of MedSP1000's scorable checklists have so many items."""


def checklists(*, sets: int, cases: int, icc: float, share: float = 0.6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Items and items met of each case; shapes (sets, cases). ``icc`` is the correlation of two items of one case."""
    generator = np.random.default_rng(seed)
    bucket = generator.choice(len(FILES), size=(sets, cases), p=FILES / FILES.sum())
    items = generator.integers(FEWEST[bucket], MOST[bucket] + 1)
    ease = generator.beta(share * (1 - icc) / icc, (1 - share) * (1 - icc) / icc, (sets, cases))
    return items.astype(float), generator.binomial(items, ease).astype(float)


def covered(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    """The share of intervals that hold the truth."""
    return float(np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high))))
