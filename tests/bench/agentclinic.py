"""How fast a whole run is: 20 AgentClinic cases of 12 calls, beside a plain client on the same server in the same run.

    python -m tests.bench.agentclinic PATH/TO/mock_openai.py PATH/TO/agentclinic_medqa.jsonl

Starts the server given (50 ms an answer) and plays AgentClinic's doctor against its role-played patient, store and cache on, at
concurrency 20 and 1. The seconds are those from the first to the last call, as the server saw them. A case takes seven calls of the
doctor and five of the patient: medsim asks no model for results and none whether a diagnosis is right. Instead of the data file,
a pack that was imported from it may be given.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from medsim import importers, library
from medsim.evaluation import Seats, evaluate
from medsim.evaluation.seats import book
from medsim.llm import Models
from medsim.llm.roles import Role
from medsim.store import Store
from tests.bench.llm import ROUNDS, call, floor, say, served, span

CASES, CALLS, DOCTOR_TURNS = 20, 12, 7
BOUNDS = {20: 1.0, 1: 12.5}


class Ran(NamedTuple):
    """What one run took."""

    span: float
    wall: float
    cpu: float


def models(url: str, folder: Path) -> Models:
    """The server's models, in books and cache of their own."""
    roles = {role: Role(model=f"openai/mock-{role}", api_base=url, concurrency=256) for role in ("doctor", "patient")}
    return Models(roles=roles, cache=folder / "calls.db", on_call=book)


def run(url: str, files: list[Path], side: int) -> Ran:
    """Play the cases once, with nothing in the cache; every encounter must end by itself, with the calls it should take."""
    with tempfile.TemporaryDirectory() as name, models(url, Path(name)) as llm:
        seats = Seats(llm, "role", (("doctor", "openai/mock-doctor"), ("patient", "openai/mock-patient")))
        store = Store(Path(name) / "run.db")
        wall, cpu = time.perf_counter(), time.process_time()
        evaluate(("agentclinic",), cases=[str(file) for file in files], jobs=side, store=store, seats=seats)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        unfinished = {row["case_id"]: row["error"] or row["reason"] for row in store.rows() if row["status"] != "finished"}
        assert not unfinished, unfinished
        assert llm.ledger.total.calls == len(files) * CALLS
        return Ran(span(url), wall, cpu)


def imported(path: Path, folder: Path) -> list[Path]:
    """The first cases of a pack, or of a data file that is imported now."""
    pack = path if path.is_dir() else importers.write("agentclinic", importers.importer("agentclinic")(path), folder / "pack")
    return list(library.pack_files(str(pack)))[:CASES]


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock", type=Path, help="the server's script")
    parser.add_argument("data", type=Path, help="agentclinic_medqa.jsonl, or a pack imported from it")
    given = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    with tempfile.TemporaryDirectory() as name, served(given.mock, "--turns", str(DOCTOR_TURNS)) as url:
        files = imported(given.data, Path(name))
        with models(url, Path(name)) as warm:
            start = time.perf_counter()
            warm.complete(replace(call(-1, 0), model=""))
            say("first call (imports what it needs)", time.perf_counter() - start, "s")
        span(url)
        for side, bound in BOUNDS.items():
            plain, best = 9e9, Ran(9e9, 0, 0)
            for _ in range(ROUNDS):
                asyncio.run(floor(url, side, len(files) * CALLS // side))
                plain = min(plain, span(url))
                best = min(best, run(url, files, side))
            calls = len(files) * CALLS
            what = f"{len(files)} cases of {CALLS} calls at concurrency {side}"
            say(f"{what}: plain client", plain, "s")
            say(f"{what}: medsim", best.span, "s", f"at most {bound} s", good=best.span <= bound)
            say("  calls a second", calls / best.span, "calls/s")
            say("  the whole run, cases read and stored", best.wall, "s")
            say("  CPU a call, everything included", 1000 * best.cpu / calls, "ms")


if __name__ == "__main__":
    main()
