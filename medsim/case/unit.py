"""Units of measure in clinical text, and numbers carried from one into another.

The rule: a unit is known or refused, never guessed; between mass and amount of substance there is no way without a molar mass.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from medsim.errors import did_you_mean

_SYMBOLS: dict[str, dict[str, float]] = {
    "mass": {
        "pg": 1e-12, "ng": 1e-9, "mcg": 1e-6, "ug": 1e-6, "microgram": 1e-6, "micrograms": 1e-6, "mg": 1e-3, "milligram": 1e-3, "milligrams": 1e-3,
        "g": 1, "gram": 1, "grams": 1, "kg": 1e3, "lb": 453.59237, "lbs": 453.59237,
    },
    "volume": {
        "fl": 1e-15, "nl": 1e-9, "ul": 1e-6, "ml": 1e-3, "cc": 1e-3, "dl": 0.1, "l": 1, "litre": 1, "litres": 1, "liter": 1, "liters": 1,
    },
    "amount": {"pmol": 1e-12, "nmol": 1e-9, "umol": 1e-6, "mmol": 1e-3, "mol": 1},
    "equivalents": {"meq": 1e-3, "eq": 1},
    "units": {"mu": 1e-3, "miu": 1e-3, "u": 1, "iu": 1, "unit": 1, "units": 1},
    "osmoles": {"mosm": 1e-3, "mosmol": 1e-3, "osm": 1},
    "time": {
        "ms": 1e-3, "msec": 1e-3, "s": 1, "sec": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600,
        "d": 86400, "day": 86400, "days": 86400, "week": 604800, "weeks": 604800, "year": 31557600, "years": 31557600,
    },
    "length": {"mm": 1e-3, "cm": 1e-2, "m": 1, "inch": 0.0254, "inches": 0.0254},
    "area": {"cm2": 1e-4, "m2": 1},
    "body surface of 1.73 m2": {"1.73m2": 1},
    "pressure": {"mmhg": 1, "kpa": 7.500617, "cmh2o": 0.735559},
    "number": {"%": 1e-2, "percent": 1e-2, "10^3": 1e3, "10^6": 1e6, "10^9": 1e9, "10^12": 1e12, "beats": 1, "breaths": 1, "cells": 1, "1": 1},
    "points": {"point": 1, "points": 1},
}  # fmt: skip
_KNOWN = {name: (measure, factor) for measure, names in _SYMBOLS.items() for name, factor in names.items()}
_TEMPERATURE = {"c": (1.0, 0.0), "f": (5 / 9, -32.0)}
_PLAIN = str.maketrans({"µ": "u", "μ": "u", "²": "2", "³": "3", "·": "*", "×": "x", "⁄": "/", "−": "-"})
_POWERS = {"10³": "10^3", "10⁶": "10^6", "10⁹": "10^9", "10¹²": "10^12"}


class Unit(NamedTuple):
    """A unit as powers of base measures, its factor to them, and for temperatures the zero."""

    name: str
    measures: tuple[tuple[str, int], ...]
    factor: float
    zero: float = 0.0


class UnknownUnit(ValueError):
    """A unit that is not in the table."""


def spelled(text: str) -> str:
    """Text with signs and powers as the table spells them, and ``1.73 m2`` as one word."""
    for written, plain in _POWERS.items():
        text = text.replace(written, plain)
    return re.sub(r"1\.73\s*m\^?2", "1.73m2", text.translate(_PLAIN))


@lru_cache(maxsize=1024)
def unit(name: str) -> Unit:
    """Read a unit: ``mg/dL``, ``mL/min/1.73m2``, ``10^9/L``, ``°C``, ``%``; UnknownUnit where a part of it is not known."""
    plain = spelled(name).lower().replace("°", "").strip()
    if plain in _TEMPERATURE:
        return Unit(name, (("temperature", 1),), *_TEMPERATURE[plain])
    plain = {"bpm": "beats/min", "mm hg": "mmhg"}.get(plain, plain)
    powers: dict[str, int] = {}
    factor = 1.0
    for place, part in enumerate(plain.split("/")):
        symbol = re.sub(r"\A(?:x\s*)?(?=10\^)", "", part.strip().replace("m^2", "m2")) or ("1" if place == 0 else "")
        if symbol not in _KNOWN:
            near = did_you_mean(symbol, _KNOWN)
            raise UnknownUnit(
                f"no unit '{name}'.{near} Known, joined by '/': mg, g, kg, mL, dL, L, mmol, mol, mEq, units, min, h, m2, mmHg, %."
            )
        measure, size = _KNOWN[symbol]
        sign = 1 if place == 0 else -1
        factor *= size**sign
        if measure != "number":
            powers[measure] = powers.get(measure, 0) + sign
    return Unit(name, tuple(sorted((measure, power) for measure, power in powers.items() if power)), factor)


def converted(value: float, *, given: str, wanted: str, molar_mass: float | None = None) -> float | None:
    """Carry a number from one unit into another; None where they measure different things. ``molar_mass`` is in g/mol."""
    here, there = unit(given), unit(wanted)
    factor = here.factor / there.factor
    if here.measures == there.measures:
        return value * factor if not here.zero and not there.zero else (value + here.zero) * factor - there.zero
    if molar_mass is None:
        return None
    if here.measures == _swapped(there, "mass", "amount"):
        return value * factor * molar_mass
    return value * factor / molar_mass if here.measures == _swapped(there, "amount", "mass") else None


def _swapped(of: Unit, old: str, new: str) -> tuple[tuple[str, int], ...]:
    """The measures of a unit with one base measure in the place of another."""
    return tuple(sorted((new if measure == old else measure, power) for measure, power in of.measures))
