"""What differs between two configurations of a run, in words that a reader can act on.

The rule: every difference is named; of a hash only that it differs is said, for its digits tell nobody anything.
"""

from __future__ import annotations

import re
from typing import Any

_LONGEST = 900
_HASH = re.compile(r"[0-9a-f]{12,64}|")
_WORDS = {
    "agents": "agent", "cases": "case", "rubrics": "rubric of case", "models": "model of the", "prompts": "prompt of the", "recipe": "environment",
    "medsim": "version of medsim", "matcher": "topic matcher", "patient_words": "what the patient is told",
    "controller_words": "what the controller is told",
}  # fmt: skip
"""How the parts of a configuration are called."""
_SHOWN = 6
"""Of more differences in one part, only how many."""


def difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Say what has changed from one configuration to another."""
    parts: list[str] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        found = _changes(_WORDS.get(key, key), before, after)
        parts += found if len(found) <= _SHOWN else [*found[:_SHOWN], f"{len(found) - _SHOWN} more changes of {key}"]
    text = "; ".join(parts)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _changes(name: str, before: Any, after: Any) -> list[str]:
    """One sentence for each leaf that differs."""
    if before == after:
        return []
    if not isinstance(before or {}, dict) or not isinstance(after or {}, dict) or not (before or after):
        return [f"{name} has changed" if _hashes(before, after) else f"{name}: {_shown(before)} -> {_shown(after)}"]
    before, after = before or {}, after or {}
    return [sentence for key in sorted({*before, *after}) for sentence in _inside(name, key, before, after)]


def _inside(name: str, key: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    path = f"{name} '{key}'" if not name.endswith(" the") else f"{name} {key}"
    if key not in before:
        return [f"{path} is new{_value(after[key])}"]
    if key not in after:
        return [f"{path} is gone{_value(before[key])}"]
    return _changes(path, before[key], after[key])


def _hashes(*values: Any) -> bool:
    return all(isinstance(value, str) and _HASH.fullmatch(value) for value in values)


def _value(value: Any) -> str:
    return "" if _hashes(value) else f" ({_shown(value)})"


def _shown(value: Any) -> str:
    return "nothing" if value in (None, "", [], {}) else str(value)
