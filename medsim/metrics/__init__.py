"""What published systems report of their encounters, computed from stored ones: one module for each.

The rule: a measure reads cases and trajectories and nothing else. What cannot be computed is left out with the reason, never a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from medsim.case import Case
from medsim.trajectory import Trajectory


class Played(NamedTuple):
    """One stored encounter with its case and its summary row."""

    case: Case
    trajectory: Trajectory
    row: Mapping[str, Any] = {}
    """Summary columns of ``Store.rows``; empty where the encounter was not stored."""
    scores: tuple[Mapping[str, Any], ...] = ()
    """All scores as ``Store.scores`` gives them, oldest first."""


class Metric(NamedTuple):
    """One figure of one agent, with a 95 % interval over cases where there is one."""

    agent: str
    name: str
    value: float | None
    """None where nothing could be measured; ``note`` says why."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    """Cases behind it."""
    note: str = ""


__all__ = ["Metric", "Played"]
