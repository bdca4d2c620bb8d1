"""Everything kept: runs, trajectories, events, scores and item verdicts, in SQLite or any SQLAlchemy URL.

The rule: one transaction for each finished encounter, so that a killed run has lost only what was under way and has nothing twice.
Lists read summary columns and never events. A score is added beside older ones, never in their place.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
)  # fmt: skip
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool, StaticPool

from medsim.errors import StoreError, did_you_mean
from medsim.rubric import Scorecard
from medsim.trajectory import SCHEMA, Event, Outcome, Trajectory, Usage

VERSION = 1
DEFAULT = "medsim.db"
BUSY_SECONDS = 30

_META = MetaData()
_SETTINGS = Table("medsim", _META, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))
_RUNS = Table(
    "runs", _META,
    Column("id", String(40), primary_key=True),
    Column("started", String(40), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("config", Text, nullable=False),
)  # fmt: skip
_TRAJECTORIES = Table(
    "trajectories", _META,
    Column("key", Integer, primary_key=True),
    Column("id", String(40), nullable=False, index=True),
    Column("run", String(40), ForeignKey("runs.id"), nullable=False, index=True),
    Column("case_id", String(120), nullable=False),
    Column("case_hash", String(40), nullable=False),
    Column("agent", String(120), nullable=False),
    Column("trial", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("patient", String(120), nullable=False),
    Column("env", String(120), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("started", String(40), nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", String(60), nullable=False),
    Column("state", String(80), nullable=False),
    Column("diagnosis", Text, nullable=False),
    Column("disposition", String(80), nullable=False),
    Column("seconds", Integer, nullable=False),
    Column("turns", Integer, nullable=False),
    Column("cost", Float, nullable=False),
    Column("error", Text, nullable=False),
    Column("usage", Text, nullable=False),
    Column("medsim", String(40), nullable=False),
    Column("score", Float),
    Column("passed", Integer),
    Column("coverage", Float),
    Column("harms", Integer),
    Column("critical", Integer),
    Column("information", Float),
    UniqueConstraint("run", "case_hash", "agent", "trial", name="one_of_each"),
)  # fmt: skip
_EVENTS = Table(
    "events", _META,
    Column("trajectory", Integer, ForeignKey("trajectories.key"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("t", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
_SCORES = Table(
    "scores", _META,
    Column("key", Integer, primary_key=True),
    Column("trajectory", Integer, ForeignKey("trajectories.key"), nullable=False),
    Column("rubric", String(120), nullable=False),
    Column("rubric_hash", String(40), nullable=False),
    Column("judge", String(120), nullable=False),
    Column("scored", String(40), nullable=False),
    Column("raw", Float),
    Column("score", Float),
    Column("passed", Integer),
    Column("coverage", Float, nullable=False),
    Column("critical", Text, nullable=False),
    UniqueConstraint("trajectory", "rubric_hash", "judge", name="one_score"),
)  # fmt: skip
_ITEMS = Table(
    "items", _META,
    Column("score", Integer, ForeignKey("scores.key"), primary_key=True),
    Column("item", String(120), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("earned", Float, nullable=False),
    Column("points", Float, nullable=False),
    Column("comp", String(10), nullable=False),
    Column("evidence", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("data", Text, nullable=False),
)  # fmt: skip

SUMMARY = tuple(column for column in _TRAJECTORIES.columns if column.name not in {"key", "usage"})
_NAMES = tuple(column.name for column in SUMMARY)
_NUMBERS = {at: column.name for at, column in enumerate(SUMMARY) if isinstance(column.type, (Integer, Float))}
_PLAIN = {int, float, type(None)}


class Store:
    """A database of runs. ``Store("runs.db")``, ``Store("sqlite:///runs.db")`` or any SQLAlchemy URL."""

    def __init__(self, where: str | Path = DEFAULT, *, create: bool = True) -> None:
        self.url = _url(where)
        self.path = _path(self.url)
        self.shown = str(self.path) if self.path is not None else self.url.render_as_string(hide_password=True)
        """Where the store is, without a password."""
        if self.path is not None and not create and not self.path.is_file():
            raise StoreError(f"No database '{self.path}'. Make one with medsim run --store {self.path}, or give another with --store.")
        with _told(self.shown):
            if self.path is not None and create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self.engine = _engine(self.url, self.path)
            with self.engine.connect() as connection:
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
        found = connection.execute(select(_SETTINGS.c.value).where(_SETTINGS.c.name == "version")).scalar()
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
            _META.create_all(connection)
            connection.execute(insert(_SETTINGS), [{"name": "version", "value": str(VERSION)}, {"name": "schema", "value": SCHEMA}])

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    # ---- writing ----------------------------------------------------------------------------------------------------------------

    def begin_run(self, run: str, *, identity: str, config: dict[str, Any]) -> bool:
        """Register a run; False where it is there already with the same configuration. A changed configuration is refused."""
        with self._writing() as connection:
            row = connection.execute(select(_RUNS).where(_RUNS.c.id == run)).mappings().first()
            if row is None:
                connection.execute(insert(_RUNS).values(id=_storable(run), started=_now(), identity=identity, config=_json(config)))
                return True
            if row["identity"] != identity:
                raise StoreError(
                    f"Run '{run}' was made with another configuration: {_difference(json.loads(row['config']), config)}. Use another --run name."
                )
            return False

    def save(self, trajectory: Trajectory, card: Scorecard | None = None, *, information: float | None = None) -> None:
        """Write one ended encounter with its score in one transaction. An earlier *error* under the same key is replaced."""
        with self._writing() as connection:
            self._drop_error(connection, trajectory)
            key = connection.execute(insert(_TRAJECTORIES).values(**_row(trajectory, card, information))).inserted_primary_key[0]  # type: ignore[index]
            if trajectory.events:
                connection.execute(insert(_EVENTS), [_event_row(key, item) for item in trajectory.events])
            if card is not None:
                self._add_score(connection, key, card)

    def add_score(self, trajectory_id: str, card: Scorecard, *, run: str | None = None) -> bool:
        """Add a score beside the others; False where the same rubric and judge have scored it already."""
        with self._writing() as connection:
            key = self._key(connection, trajectory_id, run)
            same = (_SCORES.c.trajectory == key) & (_SCORES.c.rubric_hash == card.rubric_hash) & (_SCORES.c.judge == card.judge)
            if connection.execute(select(_SCORES.c.key).where(same)).first():
                return False
            self._add_score(connection, key, card)
            return True

    def _drop_error(self, connection: Connection, trajectory: Trajectory) -> None:
        table = _TRAJECTORIES.c
        same = (
            (table.run == trajectory.run) & (table.case_hash == trajectory.case_hash) & (table.agent == trajectory.agent)
            & (table.trial == trajectory.trial) & (table.status == "error")
        )  # fmt: skip
        for (key,) in connection.execute(select(table.key).where(same)).all():
            connection.execute(_EVENTS.delete().where(_EVENTS.c.trajectory == key))
            connection.execute(_TRAJECTORIES.delete().where(table.key == key))

    def _add_score(self, connection: Connection, key: int, card: Scorecard) -> None:
        values = {
            "trajectory": key, "rubric": card.rubric, "rubric_hash": card.rubric_hash, "judge": card.judge, "scored": _now(), "raw": card.raw,
            "score": card.score, "passed": _bit(card.passed), "coverage": card.coverage, "critical": _json(list(card.critical)),
        }  # fmt: skip
        score_key = connection.execute(insert(_SCORES).values(**values)).inserted_primary_key[0]  # type: ignore[index]
        rows = [
            {
                "score": score_key, "item": item.id, "position": position, "verdict": item.verdict, "earned": item.earned, "points": item.points,
                "comp": item.comp, "evidence": _json(list(item.evidence)), "reason": item.reason,
                "data": _json({"text": item.text, "critical": item.critical, "role": item.role}),
            }
            for position, item in enumerate(card.items)
        ]  # fmt: skip
        connection.execute(insert(_ITEMS), rows)

    # ---- reading ----------------------------------------------------------------------------------------------------------------

    def done(self, run: str) -> set[tuple[str, str, int]]:
        """(case hash, agent, trial) of what a run has finished; errors are not finished."""
        table = _TRAJECTORIES.c
        with self._reading() as connection:
            rows = connection.execute(
                select(table.case_hash, table.agent, table.trial).where((table.run == run) & (table.status != "error"))
            )
            return {(row[0], row[1], row[2]) for row in rows}

    def runs(self) -> list[dict[str, Any]]:
        """All runs, the newest first, with how many trajectories each has."""
        count = select(func.count()).where(_TRAJECTORIES.c.run == _RUNS.c.id).scalar_subquery()
        with self._reading() as connection:
            rows = connection.execute(select(_RUNS, count.label("trajectories")).order_by(_RUNS.c.started.desc(), _RUNS.c.id)).mappings()
            return [{**row, "config": json.loads(row["config"])} for row in rows]

    def rows(
        self, *, run: str | None = None, agent: str | None = None, case: str | None = None, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Summary rows, in the order they were written; events are not read."""
        query = select(*SUMMARY).order_by(_TRAJECTORIES.c.key)
        for column, wanted in (("run", run), ("agent", agent), ("case_id", case)):
            if wanted is not None:
                query = query.where(_TRAJECTORIES.c[column] == wanted)
        with self._reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
            _check_numbers(rows)
            return [dict(zip(_NAMES, row, strict=True)) for row in rows]

    def load(self, trajectory_id: str, *, run: str | None = None) -> Trajectory:
        """Read one trajectory with its events; a unique beginning of the id is enough."""
        with self._reading() as connection:
            key = self._key(connection, trajectory_id, run)
            row = connection.execute(select(_TRAJECTORIES).where(_TRAJECTORIES.c.key == key)).mappings().one()
            texts = connection.execute(select(_EVENTS.c.data).where(_EVENTS.c.trajectory == key).order_by(_EVENTS.c.seq)).scalars()
            return _trajectory(dict(row), [Event.of(json.loads(text)) for text in texts])

    def scores(self, trajectory_id: str, *, run: str | None = None) -> list[dict[str, Any]]:
        """All scores of a trajectory, oldest first, each with its items."""
        with self._reading() as connection:
            key = self._key(connection, trajectory_id, run)
            found = []
            for row in connection.execute(select(_SCORES).where(_SCORES.c.trajectory == key).order_by(_SCORES.c.key)).mappings():
                items = connection.execute(select(_ITEMS).where(_ITEMS.c.score == row["key"]).order_by(_ITEMS.c.position)).mappings()
                listed = [{**item, **json.loads(item["data"]), "evidence": json.loads(item["evidence"])} for item in items]
                found.append({**row, "critical": json.loads(row["critical"]), "passed": _truth(row["passed"]), "items": listed})
            return found

    def _key(self, connection: Connection, trajectory_id: str, run: str | None) -> int:
        if not trajectory_id:
            raise StoreError("An empty trajectory id was given. List them: medsim show")
        query = select(_TRAJECTORIES.c.key, _TRAJECTORIES.c.id, _TRAJECTORIES.c.run)
        query = query.where(_TRAJECTORIES.c.id.startswith(trajectory_id, autoescape=True))
        if run is not None:
            query = query.where(_TRAJECTORIES.c.run == run)
        rows = connection.execute(query.limit(3)).all()
        if len(rows) == 1:
            return int(rows[0][0])
        if rows:
            raise StoreError(
                f"Several trajectories begin with '{trajectory_id}' ({', '.join(row[1] for row in rows)} …). Give more of the id."
            )
        known = list(connection.execute(select(_TRAJECTORIES.c.id).limit(2000)).scalars())
        raise StoreError(f"No trajectory '{trajectory_id}' in {self.shown}.{did_you_mean(trajectory_id, known)} List them: medsim show")

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _told(self.shown), self.engine.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _told(self.shown), self.engine.connect() as connection:
            try:
                yield connection
            except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:  # a row that medsim cannot have written
                raise StoreError(
                    f"'{self.shown}' holds a row that cannot be read ({error}). It was left as it is; give another file with --store."
                ) from error


# ---- engine and errors -----------------------------------------------------------------------------------------------------------


def _url(where: str | Path) -> URL:
    text = str(where)
    if "://" not in text:
        if not text.strip():
            raise StoreError("The name of the database is empty. Give a file, for example --store medsim.db")
        return URL.create("sqlite", database=str(Path(text).expanduser()))
    try:
        return make_url(text)
    except ArgumentError as error:
        raise StoreError(
            "The store is neither a file name nor a database URL such as sqlite:///runs.db or postgresql+psycopg://host/name."
        ) from error


def _path(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or url.query:
        return None
    return Path(str(url.database))


def _engine(url: URL, path: Path | None) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    frozen = path is not None and _frozen(path)
    if frozen:
        url = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "immutable": "1", "uri": "true"})
    pool = StaticPool if path is None and not url.query else NullPool  # in memory all threads share one connection
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, poolclass=pool)

    @event.listens_for(engine, "connect")
    def _tune(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, so that making tables is part of one
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys = ON")
        if not frozen:
            _use_wal(connection)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log. SQLite itself does not wait where another program is opening the same new file."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            return
        except sqlite3.OperationalError as error:
            complaint = str(error)
            if "readonly" in complaint or "read-only" in complaint:
                return
            if "locked" not in complaint or time.monotonic() > until:
                raise
            time.sleep(0.05)


def _frozen(path: Path) -> bool:
    """Whether a database lies where nothing can be written and has no log beside it: then it is read as it stands."""
    log = path.with_name(f"{path.name}-wal")
    return path.is_file() and not os.access(path.parent, os.W_OK) and not (log.is_file() and log.stat().st_size)


@contextmanager
def _told(shown: str) -> Iterator[None]:
    """Turn a database's complaint into one clear sentence."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError(
            f"'{shown}': this encounter is stored already (run, case, agent, trial). Use another --run name, or --resume."
        ) from error
    except (NoSuchModuleError, ImportError) as error:
        raise StoreError(f"'{shown}' needs a database driver that is not installed ({error}).") from error
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreError(_sentence(shown, str(getattr(error, "orig", None) or error))) from error


def _sentence(shown: str, complaint: str) -> str:
    low, first = complaint.lower(), (complaint.splitlines() or ["no reason given"])[0]
    if "locked" in low:
        return f"'{shown}' has been locked by another program for {BUSY_SECONDS} s. Close that program, then go on (medsim run --resume); nothing stored was lost."
    if "readonly" in low or "read-only" in low:
        return f"'{shown}' is read-only. Make the file and its folder writable, or give another with --store."
    if "full" in low or "no space" in low:
        return f"The disk that holds '{shown}' is full. Make room, then go on (medsim run --resume); what was stored is kept."
    if "disk i/o" in low:
        return f"'{shown}' could not be read or written ({first}): the disk is full or failing. What was stored is left as it is."
    if "not a database" in low or "malformed" in low or "corrupt" in low:
        return f"'{shown}' is not a readable database ({first}). It was left as it is; give another file with --store."
    if any(words in low for words in ("unable to open", "no such file", "denied", "not a directory", "file exists", "not permitted")):
        return f"'{shown}' cannot be opened ({first}). Check that the folder exists and may be written."
    return f"'{shown}': {first}"


# ---- rows ------------------------------------------------------------------------------------------------------------------------


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> str:
    return _storable(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _storable(text: str) -> str:
    """Text as a database takes it: a lone surrogate is written as its escape, which JSON reads back."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _check_numbers(rows: Sequence[Any]) -> None:
    """Refuse rows whose numbers are none: SQLite keeps any text in any column."""
    for at, name in _NUMBERS.items():
        if not {type(row[at]) for row in rows} <= _PLAIN:
            raise ValueError(f"{name} is not a number")


def _bit(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _event_row(key: int, item: Event) -> dict[str, Any]:
    return {"trajectory": key, "seq": item.seq, "turn": item.turn, "t": item.t, "kind": item.kind, "data": _json(item.data())}


def _row(trajectory: Trajectory, card: Scorecard | None, information: float | None) -> dict[str, Any]:
    outcome = trajectory.outcome
    same = ("id", "run", "case_id", "case_hash", "agent", "trial", "seed", "patient", "env", "identity", "error", "medsim")
    row = {name: getattr(trajectory, name) for name in same}
    row.update({name: getattr(outcome, name) for name in ("status", "reason", "state", "disposition", "seconds", "turns", "cost")})
    row.update(started=trajectory.started or _now(), diagnosis=_json(list(outcome.diagnosis)), information=information)
    row["usage"] = _json({role: usage._asdict() for role, usage in trajectory.usage.items()})
    if card is not None:
        row.update(score=card.score, passed=_bit(card.passed), coverage=card.coverage, harms=len(card.harms), critical=len(card.critical))
    return {name: _storable(value) if isinstance(value, str) else value for name, value in row.items()}


def _trajectory(row: dict[str, Any], events: list[Event]) -> Trajectory:
    outcome = Outcome(
        row["status"],
        row["reason"],
        row["state"],
        tuple(json.loads(row["diagnosis"])),
        row["disposition"],
        row["seconds"],
        row["turns"],
        row["cost"],
    )
    usage = {role: Usage(**value) for role, value in json.loads(row["usage"]).items()}
    names = ("id", "case_id", "case_hash", "agent", "seed", "trial", "patient", "env", "identity", "run", "started", "error", "medsim")
    return Trajectory(events=events, outcome=outcome, usage=usage, **{name: row[name] for name in names})


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    changed = [f"{key}: {old.get(key)!r} -> {new.get(key)!r}" for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return "; ".join(changed)[:600]
