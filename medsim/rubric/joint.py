"""Items that hang together: what another item must have shown first, and groups that earn as a whole or not at all.

The rule: an item whose need was not met is not applicable; a whole group with one item unmet (or one harm done) earns nothing, and with
one unknown it is unknown. Verdicts are only ever taken back, never given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medsim.case.checklist import Rubric, RubricItem
from medsim.rubric.finding import Judged, Verdict


def hangs_together(rubric: Rubric) -> bool:
    """Whether any item depends on another."""
    return any(group.whole for group in rubric.groups.values()) or any(item.needs for item in rubric.items)


def joined(rubric: Rubric, alone: Mapping[str, Judged]) -> dict[str, Judged]:
    """The verdicts of all items by their ids, once those that hang together are held against each other."""
    items = {item.id: item for item in rubric.items}
    found: dict[str, Judged] = {}
    for item in rubric.items:
        _needed(item, items, alone, found)
    for name, group in rubric.groups.items():
        if group.whole:
            found |= _whole(name, [item for item in rubric.items if item.group == name], found)
    return found


def _needed(item: RubricItem, items: Mapping[str, RubricItem], alone: Mapping[str, Judged], found: dict[str, Judged]) -> Judged:
    """An item's verdict after those of the items it needs; a rubric has no circles, so this ends."""
    if item.id in found:
        return found[item.id]
    judged = alone[item.id]
    for name in item.needs:
        before = _needed(items[name], items, alone, found)
        if before.verdict in {"unmet", "na"}:
            judged = Judged("na", 0.0, before.evidence, f"'{name}' comes first and is not met")
            break
        if before.verdict == "unknown":
            judged = Judged("unknown", 0.0, before.evidence, f"'{name}' comes first and is not decided")
    found[item.id] = judged
    return judged


def _whole(name: str, members: Sequence[RubricItem], found: Mapping[str, Judged]) -> dict[str, Judged]:
    """The members of a group that earns all or nothing, where that changes them."""
    stands = {item.id: _stands(item, found[item.id].verdict) for item in members}
    earning = {item.id: found[item.id] for item in members if item.points > 0 and found[item.id].verdict == "met"}
    lost = next((item for item, verdict in stands.items() if verdict == "unmet"), None)
    if lost is not None:
        told = f"earns nothing: group '{name}' is not whole ('{lost}')"
        return {item: judged._replace(credit=0.0, reason=told) for item, judged in earning.items()}
    unsure = next((item for item, verdict in stands.items() if verdict == "unknown"), None)
    if unsure is None:
        return {}
    told = f"group '{name}' earns as a whole, and '{unsure}' is not decided"
    return {item: judged._replace(verdict="unknown", credit=0.0, reason=told) for item, judged in earning.items()}


def _stands(item: RubricItem, verdict: Verdict) -> Verdict:
    """How an item leaves its group: harm that was not done is as it should be."""
    if item.points >= 0 or verdict in {"unknown", "na"}:
        return verdict
    return "met" if verdict == "unmet" else "unmet"


def standing(rubric: Rubric, verdicts: Mapping[str, Verdict]) -> dict[str, Verdict]:
    """The verdict of each group: met where all that applies is as it should be, harm not done among it."""
    found: dict[str, Verdict] = {}
    for name in rubric.groups:
        own = {_stands(item, verdicts[item.id]) for item in rubric.items if item.group == name} - {"na"}
        found[name] = "unmet" if "unmet" in own else "unknown" if "unknown" in own else "met" if own else "na"
    return found
