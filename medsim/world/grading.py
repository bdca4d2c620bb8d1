"""How a told patient's doctor is graded: what harms, what must not be missed, and the rubric of the case.

The rule: what is asked for follows from the world and from the patient alone, and every item can be both earned and lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medsim.world.patients import Patients
from medsim.world.payoff import HARMFUL
from medsim.world.schema import Condition
from medsim.world.tables import PRESENT, Tables
from medsim.world.teacher import opening_belief
from medsim.world.wording import accepted, slug

RIVALS = 3
"""Must-not-miss conditions that belong on the list of possibilities: at most so many, the likeliest at the door."""
MANY = 6
"""Tests beyond those of the golden script that are harm."""


def harmful_to(tables: Tables, one: Patients) -> frozenset[int]:
    """The treatments that harm this patient: by the condition, or by what is present."""
    world, truth = tables.world, tables.world.conditions[int(one.condition[0])].id
    there = one.reported[0] >= PRESENT if one.present is None else one.present[0]
    return frozenset(
        m
        for m, given in enumerate(world.treatments)
        if given.harm.get(truth, 0.0) >= HARMFUL or any(there[tables.finding_index[name]] for name in given.contraindicated_by)
    )


def rivals_of(tables: Tables, one: Patients) -> list[Condition]:
    """The must-not-miss conditions that are likeliest at the door, the true one apart."""
    likely = opening_belief(tables, one)[0]
    possible = (tables.weight @ tables.prior) > 0
    found = [d for d, known in enumerate(tables.world.conditions) if known.must_not_miss and d != int(one.condition[0]) and possible[d]]
    return [tables.world.conditions[d] for d in sorted(found, key=lambda d: -likely[d])[:RIVALS]]


def rubric_of(
    tables: Tables,
    codes: tuple[str, ...],
    truth: Condition,
    rivals: Sequence[Condition],
    path: Sequence[int],
    critical: Sequence[int],
    harmful: frozenset[int],
) -> dict[str, Any]:
    world, at = tables.world, len(tables.offset)
    spent = float(sum(tables.cost[f] for f in path) + sum(world.treatments[m].cost for m in critical))
    dear = [float(finding.cost) for finding in world.findings if finding.cost > 0]
    kinds = ["ask", "examine", "order"]
    items: list[dict[str, Any]] = [
        {"id": "names_it", "text": "Names the diagnosis first", "points": 5, "comp": "MK", "pred": {"diagnosis": {"rank_le": 1}}}
    ]
    if rivals:
        each = [{"diagnosis": {"rank_le": 2 + RIVALS, "accept": accepted(other)}} for other in rivals]
        items.append(
            {"id": "must_not_miss", "text": "Keeps on the list what must not be missed", "points": 2, "comp": "MK", "pred": {"all": each}}
        )
    for m in critical:
        items.append(
            {"id": f"gives_{slug(world.treatments[m].id)}", "text": f"Gives what must not be left out: {world.treatments[m].name}",
             "points": 2, "comp": "PC", "pred": {"did": {"kind": ["treat"], "code": [codes[at + m]]}}}
        )  # fmt: skip
    items.append(
        {"id": "sparing", "text": "Spends and asks no more than it takes", "points": 1, "comp": "SBP", "role": "efficiency",
         "pred": {"all": [{"cost": {"le": round(1.5 * spent + (min(dear) if dear else 0.0), 2)}},
                          {"count": {"did": {"kind": kinds}, "le": 2 * len(path) + 5}}]},
         "gate": {"did": {"kind": ["diagnose"]}}}
    )  # fmt: skip
    if truth.must_not_miss:
        items.append(
            {"id": "missed", "text": "HARM: leaves what must not be missed off the list", "points": -3, "comp": "PC", "critical": "fail",
             "pred": {"not": {"diagnosis": {"rank_le": 2 + RIVALS}}}, "gate": {"did": {"kind": ["diagnose"]}}}
        )  # fmt: skip
    tests = [f for f, finding in enumerate(world.findings) if finding.kind == "test" and codes[f]]
    enough = min(len(tests), len(set(tests) & set(path)) + MANY)
    if enough > len(set(tests) & set(path)):
        count = {"did": {"kind": ["order"], "code": [codes[f] for f in tests]}, "ge": enough}
        items.append(
            {"id": "overtesting", "text": f"HARM: orders {enough} tests or more, of which some must mislead", "points": -2, "comp": "PC",
             "pred": {"count": count}}
        )  # fmt: skip
    if harmful:
        items.append(
            {"id": "harm", "text": "HARM: gives what harms this patient", "points": -5, "comp": "PC", "critical": "fail",
             "pred": {"did": {"kind": ["treat"], "code": [codes[at + m] for m in sorted(harmful)]}}}
        )  # fmt: skip
    return {"items": items}
