"""The list of stored encounters: sort, filter, open one, or two of a case side by side.

The rule: it reads summary columns by the page and never an event; while more is being read or played the reader's place stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from medsim.errors import MedsimError
from medsim.store.paging import pulse
from medsim.viewer.lines import QUIET, flat, list_head, list_line
from medsim.viewer.screens.asking import Help, Keys
from medsim.viewer.screens.rows import Rows
from medsim.viewer.sift import COLUMNS, WORST, Row, ordered, sifted

if TYPE_CHECKING:
    from medsim.viewer.screens.app import Viewer

PAGE = 2000
POLL = 1.0
"""Seconds between two looks at a store that is followed."""

KEYS: Keys = (
    ("↑ ↓ PgUp PgDn", "choose an encounter"),
    ("Enter", "open it (or double click)"),
    ("/", "filter: words of run, agent, case, id, status; passed, failed;"),
    ("", "bounds such as score<0.5 harms>0 minutes>=30"),
    ("Esc", "clear the filter"),
    ("s", "sort by the next column (or click a heading)"),
    ("r", "turn the order round"),
    ("w", "the worst first: harm, failures, low scores"),
    ("Space", "mark one for side by side"),
    ("v", "show the marked one and this one side by side (same case)"),
    ("c", "copy the id"),
    ("f", "follow: watch for encounters that are being stored"),
    ("q", "leave"),
)


class Heading(Static):
    """The headings; a click sorts."""

    def on_click(self, event: events.Click) -> None:
        """Sort by what was clicked."""
        listing = self.screen
        if isinstance(listing, Listing):
            listing.sort_at(event.get_content_offset_capture(self).x)


class Listing(Screen[None]):
    """All stored encounters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("enter", "open", "open", show=True),
        Binding("slash", "filter", "filter", key_display="/"),
        Binding("s", "sort", "sort"),
        Binding("r", "reverse", "reverse", show=False),
        Binding("w", "worst", "worst first"),
        Binding("space", "mark", "mark"),
        Binding("v", "beside", "side by side"),
        Binding("c", "copy", "copy id", show=False),
        Binding("f", "follow", "follow", show=False),
        Binding("escape", "clear", show=False),
        Binding("q", "app.quit", "quit"),
    ]

    def __init__(self, *, run: str | None, follow: bool) -> None:
        super().__init__()
        self.run_name, self.following = run, follow
        self.rows: list[Row] = []
        self.listed: Sequence[Row] = []
        self.words, self.column, self.down = "", "order", False
        self.marked: tuple[str, str] | None = None
        self.complete = False
        self._pulse: tuple[int, ...] = ()
        self._columns: dict[int, str] = {}

    @property
    def viewer(self) -> Viewer:
        """The app."""
        return cast("Viewer", self.app)

    def compose(self) -> ComposeResult:
        """Draw headings, rows, filter and a line that says where one is."""
        yield Heading(id="head")
        yield Rows(id="list")
        yield Input(placeholder="filter, e.g. golden score<0.5", id="filter", classes="-away")
        yield Static(id="status")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the first page at once and read on."""
        self._pulse = tuple(pulse(self.viewer.store))
        self.rows = self.viewer.store.rows(run=self.run_name, limit=PAGE)
        self.complete = len(self.rows) < PAGE
        self.query_one("#list", Rows).focus()
        self.order_rows()
        if not self.complete:
            self.read_on(len(self.rows))
        self.set_interval(POLL, self.look)

    @work(thread=True, exclusive=True, group="rows")
    def read_on(self, start: int) -> None:
        """Read the rest, page by page."""
        rows: list[Row] = []
        while True:
            page = self.viewer.store.rows(run=self.run_name, limit=PAGE * 5, offset=start + len(rows))
            rows += page
            if len(page) < PAGE * 5:
                break
        self.app.call_from_thread(self.take, rows, start)

    def take(self, rows: list[Row], start: int) -> None:
        """Put rows in after the first ones."""
        self.rows = [*self.rows[:start], *rows]
        self.complete = True
        self.order_rows()

    def look(self) -> None:
        """Read again where something was added."""
        if not self.following or not self.complete:
            return
        try:
            now = tuple(pulse(self.viewer.store))
        except MedsimError as error:
            self.say(str(error))
            return
        if now != self._pulse:
            self._pulse = now
            self.complete = False
            self.read_on(0)

    def order_rows(self) -> None:
        """Filter, sort and show; the chosen encounter stays chosen."""
        rows = self.query_one("#list", Rows)
        at_end = self.following and self.column == "order" and not self.down and rows.chosen >= len(self.listed) - 1
        held = self.held()
        self.listed = ordered(sifted(self.rows, self.words), self.column, down=self.down)
        same = (i for i, row in enumerate(self.listed) if held and (row["id"], row["run"]) == (held["id"], held["run"]))
        keep = len(self.listed) - 1 if at_end and held else next(same, 0)
        rows.fill(len(self.listed), self.draw, keep=keep)
        self.headings()
        self.tell()

    def draw(self, index: int, width: int) -> Text:
        """One row."""
        row = self.listed[index]
        return list_line(row, width, marked=self.marked == (row["id"], row["run"]))

    def headings(self) -> None:
        """Show the headings."""
        head, self._columns = list_head(max(self.size.width, 60), by=self.column, down=self.down)
        self.query_one("#head", Heading).update(head)

    def tell(self) -> None:
        """Say how many there are and how they are arranged."""
        of = f"{len(self.listed):,} of {len(self.rows):,}" if self.words else f"{len(self.rows):,}"
        rest = "" if self.complete else ", reading on"
        parts = [
            f" {of} encounters{rest}",
            f"by {self.column}" if self.column != WORST else WORST,
            flat(self.viewer.store.shown, longest=60),
        ]
        if self.words:
            parts.insert(1, f"filter: {flat(self.words, longest=40)}")
        if self.following:
            parts.insert(1, "following")
        text = Text(" · ".join(parts), QUIET, no_wrap=True, overflow="ellipsis")
        if not self.listed:
            text = Text(" Nothing is stored here yet." if not self.rows else " No encounter matches the filter. Esc clears it.")
        self.query_one("#status", Static).update(text)

    def held(self) -> Row | None:
        """The chosen encounter."""
        chosen = self.query_one("#list", Rows).chosen
        return self.listed[chosen] if chosen < len(self.listed) else None

    def say(self, text: str) -> None:
        """Tell something in passing."""
        self.notify(flat(text, longest=300), markup=False, timeout=3)

    def on_resize(self) -> None:
        """Fit the headings."""
        self.headings()

    # ---- keys -------------------------------------------------------------------------------------------------------------------

    def on_rows_chosen(self) -> None:
        """Open the chosen encounter."""
        self.action_open()

    def action_open(self) -> None:
        """Open the chosen encounter."""
        if row := self.held():
            self.viewer.open(row["id"], run=row["run"])

    def action_filter(self) -> None:
        """Type a filter."""
        box = self.query_one("#filter", Input)
        box.remove_class("-away")
        box.focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while typing."""
        self.words = message.value
        self.order_rows()

    def on_input_submitted(self) -> None:
        """Back to the list."""
        self.query_one("#list", Rows).focus()
        self.query_one("#filter", Input).set_class(not self.words, "-away")

    def action_clear(self) -> None:
        """Show everything again."""
        box = self.query_one("#filter", Input)
        box.value = ""
        box.add_class("-away")
        self.query_one("#list", Rows).focus()

    def action_sort(self) -> None:
        """Sort by the next column."""
        at = COLUMNS.index(self.column) if self.column in COLUMNS else -1
        self.sort(COLUMNS[(at + 1) % len(COLUMNS)])

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.down = not self.down and self.column != WORST
        self.order_rows()

    def action_worst(self) -> None:
        """The worst first."""
        self.sort(WORST)
        self.query_one("#list", Rows).chosen = 0

    def sort_at(self, x: int) -> None:
        """Sort by the heading at a place; a second click turns it round."""
        starts = [start for start in self._columns if start <= x]
        if not starts:
            return
        name = self._columns[max(starts)]
        if name == self.column:
            self.action_reverse()
        else:
            self.sort(name)

    def sort(self, column: str) -> None:
        """Sort by a column."""
        self.column, self.down = column, False
        self.order_rows()

    def action_mark(self) -> None:
        """Mark the chosen encounter, or take the mark away."""
        if row := self.held():
            own = (row["id"], row["run"])
            self.marked = None if self.marked == own else own
            self.query_one("#list", Rows).refresh()

    def action_beside(self) -> None:
        """Show the marked and the chosen encounter side by side."""
        row = self.held()
        if row is None:
            return
        other = next((found for found in self.rows if (found["id"], found["run"]) == self.marked), None)
        if other is None or other is row:
            self.say("Mark one encounter with Space, choose another of the same case, then v.")
        elif other["case_id"] != row["case_id"]:
            self.say(f"The marked one is of case {other['case_id']}, this one of {row['case_id']}: side by side takes two of one case.")
        else:
            self.viewer.beside((other["id"], other["run"]), (row["id"], row["run"]))

    def action_copy(self) -> None:
        """Copy the id."""
        if row := self.held():
            self.viewer.copy(row["id"])

    def action_follow(self) -> None:
        """Watch for what is stored next, or stop watching."""
        self.following = not self.following
        self.tell()
        self.look()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help("Stored encounters", KEYS))
