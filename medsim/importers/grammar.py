"""The grammar that turning case notes into speech needs: verbs, pronouns, people.

The rule: a verb that does not stand here and is no past form is not understood, and what is not understood is not turned.
"""

from __future__ import annotations

import re

from medsim.case.person import Sex

_VERBS_TEXT = """
report note state mention say recall describe indicate endorse acknowledge deny work live smoke drink take use feel believe
know enjoy attend consume play go wake eat sleep admit complain present wear own keep like think want need try find walk run
exercise travel suffer experience remember worry get see hear show exhibit appear perform express dress seek speak manage
start begin continue avoid prefer maintain seem lack spend practice study teach weigh cite sit notice
"""
_PAST_TEXT = """
was had felt began took went became fell ate drank woke lost quit saw got found left came ran grew underwent did said told
gave made kept could can would will may might should cannot must used thought knew met sought drove broke hurt cut hit bit
slept heard wore spent taught
"""
_ANYONE_TEXT = """
partner friend member player doctor physician roommate coworker colleague parent spouse relative sibling teacher boss
neighbor neighbour
"""
REPORT = (
    r"(?:reports?|notes?|states?|mentions?|says?|recalls?|describes?|indicates?|endorses?|acknowledges?|reported|noted|stated|"
    r"mentioned)"
)
THIRD = {
    re.sub(r"(?<=[^aeiou])ys\Z", "ies", f"{verb}es" if verb.endswith(("o", "ss")) else f"{verb}s"): verb for verb in _VERBS_TEXT.split()
}
THIRD |= {"has": "have", "does": "do", "is": "am", "hasn't": "haven't", "doesn't": "don't", "isn't": "am not"}
AMBIGUOUS = {
    "is",
    "states",
    "notes",
    "plays",
    "starts",
    "walks",
    "sleeps",
    "presents",
    "exercises",
    "isn't",
}
_PAST = frozenset(_PAST_TEXT.split())
PEOPLE = {
    "female": ["mother", "wife", "sister", "daughter", "aunt", "grandmother", "girlfriend", "woman", "girl", "niece"],
    "male": ["father", "husband", "brother", "son", "uncle", "grandfather", "boyfriend", "man", "boy", "nephew"],
}
ANYONE = tuple(_ANYONE_TEXT.split())
"""People of either sex."""


def first_person(verb: str) -> str | None:
    """Return the first person of a verb, or None where it is not understood."""
    low = verb.lower()
    if low in THIRD:
        return THIRD[low]
    return low if low in _PAST or low.endswith("ed") or low in THIRD.values() else None


def spelled(span: str) -> str:
    """Spell a span: ``2-day`` -> ``2 days``."""
    number, unit = re.split(r"[- ]", span, maxsplit=1)
    return f"{number} {unit}" if number in {"1", "one"} else f"{number} {unit}s"


def guessed(text: str) -> Sex:
    """The sex by pronouns, for grammar only."""
    counts = {
        "female": len(re.findall(r"\b(?:she|her|herself)\b", text, re.I)),
        "male": len(re.findall(r"\b(?:he|his|him|himself)\b", text, re.I)),
    }
    if bool(counts["female"]) == bool(counts["male"]):
        return "unknown"
    return "female" if counts["female"] else "male"
