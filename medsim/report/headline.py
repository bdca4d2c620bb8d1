"""The headline: each arm's score, pass rate, critical harms and what it took; the same case by case; score against what it took.

The rule: means over cases with intervals that draw whole cases again. What was not recorded is not zero and is said so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from medsim.report.arms import Arm, Material
from medsim.report.encounter import Encounter
from medsim.report.figures import NOT_ENDED, Row, figure, labels, mean, nothing, rounded
from medsim.stats import case_means, harm_rate, micro, pass_at_k, pass_hat_k, pass_rate

SHARE = (0.0, 1.0)
ANYTHING = (0.0, float("inf"))
NO_CRITICAL = "No item that looks for critical harm was decided, so nothing can be said of it."
UNSCORED = "No encounter has a score of this kind."


class Axis(NamedTuple):
    """Something that an encounter takes."""

    name: str
    unit: str
    missing: str


AXES = (
    Axis("cost", "USD of simulated care for an encounter", "No cost was recorded."),
    Axis("minutes", "simulated minutes for an encounter", "No simulated time was recorded."),
    Axis("turns", "turns of the doctor for an encounter", "No turns were recorded."),
    Axis("tokens", "tokens of the doctor's models for an encounter", "No tokens were counted: no model sat in the doctor's seat, or its calls were not measured."),
)  # fmt: skip


def headline(material: Material) -> list[Row]:
    """One row for each arm."""
    return [_row(material, arm) for arm in material.arms]


def _row(material: Material, arm: Arm) -> Row:
    ended = arm.ended
    return {
        "arm": arm.number, "name": arm.name, "agent": arm.agent, "run": arm.run, "identity": arm.identity,
        "encounters": len(arm.encounters), "ended": len(ended), "cases": len({one.case_hash for one in ended}),
        "trials": max((len(arm.of(key)) for key in material.names), default=0),
        "truncated": sum(one.status == "truncated" for one in ended), "errors": len(arm.encounters) - len(ended),
        "unscored": sum(one.value is None for one in ended), "harmed": sum(bool(one.score and one.score["critical"]) for one in ended),
        "score": mean(material, arm, lambda one: one.value, bounds=SHARE, missing=UNSCORED),
        "micro": _micro(material, arm),
        "pass_rate": _rate(material, arm, lambda one: one.score["passed"] if one.score else None, pass_rate, "No encounter was passed or failed: too much is unknown, or there is no score."),
        "critical_harm": _rate(material, arm, _harmed, harm_rate, NO_CRITICAL if any(one.items for one in arm.ended) else UNSCORED),
        **{axis.name: mean(material, arm, _taken(axis), bounds=ANYTHING, missing=axis.missing) for axis in AXES},
        "model_usd": mean(material, arm, lambda one: one.usd if one.usage else None, bounds=ANYTHING, missing="No model was asked."),
        "information": mean(material, arm, lambda one: one.information, bounds=SHARE, missing="No share of known facts was recorded."),
        "coverage": mean(material, arm, lambda one: one.score["coverage"] if one.score else None, bounds=SHARE, missing=UNSCORED),
        **_reliability(arm),
    }  # fmt: skip


def _taken(axis: Axis) -> Callable[[Encounter], float | None]:
    return lambda one: getattr(one, axis.name)


def _harmed(one: Encounter) -> float | None:
    """Whether critical harm was done; None where no item looks for it, or one that does was not decided and no other was met."""
    verdicts = {item["verdict"] for item in one.items if item.get("critical") or item.get("critical_when")}
    if one.score is not None and one.ended and one.score["critical"]:
        return 1.0
    return None if not verdicts or "unknown" in verdicts else 0.0


def _rate(material: Material, arm: Arm, value: Callable[[Encounter], float | None], rate: Callable[..., object], missing: str) -> Row:
    ended = arm.ended
    if not ended:
        return nothing(NOT_ENDED)
    values = [value(one) for one in ended]
    if all(one is None for one in values):
        return nothing(missing)
    cases, groups = labels(material, ended)
    return figure(rate(values, cases=cases, groups=groups))  # type: ignore[arg-type]


def _micro(material: Material, arm: Arm) -> Row:
    """Items met over items decided, those with positive points, all cases pooled."""
    ended = arm.ended
    decided = [[item for item in one.items if item["points"] > 0 and item["verdict"] in {"met", "unmet"}] for one in ended]
    if not any(decided):
        return nothing(UNSCORED if ended else NOT_ENDED)
    met = [float(sum(item["verdict"] == "met" for item in items)) for items in decided]
    cases, groups = labels(material, ended)
    return figure(micro(met, possible=[float(len(items)) for items in decided], cases=cases, groups=groups, bounds=SHARE))


def _reliability(arm: Arm) -> Row:
    """pass@k and pass^k for the number of trials that every case has, where it is more than one."""
    passed = [(one.case_hash, one.score["passed"]) for one in arm.ended if one.score and one.score["passed"] is not None]
    counts = [sum(case == key for case, _ in passed) for key in {case for case, _ in passed}]
    k = min(counts, default=0)
    if k < 2:
        return {}
    cases, values = [case for case, _ in passed], [float(value) for _, value in passed]
    return {"k": k, "pass_at_k": figure(pass_at_k(values, cases=cases, k=k)), "pass_hat_k": figure(pass_hat_k(values, cases=cases, k=k))}


def by_case(material: Material) -> list[Row]:
    """One row for each case and arm: mean score over trials, how many passed, how many did critical harm."""
    rows = []
    for key, name in material.names.items():
        for arm in material.arms:
            ended = arm.of(key)
            failed = sum(one.case_hash == key and not one.ended for one in arm.encounters)
            scores = [one.value for one in ended if one.value is not None]
            rows.append({
                "case": name, "hash": key, "title": material.cases[key].title if key in material.cases else "", "arm": arm.number, "name": arm.name, "trials": len(ended), "errors": failed, "scored": len(scores),
                "score": rounded(sum(scores) / len(scores)) if scores else None,
                "passed": sum(bool(one.score and one.score["passed"]) for one in ended), "harmed": sum(bool(_harmed(one)) for one in ended),
            })  # fmt: skip
    return rows


def efficiency(material: Material, rows: Sequence[Row]) -> list[Row]:
    """For each axis a point for each arm, and whether it is on the Pareto front: none scores more for less."""
    found = []
    for axis in AXES:
        points = [(row, row[axis.name]["value"], row["score"]["value"]) for row in rows]
        there = [(row, float(x), float(y)) for row, x, y in points if x is not None and y is not None]
        for row, x, y in points:
            ok = x is not None and y is not None
            front = ok and not any((u <= x and v >= y) and (u < x or v > y) for _, u, v in there)
            why = "" if ok else row["score"]["note"] if y is None else row[axis.name]["note"]
            found.append({"axis": axis.name, "unit": axis.unit, "arm": row["arm"], "name": row["name"], "x": x, "score": y, "front": front if ok else None, "note": why})  # fmt: skip
    return found


def scores_by_case(arm: Arm) -> dict[str, float]:
    """An arm's mean score of each case that has one."""
    ended = arm.ended
    names, means, _ = case_means([one.value for one in ended], cases=[one.case_hash for one in ended])
    return {str(name): float(value) for name, value in zip(names, means, strict=True)}
