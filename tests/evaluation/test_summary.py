"""One agent summed up: what goes into each figure and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim.errors import MedsimError
from medsim.evaluation.stats import Summary, summarise
from medsim.store import Store
from medsim.store.tally import tallies
from tests.evaluation.study import card, study


def summary(store: Store, *, run: str = "r", agent: str = "a", **options: dict[str, str]) -> Summary:
    return summarise(agent, store.rows(run=run, agent=agent), tallies=tallies(store, run=run), **options)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "r.db")


def test_the_macro_mean_is_over_cases_and_the_micro_mean_over_items(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0, 1.0, 1.0], "y": [0.0]}})
    found = summary(store)
    assert (found.score.value, found.score.n) == (0.5, 2)
    assert found.micro.value == 12 / 16, "three trials of four items met, one of four unmet; the harm item is no quality item"


def test_items_that_are_unknown_are_in_no_count(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [None], "z": [0.5]}})
    found = summary(store)
    assert (found.micro.value, found.score.value, found.score.left_out, found.unscored) == (6 / 8, 0.75, 1, 1)


def test_no_harm_is_told_with_what_the_rule_of_three_leaves_possible(store: Store) -> None:
    study(store, "r", {"a": {f"c{i}": [1.0] for i in range(20)}})
    found = summary(store)
    assert found.harm.value == 0
    assert found.harm.high == pytest.approx(0.139, abs=0.001)
    assert "rule of three" in found.harm.note


def test_harm_that_could_not_be_judged_is_not_taken_as_none(store: Store) -> None:
    kept = study(store, "r", {"a": {"x": [1.0], "y": [1.0]}})
    assert summary(kept).harm.n == 2
    second = Store(store.path.with_name("s.db")) if store.path else store
    study(second, "r", {"a": {"x": [1.0], "y": [1.0]}})
    counts = tallies(second, run="r")
    unsure = {name: [one._replace(unsure=1) for one in several] for name, several in counts.items()}
    found = summarise("a", second.rows(run="r"), tallies=unsure)
    assert (found.harm.value, found.harm.left_out) == (None, 2)


def test_where_no_item_looks_for_harm_none_is_claimed(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [1.0], "z": [1.0]}})
    counts = tallies(store, run="r")
    blind = {name: [one._replace(watched=0) for one in several] for name, several in counts.items()}
    found = summarise("a", store.rows(run="r"), tallies=blind).harm
    assert (found.value, found.high, found.left_out) == (None, None, 3)
    assert "nobody looked" in found.note
    some = {**counts, "r-a-x-0": blind["r-a-x-0"]}
    assert summarise("a", store.rows(run="r"), tallies=some).harm[3:5] == (2, 1)


def test_a_critical_item_without_a_verdict_is_counted_by_the_store(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0]}})
    (row,) = store.rows(run="r")
    for judge, given in (("other", card(1.0, judge="other", harm="unknown")), ("third", card(None, judge="third", harm="met"))):
        assert store.add_score(row["id"], given, run="r"), judge
    first, second, third = tallies(store, run="r")[row["id"]]
    assert (third.critical, third.unsure, third.met, third.decided) == (1, 0, 0, 0), "a harm that was met is no quality item that was"
    assert (first.judge, first.unsure, first.watched, first.met, first.decided) == ("none", 0, 1, 4, 4)
    assert (second.judge, second.unsure, second.met, second.decided) == ("other", 1, 4, 4)


def test_several_trials_tell_how_often_one_and_how_often_all_pass(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0, 0.0], "y": [1.0, 1.0], "z": [0.0, 0.0]}})
    found = summary(store)
    assert found.once is not None
    assert found.always is not None
    assert found.trials == 2
    assert found.once.value == pytest.approx(2 / 3)
    assert found.always.value == pytest.approx(1 / 3)
    study(store, "one", {"a": {"x": [1.0], "y": [0.0]}})
    assert summary(store, run="one").once is None


def test_cases_of_one_source_widen_the_interval_and_leave_the_mean(store: Store) -> None:
    study(store, "r", {"a": {f"c{i:02}": [float(i < 10)] for i in range(20)}})
    apart = summary(store)
    together = summary(store, groups={f"hash-c{i:02}": str(i // 5) for i in range(20)})
    assert apart.score.value == together.score.value == 0.5
    assert (apart.score.n, together.score.n, together.pass_rate.n) == (20, 4, 4)
    study(store, "twice", {"a": {f"c{i:02}": [float(i < 10)] * 2 for i in range(20)}})
    twice = summary(store, run="twice", groups={f"hash-c{i:02}": str(i // 5) for i in range(20)})
    assert [found.n for found in (twice.once, twice.always) if found] == [4, 4]
    for one, other in ((apart.score, together.score), (apart.pass_rate, together.pass_rate)):
        assert one.low is not None
        assert other.low is not None
        assert other.low < one.low


def test_results_of_two_identities_are_never_averaged(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0], "y": [1.0]}})
    study(store, "s", {"a": {"x": [0.0], "y": [0.0]}}, seed=1)
    assert len({row["identity"] for row in store.rows()}) == 2
    with pytest.raises(MedsimError, match="2 identities are never averaged"):
        summarise("a", store.rows(agent="a"))
    assert [summary(store, run=run).score.value for run in "rs"] == [1.0, 0.0]


def test_two_agents_are_never_averaged(store: Store) -> None:
    study(store, "r", {"a": {"x": [1.0]}, "b": {"x": [0.0]}})
    with pytest.raises(MedsimError, match="2 agents are never averaged"):
        summarise("a", store.rows(run="r"))


def test_a_run_in_which_everything_failed_has_no_figure_and_no_zero(store: Store) -> None:
    study(store, "r", {"a": {"x": [None], "y": [None]}}, status="error")
    found = summary(store)
    assert (found.n, found.errors) == (0, 2)
    assert {found.score.value, found.micro.value, found.pass_rate.value, found.harm.value, found.turns} == {None}
