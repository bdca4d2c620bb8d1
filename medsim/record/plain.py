"""Plain data: JSON that came from outside, read and measured before anything else looks at it.

The rule: depth, size, numbers and characters are bounded here, without recursion, so that nothing behind this module can be made to fail by
them.
"""

from __future__ import annotations

import json
from typing import Any

from medsim.record.outcome import Refusal, quoted

DEPTH = 40
"""Levels of nesting that a written resource may have."""
SIZE = 100_000
"""Values that a written resource may hold."""


def parsed(body: bytes) -> Any:
    """Read JSON; a ``Refusal`` (400) says why it cannot be read. Depth and size are ``plain_data``'s to check."""
    try:
        return json.loads(body, parse_constant=constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "structure", f"The body is no JSON that can be read: {str(error)[:120]}.") from None


def constant(name: str) -> Any:
    """Refuse NaN and Infinity, for ``json.loads``."""
    raise ValueError(f"{name} is no JSON number")


def plain_data(given: Any, *, depth: int = DEPTH, size: int = SIZE) -> None:
    """Refuse what is no JSON, too deep or too large."""
    count, layer = 0, [("", given)]
    for _ in range(depth + 1):
        below: list[tuple[Any, Any]] = []
        for name, value in layer:
            count += 1
            if not isinstance(name, str) or not _leaf(name) or not (isinstance(value, (dict, list)) or _leaf(value)):
                raise Refusal(400, "structure", f"JSON with finite numbers and valid text was expected; see {quoted(name)}.")
            if isinstance(value, dict):
                below += value.items()
            elif isinstance(value, list):
                below += (("", inner) for inner in value)
        if not below:
            return
        if count > size:
            raise Refusal(413, "too-long", f"At most {size} values are taken at once.")
        layer = below
    raise Refusal(400, "structure", f"What is sent is at most {depth} levels deep.")


def _leaf(value: Any) -> bool:
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)
    return value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and value - value == 0)
