"""One encounter: the dialogue up to an event, and what was known, ordered, found and decided by then.

The rule: nothing later than the event that is looked at is shown, unless the reader came back from there by a jump; the truth is hidden
until it is asked for.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Footer, Input, Static

from medsim.trajectory import stamp
from medsim.viewer.lines import QUIET, flat, strip
from medsim.viewer.screens.asking import Choose, Help
from medsim.viewer.screens.dialogue import Dialogue
from medsim.viewer.screens.rows import Rows
from medsim.viewer.screens.side import PANELS, Side, fallen_first
from medsim.viewer.screens.telling import KEYS, heading
from medsim.viewer.screens.walking import ANY, Walking
from medsim.viewer.standing import Item

POLL = 1.0
NARROW = (110, 34)
"""Below this width or height one panel is shown at a time."""


class EncounterScreen(Walking):
    """One stored encounter."""

    panel = "patient"
    """The one that is shown in a small window."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("left,h", "step(-1)", show=False),
        Binding("right,l", "step(1)", "step", key_display="← →"),
        Binding("left_curly_bracket", "turn(-1)", show=False),
        Binding("right_curly_bracket", "turn(1)", show=False),
        Binding("g", "ends(-1)", show=False),
        Binding("G,shift+g", "ends(1)", show=False),
        Binding("space", "play", "play"),
        Binding("plus,equals_sign", "faster(1)", show=False),
        Binding("minus", "faster(-1)", show=False),
        Binding("k", "kind", show=False),
        Binding("right_square_bracket", "of_kind(1)", show=False),
        Binding("left_square_bracket", "of_kind(-1)", show=False),
        Binding("0", "panel('dialogue')", show=False),
        Binding("1", "panel('patient')", show=False),
        Binding("2", "panel('orders')", show=False),
        Binding("3", "panel('facts')", show=False),
        Binding("4", "panel('rubric')", "panels", key_display="1-4"),
        Binding("b", "back", "back", show=False),
        Binding("i", "item", show=False),
        Binding("slash", "search", "search", key_display="/"),
        Binding("n", "found(1)", show=False),
        Binding("N,shift+n", "found(-1)", show=False),
        Binding("t", "truth", "truth"),
        Binding("s", "score", show=False),
        Binding("v", "beside", show=False),
        Binding("c", "copy", show=False),
        Binding("x", "picture", show=False),
        Binding("escape", "leave", "list"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Draw heading, dialogue, panels and where one is."""
        yield Static(id="heading")
        yield Static(id="strip")
        with Container(id="body"):
            dialogue = Dialogue(id="dialogue")
            dialogue.border_title = "Dialogue"
            yield dialogue
            yield Side(id="side")
        yield Input(placeholder="words to look for", id="search", classes="-away")
        yield Static(id="status")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the first event; the case and the rest follow."""
        self.query_one(Dialogue).focus()
        self.action_ends(-1)
        self.viewer.bring(self.recording, self.arrived)
        if self.following:
            self.set_interval(POLL, self.look)

    def arrived(self) -> None:
        """Something more was read."""
        if self.is_attached:
            self.draw()

    def look(self) -> None:
        """Where a run is followed: read what was added to this encounter or to its scores."""
        recording = self.recording
        if not recording.whole:
            return
        last = self.at == self.recording.chart.step(self.at, 1, truth=self.truth)
        if more := recording.read(None):
            recording.chart.add(more)
        if recording.refresh() or more:
            if last and more:
                self.action_ends(1)
            self.draw()

    def on_resize(self) -> None:
        """Fit the window."""
        self.set_class(self.size.width < NARROW[0] or self.size.height < NARROW[1], "-narrow")

    # ---- drawing ----------------------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Show everything as of where the reader is."""
        recording, chart, truth = self.recording, self.recording.chart, self.truth
        if not chart.events:
            self.query_one("#heading", Static).update(heading(self.recording), layout=False)
            self.query_one("#status", Static).update(Text(" This encounter has no events.", QUIET))
            return
        upto = chart.span(self.horizon, truth=truth).stop - 1
        self.items = fallen_first(recording.standing.by(upto, whole=recording.whole))
        fallen: dict[int, list[Item]] = {}
        for item in self.items:
            if item.at is not None:
                fallen.setdefault(item.at, []).append(item)
        self.query_one(Dialogue).show(chart, self.at, truth=truth, fallen=fallen, found=self.words)
        self.query_one(Side).show(recording, self.at, upto, self.items, truth=truth)
        self.query_one("#heading", Static).update(heading(self.recording), layout=False)
        self.query_one("#strip", Static).update(strip(chart, self.at, truth=truth), layout=False)
        self.query_one("#status", Static).update(self._status(), layout=False)

    def _status(self) -> Text:
        chart = self.recording.chart
        event = chart.events[self.at]
        rest = "" if self.recording.whole else ", reading on"
        parts = [f" event {self.at + 1}/{len(chart.events)}{rest}", f"turn {event.turn}", f"clock {stamp(event.t)}"]
        parts.append("TRUTH SHOWN" if self.truth else "truth hidden")
        if self.pace:
            parts.append(self.pace)
        if self._origin is not None:
            parts.append(f"seen from event {self.horizon + 1}, b: back")
        if self.kind != ANY:
            parts.append(f"kind: {flat(self.kind, longest=20)}")
        if self.words:
            parts.append(f"search: {flat(self.words, longest=20)}")
        if not self.recording.standing.follows and self.recording.case is not None and self.items:
            parts.append("verdicts by their evidence")
        return Text(" · ".join(parts), no_wrap=True, overflow="ellipsis")

    # ---- keys and clicks --------------------------------------------------------------------------------------------------------

    def key_down(self) -> None:
        """In the dialogue: forward."""
        if self.focused is self.query_one(Dialogue):
            self.action_step(1)

    def key_up(self) -> None:
        """In the dialogue: back."""
        if self.focused is self.query_one(Dialogue):
            self.action_step(-1)

    def on_dialogue_picked(self, message: Dialogue.Picked) -> None:
        """Go to the event that was clicked."""
        self.go(message.at)

    def on_rows_chosen(self, message: Rows.Chosen) -> None:
        """Go to what the row is about."""
        found = self.query_one(Side).about(message)
        if isinstance(found, str):
            self.viewer.tell(found)
        else:
            self.jump(*found)

    def action_item(self) -> None:
        """To a rubric item that this event decided or is evidence for; again: to the next such item."""
        here = self.recording.chart.span(self.at, truth=self.truth)
        mine = [
            i for i, item in enumerate(self.items) if item.at is not None and (item.at in here or any(at in here for at in item.evidence))
        ]
        if not mine:
            self.viewer.tell("No rubric item was decided by this event.")
            return
        rows = self.query_one("#rubric", Rows)
        later = [i for i in mine if i > rows.chosen] if self.focused is rows and rows.chosen in mine else mine
        self.action_panel("rubric")
        rows.chosen = (later or mine)[0]

    def action_panel(self, name: str) -> None:
        """Go to a panel."""
        if name != "dialogue":
            self.panel = name
            self.query_one(Side).choose(name)
        self.query_one("#dialogue" if name in {"dialogue", "patient"} else f"#{name}").focus()
        self.draw()

    def on_descendant_focus(self) -> None:
        """The panel that has the keys is the one shown in a small window."""
        name = self.focused.id if self.focused is not None else None
        if name in PANELS and name != self.panel:
            self.action_panel(str(name))

    # ---- the rest ---------------------------------------------------------------------------------------------------------------

    def action_search(self) -> None:
        """Type what to look for."""
        box = self.query_one("#search", Input)
        box.remove_class("-away")
        box.focus()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Look for it."""
        self.words = message.value.strip()
        self.query_one("#search", Input).add_class("-away")
        self.query_one(Dialogue).focus()
        if self.words:
            self.action_found(1)
        else:
            self.draw()

    def action_truth(self) -> None:
        """Show the truth, or hide it."""
        self.truth = not self.truth
        chart = self.recording.chart
        if chart.events and not chart.shows(self.at, truth=self.truth):
            self.at = self.horizon = self._told_with(self.at)
        self.draw()

    def action_score(self) -> None:
        """The next score."""
        self.recording.turn_over()
        self.draw()

    def action_beside(self) -> None:
        """Choose another encounter of this case and show both."""
        head = self.recording.head
        rows = [row for row in self.recording.store.rows(case=head.case_id) if (row["id"], row["run"]) != (head.id, head.run)]
        if not rows:
            self.viewer.tell("No other encounter of this case is stored.")
            return
        lines = [
            Text(flat(f"{row['id']}  {row['agent']}  {row['run']}  " + ("-" if row["score"] is None else f"{row['score']:.2f}")))
            for row in rows
        ]

        def take(index: int | None) -> None:
            if index is not None:
                self.viewer.beside((head.id, head.run), (rows[index]["id"], rows[index]["run"]))

        self.viewer.push_screen(Choose("Side by side with", lines), take)

    def action_copy(self) -> None:
        """Copy the id."""
        self.viewer.copy(self.recording.head.id)

    def action_picture(self) -> None:
        """Save the screen."""
        self.viewer.picture(f"{self.recording.head.id}-{self.at + 1}")

    def action_help(self) -> None:
        """Show the keys."""
        self.viewer.push_screen(Help("One encounter", KEYS))

    def action_leave(self) -> None:
        """Close the search, leave a panel, or go back to the list."""
        box = self.query_one("#search", Input)
        if self.focused is box:
            box.add_class("-away")
            self.query_one(Dialogue).focus()
        elif self.words:
            self.words = ""
            self.draw()
        elif self.focused is not self.query_one(Dialogue):
            self.query_one(Dialogue).focus()
        else:
            self.dismiss()
