"""Waiting, calculations, notes, diagnosis, disposition, leaving.

The rule: a decision is words on record; what it is worth is for the rubric.
"""

from __future__ import annotations

from medsim import action as act
from medsim import calculator
from medsim.action import Action
from medsim.consult.desk import MOMENT, SPEECH, Desk
from medsim.errors import ActionError

LONGEST_WAIT = 12 * 3600
DISPOSITIONS = {
    "home": ("home", "discharge", "discharged", "send home", "go home"),
    "ward": (
        "ward",
        "amu",
        "mau",
        "acute medical unit",
        "medical assessment unit",
        "medical floor",
        "telemetry",
        "medical ward",
        "admit",
        "general ward",
        "inpatient",
        "hospital",
        "admission",
        "paediatric ward",
        "surgical ward",
    ),
    "hdu": ("hdu", "high dependency", "high dependency unit", "step down", "step-down"),
    "icu": ("icu", "intensive care", "itu", "critical care", "picu", "ccu", "coronary care", "coronary care unit", "intensive care unit"),
    "theatre": (
        "theatre",
        "operating suite",
        "to surgery",
        "theater",
        "operating room",
        "operating theatre",
        "or",
        "surgery",
        "emergency surgery",
    ),
    "cath_lab": ("cath lab", "catheter laboratory", "cardiac catheterisation", "cardiac catheterization", "pci", "primary pci", "cath_lab"),
    "psychiatric_unit": (
        "psychiatric hospital",
        "psych unit",
        "psych ward",
        "inpatient psych",
        "mental health ward",
        "psychiatric admission",
        "psychiatric unit",
        "psychiatric ward",
        "psychiatry",
        "inpatient psychiatry",
        "mental health unit",
    ),
    "crisis_team": ("crisis team", "home treatment team", "crisis resolution", "crisis"),
    "observation": (
        "observation",
        "ed",
        "emergency department",
        "stay in the emergency department",
        "resus",
        "observation unit",
        "observe",
        "short stay",
        "clinical decision unit",
    ),
    "clinic_follow_up": ("clinic follow up", "follow up", "follow-up", "outpatient", "outpatients", "gp follow up", "clinic"),
}
"""Where a patient can go, and the words for it."""


class Decisions:
    """Answers wait, calculate, note, diagnose, dispose and end."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def wait(self, action: Action) -> None:
        """Let time pass until its end, the next result, or whatever the doctor would notice."""
        try:
            length = act.wait_seconds(action.text)
        except act.TooLong:
            self.desk.unclear(action, f"That is too long: at most {LONGEST_WAIT // 3600} hours at a time, wait: {LONGEST_WAIT // 3600}h.")
            return
        except ValueError:
            self.desk.unclear(action, "How long? For example wait: 10m, or wait: result.")
            return
        now = self.desk.scene.body.now
        if length is None:
            due = self.desk.clock.next_result()
            if due is None:
                self.desk.unclear(action, "Nothing is pending. Say how long to wait, for example wait: 10m.")
                return
            length = due - now
        self.desk.record("doctor", "wait", action.text)
        if length > LONGEST_WAIT:
            self.desk.record("controller", "answer", f"At most {LONGEST_WAIT // 3600} hours at a time.")
        target = now + min(max(length, 1), LONGEST_WAIT)
        while not self.desk.over and self.desk.scene.body.now < target:
            happening = self.desk.clock.next(self.desk.capped(target))
            if happening is None:
                break
            if self.desk.happen(happening):
                self.desk.due()
                break

    def calculate(self, action: Action) -> None:
        """Work out a calculator from what the doctor gives it; the case is not asked."""
        try:
            answer = calculator.said(action.text)
        except ActionError as error:
            self.desk.unclear(action, str(error))
            return
        inputs = {name: list(value) if isinstance(value, tuple) else value for name, value in answer.taken.items()}
        args = {"value": float(f"{answer.value:.6g}"), "unit": answer.unit, "inputs": inputs}
        self.desk.record("doctor", "calculate", action.text, code=answer.calculator, args=args)
        self.desk.spend(MOMENT)
        if not self.desk.over:
            self.desk.record("controller", "answer", str(answer), code=answer.calculator)

    def note(self, action: Action) -> None:
        """Write in the notes."""
        if not action.text:
            self.desk.unclear(action, "The note is empty.")
            return
        self.desk.clock.act(self.desk.record("doctor", "note", action.text))
        self.desk.spend(SPEECH + len(action.text.split()) // 3)

    def diagnose(self, action: Action) -> None:
        """State a ranked diagnosis; the last one counts."""
        names = act.ranked(action.text)
        if not names:
            self.desk.unclear(action, "Name a diagnosis, most likely first: diagnose: FIRST; SECOND")
            return
        self.desk.clock.act(self.desk.record("doctor", "diagnose", "; ".join(names), args={"ranked": names}))
        self.desk.spend(MOMENT)

    def dispose(self, action: Action) -> None:
        """Decide where the patient goes; the last one counts."""
        words = act.tidy(action.text).lower().strip(" .")
        code = next((code for code, names in DISPOSITIONS.items() if words == code or words in names), "")
        if not code:
            padded = f" {words} "
            hits = [
                (len(name), code)
                for code, names in DISPOSITIONS.items()
                for name in names
                if f" {name} " in padded and (len(name) > 2 or padded.startswith(f" {name} "))
            ]
            code = max(hits)[1] if hits else ""
        if not code:
            self.desk.unclear(action, f"Where to? One of: {', '.join(DISPOSITIONS)}.")
            return
        self.desk.clock.act(self.desk.record("doctor", "dispose", action.text, code=code))
        self.desk.spend(2 * MOMENT)

    def end(self, action: Action) -> None:
        """Leave: the next visit begins, or the encounter is over."""
        self.desk.record("doctor", "end", action.text)
        if self.desk.scene.visit + 1 < len(self.desk.case.encounters) and not self.desk.scene.body.over:
            self.desk.next_visit()
        else:
            self.desk.end("finished", "doctor")
