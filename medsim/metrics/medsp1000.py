"""MedSP1000's figures from stored encounters: micro and case-macro, over all and by competency, raw and linted side by side.

The rule: the denominator is the rubric's, whatever was judged. Raw, in the set's convention, an item of unknown verdict is not completed;
linted (failings turned round, what no transcript shows left out, exclusive branches one item) it leaves the score. Coverage says how many
items were judged. Scores of different judges are never pooled.

Upstream's denominator is what its judge happened to return, and it gives no interval. Here intervals are 95 % and draw articles again: the
packets of one article (and its twins) share texts and items. In the macro figures trials of one packet are averaged first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from medsim.importers.medsp1000_export import judged
from medsim.importers.medsp1000_rubric import COMPETENCIES
from medsim.importers.medsp1000_score import Score, Tally, score
from medsim.metrics import Metric, Played
from medsim.metrics.clusters import metric
from medsim.stats.bootstrap import RESAMPLES, SEED

DIMENSIONS = ("overall", *COMPETENCIES)


class Scored(NamedTuple):
    """One encounter, scored in both ways from one judge's verdicts."""

    case: str
    """Hash of the case."""
    group: str
    """Split group of its packet: the article."""
    score: Score
    judged: int
    """Items that have a verdict."""


def measure(played: Iterable[Played]) -> list[Metric]:
    """Every figure for every agent, and where several judges scored it for each of them."""
    listed = list(played)
    found: list[Metric] = []
    for agent in dict.fromkeys(one.trajectory.agent for one in listed):
        found += _of_agent(agent, [one for one in listed if one.trajectory.agent == agent])
    return found


def _of_agent(agent: str, played: Sequence[Played]) -> Iterator[Metric]:
    ended = [one for one in played if one.trajectory.outcome.status not in {"error", "open"}]
    by_judge: dict[str, list[Scored]] = {}
    for one in ended:
        for found in judged(one.trajectory, one.scores, one.case):
            held = Scored(one.case.hash, found.packet.split_group, score(found.packet, found.verdicts), len(found.verdicts.given))
            by_judge.setdefault(found.judge, []).append(held)
    if not by_judge:
        yield Metric(agent, "raw_micro", None, note=_unjudged(ended))
    for judge, scored in by_judge.items():
        left = len(ended) - len(scored)
        told = [
            f"judge {judge}",
            f"{len(played) - len(ended)} failed" if len(played) > len(ended) else "",
            f"{left} not judged" if left else "",
        ]
        named = agent if len(by_judge) == 1 else f"{agent} ({judge})"
        yield from _figures(named, scored, "; ".join(filter(None, told)))


def _unjudged(ended: Sequence[Played]) -> str:
    """Why nothing is known of these encounters."""
    if any(scored["judge"] != "none" for one in ended for scored in one.scores):
        return "a judge was asked and decided no item: medsim show ID says why, medsim score RUN --judge MODEL --repeat 1 asks again"
    return "no encounter of a packet has been judged: medsim score RUN --judge MODEL"


def _figures(agent: str, scored: Sequence[Scored], note: str) -> Iterator[Metric]:
    cluster = {one.case: one.group for one in scored}
    for way in ("raw", "linted"):
        for name in DIMENSIONS:
            tallies = [(one, getattr(one.score, way)[name]) for one in scored]
            end = "" if name == "overall" else f"_{name}"
            yield micro(agent, f"{way}_micro{end}", tallies, note=note)
            values: dict[str, list[float]] = {}
            for one, tally in tallies:
                values.setdefault(one.case, []).extend([] if tally.ratio is None else [tally.ratio])
            yield _spread(metric(agent, f"{way}_macro{end}", values, cluster, note=note))
    shares = [(one, Tally(one.judged, one.score.raw["overall"].total)) for one in scored]
    yield micro(agent, "coverage", shares, note=f"share of items with a verdict; {note}")


def micro(agent: str, name: str, tallies: Iterable[tuple[Scored, Tally]], *, note: str) -> Metric:
    """Items completed over all known items of all encounters, with an interval that draws articles again."""
    sums: dict[str, tuple[int, int]] = {}
    cases: set[str] = set()
    for one, tally in tallies:
        known = tally.total - tally.unknown
        met, total = sums.get(one.group, (0, 0))
        sums[one.group] = (met + tally.met, total + known)
        cases |= {one.case} if known else set()
    held = [pair for pair in sums.values() if pair[1]]
    if not held:
        return Metric(agent, name, None, note=f"no such item has a verdict; {note}")
    top, bottom = np.array(held, dtype=float).T
    value = float(top.sum() / bottom.sum())
    if len(held) == 1:
        return Metric(agent, name, value, n=len(cases), note=f"{note}; one article has no interval")
    drawn = np.random.default_rng(SEED).integers(len(held), size=(RESAMPLES, len(held)))
    low, high = np.percentile(top[drawn].sum(axis=1) / bottom[drawn].sum(axis=1), [2.5, 97.5])
    return _spread(Metric(agent, name, value, float(low), float(high), len(cases), note))


def _spread(one: Metric) -> Metric:
    """A figure without the interval that equal values would give: of no width, as if it were certain."""
    if one.low is None or one.high is None or one.high - one.low > 1e-12:
        return one
    return one._replace(low=None, high=None, note=f"{one.note}; all articles gave the same, which tells no interval")
