"""What the words of a result or finding measure, as FHIR values, and the small building blocks of resources.

The rule: a number becomes a quantity only with a unit that is known, or beside a reference range; anything else stays words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from medsim.action import tidy
from medsim.case.unit import UnknownUnit, unit
from medsim.dose import unit_of

LOINC, ACT, OWN = "http://loinc.org", "http://terminology.hl7.org/CodeSystem/v3-ActCode", "urn:medsim:code"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
Resource = dict[str, Any]

VITALS: dict[str, tuple[str, str, str]] = {
    "hr": ("8867-4", "Heart rate", "/min"), "rr": ("9279-1", "Respiratory rate", "/min"), "spo2": ("59408-5", "Oxygen saturation by pulse oximetry", "%"),
    "temp": ("8310-5", "Body temperature", "Cel"), "gcs": ("9269-2", "Glasgow coma score total", "{score}"), "sbp": ("8480-6", "Systolic blood pressure", "mm[Hg]"),
    "dbp": ("8462-4", "Diastolic blood pressure", "mm[Hg]"),
}  # fmt: skip
"""Vital sign -> LOINC, name, UCUM unit."""
_SIGNS = {
    "hr": r"\bHR (\d+(?:\.\d+)?)/min", "rr": r"\bRR (\d+(?:\.\d+)?)/min", "spo2": r"\bSpO2 (\d+(?:\.\d+)?) %", "temp": r"\btemperature (\d+(?:\.\d+)?) °C",
    "gcs": r"\bGCS (\d+)", "sbp": r"\bBP (\d+(?:\.\d+)?)/", "dbp": r"\bBP [\d.-]+/(\d+(?:\.\d+)?)",
}  # fmt: skip
_ROW = re.compile(
    r"(?P<name>[^;]*?[^\s;:]):? (?P<sign>[<>]=?)? ?(?P<number>-?\d+(?:\.\d+)?)(?: (?P<unit>[^();]{1,30}?))?"
    r"(?: \((?P<range>up to [\d.]+|from [\d.]+|[\d.]+-[\d.]+)\))?(?: (?P<flag>LL|HH|L|H|A))?\Z"
)


class Row(NamedTuple):
    """One measured thing of a result."""

    name: str
    body: Resource
    """``valueQuantity``, ``referenceRange`` and ``interpretation`` as far as they were given."""


def rows(text: str) -> tuple[list[Row], str]:
    """Read the measured rows of a result; what measures nothing comes back as words."""
    found, rest = [], []
    for part in text.split("; "):
        row = _row(part.strip())
        if row:
            found.append(row)
        else:
            rest.append(part)
    return found, "; ".join(rest).strip()


def _row(text: str) -> Row | None:
    match = _ROW.match(text)
    if match is None or not (match["unit"] or match["range"] or match["flag"]) or len(match["name"]) > 80:
        return None
    if match["unit"] and not _known(match["unit"]):
        return None
    body: Resource = {"valueQuantity": quantity(number(match["number"]), match["unit"] or "", sign=match["sign"] or "")}
    if match["range"]:
        body["referenceRange"] = [_limits(match["range"], match["unit"] or "")]
    if match["flag"]:
        system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
        body["interpretation"] = [{"coding": [{"system": system, "code": match["flag"]}]}]
    return Row(match["name"].strip(), body)


def _known(name: str) -> bool:
    try:
        unit(name)
    except UnknownUnit:
        return False
    return True


def _limits(text: str, of: str) -> Resource:
    low, _, high = text.partition("-")
    if text.startswith("up to "):
        return {"high": quantity(number(text.removeprefix("up to ")), of)}
    if text.startswith("from "):
        return {"low": quantity(number(text.removeprefix("from ")), of)}
    return {"low": quantity(number(low), of), "high": quantity(number(high), of)}


def number(text: str) -> float | int:
    """A number as JSON has it."""
    value = float(text.rstrip("."))
    return int(value) if value.is_integer() else value


def quantity(value: float, of: str, *, sign: str = "", ucum: str = "") -> Resource:
    """A Quantity; the unit is words unless a UCUM code is given."""
    value = int(value) if float(value).is_integer() else value
    made: Resource = {"value": value, **({"comparator": sign} if sign else {}), **({"unit": of} if of else {})}
    return {**made, "system": "http://unitsofmeasure.org", "code": ucum} if ucum else made


def signs(text: str, args: Mapping[str, Any]) -> dict[str, float]:
    """The vital signs in a line of a chart, or as they were recorded."""
    held = args.get("vitals")
    if isinstance(held, dict):
        return {name: float(held[name]) for name in VITALS if isinstance(held.get(name), (int, float))}
    return {name: float(found[1]) for name, look in _SIGNS.items() if (found := re.search(look, text))}


def vital(name: str, value: float) -> Resource:
    """Code and value of one vital sign, for an Observation or a component."""
    code, display, ucum = VITALS[name]
    shown = {"Cel": "°C", "mm[Hg]": "mmHg", "{score}": ""}.get(ucum, ucum)
    return {"code": concept(display, (LOINC, code, display)), "valueQuantity": quantity(value, shown, ucum=ucum)}


def concept(text: str, *codings: tuple[str, str, str]) -> Resource:
    """A CodeableConcept: codings are (system, code, display or empty)."""
    coding = [{"system": system, "code": code, **({"display": display} if display else {})} for system, code, display in codings if code]
    return {**({"coding": coding} if coding else {}), **({"text": plain(text)} if plain(text) else {})}


def plain(text: str) -> str:
    """Text as FHIR takes it: no control codes, no blank ends."""
    return tidy(text, limit=len(text))


def dosage(args: Mapping[str, Any], words: str) -> tuple[Resource, Resource]:
    """A dose as a request has it and as an administration has it; the second is empty where no amount was said."""
    amount = next(((name, args[name]) for name in args if name.startswith("dose_") and "per_kg" not in name and _numeric(args[name])), None)
    rate = next(((name, args[name]) for name in args if name.startswith(("rate_", "flow_")) and _numeric(args[name])), None)
    route = {"route": {"text": str(args["route"])}} if args.get("route") else {}
    dose = {"doseQuantity": quantity(amount[1], unit_of(amount[0]))} if amount else {}
    speed = {"rateQuantity": quantity(rate[1], unit_of(rate[0]))} if rate else {}
    asked: Resource = {"text": plain(words), **route, **({"doseAndRate": [{**dose, **speed}]} if dose or speed else {})}
    given = {"text": plain(words), **route, **({"dose": dose["doseQuantity"]} if dose else {}), **speed} if dose or speed else {}
    return asked, given


def _numeric(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
