"""A store read piece by piece: one trajectory's heading, then as many of its events as are looked at.

The rule: nothing here reads more events than it is asked for, and a store that is being written is read as it stands.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from medsim.store.record import trajectory_of
from medsim.store.tables import EVENTS, NAMES, SCORES, TRAJECTORIES
from medsim.trajectory import Event, Trajectory

if TYPE_CHECKING:
    from medsim.store import Store


class Heading(NamedTuple):
    """One stored trajectory without its events."""

    key: int
    trajectory: Trajectory
    """With no events."""
    row: dict[str, Any]
    """Its summary, as in a list."""


class Pulse(NamedTuple):
    """What changes whenever something is added to a store."""

    trajectories: int
    newest: int
    scores: int


def heading(store: Store, trajectory_id: str, *, run: str | None = None) -> Heading:
    """Read one trajectory without its events; a unique beginning of the id is enough."""
    with store.reading() as connection:
        key = store._key(connection, trajectory_id, run)
        row = dict(connection.execute(select(TRAJECTORIES).where(TRAJECTORIES.c.key == key)).mappings().one())
        return Heading(key, trajectory_of(row, []), {name: row[name] for name in NAMES})


def events(store: Store, key: int, *, start: int = 0, limit: int | None = None) -> list[Event]:
    """Read events of a trajectory by its key, in order, from a number on."""
    query = select(EVENTS.c.data).where((EVENTS.c.trajectory == key) & (EVENTS.c.seq >= start)).order_by(EVENTS.c.seq).limit(limit)
    with store.reading() as connection:
        return [Event.of(json.loads(text)) for text in connection.execute(query).scalars()]


def pulse(store: Store) -> Pulse:
    """Read what tells whether anything was added since; no row is read."""
    counts = (
        select(column).scalar_subquery()
        for column in (func.count(TRAJECTORIES.c.key), func.max(TRAJECTORIES.c.key), func.count(SCORES.c.key))
    )
    with store.reading() as connection:
        return Pulse(*(value or 0 for value in connection.execute(select(*counts)).one()))
