"""Simulated time: the body as a statechart over a queue of deadlines.

The rule: the *earliest* pending deadline runs again and again, and none is ever jumped, so one hour at once and 3,600 steps of a
second give the same history. Timers and reactions belong to the state that set them and die with it; processes belong to the case
and outlive it. ``Body`` is plain data: copy it to take a snapshot or to fork.
"""

from __future__ import annotations

import heapq
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from medsim.case import Case
from medsim.case.body import State
from medsim.case.pattern import Did, Trigger
from medsim.case.person import Challenge
from medsim.errors import CaseError
from medsim.trajectory import Event

_PROCESS, _REACT, _TIMER, _RESULT, _CHALLENGE = range(5)
_MAX_AT_ONE_INSTANT = 50
_LIMITS = {"hr": (0, 350), "sbp": (0, 350), "dbp": (0, 250), "rr": (0, 120), "spo2": (0, 100), "temp": (20, 45)}


class Happening(NamedTuple):
    """What came due: a state entered, a result back, a challenge raised, or a process that completed."""

    kind: str
    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class Body:
    """Everything about the body that changes, as plain data. Times are whole seconds since arrival."""

    now: int = 0
    state: str = ""
    since: int = 0
    visit: int = 0
    """How many states have been entered; deadlines of an earlier one are void."""
    queue: list[tuple[int, int, int, dict[str, Any]]] = field(default_factory=list)
    scheduled: int = 0
    started: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    acts: list[Event] = field(default_factory=list)
    act_visits: list[int] = field(default_factory=list)
    over: str = ""
    """good or bad, once a terminal state is entered."""
    instant: tuple[int, int] = (0, 0)
    away: int = 0
    """How much of the time in this state lay between two visits."""

    def copy(self) -> Body:
        """An independent copy (events are frozen and shared)."""
        twin = Body(self.now, self.state, self.since, self.visit, deepcopy(self.queue), self.scheduled)
        twin.started, twin.held, twin.acts = list(self.started), list(self.held), list(self.acts)
        twin.act_visits, twin.over, twin.instant, twin.away = list(self.act_visits), self.over, self.instant, self.away
        return twin


class Clock:
    """Moves a body through time by the rules of its case."""

    def __init__(self, case: Case, body: Body | None = None) -> None:
        self.case = case
        self.body = body or Body()
        self._seen: dict[int, tuple[int, int]] = {}
        if body is None:
            for challenge in case.patient.challenges:
                if challenge.when.at is not None:
                    self._put(challenge.when.at, _CHALLENGE, {"challenge": challenge.id})
            self._enter(case.initial)

    @property
    def state(self) -> State:
        """The state the body is in."""
        return self.case.states[self.body.state]

    def vitals(self) -> dict[str, Any]:
        """Vital signs now: the state's own plus drift, which stands still between visits."""
        state, body = self.state, self.body
        shown = state.vitals.model_dump()
        minutes = (body.now - body.since - body.away) / 60
        for name, per_minute in state.drift.items():
            low, high = _LIMITS[name]
            shown[name] = min(max(shown[name] + per_minute * minutes, low), high)
        return {
            name: round(value, 1) if name == "temp" else round(value) if isinstance(value, float) else value
            for name, value in shown.items()
        }

    def act(self, event: Event) -> None:
        """Register something that was done (or told); it may start reactions, processes and challenges."""
        self.body.acts.append(event)
        self.body.act_visits.append(self.body.visit)
        self._check_reactions()
        self._check_processes()
        for challenge in self.case.patient.challenges:
            if challenge.when.after and f"challenge:{challenge.id}" not in self.body.started and self.done(challenge.when.after):
                self._raise_once(challenge)

    def begin(self, visit: str) -> None:
        """Begin a visit: what is raised with it comes due."""
        for challenge in self.case.patient.challenges:
            if visit in challenge.when.visit:
                self._raise_once(challenge)

    def bridge(self, left: int) -> None:
        """Say that nobody was there since a time, the end of a visit."""
        self.body.away += self.body.now - max(left, self.body.since)

    def expect(self, due: int, data: dict[str, Any]) -> None:
        """Let a result arrive at a time."""
        self._put(due, _RESULT, data)

    def move(self, state: str) -> Happening:
        """Enter a state now, because who rules over the case says so; timers and reactions of the state before are void."""
        return self._enter(state)

    def next_result(self) -> int | None:
        """When the next result is due, or None."""
        return min((due for due, rank, _, _ in self.body.queue if rank == _RESULT), default=None)

    def next(self, until: int) -> Happening | None:
        """Run deadlines up to a time until one of them shows; None when the time is reached."""
        body = self.body
        while body.queue and body.queue[0][0] <= until and body.over != "bad":
            due, rank, _, data = heapq.heappop(body.queue)
            body.now = max(body.now, due)
            happening = self._run(rank, data)
            if happening:
                return happening
        if body.over != "bad":
            body.now = max(body.now, until)
        return None

    def done(self, trigger: Trigger, *, since_visit: int = 0) -> bool:
        """Say whether a trigger holds over what was done, from a visit on."""
        return (any if trigger.any else all)(self._last_visit(pattern) >= since_visit for pattern in trigger.patterns)

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is known of patterns by their identity, which no copy shares; it is read off the acts again."""
        return {**self.__dict__, "_seen": {}}

    # ---- inside ---------------------------------------------------------------------------------------------------------------

    def _last_visit(self, pattern: Did) -> int:
        """The visit in which a pattern was last matched, -1 where it never was; only acts not looked at before are tried."""
        body = self.body
        looked_at, last = self._seen.get(id(pattern), (0, -1))
        for position in range(looked_at, len(body.acts)):
            if pattern.matches(body.acts[position]):
                last = body.act_visits[position]
        self._seen[id(pattern)] = (len(body.acts), last)
        return last

    def _put(self, due: int, rank: int, data: dict[str, Any]) -> None:
        self.body.scheduled += 1
        heapq.heappush(self.body.queue, (due, rank, self.body.scheduled, data))

    def _run(self, rank: int, data: dict[str, Any]) -> Happening | None:
        body = self.body
        if rank in {_REACT, _TIMER} and data["visit"] != body.visit:
            return None
        if rank == _RESULT:
            return Happening("result", data["code"], data)
        if rank == _CHALLENGE:
            return self._challenge(data["challenge"])
        if rank == _PROCESS:
            return self._process(data["process"])
        rule: Any = (self.state.react if rank == _REACT else self.state.timers)[data["index"]]
        if rule.unless and self.done(rule.unless):
            return None
        return self._enter(rule.to)

    def _raise_once(self, challenge: Challenge) -> None:
        key = f"challenge:{challenge.id}"
        if key not in self.body.started:
            self.body.started.append(key)
            self._put(self.body.now + challenge.when.delay, _CHALLENGE, {"challenge": challenge.id})

    def _challenge(self, name: str) -> Happening | None:
        challenge = self.case.challenge(name)
        outside = challenge.only_in and self.body.state not in challenge.only_in
        if outside or self.state.conscious == "unresponsive" or (challenge.unless and self.done(challenge.unless)):
            return None
        return Happening("challenge", name, {})

    def _process(self, name: str) -> Happening | None:
        process = next(process for process in self.case.processes if process.id == name)
        if self.body.state not in process.to:
            if name not in self.body.held:
                self.body.held.append(name)
            return None
        if name in self.body.held:
            self.body.held.remove(name)
        happening = self._enter(process.to[self.body.state])
        return Happening("state", happening.name, {**happening.data, "say": process.say, "process": name})

    def _enter(self, name: str) -> Happening:
        body = self.body
        self._guard_against_loops(name)
        before = body.state
        body.state, body.since, body.away = name, body.now, 0
        body.visit += 1
        state = self.state
        if state.terminal:
            body.over = state.terminal
        for i, timer in enumerate(state.timers):
            self._put(body.now + timer.at, _TIMER, {"visit": body.visit, "index": i})
        for challenge in self.case.patient.challenges:
            if name in challenge.when.state:
                self._raise_once(challenge)
        self._check_reactions()
        held, body.held = body.held, []
        for process in held:
            self._put(body.now, _PROCESS, {"process": process})
        return Happening("state", name, {"from": before})

    def _guard_against_loops(self, name: str) -> None:
        at, count = self.body.instant
        self.body.instant = (self.body.now, count + 1) if at == self.body.now else (self.body.now, 1)
        if self.body.instant[1] > _MAX_AT_ONE_INSTANT:
            raise CaseError(
                f"Case '{self.case.id}': more than {_MAX_AT_ONE_INSTANT} states were entered at {self.body.now} s, the last '{name}'. "
                "Two states send the body back and forth without time passing; give one of them 'after' or 'at'."
            )

    def _check_reactions(self) -> None:
        body = self.body
        for i, react in enumerate(self.state.react):
            key = f"react:{body.visit}:{i}"
            if key not in body.started and self.done(react, since_visit=0 if react.ever else body.visit):
                body.started.append(key)
                self._put(body.now + react.after, _REACT, {"visit": body.visit, "index": i})

    def _check_processes(self) -> None:
        for process in self.case.processes:
            key = f"process:{process.id}"
            if key not in self.body.started and self.done(process):
                self.body.started.append(key)
                self._put(self.body.now + process.after, _PROCESS, {"process": process.id})
