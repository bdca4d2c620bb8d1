"""The table: every key and every word a person can type, in the doctor's seat."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from medsim.case import Case
from medsim.errors import StoreError
from medsim.play import Sitting
from medsim.play.screens.app import Table
from medsim.play.screens.board import PANELS
from medsim.play.screens.closing import Closing
from medsim.play.screens.typing import Line
from medsim.play.screens.windows import Dose
from medsim.play.sitting import paused
from medsim.store import Store
from medsim.viewer.screens.asking import Choose, Help
from medsim.viewer.screens.dialogue import Dialogue
from medsim.viewer.screens.encounter import EncounterScreen
from medsim.viewer.screens.rows import Rows
from tests.play.conftest import SMALL, WIDE, at_table, board, played, typed
from tests.viewer.conftest import screen, settle


def line(app: Table) -> Line:
    return board(app).line


@pytest.mark.parametrize("size", [SMALL, WIDE])
def test_a_turn_is_typed_carried_out_shown_and_stored(sitting: Sitting, store: Store, size: tuple[int, int]) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        assert "chest discomfort" in screen(app)
        await pilot.press(*"hello")
        await typed(app, pilot, ", what brings you in?")
        assert "It's my chest, doctor." in screen(app)
        assert line(app).value == ""
        assert [row["turns"] for row in store.rows()] == [1]
        await typed(app, pilot, "examine: vital signs; order: ecg")
        words = screen(app)
        for shown in ("103/60" if size == SMALL else "HR", "1 to come", "human:ann", "clock 3:", "turn 2 of 30"):
            assert shown in words, (shown, words)
        for hidden in ("STEMI", "State", "still hidden", "Ten a day", "not decided"):
            assert hidden not in words, hidden

    at_table(sitting, script, size=size)


def test_earlier_lines_come_back_and_what_was_being_typed_is_kept(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "hello")
        await typed(app, pilot, "order: ecg")
        await typed(app, pilot, "half a", "up")
        seen = [line(app).value]
        for key in ("up", "up", "down", "down", "down"):
            await pilot.press(key)
            seen.append(line(app).value)
        assert seen == ["order: ecg", "hello", "hello", "order: ecg", "half a", "half a"]

    at_table(sitting, script)


def test_tab_completes_and_escape_takes_it_back(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "order: tropo", "tab")
        assert line(app).value == "order: High-sensitivity troponin"
        await pilot.press("escape")
        assert line(app).value == "order: tropo"
        await pilot.press("escape")
        assert line(app).value == ""
        await pilot.press("tab")
        assert line(app).value == "ask: "
        assert "1 of" in screen(app)
        await pilot.press("tab")
        assert line(app).value == "say: "
        await pilot.press("shift+tab", "shift+tab")
        assert line(app).value == "quit"
        await pilot.press("backspace")
        assert line(app).value == "qui"
        assert "Shift+Tab" not in screen(app), "typing on closes what is offered"

    at_table(sitting, script)


def test_a_drug_without_a_dose_is_asked_about(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "treat: aspirin")
        assert isinstance(app.screen, Dose)
        assert "What dose?" in screen(app)
        await pilot.press(*"300", "enter")
        assert "not read as an amount" in screen(app)
        await pilot.press(*" mg", "enter")
        assert "By which route? aspirin 300 mg" in screen(app)
        await pilot.press(*"side", "enter")
        assert "not known as a route" in screen(app)
        await pilot.press("ctrl+u", "p", "tab", "enter")
        await settle(app, pilot)
        given = [event for event in sitting.events if event.kind == "treat"]
        assert [(event.text, event.args["dose"], event.args["route"]) for event in given] == [("aspirin 300 mg po", "ok", "po")]

    at_table(sitting, script)


def test_what_is_typed_ahead_belongs_to_the_next_line(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await pilot.press(*"hi", "enter", *"end:", "enter")
        assert [event.text for event in sitting.events if event.kind == "message"] == ["hi", "end:"]

    at_table(sitting, script)


def test_a_dose_window_that_is_closed_sends_nothing_and_an_empty_one_sends_it_as_it_was(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "treat: aspirin; treat: ibuprofen")
        await pilot.press("escape")
        assert line(app).value == "treat: aspirin; treat: ibuprofen"
        assert not [event for event in sitting.events if event.kind == "treat"]
        await pilot.press("enter", "enter")
        assert isinstance(app.screen, Dose)
        await pilot.press(*"400 mg po", "enter")
        await settle(app, pilot)
        assert [(event.kind, event.text) for event in sitting.events if event.kind in {"treat", "refused"}] == [
            ("refused", "aspirin"),
            ("treat", "ibuprofen 400 mg po"),
        ]

    at_table(sitting, script)


def test_words_for_the_table_never_reach_the_patient(sitting: Sitting, store: Store) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        for word in ("help", "?"):
            await typed(app, pilot, word)
            assert isinstance(app.screen, Help)
            assert "treat: DRUG DOSE ROUTE" in screen(app) or "complete" in screen(app)
            await pilot.press("escape")
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        await typed(app, pilot, "hint")
        assert "Hint: " in screen(app)
        assert "costs 5%" in screen(app)
        assert "1 hint" in screen(app)
        await typed(app, pilot, "note")
        assert line(app).value == "note: "
        await pilot.press("escape")
        await typed(app, pilot, "oder: ecg")
        assert "Did you mean 'order: ecg'" in screen(app)
        assert line(app).value == "oder: ecg", "it can be mended"
        await pilot.press("escape")
        await typed(app, pilot, "   ")
        assert sitting.consult.scene.turn == 0
        assert store.rows() == []

    at_table(sitting, script)


def test_notes_and_diagnoses_are_shown_where_they_were_written(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "note: looks grey; diagnose: flu; cold; dispose: home")
        await pilot.press("f5")
        assert [board(app).query_one("#notes", Rows)._draw(index, 80).plain for index in range(3)] == [
            "0:00 note: looks grey",
            "0:10 diagnosis: flu; cold",
            "0:25 goes to: home",
        ]

    at_table(sitting, script)


@pytest.mark.parametrize("size", [SMALL, WIDE])
def test_what_is_typed_while_a_panel_is_looked_at_goes_to_the_line(sitting: Sitting, size: tuple[int, int]) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await pilot.press("f4")
        assert app.focused is not line(app)
        await pilot.press("h", "i", "space", "A")
        assert line(app).value == "hi A"
        assert app.focused is line(app)
        await pilot.press("f3", "escape", "!")
        assert line(app).value == "hi A!", "what was typed half is typed on"
        await pilot.press("backspace", "enter")
        assert [event.text for event in sitting.events if event.kind in {"ask", "say"}] == ["hi A"]

    at_table(sitting, script, size=size)


def test_a_long_verb_stands_above_what_it_does(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        (above,) = [row for row in screen(app).splitlines() if "treat: DRUG DOSE ROUTE" in row]
        assert "aspirin" not in above

    at_table(sitting, script, size=WIDE)


def test_panels_have_keys_and_escape_leads_back_to_the_line(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "order: ecg, troponin; examine: heart")
        for key, name in (("f2", "patient"), ("f3", "orders"), ("f4", "found"), ("f5", "notes")):
            await pilot.press(key)
            await pilot.pause()
            assert [panel for panel in PANELS if board(app).query_one(f"#{panel}").has_class("-chosen")] == [name]
            assert app.focused is (line(app) if name == "patient" else board(app).query_one(f"#{name}"))
        await pilot.press("f3", "up", "up")
        assert board(app).query_one("#orders", Rows).chosen == 0
        await pilot.press("escape")
        assert app.focused is line(app)
        await pilot.press("f3", "tab")
        assert app.focused is line(app)

    at_table(sitting, script)


def test_the_dialogue_scrolls_while_one_types(mini: Case, store: Store) -> None:
    made = played(mini, store, [f"say: line number {number}" for number in range(12)])

    async def script(app: Table, pilot: Pilot[None]) -> None:
        assert "line number 11" in screen(app)
        await pilot.press("pageup", "pageup")
        assert board(app).query_one(Dialogue).back > 0
        assert "line number 11" not in screen(app)
        await pilot.press("pagedown", "pagedown", "pagedown")
        assert "line number 11" in screen(app)

    at_table(made, script)


def test_alarms_stand_above_everything_until_the_next_turn(mini: Case, store: Store) -> None:
    made = played(mini, store, ["treat: nitroglycerin 400 mcg sl"])

    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "wait: 10m")
        alarm = board(app).query_one("#alarm")
        assert alarm.display
        assert "grey and cold" in screen(app)
        await typed(app, pilot, "examine: heart")
        assert not alarm.display

    at_table(made, script)


def test_vital_signs_move_on_the_monitor_and_stand_still_without(mini: Case, store: Store) -> None:
    from medsim.play import panels
    from medsim.viewer.chart import Chart

    def now(turns: list[str]) -> str:
        chart = Chart(mini)
        chart.add(played(mini, store, turns).events)
        return panels.strip(chart).plain + "\n" + "\n".join(text.plain for text in panels.patient(chart, 60))

    still = now(["examine: vital signs", "wait: 20m"])
    assert "BP 103/60" in still
    assert "measured at" in still
    moving = now(["procedure: cardiac monitor", "wait: 20m", "wait: 20m"])
    assert "on the monitor" in moving
    assert "↓" in moving
    assert "▁" in moving
    assert "not measured" in now(["wait: 5m"])


def test_leaving_keeps_it_and_one_can_go_on(sitting: Sitting, mini: Case, store: Store) -> None:
    async def leave(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "hello")
        await pilot.press("ctrl+c")
        assert isinstance(app.screen, Choose)
        await pilot.press("escape")
        assert board(app)
        await typed(app, pilot, "quit")
        await pilot.press("enter")

    app = at_table(sitting, leave)
    assert app.kept == sitting.id
    again = Sitting.resume(mini, store, store.load(paused(store)[0]["id"]))

    async def go_on(app: Table, pilot: Pilot[None]) -> None:
        assert "You go on where you left" in screen(app)
        assert "It's my chest" in screen(app)
        await typed(app, pilot, "end:")

    assert at_table(again, go_on).kept == ""
    assert [row["status"] for row in store.rows()] == ["finished"]


def test_leaving_at_the_door_keeps_nothing(sitting: Sitting, store: Store) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+q", "enter")

    assert at_table(sitting, script).kept == ""
    assert store.rows() == []


def test_it_can_be_ended_before_its_end(sitting: Sitting, store: Store) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "hello")
        await pilot.press("ctrl+d", "down", "enter")
        assert isinstance(app.screen, Closing)

    at_table(sitting, script)
    assert store.rows()[0]["status"] == "truncated"


def test_the_debrief_has_its_keys(mini: Case, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = played(mini, store, ["treat: nitroglycerin 400 mcg sl", "wait: 10m"])

    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "end:")
        assert "Enter: the debrief" in screen(app)
        await typed(app, pilot, "")
        assert isinstance(app.screen, Closing)
        told = app.screen
        titles = {"1": "In truth", "2": "Patient care", "3": "On the golden path", "4": "A good doctor", "5": "arrival"}
        for key, words in titles.items():
            await pilot.press(key)
            await pilot.pause()
            assert words in screen(app), key
        seen = []
        for key in ("right", "tab", "l", "left", "shift+tab", "h"):
            await pilot.press(key)
            seen.append(told.at)
        assert seen == [0, 1, 2, 1, 0, 4]
        await pilot.press("2")
        await pilot.pause()
        section = told.query_one("#section")
        tops = []
        for key in ("down", "j", "up", "k", "pagedown", "pageup", "space", "home", "end"):
            await pilot.press(key)
            await pilot.pause()
            tops.append(section.scroll_offset.y)
        assert tops[:4] == [1, 2, 1, 0]
        assert tops[4] > 0 == tops[5] < tops[6] > tops[7] == 0 < tops[8]
        await pilot.press("x")
        assert list(tmp_path.glob("medsim-debrief-*.svg"))
        await pilot.press("r")
        await settle(app, pilot)
        assert isinstance(app.screen, EncounterScreen)
        await pilot.press("escape")
        assert app.screen is told
        await pilot.press("q")

    at_table(made, script, size=(80, 16))


def test_the_picture_of_the_screen_is_saved(sitting: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(app: Table, pilot: Pilot[None]) -> None:
        await pilot.press("f9")
        assert "chest" in (tmp_path / "medsim-play-mini-0.svg").read_text(encoding="utf-8")

    at_table(sitting, script)


def test_pasted_lines_become_actions_of_one_turn(sitting: Sitting) -> None:
    from textual.events import Paste

    async def script(app: Table, pilot: Pilot[None]) -> None:
        line(app).post_message(Paste("order: ecg\nask: When did it start?\r\n\n"))
        await pilot.pause()
        assert line(app).value == "order: ecg; ask: When did it start?"

    at_table(sitting, script)


def test_hostile_words_are_shown_harmlessly(sitting: Sitting) -> None:
    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "note: [bold red]x[/] \x1b[31m \u202e \u200b end")
        await typed(app, pilot, "say: " + "long " * 5000)
        await typed(app, pilot, "diagnose: [link=http://x]flu[/link]")
        await pilot.press("f5")
        words = screen(app)
        assert "[link=http://x]flu" in words
        assert not {"\x1b", "\u202e", "\u200b"} & set(words)
        await typed(app, pilot, "[/]", "tab")
        await typed(app, pilot, "ooder: [/bold]", "enter")

    at_table(sitting, script)


def test_a_store_that_fails_is_told_of_and_nothing_is_lost(sitting: Sitting, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    saves = store.save

    def fails(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    async def script(app: Table, pilot: Pilot[None]) -> None:
        monkeypatch.setattr(store, "save", fails)
        await typed(app, pilot, "hello")
        assert "the disk is full" in screen(app)
        assert "It's my chest" in screen(app)
        monkeypatch.setattr(store, "save", saves)
        await typed(app, pilot, "order: ecg")
        assert store.rows()[0]["turns"] == 2

    at_table(sitting, script)


def test_it_works_without_colour(sitting: Sitting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "examine: vital signs; end:")
        await typed(app, pilot, "")
        await pilot.press("2")
        await pilot.pause()
        assert "✗ unmet" in screen(app)

    at_table(sitting, script)
