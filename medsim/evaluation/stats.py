"""One agent over the cases of a run, summed up in numbers that may be believed.

The rule: the unit is the case, and what has no score is left out and counted, never taken as zero. Rows of two identities are not summed up
together. The arithmetic is ``medsim.stats``; here it is decided what goes into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from medsim import stats
from medsim.errors import MedsimError
from medsim.stats import Estimate
from medsim.store.tally import Tally

Row = Mapping[str, Any]
"""A summary row, as ``Store.rows`` gives it."""


class Summary(NamedTuple):
    """One agent over a set of cases; every estimate has its 95 % interval."""

    agent: str
    n: int
    """Trajectories that ended."""
    cases: int
    score: Estimate
    """Mean over cases of each case's mean score: the headline."""
    micro: Estimate
    """Items met over items decided, all cases together; items with points above zero. For comparison with published figures."""
    pass_rate: Estimate
    harm: Estimate
    """Share of trajectories with critical harm; where none was seen, ``high`` is what the rule of three leaves possible."""
    critical: int
    """Trajectories with at least one critical item met."""
    trials: int
    """Trials of a case, the most there are."""
    once: Estimate | None
    """The chance that at least one of so many trials passes (pass@k); None with one trial."""
    always: Estimate | None
    """The chance that all of them pass (pass^k); None with one trial."""
    turns: float | None
    minutes: float | None
    cost: float | None
    information: float | None
    coverage: float | None
    truncated: int
    unscored: int
    errors: int


def summarise(
    agent: str, rows: Sequence[Row], *, tallies: Mapping[str, Sequence[Tally]] | None = None, groups: Mapping[str, str] | None = None
) -> Summary:
    """Sum up the stored rows of one agent in one run.

    ``tallies`` counts items (``medsim.store.tally``); without it there is no micro mean. ``groups`` names the group of cases that share
    one, by case hash (``medsim.evaluation.groups``). MedsimError where the rows are not of one agent and one identity.
    """
    one_identity(rows)
    ended = [row for row in rows if row["status"] != "error"]
    cases = [row["case_hash"] for row in ended]
    units = units_of(cases, groups)
    first = [_own(row, tallies or {}) for row in ended]
    passed = [row["passed"] for row in ended]
    trials = max(Counter(row["case_hash"] for row in rows).values(), default=0)
    return Summary(
        agent=agent,
        n=len(ended),
        cases=len(set(cases)),
        score=stats.macro([row["score"] for row in ended], cases=cases, groups=units, bounds=(0.0, 1.0)),
        micro=_micro(first, cases, units),
        pass_rate=stats.pass_rate(passed, cases=cases, groups=units),
        harm=_harm(ended, first, cases, units),
        critical=sum(bool(row["critical"]) for row in ended),
        trials=trials,
        once=stats.pass_at_k(passed, cases=cases, k=trials, groups=units) if trials > 1 else None,
        always=stats.pass_hat_k(passed, cases=cases, k=trials, groups=units) if trials > 1 else None,
        turns=_mean([row["turns"] for row in ended], cases),
        minutes=_mean([row["seconds"] / 60 for row in ended], cases),
        cost=_mean([row["cost"] for row in ended], cases),
        information=_mean([row["information"] for row in ended], cases),
        coverage=_mean([row["coverage"] for row in ended], cases),
        truncated=sum(row["status"] == "truncated" for row in ended),
        unscored=sum(row["score"] is None for row in ended),
        errors=len(rows) - len(ended),
    )


def one_identity(rows: Sequence[Row]) -> None:
    """Refuse rows that are not all of one agent and one identity: their mean would be a mean of nothing in particular."""
    for part, plural in (("identity", "identities"), ("agent", "agents")):
        found = sorted({str(row[part]) for row in rows if part in row})
        if len(found) > 1:
            raise MedsimError(f"Results of {len(found)} {plural} are never averaged: {', '.join(found[:5])}. Sum up each by itself.")


def units_of(cases: Sequence[str], groups: Mapping[str, str] | None) -> list[str]:
    """What is drawn again for each row: the group of its case, or the case by itself."""
    return [(groups or {}).get(case, case) for case in cases]


def harmed(critical: int | None, tally: Tally | None) -> int | None:
    """Whether there was critical harm; None where it cannot be told: nothing was scored, no item looks for it, or one that does is unknown."""
    if critical is None or critical:
        return None if critical is None else 1
    return None if tally is not None and (tally.unsure or not tally.watched) else 0


def _own(row: Row, tallies: Mapping[str, Sequence[Tally]]) -> Tally | None:
    """The counts behind the score of the run itself, which is the oldest; later ones were added beside it."""
    found = tallies.get(row.get("id", ""), ())
    return found[0] if found and row["coverage"] is not None else None


def _harm(rows: Sequence[Row], tallies: Sequence[Tally | None], cases: Sequence[str], units: Sequence[str]) -> Estimate:
    found = stats.harm_rate([harmed(row["critical"], tally) for row, tally in zip(rows, tallies, strict=True)], cases=cases, groups=units)
    unwatched = [tally for tally in tallies if tally is not None and not tally.watched]
    if found.value is None and unwatched and len(unwatched) == len(tallies):
        return found._replace(note="No rubric here has a critical item, so nobody looked for critical harm.")
    return found


def _micro(tallies: Sequence[Tally | None], cases: Sequence[str], units: Sequence[str]) -> Estimate:
    if not any(tallies):
        return Estimate(None, left_out=len(tallies), note="No items were counted.")
    met = [None if tally is None else float(tally.met) for tally in tallies]
    decided = [None if tally is None else float(tally.decided) for tally in tallies]
    return stats.micro(met, possible=decided, cases=cases, groups=units, bounds=(0.0, 1.0))


def _mean(values: Sequence[float | None], cases: Sequence[str]) -> float | None:
    _, means, _ = stats.case_means(values, cases=cases)
    return float(means.mean()) if len(means) else None
