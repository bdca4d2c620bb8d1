"""What would have come of it: a stored encounter goes on from one of its turns with another doctor, patient or person.

The rule: up to and including that turn everything is the parent's, word for word, checked against a replay; what comes after is the new
seats' own. Where nothing is changed and no model is asked, the same encounter comes out.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

from medsim.agent import Agent
from medsim.agent.handover import Exchange, Resumes, exchanges, seen, told
from medsim.agent.observation import Observation
from medsim.case import Case
from medsim.controller import Controller
from medsim.episode import fork, play_on
from medsim.errors import ActionError, StoreError
from medsim.evaluation.awaiting import finished
from medsim.patient.seat import Patient
from medsim.rubric import Scorecard
from medsim.rubric.scorecard import ItemScore
from medsim.trajectory import Event, Trajectory


class Branch(NamedTuple):
    """A trajectory that left another at one of its turns."""

    parent: Trajectory
    turn: int
    trajectory: Trajectory
    resumed: bool
    """Whether the doctor took the parent's turns as its own; otherwise it was told the transcript."""


class Difference(NamedTuple):
    """One rubric item before and after, with the turns that decided it."""

    id: str
    text: str
    points: float
    before: str
    after: str
    earned_before: float
    earned_after: float
    turns_before: tuple[int, ...]
    turns_after: tuple[int, ...]
    reason: str = ""
    """Why the later verdict is what it is, where it says so."""

    @property
    def changed(self) -> bool:
        """Whether verdict or credit differ."""
        return (self.before, self.earned_before) != (self.after, self.earned_after)


def branch(
    case: Case,
    parent: Trajectory,
    *,
    turn: int,
    agent: Agent,
    name: str = "",
    patient: Patient | None = None,
    controller: Controller | None = None,
    run: str = "",
    identity: str = "",
) -> Branch:
    """Go on from a turn (0 is the door) with these seats, the parent's seed and limits; the scripted patient unless another is given.

    Raise StoreError where the parent has no such turn, was over by then, or differs from its replay. A seat that fails later gives a
    trajectory of status ``error``.
    """
    consult = fork(case, parent, turn=turn)
    if consult.over:
        raise StoreError(f"Trajectory {parent.id} was over at turn {turn}: nobody can go on from there. Give an earlier turn.")
    past, heir = list(consult.events), _Heir(agent)
    resumes = isinstance(agent, Resumes)

    def begin() -> Observation:
        heir.reset(parent.seed)
        if resumes:
            heir.resume(exchanges(case, past))
        return seen(case, past, turn=turn) if resumes or not turn else told(case, past)

    trajectory = play_on(
        consult, heir, begin, name=name or parent.agent, trial=parent.trial, patient=patient, controller=controller, run=run,
        env=parent.env, identity=identity,
    )  # fmt: skip
    return Branch(parent, turn, trajectory, resumes or not turn)


class _Heir:
    """The doctor who takes over; methods may be plain or ``async``."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def reset(self, seed: int) -> None:
        _value(self._agent.reset(seed))

    def resume(self, history: Sequence[Exchange]) -> None:
        _value(self._agent.resume(history))

    def act(self, observation: str) -> str:
        turn = _value(self._agent.act(observation))
        if not isinstance(turn, str):
            raise ActionError(f"act should return the words of a turn (str), it returned {type(turn).__name__}.")
        return turn


def _value(given: Any) -> Any:
    """What a plain or an asynchronous method gave."""
    return finished(given) if inspect.isawaitable(given) else given


def differences(before: Scorecard, after: Scorecard, *, parent: Sequence[Event], child: Sequence[Event]) -> list[Difference]:
    """Compare two scores by one rubric, item by item; StoreError where the rubrics differ."""
    if before.rubric_hash != after.rubric_hash:
        raise StoreError(
            f"Two rubrics cannot be compared item by item: {before.rubric} ({before.rubric_hash}), {after.rubric} ({after.rubric_hash})."
        )
    return [
        Difference(
            new.id,
            new.text,
            new.points,
            old.verdict,
            new.verdict,
            old.earned,
            new.earned,
            _turns(old, parent),
            _turns(new, child),
            new.reason,
        )
        for old, new in zip(before.items, after.items, strict=True)
    ]


def _turns(item: ItemScore, events: Sequence[Event]) -> tuple[int, ...]:
    """The turns of an item's evidence."""
    wanted = set(item.evidence)
    return tuple(sorted({event.turn for event in events if event.seq in wanted}))


def origin(parent: Trajectory, *, turn: int) -> dict[str, Any]:
    """Where a branch comes from, as its run keeps it."""
    return {
        "run": parent.run,
        "trajectory": parent.id,
        "turn": turn,
        "agent": parent.agent,
        "patient": parent.patient,
        "identity": parent.identity,
    }


__all__ = ["Branch", "Difference", "branch", "differences", "origin"]
