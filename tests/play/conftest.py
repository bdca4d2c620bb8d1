"""A store with nothing in it, and a way to sit at the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from medsim.agent import Agent
from medsim.case import Case
from medsim.play import RUN, Sitting
from medsim.play.screens.app import Table
from medsim.play.screens.board import Board
from medsim.store import Store
from tests.viewer.conftest import before, settle

Script = Callable[[Table, Pilot[None]], Awaitable[None]]
WIDE, SMALL = (120, 40), (80, 24)


def store_at(path: Path) -> Store:
    made = Store(path)
    for run in (RUN, "observe"):
        made.begin_run(run, identity=run, config={"recipe": {"cases": []}})
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_at(tmp_path / "p.db")


@pytest.fixture
def sitting(mini: Case, store: Store) -> Sitting:
    return Sitting(mini, store, name="ann")


def played(case: Case, store: Store, turns: Iterable[str], **options: object) -> Sitting:
    made = Sitting(case, store, name="ann", **options)  # type: ignore[arg-type]
    for turn in turns:
        made.play(turn)
    return made


def at_table(sitting: Sitting, script: Script, *, size: tuple[int, int] = SMALL, agent: Agent | None = None) -> Table:
    """Open the table, let somebody do something, and hand it back."""
    return before(lambda: Table(sitting, agent=agent), script, size=size)


async def typed(app: Table, pilot: Pilot[None], words: str, *keys: str) -> None:
    """Type words, then press keys (Enter where none are given)."""
    app.screen.query_one("#turn").insert_text_at_cursor(words)  # type: ignore[attr-defined]
    await pilot.press(*(keys or ("enter",)))
    if any(not worker.is_finished for worker in app.workers):
        await settle(app, pilot)


def board(app: Table) -> Board:
    assert isinstance(app.screen, Board), app.screen
    return app.screen
