"""Role documents: what the seats of a *documented* case work from, as its author wrote it.

The rule: each text belongs to one role and goes to no other seat. The doctor's own text is the door note of the encounter.
"""

from __future__ import annotations

from pydantic import Field

from medsim.case.part import Part


class RoleDocument(Part):
    """One text, under the name its author gave it."""

    name: str
    text: str = Field(min_length=1)


class Roles(Part):
    """The documents of the patient, of the controller (body, laboratory, surroundings) and of the evaluator."""

    patient: tuple[RoleDocument, ...] = Field(min_length=1)
    controller: tuple[RoleDocument, ...] = ()
    """Left out: the controller works from the door note and general knowledge."""
    evaluator: tuple[RoleDocument, ...] = ()
    """Kept for people; no seat is given it."""


def joined(documents: tuple[RoleDocument, ...]) -> str:
    """The documents as one text, each under its name."""
    return "\n\n".join(f"## {document.name}\n\n{document.text}" for document in documents)
