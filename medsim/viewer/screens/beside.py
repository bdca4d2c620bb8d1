"""Two encounters of one case side by side, kept in step by the simulated clock.

The rule: both sides show what had happened by the same minute; an item on which their verdicts differ is marked and stands first.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static

from medsim.trajectory import stamp
from medsim.viewer.lines import QUIET, flat, mark_of, strip
from medsim.viewer.recording import Recording
from medsim.viewer.screens.asking import Help, Keys
from medsim.viewer.screens.dialogue import Dialogue
from medsim.viewer.screens.paced import Paced
from medsim.viewer.screens.rows import Rows
from medsim.viewer.standing import Item

KEYS: Keys = (
    ("← →  ↑ ↓", "the next event of either, by the simulated clock (also h, l)"),
    ("g  G", "the beginning, the end"),
    ("Space  + -", "play and stop; faster, slower"),
    ("Tab", "the other side, the rubric"),
    ("PgUp PgDn", "scroll the side that has the keys (or the wheel)"),
    ("t", "show or hide the truth"),
    ("c", "copy both ids"),
    ("x", "save the screen as an SVG picture"),
    ("Esc  q", "back; leave"),
)


class Moment(NamedTuple):
    """An event of one side."""

    t: int
    side: int
    at: int


class Beside(Paced):
    """Two encounters."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", show=False),
        Binding("right,l", "step(1)", "step", key_display="← →"),
        Binding("g", "step(-1000000000)", show=False),
        Binding("G,shift+g", "step(1000000000)", show=False),
        Binding("space", "play", "play"),
        Binding("plus,equals_sign", "faster(1)", show=False),
        Binding("minus", "faster(-1)", show=False),
        Binding("t", "truth", "truth"),
        Binding("c", "copy", "copy ids"),
        Binding("x", "picture", show=False),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("escape", "dismiss(None)", "back"),
        Binding("q", "app.quit", "quit", show=False),
    ]

    def __init__(self, left: Recording, right: Recording, *, truth: bool) -> None:
        super().__init__()
        self.sides, self.truth = (left, right), truth
        self.moments: list[Moment] = []
        self.now = 0

    def compose(self) -> ComposeResult:
        """Draw both sides and the rubric below."""
        with Horizontal(id="pair"):
            for side in ("left", "right"):
                with Vertical(classes="column"):
                    yield Static(id=f"{side}-head", classes="head")
                    yield Static(id=f"{side}-strip", classes="head")
                    yield Dialogue(id=side)
        rows = Rows(id="both", unfold=3)
        rows.border_title = "Rubric: left and right, where they differ first"
        yield rows
        yield Static(id="status")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show the beginning; what is missing follows."""
        self.query_one("#left", Dialogue).focus()
        self.arrived()
        for recording in self.sides:
            self.viewer.bring(recording, self.arrived)

    def arrived(self) -> None:
        """Something more was read: line both up again, and stay at the same moment."""
        if not self.is_attached:
            return
        held = self.moments[self.now] if self.moments else None
        self.moments = sorted(
            Moment(event.t, side, at)
            for side, recording in enumerate(self.sides)
            for at, event in enumerate(recording.chart.events)
            if recording.chart.shows(at, truth=self.truth)
        )
        self.now = next((i for i, moment in enumerate(self.moments) if held is not None and moment >= held), 0)
        self.draw()

    def places(self) -> list[int]:
        """Where each side is."""
        found = [0, 0]
        for moment in self.moments[: self.now + 1]:
            found[moment.side] = moment.at
        return found

    def draw(self) -> None:
        """Show both as of the moment."""
        places = self.places()
        both: list[dict[str, Item]] = []
        for name, recording, at in zip(("left", "right"), self.sides, places, strict=True):
            upto = recording.chart.span(at, truth=self.truth).stop - 1 if recording.chart.events else 0
            items = recording.standing.by(upto, whole=recording.whole)
            both.append({item.id: item for item in items})
            fallen: dict[int, list[Item]] = {}
            for item in items:
                if item.at is not None:
                    fallen.setdefault(item.at, []).append(item)
            self.query_one(f"#{name}", Dialogue).show(recording.chart, at, truth=self.truth, fallen=fallen)
            self.query_one(f"#{name}-head", Static).update(_heading(recording), layout=False)
            self.query_one(f"#{name}-strip", Static).update(strip(recording.chart, at, truth=self.truth), layout=False)
        self._rubric(both)
        clock = stamp(self.moments[self.now].t) if self.moments else "-"
        playing = f" · {self.pace}" if self.pace else ""
        truth = "TRUTH SHOWN" if self.truth else "truth hidden"
        self.query_one("#status", Static).update(
            Text(f" moment {self.now + 1}/{len(self.moments)} · clock {clock}{playing} · {truth}", no_wrap=True), layout=False
        )

    def _rubric(self, both: list[dict[str, Item]]) -> None:
        left, right = both
        names = list(dict.fromkeys([*left, *right]))
        verdicts = {name: tuple(side[name].verdict if name in side else "" for side in both) for name in names}
        names.sort(key=lambda name: verdicts[name][0] == verdicts[name][1])

        def draw(index: int, width: int) -> Text:
            name = names[index]
            item = left.get(name) or right[name]
            text = Text().append("≠ " if len(set(verdicts[name])) > 1 else "  ", "bold")
            for side in both:
                mark, style = mark_of(side[name]) if name in side else ("  -", QUIET)
                text.append(f"{mark:<10}", style)
            shown = any(verdicts[name]) or self.truth
            return text.append(f"{item.points:+g} ", QUIET).append(
                flat(item.text, longest=400) if shown else "not decided yet (t shows it)", "" if shown else QUIET
            )

        rows = self.query_one("#both", Rows)
        rows.border_subtitle = f"{sum(len(set(found)) > 1 for found in verdicts.values())} differ"
        rows.fill(len(names), draw)

    # ---- keys -------------------------------------------------------------------------------------------------------------------

    def action_step(self, by: int) -> None:
        """The next event of either side."""
        self.now = min(max(self.now + by, 0), max(len(self.moments) - 1, 0))
        self.draw()

    def key_down(self) -> None:
        """Forward, unless the rubric has the keys."""
        if not isinstance(self.focused, Rows):
            self.action_step(1)

    def key_up(self) -> None:
        """Back, unless the rubric has the keys."""
        if not isinstance(self.focused, Rows):
            self.action_step(-1)

    def on_dialogue_picked(self, message: Dialogue.Picked) -> None:
        """Go to the event that was clicked."""
        side = 0 if message.dialogue.id == "left" else 1
        self.now = next((i for i, moment in enumerate(self.moments) if (moment.side, moment.at) == (side, message.at)), self.now)
        self.draw()

    def forward(self) -> bool:
        """The next event of either side."""
        self.action_step(1)
        return self.now < len(self.moments) - 1

    def action_truth(self) -> None:
        """Show the truth, or hide it."""
        self.truth = not self.truth
        self.arrived()

    def action_copy(self) -> None:
        """Copy both ids."""
        self.viewer.copy(" ".join(recording.head.id for recording in self.sides))

    def action_picture(self) -> None:
        """Save the screen."""
        self.viewer.picture("-".join(recording.head.id for recording in self.sides))

    def action_help(self) -> None:
        """Show the keys."""
        self.viewer.push_screen(Help("Side by side", KEYS))


def _heading(recording: Recording) -> Text:
    score = recording.score
    shown = "no score" if score is None or score["score"] is None else f"{score['score']:.2f} " + ("✓" if score["passed"] else "✗")
    return Text(
        f"{flat(recording.head.agent, longest=30)} · {shown} · {flat(recording.head.id, longest=20)}",
        "bold",
        no_wrap=True,
        overflow="ellipsis",
    )
