"""One stored encounter as the viewer reads it: its heading at once, its events by the page, its case when it is found.

The rule: whatever is missing (the case, a rubric, a score) is said and shown as missing; it never keeps the rest from being seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from medsim import document, library
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.errors import MedsimError
from medsim.rubric import rubric_hash
from medsim.store import Store
from medsim.store.paging import events, heading
from medsim.trajectory import Event, Trajectory
from medsim.viewer.chart import Chart
from medsim.viewer.standing import Standing

PAGE = 500

FindCase = Callable[[Trajectory], Case]


class Recording:
    """A stored encounter, opened."""

    def __init__(self, store: Store, trajectory_id: str, *, run: str | None = None) -> None:
        self.store = store
        self.key, self.head, self.row = heading(store, trajectory_id, run=run)
        self.scores: list[dict[str, Any]] = store.scores(self.head.id, run=self.head.run)
        self.case: Case | None = None
        self.missing = ""
        """Why there is no case."""
        self.whole = False
        """Whether all that is stored has been read."""
        self.chart = Chart()
        self.grow(self.read(PAGE))
        self.shown = 0
        self.standing = self._standing()

    def read(self, limit: int | None) -> list[Event]:
        """The next stored events, not yet added."""
        start = self.chart.events[-1].seq + 1 if self.chart.events else 0
        return events(self.store, self.key, start=start, limit=limit)

    def grow(self, more: list[Event], *, limit: int = PAGE) -> None:
        """Add events that were read; fewer than were asked for are the last."""
        self.chart.add(more)
        self.whole = len(more) < limit

    def settle(self, case: Case | None, missing: str = "") -> None:
        """Take in the case, or why it is not there."""
        self.case, self.chart.case, self.missing = case, case, missing
        self.standing = self._standing()

    def search_case(self, find: FindCase) -> tuple[Case | None, str]:
        """The case of this encounter, or why it was not found."""
        try:
            return find(self.head), ""
        except MedsimError as error:
            return None, str(error)

    def refresh(self) -> bool:
        """Read the scores again; say whether there are others."""
        scores = self.store.scores(self.head.id, run=self.head.run)
        if [score["key"] for score in scores] == [score["key"] for score in self.scores]:
            return False
        self.scores, self.shown = scores, min(self.shown, max(len(scores) - 1, 0))
        self.standing = self._standing()
        return True

    def turn_over(self) -> None:
        """Go to the next score, and after the last to the first."""
        self.shown = (self.shown + 1) % max(len(self.scores), 1)
        self.standing = self._standing()

    @property
    def score(self) -> dict[str, Any] | None:
        """The score that is looked at."""
        return self.scores[self.shown] if self.scores else None

    def _standing(self) -> Standing:
        return Standing(self.chart, score=self.score, rubric=self._rubric())

    def _rubric(self) -> Rubric | None:
        """The very rubric of the score, where it can be had."""
        if self.case is None or self.score is None:
            return self.case.rubric if self.case else None
        if rubric_hash(self.case.rubric) == self.score["rubric_hash"]:
            return self.case.rubric
        return shipped(str(self.score["rubric"]), str(self.score["rubric_hash"]))


def shipped(name: str, wanted: str) -> Rubric | None:
    """A shipped rubric by name, where it is still the same."""
    if name not in library.names("rubrics"):
        return None
    try:
        found = document.validate(document.read(library.find("rubrics", name)), Rubric)
    except MedsimError:
        return None
    found = found if found.id else found.model_copy(update={"id": name})
    return found if rubric_hash(found) == wanted else None


def recorded(store: Store, trajectory_id: str, find: FindCase, *, run: str | None = None) -> Recording:
    """A stored encounter, read whole, with its case where that is found."""
    found = Recording(store, trajectory_id, run=run)
    while not found.whole:
        found.grow(found.read(PAGE))
    found.settle(*found.search_case(find))
    return found
