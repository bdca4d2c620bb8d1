"""The consult: one encounter as a state machine without I/O.

The rule: it never waits and never calls anything outside. Every shell drives the same three lines::

    turn = consult.open(action)  # check, charge time and money, decide who answers
    reply = patient.reply(turn) if turn.to else None
    events = consult.close(turn, reply)  # record, disclose facts, move the body, end?

An action that cannot be understood is an event that the doctor sees, costs time, and says what would have been understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from medsim import action as act
from medsim.action import Action
from medsim.case import Case, Encounter, Limits
from medsim.clock import Clock, Happening
from medsim.consult.answers import Laboratory, judged_dose, vitals_text
from medsim.consult.scene import Scene
from medsim.errors import ActionError
from medsim.patient.gate import INVITING_TOPICS
from medsim.patient.matcher import Heard, matcher
from medsim.patient.seat import Patient, Reply, Turn
from medsim.patient.verifier import secrets_said
from medsim.trajectory import Event, Outcome, last
from medsim.vocabulary import Entry, Lexicon

WITHHELD = "I'd rather you told me."
"""Said in place of a reply that names what only the doctor may name."""
SPEECH, MISUNDERSTOOD, MOMENT, LONGEST_WAIT = 10, 10, 15, 12 * 3600
DISPOSITIONS = {
    "home": ("home", "discharge", "discharged", "send home", "go home"),
    "ward": ("ward", "medical ward", "admit", "general ward", "inpatient", "hospital", "admission", "paediatric ward", "surgical ward"),
    "hdu": ("hdu", "high dependency", "high dependency unit", "step down", "step-down"),
    "icu": ("icu", "intensive care", "itu", "critical care", "picu", "ccu", "coronary care", "coronary care unit", "intensive care unit"),
    "theatre": ("theatre", "theater", "operating room", "operating theatre", "or", "surgery", "emergency surgery"),
    "cath_lab": ("cath lab", "catheter laboratory", "cardiac catheterisation", "cardiac catheterization", "pci", "primary pci", "cath_lab"),
    "psychiatric_unit": ("psychiatric unit", "psychiatric ward", "psychiatry", "inpatient psychiatry", "mental health unit"),
    "crisis_team": ("crisis team", "home treatment team", "crisis resolution", "crisis"),
    "observation": ("observation", "observation unit", "observe", "short stay", "clinical decision unit"),
    "clinic_follow_up": ("clinic follow up", "follow up", "follow-up", "outpatient", "outpatients", "gp follow up", "clinic"),
}


class Tools(NamedTuple):
    """What is derived from a case once and shared by all its encounters."""

    lexicon: Lexicon
    laboratory: Laboratory
    topics: frozenset[str]


_TOOLS: dict[str, Tools] = {}


def _tools(case: Case) -> Tools:
    if case.hash not in _TOOLS:
        if len(_TOOLS) >= 512:
            _TOOLS.clear()
        topics = frozenset(topic for fact in case.patient.every_fact() for topic in fact.topics)
        _TOOLS[case.hash] = Tools(Lexicon(case), Laboratory(case), topics)
    return _TOOLS[case.hash]


@lru_cache(maxsize=4096)
def _remembered(text: str) -> tuple[Heard, ...]:
    return matcher().hear(text)


def _hear(text: str) -> tuple[Heard, ...]:
    """Hear an utterance; short ones are remembered, as batches and gates say the same things again and again."""
    return _remembered(text) if len(text) <= 300 else matcher().hear(text)


class Consult:
    """One encounter of one case."""

    def __init__(self, case: Case, *, seed: int = 0, limits: Limits | None = None, scene: Scene | None = None) -> None:
        self.case = case
        self.lexicon, self.laboratory, self._topics = _tools(case)
        if scene is None:
            self.clock = Clock(case)
            self.scene = Scene(self.clock.body, seed=seed, trust=case.patient.persona.trust)
            if limits is not None:
                self.scene.limits = (limits.sim, limits.turns)
            self._greet()
        else:
            self.scene = scene
            self.clock = Clock(case, scene.body)

    # ---- what a shell needs ---------------------------------------------------------------------------------------------------

    @property
    def encounter(self) -> Encounter:
        """The visit that is going on."""
        return self.case.encounters[self.scene.visit]

    @property
    def limits(self) -> Limits:
        """The limits of this visit: the case's own, or those the consult was given."""
        if self.scene.limits is None:
            return self.encounter.limits
        sim, turns = self.scene.limits
        return Limits.model_construct(sim=sim, turns=turns)

    @property
    def events(self) -> list[Event]:
        """All events so far."""
        return self.scene.events

    @property
    def over(self) -> bool:
        """Whether the encounter has ended."""
        return self.scene.status != "open"

    def snapshot(self) -> Scene:
        """A plain, independent copy of all that changes."""
        return self.scene.copy()

    @classmethod
    def restore(cls, case: Case, scene: Scene) -> Consult:
        """Go on from a snapshot; the snapshot itself stays as it is."""
        return cls(case, scene=scene.copy())

    def begin(self, message: str) -> Iterator[Action]:
        """Start a turn: yield its actions one by one until the encounter ends."""
        if self.over:
            raise ActionError(f"The encounter is over ({self.scene.reason}). Reset to start another.")
        self.scene.turn += 1
        message = act.tidy(message, limit=act.MAX_TURN_CHARS)
        self._record("doctor", "message", message)
        actions = act.parse(message)
        for count, action in enumerate(actions):
            if self.over:
                self._record("controller", "answer", "The rest was not carried out: the encounter is over.")
                return
            if count == act.MAX_ACTIONS:
                self._record("doctor", "unclear", act.show(actions[count:])[:500])
                self._record("controller", "answer", f"Only the first {act.MAX_ACTIONS} actions of a turn are carried out.")
                return
            yield action

    def finish(self) -> None:
        """End a turn: last turns and limits."""
        scene = self.scene
        if not self.over and scene.closing:
            self._end("finished", "patient")
        elif not self.over and scene.body.over == "good":
            scene.closing = True
            self._record("controller", "answer", "The patient is being moved on. One last turn: words, note, diagnosis, disposition.")
        if self.over:
            return
        limits = self.limits
        if scene.turn - scene.visit_turn >= limits.turns:
            self._end("truncated", "turns")
        elif scene.body.now - scene.visit_began >= limits.sim:
            self._end("truncated", "time")

    def play(self, message: str, patient: Patient) -> list[Event]:
        """Carry out one turn with a patient who answers at once; return its events."""
        start = len(self.events)
        for action in self.begin(message):
            turn = self.open(action)
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

    def open(self, action: Action) -> Turn:
        """Check one action, charge its time and money, and say who answers."""
        if self.over:
            raise ActionError(f"The encounter is over ({self.scene.reason}). Reset to start another.")
        if self.scene.awaiting:
            raise ActionError("The last turn still waits for its reply: call close(turn, reply) first.")
        self.scene.awaiting = True
        turn = Turn(index=self.scene.turn, kind=action.kind, to="")
        if action.kind in {"ask", "say"}:
            return self._speak(action)
        if action.kind in {"examine", "order", "treat", "procedure", "consult"}:
            self._do(action)
        else:
            getattr(self, f"_{action.kind}")(action)
        return turn

    def close(self, turn: Turn, reply: Reply | None = None) -> list[Event]:
        """Record the reply and return the events of this action."""
        if not self.scene.awaiting:
            raise ActionError("close was called without open.")
        self.scene.awaiting = False
        start = len(self.events)
        if turn.to and reply is None:
            raise ActionError("This turn is for the patient: close needs the patient's reply.")
        if reply is not None and turn.to:
            self._hear(reply)
        return self.events[start:]

    # ---- speech -----------------------------------------------------------------------------------------------------------------

    def _speak(self, action: Action) -> Turn:
        if not action.text:
            self._unclear(action, "Nothing was said.")
            return Turn(index=self.scene.turn, kind=action.kind, to="")
        heard = tuple(self._settle(part) for part in _hear(action.text))
        topics = tuple(dict.fromkeys(part.topic for part in heard if part.topic))
        scene = self.scene
        told = self._record("doctor", action.kind, action.text, topics=topics)
        scene.hear(topics, action.text)
        self._pass(SPEECH + len(action.text.split()) // 3)
        self.clock.act(told)
        self._due()
        if self.over:
            return Turn(index=scene.turn, kind=action.kind, to="")
        state = self.clock.state
        if state.conscious == "unresponsive" and self.case.patient.informant.role == "patient":
            self._record("controller", "answer", "There is no response.")
            return Turn(index=scene.turn, kind=action.kind, to="")
        return Turn(
            index=scene.turn, kind=action.kind, to="patient", utterance=action.text, heard=heard, told=tuple(scene.told),
            said=tuple(scene.said), trust=scene.trust, opened=scene.opened, conscious=state.conscious, speech=state.speech,
            seed=scene.seed, words=scene.words,
        )  # fmt: skip

    def _settle(self, heard: Heard) -> Heard:
        """Where topics are nearly as good, prefer an invitation while none was heard, then one this patient has something to say on."""
        if not self.scene.opened and heard.topic and not INVITING_TOPICS.isdisjoint(heard.alternatives):
            return heard._replace(topic=next(topic for topic in heard.alternatives if topic in INVITING_TOPICS))
        if heard.topic is None or heard.topic in self._topics:
            return heard
        better = next((topic for topic in heard.alternatives if topic in self._topics), None)
        return heard._replace(topic=better) if better else heard

    def _hear(self, reply: Reply) -> None:
        scene = self.scene
        known = {fact.id for fact in self.case.patient.every_fact()}
        facts = tuple(name for name in reply.facts if name in known)
        scene.opened = scene.opened or not INVITING_TOPICS.isdisjoint(scene.said)
        scene.told += [name for name in facts if name not in scene.told]
        args: dict[str, Any] = {"speaker": act.tidy(reply.speaker)[:60] or "Patient"}
        if reply.source != "scripted":
            args["source"] = act.tidy(reply.source)[:60]
        text = act.tidy(reply.text)
        if text == WITHHELD or secrets_said(text, secrets=self.case.patient.secrets.terms, doctor=scene.words):
            text, args["withheld"] = WITHHELD, True
        event = self._record("patient", "reply", text, facts=facts, args=args)
        self.clock.act(event)
        self._due()

    # ---- examination, orders, treatment ---------------------------------------------------------------------------------------

    def _do(self, action: Action) -> None:
        if not action.text:
            self._unclear(action, f"What? For example: {action.kind}: {'heart' if action.kind == 'examine' else 'full blood count'}")
            return
        if self.scene.closing:
            self._unclear(action, "Too late: the patient is being moved. Words, note, diagnosis and disposition are still taken.")
            return
        for words, found in self.lexicon.resolve_all(action.kind, action.text):
            if self.over:
                return
            if found.entry is None:
                near = f" Nearest: {', '.join(found.offered)}." if found.offered else ""
                self._unclear(Action(action.kind, words), f"'{words[:80]}' was not understood, or is not to be had here.{near}")
            else:
                self._carry_out(found.entry, words)

    def _carry_out(self, entry: Entry, words: str) -> None:
        refusal, args = self._check(entry, words)
        if refusal:
            self._record("doctor", "refused", words, args={"code": entry.code})
            self._record("controller", "answer", refusal)
            self._pass(MISUNDERSTOOD)
            return
        event = self._record("doctor", entry.kind, words, code=entry.code, cls=entry.cls, groups=entry.groups, args=args, cost=entry.cost)
        self.scene.cost += entry.cost
        quick = entry.kind == "order" and self.scene.ordering_turn == self.scene.turn
        self._pass(min(MOMENT, entry.busy) if quick else entry.busy)
        if entry.kind == "order":
            self.scene.ordering_turn = self.scene.turn
        if self.over:
            return
        before = self.scene.body.state
        self.clock.act(event)
        self._answer(entry, event, before)
        self._due()

    def _check(self, entry: Entry, words: str) -> tuple[str, dict[str, Any]]:
        """Why something cannot be done (or an empty string), and the arguments it is recorded with."""
        patient, authored = self.case.patient, entry.authored
        if entry.places and self.encounter.location not in entry.places:
            return f"{entry.name} is not available here.", {}
        if entry.only_sex and patient.sex in {"female", "male"} and entry.only_sex != patient.sex:
            return f"{entry.name} does not apply to this patient.", {}
        args: dict[str, Any] = dict(authored.args) if authored else {"shared": True}
        if entry.kind in {"treat", "procedure"}:
            args.update(act.dose_args(words, weight_kg=patient.weight_kg))
        if not authored:
            return "", args
        if authored.requires and not self.clock.done(authored.requires):
            return authored.refusal or f"{entry.name} cannot be done yet.", {}
        verdict, stated = judged_dose(authored, args)
        if not stated and entry.kind == "treat":
            return f"{entry.name}: what dose? Write it with its unit and route, as in 'treat: DRUG 5 mg iv'.", {}
        if verdict:
            args["dose"] = verdict
        if authored.doses and authored.doses.route:
            args.setdefault("route", authored.doses.route[0])
            args["route_ok"] = args["route"] in authored.doses.route
        against = self._against(entry)
        if against:
            args["contraindicated"], args["why"] = True, against
        return "", args

    def _against(self, entry: Entry) -> str:
        for item in entry.authored.contraindications if entry.authored else ():
            here = not item.states or self.scene.body.state in item.states
            if here and not (item.unless and self.clock.done(item.unless)):
                return item.id
        return ""

    def _answer(self, entry: Entry, event: Event, state: str) -> None:
        if entry.kind == "examine":
            text, args = self._finding(entry, state)
            self._record("controller", "finding", f"{entry.name}: {text}", code=entry.code, cls=entry.cls, args=args)
            return
        seen = self.laboratory.at_once(entry, state)
        if entry.cls == "monitor" and not seen:
            seen = vitals_text(self.clock.vitals(), self.clock.state.conscious)
        result = self.laboratory.result(entry, state)
        if result:
            due = self.scene.body.now + entry.result_in
            self.clock.expect(due, {"code": entry.code, "cls": entry.cls, "name": entry.name, "text": result.text, "args": result.args,
                                    "taken": self.scene.body.now, "order": event.seq, "specimen_state": state})  # fmt: skip
        if seen or not result or entry.result_in:
            wait = f" Result in about {max(1, round(entry.result_in / 60))} min." if result and entry.result_in else ""
            said = seen or ("Given." if entry.kind == "treat" else "Under way." if result else "Done.")
            self._record("controller", "answer", f"{entry.name}: {said}{wait}", code=entry.code, cls=entry.cls)

    def _finding(self, entry: Entry, state: str) -> tuple[str, dict[str, Any]]:
        if entry.code == "exam.vitals":
            return vitals_text(self.clock.vitals(), self.clock.state.conscious), {}
        here = self.case.states[state]
        if not (entry.authored and entry.authored.result):
            if entry.code == "exam.general_appearance" and here.appear:
                return here.appear, {}
            if entry.code == "exam.gcs":
                return f"GCS {here.vitals.gcs}.", {}
            if here.conscious != "alert":
                return "Cannot be assessed fully in the patient's present condition.", {"shared": True}
        result = self.laboratory.result(entry, state)
        return (result.text, result.args) if result else ("Nothing abnormal is found.", {"shared": True})

    # ---- time, notes, decisions -------------------------------------------------------------------------------------------------

    def _wait(self, action: Action) -> None:
        try:
            length = act.wait_seconds(action.text)
        except ValueError:
            self._unclear(action, "How long? For example wait: 10m, or wait: result.")
            return
        now = self.scene.body.now
        if length is None:
            due = self.clock.next_result()
            if due is None:
                self._unclear(action, "Nothing is pending. Say how long to wait, for example wait: 10m.")
                return
            length = due - now
        self._record("doctor", "wait", action.text)
        target = now + min(max(length, 1), LONGEST_WAIT)
        while not self.over and self.scene.body.now < target:
            happening = self.clock.next(self._capped(target))
            if happening is None:
                break
            if self._happen(happening):
                self._due()
                break

    def _note(self, action: Action) -> None:
        if not action.text:
            self._unclear(action, "The note is empty.")
            return
        self._record("doctor", "note", action.text)
        self._pass(SPEECH + len(action.text.split()) // 3)

    def _diagnose(self, action: Action) -> None:
        names = act.ranked(action.text)
        if not names:
            self._unclear(action, "Name a diagnosis, most likely first: diagnose: FIRST; SECOND")
            return
        self._record("doctor", "diagnose", "; ".join(names), args={"ranked": names})
        self._pass(MOMENT)

    def _dispose(self, action: Action) -> None:
        words = act.tidy(action.text).lower().strip(" .")
        code = next((code for code, names in DISPOSITIONS.items() if words == code or words in names), "")
        if not code:
            padded = f" {words} "
            hits = [(len(name), code) for code, names in DISPOSITIONS.items() for name in names if f" {name} " in padded and len(name) > 2]
            code = max(hits)[1] if hits else ""
        if not code:
            self._unclear(action, f"Where to? One of: {', '.join(DISPOSITIONS)}.")
            return
        self._record("doctor", "dispose", action.text, code=code)
        self._pass(2 * MOMENT)

    def _end_visit(self) -> None:
        following = self.case.encounters[self.scene.visit + 1]
        self._pass(following.gap)
        if self.over:
            return
        self.scene.visit += 1
        self._greet()

    def _end(self, status: Any, reason: str = "") -> None:
        if isinstance(status, Action):
            self._record("doctor", "end", status.text)
            if self.scene.visit + 1 < len(self.case.encounters) and not self.scene.body.over:
                self._end_visit()
                return
            status, reason = "finished", "doctor"
        self.scene.status, self.scene.reason = status, reason

    # ---- time passes ----------------------------------------------------------------------------------------------------------------

    def _pass(self, length: int) -> None:
        """Let time pass without stopping at what happens."""
        target = self.scene.body.now + length
        while not self.over:
            happening = self.clock.next(self._capped(target))
            if happening is None:
                return
            self._happen(happening)

    def _due(self) -> None:
        """Let happen what is due at this very moment."""
        self._pass(0)

    def _capped(self, target: int) -> int:
        return max(self.scene.body.now, min(target, self.scene.visit_began + self.limits.sim))

    def _happen(self, happening: Happening) -> bool:
        """Record what came due; say whether the doctor would notice."""
        if happening.kind == "result":
            data = happening.data
            args = {**data["args"], "taken": data["taken"], "order": data["order"], "specimen_state": data["specimen_state"]}
            self.clock.act(
                self._record("controller", "result", f"{data['name']}: {data['text']}", code=data["code"], cls=data["cls"], args=args)
            )
            return True
        if happening.kind == "challenge":
            challenge = self.case.challenge(happening.name)
            self._record("patient", "challenge", challenge.say, code=challenge.id, args={"speaker": self._speaker(challenge.by)})
            return True
        return self._enter(happening)

    def _enter(self, happening: Happening) -> bool:
        state = self.case.states[happening.name]
        self._record("controller", "state", happening.name, code=happening.name, args={"from": happening.data["from"]})
        seen = " ".join(text for text in (happening.data.get("say"), state.appear) if text)
        if seen:
            self._record("controller", "alarm", seen, code=happening.name)
        if state.terminal == "bad":
            self._end("finished", "patient")
        return bool(seen) or state.terminal is not None

    def _speaker(self, by: str) -> str:
        patient = self.case.patient
        if by == "patient" or patient.informant.role == "patient":
            return patient.informant.name or patient.name.given
        return patient.informant.name or patient.informant.role.capitalize()

    # ---- writing down ---------------------------------------------------------------------------------------------------------------

    def _greet(self) -> None:
        scene = self.scene
        scene.visit_began, scene.visit_turn, scene.closing = scene.body.now, scene.turn, False
        note = self.encounter
        args = {"start": note.start, "location": note.location, "limit_s": self.limits.sim, "limit_turns": self.limits.turns}
        self._record("controller", "encounter", f"{note.door_note} {note.task}", code=note.id, args=args)
        if scene.visit == 0:
            self._record("controller", "state", scene.body.state, code=scene.body.state, args={"from": ""})

    def _unclear(self, action: Action, why: str) -> None:
        self._record("doctor", "unclear", str(action)[:500])
        self._record("controller", "answer", why)
        self._pass(MISUNDERSTOOD)

    def _record(self, actor: Any, kind: str, text: str = "", **rest: Any) -> Event:
        scene = self.scene
        event = Event(len(scene.events), scene.turn, scene.body.now, actor, kind, text, state=scene.body.state, **rest)
        scene.events.append(event)
        return event


__all__ = ["Consult", "Scene"]
