"""What the next study needs, from what a run shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from medsim.cli import main
from medsim.errors import MedsimError
from medsim.evaluation.planning import AGENT, CASE, JUDGE, SEED, plan
from medsim.stats import cases_needed, claim
from medsim.store import Store
from tests.evaluation.study import card, study

Scores = dict[str, dict[str, list[float | None]]]


def drawn(*, cases: int, trials: int, case: float, seed: float, noise: float, agents: str = "ab") -> Scores:
    """Scores with a known standard deviation from case to case (of each agent's own), from seed to seed, and of what remains."""
    generator = np.random.default_rng(3)
    own = generator.normal(0.5, case, (len(agents), cases, 1))
    luck = generator.normal(0, seed, (1, cases, trials)) + generator.normal(0, noise, (len(agents), cases, trials))
    return {agent: {f"c{at:03}": row.tolist() for at, row in enumerate(table)} for agent, table in zip(agents, own + luck, strict=True)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "r.db")


def test_the_spread_of_the_difference_is_found_and_decides_the_plan(store: Store) -> None:
    study(store, "r", drawn(cases=120, trials=2, case=0.1, seed=0.1, noise=0.1))
    found = plan("r", store=store, difference=0.05)
    assert (found.agents, found.cases, found.trials) == (["a", "b"], 120, 2)
    assert found.spread.case == pytest.approx(2 * 0.1**2, rel=0.35), "the seed is shared by both agents and cancels"
    assert found.spread.trial == pytest.approx(2 * 0.1**2, rel=0.35)
    assert {need.trials for need in found.needs} == {1, 2, 3, 5}
    assert all(need.cases == cases_needed(0.05, sd=found.spread.sd(need.trials)) for need in found.needs)
    assert found.supports == claim(120, sd=found.spread.sd(2))


def test_the_spread_of_scores_is_split_into_case_agent_and_seed(store: Store) -> None:
    study(store, "r", drawn(cases=60, trials=3, case=0.1, seed=0.2, noise=0.05, agents="abc"))
    split = plan("r", store=store).split
    assert split is not None
    assert split.components[SEED] == pytest.approx(0.2**2, rel=0.3)
    assert split.components[AGENT] == pytest.approx(0.1**2, rel=0.4)
    assert split.components["rest"] == pytest.approx(0.05**2, rel=0.3)
    assert split.components[CASE] < 0.005


def test_judges_have_a_share_where_several_have_scored(store: Store) -> None:
    study(store, "r", {"a": {f"c{i}": [0.5] for i in range(8)}, "b": {f"c{i}": [i % 2 / 2] for i in range(8)}})
    assert JUDGE not in (plan("r", store=store).split or pytest.fail("no split")).components
    for at, row in enumerate(store.rows(run="r")):
        for judge, lean in (("kind", 0.25), ("strict", 0.0), ("mid", 0.25 * (at % 2))):
            assert store.add_score(row["id"], card(0.5 + lean, judge=judge), run="r")
    split = plan("r", store=store).split
    assert split is not None
    assert split.components[JUDGE] > 0


def test_one_agent_is_planned_for_with_a_rival_like_it_and_that_is_said(store: Store) -> None:
    scores = drawn(cases=80, trials=2, case=0.1, seed=0.05, noise=0.0)
    study(store, "r", {"a": scores["a"]})
    found = plan("r", store=store)
    assert found.agents == ["a"]
    means = np.array([np.mean(trials) for trials in scores["a"].values()])  # type: ignore[arg-type]
    noise = np.mean([np.var(trials, ddof=1) for trials in scores["a"].values()])  # type: ignore[arg-type]
    assert found.spread.case == pytest.approx(2 * (means.var(ddof=1) - noise / 2))
    assert found.spread.trial == pytest.approx(2 * noise)
    assert any("One agent only" in note for note in found.notes)


def test_one_trial_is_said_and_planned_with_one_trial(store: Store) -> None:
    study(store, "r", drawn(cases=20, trials=1, case=0.1, seed=0.1, noise=0.1))
    found = plan("r", store=store)
    assert [need.trials for need in found.needs] == [1]
    assert any("One trial a case" in note for note in found.notes)


def test_of_several_agents_the_pair_that_varies_most_is_planned_for(store: Store) -> None:
    calm = drawn(cases=20, trials=1, case=0.02, seed=0, noise=0, agents="ab")
    wild = drawn(cases=20, trials=1, case=0.3, seed=0, noise=0, agents="c")
    study(store, "r", {**calm, **wild})
    assert "c" in plan("r", store=store).agents
    assert plan("r", store=store, agents=["a", "b"]).agents == ["a", "b"]


def test_cases_of_one_source_ask_for_more_cases(store: Store) -> None:
    generator = np.random.default_rng(5)
    gaps = np.repeat(generator.normal(0, 0.2, 10), 4)
    scores: Scores = {"a": {f"c{i:02}": [0.5 + float(gap)] for i, gap in enumerate(gaps)}, "b": {f"c{i:02}": [0.5] for i in range(40)}}
    study(store, "apart", scores)
    study(store, "together", scores, groups={f"hash-c{i:02}": str(i // 4) for i in range(40)}, seed=1)
    apart, together = (plan(run, store=store).needs[0].cases for run in ("apart", "together"))
    assert together > 2 * apart


@pytest.mark.parametrize(
    ("scores", "says"),
    [
        ({"a": {"x": [1.0]}, "b": {"x": [0.5]}}, "at least two cases with a score"),
        ({"a": {"x": [None], "y": [None]}}, "at least two cases with a score"),
        ({"a": {"x": [1.0], "y": [1.0]}, "b": {"x": [0.5], "y": [0.5]}}, "differ by the same in every case"),
        ({}, "at least two cases with a score"),
    ],
)
def test_too_little_is_told_in_a_sentence(store: Store, scores: Scores, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    study(store, "r", scores)
    assert main(["power", "r", "--store", str(store.path)]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(("difference", "power"), [(0.0, 0.8), (10.0, 0.8), (0.1, 1.0), (0.1, 0.0)])
def test_a_difference_or_power_that_means_nothing_is_refused(store: Store, difference: float, power: float) -> None:
    study(store, "r", drawn(cases=5, trials=1, case=0.1, seed=0, noise=0))
    with pytest.raises(MedsimError, match="between 0 and 1"):
        plan("r", store=store, difference=difference, power=power)


def test_the_verb_says_it_in_plain_words_and_as_json(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    study(store, "r", drawn(cases=20, trials=2, case=0.1, seed=0.05, noise=0.05))
    assert main(["power", "r", "--store", str(store.path)]) == 0
    out = capsys.readouterr().out
    assert "20 cases support differences of" in out
    assert "encounters" in out
    assert main(["power", "r", "--store", str(store.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["supports"].startswith("20 cases support differences of")
    assert [need["encounters"] for need in told["needs"]] == sorted(need["encounters"] for need in told["needs"])


def test_people_who_labelled_are_no_judges_in_the_spread(store: Store) -> None:
    study(store, "r", {"a": {f"c{i}": [0.5] for i in range(8)}, "b": {f"c{i}": [i % 2 / 2] for i in range(8)}})
    for at, row in enumerate(store.rows(run="r")):
        for judge, lean in (("kind", 0.25), ("human:ann", 0.0), ("human:ben", 0.25 * (at % 2))):
            assert store.add_score(row["id"], card(0.5 + lean, judge=judge), run="r")
    assert JUDGE not in (plan("r", store=store).split or pytest.fail("no split")).components, "one judge is left, so none can be told apart"
