"""The consult: one encounter as a state machine without I/O.

The rule: it never waits and never calls anything outside. Every shell drives the same three lines::

    turn = consult.open(action)  # check, charge time and money, decide who answers
    reply = patient.reply(turn) if turn.to == "patient" else controller.rule(turn) if turn.to == "controller" else None
    events = consult.close(turn, reply)  # record, disclose facts, move the body, end?

A compiled case answers for body and laboratory itself; only a documented one puts tasks to a controller.

An action that cannot be understood is an event that the doctor sees, costs time, and says what would have been understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from medsim import action as act
from medsim.action import Action
from medsim.case import Case, Encounter, Limits
from medsim.clock import Clock
from medsim.consult.care import Care
from medsim.consult.decisions import DISPOSITIONS, Decisions
from medsim.consult.desk import SPEECH, Desk
from medsim.consult.documented import Bedside
from medsim.consult.scene import Scene
from medsim.controller import Controller, Ruling, Task
from medsim.errors import ActionError, CaseError
from medsim.patient.gate import INVITING_TOPICS
from medsim.patient.matcher import Heard, matcher
from medsim.patient.seat import Patient, Reply, Talk, Turn
from medsim.patient.verifier import secrets_said
from medsim.trajectory import Event, Outcome, last

WITHHELD = "I'd rather you told me."
"""Said in place of a reply that names what only the doctor may name."""


@lru_cache(maxsize=4096)
def _remembered(text: str) -> tuple[Heard, ...]:
    return matcher().hear(text)


def _hear(text: str) -> tuple[Heard, ...]:
    """Hear an utterance; short ones are remembered, as batches and gates say the same things again and again."""
    return _remembered(text) if len(text) <= 300 else matcher().hear(text)


class Consult:
    """One encounter of one case."""

    def __init__(
        self, case: Case, *, seed: int = 0, limits: tuple[int | None, int | None] = (None, None), scene: Scene | None = None
    ) -> None:
        if scene is None:
            clock = Clock(case)
            scene = Scene(clock.body, seed=seed, trust=case.patient.persona.trust, limits=limits)
        else:
            clock = Clock(case, scene.body)
        self.case, self.clock, self.scene = case, clock, scene
        self.desk, self._talk = Desk(case, clock, scene), Talk()
        self.care, self.decisions = Care(self.desk), Decisions(self.desk)
        self.bedside = Bedside(self.desk, self.decisions) if case.roles else None
        if not scene.events:
            self.desk.greet()

    # ---- what a shell needs ---------------------------------------------------------------------------------------------------

    @property
    def encounter(self) -> Encounter:
        """The visit that is going on."""
        return self.desk.encounter

    @property
    def limits(self) -> Limits:
        """The limits of this visit."""
        return self.desk.limits

    @property
    def events(self) -> list[Event]:
        """All events so far."""
        return self.scene.events

    @property
    def over(self) -> bool:
        """Whether the encounter has ended."""
        return self.desk.over

    def snapshot(self) -> Scene:
        """A plain, independent copy of all that changes."""
        return self.scene.copy()

    @classmethod
    def restore(cls, case: Case, scene: Scene) -> Consult:
        """Go on from a snapshot; the snapshot itself stays as it is."""
        return cls(case, scene=scene.copy())

    def begin(self, message: str) -> Iterator[tuple[Action, ...]]:
        """Start a turn: yield what to open, one action after the other until the encounter ends; what a controller answers in one go."""
        together: list[Action] = []
        for action in self._taken(message):
            if self.bedside and self.bedside.takes(action):
                together.append(action)
                continue
            if together:
                yield tuple(together)
                together = []
            if not self.over:
                yield (action,)
        if together and not self.over:
            yield tuple(together)

    def _taken(self, message: str) -> Iterator[Action]:
        """The actions of a message that are carried out."""
        if self.over:
            raise ActionError(f"The encounter is over ({self.scene.reason}). Reset to start another.")
        self.scene.turn += 1
        message = act.tidy(message, limit=act.MAX_TURN_CHARS)
        self.desk.record("doctor", "message", message)
        actions = act.parse(message)
        for count, action in enumerate(actions):
            if self.over:
                self.desk.record("controller", "answer", "The rest was not carried out: the encounter is over.")
                return
            if self.desk.late:
                self.desk.record("controller", "answer", "The rest was not carried out: the time is over.")
                self.desk.end("truncated", "time")
                return
            if count == 0 and action.kind in {"ask", "say"} and (hint := act.slip(message)):
                self.desk.unclear(action, f"Not said to the patient: {hint}")
                continue
            if count == act.MAX_ACTIONS:
                self.desk.record("doctor", "unclear", act.show(actions[count:])[:500])
                self.desk.record("controller", "answer", f"Only the first {act.MAX_ACTIONS} actions of a turn are carried out.")
                return
            yield action

    def finish(self) -> None:
        """End a turn: last turns and limits."""
        scene = self.scene
        if not self.over and scene.closing:
            self.desk.end("finished", "patient")
        elif not self.over and scene.body.over == "good":
            scene.closing = True
            self.desk.record("controller", "answer", "The patient is being moved on. One last turn: words, note, diagnosis, disposition.")
        if self.over:
            return
        if scene.turn - scene.visit_turn >= self.desk.turn_limit:
            self.desk.end("truncated", "turns")
        elif self.desk.late:
            self.desk.end("truncated", "time")

    def play(self, message: str, patient: Patient, *, controller: Controller | None = None) -> list[Event]:
        """Carry out one turn with seats that answer at once; return its events. A documented case needs a controller."""
        if self.bedside and controller is None:
            raise CaseError(f"Case '{self.case.id}' is a documented one: a controller must be seated to play it (--controller MODEL).")
        start = len(self.events)
        for actions in self.begin(message):
            turn = self.open(*actions)
            if isinstance(turn, Task):
                assert controller is not None
                self.close(turn, controller.rule(turn))
            else:
                self.close(turn, patient.reply(turn) if turn.to else None)
        self.finish()
        return self.events[start:]

    def outcome(self) -> Outcome:
        """How things stand, or how they ended."""
        scene = self.scene
        diagnosis, disposition = last(self.events, "diagnose"), last(self.events, "dispose")
        return Outcome(
            status=scene.status,
            reason=scene.reason,
            state=scene.body.state,
            diagnosis=tuple(act.ranked(diagnosis.text)) if diagnosis else (),
            disposition=disposition.code if disposition else "",
            seconds=scene.body.now,
            turns=scene.turn,
            cost=round(scene.cost, 2),
        )

    # ---- open and close ---------------------------------------------------------------------------------------------------------

    def open(self, action: Action, *more: Action) -> Turn | Task:
        """Check one action, charge its time and money, and say who answers. ``more``: what a controller answers in the same go."""
        if self.over:
            raise ActionError(f"The encounter is over ({self.scene.reason}). Reset to start another.")
        if self.scene.awaiting:
            raise ActionError("The last turn still waits for its reply: call close(turn, reply) first.")
        self.scene.awaiting = True
        turn = Turn(index=self.scene.turn, kind=action.kind, to="")
        if action.kind in {"ask", "say"}:
            return self._speak(action)
        if self.bedside and self.bedside.takes(action):
            return self.bedside.put((action, *more)) or turn
        if action.kind in {"examine", "order", "treat", "procedure", "consult"}:
            self.care.do(action)
        else:
            getattr(self.decisions, action.kind)(action)
        return turn

    def close(self, turn: Turn | Task, reply: Reply | Ruling | None = None) -> list[Event]:
        """Record the reply and return the events of this action."""
        if not self.scene.awaiting:
            raise ActionError("close was called without open.")
        self.scene.awaiting = False
        start = len(self.events)
        if isinstance(turn, Task):
            if not isinstance(reply, Ruling) or self.bedside is None or len(reply.deeds) != len(turn.actions):
                raise ActionError("This task is for the controller: close needs its ruling, with one deed for each action.")
            self.bedside.carry_out(turn, reply)
        elif turn.to:
            if not isinstance(reply, Reply):
                raise ActionError("This turn is for the patient: close needs the patient's reply.")
            self._hear(turn, reply)
        return self.events[start:]

    # ---- speech -----------------------------------------------------------------------------------------------------------------

    def _speak(self, action: Action) -> Turn:
        if not action.text:
            self.desk.unclear(action, "Nothing was said.")
            return Turn(index=self.scene.turn, kind=action.kind, to="")
        heard = tuple(self._settle(part) for part in _hear(action.text))
        topics = tuple(dict.fromkeys(part.topic for part in heard if part.topic))
        scene = self.scene
        before = self._talk.read(scene.events)
        told = self.desk.record("doctor", action.kind, action.text, topics=topics)
        scene.hear(topics, action.text)
        self.desk.spend(SPEECH + len(action.text.split()) // 3)
        self.clock.act(told)
        self.desk.due()
        if self.over:
            return Turn(index=scene.turn, kind=action.kind, to="")
        state = self.clock.state
        mute = state.conscious == "unresponsive" or state.speech == "none"
        if mute and self.case.patient.informant.role == "patient":
            self.desk.record("controller", "answer", "There is no response.")
            return Turn(index=scene.turn, kind=action.kind, to="")
        self._talk.read(scene.events)
        return Turn(
            index=scene.turn, kind=action.kind, to="patient", utterance=action.text, heard=heard, told=tuple(scene.told),
            said=tuple(scene.said), trust=scene.trust, opened=scene.opened, conscious=state.conscious, speech=state.speech,
            opening=self.encounter.opening or "", shut=tuple(self.desk.shut()), seed=scene.seed, words=scene.words, held=tuple(self._talk.held),
            dialogue=(*self._talk.lines[:before], *self._talk.lines[before + 1 :]),
        )  # fmt: skip

    def _settle(self, heard: Heard) -> Heard:
        """Where topics are nearly as good, prefer an invitation while none was heard, then one this patient has something to say on."""
        if not self.scene.opened and heard.topic and not INVITING_TOPICS.isdisjoint(heard.alternatives):
            return heard._replace(topic=next(topic for topic in heard.alternatives if topic in INVITING_TOPICS))
        if heard.topic is None or heard.topic in self.desk.tools.topics:
            return heard
        better = next((topic for topic in heard.alternatives if topic in self.desk.tools.topics), None)
        return heard._replace(topic=better) if better else heard

    def _hear(self, turn: Turn, reply: Reply) -> None:
        scene = self.scene
        facts = tuple(name for name in reply.facts if name in self.desk.tools.facts)
        scene.opened = scene.opened or any(part.topic in INVITING_TOPICS for part in turn.heard)
        scene.told += [name for name in facts if name not in scene.told]
        args: dict[str, Any] = {"speaker": act.tidy(reply.speaker)[:60] or "Patient"}
        if reply.source != "scripted":
            args["source"] = act.tidy(reply.source)[:60]
        if held := [name for name in reply.held if name in self.desk.tools.facts]:
            args["held"] = held
        text = act.tidy(reply.text)
        if text == WITHHELD or secrets_said(text, secrets=self.case.patient.secrets.terms, doctor=scene.words):
            text, args["withheld"] = WITHHELD, True
        event = self.desk.record("patient", "reply", text, facts=facts, args=args)
        self.clock.act(event)
        self.desk.due()


__all__ = ["DISPOSITIONS", "Consult", "Scene"]
