"""Quantiles of the normal and of Student's t, the tail of a widened percentile, and the power of a t test.

The rule: the only module that loads scipy, and only for the power of a study. Every run needs Student's quantile for its intervals, so that
comes from numpy by quadrature, right to nine digits from one degree of freedom on: loading scipy for it would cost 15 MB and 0.3 s.
"""

from __future__ import annotations

import importlib
import math
from functools import cache, lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

from medsim.stats.estimate import Array

_HALVINGS = 56


@cache
def _special() -> Any:
    return importlib.import_module("scipy.special")


def normal(p: float) -> float:
    """The p-quantile of the standard normal."""
    return NormalDist().inv_cdf(p)


@cache
def student(p: float, df: float) -> float:
    """The p-quantile of Student's t with df degrees of freedom; p from 0.5 to 1."""
    return float(students(p, np.array([df], dtype=np.float64))[0])


def students(p: float, df: Array) -> Array:
    """The same for many degrees of freedom, shape (n,).

    With t = sqrt(df) tan(angle) the density is a power of the cosine, so its integral is smooth and the angle is found by halving.
    """
    places, weights = _nodes(64)
    front = np.exp([math.lgamma((each + 1) / 2) - math.lgamma(each / 2) for each in df.tolist()]) / math.sqrt(math.pi)
    low, high = np.zeros_like(df), np.full_like(df, math.pi / 2)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        area = front * middle * (np.cos(middle[:, None] * places) ** (df[:, None] - 1) * weights).sum(axis=1)
        below = area < p - 0.5
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray(np.sqrt(df) * np.tan((low + high) / 2))


def widened_tail(units: Array, *, confidence: float) -> Array:
    """The normal tail beyond Student's quantile for so many units, stretched by sqrt(n/(n-1)): the level of a widened percentile."""
    n = np.maximum(np.atleast_1d(units), 1.5)  # where one unit outweighs all others there is no level; the outermost resamples are given
    distinct, back = np.unique(n, return_inverse=True)
    limits = np.sqrt(distinct / (distinct - 1)) * students(0.5 + confidence / 2, distinct - 1)
    tails = np.array([0.5 * math.erfc(limit / math.sqrt(2)) for limit in limits.tolist()])
    return np.asarray(tails[back].reshape(np.shape(units)))


def power_of_t(shift: float, df: int, *, alpha: float) -> float:
    """The chance that a two-sided t test rejects when the true mean lies ``shift`` standard errors from zero; right to six digits.

    The normal's chance averaged over the standard deviation that is drawn: scipy's noncentral t gives nan in places, this nowhere.
    """
    special, limit = _special(), student(1 - alpha / 2, df)
    drawn, weights = _deviations(df)
    kept = special.ndtr(limit * drawn - shift) - special.ndtr(-limit * drawn - shift)
    return float(1 - (weights * kept).sum())


@lru_cache(maxsize=64)
def _deviations(df: int) -> tuple[Array, Array]:
    """What standard deviations a sample may have, the true one being 1, and how likely each is."""
    places, weights = _nodes(400)
    return np.sqrt(2 * _special().gammaincinv(df / 2, places) / df), weights


@cache
def _nodes(count: int) -> tuple[Array, Array]:
    """Places and weights of a Gauss-Legendre quadrature from 0 to 1."""
    places, weights = np.polynomial.legendre.leggauss(count)
    return (places + 1) / 2, weights / 2
