"""What the verbs share: consoles, tables that fit, JSON, numbers as text.

The rule: everything that reaches a terminal goes through ``safe`` or ``as_json`` here; a broken pipe is raised, never swallowed.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from medsim.cli.stores import with_store
from medsim.viewer import UNSAFE, safe

PIPE_WIDTH = 140
_LONGEST = 2_000_000
_FOLD = 26
"""A cell that may break is given this much before columns are left out."""
_LEAST = 8
"""Where not even so much is left for it, a table is written as lines."""
_ODD = re.compile(r"[^\x20-\x7e\n]")


class _Console(Console):
    """Leaves a closed pipe to the caller, who knows the exit code."""

    def on_broken_pipe(self) -> NoReturn:
        """Raise what was caught."""
        self.quiet = True
        raise BrokenPipeError


@cache
def console() -> Console:
    """Data: stdout. Wide enough for tables where it is not a terminal."""
    return _Console(markup=False, highlight=False, emoji=False, width=None if _terminal() else PIPE_WIDTH)


def _terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


@cache
def progress_console() -> Console:
    """Progress and remarks: stderr."""
    return _Console(stderr=True, markup=False, highlight=False, emoji=False)


def say(text: str, *, style: str = "", wrap: bool = True) -> None:
    """Print text of any origin on stdout: on a terminal wrapped between words, in a pipe line by line as it is."""
    console().print(Text(safe(text, longest=_LONGEST), style=style), soft_wrap=not (wrap and console().is_terminal))


def remark(text: str) -> None:
    """Say something beside the data; a next step names the store in use."""
    progress_console().print(Text(safe(with_store(text))), soft_wrap=not progress_console().is_terminal)


def print_json(value: Any) -> None:
    """Print data as JSON, one document."""
    print(as_json(value, indent=2))


def as_json(value: Any, **layout: Any) -> str:
    """Write data as JSON; whatever could steer a terminal is written as ``\\uXXXX``, which reads back the same."""
    return _ODD.sub(_escaped, json.dumps(value, ensure_ascii=False, default=_plain, **layout))


def _escaped(found: re.Match[str]) -> str:
    text = found.group()
    return json.dumps(text)[1:-1] if unicodedata.category(text) in UNSAFE else text


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else list(value) if isinstance(value, (set, tuple, frozenset)) else str(value)


def table(columns: Mapping[str, str], rows: Sequence[Sequence[str]], *, drop: Sequence[str] = ()) -> Table:
    """Make a table; columns map headings to ``left``, ``right`` or ``fold`` (may break). All cells are plain text.

    Where the terminal is too narrow, the columns named in ``drop`` are left out, the last one first.
    """
    names, cells = list(columns), [[safe(cell) for cell in row] for row in rows]
    left_out = list(drop)
    shown = names
    while left_out and _width(columns, shown, cells) > console().width:
        gone = left_out.pop()
        shown = [name for name in shown if name != gone]
    if _width(columns, shown, cells, fold=_LEAST) > console().width:
        return _records(shown, [[cell for name, cell in zip(names, row, strict=True) if name in shown] for row in cells])
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in shown:
        side = columns[name]
        made.add_column(Text(name), justify="right" if side == "right" else "left", no_wrap=side != "fold", overflow="fold", vertical="top")
    for row in cells:
        made.add_row(*(Text(cell) for name, cell in zip(names, row, strict=True) if name in shown))
    return made


def _records(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """One line for each cell, heading first, where columns would cut numbers in two."""
    made = Table.grid(Column(overflow="fold"), Column(overflow="fold"), padding=(0, 1, 0, 0))
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            made.add_row(Text(name.replace("\n", " "), style="bold"), Text(cell))
        made.add_row("", "")
    return made


def _width(columns: Mapping[str, str], shown: Sequence[str], cells: Sequence[Sequence[str]], *, fold: int = _FOLD) -> int:
    """How wide a table would be in which only long cells of ``fold`` columns break."""
    widest = {name: max(map(cell_len, name.split("\n"))) for name in columns}
    for row in cells:
        for name, cell in zip(columns, row, strict=True):
            long = max(map(cell_len, cell.split("\n")))
            widest[name] = max(widest[name], min(long, fold) if columns[name] == "fold" else long)
    return sum(widest[name] + 2 for name in shown) - 2


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """A share as per cent, or a dash."""
    return "-" if value is None else f"{100 * value:.0f} %"
