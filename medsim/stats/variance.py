"""Where the spread of scores comes from: case, patient, trial and judge.

The rule: random-effects analysis of variance by Henderson's first method (Biometrics 1953;9:226), which for balanced data is the classical
estimator and for unbalanced data stays unbiased. A component that comes out below zero is shown as 0 with a note, and what the data cannot
tell apart is joined, with a note that names both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.estimate import Array, Codes, Column, Labels, coded, read, same_length, totals

REST = "rest"


class Split(NamedTuple):
    """Variance components by name, in squared units of the score; the last is what remains."""

    components: dict[str, float]
    raw: dict[str, float]
    """As estimated, possibly below zero."""
    n: int
    notes: list[str]

    def share(self, name: str) -> float | None:
        """The share of the total variance; None where there is no variance."""
        total = sum(self.components.values())
        return self.components[name] / total if total > 0 else None


def split(
    values: Column, *, case: Labels, patient: Labels | None = None, trial: Labels | None = None, judge: Labels | None = None
) -> Split:
    """Split the variance of scores into case, patient, case and patient together, trial and judge, as far as the data tell.

    One value and one label of each kind for every observation. ``patient`` names personas or patient models that are shared by cases,
    ``trial`` numbers the runs within a case and patient, ``judge`` names the raters. With one value a trial, trial is what remains.
    """
    numbers, there = read(values)
    given = {"case": case, "patient": patient, "trial": trial, "judge": judge}
    columns = {name: list(labels) for name, labels in given.items() if labels is not None}
    same_length(values=numbers, **columns)
    kept = {name: [label for label, keep in zip(labels, there, strict=True) if keep] for name, labels in columns.items()}
    factors: dict[str, Labels] = {"case": kept["case"]}
    if patient is not None:
        factors["patient"] = kept["patient"]
        factors["case and patient"] = list(zip(kept["case"], kept["patient"], strict=True))
    if trial is not None:
        within = [kept[name] for name in ("case", "patient", "trial") if name in kept]
        factors["trial"] = list(zip(*within, strict=True))
    if judge is not None:
        factors["judge"] = kept["judge"]
    found = components(numbers[there].tolist(), factors=factors)
    left_out = int((~there).sum())
    return found._replace(notes=[f"{left_out} observations without a value left out.", *found.notes]) if left_out else found


def components(values: Column, *, factors: Mapping[str, Labels]) -> Split:
    """Estimate the variance of each random factor and of the rest; factors may be crossed, nested and unbalanced.

    A nested or crossed factor is given by its own labels, such as (case, trial).
    """
    numbers, there = read(values)
    if not there.all():
        raise MedsimError("A value is missing. Leave out the observations that have none, from the values and from every factor.")
    if len(numbers) < 2:
        raise MedsimError(f"At least two observations are needed to see any spread, given {len(numbers)}.")
    levels = {name: coded(labels) for name, labels in factors.items()}
    same_length(values=numbers, **{name: codes for name, (codes, _) in levels.items()})
    usable, notes = _usable({name: codes for name, (codes, _) in levels.items()}, len(numbers))
    names = [*usable, REST]
    left, right = _equations(numbers - numbers.mean(), usable)
    solved = dict(zip(names, np.linalg.solve(left, right).tolist(), strict=True))
    scale = max(float(np.var(numbers)), 1e-300)
    below = [name for name in names if solved[name] < -1e-9 * scale]
    notes += [
        f"The estimate for {name} is below zero ({solved[name]:.2g}) and shown as 0: the data show no spread of that kind."
        for name in below
    ]
    return Split({name: max(0.0, solved[name]) for name in names}, solved, len(numbers), notes)


def _usable(levels: dict[str, Codes], n: int) -> tuple[dict[str, Codes], list[str]]:
    """Keep each factor that can be told from those before it and from the rest; say why another is dropped."""
    kept: dict[str, Codes] = {}
    notes = []
    for name, codes in levels.items():
        if codes.max() == 0:
            notes.append(f"There is one {name} only, so its spread cannot be seen.")
        elif len(np.unique(codes)) == n:
            notes.append(f"Each {name} has one value, so {name} is what remains ('{REST}') and cannot be told from other noise.")
        elif _told_apart({**kept, name: codes}):
            kept[name] = codes
        else:
            notes.append(f"The spread of {name} cannot be told from that of {', '.join(kept)}: it is counted with them.")
    return kept, notes


def _told_apart(levels: dict[str, Codes]) -> bool:
    left, _ = _equations(np.zeros(len(next(iter(levels.values())))), levels)
    scaled = left / np.maximum(np.abs(left).max(axis=1, keepdims=True), 1e-300)
    return bool(np.linalg.cond(scaled) < 1e8)


def _equations(numbers: Array, levels: dict[str, Codes]) -> tuple[Array, Array]:
    """Sums of squares between the levels of each factor, and of all, set equal to what they are expected to be.

    Row f is sum over levels of (total squared / size), less the same for the grand mean; column e how often the variance of e enters it.
    """
    n = len(numbers)
    columns = [*levels.values(), np.arange(n)]
    mean_row = np.array([(np.bincount(codes) ** 2.0).sum() / n for codes in columns])
    left = np.empty((len(columns), len(columns)))
    right = np.empty(len(columns))
    for row, codes in enumerate(columns):
        sizes = np.bincount(codes).astype(np.float64)
        sums = totals(codes, numbers, len(sizes))
        right[row] = (sums**2 / sizes).sum() - numbers.sum() ** 2 / n
        left[row] = [_expected(codes, sizes, other) for other in columns] - mean_row
    return left, right


def _expected(codes: Codes, sizes: Array, other: Codes) -> float:
    """Sum over levels g of f and h of e of n_gh squared / n_g."""
    joint, counts = np.unique(codes.astype(np.int64) * (int(other.max()) + 1) + other, return_counts=True)
    return float((counts.astype(np.float64) ** 2 / sizes[joint // (int(other.max()) + 1)]).sum())
