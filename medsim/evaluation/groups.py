"""Which cases hang together: those that repeat each other, and those cut from one source.

The rule: cases that share their source are no independent witnesses, so they are drawn again together. A case that shares with none is a
group of its own and is not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from medsim import recipe as recipes
from medsim.case import Case
from medsim.errors import MedsimError

_SOURCE, _TWIN = "split_group:", "dup_of:"


def groups(cases: Iterable[Case]) -> dict[str, str]:
    """The group of each case that shares one, by case hash; a group is called by the first id in it.

    A note ``split_group:NAME`` in a case's provenance puts it with all others of that name, a flag ``dup_of:ID`` with the case it repeats,
    directly or over others.
    """
    listed = list(cases)
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]  # halves the way for the next one
        return name

    for case in listed:
        for other in _ties(case):
            parent[root(other)] = root(_node(case.id))
    members: dict[str, list[Case]] = {}
    for case in listed:
        members.setdefault(root(_node(case.id)), []).append(case)
    return {case.hash: min(each.id for each in several) for several in members.values() if len(several) > 1 for case in several}


def _node(case: str) -> str:
    return f"case:{case}"


def _ties(case: Case) -> list[str]:
    """What a case is tied to: its source, and the case it repeats."""
    sources = [note for note in case.provenance.notes if note.startswith(_SOURCE)]
    return sources + [_node(flag.removeprefix(_TWIN)) for flag in case.provenance.flags if flag.startswith(_TWIN)]


def groups_of(config: Mapping[str, Any]) -> dict[str, str] | None:
    """The groups of a stored run: as stored with it, else from its cases where they are still to be found; None where it cannot be told."""
    if isinstance(stored := config.get("groups"), dict):
        return {str(case): str(group) for case, group in stored.items()}
    places = config.get("recipe", {}).get("cases", ())
    try:
        return groups(recipes.load_cases(places)) if places else None
    except MedsimError:
        return None
