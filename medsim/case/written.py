"""A part of a case as an author would write it: durations as text, what stands at its default left out.

The rule: what is written reads back to an equal part.
"""

from __future__ import annotations

from typing import Any

from medsim.case.part import Part, clock, seconds


def authored(part: Part) -> dict[str, Any]:
    """Return a part as plain data in the form an author would write: durations as text, defaults left out."""
    return _plain(part)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        found: dict[str, Any] = {}
        for name, field in type(value).model_fields.items():
            held = getattr(value, name)
            if name not in value.model_fields_set and held == field.get_default(call_default_factory=True):
                continue
            timed = field.json_schema_extra is None and _is_duration(field) and held is not None
            found[field.alias or name] = clock(held) if timed else _plain(held)
        return found
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _is_duration(field: Any) -> bool:
    marks = list(field.metadata)
    for option in getattr(field.annotation, "__args__", ()):
        marks += getattr(option, "__metadata__", ())
    return any(getattr(mark, "func", None) is seconds for mark in marks)
