"""The tools an agent has in a patient record, each defined once: as a line of text, as an LLM tool call, and as an entry of a menu.

The rule: a tool is a name, a verb and its arguments; every way of calling it ends in the same ``Call``. Nothing is guessed: what cannot be
read is answered with what was expected, and is a round like any other.

Text is ``NAME {"argument": …}``; the three verbs of record benchmarks are read as well: ``GET Observation?patient=p1&code=2823-3``,
``POST ServiceRequest`` with the resource below it, ``FINISH(["answer"])``; an address before the type is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from medsim.errors import ActionError, did_you_mean
from medsim.record.outcome import Refusal, quoted
from medsim.record.parameters import TYPES, parameters
from medsim.record.plain import DEPTH, constant, plain_data
from medsim.record.search import pairs

Verb = Literal["search", "read", "create", "update", "note", "calculate", "finish"]
MAX_CHARS = 200_000
"""Characters of one call as text."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool."""

    name: str
    said: str
    kind: Literal["string", "object", "array"] = "string"
    required: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """As JSON Schema."""
        inner = {"items": {"type": ["string", "number", "boolean"]}} if self.kind == "array" else {}
        return {"type": self.kind, **inner, "description": self.said}


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool; ``kind`` is the type of resource it is about."""

    name: str
    verb: Verb
    said: str
    arguments: tuple[Argument, ...]
    kind: str = ""

    @property
    def schema(self) -> dict[str, Any]:
        """As a tool for a language model."""
        properties = {argument.name: argument.schema for argument in self.arguments}
        needed = [argument.name for argument in self.arguments if argument.required]
        taken = {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
        return {"type": "function", "function": {"name": self.name, "description": self.said, "parameters": taken}}

    @property
    def line(self) -> str:
        """As one line of a manual."""
        taken = ", ".join(f"{argument.name}{'' if argument.required else '?'}" for argument in self.arguments)
        return f"{self.name}({taken}): {self.said}"


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a tool. ``query`` holds the parameters of a search in the order in which they were given."""

    tool: str
    verb: Verb
    kind: str = ""
    query: tuple[tuple[str, str], ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


_SEARCHED: dict[str, tuple[str, ...]] = {
    "Patient": ("identifier", "name", "family", "given", "birthdate", "gender", "address", "telecom"),
    "Encounter": ("patient", "date", "status", "class", "type"),
    "Condition": ("patient", "code", "category", "clinical-status", "onset-date", "recorded-date"),
    "Observation": ("patient", "code", "category", "date", "encounter", "value-quantity"),
    "AllergyIntolerance": ("patient", "code", "clinical-status", "criticality"),
    "MedicationRequest": ("patient", "code", "status", "intent", "category", "authoredon", "date"),
    "MedicationStatement": ("patient", "code", "status", "effective"),
    "MedicationAdministration": ("patient", "code", "status", "effective-time"),
    "ServiceRequest": ("patient", "code", "status", "category", "authored", "occurrence"),
    "DiagnosticReport": ("patient", "code", "category", "date", "issued"),
    "Procedure": ("patient", "code", "status", "date"),
    "DocumentReference": ("patient", "type", "category", "date", "description"),
    "Immunization": ("patient", "vaccine-code", "date", "status"),
    "Communication": ("patient", "category", "sent", "sender", "recipient"),
    "Appointment": ("patient", "date", "status", "service-type", "specialty"),
    "QuestionnaireResponse": ("patient", "questionnaire", "authored"),
}
_CREATED = (
    "MedicationRequest", "ServiceRequest", "Observation", "Condition", "AllergyIntolerance", "MedicationStatement", "Procedure",
    "Communication", "Appointment",
)  # fmt: skip
_MEANS = {
    "token": "code, or system|code; commas between alternatives", "code": "code; commas between alternatives",
    "reference": "id, or Type/id", "date": "date with eq, ne, gt, lt, ge or le before it, e.g. ge2023-01-01; two with a comma are alternatives",
    "string": "beginning of the text, whatever the case", "quantity": "number with eq, gt, lt, ge or le before it, e.g. gt7.5", "uri": "address",
}  # fmt: skip


def snake(kind: str) -> str:
    """``MedicationRequest`` as ``medication_request``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()


def _search(kind: str) -> Tool:
    table = parameters(kind)
    taken = [Argument(name, _MEANS[table[name].kind]) for name in _SEARCHED[kind]]
    taken += [
        Argument("_sort", "parameter to sort by, with - before it for newest or largest first, e.g. -date"),
        Argument("_count", "how many at most"),
    ]
    return Tool(f"search_{snake(kind)}", "search", f"Search {kind} resources of the record.", tuple(taken), kind)


def _create(kind: str) -> Tool:
    given = Argument("resource", f"the whole {kind} as FHIR R4 JSON, without id", "object", True)
    return Tool(f"create_{snake(kind)}", "create", f"Write a new {kind} into the record.", (given,), kind)


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        *map(_search, TYPES),
        Tool(
            "read", "read", "Read one resource of the record.",
            (Argument("type", "type of resource, e.g. Patient", required=True), Argument("id", "its id", required=True)),
        ),
        *map(_create, _CREATED),
        Tool("update", "update", "Change a resource of the record.", (Argument("resource", "the whole resource as FHIR R4 JSON, with its id", "object", True),)),
        Tool(
            "write_note", "note", "File a clinical note in the record, as a DocumentReference.",
            (Argument("patient", "id of the patient", required=True), Argument("text", "the note", required=True), Argument("title", "what kind of note it is")),
        ),
        Tool(
            "calculate", "calculate", "Work out a clinical calculator from numbers with their units.",
            (Argument("what", "its name and what it is given, e.g. egfr creatinine=1.2 mg/dL age=60 sex=female", required=True),),
        ),
        Tool("finish", "finish", "End the task with its answer.", (Argument("answer", "the answers asked for, an empty list where none is", "array", True),)),
    )
}  # fmt: skip
"""Every tool by name."""


def chosen(names: Iterable[str]) -> tuple[Tool, ...]:
    """The tools of the given names, all where none is named; ``finish`` is always there."""
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in TOOLS:
            raise ActionError(f"No tool '{name[:60]}'.{did_you_mean(name, TOOLS)} Tools: {', '.join(TOOLS)}.")
    return tuple(tool for name, tool in TOOLS.items() if not wanted or name in wanted or name == "finish")


def schemas(tools: Iterable[Tool]) -> tuple[dict[str, Any], ...]:
    """The tools for a language model."""
    return tuple(tool.schema for tool in tools)


def manual(tools: Iterable[Tool]) -> str:
    """The tools for a reader, one a line."""
    return "\n".join(tool.line for tool in tools)


def from_tool(name: str, arguments: Mapping[str, Any], *, tools: Iterable[Tool] | None = None) -> Call:
    """The call that a tool call stands for; ActionError says what was expected."""
    offered = TOOLS if tools is None else {tool.name: tool for tool in tools}
    tool = offered.get(name)
    if tool is None:
        raise ActionError(f"There is no tool '{name[:60]}'.{did_you_mean(name, offered)} Tools: {', '.join(offered)}.")
    given = {key: value for key, value in arguments.items() if value is not None}
    taken = {argument.name: argument for argument in tool.arguments}
    for key, value in given.items():
        if tool.verb == "search" and key not in taken and key.partition(":")[0] not in parameters(tool.kind) and not key.startswith("_"):
            raise ActionError(f"Tool '{name}' takes no '{key[:60]}'.{did_you_mean(key, taken)} It takes: {', '.join(taken)}.")
        if tool.verb != "search" and key not in taken:
            raise ActionError(f"Tool '{name}' takes no '{key[:60]}'. It takes: {', '.join(taken)}.")
        _fits(name, key, value, taken[key].kind if key in taken else "string")
    for argument in tool.arguments:
        if argument.required and argument.name not in given:
            raise ActionError(f"Tool '{name}' needs '{argument.name}': {argument.said}.")
    return _called(tool, given)


def _fits(tool: str, key: str, value: Any, kind: str) -> None:
    good = {"string": (str, int, float), "object": dict, "array": list}[kind]
    if not isinstance(value, good) or isinstance(value, bool):  # type: ignore[arg-type]
        raise ActionError(f"'{key[:60]}' of tool '{tool}' is {'text' if kind == 'string' else 'an ' + kind}; given {type(value).__name__}.")
    try:
        plain_data(value, depth=DEPTH + 1)
    except Refusal as refusal:
        raise ActionError(f"'{key[:60]}' of tool '{tool}': {refusal}") from refusal


def _called(tool: Tool, given: dict[str, Any]) -> Call:
    if tool.verb == "search":
        return Call(tool.name, tool.verb, tool.kind, tuple((key, str(value)) for key, value in given.items()))
    if tool.verb == "create":
        resource = {"resourceType": tool.kind, **given["resource"]}
        if resource["resourceType"] != tool.kind:
            raise ActionError(f"Tool '{tool.name}' writes a {tool.kind}; given {quoted(resource['resourceType'])}.")
        return Call(tool.name, tool.verb, tool.kind, arguments={"resource": resource})
    kind = str(given["resource"].get("resourceType", "")) if tool.verb == "update" else str(given.get("type", ""))
    return Call(tool.name, tool.verb, kind, arguments=given)


_REST = re.compile(r"(?P<verb>GET|POST|PUT)\s+(?P<url>\S[^\n]*)\n?(?P<body>.*)", re.DOTALL)
_FINISH = re.compile(r"FINISH\s*\((?P<answer>.*)\)", re.DOTALL)
_NAMED = re.compile(r"(?P<name>[a-z_]{1,60})\s*(?P<body>\{.*\})?", re.DOTALL)
_FENCE = re.compile(r"\A```[a-z_]*\n(.*?)\n?```\Z", re.DOTALL)


def from_text(text: str, *, tools: Iterable[Tool] | None = None) -> Call:
    """The call that a text stands for; ActionError says what was expected."""
    if len(text) > MAX_CHARS:
        raise ActionError(f"A call has at most {MAX_CHARS} characters; given {len(text)}.")
    given, offered = tuple(TOOLS.values()) if tools is None else tuple(tools), text.strip()
    offered = found[1].strip() if (found := _FENCE.match(offered)) else offered
    if rest := _REST.fullmatch(offered):
        return _by_rest(rest["verb"], rest["url"].strip(), rest["body"], given)
    if done := _FINISH.fullmatch(offered):
        return from_tool("finish", {"answer": _json(done["answer"] or "[]", "FINISH")}, tools=given)
    if named := _NAMED.fullmatch(offered):
        arguments = _json(named["body"] or "{}", named["name"])
        return from_tool(named["name"], arguments, tools=given)
    raise ActionError(f'A call is NAME {{"argument": …}}, GET, POST, PUT or FINISH([…]); given {quoted(offered)}.')


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise ActionError(f"What follows {what} is no JSON that can be read: {str(error)[:100]}.") from error


def _by_rest(verb: str, url: str, body: str, tools: tuple[Tool, ...]) -> Call:
    where, _, query = url.partition("?")
    parts = [part for part in where.split("/") if part]
    at = next((place for place, part in enumerate(parts) if part in TYPES), None)
    if at is None:
        raise ActionError(f"No type of resource in {quoted(url)}. Types: {', '.join(TYPES)}.")
    kind, rest = parts[at], parts[at + 1 :]
    if verb == "GET" and not rest:
        try:
            asked = pairs(query)
        except Refusal as refusal:
            raise ActionError(str(refusal)) from refusal
        from_tool(f"search_{snake(kind)}", {}, tools=tools)  # where it is not offered, neither is this
        return Call(f"search_{snake(kind)}", "search", kind, tuple(asked))
    if verb == "GET" and len(rest) == 1:
        return from_tool("read", {"type": kind, "id": rest[0]}, tools=tools)
    if verb == "GET":
        raise ActionError(f"A GET is of Type?parameters or Type/id; given {quoted(url)}.")
    resource = _json(body or "null", verb)
    if verb == "PUT":
        return from_tool("update", {"resource": resource}, tools=tools)
    if rest:
        raise ActionError(f"A new {kind} is posted to {kind}; given {quoted(url)}.")
    return from_tool(f"create_{snake(kind)}", {"resource": resource}, tools=tools)


def shown(call: Call) -> str:
    """A call as text, which ``from_text`` reads back."""
    if call.verb == "search":
        from urllib.parse import urlencode

        query = urlencode(call.query, safe=":,|/", errors="replace")
        return f"GET {call.kind}?{query}" if query else f"GET {call.kind}"
    return f"{call.tool} {json.dumps(dict(call.arguments), ensure_ascii=False)}"
