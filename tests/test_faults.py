"""Faults in every seat of a run, over real sockets: nothing is lost, nothing is there twice, nothing that failed has a score."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from medsim import case as cases
from medsim.cli import main
from medsim.evaluation import episode_seed
from medsim.rubric import score
from medsim.store import Store
from tests.conftest import DATA
from tests.ward import HARD, RUBBISH, Body, Fault, Ward, completion, open_ward


class Seat(NamedTuple):
    """One seat of an encounter, and which model sits in it and fails."""

    agent: str
    patient: str
    model: str
    case: str = "mini"


SEATS = {
    "doctor who chats": Seat("chat", "scripted", "doctor"),
    "doctor who calls tools": Seat("tools", "scripted", "doctor"),
    "panel of doctors": Seat("panel", "scripted", "doctor"),
    "voice of the patient": Seat("chat", "voiced", "patient"),
    "patient who plays a role": Seat("chat", "role", "patient"),
    "patient of a documented case": Seat("chat", "scripted", "patient", "documented"),
    "controller of a documented case": Seat("chat", "scripted", "controller", "documented"),
}
NAMES = list(HARD)
SLOW = len(NAMES) - 1
"""A server that says nothing is waited for; two seats are enough."""


@pytest.fixture(scope="module")
def ward() -> Iterator[Ward]:
    with pytest.MonkeyPatch.context() as patch, open_ward() as made:
        patch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
        yield made


@pytest.fixture(params=SEATS)
def seat(request: pytest.FixtureRequest) -> Seat:
    return SEATS[request.param]


class Runs:
    """``medsim run`` with one seat's models."""

    def __init__(self, ward: Ward, folder: Path, seat: Seat) -> None:
        cases = f"cases: ['{DATA / seat.case}.yaml']"
        (folder / "env.yaml").write_text(f"schema: medsim.env/1\nid: Faults\n{cases}\npatient: {seat.patient}\nturns: 6\n")
        seated = ["doctor", *(["patient"] if seat.patient != "scripted" or seat.case == "documented" else []), "controller"]
        roles = [f"{role}: {{model: openai/{role}, api_base: '{ward.url}', timeout: 1s, retries: 1}}" for role in seated]
        (folder / "models.yaml").write_text("\n".join(["schema: medsim.models/1", *roles]))
        self.words = [
            "run", "--env", str(folder / "env.yaml"), "--agents", seat.agent, "--models", str(folder / "models.yaml"), "--json",
            "--store", str(folder / "r.db"), "--jobs", "32", "--quiet",
        ]  # fmt: skip
        self.folder = folder

    @property
    def store(self) -> Store:
        return Store(self.folder / "r.db")

    def __call__(self, *more: str) -> int:
        return main([*self.words, *more])

    def content(self, run: str) -> dict[int, Any]:
        """What a run has come to, by trial; each trial must be there once."""
        rows = self.store.rows(run=run)
        assert len({row["trial"] for row in rows}) == len(rows)
        return {
            row["trial"]: (row["status"], row["score"], row["diagnosis"], [event.data() for event in self.store.load(row["id"], run=run).events])
            for row in rows
        }  # fmt: skip


def trials(case: str) -> dict[int, int]:
    """Which trial a seed belongs to."""
    return {episode_seed(0, cases.load(DATA / f"{case}.yaml").id, trial): trial for trial in range(len(NAMES) + len(RUBBISH))}


def going_wrong(seat: Seat, staying: set[int]) -> Callable[[Body, int], Fault | None]:
    """Each trial meets a fault of its own at its second call: once, or from then on."""
    of = trials(seat.case)

    def plan(body: Body, nth: int) -> Fault | None:
        trial = of[body["seed"]]
        wrong = body["model"] == seat.model and (nth >= 2 if trial in staying else nth == 2)
        return HARD[NAMES[trial]] if wrong else None

    return plan


def astray(path: Path) -> list[int]:
    """How many scores stand beside an error (in their table, in the summary) and how many calls belong to nothing; the file is whole."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        queries = (
            "SELECT count(*) FROM trajectories t JOIN scores s ON s.trajectory = t.key WHERE t.status = 'error'",
            "SELECT count(*) FROM trajectories WHERE status = 'error' AND score IS NOT NULL",
            "SELECT count(*) FROM calls WHERE trajectory NOT IN (SELECT key FROM trajectories)",
        )
        return [connection.execute(query).fetchone()[0] for query in queries]


def test_faults_that_pass_change_nothing_and_those_that_stay_are_errors_until_they_are_mended(
    ward: Ward, tmp_path: Path, seat: Seat, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Runs(ward, tmp_path, seat)
    at = list(SEATS.values()).index(seat)
    n = len(NAMES) if at in {0, 3} else SLOW
    staying = set(range(at % 2, n, 2))  # every fault passes in one seat and stays in another
    ward.heal()
    assert run("--run", "clean", "--trials", str(n)) == 0
    clean = run.content("clean")
    assert len(clean) == n
    assert {status for status, *_ in clean.values()} <= {"finished", "truncated"}
    capsys.readouterr()

    ward.heal()
    ward.plan = going_wrong(seat, staying)
    assert run("--run", "faulty", "--trials", str(n)) == 1
    faulty = run.content("faulty")
    said = json.loads(capsys.readouterr().out)
    assert len(faulty) == n, "none is lost"
    for trial, fault in enumerate(NAMES[:n]):
        if trial not in staying:
            assert faulty[trial] == clean[trial], f"{fault}: a fault that passes leaves no trace"
            continue
        status, points, _, events = faulty[trial]
        assert (status, points) == ("error", None), fault
        assert events == clean[trial][3][: len(events)], "what had happened until then is kept"
    assert [(found["boundary"], found["number"]) for found in said["failures"]] == [("LLM", len(staying))]
    assert astray(tmp_path / "r.db") == [0, 0, 0]

    ward.heal()
    assert run("--run", "faulty", "--trials", str(n + 3), "--retry-errors") == 0
    assert json.loads(capsys.readouterr().out)["played"] == len(staying), "only what had failed is played again"
    assert run.content("faulty") == clean
    assert "sk-canary" not in "".join(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())


def test_answers_without_sense_earn_nothing_and_reach_no_terminal(
    ward: Ward, tmp_path: Path, seat: Seat, capsys: pytest.CaptureFixture[str]
) -> None:
    run, of, rubbish = Runs(ward, tmp_path, seat), trials(seat.case), list(RUBBISH.values())
    case = cases.load(DATA / f"{seat.case}.yaml")
    ward.heal()

    def plan(body: Body, nth: int) -> Fault | None:
        said = rubbish[of[body["seed"]]]
        return (lambda handler, _: handler.send(completion(**said))) if body["model"] == seat.model else None

    ward.plan = plan
    assert run("--run", "r", "--trials", str(len(rubbish))) in {0, 1}
    assert main(["show", "--run", "r", "--store", str(tmp_path / "r.db")]) == 0
    rows = run.store.rows(run="r")
    assert sorted(row["trial"] for row in rows) == list(range(len(rubbish)))
    for row in rows:
        stored = run.store.load(row["id"])
        if row["status"] == "error":
            assert (row["score"], run.store.scores(row["id"])) == (None, [])
        else:
            assert row["score"] == score(case, stored.events, stored.outcome).score
            assert seat.model != "doctor" or not row["passed"], "nonsense passes no rubric"
        assert main(["show", row["id"], "--store", str(tmp_path / "r.db")]) == 0
    shown = "".join(capsys.readouterr())
    assert not {letter for letter in shown if ord(letter) < 32} - {"\n"}
    assert "\u202e" not in shown
    assert astray(tmp_path / "r.db") == [0, 0, 0]
