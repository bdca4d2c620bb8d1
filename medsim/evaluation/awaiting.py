"""One thread with one event loop, on which all asynchronous agents of the process live.

The rule: every coroutine of every agent runs here, so that clients which belong to a loop can be shared between encounters; the thread
that plays an encounter waits in its place. The loop is not that of the model layer: an agent that blocks holds up other agents, never a
call under way.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable
from typing import Any

from medsim.llm.meanwhile import catch_up

_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a fork does not take the thread along."""


def finished(work: Awaitable[Any]) -> Any:
    """Await something on the agents' loop and return what it gives, doing meanwhile what was put off; an interrupt here ends it there."""
    future = asyncio.run_coroutine_threadsafe(_guarded(work), _loop())
    try:
        catch_up()
        return future.result()
    except BaseException:
        future.cancel()
        raise


async def _guarded(work: Awaitable[Any]) -> Any:
    """Await; what would end the loop, and with it all other agents, becomes an error."""
    try:
        return await work
    except SystemExit as error:
        raise RuntimeError(f"the agent called sys.exit({error.code!r})") from error
    except KeyboardInterrupt as error:
        raise RuntimeError("the agent raised KeyboardInterrupt") from error


def _loop() -> asyncio.AbstractEventLoop:
    process = os.getpid()
    with _lock:
        if process not in _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="medsim-agents", daemon=True).start()
            _loops[process] = loop
        return _loops[process]


def _renew_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
