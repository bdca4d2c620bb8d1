"""What an author answers before writing a case, and how an answer is checked.

The rule: every answer has a default that makes a whole case, and none of them pretends to be medicine: what is not known yet says that it is
to be written. An answer without meaning is refused with the nearest name that has one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medsim.action import MAX_CHARS
from medsim.case.body import Dose
from medsim.consult import DISPOSITIONS
from medsim.dose import dose_args
from medsim.errors import CaseError, did_you_mean
from medsim.vocabulary import Entry, Lexicon

OPEN = "to be written"
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What an author knows before writing. Every field has a default that makes a whole case."""

    id: str = "my-first-case"
    title: str = ""
    """Left out: the opening."""
    name: str = "Alex Morgan"
    age: int = 46
    sex: str = "female"
    setting: str = "ed"
    specialty: Sequence[str] = ("general medicine",)
    reason: str = "Feels unwell since this morning"
    opening: str = "I don't feel right, doctor. I thought I had better come."
    worry: str = "That it is something serious."
    secret: str = "I have felt it for a week. I told nobody, I was afraid of what you would find."
    diagnosis: Sequence[str] = ("diagnosis to be named",)
    rival: str = "dangerous alternative to be named"
    examine: str = "general appearance"
    sign: str = f"What the doctor finds here is {OPEN}."
    test: str = "full blood count"
    result: str = f"What this test shows is {OPEN}."
    treatment: str = "paracetamol 1 g po"
    avoid: str = "ibuprofen"
    why: str = f"Why this harms the patient is {OPEN}."
    dispose: str = "ward"
    source: str = f"Guideline {OPEN}: the one this case follows"
    author: str = f"author {OPEN}"
    created: str = "2026-01-01"


def clean(text: str, *, limit: int = MAX_CHARS) -> str:
    """Return text on one line, without letters that cannot be seen."""
    seen = "".join(" " if letter.isspace() else letter for letter in text)
    return " ".join("".join(letter for letter in seen if unicodedata.category(letter) not in _UNSEEN).split())[:limit]


def named(kind: str, words: str) -> Entry:
    """Return the shared entry that words name; CaseError with the nearest names where there is none."""
    kinds = {"treat": ("treat", "procedure")}.get(kind, (kind,))
    found = Lexicon().resolve(kind, words)
    if found.entry and found.entry.kind in kinds:
        return found.entry
    thing = {"order": "test", "treat": "treatment", "examine": "examination"}[kind]
    near = f" Near: {', '.join(found.offered)}." if found.offered else ""
    raise CaseError(f"No {thing} '{words}' in the shared vocabulary.{near} Choose one now; the file can name one of your own later.")


def amount(words: str) -> dict[str, Any]:
    """Return the doses and the route of a treatment; empty for a procedure, CaseError for a drug without an amount."""
    entry = named("treat", words)
    if entry.kind == "procedure":
        return {}
    args = {name: value for name, value in dose_args(words).items() if name in Dose.model_fields}
    if not set(args) - {"route"}:
        raise CaseError(f"'{words}' says no amount. Write drug, dose and route as a doctor would, e.g. paracetamol 1 g po.")
    return args


def place_of(words: str) -> str:
    """Return the code of a disposition."""
    wanted = words.lower().strip(" .")
    for code, names in DISPOSITIONS.items():
        if wanted == code or wanted in names:
            return code
    raise CaseError(f"No place '{words}' to send a patient to.{did_you_mean(wanted, DISPOSITIONS)} One of: {', '.join(DISPOSITIONS)}.")
