"""How fast the model layer is, beside a plain client on the same server in the same run.

    python -m tests.bench.llm PATH/TO/mock_openai.py

Starts the server given (50 ms an answer), then prints: 20 chains of 12 calls at concurrency 20, sustained calls a second, what one 429 in
50 adds, the CPU time of medsim itself, and memory over ten thousand calls. CPU time is the process's own; wall time depends on what else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medsim.llm import Budget, Call, Message, Models, provider
from medsim.llm.reading import Reply

HISTORY = (
    Message("system", "You are a doctor named Dr. Agent. " * 20),
    *(Message(("assistant", "user")[i % 2], "It is worse in the evening and better after rest. " * 4) for i in range(7)),
)
ROUNDS = 3


def call(chain: int, turn: int) -> Call:
    """A call that no other is equal to."""
    return Call("openai/mock-patient", (*HISTORY, Message("user", f"Question {turn} of chain {chain}?")), temperature=0, max_tokens=64)


async def chains(ask: Callable[[Call], Coroutine[Any, Any, Any]], count: int, length: int, *, first: int = 0) -> tuple[float, float]:
    """Run chains side by side, each waiting for its own last answer; return wall and CPU seconds."""

    async def one(chain: int) -> None:
        for turn in range(length):
            await ask(call(first + chain, turn))

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one(chain) for chain in range(count)))
    return time.perf_counter() - wall, time.process_time() - cpu


def threads(ask: Callable[[Call], Any], count: int, length: int, *, first: int = 0) -> tuple[float, float]:
    """The same with a thread for each chain."""

    def one(chain: int) -> None:
        for turn in range(length):
            ask(call(first + chain, turn))

    running = [threading.Thread(target=one, args=(chain,)) for chain in range(count)]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return time.perf_counter() - wall, time.process_time() - cpu


async def floor(url: str, count: int, length: int) -> tuple[float, float]:
    """The same with a bare HTTP client."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(what: Call) -> None:
            messages = [{"role": message.role, "content": message.content} for message in what.messages]
            body = {"model": "mock-patient", "messages": messages}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                await response.json()

        return await chains(ask, count, length)


@contextmanager
def served(script: Path, *options: str) -> Iterator[str]:
    """Start the server and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(script), "--port", str(port), "--latency-ms", "50", *options])
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=1).read()
                break
            except OSError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def span(url: str) -> float:
    """Seconds from the first to the last call, as the server saw them; sets it back."""
    root = url.removesuffix("/v1")
    seconds = json.loads(urllib.request.urlopen(f"{root}/stats", timeout=5).read())["span_seconds"]
    urllib.request.urlopen(urllib.request.Request(f"{root}/reset", method="POST"), timeout=5).read()
    return float(seconds)


def say(what: str, value: float, unit: str, bound: str = "", *, good: bool | None = None) -> None:
    """Print one figure beside its bound."""
    print(f"{what:66} {value:9.3f} {unit:8} {bound:24} {'' if good is None else 'ok' if good else 'OVER'}")


def own_cost(folder: str) -> float:
    """CPU milliseconds of medsim itself for a call: everything but the request, which is put aside."""

    async def at_once(_call: Call, _endpoint: Any) -> Reply:
        return Reply(text="It began yesterday.", tokens_in=200, tokens_out=6, finish="stop")

    real, provider.ask = provider.ask, at_once
    try:
        models = Models(
            api_base="http://127.0.0.1:9/v1",
            cache=Path(folder) / "own.db",
            budget=Budget(usd=100, tokens=10**9),
            price_in=1,
            price_out=1,
            concurrency=64,
        )
        asyncio.run(chains(models.acomplete, 16, 5))
        count = 2000
        _, cpu = asyncio.run(chains(models.acomplete, 16, count // 16, first=1000))
    finally:
        provider.ask = real
    return 1000 * cpu / count


def megabytes() -> float:
    """What the process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mock", type=Path, help="the server's script")
    parser.add_argument("--calls", type=int, default=10_000, help="calls for the line of memory")
    given = parser.parse_args()
    os.environ.setdefault("OPENAI_API_KEY", "none")
    with tempfile.TemporaryDirectory() as folder, served(given.mock) as url:
        models = Models(api_base=url, cache=Path(folder) / "cache.db", concurrency=256)
        start = time.perf_counter()
        models.complete(call(-1, 0))
        say("first call (imports what it needs)", time.perf_counter() - start, "s")
        span(url)
        best = {"floor": 9e9, "async": 9e9, "threads": 9e9}
        for round_ in range(ROUNDS):
            asyncio.run(floor(url, 20, 12))
            best["floor"] = min(best["floor"], span(url))
            _, cpu = asyncio.run(chains(models.acomplete, 20, 12, first=10_000 + 100 * round_))
            best["async"] = min(best["async"], span(url))
            threads(models.complete, 20, 12, first=20_000 + 100 * round_)
            best["threads"] = min(best["threads"], span(url))
        say("20 chains of 12 calls, plain client, first to last call", best["floor"], "s")
        say("20 chains of 12 calls, async, cache on", best["async"], "s", "at most 1.0 s", good=best["async"] <= 1.0)
        say("20 chains of 12 calls, threads, cache on", best["threads"], "s", "at most 1.0 s", good=best["threads"] <= 1.0)
        say("  CPU a call, everything included", 1000 * cpu / 240, "ms")
        say("medsim's own CPU a call, with cache, budget and books", own_cost(folder), "ms", "under 0.3 ms")
        wall, _ = asyncio.run(chains(models.acomplete, 20, 12, first=10_000))
        say("the same 240 calls again, from the cache", wall, "s")
        for side in (64, 128, 256):
            plain, _ = asyncio.run(floor(url, side, 1280 // side))
            wall, _ = asyncio.run(chains(models.acomplete, side, 1280 // side, first=30_000 + 1000 * side))
            rate = 1280 / wall
            say(f"sustained at {side} side by side (plain client {1280 / plain:.0f})", rate, "calls/s", "at least 250", good=rate >= 250)
        half = max(1, given.calls // 128 // 2)
        asyncio.run(chains(models.acomplete, 128, half, first=500_000))
        before = megabytes()
        asyncio.run(chains(models.acomplete, 128, half, first=600_000))
        say(f"memory after {128 * half} more calls ({before:.0f} MB before)", megabytes() - before, "MB", "flat")
    with tempfile.TemporaryDirectory() as folder, served(given.mock, "--fail-every", "50") as url:
        models = Models(api_base=url, cache=Path(folder) / "cache.db", concurrency=256)
        asyncio.run(chains(models.acomplete, 1, 1, first=-5))
        wall, _ = asyncio.run(chains(models.acomplete, 20, 12))
        added = wall - best["async"]
        say("one 429 in 50 calls adds", added, "s", "under 1 s", good=added < 1)


if __name__ == "__main__":
    main()
