"""What a judge may score, by what people's labels show: the answer for whoever prints a judge's figures.

The rule: where there are labels, a competency in which agreement is low, the bias is large, or neither can be told, is not scorable, and
every page that shows it says so. Without labels nothing is known, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from medsim.agreement.columns import REFERENCE, Table, is_person, table_of
from medsim.agreement.compare import Comparison, compare
from medsim.store import HUMAN, Store
from medsim.store.verdicts import has_labels

_QUICK = 200
"""Resamples where only the values are wanted, which do not depend on them."""


class Trust(NamedTuple):
    """Whether a judge may score a competency."""

    judge: str
    competency: str
    """``all`` for all items together."""
    scorable: bool
    reason: str
    items: int
    kappa: float | None
    bias: float | None
    """Points of 100."""


def trust(comparisons: Sequence[Comparison]) -> list[Trust]:
    """What comparisons of judges with the people's reference say."""
    return [
        Trust(found.second, row.competency, row.scorable, row.reason, row.items, row.kappa.value, row.bias.value)
        for found in comparisons
        if found.first == REFERENCE and not is_person(found.second)
        for row in found.rows
    ]


def unscorable(store: Store, *, run: str, rubrics: Sequence[str] = (), **options: Any) -> list[Trust]:
    """The competencies of a run that its judges may not score; empty where nothing was labelled."""
    if not has_labels(store, run=run, prefix=HUMAN):
        return []
    table: Table = table_of(store, run=run, rubrics=rubrics)
    if not table.labelled or not table.judges:
        return []
    return [found for found in trust(compare(table, **{"resamples": _QUICK, **options})) if not found.scorable]
