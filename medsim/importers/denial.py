"""What case notes say is not there: "Denies fever", "No history of trauma", "Non-smoker".

The rule: a sentence counts as negative only where it says nothing else besides.
"""

from __future__ import annotations

import re

ADVERB = (
    r"(?:also|currently|recently|now|previously|occasionally|regularly|additionally|further|specifically|rarely|never|always|only|"
    r"often)"
)
"""Adverbs that may stand between a subject and its verb."""

_NEGATIVE = re.compile(
    r"\W*(?:there (?:is|are|was|were) no|no|not|never|without|denies|denied|negative for|none|non-?smoker|does not|do not|"
    r"did not|has not|have not|has no|"
    r"(?:the )?patient (?:denies|denied|does not|has no|did not|has not)|(?:he|she) (?:denies|denied|does not|has no|did "
    r"not|has not)|unremarkable|"
    r"(?:past|previous) medical history is unremarkable|otherwise healthy|generally healthy)\b",
    re.I,
)
_POSITIVE = re.compile(
    r"(?:,|\.|;|\band\b|\bbut\b|\bexcept\b)\s*(?:but |and |also |occasional(?:ly)? |moderate |regular(?:ly)? |rarely |retired )*"
    r"(?:drinks?|works?|lives?|smokes?|uses?|takes?|reports?|alcohol use|recurrent|has|had|for|managed|currently|teacher|"
    r"school|engineer|mentions|complains)\b|"
    r"\b(?:except for|other than|apart from|aside from|only significant|until)\b",
    re.I,
)
GOES_ON = re.compile(r"(?:,|;|\band|\bbut)\s+(?:also |she |he |does|has|is|reports?|notes?|mentions?|states?|complains?|admits?)", re.I)
"""A denial after which the sentence goes on to something else."""
_DENIES = re.compile(
    rf"\W*(?:(?:{ADVERB}|specifically|he|she|patient|the patient)\s+)*(?:denies|denied|denying)\s+(?P<what>(?!that\b).+)",
    re.I | re.S,
)


def denial(text: str) -> str | None:
    """Return what a sentence denies: ``"Denies having fever or cough."`` -> ``"fever or cough"``; None where it denies nothing."""
    match = _DENIES.match(text)
    if not match:
        return None
    what = re.sub(r"\A(?:(?:having|experiencing|feeling|any history of|any|no|an?|the)\s+)+", "", match["what"].strip(), flags=re.I)
    return what.strip(" .") or None


def refuted(what: str) -> str:
    """Say of something that it is not so: ``"fever"`` -> ``"No fever"``, ``"using alcohol"`` -> ``"Not using alcohol"``."""
    return f"{'Not' if re.match(r'(?:using|taking|smoking|drinking|eating|being|being)', what, re.I) else 'No'} {what}"


def negates(text: str) -> bool:
    """Say whether a sentence only says what is not there: ``"No fever"``, not ``"Non-smoker, drinks wine"``."""
    return bool(_NEGATIVE.match(text)) and not _POSITIVE.search(text)
