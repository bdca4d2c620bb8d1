"""Stores made by hand for the tests of the report: encounters with the verdicts that a test wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medsim.case import Case
from medsim.evaluation.configuration import identity_of
from medsim.rubric import ItemScore, Scorecard
from medsim.rubric.scorecard import rubric_hash
from medsim.store import Store
from medsim.trajectory import Event, Outcome, Trajectory, Usage


def events(*told: Sequence[str], doctor: str = "Where does it hurt?", reply: str = "Here.", topics: Sequence[str] = ()) -> list[Event]:
    """A visit, then a question and a reply for each group of facts."""
    made = [Event(0, 0, 0, "controller", "encounter", "A door note.")]
    for turn, facts in enumerate(told, 1):
        made.append(Event(len(made), turn, 60 * turn, "doctor", "ask", doctor, topics=tuple(topics)))
        made.append(Event(len(made), turn, 60 * turn + 5, "patient", "reply", reply, facts=tuple(facts)))
    return made


def item(name: str, verdict: str, *, points: float = 1.0, comp: str = "PC", **more: Any) -> ItemScore:
    """One verdict; what is met earns its points."""
    role = "harm" if points < 0 else "quality"
    return ItemScore(name, more.pop("text", name), comp, points, verdict, points if verdict == "met" else 0.0, role=role, **more)  # type: ignore[arg-type]


def card(case: Case | None, items: Sequence[ItemScore], *, case_id: str = "mini", judge: str = "none", rubric: str = "", passed: bool | None = None) -> Scorecard:  # fmt: skip
    """A score of some verdicts, reckoned as the engine does."""
    applicable = [one for one in items if one.verdict != "na"]
    decided = [one for one in applicable if one.verdict != "unknown"]
    positive = sum(one.points for one in decided if one.points > 0)
    raw = sum(one.earned for one in decided) / positive if positive else None
    value = None if raw is None else max(0.0, min(1.0, raw))
    critical = tuple(one.id for one in items if one.critical and one.verdict == "met")
    coverage = len(decided) / len(applicable) if applicable else 0.0
    told = passed if passed is not None else None if value is None else value >= 0.6 and not critical
    name = rubric or (case.id if case else case_id)
    return Scorecard(
        name, rubric_hash(case.rubric) if case and not rubric else "0" * 16, judge, tuple(items), raw, value, told, coverage, critical
    )


def run(store: Store, name: str, agents: Sequence[str], *, config: Mapping[str, Any] | None = None, cases: Sequence[str] = ()) -> str:
    """Register a run; return its identity."""
    made = {
        "agents": dict.fromkeys(agents, "a" * 16),
        "cases": {},
        "recipe": {"id": "Consult-v0", "cases": list(cases)},
        "judge": "none",
        **(config or {}),
    }
    store.begin_run(name, identity=identity_of(made), config=made)
    return identity_of(made)


def put(
    store: Store, run_name: str, agent: str, *, case: Case | None = None, case_id: str = "mini", trial: int = 0, scored: Scorecard | None = None,
    identity: str = "i", status: str = "finished", error: str = "", reason: str = "doctor", happened: Sequence[Event] | None = None, usage: Mapping[str, Usage] | None = None,
    cost: float = 10.0, seconds: int = 600,
) -> str:  # fmt: skip
    """Store one encounter; return its id."""
    happened = list(events(("site",)) if happened is None else happened)
    key = case.hash if case else case_id.encode().hex()[:16].ljust(16, "0")
    ident = f"{len(store.rows()):012x}"
    turns = max((event.turn for event in happened), default=0)
    outcome = Outcome(status, reason, seconds=seconds, turns=turns, cost=cost)  # type: ignore[arg-type]
    trajectory = Trajectory(
        ident, case.id if case else case_id, key, agent, 0, trial, happened, outcome, identity=identity, run=run_name,
        started="2026-01-01T00:00:00+00:00", error=error, usage=dict(usage or {}), env="Consult-v0",
    )  # fmt: skip
    store.save(trajectory, scored)
    return ident


def opened(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(tmp_path / "shelf.db")
