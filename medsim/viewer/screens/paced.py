"""What can be stepped through can be played: at a speed, until its end.

The rule: playing is stepping by a clock of its own; nothing is shown that a step would not show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.screen import Screen
from textual.timer import Timer

if TYPE_CHECKING:
    from medsim.viewer.screens.app import Viewer

SPEEDS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Events a second."""


class Paced(Screen[None]):
    """A screen that plays."""

    speed = 2.0
    _timer: Timer | None = None

    @property
    def viewer(self) -> Viewer:
        """The app."""
        return cast("Viewer", self.app)

    @property
    def pace(self) -> str:
        """How fast it plays; nothing while it stands."""
        return f"▶ {self.speed:g}/s" if self._timer is not None else ""

    def draw(self) -> None:
        """Show everything as of where the reader is."""
        raise NotImplementedError

    def forward(self) -> bool:
        """Take one step; False at the end."""
        raise NotImplementedError

    def action_play(self) -> None:
        """Play, or stop."""
        if self._timer is None:
            self._start()
        else:
            self._stop()
        self.draw()

    def action_faster(self, by: int) -> None:
        """Play faster or slower."""
        nearest = min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self.speed))
        self.speed = SPEEDS[min(max(nearest + by, 0), len(SPEEDS) - 1)]
        if self._timer is not None:
            self._stop()
            self._start()
        self.viewer.tell(f"{self.speed:g} events a second")
        self.draw()

    def _start(self) -> None:
        self._timer = self.set_interval(1 / self.speed, self._tick)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _tick(self) -> None:
        if not self.forward():
            self._stop()
            self.draw()
