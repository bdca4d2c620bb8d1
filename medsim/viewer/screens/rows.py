"""A list of rows of which only the visible ones are drawn; the chosen one may take several lines.

The rule: the cost of drawing depends on the height of the window, never on how many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from medsim.viewer.lines import HERE, wrapped

Draw = Callable[[int, int], Text]
"""A row by its index, for a width."""


class Rows(Widget, can_focus=True):
    """Rows with a chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000000)", show=False),
        Binding("end", "move(1000000000)", show=False),
        Binding("enter", "choose", show=False),
    ]
    chosen: reactive[int] = reactive(0)

    class Chosen(Message):
        """A row was chosen by Enter, or by a click on the row that stood chosen already."""

        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows, self.index = rows, index

        @property
        def control(self) -> Rows:
            """The rows it came from."""
            return self.rows

    def __init__(self, *, unfold: int = 1, **rest: Any) -> None:
        super().__init__(**rest)
        self.unfold = unfold
        """How many lines the chosen row may take."""
        self.count = 0
        self.top = 0
        self._draw: Draw = lambda index, width: Text("")
        self._at: list[int] = []
        self._shown: Text | None = None

    def fill(self, count: int, draw: Draw, *, keep: int | None = None) -> None:
        """Show other rows; ``keep``: which one to choose, unless the reader is choosing here."""
        self.count, self._draw = count, draw
        self.chosen = self.chosen if keep is None else keep
        if self.size.height and self._built() != self._shown:
            self.refresh()

    def validate_chosen(self, chosen: int) -> int:
        """Keep the choice among the rows."""
        return min(max(chosen, 0), max(self.count - 1, 0))

    def render(self) -> Text:
        """Draw the rows in the window."""
        self._shown = self._built()
        return self._shown

    def _built(self) -> Text:
        width, height = max(self.size.width, 1), max(self.size.height, 1)
        self._scroll(width, height)
        lines: list[Text] = []
        self._at = []
        for index in range(self.top, self.count):
            for line in self._row(index, width):
                lines.append(line)
                self._at.append(index)
            if len(lines) >= height:
                break
        return Text("\n", no_wrap=True, overflow="crop").join(lines[:height])

    def _row(self, index: int, width: int) -> Sequence[Text]:
        text = self._draw(index, width)
        if index != self.chosen:
            text.truncate(width, overflow="ellipsis")
            return [text]
        lines = wrapped(text, width, indent=2)[: self.unfold] if self.unfold > 1 else [text]
        for line in lines:
            line.truncate(width, overflow="ellipsis", pad=True)
            line.stylize(HERE if self.has_focus else "bold")
        return lines

    def _scroll(self, width: int, height: int) -> None:
        if self.chosen < self.top:
            self.top = self.chosen
        tall = len(self._row(self.chosen, width)) if self.count else 1
        self.top = max(min(self.top, self.count - 1), 0, self.chosen + min(tall, height) - height)

    def watch_chosen(self) -> None:
        """Draw again."""
        self.refresh()

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self.chosen += by

    def action_page(self, by: int) -> None:
        """Choose a row one window away."""
        self.chosen += by * max(self.size.height - 1, 1)

    def action_choose(self) -> None:
        """Say that the row is chosen."""
        if self.count:
            self.post_message(self.Chosen(self, self.chosen))

    def on_click(self, event: events.Click) -> None:
        """Choose a row; a click on the chosen one is Enter."""
        y = event.get_content_offset_capture(self).y
        if not 0 <= y < len(self._at):
            return
        if self.chosen == self._at[y] and event.chain >= 2:
            self.action_choose()
        self.chosen = self._at[y]

    def on_mouse_scroll_down(self) -> None:
        """Move down."""
        self.chosen += 3

    def on_mouse_scroll_up(self) -> None:
        """Move up."""
        self.chosen -= 3
