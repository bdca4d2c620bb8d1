"""Places for calls: never more out than there are, none lost, whoever takes them and however they are left."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim.llm.lane import Lane


def free(lane: Lane) -> int:
    """How many places can be taken; all are given back."""
    taken = 0
    while lane.take_now():
        taken += 1
    for _ in range(taken):
        lane.give()
    return taken


def test_a_place_is_there_now_or_not() -> None:
    lane = Lane(2)
    assert (lane.take_now(), lane.take_now(), lane.take_now()) == (True, True, False)
    lane.give()
    assert lane.take_now()


def test_a_server_that_wants_no_calls_gets_none() -> None:
    lane = Lane(1)
    lane.shut(0.05)
    lane.shut(0.01)
    shut = time.monotonic()
    assert not lane.take_now()

    async def wait() -> float:
        async with lane.place():
            return time.monotonic() - shut

    assert asyncio.run(wait()) >= 0.04
    assert lane.take_now()


def test_who_waits_gets_the_place_before_who_comes_later() -> None:
    lane, order = Lane(1), []

    async def one(number: int) -> None:
        async with lane.place():
            order.append(number)
            assert not lane.take_now()
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(10)))

    asyncio.run(all_of_them())
    assert order == list(range(10))
    assert free(lane) == 1


@settings(max_examples=60)
@given(st.integers(1, 3), st.lists(st.integers(0, 6), min_size=1, max_size=12), st.integers(0, 6))
def test_places_of_cancelled_waiters_are_not_lost(places: int, cancelled_after: list[int], steps: int) -> None:
    lane, inside = Lane(places), [0, 0]

    async def one() -> None:
        async with lane.place():
            inside[0] += 1
            inside[1] = max(inside)
            try:
                for _ in range(steps):
                    await asyncio.sleep(0)
            finally:
                inside[0] -= 1

    async def all_of_them() -> None:
        tasks = [asyncio.ensure_future(one()) for _ in cancelled_after]
        for step in range(8):
            for task, when in zip(tasks, cancelled_after, strict=True):
                if when == step:
                    task.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.001)

    asyncio.run(all_of_them())
    assert inside[1] <= places
    assert free(lane) == places


def test_threads_and_tasks_share_the_places() -> None:
    lane, inside, most, lock = Lane(3), 0, 0, threading.Lock()

    def entered(change: int) -> None:
        nonlocal inside, most
        with lock:
            inside += change
            most = max(most, inside)

    def thread() -> None:
        for _ in range(200):
            if lane.take_now():
                entered(1)
                entered(-1)
                lane.give()

    async def task() -> None:
        for _ in range(50):
            async with lane.place():
                entered(1)
                await asyncio.sleep(0)
                entered(-1)

    async def tasks() -> None:
        await asyncio.gather(*(task() for _ in range(8)))

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for one in threads:
        one.start()
    asyncio.run(tasks())
    for one in threads:
        one.join()
    assert 1 < most <= 3
    assert free(lane) == 3


@pytest.mark.parametrize("more", [1, 5])
def test_places_can_be_added_while_others_wait(more: int) -> None:
    lane = Lane(1)
    assert lane.take_now()

    async def waiting() -> int:
        done = [asyncio.ensure_future(_through(lane)) for _ in range(more)]
        await asyncio.sleep(0)
        lane.widen(more)
        return sum(await asyncio.gather(*done))

    assert asyncio.run(waiting()) == more
    assert free(lane) == more


async def _through(lane: Lane) -> int:
    async with lane.place():
        return 1
