"""What a rater is asked, and in what order.

The rule: a rater sees the encounter and the statement, and nothing of who the doctor is, what the item is worth or what anybody else said
of it. The order is each rater's own, is the same at every start, and puts no agent or case before another.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from medsim.agreement.labels import ADJUDICATED, Encounter, Label
from medsim.case.checklist import RubricItem
from medsim.errors import JudgeError
from medsim.judge import Ask, Line, View
from medsim.judge.ask import neutral
from medsim.trajectory import Trajectory


class Task(NamedTuple):
    """One item of one encounter to label."""

    encounter: Encounter
    item: RubricItem

    @property
    def key(self) -> tuple[str, str]:
        """Trajectory and item."""
        return self.encounter.trajectory, self.item.id

    @property
    def statement(self) -> str:
        """What is to be decided, without points and without what gives its sign away."""
        return neutral(self.item.judge.criterion if self.item.judge and self.item.pred is None else self.item.text)

    @property
    def detail(self) -> str:
        """What a judge is asked where the log decides the rest."""
        return neutral(self.item.judge.criterion) if self.item.judge and self.item.pred is not None else ""


def sheet(known: Iterable[Encounter], *, rater: str, judged: bool = False, only: frozenset[tuple[str, str]] | None = None) -> list[Task]:
    """The items to label, encounter by encounter, in the rater's own order.

    ``judged`` leaves only items that a judge decides, ``only`` those of the given trajectories and items.
    """
    tasks = []
    for one in sorted(known, key=lambda one: _place(rater, one.trajectory)):
        for item in sorted(one.rubric.items, key=lambda item: _place(rater, one.trajectory, item.id)):
            if (item.judge or not judged) and (only is None or (one.trajectory, item.id) in only):
                tasks.append(Task(one, item))
    return tasks


def sampled(known: Sequence[Encounter], number: int) -> list[Encounter]:
    """So many encounters, the same for every rater, spread evenly over the cases and drawn without regard to the agent."""
    if number < 1:
        raise JudgeError(f"At least one encounter is sampled, given {number}.")
    drawn = sorted(known, key=lambda one: _place("sample", one.trajectory))
    seen: Counter[str] = Counter()
    rounds = []
    for one in drawn:
        rounds.append((seen[one.case.id], one))
        seen[one.case.id] += 1
    return [one for _, one in sorted(rounds, key=lambda pair: pair[0])[:number]]


def differing(labels: Iterable[Label]) -> frozenset[tuple[str, str]]:
    """Trajectories and items on which raters gave different verdicts; what was adjudicated is no rater's verdict."""
    said: dict[tuple[str, str], set[object]] = {}
    for label in labels:
        if label.rater != ADJUDICATED:
            said.setdefault((label.trajectory, label.item), set()).add(label.rating or label.verdict)
    return frozenset(key for key, verdicts in said.items() if len(verdicts) > 1)


def view(trajectory: Trajectory) -> View:
    """The encounter as judges see it: without names that give the doctor away."""
    return View.of(trajectory.events, hide=(trajectory.agent,))


def allowed(shown: View, item: RubricItem) -> Sequence[Line] | None:
    """The entries that an item's scope leaves a judge; None where that is all of them."""
    asked = shown.ask(item) if item.judge else None
    return asked.lines if isinstance(asked, Ask) and len(asked.lines) < len(shown.lines) else None


def _place(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "backslashreplace")).digest()
