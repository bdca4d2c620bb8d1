"""What a bias does: the same encounters without and with it, compared in pairs.

The rule: a pair is the same version of a case in the same trial under the same seed, which runs share by construction. What has no
partner, or cannot be measured on both sides, is left out and counted. The unit is the case (with its duplicates): differences of trials are
averaged first, and the interval resamples cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from medsim.errors import StoreError
from medsim.metrics import Metric, Played
from medsim.metrics.agentclinic import correct, covered, ruled, ruling, turns
from medsim.metrics.clusters import clusters, metric
from medsim.metrics.ratings import ITEMS, given

Key = tuple[str, int, int]
"""Case hash, trial, seed."""
Value = Callable[[Played], float | None]


def paired(without: Iterable[Played], with_: Iterable[Played]) -> list[Metric]:
    """The effect on every figure, as with minus without; for each agent, or for the one agent of either side under both names.

    The last figure is how many encounters had no partner, those that failed among them.
    """
    first, second = _by_agent(without), _by_agent(with_)
    found: list[Metric] = []
    for name, base, other in _matched(first, second):
        found += _effects(name, base, other)
    return found


def _by_agent(played: Iterable[Played]) -> dict[str, list[Played]]:
    found: dict[str, list[Played]] = {}
    for one in played:
        found.setdefault(one.trajectory.agent, []).append(one)
    return found


def _matched(first: Mapping[str, list[Played]], second: Mapping[str, list[Played]]) -> Iterable[tuple[str, list[Played], list[Played]]]:
    """(name, without, with) of the agents that belong together."""
    if len(first) == len(second) == 1:
        (one, base), (two, other) = *first.items(), *second.items()
        return [(one if one == two else f"{two} - {one}", base, other)]
    both = [name for name in first if name in second]
    if not both:
        raise StoreError(
            f"No agent is on both sides: without {', '.join(first) or 'none'}; with {', '.join(second) or 'none'}. "
            "Choose one of each side: --agent NAME --against-agent NAME."
        )
    return [(name, first[name], second[name]) for name in both]


def _effects(name: str, base: Sequence[Played], other: Sequence[Played]) -> list[Metric]:
    left, right = _ended(base), _ended(other)
    pairs = [(left[key], right[key]) for key in left if key in right]
    alone = len(base) + len(other) - 2 * len(pairs)
    cluster = clusters(one.case for one, _ in pairs)
    rated = any(given(one) for pair in pairs for one in pair)
    judged = any(ruling(one) for pair in pairs for one in pair)
    values: dict[str, Value] = {
        "accuracy": correct,
        **({"accuracy_moderator": ruled} if judged else {}),
        "information": covered,
        "turns": lambda one: float(turns(one.trajectory.events)),
        **({item: _scale(item) for item in ITEMS} if rated else {}),
    }
    effects = [_effect(name, figure, value, pairs, cluster) for figure, value in values.items()]
    note = f"encounters of {len(base) + len(other)}" if alone else "every encounter has its partner"
    return [*effects, Metric(name, "unpaired", float(alone), n=len({one.case.hash for one, _ in pairs}), note=note)]


def _effect(name: str, figure: str, value: Value, pairs: Sequence[tuple[Played, Played]], cluster: Mapping[str, str]) -> Metric:
    differences: dict[str, list[float]] = {}
    missing = 0
    for one, two in pairs:
        before, after = value(one), value(two)
        if before is None or after is None:
            missing += 1
            continue
        differences.setdefault(one.case.hash, []).append(after - before)
    note = f"{missing} of {len(pairs)} pairs could not be measured" if missing else ""
    return metric(
        name, f"effect_on_{figure}", differences, cluster, note=note or ("" if pairs else "no pair: no case and trial is on both sides")
    )


def _ended(played: Iterable[Played]) -> dict[Key, Played]:
    """The encounters that came to their end, by what must be the same on both sides."""
    return {
        (one.trajectory.case_hash, one.trajectory.trial, one.trajectory.seed): one
        for one in played
        if one.trajectory.outcome.status not in {"error", "open"}
    }


def _scale(item: str) -> Value:
    return lambda one: (given(one) or {}).get(item)
