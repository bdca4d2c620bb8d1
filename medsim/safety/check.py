"""Whether an order is safe for a person: a pure function over what is known and what is ordered.

The rule: what is not known triggers nothing, and nothing is judged by the words of an order that was refused or never given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from medsim.dose import dose_args
from medsim.errors import ActionError
from medsim.safety.content import Row, Severity, content, rows_of
from medsim.vocabulary import Entry, Lexicon, entries

GRAVITY: dict[str, int] = {"contraindicated": 2, "major": 1}


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug that is ordered or taken: its code, its groups, and the arguments of its dose."""

    code: str
    groups: tuple[str, ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tags(self) -> frozenset[str]:
        """Code and groups."""
        return frozenset((self.code, *self.groups))


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known of a person. Words of allergies and conditions stand as they were said; None is not known."""

    allergies: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    drugs: tuple[Drug, ...] = ()
    pregnant: bool | None = None
    age: float | None = None
    """Years."""
    weight_kg: float | None = None
    egfr: float | None = None
    """mL/min/1.73 m2."""

    def with_drugs(self, *drugs: Drug) -> Background:
        """The same person, who now also has these."""
        return replace(self, drugs=(*self.drugs, *drugs))


class Finding(NamedTuple):
    """Why an order is unsafe."""

    row: str
    kind: str
    severity: Severity
    drug: str
    because: str
    """The other drug, the condition, the allergy, the number."""
    why: str
    sources: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.severity}: {self.drug}, {self.because}: {self.why} [{'; '.join(self.sources)}]"


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shared vocabulary, without a case."""
    return Lexicon()


def drug(words: str, *, weight_kg: float | None = None) -> Drug:
    """Read a drug as a doctor writes it (``"ibuprofen 400 mg po"``); ActionError where none is named."""
    found = lexicon().resolve("treat", words)
    if found.entry is None or found.entry.kind != "treat":
        near = f" Nearest: {', '.join(found.offered)}." if found.offered else ""
        raise ActionError(f"'{words[:80]}' names no drug of the vocabulary.{near}")
    return of_entry(found.entry, dose_args(words, weight_kg=weight_kg))


def of_entry(entry: Entry, args: Mapping[str, Any] | None = None) -> Drug:
    """A drug of the vocabulary."""
    return Drug(entry.code, entry.groups, dict(args or {}))


def check(ordered: Drug, known: Background) -> tuple[Finding, ...]:
    """Return every finding on an order, the gravest first; empty where nothing is known against it."""
    seen: dict[str, Finding] = {}
    for tag in sorted(ordered.tags):
        for kind, row in rows_of(tag):
            if row.id not in seen and (because := _holds(row, ordered, known)):
                sources = tuple(_titles()[name] for name in row.sources)
                seen[row.id] = Finding(row.id, kind, row.severity, ordered.code, because, row.why, sources)
    own = next((said for said in known.allergies if ordered.code in _tags_of(said)), None)
    if own and not any(finding.kind == "allergies" for finding in seen.values()):
        why, source = "allergic to this very drug", "the person's own history"
        seen["allergy_itself"] = Finding(
            "allergy_itself", "allergies", "contraindicated", ordered.code, f"allergy to {own}", why, (source,)
        )
    return tuple(sorted(seen.values(), key=lambda finding: (-GRAVITY[finding.severity], finding.row)))


@lru_cache(maxsize=1)
def _titles() -> dict[str, str]:
    return {source.id: f"{source.title}, {source.year}" for source in content().sources}


def _holds(row: Row, ordered: Drug, known: Background) -> str:
    """Why a row holds, in words; empty where it does not."""
    asked_of: tuple[tuple[object, Callable[[], str]], ...] = (
        (row.with_, lambda: _partner(row, ordered, known.drugs)),
        (row.condition, lambda: condition_among(row.condition, known.conditions)),
        (row.allergy, lambda: _allergy(row.allergy, known.allergies)),
        (row.egfr_below, lambda: _below("eGFR", known.egfr, row.egfr_below)),
        (row.pregnant, lambda: "pregnancy" if known.pregnant else ""),
        (row.age_below, lambda: _below("age", known.age, row.age_below)),
        (row.age_from, lambda: f"age {known.age:g}" if known.age is not None and known.age >= (row.age_from or 0) else ""),
        (row.over, lambda: _over(row.over, ordered.args)),
    )
    if not row.with_ and ordered.tags.isdisjoint(row.drugs):
        return ""
    reasons: list[str] = []
    for asked, reason in asked_of:
        if asked:
            found = reason()
            if not found:
                return ""
            reasons.append(found)
    if (row.route and ordered.args.get("route") not in row.route) or (row.unless and condition_among(row.unless, known.conditions)):
        return ""
    return ", ".join(reasons)


def _partner(row: Row, ordered: Drug, taken: Sequence[Drug]) -> str:
    for one, other in ((row.drugs, row.with_), (row.with_, row.drugs)):
        if not ordered.tags.isdisjoint(one):
            found = next((drug.code for drug in taken if drug.code != ordered.code and not drug.tags.isdisjoint(other)), "")
            if found:
                return f"with {found}"
    return ""


def condition_among(wanted: Iterable[str], said: Iterable[str]) -> str:
    """The first of the conditions that the words name; empty where none does."""
    words = [_plain(text) for text in said]
    for condition in wanted:
        names = (_plain(name) for name in (condition, *content().conditions[condition]))
        if any(f" {name} " in f" {text} " for name in names for text in words):
            return condition.replace("_", " ")
    return ""


def _allergy(wanted: Sequence[str], said: Iterable[str]) -> str:
    return next((f"allergy to {words}" for words in said if not _tags_of(words).isdisjoint(wanted)), "")


@lru_cache(maxsize=1024)
def _tags_of(words: str) -> frozenset[str]:
    """What an allergy's words stand for: the drug's code and groups, and each word in the singular."""
    plain = _plain(words)
    singular = {word.removesuffix("s") for word in plain.split()}
    found = entries().get(words) or lexicon().resolve("treat", words).entry
    return frozenset((*((found.code, *found.groups) if found and found.kind == "treat" else ()), *singular, plain.replace(" ", "_")))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w'/.-]+", " ", text.lower().replace("_", " ")).split()).strip(". ")


def _below(name: str, value: float | None, bound: float | None) -> str:
    return f"{name} {value:g}" if value is not None and bound is not None and value < bound else ""


def _over(bounds: Mapping[Any, float], args: Mapping[str, Any]) -> str:
    for name, bound in bounds.items():
        value = args.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value > bound * (1 + 1e-6):
            return f"{name.replace('_', ' ')} {value:g}, at most {bound:g}"
    return ""
