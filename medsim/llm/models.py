"""The real models: limits, retries, budget, cache and books around one attempt at a time.

The rule: every call ends in a whole answer or in an LLMError that names model, address, how often and why. What was answered before
costs nothing, and replay never touches the network.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from medsim.errors import LLMError
from medsim.llm import loop, provider
from medsim.llm.budget import Budget
from medsim.llm.cache import Cache
from medsim.llm.call import ONE_CALL, Answer, Call, Signature
from medsim.llm.fault import End, Endpoint, Fault, decide
from medsim.llm.ledger import Entry, Ledger
from medsim.llm.reading import Reading, Reply, read
from medsim.llm.roles import Role
from medsim.llm.scrub import secrets, strike
from medsim.trajectory import Usage

Mode = Literal["live", "record", "replay"]
_MODES = ("live", "record", "replay")
_POLL = 0.02


@dataclass(slots=True)
class _Lane:
    """What all calls to one model at one address share."""

    slots: asyncio.Semaphore
    opens: float = 0.0
    """Loop time before which the server wants no call."""

    async def clear(self) -> None:
        while (left := self.opens - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)


class _Job(NamedTuple):
    call: Call
    endpoint: Endpoint
    signature: Signature


@dataclass(slots=True)
class _Course:
    """What has come of a call so far."""

    attempts: int = 0
    usage: Usage = ONE_CALL
    priced: bool = True
    latency: float = 0.0
    reading: Reading | None = None
    reply: Reply = field(default_factory=Reply)
    error: LLMError | None = None


class Models:
    """Language models over litellm. ``roles`` says which model each role uses; a call may name another.

    ``live`` asks, and uses and fills the cache where one is given; ``record`` is the same and insists on a cache; ``replay`` answers from
    the cache alone. The other settings are for models that no role names.
    """

    def __init__(
        self,
        *,
        roles: Mapping[str, Role] | None = None,
        cache: str | Path | None = None,
        mode: Mode = "live",
        budget: Budget | None = None,
        on_call: Callable[[Entry], None] | None = None,
        api_base: str = "",
        key_env: str = "",
        concurrency: int = 32,
        timeout: float = 60.0,
        retries: int = 4,
        backoff: float = 0.5,
        patience: float = 120.0,
        price_in: float | None = None,
        price_out: float | None = None,
    ) -> None:
        if mode not in _MODES:
            raise LLMError(f"A mode of {', '.join(_MODES)} was expected, given {mode!r}.")
        if mode != "live" and cache is None:
            raise LLMError(f"mode='{mode}' needs a file: give cache=PATH.")
        self.mode, self.budget, self.ledger = mode, budget, Ledger(on_call)
        self.roles = dict(roles or {})
        self.cache = None if cache is None else Cache(cache, read_only=mode == "replay")
        self._other = Endpoint(
            "", api_base, key_env, concurrency, timeout, retries, backoff, patience, price_in, price_out
        )  # fmt: skip
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._lanes: dict[tuple[int, str, str], _Lane] = {}
        self._chance = random.Random()
        self._secrets = secrets()

    def __repr__(self) -> str:
        named = ", ".join(f"{name}: {role.model}" for name, role in self.roles.items())
        return f"Models({named or 'no roles'}; {self.mode}, cache {self.cache.path if self.cache else 'none'})"

    def __enter__(self) -> Models:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the cache file."""
        if self.cache is not None:
            self.cache.close()

    def complete(self, call: Call) -> Answer:
        """Answer a call, from any thread."""
        job = self._job(call)
        return self._kept(job) or self._finish(job, loop.wait(self._ask(job)))

    async def acomplete(self, call: Call) -> Answer:
        """Answer a call, from any event loop."""
        job = self._job(call)
        return self._kept(job) or self._finish(job, await loop.await_(self._ask(job)))

    # ---- before and after, in the caller's thread ------------------------------------------------------------------------------

    def _job(self, call: Call) -> _Job:
        role = self.roles.get(call.role)
        if role is not None and call.model in {"", role.model}:
            call = role.fill(call)
        if not call.model:
            known = ", ".join(self.roles) or "none"
            raise LLMError(
                f"No model is given for the role '{call.role}' (roles with a model: {known}). Name one in the call or the models file."
            )
        endpoint = self._endpoint(call.role if role is not None and call.model == role.model else "", call.model)
        return _Job(call, endpoint, Signature(call, endpoint.api_base))

    def _endpoint(self, role: str, model: str) -> Endpoint:
        known = self._endpoints.get((role, model))
        if known is None:
            found = self.roles[role].endpoint(self._other) if role else replace(self._other, model=model)
            known = self._endpoints[(role, model)] = replace(found, api_base=address(found))
        return known

    def _kept(self, job: _Job) -> Answer | None:
        """The answer that the cache holds; in replay there is no other."""
        if self.cache is None:
            return None
        answer = self.cache.get(job.signature)
        if answer is not None:
            priced = answer.usage.usd > 0 or job.endpoint.price_in is not None
            self.ledger.add(self._entry(job, answer.usage, priced=priced, cached=True, latency=answer.latency, finish=answer.finish))
            return answer
        if self.mode == "replay":
            raise LLMError(
                f"The recorded run '{self.cache.path}' holds no such call of the role '{job.call.role}'. Beside the call most like it, "
                f"{strike(self.cache.missing(job.signature), secrets())}. Replay with what was recorded, or record again."
            )
        return None

    def _finish(self, job: _Job, course: _Course) -> Answer:
        retries = max(0, course.attempts - 1)
        if course.reading is None:
            error = course.error or LLMError(f"{job.endpoint.shown} gave no answer.")
            if course.attempts:
                self.ledger.add(self._entry(job, course.usage, priced=course.priced, retries=retries, error=str(error)))
            raise error
        answer = Answer(
            text=strike(course.reading.text, self._secrets), tool_calls=course.reading.tool_calls, usage=course.usage, model=course.reply.model,
            finish=course.reply.finish or "stop", latency=course.latency, hash=job.signature.hash, logprobs=course.reply.logprobs,
        )  # fmt: skip
        if self.cache is not None:
            answer = self.cache.put(job.signature, strike(job.signature.text, self._secrets), answer)
        self.ledger.add(self._entry(job, course.usage, priced=course.priced, retries=retries, latency=course.latency, finish=answer.finish))
        return answer

    def _entry(
        self,
        job: _Job,
        usage: Usage,
        *,
        priced: bool = True,
        cached: bool = False,
        latency: float = 0.0,
        finish: str = "",
        retries: int = 0,
        error: str = "",
    ) -> Entry:
        return Entry(
            at=datetime.now(UTC).isoformat(timespec="milliseconds"), role=job.call.role, model=job.call.model, api_base=job.endpoint.api_base,
            hash=job.signature.hash, prompt_hash=job.signature.prompt_hash, parameters=job.signature.parameters(), latency=latency, finish=finish,
            retries=retries, cached=cached, tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, usd=usage.usd if priced else None, error=error,
        )  # fmt: skip

    # ---- on the loop -----------------------------------------------------------------------------------------------------------

    async def _ask(self, job: _Job) -> _Course:
        """Attempt a call until there is an answer or an end."""
        provider.prepare()
        lane, course = self._lane(job.endpoint), _Course()
        while True:
            try:
                async with lane.slots:
                    await lane.clear()
                    fault = await self._attempt(job, course)
            except LLMError as error:
                course.error = error
                return course
            if fault is None:
                return course
            step = decide(job.endpoint, fault, course.attempts, chance=self._chance)
            if isinstance(step, End):
                course.error = LLMError(step.message)
                return course
            if fault.after is not None:
                lane.opens = max(lane.opens, asyncio.get_running_loop().time() + fault.after)
            await asyncio.sleep(step.seconds)

    def _lane(self, endpoint: Endpoint) -> _Lane:
        key = (os.getpid(), endpoint.model, endpoint.api_base)
        if key not in self._lanes:
            self._lanes[key] = _Lane(asyncio.Semaphore(endpoint.concurrency))
        return self._lanes[key]

    async def _attempt(self, job: _Job, course: _Course) -> Fault | None:
        """Make one attempt inside the budget; note in the course what it gave and cost."""
        worst = self._worst(job)
        while self.budget is not None and not self.budget.reserve(worst):
            await asyncio.sleep(_POLL)
        real, started = worst, time.perf_counter()
        course.attempts += 1
        try:
            reply = await provider.ask(job.call, job.endpoint)
            course.latency = time.perf_counter() - started
            if isinstance(reply, Fault):
                real = worst if reply.charged else ONE_CALL
                return reply
            course.reply = reply
            real, priced = self._cost(job, reply)
            course.priced &= priced
            course.usage = course.usage.plus(real._replace(calls=0))
        finally:
            if self.budget is not None:
                self.budget.settle(worst, real)
        found = read(job.call, reply)
        if isinstance(found, Fault):
            return found
        course.reading = found
        return None

    def _worst(self, job: _Job) -> Usage:
        """The most that one attempt can cost: no tokenizer makes more tokens than there are bytes."""
        budget = self.budget
        if budget is None or (budget.usd is None and budget.tokens is None):
            return ONE_CALL
        known = provider.price(job.endpoint)
        most_out = job.call.max_tokens or (known.longest if known else None)
        if most_out is None:
            raise LLMError(
                f"A budget needs to know how long an answer of {job.endpoint.model} can be: set max_tokens of the role '{job.call.role}'."
            )
        if budget.usd is not None and known is None:
            raise LLMError(
                f"A budget in USD needs the price of {job.endpoint.model}, which is not known: set price_in and price_out (USD for a million tokens; "
                f"0 for a local server) of the role '{job.call.role}', or give a budget in tokens or calls."
            )
        most_in = bound(job.signature)
        return Usage(1, most_in, most_out, most_in * known.token_in + most_out * known.token_out if known else 0.0)

    def _cost(self, job: _Job, reply: Reply) -> tuple[Usage, bool]:
        """What an attempt cost, and whether its price is known; a server that counts no tokens is charged with the bound."""
        tokens_in = reply.tokens_in or bound(job.signature)
        tokens_out = reply.tokens_out or len((reply.text or "").encode("utf-8", "replace"))
        end = job.endpoint
        if end.price_in is not None and end.price_out is not None:
            return Usage(1, tokens_in, tokens_out, (tokens_in * end.price_in + tokens_out * end.price_out) / 1e6), True
        if reply.usd:
            return Usage(1, tokens_in, tokens_out, reply.usd), True
        known = provider.price(end)
        usd = tokens_in * known.token_in + tokens_out * known.token_out if known else 0.0
        return Usage(1, tokens_in, tokens_out, usd), known is not None


def bound(signature: Signature) -> int:
    """How many prompt tokens a call can have at most."""
    return len(signature.text) + 16 * len(signature.parts["messages"])


def address(endpoint: Endpoint) -> str:
    """The address that an endpoint is reached at: given, or from the provider's environment variable; empty for the provider's own."""
    given, where = endpoint.api_base, "api_base"
    if not given:
        prefix = endpoint.provider.upper().replace("-", "_")
        where = next((name for name in (f"{prefix}_BASE_URL", f"{prefix}_API_BASE") if os.environ.get(name)), "")
        given = os.environ.get(where, "") if where else ""
    parts = urlsplit(given)
    if given and parts.scheme not in {"http", "https"}:
        raise LLMError(f"{where} of '{endpoint.model}' should begin with http:// or https://, given something else.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise LLMError(
            f"{where} of '{endpoint.model}' holds more than an address. Put the key into the environment variable {endpoint.key_name}."
        )
    return given.rstrip("/")
