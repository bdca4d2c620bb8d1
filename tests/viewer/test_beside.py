"""Two encounters of one case side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from medsim.case import Case
from medsim.store import Store
from medsim.viewer.screens import paced
from medsim.viewer.screens.app import Viewer
from medsim.viewer.screens.asking import Help
from medsim.viewer.screens.beside import Beside
from medsim.viewer.screens.dialogue import Dialogue
from medsim.viewer.screens.listing import Listing
from medsim.viewer.screens.rows import Rows
from tests.viewer.conftest import SMALL, WIDE, press, screen, settle, sit


def front(app: Viewer) -> Beside:
    assert isinstance(app.screen, Beside)
    return app.screen


async def pair(app: Viewer, pilot: Pilot[None]) -> None:
    app.beside(("aaa111", "r"), ("bbb222", "r"))
    await settle(app, pilot)


def test_both_are_kept_in_step_by_the_clock(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await pair(app, pilot)
        for key in ("right", "l", "down", "down", "up", "left", "h"):
            await press(pilot, key)
            now = front(app).moments[front(app).now].t
            for recording, at in zip(front(app).sides, front(app).places(), strict=True):
                assert recording.chart.events[at].t <= now
        assert front(app).now == 1
        await press(pilot, "G")
        assert front(app).places() == [len(recording.chart.events) - 1 for recording in front(app).sides]
        words = screen(app)
        assert "≠ ✓ met" in words
        assert "differ" in words
        await press(pilot, "g")
        assert front(app).now == 0

    sit(store, mini, script, size=SMALL)


def test_the_truth_playing_copying_and_leaving(store: Store, mini: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await pair(app, pilot)
        assert "Asks when it began" not in screen(app)
        await press(pilot, "t")
        assert "Asks when it began" in screen(app)
        await press(pilot, "t", "minus", "plus", "c", "x", "question_mark")
        assert isinstance(app.screen, Help)
        assert app.clipboard == "aaa111 bbb222"
        assert [made.name for made in tmp_path.glob("*.svg")] == ["medsim-aaa111-bbb222.svg"]
        await press(pilot, "escape")
        monkeypatch.setattr(paced, "SPEEDS", (2.0, 500.0))
        await press(pilot, "space", "plus")
        while front(app)._timer is not None:
            await pilot.pause(0.01)
        assert front(app).now == len(front(app).moments) - 1
        await press(pilot, "escape")
        assert isinstance(app.screen, Listing)

    sit(store, mini, script)


def test_clicks_and_the_other_side(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await pair(app, pilot)
        await press(pilot, "G")
        end = front(app).now
        await pilot.click("#right", offset=(20, 2))
        assert front(app).now < end
        assert app.focused is app.screen.query_one("#right", Dialogue)
        await press(pilot, "tab", "down")
        assert isinstance(app.focused, Rows)
        await press(pilot, "q")

    assert sit(store, mini, script, size=WIDE)._exit
