"""Agents whose methods are coroutines: one loop for all, errors of their own encounter, calls in its books."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path

import pytest

from medsim.evaluation import Seats, evaluate
from medsim.evaluation.awaiting import finished
from medsim.evaluation.seats import book
from medsim.llm import Call, Entry, Message, Scripted
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
HERE = "tests.test_async_agent"
SEEN: set[tuple[int, str]] = set()
"""Loops and threads in which the agents below found themselves."""
GATE = asyncio.Semaphore(2)
"""Belongs to the first loop that waits for it, as a client of a library does."""


class Slow:
    """An agent with coroutines for both methods, that shares a semaphore with all others."""

    async def reset(self, seed: int) -> None:
        await asyncio.sleep(0)
        self.turns = ["ask: do you smoke?", "end:"]

    async def act(self, observation: str) -> str:
        async with GATE:
            SEEN.add((id(asyncio.get_running_loop()), threading.current_thread().name))
            await asyncio.sleep(0.001)
        return self.turns.pop(0)


class HalfAsync(Slow):
    """A plain reset and a coroutine for each turn."""

    def reset(self, seed: int) -> None:  # type: ignore[override]
        self.turns = ["ask: do you smoke?", "end:"]


class Fails(HalfAsync):
    """Fails while it awaits."""

    async def act(self, observation: str) -> str:
        await asyncio.sleep(0)
        raise LookupError("lost the line")


class Leaves(HalfAsync):
    """Would end the program, and with it the loop."""

    async def act(self, observation: str) -> str:
        raise SystemExit(3)


class GivesUp(HalfAsync):
    """Cancels itself."""

    async def act(self, observation: str) -> str:
        raise asyncio.CancelledError


class Mute(HalfAsync):
    """Returns something that is no turn."""

    async def act(self, observation: str) -> str:
        return None  # type: ignore[return-value]


class LeavesAtOnce(HalfAsync):
    """Would end the program before it has begun."""

    def reset(self, seed: int) -> None:  # type: ignore[override]
        raise SystemExit(4)


@pytest.mark.parametrize("jobs", [1, 8])
@pytest.mark.parametrize("name", ["Slow", "HalfAsync"])
def test_an_asynchronous_agent_plays_as_a_plain_one_does(tmp_path: Path, name: str, jobs: int) -> None:
    SEEN.clear()
    store = Store(tmp_path / "r.db")
    result = evaluate([f"{HERE}:{name}"], cases=[MINI], trials=12, store=store, jobs=jobs)
    assert (result.played, result.errors) == (12, [])
    assert [(row["status"], row["turns"]) for row in store.rows()] == [("finished", 2)] * 12
    assert len(SEEN) == 1, "all of them live on one loop, in one thread"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("Fails", "lost the line"), ("Leaves", "sys.exit"), ("GivesUp", "Cancelled"), ("Mute", "returned NoneType"), ("LeavesAtOnce", "sys.exit(4)")],
)  # fmt: skip
@pytest.mark.parametrize("jobs", [1, 4])
def test_what_an_asynchronous_agent_does_wrong_is_an_error_of_its_own_encounters(tmp_path: Path, name: str, reason: str, jobs: int) -> None:
    result = evaluate([f"{HERE}:{name}", f"{HERE}:Slow"], cases=[MINI], trials=3, store=str(tmp_path / "r.db"), jobs=jobs)
    wrong, good = result.summaries
    assert (wrong.errors, wrong.n, wrong.score.value) == (3, 0, None)
    assert (good.errors, good.n) == (0, 3)
    assert all(reason in error for error in result.errors)


MODEL = Scripted(["ask: do you smoke?", "end:"] * 20)


class Asks(HalfAsync):
    """Asks a model in its own coroutine."""

    def reset(self, seed: int) -> None:  # type: ignore[override]
        self.seed = seed

    async def act(self, observation: str) -> str:
        answer = await MODEL.acomplete(Call("m", (Message("user", observation),), seed=self.seed))
        book(Entry("", "doctor", "m", "", answer.hash, "", {"seed": self.seed}, tokens_in=1))
        return answer.text


def test_a_call_made_in_a_coroutine_is_booked_to_its_encounter(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.db")
    evaluate([f"{HERE}:Asks"], cases=[MINI], trials=6, store=store, jobs=6, seats=Seats())
    rows = store.rows()
    assert len(rows) == 6
    for row in rows:
        calls = store.calls(row["id"])
        assert len(calls) == row["turns"] > 0
        assert {call["parameters"]["seed"] for call in calls} == {row["seed"]}


def test_an_interrupt_of_who_waits_ends_the_work() -> None:
    ended = threading.Event()

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        finished(long())
    assert ended.wait(5)
