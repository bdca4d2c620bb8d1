"""Vital signs from loose text: ``"98.5°F (36.9 °C)"``, ``"120/80 mm Hg"``, ``"16-18"``, ``"normal"``.

The rule: a number that stands there is used; one that does not is filled in from the patient's age and named among the assumed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from medsim.case.body import Vitals
from medsim.importers.text import Leaf, label, leaves

_KEYS: tuple[tuple[str, str], ...] = (
    ("spo2", r"spo2|sao2|\bso2\b|o2 sat|saturation|oximetry|pulse ox|\bsats?\b"),
    ("bp", r"blood pressure|\bbp\b|systolic|diastolic"),
    ("temp", r"temp|^t$"), ("hr", r"heart rate|pulse|\bhr\b|cardiac rate"), ("rr", r"respir|\brr\b|breathing"),
    ("gcs", r"\bgcs\b|glasgow"),
    ("weight", r"\bweight\b"), ("height", r"\bheight\b|\blength\b"),
)  # fmt: skip
_DEFAULTS: tuple[tuple[float, tuple[float, float, float, float]], ...] = (
    (0.1, (140, 70, 42, 42)), (1, (125, 88, 52, 34)), (3, (112, 94, 56, 28)), (6, (102, 98, 60, 24)), (12, (88, 106, 66, 20)),
    (16, (80, 114, 70, 17)), (200, (74, 122, 76, 15)),
)  # fmt: skip
_BOUNDS = {"hr": (10, 350), "rr": (1, 120), "spo2": (30, 100), "sbp": (30, 350), "dbp": (10, 250), "temp": (25, 45), "gcs": (3, 15)}
_N = r"(\d{1,3}(?:[.,]\d+)?)"
_CELSIUS = re.compile(_N + r"\s*[°\u00ba\u02da]?\s*(?:C\b|\u2103|celsius)", re.I)
_FAHRENHEIT = re.compile(_N + r"\s*[°\u00ba\u02da]?\s*(?:F\b|\u2109|fahrenheit)", re.I)
_PRESSURE = re.compile(r"(\d{2,3})(?:\s*[-\u2013]\s*\d{2,3})?\s*/\s*(\d{2,3})")
_RANGE = re.compile(_N + r"\s*(?:-|\u2013|\u2014|to)\s*" + _N)
_INLINE = re.compile(
    r"(temperature|temp\.?|\bT\b|blood pressure|\bBP\b|heart rate|pulse oximetry|pulse|\bHR\b|respiratory rate|"
    r"respirations?|\bRR\b|"
    r"oxygen saturation|SpO2|SaO2|O2 sat\w*|weight|height)\s*(?:was|is|of|:|=)?\s*",
    re.I,
)


class Reading(NamedTuple):
    """Vital signs with what was assumed, the record as it stands, and body size where given."""

    vitals: Vitals
    assumed: tuple[str, ...]
    record: str
    weight_kg: float | None
    height_cm: float | None


def read(section: object, *, years: float) -> Reading:
    """Read a section of vital signs of any shape; ``None`` and nonsense give the defaults for the age."""
    found: dict[str, float] = {}
    lines: list[str] = []
    for leaf in _entries(section):
        name = ", ".join(label(part) for part in leaf.path)
        lines.append(f"{name}: {leaf.text}" if name else leaf.text)
        for key, value in _numbers(name, leaf.text).items():
            found.setdefault(key, value)
    hr, sbp, dbp, rr = next(values for limit, values in _DEFAULTS if years < limit)
    values = {"hr": hr, "sbp": sbp, "dbp": dbp, "rr": rr, "spo2": 98.0, "temp": 36.8}
    assumed = tuple(key for key in values if key not in found)
    values.update({key: number for key, number in found.items() if key in values})
    vitals = Vitals.model_validate({**values, "gcs": int(found.get("gcs", 15))})
    return Reading(vitals, assumed, "\n".join(lines), found.get("weight"), found.get("height"))


def _entries(section: object) -> list[Leaf]:
    """The leaves of the section; one running text is cut where a vital sign is named."""
    found = list(leaves(section))[:60]
    if not isinstance(section, str) or not found:
        return found
    marks = list(_INLINE.finditer(found[0].text))
    if len(marks) < 2:
        return found
    ends = [*(mark.start() for mark in marks[1:]), len(found[0].text)]
    return [Leaf((mark[1],), found[0].text[mark.end() : end].strip(" ,;.")) for mark, end in zip(marks, ends, strict=True)]


def _numbers(name: str, text: str) -> dict[str, float]:
    key = next((key for key, pattern in _KEYS if re.search(pattern, name, re.I)), None)
    if key == "bp":
        return _pressure(name, text)
    if key == "temp":
        return _within("temp", _temperature(text))
    if key == "weight":
        return _size("weight", text, r"kgs?|kilo\w*", 1, r"g|grams?", 0.001, r"lbs?|pounds?", 0.4536, (0.2, 500))
    if key == "height":
        return _size("height", text, r"cm|centim\w*", 1, r"m|met(?:er|re)s?", 100, r"in|inch(?:es)?", 2.54, (10, 260))
    return _within(key, _number(text)) if key else {}


def _number(text: str) -> float | None:
    span = _RANGE.search(text)
    if span:
        return (_float(span[1]) + _float(span[2])) / 2
    match = re.search(_N, text)
    return _float(match[1]) if match else None


def _temperature(text: str) -> float | None:
    celsius, fahrenheit = _CELSIUS.search(text), _FAHRENHEIT.search(text)
    if celsius:
        return _float(celsius[1])
    number = _float(fahrenheit[1]) if fahrenheit else _number(text)
    if number is None:
        return None
    return round((number - 32) / 1.8, 1) if fahrenheit or number > 45 else number


def _pressure(name: str, text: str) -> dict[str, float]:
    both = _PRESSURE.search(text)
    if both:
        high, low = float(both[1]), float(both[2])
        return {**_within("sbp", high), **_within("dbp", low)} if high > low else {}
    if re.search("diastolic", name, re.I):
        return _within("dbp", _number(text))
    return _within("sbp", _number(text)) if re.search("systolic|palp", f"{name} {text}", re.I) else {}


def _within(key: str, value: float | None) -> dict[str, float]:
    low, high = _BOUNDS[key]
    return {key: value} if value is not None and low <= value <= high else {}


def _size(key: str, text: str, *rest: str | float | tuple[float, float]) -> dict[str, float]:
    bounds = rest[-1]
    assert isinstance(bounds, tuple)
    for unit, factor in zip(rest[:-1:2], rest[1:-1:2], strict=True):
        match = re.search(rf"(\d{{1,4}}(?:\.\d+)?)\s*-?\s*(?:{unit})\b", text, re.I)
        if match and isinstance(factor, (int, float)):
            value = round(float(match[1]) * factor, 2)
            return {key: value} if bounds[0] <= value <= bounds[1] else {}
    return {}


def _float(text: str) -> float:
    return float(text.replace(",", "."))
