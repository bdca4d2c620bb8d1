"""The verb fork: stored encounters go on from one of their turns with another doctor, patient, person or judge.

The rule: what is not named stays what it was in the parent's run; what cannot be seated again (a model whose address is not stored) has
to be named again, and is never quietly replaced. A branch is stored in a run of its own, which keeps where it comes from.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from medsim.agent import Maker, make
from medsim.case import Case
from medsim.cli.branches import Shown, show
from medsim.cli.output import remark
from medsim.cli.reading import _case_of, _opened
from medsim.cli.running import _seats
from medsim.counterfactual import branch, differences, origin
from medsim.errors import ActionError, MedsimError, StoreError, did_you_mean
from medsim.evaluation import information
from medsim.evaluation.configuration import configuration, identity_of
from medsim.evaluation.seats import booking, usage_of
from medsim.judge import Judge, score_with
from medsim.recipe import Recipe
from medsim.rubric import Scorecard, rubric_hash, score
from medsim.rubric.scorecard import ItemScore
from medsim.seats import Seats
from medsim.store import Store
from medsim.trajectory import Trajectory

if TYPE_CHECKING:
    from medsim.llm import Models

_OTHERS = ("agent", "doctor", "patient", "patient_kind", "controller", "models", "persona")


def do_fork(arguments: argparse.Namespace) -> int:
    """Fork, play on, score, store and show; exit 1 where a branch ended in an error."""
    if arguments.turn < 0:
        raise ActionError(f"--turn must be 0 (the door) or more, given {arguments.turn}.")
    sys.path.insert(0, os.getcwd())  # an agent of one's own is imported from where the command is typed
    store = _opened(arguments)
    works = [(parent, _case_of(parent, arguments.cases, store)) for parent in _parents(store, arguments)]
    setting = _Setting.of(arguments, store, works)
    with cast("Models | None", setting.seats.llm) or contextlib.nullcontext():
        shown = [_shown(arguments, store, setting, parent, case) for parent, case in works]
    show(shown, setting.run, store.shown, as_json=arguments.json)
    return 1 if any(one.branch.trajectory.error for one in shown) else 0


def _parents(store: Store, arguments: argparse.Namespace) -> list[Trajectory]:
    """The trajectories that are forked: one, or those of a run that are long enough."""
    runs = {row["id"] for row in store.runs()}
    if arguments.what not in runs:
        try:
            return [store.load(arguments.what, run=arguments.run)]
        except StoreError as error:
            raise StoreError(
                f"{error}. Runs are named too.{near}" if (near := did_you_mean(arguments.what, runs)) else str(error)
            ) from error
    rows = store.rows(run=arguments.what)
    agents = sorted({row["agent"] for row in rows})
    if arguments.of is None and len(agents) > 1:
        raise ActionError(f"Run '{arguments.what}' has several agents: say whose encounters with --of NAME ({', '.join(agents)}).")
    if arguments.of is not None and arguments.of not in agents:
        raise ActionError(
            f"Run '{arguments.what}' has no agent '{arguments.of}'.{did_you_mean(arguments.of, agents)} Agents: {', '.join(agents)}."
        )
    own = [row for row in rows if arguments.of in (None, row["agent"])]
    long = [row for row in own if row["turns"] > arguments.turn]
    if not long:
        raise StoreError(f"No encounter of '{arguments.what}' went on after turn {arguments.turn}: nobody can go on from there.")
    if len(long) < len(own):
        remark(f"{len(own) - len(long)} of {len(own)} encounters were over by turn {arguments.turn} and are left out.")
    return [store.load(row["id"], run=row["run"]) for row in long]


class _Setting(NamedTuple):
    """What all branches of one command share."""

    run: str
    identity: str
    config: dict[str, Any]
    seats: Seats
    name: str
    maker: Maker

    @classmethod
    def of(cls, arguments: argparse.Namespace, store: Store, works: Sequence[tuple[Trajectory, Case]]) -> _Setting:
        """Seat whoever was named, and whoever sat there before for the rest."""
        parent, cases = works[0][0], [case for _, case in works]
        config: dict[str, Any] = next((row["config"] for row in store.runs() if row["id"] == parent.run), {})
        if config.get("judge", "none") != "none" and not arguments.judge:
            remark(f"The parent was judged by {config['judge']}: name a judge with --judge to compare what it decided.")
        recipe = Recipe.model_validate(config["recipe"]) if config.get("recipe", {}).get("schema") else Recipe(cases=())
        seats = _again(arguments, recipe, config, parent)
        seats.check(cases)
        given, (name, maker) = _doctor(arguments, config, parent, seats)
        places = tuple(dict.fromkeys((*(arguments.cases or ()), *recipe.cases)))
        made = configuration(recipe.model_copy(update={"cases": places}), cases, [given], int(config.get("seed", 0)), seats)
        made["forked_from"] = {**origin(parent, turn=arguments.turn), "trajectory": [trajectory.id for trajectory, _ in works]}
        identity = identity_of(made)
        return cls(_run_name(store, arguments.to, identity), identity, made, seats, name, maker)


def _again(arguments: argparse.Namespace, recipe: Recipe, config: dict[str, Any], parent: Trajectory) -> Seats:
    """The seats that were asked for, over those of the parent's run."""
    seats = _seats(arguments) or Seats()
    before = recipe.patient if recipe.patient != "scripted" else str(config.get("patient", "scripted"))
    kind = arguments.patient_kind or (seats.patient if before == "scripted" else before)
    kept = kind == recipe.patient == "role"
    bias, target = (recipe.bias, recipe.target) if kept else ("", "")
    persona = {**recipe.persona, **config.get("persona", {}), **seats.persona}
    return seats._replace(patient=kind, persona=persona, bias=bias, target=target, results_told=kept and recipe.results_told)


def _doctor(arguments: argparse.Namespace, config: dict[str, Any], parent: Trajectory, seats: Seats) -> tuple[str, tuple[str, Maker]]:
    """The doctor who goes on, as it was given and as it was made: the one named, or the parent's."""
    if arguments.agent:
        return arguments.agent, make(arguments.agent, seats.llm)
    if parent.agent.startswith("human:"):
        raise ActionError(f"Trajectory {parent.id} was played by a person: say who goes on, with --agent NAME.")
    for given in config.get("agents", {}):
        if given == parent.agent:
            break
        try:
            name, maker = make(given, seats.llm)
        except MedsimError:  # another agent of that run, which need not be at hand
            continue
        if name == parent.agent:
            return given, (name, maker)
    return parent.agent, make(parent.agent, seats.llm)


def _run_name(store: Store, wanted: str | None, identity: str) -> str:
    known = {row["id"] for row in store.runs()}
    if wanted and wanted in known:
        raise StoreError(f"Run '{wanted}' exists already. Give another name with --to.")
    stem = f"fork-{identity[:6]}"
    return wanted or next(name for name in (stem, *(f"{stem}-{i}" for i in range(2, 100_000))) if name not in known)


def _shown(arguments: argparse.Namespace, store: Store, setting: _Setting, parent: Trajectory, case: Case) -> Shown:
    """Play one branch, store it with its scores, and compare."""
    with booking() as calls:
        made = branch(
            case, parent, turn=arguments.turn, agent=setting.maker(case), name=setting.name, run=setting.run, identity=setting.identity,
            patient=setting.seats.patient_of(case), controller=setting.seats.controller_of(case),
        )  # fmt: skip
    child = made.trajectory
    child.usage = usage_of(calls)
    failed = bool(child.error)
    plain = None if failed else score(case, child.events, child.outcome)
    store.begin_run(setting.run, identity=setting.identity, config=setting.config)
    store.save(child, plain, information=None if failed else information(case, child.events), calls=calls)
    if failed:
        return Shown(made, None, None, [])
    judge = setting.seats.judge
    after = _scored(store, case, child, judge)
    before = _scored(store, case, parent, judge, latest=not any(getattr(arguments, name) for name in _OTHERS))
    items = [] if before is None or after is None else differences(before, after, parent=parent.events, child=child.events)
    return Shown(made, before, after, items)


def _scored(store: Store, case: Case, trajectory: Trajectory, judge: Judge | None, *, latest: bool = False) -> Scorecard | None:
    """A score by the case's rubric: stored, or formed now; a judge's is added to the store. ``latest``: the newest stored one, whoever judged."""
    if trajectory.outcome.status == "error":
        return None
    stored = [row for row in store.scores(trajectory.id, run=trajectory.run) if row["rubric_hash"] == rubric_hash(case.rubric)]
    wanted = judge.name if judge is not None else "none"
    found = stored[-1:] if latest and judge is not None else [row for row in stored if row["judge"] == wanted]
    if found:
        return _card(found[-1])
    with booking() as calls:
        card = score_with(case, trajectory, judge)
    if judge is not None:
        store.add_score(trajectory.id, card, run=trajectory.run, calls=calls)
    return card


def _card(row: dict[str, Any]) -> Scorecard:
    """A stored score as it was formed."""
    names = {part.name for part in fields(ItemScore)} - {"id", "evidence"}
    items = tuple(
        ItemScore(id=item["item"], evidence=tuple(item["evidence"]), **{name: item[name] for name in names if name in item})
        for item in row["items"]
    )
    return Scorecard(
        row["rubric"],
        row["rubric_hash"],
        row["judge"],
        items,
        row["raw"],
        row["score"],
        row["passed"],
        row["coverage"],
        tuple(row["critical"]),
    )
