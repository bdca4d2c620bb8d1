"""Examination, orders, treatment: what is asked of the hospital.

The rule: what cannot be done is answered before anything is recorded as done; what is done takes its time first and acts on the body
after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from medsim.action import Action
from medsim.case.chart import CODE as CHART
from medsim.consult import chart
from medsim.consult.answers import amounts, judged_dose, vitals_text
from medsim.consult.desk import MISUNDERSTOOD, MOMENT, Desk
from medsim.dose import dose_args
from medsim.safety.background import drugs_in, of_chart
from medsim.safety.check import Drug
from medsim.trajectory import Event
from medsim.vocabulary import Entry

_EXAMPLES = {
    "examine": "What? For example: examine: heart",
    "order": "What? For example: order: full blood count",
    "treat": "What, how much and how? For example: treat: aspirin 300 mg po",
    "procedure": "What? For example: procedure: iv access",
    "consult": "Whom? For example: consult: cardiology",
}


def nothing_named(kind: str) -> str:
    """What is asked back where an action names nothing."""
    return _EXAMPLES[kind]


class Care:
    """Answers examine, order, treat, procedure and consult."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def do(self, action: Action) -> None:
        """Carry out one action, which may name several things."""
        if not action.text:
            self.desk.unclear(action, nothing_named(action.kind))
            return
        if self.desk.scene.closing:
            self.desk.unclear(action, "Too late: the patient is being moved. Words, note, diagnosis and disposition are still taken.")
            return
        done: set[str] = set()
        for words, found in self.desk.tools.lexicon.resolve_all(action.kind, action.text):
            if self.desk.over or self.desk.late:
                return
            if found.entry and found.entry.code in done:
                continue
            done.add(found.entry.code if found.entry else "")
            if found.entry is None:
                near = f" Nearest: {', '.join(found.offered)}." if found.offered else ""
                self.desk.unclear(Action(action.kind, words), f"'{words[:80]}' was not understood, or is not to be had here.{near}")
            else:
                self._carry_out(found.entry, words)

    def _carry_out(self, entry: Entry, words: str) -> None:
        refusal, args = self._check(entry, words)
        if refusal:
            self.desk.record("doctor", "refused", words, args={"code": entry.code})
            self.desk.record("controller", "answer", refusal)
            self.desk.spend(MISUNDERSTOOD)
            return
        event = self.desk.record(
            "doctor", entry.kind, words, code=entry.code, cls=entry.cls, groups=entry.groups, args=args, cost=entry.cost
        )
        self.desk.scene.cost += entry.cost
        quick = entry.kind == "order" and self.desk.scene.ordering_turn == self.desk.scene.turn
        self.desk.spend(min(MOMENT, entry.busy) if quick else entry.busy)
        if entry.kind == "order":
            self.desk.scene.ordering_turn = self.desk.scene.turn
        if self.desk.over:
            return
        before = self.desk.scene.body.state
        self.desk.clock.act(event)
        self._answer(entry, event, before)
        self.desk.due()

    def _check(self, entry: Entry, words: str) -> tuple[str, dict[str, Any]]:
        """Why something cannot be done (or an empty string), and the arguments it is recorded with."""
        patient, authored = self.desk.case.patient, entry.authored
        if entry.places and self.desk.encounter.location not in entry.places:
            return f"{entry.name} is not available here.", {}
        if entry.only_sex and patient.sex in {"female", "male"} and entry.only_sex != patient.sex:
            return f"{entry.name} does not apply to this patient.", {}
        args: dict[str, Any] = dict(authored.args) if authored else {"shared": True}
        if entry.kind in {"treat", "procedure"}:
            args.update(dose_args(words, weight_kg=patient.weight_kg))
        if entry.stops:
            return "", {"shared": True, "stop": True, "drug": entry.stops, "running": self._runs(entry)}
        if not authored:
            return "", args
        if authored.requires and not self.desk.clock.done(authored.requires):
            return authored.refusal or f"{entry.name} cannot be done yet.", {}
        if authored.doses and authored.doses.flow_l_min and "dose_ml" in args and "flow_l_min" not in args:
            args["flow_l_min"] = args.pop("dose_ml") / 1000
        verdict, stated = judged_dose(authored, args)
        if not stated and entry.kind == "treat":
            return f"{entry.name}: how much? Give the amount in {amounts(authored)}, and the route.", {}
        if verdict:
            args["dose"] = verdict
        if authored.doses and authored.doses.route:
            args.setdefault("route", authored.doses.route[0])
            args["route_ok"] = args["route"] in authored.doses.route
        against = self._against(entry)
        if against:
            args["contraindicated"], args["why"] = True, against
        return "", args

    def _runs(self, entry: Entry) -> bool:
        """Whether a drug, or one of a group, is there to be stopped: given here, on file or spoken of, and not stopped since."""
        last = ""
        for event in self.desk.scene.events:
            if event.code == entry.code and event.kind == "procedure":
                last = "stopped"
            elif event.kind == "treat" and (event.code == entry.stops or entry.stops in event.groups):
                last = "given"
        return last == "given" or (not last and any(entry.stops in (drug.code, *drug.groups) for drug in self._taken()))

    def _taken(self) -> Iterator[Drug]:
        """What the person takes as far as it is on file, on the door note or was told: nothing that the doctor still has to find out."""
        case, told = self.desk.case, set(self.desk.scene.told)
        said = (fact.say[0] for fact in case.patient.every_fact() if fact.id in told and not fact.negative)
        for words in (self.desk.encounter.door_note, case.patient.opening, *said):
            yield from drugs_in(words)
        if case.ehr is not None:
            yield from of_chart(record.resource for record in case.ehr.resources).drugs

    def _against(self, entry: Entry) -> str:
        for item in entry.authored.contraindications if entry.authored else ():
            here = not item.states or self.desk.scene.body.state in item.states
            if here and not (item.unless and self.desk.clock.done(item.unless)):
                return item.id
        return ""

    def _answer(self, entry: Entry, event: Event, state: str) -> None:
        if entry.code == CHART and self.desk.case.ehr is not None:
            chart.read(self.desk, event)
            return
        if entry.kind == "examine":
            text, args = self._finding(entry, state)
            self.desk.record("controller", "finding", f"{entry.name}: {text}", code=entry.code, cls=entry.cls, args=args)
            return
        if entry.stops:
            name = entry.name.removeprefix("Stop ")
            said = f"Stopped: {name}." if event.args["running"] else f"{name} is not running."
            self.desk.record("controller", "answer", said, code=entry.code, cls=entry.cls)
            return
        seen = self.desk.tools.laboratory.at_once(entry, state)
        if entry.cls == "monitor" and not seen:
            seen = vitals_text(self.desk.clock.vitals(), self.desk.clock.state.conscious)
        result = self.desk.tools.laboratory.result(entry, state)
        if result:
            due = self.desk.scene.body.now + entry.result_in
            self.desk.clock.expect(due, {"code": entry.code, "cls": entry.cls, "name": entry.name, "text": result.text, "args": result.args,
                                    "taken": self.desk.scene.body.now, "order": event.seq, "specimen_state": state})  # fmt: skip
        if seen or not result or entry.result_in:
            wait = f" Result in about {max(1, round(entry.result_in / 60))} min." if result and entry.result_in else ""
            said = seen or ("Given." if entry.kind == "treat" else "Under way." if result else "Done.")
            self.desk.record("controller", "answer", f"{entry.name}: {said}{wait}", code=entry.code, cls=entry.cls)

    def _finding(self, entry: Entry, state: str) -> tuple[str, dict[str, Any]]:
        if entry.code == "exam.vitals":
            return vitals_text(self.desk.clock.vitals(), self.desk.clock.state.conscious), {}
        here = self.desk.case.states[state]
        if not (entry.authored and entry.authored.result):
            if entry.code == "exam.general_appearance" and here.appear:
                return here.appear, {}
            if entry.code == "exam.gcs":
                return f"GCS {here.vitals.gcs}.", {}
            if here.conscious != "alert":
                return "Cannot be assessed fully in the patient's present condition.", {"shared": True}
        result = self.desk.tools.laboratory.result(entry, state)
        return (result.text, result.args) if result else ("Nothing abnormal is found.", {"shared": True})
