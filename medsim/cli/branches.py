"""What is shown of a forked encounter: how it ended beside its parent, and the items that came out differently.

The rule: both sides stand beside each other, each verdict with the turns that decided it; what could not be scored is said, not shown as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.table import Table

from medsim.cli.output import console, number, print_json, remark, say, table
from medsim.counterfactual import Branch, Difference
from medsim.rubric import Scorecard
from medsim.trajectory import Trajectory


class Shown(NamedTuple):
    """A branch with both scores."""

    branch: Branch
    before: Scorecard | None
    after: Scorecard | None
    items: list[Difference]


def show(shown: Sequence[Shown], run: str, store: str, *, as_json: bool) -> None:
    """Print branches: each with its items, and an overview where there are several."""
    if as_json:
        print_json({"run": run, "branches": [_data(one) for one in shown]})
        return
    for one in shown:
        _page(one)
    if len(shown) > 1:
        console().print(_overview(shown))
    remark(f"Stored as run {run} in {store}. Look at one: medsim show {shown[0].branch.trajectory.id} --run {run}")


def _data(one: Shown) -> dict[str, Any]:
    parent, child = one.branch.parent, one.branch.trajectory
    return {
        "parent": {"id": parent.id, "run": parent.run}, "turn": one.branch.turn, "id": child.id, "agent": child.agent, "patient": child.patient,
        "resumed": one.branch.resumed, "error": child.error, "before": _side(parent, one.before), "after": _side(child, one.after),
        "items": [{**item._asdict(), "changed": item.changed} for item in one.items],
    }  # fmt: skip


def _side(trajectory: Trajectory, card: Scorecard | None) -> dict[str, Any]:
    outcome = trajectory.outcome
    graded = {name: getattr(card, name, None) for name in ("judge", "score", "passed", "coverage")}
    critical = list(card.critical) if card else []
    ended = {name: getattr(outcome, name) for name in ("status", "reason", "state", "disposition", "seconds", "turns", "cost")}
    return {**graded, "critical": critical, "diagnosis": list(outcome.diagnosis), **ended}


_LINES: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("score", lambda side: number(side["score"])),
    ("passed", lambda side: {True: "yes", False: "no", None: "-"}[side["passed"]]),
    ("critical harms", lambda side: ", ".join(side["critical"]) or "-"),
    ("judge", lambda side: side["judge"] or "-"),
    ("ended", lambda side: f"{side['status']} ({side['reason']}), {side['state']}"),
    ("diagnosis", lambda side: "; ".join(side["diagnosis"]) or "-"),
    ("disposition", lambda side: side["disposition"] or "-"),
    ("turns", lambda side: str(side["turns"])),
    ("simulated min", lambda side: number(side["seconds"] / 60, 0)),
    ("cost $", lambda side: number(side["cost"], 0)),
)


def _page(one: Shown) -> None:
    """One branch: how it ended beside its parent, and the items that came out differently."""
    parent, child = one.branch.parent, one.branch.trajectory
    how = "" if one.branch.resumed else "; the doctor was told the transcript so far"
    say(
        f"{child.case_id}: {parent.id} ({parent.agent}, {parent.patient}) up to turn {one.branch.turn}, then {child.agent}, {child.patient}: {child.id}{how}"
    )
    if child.error:
        say(f"The branch ended in an error and has no score: {child.error}")
        return
    before, after = _side(parent, one.before), _side(child, one.after)
    console().print(table({"": "left", "before": "fold", "after": "fold"}, [[name, words(before), words(after)] for name, words in _LINES]))
    changed = [item for item in one.items if item.changed]
    if changed:
        columns = {
            "item": "left",
            "points": "right",
            "before": "left",
            "at": "left",
            "after": "left",
            "at ": "left",
            "earned": "right",
            "says": "fold",
        }
        rows = [
            [item.id, f"{item.points:g}", item.before, _at(item.turns_before), item.after, _at(item.turns_after),
             f"{item.earned_after - item.earned_before:+g}", item.text]
            for item in changed
        ]  # fmt: skip
        console().print(table(columns, rows, drop=("says",)))
    say(
        f"{len(changed)} of {len(one.items)} items differ (at: the turns that decided them)."
        if one.items
        else "There is no score to compare with."
    )


def _at(turns: Sequence[int]) -> str:
    return ", ".join(map(str, turns[:6])) + (" ..." if len(turns) > 6 else "") if turns else "-"


def _overview(shown: Sequence[Shown]) -> Table:
    columns = {
        "case": "fold",
        "trial": "right",
        "before": "right",
        "after": "right",
        "difference": "right",
        "items": "right",
        "branch": "left",
    }
    rows = []
    for one in shown:
        old, new = (card.score if card is not None else None for card in (one.before, one.after))
        gained = "-" if old is None or new is None else f"{new - old:+.2f}"
        child, changed = one.branch.trajectory, sum(item.changed for item in one.items)
        rows.append([child.case_id, str(child.trial), number(old), number(new), gained, str(changed), child.id])
    return table(columns, rows)
