"""Everything kept: runs, trajectories, events, scores and item verdicts, in SQLite or any SQLAlchemy URL.

The rule: one transaction for each finished encounter, so that a killed run has lost only what was under way and has nothing twice.
Lists read summary columns and never events. A score is added beside older ones, never in their place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select

from medsim.errors import StoreError, did_you_mean
from medsim.llm import Entry
from medsim.rubric import Scorecard
from medsim.store import costs
from medsim.store.changes import difference
from medsim.store.opening import engine_of, path_of, told, transaction, url_of
from medsim.store.record import (
    bit,
    call_row,
    check_numbers,
    event_row,
    item_data,
    now,
    storable,
    summary_row,
    to_json,
    trajectory_of,
    truth,
)
from medsim.store.tables import CALLS, EVENTS, ITEMS, META, NAMES, RUNS, SCORES, SETTINGS, SUMMARY, TRAJECTORIES, VERSION
from medsim.trajectory import SCHEMA, Event, Trajectory, Usage

DEFAULT = "medsim.db"
HUMAN = "human:"
"""How the name of a judge who is a person begins."""
_ADD_TRAJECTORY, _ADD_EVENTS, _ADD_CALLS, _ADD_SCORE, _ADD_ITEMS = map(insert, (TRAJECTORIES, EVENTS, CALLS, SCORES, ITEMS))
_SAME = ("run", "case_hash", "agent", "trial")
"""What tells the encounters of a store apart."""
_FAILED = select(TRAJECTORIES.c.key).where(TRAJECTORIES.c.status == "error", *(TRAJECTORIES.c[name] == bindparam(name) for name in _SAME))


class Revision(NamedTuple):
    """A person's score of one encounter, made from that person's stored one (None where there is none yet)."""

    trajectory: str
    run: str
    judge: str
    """``human:NAME``."""
    rubric_hash: str
    card: Callable[[dict[str, Any] | None], Scorecard]


class Store:
    """A database of runs. ``Store("runs.db")``, ``Store("sqlite:///runs.db")`` or any SQLAlchemy URL."""

    def __init__(self, where: str | Path = DEFAULT, *, create: bool = True) -> None:
        self.url = url_of(where)
        self.path = path_of(self.url)
        self.shown = str(self.path) if self.path is not None else self.url.render_as_string(hide_password=True)
        """Where the store is, without a password."""
        if self.path is not None and self.path.is_dir():
            raise StoreError(f"'{self.path}' is a folder. Give the file of the database in it, for example {self.path / DEFAULT}.")
        if self.path is not None and not create and not self.path.is_file():
            raise StoreError(f"No database '{self.path}'. Make one with medsim run --store {self.path}, or give another with --store.")
        with told(self.shown):
            if self.path is not None and create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self.engine = engine_of(self.url, self.path)
            with transaction(self.engine) as connection:
                ready = self._ready(connection)
        if not ready:
            self._make(create)

    def _ready(self, connection: Connection) -> bool:
        """Whether the tables are there; a database of something else, or of another version, is refused."""
        tables = set(self.engine.dialect.get_table_names(connection))
        if not tables:
            return False
        if "medsim" not in tables:
            raise StoreError(
                f"'{self.shown}' is a database of something else (tables: {', '.join(sorted(tables)[:5])}). Give another file with --store."
            )
        found = connection.execute(select(SETTINGS.c.value).where(SETTINGS.c.name == "version")).scalar()
        if found != str(VERSION):
            raise StoreError(
                f"'{self.shown}' has schema version {found}; this medsim reads version {VERSION}. Use the medsim that wrote it, or another file."
            )
        return True

    def _make(self, create: bool) -> None:
        """Make the tables, all or none; another program may have been quicker."""
        if not create:
            raise StoreError(f"'{self.shown}' is an empty database. Make runs with medsim run --store {self.shown}.")
        with self._writing() as connection:
            if self._ready(connection):
                return
            META.create_all(connection)
            connection.execute(insert(SETTINGS), [{"name": "version", "value": str(VERSION)}, {"name": "schema", "value": SCHEMA}])

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    # ---- writing ----------------------------------------------------------------------------------------------------------------

    def begin_run(self, run: str, *, identity: str, config: dict[str, Any]) -> bool:
        """Register a run; False where it is there already with the same configuration. A changed configuration is refused."""
        with self._writing() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.id == run)).mappings().first()
            if row is None:
                connection.execute(insert(RUNS).values(id=storable(run), started=now(), identity=identity, config=to_json(config)))
                return True
            if row["identity"] != identity:
                raise StoreError(
                    f"Run '{run}' was made with another configuration: {difference(json.loads(row['config']), config)}. Use another --run name."
                )
            return False

    def save(
        self,
        trajectory: Trajectory,
        card: Scorecard | None = None,
        *,
        information: float | None = None,
        calls: Sequence[Entry] = (),
    ) -> None:
        """Write one ended encounter with its score and model calls in one transaction. An earlier *error* under the same key is replaced."""
        with self._writing() as connection:
            self._drop_error(connection, trajectory)
            key = connection.execute(_ADD_TRAJECTORY, summary_row(trajectory, card, information)).inserted_primary_key[0]  # type: ignore[index]
            if trajectory.events:
                connection.execute(_ADD_EVENTS, [event_row(key, item) for item in trajectory.events])
            if calls:
                connection.execute(_ADD_CALLS, [call_row(key, position, entry) for position, entry in enumerate(calls)])
            if card is not None:
                self._add_score(connection, key, card)

    def add_score(self, trajectory_id: str, card: Scorecard, *, run: str | None = None, calls: Sequence[Entry] = ()) -> bool:
        """Add a score beside the others, with the calls its judge made; False where the same rubric and judge have scored it already."""
        with self._writing() as connection:
            key = self._key(connection, trajectory_id, run)
            same = (SCORES.c.trajectory == key) & (SCORES.c.rubric_hash == card.rubric_hash) & (SCORES.c.judge == card.judge)
            if connection.execute(select(SCORES.c.key).where(same)).first():
                return False
            self._add_score(connection, key, card)
            if calls:
                first = (connection.execute(select(func.max(CALLS.c.position)).where(CALLS.c.trajectory == key)).scalar() or 0) + 1
                connection.execute(_ADD_CALLS, [call_row(key, position, entry) for position, entry in enumerate(calls, first)])
            return True

    def revise(self, changes: Iterable[Revision]) -> None:
        """Put people's scores in the place of their own earlier ones, all or none.

        Nobody else's score is touched, and what a model or a program has judged is never replaced.
        """
        with self._writing() as connection:
            for change in changes:
                if len(change.judge) <= len(HUMAN) or not change.judge.startswith(HUMAN):
                    raise StoreError(f"Only a person's score can be revised, stored as {HUMAN}NAME; given '{change.judge}'.")
                key = self._key(connection, change.trajectory, change.run)
                same = (SCORES.c.trajectory == key) & (SCORES.c.rubric_hash == change.rubric_hash) & (SCORES.c.judge == change.judge)
                before = self._scores(connection, same)
                card = change.card(before[0] if before else None)
                if (card.judge, card.rubric_hash) != (change.judge, change.rubric_hash):
                    raise StoreError(f"A score of '{change.judge}' was expected, given one of '{card.judge}'. Nothing was changed.")
                for score in before:
                    connection.execute(ITEMS.delete().where(ITEMS.c.score == score["key"]))
                    connection.execute(SCORES.delete().where(SCORES.c.key == score["key"]))
                self._add_score(connection, key, card)

    def _drop_error(self, connection: Connection, trajectory: Trajectory) -> None:
        same = {name: getattr(trajectory, name) for name in _SAME}
        for (key,) in connection.execute(_FAILED, same).all():
            costs.remember(connection, trajectory.run, key)
            connection.execute(EVENTS.delete().where(EVENTS.c.trajectory == key))
            connection.execute(CALLS.delete().where(CALLS.c.trajectory == key))
            connection.execute(TRAJECTORIES.delete().where(TRAJECTORIES.c.key == key))

    def _add_score(self, connection: Connection, key: int, card: Scorecard) -> None:
        values = {
            "trajectory": key, "rubric": card.rubric, "rubric_hash": card.rubric_hash, "judge": card.judge, "scored": now(), "raw": card.raw,
            "score": card.score, "passed": bit(card.passed), "coverage": card.coverage, "critical": to_json(list(card.critical)),
        }  # fmt: skip
        score_key = connection.execute(_ADD_SCORE, values).inserted_primary_key[0]  # type: ignore[index]
        rows = [
            {
                "score": score_key, "item": item.id, "position": position, "verdict": item.verdict, "earned": item.earned, "points": item.points,
                "comp": item.comp, "evidence": to_json(list(item.evidence)), "reason": item.reason,
                "data": to_json(item_data(item)),
            }
            for position, item in enumerate(card.items)
        ]  # fmt: skip
        if rows:  # a case may come without a single item; an insert of nothing would be one of NULLs
            connection.execute(_ADD_ITEMS, rows)

    # ---- reading ----------------------------------------------------------------------------------------------------------------

    def done(self, run: str) -> set[tuple[str, str, int]]:
        """(case hash, agent, trial) of what a run has finished; errors are not finished."""
        table = TRAJECTORIES.c
        with self.reading() as connection:
            rows = connection.execute(
                select(table.case_hash, table.agent, table.trial).where((table.run == run) & (table.status != "error"))
            )
            return {(row[0], row[1], row[2]) for row in rows}

    def spent(self, run: str) -> Usage:
        """What a run has cost over the network, retries counted as calls and replaced errors included; what the cache answered cost nothing."""
        with self.reading() as connection:
            return costs.of_run(connection, run)

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first, with how many trajectories each has."""
        count = select(func.count()).where(TRAJECTORIES.c.run == RUNS.c.id).scalar_subquery()
        with self.reading() as connection:
            rows = connection.execute(select(RUNS, count.label("trajectories")).order_by(RUNS.c.started.desc(), RUNS.c.id)).mappings()
            return [{**row, "config": json.loads(row["config"])} for row in rows]

    def rows(
        self, *, run: str | None = None, agent: str | None = None, case: str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[dict[str, Any]]:
        """Summary rows, in the order they were written, ``limit`` of them after the first ``offset``; events are not read."""
        query = select(*SUMMARY).order_by(TRAJECTORIES.c.key)
        for column, wanted in (("run", run), ("agent", agent), ("case_id", case)):
            if wanted is not None:
                query = query.where(TRAJECTORIES.c[column] == wanted)
        with self.reading() as connection:
            rows = connection.execute(query.limit(limit).offset(offset or None)).all()
            check_numbers(rows)
            return [dict(zip(NAMES, row, strict=True)) for row in rows]

    def load(self, trajectory_id: str, *, run: str | None = None) -> Trajectory:
        """Read one trajectory with its events; a unique beginning of the id is enough."""
        with self.reading() as connection:
            key = self._key(connection, trajectory_id, run)
            row = connection.execute(select(TRAJECTORIES).where(TRAJECTORIES.c.key == key)).mappings().one()
            texts = connection.execute(select(EVENTS.c.data).where(EVENTS.c.trajectory == key).order_by(EVENTS.c.seq)).scalars()
            return trajectory_of(dict(row), [Event.of(json.loads(text)) for text in texts])

    def calls(self, trajectory_id: str, *, run: str | None = None) -> list[dict[str, Any]]:
        """The model calls of a trajectory, in order; no text is kept here."""
        with self.reading() as connection:
            key = self._key(connection, trajectory_id, run)
            query = select(CALLS).where(CALLS.c.trajectory == key).order_by(CALLS.c.position)
            return [{**row, "parameters": json.loads(row["parameters"])} for row in connection.execute(query).mappings()]

    def scores(self, trajectory_id: str, *, run: str | None = None) -> list[dict[str, Any]]:
        """All scores of a trajectory, oldest first, each with its items."""
        with self.reading() as connection:
            return self._scores(connection, SCORES.c.trajectory == self._key(connection, trajectory_id, run))

    def _scores(self, connection: Connection, which: ColumnElement[bool]) -> list[dict[str, Any]]:
        found = []
        for row in connection.execute(select(SCORES).where(which).order_by(SCORES.c.key)).mappings().all():
            items = connection.execute(select(ITEMS).where(ITEMS.c.score == row["key"]).order_by(ITEMS.c.position)).mappings()
            listed = [{**item, **json.loads(item["data"]), "evidence": json.loads(item["evidence"])} for item in items]
            found.append({**row, "critical": json.loads(row["critical"]), "passed": truth(row["passed"]), "items": listed})
        return found

    def _key(self, connection: Connection, trajectory_id: str, run: str | None) -> int:
        if not trajectory_id:
            raise StoreError("An empty trajectory id was given. List them: medsim show")
        query = select(TRAJECTORIES.c.key, TRAJECTORIES.c.id, TRAJECTORIES.c.run)
        query = query.where(TRAJECTORIES.c.id.startswith(trajectory_id, autoescape=True))
        if run is not None:
            query = query.where(TRAJECTORIES.c.run == run)
        rows = connection.execute(query.limit(3)).all()
        if len(rows) == 1:
            return int(rows[0][0])
        if rows:
            raise StoreError(
                f"Several trajectories begin with '{trajectory_id}' ({', '.join(row[1] for row in rows)} …). Give more of the id."
            )
        known = list(connection.execute(select(TRAJECTORIES.c.id).limit(2000)).scalars())
        raise StoreError(f"No trajectory '{trajectory_id}' in {self.shown}.{did_you_mean(trajectory_id, known)} List them: medsim show")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with told(self.shown), transaction(self.engine, writes=True) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read by; what medsim cannot have written is told in one sentence."""
        with told(self.shown), transaction(self.engine) as connection:
            try:
                yield connection
            except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:  # a row that medsim cannot have written
                raise StoreError(
                    f"'{self.shown}' holds a row that cannot be read ({error}). It was left as it is; give another file with --store."
                ) from error


__all__ = ["DEFAULT", "HUMAN", "Revision", "Store"]
