"""The same figures as files: one JSON document, or one CSV file for each table.

The rule: the JSON has everything; a CSV row stands by itself, with the names and hashes it is about. A cell of words that a spreadsheet would
take for a formula is made harmless, and no cell steers a terminal.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from medsim.report.text import plain

TABLES = (
    "headline", "cases", "competencies", "efficiency", "coverage", "unknowns", "unscorable", "harms", "items", "disclosure", "missed", "differences", "ranks",
    "usage", "identity", "limits", "encounters",
)  # fmt: skip
_ESTIMATE = frozenset({"value", "low", "high", "cases", "left_out", "note"})
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_json(figures: Mapping[str, Any]) -> str:
    """Everything, indented, byte-identical for equal figures."""
    text = json.dumps(figures, indent=1, ensure_ascii=True, allow_nan=False)
    return text + "\n"


def to_csv(figures: Mapping[str, Any]) -> dict[str, str]:
    """The text of each file by its name."""
    return {f"{name}.csv": _csv(list(_rows(name, figures[name]))) for name in TABLES}


def _rows(name: str, listed: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Rows without parts inside them: what a row holds several of becomes several rows, or one cell."""
    for row in listed:
        if name == "limits":
            yield {"sentence": row}
        elif name == "identity":
            yield from ({"run": row["run"], **part} for part in row["parts"])
        elif name == "disclosure":
            same = {key: row[key] for key in ("arm", "name", "cases")}
            yield from ({**same, "turn": turn, "share": share, "note": ""} for turn, share in enumerate(row["share"]))
            if row["note"]:
                yield {**same, "turn": None, "share": None, "note": row["note"]}
        elif name in {"items", "missed"}:
            yield from (
                _flat({**{key: value for key, value in row.items() if key not in {"arms", "arm"}}, **_prefixed(arm)}) for arm in row["arms"]
            )
        else:
            yield _flat(row)


def _prefixed(arm: Mapping[str, Any]) -> dict[str, Any]:
    return {f"arm_{key}" if key != "arm" else key: value for key, value in arm.items()}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Estimates become columns of their own, lists one cell."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value.keys() == _ESTIMATE:
            flat |= {f"{key}_{part}" if part != "value" else key: found for part, found in value.items()}
        elif isinstance(value, list):
            flat[key] = "; ".join(_piece(part) for part in value)
        else:
            flat[key] = value
    return flat


def _piece(part: Any) -> str:
    if isinstance(part, dict):
        return str(part.get("item") or f"turn {part.get('turn')}: {part.get('text', '')}")
    return str(part)


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    rows = rows or [{"note": "There is nothing to list."}]
    names = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return "" if value is None else value
    said = plain(value, longest=32_000)
    return f"'{said}" if said.startswith(_FORMULA) else said
