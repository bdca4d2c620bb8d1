"""A judge's scores beside the same scores corrected by what people's labels show of the judge.

The rule: corrected is the raw score, before clipping and caps, because a mean of clipped scores cannot be mended. Rogan and Gladen's
correction takes the judge to err alike on every item and learns from the labels of all agents; the prediction-powered one takes nothing for
granted and learns only from the agent's own encounters, those in which people decided every item that the judge did. Both are refused, with
the number, where labels are too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from medsim.agreement.columns import OWN, REFERENCE, Said, Table
from medsim.agreement.labels import label_of
from medsim.stats import Estimate, Labelled, macro, ppi_mean
from medsim.stats.estimate import nothing
from medsim.stats.mended import Parts, rogan_gladen_score

RECOMMENDED = 200
"""Labelled items to know a judge by, stratified by case, competency and verdict."""

_SAME = 1e-4
"""Scores are stored to six digits."""


class Corrected(NamedTuple):
    """One judge's mean raw score of one agent by one rubric, as it is and corrected."""

    judge: str
    agent: str
    rubric: str
    encounters: int
    score: Estimate
    rogan_gladen: Estimate
    prediction_powered: Estimate
    labels: int
    """Judged items with a reference verdict, over all agents."""
    whole: int
    """The agent's encounters in which people decided every item that the judge did."""


@dataclass(slots=True)
class _Sum:
    """One encounter's points by the judge, and by people where they can be told."""

    case: str
    raw: float | None
    """As it was stored."""
    possible: float = 0.0
    fixed: float = 0.0
    judged: float = 0.0
    weight: float = 0.0
    worst: float = 0.0
    true: float = 0.0
    true_possible: float = 0.0
    missing: int = 0
    """Items that the judge decided and people did not."""
    truths: list[tuple[int, int]] = field(default_factory=list)
    """(reference, judge) of each labelled item that the judge decided."""

    def add(self, said: Said, label: Said | None) -> None:
        """Count one item that is met or unmet by the judge's score."""
        assert said.row is not None
        points, met = said.row.points, said.verdict == 1
        self.possible += max(points, 0.0)
        worth = said.row.earned if met else points
        truth = label.verdict if label is not None else None
        if said.rating is not None:
            self._add_rated(said.row.earned, points, said.own, label)
            return
        if said.own:
            self.judged += said.row.earned
            self.weight += worth
            self.worst += min(worth, 0.0)
            self.missing += truth is None and not _does_not_apply(label)
            if truth is not None:
                self.truths.append((truth, int(met)))
        else:
            self.fixed += said.row.earned
            truth = int(met) if truth is None and not _does_not_apply(label) else truth
        if truth is not None:
            self.true_possible += max(points, 0.0)
            self.true += worth * truth

    def _add_rated(self, earned: float, points: float, own: bool, label: Said | None) -> None:
        """Count a scale that has points: it is not a verdict to be corrected, but people may have rated it."""
        self.fixed += earned
        if _does_not_apply(label):
            return
        people = label.rating if label is not None else None
        self.missing += own and people is None
        self.true_possible += max(points, 0.0)
        self.true += earned if people is None else points * (people - 1) / 4


def corrected(table: Table, **options: Any) -> list[Corrected]:
    """Correct every judge that gave opinions, by agent and rubric; empty where people labelled nothing."""
    labels = table.said.get(REFERENCE, {})
    if not labels:
        return []
    found: list[Corrected] = []
    for judge in table.judges:
        column = table.said[judge]
        if any(one.own and one.rating is None for one in column.values()):
            found += _of_judge(table, judge, labels, options)
    return found


def _of_judge(table: Table, judge: str, labels: Any, options: dict[str, Any]) -> list[Corrected]:
    """Gather the judge's encounters by rubric, then by agent; scores by different rubrics are never put together."""
    sums: dict[str, dict[str, dict[str, _Sum]]] = {}
    for key, one in table.said[judge].items():
        unit = table.units[key]
        own = one.row is not None and one.row.rubric == unit.case
        rubric = OWN if own or one.row is None else f"{one.row.rubric} ({one.row.rubric_hash[:6]})"
        total = sums.setdefault(rubric, {}).setdefault(unit.agent, {}).setdefault(key[0], _Sum(unit.case, one.row.raw if one.row else None))
        if one.verdict is not None:
            total.add(one, labels.get(key))
    found = []
    for rubric, agents in sums.items():
        every = [total for encounters in agents.values() for total in encounters.values()]
        found += [_row(judge, agent, rubric, list(encounters.values()), every, options) for agent, encounters in agents.items()]
    return found


def _row(judge: str, agent: str, rubric: str, own: Sequence[_Sum], every: Sequence[_Sum], options: dict[str, Any]) -> Corrected:
    scored = [total for total in own if total.possible > 0]
    whole = [total for total in scored if total.weight and not total.missing and total.true_possible > 0]
    cases = [total.case for total in scored]
    raw = [(total.fixed + total.judged) / total.possible for total in scored]
    if any(total.raw is not None and abs(total.raw - value) > _SAME for total, value in zip(scored, raw, strict=True)):
        none = nothing("The rubric's score is not points earned over points possible, so it cannot be corrected item by item.")
        return Corrected(judge, agent, rubric, len(scored), none, none, none, sum(len(total.truths) for total in every), len(whole))
    parts = Parts(*([getattr(total, name) / total.possible for total in scored] for name in Parts._fields))
    pairs = [(truth, verdict, total.case) for total in every for truth, verdict in total.truths]
    labelled = Labelled([t for t, _, _ in pairs], [j for _, j, _ in pairs], [c for _, _, c in pairs])
    seen = Labelled(
        [total.true / total.true_possible for total in whole],
        [(total.fixed + total.judged) / total.possible for total in whole],
        [total.case for total in whole],
    )
    return Corrected(
        judge, agent, rubric, len(scored), macro(raw, cases=cases, **options), rogan_gladen_score(parts, cases=cases, labelled=labelled, **options),
        ppi_mean(raw, cases=cases, labelled=seen), len(pairs), len(whole),
    )  # fmt: skip


def _does_not_apply(label: Said | None) -> bool:
    return label is not None and label.row is not None and label_of(label.row).verdict == "na"
