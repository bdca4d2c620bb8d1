"""Names of entries for looking up what words mean, and the forms of words that are looked up.

The rule: a name is compared without the words that say nothing of what is meant; a slip is forgiven in none of its short words and numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache

from medsim.dose import drug_words
from medsim.vocabulary.entry import Entry, bare_form, entries, normal_form

_AMOUNT = re.compile(r"\b\d[\d.,]*\s*(?:micrograms?|mcg|mg|g|ml|l|litres?|units?|iu|mmol|meq|puffs?)\b(?:\s*/\s*\w+)*", re.IGNORECASE)
REFRAIN = re.compile(
    r"\b(?:no|not|never|don't|dont|stop|hold|withhold|avoid|omit|cease|discontinue|cancel|without|instead of|rather than)\b", re.IGNORECASE
)
"""Words that say what is not to be given or done."""


@dataclass(slots=True)
class Index:
    """Names of one set of entries, for looking up what words mean."""

    by_name: dict[str, Entry] = field(default_factory=dict)
    by_bare: dict[str, Entry] = field(default_factory=dict)
    longest: int = 1

    def add(self, entry: Entry) -> None:
        """Add an entry under its code, name and synonyms; the first to claim a name keeps it."""
        code = entry.code.removeprefix("exam.").replace(".", " ")
        for name in (entry.code, code, entry.name, *entry.synonyms):
            full, bare, length = _forms(name)
            self.by_name.setdefault(full, entry)
            if bare:
                self.by_bare.setdefault(bare, entry)
            self.longest = max(self.longest, length)


@lru_cache(maxsize=8192)
def _forms(name: str) -> tuple[str, str, int]:
    """A name as it is compared, its bare words, and how many words it has; many cases have the same names."""
    full = normal_form(name)
    return full, bare_form(name), len(full.split())


FAMILY = {"examine": "examine", "treat": "treat", "order": "order", "procedure": "procedure", "consult": "procedure"}


def indexed(pool: Iterable[Entry]) -> dict[str, Index]:
    """Gather entries by family."""
    indexes = {family: Index() for family in FAMILY.values()}
    for entry in pool:
        indexes[FAMILY[entry.kind]].add(entry)
    return indexes


@cache
def shared_indexes() -> dict[str, Index]:
    """The shared entries by family."""
    return indexed(entries().values())


def drug_forms(words: str) -> tuple[str, ...]:
    """The words of a treatment as they stand, without amounts, and without routes and how-to: some names hold a route or a number."""
    return tuple(dict.fromkeys((words, _AMOUNT.sub(" ", words), drug_words(words))))


def marks(text: str) -> list[str]:
    """The short words and numbers of a name, in which no slip is forgiven: hepatitis b and c, dextrose 5% and 50%, penicillin v and g."""
    return [token for token in text.split() if len(token) < 3 or not token.isalpha()]


@cache
def groups() -> frozenset[str]:
    """The groups of drugs that the shared vocabulary knows."""
    return frozenset(group for entry in entries().values() if entry.kind == "treat" for group in entry.groups)


def singular(words: str) -> tuple[str, ...]:
    """Words as the name of a group of drugs, one of them and as they stand: ``"ACE inhibitors"`` -> ``ace_inhibitor``."""
    name = normal_form(words).replace(" ", "_")
    return name, name.removesuffix("s")


def wanted_part(words: str, family: str) -> str:
    """The words up to where they say what is not wanted; of tests only a beginning counts ("CT without contrast" is a test)."""
    found = REFRAIN.search(words)
    if found is None or (family != "treat" and bare_form(words[: found.start()])):
        return words
    return re.sub(r"[\s,;]*\b(?:but|and|with)?\s*\Z", "", words[: found.start()])
