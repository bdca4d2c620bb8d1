"""Stored runs with made-up scores: as many cases, agents and trials as a test wants, without playing any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medsim.evaluation import identity_of
from medsim.rubric import ItemScore, Scorecard
from medsim.rubric.verdict import Verdict
from medsim.store import Store
from medsim.trajectory import Outcome, Trajectory

CONFIG: dict[str, Any] = {
    "medsim": "0", "recipe": {"id": "Consult-v0", "cases": ["starter"]}, "patient": "scripted", "patient_words": "aaaaaaaaaaaaaaaa", "models": {},
    "judge": "none", "seed": 0, "groups": {},
}  # fmt: skip


def card(value: float | None, *, judge: str = "none", rubric: str = "r", harm: Verdict = "unmet", items: int = 4) -> Scorecard:
    """A score of four quality items and one critical harm; without a value the four are unknown."""
    met = 0 if value is None else round(value * items)
    verdicts = ["unknown"] * items if value is None else ["met"] * met + ["unmet"] * (items - met)
    scored = [ItemScore(f"i{i}", "", "PC", 1.0, verdict, float(verdict == "met")) for i, verdict in enumerate(verdicts)]  # type: ignore[arg-type]
    last = ItemScore("harm", "", "PC", -1.0, harm, 0.0, critical="fail", role="harm")
    coverage = (items * (value is not None) + (harm != "unknown")) / (items + 1)
    done = ("harm",) if harm == "met" else ()
    return Scorecard(
        rubric, f"hash-of-{rubric}", judge, (*scored, last), value, value, None if value is None else value >= 0.5, coverage, done
    )


def study(
    store: Store | Path | str,
    run: str,
    scores: Mapping[str, Mapping[str, Sequence[float | None]]],
    *,
    status: str = "finished",
    judge: str = "none",
    rubric: str = "r",
    **config: Any,
) -> Store:
    """Store a run: scores by agent and case, one for each trial; ``config`` changes what stood around it."""
    kept = store if isinstance(store, Store) else Store(store)
    cases = sorted({case for own in scores.values() for case in own})
    whole = {**CONFIG, "cases": {case: f"hash-{case}" for case in cases}, "agents": dict.fromkeys(scores, "f"), **config}
    identity = identity_of({name: value for name, value in whole.items() if name != "groups"})
    kept.begin_run(run, identity=identity, config=whole)
    for agent, own in scores.items():
        for case, values in own.items():
            for trial, value in enumerate(values):
                error = "it broke" if status == "error" else ""
                trajectory = Trajectory(
                    id=f"{run}-{agent}-{case}-{trial}", run=run, case_id=case, case_hash=f"hash-{case}", agent=agent, trial=trial, seed=trial, events=[],
                    patient="scripted", env="Consult-v0", identity=identity, error=error, outcome=Outcome(status, seconds=60, turns=3),  # type: ignore[arg-type]
                )  # fmt: skip
                kept.save(trajectory, None if status == "error" else card(value, judge=judge, rubric=rubric))
    return kept
