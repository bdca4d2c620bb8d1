"""The predicate language of rubrics, as data.

The rule: a predicate is one operator with its arguments, written as a YAML mapping; what it means stands in ``medsim.rubric``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from medsim.case.part import Many, Part, Seconds
from medsim.case.pattern import Did, Range
from medsim.errors import did_you_mean

Absent = Literal["na", "unmet", "met"]


class Precedes(Part):
    """First ``a`` before first ``b``."""

    a: Did
    b: Did
    if_b_absent: Absent = "na"


class Implies(Part):
    """``then`` must hold where ``if`` does; otherwise not applicable."""

    if_: Pred = Field(alias="if")
    then: Pred


class KOf(Part):
    """At least ``k`` of the predicates."""

    k: int = Field(ge=1)
    of: tuple[Pred, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _reachable(self) -> KOf:
        if self.k > len(self.of):
            raise ValueError(f"k is {self.k}, but only {len(self.of)} predicates are given")
        return self


class Diagnosis(Part):
    """The last diagnosis names an accepted one among the first ``rank_le``."""

    rank_le: int = Field(default=1, ge=1)
    accept: Many[str] = ()
    """Other names to accept instead of the case's own: for must-not-miss diagnoses on the differential."""


class Disposition(Part):
    """The last disposition is one of these codes; left empty: the case's accepted ones."""

    accept: Many[str] = ()


class Count(Range):
    """How many events match."""

    did: Did


class Note(Part):
    """What the note says, by words; meaning is for a judge."""

    contains_any: Many[str] = ()
    contains_all: Many[str] = ()
    min_words: int = 0


OPERATORS = (
    "did", "never", "precedes", "all", "any", "not", "k_of", "implies", "state", "diagnosis", "disposition", "cost", "count", "time", "note",
)  # fmt: skip


class Pred(Part):
    """One predicate: exactly one operator, with its modifiers."""

    did: Did | None = None
    min: int = Field(default=1, ge=1)
    """With did: at least so many matches."""
    max: int | None = Field(default=None, ge=0)
    """With did: at most so many matches."""
    within: Seconds | None = None
    """With did: no later than this after the anchor."""
    from_: Did | None = Field(default=None, alias="from")
    """With within: the anchor, first match; left out: arrival."""
    from_absent: Absent = "na"
    """With from: the verdict where the anchor never came."""
    early: bool = False
    """With from: a match before the anchor counts as well."""

    never: Did | None = None
    before: Did | None = None
    """With never: only matches before the first of these count."""

    precedes: Precedes | None = None
    all: tuple[Pred, ...] | None = None
    any: tuple[Pred, ...] | None = None
    not_: Pred | None = Field(default=None, alias="not")
    k_of: KOf | None = None
    implies: Implies | None = None
    state: Many[str] | None = None
    """Ever entered one of these states."""
    diagnosis: Diagnosis | Literal[True] | None = None
    disposition: Disposition | Literal[True] | None = None
    cost: Range | None = None
    """Total cost in USD."""
    count: Count | None = None
    time: Range | None = None
    """Minutes from arrival to the end."""
    note: Note | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_operator(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError(f"a predicate is a mapping with one of {', '.join(OPERATORS)}")
        found = [key for key in data if key in OPERATORS or key == "not_"]
        if len(found) == 1:
            return data
        if found:
            raise ValueError(f"one predicate has one operator, found {', '.join(found)}; join them with all: or any:")
        hint = "".join(did_you_mean(str(key), OPERATORS) for key in data)
        raise ValueError(f"no operator among {', '.join(map(str, data)) or 'nothing'}.{hint} Known: {', '.join(OPERATORS)}.")

    @model_validator(mode="after")
    def _modifiers_have_a_home(self) -> Pred:
        timed = self.within is not None or self.from_ is not None or self.max is not None or self.min != 1
        if timed and self.did is None:
            raise ValueError("min, max, within and from belong to did")
        if self.from_ is not None and self.within is None:
            raise ValueError("from needs within: how long after the anchor")
        if self.before is not None and self.never is None:
            raise ValueError("before belongs to never; for an order of events use precedes")
        for name in ("all", "any"):
            if getattr(self, name) == ():
                raise ValueError(f"{name} is empty; list at least one predicate")
        return self

    @cached_property
    def operator(self) -> str:
        """The name of this predicate's operator."""
        for name in OPERATORS:
            if getattr(self, "not_" if name == "not" else name) is not None:
                return name
        raise AssertionError("a predicate always has an operator")


for _model in (Implies, KOf, Pred):
    _model.model_rebuild()
