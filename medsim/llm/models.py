"""The real models: roles, cache and books around the attempts at a call.

The rule: every call ends in a whole answer or in an LLMError that names model, address, how often and why. What was answered before
costs nothing, and replay never touches the network.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from medsim.errors import LLMError
from medsim.llm import lite, loop
from medsim.llm.attempts import Attempts, Course, Job
from medsim.llm.budget import Budget
from medsim.llm.cache import Cache
from medsim.llm.call import Answer, Call, Signature
from medsim.llm.fault import Endpoint
from medsim.llm.ledger import Entry, Ledger
from medsim.llm.meanwhile import catch_up, later, may_wait, undo
from medsim.llm.roles import Role
from medsim.llm.scrub import secrets, strike
from medsim.trajectory import Usage

Mode = Literal["live", "record", "replay"]
_MODES = ("live", "record", "replay")


class Models:
    """Language models, straight or over litellm. ``roles`` says which model each role uses; a call may name another.

    ``live`` asks, and uses and fills the cache where one is given; ``record`` is the same and insists on a cache; ``replay`` answers from
    the cache alone. The other settings are for models that no role names. Without ``concurrency`` there may be as many calls under way as
    the run has jobs, and 32 at least.
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
        concurrency: int | None = None,
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
            raise LLMError(f"mode='{mode}' needs a file: give cache=PATH (--cache FILE).")
        self.mode, self.budget, self.ledger = mode, budget, Ledger(on_call)
        self.roles = dict(roles or {})
        self.cache = None if cache is None else Cache(cache, read_only=mode == "replay")
        self._other = Endpoint(
            "", api_base, key_env, concurrency, timeout, retries, backoff, patience, price_in, price_out
        )  # fmt: skip
        self._endpoints: dict[tuple[str, str], Endpoint] = {}
        self._attempts = Attempts(budget)
        self._secrets = secrets()
        self._late: set[str] = set()
        """Calls whose answers are still to be written into the cache."""

    def __repr__(self) -> str:
        named = ", ".join(f"{name}: {role.model}" for name, role in self.roles.items())
        return f"Models({named or 'no roles'}; {self.mode}, cache {self.cache.path if self.cache else 'none'})"

    def __deepcopy__(self, memo: Any) -> Models:
        """The same one, with its connections and its books: a copied environment asks the same models."""
        return self

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
        kept = self._kept(job)
        if kept is not None:
            return kept
        course = Course()
        if not self._attempts.at_once(job, course):
            loop.wait(self._attempts.ask(job, course))
        return self._finish(job, course)

    async def acomplete(self, call: Call) -> Answer:
        """Answer a call, from any event loop."""
        job = self._job(call)
        kept = self._kept(job)
        if kept is not None:
            return kept
        course = Course()
        await loop.await_(self._attempts.ask(job, course))
        return self._finish(job, course)

    def forget(self, hashes: Sequence[str]) -> None:
        """Take answers that nobody could use out of the cache; what was recorded stays while it is replayed."""
        if self.cache is not None and self.mode != "replay":
            catch_up()
            self.cache.forget(hashes)

    def widen(self, jobs: int) -> None:
        """Make room for so many encounters at the same time, wherever nobody has set a limit."""
        self._attempts.widen(jobs)

    def has(self, role: str) -> bool:
        """Whether a role has a model."""
        return role in self.roles

    def sees(self, call: Call) -> bool | None:
        """Whether the model that a call would go to takes pictures; None where nothing is known of it."""
        return lite.sees(self._job(call).endpoint)

    # ---- before and after, in the caller's thread ------------------------------------------------------------------------------

    def _job(self, call: Call) -> Job:
        role = self.roles.get(call.role)
        if role is not None and call.model in {"", role.model}:
            call = role.fill(call)
        if not call.model:
            known = ", ".join(self.roles) or "none"
            raise LLMError(
                f"No model is given for the role '{call.role}' (roles with a model: {known}). Name one in the call or the models file."
            )
        endpoint = self._endpoint(call.role if role is not None and call.model == role.model else "", call.model)
        return Job(call, endpoint, Signature(call, endpoint.api_base))

    def _endpoint(self, role: str, model: str) -> Endpoint:
        known = self._endpoints.get((role, model))
        if known is None:
            found = self.roles[role].endpoint(self._other) if role else replace(self._other, model=model)
            known = self._endpoints[(role, model)] = replace(found, api_base=address(found))
        return known

    def _kept(self, job: Job) -> Answer | None:
        """The answer that the cache holds; in replay there is no other."""
        if self.cache is None:
            return None
        if job.signature.hash in self._late:
            catch_up()
        answer = self.cache.get(job.signature)
        if answer is not None:
            priced = answer.usage.usd > 0 or job.endpoint.price_in is not None
            self._book(job, answer.usage, priced=priced, cached=True, latency=answer.latency, finish=answer.finish)
            return answer
        if self.mode == "replay":
            raise LLMError(
                f"The recorded run '{self.cache.path}' holds no such call of the role '{job.call.role}'. Beside the call most like it, "
                f"{strike(self.cache.missing(job.signature), secrets())}. Replay with what was recorded, or record again."
            )
        return None

    def _finish(self, job: Job, course: Course) -> Answer:
        retries = max(0, course.attempts - 1)
        if course.reading is None:
            error = course.error or LLMError(f"{job.endpoint.shown} gave no answer.")
            if course.attempts:
                self._book(job, course.usage, priced=course.priced, retries=retries, error=str(error))
            raise error
        answer = Answer(
            text=strike(course.reading.text, self._secrets), tool_calls=course.reading.tool_calls, usage=course.usage, model=course.reply.model,
            finish=course.reply.finish or "stop", latency=course.latency, hash=job.signature.hash, logprobs=course.reply.logprobs,
        )  # fmt: skip
        if self.cache is not None:
            answer = self._keep(self.cache, job.signature, answer)
        self._book(job, course.usage, priced=course.priced, retries=retries, latency=course.latency, finish=answer.finish)
        return answer

    def _keep(self, cache: Cache, signature: Signature, answer: Answer) -> Answer:
        """Put an answer into the cache and return the one that was first there.

        It may be written later where the encounter would be played again if another one was there first: with that one, then.
        """
        text = strike(signature.text, self._secrets)
        if not may_wait():
            return cache.put(signature, text, answer)
        self._late.add(signature.hash)
        later(partial(self._put, cache, signature, text, answer))
        return answer

    def _put(self, cache: Cache, signature: Signature, text: str, answer: Answer) -> None:
        self._late.discard(signature.hash)
        first = cache.put(signature, text, answer)
        if (first.text, first.tool_calls) != (answer.text, answer.tool_calls):  # another program was answered first, and otherwise
            undo()

    def _book(self, job: Job, usage: Usage, *, priced: bool, **ended: Any) -> None:
        """Write the call into the books, as it ended now; the writing can wait."""
        later(partial(self._write, job, usage, time.time(), usage.usd if priced else None, ended))

    def _write(self, job: Job, usage: Usage, at: float, usd: float | None, ended: dict[str, Any]) -> None:
        when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        self.ledger.add(Entry(when, **job.fixed(), tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, usd=usd, **ended))


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
