"""The verb label: a person gives verdicts on the items of stored encounters, in the terminal or by CSV.

The rule: blinded, in the rater's own order, every verdict stored the moment it is given; to stop and to go on is the same command.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from medsim.cli import label_files
from medsim.cli.output import print_json, remark, say
from medsim.cli.playing import _piped, _ready_input
from medsim.cli.scoring import rubric_of
from medsim.errors import JudgeError
from medsim.store import Store

if TYPE_CHECKING:
    from medsim.agreement import Encounter, Label, Task
    from medsim.judge import View

_HOW = """\
m met   u unmet   (on a scale 1 to 5)   ? cannot tell   n does not apply   b back   t transcript again   /WORDS find   q quit
After the letter, if you like: the number of the entry that shows it, and a comment.  Example: m 12 asks about onset"""
_GIVEN = re.compile(
    r"(?P<key>[mun?1-5])(?:\s+(?P<evidence>\d+(?:\s*,\s*\d+)*)(?=\s|$))?(?:\s+(?P<comment>\S.*))?", re.IGNORECASE | re.DOTALL
)
_SHOWN = {"met": "met", "unmet": "unmet", "unknown": "cannot tell", "na": "does not apply"}


def do_label(arguments: argparse.Namespace) -> int:
    """Label in the terminal, take labels in with --from, or write them with --to."""
    from medsim import agreement
    from medsim.agreement.sheet import sampled

    if sum(bool(given) for given in (arguments.source, arguments.to, arguments.adjudicate)) > 1:
        raise JudgeError("--from, --to and --adjudicate are three things to do: give one of them.")
    store = Store(arguments.store, create=False)
    rubric = rubric_of(arguments.rubric) if arguments.rubric else None
    known = agreement.encounters(store, arguments.run, rubric=rubric, places=tuple(arguments.cases or ()))
    if arguments.sample is not None and not (arguments.source or arguments.adjudicate):
        known = sampled(known, arguments.sample)
    if arguments.source:
        return label_files.take_in(store, known, arguments)
    if arguments.to:
        return label_files.write(store, known, arguments)
    return _in_terminal(store, known, arguments)


# ---- in the terminal ---------------------------------------------------------------------------------------------------------------


class _Answer(NamedTuple):
    """What was typed at the prompt; without a key what was labelled before stays."""

    key: str
    evidence: tuple[int, ...] = ()
    comment: str = ""


@dataclass(slots=True)
class _Session:
    """One rater at work."""

    store: Store
    known: Sequence[Encounter]
    rater: str
    tasks: Sequence[Task]
    given: dict[tuple[str, str], Label]
    by: str = ""
    shown: str = ""
    views: dict[str, View] = field(default_factory=dict)

    def run(self) -> None:
        """Ask from the first item without a label on, to the last or until the rater leaves."""
        at = self._next(0)
        while at < len(self.tasks):
            answer = self._asked(at)
            if answer is None:
                return
            if answer.key == "b":
                at = max(0, at - 1)
                continue
            if answer.key:
                self._keep(self.tasks[at], answer)
            at = self._next(at + 1)

    def _next(self, start: int) -> int:
        """The next item without a label, to the end and then from the beginning; behind the last where there is none."""
        places = [*range(start, len(self.tasks)), *range(min(start, len(self.tasks)))]
        return next((at for at in places if self.tasks[at].key not in self.given), len(self.tasks))

    def _asked(self, at: int) -> _Answer | None:
        """Show an item and read an answer that can be understood; None where the rater leaves."""
        task = self.tasks[at]
        view = self._view(task)
        if self.shown != task.encounter.trajectory:
            self._transcript(task, view)
        self._question(task, view)
        while True:
            try:
                typed = input("> ") if sys.stdin.isatty() else _piped()
            except (EOFError, KeyboardInterrupt):
                return None
            if typed.strip().lower() in {"q", "quit", "exit"}:
                return None
            answer = self._understood(task, view, typed.strip())
            if answer is not None:
                return answer

    def _understood(self, task: Task, view: View, typed: str) -> _Answer | None:
        """Read one line; None where the rater is to be asked again."""
        from medsim.agreement.labels import said

        if not typed and task.key in self.given:
            return _Answer("")
        if typed.lower() in {"b", "back"}:
            return _Answer("b")
        if typed.lower() in {"t", "transcript"}:
            self._transcript(task, view)
            self._question(task, view)
        elif typed.startswith("/"):
            _find(view, typed[1:].strip())
        elif found := _GIVEN.fullmatch(typed):
            evidence = tuple(int(part) for part in (found["evidence"] or "").replace(",", " ").split())
            entries = {line.seq for line in view.lines}
            if said(task.item, found["key"]) is None:
                say("This is rated from 1 to 5 (or ?, n)." if task.item.scale else "This is met or not: m, u, ? or n.")
            elif set(evidence) <= entries:
                return _Answer(found["key"].lower(), evidence, found["comment"] or "")
            else:
                say(f"There is no entry {', '.join(str(one) for one in evidence if one not in entries)}. Nothing was stored.")
        else:
            say(_HOW if typed in {"", "h", "help"} else f"'{typed[:60]}' was not understood.\n{_HOW}")
        return None

    def _keep(self, task: Task, answer: _Answer) -> None:
        from medsim.agreement import Label, store_labels
        from medsim.agreement.labels import said

        verdict, rating = said(task.item, answer.key) or ("unknown", None)
        label = Label(*task.key, verdict, self.rater, answer.evidence, answer.comment, rating)
        store_labels(self.store, [label], known=[task.encounter], by=self.by)
        self.given[task.key] = label

    # ---- what is shown -----------------------------------------------------------------------------------------------------------

    def _view(self, task: Task) -> View:
        from medsim.agreement.sheet import view

        one = task.encounter
        if one.trajectory not in self.views:
            self.views = {one.trajectory: view(self.store.load(one.trajectory, run=one.run))}
        return self.views[one.trajectory]

    def _transcript(self, task: Task, view: View) -> None:
        order = list(dict.fromkeys(each.encounter.trajectory for each in self.tasks))
        self.shown = task.encounter.trajectory
        say(f"\n━━ Encounter {order.index(self.shown) + 1} of {len(order)} ━━", style="bold")
        for line in view.lines:
            say(f"[{line.seq}] {line.speaker}: {line.text}")

    def _question(self, task: Task, view: View) -> None:
        from medsim.agreement.sheet import allowed

        own = [each for each in self.tasks if each.encounter.trajectory == task.encounter.trajectory]
        done = sum(each.key in self.given for each in self.tasks)
        say(f"\nStatement {own.index(task) + 1} of {len(own)}   ({done} of {len(self.tasks)} labelled)", style="dim")
        say(task.statement, style="bold")
        if task.detail:
            say(f"In this: {task.detail}")
        if (lines := allowed(view, task.item)) is not None:
            say(f"Only these entries count: {_ranges([line.seq for line in lines], [line.seq for line in view.lines])}")
        if before := self.given.get(task.key):
            evidence = f" {', '.join(map(str, before.evidence))}" if before.evidence else ""
            say(
                f"Your verdict so far: {before.rating or _SHOWN[before.verdict]}{evidence} {before.comment}".rstrip()
                + "   (Enter keeps it)"
            )
        for step, anchor in sorted(task.item.scale.anchors.items()) if task.item.scale else ():
            say(f"  {step}  {anchor}")
        keys = "1 to 5" if task.item.scale else "m met   u unmet"
        say(f"{keys}   ? cannot tell   n does not apply   b back   h help   q quit", style="dim")


def _in_terminal(store: Store, known: Sequence[Encounter], arguments: argparse.Namespace) -> int:
    from medsim.agreement import ADJUDICATED, differing, labels_of, sheet
    from medsim.agreement.labels import older_labels, rater_name

    if not arguments.rater:
        raise JudgeError("Who labels? Give --rater NAME.")
    name = rater_name(arguments.rater)
    if name == ADJUDICATED and not arguments.adjudicate:
        raise JudgeError(f"'{ADJUDICATED}' is not a rater's name: it stands for what was settled. Give your own, with --adjudicate.")
    labels = labels_of(store, known)
    rater, only = (ADJUDICATED, differing(labels)) if arguments.adjudicate else (name, None)
    tasks = sheet(known, rater=rater, judged=arguments.judged, only=only)
    if not tasks:
        remark(_nothing(labels, arguments))
        return 0 if arguments.adjudicate else 1
    given = {(label.trajectory, label.item): label for label in labels if label.rater == rater}
    if older := older_labels(store, known, rater):
        remark(f"{older} labels of yours are of an earlier version of the rubric; they are kept, and count for that version only.")
    session = _Session(store, known, rater, tasks, given, by=name if arguments.adjudicate else "")
    _ready_input()
    if any(task.key not in given for task in tasks):
        remark(_HOW)
        session.run()
    return _farewell(session, arguments)


def _nothing(labels: Sequence[Label], arguments: argparse.Namespace) -> str:
    raters = sorted({label.rater for label in labels})
    if not arguments.adjudicate:
        return "No item needs a judge. Leave out --judged to label all."
    if len(raters) < 2:
        return f"Two raters are needed before anything can be adjudicated; so far: {', '.join(raters) or 'nobody'}."
    return "The raters do not differ on any item: there is nothing to adjudicate."


def _farewell(session: _Session, arguments: argparse.Namespace) -> int:
    done = sum(task.key in session.given for task in session.tasks)
    if arguments.json:
        print_json({"rater": session.rater, "labelled": done, "of": len(session.tasks)})
    if done < len(session.tasks):
        remark(f"{done} of {len(session.tasks)} labelled, all stored. The same command goes on.")
    else:
        remark(f"All {done} labelled. Compare: medsim agree {arguments.run}")
    return 0


def _find(view: View, words: str) -> None:
    """Show the entries that hold some words."""
    hits = [line for line in view.lines if words and words.lower() in line.text.lower()]
    for line in hits:
        say(f"[{line.seq}] {line.speaker}: {line.text}")
    if not hits:
        say(f"No entry holds '{words[:60]}'.")


def _ranges(numbers: Sequence[int], shown: Sequence[int]) -> str:
    """``1 to 3, 7``, where no entry that is shown lies between; nothing as ``none``."""
    parts: list[list[int]] = []
    for number in shown:
        if number not in numbers:
            parts.append([])
        else:
            parts = parts or [[]]
            parts[-1].append(number)
    return ", ".join(f"{part[0]} to {part[-1]}" if len(part) > 1 else str(part[0]) for part in parts if part) or "none"
