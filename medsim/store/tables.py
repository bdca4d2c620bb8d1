"""The tables: runs, trajectories, events, scores, item verdicts and model calls.

The rule: a trajectory's summary stands in columns of its own, so that lists never read events.
"""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, MetaData, String, Table, Text, UniqueConstraint

VERSION = 1

META = MetaData()
SETTINGS = Table("medsim", META, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False))
RUNS = Table(
    "runs", META,
    Column("id", String(40), primary_key=True),
    Column("started", String(40), nullable=False),
    Column("identity", String(64), nullable=False),
    Column("config", Text, nullable=False),
)  # fmt: skip
TRAJECTORIES = Table(
    "trajectories", META,
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
EVENTS = Table(
    "events", META,
    Column("trajectory", Integer, ForeignKey("trajectories.key"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("turn", Integer, nullable=False),
    Column("t", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("data", Text, nullable=False),
    sqlite_with_rowid=False,
)  # fmt: skip
SCORES = Table(
    "scores", META,
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
ITEMS = Table(
    "items", META,
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

CALLS = Table(
    "calls", META,
    Column("trajectory", Integer, ForeignKey("trajectories.key"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("role", String(20), nullable=False),
    Column("model", String(120), nullable=False),
    Column("api_base", Text, nullable=False),
    Column("hash", String(80), nullable=False),
    Column("prompt_hash", String(80), nullable=False),
    Column("parameters", Text, nullable=False),
    Column("at", String(40), nullable=False),
    Column("latency", Float, nullable=False),
    Column("finish", String(40), nullable=False),
    Column("retries", Integer, nullable=False),
    Column("cached", Integer, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("usd", Float),
    Column("error", Text, nullable=False),
)  # fmt: skip

SUMMARY = tuple(column for column in TRAJECTORIES.columns if column.name not in {"key", "usage"})
NAMES = tuple(column.name for column in SUMMARY)
NUMBERS = {at: column.name for at, column in enumerate(SUMMARY) if isinstance(column.type, (Integer, Float))}
PLAIN = {int, float, type(None)}
