"""The bedside of a documented case: a controller says what is found, code decides what that does.

The rule: the doctor's actions are recorded before they are answered. Each takes its time on the clock; a pending result comes when it is
due; only the next declared state can follow, at most one in a turn, and an encounter is complete only in the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from medsim.action import Action
from medsim.case.chart import CODE as CHART
from medsim.consult.answers import vitals_line
from medsim.consult.care import nothing_named
from medsim.consult.decisions import Decisions
from medsim.consult.desk import Desk
from medsim.controller import Deed, Ruling, Task
from medsim.trajectory import Event, line

BEDSIDE = frozenset({"examine", "order", "treat", "procedure", "consult", "wait"})
"""Kinds of action that go to the controller; an ``end`` goes there too while another state follows."""


class Bedside:
    """Puts the doctor's actions to the controller and carries out its rulings."""

    def __init__(self, desk: Desk, decisions: Decisions) -> None:
        self.desk, self.decisions = desk, decisions

    def takes(self, action: Action) -> bool:
        """Whether an action is the controller's to answer."""
        if action.kind == "end":
            return bool(self._following)
        return action.kind in BEDSIDE and not self._of_the_chart(action)

    def _of_the_chart(self, action: Action) -> bool:
        """Whether an action asks for what is on file, which nobody needs to make up."""
        if self.desk.case.ehr is None or action.kind not in {"order", "examine"}:
            return False
        found = self.desk.tools.lexicon.resolve(action.kind, action.text).entry
        return found is not None and found.code == CHART

    def put(self, actions: Sequence[Action]) -> Task | None:
        """Record what the doctor does and return the task; None where nothing is left to answer."""
        start = len(self.desk.scene.events)
        done, ended = [], False
        for action in actions:
            if action.kind == "wait":
                before = len(self.desk.scene.events)
                self.decisions.wait(action)
                if self.desk.over or self.desk.scene.events[before].kind == "unclear":
                    continue
            elif action.kind == "end":
                self.desk.record("doctor", "end", action.text)
                ended = True
                continue
            elif not action.text:
                self.desk.unclear(action, nothing_named(action.kind))
                continue
            else:
                self.desk.record("doctor", action.kind, action.text)
            done.append(str(action))
        scene = self.desk.scene
        if self.desk.over or not (done or ended):
            return None
        known = (event for event in scene.events if event.visible and (event.seq < start or event.actor != "doctor"))
        transcript = tuple(line(event) for event in known)
        return Task(scene.turn, tuple(done), scene.body.state, self._following, scene.body.now, transcript, ended, seed=scene.seed)

    def carry_out(self, task: Task, ruling: Ruling) -> None:
        """Record a ruling and let happen what it says, within what the case declares."""
        desk = self.desk
        desk.record("controller", "ruling", args=ruling.data())
        acts = [event for event in desk.scene.events if event.turn == task.index and event.actor == "doctor" and event.kind in BEDSIDE]
        for event, said, deed in zip(acts[-len(task.actions) :], task.actions, ruling.deeds, strict=False):
            if desk.over:
                return
            self._answer(event, said, deed)
        if ruling.vitals and not desk.over:
            desk.record("controller", "finding", vitals_line(ruling.vitals), code="exam.vitals", args={"vitals": ruling.vitals})
        for words in () if desk.over else ruling.seen:
            desk.record("controller", "alarm", words)
        self._go_on(task, ruling)

    @property
    def _following(self) -> str:
        return self.desk.case.following(self.desk.scene.body.state)

    def _answer(self, event: Event, said: str, deed: Deed) -> None:
        desk, kind = self.desk, event.kind
        if kind != "wait":
            desk.spend(deed.seconds)
            if desk.over:
                return
            desk.clock.act(event)
        name, text = said.partition(": ")[2], deed.text
        if deed.status == "pending" and deed.result_in:
            due = desk.scene.body.now + deed.result_in
            desk.clock.expect(due, {"code": "", "cls": "", "name": name, "text": text, "args": {}, "taken": desk.scene.body.now,
                                    "order": event.seq, "specimen_state": event.state})  # fmt: skip
            desk.record("controller", "answer", f"{name}: Under way. Result in about {max(1, round(deed.result_in / 60))} min.")
        elif deed.status == "unsupported":
            desk.record("controller", "answer", f"{name}: {text or 'That cannot be done here.'}", args={"unsupported": True})
        elif text or kind != "wait":
            shown = {"examine": "finding", "order": "result"}.get(kind, "answer")
            desk.record("controller", shown, text if kind == "wait" else f"{name}: {text or 'Done.'}")
        desk.due()

    def _go_on(self, task: Task, ruling: Ruling) -> None:
        """Move to the next declared state, or end, where the ruling or the doctor says so and the case allows it."""
        desk = self.desk
        if desk.over or desk.scene.body.state != task.state:
            return
        if task.following and (ruling.advance or task.ended):
            desk.enter(desk.clock.move(task.following))
        elif not task.following and ruling.complete:
            desk.end("finished", "complete")
