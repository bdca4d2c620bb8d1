"""A run killed by the system at any moment, then resumed: nothing is lost and nothing is there twice."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from medsim.evaluation import evaluate
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
AGENTS, TRIALS = ["golden", "interviewer", "inert"], 18
ALL = len(AGENTS) * TRIALS

RUN = f"""
import sys
from medsim.evaluation import evaluate
from medsim.store import Store

store = Store(sys.argv[1])
begun = any(row["id"] == "r" for row in store.runs())
evaluate({AGENTS!r}, cases=[{MINI!r}], trials={TRIALS}, store=store, run="r", resume=begun, jobs=int(sys.argv[2]))
"""


def counted(path: Path) -> int:
    """How many encounters are stored, read beside the program that writes."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
            return int(connection.execute("SELECT count(*) FROM trajectories").fetchone()[0])
    except sqlite3.OperationalError:
        return -1


def start(path: Path, jobs: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(path), str(jobs)], stderr=subprocess.PIPE)


def kill_at(path: Path, running: subprocess.Popen[bytes], least: int, later: float) -> None:
    """Kill a program a moment after it has stored so many encounters."""
    until = time.monotonic() + 60
    while counted(path) < least and running.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(later)
    running.kill()
    _, said = running.communicate()
    assert running.returncode == -signal.SIGKILL, said.decode()


def content(store: Store) -> dict[str, Any]:
    """What a store holds, without the hour at which it was written."""
    return {
        row["id"]: (
            {name: value for name, value in row.items() if name != "started"},
            store.load(row["id"]).events,
            [(score["rubric"], score["score"], [(item["item"], item["verdict"], item["evidence"]) for item in score["items"]]) for score in store.scores(row["id"])],
        )
        for row in store.rows()
    }  # fmt: skip


def strays(path: Path) -> list[int]:
    """How many events, scores and items belong to nothing."""
    with sqlite3.connect(path) as connection:
        return [
            connection.execute(f"SELECT count(*) FROM {child} WHERE {column} NOT IN (SELECT key FROM {parent})").fetchone()[0]
            for child, column, parent in (("events", "trajectory", "trajectories"), ("scores", "trajectory", "trajectories"), ("items", "score", "scores"))
        ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same run, never disturbed."""
    store = Store(tmp_path_factory.mktemp("whole") / "runs.db")
    evaluate(AGENTS, cases=[MINI], trials=TRIALS, store=store, run="r")
    return content(store)


@pytest.mark.parametrize(("jobs", "moments"), [(1, (0, 7, 25)), (4, (25,))])
def test_a_run_killed_again_and_again_ends_as_if_it_had_never_been(
    tmp_path: Path, whole: dict[str, Any], jobs: int, moments: tuple[int, ...]
) -> None:
    path, chance, before = tmp_path / "runs.db", random.Random(jobs), 0
    for least in moments:
        kill_at(path, start(path, jobs), least, chance.uniform(0, 0.03))
        store = Store(path)
        kept = content(store)
        assert before <= len(kept) < ALL, "what was stored stays, and the run was killed before its end"
        assert all(whole[name] == found for name, found in kept.items()), "every stored encounter is whole"
        assert strays(path) == [0, 0, 0]
        before = len(kept)
    assert before >= moments[-1]
    last = start(path, jobs)
    _, said = last.communicate(timeout=60)
    assert last.returncode == 0, said.decode()
    assert len(Store(path).rows()) == ALL
    assert content(Store(path)) == whole
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_program_killed_while_it_makes_the_database_leaves_one_that_can_be_used(tmp_path: Path) -> None:
    half_made = (
        "import os, signal, sys\n"
        "from sqlalchemy import event\n"
        "from sqlalchemy.engine import Engine\n"
        "from medsim.store import Store\n"
        "@event.listens_for(Engine, 'after_cursor_execute')\n"
        "def stop(connection, cursor, statement, *rest):\n"
        "    if 'CREATE TABLE' in statement and sys.argv[2] in statement: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Store(sys.argv[1])\n"
    )
    for table in ("medsim", "items"):
        path = tmp_path / f"{table}.db"
        done = subprocess.run([sys.executable, "-c", half_made, str(path), f"TABLE {table}"], capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        assert Store(path).rows() == []
