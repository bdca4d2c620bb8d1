"""CSV as people's programs write it: read with every fault named by its line, written so that no cell is taken for a formula.

The rule: commas or semicolons, any line end, UTF-8 with or without a mark. A cell that a spreadsheet would run as a formula is written with
an apostrophe before it, and read without; what was written comes back.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from medsim.errors import StoreError, did_you_mean

MOST_FAULTS = 20
"""So many are listed, of the rest only how many."""
LARGEST = 200_000_000
"""Bytes of a file."""
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class Fault(NamedTuple):
    """What is wrong on a line."""

    line: int
    what: str


def records(path: str | Path, *, needed: Sequence[str], allowed: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Each line that holds anything, with its number; all columns are there, empty where the file has none."""
    lines = csv.reader(io.StringIO(_text(path), newline=""), delimiter=";" if _semicolons(path) else ",", strict=True)
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        _check(path, names, needed, allowed)
        before = lines.line_num
        for cells in lines:
            line, before = before + 1, lines.line_num
            if len(cells) > len(names):
                raise StoreError(f"'{path}', line {line}: {len(cells)} cells, but {len(names)} columns. Nothing was stored.")
            if any(cell.strip() for cell in cells):
                given = dict(zip(names, (_plain(cell.strip()) for cell in cells), strict=False))
                yield line, {name: given.get(name, "") for name in (*needed, *allowed)}
    except csv.Error as error:
        raise StoreError(f"'{path}', line {lines.line_num}: {error}. A CSV file was expected. Nothing was stored.") from error


def refuse(path: str | Path, faults: Sequence[Fault]) -> None:
    """Raise StoreError with the faults, if there are any."""
    if faults:
        raise StoreError(f"'{path}' was not taken in: {listed(faults)}\nNothing was stored.")


def listed(faults: Sequence[Fault]) -> str:
    """Faults in words, one a line."""
    told = "".join(f"\n  line {fault.line}: {fault.what}" for fault in faults[:MOST_FAULTS])
    return told + (f"\n  and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else "")


def write(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write a file; return how many rows."""
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(columns)
            count = 0
            for row in rows:
                writer.writerow([_harmless(cell) for cell in row])
                count += 1
            return count
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}). Give another file.") from error


def _text(path: str | Path) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise StoreError(f"'{path}' cannot be read ({error.strerror}). Give a CSV file.") from error
    if len(raw) > LARGEST:
        raise StoreError(f"'{path}' is larger than {LARGEST // 1_000_000} MB. Give it in parts.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise StoreError(f"'{path}', line {line}: not UTF-8. Save it as CSV UTF-8.") from error


def _semicolons(path: str | Path) -> bool:
    head = _text(path).split("\n", 1)[0]
    return head.count(";") > head.count(",")


def _check(path: str | Path, names: Sequence[str], needed: Sequence[str], allowed: Sequence[str]) -> None:
    known = (*needed, *allowed)
    wrong = [name for name in names if name not in known]
    missing = [name for name in needed if name not in names]
    if missing or wrong or len(set(names)) < len(names):
        near = did_you_mean(wrong[0], known) if wrong else ""
        raise StoreError(f"'{path}': the columns {','.join(known)} were expected in the first line, given {','.join(names)[:200]}.{near}")


def _harmless(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
