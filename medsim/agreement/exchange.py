"""Labels out to a CSV file and in from one.

The rule: every label names an encounter and an item that exist; a line that does not is told with its number and what was probably meant,
and nothing is stored unless all lines are right or the wrong ones were to be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from medsim.agreement.labels import LONGEST_COMMENT, WORDS, Encounter, Label, rater_name, said
from medsim.agreement.sheet import Task
from medsim.agreement.spreadsheet import Fault, records, write
from medsim.errors import JudgeError, did_you_mean
from medsim.store import Store

COLUMNS = ("trajectory", "item", "verdict", "rater", "evidence", "comment")


class Incoming(NamedTuple):
    """What a file holds."""

    labels: list[Label]
    faults: list[Fault]
    empty: int
    """Lines without a verdict: not labelled yet."""


def read(path: str | Path, *, known: Sequence[Encounter], store: Store, rater: str | None = None) -> Incoming:
    """Read labels; those without a rater are ``rater``'s, if one is named."""
    at = {one.trajectory: one for one in known}
    last: dict[str, int] = {}
    labels: dict[tuple[str, str, str], Label] = {}
    faults: list[Fault] = []
    empty = 0
    for line, record in records(path, needed=COLUMNS[:3], allowed=COLUMNS[3:]):
        if not record["verdict"]:
            empty += 1
            continue
        found = _label(record, at, rater, store, last)
        if isinstance(found, Label):
            key = (found.trajectory, found.item, found.rater)
            if key not in labels:
                labels[key] = found
                continue
            found = f"{found.rater} has labelled item '{found.item}' of {found.trajectory} twice"
        faults.append(Fault(line, found))
    return Incoming(list(labels.values()), faults, empty)


def _label(record: dict[str, str], at: dict[str, Encounter], rater: str | None, store: Store, last: dict[str, int]) -> Label | str:
    """The label of one line, or what is wrong with it."""
    near = [name for name in at if name.startswith(record["trajectory"])] if record["trajectory"] else []
    if len(near) != 1:
        given = record["trajectory"]
        return f"{len(near)} trajectories begin with '{given}'" if near else f"no trajectory '{given}'.{did_you_mean(given, at)}"
    one = at[near[0]]
    items = {item.id: item for item in one.rubric.items}
    if record["item"] not in items:
        return f"no item '{record['item']}' in the rubric of {one.trajectory}.{did_you_mean(record['item'], items)}"
    told = said(items[record["item"]], record["verdict"])
    if told is None:
        wanted = "1 to 5, unknown, na" if items[record["item"]].scale else "met, unmet, unknown, na"
        return f"no verdict '{record['verdict']}'.{did_you_mean(record['verdict'].lower(), WORDS)} Verdicts here: {wanted}"
    if not record["rater"] and not rater:
        return "the rater is missing (or name one with --rater)"
    try:
        name = rater_name(record["rater"] or rater or "")
    except JudgeError as error:
        return str(error)
    if one.trajectory not in last:
        last[one.trajectory] = len(store.load(one.trajectory, run=one.run).events)
    evidence = _evidence(record["evidence"], last[one.trajectory])
    if isinstance(evidence, str):
        return evidence
    return Label(one.trajectory, record["item"], told[0], name, evidence, record["comment"][:LONGEST_COMMENT], told[1])


def _evidence(text: str, events: int) -> tuple[int, ...] | str:
    """Numbers of events, as ``medsim show`` writes them: ``12`` or ``12 15``."""
    try:
        numbers = tuple(dict.fromkeys(int(part) for part in text.replace(",", " ").split()))
    except ValueError:
        return f"evidence '{text[:60]}' is not a number of an event"
    if any(not 0 <= number < events for number in numbers):
        return f"evidence {text[:60]}: the encounter has events 0 to {events - 1}"
    return numbers


def export(path: str | Path, labels: Iterable[Label], *, tasks: Sequence[Task] = (), rater: str = "") -> int:
    """Write labels; with ``tasks`` also a line without a verdict for each that the rater has not labelled yet."""
    given = list(labels)
    done = {(label.trajectory, label.item) for label in given if label.rater == rater}
    blank = [task.key for task in tasks if task.key not in done]
    rows = [
        (label.trajectory, label.item, str(label.rating or label.verdict), label.rater, " ".join(map(str, label.evidence)), label.comment)
        for label in given
    ]
    return write(path, COLUMNS, [*rows, *((*key, "", rater, "", "") for key in blank)])
