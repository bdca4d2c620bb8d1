"""Patients of a world written as a pack of text cases.

The rule: a pack is written whole into a folder of its own, and nothing that is there already is touched.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import yaml

from medsim import world
from medsim.case import dumps
from medsim.cli.output import print_json, remark, say
from medsim.errors import CaseError
from medsim.world.schema import World
from medsim.world.telling import Told, tell_many

MOST = 10_000


def tell_cases(arguments: argparse.Namespace) -> int:
    """Draw patients and write each as a case."""
    if not arguments.id:
        raise CaseError(
            f"Which world? For example: medsim cases from-world {world.names()[0]} --to FOLDER. Shipped: {', '.join(world.names())}."
        )
    if not 1 <= arguments.n <= MOST:
        raise CaseError(f"--n is a number of patients from 1 to {MOST:,}, given {arguments.n}.")
    known = world.load(arguments.id)
    folder = Path(arguments.to or f"{known.id}-cases")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CaseError(f"{folder} exists and is not an empty folder. Give a new one: --to FOLDER")
    told = tell_many(world.compile_world(known), arguments.n, seed=arguments.seed)
    _write(folder, known, told, arguments.seed)
    if arguments.json:
        print_json({"folder": str(folder), "cases": [each.case.id for each in told]})
        return 0
    say(f"{len(told)} cases in {folder}")
    remark(f"Run them: medsim run --cases {folder} --agents golden,interviewer. For research and teaching, not for care.")
    return 0


def _write(folder: Path, known: World, told: list[Told], seed: int) -> None:
    head = {
        "schema": "medsim.pack/1",
        "id": told[0].case.id.rsplit("-", 1)[0],
        "title": f"Patients of the world '{known.title or known.id}'",
        "license": known.license or "not stated",
        "provenance": {"origin": "generated", "world": known.id, "seed": seed, "notes": [known.provenance] if known.provenance else []},
        "cases": [each.case.id for each in told],
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as staged:
            inside = Path(staged) / folder.name
            inside.mkdir()
            for each in told:
                (inside / f"{each.case.id}.yaml").write_text(dumps(each.case), encoding="utf-8")
            text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)
            (inside / "pack.yaml").write_text(text, encoding="utf-8")
            inside.replace(folder)
    except OSError as error:
        raise CaseError(f"{folder}: no pack can be written here ({error.strerror}). Give another folder with --to.") from error
