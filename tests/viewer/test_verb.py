"""The verbs replay and show: what opens the viewer, what stays plain, what is written to files."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from medsim.cli import main, reading
from medsim.store import Store
from medsim.store.paging import events, heading, pulse
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


def run(store: Store, *words: str) -> int:
    return main([*words, "--store", str(store.path)])


def test_without_a_terminal_replay_lists_and_checks(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(store, "replay") == 0
    assert "aaa111" in capsys.readouterr().out
    assert run(store, "replay", "aaa111", "--cases", MINI) == 0
    assert "identical" in capsys.readouterr().err
    assert run(store, "replay", "aaa111", "--check", "--cases", MINI) == 0
    assert "identical" in capsys.readouterr().err
    assert run(store, "replay", "--check") == 2
    assert run(store, "replay", "--follow") == 2
    assert "needs a terminal" in capsys.readouterr().err


def test_in_a_terminal_replay_opens_the_viewer_where_it_was_asked_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []
    monkeypatch.setattr(reading, "_terminal", lambda: True)
    monkeypatch.setattr("medsim.viewer.screens.app.watch", lambda store, find, **how: opened.append(how))
    assert run(store, "replay") == 0
    assert run(store, "replay", "aaa", "--run", "r", "--follow", "--truth") == 0
    assert opened == [
        {"run": None, "first": None, "follow": False, "truth": False},
        {"run": "r", "first": "aaa111", "follow": True, "truth": True},
    ]
    assert run(store, "replay", "zzz") == 2, "a wrong id is told before a screen is opened"
    assert run(store, "replay", "aaa111", "--check", "--cases", MINI) == 0
    assert len(opened) == 2


def test_what_the_viewer_shows_is_written_as_svg_html_and_text(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {form: tmp_path / f"e.{form}" for form in ("svg", "html", "text")}
    assert run(store, "show", "aaa111", "--cases", MINI, *(part for form, path in files.items() for part in (f"--{form}", str(path)))) == 0
    text = files["text"].read_text(encoding="utf-8")
    for words in ("Do you smoke?", "12-lead ECG", "back 4:", "⇒ ✓ met", "Facts found", "Rubric", "[turn "):
        assert words in text, words
    for hidden in ("Inferior STEMI", "I took a tablet", "(state)"):
        assert hidden not in text
    assert files["svg"].read_text(encoding="utf-8").startswith("<svg")
    assert "<html>" in files["html"].read_text(encoding="utf-8")
    assert run(store, "show", "aaa111", "--cases", MINI, "--truth", "--text", str(files["text"])) == 0
    text = files["text"].read_text(encoding="utf-8")
    assert all(words in text for words in ("truth: Inferior STEMI", "I took a tablet", "(state)"))
    capsys.readouterr()
    assert run(store, "show", "--svg", "x.svg") == 2
    assert run(store, "show", "aaa111", "--svg", str(store.path)) == 2
    assert run(store, "show", "aaa111", "--cases", MINI, "--svg", str(files["svg"] / "x.svg")) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_nothing_but_the_open_viewer_loads_textual(store: Store) -> None:
    code = (
        "import sys, medsim, medsim.viewer, medsim.cli.reading; from medsim.cli import main; "
        f"main(['show', '--store', {str(store.path)!r}]); main(['show', 'aaa111', '--store', {str(store.path)!r}]); "
        "sys.exit(any(name.split('.')[0] == 'textual' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0


def test_a_store_is_read_piece_by_piece(store: Store) -> None:
    found = heading(store, "aaa")
    whole = store.load("aaa111")
    assert found.trajectory.events == []
    assert found.row == next(row for row in store.rows() if row["id"] == "aaa111")
    assert events(store, found.key) == whole.events
    assert events(store, found.key, start=3, limit=4) == whole.events[3:7]
    assert store.rows(limit=2, offset=1) == store.rows()[1:3]
    assert store.rows(offset=3) == store.rows()[3:]
    assert pulse(store) == (4, 4, 4)


def test_a_real_terminal_shows_it_and_q_leaves(store: Store) -> None:
    parent, child = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "medsim", "replay", "--store", str(store.path)]
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment, close_fds=True) as viewer:
        os.close(child)
        seen = b""
        while b"encounters" not in seen:
            seen += os.read(parent, 65536)
        os.write(parent, b"q")
        try:
            while os.read(parent, 65536):
                pass
        except OSError:  # the other end is closed
            pass
        assert viewer.wait(timeout=30) == 0
    os.close(parent)
    assert b"golden" in seen
    assert b"[38;" not in seen, "NO_COLOR: not even greys"
    assert b"[48;" not in seen
