"""One thread with one event loop, in which all network traffic of the process runs.

The rule: whoever asks (a thread, any event loop) waits in its own place; connections, limits and time limits live here only. So the
synchronous and the asynchronous way are the same way, a time limit is a real one for both, and an interrupt ends the request.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from medsim.llm.meanwhile import catch_up

Result = TypeVar("Result")

_lock = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []
_owner = 0


def submit(work: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start work on the loop and return its future; cancelling the future ends the work."""
    return asyncio.run_coroutine_threadsafe(work, _loop())


def wait(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work on the loop and wait for it, doing meanwhile what was put off; an interrupt here ends it there."""
    future = submit(work)
    try:
        catch_up()
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def await_(work: Coroutine[Any, Any, Result]) -> Result:
    """Run work on the loop and await it from another one; cancelling here ends it there."""
    return await asyncio.wrap_future(submit(work))


def _loop() -> asyncio.AbstractEventLoop:
    global _owner
    if _owner == os.getpid():
        return _loops[-1]
    with _lock:
        if _owner != os.getpid():
            loop = asyncio.new_event_loop()
            _loops.append(loop)  # an older one, of the process we were forked from, is kept so that no id comes twice
            threading.Thread(target=loop.run_forever, name="medsim-llm", daemon=True).start()
            _owner = os.getpid()
    return _loops[-1]


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
