"""The Bundle that is being written: ids, references, times, who made what.

The rule: every id depends on the trajectory and the place in it alone, so that writing it again gives the same bytes.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from medsim.case import Case
from medsim.errors import CaseError, StoreError
from medsim.fhir.values import OWN, RXNORM, Resource, concept, plain
from medsim.trajectory import Event, Trajectory
from medsim.vocabulary import Entry, Lexicon, entries

_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:medsim:fhir")
TAG = {"system": "urn:medsim", "code": "agent"}
"""Marks what the agent made."""
Maker = Literal["agent", "simulator", ""]


class Visit:
    """One visit of a trajectory: its first event, and when it begins."""

    def __init__(self, event: Event, start: datetime) -> None:
        self.event, self.start = event, start
        self.events: list[Event] = []

    def at(self, t: int) -> str:
        """An instant: the visit's beginning and the seconds since."""
        when = self.start + timedelta(seconds=t - self.event.t)
        return when.isoformat(timespec="seconds").replace("+00:00", "Z")


class Outgoing:
    """Resources of one trajectory, in order, with their urn:uuid."""

    def __init__(self, trajectory: Trajectory, case: Case | None) -> None:
        if case is not None and case.hash != trajectory.case_hash:
            raise CaseError(
                f"Case '{case.id}' has hash {case.hash}, the trajectory was made with {trajectory.case_hash}. Give that version, or no case."
            )
        self.trajectory, self.case = trajectory, case
        self.visits = _visits(trajectory)
        self.made: dict[Maker, list[Resource]] = {"agent": [], "simulator": [], "": []}
        self.entries: list[Resource] = []
        self._lexicon = Lexicon(case) if case is not None else None

    def urn(self, key: str) -> str:
        """The urn:uuid of a place in this trajectory."""
        return f"urn:uuid:{uuid.uuid5(_SPACE, chr(31).join((self.trajectory.run, self.trajectory.id, key)))}"

    def to(self, key: str) -> Resource:
        """A reference to what stands, or will stand, at a place."""
        return {"reference": self.urn(key)}

    def add(self, kind: str, key: str, body: Resource, *, by: Maker = "") -> Resource:
        """Write one resource; return a reference to it."""
        urn = self.urn(key)
        meta = {"meta": {"tag": [TAG]}} if by == "agent" else {}
        resource = {"resourceType": kind, "id": urn.removeprefix("urn:uuid:"), **meta, **body}
        self.entries.append({"fullUrl": urn, "resource": resource, "request": {"method": "POST", "url": kind}})
        self.made[by].append(self.to(key))
        return self.to(key)

    def entry(self, code: str) -> Entry | None:
        """What the vocabulary, or the case where it is known, says of a code."""
        return self._lexicon.entry(code) if self._lexicon else entries().get(code)

    def named(self, event: Event) -> Resource:
        """What an event is about, as a CodeableConcept: our code, a public one where the case has it, the name or the doctor's words."""
        entry = self.entry(event.code) if event.code else None
        codes = entry.authored.codes if entry and entry.authored else None
        said = event.text if event.actor == "doctor" else event.text.partition(": ")[0] if ": " in event.text else event.kind.capitalize()
        name = entry.name if entry else said
        public = [("http://loinc.org", codes.loinc), (RXNORM, codes.rxnorm)] if codes else []
        return concept(
            name or event.kind,
            (OWN, plain(event.code).replace(" ", "_"), entry.name if entry else ""),
            *((system, code, "") for system, code in public if code),
        )

    def bundle(self) -> Resource:
        """All of it as one transaction."""
        name = self.urn("Bundle").removeprefix("urn:uuid:")
        identifier = {"system": "urn:medsim:trajectory", "value": plain(self.trajectory.id) or name}
        return {"resourceType": "Bundle", "id": name, "identifier": identifier, "type": "transaction", "entry": self.entries}


def _visits(trajectory: Trajectory) -> list[Visit]:
    visits: list[Visit] = []
    for event in trajectory.events:
        if event.kind == "encounter" or not visits:
            start = event.args.get("start") if event.kind == "encounter" else None
            visits.append(Visit(event, _moment(start, trajectory)))
        visits[-1].events.append(event)
    if not visits:
        raise StoreError(f"Trajectory '{trajectory.id}' has no events: there is nothing to write as FHIR.")
    return visits


def _moment(start: Any, trajectory: Trajectory) -> datetime:
    """When a visit begins: its authored time, else when the run was started. Without a zone it is read as UTC."""
    for text in (start, trajectory.started):
        try:
            found = datetime.fromisoformat(str(text or ""))
        except ValueError:
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    raise StoreError(
        f"Trajectory '{trajectory.id}' says at no place when it begins (encounter start {str(start)[:40]!r}): FHIR needs a date and time."
    )
