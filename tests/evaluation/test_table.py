"""What the verb run shows of its summaries."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from medsim.cli import main
from medsim.cli.running import _over_trials, _table
from medsim.evaluation.stats import summarise
from medsim.store.tally import tallies
from tests.conftest import DATA
from tests.evaluation.study import study


def test_the_tables_fit_eighty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = study(tmp_path / "r.db", "r", {name: {f"c{i:02}": [i % 5 / 4, 1.0] for i in range(100)} for name in ("interviewer", "golden")})
    counts = tallies(store, run="r")
    rows = [summarise(agent, store.rows(run="r", agent=agent), tallies=counts) for agent in ("interviewer", "golden")]
    narrow = Console(width=80, file=io.StringIO())
    monkeypatch.setattr("medsim.cli.output.console", lambda: narrow)
    narrow.print(_table(rows))
    narrow.print(_over_trials(rows))
    assert isinstance(narrow.file, io.StringIO)
    lines = narrow.file.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    whole = [line for line in lines if line.startswith("interviewer")]
    assert len(whole) == 2, "no name and no cell is broken over two lines"
    assert "80 % (75–84)" in whole[0]
    assert "0/200 (0–3 %)" in whole[0]


def test_json_has_every_estimate_with_its_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--cases", str(DATA / "mini.yaml"), "--agents", "golden", "--trials", "2", "--store", str(tmp_path / "r.db"), "--json"]
    assert main(words) == 0
    (summary,) = json.loads(capsys.readouterr().out)["summaries"]
    for name in ("score", "micro", "pass_rate", "harm", "once", "always"):
        assert summary[name].keys() == {"value", "low", "high", "n", "left_out", "note"}, name
    assert (summary["trials"], summary["once"]["value"], summary["score"]["low"]) == (2, 1.0, None)
    assert "One case gives no interval" in summary["score"]["note"]
