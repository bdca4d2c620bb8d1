"""A measured number that a calculator takes, with its unit and its range.

The rule: a number is read with its unit and lies within its range, or it is refused with what was expected. It stands without a unit only
where no second unit is in use, or where the range leaves no doubt which is meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from medsim.case.unit import UnknownUnit, converted
from medsim.errors import ActionError

Taken = float | str | bool | tuple[int, ...]
"""A value as a formula sees it: a number in the declared unit, a choice, yes or no, or answers."""
_NUMBER = re.compile(r"\s*([-+]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(.*?)\s*\Z", re.DOTALL)


def above(bound: float) -> float:
    """The smallest number greater than a bound: a step that begins just above it."""
    return math.nextafter(bound, math.inf)


def step(value: float, steps: Sequence[tuple[float, float]]) -> float:
    """The points of the last step that a value reaches; 0 below the first."""
    return next((points for least, points in reversed(steps) if value >= least), 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A measured number. ``steps`` give its points in a score: from each bound on, the points beside it."""

    name: str
    what: str
    unit: str = ""
    low: float
    high: float
    bare: bool = False
    """Whether a number may stand without its unit."""
    molar_mass: float | None = None
    """Grams a mole, to convert between mass and amount of substance."""
    valence: int = 0
    """Charges an ion, to read equivalents as moles."""
    also: Mapping[str, float | None] = field(default_factory=dict)
    """Other names, each with the molar mass that a mass under that name is of, where it is another."""
    other_units: Mapping[str, float] = field(default_factory=dict)
    """Further words for units of this quantity alone, each with what one of it is in the declared unit."""
    default: float | None = None
    whole: bool = False
    steps: tuple[tuple[float, float], ...] = ()

    def within(self, low: float, high: float) -> Quantity:
        """The same quantity in another range."""
        return replace(self, low=low, high=high)

    def called(self, name: str, what: str) -> Quantity:
        """The same measure of something else: another name, no other names."""
        return replace(self, name=name, what=what, also={})

    def assumed(self, default: float) -> Quantity:
        """The same quantity, taken at a usual value where nothing is given."""
        return replace(self, default=default)

    def scored(self, *steps: tuple[float, float]) -> Quantity:
        """The same quantity with points: from each bound on, the points beside it."""
        return replace(self, steps=steps)

    @property
    def required(self) -> bool:
        """Whether the calculator cannot do without it."""
        return self.default is None

    def take(self, given: Any, *, name: str = "") -> float:
        """Read a number or a text such as ``1.2 mg/dL`` in the declared unit; ActionError where it is none or out of range."""
        number, said = self._read(given)
        value = self._carried(number, said, name or self.name)
        if self.whole and value != round(value):
            raise ActionError(f"{self.name} is a whole number, given {number:g}.")
        if not self.low - 1e-9 <= value <= self.high + 1e-9:
            shown = f"{number:g} {said}".strip()
            raise ActionError(f"{self.name}={shown} lies outside {self.span}, for which this holds. Check the number and its unit.")
        return value

    def points(self, value: Taken) -> float:
        """The points of a value."""
        assert isinstance(value, (int, float))
        return step(value, self.steps)

    @property
    def span(self) -> str:
        """The range in words."""
        return f"{self.low:g} to {self.high:g} {self.unit}".strip()

    @property
    def hint(self) -> str:
        """How it is written."""
        return f"{self.name}=… {self.unit}".strip()

    def show(self, value: Taken) -> str:
        """Write a value with its name and unit."""
        return f"{self.name} {value:.5g} {self.unit}".strip()

    def schema(self) -> dict[str, Any]:
        """JSON Schema of one argument."""
        if self.bare:
            return {"type": ["number", "string"], "description": f"{self.what}; {self.span}, or text with another unit."}
        return {"type": "string", "description": f"{self.what}, with its unit, e.g. in {self.unit}; {self.span}."}

    def _read(self, given: Any) -> tuple[float, str]:
        if isinstance(given, bool) or not isinstance(given, (int, float, str)):
            raise ActionError(f"{self.name} should be a number with its unit ({self.unit or 'none'}), given {type(given).__name__}.")
        if not isinstance(given, str):
            number, said = float(given), ""
        else:
            found = _NUMBER.match(given[:80])
            assert found is not None
            if not any(ch.isdigit() for ch in found[1]):
                raise ActionError(
                    f"{self.name} should be a number with its unit, such as '{self.low:g} {self.unit}'; given '{given[:40]}'."
                )
            number, said = float(found[1].replace(",", "")), found[2].strip(" .;,")
        if not math.isfinite(number):
            raise ActionError(f"{self.name} should be a finite number, given {number}.")
        return number, said

    def _carried(self, number: float, said: str, name: str) -> float:
        if not said:
            if not self.bare:
                raise ActionError(f"{self.name}={number:g} of what? Give its unit, such as {number:g} {self.unit}.")
            return number
        if said.lower() == self.unit.lower() and not self.also.get(name):
            return number
        if said.lower() in self.other_units:
            return number * self.other_units[said.lower()]
        mass = self.also.get(name) or self.molar_mass
        try:
            value = self._moved(number, said, mass)
            if value is None and self.valence:
                as_moles = re.sub(r"(?i)(m?)eq", r"\1mol", said)
                value = self._moved(number / self.valence, as_moles, mass)
        except UnknownUnit as error:
            raise ActionError(f"{self.name}: {error}") from error
        if value is None:
            raise ActionError(f"{self.name} is measured in {self.unit or 'no unit'}; '{said[:30]}' measures something else.")
        return float(f"{value:.9g}")

    def _moved(self, number: float, said: str, mass: float | None) -> float | None:
        """Carry a number into the declared unit; a mass under another name goes by way of the amount of substance."""
        wanted = self.unit or "1"
        if mass == self.molar_mass or mass is None or self.molar_mass is None:
            return converted(number, given=said, wanted=wanted, molar_mass=self.molar_mass)
        amount = converted(number, given=said, wanted="mmol/L", molar_mass=mass)
        return None if amount is None else converted(amount, given="mmol/L", wanted=wanted, molar_mass=self.molar_mass)
