"""What is asked of a language model, and what it answers: the types that every seat speaks.

The rule: a call is a value. Its hash covers everything that may change the answer (model, address, messages, parameters, salt) and
nothing that may not (role in the books, time limits, retries).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

from medsim.errors import LLMError
from medsim.llm import image
from medsim.trajectory import Usage

CALL_SCHEMA = "medsim.call/1"
ONE_CALL = Usage(calls=1)


class Message(NamedTuple):
    """One message of a conversation; ``role`` is system, user or assistant."""

    role: str
    content: str
    images: tuple[str, ...] = ()
    """Pictures shown after the words: addresses (https) or data URIs, as ``medsim.llm.image`` makes them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One question to a model. What is None is left to the role of the models file, and then to the provider."""

    model: str
    """As litellm writes it, ``openai/gpt-4o-mini``; empty for the model of the role."""
    messages: tuple[Message, ...]
    role: str = "doctor"
    """Who asks, for the books: doctor, patient, controller, judge."""
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    schema: dict[str, Any] | None = None
    """JSON schema that the answer must fit."""
    tools: tuple[dict[str, Any], ...] = ()
    """Tools in the form ``{"type": "function", "function": {"name": …, "parameters": …}}``."""
    logprobs: int | None = None
    """How many alternatives to give for each token, where the provider has them."""
    stop: tuple[str, ...] = ()
    salt: str = ""
    """Tells repeated samples of equal calls apart."""
    soft: tuple[str, ...] = ("seed",)
    """Parameters that are only wished for: left out where a provider is known to take none of them."""

    def __post_init__(self) -> None:
        if not self.messages:
            raise LLMError("A call without messages was given; at least one message is needed.")


class ToolCall(NamedTuple):
    """One use of a tool by the model."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


class Logprob(NamedTuple):
    """One token of the answer, its natural log-probability, and the best alternatives."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered: never empty, and JSON that fits where a schema was asked."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = ONE_CALL
    """What this answer cost, attempts that failed on the way included; a cached answer carries what it once cost."""
    model: str = ""
    finish: str = "stop"
    latency: float = 0.0
    """Seconds of the attempt that answered."""
    hash: str = ""
    """Content address of the call."""
    cached: bool = False
    logprobs: tuple[Logprob, ...] | None = None


@runtime_checkable
class LLM(Protocol):
    """Anything that answers calls: ``Models``, or ``Scripted`` in tests."""

    def complete(self, call: Call) -> Answer:
        """Answer, or raise LLMError; never an empty answer."""
        ...

    async def acomplete(self, call: Call) -> Answer:
        """Answer, or raise LLMError; never an empty answer."""
        ...


def unusable(llm: LLM, answers: Iterable[Answer], why: str) -> LLMError:
    """The error of a seat that could use none of these answers; where answers are kept these are forgotten, so that a retry asks anew."""
    if (forget := getattr(llm, "forget", None)) is not None:
        forget([answer.hash for answer in answers])
    return LLMError(why)


def lacks(llm: LLM, role: str) -> bool:
    """Whether models that are named by role have none for this one; what answers for every role lacks none."""
    has = getattr(llm, "has", None)
    return has is not None and not has(role)


_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Signature:
    """The parts of a call that may change its answer, as JSON, and their hashes."""

    def __init__(self, call: Call, api_base: str = "") -> None:
        self.parts: dict[str, Any] = {
            "model": call.model, "api_base": api_base,
            "temperature": None if call.temperature is None else float(call.temperature), "max_tokens": call.max_tokens, "seed": call.seed,
            "logprobs": call.logprobs, "stop": call.stop, "salt": call.salt, "schema": call.schema, "tools": call.tools,
        }  # fmt: skip
        shown = [
            (at, [image.named(picture) for picture in message.images]) for at, message in enumerate(call.messages, 1) if message.images
        ]
        self.messages = len(call.messages)
        self.images = sum(len(names) for _, names in shown)
        """How many pictures are shown."""
        messages, pictures = _json([message[:2] for message in call.messages]), _json(shown)
        self._prompt = f"[{messages},{pictures}]" if shown else messages
        tail = f',"messages":{messages},"images":{pictures}}}' if shown else f',"messages":{messages}}}'
        self.text = _json(self.parts)[:-1] + tail  # the messages, the longest part by far, are written once

    @cached_property
    def hash(self) -> str:
        """SHA-256 over every part."""
        return hashlib.sha256(f"{CALL_SCHEMA}\n{self.text}".encode()).hexdigest()

    @cached_property
    def prompt_hash(self) -> str:
        """SHA-256 over the messages and their pictures alone."""
        return hashlib.sha256(self._prompt.encode()).hexdigest()

    def parameters(self) -> dict[str, Any]:
        """The parameters that were set, without messages, schema and tools."""
        names = ("temperature", "max_tokens", "seed", "logprobs", "stop", "salt")
        return {name: self.parts[name] for name in names if self.parts[name] not in (None, "", ())}
