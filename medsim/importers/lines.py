"""A file of JSON lines: read whole, then line by line into cases.

The rule: a file that cannot be such a set is refused at once with file, line and what was expected; after that no line stops another.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medsim.case import MAX_CASE_BYTES, Case, dumps, loads
from medsim.errors import CaseError
from medsim.importers.draft import Refused


def read(path: Path, expected: str) -> list[tuple[int, str]]:
    """Return the lines that are not blank with their numbers, counted from 0; ``expected`` says what the file should hold."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror}). Expected a file with {expected}.") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CaseError(f"{path}:{line}: byte {error.start} is not UTF-8. Expected {expected}, saved as UTF-8.") from error
    return [(number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n")) if line.strip()]


def parsed(raw: str) -> Any:
    """Return the value of a line of JSON, or None where it is none."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def unfit(data: object) -> str:
    """Say why a line that no form fits is refused."""
    return "not_json" if data is None else "not_an_object" if not isinstance(data, dict) else "unknown_form"


def sha256(raw: str) -> str:
    """Return the sha256 of a line as it stands."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


def check_source(source: str | None, example: str) -> None:
    """Refuse a word that cannot begin a case id."""
    if source is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,60}", source):
        raise CaseError(f"Source '{source}' cannot begin a case id. Use lower-case letters, digits, '.', '_' and '-', e.g. {example}.")


def kept(make: Callable[[], Case]) -> tuple[Case | None, tuple[str, ...]]:
    """Make a case and return it with its flags; None with the reason where it cannot be made, or not read back as written."""
    try:
        case = make()
        text = dumps(case)
        if len(text.encode()) > MAX_CASE_BYTES or loads(text) != case:
            return None, ("cannot_be_stored",)
    except Refused as reason:
        return None, (str(reason),)
    except Exception as error:  # a line of a stranger's file must not cost the others; the report names what went wrong
        return None, (f"error:{type(error).__name__}",)
    return case, case.provenance.flags
