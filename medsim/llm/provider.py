"""One attempt at one call: straight to a plain server, or through litellm; there is a reply, or a fault.

The rule: litellm carries the request and nothing more. Retries, limits, caches, callbacks and telemetry of its own are off, parameters are
never dropped silently, and no exception of its leaves this module. Where it has nothing to translate it is left out: it takes twenty times
as long for a call as the call itself.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from medsim.llm import blocking, image, lite, request
from medsim.llm.call import Call
from medsim.llm.fault import Endpoint, Fault, late, of_status, unanswered
from medsim.llm.reading import Reply, count, logprobs
from medsim.llm.scrub import scrub

WARMING = 30.0
"""Seconds more for the first attempt at a provider, in which litellm imports what it needs for it."""
_warm: set[str] = set()
_PREFIX = re.compile(r"^(?:litellm\.)?(?:\w+Error: )*(?:litellm\.)?(?:\w+Error: )*(?:\w+Exception - )?")
_REASONING = re.compile(r"(?:^|[/:])(?:o\d|gpt-5)", re.IGNORECASE)
_OPENAIS_OWN = re.compile(r"gpt(?!-oss)|(?:^|[/:-])o\d|chatgpt|codex|^ft:|^responses/", re.IGNORECASE)


def prepare(endpoint: Endpoint) -> None:
    """Import what asking an endpoint needs, once; LLMError where it cannot be."""
    if is_plain(endpoint):
        from medsim.llm import direct  # noqa: F401
    else:
        lite.litellm()


async def ask(call: Call, endpoint: Endpoint) -> Reply | Fault:
    """Make one attempt at a call, within the endpoint's time limit; on the loop."""
    if (no_key := _no_key(endpoint)) is not None:
        return no_key
    if is_plain(endpoint):
        from medsim.llm import direct

        return await direct.ask(call, endpoint)
    if address := image.held_back((picture for message in call.messages for picture in message.images), endpoint.provider):
        return Fault(
            f"the picture at {address} would be fetched from here", False, "Import the cases with copies of your own: --images DIR."
        )
    grace = 0.0 if endpoint.provider in _warm else WARMING
    try:
        async with asyncio.timeout(endpoint.timeout + grace):
            response = await lite.litellm().acompletion(**_request(call, endpoint))
        return _reply(response)
    except (AttributeError, KeyError, IndexError, TypeError) as error:
        return Fault(f"the answer had another form than expected ({type(error).__name__})", True, charged=True)
    except TimeoutError:
        return late(endpoint)
    except Exception as error:
        return _fault(endpoint, error)
    finally:
        _warm.add(endpoint.provider)


def ask_now(call: Call, endpoint: Endpoint, *, meanwhile: Callable[[], object] = tuple) -> Reply | Fault | None:
    """Make one attempt at a call in this thread, where ``is_blocking``; None where it must be made on the loop after all.

    ``meanwhile`` is called while the model is at work.
    """
    return _no_key(endpoint) or blocking.ask(call, endpoint, meanwhile=meanwhile)


def _no_key(endpoint: Endpoint) -> Fault | None:
    if not endpoint.key_env or os.environ.get(endpoint.key_env):
        return None
    return Fault(f"the environment variable {endpoint.key_env} is not set", False, "Set it to the key.")


def is_blocking(endpoint: Endpoint) -> bool:
    """Whether an endpoint may be asked in the caller's own thread."""
    return is_plain(endpoint) and blocking.usable(endpoint)


@cache
def is_plain(endpoint: Endpoint) -> bool:
    """Whether a server is asked without litellm: it speaks OpenAI's protocol, and litellm knows nothing of its model to translate.

    OpenAI's own models, which want other parameters from one to the next, go through litellm under whatever name and address.
    """
    prefix, _, model = endpoint.model.partition("/")
    if prefix != "openai" or not model or not endpoint.api_base:
        return False
    host = urlsplit(endpoint.api_base).hostname or ""
    return not host.endswith((".openai.com", ".azure.com")) and not _OPENAIS_OWN.search(model) and lite.listed(endpoint.model) is None


def _request(call: Call, endpoint: Endpoint) -> dict[str, Any]:
    takes = _takes(endpoint.model)
    wished: dict[str, Any] = {name: None for name in call.soft if takes and not _takes_freely(endpoint.model, name)}
    call = replace(call, **wished)
    sent: dict[str, Any] = {
        "model": endpoint.model, "timeout": endpoint.timeout, "max_retries": 0, "num_retries": 0, "drop_params": False,
        "api_base": endpoint.api_base or None, "api_key": request.key(endpoint),
        **request.parameters(call, structured="response_format" in takes, logprobs="logprobs" in takes),
    }  # fmt: skip
    if call.tools:
        sent["_skip_mcp_handler"] = True  # without it litellm imports its proxy, which needs packages that nobody asked for
    return {name: value for name, value in sent.items() if value is not None}


def _takes_freely(model: str, name: str) -> bool:
    """Whether a model takes a parameter at any value: of temperatures OpenAI's reasoning models take 1 alone."""
    return name in _takes(model) and not (name == "temperature" and _REASONING.search(model))


@cache
def _takes(model: str) -> frozenset[str]:
    try:
        return frozenset(lite.litellm().get_supported_openai_params(model=model) or ())
    except Exception:
        return frozenset()


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
        tokens_in=count(getattr(usage, "prompt_tokens", 0)),
        tokens_out=count(getattr(usage, "completion_tokens", 0)),
        usd=float(cost) if isinstance(cost, (int, float)) else None,
        model=str(response.model or ""),
        logprobs=logprobs(getattr(choice, "logprobs", None)),
    )


def _fault(endpoint: Endpoint, error: Exception) -> Fault:
    kind, chain = type(error).__name__, _chain(error)
    if "Timeout" in kind:
        return late(endpoint)
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


def _chain(error: BaseException | None) -> list[BaseException]:
    """An exception and those that led to it; litellm hides the server's own answer behind several."""
    chain: list[BaseException] = []
    while error is not None and error not in chain and len(chain) < 12:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _http() -> Any:
    return sys.modules["httpx"]
