"""A judge's model behind a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from medsim.llm import Call, Message
from tests.judge.fake import answering, obedient, says


class Server(ThreadingHTTPServer):
    """A model that judges: feelings are acknowledged where the doctor speaks of being frightened, nothing else is met."""

    daemon_threads = True
    asked = 0
    mode = "honest"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        if self.server.mode == "down":
            self._send(400, {"error": {"message": "no such thing", "type": "invalid_request_error"}})
            return
        call = Call("m", tuple(Message(part["role"], part["content"]) for part in body["messages"] if part["role"] != "system"))
        text = {"honest": answering(says("how frightened")), "obedient": obedient, "nonsense": lambda call: "As you like."}[
            self.server.mode
        ](call)
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self._send(200, {"id": "x", "object": "chat.completion", "created": 1, "model": "local", "choices": [choice], "usage": usage})

    def _send(self, status: int, data: dict[str, Any]) -> None:
        text = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    made = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()
