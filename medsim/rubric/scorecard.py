"""Scores: what verdicts add up to.

The rule: only decided, applicable items count, and coverage says how many those are. A score that cannot be formed is None, never 0.
Raw scores may be negative; the reported one is clipped to 0..1 and then capped by critical items.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.rubric.verdict import Ending, Monitor, Verdict
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


@dataclass(frozen=True, slots=True)
class Scorecard:
    """What a trajectory is worth by one rubric."""

    rubric: str
    rubric_hash: str
    judge: str
    items: tuple[ItemScore, ...]
    raw: float | None
    """Earned over positive points of decided, applicable items; may be negative."""
    score: float | None
    """Raw clipped to 0..1, then capped."""
    passed: bool | None
    coverage: float
    """Decided over applicable items."""
    critical: tuple[str, ...] = ()
    """Ids of critical items that were met."""
    profile: dict[str, float | None] | None = None
    """Score by competency; None where fewer than three positive items were decided."""

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


def rubric_hash(rubric: Rubric) -> str:
    """sha256 of a rubric's canonical JSON, first 16 hex digits."""
    text = json.dumps(rubric.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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


def tally(monitor: Monitor, how: Ending) -> Scorecard:
    """Add up a monitor's verdicts."""
    items = tuple(_item(monitor, position, how) for position in range(len(monitor.rubric.items)))
    applicable = [item for item in items if item.verdict != "na"]
    decided = [item for item in applicable if item.verdict != "unknown"]
    raw = _share(decided)
    critical = tuple(item.id for item in items if item.critical and item.verdict == "met")
    coverage = len(decided) / len(applicable) if applicable else 0.0
    reported = _capped(monitor.rubric, raw, critical)
    return Scorecard(
        rubric=monitor.rubric.id or monitor.log.case.id,
        rubric_hash=rubric_hash(monitor.rubric),
        judge="none",
        items=items,
        raw=raw,
        score=reported,
        passed=_passed(monitor.rubric, reported, critical, coverage),
        coverage=coverage,
        critical=critical,
        profile=_profile(decided),
    )


def _item(monitor: Monitor, position: int, how: Ending) -> ItemScore:
    item = monitor.rubric.items[position]
    judged = monitor.verdict(item, how)
    earned = round(item.points * judged.credit, 6) if judged.verdict == "met" else 0.0
    return ItemScore(
        item.id,
        item.text,
        item.comp,
        item.points,
        judged.verdict,
        earned,
        judged.evidence,
        judged.reason,
        item.critical or "",
        item.purpose,
    )


def _share(decided: Sequence[ItemScore]) -> float | None:
    positive = sum(item.points for item in decided if item.points > 0)
    return round(sum(item.earned for item in decided) / positive, 6) if positive > 0 else None


def _capped(rubric: Rubric, raw: float | None, critical: Sequence[str]) -> float | None:
    if raw is None:
        return None
    caps = [item.cap for item in rubric.items if item.id in critical and item.cap is not None]
    return min([max(0.0, min(1.0, raw)), *caps])


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
        share = _share(own) if sum(item.points > 0 for item in own) >= FEWEST_FOR_PROFILE else None
        profile[comp] = None if share is None else max(0.0, min(1.0, share))
    return profile
