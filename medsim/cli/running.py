"""The verb run: agents over cases, with a progress bar and a table."""

from __future__ import annotations

import argparse

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from medsim.cli.output import console, number, percent, print_json, progress_console, remark, table
from medsim.errors import ActionError
from medsim.evaluation import Done, Evaluation, evaluate
from medsim.evaluation.stats import Interval
from medsim.viewer import safe


def do_run(arguments: argparse.Namespace) -> int:
    """Play, score and store; exit 1 where encounters failed, 130 when interrupted."""
    agents = [name.strip() for name in arguments.agents.split(",") if name.strip()]
    _check(arguments, agents)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=progress_console(), transient=False) as bar:
        task = bar.add_task("encounters", total=None, last="")

        def progress(count: int, total: int, done: Done) -> None:
            shown = done.card.score if done.card else None
            bar.update(
                task,
                completed=count,
                total=total,
                last=Text(safe(f"{done.trajectory.agent} on {done.trajectory.case_id}: {number(shown)}")).plain,
            )

        result = evaluate(
            agents, cases=arguments.cases, recipe=arguments.env, trials=arguments.trials, seed=arguments.seed, jobs=arguments.jobs,
            store=arguments.store, run=arguments.run, resume=arguments.resume, progress=progress,
        )  # fmt: skip
        bar.update(
            task, total=max(result.played, 1), completed=bar.tasks[0].completed if result.stopped else max(result.played, 1), last=""
        )
    _print(result, as_json=arguments.json)
    return 130 if result.stopped else 1 if result.errors else 0


def _check(arguments: argparse.Namespace, agents: list[str]) -> None:
    if not agents:
        raise ActionError("No agent was given. For example: --agents golden,interviewer")
    for name, least in (("trials", 1), ("jobs", 1)):
        if getattr(arguments, name) < least:
            raise ActionError(f"--{name} must be at least {least}, given {getattr(arguments, name)}.")


def _print(result: Evaluation, *, as_json: bool) -> None:
    if as_json:
        print_json({**result._asdict(), "summaries": [{**row._asdict(), "score": row.score._asdict()} for row in result.summaries]})
        return
    console().print(_table(result))
    kept = f", {result.kept} stored before" if result.kept else ""
    console().print(f"run {result.run} ({result.played} played{kept}) in {result.store}; identity {result.identity}", soft_wrap=True)
    if result.stopped:
        remark("Stopped. What has ended is stored; the same command with --resume goes on.")
    for error in result.errors[:10]:
        remark(f"failed: {error}")
    remark(
        f"Score: mean over cases, 95 % interval by resampling cases. Look at one: medsim show --run {result.run}. For research and teaching, not for care."
    )


def _table(result: Evaluation) -> Table:
    columns = {
        "agent": "left", "score": "right", "95 % interval": "right", "passed": "right", "critical harms": "right", "turns": "right", "sim. min": "right",
        "cost $": "right", "information": "right", "coverage": "right", "n": "right", "failed": "right",
    }  # fmt: skip
    rows = [
        [
            row.agent, number(row.score.mean), _bounds(row.score), percent(row.pass_rate), f"{row.critical}/{row.n}", number(row.turns, 1),
            number(row.minutes, 0), number(row.cost, 0), percent(row.information), percent(row.coverage), str(row.n), str(row.errors),
        ]
        for row in result.summaries
    ]  # fmt: skip
    return table(columns, rows)


def _bounds(interval: Interval) -> str:
    return "-" if interval.low is None else f"{number(interval.low)} to {number(interval.high)}"
