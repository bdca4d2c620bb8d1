"""All that is on file of all patients, and what of it can be seen at a time.

The rule: holdings never change, so that any number of records and threads share them; a shelf is what can be seen at one moment, with its
indexes, and two moments between which nothing becomes known share one shelf. What is not yet known cannot be told from what does not
exist.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from medsim.case.chart import Chart, as_of, found_at, known_from, moment
from medsim.errors import CaseError
from medsim.record.outcome import Resource, quoted
from medsim.record.parameters import TYPES, Parameter
from medsim.record.values import READ

AGENT = "urn:medsim"
"""The system of the tag that every resource written by an agent carries, and no other."""

_KEPT = 16
"""Shelves kept for moments met before."""


def copied(value: Any) -> Any:
    """A copy of plain data; many times quicker than ``copy.deepcopy``."""
    if isinstance(value, dict):
        return {name: copied(inner) if isinstance(inner, (dict, list)) else inner for name, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) if isinstance(inner, (dict, list)) else inner for inner in value]
    return value


class Held:
    """One resource that is not to be changed, with what searches have read out of it."""

    __slots__ = ("_read", "resource")

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self._read: dict[tuple[str, str], Any] = {}

    def values(self, parameter: Parameter, aspect: str) -> Any:
        """The values of a parameter, read when first asked for."""
        try:
            return self._read[parameter.name, aspect]
        except KeyError:
            found = self._read[parameter.name, aspect] = READ[aspect](self.resource, parameter)
            return found


class Shelf:
    """What can be seen at one moment; ``rows`` by type in the order in which they came, ``by_id`` by type and id."""

    __slots__ = ("_index", "by_id", "rows")

    def __init__(self, held: Iterable[Held]) -> None:
        self.rows: dict[str, list[Held]] = {kind: [] for kind in TYPES}
        for part in held:
            self.rows[part.resource["resourceType"]].append(part)
        self.by_id = {kind: {part.resource["id"]: part for part in rows} for kind, rows in self.rows.items()}
        self._index: dict[tuple[str, str], dict[str, set[int]]] = {}

    def index(self, kind: str, parameter: Parameter) -> dict[str, set[int]]:
        """The places of the rows of a type by each key of a parameter; made when first asked for."""
        try:
            return self._index[kind, parameter.name]
        except KeyError:
            found: dict[str, set[int]] = defaultdict(set)
            for place, held in enumerate(self.rows[kind]):
                for key in held.values(parameter, "keys"):
                    found[key].add(place)
            made = self._index[kind, parameter.name] = dict(found)
            return made


class _Part:
    """A resource and the moments at which it changes: when it becomes known, and when what it says has ended."""

    __slots__ = ("changes", "held", "known")

    def __init__(self, resource: Resource, known: datetime | None) -> None:
        self.held, self.known = Held(resource), known
        ends = [found_at(resource, "abatementDateTime"), found_at(resource, "period.end")]
        self.changes = [moment(str(end)) for end in ends if end] if resource["resourceType"] in {"Condition", "Encounter"} else []

    def at(self, now: datetime) -> Held:
        """The resource as it read then."""
        then = as_of(self.held.resource, now)
        return self.held if then is self.held.resource else Held(then)


class Holdings:
    """What a hospital has on file: resources of the sixteen types, plain dicts with an id, each seen from its own time on.

    A type that a record does not hold is left out and counted in ``dropped``.
    """

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._begin()
        for resource in resources:
            self._add(resource, None)
        self._finish()

    @classmethod
    def of_case(cls, chart: Chart, *, arrival: datetime) -> Holdings:
        """The chart of a case whose patient arrives at a time; a part that comes later is seen so long after it."""
        made = cls.__new__(cls)
        made._begin()
        for record in chart.resources:
            made._add(record.resource, _aware(arrival) + timedelta(seconds=record.after) if record.after else None)
        made._finish()
        return made

    @classmethod
    def of_bundle(cls, bundle: Any) -> Holdings:
        """The resources of a Bundle of any type, its ``urn:uuid`` and absolute references made local."""
        entries = bundle.get("entry", []) if isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle" else None
        if not isinstance(entries, list):
            raise CaseError("A FHIR Bundle was expected: a mapping with resourceType Bundle and a list of entries.")
        found = [entry["resource"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)]
        urls = {
            entry["fullUrl"]: f"{entry['resource'].get('resourceType')}/{entry['resource'].get('id') or _id(entry['fullUrl'])}"
            for entry in entries
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict) and isinstance(entry.get("fullUrl"), str)
        }
        names = {id(entry["resource"]): _id(entry["fullUrl"]) for entry in entries if isinstance(entry, dict) and entry.get("fullUrl")}
        return cls({"id": names.get(id(resource)), **relinked(resource, urls)} for resource in found)

    def _begin(self) -> None:
        self._parts: dict[tuple[str, str], _Part] = {}
        self.dropped: dict[str, int] = {}

    def _add(self, resource: Any, after: datetime | None) -> None:
        kind, name = (resource.get("resourceType"), resource.get("id")) if isinstance(resource, dict) else (None, None)
        if isinstance(kind, str) and kind not in TYPES:
            self.dropped[kind] = self.dropped.get(kind, 0) + 1
            return
        if not isinstance(kind, str) or not isinstance(name, str):
            raise CaseError(f"A resource with a resourceType and an id, both text, was expected; given {quoted(kind)} and {quoted(name)}.")
        if (kind, name) in self._parts:
            raise CaseError(f"{kind}/{name[:64]} stands twice; give each resource an id of its own.")
        try:
            known = known_from(resource)
            times = [time for time in (known, after) if time is not None]
            self._parts[kind, name] = _Part(untagged(copied(resource)), max(times, default=None))
        except ValueError as error:
            raise CaseError(f"{kind}/{name[:64]}: {error}.") from error

    def _finish(self) -> None:
        moments = {part.known for part in self._parts.values() if part.known} | {at for p in self._parts.values() for at in p.changes}
        self._moments = sorted(moments)
        self._shelves: dict[int, Shelf] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Whether a type and id is on file at any time."""
        return key in self._parts

    def at(self, now: datetime | None) -> Shelf:
        """What can be seen at a moment; everything where there is no clock."""
        age = -1 if now is None else bisect_right(self._moments, now)
        shelf = self._shelves.get(age)
        if shelf is None:
            shelf = Shelf(self._seen(now))
            while len(self._shelves) >= _KEPT:
                self._shelves.pop(next(iter(self._shelves.copy())), None)
            self._shelves[age] = shelf
        return shelf

    def _seen(self, now: datetime | None) -> Iterator[Held]:
        for part in self._parts.values():
            if now is None:
                yield part.held
            elif part.known is None or part.known <= now:
                yield part.at(now)


def _id(url: Any) -> str:
    """The last part of a fullUrl."""
    return str(url).replace(":", "/").rsplit("/", 1)[-1]


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def relinked(value: Any, urls: dict[str, str]) -> Any:
    """A copy in which every reference to one of the URLs is the local one it stands for."""
    if isinstance(value, list):
        return [relinked(inner, urls) for inner in value]
    if not isinstance(value, dict):
        return copy.copy(value)
    made = {name: relinked(inner, urls) if isinstance(inner, (dict, list)) else inner for name, inner in value.items()}
    given = made.get("reference")
    if isinstance(given, str) and given in urls:
        made["reference"] = urls[given]
    return made


def untagged(resource: Resource) -> Resource:
    """The resource without a tag that says an agent wrote it: only the record itself gives that one."""
    meta = resource.get("meta")
    if not isinstance(meta, dict) or not isinstance(tags := meta.get("tag"), list):
        return resource
    if any(isinstance(tag, dict) and tag.get("system") == AGENT for tag in tags):
        kept = [tag for tag in tags if not (isinstance(tag, dict) and tag.get("system") == AGENT)]
        rest = {name: value for name, value in meta.items() if name != "tag"}
        resource["meta"] = {**rest, "tag": kept} if kept else rest
    return resource
