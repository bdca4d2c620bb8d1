"""The store that a command line means: every next step leads to it, and a folder is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medsim.cli import main, stores
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


def play(store: str) -> None:
    assert main(["run", "--cases", MINI, "--agents", "golden,inert", "--store", store, "--run", "r", "--quiet"]) == 0


def test_every_next_step_names_the_store_in_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    play("my runs.db")
    told = capsys.readouterr().err
    main(["show", "--store", "my runs.db"])
    told += capsys.readouterr().err
    assert main(["show", "nobody", "--store", "my runs.db"]) == 2
    told += capsys.readouterr().err
    assert main(["agree", "r", "--store", "my runs.db", "--between", "none"]) in {0, 2}
    told += "".join(capsys.readouterr())
    steps = re.findall(r"medsim (?:show|compare|score|label)\b.{0,22}", told)
    assert len(steps) >= 4
    assert all(re.match(r"medsim \w+ --store 'my runs.db'", step) for step in steps), steps


def test_the_default_store_is_not_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    play("medsim.db")
    told = capsys.readouterr().err
    assert "medsim show --run r" in told
    assert "--store" not in told


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("List them: medsim show", "List them: medsim show --store x.db"),
        ("medsim show ID for one. Or medsim compare r", "medsim show --store x.db ID for one. Or medsim compare --store x.db r"),
        ("Make one with medsim run --store y.db, or else.", "Make one with medsim run --store y.db, or else."),
        ("medsim show r. See --store", "medsim show --store x.db r. See --store"),
        ("List them: medsim cases. medsim shows", "List them: medsim cases. medsim shows"),
    ],
)
def test_only_steps_that_take_a_store_and_name_none_are_added_to(text: str, becomes: str) -> None:
    stores.use("x.db")
    assert stores.with_store(text) == becomes
    stores.use(None)
    assert stores.with_store(text) == text


def test_a_password_is_not_shown_in_a_next_step() -> None:
    stores.use("postgresql://ann:secret@db.example/runs")
    told = stores.with_store("medsim show")
    stores.use(None)
    assert "db.example" in told
    assert "secret" not in told


@pytest.mark.parametrize("words", [["show"], ["run", "--cases", MINI, "--agents", "inert"]])
def test_a_folder_is_no_store_and_the_remedy_works(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--store", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "is a folder" in told
    better = told.split("--store ")[-1].strip()
    play(better)
    assert main(["show", "--store", better]) == 0
