"""A call in the words of OpenAI's chat protocol, which litellm and plain servers both take.

The rule: everything that was set is sent as it was set, and nothing else is.
"""

from __future__ import annotations

import json
import os
from typing import Any

from medsim.llm import image
from medsim.llm.call import Call, Message
from medsim.llm.fault import Endpoint


def parameters(call: Call, *, structured: bool = True, logprobs: bool = True) -> dict[str, Any]:
    """Messages and parameters, without the model; ``structured`` and ``logprobs`` say whether the model takes a schema and gives these.

    A model that takes no schema is told it in words; log-probabilities are for those that have them.
    """
    messages = [_message(message) for message in call.messages]
    if call.schema is not None and not structured:
        messages.append({"role": "system", "content": f"Answer with JSON alone that fits this schema: {json.dumps(call.schema)}"})
    sent: dict[str, Any] = {
        "messages": messages, "temperature": call.temperature, "max_tokens": call.max_tokens, "seed": call.seed, "stop": list(call.stop) or None,
        "tools": list(call.tools) or None,
    }  # fmt: skip
    if call.schema is not None and structured:
        sent["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": call.schema, "strict": closed(call.schema)},
        }
    if call.logprobs is not None and logprobs:
        sent |= {"logprobs": True, "top_logprobs": call.logprobs}
    return {name: value for name, value in sent.items() if value is not None}


def key(endpoint: Endpoint) -> str | None:
    """The key from the variable that was named; a server of one's own without a key gets a word in its place."""
    if endpoint.key_env:
        return os.environ[endpoint.key_env]
    if endpoint.api_base and endpoint.provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
        return "none"
    return None


def closed(schema: Any) -> bool:
    """Say whether every object of a schema lists all its keys as required and allows no others, as strict mode demands."""
    if isinstance(schema, list):
        return all(closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names = set(schema.get("properties", {}))
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
            return False
    return all(closed(part) for part in schema.values())


def _message(message: Message) -> dict[str, Any]:
    text = _whole(message.content)
    return {"role": message.role, "content": image.parts(text, message.images) if message.images else text}


def _whole(text: str) -> str:
    """Text that can be sent as UTF-8."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
