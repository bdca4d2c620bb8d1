"""How fast MediQ runs: 20 items of the scale expert against the fact-selecting patient, beside a plain client in the same run.

    python -m tests.bench.mediq PATH/TO/mock_openai.py PATH/TO/all_dev_good.jsonl

Starts the server given (50 ms an answer), with words of this script in place of its own, which know upstream's prompts only, and plays
at concurrency 20 and 1, store and cache on. The seconds are those from the first to the last call, as the server saw them. An item takes
22 calls: five times choice, rating, question and reply, then choice and rating. Choice and rating of a turn go out together, so that
the longest way through an item is 16 answers long. Upstream takes one call more, to take the record apart, and asks one after the other.
The floor is a client that does nothing but send calls of that shape. Instead of the data file, a pack that was imported from it will do.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from medsim import importers, library
from medsim.evaluation import Seats, evaluate
from medsim.evaluation.seats import book
from medsim.llm import Models
from medsim.llm.roles import Role
from medsim.metrics import Played
from medsim.metrics.mediq import measure
from medsim.recipe import load_cases
from medsim.store import Store
from tests.bench.llm import ROUNDS, call, say, served, span

ITEMS, QUESTIONS = 20, 5
CALLS = 4 * QUESTIONS + 2
BOUNDS = {20: 1.5, 1: 20.0}
"""Seconds; at one item at a time, 16 answers of 50 ms an item are 16 s."""


class Ran(NamedTuple):
    """What one run took."""

    span: float
    wall: float
    cpu: float


def reply(role: str, _turn: int, last: str, full: str, _number: int) -> str:
    """What the server says to the prompts of this project: sure after so many questions."""
    told = full.count("\nTold: ")
    if role == "patient":
        return "1, 2" if told % 2 else "2"
    if "Reply with its letter alone" in last:
        return "A"
    if "Reply with the question alone" in last:
        return f"Is symptom number {told + 1} present?"
    return "4" if told >= QUESTIONS else "2"


def serve(script: Path) -> None:
    """Run the server with these words; its own arguments follow."""
    spec = importlib.util.spec_from_file_location("mock", script)
    assert spec is not None
    assert spec.loader is not None
    mock: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(mock)
    mock.reply = reply
    mock.main()


def launcher(mock: Path, folder: Path) -> Path:
    """Write the few lines that start this script as the server."""
    path = folder / "server.py"
    root = Path(__file__).parents[2]
    path.write_text(
        f"import sys\nsys.path.insert(0, {str(root)!r})\nfrom pathlib import Path\nfrom tests.bench import mediq\nmediq.serve(Path({str(mock.resolve())!r}))\n"
    )
    return path


async def floor(url: str, side: int) -> None:
    """The same calls with a bare HTTP client: a choice and a rating together, then question, then reply; so many items side by side."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(item: int, number: int) -> None:
            messages = [{"role": message.role, "content": message.content} for message in call(item, number).messages]
            async with session.post(f"{url}/chat/completions", json={"model": "mock-doctor", "messages": messages}) as response:
                await response.json()

        async def one(item: int) -> None:
            for turn in range(QUESTIONS):
                await asyncio.gather(ask(item, 4 * turn), ask(item, 4 * turn + 1))
                await ask(item, 4 * turn + 2)
                await ask(item, 4 * turn + 3)
            await asyncio.gather(ask(item, CALLS - 2), ask(item, CALLS - 1))

        for first in range(0, ITEMS, side):
            await asyncio.gather(*(one(item) for item in range(first, min(first + side, ITEMS))))


def models(url: str, folder: Path) -> Models:
    """The server's models, in books and cache of their own."""
    roles = {role: Role(model=f"openai/mock-{role}", api_base=url, concurrency=256) for role in ("doctor", "patient")}
    return Models(roles=roles, cache=folder / "calls.db", on_call=book)


def run(url: str, files: list[Path], side: int) -> Ran:
    """Play the items once, with nothing in the cache; every one must end by itself, with the calls it should take."""
    with tempfile.TemporaryDirectory() as name, models(url, Path(name)) as llm:
        seats = Seats(llm, "factselect", (("doctor", "openai/mock-doctor"), ("patient", "openai/mock-patient")))
        store = Store(Path(name) / "run.db")
        wall, cpu = time.perf_counter(), time.process_time()
        evaluate(("mediq_scale",), cases=[str(file) for file in files], jobs=side, store=store, seats=seats)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        unfinished = {row["case_id"]: row["error"] or row["reason"] for row in store.rows() if row["status"] != "finished"}
        assert not unfinished, unfinished
        assert llm.ledger.total.calls == len(files) * CALLS
        return Ran(span(url), wall, cpu)


def measured(url: str, files: list[Path]) -> float:
    """Seconds to compute all figures of one run."""
    with tempfile.TemporaryDirectory() as name, models(url, Path(name)) as llm:
        store = Store(Path(name) / "run.db")
        evaluate(("mediq_scale",), cases=[str(file) for file in files], jobs=20, store=store, seats=Seats(llm, "factselect"))
        by_hash = {case.hash: case for case in load_cases([str(file) for file in files])}
        played = [Played(by_hash[row["case_hash"]], store.load(row["id"]), row) for row in store.rows()]
        start = time.perf_counter()
        assert {metric.name: metric.value for metric in measure(played)}["factuality"] == 1
        return time.perf_counter() - start


def imported(path: Path, folder: Path) -> list[Path]:
    """The first items of a pack, or of a data file that is imported now, that have a fact to choose."""
    pack = path if path.is_dir() else importers.write("mediq", importers.importer("mediq")(path), folder / "pack")
    files = [file for file in library.pack_files(str(pack)) if len(load_cases([str(file)])[0].brief().facts) > 1]
    return files[:ITEMS]


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock", type=Path, help="the server's script")
    parser.add_argument("data", type=Path, help="a file of MediQ, or a pack imported from it")
    given = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    with tempfile.TemporaryDirectory() as name, served(launcher(given.mock, Path(name))) as url:
        files = imported(given.data, Path(name))
        with models(url, Path(name)) as warm:
            start = time.perf_counter()
            warm.complete(replace(call(-1, 0), model=""))
            say("first call", time.perf_counter() - start, "s")
        span(url)
        for side, bound in BOUNDS.items():
            plain, best = 9e9, Ran(9e9, 0, 0)
            for _ in range(ROUNDS if side > 1 else 1):
                asyncio.run(floor(url, side))
                plain = min(plain, span(url))
                best = min(best, run(url, files, side))
            calls = len(files) * CALLS
            what = f"{len(files)} items of {CALLS} calls at concurrency {side}"
            say(f"{what}: plain client", plain, "s")
            say(f"{what}: medsim", best.span, "s", f"at most {bound} s", good=best.span <= bound)
            say("  calls a second", calls / best.span, "calls/s")
            say("  the whole run, cases read and stored", best.wall, "s")
            say("  CPU a call, everything included", 1000 * best.cpu / calls, "ms")
        say("all figures of one run, from the store's encounters", measured(url, files), "s")


if __name__ == "__main__":
    main()
