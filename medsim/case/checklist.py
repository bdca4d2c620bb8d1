"""Rubrics as data: items, what they are worth, and when a case is passed.

The rule: points are signed, harm is an item of its own, and what cannot be decided is never worth anything.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from medsim.case.part import CODE, Many, Part, Seconds
from medsim.case.pattern import Did
from medsim.case.predicate import Pred

Competency = Literal["PC", "MK", "SBP", "ICS", "PBLI", "PROF"]
"""ACGME: patient care, medical knowledge, systems-based practice, interpersonal and communication skills, practice-based learning
and improvement, professionalism."""


Voice = Literal["words", "acts", "notes", "patient", "results"]
"""Whose part of a transcript: what the doctor says, does and writes, what the patient's side says, what comes back."""


class _Later(Part):
    """Content with keys that came later: unset, they are left out when it is written, so that older hashes stay what they were."""

    @model_serializer(mode="wrap")
    def _unset_left_out(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value or name not in {"see", "quote"}}


class Scope(_Later):
    """What part of the transcript a judge may see."""

    after: Did | None = None
    """From the first such event on; where it never happens the item is not applicable."""
    turns: int | None = Field(default=None, ge=1)
    """So many turns of the doctor, counted from ``after`` or from the beginning."""
    see: Many[Voice] = ()
    """Only these voices; left out: all that the doctor saw, said and did."""


class Question(_Later):
    """A judge's question about the transcript; until a judge is named its verdict is unknown."""

    criterion: str
    scope: Scope | None = None
    votes: int = Field(default=3, ge=1, le=15)
    evidence: Literal["required", "none"] = "required"
    """Whether a verdict of met needs words that stand in the transcript."""
    quote: Many[Voice] = ()
    """Whose words count as evidence; left out: what the doctor says and does, and notes where the criterion speaks of what is written."""

    @model_validator(mode="after")
    def _can_be_shown(self) -> Question:
        see = set(self.scope.see) if self.scope else set()
        if see and self.evidence == "required" and not see & set(self.quote or ("words", "acts", "notes")):
            raise ValueError("quote: the judge sees none of those whose words count; widen scope.see or name others in quote")
        return self


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
    items: tuple[RubricItem, ...]
    """Empty only in a documented case that came without a rubric: it can be played and not scored."""

    @model_validator(mode="after")
    def _ids_once(self) -> Rubric:
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item id '{item.id}' stands twice")
            seen.add(item.id)
        if not self.items and self.schema_:
            raise ValueError("the rubric has no items; give at least one with positive points")
        if self.items and not any(item.points > 0 for item in self.items):
            raise ValueError("no item has positive points, so no score can be formed")
        return self
