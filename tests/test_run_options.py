"""`medsim run`: who sits in the patient's seat, said on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim.cli import main
from medsim.store import Store
from tests.conftest import DATA


def test_kind_and_persona_of_the_patient_are_checked_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["run", "--agents", "inert", "--cases", str(DATA / "mini.yaml"), "--store", str(tmp_path / "runs.db")]
    for more, says in (
        (["--patient-kind", "rol"], "Did you mean 'role'"),
        (["--patient-kind", "role"], "needs a language model"),
        (["--patient", "scripted"], "say --patient-kind scripted"),
        (["--persona", "recal=low"], "Did you mean 'recall'"),
        (["--persona", "recall"], "axis=level"),
    ):
        assert main([*start, *more]) == 2
        assert says in capsys.readouterr().err
    assert main([*start, "--persona", "recall=low", "--run", "low"]) == 0
    assert Store(tmp_path / "runs.db").runs()[0]["config"]["persona"] == {"recall": "low"}


@pytest.fixture
def models(tmp_path: Path) -> str:
    path = tmp_path / "models.yaml"
    path.write_text("schema: medsim.models/1\npatient: {model: openai/local, api_base: http://127.0.0.1:9/v1}\n", encoding="utf-8")
    return str(path)


def recipe(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "own.yaml"
    path.write_text(f"schema: medsim.env/1\ncases: {DATA / 'mini.yaml'}\n{text}", encoding="utf-8")
    return ["run", "--agents", "inert", "--env", str(path), "--store", str(tmp_path / "runs.db")]


def test_a_kind_that_is_asked_for_sits_in_the_place_of_the_recipes_own(tmp_path: Path, models: str) -> None:
    start = recipe(tmp_path, "patient: role\nresults_told: true\n")
    seen = {}
    for name, more in (("own", []), ("voiced", ["--patient-kind", "voiced"]), ("scripted", ["--patient-kind", "scripted"])):
        assert main([*start, "--models", models, "--run", name, *more]) == 0
    for row in Store(tmp_path / "runs.db").runs():
        seen[row["id"]] = (row["config"]["patient"], row["config"]["recipe"].get("results_told", False))
    assert seen == {"own": ("role", True), "voiced": ("voiced", False), "scripted": ("scripted", False)}


def test_a_bias_is_not_given_up_for_a_kind_that_cannot_have_it(tmp_path: Path, models: str, capsys: pytest.CaptureFixture[str]) -> None:
    start = recipe(tmp_path, "patient: role\nbias: recency\ntarget: cancer\n")
    assert main([*start, "--models", models, "--patient-kind", "voiced"]) == 2
    assert "biases its role-played patient ('recency')" in capsys.readouterr().err
    assert not (tmp_path / "runs.db").exists()


def test_a_seat_without_a_model_is_refused_before_anything_is_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else those encounters that happen not to ask it would be scored, and the others lost."""
    model = "openai/local@http://127.0.0.1:9/v1"
    start = recipe(tmp_path, "patient: role\n")
    assert main([*start, "--doctor", model]) == 2
    assert "No model is given for the role 'patient'" in capsys.readouterr().err
    assert main([*start[:2], "chat", *start[3:], "--patient", model]) == 2
    assert "say which, with --doctor MODEL" in capsys.readouterr().err
    documented = ["run", "--agents", "inert", "--cases", str(DATA / "documented.yaml"), "--store", str(tmp_path / "runs.db")]
    assert main([*documented, "--patient", model]) == 2
    assert "No model is given for the role 'controller'" in capsys.readouterr().err
    assert not (tmp_path / "runs.db").exists()


def test_options_of_models_that_nothing_asks_are_remarked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["run", "--cases", str(DATA / "mini.yaml"), "--store", str(tmp_path / "runs.db"), "--quiet"]
    assert main([*start, "--agents", "golden,inert", "--doctor", "nope", "--run", "one"]) == 0
    assert "--doctor nope is not asked: no model plays golden, inert." in capsys.readouterr().err
    assert main([*start, "--agents", "inert", "--calls", "replay", "--max-calls", "0", "--run", "two"]) == 0
    assert "--calls replay, --max-calls: without effect" in capsys.readouterr().err
    assert main([*start, "--agents", "inert", "--run", "three"]) == 0
    assert "without effect" not in capsys.readouterr().err


def test_a_doctor_that_is_a_model_is_not_remarked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["run", "--cases", str(DATA / "mini.yaml"), "--store", str(tmp_path / "runs.db"), "--quiet", "--max-calls", "0"]
    assert main([*start, "--agents", "chat,inert", "--doctor", "openai/local@http://127.0.0.1:9/v1"]) in {1, 130}
    told = capsys.readouterr().err
    assert "Score: mean over cases" in told, "it was played"
    assert "not asked" not in told
    assert "without effect" not in told
