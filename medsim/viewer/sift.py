"""The list of stored encounters: filter by words, sort by a column, the worst first.

The rule: what has no number (an encounter that failed, one without a score) is never taken for a zero; it stands at the end of a column
and, as a failure, behind real harm when the worst come first.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

Row = dict[str, Any]

COLUMNS = ("order", "run", "agent", "case", "score", "pass", "harms", "minutes", "cost")
WORST = "worst first"

_FIELDS: dict[str, Callable[[Row], Any]] = {
    "run": lambda row: row["run"],
    "agent": lambda row: row["agent"],
    "case": lambda row: row["case_id"],
    "score": lambda row: row["score"],
    "pass": lambda row: row["passed"],
    "harms": lambda row: row["harms"],
    "minutes": lambda row: None if row["seconds"] is None else row["seconds"] / 60,
    "cost": lambda row: row["cost"],
    "turns": lambda row: row["turns"],
}
_BOUND = re.compile(r"^(score|harms|minutes|cost|turns)(<=|>=|<|>|=)(-?(?:\d+\.?\d*|\.\d+))$")
_TESTS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
}  # fmt: skip


def value(row: Row, column: str) -> Any:
    """What a row has in a column."""
    return _FIELDS[column](row)


def sifted(rows: Sequence[Row], words: str) -> list[Row]:
    """The rows in which every word stands (``passed``, ``failed`` and bounds such as ``score<0.5`` are understood)."""
    tests = [_test(word) for word in words.split()]
    return [row for row in rows if all(test(row) for test in tests)]


def _test(word: str) -> Callable[[Row], bool]:
    if found := _BOUND.match(word.lower()):
        column, compare, bound = found[1], _TESTS[found[2]], float(found[3])
        return lambda row: (number := value(row, column)) is not None and compare(float(number), bound)
    if word.lower() in {"passed", "failed"}:
        wanted = int(word.lower() == "passed")
        return lambda row: row["passed"] == wanted
    wanted_text = word.casefold()
    return lambda row: wanted_text in " ".join(str(row[name]) for name in ("id", "run", "agent", "case_id", "status", "error")).casefold()


def ordered(rows: Iterable[Row], column: str, *, down: bool = False) -> list[Row]:
    """Rows sorted by a column; what has no value there comes last either way."""
    listed = list(rows)
    if column == WORST:
        return sorted(listed, key=badness)
    if column == "order":
        return listed[::-1] if down else listed
    known = [row for row in listed if value(row, column) is not None]
    rest = [row for row in listed if value(row, column) is None]
    return sorted(known, key=lambda row: value(row, column), reverse=down) + rest


def badness(row: Row) -> tuple[int, float, float]:
    """Sorts the worst first: critical harm, then failures, then low scores."""
    harm = (row["critical"] or 0) + (row["harms"] or 0)
    if harm:
        return (0, -harm, row["score"] or 0.0)
    if row["score"] is None:
        return (1, 0, 0.0)
    return (2, row["score"], 0.0)
