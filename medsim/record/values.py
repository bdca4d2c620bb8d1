"""What a search parameter finds in a resource, in the form in which it is compared.

The rule: a value is read once into plain data that needs no more thought: tokens and references into the set of every way in which they
may be asked for, dates into half-open intervals of milliseconds, strings into folded words. A resource that is misshapen has no value; it
is never an error.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

from medsim.record.parameters import Parameter

Interval = tuple[float, float]
DAY = 86_400_000

_DATE = re.compile(
    r"(?P<y>\d{4})(?:-(?P<m>\d\d)(?:-(?P<d>\d\d)(?:T(?P<h>\d\d):(?P<i>\d\d)(?::(?P<s>\d\d)(?P<f>\.\d{1,9})?)?(?P<z>Z|[+ -]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_LOCAL = re.compile(r"(?P<type>[A-Z][A-Za-z]{1,40})/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")


class Amount(NamedTuple):
    """A quantity."""

    value: float
    system: str
    code: str
    unit: str


def interval(text: str) -> Interval:
    """The milliseconds that a FHIR date or time covers, the end excluded. Without a zone it is UTC. ValueError for what is no date."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError("no FHIR date")
    year, month, day = int(found["y"]), int(found["m"] or 1), int(found["d"] or 1)
    low = date(year, month, day).toordinal() * DAY
    if found["m"] is None:
        return low, low + DAY * (date(year, 12, 31).toordinal() - date(year, 1, 1).toordinal() + 1)
    if found["d"] is None:
        return low, low + DAY * _days(year, month)
    if found["h"] is None:
        return low, low + DAY
    return _timed(low, found)


def _days(year: int, month: int) -> int:
    return 31 if month == 12 else (date(year, month + 1, 1) - date(year, month, 1)).days


def _timed(low: int, found: re.Match[str]) -> Interval:
    hour, minute, second = int(found["h"]), int(found["i"]), int(found["s"] or 0)
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError("no such time of day")
    low += ((hour * 60 + minute) * 60 + second) * 1000
    if (zone := found["z"]) not in {None, "Z"}:
        minutes = int(zone[1:3]) * 60 + int(zone[4:6])
        low += minutes * 60_000 if zone[0] == "-" else -minutes * 60_000
    if found["f"]:
        low += int(found["f"][1:4].ljust(3, "0"))
        return low, low + 1
    return low, low + (1000 if found["s"] else 60_000)


def folded(text: str) -> str:
    """A text without case, accents and doubled blanks."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return " ".join(bare.casefold().split())


def walk(value: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, lists opened; ``name[x]`` keeps what has a url that ends with x, or x as its system."""
    here = [value]
    for step in path.split("."):
        name, _, wanted = step.removesuffix("]").partition("[")
        found: list[Any] = []
        for part in here:
            inner = part.get(name) if isinstance(part, dict) else None
            found += inner if isinstance(inner, list) else () if inner is None else (inner,)
        here = [part for part in found if _is(part, wanted)] if wanted else found
    yield from here


def _is(part: Any, wanted: str) -> bool:
    return isinstance(part, dict) and (str(part.get("url", "")).endswith(wanted) or part.get("system") == wanted)


def _each(resource: Any, parameter: Parameter) -> Iterator[Any]:
    for path in parameter.paths:
        yield from walk(resource, path)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _coded(system: str, code: str) -> tuple[str, ...]:
    if not code:
        return (f"{system}|",) if system else ()
    return (code, f"{system}|{code}", f"{system}|") if system else (code, f"|{code}")


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict) and isinstance(value.get("coding"), list):
        for coding in value["coding"]:
            yield from _tokens(coding) if isinstance(coding, dict) and "coding" not in coding else ()
    elif isinstance(value, dict):
        yield from _coded(_text(value.get("system")), _text(value.get("code")) or _text(value.get("value")))


def _codes(resource: Any, parameter: Parameter) -> Iterator[str]:
    if parameter.name == "deceased" and isinstance(resource, dict):
        yield "true" if resource.get("deceasedBoolean") is True or "deceasedDateTime" in resource else "false"
        return
    for value in _each(resource, parameter):
        yield from _tokens(value)


def local(reference: str) -> str:
    """``Type/id`` of a relative reference or of a URL that ends so; empty where it is neither."""
    tail = reference
    if "://" in reference:
        parts = reference.split("/")
        tail = "/".join(parts[-4:] if len(parts) > 4 and parts[-2] == "_history" else parts[-2:])
    found = _LOCAL.fullmatch(tail)
    return f"{found['type']}/{found['id']}" if found else ""


def _references(resource: Any, parameter: Parameter) -> Iterator[str]:
    for value in _each(resource, parameter):
        given = _text(value.get("reference")) if isinstance(value, dict) else ""
        if not given or given.startswith("#"):
            continue
        near = local(given)
        if parameter.target and near and not near.startswith(f"{parameter.target}/"):
            continue
        yield given
        if near and "://" not in given:
            yield near
            yield near.split("/")[1]


def _uris(resource: Any, parameter: Parameter) -> Iterator[str]:
    for value in _each(resource, parameter):
        if isinstance(value, str):
            yield value
            yield value.split("|")[0]


def keys(resource: Any, parameter: Parameter) -> frozenset[str]:
    """Every way in which the tokens, references or addresses of a parameter may be asked for."""
    read = {"reference": _references, "uri": _uris}.get(parameter.kind, _codes)
    return frozenset(read(resource, parameter))


def dates(resource: Any, parameter: Parameter) -> tuple[Interval, ...]:
    """The intervals of a date parameter; a period without an end goes on."""
    found = []
    for value in _each(resource, parameter):
        try:
            found.append(_span(value))
        except ValueError:
            continue
    return tuple(found)


def _span(value: Any) -> Interval:
    if isinstance(value, str):
        return interval(value)
    if not isinstance(value, dict):
        raise ValueError("no date")
    if isinstance(events := value.get("event"), list) and events:
        spans = [interval(_text(event)) for event in events]
        return min(low for low, _ in spans), max(high for _, high in spans)
    if isinstance(repeat := value.get("repeat"), dict) and "boundsPeriod" in repeat:
        return _span(repeat["boundsPeriod"])
    if "start" not in value and "end" not in value:
        raise ValueError("no period")
    low = interval(_text(value["start"]))[0] if "start" in value else -math.inf
    high = interval(_text(value["end"]))[1] if "end" in value else math.inf
    return low, high


def strings(resource: Any, parameter: Parameter) -> tuple[str, ...]:
    """The texts of a string parameter as they stand; a name also whole, given names first and family name first."""
    return tuple(text for value in _each(resource, parameter) for text in _texts(value) if text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and ("family" in value or "given" in value):
        given = " ".join(part for part in walk(value, "given") if isinstance(part, str))
        family = _text(value.get("family"))
        yield f"{given} {family}".strip()
        yield f"{family} {given}".strip()
        yield f"{family}, {given}" if given and family else ""


def words(resource: Any, parameter: Parameter) -> tuple[str, ...]:
    """What ``:text`` looks at: the displays and texts of a token or reference."""
    found: list[str] = []
    for value in _each(resource, parameter):
        if isinstance(value, dict):
            found += [_text(value.get("text")), _text(value.get("display"))]
            found += [text for path in ("coding.display", "type.text") for text in walk(value, path) if isinstance(text, str)]
    return tuple(text for text in found if text)


def amounts(resource: Any, parameter: Parameter) -> tuple[Amount, ...]:
    """The quantities of a quantity parameter."""
    found = []
    for value in _each(resource, parameter):
        number = value.get("value") if isinstance(value, dict) else None
        if isinstance(number, (int, float)) and not isinstance(number, bool) and abs(number) < 1e300:
            found.append(Amount(float(number), _text(value.get("system")), _text(value.get("code")), _text(value.get("unit"))))
    return tuple(found)


READ: dict[str, Callable[[Any, Parameter], Any]] = {
    "keys": keys,
    "dates": dates,
    "strings": strings,
    "folded": lambda resource, parameter: tuple(map(folded, strings(resource, parameter))),
    "words": lambda resource, parameter: tuple(map(folded, words(resource, parameter))),
    "amounts": amounts,
}
"""How each aspect of a parameter is read out of a resource."""
