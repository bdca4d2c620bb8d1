"""A store with a few encounters of the small case, and a way to sit before the viewer."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from textual.pilot import Pilot

from medsim.agent.script import Golden, Inert
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.episode import rollout
from medsim.rubric import score
from medsim.store import Store
from medsim.trajectory import Trajectory
from medsim.viewer.screens.app import Viewer

App = TypeVar("App", bound=Viewer)
Script = Callable[[Viewer, Pilot[None]], Awaitable[None]]
WIDE, SMALL = (112, 35), (80, 24)


@pytest.fixture(scope="module")
def golden(mini: Case) -> Trajectory:
    return replace_ids(rollout(mini, Golden(mini), name="golden"), "aaa111")


def replace_ids(trajectory: Trajectory, name: str, *, case: str = "mini", agent: str = "", run: str = "r", trial: int = 0) -> Trajectory:
    return replace(trajectory, id=name, case_id=case, agent=agent or trajectory.agent, run=run, trial=trial)


@pytest.fixture
def store(tmp_path: Path, mini: Case, golden: Trajectory) -> Store:
    made = Store(tmp_path / "r.db")
    for run in ("r", "s"):
        made.begin_run(run, identity=run, config={"recipe": {"cases": []}})
    card = score(mini, golden.events, golden.outcome)
    made.save(golden, card)
    inert = rollout(mini, Inert(), name="inert")
    made.save(replace_ids(inert, "bbb222"), score(mini, inert.events, inert.outcome))
    failed = replace(
        golden, id="ccc333", agent="broken", error="LLMError: no line", outcome=replace(golden.outcome, status="error", reason="LLMError")
    )
    made.save(failed)
    made.save(replace(golden, id="ddd444", run="s", case_id="other", case_hash="elsewhere"), replace(card, score=0.4, passed=False))
    two = Rubric.model_validate(
        {
            "schema": "medsim.rubric/1",
            "id": "two",
            "items": [{"id": "ecg", "text": "Any ECG", "points": 1, "comp": "PC", "pred": {"did": {"code": "ecg12"}}}],
        }
    )
    made.add_score("aaa111", score(mini, golden.events, golden.outcome, rubric=two), run="r")
    return made


def sit(store: Store, case: Case | None, script: Script, *, size: tuple[int, int] = SMALL, **options: object) -> Viewer:
    """Open the viewer, let a reader do something, and hand it back."""

    def find(head: Trajectory) -> Case:
        from medsim.errors import CaseError

        if case is None or head.case_hash != case.hash:
            raise CaseError(f"Case '{head.case_id}' was not found.")
        return case

    return before(lambda: Viewer(store, find, **options), script, size=size)  # type: ignore[arg-type]


def before(opened: Callable[[], App], script: Callable[[App, Pilot[None]], Awaitable[None]], *, size: tuple[int, int]) -> App:
    """Open an app, let somebody who sits before it do something, and hand it back."""

    async def go() -> App:
        app = opened()
        async with app.run_test(size=size) as pilot:
            await settle(app, pilot)
            await script(app, pilot)
        return app

    return asyncio.run(go())


async def settle(app: Viewer, pilot: Pilot[None]) -> None:
    """Wait until everything that is being read has arrived and is drawn."""
    await app.workers.wait_for_complete()
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys and let them take effect."""
    await pilot.press(*keys)
    if any(not worker.is_finished for worker in pilot.app.workers):
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()


def screen(app: Viewer) -> str:
    """The words on the screen, line by line."""
    picture = app.export_screenshot()
    lines: dict[float, list[tuple[float, str]]] = {}
    for x, y, words in re.findall(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        lines.setdefault(float(y), []).append((float(x), html.unescape(words).replace("\xa0", " ")))
    return "\n".join("".join(words for _, words in sorted(parts)) for _, parts in sorted(lines.items()))
