"""A run with language models, killed by the system at any moment and resumed: every encounter once, every call in its place."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medsim.store import Store
from tests.conftest import DATA
from tests.test_kill import counted, strays
from tests.ward import Ward, open_ward

MINI = str(DATA / "mini.yaml")
TRIALS = 24
SEEDS = (1, 2, 3, 4)

NURSERY = f"""
import os, sys
import aiohttp
import medsim.cli.running, medsim.patient.voiced
from medsim.cli import main
from medsim.evaluation import evaluate

evaluate(["golden"], cases=[{MINI!r}], store="sqlite:///:memory:")
sys.stdout.write("ready\\n"); sys.stdout.flush()
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(main(line.split("\\t")[:-1]))
    sys.stdout.write(f"{{child}}\\n"); sys.stdout.flush()
    sys.stdout.write(f"{{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}}\\n"); sys.stdout.flush()
"""
"""Imports and reads once and forks a program for each command; it has one thread, so that a fork is a clean beginning."""


class Nursery:
    """Programs that begin quickly."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen([sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def start(self, *words: str) -> int:
        """Start a command and give its process."""
        assert self._parent.stdin
        self._parent.stdin.write("\t".join(words) + "\t\n")
        self._parent.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """Wait for the command's end and give its exit code, negative for a signal."""
        return int(self._line())

    def close(self) -> None:
        """End."""
        assert self._parent.stdin
        self._parent.stdin.close()
        self._parent.wait(10)

    def _line(self) -> str:
        assert self._parent.stdout
        return self._parent.stdout.readline().strip()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
        made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with open_ward() as made:
        made.latency = 0.01
        yield made


def run(ward: Ward, folder: Path, name: str, *more: str) -> list[str]:
    doctor, patient = (f"openai/{role}@{ward.url}" for role in ("doctor", "patient"))
    return [
        "run", "--cases", MINI, "--agents", "chat,tools", "--doctor", doctor, "--patient", patient, "--trials", str(TRIALS), "--jobs", "8",
        "--store", str(folder / "r.db"), "--cache", str(folder / "calls.db"), "--run", name, "--quiet", *more,
    ]  # fmt: skip


def content(path: Path) -> dict[tuple[str, int], Any]:
    """By agent and trial: how it ended, its score, its events, and its calls without what time and the cache change."""
    store = Store(path)
    return {
        (row["agent"], row["trial"]): (
            row["status"], row["score"], [event.data() for event in store.load(row["id"]).events],
            [(call["position"], call["role"], call["hash"], call["tokens_in"], call["error"]) for call in store.calls(row["id"])],
        )
        for row in store.rows()
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(nursery: Nursery, ward: Ward, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Any]:
    """The same run, never disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    nursery.start(*run(ward, folder, "whole"))
    assert nursery.ended() == 0
    return content(folder / "r.db")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="programs are forked")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_with_models_that_is_killed_is_resumed_to_the_same_encounters_and_calls(
    nursery: Nursery, ward: Ward, whole: dict[tuple[str, int], Any], tmp_path: Path, seed: int
) -> None:
    path, chance = tmp_path / "r.db", random.Random(seed)
    before: dict[tuple[str, int], Any] = {}
    for least in (0, chance.randrange(1, TRIALS)):
        program = nursery.start(*run(ward, tmp_path, "r", *(["--resume"] if path.is_file() and Store(path).runs() else [])))
        until = time.monotonic() + 30
        while counted(path) < least and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.1))
        os.kill(program, signal.SIGKILL)
        assert nursery.ended() == -signal.SIGKILL, "it was killed before its end"
        if path.is_file() and counted(path) >= 0:
            kept = content(path)
            assert before.items() <= kept.items(), "what was stored stays"
            assert all(whole[key] == found for key, found in kept.items()), "every stored encounter is whole"
            before = kept
    assert len(before) < len(whole)
    nursery.start(*run(ward, tmp_path, "r", "--resume"))
    assert nursery.ended() == 0
    assert content(path) == whole
    rows = Store(path).rows()
    assert len(rows) == len(whole) == 2 * TRIALS
    assert strays(path) == [0, 0, 0]
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM calls WHERE trajectory NOT IN (SELECT key FROM trajectories)").fetchone() == (0,)
    with sqlite3.connect(tmp_path / "calls.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
