"""Rubrics as data: items, what they are worth, and when a case is passed.

The rule: points are signed, harm is an item of its own, and what cannot be decided is never worth anything.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from medsim.case.part import CODE, Many, Part, Seconds
from medsim.case.pattern import Did
from medsim.case.predicate import Pred

Competency = Literal["PC", "MK", "SBP", "ICS", "PBLI", "PROF"]
"""ACGME: patient care, medical knowledge, systems-based practice, interpersonal and communication skills, practice-based learning
and improvement, professionalism."""


class Scope(Part):
    """What part of the transcript a judge may see."""

    after: Did | None = None
    turns: int | None = Field(default=None, ge=1)


class Question(Part):
    """A judge's question about the transcript; until a judge is named its verdict is unknown."""

    criterion: str
    scope: Scope | None = None
    votes: int = Field(default=3, ge=1, le=15)
    evidence: Literal["required", "none"] = "required"


class Decay(Part):
    """Full credit up to ``full``, none from ``zero`` on, a straight line between; counted from the anchor."""

    full: Seconds
    zero: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Decay:
        if self.zero <= self.full:
            raise ValueError("decay: zero must come after full")
        return self


class RubricItem(Part):
    """One thing that is credited or held against the doctor."""

    id: str = Field(pattern=CODE)
    text: str
    points: float
    comp: Competency
    pred: Pred | None = None
    judge: Question | None = None
    gate: Pred | None = None
    """Where this does not hold the item is not applicable."""
    critical: Literal["fail", "cap"] | None = None
    """When met: ``fail`` means not passed whatever the score; ``cap`` limits the score to ``cap``."""
    cap: float | None = Field(default=None, ge=0, le=1)
    decay: Decay | None = None
    role: Literal["quality", "harm", "efficiency"] | None = None
    """Left out: harm where points are negative, quality otherwise. Over-testing items are ``efficiency``."""
    source: Many[str] = ()
    """Ids of the case's sources for a timing, dose or duty."""
    rationale: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> RubricItem:
        if self.pred is None and self.judge is None:
            raise ValueError("an item needs pred, judge or both")
        if (self.critical == "cap") != (self.cap is not None):
            raise ValueError("critical: cap and a cap between 0 and 1 belong together")
        if self.decay and (self.pred is None or self.pred.did is None or self.pred.within is not None):
            raise ValueError("decay belongs to a did predicate without within (decay.zero is the window)")
        if self.points == 0:
            raise ValueError("points must not be 0; leave the item out or give it a sign")
        return self

    @property
    def purpose(self) -> str:
        """quality, harm or efficiency."""
        return self.role or ("harm" if self.points < 0 else "quality")


class Pass(Part):
    """What it takes to pass."""

    min_score: float = Field(default=0.65, ge=0, le=1)
    no_critical: bool = True


class Rubric(Part):
    """A list of items with a pass mark."""

    schema_: Literal["medsim.rubric/1"] | None = Field(default=None, alias="schema")
    id: str | None = None
    title: str | None = None
    license: str | None = None
    clinical_review: str | None = None
    sources: Many[str] = ()
    pass_: Pass = Field(default=Pass(), alias="pass")
    items: tuple[RubricItem, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_once(self) -> Rubric:
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item id '{item.id}' stands twice")
            seen.add(item.id)
        if not any(item.points > 0 for item in self.items):
            raise ValueError("no item has positive points, so no score can be formed")
        return self
