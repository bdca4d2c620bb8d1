"""Hints: sentences in which a controller stops reporting and starts to teach.

The rule: a report says what is; a hint says what the doctor ought to do, or speaks of the exercise itself. Only the wording is judged.
"""

from __future__ import annotations

import re

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_WHO = r"(?:you|the (?:doctor|physician|clinician|learner|candidate|examinee|team|resident|student|trainee))"
_ADVICE = re.compile(
    rf"\b{_WHO}\s+(?:\w+\s+){{0,2}}?(?:should|shall|must|ought|could|might|may (?:want|wish|need)|need(?:s)? to|ha(?:s|ve) to|forgot|failed to"
    r"|did not|didn't|still need)\b"
    r"|\b(?:please )?(?:consider|remember to|don't forget|do not forget|be sure to|make sure)\b"
    r"|\bit (?:would|might|may) be (?:wise|useful|helpful|appropriate|advisable|best|good) to\b"
    r"|\b(?:is|are) (?:advised|recommended|suggested|still (?:needed|missing|required))\b"
    r"|\b(?:next|correct|right|expected) (?:step|action|answer|diagnosis|move) (?:is|would be|should)\b"
    r"|\byour score\b|\bscor(?:e|ing) sheet\b|\bhints?\b|\bchecklist\b|\brubric\b|\bfull (?:marks|credit)\b|\bprogress index\b|\bsimulation script\b",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:reports?|says?|asks?|impression|radiologist|pathologist|consultant|cardiologist|surgeon)\b[^.]*:", re.IGNORECASE
)


def advice(text: str) -> tuple[str, ...]:
    """The sentences of a text that advise the doctor. What a colleague or a report is quoted as saying is part of the scene."""
    found = (sentence.strip() for sentence in _SENTENCE.split(text))
    return tuple(sentence for sentence in found if _ADVICE.search(sentence) and not _REPORTED.search(sentence))


def without(text: str, sentences: tuple[str, ...]) -> str:
    """The text without those sentences."""
    kept = [part.strip() for part in _SENTENCE.split(text) if part.strip() and part.strip() not in sentences]
    return " ".join(kept)
