"""Whatever a model, a case or a database says is shown harmlessly, on every screen and in every export."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from medsim.case import Case
from medsim.rubric import score
from medsim.store import Store
from medsim.trajectory import Event, Trajectory
from medsim.viewer.export import write
from medsim.viewer.lines import event_lines, item_text, list_line, order_text, told_text
from medsim.viewer.page import UNSAFE
from medsim.viewer.recording import recorded
from medsim.viewer.screens.app import Viewer
from medsim.viewer.screens.encounter import EncounterScreen
from tests.test_viewer import HOSTILE
from tests.viewer.conftest import press, screen, settle, sit

ALL = "".join(HOSTILE[:-1]).replace("\ud800", "") + "\x00" + "[@click=app.quit]x[/]"


def harmless(text: str) -> bool:
    return all(ch == "\n" or unicodedata.category(ch) not in UNSAFE for ch in text)


@pytest.fixture
def bad(tmp_path: Path, mini: Case, golden: Trajectory) -> Store:
    made = Store(tmp_path / "bad.db")
    made.begin_run(ALL[:30], identity="x", config={"recipe": {"cases": []}})
    events = [
        replace(event, text=ALL + event.text, args={**event.args, "speaker": ALL}, facts=(ALL,), topics=(ALL,)) for event in golden.events
    ]
    events += [
        Event(len(events), 9, 9, "controller", ALL, ALL, ALL, ALL),
        Event(len(events) + 1, 9, 9, "doctor", "order", "x" * 100_000, ALL),
    ]
    card = score(mini, golden.events, golden.outcome)
    items = tuple(replace(item, text=ALL, reason=ALL) for item in card.items)
    outcome = replace(golden.outcome, reason=ALL, state=ALL, diagnosis=(ALL,), disposition=ALL)
    made.save(
        replace(golden, id="bad" + ALL, agent=ALL, case_id=ALL, run=ALL[:30], error=ALL, events=events, outcome=outcome),
        replace(card, items=items, rubric=ALL, judge=ALL),
    )
    return made


def test_no_screen_passes_anything_on_to_the_terminal(bad: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        assert harmless(screen(app))
        await press(pilot, "c", "enter")
        assert isinstance(app.screen, EncounterScreen)
        for key in ("right", "t", "G", "4", "enter", "3", "enter", "2", "enter", "k"):
            await press(pilot, key)
            assert harmless(screen(app)), key
        await press(pilot, "escape", "slash", *"zz", "enter", "c", "s", "v")
        assert harmless(screen(app))
        assert "[bold red]" in "".join(str(note.message) for note in app._notifications) + screen(app), "markup is shown, not obeyed"
        app.beside(("bad", None), ("bad", None))
        await settle(app, pilot)
        await press(pilot, "G", "t")
        assert harmless(screen(app))
        assert not app._exit, "no link in a text can be an action"

    sit(bad, mini, script)


def test_no_export_passes_anything_on(bad: Store, mini: Case, tmp_path: Path) -> None:
    recording = recorded(bad, "bad", lambda head: mini)
    for form in ("svg", "html", "text"):
        write(recording, form, tmp_path / form, truth=True)
        text = (tmp_path / form).read_text(encoding="utf-8")
        assert harmless(text)
        assert not re.search(r"<script|href=|@font-face|url\((?!#)", text)
        assert len(text) < 5_000_000


@pytest.mark.parametrize("width", [20, 44, 120])
def test_every_line_fits_its_width(bad: Store, mini: Case, width: int) -> None:
    recording = recorded(bad, "bad", lambda head: mini)
    chart, end = recording.chart, len(recording.chart.events) - 1
    for at in range(end + 1):
        for line in event_lines(chart, at, width, truth=True, here=True, found="x"):
            assert line.cell_len <= max(width, 22)
            assert "\n" not in line.plain
    one: list[Any] = [order_text(chart, order, end) for order in chart.orders] + [told_text(chart, told, truth=True) for told in chart.told]
    one += [item_text(item) for item in recording.standing.by(end)] + [list_line(recording.row, width, marked=True)]
    assert all(harmless(line.plain) and "\n" not in line.plain for line in one)
