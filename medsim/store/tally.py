"""Items counted in the database: how many were met, decided and left unknown in each stored score.

The rule: an item that is unknown or not applicable is in no count of decided items, and no item text leaves the database for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, case, func, select

from medsim.store.tables import ITEMS, SCORES, TRAJECTORIES

if TYPE_CHECKING:
    from medsim.store import Store


class Tally(NamedTuple):
    """One stored score with its items counted."""

    rubric: str
    rubric_hash: str
    judge: str
    score: float | None
    passed: int | None
    coverage: float
    critical: int
    """Critical items that were met, or left undone where that is what is critical."""
    watched: int
    """Critical items there are: without any, nobody looked for harm."""
    met: int
    """Items with points above zero that were met."""
    decided: int
    """Items with points above zero that were met or unmet."""
    unsure: int
    """Critical items that could not be decided: whether there was harm is then not known."""


def tallies(store: Store, *, run: str) -> dict[str, list[Tally]]:
    """Every score of a run's trajectories with its items counted, by trajectory id, oldest first."""
    earns, item = ITEMS.c.points > 0, ITEMS.c
    omission = item.data.like('%"critical_when":"unmet"%')
    is_critical = (item.data.like('%"critical":"_%') & item.data.not_like('%"critical":""%')) | omission

    def count(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    counts = [
        count(is_critical & (item.verdict == case((omission, "unmet"), else_="met"))),
        count(is_critical),
        count(earns & (item.verdict == "met")),
        count(earns & item.verdict.in_(("met", "unmet"))),
        count(is_critical & (item.verdict == "unknown")),
    ]
    score = SCORES.c
    query = (
        select(
            TRAJECTORIES.c.id, score.rubric, score.rubric_hash, score.judge, score.score, score.passed, score.coverage, *counts,
        )
        .join(SCORES, score.trajectory == TRAJECTORIES.c.key)
        .outerjoin(ITEMS, item.score == score.key)
        .where(TRAJECTORIES.c.run == run)
        .group_by(score.key, TRAJECTORIES.c.id)
        .order_by(score.key)
    )  # fmt: skip
    found: dict[str, list[Tally]] = {}
    with store.reading() as connection:
        for name, *values in connection.execute(query):
            found.setdefault(name, []).append(Tally(*values))
    return found
