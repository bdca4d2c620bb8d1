"""``medsim lint --watch``: looks at files again and again, and lints what has changed.

The rule: what has not changed is not linted and nothing is printed for it; each look prints a bounded number of lines. ctrl-C is the way
out and no failure: the exit code is that of the last look.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from medsim.case import MAX_CASE_BYTES
from medsim.cli.output import as_json, remark, say
from medsim.errors import MedsimError

EVERY = 0.5
"""Seconds between two looks."""
MOST = 20
"""Findings that are shown of one file; more are counted."""
LONGEST = 400
"""Letters of a finding that are shown."""

Entry = dict[str, Any]


def watch(
    files: Callable[[], Iterable[Path]],
    look: Callable[[Path], Entry],
    *,
    show: Callable[[Entry], None],
    as_lines: bool = False,
) -> int:
    """Lint what ``files`` lists now and whenever it changes, until interrupted; return 1 where there were errors at the last look."""
    seen: dict[Path, str] = {}
    errors: dict[Path, int] = {}
    try:
        while True:
            changed = _changed(_listed(files, seen), seen)
            for path in changed:
                errors[path] = _look_at(path, look, show=show, as_lines=as_lines) if seen[path] else _gone(path, as_lines=as_lines)
            if changed and not as_lines:
                remark(_state(errors))
            _rest(EVERY)
    except KeyboardInterrupt:
        bad = sum(map(bool, errors.values()))
        remark(f"No longer watching. {bad} of {len(errors)} with errors." if bad else "No longer watching. No errors at the last look.")
        return 1 if bad else 0


def _rest(seconds: float) -> None:
    time.sleep(seconds)


def _listed(files: Callable[[], Iterable[Path]], seen: dict[Path, str]) -> list[Path]:
    """The files that are there now, and those that were; a folder that is emptied for a moment ends nothing, one that never was does."""
    try:
        return list(dict.fromkeys([*files(), *seen]))
    except MedsimError:
        if not seen:
            raise
        return list(seen)


def _changed(paths: Iterable[Path], seen: dict[Path, str]) -> list[Path]:
    """Note what each file holds and return those that hold something else than before."""
    changed = []
    for path in paths:
        now = _mark(path)
        if seen.get(path) != now:
            seen[path] = now
            changed.append(path)
    return changed


def _mark(path: Path) -> str:
    """What a file holds, as a hash: times of change are too coarse for quick editors. Empty where it is gone."""
    try:
        with path.open("rb") as held:
            return f"{path.stat().st_size} {hashlib.sha256(held.read(MAX_CASE_BYTES)).hexdigest()}"
    except OSError:
        return ""


def _look_at(path: Path, look: Callable[[Path], Entry], *, show: Callable[[Entry], None], as_lines: bool) -> int:
    entry = look(path)
    if as_lines:
        say(as_json(entry), wrap=False)
    else:
        show(_short(entry))
    return int(entry["errors"])


def _short(entry: Entry) -> Entry:
    """An entry with no more findings, and no longer ones, than can be read at a glance: errors first."""
    found = sorted(entry["findings"], key=lambda finding: finding["level"])
    shown = [{**finding, "message": _cut(str(finding["message"]))} for finding in found[:MOST]]
    if len(found) > MOST:
        shown.append({"level": "...", "rule": f"{len(found) - MOST} more", "where": entry["path"], "message": "mend these first"})
    return {**entry, "findings": shown}


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def _gone(path: Path, *, as_lines: bool) -> int:
    if as_lines:
        say(as_json({"path": str(path), "errors": 0, "findings": [], "gates": None, "gone": True}), wrap=False)
    else:
        say(f"{path}: gone; it is linted again when it comes back")
    return 0


def _state(errors: dict[Path, int]) -> str:
    return f"[{time.strftime('%H:%M:%S')}] watching {len(errors)} file{'' if len(errors) == 1 else 's'}; ctrl-C ends"
