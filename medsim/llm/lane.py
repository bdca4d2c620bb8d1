"""What all calls to one model at one address share: how many may be under way, and when the server wants none.

The rule: a place that was taken is given back once, and goes to whoever has waited longest. It may be taken from the loop, where one can
wait for it, or from any thread, where it is there now or not.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Lane:
    """Places for calls."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._opens = 0.0

    def shut(self, seconds: float) -> None:
        """Let no call begin for so long; never shortens what was said before."""
        self._opens = max(self._opens, time.monotonic() + seconds)

    def take_now(self) -> bool:
        """Take a place if one is free and the server wants calls."""
        if time.monotonic() < self._opens:
            return False
        with self._lock:
            if self._free <= 0 or self._waiting:
                return False
            self._free -= 1
            return True

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place, and until the server wants calls; give it back at the end."""
        await self._take()
        try:
            while (left := self._opens - time.monotonic()) > 0:
                await asyncio.sleep(left)
            yield
        finally:
            self.give()

    def give(self) -> None:
        """Give a place back."""
        self.widen(1)

    def widen(self, places: int) -> None:
        """Add places."""
        with self._lock:
            self._free += places
            served = []
            while self._waiting and self._free > 0:
                self._free -= 1
                served.append(self._waiting.popleft())
        for waiter in served:
            waiter.get_loop().call_soon_threadsafe(self._serve, waiter)

    async def _take(self) -> None:
        with self._lock:
            if self._free > 0 and not self._waiting:
                self._free -= 1
                return
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            with self._lock:
                left = waiter in self._waiting
                if left:
                    self._waiting.remove(waiter)
            if not left and not waiter.cancelled():  # served, and cancelled before it could go on
                self.give()
            raise

    def _serve(self, waiter: asyncio.Future[None]) -> None:
        if waiter.done():  # cancelled on the way
            self.give()
        else:
            waiter.set_result(None)
