"""Runs: resumable, paired, honest about what has no score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsim.agent import make
from medsim.errors import CaseError, MedsimError, StoreError
from medsim.evaluation import Done, episode_seed, evaluate
from medsim.evaluation.stats import interval, summarise
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


class Fails:
    """An agent that fails on its second trial."""

    def reset(self, seed: int) -> None:
        self.seed = seed

    def act(self, observation: str) -> str:
        if self.seed == episode_seed(0, "mini", 1):
            raise RuntimeError("lost the line")
        return "end:"


def test_agents_over_cases_are_scored_and_summed_up(tmp_path: Path) -> None:
    result = evaluate(["golden", "inert"], cases=[MINI], trials=2, store=str(tmp_path / "r.db"))
    golden, inert = result.summaries
    assert (golden.n, inert.n) == (2, 2)
    assert golden.score.mean is not None
    assert inert.score.mean is not None
    assert golden.score.mean > 0.9 > inert.score.mean
    assert golden.pass_rate == 1
    assert inert.pass_rate == 0


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_run_that_was_stopped_goes_on_with_nothing_lost_and_nothing_twice(tmp_path: Path, jobs: int) -> None:
    store = Store(tmp_path / "r.db")

    def stop(count: int, total: int, done: Done) -> None:
        if count == 3:
            raise KeyboardInterrupt

    first = evaluate(["golden", "inert"], cases=[MINI], trials=4, store=store, jobs=jobs, progress=stop)
    assert first.stopped
    assert len(store.rows()) == 3
    second = evaluate(["golden", "inert"], cases=[MINI], trials=4, store=store, jobs=jobs, resume=True)
    assert (second.run, second.kept, second.played) == (first.run, 3, 5)
    keys = [(row["case_hash"], row["agent"], row["trial"]) for row in store.rows()]
    assert len(keys) == len(set(keys)) == 8
    whole = Store(tmp_path / "whole.db")
    evaluate(["golden", "inert"], cases=[MINI], trials=4, store=whole, run=first.run)
    assert {row["id"]: row["score"] for row in whole.rows()} == {row["id"]: row["score"] for row in store.rows()}


def test_a_second_run_of_the_same_configuration_has_a_name_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.db")
    names = [evaluate(["inert"], cases=[MINI], store=store).run for _ in range(2)]
    assert len(set(names)) == 2


def test_resuming_with_another_configuration_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.db")
    evaluate(["inert"], cases=[MINI], store=store, run="mine")
    with pytest.raises(StoreError, match="seed: 0 -> 5"):
        evaluate(["inert"], cases=[MINI], store=store, run="mine", resume=True, seed=5)
    with pytest.raises(StoreError, match="exists already"):
        evaluate(["inert"], cases=[MINI], store=store, run="mine")
    with pytest.raises(StoreError, match="Nothing to resume"):
        evaluate(["golden"], cases=[MINI], store=store, resume=True)


def test_a_failing_agent_is_an_error_and_never_a_score(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.db")
    result = evaluate(["tests.test_evaluate:Fails"], cases=[MINI], trials=3, store=store)
    (summary,) = result.summaries
    assert (summary.n, summary.errors) == (2, 1)
    assert "lost the line" in result.errors[0]
    again = evaluate(["tests.test_evaluate:Fails"], cases=[MINI], trials=3, store=store, resume=True)
    assert (again.kept, again.played) == (2, 1), "errors are played again"


def test_agents_share_the_seed_of_a_case_and_trial() -> None:
    assert episode_seed(0, "a", 1) == episode_seed(0, "a", 1)
    assert len({episode_seed(s, c, t) for s in range(3) for c in "ab" for t in range(3)}) == 18


def test_wrong_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(CaseError, match="Did you mean 'golden'"):
        make("goldn")
    with pytest.raises(CaseError, match="module:attribute"):
        make("no_such_module:Doctor")
    with pytest.raises(CaseError, match="Did you mean 'starter'"):
        evaluate(["inert"], cases=["startr"], store="sqlite:///:memory:")


def rows(scores: dict[str, list[float | None]]) -> list[dict[str, Any]]:
    blank = {"status": "finished", "passed": 1, "critical": 0, "turns": 1, "seconds": 60, "cost": 1.0, "information": None, "coverage": 1.0}
    return [{**blank, "case_hash": case, "score": value} for case, values in scores.items() for value in values]


def test_the_mean_is_over_cases_not_over_encounters() -> None:
    summary = summarise("a", rows({"x": [1.0, 1.0, 1.0], "y": [0.0]}))
    assert summary.score.mean == 0.5


def test_what_has_no_score_is_counted_and_left_out() -> None:
    summary = summarise("a", rows({"x": [1.0, None], "y": [None]}))
    assert (summary.score.mean, summary.unscored) == (1.0, 2)
    assert summarise("a", []).score.mean is None


def test_one_case_gives_no_interval_and_many_a_narrower_one() -> None:
    assert interval([0.5]).low is None
    wide, narrow = interval([0.0, 1.0, 0.5, 0.2]), interval(list(np.linspace(0, 1, 200)))
    assert wide.low is not None
    assert wide.high is not None
    assert narrow.low is not None
    assert narrow.high is not None
    assert wide.low <= 0.425 <= wide.high
    assert narrow.high - narrow.low < wide.high - wide.low


class NeedsMore:
    """An agent that cannot be made without settings."""

    def __init__(self, key: str) -> None:
        self.key = key


class Leaves:
    """An agent that would end the whole program."""

    def reset(self, seed: int) -> None: ...

    def act(self, observation: str) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(("name", "reason"), [("NeedsMore", "missing 1 required"), ("Leaves", "sys.exit"), ("MINI", "not callable")])
def test_an_agent_that_cannot_be_made_or_leaves_fails_its_encounters_and_no_others(tmp_path: Path, name: str, reason: str) -> None:
    result = evaluate([f"tests.test_evaluate:{name}", "inert"], cases=[MINI], trials=2, store=str(tmp_path / "r.db"))
    broken, inert = result.summaries
    assert (broken.errors, broken.n, broken.score.mean) == (2, 0, None)
    assert (inert.errors, inert.n) == (0, 2)
    assert all(reason in error for error in result.errors)


@pytest.mark.parametrize("source", ["raise RuntimeError('no key')", "def (", "import sys\nsys.exit(4)"])
def test_an_agents_broken_module_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    (tmp_path / "broken_doctor.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MedsimError, match="broken_doctor:Doctor"):
        evaluate(["broken_doctor:Doctor"], cases=[MINI], store="sqlite:///:memory:")


def test_a_stopped_run_counts_what_was_played_and_not_what_was_planned(tmp_path: Path) -> None:
    def stop(count: int, total: int, done: Done) -> None:
        raise KeyboardInterrupt

    result = evaluate(["inert"], cases=[MINI], trials=5, store=str(tmp_path / "r.db"), progress=stop)
    assert (result.stopped, result.played) == (True, 1)


def test_two_programs_that_begin_the_same_run_get_two_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "r.db")
    first = evaluate(["inert"], cases=[MINI], store=store).run
    seen = store.runs()
    stale = iter([[]])
    monkeypatch.setattr(store, "runs", lambda: next(stale, seen))
    second = evaluate(["inert"], cases=[MINI], store=store)
    assert second.run != first
    assert (second.kept, second.played) == (0, 1)
