"""One encounter in the viewer: every key, the mouse, and what may be seen when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from medsim.case import Case
from medsim.store import Store
from medsim.store.opening import transaction
from medsim.trajectory import Trajectory
from medsim.viewer.screens import encounter, paced
from medsim.viewer.screens.app import Viewer
from medsim.viewer.screens.asking import Choose, Help
from medsim.viewer.screens.beside import Beside
from medsim.viewer.screens.dialogue import Dialogue
from medsim.viewer.screens.encounter import EncounterScreen
from medsim.viewer.screens.listing import Listing
from medsim.viewer.screens.rows import Rows
from medsim.viewer.screens.side import PANELS
from tests.viewer.conftest import SMALL, WIDE, press, screen, settle, sit


def front(app: Viewer) -> EncounterScreen:
    assert isinstance(app.screen, EncounterScreen)
    return app.screen


def told(app: Viewer) -> str:
    return " ".join(note.message for note in app._notifications)


def kinds(app: Viewer) -> str:
    return front(app).recording.chart.events[front(app).at].kind


def choose(app: Viewer, panel: str, words: str) -> None:
    """Choose the row of a panel in which some words stand."""
    rows = front(app).query_one(f"#{panel}", Rows)
    found = [index for index in range(rows.count) if words in rows._draw(index, 200).plain]
    assert found, [rows._draw(index, 200).plain for index in range(rows.count)]
    rows.chosen = found[0]


def test_stepping_by_event_turn_and_to_the_ends(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        shown = [at for at, event in enumerate(front(app).recording.chart.events) if event.visible]
        assert front(app).at == shown[0]
        for key, at in (
            ("right", 1),
            ("l", 2),
            ("down", 3),
            ("up", 2),
            ("left", 1),
            ("h", 0),
            ("left", 0),
            ("G", -1),
            ("right", -1),
            ("g", 0),
        ):
            await press(pilot, key)
            assert front(app).at == shown[at], key
        turns = []
        for key in ("right_curly_bracket", "right_curly_bracket", "right", "left_curly_bracket", "left_curly_bracket"):
            await press(pilot, key)
            turns.append(front(app).recording.chart.events[front(app).at].turn)
        assert turns == [1, 2, 2, 2, 1], "first to the beginning of the turn one is in, then to the one before"

    sit(store, mini, script, first="aaa111")


def test_nothing_later_is_shown_and_the_truth_only_on_demand(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        words = screen(app)
        for hidden in ("Ten a day", "Inferior STEMI", "HARM", "ECG within 10 min", "State ill", "not find"):
            assert hidden not in words, hidden
        assert "still hidden" in words
        await press(pilot, "t")
        words = screen(app)
        for expected in ("TRUTH SHOWN", "Inferior STEMI", "State ill", "HARM: nitrate", "smoking", "104/60"):
            assert expected in words, expected
        await press(pilot, "right")
        assert kinds(app) == "state", "with the truth one can stand on a state"
        await press(pilot, "t")
        assert kinds(app) != "state"
        assert "Inferior STEMI" not in screen(app)

    sit(store, mini, script, first="aaa111", size=(160, 48))


def test_verdicts_appear_at_the_event_that_decided_them(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        while kinds(app) != "order":
            assert "ECG within 10 min" not in screen(app)
            await press(pilot, "right")
        assert "✓ met" in screen(app)
        assert "ECG within 10 min" in screen(app)
        assert "…" in screen(app), "and the order waits for its result"
        await press(pilot, "left")
        assert "ECG within 10 min" not in screen(app), "going back takes it away again"

    sit(store, mini, script, first="aaa111", size=WIDE)


def test_the_next_event_of_a_kind_and_the_next_verdict(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "right_square_bracket")
        assert front(app).at == front(app).recording.chart.step(0, 1, truth=False), "of any kind, to begin with"
        await press(pilot, "k")
        assert isinstance(app.screen, Choose)
        choices = app.screen.query_one(Rows)
        choices.chosen = next(i for i in range(choices.count) if choices._draw(i, 99).plain.startswith("treat"))
        await press(pilot, "enter", "right_square_bracket")
        assert kinds(app) == "treat"
        assert "kind: treat" in screen(app)
        treated = front(app).at
        await press(pilot, "right_square_bracket")
        assert front(app).at == treated
        assert "No later event" in told(app)
        await press(pilot, "k", "escape", "G", "left_square_bracket")
        assert front(app).at == treated, "and back; Escape changed nothing"
        await press(pilot, "k", "home", "down", "enter", "g", "right_square_bracket")
        assert front(app).kind == "verdict"
        assert any(item.at is not None and item.at <= front(app).at for item in front(app).items)

    sit(store, mini, script, first="aaa111")


def test_it_plays_faster_and_slower_and_stops_at_the_end(store: Store, mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "plus")
        assert front(app).speed == 4
        await press(pilot, "minus", "minus")
        assert front(app).speed == 1
        monkeypatch.setattr(paced, "SPEEDS", (1.0, 500.0))
        await press(pilot, "space")
        assert "▶ 1/s" in screen(app)
        await press(pilot, "plus")
        while front(app)._timer is not None:
            await pilot.pause(0.01)
        assert front(app).at == len(front(app).recording.chart.events) - 1
        await press(pilot, "g", "minus", "space", "space")
        assert front(app)._timer is None, "and stops when it is told to"

    sit(store, mini, script, first="aaa111")


def test_a_small_window_shows_one_panel_at_a_time(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "G")
        for key, panel, words in zip("1234", PANELS, ("Mind", "12-lead ECG", "found", "decided"), strict=True):
            await press(pilot, key)
            assert [name for name in PANELS if app.screen.query_one(f"#{name}").display] == [panel]
            assert words in screen(app)
            assert max(map(len, screen(app).splitlines())) <= 80
        await press(pilot, "0")
        assert isinstance(app.focused, Dialogue)
        await press(pilot, "tab")
        assert app.focused is app.screen.query_one("#rubric"), "the panel that is shown has the keys next"

    sit(store, mini, script, first="aaa111", size=SMALL)


def test_from_a_rubric_item_to_its_evidence_and_back(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "G", "4")
        end = front(app).at
        choose(app, "rubric", "Asks about tobacco")
        await press(pilot, "enter")
        first = front(app).recording.chart.events[front(app).at]
        assert first.topics == ("social.tobacco",)
        assert "b: back" in screen(app)
        choose(app, "rubric", "Asks about tobacco")
        await press(pilot, "enter")
        assert kinds(app) == "consult", "the second piece of evidence"
        await press(pilot, "b")
        assert front(app).at == end
        choose(app, "rubric", "avoided")
        await press(pilot, "enter")
        assert front(app).at == end, "what was never done is decided at the end"
        await press(pilot, "0", "g", "4", "enter")
        assert "Not decided yet" in told(app)
        await press(pilot, "b")

    sit(store, mini, script, first="aaa111")


def test_from_an_event_to_the_rubric_item_it_decided(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "i")
        assert "No rubric item" in told(app)
        while kinds(app) != "order":
            await press(pilot, "right")
        await press(pilot, "i")
        rows = app.focused
        assert isinstance(rows, Rows)
        assert front(app).items[rows.chosen].id == "ecg"

    sit(store, mini, script, first="aaa111")


def test_from_a_fact_to_the_question_that_found_it_and_from_an_order_to_its_result(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "G", "3")
        choose(app, "facts", "smoking")
        await press(pilot, "enter")
        assert front(app).recording.chart.events[front(app).at].text == "Do you smoke?"
        choose(app, "facts", "smoking")
        await press(pilot, "enter")
        assert kinds(app) == "reply"
        choose(app, "facts", "still hidden")
        await press(pilot, "enter")
        assert "Nobody has found" in told(app)
        await press(pilot, "b", "2")
        choose(app, "orders", "12-lead")
        await press(pilot, "enter")
        assert kinds(app) == "order"
        choose(app, "orders", "12-lead")
        await press(pilot, "enter")
        assert kinds(app) == "result"

    sit(store, mini, script, first="aaa111")


def test_searching(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "slash", *"DOCTOR", "enter")
        first = front(app).at
        assert "search: DOCTOR" in screen(app)
        await press(pilot, "n")
        second = front(app).at
        await press(pilot, "N")
        assert (front(app).at, second > first) == (first, True)
        await press(pilot, "escape")
        assert front(app).words == ""
        await press(pilot, "n", *"zz", "enter")
        assert "Nowhere: zz" in told(app)
        assert front(app).at == first
        await press(pilot, "slash", "escape")
        assert isinstance(app.focused, Dialogue)
        await press(pilot, "escape", "escape")
        assert isinstance(app.screen, Listing)

    sit(store, mini, script, first="aaa111")


def test_another_score_another_encounter_help_and_copy(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        assert "rubric mini" in screen(app)
        await press(pilot, "s")
        assert "rubric two" in screen(app)
        assert "2 of 2" in screen(app)
        await press(pilot, "s", "c", "question_mark")
        assert app.clipboard == "aaa111"
        assert isinstance(app.screen, Help)
        assert "one turn back" in screen(app)
        await press(pilot, "question_mark", "v")
        assert isinstance(app.screen, Choose)
        assert "bbb222" in screen(app)
        await press(pilot, "escape", "v", "enter")
        assert isinstance(app.screen, Beside)
        await press(pilot, "q")

    assert sit(store, mini, script, first="aaa111")._exit


def test_a_picture_of_the_screen_needs_nothing_from_elsewhere(
    store: Store, mini: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "x")
        (made,) = tmp_path.glob("*.svg")
        assert made.name == "medsim-aaa111-1.svg"
        text = made.read_text(encoding="utf-8")
        assert "@font-face" not in text
        assert "chest" in text.replace("&#160;", " ")

    sit(store, mini, script, first="aaa111")


def test_clicks_and_the_wheel(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "G")
        dialogue = app.screen.query_one(Dialogue)
        await pilot.click(Dialogue, offset=(20, 3))
        assert front(app).at == dialogue.at
        assert front(app).at < len(front(app).recording.chart.events) - 1
        await press(pilot, "G", "pageup")
        assert dialogue.back > 0
        await press(pilot, "pagedown", "pagedown")
        assert dialogue.back == 0
        await pilot.click("#orders", offset=(5, 1))
        assert app.focused is app.screen.query_one("#orders")

    sit(store, mini, script, first="aaa111", size=WIDE)


def test_without_its_case_the_rest_is_still_seen(store: Store, mini: Case) -> None:
    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        await press(pilot, "G", "t")
        words = screen(app)
        for expected in ("was not found", "cath lab", "✓ met"):
            assert expected in words, expected

    sit(store, None, script, first="aaa111")


def test_an_encounter_that_grows_is_followed(store: Store, mini: Case, golden: Trajectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encounter, "POLL", 3600)
    early = replace(golden, id="eee555", trial=5, events=golden.events[:9])
    store.save(early)

    async def script(app: Viewer, pilot: Pilot[None]) -> None:
        from sqlalchemy import insert

        from medsim.store.record import event_row
        from medsim.store.tables import EVENTS

        await press(pilot, "G")
        with transaction(store.engine, writes=True) as connection:
            connection.execute(insert(EVENTS), [event_row(front(app).recording.key, event) for event in golden.events[9:]])
        front(app).look()
        await settle(app, pilot)
        assert len(front(app).recording.chart.events) == len(golden.events)
        assert front(app).at == len(golden.events) - 1, "who stands at the end goes along"

    sit(store, mini, script, first="eee555", follow=True)
