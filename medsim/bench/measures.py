"""What is measured of one policy on one set of patients.

The rule: pure functions of what was played; a measure that does not apply is None, never 0. Names of DDXPlus (Fansi Tchango et al., 2022):
IL is the number of findings known of, the given complaint counted with the questions, GTPA@1 the share of patients whose true condition is named,
DDR, DDP and DDF1 compare the conditions given more than 1 % with those of the official differential, per patient and then averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medsim.policy.view import Played
from medsim.world.game import Game

BINS = 15
THRESHOLD = 0.01


def measures(played: Played, game: Game, differential: NDArray[np.float64] | None = None) -> dict[str, float | None]:
    """Return every measure by name."""
    grave = np.array([condition.must_not_miss for condition in game.tables.world.conditions])[played.condition]
    found: dict[str, float | None] = {
        "accuracy": float(played.success.mean()),
        "questions": float(played.questions.mean()),
        "return": float(played.earned.mean()),
        "must_not_miss_recall": float(played.success[grave].mean()) if grave.any() else None,
        "calibration_error": calibration_error(played),
        "brier": brier(played),
        "truncated": float(played.truncated.mean()),
        "illegal": float(played.illegal.mean()),
        "shaping": float(played.shaping.mean()),
    }
    if differential is not None:
        recall, precision, both = differentials(played.belief, differential)
        found |= {"IL": float(played.questions.mean()) + 1.0, "GTPA@1": found["accuracy"], "DDR": recall, "DDP": precision, "DDF1": both}
    return found


def calibration_error(played: Played) -> float:
    """Return the expected calibration error of the posterior's peak at the end: how far confidence and truth lie apart, in 15 bins."""
    peak = played.belief.max(axis=1)
    right = played.belief.argmax(axis=1) == played.condition
    bins = np.minimum((peak * BINS).astype(np.int64), BINS - 1)
    gap = np.bincount(bins, weights=right - peak.astype(np.float64), minlength=BINS)
    return float(np.abs(gap).sum() / len(played))


def brier(played: Played) -> float:
    """Return the mean squared distance of the posterior at the end from the truth, 0 to 2."""
    belief = played.belief.astype(np.float64)
    true = belief[np.arange(len(played)), played.condition]
    return float(((belief**2).sum(axis=1) - 2 * true + 1).mean())


def differentials(given: NDArray[np.floating], stated: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return DDR, DDP and DDF1 of the conditions given more than 1 %, (n, D) each; patients without a stated differential are left out."""
    there = (stated > THRESHOLD).any(axis=1)
    ours, theirs = given[there] > THRESHOLD, stated[there] > THRESHOLD
    both = (ours & theirs).sum(axis=1)
    recall, precision = both / theirs.sum(axis=1), both / np.maximum(ours.sum(axis=1), 1)
    f1 = 2 * both / np.maximum(ours.sum(axis=1) + theirs.sum(axis=1), 1)
    return float(recall.mean()), float(precision.mean()), float(f1.mean())
