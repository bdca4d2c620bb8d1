"""lint --watch: lints what changes and nothing else, says little, and ends cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medsim.cli import main, watching
from medsim.cli.answers import Answers
from medsim.cli.skeleton import skeleton

GOOD = skeleton(Answers())
BAD = GOOD.replace("title:", "titel:")


def scripted(*steps: Callable[[], object]) -> Callable[[float], None]:
    """A rest that does one thing a time and then presses ctrl-C."""
    left = list(steps)

    def rest(_: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    return rest


@pytest.fixture
def case_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("mine.yaml")
    path.write_text(GOOD)
    return path


def watch(monkeypatch: pytest.MonkeyPatch, path: Path, *steps: Callable[[], object], words: tuple[str, ...] = ("--no-gates",)) -> int:
    monkeypatch.setattr(watching, "_rest", scripted(*steps))
    return main(["lint", str(path), "--watch", *words])


def test_a_file_is_linted_once_until_it_changes(
    case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = lambda: None  # noqa: E731
    assert (
        watch(monkeypatch, case_file, nothing, nothing, lambda: case_file.write_text(BAD), nothing, lambda: case_file.write_text(GOOD)) == 0
    )
    said = capsys.readouterr()
    assert [line for line in said.out.splitlines() if line.startswith("mine.yaml")] == [
        "mine.yaml: no errors",
        "mine.yaml: 1 error",
        "mine.yaml: no errors",
    ]
    assert "Did you mean 'title'" in said.out
    assert said.err.count("watching 1 file; ctrl-C ends") == 3
    assert "No errors at the last look" in said.err


def test_the_exit_code_is_that_of_the_last_look(
    case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(monkeypatch, case_file, lambda: case_file.write_text(BAD)) == 1
    assert "1 of 1 with errors" in capsys.readouterr().err


def test_a_change_that_keeps_size_and_time_is_seen(
    case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stamp = case_file.stat().st_mtime_ns

    def quick_editor() -> None:
        case_file.write_text(GOOD.replace("title:", "tilte:"))
        os.utime(case_file, ns=(stamp, stamp))

    assert watch(monkeypatch, case_file, quick_editor) == 1
    assert "mine.yaml: 1 error" in capsys.readouterr().out


def test_a_file_that_goes_away_and_comes_back_is_waited_for(
    case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(monkeypatch, case_file, case_file.unlink, lambda: None, lambda: case_file.write_text(BAD)) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("mine.yaml")]
    assert lines == ["mine.yaml: no errors", "mine.yaml: gone; it is linted again when it comes back", "mine.yaml: 1 error"]


def test_a_new_file_of_a_watched_folder_is_linted_too(
    case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert watch(monkeypatch, Path(), lambda: Path("other.yaml").write_text(BAD)) == 1
    said = capsys.readouterr()
    assert "other.yaml: 1 error" in said.out
    assert "watching 2 files" in said.err


def test_a_thousand_findings_are_cut_to_what_can_be_read(
    case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = "".join(f'    - {{id: f{i}, topics: [no.such.topic{i}], say: "x"}}\n' for i in range(1000))
    case_file.write_text(GOOD.replace("    # told of their own accord", f"{facts}    # told of their own accord"))
    assert watch(monkeypatch, case_file) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mine.yaml: 1000 errors"
    assert len(lines) == watching.MOST + 2
    assert "980 more" in lines[-1]


def test_a_line_is_never_longer_than_can_be_read() -> None:
    finding = {"level": "error", "rule": "r", "where": "w", "message": "x" * 100_000}
    (short,) = watching._short({"path": "p", "errors": 1, "findings": [finding], "gates": None})["findings"]
    assert len(short["message"]) <= watching.LONGEST + 4


def test_json_is_one_line_a_look(case_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch(monkeypatch, case_file, lambda: case_file.write_text(BAD), case_file.unlink, words=("--json", "--no-gates")) == 0
    looks: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [look["errors"] for look in looks] == [0, 1, 0]
    assert looks[2]["gone"] is True


def test_nothing_to_watch_is_said_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(tmp_path / "nowhere"), "--watch"]) == 2
    assert "No case pack or case" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="needs ctrl-C as a signal")
def test_ctrl_c_ends_a_real_watch_without_a_traceback(case_file: Path) -> None:
    words = [sys.executable, "-m", "medsim", "lint", "mine.yaml", "--watch", "--no-gates"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert child.stdout is not None
    assert child.stdout.readline() == b"mine.yaml: no errors\n"
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0
    assert b"No longer watching" in err
    assert b"Traceback" not in err + out
