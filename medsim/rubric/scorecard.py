"""Scores: what verdicts add up to.

The rule: only decided, applicable items count, and coverage says how many those are. A score that cannot be formed is None, never 0.
Raw scores may be negative; the reported one is clipped to 0..1 and then capped by critical items. Scales without points, and totals such as
cost, stand beside the score and never in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medsim.case import Case
from medsim.case.checklist import Rubric, RubricItem, Scale
from medsim.rubric.finding import Ending, Judged, Verdict, rated
from medsim.rubric.joint import hangs_together, joined, standing
from medsim.rubric.opinion import Opinion
from medsim.rubric.sums import clipped, raw_score, share, totals, why_none
from medsim.rubric.verdict import Monitor
from medsim.trajectory import Event, Outcome

TRUSTED_COVERAGE = 0.9
FEWEST_FOR_PROFILE = 3


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item's verdict, points and evidence (event numbers)."""

    id: str
    text: str
    comp: str
    points: float
    verdict: Verdict
    earned: float
    evidence: tuple[int, ...] = ()
    reason: str = ""
    critical: str = ""
    role: str = "quality"
    judged: dict[str, Any] | None = None
    """Where a judge was asked: its votes, prompt hash and controls."""
    rating: int | None = None
    """On a scale: from 1 to 5; None where it was not rated."""
    level: str = ""
    group: str = ""
    critical_when: str = ""
    """``unmet`` where leaving it undone is what is critical."""


@dataclass(frozen=True, slots=True)
class Stage:
    """How a group of items stands."""

    verdict: Verdict
    """Met where all that applies is as it should be, harm not done among it."""
    share: float | None
    """Points earned over positive points within the group; None where none of them was decided."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What a trajectory is worth by one rubric."""

    rubric: str
    rubric_hash: str
    judge: str
    items: tuple[ItemScore, ...]
    raw: float | None
    """By the rubric's formula over decided, applicable items; may be negative."""
    score: float | None
    """Raw clipped to 0..1 (unless the rubric clips the mean of encounters), then capped."""
    passed: bool | None
    coverage: float
    """Decided over applicable items."""
    critical: tuple[str, ...] = ()
    """Ids of critical items that were met, or left undone where that is what is critical."""
    profile: dict[str, float | None] | None = None
    """Score by competency; None where fewer than three positive items were decided."""
    scales: dict[str, int | None] | None = None
    """Ratings from 1 to 5 by item; None where not rated."""
    groups: dict[str, Stage] | None = None
    axes: dict[str, float | None] | None = None
    """Totals the rubric asks for (cost in USD, minutes, turns, questions, orders); None where the encounter was cut off."""
    why: str = ""
    """Why there is no score."""

    @property
    def flagged(self) -> bool:
        """Whether too much is unknown to trust the score."""
        return self.coverage < TRUSTED_COVERAGE

    @property
    def harms(self) -> tuple[str, ...]:
        """Ids of harm items that were met."""
        return tuple(item.id for item in self.items if item.role == "harm" and item.verdict == "met")

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


_HASHED: dict[int, tuple[Rubric, str]] = {}


def rubric_hash(rubric: Rubric) -> str:
    """sha256 of a rubric's canonical JSON, first 16 hex digits."""
    known = _HASHED.get(id(rubric))
    if known is not None and known[0] is rubric:
        return known[1]
    text = json.dumps(rubric.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)
    if len(_HASHED) >= 256:
        _HASHED.clear()
    made = hashlib.sha256(text.encode()).hexdigest()[:16]
    _HASHED[id(rubric)] = (rubric, made)  # kept with its hash, so that its id stays its own
    return made


def ending(outcome: Outcome) -> Ending:
    """How an outcome closes obligations: a finished encounter does, a truncation or error does not."""
    return "voluntary" if outcome.status == "finished" else "censored"


def score(case: Case, events: Sequence[Event], outcome: Outcome, *, rubric: Rubric | None = None) -> Scorecard:
    """Score the events of an ended encounter; the case's own rubric unless another is given."""
    if outcome.status == "open":
        raise ValueError("The encounter is still open; play it to its end, or use a Monitor for verdicts on the way.")
    monitor = Monitor(rubric or case.rubric, case)
    monitor.feed(events)
    return tally(monitor, ending(outcome))


def tally(monitor: Monitor, how: Ending, *, judge: str = "none", opinions: Mapping[str, Opinion] | None = None) -> Scorecard:
    """Add up a monitor's verdicts, with a judge's opinions on the items that wait for one."""
    rubric, told = monitor.rubric, opinions or {}
    alone = {item.id: monitor.verdict(item, how) for item in rubric.items}
    heard = {item.id: told[item.id] for item in rubric.items if alone[item.id].waits and item.id in told}
    alone |= {item.id: _settled(item, alone[item.id], heard[item.id]) for item in rubric.items if item.id in heard}
    together = joined(rubric, alone) if hangs_together(rubric) else alone
    items = tuple(_item(item, together[item.id], heard.get(item.id)) for item in rubric.items)
    applicable = [item for item in items if item.verdict != "na"]
    decided = [item for item in applicable if item.verdict != "unknown"]
    raw = raw_score(rubric, decided)
    critical = tuple(item.id for item in rubric.items if _strikes(item, together[item.id].verdict))
    coverage = _coverage(rubric, applicable)
    reported = clipped(rubric, raw, [item.cap for item in rubric.items if item.id in critical and item.cap is not None])
    return Scorecard(
        rubric=rubric.id or monitor.log.case.id,
        rubric_hash=rubric_hash(rubric),
        judge=judge,
        items=items,
        raw=raw,
        score=reported,
        passed=_passed(rubric, reported, critical, coverage),
        coverage=coverage,
        critical=critical,
        profile=_profile(decided),
        scales={item.id: together[item.id].rating for item in rubric.items if item.scale} or None,
        groups={
            name: Stage(verdict, share(item for item in decided if item.group == name))
            for name, verdict in standing(rubric, {name: judged.verdict for name, judged in together.items()}).items()
        }
        or None,
        axes=totals(rubric, monitor.log, how) or None,
        why=why_none(rubric, items) if raw is None else "",
    )


def _strikes(item: RubricItem, verdict: Verdict) -> bool:
    return bool(item.critical) and verdict == (item.critical_when or "met")


def _coverage(rubric: Rubric, applicable: Sequence[ItemScore]) -> float:
    """Decided over applicable items, of those that count; where a rubric has only scales without points, of those."""
    weighty = {item.id for item in rubric.items if item.points or item.critical}
    counted = [item for item in applicable if item.id in weighty or not weighty]
    return sum(item.verdict != "unknown" for item in counted) / len(counted) if counted else 0.0


def _item(item: RubricItem, judged: Judged, told: Opinion | None) -> ItemScore:
    earns = judged.verdict == "met" or (judged.rating is not None and judged.verdict == "unmet")
    return ItemScore(
        item.id,
        item.text,
        item.comp,
        item.points,
        judged.verdict,
        round(item.points * judged.credit, 6) if earns else 0.0,
        judged.evidence,
        judged.reason,
        "" if item.critical_when == "unmet" and judged.verdict == "met" else item.critical or "",
        item.purpose,
        told.data if told is not None else None,
        judged.rating,
        item.level or "",
        item.group or "",
        item.critical_when or "",
    )


def _settled(item: RubricItem, judged: Judged, opinion: Opinion) -> Judged:
    """Join what the log says of an item with what the judge says; the judge is only heard where the predicate holds."""
    evidence = tuple(dict.fromkeys((*judged.evidence, *opinion.evidence)))
    if item.scale is not None:
        return _on_scale(item, item.scale, opinion, evidence)
    credit = judged.credit if opinion.verdict == "met" else 0.0
    verdict: Verdict = "unmet" if opinion.verdict == "met" and credit <= 0 else opinion.verdict
    return Judged(verdict, credit, evidence, opinion.reason)


def _on_scale(item: RubricItem, scale: Scale, opinion: Opinion, evidence: tuple[int, ...]) -> Judged:
    """A rating; a bare met or unmet says too little where the rating earns points."""
    if opinion.verdict in {"met", "unmet"} and opinion.rating is not None:
        return rated(opinion.rating, met_from=scale.met_from, evidence=evidence, reason=opinion.reason)
    if opinion.verdict in {"met", "unmet"} and item.points:
        return Judged("unknown", 0.0, evidence, "a rating from 1 to 5 was asked for and not given")
    return Judged(opinion.verdict, 0.0, evidence, opinion.reason)


def _passed(rubric: Rubric, reported: float | None, critical: Sequence[str], coverage: float) -> bool | None:
    """Whether the encounter is passed; a fatal harm decides at once, otherwise too much unknown leaves it undecided."""
    if reported is None:
        return None
    if any(item.critical == "fail" and item.id in critical for item in rubric.items) or (rubric.pass_.no_critical and critical):
        return False
    return None if coverage < TRUSTED_COVERAGE else reported >= rubric.pass_.min_score


def _profile(decided: Sequence[ItemScore]) -> dict[str, float | None]:
    profile: dict[str, float | None] = {}
    for comp in dict.fromkeys(item.comp for item in decided):
        own = [item for item in decided if item.comp == comp]
        found = share(own) if sum(item.points > 0 for item in own) >= FEWEST_FOR_PROFILE else None
        profile[comp] = None if found is None else max(0.0, min(1.0, found))
    return profile
