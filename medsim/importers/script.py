"""The patient's script: sections of case notes become facts.

The rule: one sentence or list item is one fact, told in the order of the source; a fact that names the diagnosis is never told.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from medsim.case.person import Fact, Tier
from medsim.importers import clues
from medsim.importers.denial import denial
from medsim.importers.speech import REPORTED, Said, Voice
from medsim.importers.text import is_cut, label, leaves, sentence, sentences, uncapital

MAX_FACTS = 200
MAX_CHARS = 60_000

_SECTION = (
    ("meds", r"medic(?!al)|drug|prescri|treatment"), ("allergy", r"allerg"), ("family", r"family"),
    ("pmh", r"past|medical|surgical|obstetric|birth|psychiatric"),
    ("social", r"social|occupation|sexual|travel|lifestyle|substance|interests"),
    ("ros", r"review|systems"), ("history", r"history|present"),
)  # fmt: skip
_EMPTY = re.compile(
    r"(?:n\.?/?a\.?|none|nil|unknown|-+)(?: for .*| given .*)?\W*\Z|not (?:applicable|provided|specified|available|"
    r"mentioned|given|reported)\b.*|"
    r"(?:no|patient)?\s*(?:other |additional |further |relevant |significant |pertinent |detailed |specific )*(?:systemic )?"
    r"(?:social |medical |past medical |family |occupational |patient )*(?:history|information|details?|symptoms?|findings?|"
    r"review|system review|complaints?)"
    r"(?: on [\w ]+)?(?: related to [\w ]+)?\s*(?:were |was |is |are |other )*"
    r"(?:not )?(?:provided|mentioned|specified|available|applicable|given|documented)\b.*|does not specify\b.*|no mention "
    r"of\b.*|.*\bnot specified\W*\Z",
    re.I,
)


class Script(NamedTuple):
    """Facts in order, with flags about what had to be kept, cut or left out."""

    facts: tuple[Fact, ...]
    flags: tuple[str, ...]


class Writer:
    """Collects the facts of one patient."""

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.facts: list[Fact] = []
        self.flags: list[str] = []
        self._counts: Counter[str] = Counter()
        self._chars = 0

    def write(self, section: str, value: object, *, tier: Tier = "ask") -> None:
        """Write a section of any shape: each sentence of each leaf is a fact."""
        for leaf in leaves(value):
            if is_cut(leaf.text):
                self.flags.append("cut")
            inner = self._kind(leaf.path[-1], section) if leaf.path else section
            for text in sentences(leaf.text):
                self._sentence(inner, text, tier)

    def symptoms(self, value: object, *, tier: Tier, primary: bool = False) -> None:
        """Write symptoms as listed."""
        for leaf in leaves(value):
            for text in sentences(leaf.text):
                said = self.voice.symptom(text.strip(" ."))
                if primary and not said.reported and not said.negative and not clause(text):
                    said = Said(
                        f"{'My' if self.voice.own else 'The'} main problem is {uncapped(re.sub('^presence of ', '', text, flags=re.I))}."
                    )
                self.add("symptom", "primary" if primary else "secondary", said, tier)

    def _sentence(self, section: str, text: str, tier: Tier) -> None:
        if _EMPTY.match(text):
            self.flags.append(f"not_given:{section}")
            return
        for part in denied_parts(text):
            self.add(section, section, Said(sentence(f"No {part}"), True), tier)
            text = ""
        if text:
            self.add(section, section, self._said(section, text), tier)

    def _said(self, section: str, text: str) -> Said:
        said = self.voice.tell(text)
        bare = text.strip(" .")
        if (
            section == "meds"
            and not said.negative
            and len(bare.split()) <= 5
            and not re.search(r"\b(?:started|stopped|takes?|taking)\b", bare, re.I)
        ):
            return Said(sentence(f"{self.voice.me} {'take' if self.voice.own else 'takes'} {bare[:1].lower() + bare[1:]}"))
        if (
            section == "pmh"
            and not said.negative
            and not said.reported
            and len(bare) <= 60
            and not re.search(
                r"\b(?:is|was|are|were|had|has|have|born|underwent|being|included|significant|generally|newborn|family|"
                r"birth|his|her|him)\b|\A\w+ed\b",
                bare,
                re.I,
            )
        ):
            verb = ("have " if self.voice.own else "has ") + ("a " if bare.lower().startswith("history of") else "had ")
            return Said(sentence(f"{self.voice.me} {verb}{uncapped(bare)}"))
        return said

    def add(self, section: str, prefix: str, said: Said, tier: Tier) -> None:
        """Add one fact; a text told already is not told twice."""
        text = said.text
        if not re.search(r"\w", text):
            return
        if len(self.facts) >= MAX_FACTS or self._chars + len(text) > MAX_CHARS:
            self.flags.append("cut")
            return
        if any(text in fact.say for fact in self.facts):
            return
        self._chars += len(text)
        self._counts[prefix] += 1
        topics = clues.topics(text.removeprefix(REPORTED.format("")), section)
        marks = {name: True for name, set_ in (("negative", said.negative), ("loose", bool(topics))) if set_}
        self.facts.append(Fact(id=f"{prefix}_{self._counts[prefix]}", topics=topics, tier=tier, say=(text,), **marks))  # type: ignore[arg-type]
        if said.reported:
            self._counts["third person"] += 1

    @staticmethod
    def _kind(key: str, section: str) -> str:
        if section not in {"other", "pmh", "social"}:
            return section
        return next((kind for kind, pattern in _SECTION if re.search(pattern, label(key), re.I)), section)

    def script(self) -> Script:
        """Return what was written."""
        third = self._counts["third person"]
        flags = [*self.flags, *([f"third_person:{third}"] if third else []), *([] if self.facts else ["no_history"])]
        return Script(tuple(self.facts), tuple(dict.fromkeys(flags)))


def section_of(key: str) -> str:
    """Return the section a key of the patient's script belongs to; ``other`` where its name does not say."""
    return next((kind for kind, pattern in _SECTION if re.search(pattern, label(key), re.I)), "other")


def uncapped(text: str) -> str:
    """Lower the first letter of a phrase inside a sentence."""
    return uncapital(text.strip(" ."))


def clause(text: str) -> bool:
    """Say whether a symptom is told as a clause, not named."""
    return bool(re.search(r"\b(?:is|are|was|were|has|have|reports?|denies|noticed|worsens)\b", text))


def denied_parts(text: str) -> list[str]:
    """Part a denial of several symptoms into one each; empty where it is none, or where a part is not a symptom of its own."""
    what = denial(text)
    if what is None or "," not in what or re.search(r"\b(?:but|except|other than|apart from|although|which|reports|has|is)\b", what, re.I):
        return []
    parts = [
        re.sub(r"\A(?:any |recent |known )+", "", part.strip()) for part in re.split(r",\s*(?:and/or |and |or )?", what) if part.strip()
    ]
    return parts if len(parts) > 1 and all(clues.symptom(part) for part in parts) else []
