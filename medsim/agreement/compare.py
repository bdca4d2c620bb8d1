"""Raters compared two by two, and all together, over all items and within each competency.

The rule: the first of two is the one that the other is held against; what sensitivity, specificity and bias mean depends on it, and only
where it is a person can they say whether a judge may score. Items that the log decided for both are left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

from medsim.agreement.columns import REFERENCE, Key, Said, Table, is_person
from medsim.errors import StoreError
from medsim.stats import Calibration, Estimate, calibration, fleiss_kappa, icc, krippendorff_alpha
from medsim.stats.judged import ALL

MOST_PAIRS = 15

T = TypeVar("T")


class Scale(NamedTuple):
    """Agreement of ratings on a scale within one competency."""

    competency: str
    items: int
    icc: Estimate


class Comparison(NamedTuple):
    """Two raters."""

    first: str
    second: str
    rows: Sequence[Calibration]
    """All items first, then each competency where there are several; empty where nothing could be compared."""
    scales: Sequence[Scale]
    logged: int
    """Items left out because the event log decided them for both."""
    note: str = ""


class Together(NamedTuple):
    """Three or more raters at once, within one competency."""

    competency: str
    items: int
    """Items with verdicts of at least two."""
    fleiss: Estimate
    alpha: Estimate


def compare(table: Table, *, between: Sequence[str] = (), **options: Any) -> list[Comparison]:
    """Compare the named raters two by two.

    Without names each judge is compared with the reference and people among themselves,
    or judges with judges; where two rubrics were named, each rater by one with the same by the other.

    ``options`` are those of ``stats.bootstrap.of_sums``.
    """
    return [_compared(table, first, second, options) for first, second in pairs(table, between)]


def pairs(table: Table, between: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Who is held against whom; people and the reference come first."""
    names = list(dict.fromkeys(table.named(name) for name in between))
    if between and len(names) < 2:
        raise StoreError(f"Two raters at least are compared, given {'; '.join(names)}. Raters: {'; '.join(list(table.said)[:8])}.")
    if not names and table.several:
        found = [(one, other) for one, other in combinations(table.said, 2) if table.judge_of[one] == table.judge_of[other]]
    elif not names and table.labelled:
        decided = [
            judge for judge in table.judges if any(one.verdict is not None or one.rating is not None for one in table.said[judge].values())
        ]
        found = [(REFERENCE, judge) for judge in decided or table.judges] + list(combinations(table.people, 2))
    else:
        found = list(combinations(sorted(names or table.said, key=lambda name: not is_person(name)), 2))
    if not found and table.several:
        raise StoreError(f"No judge has scored run '{table.run}' by two of these rubrics: {'; '.join(table.said)}.")
    if not found:
        only = "; ".join(table.said)
        raise StoreError(
            f"One rater cannot agree or disagree: run '{table.run}' has only {only}. "
            f"Let another judge score it (medsim score) or label it (medsim label {table.run} --rater NAME)."
        )
    if len(found) > MOST_PAIRS:
        raise StoreError(f"{len(found)} pairs are more than {MOST_PAIRS}. Name the raters with --between.")
    return found


def together(table: Table, *, between: Sequence[str] = (), **options: Any) -> list[Together]:
    """Measure all raters at once; empty with fewer than three. What the log decided counts as one rater's verdict, once."""
    names = [table.named(name) for name in between] or [name for name in table.said if name in (*table.judges, *table.people)]
    if len(set(names)) < 3:
        return []
    keys = [key for key in table.units if any((one := table.said[name].get(key)) and one.own for name in names)]
    rows = {key: _once([table.said[name].get(key) for name in names]) for key in keys}
    keys = [key for key in keys if sum(value is not None for value in rows[key]) >= 2]

    def measured(competency: str, some: list[Key]) -> Together:
        ratings, cases = [rows[key] for key in some], [table.units[key].case for key in some]
        return Together(
            competency,
            len(some),
            fleiss_kappa(ratings, cases=cases, **options),
            krippendorff_alpha(ratings, cases=cases, **options),
        )

    return by_competency(table, keys, measured) if keys else []


def by_competency(table: Table, keys: Sequence[Key], measured: Callable[[str, list[Key]], T]) -> list[T]:
    """A measure over all items, and within each competency where there is more than one."""
    comps = sorted({table.units[key].comp for key in keys})
    if len(comps) == 1:
        return [measured(comps[0], list(keys))]
    parts = [(comp, [key for key in keys if table.units[key].comp == comp]) for comp in comps]
    return [measured(ALL, list(keys)), *(measured(comp, some) for comp, some in parts)]


def _once(row: Sequence[Said | None]) -> list[int | None]:
    """The verdicts of one item; those from the log stand once, with the first who has it."""
    found: list[int | None] = []
    logged = False
    for one in row:
        told = one.verdict if one is not None and (one.own or not logged) else None
        logged = logged or (one is not None and not one.own)
        found.append(told)
    return found


def _compared(table: Table, first: str, second: str, options: dict[str, Any]) -> Comparison:
    one, other = table.said[first], table.said[second]
    both = [key for key in table.units if key in one and key in other]
    own = [key for key in both if one[key].own or other[key].own]
    scales = _scales(table, one, other, both, options)
    keys = [key for key in own if one[key].rating is None and other[key].rating is None]
    decided = sum(one[key].verdict is not None and other[key].verdict is not None for key in keys)
    logged = len(both) - len(own)
    if not decided:
        return Comparison(first, second, (), scales, logged, "" if scales else _nothing(both, keys, logged))
    rows = calibration(
        [one[key].verdict for key in keys],
        judged=[other[key].verdict for key in keys],
        cases=[table.units[key].case for key in keys],
        competencies=[table.units[key].comp for key in keys],
        **options,
    )
    return Comparison(first, second, rows[1:] if len(rows) == 2 else rows, scales, logged)


def _nothing(both: Sequence[Key], keys: Sequence[Key], logged: int) -> str:
    if not both:
        return "They have no item of one encounter and one version of a rubric in common."
    if not keys:
        return f"All {logged} items that both have were decided by the event log, so neither gave an opinion to compare."
    return f"Of {len(keys)} items that both were asked none was decided (met or unmet) by both."


def _scales(table: Table, one: Any, other: Any, both: Sequence[Key], options: dict[str, Any]) -> list[Scale]:
    keys = [key for key in both if one[key].rating is not None and other[key].rating is not None]

    def measured(competency: str, some: list[Key]) -> Scale:
        ratings = [(one[key].rating, other[key].rating) for key in some]
        return Scale(competency, len(some), icc(ratings, cases=[table.units[key].case for key in some], **options))

    return by_competency(table, keys, measured) if keys else []
