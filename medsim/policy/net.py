"""A small neural network in numpy: layers of rectified units, trained with Adam, and a softmax over the legal actions.

The rule: float32 throughout, all chance from one generator, and nothing but numpy, so that a policy trains wherever medsim runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medsim.world.tables import F32, I8

SHUT = np.float32(-1e9)
"""The logit of what is not legal."""


class Net:
    """A multilayer perceptron; ``sizes`` from the input to the output."""

    def __init__(self, sizes: Sequence[int], *, rng: np.random.Generator, last: float = 0.01) -> None:
        """Draw orthogonal-like weights; ``last`` scales those of the output."""
        self.sizes = tuple(sizes)
        self.weights: list[F32] = []
        for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            scale = np.sqrt(2.0 / fan_in) if i < len(sizes) - 2 else last / np.sqrt(fan_in)
            self.weights += [rng.normal(0.0, scale, (fan_in, fan_out)).astype(np.float32), np.zeros(fan_out, dtype=np.float32)]
        self._first = [np.zeros_like(w) for w in self.weights]
        self._second = [np.zeros_like(w) for w in self.weights]
        self._steps = 0

    def __call__(self, x: F32) -> F32:
        """Return the outputs, (B, last size)."""
        return self.forward(x)[-1]

    def forward(self, x: F32) -> list[F32]:
        """Return what goes into each layer, and the outputs last."""
        through = [x]
        for i in range(0, len(self.weights), 2):
            x = x @ self.weights[i]
            x += self.weights[i + 1]
            if i < len(self.weights) - 2:
                np.maximum(x, 0.0, out=x)
            through.append(x)
        return through

    def learn(self, through: list[F32], slope: F32, *, rate: float, clip: float = 0.5) -> None:
        """Take one step of Adam down a loss whose slope by the outputs is given, (B, last size); the whole slope is cut at ``clip``."""
        slopes: list[F32] = []
        for i in range(len(self.weights) - 2, -1, -2):
            slopes = [through[i // 2].T @ slope, slope.sum(axis=0), *slopes]
            if i:
                slope = slope @ self.weights[i].T
                slope *= through[i // 2] > 0
        size = float(np.sqrt(sum(float(np.vdot(s, s)) for s in slopes)))
        self._adam(slopes, scale=min(1.0, clip / (size + 1e-8)), rate=rate)

    def _adam(self, slopes: list[F32], *, scale: float, rate: float) -> None:
        self._steps += 1
        rate *= float(np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps))
        for weight, slope, first, second in zip(self.weights, slopes, self._first, self._second, strict=True):
            slope *= np.float32(scale)
            first += np.float32(0.1) * (slope - first)
            slope *= slope
            second += np.float32(0.001) * (slope - second)
            weight -= np.float32(rate) * first / (np.sqrt(second) + np.float32(1e-5))


def log_softmax(logits: F32, mask: I8) -> F32:
    """Return log-probabilities over what is legal, (B, A); what is not is far below."""
    shut = np.where(mask != 0, logits, SHUT)
    shut -= shut.max(axis=1, keepdims=True)
    return np.asarray(shut - np.log(np.exp(shut).sum(axis=1, keepdims=True)))


def drawn(logs: F32, rng: np.random.Generator) -> NDArray[Any]:
    """Draw one action each, (B,), by the Gumbel trick; what is illegal is never drawn."""
    noise = -np.log(-np.log(rng.random(logs.shape, dtype=np.float32) + np.float32(1e-12)) + np.float32(1e-12))
    return np.asarray((logs + noise).argmax(axis=1))
