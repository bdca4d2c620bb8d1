"""A sampled patient told as a text case: the same person, the same answers, the same prices, played in ``medsim/Consult-v0``.

The rule: nothing is invented that could tell for or against a condition. What is reported in the discrete environments is what the patient
says and what examinations and tests show; a finding that could never be asked of this patient is no part of the case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from medsim.case import Case
from medsim.errors import CaseError
from medsim.rubric.names import folded, names
from medsim.vocabulary import Lexicon
from medsim.world.drawn import Drawn, case_of
from medsim.world.game import Game, game
from medsim.world.patients import UNKNOWN, Draw, Patients, keys
from medsim.world.tables import Tables
from medsim.world.teacher import Teacher
from medsim.world.wording import VERBS, accepted, bare, questions, slug, understood

WAIT_HOURS = 12
"""The longest the consult lets one wait at a time."""


@dataclass(frozen=True, eq=False)
class Told:
    """A text case, and how its parts stand for the parts of the world."""

    case: Case
    tables: Tables
    patients: Patients
    """One patient."""
    codes: tuple[str, ...]
    """(F + M,): the fact or action of each finding, then of each treatment; empty where this patient has none."""

    @cached_property
    def number(self) -> dict[str, int]:
        """Code -> its place in ``codes``."""
        return {code: i for i, code in enumerate(self.codes) if code}

    @cached_property
    def lexicon(self) -> Lexicon:
        """What words mean in this case."""
        return Lexicon(self.case)

    def words(self, game: Game, action: int) -> str:
        """Return an action of the discrete game as a turn of text; what this patient lacks (it is illegal) is not understood."""
        kind, name = game.menu[action]
        if kind == "stop":
            return "end:"
        if kind == "diagnose":
            return f"diagnose: {bare(self.tables.world.conditions[action - game.stop].name)}\nend:"
        code = self.codes[action if action < game.findings else len(self.tables.offset) + action - game.findings]
        if kind == "treat":
            return f"treat: {self._said('treat', code)}" if code else f"treat: {name}"
        finding = self.tables.world.findings[action]
        if kind == "history":
            return f"ask: {questions(self.tables.world)[action]}"
        if not code:
            return f"{VERBS[kind]}: {finding.name}"
        waits = math.ceil(finding.minutes / (WAIT_HOURS * 60)) if kind == "test" else 0
        return "\n".join([f"{VERBS[kind]}: {self._said(VERBS[kind], code)}", *["wait: result"] * waits])

    def _said(self, verb: str, code: str) -> str:
        """The name of an action where it is understood as this one alone, otherwise its code."""
        return understood(self.lexicon, verb, code)

    def condition(self, said: str) -> int:
        """Return the condition a doctor's words name, -1 for none of this world; of several the one named at greatest length."""
        best, found = 0, UNKNOWN
        for d, known in enumerate(self.tables.world.conditions):
            for name in accepted(known):
                size = 1000 if folded(said) == folded(name) else len(folded(name)) if names(said, (name,)) else 0
                if size > best:
                    best, found = size, d
        return found


def tell(tables: Tables, patients: Patients, row: int = 0, *, name: str = "", teacher: Teacher | None = None, max_turns: int = 30) -> Told:
    """Write one patient as a case. ``teacher`` writes its golden script; left out, greedy information gain does.

    Vital signs are unremarkable and cannot be measured, unless the world has them as findings: it says nothing of them otherwise.
    """
    one = patients.take(slice(row, row + 1))
    if len(one) != 1:
        raise CaseError(f"Row {row} was asked for, there are {len(patients)} patients.")
    drawn = Drawn.of(tables, one)
    path = (teacher or Teacher(tables, most=min(20, max_turns - 2))).path(one)
    stem = slug(tables.world.id).replace("_", "-")
    data = case_of(drawn, path=path, name=name or f"{stem}-{row:04d}", max_turns=max_turns)
    told = Told(Case.model_validate({**data, "golden": ["end:"]}), tables, one, drawn.codes)
    return Told(Case.model_validate({**data, "golden": _golden(told, drawn, path)}), tables, one, drawn.codes)


def tell_many(tables: Tables, count: int, *, seed: int, max_turns: int = 60) -> list[Told]:
    """Draw patients as ``medsim.world.sample`` does and tell each."""
    patients = Draw.of(tables).patients(keys(seed, count))
    teacher, stem = Teacher(tables, most=20), slug(tables.world.id).replace("_", "-")
    return [tell(tables, patients, row, name=f"{stem}-{seed}-{row:04d}", teacher=teacher, max_turns=max_turns) for row in range(count)]


def _golden(told: Told, drawn: Drawn, path: Sequence[int]) -> list[str]:
    play = game(told.tables, task="workup")
    turns = [told.words(play, f) for f in path] + [told.words(play, play.findings + m) for m in drawn.critical]
    listed = "; ".join(bare(condition.name) for condition in (drawn.truth, *drawn.rivals))
    return [*turns, f"diagnose: {listed}\nend:"]
