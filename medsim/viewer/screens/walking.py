"""Ways through an encounter: by event, turn, kind, verdict, words, and by jumps from which one comes back.

The rule: a step moves both the event that is looked at and what is shown beside it; a jump moves only the first, so that what led there
stays in sight.
"""

from __future__ import annotations

from rich.text import Text

from medsim.viewer.lines import QUIET, flat
from medsim.viewer.recording import Recording
from medsim.viewer.screens.asking import Choose
from medsim.viewer.screens.paced import Paced
from medsim.viewer.standing import Item

ANY, VERDICT = "any", "verdict"


class Walking(Paced):
    """A screen with a place in an encounter."""

    def __init__(self, recording: Recording, *, truth: bool, follow: bool) -> None:
        super().__init__()
        self.recording, self.truth, self.following = recording, truth, follow
        self.at = 0
        self.horizon = 0
        """As of where the panels are; later than ``at`` after a jump back."""
        self.kind, self.words = ANY, ""
        self.items: list[Item] = []
        self._origin: int | None = None
        self._trail: tuple[str, int] = ("", 0)

    def action_search(self) -> None:
        """Ask what to look for."""
        raise NotImplementedError

    def go(self, at: int, *, jump: bool = False) -> None:
        """Look at another event."""
        if not jump:
            self.horizon, self._origin, self._trail = at, None, ("", 0)
        self.at = at
        self.draw()

    def action_step(self, by: int) -> None:
        """One event back or forward."""
        self.go(self.recording.chart.step(self.at, by, truth=self.truth))

    def action_turn(self, by: int) -> None:
        """One turn back or forward."""
        self.go(self.recording.chart.turn_step(self.at, by, truth=self.truth))

    def action_ends(self, by: int) -> None:
        """The first event or the last."""
        chart = self.recording.chart
        if not chart.events:
            self.draw()
            return
        end = 0 if by < 0 else len(chart.events) - 1
        self.go(end if chart.shows(end, truth=self.truth) else chart.step(end, -by, truth=self.truth))

    def action_found(self, by: int) -> None:
        """The next event with the words, or the one before."""
        if not self.words:
            self.action_search()
            return
        there = self.recording.chart.find(self.at, by, self.words, truth=self.truth)
        if there is None:
            self.viewer.tell(f"Nowhere: {self.words}")
        self.go(self.at if there is None else there)

    def action_kind(self) -> None:
        """Choose a kind of event."""
        chart = self.recording.chart
        kinds = [kind for kind, places in chart.kinds.items() if any(chart.shows(at, truth=self.truth) for at in places[:1])]
        names = [ANY, VERDICT, *sorted(kinds)]
        lines = [
            Text(f"{flat(name, longest=30):<14}").append(f" {len(chart.kinds[name])}" if name in chart.kinds else "", QUIET)
            for name in names
        ]
        chosen = names.index(self.kind) if self.kind in names else 0

        def take(index: int | None) -> None:
            if index is not None:
                self.kind = names[index]
                self.draw()

        self.viewer.push_screen(Choose("Kind of event for [ and ]", lines, chosen=chosen), take)

    def action_of_kind(self, by: int) -> None:
        """The next event of the kind, or the one before."""
        if self.kind == ANY:
            self.action_step(by)
            return
        chart = self.recording.chart
        there = chart.of_kind(self.at, by, self._deciding() if self.kind == VERDICT else chart.kinds.get(self.kind, []), truth=self.truth)
        if there is None:
            self.viewer.tell(f"No {'later' if by > 0 else 'earlier'} event of kind {self.kind}.")
        else:
            self.go(there)

    def _deciding(self) -> list[int]:
        """Where verdicts fell in the whole encounter, as places that are shown."""
        chart, end = self.recording.chart, len(self.recording.chart.events) - 1
        fell = {item.at for item in self.recording.standing.by(end, whole=self.recording.whole) if item.at is not None}
        return [at if chart.shows(at, truth=self.truth) else self._told_with(at) for at in fell]

    def _told_with(self, at: int) -> int:
        """The shown event with which a hidden one is told."""
        chart = self.recording.chart
        there = chart.step(at, 1, truth=self.truth)
        return there if there != at else chart.step(at, -1, truth=self.truth)

    def forward(self) -> bool:
        """One event on; a run that is followed may still go on."""
        before = self.at
        self.action_step(1)
        return self.at != before or self.following

    def jump(self, what: str, places: tuple[int, ...]) -> None:
        """Go to the first of some places; called again for the same thing, to the next one."""
        shown = [at if self.recording.chart.shows(at, truth=self.truth) else self._told_with(at) for at in places]
        if not shown:
            self.viewer.tell("No single event decided this.")
            return
        index = (self._trail[1] + 1) % len(shown) if self._trail[0] == what else 0
        if self._origin is None:
            self._origin = self.horizon = self.at
        self._trail = (what, index)
        self.go(shown[index], jump=True)

    def action_back(self) -> None:
        """Back to where the jump began."""
        if self._origin is not None:
            self.go(self._origin)
