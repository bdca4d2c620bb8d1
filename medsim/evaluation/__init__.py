"""Cases times agents times trials: played, scored, kept, and gone on with after a stop.

The rule: every encounter is saved in one transaction as it ends. What is stored is not played again; what failed is an error with its
reason, never a score. Two results with different identities are never averaged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from medsim import recipe as recipes
from medsim.agent import Maker, fingerprint, make
from medsim.case import Case
from medsim.episode import rollout
from medsim.errors import ActionError, MedsimError, StoreError
from medsim.evaluation.seats import Seats, booking, usage_of
from medsim.evaluation.stats import Summary, summarise
from medsim.patient.matcher import matcher
from medsim.recipe import Recipe
from medsim.rubric import Scorecard, rubric_hash, score
from medsim.store import DEFAULT, Store
from medsim.trajectory import Event, Trajectory
from medsim.version import __version__

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


class Evaluation(NamedTuple):
    """What a run has come to."""

    run: str
    store: str
    identity: str
    summaries: list[Summary]
    played: int
    kept: int
    """How many were stored before and not played again."""
    stopped: bool
    errors: list[str]


def evaluate(
    agents: Sequence[str] = ("interviewer",),
    *,
    cases: Sequence[str] | None = None,
    recipe: Recipe | str | None = None,
    trials: int = 1,
    seed: int = 0,
    jobs: int = 1,
    store: Store | str = DEFAULT,
    run: str | None = None,
    resume: bool = False,
    seats: Seats | None = None,
    progress: Callable[[int, int, Done], None] | None = None,
) -> Evaluation:
    """Play agents over cases and return the summary; agents are names, recipe files or ``module:attribute``.

    ``seats`` brings language models (``medsim.evaluation.seats``); without it nothing asks one. A budget that is spent stops the run.

    ``progress(done, total, result)`` is called in this thread as each encounter ends. Interrupting stops cleanly: what has ended is
    stored, and the same call with ``resume=True`` goes on.
    """
    chosen = recipes.load(recipe) if isinstance(recipe, str) else recipe or Recipe(id="Consult-v0")
    if cases:
        chosen = chosen.model_copy(update={"cases": tuple(cases)})
    listed = recipes.load_cases(chosen.cases, chosen.select)
    seated = seats or Seats(patient=chosen.patient)
    if chosen.patient == "role":
        seated = seated._replace(patient="role", bias=chosen.bias, target=chosen.target)
    makers = dict(_made(name, seated) for name in agents)
    config = _config(chosen, listed, agents, seed, seated)
    identity = identity_of(config)
    kept_in = store if isinstance(store, Store) else Store(store)
    name = _begin(kept_in, run, identity, config, resume)
    todo, kept = _todo(listed, makers, trials, seed, kept_in.done(name))
    played, stopped, errors = _play(todo, partial(_one, chosen, seated, name, identity), jobs, kept_in, progress)
    rows = kept_in.rows(run=name)
    summaries = [summarise(agent, [row for row in rows if row["agent"] == agent]) for agent in makers]
    return Evaluation(name, kept_in.shown, identity, summaries, played, kept, stopped, errors)


def _begin(store: Store, run: str | None, identity: str, config: dict[str, Any], resume: bool) -> str:
    """Register the run and return its name; a name that another program took in the meantime is passed over."""
    while True:
        name = _run_name(store, run, identity, resume)
        if store.begin_run(name, identity=identity, config=config) or resume:
            return name


def _made(name: str, seats: Seats) -> tuple[str, Maker]:
    """Make an agent's maker; whatever its module raises while it is imported is told in one sentence."""
    try:
        return make(name, seats.llm)
    except MedsimError:
        raise
    except (Exception, SystemExit) as error:
        raise ActionError(
            f"Agent '{name}' could not be loaded: {type(error).__name__}: {error}. Mend the module, or name another agent."
        ) from error


class _Late:
    """An agent made when its encounter begins, so that what its making raises is an error of that encounter."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def reset(self, seed: int) -> None:
        """Make the agent and reset it."""
        self._agent = self._job.maker(self._job.case)
        self._agent.reset(seed)

    def act(self, observation: str) -> str:
        """Ask the agent; one that would end the whole program ends its encounter."""
        try:
            return self._agent.act(observation)
        except SystemExit as error:
            raise RuntimeError(f"the agent called sys.exit({error.code!r})") from error


def identity_of(config: dict[str, Any]) -> str:
    """The hash of all that decides a result."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def _config(recipe: Recipe, cases: Sequence[Case], agents: Sequence[str], seed: int, seats: Seats) -> dict[str, Any]:
    return {
        "medsim": __version__,
        "recipe": recipe.model_dump(mode="json", by_alias=True),
        "cases": {case.id: case.hash for case in cases},
        "rubrics": {case.id: rubric_hash(case.rubric) for case in cases},
        "agents": {name: fingerprint(name) for name in sorted(agents)},
        "patient": seats.patient,
        "models": dict(seats.models),
        "matcher": matcher().version,
        "judge": "none",
        "seed": seed,
    }


def _run_name(store: Store, run: str | None, identity: str, resume: bool) -> str:
    known = store.runs()
    names = {row["id"] for row in known}
    if resume:
        same = [row["id"] for row in known if row["identity"] == identity and (run is None or row["id"] == run)]
        if run in names or same:
            return run if run in names and run is not None else same[0]
        asked = f"run '{run}'" if run else "no run of this configuration"
        raise StoreError(f"Nothing to resume: {asked} is not in {store.shown}. Leave --resume out to begin one." if run else
                         f"Nothing to resume: {store.shown} holds {asked}. Leave --resume out to begin one.")  # fmt: skip
    if run in names:
        raise StoreError(f"Run '{run}' exists already. Add --resume to go on with it, or give another name with --run.")
    if run:
        return run
    stem = f"run-{identity[:6]}"
    return next(name for name in (stem, *(f"{stem}-{i}" for i in range(2, 100_000))) if name not in names)


def _todo(
    cases: Sequence[Case], makers: dict[str, Maker], trials: int, seed: int, done: set[tuple[str, str, int]]
) -> tuple[list[Job], int]:
    jobs = [
        Job(case, agent, maker, trial, episode_seed(seed, case.id, trial))
        for trial in range(trials)
        for case in cases
        for agent, maker in makers.items()
    ]
    todo = [job for job in jobs if (job.case.hash, job.agent, job.trial) not in done]
    return todo, len(jobs) - len(todo)


def episode_seed(seed: int, case_id: str, trial: int) -> int:
    """The seed of one encounter; agents on the same case and trial share it, so that they can be compared in pairs."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{case_id}/{trial}".encode()).digest()[:4], "big") & 0x7FFFFFFF


def _one(recipe: Recipe, seats: Seats, run: str, identity: str, job: Job) -> Done:
    with booking() as calls:
        trajectory = _rolled(job, recipe, seats, run, identity)
    trajectory.usage = usage_of(calls)
    if trajectory.outcome.status == "error":
        return Done(trajectory, None, None, calls)
    card = score(job.case, trajectory.events, trajectory.outcome)
    return Done(trajectory, card, information(job.case, trajectory.events), calls)


def _rolled(job: Job, recipe: Recipe, seats: Seats, run: str, identity: str) -> Trajectory:
    return rollout(
        job.case,
        _Late(job),
        name=job.agent,
        seed=job.seed,
        trial=job.trial,
        patient=seats.patient_of(job.case),
        limits=recipe.limits,
        run=run,
        env=recipe.id,
        identity=identity,
    )


def _play(
    todo: Sequence[Job], one: Callable[[Job], Done], jobs: int, store: Store, progress: Callable[[int, int, Done], None] | None
) -> tuple[int, bool, list[str]]:
    """How many were played and stored, whether it was interrupted or ran out of budget, and what failed."""
    errors: list[str] = []
    count = 0
    try:
        for done in _results(todo, one, jobs):
            store.save(done.trajectory, done.card, information=done.information, calls=done.calls)
            count += 1
            if done.trajectory.error:
                errors.append(f"{done.trajectory.agent} on {done.trajectory.case_id}: {done.trajectory.error}")
            if progress:
                progress(count, len(todo), done)
            if done.trajectory.outcome.reason == "BudgetSpent":
                return count, True, errors
    except KeyboardInterrupt:
        return count, True, errors
    return count, False, errors


def _results(todo: Sequence[Job], one: Callable[[Job], Done], jobs: int) -> Iterator[Done]:
    """Results as they end; at most twice ``jobs`` are waiting, so that memory stays flat."""
    if jobs <= 1:
        yield from (one(job) for job in todo)
        return
    queue, waiting = iter(todo), set[Future[Done]]()
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="medsim-run")
    try:
        while True:
            while len(waiting) < 2 * jobs and (job := next(queue, None)) is not None:
                waiting.add(pool.submit(one, job))
            if not waiting:
                return
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ready)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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


__all__ = ["Done", "Evaluation", "Seats", "Summary", "episode_seed", "evaluate", "identity_of", "information", "summarise"]
