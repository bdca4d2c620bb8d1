"""Runs: resumable, paired, honest about what has no score."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsim.agent import make
from medsim.case import Case
from medsim.errors import CaseError, MedsimError, StoreError
from medsim.evaluation import Done, Job, Seats, Watch, episode_seed, evaluate, failures
from medsim.evaluation.failures import boundary
from medsim.evaluation.stats import summarise
from medsim.patient.seat import Patient
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
    assert golden.score.value is not None
    assert inert.score.value is not None
    assert golden.score.value > 0.9 > inert.score.value
    assert golden.pass_rate.value == 1
    assert inert.pass_rate.value == 0


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


class Sometimes:
    """An agent that fails where the list of seeds says so."""

    failing: set[int] = set()
    played: list[int] = []

    def reset(self, seed: int) -> None:
        self.seed = seed
        self.played.append(seed)

    def act(self, observation: str) -> str:
        if self.seed in self.failing:
            raise RuntimeError("lost the line")
        return "end:"


@pytest.mark.parametrize("jobs", [1, 4])
def test_retrying_errors_plays_what_had_failed_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    seeds = [episode_seed(0, "mini", trial) for trial in range(6)]
    name, store = "tests.test_evaluate:Sometimes", Store(tmp_path / "r.db")
    monkeypatch.setattr(Sometimes, "failing", {seeds[1], seeds[4]})
    evaluate([name], cases=[MINI], trials=5, store=store, jobs=jobs)
    monkeypatch.setattr(Sometimes, "failing", {seeds[4]})
    monkeypatch.setattr(Sometimes, "played", [])
    result = evaluate([name], cases=[MINI], trials=6, store=store, jobs=jobs, retry_errors=True)
    assert sorted(Sometimes.played) == sorted([seeds[1], seeds[4]]), "not the sixth trial, which is new"
    assert (result.played, result.kept) == (2, 3)
    assert {row["trial"]: row["status"] for row in store.rows()} == {0: "finished", 1: "finished", 2: "finished", 3: "finished", 4: "error"}
    (failure,) = result.failures
    assert (failure.boundary, failure.number) == ("Agent", 1)
    assert "on mini, trial 4: RuntimeError: lost the line" in failure.reason
    monkeypatch.setattr(Sometimes, "failing", set())
    assert evaluate([name], cases=[MINI], trials=6, store=store, jobs=jobs, resume=True).played == 2, "resuming plays both"
    assert len(store.rows()) == 6


def test_failures_are_told_by_the_boundary_that_the_exceptions_name() -> None:
    reasons = {
        "agent": "Agent", "LLMError": "LLM", "BudgetSpent": "LLM", "PatientError": "Patient", "JudgeError": "Judge", "StoreError": "Store",
        "ActionError": "Action", "CaseError": "Case", "consult": "Engine", "MedsimError": "Medsim",
    }  # fmt: skip
    assert {reason: boundary(reason) for reason in reasons} == reasons
    blank = {"agent": "a", "case_id": "x", "trial": 0}
    rows = [{**blank, "status": "error", "reason": reason, "error": f"{reason}!"} for reason in ["agent", "BudgetSpent", "LLMError"]]
    found = failures([*rows, {**blank, "status": "finished", "reason": "LLMError", "error": ""}])
    assert [(one.boundary, one.number, one.reason) for one in found] == [
        ("LLM", 2, "a on x, trial 0: BudgetSpent!"), ("Agent", 1, "a on x, trial 0: agent!"),
    ]  # fmt: skip


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_seat_that_cannot_be_filled_is_an_error_of_its_encounter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    asked, patient_of = [0], Seats.patient_of

    def sometimes(seats: Seats, case: Case) -> Patient:
        asked[0] += 1
        if asked[0] == 3:  # the first time is before anything is played
            raise CaseError("This case has no such patient.")
        return patient_of(seats, case)

    monkeypatch.setattr(Seats, "patient_of", sometimes)
    result = evaluate(["inert"], cases=[MINI], trials=4, store=str(tmp_path / "r.db"), jobs=jobs)
    assert [(found.boundary, found.number) for found in result.failures] == [("Case", 1)]
    assert (result.played, result.summaries[0].n) == (4, 3)


def test_what_cannot_be_scored_is_kept_without_a_score_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> None:
        raise ZeroDivisionError("by a rubric")

    monkeypatch.setattr("medsim.evaluation.encounter.score_with", broken)
    store = Store(tmp_path / "r.db")
    result = evaluate(["inert"], cases=[MINI], trials=2, store=store)
    assert [(found.boundary, found.number) for found in result.failures] == [("Judge", 2)]
    assert "ZeroDivisionError: by a rubric" in result.failures[0].reason
    assert [(row["status"] == "error", row["score"]) for row in store.rows()] == [(False, None)] * 2
    assert result.summaries[0].score.value is None


@pytest.mark.parametrize("jobs", [2, 64])
def test_few_results_wait_for_the_store_and_each_encounter_is_told_once(tmp_path: Path, jobs: int) -> None:
    class Counts(Watch):
        def __init__(self) -> None:
            self.lock, self.most = threading.Lock(), 0
            self.begun_with: list[tuple[str, int]] = []
            self.ended_with: list[tuple[str, int]] = []

        def begun(self, job: Job) -> None:
            with self.lock:
                self.begun_with.append((job.agent, job.trial))

        def ended(self, done: Done) -> None:
            with self.lock:
                self.ended_with.append((done.trajectory.agent, done.trajectory.trial))
                self.most = max(self.most, len(self.begun_with) - len(self.ended_with))

    watch = Counts()
    result = evaluate(["inert", "golden"], cases=[MINI], trials=40, store=str(tmp_path / "r.db"), jobs=jobs, watch=watch)
    assert result.played == 80
    assert watch.most <= jobs + jobs // 4 + 1, "those under way, and a quarter as many that wait to be stored"
    assert sorted(watch.begun_with) == sorted(watch.ended_with) == sorted({*watch.begun_with})


def test_a_store_that_fails_ends_the_run_and_leaves_nobody_playing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "r.db")
    save, kept = store.save, 0

    def full(*given: Any, **more: Any) -> None:
        nonlocal kept
        if kept == 5:
            raise StoreError("The disk is full.")
        kept += 1
        save(*given, **more)

    monkeypatch.setattr(store, "save", full)
    with pytest.raises(StoreError, match="disk is full"):
        evaluate(["inert"], cases=[MINI], trials=60, store=store, jobs=8)
    until = time.monotonic() + 10
    while any(thread.name.startswith("medsim-run-") for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("medsim-run-")]
    monkeypatch.undo()
    assert len(store.rows()) == 5
    assert evaluate(["inert"], cases=[MINI], trials=60, store=store, jobs=8, resume=True).played == 55


class Waits:
    """An agent that takes its time."""

    def reset(self, seed: int) -> None:
        self.turns = 0

    def act(self, observation: str) -> str:
        self.turns += 1
        time.sleep(0.05)
        return "end:" if self.turns == 6 else "wait: 1m"


class Impatient(Watch):
    """Presses ctrl-C a moment after so many have ended, and again when told that the run is stopping."""

    def __init__(self, after: int, times: int) -> None:
        self.after, self.times, self.told, self.late = after, times, 0, 0

    def press(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        threading.Timer(0.05, signal.pthread_kill, (main, signal.SIGINT)).start()

    def ended(self, done: Done) -> None:
        self.after -= 1
        self.late += self.told
        if not self.after:
            self.press()

    def stopping(self) -> None:
        self.told += 1
        if self.times == 2:
            self.press()


@pytest.mark.parametrize(("jobs", "times"), [(1, 1), (1, 2), (8, 1), (8, 2)])
def test_the_first_interrupt_lets_end_what_is_under_way_and_the_second_leaves_at_once(tmp_path: Path, jobs: int, times: int) -> None:
    store, name, watch = Store(tmp_path / "r.db"), "tests.test_evaluate:Waits", Impatient(jobs, times)
    result = evaluate([name], cases=[MINI], trials=40, store=store, jobs=jobs, watch=watch)
    rows = store.rows()
    assert (result.stopped, result.played, watch.told) == (True, len(rows), 1)
    assert all(row["status"] == "finished" and row["turns"] == 6 for row in rows), "nothing is stored that did not end"
    assert len(rows) == jobs + watch.late
    if times == 1:
        assert 1 <= watch.late <= jobs, "what was under way has ended"
    else:
        assert watch.late < jobs, "what was under way is left"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    time.sleep(0.1 if times == 2 else 0)
    assert len(store.rows()) == len(rows), "what is left behind is stored nowhere"
    again = evaluate([name], cases=[MINI], trials=2 * jobs + 2, store=store, jobs=16, resume=True)
    assert (again.stopped, again.played, again.kept) == (False, 2 * jobs + 2 - len(rows), len(rows))


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
    assert summary.score.value == 0.5


def test_what_has_no_score_is_counted_and_left_out() -> None:
    summary = summarise("a", rows({"x": [1.0, None], "y": [None]}))
    assert (summary.score.value, summary.unscored) == (1.0, 2)
    assert summarise("a", []).score.value is None


def test_one_case_gives_no_interval_and_many_a_narrower_one() -> None:
    assert summarise("a", rows({"x": [0.5]})).score.low is None
    few, many = ({str(i): [value] for i, value in enumerate(values)} for values in ([0.0, 1.0, 0.5, 0.2], np.linspace(0, 1, 200).tolist()))
    wide, narrow = summarise("a", rows(few)).score, summarise("a", rows(many)).score
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
    assert (broken.errors, broken.n, broken.score.value) == (2, 0, None)
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
