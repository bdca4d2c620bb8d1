"""A number with its interval, and the reading of columns of results into cases.

The rule: what cannot be estimated is None with a sentence that says why. A missing value is left out and counted, never taken as zero, and
nan or infinity is refused.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from numbers import Real
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from medsim.errors import MedsimError

Array: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.intp]
Labels: TypeAlias = Iterable[Hashable]
Column: TypeAlias = Iterable[float | None] | Array
Bounds: TypeAlias = tuple[float, float]


class Estimate(NamedTuple):
    """A value with its interval; None where it cannot be told, and then ``note`` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Independent units behind it: cases, or groups of cases."""
    left_out: int = 0
    """Observations without a value."""
    note: str = ""


def read(values: Column, *, what: str = "value") -> tuple[Array, NDArray[np.bool_]]:
    """Return the values with 0 where one is missing, and a mask of those that are there; refuse what is not finite."""
    listed = list(values)
    there = np.array([value is not None for value in listed], dtype=bool)
    try:
        numbers = np.array([0.0 if value is None else float(value) for value in listed], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MedsimError(f"Every {what} must be a number or None: {error}. Give None for what is missing.") from error
    if not np.isfinite(numbers).all():
        where = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise MedsimError(
            f"Every {what} must be a finite number or None, given {numbers[where]} at place {where}. Give None for what is missing."
        )
    return numbers, there


def matrix(ratings: Iterable[Sequence[float | None]], *, what: str = "rating") -> tuple[Array, NDArray[np.bool_]]:
    """Read a table, one row an item and one column a rater; shapes (items, raters)."""
    rows = [list(row) for row in ratings]
    width = len(rows[0]) if rows else 0
    ragged = [place for place, row in enumerate(rows) if len(row) != width]
    if ragged:
        raise MedsimError(
            f"Every row must have {width} {what}s, row {ragged[0]} has {len(rows[ragged[0]])}. Give None where one is missing."
        )
    numbers, there = read([value for row in rows for value in row], what=what)
    return numbers.reshape(len(rows), width), there.reshape(len(rows), width)


def coded(labels: Labels) -> tuple[Codes, list[Hashable]]:
    """Number the labels in sorted order, so that no result hangs on the order of the rows."""
    listed = list(labels)
    if any(label is None or (isinstance(label, float) and math.isnan(label)) for label in listed):
        raise MedsimError("A label is missing (None or nan): it cannot be told what the value belongs to. Leave out the rows without one.")
    names = sorted(set(listed), key=_place)
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[label] for label in listed], dtype=np.intp), names


def _place(label: Hashable) -> tuple[str, float, str]:
    """Numbers by size, whatever their type; all else by how it is written."""
    return ("", float(label), "") if isinstance(label, Real) else (type(label).__name__, 0.0, str(label))


def same_length(**columns: Sequence[object] | NDArray[np.generic]) -> None:
    """Refuse columns of different lengths."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise MedsimError(f"Columns of one length are expected, given {told}. Give one label for each value.")


def totals(codes: Codes, numbers: Array, size: int) -> Array:
    """Sum the numbers of each code; shape (size,)."""
    return np.bincount(codes, weights=numbers, minlength=size).astype(np.float64)


def counted(number: int, noun: str) -> str:
    """``1 case`` or ``2 cases``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nothing(note: str, *, n: int = 0, left_out: int = 0) -> Estimate:
    """An estimate that cannot be made, with the reason."""
    return Estimate(None, None, None, n, left_out, note)


def confined(value: float, bounds: Bounds | None) -> float:
    """A limit cut off at the ends of what the quantity can be."""
    return value if bounds is None else min(max(value, bounds[0]), bounds[1])
