"""Labels in from a CSV file and out to one, for the verb label."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medsim.cli.output import print_json, remark
from medsim.errors import JudgeError
from medsim.store import Store

if TYPE_CHECKING:
    from medsim.agreement import Encounter


def take_in(store: Store, known: Sequence[Encounter], arguments: argparse.Namespace) -> int:
    """Store the labels of --from; exit 1 where it holds none."""
    from medsim.agreement import exchange, store_labels
    from medsim.agreement.labels import rater_name
    from medsim.agreement.spreadsheet import listed, refuse

    rater = rater_name(arguments.rater) if arguments.rater else None
    found = exchange.read(arguments.source, known=known, store=store, rater=rater)
    if found.faults and not arguments.skip_bad:
        refuse(arguments.source, found.faults)
    store_labels(store, found.labels, known=known)
    raters = sorted({label.rater for label in found.labels})
    if arguments.json:
        print_json({"stored": len(found.labels), "raters": raters, "skipped": len(found.faults), "without_verdict": found.empty})
    told = f"{len(found.labels)} labels by {', '.join(raters) or 'nobody'} stored."
    if found.empty:
        told += f" {found.empty} lines have no verdict yet."
    if found.faults:
        told += f" {len(found.faults)} lines were left out:{listed(found.faults)}"
    remark(told)
    return 0 if found.labels else 1


def write(store: Store, known: Sequence[Encounter], arguments: argparse.Namespace) -> int:
    """Write the labels there are to --to; exit 1 where there is nothing to write."""
    from medsim.agreement import exchange, labels_of, sheet
    from medsim.agreement.labels import rater_name

    _not_the_store(store, arguments.to)
    labels = labels_of(store, known)
    rater = rater_name(arguments.rater) if arguments.rater else ""
    if rater:
        labels = [label for label in labels if label.rater == rater]
    count = exchange.export(arguments.to, labels, tasks=sheet(known, rater=rater, judged=arguments.judged) if rater else (), rater=rater)
    if arguments.json:
        print_json({"labels": len(labels), "lines": count})
    blank = f", and {count - len(labels)} lines to fill in" if count > len(labels) else ""
    remark(f"{len(labels)} labels written{blank}. Take them in again: medsim label {arguments.run} --from {arguments.to}")
    return 0 if count else 1


def _not_the_store(store: Store, path: str) -> None:
    if store.path is not None and Path(path).resolve() == store.path.resolve():
        raise JudgeError(f"'{path}' is the database itself. Give another file with --to.")
