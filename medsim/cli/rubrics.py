"""The verb rubrics: list and show them, read those of others and write them in the JSON of others."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medsim import document, library
from medsim.case import authored
from medsim.case.checklist import Rubric
from medsim.cli.output import console, print_json, remark, say, table
from medsim.cli.scoring import rubric_of
from medsim.errors import CaseError, did_you_mean
from medsim.importers import healthbench

_WHATS = ("list", "show", "import", "export")
_NAME = re.compile(r"[^a-z0-9_-]+")
_MOST_SAID = 5


def do_rubrics(arguments: argparse.Namespace) -> int:
    """List or show rubrics, or carry them from and to HealthBench and LiveMedBench JSON; exit 1 where an entry was no rubric."""
    if arguments.what not in _WHATS:
        raise CaseError(f"medsim rubrics knows {', '.join(_WHATS)}, not '{arguments.what}'.{did_you_mean(arguments.what, _WHATS)}")
    if arguments.what == "list":
        _list(as_json=arguments.json)
        return 0
    if not arguments.name:
        raise CaseError(f"Which one? For example: medsim rubrics {arguments.what} {'FILE' if arguments.what == 'import' else 'signed'}")
    if arguments.what == "import":
        return _import(Path(arguments.name[0]), arguments.to, as_json=arguments.json)
    if arguments.what == "show":
        _show(arguments.name, as_json=arguments.json)
    else:
        _export([rubric_of(name) for name in arguments.name], arguments)
    return 0


def _list(*, as_json: bool) -> None:
    rows = []
    for name in library.names("rubrics"):
        rubric = rubric_of(name)
        judged = sum(item.judge is not None for item in rubric.items)
        scales = sum(item.scale is not None for item in rubric.items)
        rows.append({"name": name, "title": rubric.title or "", "items": len(rubric.items), "judged": judged, "scales": scales})
    if as_json:
        print_json(rows)
        return
    columns = {"name": "left", "title": "fold", "items": "right", "judged": "right", "scales": "right"}
    console().print(table(columns, [[str(row[name]) for name in columns] for row in rows], drop=("scales", "judged")))
    remark(f"{len(rows)} rubrics. Score by one: medsim score RUN --rubric NAME")


def _show(names: Iterable[str], *, as_json: bool) -> None:
    """Show rubrics as their authors wrote them, once they are known to be sound."""
    for name in names:
        rubric = rubric_of(name)
        if as_json:
            print_json(authored(rubric))
        else:
            say(library.find("rubrics", name).read_text(encoding="utf-8-sig").rstrip("\n"), wrap=False)


def _import(path: Path, to: str | None, *, as_json: bool) -> int:
    rows = healthbench.read(path)
    folder = Path(to or f"{path.stem}_rubrics")
    folder.mkdir(parents=True, exist_ok=True)
    told: list[dict[str, Any]] = []
    for row in rows:
        file = ""
        if row.rubric is not None:
            file = str(_written(row.rubric, folder, row.line))
        told.append({"line": row.line, "id": row.id, "file": file, "notes": list(row.notes)})
    read = sum(row.rubric is not None for row in rows)
    if as_json:
        print_json(told)
    noted = [row for row in rows if row.notes]
    for row in noted[:_MOST_SAID]:
        remark(f"line {row.line} ({row.id or 'no id'}): {'; '.join(row.notes)[:400]}")
    if len(noted) > _MOST_SAID:
        remark(f"{len(noted) - _MOST_SAID} more entries have notes; --json shows all.")
    remark(f"{read} of {len(rows)} rubrics written to {folder}. Score by one: medsim score RUN --rubric {folder}/NAME.yaml")
    return 0 if read == len(rows) else 1


def _written(rubric: Rubric, folder: Path, line: int) -> Path:
    """Write a rubric under its id, or under its line where the id makes no name or stands twice."""
    name = _NAME.sub("-", (rubric.id or "").lower()).strip("-")[:80]
    path = folder / f"{name or f'line-{line}'}.yaml"
    text = document.dump(authored(rubric))
    if path.exists() and path.read_text(encoding="utf-8") != text:
        path = folder / f"{name or 'rubric'}-line-{line}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _export(rubrics: list[Rubric], arguments: argparse.Namespace) -> None:
    made = [healthbench.written(rubric, format=arguments.format) for rubric in rubrics]
    if arguments.to:
        healthbench.write(rubrics, Path(arguments.to), format=arguments.format)
    else:
        print_json([one.data for one in made])
    for rubric, one in zip(rubrics, made, strict=True):
        if one.lost:
            remark(f"{rubric.id}: {len(one.lost)} parts have no place there: {', '.join(one.lost[:8])}{', …' if len(one.lost) > 8 else ''}")
