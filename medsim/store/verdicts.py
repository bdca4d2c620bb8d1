"""Every item verdict of a run in one reading: who gave it, by which rubric, and what it was worth.

The rule: verdicts are read as they stand, one row each, and no event is read for them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from medsim.store.tables import ITEMS, SCORES, TRAJECTORIES

if TYPE_CHECKING:
    from medsim.store import Store


class ItemVerdict(NamedTuple):
    """One stored verdict, with the encounter and the score it belongs to."""

    trajectory: str
    case: str
    agent: str
    score: int
    """Key of the score: a later one is larger."""
    rubric: str
    rubric_hash: str
    judge: str
    item: str
    comp: str
    points: float
    earned: float
    verdict: str
    evidence: tuple[int, ...]
    reason: str
    raw: float | None
    """Raw score of the encounter that the verdict is a part of."""
    data: dict[str, Any]
    """Text, role and, where a judge was asked, what it said."""


def verdicts(store: Store, *, run: str, judges: Sequence[str] = ()) -> list[ItemVerdict]:
    """Every verdict of a run's scores (of the named judges), in the order the scores were added; StoreError where a row cannot be read."""
    item, score, played = ITEMS.c, SCORES.c, TRAJECTORIES.c
    query = (
        select(
            played.id, played.case_id, played.agent, score.key, score.rubric, score.rubric_hash, score.judge, item.item, item.comp,
            item.points, item.earned, item.verdict, item.evidence, item.reason, score.raw, item.data,
        )
        .join(SCORES, score.key == item.score)
        .join(TRAJECTORIES, played.key == score.trajectory)
        .where(played.run == run)
        .order_by(score.key, item.position)
    )  # fmt: skip
    if judges:
        query = query.where(score.judge.in_(judges))
    with store.reading() as connection:
        return [
            ItemVerdict._make((*row[:12], tuple(json.loads(row[12])), row[13], row[14], dict(json.loads(row[15]))))
            for row in connection.execute(query).all()
        ]


def has_labels(store: Store, *, run: str, prefix: str) -> bool:
    """Whether a run has a score by a judge whose name begins so; no item is read."""
    query = (
        select(SCORES.c.key)
        .join(TRAJECTORIES, TRAJECTORIES.c.key == SCORES.c.trajectory)
        .where((TRAJECTORIES.c.run == run) & SCORES.c.judge.startswith(prefix, autoescape=True))
    )
    with store.reading() as connection:
        return connection.execute(query.limit(1)).first() is not None
