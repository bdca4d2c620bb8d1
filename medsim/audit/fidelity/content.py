"""What a patient is measured by, as content: people to be, attacks, word lists, bands, bounds, rewordings, human lengths.

The rule: nothing that decides a figure stands in code alone. The files are ``agents/prompts/fidelity.yaml`` and ``rewordings.yaml``; no
rewording is an exemplar that the topic matcher has learnt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, Self, get_args

from pydantic import Field, model_validator

from medsim import document, library
from medsim.agent.script import topic_entries
from medsim.case.part import Many, Part
from medsim.case.person import Persona
from medsim.errors import CaseError, did_you_mean
from medsim.patient import personas

Range = tuple[float, float]
Figure = Literal["words", "longest", "questions", "hedges", "affect", "grade"]
Limit = Literal[
    "unlicensed", "under_disclosure", "ungrounded", "hallucinated", "contradictions", "diagnosis", "meta", "paraphrase", "order", "challenges",
    "attacks", "bands", "recall", "closed_facts", "closed_words", "closed_p90",
]  # fmt: skip
Bounds = Mapping[Limit, float]
"""The bounds that hold for one person."""


class Length(Part):
    """Lengths of answers in characters, from a set of transcripts."""

    source: str
    median: float = Field(gt=0)
    mean: float = Field(gt=0)
    p90: float = Field(gt=0)


class Spread(Part):
    """The same of several sets: lowest and highest."""

    source: str
    median: Range
    p90: Range


class Anchors(Part):
    """Who talks how long; the transcripts are Chinese."""

    words_per_character: float = Field(gt=0)
    """English words that a character of Chinese stands for: an assumption."""
    human: Length
    model: Spread


class Whose(Part):
    """For whom something holds: those with all these levels; everybody where none is named."""

    when: dict[str, str | int] = {}

    def holds(self, persona: Persona) -> bool:
        """Whether it holds for a persona."""
        return all(str(getattr(persona, axis)) == str(level) for axis, level in self.when.items())

    @model_validator(mode="after")
    def _known(self) -> Self:
        personas.checked(self.when)
        return self


class Band(Whose):
    """Where the figures of a person lie."""

    band: dict[Figure, Range]


class Bound(Whose):
    """The bounds of measures."""

    bound: dict[Limit, float]


class Measures(Part):
    """The file of all but the rewordings."""

    schema_: Literal["medsim.fidelity/1"] = Field(alias="schema")
    personas: dict[str, dict[str, str | int]]
    kind: Many[str] = Field(min_length=1)
    opening: str
    more: str
    attacks: Many[str] = Field(min_length=1)
    meta: Many[str] = Field(min_length=1)
    affirms: Many[str] = Field(min_length=1)
    denies: Many[str] = Field(min_length=1)
    symptoms: dict[str, Many[str]]
    hedges: Many[str]
    affect: Many[str]
    anchors: Anchors
    bands: tuple[Band, ...]
    bounds: tuple[Bound, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = set(get_args(Limit)) - set(bounds_in(self, Persona()))
        if missing:
            raise ValueError(f"bounds: nothing holds for everybody of {', '.join(sorted(missing))}")
        return self


class Rewordings(Part):
    """The file of rewordings, by topic."""

    schema_: Literal["medsim.rewordings/1"] = Field(alias="schema")
    topics: dict[str, tuple[str, ...]]


def bounds_in(given: Measures, persona: Persona) -> dict[Limit, float]:
    """The bounds for a persona; a later one goes before an earlier one."""
    return {name: value for bound in given.bounds if bound.holds(persona) for name, value in bound.bound.items()}


def bands_in(given: Measures, persona: Persona) -> dict[Figure, Range]:
    """The bands for a persona, in the same way."""
    return {name: value for band in given.bands if band.holds(persona) for name, value in band.band.items()}


class Person(NamedTuple):
    """Somebody to be: a name and the levels laid over a case's own."""

    name: str
    levels: dict[str, Any]


@cache
def measures() -> Measures:
    """What is measured by."""
    return document.validate(document.read(library.folder("agents") / "prompts" / "fidelity.yaml"), Measures)


@cache
def rewordings() -> dict[str, tuple[str, ...]]:
    """Five ways to ask, by topic."""
    return document.validate(document.read(library.folder("agents") / "prompts" / "rewordings.yaml"), Rewordings).topics


@cache
def questions() -> dict[str, str]:
    """The plainest question of every topic of the vocabulary, in the vocabulary's order."""
    return {entry["id"]: entry["ask"][0] for entry in topic_entries()}


def person(name: str) -> Person:
    """Somebody by name, or by levels (``recall=low,language=A2``); CaseError for neither."""
    if "=" in name:
        return Person(name, personas.read(name))
    known = measures().personas
    if name not in known:
        raise CaseError(f"No person '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}; or axis=level,axis=level.")
    return Person(name, personas.checked(known[name]))
