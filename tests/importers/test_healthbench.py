"""Rubrics in the JSON of HealthBench and LiveMedBench: in, out, and back as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.errors import CaseError
from medsim.importers.healthbench import read, row_of, write, written
from medsim.rubric import Opinion, by_tag
from medsim.rubric.scorecard import tally
from medsim.rubric.verdict import Monitor

EXAMPLE: dict[str, Any] = {
    "prompt_id": "made-up-1",
    "prompt": [{"role": "user", "content": "My chest hurts."}],
    "rubrics": [
        {"criterion": "Tells the person to call an ambulance.", "points": 9, "tags": ["level:example", "axis:accuracy"]},
        {"criterion": "Asks how long it has lasted.", "points": 4, "tags": ["level:example", "axis:context_awareness"]},
        {"criterion": "Fails to ask about medicines.", "points": -3, "tags": ["axis:completeness"]},
        {"criterion": "Names a dose without knowing allergies.", "points": -7.5, "tags": []},
    ],
}
LIVE: dict[str, Any] = {"case_id": 7, "narrative": "…", "rubric_items": [{"criterion": "Advises a scan.", "points": 5}]}


def rubric() -> Rubric:
    made = row_of(EXAMPLE).rubric
    assert made is not None
    return made


def test_what_comes_in_goes_out_as_it_was() -> None:
    found = written(rubric())
    assert (found.data["rubrics"], found.data["prompt_id"], found.lost) == (EXAMPLE["rubrics"], "made-up-1", ())
    live = row_of(LIVE).rubric
    assert live is not None
    assert written(live, format="livemedbench").data == {"case_id": "7", "rubric_items": LIVE["rubric_items"]}
    assert (rubric().clip, live.clip) == ("mean", None)


def test_criteria_become_items_with_a_question_and_a_competency() -> None:
    items = rubric().items
    assert [item.comp for item in items] == ["MK", "PC", "PC", "PC"]
    assert [item.judge.evidence for item in items if item.judge] == ["required", "required", "none", "required"], (
        "what was not done cannot be quoted"
    )
    assert [item.purpose for item in items] == ["quality", "quality", "harm", "harm"]


def test_a_score_by_hand(mini: Case) -> None:
    opinions = {"c1": Opinion("met"), "c2": Opinion("unmet"), "c3": Opinion("met"), "c4": Opinion("unmet")}
    found = tally(Monitor(rubric(), mini), "voluntary", opinions=opinions)
    assert found.raw == found.score == pytest.approx((9 - 3) / 13, abs=1e-6)
    assert by_tag(found, rubric(), prefix="axis:") == {"axis:accuracy": 1.0, "axis:completeness": None, "axis:context_awareness": 0.0}
    worst = tally(Monitor(rubric(), mini), "voluntary", opinions={**opinions, "c1": Opinion("unmet"), "c4": Opinion("met")})
    assert worst.score == pytest.approx(-10.5 / 13, abs=1e-6)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "an object with a list"),
        ({"rubric": []}, "there is no list"),
        ({"rubrics": []}, "there are no criteria"),
        ({"rubrics": [{"criterion": "a", "points": -1}]}, "no criterion has positive points"),
        ({"rubrics": [{"criterion": "", "points": 1}]}, "criterion 1 left out: it has no text"),
        ({"rubrics": [{"criterion": "a", "points": "5"}]}, "a number was expected"),
        ({"rubrics": [{"criterion": "a", "points": True}]}, "a number was expected"),
        ({"rubrics": [{"criterion": "a", "points": 0}]}, "0 points"),
        ({"rubrics": ["a"]}, "criterion 1 left out"),
    ],
)
def test_what_is_no_rubric_is_said_in_words(data: Any, said: str) -> None:
    row = row_of(data)
    assert row.rubric is None
    assert said in "; ".join(row.notes)


def test_a_criterion_that_stands_twice_is_read_once_and_said() -> None:
    row = row_of({"rubrics": [{"criterion": "Asks.", "points": 1}, {"criterion": " asks. ", "points": 1.0}]})
    assert row.rubric is not None
    assert len(row.rubric.items) == 1
    assert row.notes == ("criterion 2 left out: it stands twice",)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=9), lambda x: st.lists(x, max_size=3) | st.dictionaries(
    st.sampled_from(["rubrics", "rubric_items", "criterion", "points", "tags", "prompt_id"]), x, max_size=4), max_leaves=12))  # fmt: skip
def test_anything_at_all_gives_a_row(data: Any) -> None:
    row = row_of(data)
    assert (row.rubric is not None) or row.notes


def test_files_of_lines_lists_and_single_objects(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(EXAMPLE) + "\n\nnot json\n" + json.dumps(LIVE) + "\n", encoding="utf-8")
    assert [(row.line, row.id, row.rubric is not None) for row in read(path)] == [(1, "made-up-1", True), (3, "", False), (4, "7", True)]
    path.write_text(json.dumps([EXAMPLE, LIVE], indent=1), encoding="utf-8")
    assert [row.id for row in read(path)] == ["made-up-1", "7"]
    path.write_text(json.dumps(EXAMPLE, indent=1), encoding="utf-8")
    assert [row.id for row in read(path)] == ["made-up-1"]
    assert write([rubric()], path) == []
    (again,) = read(path)
    assert again.rubric == rubric()
    path.write_text(" ", encoding="utf-8")
    with pytest.raises(CaseError, match="is empty"):
        read(path)
    with pytest.raises(CaseError, match="cannot be read"):
        read(tmp_path / "none.jsonl")


def test_what_the_format_cannot_hold_is_named() -> None:
    scale = {"anchors": {step: f"step {step}" for step in range(1, 6)}}
    made = {
        "id": "own", "groups": {"g": {}},
        "items": [
            {"id": "a", "text": "ECG", "points": 2, "comp": "PC", "group": "g", "pred": {"did": {"code": "ecg12"}}, "critical": "fail"},
            {"id": "s", "text": "Well", "comp": "PC", "judge": {"criterion": "Well?"}, "scale": scale},
        ],
    }  # fmt: skip
    found = written(Rubric.model_validate(made))
    assert found.data["rubrics"] == [{"criterion": "ECG", "points": 2, "tags": []}]
    assert found.lost == ("groups of the rubric", "a: pred", "a: critical", "s: scale", "s: the whole item, a scale without points")
