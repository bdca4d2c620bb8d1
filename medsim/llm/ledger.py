"""The books: usage and cost by role, and one entry for every call.

The rule: what was paid and what came from the cache stand apart, and an unknown price is unknown, not nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from medsim.trajectory import Usage


@dataclass(frozen=True, slots=True)
class Entry:
    """One call, as the store keeps it; no text, no key."""

    at: str
    """When it ended, UTC."""
    role: str
    model: str
    api_base: str
    hash: str
    prompt_hash: str
    """SHA-256 over the messages alone."""
    parameters: dict[str, Any] = field(default_factory=dict)
    latency: float = 0.0
    finish: str = ""
    retries: int = 0
    cached: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float | None = None
    """None where the price is unknown."""
    error: str = ""


class Ledger:
    """Sums by role; every entry is handed on to ``on_call`` in the caller's own thread and context."""

    def __init__(self, on_call: Callable[[Entry], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._on_call = on_call
        self._paid: dict[str, Usage] = {}
        self._cached: dict[str, Usage] = {}
        self._failed: dict[str, int] = {}
        self._unpriced: set[str] = set()

    def add(self, entry: Entry) -> None:
        """Book one call."""
        usage = Usage(1, entry.tokens_in, entry.tokens_out, entry.usd or 0.0)
        with self._lock:
            books = self._cached if entry.cached else self._paid
            books[entry.role] = books.get(entry.role, Usage()).plus(usage)
            if entry.error:
                self._failed[entry.role] = self._failed.get(entry.role, 0) + 1
            if entry.usd is None:
                self._unpriced.add(entry.model)
        if self._on_call is not None:
            self._on_call(entry)

    @property
    def paid(self) -> dict[str, Usage]:
        """By role, what went over the network, failed calls included."""
        with self._lock:
            return dict(self._paid)

    @property
    def cached(self) -> dict[str, Usage]:
        """By role, what came from the cache, at what it once cost."""
        with self._lock:
            return dict(self._cached)

    @property
    def failed(self) -> dict[str, int]:
        """By role, how many calls ended in an error."""
        with self._lock:
            return dict(self._failed)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Models without a known price: their USD are missing from the sums."""
        with self._lock:
            return tuple(sorted(self._unpriced))

    @property
    def total(self) -> Usage:
        """Everything that went over the network."""
        return sum_of(self.paid)


def sum_of(books: dict[str, Usage]) -> Usage:
    """Add the usage of all roles."""
    total = Usage()
    for usage in books.values():
        total = total.plus(usage)
    return total
