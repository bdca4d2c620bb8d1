"""What the viewer shows, as a page to keep: SVG, HTML or plain text, for papers and reports of faults.

The rule: a page needs nothing from anywhere else (no font, no script is fetched), and text of any origin stays text in it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from medsim.errors import StoreError
from medsim.viewer.lines import QUIET, event_lines, flat, item_text, order_text, patient_lines, told_text, untold_text
from medsim.viewer.recording import Recording
from medsim.viewer.standing import Item

WIDTH = 120
_FONT = re.compile(r"@font-face \{[^}]*\}\s*")


def page(recording: Recording, *, truth: bool = False) -> RenderableType:
    """The whole encounter as the viewer shows it at its end."""
    chart = recording.chart
    if not chart.events:
        return Text(f"{flat(recording.head.id)}: no events")
    last = len(chart.events) - 1
    items = recording.standing.by(last, whole=recording.whole)
    return Group(
        _heading(recording, truth),
        _framed("Dialogue", _dialogue(recording, items, truth)),
        _framed("Patient at the end", patient_lines(chart, last, WIDTH - 4, truth=truth, missing=recording.missing)),
        _framed("Orders", [order_text(chart, order, last) for order in chart.orders_by(last)]),
        _framed("Facts found", [told_text(chart, told, truth=truth) for told in chart.told_by(last)]),
        _framed(*_hidden(recording, last, truth)),
        _framed("Rubric", [_with_evidence(recording, item) for item in items]),
    )


def _heading(recording: Recording, truth: bool) -> Text:
    head, score = recording.head, recording.score
    text = Text().append(f"{flat(head.id)} · {flat(head.case_id)} · {flat(head.agent)} · run {flat(head.run)}", "bold")
    if score is not None:
        shown = "unscored" if score["score"] is None else f"{score['score']:.2f}"
        passed = {True: "passed", False: "not passed", None: "pass not decided"}[score["passed"]]
        text.append(
            f"\nscore {shown}, {passed}; rubric {flat(score['rubric'])}, judge {flat(score['judge'])}, coverage {score['coverage']:.0%}"
        )
    if head.error:
        text.append(f"\nerror: {flat(head.error)}")
    if truth and recording.case is not None:
        text.append(f"\ntruth: {flat(recording.case.outcome.diagnosis.name)}")
    return text


def _dialogue(recording: Recording, items: list[Item], truth: bool) -> list[Text]:
    chart = recording.chart
    fallen: dict[int, list[Item]] = {}
    for item in items:
        if item.at is not None:
            fallen.setdefault(item.at, []).append(item)
    lines: list[Text] = []
    for at in range(len(chart.events)):
        if chart.shows(at, truth=truth):
            below = [item for place in chart.span(at, truth=truth) for item in fallen.get(place, ())]
            lines += event_lines(chart, at, WIDTH - 4, truth=truth, here=False, fallen=below)
    return lines


def _hidden(recording: Recording, last: int, truth: bool) -> tuple[str, list[Text]]:
    untold = recording.chart.untold_by(last)
    if truth or not untold:
        return "Facts never found", [untold_text(fact) for fact in untold]
    return "Facts never found", [Text(f"{len(untold)} (with --truth they are shown)", QUIET)]


def _with_evidence(recording: Recording, item: Item) -> Text:
    events = recording.chart.events
    where = ", ".join(f"{events[at].turn}" for at in item.evidence)
    return item_text(item).append(f"  [turn {where}]" if where else "", QUIET)


def _framed(title: str, lines: list[Text]) -> RenderableType:
    return Panel(Text("\n").join(lines) if lines else Text("none", QUIET), title=Text(title, "bold"), title_align="left")


def write(recording: Recording, form: str, path: Path, *, truth: bool = False) -> None:
    """Write the page as ``svg``, ``html`` or ``text``; StoreError where the file cannot be written."""
    try:
        path.write_text(_FORMS[form](_drawn(recording, truth), recording.head.id), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}). Give another file with --{form}.") from error


def _drawn(recording: Recording, truth: bool) -> Console:
    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, markup=False, highlight=False, emoji=False, force_terminal=True,
        color_system="truecolor", legacy_windows=False,
    )  # fmt: skip
    console.print(page(recording, truth=truth))
    return console


def _svg(console: Console, name: str) -> str:
    return _FONT.sub("", console.export_svg(title="medsim", unique_id=f"medsim-{re.sub('[^A-Za-z0-9]', '', name)[:20]}"))


_FORMS: dict[str, Callable[[Console, str], str]] = {
    "svg": _svg,
    "html": lambda console, name: console.export_html(theme=SVG_EXPORT_THEME, inline_styles=True),
    "text": lambda console, name: console.export_text(),
}
