"""One patient's record as a value: resources by type and id, plain dicts.

The rule: a record is forked in one step and its forks do not see each other's writes; what is put in is copied, what is in is never
changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import datetime
from typing import Any

from medsim.case.chart import Chart
from medsim.errors import CaseError

Resource = dict[str, Any]


class Records:
    """The resources on file, in the order in which they came."""

    __slots__ = ("_held",)

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self._held: dict[tuple[str, str], Resource] = {}
        for resource in resources:
            self._held[_key(resource)] = resource

    @classmethod
    def visible(cls, chart: Chart, at: datetime, *, elapsed: int = 0) -> Records:
        """What is on file of a chart at a time, ``elapsed`` seconds after arrival. It knows the chart alone: no truth, no facts."""
        return cls(chart.visible(at, elapsed=elapsed))

    def fork(self) -> Records:
        """An independent record with the same resources."""
        twin = Records()
        twin._held = self._held.copy()
        return twin

    def read(self, kind: str, name: str) -> Resource | None:
        """A copy of one resource, None where it is not on file."""
        held = self._held.get((kind, name))
        return deepcopy(held) if held is not None else None

    def each(self, kind: str = "") -> Iterator[Resource]:
        """The resources of a type, or all. They are shared between forks: not to be changed."""
        return (held for (of, _), held in self._held.items() if not kind or of == kind)

    def put(self, resource: Resource) -> None:
        """Write one resource, over an older one of the same type and id."""
        self._held[_key(resource)] = deepcopy(resource)

    def remove(self, kind: str, name: str) -> bool:
        """Take one resource out; say whether it was on file."""
        return self._held.pop((kind, name), None) is not None

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and self._held == other._held

    __hash__ = None  # type: ignore[assignment]

    def collection(self) -> Resource:
        """All of it as a Bundle of type collection."""
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": deepcopy(held)} for held in self._held.values()]}


def _key(resource: Resource) -> tuple[str, str]:
    kind, name = resource.get("resourceType"), resource.get("id")
    if not isinstance(kind, str) or not isinstance(name, str) or not kind or not name:
        raise CaseError(f"A resource with a resourceType and an id, both text, was expected; given {kind!r} and {name!r}.")
    return kind, name
