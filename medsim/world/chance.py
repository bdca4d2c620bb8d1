"""Chance by counting: a number is a function of (patient key, slot), never of how many were drawn before it or beside it.

The rule: a patient is one key of 63 bits. The same key gives the same patient in a batch of one or of a thousand, in whatever order the
findings are asked, and nothing has to be drawn before it is asked. The function is SplitMix64's (Steele, Lea and Flood, 2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

U64 = NDArray[np.uint64]
MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
_A, _B = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_STEP, _NA, _NB = np.uint64(STEP), np.uint64(_A), np.uint64(_B)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)

GROUP, AGE, CONDITION, COMPLAINT, FINDINGS, VALUES = 0, 1, 2, 3, 8, 1 << 32
"""Slots of a patient; of the findings and of their values the first, however many there are."""


def bits(key: U64, slot: Any) -> U64:
    """Return 64 random bits for each (key, slot); the two broadcast."""
    x: U64 = np.array(slot, dtype=np.uint64, ndmin=1)
    x = (x + np.uint64(1)) * _STEP + key
    x ^= x >> _30
    x *= _NA
    x ^= x >> _27
    x *= _NB
    x ^= x >> _31
    return x


def bits_of(key: int, slot: int) -> int:
    """Return the same 64 bits for one key and one slot, as a plain int."""
    x = (key + (slot + 1) * STEP) & MASK
    x = ((x ^ (x >> 30)) * _A) & MASK
    x = ((x ^ (x >> 27)) * _B) & MASK
    return x ^ (x >> 31)


def keys(root: U64, number: Any) -> U64:
    """Return the key of the patient with this number; 63 bits, so that it is also a signed integer."""
    return bits(root, number) >> np.uint64(1)


def key_of(root: int, number: int) -> int:
    """Return the same key for one."""
    return bits_of(root, number) >> 1


def unit(x: U64) -> NDArray[np.float64]:
    """Turn bits into numbers in [0, 1) with 53 bits."""
    return np.asarray((x >> _11) * 2.0**-53, dtype=np.float64)


def unit_of(x: int) -> float:
    """Turn one's bits into a number in [0, 1)."""
    return float((x >> 11) * 2.0**-53)
