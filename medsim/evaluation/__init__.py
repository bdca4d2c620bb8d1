"""Cases times agents times trials: played, scored, kept, and gone on with after a stop.

The rule: every encounter is saved in one transaction as it ends. What is stored is not played again; what failed is an error with its
reason, never a score. Two results with different identities are never averaged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from medsim import recipe as recipes
from medsim.agent import Given, Maker, called, make
from medsim.case import Case
from medsim.consult.desk import prepare
from medsim.errors import ActionError, MedsimError, StoreError
from medsim.evaluation import asked
from medsim.evaluation.configuration import configuration, identity_of
from medsim.evaluation.encounter import Done, Job, Setting, information
from medsim.evaluation.failures import Failure, failures
from medsim.evaluation.groups import groups
from medsim.evaluation.playing import Played, Watch, play_all
from medsim.evaluation.seats import Seats
from medsim.evaluation.stats import Summary, summarise
from medsim.recipe import Recipe
from medsim.store import DEFAULT, Store
from medsim.store.tally import tallies


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
    """What failed this time, one line each."""
    failures: list[Failure]
    """What failed in the whole run and was not mended since, by boundary."""


def evaluate(
    agents: Given | Sequence[Given] = "interviewer",
    *,
    cases: str | Sequence[str] | None = None,
    recipe: Recipe | str | None = None,
    trials: int = 1,
    seed: int = 0,
    jobs: int = 1,
    store: Store | str = DEFAULT,
    run: str | None = None,
    resume: bool = False,
    retry_errors: bool = False,
    seats: Seats | None = None,
    progress: Callable[[int, int, Done], None] | None = None,
    watch: Watch | None = None,
) -> Evaluation:
    """Play agents over cases and return the summary; agents are names, recipe files or ``module:attribute``, with plain or async methods.

    A class with ``reset`` and ``act``, or a function that makes an agent of a case, may be given as it is where it stands at the top of a
    module: it is named ``module:attribute``, and its source counts in the run's identity. ``cases`` are packs, folders, files or case ids.

    ``seats`` brings language models (``medsim.evaluation.seats``); without it nothing asks one. A recipe that names a patient decides who
    sits there: change it with ``recipe.seating(kind)``. A budget that is spent stops the run;
    what is stored of the run counts.

    ``progress(done, total, result)`` is called in this thread as each encounter ends; ``watch`` is told more. Ctrl-C once begins nothing
    new and stores what is under way as it ends; twice leaves at once. The same call with ``resume=True`` goes on; with
    ``retry_errors=True`` it plays those again that ended in an error, and nothing else.
    """
    given = asked.doctors(agents)
    asked.at_least_one(trials=trials, jobs=jobs)
    chosen = recipes.chosen(recipe)
    if cases is not None:
        chosen = chosen.model_copy(update={"cases": recipes.named(cases)})
    listed = chosen.listed()
    seated = (seats or Seats()).under(chosen)
    if (widen := getattr(seated.llm, "widen", None)) is not None:
        widen(jobs)  # as many calls at the same time as encounters, where nobody has set a limit
    makers = dict(_made(agent, seated) for agent in given)
    seated.check(listed)
    config = configuration(chosen, listed, given, seed, seated)
    identity = identity_of(config)
    kept_in = asked.opened(store)
    shared = groups(listed)
    name = _begin(kept_in, run, identity, {**config, "groups": shared}, resume or retry_errors)
    if (budget := getattr(seated.llm, "budget", None)) is not None:
        budget.carry(kept_in.spent(name))
    before = kept_in.rows(run=name)
    todo, kept = _todo(_jobs(listed, makers, trials, seed), before, retry_errors)
    watcher = watch or Watch()
    watcher.planned(todo, [row for row in before if row["status"] != "error"], jobs)
    del before
    setting = Setting(chosen, seated, name, identity)
    played, errors = _played(todo, setting, jobs, kept_in, progress, watcher)
    rows = kept_in.rows(run=name)
    counts = tallies(kept_in, run=name)
    summaries = [summarise(agent, [row for row in rows if row["agent"] == agent], tallies=counts, groups=shared) for agent in makers]
    return Evaluation(name, kept_in.shown, identity, summaries, played.number, kept, played.stopped, errors, failures(rows))


def _played(
    todo: Sequence[Job], setting: Setting, jobs: int, store: Store, progress: Callable[[int, int, Done], None] | None, watch: Watch
) -> tuple[Played, list[str]]:
    """Play, store each as it ends, and collect what failed."""
    errors: list[str] = []
    count = 0
    prepare({job.case.hash: job.case for job in todo}.values())

    def keep(done: Done) -> None:
        nonlocal count
        store.save(done.trajectory, done.card, information=done.information, calls=done.calls)
        count += 1
        if done.trajectory.error:
            errors.append(f"{done.trajectory.agent} on {done.trajectory.case_id}: {done.trajectory.error}")

    def ended(done: Done) -> None:
        if progress:
            progress(count, len(todo), done)
        watch.ended(done)

    return play_all(todo, setting.play, jobs=jobs, keep=keep, watch=watch, ended=ended), errors


def _begin(store: Store, run: str | None, identity: str, config: dict[str, Any], resume: bool) -> str:
    """Register the run and return its name; a name that another program took in the meantime is passed over."""
    while True:
        name = _run_name(store, run, identity, resume)
        if store.begin_run(name, identity=identity, config=config) or resume:
            return name


def _made(agent: Given, seats: Seats) -> tuple[str, Maker]:
    """Make an agent's maker; whatever its module raises while it is imported is told in one sentence."""
    name = called(agent)
    try:
        return make(agent, seats.llm)
    except MedsimError:
        raise
    except (Exception, SystemExit) as error:
        raise ActionError(
            f"Agent '{name}' could not be loaded: {type(error).__name__}: {error}. Mend the module, or name another agent."
        ) from error


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


def _jobs(cases: Sequence[Case], makers: dict[str, Maker], trials: int, seed: int) -> list[Job]:
    return [
        Job(case, agent, maker, trial, episode_seed(seed, case.id, trial))
        for trial in range(trials)
        for case in cases
        for agent, maker in makers.items()
    ]


def _todo(jobs: Sequence[Job], rows: Sequence[Mapping[str, Any]], retry_errors: bool) -> tuple[list[Job], int]:
    """What is to be played, and how many are stored already; with ``retry_errors`` only what is stored as an error."""
    stored = {(row["case_hash"], row["agent"], row["trial"]): row["status"] == "error" for row in rows}
    failed = [stored.get((job.case.hash, job.agent, job.trial)) for job in jobs]
    todo = [job for job, error in zip(jobs, failed, strict=True) if error or (error is None and not retry_errors)]
    return todo, failed.count(False)


def episode_seed(seed: int, case_id: str, trial: int) -> int:
    """The seed of one encounter; agents on the same case and trial share it, so that they can be compared in pairs."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{case_id}/{trial}".encode()).digest()[:4], "big") & 0x7FFFFFFF


__all__ = [
    "Done", "Evaluation", "Failure", "Job", "Seats", "Summary", "Watch", "episode_seed", "evaluate", "failures", "identity_of",
    "information", "summarise",
]  # fmt: skip
