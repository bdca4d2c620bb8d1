"""Rubrics in the JSON of HealthBench and LiveMedBench: lists of criteria with signed points, read into ours and written back.

The rule: a criterion's words, points and tags come back as they were. What the format cannot hold (predicates, gates, scales, caps) is
named when a rubric of ours is written, never dropped in silence.

HealthBench: ``{"prompt_id", "rubrics": [{"criterion", "points", "tags"}]}``, a line each. LiveMedBench: ``{"case_id",
"rubric_items": [{"criterion", "points"}]}``. Both score an answer by points of met criteria over positive points, which may be negative,
and clip the mean over answers (HealthBench) or every answer (LiveMedBench).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from medsim.case.checklist import Competency, Rubric, RubricItem
from medsim.errors import CaseError

Format = Literal["healthbench", "livemedbench"]
MAX_ITEMS, MAX_TEXT, MAX_BYTES = 500, 20_000, 500_000_000
_LISTS: dict[Format, str] = {"healthbench": "rubrics", "livemedbench": "rubric_items"}
_NAMES: dict[Format, tuple[str, ...]] = {"healthbench": ("prompt_id", "id"), "livemedbench": ("case_id", "id")}
COMPETENCIES: dict[str, Competency] = {
    "accuracy": "MK", "completeness": "PC", "communication_quality": "ICS", "context_awareness": "PC", "instruction_following": "PROF",
}  # fmt: skip
"""HealthBench's axes and the competency that comes nearest; others are patient care."""
_LEFT_UNDONE = re.compile(
    r"\A\s*(?:(?:the )?(?:response|answer|assistant|doctor|model) )?(?:fails?|failed|does not|doesn't|did not|do not|omits?|neglects?|never|lacks?|misses"
    r"|without|is missing|avoids?|refrains?|no mention)\b",
    re.IGNORECASE,
)


class RubricRow(NamedTuple):
    """What became of one line: a rubric, or the reason why there is none; ``notes`` say what was left out or assumed."""

    line: int
    """Counted from 1."""
    id: str
    rubric: Rubric | None
    notes: tuple[str, ...] = ()


class Written(NamedTuple):
    """A rubric in the JSON of others, and what that cannot hold."""

    data: dict[str, Any]
    lost: tuple[str, ...]


def read(path: Path) -> list[RubricRow]:
    """Read a file of rubrics, JSON lines or one JSON list; every entry gives one row."""
    return [row_of(data, line=line) for line, data in _entries(path)]


def row_of(data: Any, *, line: int = 1) -> RubricRow:
    """Read one entry, whatever it holds."""
    if not isinstance(data, dict):
        return RubricRow(line, "", None, ("an object with a list 'rubrics' or 'rubric_items' was expected",))
    kind = next((kind for kind, name in _LISTS.items() if isinstance(data.get(name), list)), None)
    if kind is None:
        return RubricRow(line, "", None, ("there is no list 'rubrics' (HealthBench) or 'rubric_items' (LiveMedBench)",))
    named = (_plain(str(data[key])).strip() for key in _NAMES[kind] if isinstance(data.get(key), (str, int)))
    name = next(filter(None, named), f"line-{line}")
    items, notes = _items(data[_LISTS[kind]])
    if not any(item["points"] > 0 for item in items):
        told = "no criterion has positive points, so no score can be formed" if items else "there are no criteria"
        return RubricRow(line, name, None, (*notes, told))
    made = {"schema": "medsim.rubric/1", "id": name, "clinical_review": "unknown", "items": items}
    made |= {"clip": "mean"} if kind == "healthbench" else {}
    try:
        return RubricRow(line, name, Rubric.model_validate(made), notes)
    except ValidationError as error:
        return RubricRow(line, name, None, (*notes, str(error.errors()[0]["msg"]).removeprefix("Value error, ")))


def _items(listed: list[Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Criteria as items, numbered by their place, and notes about what was none."""
    items: list[dict[str, Any]] = []
    notes: list[str] = []
    seen: set[tuple[str, float]] = set()
    for place, entry in enumerate(listed, 1):
        fault = _fault(entry) if place <= MAX_ITEMS else f"only {MAX_ITEMS} criteria are read"
        if fault:
            notes.append(f"criterion {place} left out: {fault}")
            continue
        entry = {**entry, "criterion": (plain := _plain(entry["criterion"]))}
        if plain != listed[place - 1]["criterion"]:
            notes.append(f"criterion {place}: hidden characters were removed from its text")
        key = (" ".join(entry["criterion"].split()).casefold(), float(entry["points"]))
        if key in seen:
            notes.append(f"criterion {place} left out: it stands twice")
            continue
        seen.add(key)
        items.append(_item(place, entry))
    return items, tuple(notes)


def _plain(text: str) -> str:
    """Text without control and invisible characters, which no rubric file may hold."""
    return "".join(ch for ch in text if ch in "\n\t" or unicodedata.category(ch) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def _fault(entry: Any) -> str:
    if not isinstance(entry, dict) or not isinstance(entry.get("criterion"), str) or not _plain(entry["criterion"]).strip():
        return "it has no text 'criterion'"
    points = entry.get("points")
    if isinstance(points, bool) or not isinstance(points, (int, float)) or points != points or abs(points) > 1e6:
        return f"'points' is {str(points)[:40]!r}, a number was expected"
    if points == 0:
        return "it has 0 points and decides nothing"
    return "its text is too long" if len(entry["criterion"]) > MAX_TEXT else ""


def _tags(given: Any) -> list[str]:
    return [plain for tag in given if isinstance(tag, str) and (plain := _plain(tag))] if isinstance(given, list) else []


def _item(place: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    text, tags = entry["criterion"], _tags(entry.get("tags"))
    axis = next((tag.removeprefix("axis:") for tag in tags if tag.startswith("axis:")), "")
    question: dict[str, Any] = {"criterion": text, "quote": ["words", "acts", "notes"]}
    if _LEFT_UNDONE.match(text):
        question = {"criterion": text, "evidence": "none"}  # what was left undone cannot be quoted
    made = {"id": f"c{place}", "text": text, "points": entry["points"], "comp": COMPETENCIES.get(axis, "PC"), "judge": question}
    return {**made, **({"tags": tags} if tags else {})}


# ---- out ---------------------------------------------------------------------------------------------------------------------------


def written(rubric: Rubric, *, format: Format = "healthbench") -> Written:
    """Write a rubric in the JSON of others; ``lost`` names what it cannot hold."""
    lost = [f"{name} of the rubric" for name in ("formula", "levels", "groups", "axes") if getattr(rubric, name)]
    entries = []
    for item in rubric.items:
        lost += [f"{item.id}: {what}" for what in _beyond(item)]
        if item.points:
            entries.append(_entry(item, format))
    return Written({_NAMES[format][0]: rubric.id or "rubric", _LISTS[format]: entries}, tuple(lost))


def _beyond(item: RubricItem) -> Iterator[str]:
    """What of an item the format has no place for."""
    for name in ("pred", "gate", "scale", "decay", "critical", "needs"):
        if getattr(item, name):
            yield name
    if not item.points:
        yield "the whole item, a scale without points"


def _entry(item: RubricItem, format: Format) -> dict[str, Any]:
    points = int(item.points) if float(item.points).is_integer() else item.points
    entry: dict[str, Any] = {"criterion": item.judge.criterion if item.judge else item.text, "points": points}
    return {**entry, "tags": list(item.tags)} if format == "healthbench" else entry


def write(rubrics: list[Rubric], path: Path, *, format: Format = "healthbench") -> list[str]:
    """Write rubrics as JSON lines; return what was lost, each with its rubric's id."""
    made = [written(rubric, format=format) for rubric in rubrics]
    path.write_text("".join(json.dumps(one.data, ensure_ascii=False) + "\n" for one in made), encoding="utf-8")
    return [f"{rubric.id or 'rubric'}: {what}" for rubric, one in zip(rubrics, made, strict=True) for what in one.lost]


def _entries(path: Path) -> Iterator[tuple[int, Any]]:
    """The entries of a file with the line each begins on; an unreadable line is None."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CaseError(f"{path}: the file is larger than {MAX_BYTES:,} bytes. Split it.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror}). A JSON file of rubrics was expected.") from error
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: not UTF-8. A JSON file of rubrics was expected.") from error
    if text.lstrip().startswith("["):
        whole = _json(text)
        if not isinstance(whole, list):
            raise CaseError(f"{path}: not valid JSON. A list, or one object a line, was expected.")
        yield from enumerate(whole, 1)
        return
    found = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not found:
        raise CaseError(f"{path}: the file is empty. A JSON file of rubrics was expected.")
    one = _json(text) if len(found) > 1 and _json(found[0][1]) is None else None
    yield from [(1, one)] if one is not None else ((number, _json(line)) for number, line in found)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
