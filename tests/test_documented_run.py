"""A documented case through `medsim run`: models in three seats over real sockets, stored, replayed, and an error where one fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medsim import case as cases
from medsim.cli import main
from medsim.episode import replay
from medsim.store import Store
from tests.conftest import DATA

CASE = str(DATA / "documented.yaml")
TURNS = ["say: Hello, I am the doctor.\nexamine: chest", "treat: salbutamol 5 mg neb", "wait: 5m", "end:"]


class Server(ThreadingHTTPServer):
    """Plays doctor, patient and controller, told apart by the prompt; ``broken`` names a seat that answers rubbish."""

    daemon_threads = True
    broken = ""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        messages = body["messages"]
        system = messages[0]["content"]
        seat = "controller" if "You run the world" in system else "patient" if "You play the patient" in system else "doctor"
        text = "{}" if seat == self.server.broken else self._answer(seat, messages)
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        data = {"id": "x", "object": "chat.completion", "created": 1, "model": "local", "choices": [choice], "usage": usage}
        sent = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def _answer(self, seat: str, messages: list[dict[str, Any]]) -> str:
        if seat == "doctor":
            return TURNS[min(sum(message["role"] == "assistant" for message in messages), len(TURNS) - 1)]
        if seat == "patient":
            return json.dumps({"lines": [{"speaker": "Ivo", "text": "I am so wheezy."}]})
        now = messages[-1]["content"].split("The doctor now:")[1]
        given = "salbutamol" in now
        deed = {"number": 1, "status": "executed", "text": "Wheeze." if "examine" in now else "", "minutes": 2, "result_minutes": None}
        return json.dumps({"actions": [deed] if "1. " in now else [], "seen": [], "vitals": None, "advance": given, "complete": False})

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def command(server: Server, tmp_path: Path, *more: str) -> list[str]:
    model = f"openai/local@http://127.0.0.1:{server.server_address[1]}/v1"
    seats = ["--doctor", model, "--patient", model, "--controller", model]
    return ["run", "--agents", "chat", "--cases", CASE, *seats, "--store", str(tmp_path / "runs.db"), "--run", "r", *more]


def test_a_documented_case_is_played_booked_by_seat_and_replays(server: Server, tmp_path: Path) -> None:
    assert main(command(server, tmp_path)) == 0
    store = Store(tmp_path / "runs.db")
    (row,) = store.rows(run="r")
    stored = store.load(row["id"])
    assert stored.outcome.status == "finished"
    assert [event.code for event in stored.events if event.kind == "state"] == ["tight", "easier"]
    assert {role: usage.calls for role, usage in stored.usage.items()} == {"doctor": 4, "patient": 1, "controller": 3}
    assert replay(cases.load(DATA / "documented.yaml"), stored).outcome() == stored.outcome
    assert (row["score"], row["coverage"]) == (None, 0.0)


@pytest.mark.parametrize("seat", ["patient", "controller"])
def test_a_seat_that_answers_rubbish_is_an_error_of_that_encounter_and_resume_completes_it(
    server: Server, tmp_path: Path, seat: str
) -> None:
    server.broken = seat
    assert main(command(server, tmp_path)) == 1
    store = Store(tmp_path / "runs.db")
    (row,) = store.rows(run="r")
    assert (row["status"], row["reason"], row["score"]) == ("error", "LLMError", None)
    server.broken = ""
    assert main(command(server, tmp_path, "--resume")) == 0
    (row,) = store.rows(run="r")
    assert row["status"] == "finished"


def test_without_models_a_documented_case_is_refused_before_anything_is_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--agents", "inert", "--cases", CASE, "--store", str(tmp_path / "runs.db")]) == 2
    assert "--controller MODEL" in capsys.readouterr().err
    assert not (tmp_path / "runs.db").exists()
