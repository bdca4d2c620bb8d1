"""What an answer or a text is held against: words, and numbers with a unit and an interval.

The rule: a number is compared in the unit that is wanted; one in a unit that measures something else, or that nobody knows, is wrong. One
without a unit is taken in the wanted one only where it stands alone as an answer, never inside a text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field, model_validator

from medsim.case.part import Part
from medsim.case.unit import UnknownUnit, converted, unit
from medsim.record.values import folded, interval
from medsim.vocabulary.whole import stands_in

_NUMBER = re.compile(r"(?<![\w.,/-])([-+]?\d+(?:,\d{3})*(?:\.\d+)?)(?![\d,]*\d)\s{0,2}([A-Za-zµμ%°][^\s,;()]*|%)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


class Amount(Part):
    """A number: ``value`` give or take ``within``, or any from the first of ``between`` to the second; in ``unit``, where it has one."""

    value: float | None = None
    within: float = Field(default=0.0, ge=0.0)
    between: tuple[float, float] | None = None
    unit: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Amount:
        if (self.value is None) == (self.between is None):
            raise ValueError("a number has either a value or between: [least, most]")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError(f"between goes from the least to the most; given {self.between[0]:g}, {self.between[1]:g}")
        if self.unit:
            try:
                unit(self.unit)
            except UnknownUnit as error:
                raise ValueError(str(error)) from error
        return self

    def __str__(self) -> str:
        span = f"{self.value:g}" if self.value is not None else "{:g} to {:g}".format(*(self.between or (0, 0)))
        return f"{span} {self.unit}".strip()

    def holds(self, number: float, said: str = "") -> bool:
        """Whether a number in a unit is this one; without a unit it is taken in the wanted one."""
        if said and self.unit:
            try:
                carried = converted(number, given=said, wanted=self.unit)
            except UnknownUnit:
                return False
            if carried is None:
                return False
            number = carried
        elif said:
            return False
        return self._covers(number)

    def _covers(self, number: float) -> bool:
        if not math.isfinite(number):
            return False
        if self.between is not None:
            low, high = self.between
            return low - 1e-9 * abs(low) <= number <= high + 1e-9 * abs(high)
        value = self.value or 0.0
        return abs(number - value) <= self.within + 1e-9 * abs(value)

    def stands_in(self, text: str) -> bool:
        """Whether a text holds this number, in a unit that is worth the same where one is wanted."""
        return any((self.holds(number, said) if said else False) if self.unit else self._covers(number) for number, said in numbers(text))


Wanted = str | float | bool | Amount


def numbers(text: str) -> Iterator[tuple[float, str]]:
    """Every number of a text, with the word behind it that may be its unit."""
    for found in _NUMBER.finditer(text):
        yield float(found[1].replace(",", "")), (found[2] or "").rstrip(".:!?'\"]*")


def agrees(given: Any, wanted: Wanted, within: float = 0.0) -> bool:
    """Whether what was answered is what was wanted: numbers as numbers, times as moments, text whatever its case."""
    if isinstance(wanted, bool) or isinstance(given, bool):
        return given is wanted
    if isinstance(wanted, Amount):
        return _measured(given, wanted)
    if isinstance(wanted, (int, float)):
        try:
            number = float(given)
        except (TypeError, ValueError, OverflowError):
            return False
        return math.isfinite(number) and abs(number - wanted) <= within + 1e-9 * abs(wanted)
    if not isinstance(given, (str, int, float)):
        return False
    here, there = " ".join(str(given).casefold().split()), " ".join(wanted.casefold().split())
    return here == there or (here != there and _moment(str(given)) is not None and _moment(str(given)) == _moment(wanted))


def _measured(given: Any, wanted: Amount) -> bool:
    if isinstance(given, str):
        found = list(numbers(given))
        return len(found) == 1 and _NUMBER.fullmatch(given.strip()) is not None and wanted.holds(*found[0])
    return isinstance(given, (int, float)) and wanted.holds(float(given))


def _moment(text: str) -> float | None:
    if not _INSTANT.fullmatch(text.strip()):
        return None
    try:
        return interval(text.strip())[0]
    except ValueError:
        return None


def stands(part: str | tuple[str, ...] | Amount, text: str) -> bool:
    """Whether words (or one of several), or a number, stand in a text."""
    if isinstance(part, Amount):
        return part.stands_in(text)
    plain = folded(text)
    return any(stands_in(folded(one), plain) for one in ((part,) if isinstance(part, str) else part))
