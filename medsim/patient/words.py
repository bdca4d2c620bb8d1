"""Put plainly what a doctor types: abbreviations, formal terms, slips of spelling, whom it is addressed to.

The rule: exemplars and utterances pass through the same door, so that "has he had any pyrexia", "fevr?" and "do you have a
fever" meet as the same words. What stands for what is content (``cases/vocabulary/words.yaml``); here is only how it is read.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from medsim import document, library

Phrase = tuple[list[str], list[str]]
"""The words of a form, and the plain words that it is read as."""
FILE = "words"
LIMIT = 2_000
"""Characters of an utterance that are read."""

_ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'d": "would", "'s": "is"}
_IS = frozenset(("what", "where", "who", "how", "when", "why", "that", "there", "here", "it", "he", "she", "let"))
_BARE = (
    "don't doesn't didn't haven't hasn't hadn't isn't aren't wasn't weren't couldn't shouldn't wouldn't you've i've we've they've"
    " you're they're i'm you'll what's that's there's it's where's how's who's let's he's she's can't won't"
)
_APOSTROPHE = {word.replace("'", ""): word for word in _BARE.split()}
_MARKS = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u00b4": "'", "`": "'", "\u2013": "-", "\u2014": "-", "\u2026": "."})
_WORD = re.compile(r"[a-z0-9]+(?:[&/+][a-z0-9]+)*(?:'[a-z]+)?")
_STRANGE = re.compile(r"[^\t\n -~]")


def fold(text: str) -> str:
    """Return the first 2,000 characters in lower-case ASCII, without accents, control characters and pictures."""
    text = text[:LIMIT]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_MARKS))[:LIMIT]
    return _STRANGE.sub("", text.lower())


class Lexicon(NamedTuple):
    """What stands for what, as pairs of a form and the plain words that it is read as."""

    phrases: Sequence[tuple[str, str]]
    short: Sequence[tuple[str, str]]
    """Single words that are replaced before spelling is looked at."""


def lexicon() -> Lexicon:
    """Read the shipped lexicon."""
    data = document.read(library.vocabulary(FILE)).data
    return Lexicon(_pairs(data["entries"]), _pairs(data["short"]))


def _pairs(entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(form, entry["plain"]) for entry in entries for form in entry["forms"]]


class Words:
    """The door that every text goes through.

    ``used`` says how often the exemplars use a word; words used twice and those ``known`` to be English are never corrected.
    """

    def __init__(self, lexicon: Lexicon, used: Mapping[str, int], known: Callable[[str], bool]) -> None:
        self._short = dict(lexicon.short)
        self._read = functools.lru_cache(20_000)(self._read_once)
        self._joined = frozenset(form for form, _ in lexicon.phrases if not form.replace(" ", "").isalnum())
        self._phrases = self._by_first_word(lexicon.phrases)
        medical = {word for group in self._phrases.values() for pair in group for side in pair for word in side}
        targets = dict.fromkeys(sorted(medical), 1) | {word: count for word, count in used.items() if count > 1}
        self._known, self._english = set(targets) | set(self._short), known
        ranked = sorted((word for word in targets if len(word) > 3), key=lambda word: (targets[word], word))
        self._near = {cut: word for word in ranked for cut in _cuts(word)}

    def plain(self, text: str) -> list[str]:
        """Return the words of a folded text: expanded, corrected and put plainly."""
        words: list[str] = []
        for found in _WORD.findall(text):
            words += self._read(found)
        return self._rename(words)

    def _by_first_word(self, phrases: Sequence[tuple[str, str]]) -> dict[str, list[Phrase]]:
        """Group phrases by the word that they begin with, the longest first."""
        groups: dict[str, list[Phrase]] = {}
        for form, plain in phrases:
            key = [word for found in _WORD.findall(form) for word in self._pieces(found)]
            groups.setdefault(key[0], []).append((key, plain.split()))
        for group in groups.values():
            group.sort(key=lambda pair: -len(pair[0]))
        return groups

    def _read_once(self, found: str) -> list[str]:
        words = [word for piece in self._pieces(found) for word in self._short.get(piece, piece).split()]
        return [self._correct(word) for word in words]

    def _pieces(self, found: str) -> Iterator[str]:
        """Yield the words that stand in one: ``n/v`` stays, ``cough/fever`` is two, ``don't`` is two."""
        word = _APOSTROPHE.get(found, found)
        if word.isalnum() or word in self._joined:
            yield word
        elif "'" in word:
            yield from _contraction(word)
        else:
            yield from re.split(r"[&/+]", word)

    def _correct(self, word: str) -> str:
        """Return the word in use that is one slip away, for a word that is not known."""
        if len(word) < 5 or word in self._known or not word.isalpha() or self._english(word):
            return word
        found = (self._near[cut] for cut in _cuts(word) if cut in self._near)
        return next((near for near in found if _slip(word, near)), word)

    def _rename(self, words: list[str]) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(words):
            group = self._phrases.get(words[at], ())
            key, plain = next((pair for pair in group if words[at : at + len(pair[0])] == pair[0]), ([""], [words[at]]))
            out += plain
            at += len(key)
        return out


def _contraction(word: str) -> Iterator[str]:
    """Write a contraction out: ``don't`` is do not; ``mother's`` is mother."""
    stem, _, _ = word.partition("'")
    if word in {"can't", "won't"}:
        yield from ("can", "not") if word == "can't" else ("will", "not")
    elif ending := next((ending for ending in _ENDINGS if word.endswith(ending)), None):
        yield word.removesuffix(ending)
        if ending != "'s" or stem in _IS:
            yield _ENDINGS[ending]
    else:
        yield stem


def _cuts(word: str) -> list[str]:
    """Return a word and what is left of it without one of its letters."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def _slip(word: str, near: str) -> bool:
    """Say whether a word looks like a slip of another: a letter lost, added or swapped, or a vowel for a vowel."""
    if word[0] != near[0]:
        return False
    differing = [pair for pair in zip(word, near, strict=False) if pair[0] != pair[1]]
    return len(word) != len(near) or sorted(word) == sorted(near) or all(set(pair) <= set("aeiouy") for pair in differing)
