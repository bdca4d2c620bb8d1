"""``medsim report`` as a stranger would type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsim.cli import main
from tests.conftest import DATA
from tests.report.shelf import opened, put
from tests.report.shelf import run as begin

MINI = str(DATA / "mini.yaml")


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("report") / "r.db")
    assert run("run", "--cases", MINI, "--agents", "golden,inert,interviewer", "--store", path, "--run", "r", "--quiet") == 0
    return path


def test_report_writes_a_page_csv_and_json(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, folder, data = tmp_path / "new" / "report.html", tmp_path / "csv", tmp_path / "figures.json"
    assert (
        run(
            "report",
            "r",
            "--store",
            store,
            "--cases",
            MINI,
            "--to",
            str(page),
            "--csv",
            str(folder),
            "--json",
            str(data),
            "--date",
            "2026-01-02",
        )
        == 0
    )
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert "2026-01-02" in text
    figures = json.loads(data.read_text())
    assert [row["name"] for row in figures["headline"]] == ["golden", "inert", "interviewer"]
    assert (folder / "headline.csv").read_text().startswith("arm,name,")
    assert capsys.readouterr().out == ""


def test_report_without_a_file_is_shown_in_the_terminal(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", "r", "--store", store, "--cases", MINI) == 0
    out = capsys.readouterr().out
    for words in (
        "golden",
        "One case gives no interval",
        "Hardest items",
        "Facts that were missed",
        "One case supports no claim",
        "not for care",
    ):
        assert words in out


def test_report_speaks_json_on_stdout(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("report", "r", "--store", store, "--cases", MINI, "--agents", "inert", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in figures["headline"]] == ["inert"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("q",), "No run 'q'"),
        (("r", "--agents", "goldn"), "Did you mean 'golden'"),
        (("r", "--judge", "nobody"), "There are: rubric each case's own, judge none"),
        (("r", "--date", "yesterday"), "2026-11-20"),
        (("r", "--cases", "nowhere"), "nowhere"),
        ((), "RUN"),
    ],
)
def test_wrong_input_is_one_sentence_and_exit_code_2(
    store: str, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("report", *words, "--store", store) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_the_database_is_never_written_over(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(store).read_bytes()
    assert run("report", "r", "--store", store, "--to", store) == 2
    assert Path(store).read_bytes() == before


def test_a_run_in_which_nothing_ended_is_reported_with_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = opened(tmp_path)
    identity = begin(kept, "r", ["a"])
    put(kept, "r", "a", case_id="one", status="error", reason="LLMError", error="away\x1b[2J", identity=identity)
    assert run("report", "r", "--store", str(tmp_path / "shelf.db"), "--to", str(tmp_path / "page.html")) == 1
    assert run("report", "r", "--store", str(tmp_path / "shelf.db")) == 1
    told = capsys.readouterr()
    assert "No encounter has come to an end" in told.out
    assert "\x1b[2J" not in told.out + told.err


def test_a_case_that_is_not_found_costs_only_what_hangs_on_it(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import medsim.report.arms as arms

    monkeypatch.setattr(arms, "cases_of", lambda config, places: {})
    assert run("report", "r", "--store", store, "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["headline"][0]["score"]["value"] == 1
    assert "Give --cases FOLDER" in figures["disclosure"][0]["note"]
    assert any("were not found" in text for text in figures["limits"])
