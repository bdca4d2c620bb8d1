"""The pool: what has ended is stored in any case, one at a time while the model has the next request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from medsim import case
from medsim.agent.script import Golden
from medsim.episode import rollout
from medsim.errors import StoreError
from medsim.evaluation import Done, Job, Watch
from medsim.evaluation.playing import Played, play_all
from medsim.llm import Call, Entry, Message, Models
from tests.conftest import DATA
from tests.llm.server import Server, running

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
        self.interrupted_at = -1

    def play(self, job: Job, _: object) -> Done:
        if job.trial == self.interrupted_at:
            raise KeyboardInterrupt
        if self.asks:
            self.models.complete(Call("openai/local", (Message("user", f"Encounter {job.trial}?"),)))
        self.log.append(f"played {job.trial}")
        return Done(replace(ENDED, trial=job.trial), None, None, [ENTRY] if self.asks else [])

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
