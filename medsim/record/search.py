"""A search: a query read, matched, sorted and cut into pages.

The rule: a parameter that the type does not have is left out and stands not in the ``self`` link (or is refused where strict handling is
asked for); one that it has but that cannot be understood is always refused. Where the record gives hints, an empty answer says which code
never occurs, so that "I guessed the wrong code" and "the patient never had it" can be told apart; only what can be seen now counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from medsim.errors import did_you_mean
from medsim.record.holdings import Held, copied
from medsim.record.match import Term, term
from medsim.record.outcome import Refusal, Resource, information, quoted
from medsim.record.parameters import TYPES, Parameter, parameters

if TYPE_CHECKING:
    from medsim.record.store import Record

PAGE = 50
MOST = 5000
"""Entries of a page where none, and at most where any number is asked for."""
_TERMS = 100
_SPECIAL = {"_count", "_sort", "_offset", "_format", "_pretty", "_total", "_summary", "_elements", "_include", "_revinclude"}
_IGNORED = {"_format", "_pretty", "_total"}


@dataclass(slots=True)
class Query:
    """A search that was understood; ``kept`` are the pairs that count, ``ignored`` the names that do not."""

    kind: str
    terms: list[tuple[str, Term]] = field(default_factory=list)
    order: list[tuple[Parameter, bool]] = field(default_factory=list)
    count: int = PAGE
    offset: int = 0
    only_count: bool = False
    elements: tuple[str, ...] = ()
    includes: list[tuple[bool, str, Parameter]] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def pairs(query: Any) -> list[tuple[str, str]]:
    """The parameters of a query string, a mapping (a list is a repeated parameter) or pairs."""
    if isinstance(query, str):
        try:
            return parse_qsl(query.lstrip("?"), keep_blank_values=True, max_num_fields=_TERMS, errors="replace")
        except ValueError as error:
            raise Refusal(400, "too-costly", f"A search has at most {_TERMS} parameters.") from error
    found = []
    for name, value in query.items() if isinstance(query, Mapping) else query:
        found += [(str(name), str(part)) for part in (value if isinstance(value, (list, tuple)) else [value])]
    if len(found) > _TERMS:
        raise Refusal(400, "too-costly", f"A search has at most {_TERMS} parameters.")
    return found


def understood(kind: str, query: Any, *, strict: bool = False) -> Query:
    """Read a query; a ``Refusal`` says what is wrong with it."""
    table, made = parameters(kind), Query(kind)
    for name, value in pairs(query):
        bare, _, modifier = name.partition(":")
        if not value.strip() or bare in _IGNORED:
            continue
        if bare in _SPECIAL:
            good = _special(made, name, bare, value, strict=strict)
        else:
            good = bare in table
            if good:
                made.terms.append((name, term(table[bare], modifier, value)))
            elif "." in bare and bare.split(".")[0] in table:
                raise Refusal(400, "not-supported", f"Chained parameters such as {quoted(name)} are not offered. Search in two steps.")
            elif strict:
                close = did_you_mean(bare[:60], table)
                raise Refusal(400, "not-supported", f"{kind} has no search parameter {quoted(bare)}.{close} It has: {', '.join(table)}.")
        if good:
            made.kept.append((name, value))
        else:
            made.ignored.append(name)
    return made


def _special(made: Query, name: str, bare: str, value: str, *, strict: bool) -> bool:
    if bare in {"_count", "_offset"}:
        number = _number(bare, value)
        if bare == "_count":
            made.count, made.only_count = min(number, MOST), made.only_count or number == 0
        else:
            made.offset = number
        return bare == "_count"
    if bare == "_summary":
        made.only_count = made.only_count or value == "count"
        return value == "count"
    if bare == "_elements":
        made.elements = tuple(part.strip() for part in value.split(",") if part.strip())
        return True
    if bare == "_sort":
        return _sorted_by(made, value, strict=strict)
    return _included(made, bare, value, strict=strict)


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Refusal(400, "invalid", f"{name} is a whole number from 0 on; given {quoted(value)}.")
    return int(value)


def _sorted_by(made: Query, value: str, *, strict: bool) -> bool:
    table = parameters(made.kind)
    for part in value.split(","):
        name = part.strip().lstrip("-")
        if name in table and table[name].kind != "quantity":
            made.order.append((table[name], part.strip().startswith("-")))
        elif strict:
            raise Refusal(400, "not-supported", f"{made.kind} cannot be sorted by {quoted(name)}.{did_you_mean(name[:60], table)}")
    return bool(made.order)


def _included(made: Query, bare: str, value: str, *, strict: bool) -> bool:
    kind, _, name = value.partition(":")
    name = name.split(":")[0]
    found = parameters(kind).get(name) if kind in TYPES else None
    backward = bare == "_revinclude"
    if found is None or found.kind != "reference" or not (backward or kind == made.kind):
        if strict:
            raise Refusal(400, "not-supported", f"{bare} is Type:parameter with a reference parameter; given {quoted(value)}.")
        return False
    made.includes.append((backward, kind, found))
    return True


def search(record: Record, kind: str, query: Any = (), *, strict: bool = False, base: str = "") -> Resource:
    """Search a type of resource; returns a searchset Bundle with ``total``, paging links and copies of the resources of one page."""
    from medsim.record.store import known

    asked = understood(known(kind), query, strict=strict)
    found = matched(record, asked)
    page = [] if asked.only_count else _in_order(found, asked)[asked.offset : asked.offset + asked.count]
    entries = [_entry(held, "match", base, asked.elements) for held in page]
    entries += [_entry(held, "include", base, ()) for held in _with(record, page, asked)]
    if record.hints and (told := _hints(record, asked, found)):
        entries.append({"resource": information(*told), "search": {"mode": "outcome"}})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": _links(asked, len(found), base)}
    if record.stamp:
        bundle["meta"] = {"lastUpdated": record.stamp}
    return {**bundle, "entry": entries} if entries else bundle


def matched(record: Record, asked: Query) -> list[Held]:
    """Every resource that answers a query, in the order in which they came."""
    over = record.state.over.get(asked.kind, {})
    terms = [part for _, part in asked.terms]
    rows = _shelved(record, asked.kind, terms)
    if over:
        rows = [held for held in rows if held.resource["id"] not in over]
        rows += [held for held in over.values() if all(part.holds(held.values(part.parameter, part.aspect)) for part in terms)]
    return rows


def _shelved(record: Record, kind: str, terms: list[Term]) -> list[Held]:
    shelf = record.shelf
    places: set[int] | None = None
    rows = shelf.rows[kind]
    indexed = sorted((_places(shelf.index(kind, part.parameter), part.wanted) for part in terms if part.wanted is not None), key=len)
    for some in indexed:
        places = some if places is None else places & some
    if places is not None:
        rows = [rows[place] for place in sorted(places)]
    for part in terms:
        if part.wanted is None:
            parameter, aspect, holds = part.parameter, part.aspect, part.holds
            rows = [held for held in rows if holds(held.values(parameter, aspect))]
    return list(rows) if rows is shelf.rows[kind] else rows


def _places(index: dict[str, set[int]], wanted: frozenset[str]) -> set[int]:
    found = [index[key] for key in wanted if key in index]
    return found[0] if len(found) == 1 else set().union(*found)


def _in_order(found: list[Held], asked: Query) -> list[Held]:
    for parameter, down in reversed(asked.order):
        aspect = {"date": "dates", "string": "folded"}.get(parameter.kind, "keys")
        pick = max if down else min
        keyed = [(held.values(parameter, aspect), held) for held in found]
        having = sorted(((pick(values), held) for values, held in keyed if values), key=lambda pair: pair[0], reverse=down)
        found = [held for _, held in having] + [held for values, held in keyed if not values]
    return found


def _with(record: Record, page: list[Held], asked: Query) -> list[Held]:
    """What is included with a page, each resource once and none that is on the page."""
    found: dict[tuple[str, str], Held] = {}
    for backward, kind, parameter in asked.includes:
        if backward:
            wanted = frozenset(f"{asked.kind}/{held.resource['id']}" for held in page)
            related = matched(record, Query(kind, [("", Term(parameter, "keys", lambda keys, w=wanted: not w.isdisjoint(keys), wanted))]))  # type: ignore[misc]
        else:
            names = [key.split("/") for held in page for key in sorted(held.values(parameter, "keys")) if key.count("/") == 1]
            related = [part for of, name in names if of in TYPES and (part := record.held(of, name))]
        found.update({(part.resource["resourceType"], part.resource["id"]): part for part in related})
    for held in page:
        found.pop((asked.kind, held.resource["id"]), None)
    return list(found.values())[:MOST]


def _entry(held: Held, mode: str, base: str, elements: Iterable[str]) -> Resource:
    resource = held.resource
    if elements:
        wanted = {"resourceType", "id", "meta", *elements}
        resource = {name: value for name, value in resource.items() if name in wanted}
    at = f"{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": f"{base}/{at}" if base else at, "resource": copied(resource), "search": {"mode": mode}}


def _links(asked: Query, total: int, base: str) -> list[dict[str, str]]:
    def link(relation: str, offset: int) -> dict[str, str]:
        kept = [*asked.kept, *([("_offset", str(offset))] if offset else [])]
        query = urlencode(kept, safe=":,|/", errors="replace")
        where = f"{base}/{asked.kind}" if base else asked.kind
        return {"relation": relation, "url": f"{where}?{query}" if query else where}

    made = [link("self", asked.offset)]
    if asked.only_count or not asked.count:
        return made
    if asked.offset + asked.count < total:
        made.append(link("next", asked.offset + asked.count))
    if asked.offset:
        made.append(link("previous", max(0, asked.offset - asked.count)))
    return made


def _hints(record: Record, asked: Query, found: list[Held]) -> list[str]:
    """What a reader of an empty answer should know: codes that occur nowhere, parameters that did not count."""
    told = [
        f"{asked.kind} has no search parameter {quoted(name)}; it was left out."
        for name in asked.ignored
        if name.partition(":")[0] not in _SPECIAL
    ]
    if found:
        return told
    for name, part in asked.terms:
        if part.parameter.kind == "token" and part.wanted and not name.startswith("_"):
            never = [key for key in sorted(part.wanted) if not matched(record, Query(asked.kind, [(name, _only(part.parameter, key))]))]
            told += [
                f"No {asked.kind} on this server has {part.parameter.name} {quoted(key)}. That the code is not used here does not mean that "
                "the data are absent: search without it and read the codes that are in use."
                for key in never
            ]
    return told


def _only(parameter: Parameter, key: str) -> Term:
    wanted = frozenset([key])
    return Term(parameter, "keys", lambda keys: key in keys, wanted)
