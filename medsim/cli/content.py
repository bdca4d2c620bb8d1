"""Verbs about content: cases, lint, import."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import re
from pathlib import Path
from typing import Any

from medsim import case as case_module
from medsim import importers, library
from medsim import recipe as recipes
from medsim.case import Case
from medsim.cli.output import console, number, print_json, remark, say, table
from medsim.errors import CaseError, MedsimError, did_you_mean
from medsim.lint import Finding, GateReport, lint
from medsim.recipe import Select

_WHATS = ("list", "show", "schema", "new", "index", "from-world", "from-fhir")
_FILTERS = ("specialty", "setting", "population", "tag", "grade")


def do_cases(arguments: argparse.Namespace) -> int:
    """List cases, show one, print the schema, write an index page, or begin one from answers or from a chart."""
    if arguments.what not in _WHATS:
        raise CaseError(f"medsim cases knows {', '.join(_WHATS)}, not '{arguments.what}'. {_meant(arguments.what)}")
    if arguments.what == "from-fhir":
        from medsim.cli.charts import from_fhir

        return from_fhir(arguments)
    if arguments.what == "new":
        from medsim.cli.authoring import new_case

        return new_case(arguments)
    if arguments.what == "index":
        from medsim.cli.catalogue import index_cases

        return index_cases(arguments)
    if arguments.what == "schema":
        print_json(case_module.schema())
    elif arguments.what == "from-world":
        from medsim.cli.worlds import tell_cases

        return tell_cases(arguments)
    elif arguments.what == "show":
        if not arguments.id:
            raise CaseError("Which case? For example: medsim cases show winter-cough. List them: medsim cases")
        _show(_find(arguments.id, arguments.pack), truth=arguments.truth, as_json=arguments.json)
    else:
        _list(arguments)
    return 0


def _meant(what: str) -> str:
    known = library.shipped_cases()
    if what in known or Path(what).is_file():
        return f"One case: medsim cases show {what}"
    return (did_you_mean(what, (*_WHATS, *known)) or " For example: medsim cases show winter-cough").strip()


def _find(name: str, packs: list[str] | None) -> Case:
    if packs:
        return recipes.load_cases(packs, Select(id=(name,)))[0]
    return recipes.case_named(name)


def _list(arguments: argparse.Namespace) -> None:
    wanted = {name: tuple(value.lower() for value in getattr(arguments, name) or ()) for name in _FILTERS}
    everything = recipes.load_cases(tuple(arguments.pack or library.names("cases")))
    found = [case for case in everything if Select(**wanted).takes(case)]
    if not found:
        raise CaseError(_nothing(everything, wanted))
    rows = [_row(case) for case in found]
    if arguments.json:
        print_json(rows)
        return
    columns = {
        "id": "left", "title": "fold", "specialty": "fold", "setting": "left", "who": "left", "grade": "left", "facts": "right", "items": "right",
    }  # fmt: skip
    shown = [[str(row[name]) for name in columns] for row in rows]
    console().print(table(columns, shown, drop=("specialty", "grade", "items", "facts")))
    remark(
        f"{len(rows)} case{'' if len(rows) == 1 else 's'}. medsim cases show ID for the door note. For research and teaching, not for care."
    )


def _nothing(everything: list[Case], wanted: dict[str, tuple[str, ...]]) -> str:
    """Say which values the filters could have had."""
    known = {name: sorted({value for case in everything for value in _values(case, name)}) for name in _FILTERS}
    asked = [f"--{name} '{value}'" for name, values in wanted.items() for value in values]
    near = "".join(did_you_mean(value, known[name]) for name, values in wanted.items() for value in values if value not in known[name])
    there = "; ".join(f"{name}: {', '.join(known[name])}" for name, values in wanted.items() if values)
    return f"No case with {' and '.join(asked)}.{near} There are, of {there}."


def _values(case: Case, name: str) -> tuple[str, ...]:
    plan = case.blueprint
    values = {"specialty": plan.specialty, "tag": plan.tags, "setting": (plan.setting,), "population": (plan.population,)}
    return tuple(value.lower() for value in values.get(name, (case.grade,)))


def _row(case: Case) -> dict[str, Any]:
    plan = case.blueprint
    return {
        "id": case.id, "title": case.title, "specialty": ", ".join(plan.specialty), "setting": plan.setting, "who": plan.population,
        "grade": case.grade, "facts": len(case.patient.every_fact()), "items": len(case.rubric.items), "tags": list(plan.tags),
        "license": case.license, "clinical_review": case.provenance.clinical_review, "hash": case.hash,
    }  # fmt: skip


def _show(case: Case, *, truth: bool, as_json: bool) -> None:
    if truth:
        shown = case_module.authored(case) if as_json else case_module.dumps(case)
    else:
        shown = {
            "id": case.id, "title": case.title, "license": case.license, "clinical_review": case.provenance.clinical_review,
            "encounters": [{"location": visit.location, "start": visit.start, "door_note": visit.door_note, "task": visit.task} for visit in case.encounters],
        }  # fmt: skip
    if as_json:
        print_json(shown)
    elif isinstance(shown, str):
        say(shown.rstrip("\n"), wrap=False)
    else:
        for visit in case.encounters:
            say(f"{case.title}\n[{visit.location}, {visit.start}]\n{visit.door_note}\n{visit.task}")
        remark(f"{case.license}; clinical review: {case.provenance.clinical_review}. Play it: medsim play {case.id}")


def do_lint(arguments: argparse.Namespace) -> int:
    """Lint case files, folders or packs; exit 1 where there are errors."""
    if arguments.watch:
        from medsim.cli.watching import watch

        gates = not arguments.no_gates
        return watch(
            lambda: _lint_files(arguments.path), lambda path: _lint_one(path, gates=gates), show=_print_lint, as_lines=arguments.json
        )
    report, bad = [], 0
    for path in _lint_files(arguments.path):
        entry = _lint_one(path, gates=not arguments.no_gates)
        bad += entry["errors"]
        report.append(entry)
        if not arguments.json:
            _print_lint(entry)
    if arguments.json:
        print_json(report)
    return 1 if bad else 0


def _lint_files(names: list[str]) -> list[Path]:
    """The case files of all names, in order."""
    known = library.shipped_cases()
    return [path for name in names for path in library.pack_files(known.get(name, Path(name)) if not Path(name).exists() else name)]


def _lint_one(path: Path, *, gates: bool) -> dict[str, Any]:
    report: GateReport | None = None
    try:
        if _is_world(path):
            findings = _world_findings(path)
        else:
            findings, report = lint(case_module.load(path), run_gates=gates)
    except MedsimError as error:
        findings, report = [Finding("error", "cannot-load", str(path), str(error))], None
    errors = sum(finding.level == "error" for finding in findings)
    return {"path": str(path), "errors": errors, "findings": [finding._asdict() for finding in findings], "gates": _gates(report)}


def _is_world(path: Path) -> bool:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.is_file():  # a pipe is not waited for
            with path.open(encoding="utf-8") as file:
                return re.search(r"^schema:\s*['\"]?medsim\.world/", file.read(10_000), re.MULTILINE) is not None
    return False


def _world_findings(path: Path) -> list[Finding]:
    from medsim import world  # numbers, which no other verb of this module needs

    return [Finding(fault.level, "world", fault.where, fault.message) for fault in world.lint(world.read(path))]


def _gates(report: GateReport | None) -> dict[str, Any] | None:
    if report is None:
        return None
    cards = {"golden": report.golden, "inert": report.inert, "shotgun": report.shotgun}
    return {
        **{name: {"raw": card.raw, "score": card.score, "passed": card.passed, "coverage": card.coverage, "critical": list(card.critical)} for name, card in cards.items()},
        "golden_minutes": report.trajectory.outcome.seconds / 60, "scripts": report.scripts,
    }  # fmt: skip


def _print_lint(entry: dict[str, Any]) -> None:
    say(_headline(entry))
    for finding in entry["findings"]:
        where = "" if finding["where"] == entry["path"] else f"{finding['where']}: "
        first, *more = str(finding["message"]).splitlines() or [""]
        say("\n".join((f"  {finding['level']:7} {finding['rule']}: {where}{first}", *(f"{'':10}{line}" for line in more))))
    if entry["gates"]:
        shown = [
            f"{name} {number(entry['gates'][name]['raw'])}{' passed' if entry['gates'][name]['passed'] else ''}"
            for name in ("golden", "inert", "shotgun")
        ]
        say(
            f"  gates: {', '.join(shown)}; golden takes {entry['gates']['golden_minutes']:.0f} simulated min; {entry['gates']['scripts']} scripts played"
        )


def _headline(entry: dict[str, Any]) -> str:
    count = entry["errors"]
    return f"{entry['path']}: {'no errors' if not count else '1 error' if count == 1 else f'{count} errors'}"


_OPTIONS = {"images": Path, "rubrics": Path, "subset": Path, "mode": str, "facts": str}
"""What some data sets can be told beside the file; given to those whose ``load`` takes it."""


_RUNS = {
    "medsp1000": "--env MedSP1000-v0 --cases FOLDER --agents examinee --doctor MODEL --patient MODEL --controller MODEL",
    "agentclinic": "--env AgentClinic-v0 --cases FOLDER --agents agentclinic --doctor MODEL --patient MODEL",
    "mediq": "--env MediQ-v0 --cases FOLDER --agents mediq_scale --doctor MODEL --patient MODEL",
}
"""How the cases of a data set are played as it means them; the others also play without a model."""


def _imported(arguments: argparse.Namespace) -> importers.Imported:
    load = importers.importer(arguments.format)
    takes = inspect.signature(load).parameters
    given = {name: make(getattr(arguments, name)) for name, make in _OPTIONS.items() if getattr(arguments, name) is not None}
    for name in given:
        if name not in takes:
            raise CaseError(f"--{name} does not go with {arguments.format}. Leave it out.")
    return load(Path(arguments.file), **given)


def do_import(arguments: argparse.Namespace) -> int:
    """Import a data set as a case pack, or old runs of one into a store."""
    if arguments.format == "medsp1000-runs":
        from medsim.cli.packets import import_runs

        return import_runs(arguments)
    imported = _imported(arguments)
    folder = Path(arguments.to or Path(arguments.file).stem)
    importers.write(arguments.format, imported, folder)
    counts = {status: sum(row.status == status for row in imported.rows) for status in ("imported", "flagged", "refused")}
    if arguments.json:
        print_json({"folder": str(folder), "counts": counts, "rows": [row._asdict() for row in imported.rows]})
    else:
        rows = [
            [str(row.line), row.case_id or "-", row.status, "; ".join(row.reasons)] for row in imported.rows if row.status != "imported"
        ]
        if rows:
            console().print(table({"line": "right", "case": "left", "status": "left", "why": "fold"}, rows))
        say(
            f"{len(imported.cases)} cases in {folder}: {counts['imported']} clean, {counts['flagged']} flagged, {counts['refused']} refused"
        )
        how = _RUNS.get(arguments.format, f"--cases {folder} --agents interviewer")
        remark(f"The whole report: {folder / 'report.csv'}. Run them: medsim run {how.replace('FOLDER', str(folder))}")
    return 0 if imported.cases else 1
