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
from medsim.vocabulary.whole import place_of, stands_in

_SPELLING = [
    ("haem", "hem"), ("oedema", "edema"), ("oesoph", "esoph"), ("aemia", "emia"), ("anaes", "anes"), ("paed", "ped"), ("orrhoea", "orrhea"),
    ("foet", "fet"), ("ischaem", "ischem"), ("tumour", "tumor"), ("leuk", "leuc"), ("gynaec", "gynec"), ("coeliac", "celiac"),
]  # fmt: skip
_ALTERNATIVES = re.compile(r"\s+(?:or|vs\.?|versus)\s+|\s*/\s*(?=\w{4})", re.IGNORECASE)
_LISTED = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)
_CLAUSES = re.compile(r"[,;:()]|\s-\s|\bbut\b", re.IGNORECASE)
_NEGATED_BEFORE = re.compile(
    r"\b(not|no|without|unlikely|rul(?:ed|es|ing) out|rule out|r o|exclude[sd]?|excluding|negative for|denies|less(?: likely)?|against|"
    r"history(?: of)?|previous|prior|risk(?: of)?|(?<!year )old|resolved)\b"
)
_NEGATED_AFTER = re.compile(
    r"\b(unlikely|less(?: likely)?|ruled out|excluded|rejected|absent|not$|not (?:present|likely|supported|(?:the )?cause)|in the past)\b"
)
_OPPOSITES = (("acute", "chronic"), ("left", "right"), ("type 1", "type 2"))
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
_SIGNS = {ord(sign): plain for plain, signs in (("'", "‘’ʼ`´"), ("-", "‐‑‒–—―−/")) for sign in signs}
_POSSESSIVE = re.compile(r"['’]s\b")


@lru_cache(maxsize=8192)
def folded(name: str) -> str:
    """Fold a name: case, accents, punctuation, British and American spelling."""
    text = (
        unicodedata.normalize("NFKD", name.translate(_SIGNS)).encode("ascii", "ignore").decode().lower().replace("'s", "s").replace("'", "")
    )
    text = re.sub(r"[^a-z0-9+]+", " ", text)
    for british, american in _SPELLING:
        text = text.replace(british, american)
    return " ".join(text.split())


@lru_cache(maxsize=8192)
def _core(name: str) -> str:
    return " ".join(word for word in folded(name).split() if word not in _SMALL) or folded(name)


def alternatives(ranked: Sequence[str]) -> list[str]:
    """Spread ranked names that hold several over ranks of their own: ``"PE or pneumonia"``, and a single list joined by commas."""
    parts = [part.strip() for name in ranked for part in _ALTERNATIVES.split(name) if part.strip()]
    if len(parts) == 1 and len(listed := [part.strip() for part in _LISTED.split(parts[0]) if part.strip()]) > 2:
        return listed
    return parts


def named(ranked: Sequence[str], accepted: Sequence[str], *, rank_le: int = 1) -> bool:
    """Say whether an accepted diagnosis stands among the first ranks."""
    wanted = {folded(name) for name in accepted}
    whole = any(folded(said) in wanted for said in ranked[:rank_le])
    return whole or any(names(said, accepted) for said in alternatives(ranked)[:rank_le])


def names(said: str, accepted: Iterable[str]) -> bool:
    """Say whether a phrase names one of the accepted diagnoses; Crohn's is Crohns and Crohn."""
    wanted = tuple(dict.fromkeys(form for name in accepted for form in (name, _POSSESSIVE.sub("", name))))
    return any(_names(form, wanted) for form in dict.fromkeys((said, _POSSESSIVE.sub("", said))))


def _names(said: str, accepted: Iterable[str]) -> bool:
    whole, core = folded(said), _core(said)
    clauses = [folded(clause) for clause in _CLAUSES.split(said)]
    for name in accepted:
        wanted, wanted_core = folded(name), _core(name)
        if not wanted:
            continue
        if whole == wanted:
            return True
        if _opposed(wanted, whole):
            continue
        if core == wanted_core or _inside(wanted, [*clauses, whole]) or _inside(wanted_core, [*map(_core, clauses), core]):
            return True
    return False


def _inside(phrase: str, places: Sequence[str]) -> bool:
    """Say whether a phrase stands in one of the places, not negated there; the last place is the whole, for what commas cut apart."""
    if len(phrase) < 3 or len(places[-1].split()) > len(phrase.split()) + _EXTRA_WORDS:
        return False
    found = [(place[:at], place[at + len(phrase) :]) for place in places if (at := place_of(phrase, place)) >= 0]
    return any(not (_NEGATED_BEFORE.search(before) or _NEGATED_AFTER.search(after)) for before, after in (found[:-1] or found))


def _opposed(wanted: str, said: str) -> bool:
    """Say whether what is said has the opposite of a word of the wanted name in its place."""
    for pair in _OPPOSITES:
        for mine, other in (pair, pair[::-1]):
            if stands_in(mine, wanted) and not stands_in(other, wanted) and stands_in(other, said) and not stands_in(mine, said):
                return True
    return False


def accepted(diagnosis: Named) -> tuple[str, ...]:
    """All names that count for a diagnosis, its code among them."""
    return tuple(name for name in (diagnosis.name, *diagnosis.accept, diagnosis.code or "") if name)


def is_correct(case: Case, ranked: Sequence[str], *, rank_le: int = 1) -> bool:
    """Say whether the case's diagnosis stands among the first ranks."""
    return named(ranked, accepted(case.outcome.diagnosis), rank_le=rank_le)
