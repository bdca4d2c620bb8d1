"""What the verbs share: consoles, JSON, numbers as text."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from medsim.viewer import safe


@cache
def console() -> Console:
    """Data: stdout. Wide enough for tables where it is not a terminal."""
    return Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else 140)


@cache
def progress_console() -> Console:
    """Progress and remarks: stderr."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def remark(text: str) -> None:
    """Say something beside the data."""
    progress_console().print(Text(safe(text)), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print data as JSON, one document."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else list(value) if isinstance(value, (set, tuple, frozenset)) else str(value)


def table(columns: dict[str, str], rows: list[list[str]], *, title: str = "") -> Table:
    """Make a table; columns map headings to ``left`` or ``right``. All cells are plain text."""
    made = Table(title=Text(safe(title)) if title else None, title_justify="left", header_style="bold", pad_edge=False)
    for name, side in columns.items():
        made.add_column(name, justify="right" if side == "right" else "left", no_wrap=side == "right")
    for row in rows:
        made.add_row(*(Text(safe(cell)) for cell in row))
    return made


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """A share as per cent, or a dash."""
    return "-" if value is None else f"{100 * value:.0f} %"
