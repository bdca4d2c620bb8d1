"""Agents of stored runs held against each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

import medsim
from medsim.cli import main
from medsim.errors import MedsimError, StoreError
from medsim.evaluation.comparing import Compared, compare
from medsim.evaluation.planning import plan
from medsim.store import Store
from medsim.store.tables import TRAJECTORIES
from tests.evaluation.study import card, study

CASES = [f"c{i:02}" for i in range(12)]


def spread(shift: float, seed: int = 1) -> dict[str, list[float | None]]:
    drawn = np.random.default_rng(seed).choice([0.0, 0.25, 0.5], size=len(CASES))
    return {case: [float(value) + shift] for case, value in zip(CASES, drawn, strict=True)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "r.db")


def test_two_agents_are_compared_case_by_case(store: Store) -> None:
    study(store, "r", {"good": spread(0.5), "plain": spread(0.0, seed=2)})
    found = medsim.compare("r", store=store)
    (pair,) = found.contrasts
    assert (pair.one, pair.other, pair.difference.n) == ("good", "plain", 12)
    gaps = [good[0] - plain[0] for good, plain in zip(spread(0.5).values(), spread(0.0, seed=2).values(), strict=True)]  # type: ignore[operator]
    assert pair.difference.value == pytest.approx(np.mean(gaps))
    assert pair.difference.low is not None
    assert pair.difference.high is not None
    assert pair.difference.low < np.mean(gaps) < pair.difference.high <= 1
    assert pair.p is not None
    assert pair.p < 0.01
    assert pair.p_holm == pair.p
    assert [(row.agent, row.rank, row.best, row.worst) for row in found.ranks] == [("good", 1, 1, 1), ("plain", 2, 2, 2)]


def test_several_pairs_share_one_error_rate(store: Store) -> None:
    study(store, "r", {"a": spread(0.1), "b": spread(0.0, seed=2), "c": spread(0.05, seed=3)})
    found = compare("r", store=store)
    assert [(pair.one, pair.other) for pair in found.contrasts] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(pair.p is not None and pair.p_holm is not None and pair.p_holm >= pair.p for pair in found.contrasts)
    assert min(pair.p_holm or 0 for pair in found.contrasts) == pytest.approx(min(1, 3 * min(pair.p or 0 for pair in found.contrasts)))


def test_only_trials_that_both_have_are_compared(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0, 0.0], "y": [0.5, 0.5]}, "b": {"x": [0.5, None], "y": [0.5, 0.25]}})
    found = compare("r", store=store)
    (pair,) = found.contrasts
    assert pair.difference.value == pytest.approx((0.5 + 0.125) / 2), "the second trial of x has no value from b and is left out of a too"
    assert any(note.startswith("b, of 4 encounters: 1 without a value") for note in found.notes)


def test_runs_that_differ_in_their_agents_alone_are_compared_without_a_word(store: Store) -> None:
    study(store, "r", {"a": spread(0.5)}, models={"doctor": "one", "question": "small"})
    study(store, "s", {"b": spread(0.0, seed=2)}, models={"doctor": "other"})
    found = compare(["r", "s"], store=store)
    assert (found.refused, found.differences) == ([], [])
    assert [(pair.one, pair.other) for pair in found.contrasts] == [("a@r", "b@s")]


def test_a_difference_that_does_not_bind_is_told(store: Store) -> None:
    study(store, "r", {"a": spread(0.5)})
    study(store, "s", {"a": spread(0.0, seed=2)}, seed=7, agents={"a": "changed"})
    found = compare(["r", "s"], store=store)
    assert found.refused == []
    assert found.differences == ["r and s differ beside their agents: seed: 0 -> 7.", "Agent 'a' is not the same in r and s."]


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("patient", {"patient": "voiced"}),
        ("patient", {"patient_words": "bbbbbbbbbbbbbbbb"}),
        ("patient", {"models": {"patient": "m"}}),
        ("judge", {"models": {"judge": "m"}}),
        ("recipe", {"recipe": {"id": "Consult-v0", "cases": ["starter"], "turns": 3}}),
        ("judge", {"judge": "keywords"}),
        ("rubrics", {"rubric": "other"}),
    ],
)
def test_what_has_to_be_the_same_is_refused_unless_it_is_wanted_and_then_said(store: Store, part: str, changed: dict[str, Any]) -> None:
    study(store, "r", {"a": spread(0.5)})
    study(store, "s", {"b": spread(0.0, seed=2)}, **changed)
    with pytest.raises(MedsimError, match=rf"not compared: {part} differ"):
        compare(["r", "s"], store=store)
    found = compare(["r", "s"], store=store, anyway=True)
    assert found.refused == [part]
    assert found.contrasts[0].difference.value is not None


def test_other_cases_are_refused(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [0.5]}})
    study(store, "s", {"b": {"x": [1.0], "z": [0.5]}})
    with pytest.raises(MedsimError, match=r"cases differ.*case 'y' is gone"):
        compare(["r", "s"], store=store)
    (pair,) = compare(["r", "s"], store=store, anyway=True).contrasts
    assert (pair.difference.n, pair.difference.value) == (1, 0.0)


def test_the_same_cases_at_another_place_are_the_same_cases(store: Store) -> None:
    study(store, "r", {"a": spread(0.5)})
    study(store, "s", {"b": spread(0.0, seed=2)}, recipe={"id": "Consult-v0", "cases": ["/elsewhere/starter"]})
    assert compare(["r", "s"], store=store).refused == []


def test_runs_are_never_pooled_into_one_agent(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [1.0]}})
    study(store, "s", {"a": {"x": [0.0], "y": [0.0]}}, seed=1)
    found = compare(["r", "s"], store=store)
    assert {row.agent: row.mean.value for row in found.standings} == {"a@r": 1.0, "a@s": 0.0}


def test_a_run_whose_results_have_two_identities_is_not_averaged(store: Store) -> None:
    study(store, "r", {"a": spread(0.5), "b": spread(0.0, seed=2)})
    with store.engine.begin() as connection:
        connection.execute(update(TRAJECTORIES).where(TRAJECTORIES.c.case_hash == "hash-c00").values(identity="another"))
    for read in (compare, plan):
        with pytest.raises(MedsimError, match="2 identities are never averaged"):
            read("r", store=store)


def test_cases_of_one_source_are_drawn_together(store: Store) -> None:
    shared = {f"hash-{case}": str(at // 4) for at, case in enumerate(CASES)}
    study(store, "r", {"a": spread(0.5), "b": spread(0.0, seed=2)}, groups=shared)
    found = compare("r", store=store)
    assert found.contrasts[0].difference.n == 3
    assert found.contrasts[0].p is not None
    assert found.contrasts[0].p >= 2 / 2**3, "three signs can be turned in eight ways"
    assert [(row.best, row.worst) for row in found.ranks] == [(1, 2), (1, 2)], "three sources claim no rank"


def test_a_score_by_another_judge_is_compared_where_it_is_named(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [1.0]}, "b": {"x": [0.0], "y": [0.25]}})
    for row in store.rows(run="r"):
        assert store.add_score(row["id"], card(0.5, judge="j"), run="r")
    assert compare("r", store=store).contrasts[0].difference.value == pytest.approx(0.875)
    assert compare("r", store=store, judge="j").contrasts[0].difference.value == 0
    with pytest.raises(StoreError, match=r"no score by judge 'k'. Scores there: r by j, r by none"):
        compare("r", store=store, judge="k")
    with pytest.raises(MedsimError, match="Name both --rubric and --judge"):
        compare("r", store=store, rubric="r")


def test_the_judge_at_play_has_no_say_in_a_score_that_another_gave_later(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [1.0]}}, models={"judge": "m"}, judge="m")
    study(store, "s", {"b": {"x": [0.0], "y": [0.25]}}, models={"judge": "n"}, judge="n")
    for run in "rs":
        for row in store.rows(run=run):
            assert store.add_score(row["id"], card(0.5, judge="j"), run=run)
    with pytest.raises(MedsimError, match="judge differ"):
        compare(["r", "s"], store=store)
    assert compare(["r", "s"], store=store, judge="j").refused == []


def test_passing_is_compared_too(store: Store) -> None:
    study(store, "r", {"a": {case: [1.0] for case in CASES}, "b": {case: [0.25] for case in CASES}})
    (pair,) = compare("r", store=store, measure="passed").contrasts
    assert (pair.difference.value, pair.difference.low) == (1.0, None)
    assert pair.p is not None
    assert pair.p < 0.001


@pytest.mark.parametrize(
    ("scores", "status", "says"),
    [
        ({"a": {"x": [1.0], "y": [0.5]}}, "finished", "one agent only, 'a' in run 'r'"),
        ({"a": {"x": [None]}, "b": {"x": [None]}}, "finished", "No encounter of run 'r' has a value: every score or verdict is unknown"),
        ({"a": {"x": [None]}, "b": {"x": [None]}}, "error", "No encounter of run 'r' has ended"),
        ({}, "finished", "No encounter of run 'r' has ended"),
    ],
)
def test_too_little_is_told_in_a_sentence(
    store: Store, scores: dict[str, dict[str, list[float | None]]], status: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study(store, "r", scores, status=status)
    assert main(["compare", "r", "--store", str(store.path)]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_an_interval_ends_where_differences_end(store: Store) -> None:
    study(store, "r", {"a": {case: [1.0] for case in CASES[:5]}, "b": {case: [0.25 * (at > 3)] for at, case in enumerate(CASES[:5])}})
    gap = compare("r", store=store).contrasts[0].difference
    assert (gap.value, gap.high) == (0.95, 1.0)


def test_one_case_gives_a_difference_without_an_interval(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0]}, "b": {"x": [0.5]}})
    found = compare("r", store=store)
    (pair,) = found.contrasts
    assert (pair.difference.value, pair.difference.low, pair.p) == (0.5, None, None)
    assert "One case gives no interval" in pair.difference.note


def test_agents_without_a_shared_case_have_no_difference_and_no_zero(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [None]}, "b": {"x": [None], "y": [0.5]}})
    (pair,) = compare("r", store=store).contrasts
    assert (pair.difference.value, pair.p, pair.p_holm) == (None, None, None)
    assert "No case and trial" in pair.difference.note


def test_wrong_names_are_answered_with_the_nearest(store: Store) -> None:
    study(store, "monday", {"golden": spread(0.5), "inert": spread(0.0)})
    with pytest.raises(StoreError, match="Did you mean 'monday'"):
        compare("munday", store=store)
    with pytest.raises(StoreError, match="Did you mean 'golden'"):
        compare("monday", agents=["goldn"], store=store)


def data(found: Compared) -> dict[str, object]:
    return dict(json.loads(json.dumps(found.data())))


def test_the_verb_prints_tables_and_the_same_as_json(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    study(store, "r", {"good": spread(0.5), "plain": spread(0.0, seed=2)})
    assert main(["compare", "r", "--store", str(store.path)]) == 0
    captured = capsys.readouterr()
    assert "good − plain" in captured.out
    assert "Holm" in captured.err
    assert main(["compare", "r", "--agents", "plain,good", "--store", str(store.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == data(compare("r", agents=["plain", "good"], store=store))
    assert told["contrasts"][0]["difference"]["value"] < 0


def test_a_name_that_would_steer_the_terminal_does_not(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    study(store, "r", {"\x1b[31mred": spread(0.5), "plain": spread(0.0, seed=2)})
    assert main(["compare", "r", "--store", str(store.path)]) == 0
    assert main(["power", "r", "--store", str(store.path)]) == 0
    captured = capsys.readouterr()
    assert "red" in captured.out
    assert "\x1b[31m" not in captured.out + captured.err


def test_peoples_labels_are_not_taken_for_the_score_of_a_rubric(store: Store) -> None:
    study(store, "r", {"a": {f"c{i}": [1.0] for i in range(5)}, "b": {f"c{i}": [0.0] for i in range(5)}})
    for row in store.rows(run="r"):
        for judge, value in (("model", 0.5), ("human:ann", 1.0)):
            assert store.add_score(row["id"], card(value, judge=judge, rubric="talk"), run="r")
    assert [one.mean.value for one in compare("r", store=store, rubric="talk").standings] == [0.5, 0.5]
    assert [one.mean.value for one in compare("r", store=store, rubric="talk", judge="human:ann").standings] == [1.0, 1.0]


def test_a_judge_is_named_by_the_beginning_of_its_name(store: Store) -> None:
    study(store, "r", {"a": {f"c{i}": [1.0] for i in range(5)}, "b": {f"c{i}": [0.0] for i in range(5)}})
    for row in store.rows(run="r"):
        for judge, value in (("openai/one x3 #aa", 0.25), ("openai/two x3 #bb", 0.75)):
            assert store.add_score(row["id"], card(value, judge=judge), run="r")
    assert [one.mean.value for one in compare("r", store=store, judge="openai/two").standings] == [0.75, 0.75]
    with pytest.raises(StoreError, match=r"Several judges begin with 'openai': openai/one x3 #aa; openai/two x3 #bb"):
        compare("r", store=store, judge="openai")
    with pytest.raises(StoreError, match="no score by judge 'nobody'"):
        compare("r", store=store, judge="nobody")
