"""MedSP1000's own folders on the command line: old runs into a store, stored encounters out of it."""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from medsim import recipe as recipes
from medsim.case import Case
from medsim.cli.output import console, print_json, remark, say, table
from medsim.errors import CaseError
from medsim.importers import Row, medsp1000_export, medsp1000_stored
from medsim.importers.medsp1000_export import Encounter
from medsim.metrics.stored import cases_of, configuration
from medsim.store import Store
from medsim.trajectory import Trajectory

_STAMP = re.compile(r"\d{8}_\d{6}")
"""The folder of a run is named by its time."""
_STATUSES = ("imported", "flagged", "refused")


def import_runs(arguments: argparse.Namespace) -> int:
    """Write a folder of old runs into a store; exit 1 where nothing could be read."""
    for name in ("to", "rubrics", "subset", "images", "mode", "facts"):
        if getattr(arguments, name, None) is not None:
            raise CaseError(f"--{name} does not go with {medsp1000_stored.SOURCE}, which writes into --store. Leave it out.")
    places = list(arguments.cases or ())
    cases = recipes.load_cases(places) if places else []
    folder = Path(arguments.file)
    if not folder.is_dir():
        raise CaseError(f"{folder}: no such folder. Expected one that holds <case>/<scenario>/<YYYYMMDD_HHMMSS>.")
    if not any(_STAMP.fullmatch(name) for _, names, _ in os.walk(folder) for name in (*names, folder.resolve().name)):
        raise CaseError(f"{folder}: no run in it. Expected <case>/<scenario>/<YYYYMMDD_HHMMSS> below it; nothing was stored.")
    store = Store(arguments.store)
    run, rows = medsp1000_stored.keep(folder, store, run=arguments.run or "", cases=cases, places=places)
    counts = _told(arguments, rows, {"run": run, "store": store.shown})
    if not arguments.json:
        say(f"run {run} in {store.shown}: {counts['imported']} runs clean, {counts['flagged']} flagged, {counts['refused']} refused")
        hint = "" if places else " To score them again, give the packets' cases: medsim import medsp1000 DATA --to PACK, then --cases PACK."
        remark(f"Look at them: medsim show --run {run}.{hint}")
    return 0 if counts["imported"] + counts["flagged"] else 1


def export_runs(arguments: argparse.Namespace, store: Store, chosen: Iterator[Trajectory]) -> int:
    """Write stored encounters of packets in MedSP1000's form; exit 1 where there were none."""
    places = tuple(arguments.cases or ())
    known: dict[str, dict[str, Case]] = {}

    def encounters() -> Iterator[Encounter]:
        for trajectory in chosen:
            if trajectory.run not in known:
                known[trajectory.run] = cases_of(configuration(store, trajectory.run), places)
            case = known[trajectory.run].get(trajectory.case_hash)
            yield Encounter(trajectory, store.scores(trajectory.id, run=trajectory.run), case)

    rows = medsp1000_export.write(Path(arguments.medsp1000), encounters())
    counts = _told(arguments, rows, {"folder": arguments.medsp1000})
    written = counts["imported"] + counts["flagged"]
    if not arguments.json:
        say(f"{written} encounters in {arguments.medsp1000}, with rates.csv and rates_linted.csv; {counts['refused']} left out")
    return 0 if written else 1


def _told(arguments: argparse.Namespace, rows: Sequence[Row], head: dict[str, str]) -> Counter[str]:
    """Print what became of each, and count it."""
    counts: Counter[str] = Counter(row.status for row in rows)
    if arguments.json:
        print_json({**head, "counts": {name: counts[name] for name in _STATUSES}, "rows": [row._asdict() for row in rows]})
        return counts
    shown = [[row.case_id or "-", row.status, "; ".join(row.reasons)] for row in rows if row.status != "imported"]
    if shown:
        console().print(table({"what": "fold", "status": "left", "why": "fold"}, shown))
    return counts
