"""The command line as a stranger would type it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from medsim.cli import main
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = str(tmp_path / "r.db")
    assert run("run", "--cases", MINI, "--agents", "golden,inert", "--store", path, "--run", "r") == 0
    capsys.readouterr()
    return path


def test_cases_lists_filters_and_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cases", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) >= 6
    assert run("cases", "--setting", "clinic", "--json") == 0
    clinic = json.loads(capsys.readouterr().out)
    assert 0 < len(clinic) < len(listed)
    assert all(row["setting"] == "clinic" for row in clinic)


def test_cases_show_gives_the_door_note_and_the_truth_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cases", "show", MINI) == 0
    out = capsys.readouterr().out
    assert "64-year-old woman" in out
    assert "STEMI" not in out
    assert run("cases", "show", MINI, "--truth") == 0
    assert "STEMI" in capsys.readouterr().out


def test_cases_schema_is_a_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cases", "schema") == 0
    assert "properties" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["cases", "show", "winter-cogh"], "Did you mean 'winter-cough'"),
        (["run", "--agents", "goldn"], "Did you mean 'golden'"),
        (["run", "--env", "Consult-v1"], "Did you mean 'Consult-v0'"),
        (["rnu"], "Did you mean 'run'"),
        (["run", "--trials", "0"], "at least 1"),
        (["show", "abc", "--store", "/nowhere/x.db"], "No database"),
        (["cases", "show"], "Which case"),
        (["score", "--rubric", "comunication"], "What is to be scored"),
        (["import", "agentclinc", "x"], "Did you mean 'agentclinic'"),
        (["lint", "/nowhere"], "No case pack"),
        (["run", "--agents", ","], "No agent"),
    ],
)
def test_wrong_input_gets_a_clear_sentence_and_exit_code_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_run_prints_a_table_and_where_things_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(tmp_path / "r.db")
    assert run("run", "--cases", MINI, "--agents", "golden,inert", "--store", path) == 0
    captured = capsys.readouterr()
    assert "golden" in captured.out
    assert all(heading in captured.out for heading in ("score", "interval", "passed", "critical", "turns", "sim.", "cost $", "coverage"))
    assert path in captured.out


def test_run_speaks_json_only_on_stdout(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("run", "--cases", MINI, "--agents", "golden", "--store", str(tmp_path / "r.db"), "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["summaries"][0]["agent"] == "golden"


def test_failed_encounters_give_exit_code_1(tmp_path: Path) -> None:
    assert run("run", "--cases", MINI, "--agents", "tests.test_evaluate:Fails", "--trials", "2", "--store", str(tmp_path / "r.db")) == 1


def test_show_lists_and_shows_one(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--store", store, "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["agent"] for row in listed] == ["golden", "inert"]
    assert run("show", listed[0]["id"], "--store", store) == 0
    out = capsys.readouterr().out
    assert "12-lead ECG" in out
    assert "✓ met" in out
    assert "(state)" not in out


def test_replay_checks_that_the_trajectory_is_identical(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("show", "--store", store, "--json")
    first = json.loads(capsys.readouterr().out)[0]["id"]
    assert run("replay", first, "--store", store, "--cases", MINI) == 0
    assert "identical" in capsys.readouterr().err


def test_score_adds_a_score_by_another_rubric(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", "--run", "r", "--rubric", "history", "--store", store, "--cases", MINI, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["added"] for row in rows] == [True, True]
    assert run("score", "--run", "r", "--rubric", "communication", "--store", store, "--cases", MINI, "--json") == 0
    unscored = json.loads(capsys.readouterr().out)
    assert all(row["score"] is None and row["coverage"] == 0 for row in unscored), (
        "without a judge nothing is decided, and nothing becomes 0"
    )


def test_export_writes_one_json_object_a_line(store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("export", "--store", store) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["agent"] for line in lines] == ["golden", "inert"]
    assert json.loads(lines[0])["scores"][0]["items"]
    assert run("export", "--store", store, "--out", str(tmp_path / "no" / "x.jsonl")) == 2


def test_lint_of_a_good_case_is_silent_and_of_a_bad_one_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lint", MINI, "--no-gates") == 0
    bad = tmp_path / "bad.yaml"
    text = (DATA / "mini.yaml").read_text().replace("tier: volunteer", "teir: volunteer")
    line = text[: text.index("teir")].count("\n") + 1
    bad.write_text(text)
    assert run("lint", str(bad)) == 1
    out = capsys.readouterr().out
    assert "Did you mean 'tier'" in out
    assert f"bad.yaml:{line}:" in out


def test_play_reads_turns_from_a_pipe_and_stores_them(tmp_path: Path) -> None:
    turns = "hello, what brings you in?\norder: ecg\nhelp\nwait: result\ndiagnose: inferior stemi\nend:\n"
    command = [sys.executable, "-m", "medsim", "play", MINI, "--store", str(tmp_path / "p.db"), "--name", "ann"]
    done = subprocess.run(command, input=turns, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "It's my chest" in done.stdout
    assert "ST elevation" in done.stdout
    shown = subprocess.run(
        [*command[:3], "show", "--store", str(tmp_path / "p.db"), "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(shown.stdout)[0]["agent"] == "human:ann"


def test_help_is_short_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("cases", "lint", "run", "play", "show", "replay", "score", "import", "export"):
        assert run(verb, "--help") == 0
        out = capsys.readouterr().out
        assert "example" in out
        assert len(out.splitlines()) < 45
    assert run("--help") == 0
    assert "not for care" in capsys.readouterr().out


def test_importing_medsim_pulls_in_nothing_heavy() -> None:
    code = "import sys, medsim, medsim.cli; medsim.cli.parser(); bad = {'litellm', 'fhir', 'torch', 'sqlalchemy', 'rich'} & set(sys.modules); print(sorted(bad)); sys.exit(bool(bad))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_scripted_run_never_imports_a_model_library(tmp_path: Path) -> None:
    code = (
        f"import sys; from medsim.cli import main; main(['run','--cases',{MINI!r},'--agents','golden','--store',{str(tmp_path / 'x.db')!r}]); "
        "sys.exit(bool({'litellm', 'fhir', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0
