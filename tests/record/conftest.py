"""A record that is served over HTTP, for the tests that ask for it as any client would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from medsim.record import Record
from medsim.record.serve import web_application

Serving = Callable[[Record], AbstractContextManager[str]]


@contextmanager
def _serving(record: Record) -> Iterator[str]:
    from aiohttp import web

    started, loop = threading.Event(), asyncio.new_event_loop()
    runner = web.AppRunner(web_application(record), access_log=None)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.set()

    def serve() -> None:
        loop.run_until_complete(start())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@pytest.fixture(scope="session")
def serving() -> Serving:
    """What serves a record from a thread while a ``with`` lasts, and gives its address."""
    return _serving
