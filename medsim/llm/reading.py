"""Read what came back: a whole, usable answer, or the fault that makes another attempt worth while.

The rule: an answer is taken only when all of it is as asked. Nothing is filled in, guessed or repaired, and emptiness is a fault.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from medsim.llm.call import Call, Logprob, ToolCall
from medsim.llm.fault import Fault
from medsim.llm.scrub import clean, scrub

_FENCE = re.compile(r"\s*```[A-Za-z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_MOST_TOKENS = 10**9
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip


class Reply(NamedTuple):
    """What a provider sent, taken out of its own types but not yet believed."""

    text: str | None = None
    tool_calls: tuple[tuple[str, str, str], ...] = ()
    """(name, arguments as text, id)."""
    finish: str = ""
    refusal: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    model: str = ""
    logprobs: tuple[Logprob, ...] | None = None


class Reading(NamedTuple):
    """An answer that is as asked."""

    text: str
    tool_calls: tuple[ToolCall, ...]


def read(call: Call, reply: Reply) -> Reading | Fault:
    """Check an answer against what was asked."""
    if reply.finish == "content_filter":
        return Fault("the answer was stopped by the content filter", False, "Take another model, or another wording.")
    tools = _tools(call, reply)
    if isinstance(tools, Fault):
        return tools
    text = clean(reply.text or "")
    if not text.replace("\ufffd", "").strip():
        return Reading("", tools) if tools else _empty(call, reply)
    if call.schema is None or tools:
        return Reading(text, tools)
    return _structured(call.schema, text, reply)


def logprobs(found: Any) -> tuple[Logprob, ...] | None:
    """Take log-probabilities out of what a provider sent, objects or dictionaries; None where there are none."""
    content = _of(found, "content")
    if not content:
        return None
    return tuple(
        Logprob(
            str(_of(item, "token")),
            float(_of(item, "logprob")),
            tuple((str(_of(o, "token")), float(_of(o, "logprob"))) for o in _of(item, "top_logprobs") or ()),
        )
        for item in content
    )


def count(value: Any) -> int:
    """How many tokens a provider says it has counted; 0 where that is no number there can be."""
    return value if isinstance(value, int) and 0 < value <= _MOST_TOKENS else 0


def _of(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


def _empty(call: Call, reply: Reply) -> Fault:
    if reply.finish == "length":
        return Fault(
            f"all {call.max_tokens or ''} tokens were used before a word was said".replace("  ", " "),
            False,
            "Raise max_tokens of its role.",
        )
    return Fault(f"it declined: {scrub(reply.refusal)}" if reply.refusal else "the answer was empty", True)


def _structured(schema: dict[str, Any], text: str, reply: Reply) -> Reading | Fault:
    fenced = _FENCE.match(text)
    inner = fenced[1] if fenced else text
    try:
        value = json.loads(inner)
    except (ValueError, RecursionError):
        if reply.finish == "length":
            return Fault("the JSON was cut off at max_tokens", False, "Raise max_tokens of its role.")
        return Fault(f"JSON was asked, the answer begins {scrub(text, limit=60)!r}", True)
    wrong = misfit(value, schema)
    return Fault(f"the JSON does not fit its schema: {wrong}", True) if wrong else Reading(inner.strip(), ())


def _tools(call: Call, reply: Reply) -> tuple[ToolCall, ...] | Fault:
    known = {str(tool.get("function", tool).get("name", "")) for tool in call.tools}
    taken = []
    for name, arguments, identity in reply.tool_calls:
        if name not in known:
            return Fault(f"it called a tool {scrub(name, limit=60)!r} that was not offered", True)
        try:
            value = json.loads(clean(arguments or "{}"))
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            return Fault(f"the arguments of tool '{name}' are not a JSON object: {scrub(arguments, limit=60)!r}", True)
        taken.append(ToolCall(name, value, clean(identity)))
    return tuple(taken)


def misfit(value: Any, schema: Any, at: str = "answer") -> str:
    """Say where a value does not fit type, enum, const, required, properties, additionalProperties or items; other keywords are not looked at."""
    if not isinstance(schema, dict):
        return ""
    kinds = schema.get("type")
    wanted: Iterable[str] = [kinds] if isinstance(kinds, str) else kinds or []
    if wanted and not any(_is(value, kind) for kind in wanted):
        return f"{at} should be {' or '.join(wanted)}, is {type(value).__name__}"
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed is not None and value not in allowed:
        return f"{at} is none of the allowed values"
    if isinstance(value, dict):
        return _object_misfit(value, schema, at)
    if isinstance(value, list):
        return next((wrong for i, item in enumerate(value) if (wrong := misfit(item, schema.get("items"), f"{at}[{i}]"))), "")
    return ""


def _object_misfit(value: dict[str, Any], schema: dict[str, Any], at: str) -> str:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{at} lacks '{missing[0]}'"
    known = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        extra = [name for name in value if name not in known]
        if extra:
            return f"{at} has an unknown '{scrub(extra[0], limit=60)}'"
    return next((wrong for name, item in value.items() if (wrong := misfit(item, known.get(name), f"{at}.{scrub(name, limit=60)}"))), "")


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind in {"integer", "number"}:
        return False
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES.get(kind, (object,)))
