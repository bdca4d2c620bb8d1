"""The predicate language of rubrics, as data.

The rule: a predicate is one operator with its arguments, written as a YAML mapping; what it means stands in ``medsim.rubric``.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from medsim.case.part import Later, Many, Part, Seconds
from medsim.case.pattern import Did, Range
from medsim.case.unit import UnknownUnit, unit
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


Measure = Literal["f1", "precision", "recall"]
Said = Literal["note", "words", "diagnosis"]
"""What a doctor writes, says, and names as diagnosis."""


class _Measured(Part):
    """A set held against an expected one. Without ``ge`` an item earns its points times the measure; with it, all of them from there on."""

    expected: tuple[Many[str], ...] = Field(min_length=1)
    """What should be in the set; a list in the list gives alternatives, any of which will do."""
    measure: Measure = "f1"
    ge: float | None = Field(default=None, gt=0, le=1)

    @model_validator(mode="after")
    def _each_once(self) -> _Measured:
        every = [name.casefold() for names in self.expected for name in names]
        twice = next((name for name in every if every.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"'{twice}' is expected twice; a set holds each name once")
        if not all(self.expected) or not all(name.strip() for name in every):
            raise ValueError("expected holds an empty name; give codes or words")
        return self


class Codes(_Measured):
    """Which different things were done, as a set of codes; doing one twice counts once."""

    of: Did = Did(kind=("order",))
    """What is counted as a member: orders, unless another pattern is given."""
    free: Many[str] = ()
    """Codes that are neither expected nor held against anybody."""


class Steps(_Measured):
    """What the steps of a written reasoning name, by words; meaning is for a judge.

    Recall: the share of expected points that are named (completeness). Precision: the share of steps that name one and repeat none
    (efficiency). A step is a line or sentence of the note.
    """

    also: Many[str] = ()
    """Words that make a step relevant without being an expected point."""


class Number(Range):
    """A number in the doctor's text: the last one that follows one of the labels, within the same sentence."""

    of: Many[str] = Field(min_length=1)
    """Labels, such as ``creatinine clearance``."""
    in_: Many[Said] = Field(default=("note",), alias="in")
    value: float | None = None
    tolerance: float | str = 0.0
    """Either way from value: a number in its unit, or a share such as ``5%``."""
    unit: str = ""
    """The unit of value and bounds; numbers in another unit of the same measure are converted."""
    unit_needed: bool = True
    """Whether a number without a unit is no answer, where a unit is given."""
    molar_mass: float | None = Field(default=None, gt=0)
    """Grams a mole, to convert between mass and amount of substance."""

    @model_validator(mode="after")
    def _can_hold(self) -> Number:
        bounded = any(bound is not None for bound in (self.ge, self.le, self.gt, self.lt))
        if bounded == (self.value is not None):
            raise ValueError("number: give value (with tolerance) or bounds (ge, le, gt, lt), one of the two")
        if self.ge is not None and self.le is not None and self.ge > self.le:
            raise ValueError(f"number: nothing lies from {self.ge:g} up to {self.le:g}; exchange ge and le")
        if not all(label.strip() for label in self.of):
            raise ValueError("number: of holds an empty label")
        if self.width < 0:
            raise ValueError("number: tolerance is not negative")
        try:
            unit(self.unit or "1")
        except UnknownUnit as error:
            raise ValueError(f"number: {error}") from None
        measures = dict(unit(self.unit).measures) if self.unit else {}
        if self.molar_mass is not None and not {"mass", "amount"} & set(measures):
            raise ValueError(f"number: a molar mass leads between mass and amount, and '{self.unit}' is neither (mg/dL, mmol/L)")
        return self

    @property
    def width(self) -> float:
        """The tolerance in the unit of value."""
        if not isinstance(self.tolerance, str):
            return self.tolerance
        share = self.tolerance.strip().removesuffix("%")
        try:
            return abs(self.value or 0.0) * float(share) / 100 if share != self.tolerance.strip() else float(share)
        except ValueError:
            raise ValueError(f"number: a tolerance such as 0.5 or 5% was expected, given '{self.tolerance}'") from None

    def accepts(self, found: float) -> bool:
        """Say whether a number in the predicate's unit is right."""
        slack = 1e-9 * max(1.0, abs(found))
        return self.holds(found) if self.value is None else abs(found - self.value) <= self.width + slack


class Safety(Part):
    """No drug was given that medication safety (``cases/vocabulary/safety.yaml``) finds unsafe for this person."""

    severity: Many[Literal["contraindicated", "major"]] = ("contraindicated",)
    of: Many[Literal["interactions", "contraindications", "allergies", "kidney", "doses", "pregnancy", "ages"]] = ()
    """Only findings of these kinds; left out: of all."""


OPERATORS = (
    "did", "never", "precedes", "all", "any", "not", "k_of", "implies", "state", "diagnosis", "disposition", "cost", "count", "time", "note",
    "number", "codes", "steps", "safety",
)  # fmt: skip


class Pred(Later):
    """One predicate: exactly one operator, with its modifiers."""

    later = frozenset({"number", "codes", "steps", "safety"})

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
    number: Number | None = None
    codes: Codes | None = None
    steps: Steps | None = None
    safety: Safety | Literal[True] | None = None

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
