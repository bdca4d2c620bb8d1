"""Words and numbers as they are shown.

The rule: text of any origin goes through ``plain`` before it is put anywhere, so that no control, direction mark or lone surrogate
reaches a page, a plot or a table; a page escapes it besides.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: object, *, longest: int = 4000) -> str:
    """Text without what could steer or deceive a reader's screen; such letters become a visible mark, line breaks and tabs stay."""
    said = str(text)
    if len(said) > longest:
        said = f"{said[:longest]}… [{len(said) - longest:,} more characters]"
    if said.isascii() and said.isprintable():
        return said
    return "".join(ch if ch in "\n\t" or unicodedata.category(ch) not in UNSAFE else "\ufffd" for ch in said)


def esc(text: object, *, longest: int = 4000) -> str:
    """Text as it may stand in a page, in content and in quoted attributes."""
    return html.escape(plain(text, longest=longest), quote=True)


def short(text: object, *, longest: int = 24) -> str:
    """Text on one line, cut in its middle to a label: names mostly differ at an end."""
    said = " ".join(plain(text).split())
    if len(said) <= longest:
        return said
    tail = (longest - 1) // 2
    return f"{said[: longest - 1 - tail]}…{said[-tail:]}"


def labels(names: Mapping[int, object], *, longest: int = 24) -> dict[int, str]:
    """A label for each name: cut where it is long, by what tells it from the others where cutting makes two alike."""
    cut = {key: short(name, longest=longest) for key, name in names.items()}
    if len(set(cut.values())) == len(cut):
        return cut
    whole = {key: " ".join(plain(name).split()) for key, name in names.items()}
    before = max(0, _shared(list(whole.values())) - 4)
    after = max(0, _shared([name[::-1] for name in whole.values()]) - 4)
    told = {
        key: short(f"{'…' if before else ''}{name[before : max(before, len(name) - after)]}{'…' if after else ''}", longest=longest)
        for key, name in whole.items()
    }
    return told if len(set(told.values())) == len(told) else {key: f"{key}: {label}" for key, label in cut.items()}


def _shared(texts: Sequence[str]) -> int:
    """How many letters all begin with."""
    return sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False)))


def number(value: float | None, *, digits: int = 2) -> str:
    """A number with separators, empty where there is none."""
    if value is None:
        return ""
    shown = f"{value:,.{digits}f}"
    return shown.replace("-", "\u2212") if float(value) < 0 and shown.strip("-0.,") else shown.lstrip("-")


def percent(value: float | None) -> str:
    """A share as per cent."""
    return "" if value is None else f"{number(100 * value, digits=0)} %"


def points(value: float | None) -> str:
    """A difference of scores in points of 100, with its sign."""
    if value is None:
        return ""
    return f"+{number(100 * value, digits=1)}" if round(100 * value, 1) > 0 else number(100 * value, digits=1)


def p_value(value: float | None) -> str:
    """A p value to three digits."""
    return "" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def estimate(figure: Mapping[str, Any], *, sort: str = "score") -> tuple[str, str]:
    """A figure's value and interval as text; ``sort`` is score, share, amount, count or points. The value is empty where there is none."""
    write = {
        "score": number,
        "share": percent,
        "amount": lambda value: number(value, digits=0),
        "count": lambda value: number(value, digits=1),
        "points": points,
    }[sort]
    value, low, high = (write(figure[name]) for name in ("value", "low", "high"))
    return value, f"{low} to {high}" if low and high else ""
