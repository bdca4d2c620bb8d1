"""Medication safety over a running encounter: every drug that is given, held against what the case tells of the person.

The rule: a finding belongs to the event of the drug that made it; what the doctor says makes nothing safe and nothing unsafe.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from medsim.case import Case
from medsim.dose import dose_args
from medsim.safety.background import background
from medsim.safety.check import Drug, Finding, check, lexicon, of_entry
from medsim.trajectory import Event
from medsim.vocabulary import entries


class Unsafe(NamedTuple):
    """A finding, and the event it belongs to."""

    seq: int
    finding: Finding


class Watch:
    """Follows one encounter: feed it events, read what was unsafe."""

    def __init__(self, case: Case) -> None:
        self.known = background(case)
        self.found: list[Unsafe] = []

    def feed(self, events: Iterable[Event]) -> list[Unsafe]:
        """Take in events; return what is unsafe in them."""
        new: list[Unsafe] = []
        for event in events:
            if event.kind != "treat" or event.actor != "doctor":
                continue
            for given in _given(event, self.known.weight_kg):
                new += [Unsafe(event.seq, finding) for finding in check(given, self.known)]
                self.known = self.known.with_drugs(given)
        self.found += new
        return new


def _given(event: Event, weight_kg: float | None) -> list[Drug]:
    """The drugs of an order; where a controller answers, its words alone say which."""
    if event.code:
        shared = entries().get(event.code)
        return [Drug(event.code, tuple(dict.fromkeys((*event.groups, *(shared.groups if shared else ())))), event.args)]
    found = lexicon().resolve_all("treat", event.text[:500])
    return [of_entry(hit.entry, dose_args(words, weight_kg=weight_kg)) for words, hit in found if hit.entry and hit.entry.kind == "treat"]


def review(case: Case, events: Iterable[Event]) -> list[Unsafe]:
    """Everything that was unsafe in an encounter."""
    return Watch(case).feed(events)
