"""What verdicts add up to: a score, totals beside it, sums by tag, and the mean over encounters.

The rule: nothing is divided by nothing. Where a sum cannot be formed it is None, and a sentence says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from medsim.case.checklist import Rubric
from medsim.rubric.finding import Ending
from medsim.rubric.log import Log

if TYPE_CHECKING:
    from medsim.rubric.scorecard import ItemScore, Scorecard


def share(decided: Iterable[ItemScore]) -> float | None:
    """Points earned over positive points; below 0 where harm outweighs."""
    items = list(decided)
    positive = sum(item.points for item in items if item.points > 0)
    return round(sum(item.earned for item in items) / positive, 6) if positive > 0 else None


def f1(decided: Iterable[ItemScore]) -> float | None:
    """``2 earned / (2 earned + missed + harm done)`` in points: what was left undone weighs as much as what was done amiss."""
    items = list(decided)
    good = [item for item in items if item.points > 0]
    if not good:
        return None
    earned = sum(item.earned for item in good)
    missed = sum(item.points for item in good) - earned
    harm = -sum(item.earned for item in items if item.points < 0)
    return round(2 * earned / (2 * earned + missed + harm), 6)


def raw_score(rubric: Rubric, decided: Sequence[ItemScore]) -> float | None:
    """The sum of a rubric's formula over decided, applicable items."""
    return f1(decided) if rubric.formula == "f1" else share(decided)


def clipped(rubric: Rubric, raw: float | None, caps: Sequence[float]) -> float | None:
    """What is reported of an encounter: clipped to 0..1, unless the rubric clips the mean of encounters, then capped."""
    if raw is None:
        return None
    return min([raw if rubric.clip == "mean" else max(0.0, min(1.0, raw)), *caps])


def why_none(rubric: Rubric, items: Sequence[ItemScore]) -> str:
    """Say why there is no score."""
    if not rubric.items:
        return "The case came without a rubric, so there is nothing to score."
    if not any(item.points > 0 for item in rubric.items):
        return "The rubric gives no points: its scales stand by themselves and make no score."
    applicable = [item for item in items if item.verdict != "na" and item.points]
    if not applicable:
        return "No score: none of the items applies to this encounter."
    unknown = [item for item in applicable if item.verdict == "unknown"]
    reasons = Counter(item.reason for item in unknown if item.reason)
    mostly = f" Most often: {reasons.most_common(1)[0][0]}." if reasons else ""
    if len(unknown) == len(applicable):
        return f"No score: none of {len(applicable)} items could be decided.{mostly}"
    return f"No score: none of the items with positive points was decided, {len(unknown)} of {len(applicable)} are unknown.{mostly}"


def totals(rubric: Rubric, log: Log, how: Ending) -> dict[str, float | None]:
    """The totals a rubric asks for; None where the encounter was cut off, since they would have grown."""
    values: dict[str, float] = {
        "cost": round(log.cost, 2),
        "minutes": round(log.now / 60, 2),
        "turns": log.turns,
        "questions": log.done.get("ask", 0),
        "orders": log.done.get("order", 0),
    }
    return {name: values[name] if how == "voluntary" else None for name in rubric.axes}


def by_tag(card: Scorecard, rubric: Rubric, *, prefix: str = "") -> dict[str, float | None]:
    """Scores by tag, such as all that begin with ``axis:``; None where no item with positive points was decided."""
    tags = {item.id: item.tags for item in rubric.items}
    names = sorted({tag for own in tags.values() for tag in own if tag.startswith(prefix)})
    decided = [item for item in card.items if item.verdict not in {"na", "unknown"}]
    return {name: share(item for item in decided if name in tags.get(item.id, ())) for name in names}


class Mean(NamedTuple):
    """A mean over encounters; ``left_out`` had no score."""

    value: float | None
    encounters: int
    left_out: int
    reason: str = ""
    """Why there is none."""


def mean_score(cards: Iterable[Scorecard]) -> Mean:
    """The mean of encounters' scores, clipped to 0..1 here and, where their rubric says ``clip: mean``, nowhere before."""
    every = [card.score for card in cards]
    scores = [score for score in every if score is not None]
    if not scores:
        told = f"No mean: none of {len(every)} encounters has a score." if every else "No mean: there is no encounter."
        return Mean(None, 0, len(every), told)
    return Mean(max(0.0, min(1.0, sum(scores) / len(scores))), len(scores), len(every) - len(scores))
