"""Scales put to a judge: one statement for each step above the lowest, and the rating that the answers make.

The rule: a judge never names a number. It says of each step whether at least that much was shown, with the words that show it, under the
same checks as any other statement; answers that contradict each other are no rating.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medsim.case import Case
from medsim.case.checklist import STEPS, RubricItem
from medsim.judge.ask import Ask, neutral
from medsim.rubric import Opinion

NO_OPINION = Opinion("unknown", reason="the judge gave no opinion")
_TRUTH = "{diagnosis}"


def about(item: RubricItem, case: Case) -> RubricItem:
    """The item with the case's diagnosis where its question or anchors speak of ``{diagnosis}``."""
    if item.judge is None or _TRUTH not in " ".join((item.judge.criterion, *(item.scale.anchors.values() if item.scale else ()))):
        return item
    name = case.outcome.diagnosis.name
    question = item.judge.model_copy(update={"criterion": item.judge.criterion.replace(_TRUTH, name)})
    if item.scale is None:
        return item.model_copy(update={"judge": question})
    anchors = {step: text.replace(_TRUTH, name) for step, text in item.scale.anchors.items()}
    return item.model_copy(update={"judge": question, "scale": item.scale.model_copy(update={"anchors": anchors})})


def statements(item: RubricItem, ask: Ask) -> list[Ask]:
    """What a judge is asked for an item: itself, or the four steps of its scale."""
    if item.scale is None:
        return [ask]
    anchors = {step: neutral(item.scale.anchors[step]).rstrip(".") for step in STEPS[1:]}
    return [ask._replace(id=_step(item, step), statement=f"{ask.statement} At least this holds: {anchors[step]}.") for step in STEPS[1:]]


def opinion(item: RubricItem, given: Mapping[str, Opinion]) -> Opinion:
    """What the answers come to."""
    if item.scale is None:
        return given.get(item.id, NO_OPINION)
    found = {step: given.get(_step(item, step), NO_OPINION) for step in STEPS[1:]}
    data = _record(found)
    rating = 1
    for step, said in found.items():
        if said.verdict != "met":
            break
        rating = step
    above = {step: said for step, said in found.items() if step > rating}
    if above and above[rating + 1].verdict != "unmet":
        return Opinion("unknown", (), f"step {rating + 1}: {above[rating + 1].reason or 'not decided'}", data)
    if higher := next((step for step, said in above.items() if said.verdict == "met"), None):
        return Opinion("unknown", (), f"the answers contradict each other: step {rating + 1} was not reached and step {higher} was", data)
    evidence = tuple(sorted({seq for step in range(2, rating + 1) for seq in found[step].evidence}))
    reason = found[rating].reason if rating > 1 else found[2].reason
    return Opinion("met" if rating >= item.scale.met_from else "unmet", evidence, reason, data, rating)


def _step(item: RubricItem, step: int) -> str:
    return f"{item.id}@{step}"


def _record(found: Mapping[int, Opinion]) -> dict[str, Any]:
    """All votes, each with the step it is about, and what the judge keeps beside them."""
    rest: dict[str, Any] = {}
    votes: list[dict[str, Any]] = []
    for step, said in found.items():
        data = said.data or {}
        votes += [{"at_least": step, **vote} for vote in data.get("votes", ())]
        rest |= {name: value for name, value in data.items() if name in {"prompt", "controls"}}
    return {"votes": votes, **rest}
