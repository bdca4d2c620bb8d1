"""The verifier: nothing may be said that was not released.

The rule: a sentence is judged against the facts released so far and the doctor's own words; a number, drug, symptom or secret that
stands in neither is a fault, and so is any talk of scripts or models.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from medsim import document, library, vocabulary
from medsim.patient.fitting import FILES
from medsim.vocabulary.whole import stands_in

_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_WORDS = re.compile(r"[a-z][a-z'-]+")
_META = re.compile(
    r"\b(language model|as an ai|an ai|artificial intelligence|chatbot|my script|the script|simulat\w+|standardi[sz]ed patient|role[- ]?play\w*|"
    r"not provided|the prompt|my instructions|openai|rubric)\b",
    re.IGNORECASE,
)


@cache
def _drug_words() -> frozenset[str]:
    names = (name for entry in vocabulary.entries().values() if entry.kind == "treat" for name in (entry.name, *entry.synonyms))
    return frozenset(name.lower() for name in names if " " not in name and len(name) > 4)


@cache
def _symptom_words() -> frozenset[str]:
    """Single words that name a symptom: the terse exemplars ("fever?") of symptom topics."""
    found: set[str] = set()
    for file in FILES:
        for topic in document.read(library.vocabulary(file)).data["entries"]:
            if topic.get("symptom"):
                terse = (ask.strip(" ?.").lower() for ask in topic["ask"])
                found.update(word for word in terse if " " not in word and len(word) > 4)
    return frozenset(found)


def secrets_said(text: str, *, secrets: Iterable[str], doctor: str) -> list[str]:
    """Name the secret terms in a text that the doctor has not said first. Only the controller knows the terms."""
    low, heard = text.lower(), doctor.lower()
    return [term for term in secrets if stands_in(term.lower(), low) and not stands_in(term.lower(), heard)]


def faults(text: str, *, released: Iterable[str], doctor: str) -> list[str]:
    """Name what a reply says that it may not; an empty list is a clean reply."""
    found = []
    if _META.search(text) and not _META.search(doctor):
        found.append("meta: talk of scripts or models")
    low = text.lower()
    numbers, words = set(_NUMBER.findall(text)), set(_WORDS.findall(low))
    drugs, symptoms = words & _drug_words(), {word for word in words & _symptom_words() if not _denied(word, low)}
    if not (numbers or drugs or symptoms):
        return found
    allowed = " ".join((*released, doctor)).lower()
    found += [f"number: {number}" for number in sorted(numbers - set(_NUMBER.findall(allowed)))]
    for sort, given in (("drug", drugs), ("symptom", symptoms)):
        found += [f"{sort}: {word}" for word in sorted(given) if not stands_in(word, allowed)]
    return found


def _denied(word: str, text: str) -> bool:
    return re.search(rf"(?:\b(?:no|not|never|without|any)\b|n't\b)[^.;!?]*\b{re.escape(word)}", text) is not None
