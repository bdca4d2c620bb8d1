"""The verb report: a run as a page, as CSV and JSON, or in the terminal."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from medsim.cli.output import console, number, print_json, remark, table
from medsim.errors import ActionError, StoreError
from medsim.report import Report, report
from medsim.report.figures import Row
from medsim.report.items import told
from medsim.report.text import estimate, p_value, percent
from medsim.store import Store
from medsim.viewer import safe

_MOST = 10
PRINT = "-"
"""What --json says where no file is given: the figures are printed."""


def do_report(arguments: argparse.Namespace) -> int:
    """Gather the figures and write what was asked for; without a file they are shown."""
    store = Store(arguments.store, create=False)
    wanted = [Path(given) for given in (arguments.to, arguments.json) if given not in {None, PRINT}]
    if store.path is not None and any(path.resolve() == store.path.resolve() for path in wanted):
        raise StoreError(f"'{store.path}' is the database itself. Give another file.")
    agents = [name for name in (arguments.agents or "").split(",") if name]
    made = report(
        store,
        arguments.runs,
        agents=agents,
        places=arguments.cases or (),
        rubric=arguments.rubric,
        judge=arguments.judge,
        date=_date(arguments.date),
    )
    written = [*_written(arguments, made)]
    if arguments.json == PRINT:
        print_json(made.figures)
    elif not written:
        console().print(shown(made))
    for text in written:
        remark(text)
    return 0 if any(row["ended"] for row in made.figures["headline"]) else 1


def _date(given: str | None) -> str:
    if given is None:
        return datetime.date.today().isoformat()
    try:
        return datetime.date.fromisoformat(given).isoformat() if given else ""
    except ValueError as error:
        raise ActionError(f"--date must be a date such as 2026-11-20, or empty for none, given '{given}'.") from error


def _written(arguments: argparse.Namespace, made: Report) -> list[str]:
    """Write the files; say of each where it is."""
    from medsim.report.tables import to_csv, to_json

    files: list[str] = []
    if arguments.to:
        from medsim.report.page import page

        files.append(_write(Path(arguments.to), page(made)))
    if arguments.json not in {None, PRINT}:
        files.append(_write(Path(arguments.json), to_json(made.figures)))
    if arguments.csv:
        folder = Path(arguments.csv)
        for name, text in to_csv(made.figures).items():
            _write(folder / name, text)
        files.append(f"{folder}: CSV files, one a table.")
    return files


def _write(path: Path, text: str) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}). Give another file or folder.") from error
    return f"{path}: {len(text) / 1e6:.1f} MB."


# ---- in the terminal ---------------------------------------------------------------------------------------------------------------


def shown(made: Report) -> RenderableType:
    """The chief figures as tables for a terminal."""
    figures = made.figures
    parts = [
        Text(safe(f"{', '.join(figures['runs'])}: rubric {figures['scoring']['rubric']}, judge {figures['scoring']['judge']}"), style="bold"),
        *_headline(figures), *_differences(figures), *_harms(figures), *_hardest(figures), *_missed(figures), *_unknowns(figures), *_unscorable(figures), *_limits(figures),
    ]  # fmt: skip
    return Group(*parts)


def _titled(title: str, columns: Mapping[str, str], rows: Sequence[Sequence[str]], *, drop: Sequence[str] = ()) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), table(columns, rows, drop=drop)] if rows else []


def _number(found: Mapping[str, Any], sort: str) -> str:
    value, interval = estimate(found, sort=sort)
    return f"{value or '-'}\n{interval}" if interval else value or "-"


def _headline(figures: Mapping[str, Any]) -> list[RenderableType]:
    sorts = {"score": "score", "micro": "share", "pass_rate": "share", "critical_harm": "share", "coverage": "share", "turns": "count", "minutes": "count", "cost": "amount", "tokens": "amount"}  # fmt: skip
    titles = ["score", "items met\n(micro)", "passed", "critical\nharm", "decided", "turns", "sim.\nmin", "cost $", "tokens"]
    columns = {"agent": "fold", **dict.fromkeys(titles, "right")}
    rows = [[row["name"], *(_number(row[name], sort) for name, sort in sorts.items())] for row in figures["headline"]]
    notes = dict.fromkeys(f"{row['name']}: {row['score']['note']}" for row in figures["headline"] if row["score"]["low"] is None)
    made = _titled(
        "Means over cases, 95 % intervals", columns, rows, drop=("decided", "items met\n(micro)", "turns", "sim.\nmin", "cost $", "tokens")
    )
    return [*made, *(Text(safe(note)) for note in notes)]


def _differences(figures: Mapping[str, Any]) -> list[RenderableType]:
    rows = figures["differences"]
    columns = {"pair": "fold", "difference,\npoints": "right", "p, Holm": "right", "": "fold"}
    cells = [
        [f"{row['name_one']} less {row['name_other']}", _number(row["difference"], "points").replace("\n", "  "), p_value(row["p_holm"]) or "-",
         row["difference"]["note"] if row["difference"]["value"] is None else row["claim"]]
        for row in rows[:_MOST]
    ]  # fmt: skip
    made = _titled(f"Paired differences{_of(rows)}", columns, cells)
    return [*made, *(Text(safe(text)) for text in figures["remarks"])] if made else []


def _harms(figures: Mapping[str, Any]) -> list[RenderableType]:
    kinds: dict[tuple[str, str, str], list[Row]] = {}
    for row in figures["harms"]:
        kinds.setdefault((row["name"], row["case"], told(row)), []).append(row)
    listed = list(kinds.items())
    cells = [
        [name, case, text, str(len(rows)), "-" if rows[0]["turn"] is None else str(rows[0]["turn"]), rows[0]["trajectory"]]
        for (name, case, text), rows in listed[:_MOST]
    ]  # fmt: skip
    columns = {"agent": "fold", "case": "left", "harm": "fold", "times": "right", "turn": "right", "see": "left"}
    return _titled(f"Harms, critical ones first{_of(listed)}", columns, cells, drop=("turn",))


def _hardest(figures: Mapping[str, Any]) -> list[RenderableType]:
    columns = {"case": "left", "item": "fold", "points": "right", "met": "right"}
    rows = [[row["case"], row["text"], number(row["points"], 0), percent(row["share"]) or "-"] for row in figures["items"][:_MOST]]
    return _titled(f"Hardest items{_of(figures['items'])}", columns, rows)


def _missed(figures: Mapping[str, Any]) -> list[RenderableType]:
    costly = sorted((row for row in figures["missed"] if row["unlocks"]), key=lambda row: (-row["points"], -row["missed_by"]))
    columns = {"case": "left", "fact": "left", "missed by": "right", "points": "right", "would have unlocked": "fold"}
    rows = [
        [row["case"], row["fact"], f"{row['missed_by']} of {len(row['arms'])}", number(row["points"], 0), "; ".join(item["text"] for item in row["unlocks"])]
        for row in costly[:_MOST]
    ]  # fmt: skip
    return _titled(f"Facts that were missed, the costliest first{_of(costly)}", columns, rows, drop=("points",))


def _unknowns(figures: Mapping[str, Any]) -> list[RenderableType]:
    rows = [
        [row["reason"], {"item": "a verdict", "encounter": "a score"}[row["what"]], str(row["count"])]
        for row in figures["unknowns"][:_MOST]
    ]
    return _titled(f"Why something is unknown{_of(figures['unknowns'])}", {"reason": "fold", "missing": "left", "count": "right"}, rows)


def _unscorable(figures: Mapping[str, Any]) -> list[RenderableType]:
    rows = [
        [row["run"], row["words"], str(row["items"]), number(row["kappa"]), number(row["bias"], 1), row["reason"]]
        for row in figures["unscorable"]
    ]
    columns = {"run": "fold", "competency": "fold", "items": "right", "kappa": "right", "bias,\npoints": "right", "why": "fold"}
    return _titled("Not scorable by this judge: people's labels say otherwise", columns, rows, drop=("items", "run"))


def _limits(figures: Mapping[str, Any]) -> list[RenderableType]:
    return [Text("\nLimits", style="bold"), *(Text(safe(f"- {text}")) for text in figures["limits"])]


def _of(rows: Sequence[Any]) -> str:
    return f" ({_MOST} of {len(rows)})" if len(rows) > _MOST else ""
