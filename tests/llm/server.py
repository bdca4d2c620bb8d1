"""A small OpenAI-compatible server on loopback that can be told to fail, over real sockets.

The rule: every request takes the next step of the script; when the script has ended (or there is none) the server answers well.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Step = bytes | Callable[[dict[str, Any]], bytes] | float
"""Raw bytes of a whole HTTP response, a function of the request body, or seconds to be silent before hanging up."""


def response(body: Any, status: int = 200, *, kind: str = "application/json", **headers: str) -> bytes:
    """The bytes of an HTTP response."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Some reason", f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def chat(
    content: Any = "It began yesterday.", *, finish: str = "stop", tokens: tuple[int, int] | None = (20, 5), **message: Any
) -> dict[str, Any]:
    """The body of a good chat completion."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
    body: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "served", "choices": [choice]}
    if tokens:
        body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    return body


def tool(name: str, arguments: str) -> dict[str, Any]:
    """The body of a chat completion that uses a tool."""
    use = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return chat(None, finish="tool_calls", tool_calls=[use])


def error(status: int, message: str, *, code: str = "", **headers: str) -> bytes:
    """An error as OpenAI sends it."""
    return response({"error": {"message": message, "type": "some_error", "code": code or str(status)}}, status, **headers)


def cut(body: dict[str, Any]) -> bytes:
    """A response whose body ends before it is whole."""
    whole = response(body)
    return whole[: len(whole) - 40]


@dataclass
class Server:
    """The running server: what it will do, and what it was sent."""

    port: int = 0
    script: list[Step] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    latency: float = 0.0
    busy: int = 0
    busiest: int = 0
    connections: int = 0
    hung_up: int = 0
    """How many requests the client gave up before they were answered."""

    @property
    def url(self) -> str:
        """What goes into api_base."""
        return f"http://127.0.0.1:{self.port}/v1"

    def then(self, *steps: Step) -> None:
        """Do these with the next requests."""
        self.script += steps

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        body = json.loads(await reader.readexactly(length) or b"{}")
        self.headers.append(head)
        self.bodies.append(body)
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            return await self._answer(self.script.pop(0) if self.script else response(chat()), body, reader, writer)
        finally:
            self.busy -= 1

    async def _answer(self, step: Step, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if isinstance(step, float):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(step):
                    self.hung_up += not await reader.read(1)
            return False
        await asyncio.sleep(self.latency)
        data = step(body) if callable(step) else step
        writer.write(data)
        await writer.drain()
        head, _, sent = data.partition(b"\r\n\r\n")
        return f"Content-Length: {len(sent)}".encode() in head


async def _closed(listening: asyncio.Server) -> None:
    listening.close()
    serving = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


@contextlib.contextmanager
def running(script: Iterable[Step] = (), *, latency: float = 0.0) -> Iterator[Server]:
    """Run a server in a thread of its own."""
    server, loop = Server(script=list(script), latency=latency), asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(server._serve, "127.0.0.1", 0, backlog=1024))
    server.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_closed(listening), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
