"""What was done and found in an encounter, event by event, as FHIR resources.

The rule: only what the doctor did or could see is written; how good a dose was, what state the body is in and which facts were told is
truth, and stays out.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from medsim.case.chart import CODE as CHART
from medsim.dose import dose_args
from medsim.fhir.out import Maker, Outgoing, Visit
from medsim.fhir.values import CATEGORY, LOINC, OWN, Resource, concept, dosage, plain, rows, signs, vital
from medsim.trajectory import Event

_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFIED = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_SORTS = {"lab": "laboratory", "imaging": "imaging", "exam": "exam", "monitor": "vital-signs", "bedside": "procedure"}
_OWN = frozenset(
    {
        "note",
        "diagnose",
        "wait",
        "end",
        "dispose",
        "encounter",
        "order",
        "consult",
        "treat",
        "procedure",
        "examine",
        "result",
        "finding",
        "alarm",
    }
)
"""Kinds of event with a way of their own; any other is told as words."""
_SERVICE = {"lab": "LAB", "imaging": "RAD"}


class Deeds:
    """Writes the events of one visit."""

    def __init__(self, out: Outgoing, visit: Visit, encounter: Resource, speakers: Callable[[Event], Resource]) -> None:
        self.out, self.visit, self.encounter, self.speakers = out, visit, encounter, speakers
        self.orders = {event.seq: event for event in out.trajectory.events if event.actor == "doctor"}
        self.answered = {event.args["order"] for event in out.trajectory.events if event.kind == "result" and "order" in event.args}

    def write(self, event: Event) -> None:
        """Write what one event means; hidden ones mean nothing to a record."""
        if event.visible:
            (getattr(self, f"_{event.kind}") if event.kind in _OWN else self._said)(event)

    def _base(self, event: Event, **rest: object) -> Resource:
        return {"subject": self.out.to("Patient"), "encounter": self.encounter, **rest}

    def _agent(self) -> Resource:
        return self.out.to("Device/agent")

    # ---- words ------------------------------------------------------------------------------------------------------------------

    def _said(self, event: Event) -> None:
        """Any utterance: between doctor and patient, or an answer of the ward."""
        by: Maker = "agent" if event.actor == "doctor" else "simulator"
        if event.actor == "doctor":
            sender, recipient = self._agent(), self.out.to("Patient" if event.kind in {"ask", "say"} else "Device/simulator")
        else:
            sender = self.speakers(event) if event.actor == "patient" else self.out.to("Device/simulator")
            recipient = self._agent()
        body = {
            "status": "completed",
            "category": [concept("transcript", ("urn:medsim:transcript", event.kind, ""))],
            **self._base(event, sent=self.visit.at(event.t), recipient=[recipient], sender=sender),
            **({"payload": [{"contentString": plain(event.text)}]} if plain(event.text) else {}),
        }
        self.out.add("Communication", f"Communication/{event.seq}", body, by=by)

    def _note(self, event: Event) -> None:
        words = base64.b64encode(plain(event.text).encode()).decode()
        at = self.visit.at(event.t)
        body = {
            "status": "current", "docStatus": "final", "type": concept("Note", (LOINC, "34109-9", "Note")), "subject": self.out.to("Patient"), "date": at,
            "author": [self._agent()], "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": words, "creation": at}}],
            "context": {"encounter": [self.encounter]},
        }  # fmt: skip
        self.out.add("DocumentReference", f"DocumentReference/{event.seq}", body, by="agent")

    def _diagnose(self, event: Event) -> None:
        """Each name of a ranked list; a later list in the same visit replaces it."""
        replaced = any(other.kind == "diagnose" and other.seq > event.seq for other in self.visit.events)
        for rank, name in enumerate(ranked(event), 1):
            verified = "unconfirmed" if replaced else "provisional" if rank == 1 else "differential"
            body = {
                "clinicalStatus": concept("", (_CLINICAL, "inactive" if replaced else "active", "")),
                "verificationStatus": concept("", (_VERIFIED, verified, "")),
                "category": [concept("", ("http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis", ""))],
                "code": concept(name),
                **self._base(event, recordedDate=self.visit.at(event.t)),
                **({"note": [{"text": "Replaced by a later diagnosis."}]} if replaced else {}),
            }
            self.out.add("Condition", f"Condition/{event.seq}/{rank}", body, by="agent")

    def _wait(self, event: Event) -> None:
        """Time that passes is no entry of a record."""

    _end = _dispose = _encounter = _wait

    # ---- orders -----------------------------------------------------------------------------------------------------------------

    def _order(self, event: Event) -> None:
        body = {
            "status": "completed" if event.seq in self.answered or self._at_once(event) else "active",
            "intent": "order",
            "category": [concept({"consult": "consultation"}.get(event.kind, event.cls or event.kind))],
            "code": self.out.named(event),
            **self._base(event, authoredOn=self.visit.at(event.t), requester=self._agent()),
            **({"note": [{"text": plain(event.text)}]} if plain(event.text) else {}),
        }
        self.out.add("ServiceRequest", f"Order/{event.seq}", body, by="agent")

    _consult = _order

    def _treat(self, event: Event) -> None:
        asked, given = dosage({**dose_args(event.text), **event.args}, event.text)
        drug, answer = self.out.named(event), self._at_once(event)
        refused = answer is not None and bool(answer.args.get("unsupported"))
        at = self.visit.at(event.t)
        body = {
            "status": "cancelled" if refused else "completed", "intent": "order", "medicationCodeableConcept": drug,
            **self._base(event, authoredOn=at, requester=self._agent()), "dosageInstruction": [asked],
        }  # fmt: skip
        request = self.out.add("MedicationRequest", f"Order/{event.seq}", body, by="agent")
        if refused:
            return
        body = {
            "status": "completed", "medicationCodeableConcept": drug, "subject": self.out.to("Patient"), "context": self.encounter,
            "effectiveDateTime": self.visit.at(answer.t) if answer else at, "performer": [{"actor": self._agent()}], "request": request,
            **({"dosage": given} if given else {}),
        }  # fmt: skip
        self.out.add("MedicationAdministration", f"MedicationAdministration/{event.seq}", body, by="agent")

    def _procedure(self, event: Event) -> None:
        body = {
            "status": "completed", "code": self.out.named(event), **self._base(event, performedDateTime=self.visit.at(event.t)),
            "performer": [{"actor": self._agent()}], **({"note": [{"text": plain(event.text)}]} if plain(event.text) else {}),
        }  # fmt: skip
        self.out.add("Procedure", f"Order/{event.seq}", body, by="agent")

    def _examine(self, event: Event) -> None:
        """The manoeuvre itself is told by what it found."""

    def _at_once(self, event: Event) -> Event | None:
        """The answer that follows an order before the doctor does anything else."""
        for other in self.visit.events:
            if other.seq > event.seq and other.actor == "doctor":
                return None
            mine = (other.code == event.code) if event.code else other.text.startswith(f"{event.text}: ")
            if other.seq > event.seq and other.kind in {"answer", "result"} and mine:
                return other if other.kind == "result" or event.kind == "treat" else None
        return None

    # ---- results ----------------------------------------------------------------------------------------------------------------

    def _origin(self, event: Event) -> Event | None:
        """The order a result belongs to; where it does not say, the last one of its name."""
        if "order" in event.args:
            return self.orders.get(event.args["order"])
        named = [
            other
            for other in self.visit.events
            if other.kind == "order" and other.seq < event.seq and event.text.startswith(f"{other.text}: ")
        ]
        return named[-1] if named else None

    def _result(self, event: Event) -> None:
        if event.code == CHART:
            self._said(event)
            return
        order = self._origin(event)
        link: Resource = {}
        if order is not None and order.kind in {"order", "consult", "treat"}:
            link = {"basedOn": [self.out.to(f"Order/{order.seq}")]}
        elif order is not None and order.kind == "procedure":
            link = {"partOf": [self.out.to(f"Order/{order.seq}")]}
        taken = event.args.get("taken")
        times = {"effectiveDateTime": self.visit.at(taken if isinstance(taken, int) else event.t), "issued": self.visit.at(event.t)}
        code, words = self.out.named(event), event.text.partition(": ")[2] or event.text
        found = self._observations(event, code, words, {**times, **link})
        service = _SERVICE.get(event.cls, "OTH")
        body = {
            "status": "final", "category": [concept("", ("http://terminology.hl7.org/CodeSystem/v2-0074", service, ""))], "code": code,
            **self._base(event, **times), **({"basedOn": link["basedOn"]} if "basedOn" in link else {}), "result": found,
            **({"conclusion": plain(words)} if plain(words) else {}),
        }  # fmt: skip
        self.out.add("DiagnosticReport", f"DiagnosticReport/{event.seq}", body, by="simulator")

    def _observations(self, event: Event, code: Resource, words: str, rest: Resource) -> list[Resource]:
        measured, other = rows(words)
        parts = [(concept(row.name, *_own(event, row.name)) if len(measured) > 1 else code, row.body) for row in measured]
        if plain(other) or not parts:
            parts.append((code, {"valueString": plain(other)} if plain(other) else {}))
        sort = "laboratory" if measured else _SORTS.get(event.cls, "procedure")
        return [self._observed(event, f"{event.seq}/{at}", of, sort, {**rest, **body}) for at, (of, body) in enumerate(parts)]

    def _observed(self, event: Event, key: str, code: Resource, sort: str, rest: Resource) -> Resource:
        body = {"status": "final", "category": [concept("", (CATEGORY, sort, ""))], "code": code, **self._base(event), **rest}
        return self.out.add("Observation", f"Observation/{key}", body, by="simulator")

    def _finding(self, event: Event) -> None:
        words = plain(event.text.partition(": ")[2] or event.text)
        at: Resource = {"effectiveDateTime": self.visit.at(event.t)}
        value: Resource = {"valueString": words} if words else {}
        if event.code != "exam.vitals":
            self._observed(event, str(event.seq), self.out.named(event), "exam", {**at, **value})
            return
        found = signs(event.text, event.args)
        pressure = [vital(name, found.pop(name)) for name in ("sbp", "dbp") if name in found]
        members = [self._observed(event, f"{event.seq}/{name}", sign["code"], "vital-signs", {**at, "valueQuantity": sign["valueQuantity"]})
                   for name, sign in ((name, vital(name, number)) for name, number in found.items())]  # fmt: skip
        if pressure:
            name = "Blood pressure panel with all children optional"
            code = concept("Blood pressure", (LOINC, "85354-9", name))
            members.append(self._observed(event, f"{event.seq}/bp", code, "vital-signs", {**at, "component": pressure}))
        code = concept(
            "Vital signs", (LOINC, "85353-1", "Vital signs, weight, height, head circumference, oxygen saturation and BMI panel")
        )
        rest = {**at, **value, **({"hasMember": members} if members else {})}
        self._observed(event, str(event.seq), code, "vital-signs", rest)

    def _alarm(self, event: Event) -> None:
        value = {"valueString": plain(event.text)} if plain(event.text) else {}
        rest = {"effectiveDateTime": self.visit.at(event.t), **value}
        self._observed(event, str(event.seq), concept("What is seen"), "exam", rest)


def ranked(event: Event) -> list[str]:
    """The names of a diagnosis, most likely first."""
    held = event.args.get("ranked")
    names = held if isinstance(held, list) else event.text.split(";")
    return [plain(str(name)) for name in names if plain(str(name))]


def _own(event: Event, name: str) -> list[tuple[str, str, str]]:
    from medsim.vocabulary import analyte_of

    analyte = analyte_of(name)
    return [(OWN, analyte, "")] if analyte else []
