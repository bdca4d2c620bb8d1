"""Lines of data sets, spoilt: keys that are missing, values of other types, texts that no one expects."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=60)
    | st.sampled_from(["\x00\x07", "\ud800", "a\u2028b", "é" * 5_000, "yes", "1e5", "N/A", "- - 1. 2."]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=20) | st.sampled_from(["Findings", "Vital_Signs", "", "=x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found + [deeper for key, held in items for deeper in paths(held, (*path, key))]


@st.composite
def mutants(draw: st.DrawFn, sound: Sequence[Any]) -> Any:
    """One of the sound values with one to three places taken out or put to something else."""
    line = copy.deepcopy(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(1, 3))):
        known = paths(line)
        if not known:
            break
        path = draw(st.sampled_from(known))
        holder = line
        for key in path[:-1]:
            holder = holder[key]
        if draw(st.booleans()):
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(JSON)
    return line
