"""What a plain OpenAI-compatible server is sent, and what its answer says.

The rule: nothing in an answer is believed. There is a reply, or a fault; neither key nor address comes from anywhere but the endpoint.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from medsim.llm import request
from medsim.llm.call import Call
from medsim.llm.fault import Endpoint, Fault, of_status
from medsim.llm.reading import Reply, count, logprobs
from medsim.llm.scrub import scrub

PATH = "/chat/completions"
LARGEST = 64_000_000
"""Bytes of an answer that are read before it is given up."""
TOO_LARGE = Fault(f"the answer was longer than {LARGEST:,} bytes", True, charged=True)
UNFIT = Fault("the request cannot be put together", False, "Check api_base, and that the key is one line of plain letters.")
_json = json.JSONEncoder(separators=(",", ":")).encode
_TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context|context (?:length|window|limit|size)|(?:prompt|input|request) is too long|too many (?:input )?tokens",
    re.IGNORECASE,
)


class Sent(NamedTuple):
    """What one request holds beside its address."""

    body: bytes
    headers: dict[str, str]


def sent(call: Call, endpoint: Endpoint) -> Sent:
    """Put a request together."""
    model = endpoint.model.split("/", 1)[-1]
    body = _json({"model": model, **request.parameters(call)}).encode("ascii")
    key = request.key(endpoint) or os.environ.get("OPENAI_API_KEY", "none")
    return Sent(body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Accept": "application/json"})


def answered(endpoint: Endpoint, status: int, data: bytes, headers: Mapping[str, str]) -> Reply | Fault:
    """Read what came back."""
    if 200 <= status < 300:
        return _reply(data)
    said = _said(data)
    too_long = status in {400, 413, 422} and _TOO_LONG.search(said)
    return of_status(endpoint, status, "ContextWindow" if too_long else "", scrub(said), headers)


def _said(data: bytes) -> str:
    """What a server says is wrong, in whatever form it says it."""
    text = data[:20_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    inner = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(inner, dict):
        return str(inner)
    message = next((str(inner[name]) for name in ("message", "detail", "error") if inner.get(name)), text)
    code = str(inner.get("code") or "")
    return message if not code or code.isdigit() or code in message else f"{message} ({code})"


def _reply(data: bytes) -> Reply | Fault:
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return Fault(f"the answer was not JSON, it begins {scrub(data[:400].decode('utf-8', 'replace'), limit=60)!r}", True, charged=True)
    try:
        return _taken(found)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        if isinstance(found, dict) and found.get("error"):
            return Fault(f"the answer was an error: {scrub(_said(data))}", True, charged=True)
        return Fault(f"the answer had another form than expected ({type(error).__name__})", True, charged=True)


def _taken(found: Any) -> Reply:
    choice = found["choices"][0]
    message, usage = choice["message"], found.get("usage") or {}
    text = message.get("content")
    if not isinstance(text, (str, type(None))):
        raise TypeError
    return Reply(
        text=text,
        tool_calls=tuple(_use(use) for use in message.get("tool_calls") or ()),
        finish=str(choice.get("finish_reason") or ""),
        refusal=str(message.get("refusal") or ""),
        tokens_in=count(usage.get("prompt_tokens")),
        tokens_out=count(usage.get("completion_tokens")),
        model=str(found.get("model") or ""),
        logprobs=logprobs(choice.get("logprobs")),
    )


def _use(use: Any) -> tuple[str, str, str]:
    arguments = use["function"].get("arguments") or ""
    return str(use["function"]["name"]), arguments if isinstance(arguments, str) else json.dumps(arguments), str(use.get("id") or "")
