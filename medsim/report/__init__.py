"""A run as a report: figures with their intervals, the same as a page, as JSON and as CSV.

The rule: figures are gathered once, as plain data, and every form shows the same ones. A report says what it is a result of and what may not
be concluded from it; what cannot be told is a sentence, never a zero. The same store gives the same bytes, apart from the date.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from medsim.evaluation import asked
from medsim.report.arms import Material, gather
from medsim.report.encounter import OWN, Encounter, Scoring
from medsim.report.facts import disclosure, missed
from medsim.report.figures import Row, rounded
from medsim.report.headline import by_case, efficiency, headline
from medsim.report.items import competencies, coverage, hardest, harms, unknowns
from medsim.report.labelled import unscorable
from medsim.report.pairs import differences, ranking, remarks
from medsim.report.provenance import NOTICE, identity, limits, usage
from medsim.store import Store
from medsim.version import __version__

SCHEMA = "medsim.report/1"


class Report(NamedTuple):
    """The figures of some runs, with what they were made from."""

    figures: dict[str, Any]
    """Plain data, as it is written to JSON."""
    material: Material


def report(
    store: Store | str,
    runs: str | Sequence[str],
    *,
    agents: str | Sequence[str] = (),
    places: str | Sequence[str] = (),
    rubric: str | None = None,
    judge: str | None = None,
    date: str = "",
) -> Report:
    """Gather the figures of one run or several; those of different identities stand beside each other and are never joined."""
    kept, runs = asked.opened(store, create=False), asked.names(runs)
    material = gather(kept, runs, agents=agents, places=places, rubric=rubric, judge=judge)
    rows, covered = headline(material), coverage(material)
    ranked, rank_note = ranking(material)
    doubted, gaps = unscorable(material), differences(material)
    figures = {
        "schema": SCHEMA, "medsim": __version__, "date": date, "notice": NOTICE, "runs": list(dict.fromkeys(runs)),
        "scoring": {"rubric": material.scoring.rubric, "judge": material.scoring.judge,
                    "others": [{"rubric": one.rubric, "judge": one.judge, "encounters": count} for one, count in material.others.items()]},
        "headline": rows, "cases": by_case(material), "competencies": competencies(material), "efficiency": efficiency(material, rows),
        "coverage": covered, "unknowns": unknowns(material), "unscorable": doubted, "harms": harms(material), "items": hardest(material),
        "disclosure": disclosure(material), "missed": missed(material), "differences": gaps, "remarks": remarks(material, gaps),
        "ranks": ranked, "rank_note": rank_note, "usage": usage(material), "identity": identity(material),
        "limits": limits(material, rows, covered, doubted), "encounters": [_listed(one, arm.number, arm.name) for arm in material.arms for one in arm.encounters],
    }  # fmt: skip
    return Report(figures, material)


def _listed(one: Encounter, arm: int, name: str) -> Row:
    return {
        "number": one.number, "trajectory": one.id, "run": one.run, "arm": arm, "name": name, "case": one.case_id, "hash": one.case_hash,
        "trial": one.trial, "status": one.status, "score": rounded(one.value), "passed": one.score["passed"] if one.score and one.ended else None,
        "harms": len(one.harms), "turns": one.turns, "minutes": rounded(one.minutes), "cost": rounded(one.cost), "tokens": one.tokens,
        "coverage": rounded(one.score["coverage"]) if one.score and one.ended else None, "why": one.unscored, "error": one.error,
    }  # fmt: skip


__all__ = ["NOTICE", "OWN", "SCHEMA", "Encounter", "Material", "Report", "Scoring", "gather", "report"]
