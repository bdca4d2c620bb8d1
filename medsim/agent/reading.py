"""Read a model's words strictly: a letter, yes or no, a probability, a rating, a question.

The rule: words are read only where they are nothing but the answer, or stand behind a label (``ANSWER:``) on a line of their own. Nothing
is searched for inside a sentence and nothing is guessed: None means "ask again", never "no" and never zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Value = TypeVar("Value", str, bool, int, float)

MAX_QUESTION = 500
RATINGS: tuple[str, ...] = ("very unsure", "rather unsure", "undecided", "rather sure", "very sure")
"""What the ratings 1 to 5 are called."""
_OTHERWISE = (
    "very unconfident", "somewhat unconfident", "neither confident nor unconfident", "somewhat confident", "very confident",
)  # fmt: skip
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.IGNORECASE | re.DOTALL)
_END, _UNENDED = (re.compile(rf"<{sign}think(?:ing)?>", re.IGNORECASE) for sign in ("/", ""))
_FENCE = re.compile(r"^[ \t]*```\w*[ \t]*$", re.MULTILINE)
_BOXED = re.compile(r"\$?\\boxed\{\s*(?:\\text\{([^{}]*)\}|([^{}]*))\s*\}\$?")
_MARKS = " \t\n*_`\"'“”‘’"
_LABEL = re.compile(r"(?im)^[\s*_`>#-]*(?:final[ ]+)?(answer|choice|decision|question|rating|confidence|probability)[\s*_`]*:(.*)$")
_STATEMENT = re.compile(
    r"(?:so |thus |therefore |hence )?,? ?(?:the|my) (?:(?:final|best|correct|right) )?(?:answer|choice) is (?:option )?(?P<letter>.+)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?i:option )?\(?([A-Za-z])\)?(?:[.):]| -| –|)(?:\s+(?P<rest>.+))?", re.DOTALL)
_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_PROBABILITY = re.compile(
    rf"(?:(?:my |the )?(?:confidence|probability)(?: is| =)? )?(?P<number>{_NUMBER}) ?(?P<percent>%|percent)?", re.IGNORECASE
)
_RATING = re.compile(r"(?:rating )?([1-5])(?: ?/ ?5| out of 5)?(?:(?:[:,.)]| -| –|) ?\(?(?P<name>[a-z ]+)\)?)?", re.IGNORECASE)


def spoken(text: str) -> str:
    """The words without thoughts; one that never began hides all before it, one that never ends all behind it."""
    return _UNENDED.split(_END.split(_THOUGHT.sub(" ", text))[-1])[0].strip()


def bare(text: str) -> str:
    """What was spoken, without code fences, boxes and emphasis."""
    text = spoken(text)
    return _BOXED.sub(lambda found: found[1] or found[2] or "", _FENCE.sub("", text)).replace("**", "").strip(_MARKS)


def letter(text: str, options: Mapping[str, str]) -> str | None:
    """The letter that was chosen: alone, before its own text, by its whole text, or as the last sentence "the answer is C"."""
    return _read(text, ("answer", "choice", "decision"), lambda words: _chosen(words, options) or _stated(words, options))


def yes_no(text: str) -> bool | None:
    """Yes or no, and no other word."""
    return _read(text, ("answer", "decision"), lambda words: {"yes": True, "no": False}.get(words.rstrip(".!").lower()))


def probability(text: str) -> float | None:
    """A number from 0 to 1, or a percentage with its sign; ``90`` without a sign is neither."""
    return _read(text, ("answer", "decision", "confidence", "probability"), _fraction)


def rating(text: str) -> int | None:
    """A whole number from 1 to 5 or the name of one, both only where they agree."""
    return _read(text, ("answer", "decision", "rating", "confidence"), _rated)


def question(text: str) -> str | None:
    """One question on one line, ending with its question mark; colons and everything else inside it are kept."""
    return _read(text, ("question", "decision"), _asked)


def either(text: str, options: Mapping[str, str]) -> tuple[str | None, str | None]:
    """A letter or a question, the other None; both None where it is neither, or a line of each."""
    chosen, asked = letter(text, options), question(text)
    return (None, None) if chosen and asked else (chosen, asked)


def _read(text: str, labels: Sequence[str], reader: Callable[[str], Value | None]) -> Value | None:
    """Read what stands behind the labels, which must all say the same; without any, the words as a whole."""
    words = bare(text)
    lines = [(found[1].lower(), found[2].strip(_MARKS)) for found in _LABEL.finditer(words)]
    behind = [said for label, said in lines if label in labels]
    if lines and not behind:
        return None
    values = [reader(part) for part in behind or [words]]
    return values[0] if all(value == values[0] for value in values) else None


def _chosen(words: str, options: Mapping[str, str]) -> str | None:
    same = [name for name, option in options.items() if _plain(option) == _plain(words)]
    found = _LETTER.fullmatch(words.strip(_MARKS).rstrip("."))
    name = found[1] if found else ""
    if found and name in options and (found["rest"] is None or _plain(options[name]) == _plain(found["rest"])):
        return name if same in ([], [name]) else None
    return same[0] if len(same) == 1 else None


def _stated(words: str, options: Mapping[str, str]) -> str | None:
    parts = [part.strip() for part in re.split(r"(?<=[.;!?])\s+|\n+", words) if part.strip()]
    said = [_STATEMENT.fullmatch(part.rstrip(".;!")) for part in parts]
    if not said or said[-1] is None:
        return None
    names = {_chosen(found["letter"].strip(_MARKS), options) for found in said if found}
    return names.pop() if len(names) == 1 else None


def _fraction(words: str) -> float | None:
    found = _PROBABILITY.fullmatch(words.rstrip(".!"))
    if found is None:
        return None
    value = float(found["number"]) / (100 if found["percent"] else 1)
    return value if 0 <= value <= 1 else None


def _rated(words: str) -> int | None:
    words = " ".join(words.rstrip(".!").lower().split())
    if words in (*RATINGS, *_OTHERWISE):
        return _named(words)
    found = _RATING.fullmatch(words)
    if found is None or (found["name"] and _named(found["name"].strip()) != int(found[1])):
        return None
    return int(found[1])


def _named(words: str) -> int | None:
    return next((names.index(words) + 1 for names in (RATINGS, _OTHERWISE) if words in names), None)


def _asked(words: str) -> str | None:
    asked = words.strip(_MARKS)
    return asked if asked.endswith("?") and "\n" not in asked and len(asked) <= MAX_QUESTION and re.search(r"\w\w", asked) else None


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(_MARKS + ".").casefold()
