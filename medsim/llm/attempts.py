"""Attempts at a call: how many at a time, how often, and within which budget, until there is an answer or an end.

The rule: the first attempt is made in the caller's own thread where it can be; whatever must be waited for (a place, the budget, a server
that wants a pause) is waited for on the loop. What an attempt may cost is reserved before it and settled after it.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from medsim.errors import LLMError
from medsim.llm import image, lite, provider
from medsim.llm.budget import Budget
from medsim.llm.call import ONE_CALL, Call, Signature
from medsim.llm.fault import End, Endpoint, Fault, decide
from medsim.llm.lane import Lane
from medsim.llm.meanwhile import catch_up
from medsim.llm.reading import Reading, Reply, read
from medsim.trajectory import Usage

PLACES = 32
"""Calls under way to one model at one address where nobody set a limit and the run has fewer jobs."""
_POLL = 0.02


@dataclass(slots=True)
class Job:
    """A call, where it goes, and its address in cache and books."""

    call: Call
    endpoint: Endpoint
    signature: Signature
    _fixed: dict[str, Any] | None = None

    def fixed(self) -> dict[str, Any]:
        """What the books say of the call whatever comes of it; worked out once."""
        if self._fixed is None:
            signature = self.signature
            self._fixed = {
                "role": self.call.role, "model": self.call.model, "api_base": self.endpoint.api_base,
                "hash": signature.hash, "prompt_hash": signature.prompt_hash, "parameters": signature.parameters(),
            }  # fmt: skip
        return self._fixed

    def meanwhile(self) -> None:
        """What is done while the model is at work."""
        self.fixed()
        catch_up()


@dataclass(slots=True)
class Course:
    """What has come of a call so far."""

    attempts: int = 0
    usage: Usage = ONE_CALL
    priced: bool = True
    latency: float = 0.0
    reading: Reading | None = None
    reply: Reply = field(default_factory=Reply)
    fault: Fault | None = None
    """What was wrong with the last attempt."""
    error: LLMError | None = None


class Attempts:
    """Limits and retries of all calls of one ``Models``."""

    def __init__(self, budget: Budget | None) -> None:
        self.budget = budget
        self._lanes: dict[tuple[int, str, str], Lane] = {}
        self._unlimited: list[Lane] = []
        self._places = PLACES
        self._lock = threading.Lock()
        self._chance = random.Random()

    def widen(self, jobs: int) -> None:
        """Make room for so many calls at the same time, wherever nobody has set a limit."""
        with self._lock:
            more, self._places = max(0, jobs - self._places), max(jobs, self._places)
            unlimited = list(self._unlimited)
        for lane in unlimited:
            lane.widen(more)

    def at_once(self, job: Job, course: Course) -> bool:
        """Make the first attempt in this thread, if nothing needs to be waited for; say whether the call has ended with it."""
        if not provider.is_blocking(job.endpoint):
            return False
        lane = self._lane(job.endpoint)
        if not lane.take_now():
            return False
        try:
            return self._attempt_now(job, course)
        except LLMError as error:
            course.error = error
            return True
        finally:
            lane.give()

    def _attempt_now(self, job: Job, course: Course) -> bool:
        worst = self._worst(job)
        if self.budget is not None and not self.budget.reserve(worst):
            return False
        real, started = worst, time.perf_counter()
        course.attempts += 1
        try:
            reply = provider.ask_now(job.call, job.endpoint, meanwhile=job.meanwhile)
            if reply is None:
                course.attempts, real = 0, Usage()
                return False
            real = self._note(job, course, reply, time.perf_counter() - started, worst)
        finally:
            if self.budget is not None:
                self.budget.settle(worst, real)
        return course.fault is None

    async def ask(self, job: Job, course: Course) -> None:
        """Attempt a call, on the loop, until there is an answer or an end."""
        lane = self._lane(job.endpoint)
        try:
            provider.prepare(job.endpoint)
            while True:
                if course.fault is not None:
                    step = decide(job.endpoint, course.fault, course.attempts, chance=self._chance)
                    if isinstance(step, End):
                        raise LLMError(step.message)
                    lane.shut(course.fault.after or 0.0)
                    await asyncio.sleep(step.seconds)
                async with lane.place():
                    await self._attempt(job, course)
                if course.fault is None:
                    return
        except LLMError as error:
            course.error = error

    def _lane(self, endpoint: Endpoint) -> Lane:
        key = (os.getpid(), endpoint.model, endpoint.api_base)
        lane = self._lanes.get(key)
        if lane is None:
            with self._lock:
                lane = self._lanes.get(key)
                if lane is None:
                    lane = self._lanes[key] = Lane(endpoint.concurrency or self._places)
                    if endpoint.concurrency is None:
                        self._unlimited.append(lane)
        return lane

    async def _attempt(self, job: Job, course: Course) -> None:
        """Make one attempt inside the budget."""
        worst = self._worst(job)
        while self.budget is not None and not self.budget.reserve(worst):
            await asyncio.sleep(_POLL)
        real, started = worst, time.perf_counter()
        course.attempts += 1
        try:
            reply = await provider.ask(job.call, job.endpoint)
            real = self._note(job, course, reply, time.perf_counter() - started, worst)
        finally:
            if self.budget is not None:
                self.budget.settle(worst, real)

    def _note(self, job: Job, course: Course, reply: Reply | Fault, seconds: float, worst: Usage) -> Usage:
        """Write what an attempt gave into the course of its call; return what it cost."""
        course.latency = seconds
        if isinstance(reply, Fault):
            course.fault = reply
            return worst if reply.charged else ONE_CALL
        course.reply = reply
        real, priced = self._cost(job, reply)
        course.priced &= priced
        course.usage = course.usage.plus(real._replace(calls=0))
        found = read(job.call, reply)
        if isinstance(found, Fault):
            course.fault = found
        else:
            course.fault, course.reading = None, found
        return real

    def _worst(self, job: Job) -> Usage:
        """The most that one attempt can cost: no tokenizer makes more tokens than there are bytes."""
        budget = self.budget
        if budget is None or (budget.usd is None and budget.tokens is None):
            return ONE_CALL
        known = lite.price(job.endpoint)
        most_out = job.call.max_tokens or (known.longest if known else None)
        if most_out is None:
            raise LLMError(
                f"A budget in USD or tokens needs to know how long an answer of {job.endpoint.model} can be: set max_tokens of the role "
                f"'{job.call.role}' in a models file (--models FILE), or give a budget in calls."
            )
        if budget.usd is not None and known is None:
            raise LLMError(
                f"A budget in USD needs the price of {job.endpoint.model}, which is not known: set price_in and price_out (USD for a million tokens; "
                f"0 for a local server) of the role '{job.call.role}' in a models file (--models FILE), or give a budget in tokens or calls."
            )
        most_in = bound(job.signature)
        return Usage(1, most_in, most_out, most_in * known.token_in + most_out * known.token_out if known else 0.0)

    def _cost(self, job: Job, reply: Reply) -> tuple[Usage, bool]:
        """What an attempt cost, and whether its price is known; a server that counts no tokens is charged with the bound."""
        tokens_in = reply.tokens_in or bound(job.signature)
        tokens_out = reply.tokens_out or len((reply.text or "").encode("utf-8", "replace"))
        end = job.endpoint
        if end.price_in is not None and end.price_out is not None:
            return Usage(1, tokens_in, tokens_out, (tokens_in * end.price_in + tokens_out * end.price_out) / 1e6), True
        if reply.usd:
            return Usage(1, tokens_in, tokens_out, reply.usd), True
        known = lite.price(end)
        usd = tokens_in * known.token_in + tokens_out * known.token_out if known else 0.0
        return Usage(1, tokens_in, tokens_out, usd), known is not None


def bound(signature: Signature) -> int:
    """How many prompt tokens a call can have at most."""
    return len(signature.text) + 16 * signature.messages + image.TOKENS * signature.images
