"""Near duplicates within one file: the same patient told twice.

The rule: same answer and same person and much the same story; two patients with one disease are no duplicates.
"""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz

from medsim.case import Case, Fact
from medsim.importers.answers import accepted
from medsim.importers.people import Person
from medsim.importers.script import Script

ALIKE = 55.0
"""Token-set ratio from which two stories of the same person with the same answer count as one."""
SAME = 86.0
"""The same where age or sex differ."""
_TOLD = ("history", "primary", "secondary", "fact", "context")


class Known:
    """The cases seen so far, by the names of their answers; ``alike`` and ``same`` are for stories told in few and standing words."""

    def __init__(self, *, alike: float = ALIKE, same: float = SAME) -> None:
        self.alike, self.same = alike, same
        self._seen: dict[str, list[tuple[str, str, str]]] = {}

    def twin(self, answer: str, person: Person, script: Script) -> str:
        """Return the id of an earlier case that this one repeats, or an empty text."""
        story = _story(script.facts)
        best, found = 0.0, ""
        for name, who, told in {entry for form in accepted(answer) for entry in self._seen.get(form, ())}:
            alike = fuzz.token_set_ratio(story, told)
            if alike >= (self.alike if who == _who(person) else self.same) and (alike, found) > (best, name):
                best, found = alike, name
        return found

    def add(self, case: Case) -> None:
        """Remember a case."""
        entry = (case.id, f"{case.patient.age} {case.patient.sex}", _story(case.patient.facts))
        asked = case.outcome.question
        for form in accepted(asked.options[asked.answer] if asked else case.outcome.diagnosis.name):
            self._seen.setdefault(form, []).append(entry)


def _who(person: Person) -> str:
    return f"{person.age} {person.sex}"


def _story(facts: Sequence[Fact]) -> str:
    return " ".join(fact.say[0] for fact in facts if fact.id.startswith(_TOLD))[:4_000].lower()
