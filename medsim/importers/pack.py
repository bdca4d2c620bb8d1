"""Imported cases as a pack: a folder with a pack.yaml, a report and one file a case.

The rule: a pack appears whole or not at all, and only a folder that was written here is ever replaced.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from medsim import document
from medsim.case import dumps
from medsim.errors import CaseError
from medsim.importers import Imported

WRITER = "medsim.importers"
REPORT = "report.csv"


def write_pack(imported: Imported, folder: Path, *, title: str, licence: str, notes: str | Sequence[str] = ()) -> Path:
    """Write a pack and return its folder; a pack written here before is replaced, any other folder with content is refused."""
    folder = Path(os.path.abspath(folder))
    if folder.is_symlink():
        raise CaseError(f"{folder} is a link. Give the folder itself.")
    if folder.exists():
        _refuse_strangers(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    except OSError as error:
        raise CaseError(f"{folder.parent}: no pack can be written here ({error.strerror}).") from error
    try:
        _fill(staged, imported, folder.name, title, licence, [notes] if isinstance(notes, str) else list(notes))
        staged.chmod(0o755)
        _swap(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def _fill(staged: Path, imported: Imported, name: str, title: str, licence: str, notes: list[str]) -> None:
    for case in imported.cases:
        (staged / f"{case.id}.yaml").write_text(dumps(case), encoding="utf-8")
    for inside, own in imported.files.items():
        (staged / inside).parent.mkdir(exist_ok=True)
        shutil.copyfile(own, staged / inside)
    with (staged / REPORT).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("line", "case_id", "status", "reasons"))
        writer.writerows((row.line, row.case_id, row.status, "; ".join(row.reasons)) for row in imported.rows)
    text = yaml.safe_dump(_head(imported, name, title, licence, notes), sort_keys=False, allow_unicode=True, width=120)
    (staged / "pack.yaml").write_text(text, encoding="utf-8")


def _head(imported: Imported, name: str, title: str, licence: str, notes: list[str]) -> dict[str, Any]:
    status = Counter(row.status for row in imported.rows)
    reasons = Counter(kind for row in imported.rows for kind in {reason.split(":", 1)[0] for reason in row.reasons})
    return {
        "schema": "medsim.pack/1",
        "id": re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-.") or "pack",
        "title": title,
        "license": licence,
        "provenance": {
            "origin": "imported",
            "written_by": WRITER,
            "file": imported.source.name,
            "sha256": _sha256(imported.source),
            "notes": notes,
        },
        "counts": {
            "cases": len(imported.cases),
            "lines": len(imported.rows),
            **{kind: status.get(kind, 0) for kind in ("imported", "flagged", "refused")},
            "reasons": dict(sorted(reasons.items())),
        },
        "cases": [case.id for case in imported.cases],
        **({"files": sorted(imported.files)} if imported.files else {}),
    }


def _sha256(path: Path) -> str:
    """Return the sha256 of a file, or of the names and hashes of all files of a folder."""
    try:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return hashlib.sha256("\n".join(f"{_sha256(file)}  {file.relative_to(path).as_posix()}" for file in files).encode()).hexdigest()
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise CaseError(f"{path}: the imported file cannot be read again ({error.strerror}); its hash belongs into the pack.") from error


def _refuse_strangers(folder: Path) -> None:
    """Refuse to replace anything but an empty folder or a pack written here, with nothing added."""
    if not folder.is_dir():
        raise CaseError(f"{folder} is a file. Give a folder that does not exist yet.")
    held = {path.name for path in folder.iterdir()}
    if not held:
        return
    head = _read_head(folder)
    if head.get("provenance", {}).get("written_by") != WRITER:
        raise CaseError(f"{folder} holds something else than an imported pack and is not overwritten. Give another folder.")
    written = {"pack.yaml", REPORT, *(f"{name}.yaml" for name in head["cases"]), *map(str, head.get("files", ()))}
    added = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()} - written
    if added:
        raise CaseError(
            f"{folder} holds files that no import wrote ({', '.join(sorted(added)[:3])}). Move them away, or give another folder."
        )


def _read_head(folder: Path) -> dict[str, Any]:
    try:
        data = document.read(folder / "pack.yaml").data
    except CaseError:
        return {}
    return data if isinstance(data, dict) and isinstance(data.get("provenance"), dict) and isinstance(data.get("cases"), list) else {}


def _swap(staged: Path, folder: Path) -> None:
    """Put the finished pack in place; the old one is kept aside until it stands."""
    if not folder.exists():
        staged.rename(folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    folder.rename(old / folder.name)
    try:
        staged.rename(folder)
    except OSError:
        (old / folder.name).rename(folder)
        raise
    finally:
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
