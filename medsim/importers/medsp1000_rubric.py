"""The frozen rubrics of MedSP1000: yes-or-no items under six competencies, and what is wrong with some of them.

The rule: an item's text is never changed. What a lint or a person says of it lies over it, under the item's stable id, so that the score
in the set's own convention and the linted one stand side by side.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from medsim import document
from medsim.case.checklist import Competency
from medsim.errors import CaseError

COMPETENCIES: tuple[Competency, ...] = get_args(Competency)
ItemStatus = Literal["ok", "excluded", "inverted"]
STATUSES: tuple[ItemStatus, ...] = get_args(ItemStatus)
MAX_ITEMS, MAX_TEXT, MAX_BYTES = 1_000, 20_000, 2_000_000


class PacketItem(NamedTuple):
    """A yes-or-no item; members of one ``group`` exclude one another and count as one."""

    id: str
    text: str
    competency: Competency
    status: ItemStatus = "ok"
    why: str = ""
    group: str = ""


class Note(NamedTuple):
    """What is said of an item from outside."""

    status: ItemStatus
    why: str
    group: str = ""


class RubricFile(NamedTuple):
    """A rubric as read: ``absent`` and ``unreadable`` ones have no items; problems are ``kind:what``."""

    status: Literal["ok", "empty", "absent", "unreadable"]
    items: tuple[PacketItem, ...] = ()
    version: str = ""
    sha256: str = ""
    problems: tuple[str, ...] = ()


ABSENT = RubricFile("absent")


def read(path: Path, packet: str) -> RubricFile:
    """Read a rubric file of the packet ``case/scenario``; whatever it holds, this returns."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError:
        return ABSENT
    if data is None:
        return RubricFile("unreadable", problems=("rubric_too_large",))
    digest = hashlib.sha256(data).hexdigest()
    if not data.strip():
        return RubricFile("absent", sha256=digest, problems=("rubric_zero_bytes" if not data else "rubric_blank",))
    try:
        held = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return RubricFile("unreadable", sha256=digest, problems=("rubric_not_json",))
    if not isinstance(held, dict):
        return RubricFile("unreadable", sha256=digest, problems=("rubric_not_an_object",))
    items, problems = items_of(held, packet)
    named = f"{held.get('case_id', '')}/{held.get('scenario', '')}"
    if named != packet and ("case_id" in held or "scenario" in held):
        problems.append("rubric_names_another_scenario")
    return RubricFile(
        "ok" if items else "empty", linted(items), str(held.get("rubric_version", ""))[:40], digest, tuple(dict.fromkeys(problems))
    )


def items_of(held: Mapping[str, Any], packet: str) -> tuple[list[PacketItem], list[str]]:
    """Return the items in their order, with problems about what was no item."""
    items: list[PacketItem] = []
    problems: list[str] = []
    for competency in COMPETENCIES:
        listed = held.get(competency, [])
        if not isinstance(listed, list):
            problems.append(f"rubric_no_list:{competency}")
            continue
        for text in listed:
            if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT or len(items) >= MAX_ITEMS:
                problems.append(f"rubric_no_item:{competency}")
                continue
            item = PacketItem(item_id(packet, competency, text), text, competency)
            if any(item.id == other.id for other in items):
                problems.append(f"rubric_item_twice:{competency}")
            else:
                items.append(item)
    return items, problems


def item_id(packet: str, competency: str, text: str) -> str:
    """The stable id of an item: of its packet, its competency and its very text."""
    return hashlib.sha1(f"{packet}\n{competency}\n{text}".encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()[:12]


def linted(items: Sequence[PacketItem]) -> tuple[PacketItem, ...]:
    """Lay the lint over the items."""
    from medsim.importers.medsp1000_lint import lint

    return overlaid(items, lint(items))


def overlaid(items: Sequence[PacketItem], notes: Mapping[str, Note]) -> tuple[PacketItem, ...]:
    """Lay notes over items by their ids; items without a note stay as they are."""
    return tuple(item._replace(**notes[item.id]._asdict()) if item.id in notes else item for item in items)


def read_overlay(path: Path) -> dict[str, Note]:
    """Read a person's notes: YAML, item id -> ``{status, why}``; raises CaseError with file and line."""
    held = document.read(path)
    if not isinstance(held.data, dict):
        raise CaseError(
            f"{held.where(())}: a mapping of item ids was expected, e.g. 0123456789ab: {{status: excluded, why: not observable}}."
        )
    notes = {}
    for name, note in held.data.items():
        if not isinstance(note, dict) or note.get("status") not in STATUSES or set(note) - {"status", "why", "group"}:
            raise CaseError(f"{held.where((name,))}: {name}: status ({', '.join(STATUSES)}), why and group were expected.")
        notes[str(name)] = Note(note["status"], str(note.get("why", "")), str(note.get("group", "")))
    return notes


def normal(text: str) -> str:
    """Return a text for comparison: case, punctuation and mark-up folded."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())


def counts(items: Iterable[PacketItem]) -> dict[str, int]:
    """Count items by competency."""
    found = dict.fromkeys(COMPETENCIES, 0)
    for item in items:
        found[item.competency] += 1
    return {str(name): number for name, number in found.items()}
