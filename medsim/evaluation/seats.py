"""Who sits where in a run: which models, which patient, and whose book a call is written in.

The rule: a model is asked only through the one ``LLM`` the run was given, and every call is booked to the encounter it was made in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from medsim.case import Case
from medsim.errors import CaseError
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Patient
from medsim.trajectory import Usage

if TYPE_CHECKING:
    from medsim.llm import LLM, Entry

_BOOK: ContextVar[list[Entry] | None] = ContextVar("medsim_calls", default=None)


class Seats(NamedTuple):
    """The language model of a run, if any, and the names by which a result's identity knows its models."""

    llm: LLM | None = None
    patient: str = "scripted"
    models: tuple[tuple[str, str], ...] = ()
    """(role, model) pairs."""
    bias: str = ""
    target: str = ""
    """Bias of a role-played patient, and what it is about."""

    def patient_of(self, case: Case) -> Patient:
        """Seat the patient of one encounter."""
        if self.patient == "scripted":
            return ScriptedPatient(case.brief())
        if self.llm is None:
            raise CaseError(f"A {self.patient} patient needs a language model: give --patient MODEL, or a models file with --models.")
        if self.patient == "role":
            from medsim.patient.role import RolePatient

            return RolePatient(case.brief(), self.llm, bias=self.bias, target=self.target)
        from medsim.patient.voiced import VoicedPatient

        return VoicedPatient(case.brief(), self.llm)


def book(entry: Entry) -> None:
    """Write a call into the book of the encounter that is being played in this thread."""
    entries = _BOOK.get()
    if entries is not None:
        entries.append(entry)


@contextmanager
def booking() -> Iterator[list[Entry]]:
    """Open a book for the calls of one encounter."""
    entries: list[Entry] = []
    token = _BOOK.set(entries)
    try:
        yield entries
    finally:
        _BOOK.reset(token)


def usage_of(entries: list[Entry]) -> dict[str, Usage]:
    """Sum calls by role."""
    found: dict[str, Usage] = {}
    for entry in entries:
        spent = Usage(1, entry.tokens_in, entry.tokens_out, entry.usd or 0.0)
        found[entry.role] = found.get(entry.role, Usage()).plus(spent)
    return found
