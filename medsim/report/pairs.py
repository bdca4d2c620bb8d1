"""Arms against each other: paired differences, ranks, and what so many cases can support.

The rule: two arms are compared case by case, and only where all but the doctor is the same; where it is not, the sentence that says what
differs stands in the place of the number. Nothing is pooled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import sqrt
from statistics import stdev
from typing import Any

from medsim.evaluation.comparing import UNCLIPPED, columns, limits, shared, unclipped
from medsim.evaluation.entrants import DOCTORS, Entrant, around, clash
from medsim.report.arms import Arm, Material
from medsim.report.encounter import Encounter
from medsim.report.figures import Row, figure, nothing, rounded
from medsim.report.headline import scores_by_case
from medsim.stats import claim, difference, holm, permutation_test, ranks, spread
from medsim.stats.bootstrap import FEW
from medsim.stats.compare import Comparison, floored, sentence
from medsim.store.changes import difference as changes
from medsim.store.tally import Tally

_APART = frozenset({"agents", "groups", "models"})
"""Parts of a configuration that two compared arms may have of their own, or that decide no result; of the models only the doctor's."""
_PLACES = frozenset({"cases", "select", "title"})


def entrant(arm: Arm) -> Entrant:
    """An arm as what it is compared as: a value for each case and trial, and what stood around it."""
    used = {one.id: _tally(one) for one in arm.ended}
    rows = [{"id": one.id, "case_hash": one.case_hash} for one in arm.ended]
    values = {(one.case_hash, one.trial): one.value for one in arm.ended}
    return Entrant(arm.name, arm.agent, arm.run, values, around(arm.config, rows, used), arm.config, len(arm.encounters) - len(values))


def _tally(one: Encounter) -> Tally | None:
    if one.score is None:
        return None
    score = one.score
    critical = len(score["critical"])
    return Tally(
        score["rubric"],
        score["rubric_hash"],
        score["judge"],
        score["score"],
        score["passed"],
        score["coverage"],
        critical,
        critical,
        0,
        0,
        0,
    )


def obstacle(one: Arm, other: Arm) -> str:
    """Why two arms may not be compared; empty where they may."""
    parts = clash(entrant(one).identity, entrant(other).identity)
    if not parts:
        return ""
    told = changes(_shown(one.config), _shown(other.config))
    return f"Not compared, for more than the doctor differs ({', '.join(parts)}).{f' {told[:1].upper()}{told[1:]}.' if told else ''} Run them again alike."


def _shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """What decides a result beside the doctor, without parts that are empty: older runs do not have them."""
    models = {role: model for role, model in dict(config.get("models") or {}).items() if role not in DOCTORS}
    recipe = {name: value for name, value in dict(config.get("recipe") or {}).items() if name not in _PLACES}
    kept = {name: value for name, value in config.items() if name not in _APART} | {"models": models, "recipe": _filled(recipe)}
    return _filled(kept)


def _filled(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if value not in (None, "", [], {})}


def remarks(material: Material, rows: Sequence[Row]) -> list[str]:
    """What differs between the runs although their arms may be compared, and what stands in the way of the figures of the pairs."""
    found = []
    for one, other in combinations({arm.run: arm for arm in material.arms}.values(), 2):
        told = changes(_shown(one.config), _shown(other.config))
        if told and not obstacle(one, other):
            found.append(f"{one.run} and {other.run} differ beside their agents: {told}. Their differences hold that in them.")
    tested = [row["difference"]["cases"] for row in rows if row["p"] is not None]
    told_few = floored(max(tested, default=0), pairs=len(tested))
    return [*found, *([UNCLIPPED] if unclipped(one.value for one in material.encounters) else []), *([told_few] if told_few else [])]


def differences(material: Material) -> list[Row]:
    """Every pair of arms: the mean difference over what both have, its interval, its p value, and Holm's for all pairs together."""
    rows, tested = [], []
    for one, other in combinations(material.arms, 2):
        row: Row = {"one": one.number, "other": other.number, "name_one": one.name, "name_other": other.name, "p": None, "p_holm": None, "claim": "", "words": ""}  # fmt: skip
        cases, (first, second) = columns([entrant(one), entrant(other)])
        if why := obstacle(one, other):
            row["difference"] = nothing(why)
        elif not cases:
            row["difference"] = nothing("Not compared: there is no case and trial for which both have a score.")
        else:
            groups = [material.groups[key] for key in cases]
            found = difference(first, other=second, groups=groups, bounds=limits(first, second))
            p = permutation_test(first, other=second, groups=groups) if found.n > 1 else None
            row |= {"difference": figure(found), "p": rounded(p), "claim": _claim(material, one, other)}
            row["words"] = sentence(Comparison(one.name, other.name, found, p))
            if p is not None:
                tested.append((row, found, p))
        rows.append(row)
    for (row, found, p), corrected in zip(tested, holm([p for _, _, p in tested]), strict=True):
        row["p_holm"] = rounded(corrected)
        row["words"] = sentence(Comparison(row["name_one"], row["name_other"], found, p, corrected))
    return rows


def _spread(material: Material, one: Arm, other: Arm) -> tuple[int, float | None]:
    """Independent cases that two arms share, and the standard deviation of one case's difference; None where it cannot be seen."""
    pair = [entrant(one), entrant(other)]
    keys = shared(pair)
    cases = [case for case, _ in keys]
    independent = len({material.groups[case] for case in cases})
    if independent < 2:
        return independent, None
    mine, theirs = ([found.values[key] for key in keys] for found in pair)
    sd = spread(mine, cases=cases, other=theirs, other_cases=cases).sd(min(cases.count(case) for case in set(cases)))
    return independent, sd if sd > 1e-9 else None


def _claim(material: Material, one: Arm, other: Arm) -> str:
    cases, sd = _spread(material, one, other)
    if sd is not None:
        return claim(cases, sd=sd)
    return claim(cases, sd=1.0) if cases < 2 else "The difference is the same in every case, so what they support cannot be told."


def ranking(material: Material) -> tuple[list[Row], str]:
    """The ranks each arm may hold, and a sentence on them or in their place."""
    scored = [arm for arm in material.arms if entrant(arm).scored]
    if len(scored) < 2:
        return [], "There are no two agents with scores to rank."
    if any(obstacle(one, other) for one, other in combinations(scored, 2)):
        return [], "Not ranked: more than the doctor differs between the agents."
    cases, means = columns([entrant(arm) for arm in scored])
    if not cases:
        return [], "Not ranked: there is no case and trial for which every agent has a score."
    arms = {arm.name: arm for arm in scored}
    if len(arms) < len(scored):  # names are made to differ, but they come from anywhere
        arms = {f"{arm.name} (no. {arm.number})": arm for arm in scored}
    table = dict(zip(arms, means, strict=True))
    found, note = ranks(table, groups=[material.groups[key] for key in cases])
    return [
        {"arm": arms[row.agent].number, "name": arms[row.agent].name, "mean": rounded(row.mean), "rank": int(row.rank), "best": int(row.best), "worst": int(row.worst)}
        for row in found
    ], note  # fmt: skip


def _rough(cases: int) -> str:
    return f" From {cases} cases this itself is a rough guess." if cases < FEW else ""


def supported(material: Material) -> str:
    """What the cases support, in plain words: by the pair whose difference varies most, or without a pair by one arm's own spread."""
    found: list[tuple[float, str]] = []
    for one, other in combinations(material.arms, 2):
        cases, sd = (0, None) if obstacle(one, other) else _spread(material, one, other)
        if sd is not None:
            told = f"{claim(cases, sd=sd)} This is by the pair that differs most unevenly ({one.name} and {other.name}); other pairs may bear more.{_rough(cases)}"
            found.append((sd / sqrt(cases), told))
    if found:
        return max(found)[1]
    means = {arm.number: scores_by_case(arm) for arm in material.arms}
    alone = [
        (stdev(own.values()), len({material.groups[case] for case in own}), arm)
        for arm in material.arms
        if len(own := means[arm.number]) > 1
    ]
    alone = [entry for entry in alone if entry[0] > 1e-9]
    if alone:
        sd_alone, cases, arm = max(alone, key=lambda entry: entry[0])
        return f"{claim(cases, sd=sd_alone * sqrt(2))} This supposes a second agent whose scores vary over cases as those of {arm.name} do, and no likeness between the two.{_rough(cases)}"
    if max((len(own) for own in means.values()), default=0) == 1:
        return "One case supports no claim about a difference."
    return "What these cases support cannot be told: there are no scores that vary."


__all__ = ["differences", "obstacle", "ranking", "remarks", "supported"]
