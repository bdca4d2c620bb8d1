"""The verb metrics: what published systems report of their encounters, of one run or between two."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Iterable, Sequence

from medsim.case import Case
from medsim.cli.output import console, number, print_json, remark, table
from medsim.errors import ActionError
from medsim.metrics import Metric, Played
from medsim.metrics.bias import paired
from medsim.metrics.stored import configuration, played
from medsim.store import Store
from medsim.store.changes import difference


def do_metrics(arguments: argparse.Namespace) -> int:
    """Print the figures of a run, or the effect of what another run of the same cases did otherwise."""
    store = Store(arguments.store, create=False)
    places = tuple(arguments.cases or ())
    configuration(store, arguments.run)
    mine = played(store, arguments.run, places=places, agent=arguments.agent)
    if arguments.against_agent and not arguments.against:
        raise ActionError("--against-agent needs --against RUN2, which may be the same run.")
    if arguments.against:
        configuration(store, arguments.against)
        found = paired(mine, played(store, arguments.against, places=places, agent=arguments.against_agent))
        _compare(store, arguments)
    else:
        found = measured(mine)
    _print(found, as_json=arguments.json)
    return 0


def measured(encounters: Sequence[Played]) -> list[Metric]:
    """The figures that belong to the cases: those of the data set they were imported from, AgentClinic's for all others."""
    by_set: dict[str, list[Played]] = {}
    for one in encounters:
        by_set.setdefault(data_set(one.case), []).append(one)
    return [found for name, own in by_set.items() for found in _measures(name, own)]


def data_set(case: Case) -> str:
    """Which measures a case is for, by where it comes from: agentclinic, mediq or medsp1000."""
    if case.provenance.origin != "imported":
        return "agentclinic"
    told = f"{case.license} {' '.join(case.blueprint.tags)} {case.id}".lower()
    return next((name for name in ("mediq", "medsp1000") if name in told), "medsp1000" if case.roles else "agentclinic")


def _measures(name: str, played: Sequence[Played]) -> list[Metric]:
    measure: Callable[[Iterable[Played]], list[Metric]] = importlib.import_module(f"medsim.metrics.{name}").measure
    return measure(played)


def _compare(store: Store, arguments: argparse.Namespace) -> None:
    first, second = (configuration(store, run) for run in (arguments.run, arguments.against))
    remark(f"{arguments.against} minus {arguments.run}. What differs: {difference(first, second) or 'nothing'}.")


def _print(found: Sequence[Metric], *, as_json: bool) -> None:
    if as_json:
        print_json([one._asdict() for one in found])
        return
    columns = {"agent": "fold", "figure": "left", "value": "right", "95 %\ninterval": "right", "cases": "right", "": "fold"}
    rows = [[one.agent, one.name, number(one.value, 3), _bounds(one), str(one.n), one.note] for one in found]
    console().print(table(columns, rows))
    remark("Means over cases; intervals resample cases, duplicates of one case together. For research and teaching, not for care.")


def _bounds(one: Metric) -> str:
    return "-" if one.low is None else f"{number(one.low, 3)}–{number(one.high, 3)}"
