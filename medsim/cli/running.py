"""The verb run: agents over cases, with a progress bar and a table."""

from __future__ import annotations

import argparse
import os
import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from medsim.cli.output import console, number, percent, print_json, progress_console, remark, say, table
from medsim.errors import ActionError
from medsim.evaluation import Done, Evaluation, Seats, evaluate
from medsim.evaluation.seats import book
from medsim.evaluation.stats import Interval, Summary
from medsim.viewer import safe

_MOST = {"trials": 10_000, "jobs": 256}
_ENOUGH = 0.9
"""Below this coverage a score is flagged."""


def do_run(arguments: argparse.Namespace) -> int:
    """Play, score and store; exit 1 where encounters failed, 130 when interrupted."""
    agents = [name.strip() for name in arguments.agents.split(",") if name.strip()]
    _check(arguments, agents)
    sys.path.insert(0, os.getcwd())  # an agent of one's own is imported from where the command is typed
    seats = _seats(arguments)
    result = _with_bar(arguments, agents, seats)
    _print(result, as_json=arguments.json)
    return 130 if result.stopped else 1 if result.errors else 0


def _with_bar(arguments: argparse.Namespace, agents: list[str], seats: Seats | None) -> Evaluation:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}", markup=False),
    )
    terminal = progress_console().is_terminal
    with Progress(*columns, console=progress_console(), disable=not terminal) as bar:
        task = bar.add_task("encounters", total=None, last="")

        def progress(count: int, total: int, done: Done) -> None:
            if not terminal:
                _log(count, total)
                return
            shown = done.card.score if done.card else None
            last = safe(f"{done.trajectory.agent} on {done.trajectory.case_id}: {number(shown)}", longest=80)
            bar.update(task, completed=count, total=total, last=last)

        try:
            result = evaluate(
                agents, cases=arguments.cases, recipe=arguments.env, trials=arguments.trials, seed=arguments.seed, jobs=arguments.jobs,
                store=arguments.store, run=arguments.run, resume=arguments.resume, seats=seats, progress=progress,
            )  # fmt: skip
        except BaseException:
            bar.update(task, visible=False)
            raise
        bar.update(task, last="", visible=result.played > 0)
        return result


def _seats(arguments: argparse.Namespace) -> Seats | None:
    """The language models that were asked for, or None."""
    if not (arguments.doctor or arguments.patient or arguments.models):
        return None
    from medsim.llm import Budget, Models
    from medsim.llm import roles as files

    named = {"doctor": arguments.doctor, "patient": arguments.patient}
    roles = files.with_models(files.load(arguments.models) if arguments.models else {}, named)
    limits = (arguments.max_usd, arguments.max_tokens, arguments.max_calls)
    budget = Budget(usd=limits[0], tokens=limits[1], calls=limits[2]) if any(limit is not None for limit in limits) else None
    models = Models(roles=roles, cache=arguments.cache, mode=arguments.calls, budget=budget, on_call=book)
    patient = "voiced" if "patient" in roles else "scripted"
    return Seats(models, patient, tuple((name, role.model) for name, role in sorted(roles.items())))


def _log(count: int, total: int) -> None:
    """Progress where it is read later: a line for each tenth."""
    if count * 10 // total > (count - 1) * 10 // total:
        remark(f"{count} of {total} encounters")


def _check(arguments: argparse.Namespace, agents: list[str]) -> None:
    if not agents:
        raise ActionError("No agent was given. For example: --agents golden,interviewer")
    for name, most in _MOST.items():
        given = getattr(arguments, name)
        if not 1 <= given <= most:
            raise ActionError(f"--{name} must be at least 1 and at most {most:,}, given {given}.")


def _print(result: Evaluation, *, as_json: bool) -> None:
    if as_json:
        print_json({**result._asdict(), "summaries": [{**row._asdict(), "score": row.score._asdict()} for row in result.summaries]})
    else:
        console().print(_table(result.summaries))
        kept = f", {result.kept} stored before" if result.kept else ""
        say(f"run {result.run} ({result.played} played{kept}) in {result.store}; identity {result.identity}")
    for note in _notes(result):
        remark(note)


def _notes(result: Evaluation) -> list[str]:
    """What a reader of the table must know beside it."""
    notes = [f"failed: {error[:500]}" for error in result.errors[:10]]
    if len(result.errors) > 10:
        notes.append(f"... and {len(result.errors) - 10} more failures, each with its reason: medsim show --run {result.run} --json")
    if result.stopped:
        notes.append("Stopped. What has ended is stored; the same command with --resume goes on.")
    if any(_thin(row) for row in result.summaries):
        notes.append("! less than 90 % of the rubric could be decided (coverage): do not compare this score with others.")
    notes.append(f"Score: mean over cases, 95 % interval by resampling cases. Look at one: medsim show --run {result.run}")
    return [*notes, "For research and teaching, not for care."]


def _thin(row: Summary) -> bool:
    return row.coverage is not None and row.coverage < _ENOUGH


def _table(summaries: list[Summary]) -> Table:
    columns = {
        "agent": "fold", "score": "right", "95 %\ninterval": "right", "passed": "right", "critical\nharms": "right", "turns": "right",
        "sim.\nmin": "right", "cost $": "right", "coverage": "right", "information": "right", "failed": "right",
    }  # fmt: skip
    rows = [
        [
            row.agent, number(row.score.mean), _bounds(row.score), percent(row.pass_rate), f"{row.critical}/{row.n}", number(row.turns, 1),
            number(row.minutes, 0), number(row.cost, 0), percent(row.coverage) + (" !" if _thin(row) else ""), percent(row.information),
            str(row.errors),
        ]
        for row in summaries
    ]  # fmt: skip
    nothing_failed = not any(row.errors for row in summaries)
    if nothing_failed:
        del columns["failed"]
        rows = [row[:-1] for row in rows]
    return table(columns, rows, drop=("information",))


def _bounds(interval: Interval) -> str:
    return "-" if interval.low is None else f"{number(interval.low)}–{number(interval.high)}"
