"""What is put off is done once, in order, by its own thread: while a model is at work, or at the end of the block."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medsim.llm import Call, Message, Models, provider
from medsim.llm.meanwhile import at_once, catch_up, later, putting_off, undo, undone
from tests.llm.server import Server, running

CALL = Call("openai/local", (Message("user", "When did it begin?"),), temperature=0, max_tokens=32)


@pytest.fixture
def server() -> Iterator[Server]:
    with running(latency=0.2) as here:
        yield here


def asked(server: Server) -> bool:
    """Whether the server has a request within some seconds."""
    until = time.monotonic() + 5
    while not server.bodies and time.monotonic() < until:
        time.sleep(0.005)
    return bool(server.bodies)


def ask(server: Server, **settings: Any) -> str:
    return Models(api_base=server.url, **{"timeout": 10.0, "retries": 0, **settings}).complete(CALL).text


def test_nothing_is_put_off_where_nobody_said_so() -> None:
    done: list[int] = []
    later(lambda: done.append(1))
    assert done == [1]


def test_what_is_left_at_the_end_is_done_then_and_in_order() -> None:
    done: list[int] = []
    with putting_off():
        for number in range(3):
            later(lambda number=number: done.append(number))  # type: ignore[misc]
        assert done == []
    assert done == [0, 1, 2]


def test_it_is_done_at_the_end_also_where_something_went_wrong_before() -> None:
    done: list[int] = []

    def interrupted() -> None:
        with putting_off():
            later(lambda: done.append(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == [1]


def test_what_went_wrong_is_raised_when_all_is_done_and_then_over() -> None:
    done: list[str] = []

    def store() -> None:
        done.append("tried")
        raise OSError("the disk is full")

    with putting_off():
        later(store)
        later(lambda: done.append("shown"))
        with pytest.raises(OSError, match="full"):
            catch_up()
        assert done == ["tried", "shown"]
    assert done == ["tried", "shown"]


def test_in_a_block_where_nothing_waits_all_is_done_at_once_and_the_rest_waits_on() -> None:
    done: list[int] = []
    with putting_off():
        later(lambda: done.append(1))
        with at_once():
            later(lambda: done.append(2))
            catch_up()
            assert done == [2]
        assert done == [2]
    assert done == [2, 1]


def test_what_was_undone_is_told_once_and_to_its_own_thread() -> None:
    assert not undone()
    told: list[bool] = []
    with putting_off():
        later(undo)
        other = threading.Thread(target=lambda: told.append(undone()))
        other.start()
        other.join()
        assert not undone()
    assert told == [False]
    assert undone()
    assert not undone()


def test_what_was_undone_in_an_earlier_block_is_nothing_to_the_next() -> None:
    with putting_off():
        later(undo)
    with putting_off():
        assert not undone()


def test_another_thread_leaves_it_alone() -> None:
    done: list[str] = []
    with putting_off():
        later(lambda: done.append(threading.current_thread().name))
        other = threading.Thread(target=catch_up, name="other")
        other.start()
        other.join()
        assert done == []
    assert done == [threading.current_thread().name]


@pytest.mark.parametrize("blocking", [True, False], ids=["in the caller's thread", "on the loop"])
def test_it_is_done_once_the_request_is_out_and_before_the_answer_is_taken(
    server: Server, monkeypatch: pytest.MonkeyPatch, blocking: bool
) -> None:
    if not blocking:
        monkeypatch.setattr(provider, "is_blocking", lambda _: False)
    order: list[object] = []
    with putting_off():
        later(lambda: order.append((asked(server), threading.current_thread().name)))
        order.append(ask(server))
        assert order[0] == (True, threading.current_thread().name)
        assert isinstance(order[1], str)
        assert len(order) == 2


def test_what_it_takes_does_not_count_as_time_of_the_answer(server: Server) -> None:
    with putting_off():
        later(lambda: time.sleep(1.3))
        assert ask(server, timeout=1.0)


@pytest.mark.parametrize("blocking", [True, False], ids=["in the caller's thread", "on the loop"])
def test_what_goes_wrong_in_it_ends_the_call_and_nothing_hangs(server: Server, monkeypatch: pytest.MonkeyPatch, blocking: bool) -> None:
    if not blocking:
        monkeypatch.setattr(provider, "is_blocking", lambda _: False)

    def store() -> None:
        raise OSError("the disk is full")

    with Models(api_base=server.url, timeout=10.0, concurrency=1) as models, putting_off():
        later(store)
        with pytest.raises(OSError, match="full"):
            models.complete(CALL)
        assert models.complete(CALL).text, "the one place was given back"


def test_a_call_made_by_what_was_put_off_does_not_do_it_again(server: Server) -> None:
    count: list[int] = []

    def work() -> None:
        count.append(1)
        ask(server)

    with putting_off():
        later(work)
        ask(server)
    assert count == [1]


def test_an_answer_that_is_not_written_yet_is_known_already_and_can_be_forgotten(server: Server, tmp_path: Path) -> None:
    with Models(api_base=server.url, timeout=10.0, cache=tmp_path / "calls.db") as models, putting_off():
        first = models.complete(CALL)
        assert models.complete(CALL) == replace(first, cached=True)
        assert len(server.bodies) == 1
        models.forget([first.hash])
        assert not models.complete(CALL).cached
        models.forget([first.hash])
    with Models(api_base=server.url, cache=tmp_path / "calls.db") as models:
        assert len(models.cache or ()) == 0
    assert len(server.bodies) == 2
