"""One thing that lint found."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """Where, how bad, what, and what to do."""

    level: Literal["error", "warning"]
    rule: str
    where: str
    message: str


def error(rule: str, where: str, message: str) -> Finding:
    """A finding that must be mended."""
    return Finding("error", rule, where, message)


def warning(rule: str, where: str, message: str) -> Finding:
    """A finding to look at."""
    return Finding("warning", rule, where, message)
