"""What was met and what was not: competencies, the hardest items, harms, and what nobody could decide.

The rule: shares are of what was decided; what was not is counted with its reason beside them. Harms are never set off against credit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from medsim.report.arms import Material
from medsim.report.encounter import Encounter
from medsim.report.figures import NOT_ENDED, Row, figure, nothing, rounded
from medsim.stats import micro

COMPETENCIES = {
    "PC": "patient care", "MK": "medical knowledge", "SBP": "systems-based practice", "ICS": "interpersonal and communication skills",
    "PBLI": "practice-based learning and improvement", "PROF": "professionalism",
}  # fmt: skip
FEWEST = 3
"""With fewer decided items nothing is said about a competency."""
_LONGEST_REASON = 160


def competencies(material: Material) -> list[Row]:
    """For each competency and arm the share of points earned on items with positive points, all cases pooled."""
    rows = []
    known = {item["comp"] for one in material.encounters for item in one.items}
    for comp in sorted(
        known, key=lambda name: (name not in COMPETENCIES, [*COMPETENCIES].index(name) if name in COMPETENCIES else 0, name)
    ):
        for arm in material.arms:
            ended = arm.ended
            decided = [
                [item for item in one.items if item["comp"] == comp and item["points"] > 0 and item["verdict"] in {"met", "unmet"}]
                for one in ended
            ]
            kinds = {(one.case_hash, item["item"]) for one, items in zip(ended, decided, strict=True) for item in items}
            if not ended:
                found = nothing(NOT_ENDED)
            elif len(kinds) < FEWEST:
                found = nothing(f"{len(kinds)} decided items: fewer than {FEWEST}, too few to say anything.")
            else:
                earned = [sum(item["earned"] for item in items) for items in decided]
                possible = [sum(item["points"] for item in items) for items in decided]
                groups = [material.groups[one.case_hash] for one in ended]
                found = figure(micro(earned, possible=possible, cases=[one.case_hash for one in ended], groups=groups, bounds=(0.0, 1.0)))
            rows.append({"competency": comp, "words": COMPETENCIES.get(comp, comp), "arm": arm.number, "name": arm.name, "items": len(kinds), "share": found})  # fmt: skip
    return rows


def hardest(material: Material) -> list[Row]:
    """Items with positive points, the least often met first: the mean over arms of the share of trials that met it."""
    tally: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0]))
    about: dict[tuple[str, str], Mapping[str, Any]] = {}
    for arm in material.arms:
        for one in arm.ended:
            for item in one.items:
                if item["points"] > 0 and item["verdict"] != "na":
                    place = (one.case_hash, str(item["item"]))
                    about.setdefault(place, item)
                    counts = tally[place][arm.number]
                    counts[0] += item["verdict"] == "met"
                    counts[1] += item["verdict"] != "unknown"
                    counts[2] += item["verdict"] == "unknown"
    rows = []
    for (key, name), arms in tally.items():
        shares = [met / decided for met, decided, _ in arms.values() if decided]
        item = about[key, name]
        rows.append({
            "case": material.names[key], "hash": key, "item": name, "text": item["text"], "competency": item["comp"], "points": item["points"],
            "share": rounded(sum(shares) / len(shares)) if shares else None, "note": "" if shares else "Nobody could decide it.",
            "arms": [{"arm": at, "met": met, "decided": decided, "unknown": unknown} for at, (met, decided, unknown) in arms.items()],
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["share"] is None, row["share"] or 0.0, -row["points"], row["case"], row["item"]))


def harms(material: Material) -> list[Row]:
    """Every harm that was done, by an act or by what was left undone: who, where, at which turn and by what words; critical ones first."""
    rows = []
    for arm in material.arms:
        for one in arm.ended:
            for item in one.harms:
                words = [one.words[seq] for seq in item["evidence"] if seq in one.words]
                rows.append({
                    "arm": arm.number, "name": arm.name, "case": one.case_id, "hash": one.case_hash, "item": item["item"], "text": item["text"],
                    "critical": item.get("critical") or "", "left_undone": item["verdict"] != "met", "points": item["points"], "trajectory": one.id, "number": one.number, "trial": one.trial,
                    "turn": words[0].turn if words else None, "words": [{"seq": word.seq, "turn": word.turn, "text": word.text} for word in words],
                    "reason": item["reason"],
                })  # fmt: skip
    return sorted(rows, key=lambda row: (not row["critical"], row["case"], row["item"], row["arm"], row["trial"], row["number"]))


def told(row: Row) -> str:
    """A harm in words: what was done, or what was left undone."""
    marks = [word for word, there in (("critical", row["critical"]), ("left undone", row["left_undone"])) if there]
    return f"{row['text']} ({', '.join(marks)})" if marks else str(row["text"])


def coverage(material: Material) -> list[Row]:
    """One row for each arm: how many applicable items were decided, how many encounters fall below trust, and what has no score."""
    rows = []
    for arm in material.arms:
        ended = arm.ended
        applicable = [item for one in ended for item in one.items if item["verdict"] != "na"]
        unknown = sum(item["verdict"] == "unknown" for item in applicable)
        flagged = [one for one in ended if one.score and one.score["coverage"] < 0.9]
        rows.append({
            "arm": arm.number, "name": arm.name, "applicable": len(applicable), "unknown": unknown,
            "decided": rounded(1 - unknown / len(applicable)) if applicable else None, "flagged": len(flagged), "scored": sum(one.value is not None for one in ended),
            "undecided_harms": sum(item["verdict"] == "unknown" and (item.get("role") == "harm" or bool(item.get("critical"))) for item in applicable),
            "harm_items": sum(item.get("role") == "harm" or bool(item.get("critical") or item.get("critical_when")) for item in applicable),
            "note": "" if applicable else "There is no verdict to count.",
        })  # fmt: skip
    return rows


def unknowns(material: Material) -> list[Row]:
    """Why verdicts are unknown and scores missing, the most frequent reason first, with the trajectories."""
    found: dict[tuple[str, str], dict[int, Encounter]] = defaultdict(dict)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for one in material.encounters:
        reasons = [("item", item["reason"] or "no reason was kept") for item in one.items if item["verdict"] == "unknown"]
        if one.unscored:
            failed = one.error or one.reason
            reasons.append(("encounter", f"{one.unscored}: {failed}" if not one.ended and failed else one.unscored))
        for sort, reason in reasons:
            key = (sort, " ".join(reason.split())[:_LONGEST_REASON])
            counts[key] += 1
            found[key][one.number] = one
    order = sorted(counts, key=lambda key: (key[0], -counts[key], key[1]))
    return [
        {
            "what": sort,
            "reason": reason,
            "count": counts[sort, reason],
            "encounters": len(found[sort, reason]),
            "numbers": sorted(found[sort, reason]),
        }
        for sort, reason in order
    ]
