"""One encounter of a run: what is to be played, how an agent of any kind plays it, and what came of it.

The rule: whatever an agent does (it cannot be made, it raises, it would end the program, it never awaits) is an error of its own
encounter and of no other.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from medsim.agent import Maker
from medsim.case import Case
from medsim.controller import Controller
from medsim.episode import rollout
from medsim.errors import ActionError, LLMError, MedsimError
from medsim.evaluation.awaiting import finished
from medsim.evaluation.seats import Seats, booking, usage_of
from medsim.judge import score_with, unanswered
from medsim.llm.meanwhile import at_once, catch_up, undone
from medsim.patient.seat import Patient
from medsim.recipe import Recipe
from medsim.rubric import Scorecard
from medsim.trajectory import Event, Trajectory

if TYPE_CHECKING:
    from medsim.llm import Entry


class Job(NamedTuple):
    """One encounter to play."""

    case: Case
    agent: str
    maker: Maker
    trial: int
    seed: int


class Done(NamedTuple):
    """One encounter that ended."""

    trajectory: Trajectory
    card: Scorecard | None
    information: float | None
    calls: list[Entry] = []
    """The calls to language models it took."""


class Setting(NamedTuple):
    """What all encounters of a run share."""

    recipe: Recipe
    seats: Seats
    run: str
    identity: str

    def play(self, job: Job, left: threading.Event) -> Done:
        """Play one encounter and score it; once ``left`` is set it ends at its next turn, and nobody wants it any more."""
        with booking() as calls:
            trajectory = self._rolled(job, left)
            while undone():  # on the way it was told something else than the cache now holds; each time that holds one answer more
                trajectory = self._rolled(job, left)
            with at_once():  # a verdict is not given again where another answer was first
                card = None if trajectory.outcome.status == "error" else self._scored(job.case, trajectory)
        trajectory.usage = usage_of(calls)
        if trajectory.outcome.status == "error":
            return Done(trajectory, None, None, calls)
        return Done(trajectory, card, information(job.case, trajectory.events), calls)

    def _scored(self, case: Case, trajectory: Trajectory) -> Scorecard | None:
        """Score with the run's judge. One that gave no answer at all, or whose budget is spent, makes it an error that is played again."""
        try:
            card = score_with(case, trajectory, self.seats.judge)
            if reason := unanswered(card):
                raise LLMError(f"The judge gave no answer: {reason}")
            return card
        except LLMError as error:
            _fail(trajectory, error)
        except Exception as error:  # what was played is kept and can be scored again
            trajectory.error = f"not scored: {type(error).__name__}: {error}. Score it with medsim score."
        return None

    def _rolled(self, job: Job, left: threading.Event) -> Trajectory:
        agent: Late | Refused = Late(job, left)
        patient: Patient | None = None
        controller: Controller | None = None
        try:
            patient, controller = self.seats.patient_of(job.case), self.seats.controller_of(job.case)
        except MedsimError as error:
            agent = Refused(error)
        trajectory = rollout(
            job.case,
            agent,
            name=job.agent,
            seed=job.seed,
            trial=job.trial,
            patient=patient,
            controller=controller,
            limits=self.recipe.limits,
            run=self.run,
            env=self.recipe.id,
            identity=self.identity,
        )
        try:
            catch_up()  # its calls are in the books now, and their answers in the cache
        except LLMError as error:
            _fail(trajectory, error)
        return trajectory


def _fail(trajectory: Trajectory, error: LLMError) -> None:
    trajectory.outcome = replace(trajectory.outcome, status="error", reason=type(error).__name__)
    trajectory.error = f"{type(error).__name__}: {error}"


class Late:
    """An agent made when its encounter begins, so that what its making raises is an error of that encounter.

    Its methods may be plain or ``async``; what they hand back is awaited on the one loop of all such agents.
    """

    def __init__(self, job: Job, left: threading.Event) -> None:
        self._job, self._left = job, left

    def reset(self, seed: int) -> None:
        """Make the agent and reset it."""
        try:
            agent: Any = self._job.maker(self._job.case)  # its methods may give anything
            self._agent = agent
            _value(agent.reset(seed))
        except BaseException as error:
            raise _own(error) from error

    def act(self, observation: str) -> str:
        """Ask the agent for a turn."""
        if self._left.is_set():
            raise ActionError("The run was stopped while this encounter was under way. Resume the run to play it again.")
        try:
            turn = _value(self._agent.act(observation))
        except BaseException as error:
            raise _own(error) from error
        if not isinstance(turn, str):
            raise ActionError(f"{self._job.agent}: act should return the words of a turn (str), it returned {type(turn).__name__}.")
        return turn


class Refused:
    """Stands for the agent of an encounter in which a seat cannot be filled: the reason is an error of that encounter alone."""

    def __init__(self, error: MedsimError) -> None:
        self._error = error

    def reset(self, seed: int) -> None:
        """Say why."""
        raise self._error

    def act(self, observation: str) -> str:
        """Say why."""
        raise self._error


def _value(given: Any) -> Any:
    """What a plain or an asynchronous method gave."""
    return finished(given) if not isinstance(given, (str, type(None))) and inspect.isawaitable(given) else given


def _own(error: BaseException) -> BaseException:
    """The error as one of the agent's encounter: what would end the whole program does not, but for the user's own interrupt."""
    if isinstance(error, SystemExit):
        return RuntimeError(f"the agent called sys.exit({error.code!r})")
    interrupt = isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()
    if interrupt or isinstance(error, Exception):
        return error
    return RuntimeError(f"the agent ended with {type(error).__name__}: {error}")


def information(case: Case, events: Sequence[Event]) -> float | None:
    """Information coverage: the share of tellable facts and authored findings and results that the doctor came to know."""
    facts = {fact.id for fact in case.patient.every_fact() if fact.tier != "never"}
    findings = {
        code
        for code, action in case.actions.items()
        if action.result and action.kind in {"order", "examine"} and "covers" not in action.args
    }
    known = facts & {name for event in events for name in event.facts}
    seen = findings & {event.code for event in events if event.kind in {"finding", "result"}}
    total = len(facts) + len(findings)
    return (len(known) + len(seen)) / total if total else None
