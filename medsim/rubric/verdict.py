"""Verdicts on the items of a rubric, at any time of an encounter and after it has ended.

The rule: an item that is decided while the encounter is open stays decided. The gate comes first, then the predicate, and a judge is waited
for only where both hold; what is met, or rated on a scale, earns, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterable

from medsim.case import Case
from medsim.case.checklist import Rubric, RubricItem, Scale
from medsim.errors import JudgeError
from medsim.rubric.finding import NA, UNKNOWN, Ending, Finding, Hit, Judged, Verdict, rated
from medsim.rubric.joint import hangs_together, joined
from medsim.rubric.log import Log, patterns, patterns_of
from medsim.rubric.operators import decide
from medsim.trajectory import Event

__all__ = ["NA", "UNKNOWN", "Ending", "Finding", "Hit", "Judged", "Log", "Monitor", "Verdict", "decide", "patterns"]


class Monitor:
    """Follows one encounter with a rubric: feed it events, ask it for verdicts at any time."""

    def __init__(self, rubric: Rubric, case: Case) -> None:
        self.rubric = rubric
        self.log = Log(patterns_of(rubric), case)
        self._decided: dict[str, Judged] = {}
        self.positive = sum(item.points for item in rubric.items if item.points > 0)
        self._hangs_together = hangs_together(rubric)
        if rubric.items and self.positive <= 0 and not any(item.scale for item in rubric.items):
            raise JudgeError("The rubric has no positive points, so no score can be formed.")

    def feed(self, events: Iterable[Event]) -> None:
        """Take in new events."""
        for event in events:
            self.log.feed(event)

    def verdict(self, item: RubricItem, ending: Ending = "open") -> Judged:
        """The verdict of one item; once decided in an open encounter it stays."""
        if ending != "open":
            return self._judge(item, ending)
        if item.id not in self._decided:
            judged = self._judge(item, ending)
            if judged.verdict == "unknown":
                return judged
            self._decided[item.id] = judged
        return self._decided[item.id]

    def earned(self, ending: Ending = "open") -> float:
        """Points earned so far over all positive points of the rubric: its differences are the dense reward."""
        total = 0.0
        found = self._joined(ending) if self._hangs_together else None
        for item in self.rubric.items:
            judged = found[item.id] if found else self.verdict(item, ending)
            if judged.verdict == "met" or judged.rating is not None:
                total += item.points * judged.credit
        return total / self.positive if self.positive else 0.0

    def _joined(self, ending: Ending) -> dict[str, Judged]:
        return joined(self.rubric, {item.id: self.verdict(item, ending) for item in self.rubric.items})

    def _judge(self, item: RubricItem, ending: Ending) -> Judged:
        gate = decide(item.gate, self.log, ending) if item.gate else None
        if gate and gate.verdict in {"unmet", "na"}:
            return Judged("na", 0.0, gate.evidence, "the gate does not hold")
        if gate and gate.verdict == "unknown":
            return Judged("unknown", reason="the gate is still open")
        if item.scale is not None and item.scale.by and item.judge is None:
            return self._rate(item.scale, ending)
        if item.pred is None:
            return Judged("unknown", 1.0, reason="needs a judge", waits=True)
        found = decide(item.pred, self.log, ending)
        if found.verdict != "met":
            cut = "was still open when the encounter was cut off" if found.verdict == "unknown" and ending == "censored" else ""
            return Judged(found.verdict, 0.0, found.evidence, found.reason or cut)
        credit = self.credit(item) * found.share
        if item.judge is not None:
            return Judged("unknown", credit, found.evidence, "the predicate holds; needs a judge", waits=True)
        return Judged("met" if credit > 0 else "unmet", credit, found.evidence, found.reason)

    def _rate(self, scale: Scale, ending: Ending) -> Judged:
        """The highest step whose predicate holds; a higher one that is not decided leaves the rating unknown."""
        for step in sorted(scale.by, reverse=True):
            found = decide(scale.by[step], self.log, ending)
            if found.verdict == "unknown":
                return Judged("unknown", 0.0, found.evidence, found.reason or f"whether step {step} was reached is still open")
            if found.verdict == "met":
                return rated(step, met_from=scale.met_from, evidence=found.evidence, reason=found.reason)
        return rated(1, met_from=scale.met_from)

    def credit(self, item: RubricItem) -> float:
        """The share of an item's points that decay has left."""
        if item.decay is None or item.pred is None or item.pred.did is None:
            return 1.0
        hits = self.log.hits(item.pred.did)
        if len(hits) < item.pred.min:
            return 1.0  # met by staying under its max: nothing was done that could be late
        late = hits[item.pred.min - 1].t - item.decay.full
        return min(1.0, max(0.0, 1 - late / (item.decay.zero - item.decay.full)))
