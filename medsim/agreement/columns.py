"""The verdicts of a run in columns, one a rater: judges, people, and the people's common verdict, which is the reference.

The rule: two verdicts are of the same thing where trajectory, rubric version and item are the same (with two rubrics named: trajectory and
item). Only met and unmet are compared. A verdict that the event log decided is the log's, whatever judge's score it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from medsim.agreement.labels import ADJUDICATED, is_label, label_of
from medsim.errors import StoreError, did_you_mean
from medsim.metrics.stored import configuration
from medsim.store import HUMAN, Store
from medsim.store.verdicts import ItemVerdict, verdicts

REFERENCE = "human reference"
"""What people agree on: the adjudicated verdict, or the one that all who labelled the item gave."""
OWN = "own"
"""Name of all cases' own rubrics together."""

Key = tuple[str, str, str]
"""Trajectory, rubric version (empty where two rubrics are compared), item."""


class Unit(NamedTuple):
    """What is judged: an item of an encounter."""

    case: str
    agent: str
    comp: str
    text: str


class Said(NamedTuple):
    """A verdict as one number."""

    verdict: int | None
    """1 met, 0 unmet, None unknown or not applicable."""
    own: bool
    """Whether the rater gave it, and not the event log."""
    rating: float | None = None
    """The number given on a scale."""
    row: ItemVerdict | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Units and what each rater said of them."""

    run: str
    units: Mapping[Key, Unit]
    said: Mapping[str, Mapping[Key, Said]]
    """By rater; people come after judges, the reference last."""
    undecided: int = 0
    """Items on which people differ and nobody has adjudicated."""
    rubrics: Sequence[str] = field(default=())
    judge_of: Mapping[str, str] = field(default_factory=dict)
    """Where two rubrics are compared: the judge behind each rater; empty otherwise."""

    @property
    def several(self) -> bool:
        """Whether two rubrics are compared."""
        return bool(self.judge_of)

    @property
    def judges(self) -> list[str]:
        """Raters that are not people."""
        return [name for name in self.said if not is_person(name)]

    @property
    def people(self) -> list[str]:
        """Raters that are people; neither the reference nor what was adjudicated is one."""
        settled = f"{HUMAN}{ADJUDICATED}"
        return [name for name in self.said if name.startswith(HUMAN) and self.judge_of.get(name, name) != settled]

    @property
    def labelled(self) -> bool:
        """Whether people have labelled anything."""
        return bool(self.said.get(REFERENCE))

    def named(self, given: str) -> str:
        """The rater of a name, or of its beginning; people also without ``human:``."""
        if given in self.said:
            return given
        if HUMAN + given in self.said:
            return HUMAN + given
        near = [name for name in self.said if name.startswith(given)]
        if len(near) == 1:
            return near[0]
        if near:
            raise StoreError(f"Several raters begin with '{given}': {'; '.join(near[:6])}. Give more of the name.")
        listed = "; ".join(list(self.said)[:8]) or "none"
        raise StoreError(f"No rater '{given}' in run '{self.run}'.{did_you_mean(given, self.said)} Raters: {listed}.")


def is_person(name: str) -> bool:
    """Whether a rater is a person, or what persons agreed on."""
    return name == REFERENCE or name.startswith(HUMAN)


def table_of(store: Store, *, run: str, rubrics: Sequence[str] = ()) -> Table:
    """Read a run's verdicts; by all rubrics, or by those named. With two or more named, each judge is a rater once for each rubric."""
    configuration(store, run)
    rows = verdicts(store, run=run)
    if not rows:
        raise StoreError(f"Run '{run}' has no score, so there is nothing to compare. Score it: medsim score {run}")
    names = [_rubric(name, rows, run) for name in rubrics]
    if names:
        rows = [row for row in rows if any(_is_of(row, name) for name in names)]
    several = len(set(names)) > 1
    units: dict[Key, Unit] = {}
    said: dict[str, dict[Key, Said]] = {}
    for row, own in zip(rows, _owned(rows), strict=True):
        key = (row.trajectory, "" if several else row.rubric_hash, row.item)
        units.setdefault(key, Unit(row.case, row.agent, row.comp, str(row.data.get("text", ""))))
        rater = f"{row.judge} by {next(name for name in names if _is_of(row, name))}" if several else row.judge
        if not row.judge.startswith(HUMAN) or own:
            verdict, rating = _told(row, own)
            said.setdefault(rater, {})[key] = Said({"met": 1, "unmet": 0}.get(verdict), own, rating, row)
    reference, undecided = _reference({} if several else said)
    ordered = dict(sorted(said.items(), key=lambda pair: is_person(pair[0])))
    if reference:
        ordered[REFERENCE] = reference
    judges = {f"{row.judge} by {name}": row.judge for row in rows for name in names if _is_of(row, name)} if several else {}
    shown = tuple(dict.fromkeys(row.rubric for row in rows))
    return Table(run, units, ordered, undecided, shown, {name: judge for name, judge in judges.items() if name in ordered})


def _told(row: ItemVerdict, own: bool) -> tuple[str, float | None]:
    """What a rater said: of a person the label, which a rubric's groups and needs do not change."""
    if row.judge.startswith(HUMAN) and own:
        label = label_of(row)
        return label.verdict, label.rating
    return row.verdict, rating_of(row)


def rating_of(row: ItemVerdict) -> float | None:
    """The number an item was given on a scale, where it is a scale."""
    if row.verdict in {"unknown", "na"}:
        return None
    if row.rubric == "patient_ratings":
        return row.earned
    value = row.data.get("rating")
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _owned(rows: Sequence[ItemVerdict]) -> Iterable[bool]:
    """Whether each verdict is its rater's own opinion.

    A judge keeps a record with each opinion. A score without any record is one that was brought in, and all its own, but for what the log
    is known to decide.
    """
    recorded = {row.score for row in rows if row.data.get("judged") is not None}
    logged = {(row.trajectory, row.rubric_hash, row.item) for row in rows if row.judge == "none" and row.verdict != "unknown"}
    for row in rows:
        if row.judge.startswith(HUMAN):
            yield is_label(row.data)
        elif row.judge == "none":
            yield False
        else:
            yield row.data.get("judged") is not None or not (row.score in recorded or (row.trajectory, row.rubric_hash, row.item) in logged)


def _reference(said: Mapping[str, Mapping[Key, Said]]) -> tuple[dict[Key, Said], int]:
    """What people agree on, item by item, and on how many they differ."""
    given: dict[Key, dict[str, Said]] = {}
    for rater, column in said.items():
        if rater.startswith(HUMAN):
            for key, one in column.items():
                given.setdefault(key, {})[rater] = one
    found, undecided = {}, 0
    for key, labels in given.items():
        settled = labels.get(f"{HUMAN}{ADJUDICATED}")
        if settled is None and len({_told(one.row, True) for one in labels.values() if one.row}) > 1:
            undecided += 1
            continue
        found[key] = settled or next(iter(labels.values()))
    return found, undecided


def _is_of(row: ItemVerdict, name: str) -> bool:
    return row.rubric == name or (name == OWN and row.rubric == row.case)


def _rubric(given: str, rows: Sequence[ItemVerdict], run: str) -> str:
    known: dict[str, Any] = dict.fromkeys(row.rubric for row in rows)
    for name in (given, Path(given).stem):
        if name in known or (name == OWN and any(row.rubric == row.case for row in rows)):
            return name
    listed = ", ".join([OWN, *known][:8])
    raise StoreError(f"No score of run '{run}' is by a rubric '{given}'.{did_you_mean(given, known)} Rubrics: {listed}.")
