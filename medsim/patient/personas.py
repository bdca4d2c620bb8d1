"""Persona axes as data: how a patient may be, in words for a model and in habits for the scripted patient.

The rule: a persona may withhold, delay or garble, never change the truth. Its levels are named in ``medsim.case.person``; what they mean
stands in ``agents/prompts/personas.yaml``. A run may lay levels of its own over a case's persona, in one place: ``persona_over``.

PatientSim's axes read: personality neutral, distrust, overanxious, overly positive -> plain, distrustful, worried, sunny; impatient is a
temperament; verbose is talkativeness 5; dazedness is confusion. 3MDBench's four are temperaments.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from medsim import document, library
from medsim.case import Brief
from medsim.case.part import Many, Part
from medsim.case.person import Persona
from medsim.errors import CaseError, did_you_mean


class Saying(Part):
    """Something said beside the answer: one time in ``one_in``, from turn ``after`` on."""

    one_in: int = Field(ge=1)
    after: int = Field(default=0, ge=0)
    say: Many[str] = Field(min_length=1)


class Habit(Part):
    """What the scripted patient does at a level. Chances are "one in so many", from the episode's seed; 0 is never."""

    opens: Saying | None = None
    """Said before an answer."""
    adds: Saying | None = None
    """Said after an answer."""
    hedge: int = Field(default=0, ge=0)
    """An answer that tells a fact is begun with doubt."""
    hold: int = Field(default=0, ge=0)
    """A fact does not come to mind when it is first asked for; asked again, it does."""
    wander: int = Field(default=0, ge=0)
    """The question before is answered instead; half as often once the doctor was kind."""
    curt: int = Field(default=0, ge=0)
    """From this turn on an open question brings one fact, and of several wordings the shortest is used."""
    long: bool = False
    """Of several wordings the longest is used."""
    puzzled: bool = False
    """A medical word is asked about, once each, before what it asks for is told."""
    slow: int = Field(default=0, ge=0)
    """Of longer utterances than so many words a shorter one is begged, not twice in a row."""
    halting: int = Field(default=0, ge=0)
    """Words come in pieces of so many."""


class Level(Part):
    """One level of an axis."""

    words: str = ""
    """Goes on after "This person"; empty where nothing need be said."""
    does: Habit = Habit()


class Axis(Part):
    """One axis, its levels by name."""

    about: str
    levels: dict[str, Level] = Field(min_length=1)


class Phrases(Part):
    """What the scripted patient says while doing so."""

    held: Many[str]
    hedge: Many[str]
    wandered: Many[str]
    lost: Many[str]
    puzzled: Many[str]
    """``{word}`` stands for the medical word."""
    slow: Many[str]


class Personas(Part):
    """The file of them."""

    schema_: Literal["medsim.personas/1"] = Field(alias="schema")
    axes: dict[str, Axis]
    phrases: Phrases
    jargon: tuple[str, ...]
    """Words that somebody without medical knowledge asks about."""

    @model_validator(mode="after")
    def _whole(self) -> Personas:
        unknown = set(self.axes) - set(Persona.model_fields)
        if unknown:
            raise ValueError(f"axis '{min(unknown)}' is no part of a persona.{did_you_mean(min(unknown), Persona.model_fields)}")
        return self


def path() -> Path:
    """The shipped file."""
    return library.folder("agents") / "prompts" / "personas.yaml"


@cache
def shipped() -> Personas:
    """The shipped axes."""
    return document.validate(document.read(path()), Personas)


def levels(persona: Persona) -> dict[str, Level]:
    """The level of a persona on each axis."""
    return {name: axis.levels[str(getattr(persona, name))] for name, axis in shipped().axes.items()}


def portrait(persona: Persona) -> str:
    """A persona in words for a model that plays it; empty where nothing stands out."""
    traits = "; ".join(level.words for level in levels(persona).values() if level.words)
    return " ".join(filter(None, (f"This person {traits}." if traits else "", persona.manner)))


@cache
def spoken() -> str:
    """All that a habit may bring a scripted patient to say."""
    habits = [level.does for axis in shipped().axes.values() for level in axis.levels.values()]
    sayings = [text for habit in habits for saying in (habit.opens, habit.adds) if saying for text in saying.say]
    return " ".join((*sayings, *(text for said in shipped().phrases.model_dump().values() for text in said)))


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the levels of an override as a persona holds them; CaseError names the axis, the nearest names and the levels."""
    axes = shipped().axes
    found: dict[str, Any] = {}
    for name, level in given.items():
        if name == "manner":
            if not isinstance(level, str):
                raise CaseError(f"persona manner: a line of free words was expected, given {level!r}.")
            found[name] = level
            continue
        if name not in axes:
            raise CaseError(f"No persona axis '{name}'.{did_you_mean(name, axes)} Axes: {', '.join(axes)}; or manner, in free words.")
        known = axes[name].levels
        if isinstance(level, bool) or str(level) not in known:
            near = did_you_mean(str(level), known)
            raise CaseError(f"The persona axis '{name}' has no level '{level}'.{near} Levels: {', '.join(known)}.")
        found[name] = int(level) if str(level).isdigit() else str(level)
    return found


def read(text: str) -> dict[str, Any]:
    """Read ``recall=low,temperament=impatient`` as it is written on a command line."""
    found: dict[str, Any] = {}
    for piece in filter(None, (part.strip() for part in text.split(","))):
        name, sign, level = (part.strip() for part in piece.partition("="))
        if not sign or name in found:
            raise CaseError(
                f"A persona is written axis=level,axis=level, each axis once; given '{piece}'. Axes: {', '.join(shipped().axes)}."
            )
        found[name] = level
    return checked(found)


def persona_over(brief: Brief, given: Mapping[str, Any]) -> Brief:
    """Lay the given levels over the persona of a brief; the facts stay what they are.

    Trust is kept by the encounter and begins at the case's own; ``trust_shift`` says how much more this patient trusts.
    """
    if not given:
        return brief
    levels_given = checked(given)
    persona = brief.persona.model_copy(update=levels_given)
    return brief._replace(persona=persona, trust_shift=brief.trust_shift + persona.trust - brief.persona.trust)
