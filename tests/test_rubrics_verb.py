"""The verb rubrics, and what the verb score says beside a score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsim import document, library
from medsim.case.checklist import Rubric
from medsim.cli import main
from medsim.cli.scoring import rubric_of
from medsim.rubric import rubric_hash
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
LINE = {"prompt_id": "A b/../1", "rubrics": [{"criterion": "Asks \u200bhow long.\x1b[2J", "points": 4, "tags": ["axis:accuracy"]}]}


def test_rubrics_are_listed_and_shown_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rubrics", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == library.names("rubrics")
    assert main(["rubrics", "show", "veto"]) == 0
    assert capsys.readouterr().out.strip() == library.find("rubrics", "veto").read_text(encoding="utf-8").strip()


@pytest.mark.parametrize("name", library.names("rubrics"))
def test_what_is_shown_as_json_is_read_back_as_the_same_rubric(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rubrics", "show", name, "--json"]) == 0
    again = document.validate(document.parse(capsys.readouterr().out, name), Rubric)
    assert rubric_hash(again) == rubric_hash(rubric_of(name)), "durations among it, which are written with their unit"


def test_rubrics_of_others_are_read_into_files_that_can_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hb.jsonl"
    file.write_text(json.dumps(LINE) + "\n" + json.dumps({"rubrics": []}) + "\n", encoding="utf-8")
    assert main(["rubrics", "import", str(file), "--to", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "there are no criteria" in said
    assert "1 of 2 rubrics" in said
    (made,) = (tmp_path / "out").iterdir()
    assert made.name == "a-b-1.yaml"
    rubric = document.validate(document.read(made), Rubric)
    assert (rubric.items[0].text, rubric.items[0].points, rubric.clip) == ("Asks how long.[2J", 4, "mean")


def test_rubrics_go_out_and_what_is_lost_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rubrics", "export", "signed", "--format", "livemedbench"]) == 0
    shown = capsys.readouterr()
    (one,) = json.loads(shown.out)
    assert one["rubric_items"][0] == {"criterion": "Asks about the complaint", "points": 4}
    assert "complaint: pred" in shown.err
    assert main(["rubrics", "export", "communication", "--to", str(tmp_path / "x.jsonl")]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["shw"], "Did you mean 'show'"),
        (["show"], "Which one?"),
        (["show", "vetoo"], "Did you mean 'veto'"),
        (["import", "nothing.jsonl"], "cannot be read"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rubrics", *words]) == 2
    assert said in capsys.readouterr().err


def test_ratings_totals_and_a_missing_score_are_said_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "r.db")
    assert main(["run", "--cases", MINI, "--agents", "golden", "--store", store, "--run", "r"]) == 0
    for name, said in (("diagnosis", "grade 5 of 5; closeness not rated; cost"), ("communication", "none of 9 items could be decided")):
        capsys.readouterr()
        assert main(["score", "r", "--rubric", name, "--store", store, "--cases", MINI]) == 0
        assert said in " ".join(capsys.readouterr().err.split())
    assert main(["score", "r", "--rubric", "diagnosis", "--judge", "keywords", "--store", store, "--cases", MINI, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["scales"]["grade"] == 5
    assert set(row["axes"]) == {"cost", "minutes", "orders"}
