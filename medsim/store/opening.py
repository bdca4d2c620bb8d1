"""Open a database, and turn its complaints into one clear sentence.

The rule: what is on disk stays as it is, and a password is never shown.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool, Pool, QueuePool, StaticPool

from medsim.errors import StoreError

BUSY_SECONDS = 30
_engines: WeakSet[Engine] = WeakSet()
_parents: list[Pool] = []
"""Connections of the process that this one was forked from: not ours to use or to close."""


def url_of(where: str | Path) -> URL:
    """Read a file name or database URL; a StoreError says what was expected."""
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


def path_of(url: URL) -> Path | None:
    """The file behind a plain SQLite URL, or None."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"} or url.query:
        return None
    return Path(str(url.database))


def engine_of(url: URL, path: Path | None) -> Engine:
    """Make the engine: SQLite waits for locks and writes ahead; a file that cannot be written is only read."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    still = path is not None and frozen(path)
    if still:
        url = URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "immutable": "1", "uri": "true"})
    settings: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS, "check_same_thread": False}, "poolclass": NullPool}
    if path is None and not url.query:
        settings["poolclass"] = StaticPool  # in memory all threads share one connection
    elif not still:
        settings.update(poolclass=QueuePool, pool_size=1, max_overflow=-1)  # to close the last one empties the log: milliseconds each time
    engine = create_engine(url, **settings)
    _engines.add(engine)

    @event.listens_for(engine, "connect")
    def _tune(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, so that making tables is part of one
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA foreign_keys = ON")
        if not still:
            use_wal(connection)

    return engine


@contextmanager
def transaction(engine: Engine, *, writes: bool = False) -> Iterator[Connection]:
    """One transaction; in SQLite one that writes holds the lock from its beginning, so that what it has read first stays true.

    It is begun here and by no listener: with one, SQLAlchemy asks for listeners at every step of every statement.
    """
    with engine.begin() if writes else engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
        yield connection


def _renew_pools() -> None:
    for engine in _engines:
        if isinstance(engine.pool, QueuePool):
            _parents.append(engine.pool)
            engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_pools)


def use_wal(connection: sqlite3.Connection) -> None:
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


def frozen(path: Path) -> bool:
    """Whether a database lies where nothing can be written and has no log beside it: then it is read as it stands."""
    log = path.with_name(f"{path.name}-wal")
    return path.is_file() and not os.access(path.parent, os.W_OK) and not (log.is_file() and log.stat().st_size)


@contextmanager
def told(shown: str) -> Iterator[None]:
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
        raise StoreError(sentence(shown, str(getattr(error, "orig", None) or error))) from error


def sentence(shown: str, complaint: str) -> str:
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
