"""Near duplicates within one file: the same patient told twice.

The rule: same answer and same person and much the same story; two patients with one disease are no duplicates.
"""

from __future__ import annotations

from rapidfuzz import fuzz

from medsim.case import Case
from medsim.importers.answers import accepted
from medsim.importers.people import Person
from medsim.importers.script import Script

ALIKE = 55.0
"""Token-set ratio from which two stories of the same person with the same answer count as one."""
SAME = 86.0
"""The same where age or sex differ."""


class Known:
    """The cases seen so far, by the names of their answers."""

    def __init__(self) -> None:
        self._seen: dict[str, list[tuple[str, str, str]]] = {}

    def twin(self, answer: str, person: Person, script: Script) -> str:
        """Return the id of an earlier case that this one repeats, or an empty text."""
        story = _story(script)
        best, found = 0.0, ""
        for name, who, told in {entry for form in accepted(answer) for entry in self._seen.get(form, ())}:
            alike = fuzz.token_set_ratio(story, told)
            if alike >= (ALIKE if who == _who(person) else SAME) and (alike, found) > (best, name):
                best, found = alike, name
        return found

    def add(self, case: Case, script: Script) -> None:
        """Remember a case."""
        entry = (case.id, f"{case.patient.age} {case.patient.sex}", _story(script))
        for form in accepted(case.outcome.diagnosis.name):
            self._seen.setdefault(form, []).append(entry)


def _who(person: Person) -> str:
    return f"{person.age} {person.sex}"


def _story(script: Script) -> str:
    return " ".join(fact.say[0] for fact in script.facts if fact.id.startswith(("history", "primary", "secondary")))[:4_000].lower()
