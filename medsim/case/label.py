"""What a case says of itself: where it comes from, who has looked at it and what it is for.

The rule: nothing of it changes how an encounter runs; it is read by people, by lint and by those who sort cases.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from medsim.case.body import Place
from medsim.case.part import CODE, Many, Part


class Source(Part):
    """Where a timing, dose or claim comes from."""

    id: str = Field(pattern=CODE)
    title: str
    year: int | None = None
    used_for: str = ""


class Provenance(Part):
    """Where the case comes from and who has looked at it."""

    origin: Literal["original", "imported", "generated"]
    authors: Many[str] = ()
    created: str | None = None
    clinical_review: Literal["pending", "reviewed", "not_applicable"] = "pending"
    reviewers: Many[str] = ()
    sources: tuple[Source, ...] = ()
    notes: Many[str] = ()
    file: str | None = None
    line: int | None = None
    sha256: str | None = None
    flags: Many[str] = ()


class Blueprint(Part):
    """What the case is for."""

    specialty: Many[str]
    setting: Place
    population: Literal["adult", "child", "infant", "pregnant", "older_adult"] = "adult"
    level: str = "resident"
    objectives: Many[str] = ()
    tags: Many[str] = ()
