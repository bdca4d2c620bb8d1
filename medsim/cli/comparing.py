"""The verbs compare and power: whether agents differ, and what the next study needs to tell."""

from __future__ import annotations

import argparse

from medsim.cli.output import console, number, print_json, remark, say, table
from medsim.errors import ActionError
from medsim.evaluation.comparing import Compared, compare
from medsim.evaluation.planning import Plan, plan
from medsim.stats import Comparison, Rank
from medsim.stats.power import Need


def do_compare(arguments: argparse.Namespace) -> int:
    """Compare the agents of runs in pairs over the same cases and trials."""
    found = compare(
        arguments.runs, agents=_names(arguments.agents), store=arguments.store, measure=arguments.measure, rubric=arguments.rubric,
        judge=arguments.judge, anyway=arguments.anyway,
    )  # fmt: skip
    if arguments.json:
        print_json(found.data())
    else:
        _print(found)
    for sentence in _beside(found):
        remark(sentence)
    return 0


def _names(text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and not names:
        raise ActionError("No agent was given. For example: --agents golden,interviewer")
    return names


def _print(found: Compared) -> None:
    if found.refused:
        say(f"! Compared anyway: {', '.join(found.refused)} differ, so a difference is not the agents' alone.")
    for sentence in found.differences:
        say(sentence)
    ranked = {row.agent: row for row in found.ranks}
    heading = "score" if found.measure == "score" else "passed"
    columns = {
        "agent": "fold", heading: "right", "95 %\ninterval": "right", "rank": "right", "possible\nranks": "right", "cases": "right",
        "encounters": "right",
    }  # fmt: skip
    order = sorted(found.standings, key=lambda row: -1.0 if row.mean.value is None else -row.mean.value)
    rows = [
        [
            row.agent, number(row.mean.value), _between(row.mean.low, row.mean.high, 1), *_rank(ranked.get(row.agent)), str(row.cases),
            str(row.encounters),
        ]
        for row in order
    ]  # fmt: skip
    console().print(table(columns, rows, drop=("encounters",)))
    pairs = {
        "one less the other": "fold", "points": "right", "95 %\ninterval": "right", "p": "right", "p, all\npairs": "right", "cases": "right",
    }  # fmt: skip
    console().print(table(pairs, [_pair(row) for row in found.contrasts]))


def _rank(found: Rank | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return str(found.rank), str(found.best) if found.best == found.worst else f"{found.best}–{found.worst}"


def _pair(row: Comparison) -> list[str]:
    gap = row.difference
    points = "-" if gap.value is None else f"{100 * gap.value:+.1f}"
    return [f"{row.one} − {row.other}", points, _between(gap.low, gap.high, 100, sign="+"), _p(row.p), _p(row.p_holm), str(gap.n)]


def _between(low: float | None, high: float | None, times: float, *, sign: str = "") -> str:
    if low is None or high is None:
        return "-"
    return f"{low * times:{sign}.1f} to {high * times:{sign}.1f}" if sign else f"{low * times:.2f}–{high * times:.2f}"


def _p(value: float | None) -> str:
    return "-" if value is None else "<0.001" if value < 0.001 else f"{value:.3f}"


def _beside(found: Compared) -> list[str]:
    """What a reader must know beside the tables, each sentence once."""
    told: dict[str, list[str]] = {}
    for row in found.contrasts:
        if row.difference.note:
            told.setdefault(row.difference.note, []).append(f"{row.one} − {row.other}")
    notes = [note if len(pairs) == len(found.contrasts) else f"{_some(pairs)}: {note}" for note, pairs in told.items()]
    return [
        *found.notes,
        *notes,
        "Differences: paired by case and trial, intervals 95 % over cases, p of the paired permutation test, for all pairs by Holm's method. "
        "Possible ranks hold for all agents at once.",
        "For research and teaching, not for care.",
    ]


def _some(pairs: list[str]) -> str:
    return ", ".join(pairs[:3]) + (f" and {len(pairs) - 3} more pairs" if len(pairs) > 3 else "")


def do_power(arguments: argparse.Namespace) -> int:
    """Say what the next study needs."""
    found = plan(
        arguments.run, agents=_names(arguments.agents), store=arguments.store, difference=arguments.difference, power=arguments.power,
        measure=arguments.measure, rubric=arguments.rubric, judge=arguments.judge,
    )  # fmt: skip
    if arguments.json:
        print_json(found.data())
    else:
        _print_plan(found)
    for note in (*found.notes, *(found.split.notes if found.split else ())):
        remark(note)
    remark("For research and teaching, not for care.")
    return 0


def _print_plan(found: Plan) -> None:
    if found.split:
        columns = {"spread of scores by": "left", "standard\ndeviation": "right", "share": "right"}
        shares = {name: found.split.share(name) for name in found.split.components}
        rows = [
            [_called(name), f"{100 * value**0.5:.1f} points", "-" if (share := shares[name]) is None else f"{100 * share:.0f} %"]
            for name, value in found.split.components.items()
        ]
        console().print(table(columns, rows))
    pair = " and ".join(found.agents)
    if len(found.agents) > 1:
        say(
            f"The difference of {pair} varies from case to case with a standard deviation of {100 * found.spread.sd(found.trials):.1f} points."
        )
    about = f"the difference of {pair}" if len(found.agents) > 1 else f"{pair} and a rival like it"
    say(f"{found.supports} That is for {about}, each case played {_times(found.trials)} by each.")
    say(f"To find a difference of {_points(found.difference)} with power {found.power:g}, the next study needs")
    for need in found.needs:
        say(f"  {_need(need)}")


def _need(need: Need) -> str:
    return f"{need.cases:,} cases, each played {_times(need.trials)} by both agents: {need.encounters:,} encounters"


def _times(trials: int) -> str:
    return {1: "once", 2: "twice"}.get(trials, f"{trials} times")


def _points(difference: float) -> str:
    return f"{100 * difference:g} point{'' if difference == 0.01 else 's'}"


def _called(name: str) -> str:
    return "what remains (chance of a trial)" if name == "rest" else name
