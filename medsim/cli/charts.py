"""Verbs about FHIR: a case from a chart, encounters as Bundles.

The rule: an output is written whole or not at all, and whatever was left out is said.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from medsim.case import Case
from medsim.case.chart import moment
from medsim.cli.output import print_json, remark, say
from medsim.errors import CaseError, StoreError
from medsim.trajectory import Trajectory


def from_fhir(arguments: argparse.Namespace) -> int:
    """Write the skeleton of a case from one patient's Bundle."""
    from medsim.fhir import load, skeleton, take_in
    from medsim.fhir.skeleton import text_of

    if not arguments.id:
        raise CaseError("Which Bundle? For example: medsim cases from-fhir bundle.json --to case.yaml")
    names = arguments.diagnosis or []
    intake = take_in(
        load(Path(arguments.id)), patient=arguments.patient or "", start=_time("--start", arguments.start), since=_day(arguments.since),
        hide=names, skip_bad=arguments.skip_bad,
    )  # fmt: skip
    case = skeleton(intake, name=arguments.case_id or "", diagnosis=names)
    text = text_of(case)
    if arguments.to:
        _write(Path(arguments.to), text)
    elif not arguments.json:
        say(text.rstrip("\n"), wrap=False)
    if arguments.json:
        report: dict[str, Any] = {
            "id": case.id,
            "file": arguments.to,
            "resources": len(intake.resources),
            "left_out": intake.left_out,
            "bad": intake.bad,
        }
        print_json({**report, **({} if arguments.to else {"case": text})})
    left = ", ".join(f"{count} {reason}" for reason, count in intake.left_out.items())
    remark(f"Case '{case.id}': {len(intake.resources)} resources on file{f'; left out: {left}' if left else ''}.")
    for line in intake.bad[:8]:
        remark(f"  left out as invalid: {line}")
    remark(f"To be written: opening, facts, actions, states, outcome, rubric. Then: medsim lint {arguments.to or 'FILE'}")
    return 0


def _time(option: str, given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        return datetime.fromisoformat(given)
    except ValueError as error:
        raise CaseError(f"{option} {given}: a date and time such as 2026-01-05T09:00:00 was expected.") from error


def _day(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment(given)
        year, month, day = (int(part) for part in (given.split("T")[0] + "-01-01").split("-")[:3])
        return datetime(year, month, day, tzinfo=moment(given).tzinfo)
    except ValueError as error:
        raise CaseError(f"--since {given}: a date such as 2020-01-01 was expected.") from error


def export_fhir(arguments: argparse.Namespace, trajectories: Iterable[Trajectory], case_of: Callable[[Trajectory], Case]) -> int:
    """Write each trajectory as one transaction Bundle into a folder."""
    from medsim.fhir.export import checked, file_name, written

    if arguments.out:
        raise StoreError("--fhir writes a folder of its own: leave --out out.")
    folder, names, unknown = Path(arguments.fhir), dict[str, str](), list[str]()
    for trajectory in trajectories:
        try:
            case = case_of(trajectory)
        except CaseError:
            if arguments.cases:
                raise
            case = None
            unknown.append(trajectory.case_id)
        name = file_name(trajectory)
        if name in names:
            raise StoreError(
                f"Two trajectories would be written to '{name}' (runs {names[name]}, {trajectory.run}): export one run with --run."
            )
        names[name] = trajectory.run
        _write(folder / name, written(checked(trajectory, case=case)))
    if arguments.json:
        print_json({"folder": str(folder), "files": sorted(names), "without_case": sorted(set(unknown))})
    if unknown:
        remark(
            f"{len(unknown)} without a name, age and sex: their cases were not found ({', '.join(sorted(set(unknown))[:5])}). Give --cases."
        )
    remark(f"{len(names)} Bundles in {folder}. Scores are not in them.")
    return 0 if names else 1


def _write(path: Path, text: str) -> None:
    """Write a file whole: beside it first, then in its place."""
    beside = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror or error}). Give another place.") from error
