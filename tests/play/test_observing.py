"""Guessing along at the table."""

from __future__ import annotations

import threading

from textual.pilot import Pilot

from medsim.agent.script import Golden, Script
from medsim.case import Case
from medsim.play import Sitting
from medsim.play.screens.app import Table
from medsim.play.screens.closing import Closing
from medsim.play.screens.guess import GuessScreen
from medsim.store import Store
from medsim.viewer.screens.asking import Choose, Help
from tests.play.conftest import at_table, board, typed
from tests.viewer.conftest import screen, settle


def watched(case: Case, store: Store) -> Sitting:
    return Sitting(case, store, run="observe", env="observe", agent="golden", kept=False)


def test_a_guess_comes_before_the_turn_and_is_told_at_the_end(mini: Case, store: Store) -> None:
    made = watched(mini, store)

    async def script(app: Table, pilot: Pilot[None]) -> None:
        assert isinstance(app.screen, GuessScreen)
        assert "Doctor Reed" not in screen(app), "not shown before the guess"
        await typed(app, pilot, "hello")
        assert "✓ as you said" in screen(app)
        assert "Doctor Reed" in screen(app)
        await typed(app, pilot, "treat: aspirin")
        assert "✗ you said: treat: aspirin" in screen(app)
        for _ in range(6):
            await typed(app, pilot, "")
        assert "about to name a diagnosis" in screen(app)
        assert board(app).line.value == "diagnose: "
        await typed(app, pilot, "inferior stemi")
        assert made.over
        await typed(app, pilot, "")
        assert isinstance(app.screen, Closing)
        await pilot.press("6")
        await pilot.pause()
        words = screen(app)
        for shown in ("Agreed in 2 of 3 guessed turns", "inferior stemi  ✓ right", "you: treat: aspirin"):
            assert shown in words, (shown, words)
        await pilot.press("q")

    at_table(made, script, agent=Golden(mini))
    assert [(row["run"], row["agent"], row["status"]) for row in store.rows()] == [("observe", "golden", "finished")]


def test_help_and_leaving_are_no_guesses(mini: Case, store: Store) -> None:
    made = watched(mini, store)

    async def script(app: Table, pilot: Pilot[None]) -> None:
        await typed(app, pilot, "help")
        assert isinstance(app.screen, Help)
        await pilot.press("escape")
        await typed(app, pilot, "quit")
        assert isinstance(app.screen, Choose)
        await pilot.press("escape", "ctrl+c", "enter")

    at_table(made, script, agent=Golden(mini))
    assert store.rows() == []


def test_one_waits_for_a_doctor_who_thinks(mini: Case, store: Store) -> None:
    ready = threading.Event()

    class Slow(Script):
        def act(self, observation: str) -> str:
            ready.wait(5)
            return super().act(observation)

    async def script(app: Table, pilot: Pilot[None]) -> None:
        await pilot.press(*"hi", "enter")
        assert "still thinking" in screen(app)
        assert board(app).line.value == "hi"
        ready.set()
        await settle(app, pilot)
        await pilot.press("enter")
        assert "Good day" in screen(app)

    sitting = watched(mini, store)

    async def begin(app: Table, pilot: Pilot[None]) -> None:
        await script(app, pilot)

    import asyncio

    async def go() -> None:
        app = Table(sitting, agent=Slow(["say: Good day.", "end:"]))
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await begin(app, pilot)

    asyncio.run(go())


def test_a_doctor_that_fails_is_told_of(mini: Case, store: Store) -> None:
    class Broken(Script):
        def act(self, observation: str) -> str:
            raise RuntimeError("[bold]no line\x1b[31m")

    async def script(app: Table, pilot: Pilot[None]) -> None:
        assert "The doctor failed: [bold]no line" in screen(app)

    at_table(watched(mini, store), script, agent=Broken(["x"]))
