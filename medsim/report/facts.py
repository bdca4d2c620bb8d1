"""What the doctors found out: facts told by turn, and the facts that nobody brought out with what they would have unlocked.

The rule: ids decide. A fact is found when a reply carries its id, and was asked for when a question was heard as one about its topics;
what it unlocks is read off the rubric's predicates. Cases whose file was not found are named and left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medsim.case import Case, Fact
from medsim.case.checklist import RubricItem
from medsim.case.pattern import Did, covers
from medsim.report.arms import Material
from medsim.report.encounter import OWN, Encounter
from medsim.report.figures import NOT_ENDED, Row, rounded
from medsim.rubric.log import patterns

NO_CASES = "The case files were not found in the version that was played, so it cannot be said which facts there are. Give --cases FOLDER."
NO_FACTS = "The cases list no facts that a patient could tell."
_SPOKEN = frozenset({"ask", "say"})


def facts_of(case: Case) -> list[Fact]:
    """The facts that can be found by talking."""
    return [fact for fact in case.patient.every_fact() if fact.tier != "never"]


def disclosure(material: Material) -> list[Row]:
    """For each arm the share of facts found by each turn: the mean over cases, an encounter that has ended keeping what it found."""
    counted = {key: {fact.id for fact in facts_of(case)} for key, case in material.cases.items()}
    counted = {key: names for key, names in counted.items() if names}
    last = max((one.turns for arm in material.arms for one in arm.ended if one.case_hash in counted), default=0)
    rows = []
    for arm in material.arms:
        by_case = {key: [_curve(one, names, last) for one in arm.of(key)] for key, names in counted.items()}
        means = [np.mean(curves, axis=0) for curves in by_case.values() if curves]
        note = "" if means else NOT_ENDED if not arm.ended else NO_FACTS if material.cases else NO_CASES
        own_last = max((one.turns for one in arm.ended if one.case_hash in counted), default=0)
        curve = np.mean(means, axis=0).tolist() if means else []
        rows.append({
            "arm": arm.number, "name": arm.name, "cases": len(means), "last_turn": own_last, "note": note,
            "left_out": len({one.case_hash for one in arm.ended} - set(counted)), "share": [rounded(value) for value in curve],
        })  # fmt: skip
    return rows


def _curve(one: Encounter, names: set[str], last: int) -> Sequence[float]:
    found = np.bincount([min(turn, last) for name, turn in one.told.items() if name in names], minlength=last + 1)
    return np.asarray(np.cumsum(found) / len(names)).tolist()  # type: ignore[no-any-return]


def missed(material: Material) -> list[Row]:
    """Every fact that some arm never brought out, with who missed it and the unmet items that asking for it would have served."""
    rows = []
    for key, case in material.cases.items():
        for fact in facts_of(case):
            unlocks = (
                [item for item in case.rubric.items if item.points > 0 and _serves(fact, item)] if material.scoring.rubric == OWN else []
            )
            arms = [_missing(material, number, key, fact, unlocks) for number in range(len(material.arms))]
            arms = [arm for arm in arms if arm["trials"]]
            if not any(arm["found"] == 0 for arm in arms):
                continue
            lost = {name for arm in arms if not arm["found"] for name in arm["lost"]}
            rows.append({
                "case": case.id, "hash": key, "fact": fact.id, "tier": fact.tier, "words": fact.say[0], "topics": list(fact.topics),
                "never_asked": sum(arm["asked"] == 0 and arm["found"] == 0 for arm in arms), "missed_by": sum(arm["found"] == 0 for arm in arms),
                "unlocks": [{"item": item.id, "text": item.text, "points": item.points} for item in unlocks if item.id in lost],
                "points": rounded(sum(item.points for item in unlocks if item.id in lost)), "arms": arms,
            })  # fmt: skip
    return sorted(rows, key=lambda row: (row["case"], -row["points"], -row["missed_by"], row["fact"]))


def _missing(material: Material, at: int, key: str, fact: Fact, unlocks: Sequence[RubricItem]) -> Row:
    """How often an arm found and asked for a fact, and which of its items it did not meet in a trial without it."""
    arm = material.arms[at]
    trials = arm.of(key)
    without = [one for one in trials if fact.id not in one.told]
    unmet = {item["item"] for one in without for item in one.items if item["verdict"] == "unmet"}
    return {
        "arm": arm.number, "name": arm.name, "trials": len(trials), "found": len(trials) - len(without),
        "asked": sum(any(covers(topic, heard) or covers(heard, topic) for topic in fact.topics for heard in one.asked) for one in trials),
        "lost": [item.id for item in unlocks if item.id in unmet],
    }  # fmt: skip


def _serves(fact: Fact, item: RubricItem) -> bool:
    """Whether an item's predicate looks at the fact, or at a question about one of its topics."""
    return any(_points_at(did, fact) for part in (item.pred, item.gate) if part is not None for did in patterns(part))


def _points_at(did: Did, fact: Fact) -> bool:
    if fact.id in did.fact:
        return True
    spoken = not did.kind or bool(_SPOKEN & set(did.kind))
    return spoken and any(covers(topic, own) for topic in did.topic for own in fact.topics)
