"""The verb run: agents over cases, watched while it goes on, and a table at the end."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from rich.table import Table

from medsim import recipe as recipes
from medsim.agent import make
from medsim.cli.live import watching
from medsim.cli.output import console, number, percent, print_json, remark, say, table
from medsim.errors import ActionError, CaseError
from medsim.evaluation import Evaluation, Seats, evaluate
from medsim.evaluation.seats import book
from medsim.evaluation.stats import Summary
from medsim.patient import personas
from medsim.seats import KINDS, kind_of
from medsim.stats import Estimate

if TYPE_CHECKING:
    from medsim.llm import Models, Role

_MOST = {"trials": 10_000, "jobs": 256}
_FILES = 12
"""Open files that one encounter may need: a connection to the model of each seat, three files of the cache."""
_SEATED = ("doctor", "patient", "controller", "judge", "votes", "second_judge", "models")
"""Options that put a model or a judge into a seat."""
_CALLING = ("cache", "max_usd", "max_tokens", "max_calls")
"""Options that say how models are called, left out by default."""
_ENOUGH = 0.9
"""Below this coverage a score is flagged."""


def do_run(arguments: argparse.Namespace) -> int:
    """Play, score and store; exit 1 where encounters failed, 130 when interrupted."""
    agents = [name.strip() for name in arguments.agents.split(",") if name.strip()]
    _check(arguments, agents)
    sys.path.insert(0, os.getcwd())  # an agent of one's own is imported from where the command is typed
    _open_enough(arguments.jobs)
    seats = _seats(arguments)
    for note in _unasked(arguments, agents, cast("Models | None", seats.llm if seats else None)):
        remark(note)
    result = _watched(arguments, agents, seats)
    _print(result, as_json=arguments.json)
    return 130 if result.stopped else 1 if result.failures else 0


def _watched(arguments: argparse.Namespace, agents: list[str], seats: Seats | None) -> Evaluation:
    models = cast("Models | None", seats.llm if seats else None)
    with models or contextlib.nullcontext(), watching(models, plain=arguments.json, quiet=arguments.quiet) as watch:
        return evaluate(
            agents, cases=arguments.cases, recipe=_recipe(arguments), trials=arguments.trials, seed=arguments.seed, jobs=arguments.jobs,
            store=arguments.store, run=arguments.run, resume=arguments.resume, retry_errors=arguments.retry_errors, seats=seats, watch=watch,
        )  # fmt: skip


def _recipe(arguments: argparse.Namespace) -> recipes.Recipe | str | None:
    """The environment recipe; a kind of patient that was asked for sits there instead of the recipe's own."""
    if arguments.env is None or arguments.patient_kind is None:
        return cast("str | None", arguments.env)
    return recipes.load(arguments.env).seating(cast("recipes.Kind", kind_of(arguments.patient_kind)))


def _seats(arguments: argparse.Namespace) -> Seats | None:
    """The language models and the judge that were asked for, or None."""
    persona = personas.read(arguments.persona or "")
    if not any(getattr(arguments, name) not in (None, "", []) for name in _SEATED):
        kind = kind_of(arguments.patient_kind or "scripted")
        return Seats(patient=kind, persona=persona) if persona or kind != "scripted" else None
    from medsim.cli.scoring import judge_of, judges_of
    from medsim.llm import Budget, Models
    from medsim.llm import roles as files

    if arguments.patient in KINDS:
        raise ActionError(f"'{arguments.patient}' is a kind of patient and no model: say --patient-kind {arguments.patient}.")
    named = {"doctor": arguments.doctor, "patient": arguments.patient, "controller": arguments.controller}
    roles = files.with_models(files.load(arguments.models) if arguments.models else {}, named)
    if judges := judges_of(arguments):
        roles["judge"] = judges[0]
    limits = (arguments.max_usd, arguments.max_tokens, arguments.max_calls)
    budget = Budget(usd=limits[0], tokens=limits[1], calls=limits[2]) if any(limit is not None for limit in limits) else None
    models = Models(roles=roles, cache=arguments.cache, mode=arguments.calls, budget=budget, on_call=book)
    kind = kind_of(arguments.patient_kind or ("voiced" if "patient" in roles else "scripted"))
    sampled = tuple((name, _sampled(role)) for name, role in sorted(roles.items()))
    return Seats(models, kind, sampled, persona=persona, judge=judge_of(arguments, shared=models))


def _unasked(arguments: argparse.Namespace, agents: list[str], models: Models | None) -> list[str]:
    """What was said about models although nothing in this run asks one."""
    roles = set(models.roles) if models else set()
    notes = []
    if "doctor" in roles and not any(map(_asks, agents)):
        roles -= {"doctor", "question"}
        seated = f"--doctor {arguments.doctor}" if arguments.doctor else "The doctor of the models file"
        notes.append(f"{seated} is not asked: no model plays {', '.join(agents)}. Doctors that are models: chat, tools, panel and others.")
    calling = [] if arguments.calls == "live" else [f"--calls {arguments.calls}"]
    calling += [f"--{name.replace('_', '-')}" for name in _CALLING if getattr(arguments, name) is not None]
    if calling and not roles:
        notes.append(f"{', '.join(calling)}: without effect, since no model sits in this run.")
    return notes


def _asks(agent: str) -> bool:
    """Whether a doctor asks a model: it cannot be made without one. A name that leads nowhere is complained of later."""
    try:
        make(agent)
    except CaseError:
        return True
    return False


def _sampled(role: Role) -> str:
    """A model and how it samples: what of a role decides a result."""
    given = {"temperature": role.temperature, "max_tokens": role.max_tokens, "seed": role.seed}
    return " ".join([role.model, *(f"{name}={value}" for name, value in given.items() if value is not None)])


def _open_enough(jobs: int) -> None:
    """Let this process open as many files as so many encounters may need: a few connections, the cache, the store."""
    try:
        import resource
    except ImportError:  # where there is no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES * jobs + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _check(arguments: argparse.Namespace, agents: list[str]) -> None:
    if not agents:
        raise ActionError("No agent was given. For example: --agents golden,interviewer")
    for name, most in _MOST.items():
        given = getattr(arguments, name)
        if not 1 <= given <= most:
            raise ActionError(f"--{name} must be at least 1 and at most {most:,}, given {given}.")
    for name in ("max_usd", "max_tokens", "max_calls"):
        if (limit := getattr(arguments, name)) is not None and not limit >= 0:
            raise ActionError(f"--{name.replace('_', '-')} must be at least 0, given {limit}.")
    if arguments.run is not None and not arguments.run.strip():
        raise ActionError("--run needs a name, for example --run night; without it the run is named for what it plays.")


def _print(result: Evaluation, *, as_json: bool) -> None:
    if as_json:
        summaries = [_data(row) for row in result.summaries]
        print_json({**result._asdict(), "summaries": summaries, "failures": [found._asdict() for found in result.failures]})
    else:
        console().print(_table(result.summaries))
        if any(row.trials > 1 for row in result.summaries):
            console().print(_over_trials(result.summaries))
        kept = f", {result.kept} stored before" if result.kept else ""
        say(f"run {result.run} ({result.played} played{kept}) in {result.store}; identity {result.identity}")
    for note in _notes(result):
        remark(note)


def _notes(result: Evaluation) -> list[str]:
    """What a reader of the table must know beside it."""
    notes = [f"failed ({found.boundary}): {found.number}; first {found.reason}" for found in result.failures]
    if result.failures:
        notes.append(
            f"Failed ones have no score. Each with its reason: medsim show --run {result.run} --json. Play them again: --retry-errors"
        )
    if result.stopped:
        notes.append("Stopped. What has ended is stored; the same command with --resume goes on.")
    if any(_thin(row) for row in result.summaries):
        notes.append("! less than 90 % of the rubric could be decided (coverage): do not compare this score with others.")
    notes += _said(result.summaries)
    notes.append(f"Score: mean over cases; all intervals are 95 %, over cases. Look at one: medsim show --run {result.run}")
    if len(result.summaries) > 1:
        notes.append(f"Whether two agents differ: medsim compare {result.run}")
    return [*notes, "For research and teaching, not for care."]


def _thin(row: Summary) -> bool:
    return row.coverage is not None and row.coverage < _ENOUGH


def _said(summaries: list[Summary]) -> list[str]:
    """What stands beside the estimates, each sentence once, with the agents it is true of."""
    found: dict[str, list[str]] = {}
    for row in summaries:
        for estimate in (row.score, row.pass_rate, row.harm):
            if estimate.note and row.agent not in found.setdefault(estimate.note, []) and row.n:
                found[estimate.note].append(row.agent)
    everyone = sum(row.n > 0 for row in summaries)
    return [note if len(agents) == everyone else f"{', '.join(agents)}: {note}" for note, agents in found.items() if agents]


def _data(row: Summary) -> dict[str, Any]:
    return {name: value._asdict() if isinstance(value, Estimate) else value for name, value in row._asdict().items()}


def _table(summaries: list[Summary]) -> Table:
    columns = {
        "agent": "fold", "score": "right", "95 %\ninterval": "right", "passed": "right", "critical\nharms": "right", "turns": "right",
        "coverage": "right", "sim.\nmin": "right", "cost $": "right", "items\nmet": "right", "information": "right", "failed": "right",
    }  # fmt: skip
    rows = [
        [
            row.agent, number(row.score.value), _bounds(row.score), _rate(row.pass_rate), _harms(row), number(row.turns, 1),
            percent(row.coverage) + (" !" if _thin(row) else ""), number(row.minutes, 0), number(row.cost, 0), percent(row.micro.value),
            percent(row.information), str(row.errors),
        ]
        for row in summaries
    ]  # fmt: skip
    nothing_failed = not any(row.errors for row in summaries)
    if nothing_failed:
        del columns["failed"]
        rows = [row[:-1] for row in rows]
    return table(columns, rows, drop=("turns", "cost $", "sim.\nmin", "items\nmet", "information"))


def _over_trials(summaries: list[Summary]) -> Table:
    """How often one of several trials passes, and all of them."""
    columns = {"agent": "fold", "trials\nof a case": "right", "passed in at\nleast one": "right", "passed\nin all": "right"}
    rows = [[row.agent, str(row.trials), _rate(row.once), _rate(row.always)] for row in summaries if row.trials > 1]
    return table(columns, rows)


def _bounds(estimate: Estimate) -> str:
    return "-" if estimate.low is None else f"{number(estimate.low)}–{number(estimate.high)}"


def _rate(estimate: Estimate | None) -> str:
    """A share with its interval, ``50 % (12–88)``."""
    if estimate is None or estimate.value is None:
        return "-"
    return percent(estimate.value) + _between(estimate)


def _harms(row: Summary) -> str:
    """Trajectories with critical harm and what their share may be, ``2/12 (5–50 %)``."""
    if row.harm.value is None:
        return "-"
    between = _between(row.harm)
    return f"{row.critical}/{row.n - row.harm.left_out}" + (f"{between[:-1]} %)" if between else "")


def _between(estimate: Estimate) -> str:
    return "" if estimate.low is None or estimate.high is None else f" ({100 * estimate.low:.0f}–{100 * estimate.high:.0f})"
