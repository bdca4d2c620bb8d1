"""The store: nothing lost, nothing twice, one clear sentence when the database will not."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sql_event

from medsim.agent.script import Golden, Inert, Script
from medsim.case import Case
from medsim.episode import rollout
from medsim.errors import StoreError
from medsim.evaluation import information
from medsim.rubric import score
from medsim.store import Store
from medsim.trajectory import Trajectory


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "runs.db")
    made.begin_run("r", identity="same", config={"seed": 0})
    return made


def kept(store: Store, case: Case, *, trial: int = 0, run: str = "r", name: str = "golden") -> Trajectory:
    played = rollout(case, Golden(case) if name == "golden" else Inert(), name=name, trial=trial, run=run, seed=trial)
    store.save(played, score(case, played.events, played.outcome), information=information(case, played.events))
    return played


def test_a_trajectory_comes_back_as_it_was(store: Store, mini: Case) -> None:
    played = kept(store, mini)
    loaded = store.load(played.id)
    assert loaded.events == played.events
    assert loaded.outcome == played.outcome
    assert store.load(played.id[:5]).id == played.id


def test_scores_keep_every_item_with_its_evidence(store: Store, mini: Case) -> None:
    played = kept(store, mini)
    (only,) = store.scores(played.id)
    card = score(mini, played.events, played.outcome)
    assert only["score"] == card.score
    assert [(item["item"], item["verdict"], tuple(item["evidence"])) for item in only["items"]] == [
        (item.id, item.verdict, item.evidence) for item in card.items
    ]


def test_the_same_encounter_is_not_stored_twice(store: Store, mini: Case) -> None:
    kept(store, mini)
    with pytest.raises(StoreError, match="stored already"):
        kept(store, mini)
    assert len(store.rows()) == 1


def test_an_error_is_replaced_when_it_is_played_again(store: Store, mini: Case) -> None:
    class Broken:
        def reset(self, seed: int) -> None: ...

        def act(self, observation: str) -> str:
            raise RuntimeError("no answer")

    failed = rollout(mini, Broken(), name="golden", run="r")
    assert failed.outcome.status == "error"
    assert "no answer" in failed.error
    store.save(failed)
    assert store.done("r") == set()
    assert store.rows()[0]["score"] is None
    kept(store, mini)
    assert [row["status"] for row in store.rows()] == ["finished"]
    assert len(store.done("r")) == 1


def test_a_second_score_stands_beside_the_first(store: Store, mini: Case) -> None:
    played = kept(store, mini)
    half = mini.rubric.model_copy(update={"items": mini.rubric.items[:3], "id": "half"})
    card = score(mini, played.events, played.outcome, rubric=half)
    assert store.add_score(played.id, card)
    assert not store.add_score(played.id, card), "the same rubric and judge score once"
    assert [row["rubric"] for row in store.scores(played.id)] == ["mini", "half"]


def test_lists_never_read_events(store: Store, mini: Case) -> None:
    kept(store, mini)
    seen: list[str] = []
    sql_event.listen(store.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    assert store.rows(run="r")
    store.runs()
    assert seen
    assert not any("FROM events" in statement for statement in seen)


def test_sqlite_runs_in_wal_mode(store: Store) -> None:
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_threads_write_at_the_same_time_and_lose_nothing(store: Store, mini: Case) -> None:
    played = [rollout(mini, Script(["ask: do you smoke?"]), name=f"a{i}", trial=i, run="r") for i in range(24)]
    threads = [threading.Thread(target=lambda mine=played[i::6]: [store.save(one) for one in mine]) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.rows()) == 24


def test_a_changed_configuration_is_refused_with_the_difference(store: Store) -> None:
    assert store.begin_run("r", identity="same", config={"seed": 0}) is False
    with pytest.raises(StoreError, match="seed: 0 -> 1"):
        store.begin_run("r", identity="other", config={"seed": 1})


def test_an_unknown_id_is_answered_with_the_nearest(store: Store, mini: Case) -> None:
    played = kept(store, mini)
    wrong = ("0" if played.id[0] != "0" else "1") + played.id[1:]
    with pytest.raises(StoreError, match=f"Did you mean '{played.id}'"):
        store.load(wrong)
    kept(store, mini, trial=1)
    with pytest.raises(StoreError, match="empty"):
        store.load("")


def broken(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    path.write_bytes(b"this is no database at all, but long enough to look like one" * 50)
    return path


def test_a_corrupt_file_gives_one_sentence_and_stays_as_it_is(tmp_path: Path) -> None:
    path = broken(tmp_path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a readable database"):
        Store(path)
    assert path.read_bytes() == before


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cats (name TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="something else"):
        Store(path)


def test_a_database_of_another_version_is_refused(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE medsim SET value = '99' WHERE name = 'version'")
    with pytest.raises(StoreError, match="version 99"):
        Store(store.path or "")


def test_a_missing_database_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="medsim run"):
        Store(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()


def test_a_locked_database_gives_one_sentence(store: Store, mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medsim.store.opening.BUSY_SECONDS", 0)
    other = Store(store.path or "")
    holder = sqlite3.connect(store.path or "", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked by another program"):
        kept(other, mini)
    holder.execute("ROLLBACK")
    holder.close()
    kept(other, mini)
    assert len(store.rows()) == 1


@pytest.mark.parametrize(
    ("complaint", "sentence"),
    [
        ("attempt to write a readonly database", "read-only"),
        ("database or disk is full", "full"),
        ("unable to open database file", "cannot be opened"),
    ],
)
def test_complaints_of_the_database_become_sentences(complaint: str, sentence: str) -> None:
    from medsim.store import opening

    assert sentence in opening.sentence("runs.db", complaint)


def test_a_full_disk_loses_nothing_that_was_stored(store: Store, mini: Case) -> None:
    kept(store, mini)
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @sql_event.listens_for(store.engine, "connect")
    def cap(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    store.close()  # so that the next connection is one with the cap

    def fill() -> None:
        for trial in range(1, 50):
            kept(store, mini, trial=trial)

    with pytest.raises(StoreError, match="full"):
        fill()
    again = Store(store.path or "")
    assert all(again.load(row["id"]).events for row in again.rows())


def test_any_sqlalchemy_url_will_do() -> None:
    assert Store("sqlite:///:memory:").shown
    with pytest.raises(StoreError):
        Store("sqlite:////proc/nowhere/x.db")


@pytest.mark.parametrize("url", ["postgresql+psycopg://ann:hunter2@127.0.0.1:1/x", "nosuchdb://ann:hunter2@host/x", "://hunter2"])
def test_a_password_is_never_shown(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url)
    assert "hunter2" not in str(caught.value)


def test_hostile_text_is_stored_and_comes_back(store: Store, mini: Case) -> None:
    nasty = "ask: '; DROP TABLE events; -- [red]x[/red] \u202e \x1b[31m"
    played = rollout(mini, Script([nasty]), name="x", run="r")
    store.save(played)
    assert store.load(played.id).events == played.events


def test_a_read_only_place_can_be_read_and_not_written(store: Store, mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    played = kept(store, mini)
    store.close()
    monkeypatch.setattr("medsim.store.opening.os.access", lambda *_: False)
    frozen = Store(store.path or "", create=False)
    assert frozen.load(played.id).events == played.events
    with pytest.raises(StoreError, match="read-only"):
        kept(frozen, mini, trial=1)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET data = '{bad'",
        "UPDATE trajectories SET diagnosis = '['",
        "UPDATE trajectories SET usage = '[3]'",
        "UPDATE trajectories SET seconds = 'abc'",
        "UPDATE trajectories SET score = x'1b5b33316d'",
        "UPDATE runs SET config = 'nope'",
        "UPDATE items SET evidence = '('",
    ],
)
def test_rows_that_medsim_cannot_have_written_give_one_sentence(store: Store, mini: Case, damage: str) -> None:
    played = kept(store, mini)
    with store.engine.begin() as connection:
        connection.exec_driver_sql(damage)

    def read_all() -> None:
        store.rows(), store.runs(), store.load(played.id), store.scores(played.id)

    with pytest.raises(StoreError, match="cannot be read"):
        read_all()


def test_programs_that_make_the_same_new_database_do_not_collide(tmp_path: Path) -> None:
    failed: list[BaseException] = []
    gate = threading.Barrier(8)

    def make_one() -> None:
        gate.wait()
        try:
            Store(tmp_path / "new.db")
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=make_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert Store(tmp_path / "new.db").rows() == []


@pytest.mark.parametrize("name", ["a?b.db", "a#b%20c.db", "ü ß.db", "a&mode=ro.db"])
def test_any_file_name_is_a_file_name(tmp_path: Path, name: str) -> None:
    made = Store(tmp_path / name)
    made.begin_run("r", identity="same", config={})
    assert (tmp_path / name).is_file()
    assert len(Store(tmp_path / name, create=False).runs()) == 1


def test_half_a_character_in_an_error_is_stored_as_its_escape(store: Store, mini: Case) -> None:
    class Broken:
        def reset(self, seed: int) -> None: ...

        def act(self, observation: str) -> str:
            raise RuntimeError("lost \ud800 half")

    store.save(rollout(mini, Broken(), name="x", run="r"))
    assert store.rows()[0]["error"] == "RuntimeError: lost \\ud800 half"


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(StoreError, match="empty"):
        Store(" ")


def test_an_encounter_of_a_case_without_a_single_item_is_stored_like_any_other(store: Store, mini: Case) -> None:
    bare = mini.model_copy(update={"rubric": mini.rubric.model_copy(update={"items": ()})})
    for trial in (0, 1):
        run = rollout(bare, Script(["ask: where does it hurt?", "end:"]), name="x", run="r", trial=trial)
        store.save(run, score(bare, run.events, run.outcome))
        assert store.scores(run.id)[0]["items"] == []
    assert [(row["trial"], row["status"], row["score"]) for row in store.rows()] == [(0, "finished", None), (1, "finished", None)]
