"""The log that predicates look at: what was done so far, which events matched which pattern, and the totals.

The rule: a log only grows. Each event is taken in once, in its order, and held then against the patterns that were named at the start;
a pattern is known by its identity, so that two that read alike keep hits of their own. Identities do not outlive a process: a copied or
pickled log keeps each pattern with its hits, and looks them up anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.case.part import Part
from medsim.case.pattern import Did
from medsim.rubric.finding import Hit
from medsim.rubric.measured import Done
from medsim.safety import Unsafe, Watch
from medsim.trajectory import Event

SAID = {"note": "note", "ask": "words", "say": "words", "diagnose": "diagnosis"}
"""Kinds of events in which a doctor says something, and how rubrics name them."""


class Log:
    """The running record that predicates look at: which events matched which pattern, and the totals."""

    def __init__(self, patterns: Iterable[Did], case: Case) -> None:
        self.case = case
        self.now = 0
        self.cost = 0.0
        self.note = ""
        self.note_seqs: list[int] = []
        self.ranked: list[str] = []
        self.diagnosis_seq = -1
        self.disposition = ""
        self.disposition_seq = -1
        self.states: list[tuple[str, int]] = []
        self.said: list[tuple[str, Done]] = []
        self.turns = 0
        self.given: list[Event] = []
        self._watch: Watch | None = None
        self.done: dict[str, int] = {}
        self._kept: list[tuple[Did, list[Hit]]] = [(did, []) for did in patterns]
        self._look_up()

    def _look_up(self) -> None:
        self._tests: dict[str, list[tuple[Callable[[Any], bool], list[Hit]]]] = {}
        self._hits: dict[int, list[Hit]] = {}
        for did, hits in self._kept:
            self._hits[id(did)] = hits
            for kind in did.kinds:
                self._tests.setdefault(kind, []).append((did.matches, hits))

    def __getstate__(self) -> dict[str, Any]:
        """Plain data: what was looked up by identity is left behind."""
        return {name: value for name, value in self.__dict__.items() if name not in {"_tests", "_hits"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on with the patterns as they are here."""
        self.__dict__.update(state)
        self._look_up()

    def feed(self, event: Event) -> None:
        """Take in one event."""
        self.now = max(self.now, event.t)
        self.cost += event.cost
        if event.actor == "doctor":
            self.turns = max(self.turns, event.turn)
            self.done[event.kind] = self.done.get(event.kind, 0) + 1
            if event.kind in SAID:
                self.said.append((SAID[event.kind], Done(event.seq, event.code, event.text)))
        if event.kind == "note":
            self.note += "\n" + event.text.lower()
            self.note_seqs.append(event.seq)
        elif event.kind == "diagnose":
            self.ranked, self.diagnosis_seq = list(event.args.get("ranked", ())), event.seq
        elif event.kind == "dispose":
            self.disposition, self.disposition_seq = event.code, event.seq
        elif event.kind == "state":
            self.states.append((event.code, event.seq))
        elif event.kind == "treat":
            self.given.append(event)
        hit = Hit(event.seq, event.t, event)
        for matches, hits in self._tests.get(event.kind, ()):
            if matches(event):
                hits.append(hit)

    def unsafe(self) -> list[Unsafe]:
        """What medication safety finds in the drugs given so far; looked at only where a rubric asks."""
        if self._watch is None:
            self._watch = Watch(self.case)
        self._watch.feed(self.given)
        self.given = []
        return self._watch.found

    def hits(self, did: Did) -> list[Hit]:
        """The events that matched a pattern so far."""
        return self._hits[id(did)]


def patterns(part: Any) -> list[Did]:
    """Every pattern inside a rubric, item or predicate."""
    if isinstance(part, Did):
        return [part]
    if isinstance(part, Part):
        return [did for name in type(part).model_fields for did in patterns(getattr(part, name))]
    if isinstance(part, (list, tuple)):
        return [did for item in part for did in patterns(item)]
    if isinstance(part, dict):
        return [did for item in part.values() for did in patterns(item)]
    return []


_KNOWN: dict[int, tuple[Rubric, list[Did]]] = {}


def patterns_of(rubric: Rubric) -> list[Did]:
    """The patterns of a rubric, looked for once; the rubric is kept with them, so that its id stays its own."""
    if id(rubric) not in _KNOWN:
        if len(_KNOWN) >= 256:
            _KNOWN.clear()
        _KNOWN[id(rubric)] = (rubric, patterns(rubric))
    return _KNOWN[id(rubric)][1]
