"""Predicates that measure: a set of things done against an expected one, the steps of a written reasoning, a number with its unit.

The rule: they decide when the encounter has ended, since until then a set can grow and a number be corrected. A measure of nothing by
nothing is not applicable, never 1 and never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from medsim.case.part import Many
from medsim.case.predicate import Codes, Measure, Number, Steps
from medsim.case.unit import UnknownUnit, converted, spelled, unit
from medsim.rubric.finding import UNKNOWN, Ending, Finding
from medsim.rubric.names import folded, names
from medsim.vocabulary.whole import stands_in

_REACH = 90
"""Characters after a label in which its number stands."""
_STEP = re.compile(r"\n+|(?<=[.;!?])\s+")
_BULLET = re.compile(r"\A\s*(?:[-*•]|\(?\d{1,2}[.)])\s+")
_END = re.compile(r"[;\n]|[.!?](?:\s|\Z)")
_NUMBER = re.compile(r"(?<![\w.,])[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?)(?![\d])")
_UNIT = re.compile(r"\s*((?:x\s*)?10\^\d+(?:/[a-z0-9.]+)*|mm hg|°?[a-z%][a-z]*[23]?(?:/[a-z0-9.]+)*|%|/[a-z]+)(?![\w])", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:[-–]|to)\s*\d")


class Done(NamedTuple):
    """One thing that was done: its event, code and words."""

    seq: int
    code: str
    text: str


def measure(kind: Measure, *, hits: int, expected: int, given: int, of: int | None = None) -> float | None:
    """Recall ``hits / expected``, precision ``of / given`` (``of``: members that are right; left out: hits) or their harmonic mean, F1.

    None for the precision of nothing given.
    """
    right = hits if of is None else of
    if kind == "recall":
        return hits / expected
    if kind == "precision":
        return right / given if given else None
    recall, precision = hits / expected, right / given if given else 0.0
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def _found(value: float | None, ge: float | None, evidence: Iterable[int], told: str) -> Finding:
    if value is None:
        return Finding("na", (), told)
    value = round(value, 9)
    if ge is not None:
        return Finding("met" if value >= ge - 1e-9 else "unmet", tuple(evidence), told)
    return Finding("met" if value > 0 else "unmet", tuple(evidence), told, value)


# ---- sets of codes -----------------------------------------------------------------------------------------------------------------


def codes(wanted: Codes, done: Sequence[Done], ending: Ending) -> Finding:
    """Hold what was done against what was expected; a thing without a code is known by its words, or the set is unknown."""
    if ending != "voluntary":
        return UNKNOWN
    free = set(wanted.free)
    members: dict[str, int] = {}
    for one in done:
        code = one.code or _by_words(one.text, wanted)
        if not code:
            return Finding("unknown", (one.seq,), f"what '{one.text[:60]}' is could not be told, so the set is not known")
        if code not in free:
            members.setdefault(code, one.seq)
    hits = sum(any(code in members for code in slot) for slot in wanted.expected)
    right = {code for slot in wanted.expected for code in slot}
    extra = sum(code not in right for code in members)
    value = measure(wanted.measure, hits=hits, expected=len(wanted.expected), given=hits + extra)
    told = f"{hits} of {len(wanted.expected)} expected, {extra} beside them: {wanted.measure} {_written(value)}"
    return _found(value, wanted.ge, sorted(members.values()), told)


def _by_words(text: str, wanted: Codes) -> str:
    for code in (*(code for slot in wanted.expected for code in slot), *wanted.free):
        if text and names(text, [code.rsplit(".", 1)[-1].replace("_", " "), code]):
            return code
    return ""


def _written(value: float | None) -> str:
    return "cannot be formed" if value is None else f"{value:.2f}"


# ---- steps of a reasoning ----------------------------------------------------------------------------------------------------------


def steps_of(text: str) -> list[str]:
    """The steps of a written reasoning: lines and sentences of at least two words, folded."""
    parts = (folded(_BULLET.sub("", part)) for part in _STEP.split(text))
    return [part for part in parts if len(part.split()) > 1]


def steps(wanted: Steps, notes: Sequence[Done], ending: Ending) -> Finding:
    """Measure how much of a reasoning is there (recall) and how much of what is there serves (precision)."""
    if ending != "voluntary":
        return UNKNOWN
    given = [step for note in notes for step in steps_of(note.text)]
    named = sum(any(_names(step, slot) for step in given) for slot in wanted.expected)
    words = [*wanted.expected, wanted.also]
    seen: set[str] = set()
    relevant = 0
    for step in given:
        relevant += step not in seen and any(_names(step, slot) for slot in words)
        seen.add(step)
    value = measure(wanted.measure, hits=named, expected=len(wanted.expected), given=len(given), of=relevant)
    told = f"{named} of {len(wanted.expected)} points named; {relevant} of {len(given)} steps relevant: {wanted.measure} {_written(value)}"
    return _found(value, wanted.ge, [note.seq for note in notes], told)


def _names(step: str, slot: Many[str]) -> bool:
    return any((name := folded(word)) and stands_in(name, step) for word in slot)


# ---- numbers -----------------------------------------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """A number after a label, in the unit that was asked for; without a value it is none, with the reason."""

    value: float | None
    shown: str


def number(wanted: Number, said: Sequence[Done], ending: Ending) -> Finding:
    """Hold the last number after a label against what is right."""
    if ending == "open":
        return UNKNOWN
    last: tuple[int, Reading] | None = None
    for one in said:
        for reading in readings(one.text, wanted):
            last = one.seq, reading
    if last is None:
        told = f"no number follows {' or '.join(repr(label) for label in wanted.of)}"
        return Finding("unmet", (), told) if ending == "voluntary" else UNKNOWN
    seq, reading = last
    right = reading.value is not None and wanted.accepts(reading.value)
    return Finding("met" if right else "unmet", (seq,), reading.shown)


def readings(text: str, wanted: Number) -> list[Reading]:
    """The number after each label of a text that has one, in the order of the text."""
    text = spelled(text)
    labels = "|".join(sorted((re.escape(label) for label in wanted.of), key=len, reverse=True))
    found = []
    for label in re.finditer(rf"(?<!\w)(?:{labels})(?!\w)", text, re.IGNORECASE):
        window = text[label.end() : label.end() + _REACH]
        window = window[1:] if window[:1] == "-" else window  # "CrCl-54" has no minus
        end = _END.search(window)
        reading = _first(window[: end.start()] if end else window, wanted)
        if reading is not None:
            found.append(reading)
    return found


def _first(window: str, wanted: Number) -> Reading | None:
    """The first number that can be carried into the unit; otherwise the first number, with why it cannot."""
    spare: Reading | None = None
    skip = 0
    for match in _NUMBER.finditer(window):
        if match.start() < skip:
            continue
        if span := _RANGE.match(window, match.end()):
            skip = span.end() + 12  # the other end of it
            spare = spare or Reading(None, f"{match[0]} begins a range, not a number")
            continue
        reading = _read(match, window, wanted)
        if reading.value is not None:
            return reading
        spare = spare or reading
    return spare


def _read(match: re.Match[str], window: str, wanted: Number) -> Reading:
    value, given = float(_plain(match[0])), _unit_after(window, match.end())
    if not wanted.unit or (not given and not wanted.unit_needed):
        return Reading(value, f"{match[0]} {wanted.unit}".strip())
    if not given:
        return Reading(None, f"{match[0]} has no unit; {wanted.unit} was asked for")
    found = converted(value, given=given, wanted=wanted.unit, molar_mass=wanted.molar_mass)
    if found is None:
        return Reading(None, f"{match[0]} {given} is no measure of what {wanted.unit} measures")
    same = given.lower() == wanted.unit.lower()
    return Reading(found, f"{match[0]} {given}" + ("" if same else f" = {found:g} {wanted.unit}"))


def _plain(digits: str) -> str:
    """A number as Python reads it: ``1,200`` and ``3,5``."""
    return digits.replace(",", "") if re.search(r",\d{3}(?!\d)", digits) else digits.replace(",", ".")


def _unit_after(window: str, at: int) -> str:
    """The unit that follows a number; empty where what follows is none."""
    match = _UNIT.match(window, at)
    if match is None:
        return ""
    parts = match[1].split("/")
    for end in range(len(parts), 0, -1):
        name = "/".join(parts[:end])
        try:
            return unit(name).name if name else ""
        except UnknownUnit:
            continue
    return ""
