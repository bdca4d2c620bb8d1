"""The rows of medication safety as content: ``cases/vocabulary/safety.yaml``, read once and checked.

The rule: a row says when a drug is unsafe; everything it gives must hold, and it names its sources.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from medsim import document, library
from medsim.case.part import CODE, Many, Part
from medsim.errors import CaseError, did_you_mean
from medsim.vocabulary import entries

Severity = Literal["major", "contraindicated"]
Measure = Literal["dose_mg", "dose_mg_per_kg", "dose_units", "dose_units_per_kg", "rate_mmol_per_h", "rate_units_per_kg_h"]
KINDS = ("interactions", "contraindications", "allergies", "kidney", "doses", "pregnancy", "ages")


class Cited(Part):
    """A label or guideline."""

    id: str = Field(pattern=CODE)
    title: str = Field(min_length=12)
    year: int = Field(ge=1950, le=2100)


class Row(Part):
    """When a drug is unsafe. ``drugs`` and ``with`` are codes or groups of the shared vocabulary."""

    id: str = Field(pattern=CODE)
    drugs: Many[str] = Field(min_length=1)
    with_: Many[str] = Field(default=(), alias="with")
    """Together with one of these; which of the two is ordered last is all one."""
    condition: Many[str] = ()
    allergy: Many[str] = ()
    """Drugs, groups or words of an allergy."""
    egfr_below: float | None = None
    pregnant: Literal[True] | None = None
    age_from: float | None = None
    age_below: float | None = None
    """Years."""
    route: Many[str] = ()
    over: dict[Measure, float] = {}
    """More than this, by the arguments of an order."""
    unless: Many[str] = ()
    """Not in these conditions."""
    severity: Severity
    why: str = Field(min_length=5)
    sources: Many[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _asks_something(self) -> Row:
        if not (self.with_ or self.condition or self.allergy or self.over or self.egfr_below or self.pregnant or self.age_below):
            raise ValueError("a row says with what, in whom or above which dose the drug is unsafe")
        return self


class Content(Part):
    """The whole file."""

    schema_: Literal["medsim.safety/1"] = Field(alias="schema")
    kind: Literal["safety"]
    license: str
    clinical_review: str
    updated: str
    sources: tuple[Cited, ...]
    conditions: dict[str, Many[str]]
    interactions: tuple[Row, ...]
    contraindications: tuple[Row, ...]
    allergies: tuple[Row, ...]
    kidney: tuple[Row, ...]
    doses: tuple[Row, ...]
    pregnancy: tuple[Row, ...]
    ages: tuple[Row, ...]

    @property
    def rows(self) -> tuple[tuple[str, Row], ...]:
        """Every row with its kind."""
        return tuple((kind, row) for kind in KINDS for row in getattr(self, kind))

    @model_validator(mode="after")
    def _hangs_together(self) -> Content:
        ids = [row.id for _, row in self.rows]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice:
            raise ValueError(f"row '{twice}' stands twice")
        cited, drugs = {source.id for source in self.sources}, known_drugs()
        for _, row in self.rows:
            for what, given, known in (
                ("source", row.sources, cited), ("condition", (*row.condition, *row.unless), set(self.conditions)), ("drug or group", (*row.drugs, *row.with_), drugs),
            ):  # fmt: skip
                wrong = next((name for name in given if name not in known), None)
                if wrong:
                    raise ValueError(f"row '{row.id}': no {what} '{wrong}'.{did_you_mean(wrong, known)}")
        return self


@cache
def known_drugs() -> frozenset[str]:
    """Codes and groups of everything that can be given."""
    treated = [entry for entry in entries().values() if entry.kind == "treat"]
    return frozenset(name for entry in treated for name in (entry.code, *entry.groups))


@cache
def content() -> Content:
    """The shipped rows."""
    return document.validate(document.read(library.vocabulary("safety")), Content)


@cache
def rows_of(tag: str) -> tuple[tuple[str, Row], ...]:
    """The rows in which a code or group stands, with their kinds."""
    return tuple((kind, row) for kind, row in content().rows if tag in row.drugs or tag in row.with_)


def row_named(name: str) -> Row:
    """Return a row by id; CaseError offers the nearest."""
    found = {row.id: row for _, row in content().rows}
    if name not in found:
        raise CaseError(f"No safety row '{name}'.{did_you_mean(name, found)} They stand in {library.vocabulary('safety')}.")
    return found[name]
