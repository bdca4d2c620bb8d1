"""The pool: what has ended is stored in any case, one at a time while the model has the next request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from medsim import case
from medsim.agent.script import Golden
from medsim.episode import rollout
from medsim.errors import StoreError
from medsim.evaluation import Done, Job, Seats, Watch, evaluate
from medsim.evaluation.playing import Played, play_all
from medsim.evaluation.seats import book
from medsim.llm import Answer, Call, Entry, Message, Models, Role
from medsim.store import Store
from tests.conftest import DATA
from tests.llm.server import Server, chat, response, running

MINI = case.load(DATA / "mini.yaml")
ENDED = rollout(MINI, Golden(MINI))
ENTRY = Entry("", "doctor", "openai/local", "", "", "")


@pytest.fixture
def server() -> Iterator[Server]:
    with running(latency=0.1) as here:
        yield here


class Ward:
    """Plays so many encounters of one model call each, or of none, and writes down what happens."""

    def __init__(self, server: Server, *, asks: bool = True) -> None:
        self.server, self.asks = server, asks
        self.models = Models(api_base=server.url, timeout=10.0)
        self.log: list[str] = []
        self.keep: Callable[[Done], None] = self.stored
        self.interrupted_at, self.role = -1, "doctor"

    def play(self, job: Job, _: object) -> Done:
        if job.trial == self.interrupted_at:
            raise KeyboardInterrupt
        if self.asks:
            self.models.complete(Call("openai/local", (Message("user", f"Encounter {job.trial}?"),)))
        self.log.append(f"played {job.trial}")
        return Done(replace(ENDED, trial=job.trial), None, None, [replace(ENTRY, role=self.role)] if self.asks else [])

    def stored(self, done: Done) -> None:
        trial, until = done.trajectory.trial, time.monotonic() + 1
        while self.asks and len(self.server.bodies) < trial + 2 and time.monotonic() < until:
            time.sleep(0.005)
        self.log.append(f"stored {trial} after {len(self.server.bodies)} requests")

    def run(self, count: int, *, jobs: int = 1) -> Played:
        todo = [Job(MINI, "golden", Golden, trial, 0) for trial in range(count)]
        told = lambda done: self.log.append(f"told {done.trajectory.trial}")  # noqa: E731
        return play_all(todo, self.play, jobs=jobs, watch=Watch(), keep=lambda done: self.keep(done), ended=told)


def test_what_has_ended_is_stored_while_the_model_has_the_next_request(server: Server) -> None:
    ward = Ward(server)
    assert ward.run(3) == Played(3, False)
    assert ward.log == [
        "played 0", "stored 0 after 2 requests", "told 0", "played 1", "stored 1 after 3 requests", "told 1", "played 2",
        "stored 2 after 3 requests", "told 2",
    ]  # fmt: skip


def test_what_asked_no_model_is_stored_at_once(server: Server) -> None:
    ward = Ward(server, asks=False)
    ward.run(2)
    assert ward.log == ["played 0", "stored 0 after 0 requests", "told 0", "played 1", "stored 1 after 0 requests", "told 1"]


def test_what_a_doctor_of_ones_own_played_is_stored_at_once_as_nobody_knows_when_the_next_asks(server: Server) -> None:
    ward = Ward(server)
    ward.role = "patient"
    ward.run(2)
    assert ward.log == ["played 0", "stored 0 after 1 requests", "told 0", "played 1", "stored 1 after 2 requests", "told 1"]


def test_what_had_ended_before_an_interrupt_is_stored(server: Server) -> None:
    ward = Ward(server)
    ward.interrupted_at = 1
    assert ward.run(3) == Played(1, True)
    assert ward.log == ["played 0", "stored 0 after 1 requests", "told 0"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_store_that_fails_ends_the_run_and_nothing_counts_as_stored(server: Server, jobs: int) -> None:
    ward = Ward(server)

    def full(_: Done) -> None:
        raise StoreError("The disk is full.")

    ward.keep = full
    with pytest.raises(StoreError, match="full"):
        ward.run(4, jobs=jobs)
    assert not any(line.startswith(("stored", "told")) for line in ward.log)


def test_several_at_a_time_are_stored_as_they_end(server: Server) -> None:
    ward = Ward(server)
    ward.keep = lambda done: ward.log.append(f"stored {done.trajectory.trial}")
    assert ward.run(5, jobs=2).number == 5
    for trial in range(5):
        assert ward.log.index(f"played {trial}") < ward.log.index(f"stored {trial}") < ward.log.index(f"told {trial}")


class Raced:
    """Models beside which another program with the same cache asks the first call too, and has written its answer down before."""

    def __init__(self, mine: Models, other: Models) -> None:
        self.mine, self.other, self.first = mine, other, True

    def has(self, role: str) -> bool:
        return self.mine.has(role)

    def complete(self, call: Call) -> Answer:
        answer = self.mine.complete(call)
        if self.first:
            self.first = False
            thread = threading.Thread(target=self.other.complete, args=(call,))
            thread.start()
            thread.join()
        return answer

    async def acomplete(self, call: Call) -> Answer:
        return await self.mine.acomplete(call)


def test_an_encounter_that_went_on_from_another_answer_than_the_first_is_played_again_with_that_one(tmp_path: Path) -> None:
    says = [response(chat(text)) for text in ("ask: Where does it hurt?", "ask: Since when?", *["diagnose: migraine\nend:"] * 3)]
    with running(says) as server:
        roles = {"doctor": Role(model="openai/local", api_base=server.url)}
        mine, other = (Models(roles=roles, cache=tmp_path / "calls.db", on_call=booked) for booked in (book, None))
        store = Store(tmp_path / "r.db")
        ended = evaluate(["chat"], cases=[str(DATA / "mini.yaml")], store=store, seats=Seats(Raced(mine, other)))
        assert not ended.errors
        (row,) = store.rows()
        asked = [event.text for event in store.load(row["id"]).events if event.kind == "ask"]
        assert asked == ["Since when?"]
        paid = [not call["cached"] for call in store.calls(row["id"])]
        assert paid == [True, True, False, True], "what was paid on the way that does not count is in the books"
        assert (mine.ledger.total.calls, other.ledger.total.calls) == (3, 1)
