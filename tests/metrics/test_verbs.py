"""The verbs metrics and rate, as a stranger would type them; models are a server on loopback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medsim.cli import main
from medsim.store import Store
from tests.conftest import DATA
from tests.llm.server import chat, response, running

MINI = str(DATA / "mini.yaml")
RATING = '{"confidence": 7, "compliance": 8, "consultation": 9}'
RULING = '{"same": true, "why": "the same"}'


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = str(tmp_path / "r.db")
    for run, seed in (("plain", 0), ("again", 0), ("other", 5)):
        words = ["run", "--cases", MINI, "--agents", "golden,inert", "--seed", str(seed), "--store", path, "--run", run, "--trials", "2"]
        assert main(words) == 0
    capsys.readouterr()
    return path


def figures(capsys: pytest.CaptureFixture[str], *words: str) -> dict[tuple[str, str], dict[str, Any]]:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return {(row["agent"], row["name"]): row for row in json.loads(capsys.readouterr().out)}


def answer(body: dict[str, Any]) -> bytes:
    return response(chat(RULING if "compare two answers" in body["messages"][0]["content"] else RATING))


def test_metrics_gives_the_figures_of_a_run(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = figures(capsys, "metrics", "plain", "--store", store)
    assert (found["golden", "accuracy"]["value"], found["inert", "accuracy"]["value"]) == (1.0, 0.0)
    assert found["golden", "accuracy"]["low"] is None, "one case has no interval"
    assert {agent for agent, _ in figures(capsys, "metrics", "plain", "--agent", "golden", "--store", store)} == {"golden"}
    assert main(["metrics", "plain", "--store", store]) == 0
    shown = capsys.readouterr()
    assert "information_right" in shown.out
    assert "Traceback" not in shown.err


def test_metrics_against_another_run_gives_paired_effects_and_says_what_differs(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    same = figures(capsys, "metrics", "plain", "--against", "again", "--store", store)
    assert (same["golden", "effect_on_accuracy"]["value"], same["golden", "unpaired"]["value"]) == (0.0, 0.0)
    apart = figures(capsys, "metrics", "plain", "--against", "other", "--store", store)
    assert apart["golden", "effect_on_accuracy"]["value"] is None, "other seeds are no pairs"
    assert apart["golden", "unpaired"]["value"] == 4.0
    within = figures(capsys, "metrics", "plain", "--against", "plain", "--agent", "golden", "--against-agent", "inert", "--store", store)
    assert within["inert - golden", "effect_on_accuracy"]["value"] == -1.0
    assert main(["metrics", "plain", "--against", "other", "--store", store]) == 0
    assert "seed: 0 -> 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["plane"], "Did you mean 'plain'"),
        (["plain", "--against", "agin"], "Did you mean 'again'"),
        (["plain", "--agent", "gold"], "Did you mean 'golden'"),
        (["plain", "--against-agent", "golden"], "--against RUN2"),
    ],
)
def test_a_slip_in_metrics_is_answered_with_what_there_is(
    store: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["metrics", *words, "--store", store]) == 2
    assert told in capsys.readouterr().err


def test_rate_stores_ratings_and_rulings_once_and_metrics_shows_them(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running([answer] * 20) as server:
        model = f"openai/local@{server.url}"
        words = ["rate", "plain", "--patient", model, "--judge", model, "--store", store, "--jobs", "4", "--json"]
        assert main(words) == 0
        rows = json.loads(capsys.readouterr().out)
        asked = len(server.bodies)
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out) == []
        assert len(server.bodies) == asked, "what is rated is not asked again"
    of_golden = {row["rubric"]: row["figures"] for row in rows if row["agent"] == "golden"}
    assert of_golden["patient_ratings"] == {"confidence": 7.0, "compliance": 8.0, "consultation": 9.0}
    assert of_golden["moderator"] == {"diagnosis": "met"}
    found = figures(capsys, "metrics", "plain", "--store", store)
    assert [found["golden", name]["value"] for name in ("confidence", "compliance", "consultation")] == [7.0, 8.0, 9.0]
    assert found["golden", "accuracy_moderator"]["value"] == 1.0
    opened = Store(store)
    rated = next(row["id"] for row in opened.rows(run="plain") if row["agent"] == "golden")
    assert {call["role"] for call in opened.calls(rated, run="plain")} == {"patient", "judge"}
    assert len(opened.scores(rated, run="plain")) == 3, "beside the rubric's own"


def test_what_could_not_be_rated_is_told_and_is_tried_again_by_the_same_command(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    with running([response(chat("I liked it."))] * 6) as server:  # two visits of golden, three answers each
        words = ["rate", "plain", "--patient", f"openai/local@{server.url}", "--store", store, "--jobs", "1", "--json"]
        assert main(words) == 1
        rows = [row for row in json.loads(capsys.readouterr().out) if row["agent"] == "golden"]
        assert all("could not be read" in row["error"] and not row["figures"] for row in rows)
        server.then(*[answer] * 20)
        main(words)
        again = [row for row in json.loads(capsys.readouterr().out) if row["agent"] == "golden"]
    assert [row["figures"]["confidence"] for row in again] == [7.0, 7.0]
    found = figures(capsys, "metrics", "plain", "--store", store)
    assert found["golden", "confidence"]["value"] == 7.0


def test_a_budget_that_is_spent_stops_rating_and_keeps_what_was_rated(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running([answer] * 20) as server:
        models = tmp_path / "models.yaml"
        models.write_text(
            f"schema: medsim.models/1\npatient: {{model: openai/local, api_base: '{server.url}', max_tokens: 50, price_in: 100, price_out: 100}}\n"
        )
        words = ["rate", "plain", "--models", str(models), "--store", store, "--jobs", "1", "--json"]
        assert main([*words, "--max-usd", "0.000001"]) == 130
        shown = capsys.readouterr()
        assert "budget is spent" in shown.err
        assert server.bodies == []
        assert main(words) == 0
    assert figures(capsys, "metrics", "plain", "--store", store)["golden", "confidence"]["value"] == 7.0


def test_rate_needs_somebody_to_rate(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rate", "plain", "--store", store]) == 2
    assert "--patient MODEL" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--judge", "nope"], "No judge 'nope'"),
        (["--judge", "keywords"], "No judge 'keywords'"),
        (["--patient", "none"], "No judge 'none'"),
    ],
)
def test_a_rater_that_is_no_model_is_refused_before_anything_is_asked(
    store: str, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["rate", "plain", *words, "--store", store]) == 2
    assert told in capsys.readouterr().err


def test_a_judge_that_never_answers_gives_no_verdict_on_what_needs_no_question(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The visits of inert end without an answer, and so are wrong without a question; those of golden are asked about."""
    with running([response(chat("I cannot say."))] * 6) as server:
        words = ["rate", "plain", "--judge", f"openai/local@{server.url}", "--store", store, "--jobs", "1", "--json"]
        assert main(words) == 1
        assert [row["figures"] for row in json.loads(capsys.readouterr().out)] == [{}] * 4
        opened = Store(store)
        rated = [
            score for row in opened.rows(run="plain") for score in opened.scores(row["id"], run="plain") if score["rubric"] == "moderator"
        ]
        assert len(rated) == 2, "what failed is kept as unknown"
        assert all(score["score"] is None for score in rated)
        server.then(*[answer] * 4)
        assert main(words) == 0
        figures = [row["figures"] for row in json.loads(capsys.readouterr().out)]
    assert sorted(one["diagnosis"] for one in figures) == ["met", "met", "unmet", "unmet"]
