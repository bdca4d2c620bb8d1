"""Results that know what they are results of.

The rule: two results whose identities differ are never pooled, and two agents are compared only where all else is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from medsim.errors import MedsimError
from medsim.stats.bootstrap import case_means
from medsim.stats.estimate import Array


class Result(NamedTuple):
    """The values of one agent, each with its case, and the identity under which they were obtained."""

    identity: Mapping[str, str]
    """The hash of each thing that decides a result, by name: agent, cases, rubric, env, patient, judge, prompts, models."""
    cases: Sequence[str]
    values: Sequence[float | None]


class Pairs(NamedTuple):
    """Two agents' case means side by side; the arrays have the shape (cases,)."""

    cases: list[str]
    one: Array
    other: Array
    only_one: int
    """Cases that only the first has a value for."""
    only_other: int


def pooled(results: Sequence[Result]) -> Result:
    """Join results of one identity; results of several are refused, with the names of what differs."""
    if not results:
        raise MedsimError("There is no result to pool. Give at least one.")
    for result in results[1:]:
        _refuse(differing(results[0], result), "pooled")
    return Result(
        results[0].identity, [case for part in results for case in part.cases], [value for part in results for value in part.values]
    )


def paired(one: Result, other: Result, *, differ: Collection[str] = ("agent",)) -> Pairs:
    """Align two agents' case means over the cases both have; only what is named in ``differ`` may differ between them."""
    _refuse([name for name in differing(one, other) if name not in differ], "compared")
    first, second = (_means(result) for result in (one, other))
    shared = [case for case in first if case in second]
    if not shared:
        raise MedsimError(
            f"The two results share no case with a value: {len(first)} and {len(second)} cases. Run both agents over the same cases."
        )
    columns = [np.array([means[case] for case in shared]) for means in (first, second)]
    return Pairs(shared, columns[0], columns[1], len(first) - len(shared), len(second) - len(shared))


def differing(one: Result, other: Result) -> list[str]:
    """The names of the parts of the identity that differ, or that only one of the two has."""
    names = sorted(set(one.identity) | set(other.identity))
    return [name for name in names if one.identity.get(name) != other.identity.get(name)]


def _means(result: Result) -> dict[str, float]:
    names, means, _ = case_means(result.values, cases=result.cases)
    return dict(zip(map(str, names), means.tolist(), strict=True))


def _refuse(names: list[str], verb: str) -> None:
    if names:
        raise MedsimError(
            f"Results with different identities are never {verb}: they differ in {', '.join(names)}. Show them apart, or run them again alike."
        )
