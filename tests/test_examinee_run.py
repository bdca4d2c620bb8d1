"""MedSP1000's examinee in whole runs over real sockets: every helper's call is booked to its encounter, and a packet is played stage by stage."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medsim.cli import main
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
PACKETS = Path(__file__).parents[1] / "examples" / "packets"
TURNS: list[dict[str, Any]] = [
    {"speak": "Mrs Falkenberg, can you hear me?", "actions": ["Perform jaw thrust", "Check vital signs"], "eos": False},
    {"speak": "", "actions": ["Give naloxone 100 micrograms IV"], "eos": True},
    {"speak": "You are safe now.", "actions": ["Start naloxone infusion 100 micrograms/h"], "eos": True},
]


def answer(messages: list[dict[str, str]]) -> dict[str, Any]:
    """What the seat that is asked would say, told by its prompt."""
    system, last = messages[0]["content"], messages[-1]["content"]
    if "You run the world" in system:
        listed = re.findall(r"^\d+\. \w+: ", last, re.MULTILINE)
        acts = [
            {"number": i, "status": "executed", "text": "Seen.", "minutes": 1, "result_minutes": None} for i in range(1, len(listed) + 1)
        ]
        return {"actions": acts, "seen": [], "vitals": None, "advance": False, "complete": False}
    if "You play the patient" in system:
        return {"lines": [{"speaker": "Ruth", "text": "Tired."}]}
    if "thought of" in system:
        return {"choice": 2}
    if "put together the team" in system:
        return {"specialties": ["anaesthesia", "nursing", "nephrology", "pharmacy", "surgery"]}
    if "say briefly" in system:
        return {"advice": "Open the airway."}
    if "proposes the turn" in system:
        return {"agree": True, "change": ""}
    done = sum(message["role"] == "assistant" for message in messages) or last.count("[done]")
    return TURNS[min(done, len(TURNS) - 1)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        messages = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["messages"]
        choice = {"index": 0, "message": {"role": "assistant", "content": json.dumps(answer(messages))}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        text = json.dumps(
            {"id": "x", "object": "chat.completion", "created": 1, "model": "local", "choices": [choice], "usage": usage}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-none")
        yield f"openai/local@http://127.0.0.1:{made.server_address[1]}/v1"
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize(
    ("agent", "calls"), [("examinee", 2), ("examinee_single", 2), ("examinee_bon", 2 * 6), ("examinee_medagents", 1 + 2 * 11)]
)
def test_every_call_of_a_strategy_is_booked_to_its_encounter(model: str, tmp_path: Path, agent: str, calls: int) -> None:
    path = tmp_path / "runs.db"
    assert main(["run", "--cases", MINI, "--agents", agent, "--doctor", model, "--store", str(path), "--trials", "2", "--jobs", "2"]) == 0
    store = Store(path)
    for row in store.rows():
        booked = store.calls(row["id"])
        assert (row["status"], row["turns"]) == ("finished", 2)
        assert len(booked) == calls
        assert {call["role"] for call in booked} == {"doctor"}


def test_a_packet_is_imported_played_stage_by_stage_and_written_in_the_sets_own_form(model: str, tmp_path: Path) -> None:
    pack, path, out = tmp_path / "pack", tmp_path / "runs.db", tmp_path / "out"
    assert main(["import", "medsp1000", str(PACKETS), "--to", str(pack)]) == 0
    seats = ["--doctor", model, "--patient", model, "--controller", model]
    assert main(["run", "--cases", str(pack), "--agents", "examinee", *seats, "--store", str(path)]) == 0
    store = Store(path)
    row = next(row for row in store.rows() if "drowsy" in row["case_id"])
    run = store.load(row["id"])
    assert (row["status"], row["reason"], row["turns"]) == ("finished", "doctor", 3)
    assert [event.text for event in run.events if event.kind == "state"] == ["state_1", "state_2"]
    ended = [event.state for event in run.events if event.kind == "end"]
    assert ended == ["state_1", "state_2"], "the first end goes on to the next stage, the second leaves"
    assert Counter(event.kind for event in run.events if event.actor == "doctor" and event.visible) == {
        "ask": 1, "say": 1, "procedure": 1, "examine": 1, "treat": 2, "end": 2,
    }  # fmt: skip
    assert main(["score", row["id"], "--judge", "keywords", "--store", str(path)]) == 0
    assert main(["export", "--store", str(path), "--medsp1000", str(out)]) == 0
    (written,) = out.glob("examinee/medsim_drowsy_after_surgery/scenario1/*/turns.json")
    assert [(turn["phase_id"], turn["eos"]) for turn in json.loads(written.read_text(encoding="utf-8"))] == [
        ("state_1", False), ("state_2", True), ("state_2", True),
    ]  # fmt: skip
