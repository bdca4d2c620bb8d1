"""``medsim play`` where there is no terminal: lines in, words out."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from medsim.case import Case
from medsim.cli import main
from medsim.episode import replay
from medsim.play.sitting import asked
from medsim.store import Store
from tests.conftest import DATA
from tests.play.conftest import played, store_at

MINI = str(DATA / "mini.yaml")


def run(*arguments: str, typed: str = "", monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    try:
        return main(["play", *arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def test_a_pipe_is_played_line_by_line_with_hints_and_a_debrief(
    tmp_path: Path, mini: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = str(tmp_path / "p.db")
    assert run(MINI, "--store", where, "--name", "ann", typed="hello\nhint\ntreat: aspirin\nend:\n", monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    for part in ("Hint: ", "costs 5% of the score", "how much?", "SCORE", "In truth    Inferior STEMI", "GOLDEN PATH", "HARM", "MISSED"):
        assert part in out, part
    stored = Store(where).load(Store(where).rows()[0]["id"])
    assert asked(stored.env) == [1]
    assert replay(mini, stored).events == stored.events


def test_json_holds_trajectory_scores_and_debrief(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(MINI, "--store", str(tmp_path / "p.db"), "--json", typed="hello\nend:\n", monkeypatch=monkeypatch) == 0
    out = capsys.readouterr().out
    found = json.loads(out[out.index("{") :])
    assert found["debrief"]["truth"] == "Inferior STEMI"
    assert found["trajectory"]["agent"] == "human:me"
    assert found["scores"][0]["rubric"] == "mini"


def test_what_was_left_is_gone_on_with_by_case_or_id(
    tmp_path: Path, mini: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "p.db"
    left = played(mini, store_at(where), ["hello"])
    assert run("--resume", left.id[:5], MINI, "--store", str(where), typed="order: ecg\nend:\n", monkeypatch=monkeypatch) == 0
    assert "It's my chest" in capsys.readouterr().out
    row = Store(where).rows()[0]
    assert (row["status"], row["turns"], row["id"]) == ("finished", 3, left.id)
    assert run("--resume", "--store", str(where), monkeypatch=monkeypatch) == 2
    assert "Nothing in" in capsys.readouterr().err


def test_several_that_wait_are_listed(
    tmp_path: Path, mini: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = tmp_path / "p.db"
    store = store_at(where)
    names = [played(mini, store, ["hello"]).id for _ in range(2)]
    assert run("--resume", "--store", str(where), monkeypatch=monkeypatch) == 0
    captured = capsys.readouterr()
    assert all(name in captured.out for name in names)
    assert f"medsim play --store {where} --resume ID" in captured.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "Which case?"),
        ((MINI, "--patient", "human"), "needs a terminal"),
        ((MINI, "--observe", "golden"), "needs a terminal"),
        (("--resume", "zzz"), "No database"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, given: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*given, "--store", str(tmp_path / "p.db"), monkeypatch=monkeypatch) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("mini", "--patient", "robot"), "human, or human:NAME"),
        (("--observe", "nobody"), "neither an agent"),
        (("--observe", "golden"), "Which case?"),
        (("--observe", "chat", MINI), "language model"),
    ],
)
def test_seats_that_cannot_be_filled_are_told_of_at_the_terminal(
    tmp_path: Path, given: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("medsim.cli.playing._terminal", lambda: True)
    arguments = [MINI if part == "mini" else part for part in given]
    assert run(*arguments, "--store", str(tmp_path / "p.db"), monkeypatch=monkeypatch) == 2
    assert said in capsys.readouterr().err


def test_a_stored_encounter_can_be_guessed_along_with(tmp_path: Path, mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    where = tmp_path / "p.db"
    done = played(mini, store_at(where), ["hello", "order: ecg", "diagnose: flu; end:"])
    assert done.ended is not None
    seen = []

    def sits(sitting: object, *, agent: object = None) -> object:
        while not sitting.over:  # type: ignore[attr-defined]
            sitting.play(agent.act(""))  # type: ignore[attr-defined]
        seen.append(sitting)
        return type("Left", (), {"kept": ""})

    monkeypatch.setattr("medsim.cli.playing._terminal", lambda: True)
    monkeypatch.setattr("medsim.play.screens.app.sit_down", sits)
    assert run(MINI, "--observe", done.ended.trajectory.id, "--store", str(where), monkeypatch=monkeypatch) == 0
    assert seen[0].events == done.events
    assert [row["run"] for row in Store(where).rows()] == ["play", "observe"]
