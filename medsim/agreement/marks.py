"""Pass marks from a file of estimates, and from a run whose encounters were rated.

The rule: estimates are read line by line and every fault is named with its line. A mark from regression joins one checklist score and one
global rating of each encounter, both by one rubric and judge throughout.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from medsim.agreement.columns import OWN, is_person, rating_of
from medsim.agreement.spreadsheet import Fault, records, refuse
from medsim.errors import StoreError, did_you_mean
from medsim.stats import PassMark, borderline_regression
from medsim.store import Store
from medsim.store.tally import tallies
from medsim.store.verdicts import verdicts

COLUMNS = ("rater", "item", "estimate")


class Estimates(NamedTuple):
    """One row a rater, one column an item: the chance that a borderline doctor meets it; None where it was left out."""

    raters: list[str]
    items: list[str]
    chances: list[list[float | None]]

    @property
    def missing(self) -> list[str]:
        """Who left out what, in words."""
        return [
            f"{rater} left out {item}"
            for rater, row in zip(self.raters, self.chances, strict=True)
            for item, chance in zip(self.items, row, strict=True)
            if chance is None
        ]


def read_estimates(path: str | Path) -> Estimates:
    """Read a CSV of rater, item, estimate; estimates are chances from 0 to 1, or per cent written with the sign."""
    found: dict[tuple[str, str], float] = {}
    faults: list[Fault] = []
    for line, record in records(path, needed=COLUMNS):
        key = (record["rater"], record["item"])
        chance, fault = _chance(record["estimate"])
        if not all(key):
            fault = "the rater or the item is missing"
        elif key in found:
            fault = f"{key[0]} has estimated {key[1]} twice"
        if fault or chance is None:
            faults.append(Fault(line, fault))
        else:
            found[key] = chance
    refuse(path, faults)
    if not found:
        raise StoreError(f"'{path}' holds no estimate. One line each is expected: rater,item,estimate.")
    raters, items = (list(dict.fromkeys(key[place] for key in found)) for place in (0, 1))
    return Estimates(raters, items, [[found.get((rater, item)) for item in items] for rater in raters])


def borderline_of(
    store: Store, run: str, *, rating: str, borderline: float, rubric: str = OWN, judge: str | None = None
) -> tuple[PassMark, str]:
    """The mark that global ratings set, and in words whose scores and ratings it stands on.

    ``rating`` names the scale item; several raters of one encounter count by their mean.
    """
    rows = verdicts(store, run=run)
    given: dict[str, list[float]] = {}
    for row in rows:
        if row.item == rating and (value := rating_of(row)) is not None:
            given.setdefault(row.trajectory, []).append(value)
    if not given:
        scales = sorted({row.item for row in rows if rating_of(row) is not None})
        told = f"Scales with ratings: {', '.join(scales)}." if scales else "The run has no rating on any scale."
        raise StoreError(f"No encounter of run '{run}' has a rating on '{rating}'.{did_you_mean(rating, scales)} {told}")
    cases = {row["id"]: row["case_id"] for row in store.rows(run=run)}
    scores = {
        (name, found.judge): found.score
        for name, every in tallies(store, run=run).items()
        for found in every
        if found.score is not None and not is_person(found.judge) and found.rubric == (cases[name] if rubric == OWN else rubric)
    }
    judges = Counter(who for _, who in scores)
    if not judges or (judge is not None and judge not in judges):
        near = did_you_mean(judge, judges) if judge else ""
        raise StoreError(f"No encounter of run '{run}' has a score by {judge or 'a judge'} and rubric '{rubric}'.{near}")
    chosen = judge or judges.most_common(1)[0][0]
    pairs = [(score, sum(given[name]) / len(given[name])) for (name, who), score in scores.items() if who == chosen and name in given]
    mark = borderline_regression([score for score, _ in pairs], ratings=[value for _, value in pairs], borderline=borderline)
    return mark, f"Scores by rubric {rubric}, judge {chosen}; ratings on {rating}."


def _chance(text: str) -> tuple[float | None, str]:
    share = text.endswith("%")
    try:
        value = float(text.removesuffix("%").strip()) / (100 if share else 1)
    except ValueError:
        return None, f"the estimate '{text}' is not a number"
    if not 0 <= value <= 1:
        return None, f"the estimate {text} is not a chance between 0 and 1 (per cent are written with the sign, as 65%)"
    return value, ""
