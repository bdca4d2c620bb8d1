"""Worlds: probabilistic knowledge bases, the patients drawn from them, and the discrete environments played with them.

    from medsim import world

    tables = world.compile_world(world.load("sore-throat"))
    held_out = world.sample(tables, 1000, seed=1)

The rule: a shipped world is a file of ``cases/worlds``, one's own is named by its path, and what has an error is not loaded.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from medsim import document, library
from medsim.errors import CaseError, did_you_mean
from medsim.world import procedural
from medsim.world.check import Fault, lint
from medsim.world.patients import Patients, sample
from medsim.world.schema import World
from medsim.world.tables import Tables, compile_world

__all__ = ["Fault", "Patients", "Tables", "World", "compile_world", "lint", "load", "names", "read", "sample"]

FOLDER = "worlds"


def names() -> list[str]:
    """List the shipped worlds."""
    return sorted(path.stem for path in (library.folder("cases") / FOLDER).glob("*.yaml"))


def load(name: str) -> World:
    """Load a shipped world by name, one's own by path, or a procedural one by its id (``random-20x80-7``, ``trap-4-16-1-0``).

    Raises CaseError with everything that is wrong in it.
    """
    made = procedural.named(name)
    if made:
        return made
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        if name not in names():
            raise CaseError(
                f"No world '{name}'.{did_you_mean(name, names())} Shipped: {', '.join(names())}; or give the path of a YAML file."
            )
        path = library.folder("cases") / FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise CaseError(f"No file '{name}'. Give the path of a world, or one of: {', '.join(names())}.")
    return _load(path.resolve(), path.stat().st_mtime)


@cache
def _load(path: Path, stamp: float) -> World:
    world = read(path)
    wrong = [f"{path}: {fault}" for fault in lint(world) if fault.level == "error"]
    if wrong:
        raise CaseError("\n".join(wrong))
    return world


def read(path: str | Path) -> World:
    """Read a world without linting it; its form must be right."""
    return document.validate(document.read(Path(path)), World)
