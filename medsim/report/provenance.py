"""What the figures are results of: every hash that decides them, and what may be claimed from them.

The rule: nothing that decides a result is left out, and the limits of the claim are said in plain words.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from medsim.report.arms import Arm, Material
from medsim.report.encounter import OWN
from medsim.report.figures import Row
from medsim.report.pairs import supported
from medsim.rubric.scorecard import TRUSTED_COVERAGE
from medsim.store import HUMAN
from medsim.trajectory import Usage

NOTICE = "For research and teaching, not for care."


def hashed(part: Any) -> str:
    """sha256 of canonical JSON, first 16 hex digits."""
    return hashlib.sha256(json.dumps(part, sort_keys=True, ensure_ascii=True).encode()).hexdigest()[:16]


def identity(material: Material) -> list[Row]:
    """One block for each run: name, hash and value of all that decides its results."""
    return [
        _block(material, run, [arm for arm in material.arms if arm.run == run]) for run in dict.fromkeys(arm.run for arm in material.arms)
    ]


def _block(material: Material, run: str, arms: list[Arm]) -> Row:
    config = arms[0].config
    parts: list[tuple[str, str, Any]] = [("identity", found, "") for found in sorted({arm.identity for arm in arms if arm.identity})]
    for name, words in (("cases", "case set"), ("rubrics", "rubric set"), ("recipe", "environment recipe"), ("agents", "agents")):
        if name in config:
            parts.append(
                (
                    words,
                    hashed(config[name]),
                    _short(config[name]) if name != "recipe" else config[name].get("id", "") if isinstance(config[name], dict) else "",
                )
            )
            parts += [(f"{words}: {key}", value, "") for key, value in _named(config[name])] if name != "recipe" else []
    rest = {key: value for key, value in config.items() if key not in {"cases", "rubrics", "recipe", "agents"}}
    parts += [(key.replace("_", " "), *_leaf(value)) for key, value in sorted(rest.items())]
    own = [one for arm in arms for one in arm.encounters]
    parts.append(("scored with", "", f"rubric {material.scoring.rubric}, judge {material.scoring.judge}"))
    parts += [
        (f"rubric used: {name}", found, "")
        for name, found in sorted({(one.score["rubric"], one.score["rubric_hash"]) for one in own if one.score})
    ]
    judged = {
        str(item["judged"]["prompt"])
        for one in own
        for item in one.items
        if isinstance(item.get("judged"), Mapping) and item["judged"].get("prompt")
    }
    parts += [("judge's prompts", found, "") for found in sorted(judged)]
    calls = Counter(call for one in own for call in one.calls)
    parts += [
        (f"prompt of the {role}", prompt, f"{model}, {count} calls") for (role, model, prompt), count in sorted(calls.items()) if prompt
    ]
    return {"run": run, "parts": [{"what": what, "hash": _text(found), "value": _text(value)} for what, found, value in parts]}


def _named(part: Any) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in sorted(part.items())] if isinstance(part, dict) else []


def _short(part: Any) -> str:
    return f"{len(part)}" if isinstance(part, dict) else ""


def _leaf(value: Any) -> tuple[str, Any]:
    """A hash where the value is one, the value itself otherwise."""
    if isinstance(value, str) and len(value) in range(12, 65) and all(ch in "0123456789abcdef" for ch in value):
        return value, ""
    return (hashed(value), json.dumps(value, sort_keys=True, ensure_ascii=False)) if isinstance(value, (dict, list)) else ("", value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def usage(material: Material) -> list[Row]:
    """What each arm's models used, by role."""
    rows = []
    for arm in material.arms:
        total: dict[str, Usage] = {}
        for one in arm.encounters:
            for role, used in one.usage.items():
                total[role] = total.get(role, Usage()).plus(used)
        rows += [
            {"arm": arm.number, "name": arm.name, "role": role, "calls": used.calls, "tokens_in": used.tokens_in, "tokens_out": used.tokens_out, "usd": round(used.usd, 6)}
            for role, used in sorted(total.items())
        ]  # fmt: skip
    return rows


def limits(material: Material, headline: list[Row], covered: list[Row], unscorable: list[Row]) -> list[str]:
    """What the figures do not show, in plain words."""
    said = [supported(material)]
    groups = {material.groups[key] for key in material.names}
    if len(groups) < len(material.names):
        said.append(
            f"{len(material.names)} cases count as {len(groups)} independent ones: the others repeat one of them or were cut from the same source."
        )
    if harmless := [row["name"] for row in headline if row["critical_harm"]["value"] == 0]:
        said.append(
            f"No critical harm was seen in {_listed(harmless)}. That is no proof of safety: the upper bound of the rate stands in the table."
        )
    if doubtful := [row["name"] for row in covered if row["decided"] is not None and row["decided"] < TRUSTED_COVERAGE]:
        said.append(
            f"Less than {TRUSTED_COVERAGE:.0%} of the items were decided for {_listed(doubtful)}: their scores are of the decided part only.".replace(
                "%", " %"
            )
        )
    if errors := sum(row["errors"] for row in headline):
        said.append(
            f"{errors} encounters failed and are in no figure. If they failed because of the case, what is left is a choice of cases."
        )
    if cut := sum(row["truncated"] for row in headline):
        said.append(f"{cut} encounters were cut off by a limit: what was still open in them is unknown, not failed.")
    if material.scoring.judge == "none":
        said.append("No judge was named: items that need one are unknown.")
    elif material.scoring.judge.startswith(HUMAN):
        said.append("The verdicts are one person's labels: what was not labelled is unknown.")
    elif material.scoring.judge.startswith("keywords"):
        said.append("The judge looks for key words. It is a baseline to hold judges against, not a judge to believe.")
    else:
        said.append(
            "Verdicts of a judge that is a model are its opinions with quotations that were checked. How far people agree with it: medsim agree RUN."
        )
    if unscorable:
        named = _listed(list(dict.fromkeys(str(row["words"]) for row in unscorable)))
        said.append(f"Not scorable by this judge, by what people's labels show: {named}. What it says of these is shown and is no result.")
    pending = [case.id for case in material.cases.values() if case.provenance.clinical_review == "pending"]
    if pending:
        said.append(f"{len(pending)} of {len(material.names)} cases have not been reviewed by a clinician.")
    if missing := [name for key, name in material.names.items() if key not in material.cases]:
        said.append(
            f"{len(missing)} cases were not found in the version that was played ({_listed(missing)}): what hangs on their facts is left out."
        )
    if material.scoring.rubric != OWN:
        said.append(f"All cases are scored with the rubric {material.scoring.rubric}, not with their own.")
    said.append(
        "Simulated patients are not patients, and cases that were written are not a sample of those that come through a door: the intervals say how other cases of the same making would come out, and no more."
    )
    said.append("Means over cases and items pooled over cases (micro) answer different questions; published figures are mostly the second.")
    return [*said, NOTICE]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
