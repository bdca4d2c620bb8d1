"""Lettered options: what counts as choosing one.

The rule: an option is chosen by its letter, alone or before its text, or by its whole text; what would count for two options counts for
none, and an answer that names another option beside the right one is not right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from medsim.action import ranked
from medsim.rubric.names import folded, named
from medsim.vocabulary.whole import stands_in

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOOKALIKES = str.maketrans(
    {
        "\u0410": "A", "\u0412": "B", "\u0415": "E", "\u041a": "K", "\u041c": "M", "\u041d": "H", "\u041e": "O", "\u0420": "P",
        "\u0421": "C", "\u0422": "T", "\u0425": "X", "\u0430": "a", "\u0435": "e", "\u043e": "o", "\u0440": "p", "\u0441": "c",
        "\u0445": "x", "\u00df": "beta ", "\u03b1": "alpha ", "\u03b2": "beta ", "\u03b3": "gamma ", "\u03b4": "delta ", "\u00b5": "micro",
        "\u03bc": "micro", "\u2191": "up ", "\u2193": "down ", "\u2192": "normal ",
    }
)  # fmt: skip


class Key(NamedTuple):
    """What counts as the right option: names for the truth, and a predicate that also refuses a second option beside it."""

    name: str
    accept: tuple[str, ...]
    pred: dict[str, object]


def lettered(options: Sequence[str]) -> str:
    """Write options one a line, each after its letter."""
    return "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, options, strict=False))


def plain(text: str) -> str:
    """Return a text as it is typed on a plain keyboard: look-alike letters and Greek ones spelled out."""
    return " ".join(text.translate(_LOOKALIKES).split())


def key(options: Sequence[str], right: int, *, also: Sequence[str] = ()) -> Key:
    """Return what counts as choosing the right option; ``also`` are other names for it."""
    letter = LETTERS[right]
    mine = _ways(letter, options[right], also)
    others = [way for at, text in enumerate(options) if at != right for way in _ways(LETTERS[at], text)]
    letters = {folded(one) for one in LETTERS[: len(options)]}
    mine = [way for way in mine if folded(way) not in letters or way == letter]
    others = [way for way in others if folded(way) != folded(letter)]
    alone = [way for way in mine if way == letter or not any(_counts(other, [way]) for other in others)]
    whole = [way for way in (options[right], f"{letter}. {options[right]}", f"option {letter}") if way in alone]
    decoys = [way for way in others if folded(way) not in letters and not any(_counts(good, [way]) for good in mine)]
    good = mine
    for other in others:
        if _counts(other, good) and not _counts(other, decoys):
            good = [way for way in good if way == letter or not _counts(other, [way])]
    pred: dict[str, object] = {"diagnosis": {"accept": good}}
    if decoys:
        pred = {"all": [pred, {"not": {"diagnosis": {"accept": decoys}}}]}
    return Key((whole or [letter])[0], tuple(alone), pred)


def nested(options: Sequence[str]) -> bool:
    """Say whether one option stands inside another."""
    found = [folded(text) for text in options]
    return any(one and stands_in(one, other) for i, one in enumerate(found) for j, other in enumerate(found) if i != j)


def _ways(letter: str, text: str, also: Sequence[str] = ()) -> list[str]:
    """The ways in which an option is named, each as the diagnosis of the first rank reads it."""
    texts = dict.fromkeys(way for one in (text, *also) for way in (one, plain(one)))
    said = [
        letter,
        f"{letter}. {text}",
        f"{letter}. {plain(text)}",
        *(f"{word} {letter}" for word in ("option", "choice", "answer", "answer is")),
    ]
    first = [ranks[0] for way in (*said, *texts) if (ranks := ranked(way))]
    return list({folded(way): way for way in reversed(first) if folded(way)}.values())[::-1]


def _counts(said: str, names: Sequence[str]) -> bool:
    return bool(names) and named([said], names)
