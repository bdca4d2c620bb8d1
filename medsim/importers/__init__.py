"""Importers: data sets of others, read from the user's own copy into cases.

The rule: an importer loses no line silently. Every line of a file becomes exactly one row of the report: imported as it stands,
flagged with what had to be assumed or left out, or refused with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

from medsim.case import Case
from medsim.errors import CaseError, did_you_mean

Status = Literal["imported", "flagged", "refused"]


class Row(NamedTuple):
    """What became of one line."""

    line: int
    """Counted from 0."""
    status: Status
    case_id: str
    reasons: tuple[str, ...]


class Imported(NamedTuple):
    """The cases of one file, and a row for every line."""

    cases: list[Case]
    rows: list[Row]
    source: Path
    files: Mapping[str, Path] = {}
    """Files of one's own that go into the pack, by their names there."""


MODULES = {
    "agentclinic": "medsim.importers.agentclinic",
    "mediq": "medsim.importers.mediq",
    "medsp1000": "medsim.importers.medsp1000",
}
"""Data set -> the module whose ``load(path, *, source=None)`` reads it and whose ``about(imported)`` names it."""
RUNS = "medsp1000-runs"
"""Old runs, which go into a store and become no pack (``medsim.importers.medsp1000_stored``)."""


def importer(name: str) -> Callable[..., Imported]:
    """Return the ``load`` function of a data set."""
    load: Callable[..., Imported] = _module(name).load
    return load


def write(name: str, imported: Imported, folder: Path) -> Path:
    """Write what was imported as a pack, with the data set's own title, licence and notes."""
    from medsim.importers.pack import write_pack

    title, licence, notes = _module(name).about(imported)
    return write_pack(imported, folder, title=title, licence=licence, notes=notes)


def _module(name: str) -> Any:
    if name not in MODULES:
        known = (*MODULES, RUNS)
        raise CaseError(f"No importer '{name}'.{did_you_mean(name, known)} Known: {', '.join(known)}.")
    return import_module(MODULES[name])


__all__ = ["MODULES", "Imported", "Row", "Status", "importer", "write"]
