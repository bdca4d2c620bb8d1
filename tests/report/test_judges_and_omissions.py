"""What a report makes of judges and people, of what was left undone, of rubrics that clip the mean, and of several identities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from medsim.cli import main
from medsim.evaluation.stats import summarise
from medsim.report import report
from medsim.report.page import page
from medsim.rubric import mean_score
from medsim.store import Store
from medsim.store.tally import tallies
from tests.agreement.conftest import Ward, played, truth, ward, wrong
from tests.report.shelf import card, events, item, opened, put, run

__all__ = ["played", "ward"]


def test_a_critical_omission_is_listed_among_the_harms_and_counted(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["careful", "idle"])
    for at in range(5):
        name = f"case{at}"
        for agent, verdict in (("careful", "met"), ("idle", "unmet")):
            saved = item(
                "shock", verdict, points=5, critical="" if verdict == "met" else "cap", critical_when="unmet", text="Gives a shock"
            )
            told = replace(card(None, [item("x", "met"), saved], case_id=name), critical=("shock",) if verdict == "unmet" else ())
            put(store, "r", agent, case_id=name, scored=told, identity=identity)
    made = report(store, ["r"])
    careful, idle = made.figures["headline"]
    assert (careful["critical_harm"]["value"], idle["critical_harm"]["value"]) == (0, 1), "what was done was looked for and is no harm"
    assert {(row["name"], row["item"], row["left_undone"], row["critical"]) for row in made.figures["harms"]} == {
        ("idle", "shock", True, "cap")
    }
    assert len(made.figures["harms"]) == 5
    assert "Gives a shock (critical, left undone)" in page(made)
    counts = tallies(store, run="r")
    by_agent = {row["agent"]: counts[row["id"]][0] for row in store.rows(run="r")}
    assert [(one.critical, one.watched, one.unsure) for one in (by_agent["careful"], by_agent["idle"])] == [(0, 1, 0), (1, 1, 0)]
    for agent, rate in (("careful", 0.0), ("idle", 1.0)):
        assert summarise(agent, store.rows(run="r", agent=agent), tallies=counts).harm.value == rate


def test_a_rubric_that_clips_the_mean_is_clipped_there_and_nowhere_before(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["mild", "grim"])
    cards = {"mild": [0.9, 0.8, -0.5, 0.7, 0.6], "grim": [-0.5, -0.2, 0.1, -0.9, 0.2]}
    for agent, values in cards.items():
        for at, value in enumerate(values):
            told = replace(card(None, [item("x", "met")], case_id=f"c{at}"), raw=value, score=value, passed=value > 0.5)
            put(store, "r", agent, case_id=f"c{at}", scored=told, identity=identity)
    figures = report(store, ["r"]).figures
    grim, mild = sorted(figures["headline"], key=lambda row: row["agent"])
    assert mild["score"]["value"] == pytest.approx(0.5), "a negative encounter lowers the mean: 2.5 of 5, not 3.0 of 5"
    assert grim["score"]["value"] == 0
    assert grim["score"]["low"] == 0
    for agent, row in (("mild", mild), ("grim", grim)):
        summed = summarise(agent, store.rows(run="r", agent=agent))
        by_hand = mean_score(replace(card(None, []), score=value) for value in cards[agent])
        assert summed.score.value == pytest.approx(row["score"]["value"])
        assert summed.score.value == pytest.approx(by_hand.value)
    assert [row["score"] for row in figures["cases"] if row["name"] == "mild"] == cards["mild"], "each encounter's stays as it is"
    (pair,) = figures["differences"]
    assert abs(pair["difference"]["value"]) == pytest.approx(0.5 + 0.26), "of scores as they are"
    assert any("clips the mean" in text for text in figures["remarks"])


def test_peoples_labels_are_shown_only_where_they_are_named(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    ids = [put(store, "r", "a", case_id=name, identity=identity) for name in ("one", "two", "three")]
    for at, ident in enumerate(ids):
        store.add_score(ident, card(None, [item("x", "met")], case_id="talk", judge="human:ann", rubric="talk"), run="r")
        if at:
            store.add_score(ident, card(None, [item("x", "unmet")], case_id="talk", judge="model x3", rubric="talk"), run="r")
    figures = report(store, ["r"]).figures
    assert figures["scoring"]["judge"] == "model x3", "though more encounters have labels"
    assert [one["judge"] for one in figures["scoring"]["others"]] == ["human:ann"]
    named = report(store, ["r"], judge="human:ann").figures
    assert named["headline"][0]["score"]["value"] == 1
    assert any("one person's labels" in text for text in named["limits"])


def test_a_judge_that_people_do_not_agree_with_is_said_to_be_no_judge_of_it(ward: Ward) -> None:
    def good_at_talk(trajectory: str, name: str) -> str:
        return truth(trajectory, name) if name in {"greets", "listens"} else wrong(truth, share=0.5, name="x")(trajectory, name)

    ward.judge("model a", good_at_talk)  # type: ignore[arg-type]
    ward.judge("model b", truth)
    before = report(ward.store, ["r"], rubric="talk", judge="model a", places=ward.places)
    assert before.figures["unscorable"] == [], "without labels nothing is claimed"
    assert "<code>Not scorable" not in page(before)
    ward.people("ann", truth)
    made = report(ward.store, ["r"], rubric="talk", judge="model a", places=ward.places)
    assert [row["competency"] for row in made.figures["unscorable"]] == ["all", "PC"]
    assert {row["judge"] for row in made.figures["unscorable"]} == {"model a"}
    assert "below 0.6" in made.figures["unscorable"][1]["reason"]
    assert "Not scorable by this judge, held against people" in page(made)
    assert any("patient care" in text and "no result" in text for text in made.figures["limits"])
    assert report(ward.store, ["r"], rubric="talk", judge="model b", places=ward.places).figures["unscorable"] == []
    assert report(ward.store, ["r"], judge="none", places=ward.places).figures["unscorable"] == [], "the log is no judge"


def test_results_of_two_identities_stand_side_by_side_in_show_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = opened(tmp_path)
    for name, patient, verdict in (("r1", "scripted", "met"), ("r2", "other", "unmet")):
        identity = run(store, name, ["a"], config={"patient": patient})
        for case in ("one", "two"):
            put(store, name, "a", case_id=case, scored=card(None, [item("x", verdict)], case_id=case), identity=identity)
    where = ["--store", str(tmp_path / "shelf.db"), "--json"]
    assert main(["show", *where]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted((row["run"], row["score"]) for row in rows) == [("r1", 1), ("r1", 1), ("r2", 0), ("r2", 0)], (
        "one row an encounter, no mean"
    )
    assert len({row["identity"] for row in rows}) == 2
    assert main(["report", "r1", "r2", *where]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["score"]["value"]) for row in figures["headline"]] == [("a (r1)", 1), ("a (r2)", 0)]
    assert 0.5 not in {row["score"] for row in figures["cases"]}


def test_a_harm_that_is_met_and_not_critical_is_still_listed(tmp_path: Path) -> None:
    store: Store = opened(tmp_path)
    identity = run(store, "r", ["a"])
    rude = item("rude", "met", points=-1, evidence=(1,))
    put(
        store,
        "r",
        "a",
        case_id="one",
        happened=events(
            (),
        ),
        scored=card(None, [item("x", "met"), rude], case_id="one"),
        identity=identity,
    )
    (row,) = report(store, ["r"]).figures["harms"]
    assert (row["item"], row["left_undone"], row["critical"], row["turn"]) == ("rude", False, "", 1)


def test_pairs_that_the_ranks_do_not_use_are_named_and_what_so_few_cases_cannot_show_is_said(tmp_path: Path) -> None:
    store = opened(tmp_path)
    identity = run(store, "r", ["ceiling", "floor", "middling"])
    for at in range(6):
        name = f"c{at}"
        for agent, met in (("ceiling", 10), ("floor", 0), ("middling", 2 + at % 3)):
            items = [item(f"x{n}", "met" if n < met else "unmet") for n in range(10)]
            put(store, "r", agent, case_id=name, scored=card(None, items, case_id=name), identity=identity)
    made = report(store, ["r"])
    assert "Not used for the ranks: ceiling and floor." in made.figures["rank_note"]
    assert next((row["name"], row["best"], row["worst"]) for row in made.figures["ranks"]) == ("ceiling", 1, 2)
    (told,) = made.figures["remarks"]
    assert "corrected for 3 pairs not below 0.09" in told
    assert told in page(made)
