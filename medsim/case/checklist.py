"""Rubrics as data: items, what they are worth, and when a case is passed.

The rule: points are signed, harm is an item of its own, and what cannot be decided is never worth anything.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from medsim.case.part import CODE, Later, Many, Part, Seconds
from medsim.case.pattern import Did
from medsim.case.predicate import Pred
from medsim.errors import did_you_mean

Competency = Literal["PC", "MK", "SBP", "ICS", "PBLI", "PROF"]
"""ACGME: patient care, medical knowledge, systems-based practice, interpersonal and communication skills, practice-based learning
and improvement, professionalism."""


STEPS = (1, 2, 3, 4, 5)
"""Ratings of a scale."""

Voice = Literal["words", "acts", "notes", "patient", "results"]
"""Whose part of a transcript: what the doctor says, does and writes, what the patient's side says, what comes back."""


class Scope(Later):
    """What part of the transcript a judge may see."""

    later = frozenset({"see"})

    after: Did | None = None
    """From the first such event on; where it never happens the item is not applicable."""
    turns: int | None = Field(default=None, ge=1)
    """So many turns of the doctor, counted from ``after`` or from the beginning."""
    see: Many[Voice] = ()
    """Only these voices; left out: all that the doctor saw, said and did."""


class Question(Later):
    """A judge's question about the transcript; until a judge is named its verdict is unknown."""

    later = frozenset({"quote"})

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


class Scale(Part):
    """A judgement in five steps. What it earns, where it has points, is its points times (rating - 1) / 4."""

    anchors: dict[int, str]
    """What each step from 1 to 5 looks like. A judge is asked of 2, 3, 4 and 5 whether at least that much was shown."""
    by: dict[int, Pred] = {}
    """Instead of a judge: predicates for the steps from 2 to 5; the highest that holds is the rating, and 1 where none does."""
    met_from: int = Field(default=4, ge=2, le=5)
    """The item counts as met from this rating on."""

    @model_validator(mode="after")
    def _has_its_steps(self) -> Scale:
        if set(self.anchors) != set(STEPS):
            missing = ", ".join(str(step) for step in STEPS if step not in self.anchors)
            raise ValueError(f"a scale has anchors for 1, 2, 3, 4 and 5 and no others{f'; missing {missing}' if missing else ''}")
        if wrong := [step for step in self.by if step not in STEPS[1:]]:
            raise ValueError(f"by: predicates stand for the steps from 2 to 5 (1 is where none holds), given {wrong[0]}")
        return self


class Level(Part):
    """What items of one level are worth: a priority (must, should, could) or a severity of harm."""

    points: float
    critical: Literal["fail", "cap"] | None = None
    critical_when: Literal["met", "unmet"] | None = None
    cap: float | None = Field(default=None, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _points_alone(cls, data: Any) -> Any:
        return {"points": data} if isinstance(data, (int, float)) and not isinstance(data, bool) else data


class Group(Part):
    """Items that belong together: a stage of the task, a part of the reasoning."""

    title: str = ""
    whole: bool = False
    """All or none: its items earn only where every one of them that applies is met."""


class RubricItem(Later):
    """One thing that is credited or held against the doctor."""

    later = frozenset({"scale", "critical_when", "level", "group", "needs", "tags"})

    id: str = Field(pattern=CODE)
    text: str
    points: float = 0
    """Left out: what its level is worth; on a scale, nothing, and it stands beside the score."""
    comp: Competency
    pred: Pred | None = None
    judge: Question | None = None
    gate: Pred | None = None
    """Where this does not hold the item is not applicable."""
    critical: Literal["fail", "cap"] | None = None
    """When met: ``fail`` means not passed whatever the score; ``cap`` limits the score to ``cap``."""
    cap: float | None = Field(default=None, ge=0, le=1)
    decay: Decay | None = None
    critical_when: Literal["met", "unmet"] | None = None
    """``unmet``: critical where it was left undone, or rated below ``met_from``; otherwise where it is met."""
    scale: Scale | None = None
    level: str | None = None
    """One of the rubric's levels."""
    group: str | None = None
    """One of the rubric's groups."""
    needs: Many[str] = ()
    """Ids of items; where one of them is not met this one is not applicable."""
    tags: Many[str] = ()
    """Free words to add up by, such as ``axis:accuracy``."""
    role: Literal["quality", "harm", "efficiency"] | None = None
    """Left out: harm where points are negative, quality otherwise. Over-testing items are ``efficiency``."""
    source: Many[str] = ()
    """Ids of the case's sources for a timing, dose or duty."""
    rationale: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> RubricItem:
        if self.scale is not None:
            self._scale_alone(self.scale)
        elif self.pred is None and self.judge is None:
            raise ValueError("an item needs pred, judge or both")
        if (self.critical == "cap") != (self.cap is not None):
            raise ValueError("critical: cap and a cap between 0 and 1 belong together")
        if self.critical_when and not self.critical:
            raise ValueError("critical_when belongs to critical: fail or cap")
        if self.decay and (self.pred is None or self.pred.did is None or self.pred.within is not None):
            raise ValueError("decay belongs to a did predicate without within (decay.zero is the window)")
        if self.points == 0 and self.scale is None:
            raise ValueError("points must not be 0; leave the item out or give it a sign")
        return self

    def _scale_alone(self, scale: Scale) -> None:
        if (self.judge is None) == (not scale.by):
            raise ValueError("a scale is rated by a judge or by predicates (scale.by); give one of the two")
        if self.pred is not None or self.decay is not None:
            raise ValueError("a scale has no pred and no decay; put the condition into gate, or the steps into scale.by")
        if self.points < 0:
            raise ValueError("a scale has no negative points; turn its anchors round")

    @property
    def purpose(self) -> str:
        """quality, harm or efficiency."""
        return self.role or ("harm" if self.points < 0 else "quality")


class Pass(Part):
    """What it takes to pass."""

    min_score: float = Field(default=0.65, ge=0, le=1)
    no_critical: bool = True


Axis = Literal["cost", "minutes", "turns", "questions", "orders"]
"""Totals of an encounter: USD, minutes from arrival to the end, turns of the doctor, questions asked, things ordered."""


class Rubric(Later):
    """A list of items with a pass mark."""

    later = frozenset({"clip", "formula", "levels", "groups", "axes"})

    schema_: Literal["medsim.rubric/1"] | None = Field(default=None, alias="schema")
    id: str | None = None
    title: str | None = None
    license: str | None = None
    clinical_review: str | None = None
    sources: Many[str] = ()
    pass_: Pass = Field(default=Pass(), alias="pass")
    clip: Literal["encounter", "mean"] | None = None
    """Where scores stop at 0 and 1: ``mean`` leaves each encounter's as it is, below 0 too, and clips their mean; otherwise each one's."""
    formula: Literal["share", "f1"] | None = None
    """``share`` (left out): points earned over positive points. ``f1``: 2 earned / (2 earned + missed + harm done), in points."""
    levels: dict[str, Level] = {}
    """Names of priorities or severities, and what they are worth."""
    groups: dict[str, Group] = {}
    axes: Many[Axis] = ()
    """Totals shown beside the score and never blended into it."""
    items: tuple[RubricItem, ...]
    """Empty only in a documented case that came without a rubric: it can be played and not scored."""

    @model_validator(mode="before")
    @classmethod
    def _levels_into_items(cls, data: Any) -> Any:
        """Give items that name a level its points, cap and veto; what they say themselves must not differ."""
        if not isinstance(data, dict) or not isinstance(data.get("items"), (list, tuple)):
            return data
        levels = data.get("levels") if isinstance(data.get("levels"), dict) else {}
        return {**data, "items": [_levelled(item, levels or {}) for item in data["items"]]}

    @model_validator(mode="after")
    def _ids_once(self) -> Rubric:
        seen: set[str] = set()
        for item in self.items:
            if item.id in seen:
                raise ValueError(f"item id '{item.id}' stands twice")
            seen.add(item.id)
        if not self.items and self.schema_:
            raise ValueError("the rubric has no items; give at least one with positive points")
        if self.items and not any(item.points > 0 or item.scale for item in self.items):
            raise ValueError("no item has positive points, so no score can be formed")
        return self

    @model_validator(mode="after")
    def _names_exist(self) -> Rubric:
        ids = [item.id for item in self.items]
        for item in self.items:
            if item.group is not None and item.group not in self.groups:
                raise ValueError(f"item '{item.id}': no group '{item.group}'.{did_you_mean(item.group, self.groups)} {_given(self.groups)}")
            for name in item.needs:
                if name not in ids:
                    raise ValueError(f"item '{item.id}' needs '{name}', which is no item.{did_you_mean(name, ids)}")
        for name in self.groups:
            if not any(item.group == name for item in self.items):
                raise ValueError(f"group '{name}' has no items; name it in an item (group: {name}) or leave it out")
        needs = {item.id: item.needs for item in self.items if item.needs}
        for name in needs:
            _no_circle(name, needs, ())
        return self


def _levelled(item: Any, levels: dict[str, Any]) -> Any:
    """An item with what its level is worth."""
    if not isinstance(item, dict) or item.get("level") is None:
        return item
    name, who = str(item["level"]), item.get("id", "?")
    if name not in levels:
        raise ValueError(f"item '{who}': no level '{name}'.{did_you_mean(name, levels)} {_given(levels)}")
    found = levels[name] if isinstance(levels[name], Level) else Level.model_validate(levels[name])
    worth = {key: value for key in Level.model_fields if (value := getattr(found, key)) is not None}
    for key, value in worth.items():
        if item.get(key) is not None and item[key] != value:
            raise ValueError(f"item '{who}' has {key} {item[key]}, its level '{name}' {value}; leave one of them out")
    return {**item, **worth}


def _given(names: dict[str, Any]) -> str:
    return f"Given: {', '.join(names)}." if names else "The rubric gives none."


def _no_circle(name: str, needs: dict[str, tuple[str, ...]], path: tuple[str, ...]) -> None:
    if name in path:
        raise ValueError(f"items need each other in a circle: {' -> '.join((*path[path.index(name) :], name))}; take one out of needs")
    for other in needs.get(name, ()):
        _no_circle(other, needs, (*path, name))
