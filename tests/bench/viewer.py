"""How quickly the viewer opens and steps: a store of 200,000 events, and one encounter of 200,000 events.

    python -m tests.bench.viewer

Prints each figure beside its bound. Opening is from the call to the list (or the encounter) on the screen, in a program that has loaded
what it imports; what the imports take is printed for itself. A step is CPU time of the program, from the key to the drawn screen.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert
from textual.pilot import Pilot

from medsim import recipe
from medsim.agent.script import Golden
from medsim.case import Case
from medsim.episode import rollout
from medsim.rubric import score
from medsim.store import Store
from medsim.store.opening import transaction
from medsim.store.record import event_row, summary_row
from medsim.store.tables import EVENTS, TRAJECTORIES
from medsim.trajectory import Trajectory
from medsim.viewer.screens.app import Viewer
from medsim.viewer.screens.rows import Rows

EVENTS_IN_ALL = 200_000
STEPS = 60


def say(what: str, value: float, unit: str, bound: float) -> None:
    """Print one figure beside its bound."""
    print(f"{what:62} {value:9.3f} {unit:3} (bound {bound:g} {unit}) {'ok' if value < bound else 'OVER'}")


def filled(path: Path, case: Case, played: Trajectory, *, each: int) -> Store:
    """A store of 200,000 events in encounters of so many."""
    store = Store(path)
    store.begin_run("many", identity="many", config={"recipe": {"cases": [case.id]}})
    card = score(case, played.events, played.outcome)
    count = len(played.events)
    events = [replace(played.events[i % count], seq=i, turn=i // 8, t=i * 20) for i in range(each)]
    rows = [event_row(0, event) for event in events]
    with transaction(store.engine, writes=True) as connection:
        for number in range(EVENTS_IN_ALL // each):
            own = replace(played, id=f"{number:012x}", run="many", trial=number, events=[])
            key = connection.execute(insert(TRAJECTORIES).values(**summary_row(own, card, None))).inserted_primary_key[0]
            connection.execute(insert(EVENTS), [{**row, "trajectory": key} for row in rows])
    return store


async def stepped(app: Viewer, pilot: Pilot[None]) -> float:
    """CPU milliseconds of a step until the screen has drawn it."""
    start = time.process_time()
    app.screen.action_step(1)  # type: ignore[attr-defined]
    await pilot.pause()
    return 1000 * (time.process_time() - start)


async def looked_at(store: Store, case: Case) -> tuple[float, float, list[float]]:
    """Seconds to the list, seconds to an encounter, and milliseconds of each step."""
    app = Viewer(store, lambda head: case)
    start = time.perf_counter()
    async with app.run_test(size=(160, 48)) as pilot:
        while not app.screen.query(Rows) or not app.screen.query_one("#list", Rows).count:
            await pilot.pause(0.001)
        listed = time.perf_counter() - start
        start = time.perf_counter()
        app.open(store.rows(limit=1)[0]["id"], run=None)
        while not app.screen.query("#dialogue"):
            await pilot.pause(0.001)
        opened = time.perf_counter() - start
        await app.workers.wait_for_complete()
        gc.freeze()  # as the verb does
        times = [await stepped(app, pilot) for _ in range(STEPS)]
        return listed, opened, times


def main() -> None:
    """Measure and print."""
    code = "import time; t = time.perf_counter(); import medsim.viewer.screens.app; print(time.perf_counter() - t)"
    loads = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    print(f"{'loading the viewer and all it imports (once a program)':62} {min(loads):9.3f} s")
    case = recipe.case_named("chest-vice")
    played = rollout(case, Golden(case), name="golden")
    for each, what in ((60, "3,333 encounters"), (EVENTS_IN_ALL, "one encounter")):
        with tempfile.TemporaryDirectory() as folder:
            store = filled(Path(folder) / "many.db", case, played, each=each)
            listed, opened, times = asyncio.run(looked_at(store, case))
            store.close()
        print(f"200,000 events in {what}")
        say("  the list is on the screen after", listed, "s", 0.5)
        say("  an encounter is on the screen after", opened, "s", 0.5)
        say("  a step, median, CPU", statistics.median(times), "ms", 30)
        say("  a step, 19 of 20, CPU", statistics.quantiles(times, n=20)[-1], "ms", 30)


if __name__ == "__main__":
    main()
