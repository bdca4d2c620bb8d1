"""``medsim agree`` and ``medsim standards`` as a stranger would type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsim.agreement import borderline_of, read_estimates
from medsim.cli import main
from medsim.errors import StoreError
from tests.agreement.conftest import CASES, Ward, truth, wrong


def agree(ward: Ward, *more: str) -> int:
    return main(["agree", "r", "--store", str(ward.store.path), *more])


def test_agree_prints_tables_what_is_not_scorable_and_corrected_scores(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    ward.judge("model a", wrong(truth, share=0.35, name="a"))
    ward.people("ann", truth)
    capsys.readouterr()
    assert agree(ward, "--rubric", "talk") == 0
    out = capsys.readouterr().out
    for words in (
        "held against human reference",
        "kappa",
        "not scorable",
        "PC, model a: kappa",
        "Rogan-",
        "prediction-",
        "secret-agent-1",
        "200",
    ):
        assert words in out
    assert agree(ward, "--rubric", "talk", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["comparisons"][0]["rows"][0]["kappa"]["low"] < data["comparisons"][0]["rows"][0]["kappa"]["value"]
    assert {one["competency"] for one in data["not_scorable"]} >= {"all", "PC"}
    assert {row["agent"] for row in data["corrected"]} == {"secret-agent-1", "secret-agent-2"}
    assert data["corrected"][0]["rogan_gladen"]["n"] == CASES


def test_agree_without_labels_says_that_nothing_is_known_of_the_judges(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    ward.judge("model a", truth)
    ward.judge("model \x1b[31mb", wrong(truth, share=0.2, name="b"))
    capsys.readouterr()
    assert agree(ward, "--between", "model a", "model \x1b") == 0
    out = capsys.readouterr().out
    assert "nobody has labelled an item" in out
    assert "not scorable" not in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rubric", "tlk"), "No score of run 'r' is by a rubric 'tlk'"),
        (("--between", "none"), "Two raters at least"),
        ((), "One rater cannot agree"),
    ],
)
def test_agree_answers_a_wrong_question_with_a_sentence(
    ward: Ward, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert agree(ward, *words) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""
    assert main(["agree", "rr", "--store", str(ward.store.path)]) == 2
    assert "No run 'rr'" in capsys.readouterr().err


# ---- pass marks --------------------------------------------------------------------------------------------------------------------


def estimates(path: Path, *lines: str) -> Path:
    path.write_text("rater,item,estimate\n" + "".join(f"{line}\n" for line in lines))
    return path


def test_angoff_gives_a_provisional_mark_with_its_interval(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chances = {"ann": (0.6, 0.8), "ben": (0.5, 0.7), "eve": ("70%", 0.9)}
    path = estimates(
        tmp_path / "e.csv",
        *(f"{who},{item},{value}" for who, both in chances.items() for item, value in zip(("a", "b"), both, strict=True)),
    )
    assert main(["standards", "angoff", str(path), "--json"]) == 0
    mark = json.loads(capsys.readouterr().out)
    assert mark["mark"] == pytest.approx((0.7 + 0.6 + 0.8) / 3)
    assert mark["provisional"]
    assert mark["low"] < mark["mark"] < mark["high"]
    assert main(["standards", "angoff", str(path)]) == 0
    assert "provisional pass mark 0.70" in capsys.readouterr().out


def test_angoff_weighs_by_a_rubric_and_wants_its_items(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = estimates(tmp_path / "e.csv", *(f"{who},{item},0.5" for who in ("ann", "ben", "eve") for item in ("relationship", "openin")))
    assert main(["standards", "angoff", str(path), "--rubric", "communication"]) == 2
    assert "Did you mean 'opening'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        (["ann,a,0.5", "ben,a,0.5"], 1, "2 raters given, at least 3 expected"),
        (["ann,a,0.5", "ben,a,0.5", "eve,a,0.5", "eve,b,0.5"], 1, "ann left out b"),
        (["ann,a,50", "ann,b,x", ",a,0.5", "ben,a,0.5", "ben,a,0.6"], 2, "line 2: the estimate 50 is not a chance"),
        ([], 2, "holds no estimate"),
    ],
)
def test_angoff_without_a_mark_says_why(tmp_path: Path, lines: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["standards", "angoff", str(estimates(tmp_path / "e.csv", *lines))]) == code
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_every_fault_of_a_file_of_estimates_is_named(tmp_path: Path) -> None:
    path = estimates(tmp_path / "e.csv", "ann,a,50", "ann,b,x", ",a,0.5", "ben,a,0.5", "ben,a,0.6")
    with pytest.raises(StoreError) as caught:
        read_estimates(path)
    told = str(caught.value)
    assert all(f"line {line}:" in told for line in (2, 3, 4, 6))
    assert "line 5:" not in told


def test_borderline_regression_is_refused_below_thirty_rated_runs(ward: Ward, capsys: pytest.CaptureFixture[str]) -> None:
    from medsim.metrics import ratings

    words = ["standards", "borderline", "r", "--store", str(ward.store.path), "--borderline", "5"]
    assert main([*words, "--rating", "confidence"]) == 2
    assert "has no rating on any scale" in capsys.readouterr().err
    for at, one in enumerate(ward.known):
        ward.store.add_score(one.trajectory, ratings.card(ratings.Ratings(1 + at % 9, 5, 5), "patient:a"))
    assert main([*words, "--rating", "confidence"]) == 1
    assert f"{2 * CASES} rated runs, at least 30 expected" in capsys.readouterr().out
    assert main([*words, "--rating", "confidenc"]) == 2
    assert "Did you mean 'confidence'" in capsys.readouterr().err
    assert main(words) == 2
    assert "--rating ITEM" in capsys.readouterr().err


def test_borderline_regression_on_enough_rated_runs(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    from medsim.metrics import ratings

    monkeypatch.setattr("medsim.stats.standards.RUNS", 2 * CASES)
    for one in ward.known:
        good = one.agent == "secret-agent-1"
        ward.store.add_score(one.trajectory, ratings.card(ratings.Ratings(8 if good else 2, 5, 5), "patient:a"))
    mark, told = borderline_of(ward.store, "r", rating="confidence", borderline=5)
    scores = {row["agent"]: row["score"] for row in ward.store.rows()}
    assert mark.mark == pytest.approx((scores["secret-agent-1"] + scores["secret-agent-2"]) / 2)
    assert not mark.provisional
    assert "judge none" in told


def test_an_unknown_method_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["standards", "angof", "x"]) == 2
    assert "Did you mean 'angoff'" in capsys.readouterr().err
