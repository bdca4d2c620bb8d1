"""A patient record told as numbered atomic facts beside the sentences they were made of.

The rule: a fact stays word for word under the number it has in the source; what the facts lost is told as the sentence that held it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from medsim.case.person import Fact
from medsim.importers import clues
from medsim.importers.denial import negates
from medsim.importers.script import Script
from medsim.importers.text import clean, leaves, sentence

MAX_FACTS = 200
MAX_CHARS = 60_000
COVERED = 0.8
"""The share of a sentence's words among the facts below which it counts as lost, where the list of facts breaks off."""

_NUMBERED = re.compile(r"\s*\d{1,3}[.)]\s+")
_BULLET = re.compile(r"(\s*)[-*\u2022]\s+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DENIED = re.compile(
    r"\A(?:the |his |her )?(?:[\w'\u2019-]+ ){0,3}?(?:denies|denied|deny|does not|do not|did not|has no|have no|had no|has not|was not|is not|there (?:is|are|was|were) no)\b",
    re.I,
)
_FINDING = re.compile(
    r"\b(?:exam\w*|auscultat\w*|palpat\w*|percuss\w*|laborator\w*|cultures?|x-?rays?|radiogra\w*|ct|mri|biops\w*|ultraso\w*|serum|stain\w*|"
    r"ecg|ekg|echocardio\w*|temperature|blood pressure|pulse|respirat(?:ions|ory rate)|oxygen saturation|dermoscop\w*|histo(?!ry)\w*|"
    r"antibod\w*|urinalysis|hemoglobin|leukocyte|platelet|creatinine|glucose|tomogra\w*|endoscop\w*|colonoscop\w*|reveals?|vitals?)\b",
    re.I,
)


class Record(NamedTuple):
    """Sentences as they stand, and the script made of the facts."""

    sentences: tuple[str, ...]
    script: Script


def record(context: object, facts: object, *, told: str = "atomic") -> Record:
    """Read a record; ``told`` says what the patient tells: ``atomic`` facts, or the sentences of the ``context``."""
    held = [leaf.text for leaf in leaves(context)][:MAX_FACTS]
    said = tuple(sentence(tidy(text)) for text in held if re.search(r"\w", text))
    found, flags = _atomic(facts)
    if told == "context" and said:
        found, flags = [], []
    elif not found and said:
        flags = ["facts_from_context"]
    elif found and not said:
        flags.append("no_context")
    listed = [(f"fact_{number}", text) for number, text in found]
    if not found:
        listed = [(f"context_{at + 1}", text) for at, text in enumerate(said)]
    else:
        lost = _lost(said, [text for _, text in found], broken=any(flag.startswith("facts_break_off") for flag in flags))
        listed += [(f"context_{at + 1}", said[at]) for at in lost]
        flags += [f"facts_lack:context_{at + 1}" for at in lost]
    return Record(said, _script(listed, flags))


def tidy(text: str) -> str:
    """Write a table of ``|`` as a list: ``"Shown: | Hb 9 | WBC 4 | ."`` -> ``"Shown: Hb 9; WBC 4"``."""
    parts = [part.strip() for part in text.split("|")]
    whole = ""
    for part in parts:
        if re.search(r"\w", part):
            whole += part if not whole else f"{' ' if whole[-1] in '.:;,' else '; '}{part}"
    return whole


def _atomic(facts: object) -> tuple[list[tuple[int, str]], list[str]]:
    """Return the facts with their numbers, counted from 1, and flags; a bullet that ends in a colon heads those nested below it."""
    found: list[tuple[int, str]] = []
    flags: list[str] = []
    heads: list[tuple[int, str]] = []
    number, last = 0, ""
    for leaf in _items(facts):
        bullet = _BULLET.match(leaf)
        depth = len(bullet[1]) if bullet else 0
        text = clean(leaf[bullet.end() :] if bullet else _NUMBERED.sub("", leaf, count=1))
        if not re.search(r"\w", text):
            continue
        number += 1
        heads = [head for head in heads if bullet and head[0] < depth]
        last = text
        if bullet and text.endswith(":"):
            heads.append((depth, text))
            continue
        whole = sentence(tidy(" ".join([*(head for _, head in heads), text])))
        if any(whole == other for _, other in found):
            flags.append(f"duplicate_fact:{number}")
            continue
        found.append((number, whole))
    if _breaks_off(last, [text for _, text in found]):
        flags.append(f"facts_break_off:{found[-1][0]}")
        del found[-1]
    return found, flags


def _items(facts: object) -> list[str]:
    """The facts as written, with the blanks before a bullet; a text of several lines is several facts."""
    listed = facts if isinstance(facts, list) else [facts]
    return [line for item in listed[:MAX_FACTS] if isinstance(item, str) for line in item[:MAX_CHARS].split("\n")][:MAX_FACTS]


def _breaks_off(last: str, found: list[str]) -> bool:
    """Say whether the last fact stops in the middle, where all others end as sentences do."""
    return (
        bool(last)
        and len(found) > 2
        and not re.search(r"[.!?:)\]\"'\u2019\u201d]\Z|[%\w]+:.*\b(?:negative|positive|normal|[A-Z]{1,3}/?[a-zA-Z]*)\Z", last)
    )


def _lost(said: tuple[str, ...], facts: list[str], *, broken: bool) -> list[int]:
    """Indices of the sentences with a number that no fact holds, or, where the facts break off, with words that none holds."""
    numbers, words = set(_numbers(" ".join(facts))), set(_words(" ".join(facts)))
    return [at for at, text in enumerate(said) if not set(_numbers(text)) <= numbers or (broken and _share(_words(text), words) < COVERED)]


def _share(own: list[str], known: set[str]) -> float:
    return sum(word in known for word in own) / len(own) if own else 1.0


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{4,}", text.lower())


def _numbers(text: str) -> list[str]:
    return _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))


def _script(listed: list[tuple[str, str]], flags: list[str]) -> Script:
    facts: list[Fact] = []
    chars = 0
    for name, text in listed:
        chars += len(text)
        if len(facts) >= MAX_FACTS or chars > MAX_CHARS:
            flags.append("cut")
            break
        negative = bool(_DENIED.match(text)) or negates(text)
        offered = clues.symptom(text) and not negative and not _FINDING.search(text)
        marks = {"negative": True} if negative else {}
        facts.append(Fact(id=name, tier="open" if offered else "ask", say=(text,), **marks))  # type: ignore[arg-type]
    return Script(tuple(facts), tuple(dict.fromkeys(flags)))
