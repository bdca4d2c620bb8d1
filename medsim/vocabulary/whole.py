"""Where a term stands in a text as a whole: "MI" in "an MI, inferior", not in "familial".

The rule: a letter, digit or underscore right before or after forbids it; both are compared as they are given, so fold them first.
"""

from __future__ import annotations


def place_of(term: str, text: str) -> int:
    """Return where a term first stands in a text as a whole, -1 where it does not."""
    at = text.find(term)
    while at >= 0 and not _apart(text, at, at + len(term)):
        at = text.find(term, at + 1)
    return at


def stands_in(term: str, text: str) -> bool:
    """Whether a term stands in a text as a whole."""
    return place_of(term, text) >= 0


def _apart(text: str, start: int, end: int) -> bool:
    return not (_in_word(text[max(0, start - 1) : start]) or _in_word(text[end : end + 1]))


def _in_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"
