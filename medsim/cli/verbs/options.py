"""Options that several verbs share, and how a verb is added to the command line.

The rule: an option that means the same in two verbs is written here once, so that it is called and explained alike in both.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Protocol


class Verb(Protocol):
    """Adds a verb with its help."""

    def __call__(self, name: str, *, summary: str, examples: tuple[str, ...], json: bool = True) -> argparse.ArgumentParser:
        """Add a verb; ``json`` says whether it takes ``--json`` as a plain switch."""
        ...


def store(made: argparse.ArgumentParser) -> None:
    """Say which database is meant."""
    made.add_argument("--store", default="medsim.db", help="database file or SQLAlchemy URL (default: medsim.db)")


def stored(made: argparse.ArgumentParser, *, run: str = "only this run") -> None:
    """Say which database is meant, and which run in it."""
    store(made)
    made.add_argument("--run", help=run)


def cases_at(made: argparse.ArgumentParser, *, where: str = "where the cases are, if not shipped") -> None:
    """Say where cases of stored encounters are."""
    made.add_argument("--cases", action="append", type=place, help=where)


def place(given: str) -> str:
    """Take one place; a path may hold commas, so that a list of places is not cut apart but refused."""
    if "," in given and not Path(given).exists():
        each = " ".join(f"--cases {part.strip()}" for part in given.split(",") if part.strip())
        raise argparse.ArgumentTypeError(f"no '{given}' is there. Several places are named one by one: {each}")
    return given


def persona(made: argparse.ArgumentParser) -> None:
    """Put another person into the case."""
    made.add_argument("--persona", metavar="AXIS=LEVEL", help="another person: recall=low,temperament=impatient")


def models(made: argparse.ArgumentParser, *, doctor: bool = True) -> None:
    """Seat language models at an encounter; ``doctor=False`` where no model can be the doctor."""
    group = made.add_argument_group("language models (keys come from the environment only)")
    if doctor:
        group.add_argument("--doctor", metavar="MODEL", help="the doctor's, e.g. openai/gpt-4o-mini, openai/x@http://127.0.0.1:8000/v1")
    else:
        made.set_defaults(doctor=None)
    group.add_argument("--patient", metavar="MODEL", help="the patient's voice; the actor of a documented case")
    group.add_argument(
        "--patient-kind", metavar="KIND", help="instead of the recipe's: scripted, voiced, role, direct, instruct or factselect"
    )
    group.add_argument("--controller", metavar="MODEL", help="body and laboratory of a documented case")
    group.add_argument("--models", metavar="FILE", help="models file (schema medsim.models/1)")
    calling(group)


def calling(made: argparse._ActionsContainer) -> None:
    """Say how models are called, and how much that may cost."""
    cached(made)
    made.add_argument("--max-tokens", metavar="N", type=int, help="tokens of the whole run")
    made.add_argument("--max-calls", metavar="N", type=int, help="calls of the whole run")


def cached(made: argparse._ActionsContainer) -> None:
    """Say where answers are kept, and what they may cost at most."""
    made.add_argument("--cache", metavar="FILE", help="keep answers here; equal calls are asked once")
    made.add_argument("--calls", choices=["live", "record", "replay"], default="live", help="replay: from --cache alone, no network")
    made.add_argument("--max-usd", metavar="USD", type=float, help="stop before the whole run costs more")


def judging(made: argparse.ArgumentParser, *, repeat: bool = False) -> None:
    """Say who judges; ``repeat`` where stored encounters can be judged once more."""
    judge = made.add_argument_group("judge (for rubric items that no predicate decides)")
    judge.add_argument(
        "--judge", metavar="MODEL", action="append", help="a model (may be repeated: they vote in turn), keywords (a baseline) or none"
    )
    judge.add_argument("--votes", type=int, metavar="N", help="votes for each item, odd (default: the item's own, 3)")
    judge.add_argument("--second-judge", metavar="MODEL", help="model that is asked where votes on a heavy item are split")
    judge.add_argument("--judge-group", type=int, default=1, metavar="N", help="statements in one call, shuffled (default: 1)")
    if repeat:
        judge.add_argument(
            "--repeat", type=int, default=0, metavar="N", help="judge once more under this number, without the cached answers"
        )
