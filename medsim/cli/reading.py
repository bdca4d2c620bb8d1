"""Verbs about what is stored: show, replay, score, export."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from medsim import library
from medsim import recipe as recipes
from medsim.case import Case
from medsim.cli.output import as_json, console, number, print_json, remark, table
from medsim.episode import replay
from medsim.errors import ActionError, CaseError, StoreError, did_you_mean
from medsim.store import Store
from medsim.store.paging import heading
from medsim.trajectory import Trajectory
from medsim.viewer import encounter_page

FORMS = ("svg", "html", "text")


def _opened(arguments: argparse.Namespace) -> Store:
    """Open the store; a run that is not in it is answered with the nearest."""
    store = Store(arguments.store, create=False)
    if arguments.run is not None:
        known = [row["id"] for row in store.runs()]
        if arguments.run not in known:
            named = f" Runs: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}." if known else ""
            raise StoreError(f"No run '{arguments.run}' in {store.shown}.{did_you_mean(arguments.run, known)}{named}")
    return store


def do_show(arguments: argparse.Namespace) -> int:
    """List stored trajectories, or show one with its scores."""
    store = _opened(arguments)
    if any(getattr(arguments, form) for form in FORMS):
        return _write_page(store, arguments)
    if not arguments.id:
        _list(store, arguments)
        return 0
    trajectory = store.load(arguments.id, run=arguments.run)
    scores = store.scores(trajectory.id, run=trajectory.run)
    _page(trajectory, scores, arguments)
    return 0


def _list(store: Store, arguments: argparse.Namespace) -> None:
    if arguments.limit < 0:
        raise ActionError(f"--limit must be 0 (all) or more, given {arguments.limit}.")
    rows = store.rows(run=arguments.run)
    if arguments.json:
        print_json(rows)
        return
    total = len(rows)
    rows = rows[-arguments.limit :]
    columns = {
        "id": "left", "run": "left", "case": "fold", "agent": "fold", "trial": "right", "score": "right", "passed": "left", "critical": "right",
        "turns": "right", "sim.\nmin": "right", "cost $": "right", "status": "left",
    }  # fmt: skip
    shown = [
        [
            row["id"], row["run"], row["case_id"], row["agent"], str(row["trial"]), number(row["score"]), {1: "yes", 0: "no"}.get(row["passed"], "-"),
            str(row["critical"] or 0), str(row["turns"]), number(row["seconds"] / 60, 0), number(row["cost"], 0), row["status"],
        ]
        for row in rows
    ]  # fmt: skip
    console().print(table(columns, shown, drop=("critical", "cost $", "turns", "sim.\nmin", "run", "status")))
    older = f" The newest {len(rows):,} are shown; --limit 0 shows all." if len(rows) < total else ""
    remark(f"{total:,} {'trajectory' if total == 1 else 'trajectories'} in {store.shown}.{older} medsim show ID for one.")


def _page(trajectory: Trajectory, scores: list[dict[str, Any]], arguments: argparse.Namespace) -> None:
    if arguments.json:
        print_json({"trajectory": trajectory.data(), "scores": scores})
    else:
        console().print(encounter_page(trajectory, scores, truth=arguments.truth))


def _write_page(store: Store, arguments: argparse.Namespace) -> int:
    """Write what the viewer shows of one encounter to files."""
    from medsim.viewer.export import write
    from medsim.viewer.recording import recorded

    given = [form for form in FORMS if getattr(arguments, form)]
    if not arguments.id:
        raise ActionError(f"Which one? medsim show ID --{given[0]} FILE. List them: medsim show")
    recording = recorded(store, arguments.id, lambda head: _case_of(head, arguments.cases, store), run=arguments.run)
    if recording.missing:
        remark(f"Without what only the case says (vital signs, facts never found): {recording.missing}")
    for form in given:
        path = Path(getattr(arguments, form))
        if store.path is not None and path.resolve() == store.path.resolve():
            raise StoreError(f"'{path}' is the database itself. Give another file with --{form}.")
        into_a_folder(path, f"--{form}")
        write(recording, form, path, truth=arguments.truth)
        remark(f"Written: {path}")
    return 0


def into_a_folder(path: Path, option: str) -> None:
    """Make the folder that a file goes into, as every verb that writes files does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}). Give another file with {option}.") from error


def do_replay(arguments: argparse.Namespace) -> int:
    """Open the viewer; with --check, or where there is no terminal, play one again and say whether it comes out the same."""
    store = _opened(arguments)
    if arguments.check and not arguments.id:
        raise ActionError("Which one? medsim replay ID --check. List them: medsim show")
    if not (arguments.check or arguments.json) and _terminal():
        from medsim.viewer.screens.app import watch

        first = heading(store, arguments.id, run=arguments.run).trajectory.id if arguments.id else None
        watch(
            store, lambda head: _case_of(head, arguments.cases, store), run=arguments.run, first=first, follow=arguments.follow,
            truth=arguments.truth,
        )  # fmt: skip
        return 0
    if arguments.follow:
        raise ActionError("--follow needs a terminal. Without one: medsim show --run RUN")
    if not arguments.id:
        _list(store, arguments)
        return 0
    trajectory = store.load(arguments.id, run=arguments.run)
    case = _case_of(trajectory, arguments.cases, store)
    consult = replay(case, trajectory)
    _page(trajectory, store.scores(trajectory.id, run=trajectory.run), arguments)
    remark(f"Replayed: {len(consult.events)} events, identical to what is stored.")
    return 0


def _terminal() -> bool:
    """Whether there is a terminal that can be drawn on; textual draws by way of stderr."""
    return (
        all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)) and os.environ.get("TERM") != "dumb"
    )


def _case_of(trajectory: Trajectory, places: list[str] | None, store: Store) -> Case:
    """Find the very version of the case that a trajectory was played on."""
    recipe: dict[str, Any] = next((row["config"].get("recipe", {}) for row in store.runs() if row["id"] == trajectory.run), {})
    names = [*(places or ()), *recipe.get("cases", ()), *library.names("cases")]
    for name in dict.fromkeys(names):
        try:
            found = recipes.load_cases([name])
        except CaseError:
            if name in (places or ()):
                raise
            continue
        for case in found:
            if case.hash == trajectory.case_hash:
                return case
    raise CaseError(
        f"Case '{trajectory.case_id}' with hash {trajectory.case_hash} was not found: the file is elsewhere (give --cases FOLDER) or has changed since."
    )


def do_export(arguments: argparse.Namespace) -> int:
    """Write trajectories as JSON lines, each with its scores, as MedSP1000's run folders, as FHIR Bundles, or as training text."""
    if arguments.sft or arguments.pairs or arguments.world:
        from medsim.cli.tracing import export_traces

        return export_traces(arguments)
    store = _opened(arguments)
    if arguments.medsp1000:
        from medsim.cli.packets import export_runs

        return export_runs(arguments, store, _chosen(store, arguments))
    if arguments.fhir:
        from medsim.cli.charts import export_fhir

        return export_fhir(arguments, _chosen(store, arguments), lambda trajectory: _case_of(trajectory, arguments.cases, store))
    if not arguments.out:
        return _write_lines(store, arguments, sys.stdout)
    if store.path is not None and Path(arguments.out).resolve() == store.path.resolve():
        raise StoreError(f"'{arguments.out}' is the database itself. Give another file with --out.")
    into_a_folder(Path(arguments.out), "--out")
    try:
        with open(arguments.out, "w", encoding="utf-8") as out:
            return _write_lines(store, arguments, out)
    except OSError as error:
        raise StoreError(f"'{arguments.out}' cannot be written ({error.strerror}). Give another file with --out.") from error


def _write_lines(store: Store, arguments: argparse.Namespace, out: TextIO) -> int:
    count = 0
    for trajectory in _chosen(store, arguments):
        line = {**trajectory.data(), "scores": store.scores(trajectory.id, run=trajectory.run)}
        out.write(as_json(line, sort_keys=True) + "\n")
        count += 1
    remark(f"{count} {'trajectory' if count == 1 else 'trajectories'} written.")
    return 0 if count else 1


def _chosen(store: Store, arguments: argparse.Namespace) -> Iterator[Trajectory]:
    if arguments.id:
        yield from (store.load(name, run=arguments.run) for name in arguments.id)
    else:
        yield from (store.load(row["id"], run=row["run"]) for row in store.rows(run=arguments.run))
