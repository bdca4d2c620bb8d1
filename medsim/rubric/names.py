"""Whether the words of a diagnosis name an accepted one.

The rule: names are compared by their words, spelling variants folded; a name inside a longer phrase counts, a list of alternatives in
one breath does not count as one diagnosis, and a negated name does not count at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from medsim.case import Case
from medsim.case import Diagnosis as Named

_SPELLING = [
    ("haem", "hem"), ("oedema", "edema"), ("oesoph", "esoph"), ("aemia", "emia"), ("anaes", "anes"), ("paed", "ped"), ("orrhoea", "orrhea"),
    ("foet", "fet"), ("ischaem", "ischem"), ("tumour", "tumor"), ("leuk", "leuc"), ("gynaec", "gynec"), ("coeliac", "celiac"),
]  # fmt: skip
_ALTERNATIVES = re.compile(r"\s+(?:or|vs\.?|versus)\s+|\s*/\s*(?=\w{4})", re.IGNORECASE)
_NEGATED = re.compile(r"\b(not|no|without|unlikely|ruled out|rule out|exclude[sd]?|excluding|negative for|denies)\b[^,]*$")
_SMALL = {
    "a",
    "an",
    "the",
    "of",
    "with",
    "due",
    "to",
    "and",
    "acute",
    "probable",
    "likely",
    "suspected",
    "presumed",
    "possible",
    "secondary",
}
_EXTRA_WORDS = 10


@lru_cache(maxsize=8192)
def folded(name: str) -> str:
    """Fold a name: case, accents, punctuation, British and American spelling."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower().replace("'s", "s").replace("'", "")
    text = re.sub(r"[^a-z0-9+]+", " ", text)
    for british, american in _SPELLING:
        text = text.replace(british, american)
    return " ".join(text.split())


@lru_cache(maxsize=8192)
def _core(name: str) -> str:
    return " ".join(word for word in folded(name).split() if word not in _SMALL) or folded(name)


def alternatives(ranked: Sequence[str]) -> list[str]:
    """Spread ranked names that hold several (``"PE or pneumonia"``) over ranks of their own."""
    return [part.strip() for name in ranked for part in _ALTERNATIVES.split(name) if part.strip()]


def names(said: str, accepted: Iterable[str]) -> bool:
    """Say whether a phrase names one of the accepted diagnoses."""
    whole, core = folded(said), _core(said)
    for name in accepted:
        wanted, wanted_core = folded(name), _core(name)
        if not wanted:
            continue
        if whole == wanted or core == wanted_core:
            return True
        for phrase, hay in ((wanted, whole), (wanted_core, core)):
            if len(phrase) < 3 or len(hay.split()) > len(phrase.split()) + _EXTRA_WORDS:
                continue
            at = re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", hay)
            if at and not _NEGATED.search(whole[: whole.find(phrase.split()[0])] if phrase.split()[0] in whole else hay[: at.start()]):
                return True
    return False


def accepted(diagnosis: Named) -> tuple[str, ...]:
    """All names that count for a diagnosis, its code among them."""
    return tuple(name for name in (diagnosis.name, *diagnosis.accept, diagnosis.code or "") if name)


def is_correct(case: Case, ranked: Sequence[str], *, rank_le: int = 1) -> bool:
    """Say whether the case's diagnosis stands among the first ranks."""
    return any(names(said, accepted(case.outcome.diagnosis)) for said in alternatives(ranked)[:rank_le])
