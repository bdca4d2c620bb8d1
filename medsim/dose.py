"""Doses, rates and routes as doctors write them, read in base units.

The rule: an amount is read with its unit or not at all, and every unit comes down to one measure: mg, ml, units, mmol, puffs or joules.
"""

from __future__ import annotations

import re
from typing import Any

ROUTES: dict[str, str] = {
    "po": "po", "oral": "po", "orally": "po", "by mouth": "po", "p.o.": "po", "sl": "sl", "sublingual": "sl", "sublingually": "sl",
    "chew": "chew", "chewed": "chew", "buccal": "buccal", "pr": "pr", "rectal": "pr", "rectally": "pr", "iv": "iv", "i.v.": "iv",
    "intravenous": "iv", "intravenously": "iv", "im": "im", "i.m.": "im", "intramuscular": "im", "intramuscularly": "im", "sc": "sc",
    "subcut": "sc", "subcutaneous": "sc", "subcutaneously": "sc", "sq": "sc", "io": "io", "intraosseous": "io", "inh": "inh",
    "inhaled": "inh", "inhaler": "inh", "spacer": "inh", "neb": "neb", "nebs": "neb", "nebulised": "neb", "nebulized": "neb",
    "nebuliser": "neb", "nebulizer": "neb", "nasal": "in", "intranasal": "in", "topical": "top", "top": "top", "transdermal": "td",
    "patch": "td", "pv": "pv", "vaginal": "pv", "mask": "inh", "nasal cannula": "inh", "nasal cannulae": "inh", "nasal specs": "inh", "nasal prongs": "inh", "non-rebreather": "inh",
}  # fmt: skip
_ROUTE = re.compile(r"(?<![\w-])(" + "|".join(re.escape(word) for word in sorted(ROUTES, key=len, reverse=True)) + r")(?![\w-])", re.I)
_NUMBER = r"(\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_UNIT = (
    r"(micrograms?|mcg|µg|μg|ug|milligrams?|mg|grams?|gm?|kg|millilitres?|milliliters?|mls?|cc|litres?|liters?|l|units?|iu|u|"
    r"millimol(?:es?)?|mmol|meq|puffs?|joules?|j)"
)
_DOSE = re.compile(
    rf"(?<![\w.]){_NUMBER}\s*{_UNIT}(?:\s*(?:/|per\s+)\s*(kg|kilo(?:gram)?))?(?:\s*(?:/|per\s+|an?\s+)\s*(h|hr|hour|min|minute))?(?![\w])",
    re.IGNORECASE,
)
_DOSE_TAIL = re.compile(
    r"\b(stat|now|bolus|infusion|over|once|daily|bd|tds|qds|od|prn|every|q\d+h|for|via|by|through|then|loading|dose|of|at|with|as|an?)\b",
    re.I,
)

_TIMES = re.compile(r"\b\d+\s*(?:min(?:ute)?s?|h(?:ou)?rs?|h|days?|weeks?|times?|tabs?|tablets?|doses?)\b", re.I)


def _measure(unit: str) -> tuple[str, float]:
    """Return the base measure of a unit and the factor to it: mg, ml, units, mmol, puffs or j."""
    unit = unit.lower()
    if unit in {"mcg", "µg", "μg", "ug"} or unit.startswith("microgram"):
        return "mg", 0.001
    if unit == "mg" or unit.startswith("milligram"):
        return "mg", 1.0
    if unit in {"g", "gm"} or unit.startswith("gram"):
        return "mg", 1000.0
    if unit == "kg":
        return "mg", 1e6
    if unit in {"ml", "mls", "cc"} or unit.startswith("millil"):
        return "ml", 1.0
    if unit == "l" or unit.startswith("lit"):
        return "ml", 1000.0
    if unit in {"u", "iu"} or unit.startswith("unit"):
        return "units", 1.0
    if unit in {"meq", "mmol"} or unit.startswith("millimol"):
        return "mmol", 1.0
    if unit.startswith("puff"):
        return "puffs", 1.0
    return "j", 1.0


def dose_args(text: str, *, weight_kg: float | None = None) -> dict[str, Any]:
    """Read doses and route from words, in base units.

    ``"aspirin 300 mg po"`` -> ``{"dose_mg": 300.0, "route": "po"}``. Doses per kilogram give ``dose_mg_per_kg`` and, with a weight,
    ``dose_mg``; with a weight an absolute dose gives its ``…_per_kg`` too. Rates give ``rate_ml_per_h`` and the like; gas flow
    ``flow_l_min``; energy ``energy_j``.
    """
    args: dict[str, Any] = {}
    for number, unit, per_kg, per_time in _DOSE.findall(text):
        base, factor = _measure(unit)
        amount = float(number.replace(",", "")) * factor
        if base == "ml" and per_time.lower().startswith("min") and not per_kg and amount >= 200:
            args.setdefault("flow_l_min", _round(amount / 1000))
            continue
        if base == "j":
            args.setdefault("energy_j", _round(amount))
            continue
        if per_time:
            amount *= 60 if per_time.lower().startswith("min") else 1
        stem, tail = (f"rate_{base}", "_h") if per_time else (f"dose_{base}", "")
        whole, by_weight = (f"{stem}_per_h", f"{stem}_per_kg_h") if tail else (stem, f"{stem}_per_kg")
        args.setdefault(by_weight if per_kg else whole, _round(amount))
        if weight_kg and base != "puffs":
            other = amount * weight_kg if per_kg else amount / weight_kg
            args.setdefault(whole if per_kg else by_weight, _round(other))
    route = _ROUTE.search(text)
    if route:
        args["route"] = ROUTES[route[1].lower()]
    return args


def _round(value: float) -> float:
    return float(f"{value:.6g}")


def unit_of(name: str) -> str:
    """The unit behind the name of an argument: ``rate_units_per_kg_h`` -> ``units/kg/h``."""
    sort, rest = name.split("_", 1)
    if sort in {"flow", "energy"}:
        return {"flow": "L/min", "energy": "J"}[sort]
    return rest.split("_")[0] + ("/kg" if "per_kg" in rest else "") + ("/h" if rest.endswith("_h") else "")


def drug_words(text: str) -> str:
    """Return the words of an order without doses, routes and how-to: ``"Aspirin 300 mg PO stat"`` -> ``"aspirin"``."""
    bare = _DOSE.sub(" ", text)
    bare = _ROUTE.sub(" ", bare)
    bare = _DOSE_TAIL.sub(" ", bare)
    bare = _TIMES.sub(" ", bare)
    bare = re.sub(r"(?<![\w.])\d+(?:\.\d+)?(?![\w%.-])", " ", bare)
    return re.sub(r"(?:[\s,;:()]|\.(?!\d))+", " ", bare).strip().lower()
