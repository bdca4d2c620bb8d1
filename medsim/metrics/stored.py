"""The encounters of a stored run with their cases and scores.

The rule: a case is the very version that was played, by its hash; a run whose cases are not to be found is not measured on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medsim import library
from medsim import recipe as recipes
from medsim.case import Case
from medsim.errors import CaseError, StoreError, did_you_mean
from medsim.evaluation import asked
from medsim.metrics import Played
from medsim.store import Store


def configuration(store: Store, run: str) -> dict[str, Any]:
    """The configuration of a run; StoreError with the nearest name where there is none."""
    known = {row["id"]: row["config"] for row in store.runs()}
    if run not in known:
        raise StoreError(f"No run '{run}' in {store.shown}.{did_you_mean(run, known)} Runs: {', '.join(list(known)[:8]) or 'none'}.")
    return dict(known[run])


def cases_of(config: dict[str, Any], places: str | Sequence[str] = ()) -> dict[str, Case]:
    """Cases by hash: those in the given places, in the places the run's recipe named, and the shipped ones."""
    found: dict[str, Case] = {}
    places = asked.names(places)
    for name in dict.fromkeys((*places, *config.get("recipe", {}).get("cases", ()), *library.names("cases"))):
        try:
            found |= {case.hash: case for case in recipes.load_cases([name]) if case.hash not in found}
        except CaseError:
            if name in places:
                raise
    return found


def played(store: Store, run: str, *, places: str | Sequence[str] = (), agent: str | None = None) -> list[Played]:
    """Every encounter of a run (of one agent), failed ones too, in the order they were stored."""
    rows = store.rows(run=run, agent=agent)
    if not rows:
        agents = sorted({row["agent"] for row in store.rows(run=run)})
        told = (
            f"no encounter of agent '{agent}'.{did_you_mean(agent, agents)} Agents: {', '.join(agents)}." if agent else "no encounter yet."
        )
        raise StoreError(f"Run '{run}' holds {told}")
    cases = cases_of(configuration(store, run), places)
    missing = sorted({row["case_id"] for row in rows if row["case_hash"] not in cases})
    if missing:
        raise CaseError(
            f"{len(missing)} cases of run '{run}' were not found in the version that was played ({', '.join(missing[:3])}): "
            "the files are elsewhere (give --cases FOLDER) or have changed since."
        )
    return [Played(cases[row["case_hash"]], store.load(row["id"], run=run), row, tuple(store.scores(row["id"], run=run))) for row in rows]
