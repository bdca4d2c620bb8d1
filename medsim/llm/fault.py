"""What went wrong with one attempt, and whether to try again: decided in pure code, without a clock of its own.

The rule: what another attempt may mend (too many calls, a broken server, a cut or nonsensical answer) is tried again with growing,
jittered waits that honour Retry-After. What it cannot mend (key, model, context, filter) ends at once with a sentence that says what to do.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NamedTuple

LONGEST_WAIT = 30.0
_FILTERED = ("content_filter", "content_policy", "contentpolicy", "content management policy", "safety system")
_NO_KEY = re.compile(r"missing (?:credentials|[\w ]*api[_ ]?key)|api_?key\W.{0,40}must be set", re.IGNORECASE)
TO_THE_END = "Its encounter is kept as an error and tried again on resume."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address, and the manners of talking to it."""

    model: str = ""
    api_base: str = ""
    """Address of the server; empty for the provider's own."""
    key_env: str = ""
    """Name of the environment variable that holds the key; empty for the provider's usual one."""
    concurrency: int | None = None
    """Calls under way at the same time; None for as many as the run has jobs, and 32 at least."""
    timeout: float = 60.0
    """Seconds for one attempt, from the first byte sent to the last received."""
    retries: int = 4
    backoff: float = 0.5
    """Seconds before the first retry, doubled for each one after it."""
    patience: float = 120.0
    """The longest Retry-After that is waited for."""
    price_in: float | None = None
    """USD for a million prompt tokens; None for litellm's price list."""
    price_out: float | None = None

    @property
    def provider(self) -> str:
        """The part of the model's name before the first slash."""
        return self.model.split("/", 1)[0] if "/" in self.model else "openai"

    @property
    def shown(self) -> str:
        """How errors name it."""
        return f"Model '{self.model}' at {self.api_base or 'the address of ' + self.provider}"

    @property
    def key_name(self) -> str:
        """The environment variable in which its key is looked for."""
        return self.key_env or f"{self.provider.upper().replace('-', '_')}_API_KEY"


class Fault(NamedTuple):
    """Why one attempt gave no answer."""

    reason: str
    again: bool
    """Whether another attempt may mend it."""
    advice: str = ""
    after: float | None = None
    """Seconds that the server asked to wait."""
    charged: bool = False
    """Whether the provider may have charged for it although it gave no usage."""


class Wait(NamedTuple):
    """Try again after so many seconds."""

    seconds: float


class End(NamedTuple):
    """Give up, with the sentence to raise."""

    message: str


def decide(endpoint: Endpoint, fault: Fault, attempts: int, *, chance: random.Random) -> Wait | End:
    """Say what follows after ``attempts`` attempts, of which the last ended in a fault."""
    if not fault.again:
        return End(f"{endpoint.shown} cannot answer: {_sentence(fault.reason)} {fault.advice}".rstrip())
    if fault.after is not None and fault.after > endpoint.patience:
        asked = f"the server asks to wait {fault.after:.0f} s, longer than the {endpoint.patience:.0f} s that are waited for"
        return End(f"{endpoint.shown} failed: {_sentence(fault.reason)} {asked.capitalize()}. {TO_THE_END}")
    if attempts > endpoint.retries:
        times = "once" if attempts == 1 else f"{attempts} times"
        advice = fault.advice or "Try again later, lower its concurrency or raise its retries."
        return End(f"{endpoint.shown} failed {times}; at last: {_sentence(fault.reason)} {advice} {TO_THE_END}")
    doubled = min(endpoint.backoff * 2 ** (attempts - 1), LONGEST_WAIT) * chance.uniform(0.5, 1.0)
    return Wait(max(doubled, (fault.after or 0.0) * chance.uniform(1.0, 1.1)))


def of_status(endpoint: Endpoint, status: int, kind: str, text: str, headers: Mapping[str, str]) -> Fault:
    """Read an HTTP status, the kind of exception that litellm made of it, and the server's words."""
    said, low = f"HTTP {status}: {text}", text.lower()
    if "ContextWindow" in kind:
        return Fault(said, False, "The conversation is longer than the model can read: take a model with a longer context, or fewer turns.")
    if "ContentPolicy" in kind or any(word in low for word in _FILTERED):
        return Fault(said, False, "The provider's content filter stopped it: take another model, or another wording.")
    if "UnsupportedParams" in kind:
        return Fault(
            said, False, "Remove that parameter from the role, or take a model that has it; what a role sets is never dropped silently."
        )
    if status == 402 or any(word in low for word in ("insufficient_quota", "insufficient balance", "exceeded your current quota")):
        return Fault(said, False, "The account has no credit left: pay, or take another model.")
    if status == 401:
        return Fault(said, False, f"Put a valid key into the environment variable {endpoint.key_name}.")
    if status == 403:
        return Fault(said, False, f"The key in {endpoint.key_name} may not use this model: take another key or model.")
    if status == 404:
        return Fault(said, False, "Nothing of that name is there: check the model's name (provider/name) and api_base.")
    if status in {408, 409, 425, 429} or not 400 <= status < 500:
        return Fault(said, True, "", retry_after(headers), charged=status in {408, 504})
    return Fault(
        said, False, "The provider does not accept the call: check the model's name (provider/name) and the parameters of its role."
    )


def late(endpoint: Endpoint) -> Fault:
    """Say that the time for one attempt was over."""
    return Fault(f"no answer in {endpoint.timeout:g} s", True, charged=True)


def unanswered(endpoint: Endpoint, text: str, *, reached: bool) -> Fault:
    """Read a failure without an HTTP error: no connection, a connection that broke, or an answer that is none."""
    if _NO_KEY.search(text):
        return Fault(text, False, f"Put a valid key into the environment variable {endpoint.key_name}.")
    if not reached:
        return Fault(f"no connection ({text})", True, "Is the server running, and is the address right?")
    return Fault(f"no whole answer came back ({text})", True, charged=True)


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Read Retry-After in seconds or as a date (and OpenAI's retry-after-ms); None where there is none or it is nonsense."""
    fields = {name.lower(): value.strip() for name, value in headers.items()}
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(fields[name]) * unit
        except (KeyError, ValueError):
            continue
        return seconds if 0 <= seconds < 1e9 else None
    try:
        at = parsedate_to_datetime(fields["retry-after"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    return max(0.0, at - (time.time() if now is None else now))


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else text + "."
