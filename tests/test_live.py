"""What is seen of a run while it goes on."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from medsim.cli import main
from medsim.cli.live import HOW_TO_STOP, STOPPING, Board, Lines
from medsim.evaluation import Job, evaluate
from medsim.llm import Budget, Entry, Models
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(board: Board, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, no_color=True, color_system=None)
    console.print(board)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def played(tmp_path: Path, board: Board, **more: Any) -> None:
    evaluate(["golden", "inert"], cases=[MINI], trials=3, store=str(tmp_path / "r.db"), watch=board, **more)


def test_the_table_counts_by_agent_what_is_done_running_and_failed_and_the_score_so_far(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.db")
    begun: list[Job] = []

    class Stops(Board):
        """A board that is looked at in the middle."""

        def begun(self, job: Job) -> None:
            super().begun(job)
            begun.append(job)
            if len(begun) == 4:
                self.seen = shown(self)

    middle = Stops(clock=Clock())
    evaluate(["golden", "inert"], cases=[MINI], trials=3, store=store, watch=middle)
    head, _, golden, inert, *below = middle.seen
    assert head.split() == ["agent", "done", "running", "failed", "score", "so", "far"]
    assert golden.split()[:4] == ["golden", "2/3", "0", "0"]
    assert inert.split()[:4] == ["inert", "1/3", "1", "0"]
    assert float(golden.split()[4]) > 0.9 > float(inert.split()[4])
    assert below == ["0:00 gone, about 0:00 left", HOW_TO_STOP]
    again = Board(clock=Clock())
    evaluate(["golden", "inert"], cases=[MINI], trials=4, store=store, resume=True, run=store.runs()[0]["id"], watch=again)
    assert shown(again)[2].split()[:2] == ["golden", "4/4"], "what was stored before counts as done"


def test_the_time_left_is_told_from_what_has_ended(tmp_path: Path) -> None:
    clock = Clock()

    class Slow(Board):
        def begun(self, job: Job) -> None:
            super().begun(job)
            if job.trial == 2 and job.agent == "golden":
                self.seen = shown(self)
            clock.now += 60 if job.agent == "golden" else 10

    board = Slow(clock=clock)
    played(tmp_path, board)
    assert board.seen[-2] == "2:20 gone, about 1:10 left"
    board.stopping()
    assert shown(board)[-1] == STOPPING


def test_calls_a_second_and_what_is_spent_stand_below(tmp_path: Path) -> None:
    clock = Clock()
    models = Models(budget=Budget(usd=2))
    board = Board(models, clock=clock)
    for at in range(20):
        models.ledger.add(Entry("", "doctor", "m", "", "", "", usd=0.01, cached=at >= 15))
        clock.now += 0.5
    assert "2.0 calls/s   15 calls   5 from the cache   spent $ 0.1500 of 2.00" in shown(board)
    models.ledger.add(Entry("", "doctor", "dear", "", "", ""))
    assert any(line.endswith("of 2.00 and calls of unknown price") for line in shown(board, 120))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_table_fits_whatever_an_agent_is_called(width: int) -> None:
    board = Board(Models(), clock=Clock())
    board._row("my_module_with_a_long_name:\x1b[2JDoctor" + "x" * 300).left = 3
    lines = shown(board, width)
    assert all(len(line) <= width for line in lines)
    assert "\x1b" not in "".join(lines)


def test_where_it_is_read_later_a_line_is_said_for_each_tenth_and_no_control_code(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--cases", MINI, "--agents", "inert", "--trials", "40", "--store", str(tmp_path / "r.db")]
    assert main(words) == 0
    said = capfd.readouterr().err
    assert [line for line in said.splitlines() if line.endswith("encounters")] == [
        f"{4 * tenth} of 40 encounters" for tenth in range(1, 11)
    ]
    assert "\x1b" not in said
    assert main([*words, "--quiet"]) == 0
    assert "encounters" not in capfd.readouterr().err
    Lines().stopping()
    assert capfd.readouterr().err == f"\n{STOPPING}\n"


def on_a_terminal(words: list[str], *, press_after: float | None = None, **env: str) -> tuple[int, str]:
    """Run a command whose stderr is a terminal; return its exit code and what the terminal was sent."""
    leader, follower = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "medsim", *words], stdout=subprocess.DEVNULL, stderr=follower, env={**os.environ, "COLUMNS": "80", "TERM": "xterm", **env}
    )  # fmt: skip
    os.close(follower)
    sent = b""
    while True:
        try:
            sent += os.read(leader, 65536)
        except OSError:
            break
        if press_after is not None and b"running" in sent:
            time.sleep(press_after)
            program.send_signal(signal.SIGINT)
            press_after = None
    os.close(leader)
    return program.wait(60), sent.decode()


def test_on_a_terminal_the_table_renews_itself_and_says_how_the_run_was_stopped(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(
        "import time\nclass Waits:\n def reset(self, seed): self.turns = 0\n"
        " def act(self, observation):\n  self.turns += 1; time.sleep(0.3); return 'end:' if self.turns == 4 else 'wait: 1m'\n"
    )
    words = ["run", "--cases", MINI, "--agents", "waiting:Waits", "--trials", "50", "--jobs", "2", "--store", str(tmp_path / "r.db")]
    code, sent = on_a_terminal(words, press_after=0.5, PYTHONPATH=str(tmp_path), NO_COLOR="1")
    assert code == 130
    assert "score so far" in sent
    assert HOW_TO_STOP in sent
    assert STOPPING in sent
    assert "Stopped. What has ended is stored; the same command with --resume goes on." in re.sub(r"\s+", " ", sent)
    assert not re.findall(r"\x1b\[[0-9;]*[34][0-7]m", sent), "no colour where none is wanted"
    assert 1 <= len(Store(tmp_path / "r.db").rows()) < 50
