"""Encounters written as training text: chats with a loss mask, and preference pairs.

The rule: only encounters that ended are written, only scores that can be believed make pairs, and what was left out is said.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from medsim import traces, world
from medsim.cli.output import remark
from medsim.cli.reading import _chosen, _opened
from medsim.errors import CaseError, StoreError
from medsim.rubric.scorecard import TRUSTED_COVERAGE
from medsim.store import Store
from medsim.traces import Scored
from medsim.world.game import game
from medsim.world.teacher import Teacher
from medsim.world.telling import tell_many


def export_traces(arguments: argparse.Namespace) -> int:
    """Write what was asked for; exit code 1 where nothing came of it."""
    if arguments.sft and arguments.pairs:
        raise StoreError("--sft and --pairs are two files; ask for one at a time.")
    if arguments.medsp1000 or arguments.fhir or arguments.out:
        raise StoreError("--sft FILE and --pairs FILE name their file themselves. Leave --out, --medsp1000 and --fhir out.")
    if arguments.world:
        if not arguments.sft:
            raise CaseError("--world writes the teacher's chats: give --sft FILE.")
        return _written(arguments.sft, _taught(arguments), "chats of the greedy teacher")
    store = _opened(arguments)
    target = arguments.sft or arguments.pairs
    if store.path is not None and Path(target).resolve() == store.path.resolve():
        raise StoreError(f"'{target}' is the database itself. Give another file.")
    if arguments.sft:
        return _written(arguments.sft, _chats(store, arguments), "chats")
    return _written(arguments.pairs, _pairs(store, arguments), "pairs")


def _taught(arguments: argparse.Namespace) -> Iterator[traces.Chat]:
    if arguments.n < 1:
        raise CaseError(f"--n is a number of patients, 1 or more; given {arguments.n}.")
    tables = world.compile_world(world.load(arguments.world))
    play, teacher = game(tables, task="workup"), Teacher(tables)
    for told in tell_many(tables, arguments.n, seed=arguments.seed, max_turns=play.max_turns):
        yield traces.of_teacher(told, play, teacher=teacher)


def _chats(store: Store, arguments: argparse.Namespace) -> Iterator[traces.Chat]:
    broken = 0
    for trajectory in _chosen(store, arguments):
        if trajectory.outcome.status == "error":
            broken += 1
            continue
        first = next(iter(store.scores(trajectory.id, run=trajectory.run)), None)
        yield traces.of_trajectory(trajectory, score=first["score"] if first else None)
    if broken:
        remark(f"{broken} encounters that ended in an error were left out.")


def _pairs(store: Store, arguments: argparse.Namespace) -> Iterator[traces.Chat]:
    """Pairs within one rubric and one judge; a score of which too much is unknown makes none."""
    groups: dict[tuple[str, str], list[Scored]] = {}
    doubtful = 0
    for trajectory in _chosen(store, arguments):
        for row in store.scores(trajectory.id, run=trajectory.run)[:1]:
            if row["score"] is None or row["coverage"] < TRUSTED_COVERAGE:
                doubtful += 1
                continue
            groups.setdefault((row["rubric_hash"], row["judge"]), []).append(Scored(trajectory, float(row["score"])))
    for group in groups.values():
        yield from traces.pairs(group, margin=arguments.margin)
    if doubtful:
        remark(f"{doubtful} encounters without a score that can be believed (coverage of {TRUSTED_COVERAGE:.0%}) were left out.")


def _written(target: str, chats: Iterable[dict[str, Any]], what: str) -> int:
    count = 0
    try:
        with open(target, "w", encoding="utf-8") as out:
            for line in traces.lines(chats):
                out.write(line + "\n")
                count += 1
    except OSError as error:
        raise StoreError(f"'{target}' cannot be written ({error.strerror}). Give another file.") from error
    remark(f"{count} {what} in {target}.")
    return 0 if count else 1
