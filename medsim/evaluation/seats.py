"""Whose book a model call is written in: every call is booked to the encounter it was made in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from medsim.seats import Seats
from medsim.trajectory import Usage

if TYPE_CHECKING:
    from medsim.llm import Entry

_BOOK: ContextVar[list[Entry] | None] = ContextVar("medsim_calls", default=None)


def book(entry: Entry) -> None:
    """Write a call into the book of the encounter that is being played in this thread."""
    entries = _BOOK.get()
    if entries is not None:
        entries.append(entry)


@contextmanager
def booking() -> Iterator[list[Entry]]:
    """Open a book for the calls of one encounter."""
    entries: list[Entry] = []
    token = _BOOK.set(entries)
    try:
        yield entries
    finally:
        _BOOK.reset(token)


def usage_of(entries: list[Entry]) -> dict[str, Usage]:
    """Sum calls by role."""
    found: dict[str, Usage] = {}
    for entry in entries:
        spent = Usage(1, entry.tokens_in, entry.tokens_out, entry.usd or 0.0)
        found[entry.role] = found.get(entry.role, Usage()).plus(spent)
    return found


__all__ = ["Seats", "book", "booking", "usage_of"]
