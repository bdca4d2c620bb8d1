"""The dialogue as it was spoken, up to the event that is looked at.

The rule: only what fits the window is laid out, from the last line upwards, so that the length of an encounter costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from medsim.viewer.chart import Chart
from medsim.viewer.lines import QUIET, event_lines
from medsim.viewer.standing import Item

MOST = 6
"""So many verdicts are told below one event; the rest is in the rubric."""


class Dialogue(Widget, can_focus=True):
    """Events up to a position, the last one marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pageup", "scroll_back(1)", show=False),
        Binding("pagedown", "scroll_back(-1)", show=False),
    ]

    class Picked(Message):
        """An event was clicked."""

        def __init__(self, dialogue: Dialogue, at: int) -> None:
            super().__init__()
            self.dialogue, self.at = dialogue, at

        @property
        def control(self) -> Dialogue:
            """The dialogue it came from."""
            return self.dialogue

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self.chart = Chart()
        self.at = 0
        self.truth = False
        self.found = ""
        self.fallen: Mapping[int, Sequence[Item]] = {}
        self.back = 0
        """Lines scrolled back."""
        self._places: list[int] = []

    def show(self, chart: Chart, at: int, *, truth: bool, fallen: Mapping[int, Sequence[Item]], found: str = "") -> None:
        """Show events up to a position."""
        self.chart, self.at, self.truth, self.fallen, self.found, self.back = chart, at, truth, fallen, found, 0
        self.refresh()

    def render(self) -> Text:
        """Draw what fits, from below."""
        height = max(self.size.height, 1)
        lines, places = self._laid_out(height)
        skip = max(len(lines) - height - self.back, 0)
        self.back = max(min(self.back, len(lines) - height), 0)
        own = next((y for y, place in enumerate(places) if place == self.at), 0)
        if self.back == 0 and own < skip:
            skip = own  # an event taller than the window is read from its beginning
        self._places = places[skip : skip + height]
        return Text("\n", no_wrap=True, overflow="crop").join(lines[skip : skip + height])

    def _laid_out(self, height: int) -> tuple[list[Text], list[int]]:
        """Lines enough to fill the window and what was scrolled past, and whose they are."""
        width, blocks, places, count = max(self.size.width, 20), [], [], 0
        at, chart = self.at, self.chart
        while 0 <= at < len(chart.events) and count < height + self.back:
            if chart.shows(at, truth=self.truth) or at == self.at:
                below = self._below(at)
                lines = event_lines(
                    chart, at, width, truth=self.truth, here=at == self.at, fallen=below[:MOST], found=self.found
                )  # fmt: skip
                if len(below) > MOST:
                    lines.append(Text(f"             and {len(below) - MOST} more, in the rubric (4)", QUIET))
                blocks.append(lines)
                places.append(at)
                count += len(lines)
            at -= 1
        return (
            [line for block in reversed(blocks) for line in block],
            [at for at, block in zip(reversed(places), reversed(blocks), strict=True) for _ in block],
        )

    def _below(self, at: int) -> Sequence[Item]:
        """Verdicts that fell with this event, or with hidden ones that are told with it."""
        return [item for place in self.chart.span(at, truth=self.truth) for item in self.fallen.get(place, ())]

    def action_scroll_back(self, pages: int) -> None:
        """Scroll without moving the event that is looked at."""
        self._scroll_lines(pages * max(self.size.height - 2, 1))

    def _scroll_lines(self, by: int) -> None:
        self.back = max(self.back + by, 0)
        self.refresh()

    def on_mouse_scroll_up(self) -> None:
        """Scroll back."""
        self._scroll_lines(3)

    def on_mouse_scroll_down(self) -> None:
        """Scroll on."""
        self._scroll_lines(-3)

    def on_click(self, event: events.Click) -> None:
        """Look at the event that was clicked."""
        y = event.get_content_offset_capture(self).y
        if 0 <= y < len(self._places):
            self.post_message(self.Picked(self, self._places[y]))
