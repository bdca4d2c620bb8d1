"""The list of stored encounters: every key, the mouse, and a run that is going on."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from medsim.case import Case
from medsim.store import Store
from medsim.trajectory import Trajectory
from medsim.viewer.screens import listing
from medsim.viewer.screens.app import Viewer
from medsim.viewer.screens.asking import Help
from medsim.viewer.screens.beside import Beside
from medsim.viewer.screens.encounter import EncounterScreen
from medsim.viewer.screens.listing import Heading, Listing
from medsim.viewer.screens.rows import Rows
from tests.viewer.conftest import SMALL, press, replace_ids, screen, settle, sit


def front(app: Viewer) -> Listing:
    assert isinstance(app.screen, Listing)
    return app.screen


def ids(app: Viewer) -> list[str]:
    return [row["id"] for row in front(app).listed]


def told(app: Viewer) -> str:
    return " ".join(note.message for note in app._notifications)


@pytest.mark.parametrize("size", [SMALL, (160, 48), (40, 10)], ids=str)
def test_it_opens_on_all_that_is_stored(store: Store, mini: Case, size: tuple[int, int]) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        assert ids(app) == ["aaa111", "bbb222", "ccc333", "ddd444"]
        if size != (40, 10):
            words = screen(app)
            for expected in (
                "run",
                "agent",
                "case",
                "score",
                "pass",
                "harms",
                "minutes",
                "cost",
                "golden",
                "inert",
                "error",
                "! ",
                "✓",
                "✗",
            ):
                assert expected in words, expected

    sit(store, mini, script, size=size)


def test_sorting_by_keys_and_by_a_click_on_a_heading(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        for column in ("run", "agent"):
            await press(pilot, "s")
            assert front(app).column == column
        assert [row["agent"] for row in front(app).listed] == ["broken", "golden", "golden", "inert"]
        await press(pilot, "r")
        assert front(app).listed[0]["agent"] == "inert"
        await press(pilot, "w")
        assert ids(app) == ["bbb222", "ccc333", "ddd444", "aaa111"], "harm, then failures, then low scores"
        assert front(app).held() is front(app).listed[0], "the worst one is at hand"
        x = next(x for x, name in front(app)._columns.items() if name == "score")
        await pilot.click(Heading, offset=(x + 1, 0))
        assert (front(app).column, front(app).listed[-1]["id"]) == ("score", "ccc333"), "no score comes last"
        await pilot.click(Heading, offset=(x + 1, 0))
        assert front(app).listed[0]["id"] == "aaa111"

    sit(store, mini, script)


def test_filtering_and_clearing(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "slash", *"go", "space", *"score", "less_than_sign", *".5")
        assert ids(app) == ["ddd444"]
        await press(pilot, "enter")
        assert isinstance(app.focused, Rows)
        assert "filter: go score<.5" in screen(app)
        await press(pilot, "escape")
        assert len(ids(app)) == 4
        assert not app.screen.query_one(Input).display
        await press(pilot, "slash", *"zzz", "enter")
        assert "No encounter matches" in screen(app)
        await press(pilot, "enter", "c", "space", "v")  # nothing is chosen: nothing happens
        assert isinstance(app.screen, Listing)

    sit(store, mini, script)


def test_opening_by_key_and_by_mouse(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "down", "enter")
        assert isinstance(app.screen, EncounterScreen)
        assert app.screen.recording.head.id == "bbb222"
        await press(pilot, "escape")
        await pilot.click("#list", offset=(10, 2))
        assert front(app).held()["id"] == "ccc333"  # type: ignore[index]
        await pilot.click("#list", offset=(10, 2), times=2)
        await settle(app, pilot)
        assert isinstance(app.screen, EncounterScreen)
        assert "no line" in screen(app), "why it failed"

    sit(store, mini, script)


def test_home_end_and_pages(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        for key, chosen in (("end", 3), ("home", 0), ("pagedown", 3), ("pageup", 0), ("up", 0), ("down", 1)):
            await press(pilot, key)
            assert front(app).query_one(Rows).chosen == chosen, key

    sit(store, mini, script)


def test_two_of_a_case_side_by_side_and_only_of_one_case(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "v")
        assert "Mark one" in told(app)
        await press(pilot, "space", "end", "v")
        assert "other" in told(app)
        assert isinstance(app.screen, Listing)
        await press(pilot, "home", "down", "v")
        assert isinstance(app.screen, Beside)
        await press(pilot, "escape", "up", "space", "down", "v")
        assert isinstance(app.screen, Listing), "the mark was taken away"

    sit(store, mini, script)


def test_copy_help_and_quit(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "c")
        assert app.clipboard == "aaa111"
        await press(pilot, "question_mark")
        assert isinstance(app.screen, Help)
        assert "side by side" in screen(app)
        await press(pilot, "escape", "q")

    assert sit(store, mini, script)._exit


def test_a_run_that_goes_on_is_followed(store: Store, mini: Case, golden: Trajectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "POLL", 3600)

    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        listed = front(app)
        store.save(replace_ids(golden, "eee555", trial=7))
        listed.look()
        await settle(app, pilot)
        assert "eee555" not in ids(app), "not followed yet"
        await press(pilot, "f")
        assert ids(app)[-1] == "eee555"
        assert "following" in screen(app)
        await press(pilot, "end")
        store.save(replace_ids(golden, "fff666", trial=8))
        listed.look()
        await settle(app, pilot)
        assert listed.held()["id"] == "fff666", "who stands at the end stays at the end"  # type: ignore[index]
        await press(pilot, "home")
        store.save(replace_ids(golden, "ggg777", trial=9))
        listed.look()
        await settle(app, pilot)
        assert ids(app)[-1] == "ggg777"
        assert listed.held()["id"] == "aaa111", "and who stands elsewhere stays there"  # type: ignore[index]
        await press(pilot, "f")
        assert not listed.following

    sit(store, mini, script)


def test_a_long_list_is_read_by_the_page(store: Store, mini: Case, golden: Trajectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE", 2)
    asked: list[object] = []
    rows = Store.rows
    monkeypatch.setattr(Store, "rows", lambda self, **how: asked.append(how.get("limit")) or rows(self, **how))

    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        assert len(ids(app)) == 4
        assert asked[0] == 2

    sit(store, mini, script)


def test_an_empty_run_and_a_run_of_its_own(store: Store, mini: Case) -> None:
    async def empty(app: Viewer, pilot: Pilot[None]) -> None:
        assert "Nothing is stored" in screen(app)
        await press(pilot, "enter", "w", "s", "r", "c")

    async def own(app: Viewer, pilot: Pilot[None]) -> None:
        assert ids(app) == ["ddd444"]

    sit(store, mini, empty, run="none")
    sit(store, mini, own, run="s")
