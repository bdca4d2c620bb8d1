"""Means over cases with an interval that resamples clusters of cases.

The rule: trials of one case are averaged first; cases that repeat each other are one cluster and are drawn together. One cluster has no
interval, and nothing measured is None, never zero. A share of none or all has an interval too, which a bootstrap cannot give.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from medsim.case import Case
from medsim.metrics import Metric
from medsim.stats import Estimate, pass_rate
from medsim.stats.bootstrap import RESAMPLES, SEED


def clusters(cases: Iterable[Case]) -> dict[str, str]:
    """The cluster of each case, by case hash: cases flagged ``dup_of:ID`` stand with the case they repeat, directly or over others."""
    listed = list(cases)
    first = {case.id: flag.removeprefix("dup_of:") for case in listed for flag in case.provenance.flags if flag.startswith("dup_of:")}
    return {case.hash: _root(case.id, first) for case in listed}


def _root(name: str, first: Mapping[str, str]) -> str:
    seen = {name}
    while name in first and first[name] not in seen:
        name = first[name]
        seen.add(name)
    return name


def mean(values: Mapping[str, Sequence[float]], cluster: Mapping[str, str]) -> Estimate:
    """Mean over cases of each case's mean, with a 95 % percentile interval; ``values`` by case hash, one for each trial."""
    by_case = {case: float(np.mean(several)) for case, several in values.items() if len(several)}
    if not by_case:
        return Estimate(None)
    groups: dict[str, list[float]] = {}
    for case, value in by_case.items():
        groups.setdefault(cluster.get(case, case), []).append(value)
    whole = float(np.mean(list(by_case.values())))
    if len(groups) == 1:
        return Estimate(whole, n=1)
    sums, counts = (np.array([way(group) for group in groups.values()], dtype=float) for way in (sum, len))
    drawn = np.random.default_rng(SEED).integers(len(groups), size=(RESAMPLES, len(groups)))
    low, high = np.percentile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return Estimate(whole, float(low), float(high), len(groups))


def share(values: Mapping[str, Sequence[float]], cluster: Mapping[str, str]) -> Estimate:
    """The share of yes (1) among yes and no (0), averaged as in ``mean``, with an interval that stays honest at 0 and 1."""
    pairs = [(value, case) for case, several in values.items() for value in several]
    cases = [case for _, case in pairs]
    return pass_rate([value for value, _ in pairs], cases=cases, groups=[cluster.get(case, case) for case in cases])


def metric(
    agent: str, name: str, values: Mapping[str, Sequence[float]], cluster: Mapping[str, str], *, note: str = "", yes_no: bool = False
) -> Metric:
    """A figure of one agent as ``mean`` computes it, or ``share`` where it is ``yes_no``; without values it is None and the note says that nothing could be measured."""
    found = (share if yes_no else mean)(values, cluster)
    measured = [case for case, several in values.items() if len(several)]
    groups = len({cluster.get(case, case) for case in measured})
    alone = "one case (or one group of duplicates) has no interval" if groups == 1 else ""
    if groups > 1 and found.low == found.high:
        alone = "every case alike: an interval without width says nothing of other cases"
    told = "; ".join(filter(None, (note or "" if measured else note or "no encounter to measure it on", alone)))
    return Metric(agent, name, found.value, found.low, found.high, len(measured), told)
