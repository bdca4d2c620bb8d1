"""Roll one agent through one case: the simplest shell around the consult.

The rule: the shell owns the loop and nothing else. What the patient's seat or the agent raises becomes an error of this trajectory,
with what had happened until then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import zip_longest

from medsim.agent import Agent
from medsim.agent.observation import Observation, look
from medsim.case import Case
from medsim.consult import Consult
from medsim.controller import Controller, Ruling, Task
from medsim.errors import MedsimError, PatientError, StoreError
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Patient, Reply, Turn
from medsim.trajectory import Event, Outcome, Trajectory


def episode_id(*parts: object) -> str:
    """A short id that depends on nothing but its parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()[:12]


def rollout(
    case: Case,
    agent: Agent,
    *,
    name: str = "agent",
    seed: int = 0,
    trial: int = 0,
    patient: Patient | None = None,
    controller: Controller | None = None,
    limits: tuple[int | None, int | None] = (None, None),
    run: str = "",
    env: str = "",
    identity: str = "",
    watch: Callable[[list[Event]], None] | None = None,
) -> Trajectory:
    """Play one encounter to its end and return its trajectory.

    A failure of the agent, a seat or the engine gives a trajectory of status ``error`` with the reason, the boundary that failed; it
    is never scored.
    """
    consult = Consult(case, seed=seed, limits=limits)

    def begin() -> Observation:
        agent.reset(seed)
        return look(case, consult.events)

    return play_on(
        consult, agent, begin, name=name, trial=trial, patient=patient, controller=controller, run=run, env=env, identity=identity,
        watch=watch,
    )  # fmt: skip


def play_on(
    consult: Consult,
    agent: Agent,
    begin: Callable[[], Observation],
    *,
    name: str,
    trial: int = 0,
    patient: Patient | None = None,
    controller: Controller | None = None,
    run: str = "",
    env: str = "",
    identity: str = "",
    watch: Callable[[list[Event]], None] | None = None,
) -> Trajectory:
    """Play a consult to its end, wherever it stands. ``begin`` makes the agent ready and gives its first observation."""
    case, seed = consult.case, consult.scene.seed
    seat = patient or ScriptedPatient(case.brief())
    error, reason, boundary = "", "", "agent"
    try:
        observation = begin()
        while not consult.over:
            boundary = "agent"
            message = str(agent.act(observation))
            boundary = "consult"
            events = consult.play(message, seat, controller=controller)
            observation = look(case, events)
            if watch:
                watch(events)
    except Exception as failure:
        reason = type(failure).__name__ if isinstance(failure, MedsimError) else boundary
        error = f"{type(failure).__name__}: {failure}"
    outcome = consult.outcome()
    if error:
        outcome = Outcome(
            "error", reason, *(getattr(outcome, part) for part in ("state", "diagnosis", "disposition", "seconds", "turns", "cost"))
        )
    return Trajectory(
        id=episode_id(run, case.hash, name, trial, seed), case_id=case.id, case_hash=case.hash, agent=name, seed=seed, trial=trial,
        events=list(consult.events), outcome=outcome, patient=seat.name, env=env, identity=identity, run=run, error=error,
    )  # fmt: skip


class Recorded:
    """The seats of a stored trajectory: gives back the patient's replies and the controller's rulings, in order."""

    def __init__(self, trajectory: Trajectory) -> None:
        self.name = trajectory.patient
        self._replies = iter([event for event in trajectory.events if event.kind == "reply"])
        self._rulings = iter([event for event in trajectory.events if event.kind == "ruling"])

    def reply(self, turn: Turn) -> Reply:
        """The next stored reply."""
        event = next(self._replies, None)
        if event is None:
            raise PatientError("The stored trajectory has no further reply: it does not belong to this case or this version of medsim.")
        held = tuple(event.args.get("held", ()))
        return Reply(event.text, event.facts, event.speaker, str(event.args.get("source", "scripted")), held=held)

    def rule(self, task: Task) -> Ruling:
        """The next stored ruling."""
        event = next(self._rulings, None)
        if event is None:
            raise StoreError("The stored trajectory has no further ruling: it does not belong to this case or this version of medsim.")
        return Ruling.of(event.args)


def messages(trajectory: Trajectory) -> list[str]:
    """The doctor's turns as they were written."""
    return [event.text for event in trajectory.events if event.kind == "message"]


def replay(case: Case, trajectory: Trajectory) -> Consult:
    """Play a stored trajectory again from its own words and replies; raise StoreError where the events differ."""
    return _again(case, trajectory, messages(trajectory), trajectory.events)


def fork(case: Case, trajectory: Trajectory, *, turn: int) -> Consult:
    """Play a stored trajectory again up to and including a turn; another doctor goes on from the consult that is handed back.

    Turn 0 is the door. Raise StoreError where the trajectory has no such turn or its events up to there differ from their replay.
    """
    words = messages(trajectory)
    if not 0 <= turn <= len(words):
        raise StoreError(f"Trajectory {trajectory.id} has the turns 0 to {len(words)}, given {turn}.")
    return _again(case, trajectory, words[:turn], [event for event in trajectory.events if event.turn <= turn])


def _again(case: Case, trajectory: Trajectory, words: Sequence[str], stored: Sequence[Event]) -> Consult:
    """Play a doctor's words with the stored replies and compare the events with the stored ones."""
    if case.hash != trajectory.case_hash:
        raise StoreError(
            f"Case '{case.id}' has hash {case.hash}, the trajectory was made with {trajectory.case_hash}. Use that version of the case."
        )
    consult, seat = Consult(case, seed=trajectory.seed, limits=_limits(case, trajectory)), Recorded(trajectory)
    for message in words:
        consult.play(message, seat, controller=seat)
    for at, (mine, theirs) in enumerate(zip_longest(consult.events, stored)):
        if mine != theirs:
            raise StoreError(
                f"Trajectory {trajectory.id} differs from its replay at event {at}. It was made with medsim {trajectory.medsim}."
            )
    return consult


def _limits(case: Case, trajectory: Trajectory) -> tuple[int | None, int | None]:
    """The limits a trajectory was played with, None where they were the case's own."""
    first, own = trajectory.events[0].args, case.encounters[0].limits
    sim, turns = first["limit_s"], first["limit_turns"]
    return (None if sim == own.sim else sim, None if turns == own.turns else turns)
