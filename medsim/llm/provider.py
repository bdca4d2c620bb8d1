"""The only module that imports litellm: one attempt at one call, in litellm's terms, and back.

The rule: litellm carries the request and nothing more. Retries, limits, caches, callbacks and telemetry of its own are off, parameters are
never dropped silently, and no exception of its leaves this module: there is a reply, or a fault.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import warnings
from functools import cache
from typing import Any, NamedTuple

from medsim.errors import LLMError
from medsim.llm.call import Call, Logprob
from medsim.llm.fault import Endpoint, Fault, of_status, unanswered
from medsim.llm.reading import Reply
from medsim.llm.scrub import scrub

_TALKATIVE = ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy", "httpx", "httpcore", "openai", "aiohttp")

WARMING = 30.0
"""Seconds more for the first attempt at a provider, in which litellm imports what it needs for it."""
_warm: set[str] = set()
_PREFIX = re.compile(r"^(?:litellm\.)?(?:\w+Error: )*(?:litellm\.)?(?:\w+Error: )*(?:\w+Exception - )?")


class Price(NamedTuple):
    """USD for one token, and how many tokens an answer can have at most where that is known."""

    token_in: float
    token_out: float
    longest: int | None = None


@cache
def _litellm() -> Any:
    """Import litellm without network, ``.env`` files, callbacks, telemetry or talk; about 1.5 s, once."""
    if "litellm" not in sys.modules:
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # otherwise it reads .env files, from which keys and addresses could come
    for name in _TALKATIVE:  # their debug lines hold headers, their information lines addresses with keys
        logging.getLogger(name).setLevel(logging.ERROR if name.startswith("LiteLLM") else logging.WARNING)
    import litellm

    warnings.filterwarnings("ignore", message="Pydantic serializer warnings")  # its way to say that a server answered nonsense
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    for name in (
        "callbacks",
        "input_callback",
        "success_callback",
        "failure_callback",
        "_async_success_callback",
        "_async_failure_callback",
    ):
        setattr(litellm, name, [])
    return litellm


def prepare() -> None:
    """Import litellm, once; LLMError where it cannot be."""
    try:
        _litellm()
    except ImportError as error:
        raise LLMError(f"litellm cannot be imported ({error}). Install it: pip install litellm.") from None


async def ask(call: Call, endpoint: Endpoint) -> Reply | Fault:
    """Make one attempt at a call, within the endpoint's time limit."""
    if endpoint.key_env and not os.environ.get(endpoint.key_env):
        return Fault(f"the environment variable {endpoint.key_env} is not set", False, "Set it to the key.")
    grace = 0.0 if endpoint.provider in _warm else WARMING
    try:
        async with asyncio.timeout(endpoint.timeout + grace):
            response = await _litellm().acompletion(**_request(call, endpoint))
        return _reply(response)
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        return Fault(f"the answer had another form than expected ({type(error).__name__})", True, charged=True)
    except TimeoutError:
        return _late(endpoint)
    except Exception as error:
        return _fault(endpoint, error)
    finally:
        _warm.add(endpoint.provider)


def price(endpoint: Endpoint) -> Price | None:
    """The price given for an endpoint, else the dearest tier of litellm's list, else None."""
    listed = _listed(endpoint.model)
    longest = listed.longest if listed else None
    if endpoint.price_in is not None and endpoint.price_out is not None:
        return Price(endpoint.price_in / 1e6, endpoint.price_out / 1e6, longest)
    return listed if listed and listed.token_in >= 0 else None


@cache
def _listed(model: str) -> Price | None:
    known = _litellm().model_cost
    row = known.get(model) or known.get(model.split("/", 1)[-1])
    if not row:
        return None
    into, out = (
        [
            value
            for name, value in row.items()
            if isinstance(value, (int, float)) and (name == prefix or name.startswith(f"{prefix}_above_"))
        ]
        for prefix in ("input_cost_per_token", "output_cost_per_token")
    )
    reasoning = row.get("output_cost_per_reasoning_token")
    out += [reasoning] if isinstance(reasoning, (int, float)) else []
    longest = row.get("max_output_tokens")
    return Price(max(into, default=-1.0), max(out, default=0.0), longest if isinstance(longest, int) else None)


def _request(call: Call, endpoint: Endpoint) -> dict[str, Any]:
    takes = _takes(endpoint.model)
    native = "response_format" in takes
    messages = [{"role": message.role, "content": _whole(message.content)} for message in call.messages]
    if call.schema is not None and not native:
        messages.append({"role": "system", "content": f"Answer with JSON alone that fits this schema: {json.dumps(call.schema)}"})
    request: dict[str, Any] = {
        "model": endpoint.model, "messages": messages, "timeout": endpoint.timeout, "max_retries": 0, "num_retries": 0, "drop_params": False,
        "temperature": call.temperature, "max_tokens": call.max_tokens, "seed": call.seed, "stop": list(call.stop) or None,
        "tools": list(call.tools) or None, "api_base": endpoint.api_base or None, "api_key": _key(endpoint),
    }  # fmt: skip
    if call.schema is not None and native:
        request["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": call.schema, "strict": closed(call.schema)},
        }
    if call.logprobs is not None and "logprobs" in takes:
        request |= {"logprobs": True, "top_logprobs": call.logprobs}
    if call.tools:
        request["_skip_mcp_handler"] = True  # without it litellm imports its proxy, which needs packages that nobody asked for
    if _is_plain(endpoint):
        request |= {"messages": [], "extra_body": {"messages": messages}}
    return {name: value for name, value in request.items() if value is not None}


def _is_plain(endpoint: Endpoint) -> bool:
    """Whether the messages may go past the client's typed transformation, which takes a third of a call's CPU time.

    Only for OpenAI-compatible servers whose model litellm knows nothing of, so that it has nothing to translate. Should this way ever
    close, the server gets no messages and refuses; it can never get wrong ones.
    """
    return endpoint.provider == "openai" and bool(endpoint.api_base) and _listed(endpoint.model) is None


@cache
def _takes(model: str) -> frozenset[str]:
    try:
        return frozenset(_litellm().get_supported_openai_params(model=model) or ())
    except Exception:
        return frozenset()


def _key(endpoint: Endpoint) -> str | None:
    """The key from the variable that was named; a local server without a key gets a word in its place."""
    if endpoint.key_env:
        return os.environ[endpoint.key_env]
    if endpoint.api_base and endpoint.provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
        return "none"
    return None


def _whole(text: str) -> str:
    """Text that can be sent as UTF-8."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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


def _reply(response: Any) -> Reply:
    choices = response.choices
    if not choices:
        raise IndexError
    choice = choices[0]
    message, usage = choice.message, getattr(response, "usage", None)
    if not isinstance(message.content, (str, type(None))):
        raise TypeError
    cost = getattr(response, "_hidden_params", {}).get("response_cost")
    return Reply(
        text=message.content,
        tool_calls=tuple(
            (str(use.function.name), str(use.function.arguments or ""), str(use.id or "")) for use in message.tool_calls or ()
        ),
        finish=str(choice.finish_reason or ""),
        refusal=str((getattr(message, "provider_specific_fields", None) or {}).get("refusal") or ""),
        tokens_in=_count(getattr(usage, "prompt_tokens", 0)),
        tokens_out=_count(getattr(usage, "completion_tokens", 0)),
        usd=float(cost) if isinstance(cost, (int, float)) else None,
        model=str(response.model or ""),
        logprobs=_logprobs(getattr(choice, "logprobs", None)),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _logprobs(found: Any) -> tuple[Logprob, ...] | None:
    content = getattr(found, "content", None) if not isinstance(found, dict) else found.get("content")
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


def _of(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


def _fault(endpoint: Endpoint, error: Exception) -> Fault:
    kind, chain = type(error).__name__, _chain(error)
    if "Timeout" in kind:
        return _late(endpoint)
    sent = next(
        (one for one in chain if isinstance(getattr(one, "response", None), _http().Response) and isinstance(one, _http().HTTPError)), None
    )
    text = scrub(_PREFIX.sub("", str(getattr(error, "message", "") or error).split("Traceback (most")[0]))
    if sent is not None:
        response = getattr(sent, "response")  # noqa: B009 (mypy does not see it)
        return of_status(endpoint, response.status_code, kind, text, response.headers)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500:  # litellm's own refusal
        return of_status(endpoint, status, kind, text, {})
    refused = any("Connect" in type(one).__name__ and "Connection" not in type(one).__name__ for one in chain)
    return unanswered(endpoint, text, reached=not refused)


def _late(endpoint: Endpoint) -> Fault:
    return Fault(f"no answer in {endpoint.timeout:g} s", True, charged=True)


def _chain(error: BaseException | None) -> list[BaseException]:
    """An exception and those that led to it; litellm hides the server's own answer behind several."""
    chain: list[BaseException] = []
    while error is not None and error not in chain and len(chain) < 12:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _http() -> Any:
    return sys.modules["httpx"]
