"""Answers kept by the content of their call, in a SQLite file of their own; also the tape of record and replay.

The rule: the first answer to a call stays. Whoever asks the same later, or at the same time in another process, gets that one, so that a
recorded run replays to the same trajectory; an encounter that has gone on from another answer is played again. Only what nobody could use
is forgotten, so that an encounter that ended in it can be played again.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from medsim.errors import LLMError
from medsim.llm.call import Answer, Logprob, Signature, ToolCall
from medsim.trajectory import Usage

VERSION = 1
BUSY_SECONDS = 30
SEARCHED = 5000
"""How many of the latest recorded calls are compared with one that is not there."""
_LOG_PAGES = 4000
"""Pages of the log (16 MB) before they are moved into the file, which takes milliseconds that whoever asks then has to wait."""
_APPLICATION = 0x6D73696D
_TABLE = "CREATE TABLE IF NOT EXISTS answers (hash TEXT PRIMARY KEY, call TEXT NOT NULL, answer TEXT NOT NULL)"

Found = TypeVar("Found")


class Cache:
    """A file of answers. Each connection is used by one thread at a time and handed on, so many threads need few."""

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = Path(path), read_only
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._abandoned: list[sqlite3.Connection] = []
        self._process = os.getpid()
        if read_only and not self.path.is_file():
            raise LLMError(f"No recorded run '{self.path}'. Record one first with mode='record' (--calls record), or give another file.")
        self._with(self._prepare)

    def get(self, signature: Signature) -> Answer | None:
        """Return the kept answer to a call, or None."""
        row = self._with(lambda db: db.execute("SELECT answer FROM answers WHERE hash = ?", (signature.hash,)).fetchone())
        return None if row is None else self._answer(row[0], signature.hash)

    def put(self, signature: Signature, call: str, answer: Answer) -> Answer:
        """Keep an answer and return it; where another was first, return that one."""
        row = (signature.hash, call, _text(answer))
        added = self._with(lambda db: db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", row).rowcount)
        if added:
            return answer
        first = self.get(signature)
        return answer if first is None else replace(first, cached=False)

    def forget(self, hashes: Iterable[str]) -> None:
        """Drop answers, so that their calls are asked anew."""
        self._with(lambda db: db.executemany("DELETE FROM answers WHERE hash = ?", [(name,) for name in hashes]))

    def missing(self, signature: Signature) -> str:
        """Say what in a call differs from the recorded call that is most like it."""
        wanted = _flat(json.loads(signature.text))
        return self._with(lambda db: _nearest(db.execute("SELECT call FROM answers ORDER BY rowid DESC LIMIT ?", (SEARCHED,)), wanted))

    def close(self) -> None:
        """Close all connections, so that the file stands alone."""
        with self._lock:
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def __len__(self) -> int:
        return int(self._with(lambda db: db.execute("SELECT count(*) FROM answers").fetchone()[0]))

    # ---- connections ------------------------------------------------------------------------------------------------------------

    def _prepare(self, db: sqlite3.Connection) -> None:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        if tables and application != _APPLICATION:
            raise LLMError(
                f"'{self.path}' is a database of something else (tables: {', '.join(sorted(tables)[:5])}). Give the cache another file."
            )
        if tables and version != VERSION:
            raise LLMError(f"'{self.path}' is a cache of version {version}; this medsim reads version {VERSION}. Give another file.")
        if self.read_only:
            return
        _write_ahead(db)
        if not tables:
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute(_TABLE)

    def _with(self, work: Callable[[sqlite3.Connection], Found]) -> Found:
        """Do something with a connection; what goes wrong with the file is told in one sentence."""
        try:
            db = self._take()
            try:
                return work(db)
            finally:
                with self._lock:
                    self._idle.append(db)
        except (sqlite3.Error, OSError, UnicodeError) as error:
            raise LLMError(f"The cache '{self.path}' cannot be used: {error}. Give another file, or remove it.") from None

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._process != os.getpid():
                self._process, self._abandoned, self._idle = os.getpid(), self._idle, []  # a parent's connections are not ours to close
            if self._idle:
                return self._idle.pop()
        return self._open()

    def _open(self) -> sqlite3.Connection:
        settings: dict[str, Any] = {"timeout": BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}
        if not self.read_only:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db: sqlite3.Connection = sqlite3.connect(self.path, **settings)
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            return db
        where = self.path.resolve().as_uri()
        try:
            db = sqlite3.connect(f"{where}?mode=ro", uri=True, **settings)
            db.execute("SELECT 1 FROM sqlite_master").fetchone()
            return db
        except sqlite3.OperationalError:  # a folder in which nothing can be written
            db = sqlite3.connect(f"{where}?mode=ro&immutable=1", uri=True, **settings)
            return db

    def _answer(self, text: str, key: str) -> Answer:
        try:
            data = json.loads(text)
            return Answer(
                text=data["text"], tool_calls=tuple(ToolCall(*item) for item in data["tool_calls"]), usage=Usage(*data["usage"]),
                model=data["model"], finish=data["finish"], latency=data["latency"], hash=key, cached=True, logprobs=_logprobs(data["logprobs"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            raise LLMError(f"The cache '{self.path}' holds a broken answer ({key[:12]}…). Remove the file, or restore it.") from None


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for others here by itself."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)


def _text(answer: Answer) -> str:
    return json.dumps(
        {
            "text": answer.text, "tool_calls": answer.tool_calls, "usage": answer.usage, "model": answer.model, "finish": answer.finish,
            "latency": answer.latency, "logprobs": answer.logprobs,
        }
    )  # fmt: skip


def _logprobs(data: Any) -> tuple[Logprob, ...] | None:
    if data is None:
        return None
    return tuple(Logprob(token, logprob, tuple((other, value) for other, value in top)) for token, logprob, top in data)


def _flat(parts: dict[str, Any]) -> dict[str, Any]:
    """Name every part that can differ; message 1 is the first."""
    flat: dict[str, Any] = {name: json.dumps(value) for name, value in parts.items() if name != "messages"}
    for number, (role, content) in enumerate(parts["messages"], 1):
        flat[f"role of message {number}"], flat[f"message {number} ({role})"] = role, content
    flat["number of messages"] = len(parts["messages"])
    return flat


def _nearest(calls: Iterable[tuple[str]], wanted: dict[str, Any]) -> str:
    """What differs in the call that is most like the one wanted."""
    best: tuple[int, str] = (-1, "nothing is recorded in it")
    for (text,) in calls:
        recorded = _flat(json.loads(text))
        same = sum(wanted.get(name) == value for name, value in recorded.items())
        if same > best[0]:
            best = (same, _first_difference(recorded, wanted))
    return best[1]


def _first_difference(recorded: dict[str, Any], wanted: dict[str, Any]) -> str:
    for name, value in wanted.items():
        before = recorded.get(name)
        if before is None:
            return f"{name} was not in it"
        if before != value:
            if not name.startswith("message "):
                return f"{name} was {before}, is {value}"
            at = next((i for i, pair in enumerate(zip(before, value, strict=False)) if pair[0] != pair[1]), min(len(before), len(value)))
            start = max(0, at - 20)
            return f"{name} differs at character {at + 1}: it was {before[start : at + 30]!r}, is {value[start : at + 30]!r}"
    return "more messages were in it"
