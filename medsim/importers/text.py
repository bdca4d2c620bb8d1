"""The text of imported data: cleaned, split into sentences, flattened into leaves.

The rule: what is kept is kept word for word; only control codes, doubled blanks and what exceeds a limit are taken away.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MAX_TEXT = 2_000
"""Characters kept of one text."""
MAX_LABEL = 80
MAX_DEPTH = 12
MAX_LEAVES = 300

_DROPPED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_POWER = re.compile(r"[-+]?(?:\.\d+|\d+\.?\d*)[eE][-+]?\d+|[-+]\.\d+")
"""Texts that a YAML reader takes for a number although the writer does not quote them; words beside them keep them text."""
_END = re.compile(r"(?<=[.!?])[\"'\u201d\u2019)]?\s+(?=[\"'\u201c\u2018(]?[A-Z0-9])")
_NOT_END = re.compile(r"(?:\b(?:[A-Z]|Dr|Mr|Mrs|Ms|St|vs|approx|e\.g|i\.e|etc|no|fig|ca)\.)\Z")


class Leaf(NamedTuple):
    """One value with the keys that lead to it."""

    path: tuple[str, ...]
    text: str


def clean(value: object, *, limit: int = MAX_TEXT) -> str:
    """Return a scalar as one line of text, composed (NFC), without control codes; anything else as an empty text."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return clean(repr(value).removesuffix(".0"), limit=limit) if math.isfinite(value) else ""
    if isinstance(value, int):
        return str(value)[:limit] if abs(value) < 10**300 else ""
    if not isinstance(value, str):
        return ""
    text = value[: 4 * limit]
    if not (text.isascii() and text.isprintable()):
        text = "".join(" " if unicodedata.category(ch) in _DROPPED else ch for ch in text)
        text = unicodedata.normalize("NFC", text)
    text = " ".join(text.split())
    if _POWER.fullmatch(text):
        return f"{text} (as given)"
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0]


def is_cut(value: object) -> bool:
    """Say whether ``clean`` shortens a text."""
    return isinstance(value, str) and len(value) > MAX_TEXT


def label(key: object) -> str:
    """Turn a key into words: ``"Right_Upper_Limb_Strength"`` -> ``"Right upper limb strength"``."""
    words = clean(key, limit=MAX_LABEL).replace("_", " ").split()
    rest = [word.lower() if word.istitle() and word.isalpha() and len(word) > 1 else word for word in words[1:]]
    return " ".join([*words[:1], *rest])


def leaves(value: object, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Yield every scalar below a value; list items share the path of their list; what is nested too deep is left out."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, held in value.items():
            yield from leaves(held, (*path, clean(key, limit=MAX_LABEL)))
    elif isinstance(value, list):
        for held in value:
            yield from leaves(held, (*path, "")) if isinstance(held, (dict, list)) else leaves(held, path)
    else:
        text = clean(value)
        if text:
            yield Leaf(tuple(part for part in path if part), text)


def sentences(text: str) -> list[str]:
    """Split a text into sentences; abbreviations and single capitals do not end one."""
    found: list[str] = []
    start = 0
    for match in _END.finditer(text):
        if _NOT_END.search(text[start : match.start()]):
            continue
        found.append(text[start : match.end()].strip())
        start = match.end()
    found.append(text[start:].strip())
    return [part for part in found if part]


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    text = text.strip(" ;,")
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" or text[-2:] in {'."', ".'", ".\u201d", ".\u2019"} else text + "."


def uncapital(text: str) -> str:
    """Lower the first letter, unless the first word is an abbreviation or a name."""
    first = text.split(" ", 1)[0]
    plain = first.rstrip(",.;:").split("-")[0]
    if len(plain) > 1 and plain[1:].islower() and not first.endswith(("'s", "\u2019s")) and plain not in NAMES:
        return text[0].lower() + text[1:]
    return text if len(plain) > 1 else (text[:1].lower() + text[1:] if plain == "A" else text)


NAMES = frozenset(
    {
        "Crohn",
        "Parkinson",
        "Raynaud",
        "Kaposi",
        "Graves",
        "Hashimoto",
        "Lyme",
        "Down",
        "Turner",
        "Marfan",
        "African",
        "Caucasian",
        "Hispanic",
        "Asian",
    }
)
