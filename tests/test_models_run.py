"""A run with language models, over real sockets: booked, resumed, replayed without the network, stopped by its budget."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medsim.cli import main
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
TURNS = ["say: Hello, what brings you in?", "order: ecg\nwait: result", "ask: do you smoke?", "diagnose: inferior STEMI\nend:"]


class Server(ThreadingHTTPServer):
    """A model that plays the doctor by turn and gives the patient's words back."""

    daemon_threads = True
    asked = 0
    failing = False


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        if self.server.failing:
            self._send(500, {"error": {"message": "down", "type": "server_error"}})
            return
        messages = body["messages"]
        if "Convey this" in messages[-1]["content"]:
            text = messages[-1]["content"].split("<<<\n")[1].split("\n>>>")[0]
        else:
            text = TURNS[min(sum(message["role"] == "assistant" for message in messages), len(TURNS) - 1)]
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
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def run(server: Server, folder: Path, *more: str) -> int:
    model = f"openai/local@http://127.0.0.1:{server.server_address[1]}/v1"
    words = ["run", "--cases", MINI, "--agents", "chat", "--doctor", model, "--patient", model, "--store", str(folder / "r.db")]
    return main([*words, *more])


def test_a_run_with_models_is_scored_booked_and_replayed_without_a_network(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = ["--cache", str(tmp_path / "calls.db")]
    assert run(server, tmp_path, "--run", "live", "--trials", "2", "--jobs", "2", *cache) == 0
    store = Store(tmp_path / "r.db")
    live = store.rows(run="live")
    assert [row["status"] for row in live] == ["finished", "finished"]
    assert all(row["score"] is not None for row in live)
    first = store.load(live[0]["id"])
    calls = store.calls(first.id)
    assert {call["role"] for call in calls} == {"doctor", "patient"}
    assert first.usage["doctor"].calls == sum(call["role"] == "doctor" for call in calls)
    assert first.usage["doctor"].tokens_in > 0
    asked = server.asked
    server.failing = True
    assert run(server, tmp_path, "--run", "again", "--trials", "2", "--calls", "replay", *cache) == 0
    assert server.asked == asked, "a replay asks nobody"
    again = store.rows(run="again")
    for old, new in zip(sorted(live, key=lambda row: row["trial"]), sorted(again, key=lambda row: row["trial"]), strict=True):
        assert store.load(old["id"], run="live").events == store.load(new["id"], run="again").events
    assert "sk-canary" not in "".join(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())
    assert "sk-canary" not in capsys.readouterr().err


def test_a_failing_model_is_an_error_of_its_encounter_and_is_played_again_on_resume(server: Server, tmp_path: Path) -> None:
    server.failing = True
    models = tmp_path / "models.yaml"
    address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    models.write_text(f'schema: medsim.models/1\ndoctor: {{model: openai/local, api_base: "{address}", retries: 0}}\n')
    words = ["run", "--cases", MINI, "--agents", "chat", "--models", str(models), "--store", str(tmp_path / "r.db")]
    assert main(words) == 1
    store = Store(tmp_path / "r.db")
    (row,) = store.rows()
    assert (row["status"], row["reason"], row["score"]) == ("error", "LLMError", None)
    server.failing = False
    assert main([*words, "--resume"]) == 0
    (row,) = store.rows()
    assert row["status"] == "finished"


def test_a_spent_budget_stops_the_run_cleanly_and_resume_goes_on(server: Server, tmp_path: Path) -> None:
    assert run(server, tmp_path, "--trials", "3", "--max-calls", "9") == 130
    store = Store(tmp_path / "r.db")
    assert server.asked <= 9
    before = [row["id"] for row in store.rows() if row["status"] == "finished"]
    assert run(server, tmp_path, "--trials", "3", "--resume") == 0
    rows = store.rows()
    assert sorted(row["trial"] for row in rows) == [0, 1, 2]
    assert all(row["status"] == "finished" for row in rows)
    assert set(before) <= {row["id"] for row in rows}


def test_a_model_agent_without_a_model_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--cases", MINI, "--agents", "chat", "--store", str(tmp_path / "r.db")]) == 2
    assert "--doctor MODEL" in capsys.readouterr().err
