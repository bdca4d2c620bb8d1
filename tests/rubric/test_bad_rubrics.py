"""Rubrics that cannot be: each is refused with a sentence that names the item and what to do."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from medsim import document
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.errors import CaseError
from medsim.rubric import Monitor
from medsim.rubric.scorecard import tally

ITEM: dict[str, Any] = {"id": "a", "text": "a", "points": 1, "comp": "PC", "pred": {"did": {"code": "ecg12"}}}
ANCHORS = {step: f"step {step}" for step in range(1, 6)}
SCALE: dict[str, Any] = {"id": "s", "text": "s", "comp": "PC", "judge": {"criterion": "Well?"}, "scale": {"anchors": ANCHORS}}


def rubric(*items: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return copy.deepcopy({"schema": "medsim.rubric/1", "items": list(items), **rest})


def number(**given: Any) -> dict[str, Any]:
    return {**ITEM, "pred": {"number": {"of": "gap", **given}}}


def codes(**given: Any) -> dict[str, Any]:
    return {**ITEM, "pred": {"codes": given}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    (rubric(), "the rubric has no items"),
    (rubric({**ITEM, "points": -1}), "no item has positive points"),
    (rubric({**ITEM, "points": 0}), "points must not be 0"),
    (rubric(ITEM, ITEM), "item id 'a' stands twice"),
    (rubric({**ITEM, "pred": {"numbr": {"of": "gap"}}}), "Did you mean 'number'"),
    (rubric({**ITEM, "pred": {"codez": {"expected": ["x"]}}}), "Did you mean 'codes'"),
    (rubric({**ITEM, "level": "mst"}, levels={"must": 1}), "no level 'mst'. Did you mean 'must'"),
    (rubric({**ITEM, "level": "must"}), "The rubric gives none"),
    (rubric({**ITEM, "points": 2, "level": "must"}, levels={"must": 1}), "leave one of them out"),
    (rubric({**ITEM, "group": "stat"}, groups={"state": {}}), "no group 'stat'. Did you mean 'state'"),
    (rubric(ITEM, groups={"state": {}}), "group 'state' has no items"),
    (rubric({**ITEM, "needs": ["b"]}), "which is no item"),
    (rubric({**ITEM, "needs": "a"}), "in a circle: a -> a"),
    (rubric({**ITEM, "needs": "b"}, {**ITEM, "id": "b", "needs": "c"}, {**ITEM, "id": "c", "needs": "a"}), "in a circle: a -> b -> c -> a"),
    (rubric({**ITEM, "critical_when": "unmet"}), "critical_when belongs to critical"),
    (rubric({**ITEM, "critical": "cap"}), "belong together"),
    (rubric({**SCALE, "scale": {"anchors": {1: "low", 5: "high"}}}), "missing 2, 3, 4"),
    (rubric({**SCALE, "pred": ITEM["pred"]}), "a scale has no pred"),
    (rubric({**SCALE, "points": -1}), "turn its anchors round"),
    (rubric({**SCALE, "judge": None}), "by a judge or by predicates"),
    (rubric({**SCALE, "scale": {"anchors": ANCHORS, "by": {5: {"diagnosis": True}}}}), "one of the two"),
    (rubric({**SCALE, "judge": None, "scale": {"anchors": ANCHORS, "by": {1: {"diagnosis": True}}}}), "steps from 2 to 5"),
    (rubric(number(value=1, unit="mgg/dL")), "no unit 'mgg/dL'"),
    (rubric(number(value=1, unit="mg/dL", ge=1)), "one of the two"),
    (rubric(number(unit="mg/dL")), "one of the two"),
    (rubric(number(ge=3, le=1)), "nothing lies from 3 up to 1"),
    (rubric(number(value=1, tolerance="some")), "a tolerance such as 0.5 or 5% was expected"),
    (rubric(number(value=1, tolerance=-1)), "not negative"),
    (rubric(number(value=1, unit="mmHg", molar_mass=18.0)), "'mmHg' is neither"),
    (rubric(number(value=1, of=[])), "at least 1 item"),
    (rubric(codes(expected=[])), "at least 1 item"),
    (rubric(codes(expected=["a", ["b", "a"]])), "'a' is expected twice"),
    (rubric(codes(expected=["a", []])), "expected holds an empty name"),
    (rubric(ITEM, clip="never"), "'encounter' or 'mean'"),
    (rubric(ITEM, axes=["money"]), "'cost'"),
    (rubric(ITEM, formula="f2"), "'share' or 'f1'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), REFUSED, ids=[said[:40] for _, said in REFUSED])
def test_what_is_wrong_is_said_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError) as caught:
        document.validate(document.parse(document.dump(given)), Rubric)
    assert said in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_documented_case_may_come_without_a_rubric_and_has_no_score(mini: Case) -> None:
    empty = Rubric.model_validate({"items": []})
    found = tally(Monitor(empty, mini), "voluntary")
    assert (found.score, found.passed, found.coverage) == (None, None, 0.0)
    assert "without a rubric" in found.why


def test_what_is_not_used_is_not_written_so_older_rubrics_keep_their_hash() -> None:
    written = Rubric.model_validate(rubric(ITEM)).model_dump(mode="json", by_alias=True)
    assert set(written) == {"schema", "id", "title", "license", "clinical_review", "sources", "pass", "items"}
    assert set(written["items"][0]) == {
        "id", "text", "points", "comp", "pred", "judge", "gate", "critical", "cap", "decay", "role", "source", "rationale",
    }  # fmt: skip
    assert not {"number", "codes", "steps"} & set(written["items"][0]["pred"])
