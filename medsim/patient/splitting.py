"""Cut an utterance into its sentences, and a sentence into the smallest pieces that may be questions of their own.

The rule: cutting is only proposed here; the matcher keeps the cuts that are better understood than the whole. Later pieces of a
list carry the words with which the first began: "any fever or cough?" asks "any fever?" and "any cough?".
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from medsim.patient.words import LIMIT, fold

MAX_ATOMS = 8
"""A sentence is cut into no more than this many pieces."""
Run = tuple[int, int]
"""Neighbouring pieces that are read as one: the numbers of the first and the last."""

_BEGINNINGS = """
what when where who whom whose which why how do does did have has had is are was were can could would will should any shall ever
may am
"""
ASKS = frozenset(_BEGINNINGS.split())
"""Words with which a question begins."""
_NOISES = """
ok okay k yes yeah yep no nope right sure fine alright all good great mm mmm mhm hm hmm uh um huh ah oh i see well so now and then
lovely perfect please got it understood
"""
_CURT = frozenset(_NOISES.split())
_SENTENCE = re.compile(r"(?:[^.?!;\n]|\.(?=\w))+[.?!;]*")
_JOINT = re.compile(
    r"\s*,\s*(?:(?:and|or|but|also|then)\s+)*|\s+(?:and|or|but|plus|also)\s+(?:also\s+)?|(?<=\w{3})\s*[/&+]\s*(?=\w{3})|\s+[-\u2013\u2014]+\s+",
    re.I,
)
_LEAD = re.compile(
    r"(?:(?:have|has|had|do|does|did|are|is|was|were) (?:you|he|she|they|there|your \w+)|any|what about|how about|tell me about"
    r"|your|no|(?:family |past medical |past )?history of|[fp]?m?hx? of)(?: (?:ever|also|been|had|got|have|noticed|take|taken"
    r"|experienced|feel|felt|get|getting|having|feeling|suffer from|any|an?|the|your|family|history of|problems with|trouble with"
    r"|allergic to))*\s",
    re.I,
)


def sentences(text: str) -> list[str]:
    """Return the sentences of an utterance, of what is read of it, with the marks that end them."""
    return [found.group().strip() for found in _SENTENCE.finditer(text[:LIMIT])]


def atoms(text: str) -> list[tuple[int, int]]:
    """Return where the smallest pieces of a sentence begin and end."""
    spans: list[tuple[int, int]] = []
    start = 0
    for joint in _JOINT.finditer(text):
        if joint.start() > start and len(spans) < MAX_ATOMS - 1:
            spans.append((start, joint.start()))
            start = joint.end()
    return [*spans, (start, len(text))] if start < len(text) else spans or [(0, len(text))]


def lead_of(text: str) -> str:
    """Return the words with which a list of questions begins: ``have you had any``."""
    found = _LEAD.match(text)
    return found.group() if found else ""


def carry(lead: str, text: str) -> str:
    """Give a later piece the words that the first began with: "any fever or cough?" asks "any cough?"."""
    begins = fold(text).partition(" ")[0]
    return text if begins in ASKS or _LEAD.match(text) else lead + text


def curt(text: str) -> bool:
    """Say whether a text is no more than a noise of listening: ``ok``, ``I see``."""
    words = re.findall("[a-z0-9]+", fold(text))
    return bool(words) and _CURT.issuperset(words)


def best_cut(worth: Mapping[Run, float], pieces: int) -> list[Run]:
    """Return the runs, from the first piece to the last, that are worth most together."""
    best: list[tuple[float, list[Run]]] = [(0.0, [])]
    for end in range(pieces):
        ways = [(best[at][0] + worth[at, end], [*best[at][1], (at, end)]) for at in range(end + 1)]
        best.append(max(ways, key=lambda way: way[0]))
    return best[-1][1]
