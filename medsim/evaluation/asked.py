"""What a study was asked for, looked at before anything is played or read.

The rule: one name given by itself is one name, not its letters; what has no meaning is refused in a sentence that says what has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral
from typing import Any

from medsim.agent import Given
from medsim.errors import ActionError, StoreError
from medsim.store import Store


def names(given: str | Iterable[str]) -> list[str]:
    """One name, or several, as a list."""
    return [given] if isinstance(given, str) else list(given)


def doctors(given: Given | Iterable[Given]) -> list[Given]:
    """The agents that were named or given; ActionError where there are none."""
    if isinstance(given, str) or callable(given) or not isinstance(given, Iterable):
        return [given]
    found = list(given)
    if not found:
        raise ActionError(
            "agents are names, recipe files or 'module:attribute', or classes or functions that make one, at least one of them: "
            f"agents=['interviewer']; given {_short(given)}."
        )
    return found


def at_least_one(**given: Any) -> None:
    """Refuse numbers of things of which there must be one or more."""
    for name, number in given.items():
        if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
            raise ActionError(f"{name} is a whole number, 1 or more; given {_short(number)}.")


def opened(given: Any, *, create: bool = True) -> Store:
    """The store itself, or the one of a file or address; StoreError for what is neither."""
    if isinstance(given, Store):
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise StoreError(f"store is a file, an SQLAlchemy address or a Store: store='runs.db'; given {_short(given)}.")
    return Store(given if isinstance(given, str) else os.fspath(given), create=create)


def _short(given: object) -> str:
    told = repr(given)
    return told if len(told) <= 60 else f"{told[:57]}..."
