"""The desk of one encounter: writes down what happens and lets time pass.

The rule: every event is written here, at the time the clock shows, and whatever comes due is written before anything later.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from medsim.action import Action
from medsim.case import Case, Encounter, Limits
from medsim.clock import Clock, Happening
from medsim.consult.answers import Laboratory
from medsim.consult.scene import Scene
from medsim.trajectory import Event, Status
from medsim.vocabulary import Lexicon

SPEECH, MISUNDERSTOOD, MOMENT = 10, 10, 15
"""Seconds: beginning to speak, sorting out what could not be done, a small act."""


class Tools(NamedTuple):
    """What is derived from a case once and shared by all its encounters."""

    lexicon: Lexicon
    laboratory: Laboratory
    topics: frozenset[str]
    facts: frozenset[str]


_KEPT = 512
_TOOLS: dict[str, Tools] = {}


def tools_of(case: Case) -> Tools:
    """Return the tools of a case, made once for each version of it."""
    if case.hash not in _TOOLS:
        if len(_TOOLS) >= _KEPT:
            _TOOLS.clear()
        facts = case.patient.every_fact()
        topics = frozenset(topic for fact in facts for topic in fact.topics)
        _TOOLS[case.hash] = Tools(Lexicon(case), Laboratory(case), topics, frozenset(fact.id for fact in facts if fact.tier != "never"))
    return _TOOLS[case.hash]


def prepare(cases: Iterable[Case]) -> None:
    """Make the tools of cases before their encounters begin, of as many as are kept."""
    for case in islice(cases, _KEPT):
        tools_of(case)


class Desk:
    """Case, clock and scene of one encounter, and the only pen that writes events."""

    def __init__(self, case: Case, clock: Clock, scene: Scene) -> None:
        self.case, self.clock, self.scene = case, clock, scene
        self.tools = tools_of(case)

    @property
    def over(self) -> bool:
        """Whether the encounter has ended."""
        return self.scene.status != "open"

    @property
    def encounter(self) -> Encounter:
        """The visit that is going on."""
        return self.case.encounters[self.scene.visit]

    @property
    def limits(self) -> Limits:
        """The limits of this visit: the case's own, or those the consult was given."""
        return Limits.model_construct(sim=self.time_limit, turns=self.turn_limit)

    @property
    def time_limit(self) -> int:
        """Seconds that this visit may take."""
        given = self.scene.limits[0]
        return self.encounter.limits.sim if given is None else given

    @property
    def turn_limit(self) -> int:
        """Turns that this visit may take."""
        given = self.scene.limits[1]
        return self.encounter.limits.turns if given is None else given

    @property
    def late(self) -> bool:
        """Whether the time of this visit is used up."""
        return self.scene.body.now - self.scene.visit_began >= self.time_limit

    def record(self, actor: Any, kind: str, text: str = "", **rest: Any) -> Event:
        """Write one event, now."""
        scene = self.scene
        event = Event(len(scene.events), scene.turn, scene.body.now, actor, kind, text, state=scene.body.state, **rest)
        scene.events.append(event)
        return event

    def unclear(self, action: Action, why: str) -> None:
        """Answer an action that could not be understood; it costs a little time."""
        self.record("doctor", "unclear", str(action)[:500])
        self.record("controller", "answer", why)
        self.spend(MISUNDERSTOOD)

    def greet(self) -> None:
        """Begin a visit: the door note, and at arrival the state of the body; what is raised or changed by a later visit is due at once."""
        scene = self.scene
        scene.visit_began, scene.visit_turn, scene.closing = scene.body.now, scene.turn, False
        note = self.encounter
        args = {"start": note.start, "location": note.location, "limit_s": self.time_limit, "limit_turns": self.turn_limit}
        event = self.record("controller", "encounter", f"{note.door_note} {note.task}", code=note.id, args=args)
        self.clock.begin(note.id)
        if scene.visit:
            self.clock.act(event)
            self.due()
        else:
            self.record("controller", "state", scene.body.state, code=scene.body.state, args={"from": ""})

    def spend(self, length: int) -> None:
        """Let time pass without stopping at what happens."""
        target = self.scene.body.now + length
        while not self.over:
            happening = self.clock.next(self.capped(target))
            if happening is None:
                return
            self.happen(happening)

    def due(self) -> None:
        """Let happen what is due at this very moment."""
        self.spend(0)

    def capped(self, target: int) -> int:
        """A time, or the limit of this visit where that comes first."""
        return max(self.scene.body.now, min(target, self.scene.visit_began + self.time_limit))

    def happen(self, happening: Happening) -> bool:
        """Record what came due; say whether the doctor would notice."""
        if happening.kind == "result":
            data = happening.data
            args = {**data["args"], "taken": data["taken"], "order": data["order"], "specimen_state": data["specimen_state"]}
            self.clock.act(
                self.record("controller", "result", f"{data['name']}: {data['text']}", code=data["code"], cls=data["cls"], args=args)
            )
            return True
        if happening.kind == "challenge":
            challenge = self.case.challenge(happening.name)
            self.record("patient", "challenge", challenge.say, code=challenge.id, args={"speaker": self.speaker(challenge.by)})
            return True
        return self.enter(happening)

    def enter(self, happening: Happening) -> bool:
        """Record a new state and what can be seen of it; say whether the doctor would notice."""
        state = self.case.states[happening.name]
        self.record("controller", "state", happening.name, code=happening.name, args={"from": happening.data["from"]})
        seen = " ".join(text for text in (happening.data.get("say"), state.appear) if text)
        if seen:
            self.record("controller", "alarm", seen, code=happening.name)
        if state.terminal == "bad":
            self.end("finished", "patient")
        return bool(seen) or state.terminal is not None

    def shut(self) -> list[str]:
        """Ids of the facts that are not there in the present state of the body."""
        state = self.scene.body.state
        return [fact.id for fact in self.case.patient.facts if fact.only_in and state not in fact.only_in]

    def speaker(self, by: str) -> str:
        """The name under which the informant or the patient speaks."""
        patient = self.case.patient
        if by == "patient":
            return patient.name.given
        return patient.informant.name or (
            patient.name.given if patient.informant.role == "patient" else patient.informant.role.capitalize()
        )

    def next_visit(self) -> None:
        """Let the time between two visits pass and begin the next.

        What the body does meanwhile, it does; what the patient would have raised is not said to an empty room, and no drift runs on.
        """
        left = self.scene.body.now
        back = self.scene.body.now + self.case.encounters[self.scene.visit + 1].gap
        while not self.over and (happening := self.clock.next(back)) is not None:
            if happening.kind != "challenge":
                self.happen(happening)
        if self.over:
            return
        self.clock.bridge(left)
        self.scene.visit += 1
        if self.encounter.opening:
            self.scene.opened = False
        self.greet()

    def end(self, status: Status, reason: str) -> None:
        """End the encounter."""
        self.scene.status, self.scene.reason = status, reason
