"""Scales put to a judge: four statements, one rating, and no number out of contradictions."""

from __future__ import annotations

from typing import Any

import pytest

from medsim.agent.script import Golden
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.episode import rollout
from medsim.judge import Ask, KeywordJudge, score_with
from medsim.judge.scales import opinion, statements
from medsim.rubric import Opinion
from medsim.store import Store
from medsim.trajectory import Trajectory
from tests.judge.fake import NOT_MET, is_control, judge, met

ANCHORS = {1: "Nothing.", 2: "[-3] A little.", 3: "Enough.", 4: "Much.", 5: "All."}
PLAIN: dict[str, Any] = {"id": "ecg", "text": "ECG", "points": 1, "comp": "PC", "pred": {"did": {"code": "ecg12"}}}


def rubric(criterion: str = "How kind the doctor is.", **more: Any) -> Rubric:
    scale = {"id": "kind", "text": "kind", "comp": "ICS", "judge": {"criterion": criterion, "votes": 1}, "scale": {"anchors": ANCHORS}}
    return Rubric.model_validate({"id": "r", "items": [PLAIN, {**scale, **more}]})


@pytest.fixture(scope="module")
def played(mini: Case) -> Trajectory:
    return rollout(mini, Golden(mini), name="golden", run="r")


def reaching(*steps: str) -> Any:
    """A judge that grants the steps whose anchors it is given."""

    def rule(statement: str, shown: Any) -> dict[str, Any]:
        number, _, text = next(entry for entry in shown.entries if entry[1].startswith("Doctor"))
        return met(number, text) if any(f"At least this holds: {step}." in statement for step in steps) else NOT_MET

    return rule


def given(*verdicts: str) -> dict[str, Opinion]:
    return {f"kind@{step}": Opinion(verdict, (step,), f"why {step}") for step, verdict in enumerate(verdicts, 2)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "rating"),
    [
        (("unmet", "unmet", "unmet", "unmet"), 1),
        (("met", "unmet", "unmet", "unmet"), 2),
        (("met", "met", "met", "unmet"), 4),
        (("met", "met", "met", "met"), 5),
        (("met", "unmet", "unknown", "unmet"), 2),
        (("met", "unknown", "unmet", "unmet"), None),
        (("unknown", "met", "met", "met"), None),
        (("unmet", "met", "unmet", "unmet"), None),
        (("met", "unmet", "unmet", "met"), None),
        ((), None),
    ],
)
def test_the_rating_is_the_highest_step_reached_without_a_gap(verdicts: tuple[str, ...], rating: int | None) -> None:
    found = opinion(rubric().items[1], given(*verdicts))
    assert found.rating == rating
    assert found.verdict == ("unknown" if rating is None else "met" if rating >= 4 else "unmet")
    assert found.reason


def test_a_rating_stands_beside_the_score_with_the_words_that_show_it(mini: Case, played: Trajectory, tmp_path: Any) -> None:
    found = score_with(mini, played, judge(reaching("A little", "Enough")), rubric=rubric())
    item = found.items[1]
    assert (found.score, found.scales, item.rating, item.verdict) == (1.0, {"kind": 3}, 3, "unmet")
    assert item.evidence
    assert played.events[item.evidence[0]].actor == "doctor"
    assert item.judged is not None
    assert [vote["at_least"] for vote in item.judged["votes"]] == [2, 3, 4, 5]
    store = Store(tmp_path / "s.db")
    store.begin_run("r", identity="i", config={})
    store.save(played, found)
    (row,) = store.scores(played.id, run="r")
    assert row["items"][1]["rating"] == 3


def test_a_judge_never_sees_a_number_or_a_worth(mini: Case, played: Trajectory) -> None:
    told: list[str] = []

    def rule(statement: str, shown: Any) -> dict[str, Any]:
        if not is_control(statement):
            told.append(statement)
        return NOT_MET

    score_with(mini, played, judge(rule), rubric=rubric())
    assert len(told) == 4
    assert "How kind the doctor is. At least this holds: A little." in told
    assert not [statement for statement in told if "[" in statement or "/5" in statement]


def test_the_right_diagnosis_is_put_where_the_rubric_asks_for_it(mini: Case, played: Trajectory) -> None:
    told: list[str] = []

    def rule(statement: str, shown: Any) -> dict[str, Any]:
        told.append(statement)
        return NOT_MET

    score_with(mini, played, judge(rule), rubric=rubric("The right diagnosis is: {diagnosis}."))
    assert any(mini.outcome.diagnosis.name in statement for statement in told)
    assert not any("{diagnosis}" in statement for statement in told)


def test_answers_that_contradict_each_other_are_no_rating(mini: Case, played: Trajectory) -> None:
    found = score_with(mini, played, judge(reaching("All")), rubric=rubric(points=4))
    assert (found.scales, found.items[1].verdict, found.items[1].earned) == ({"kind": None}, "unknown", 0.0)
    assert "contradict" in found.items[1].reason
    assert found.coverage == 0.5


def test_a_veto_may_hang_on_a_scale(mini: Case, played: Trajectory) -> None:
    low = rubric(critical="cap", critical_when="unmet", cap=0)
    assert score_with(mini, played, judge(reaching("A little")), rubric=low).score == 0.0
    assert score_with(mini, played, judge(reaching("A little", "Enough", "Much")), rubric=low).score == 1.0
    unrated = score_with(mini, played, None, rubric=low)
    assert (unrated.critical, unrated.coverage, unrated.passed) == ((), 0.5, None), "a veto that is not decided leaves the pass open"


def test_the_keyword_baseline_rates_or_says_why_not(mini: Case, played: Trajectory) -> None:
    item = score_with(mini, played, KeywordJudge(), rubric=rubric()).items[1]
    assert item.rating is not None or item.reason


def test_a_plain_item_is_one_statement() -> None:
    plain = Rubric.model_validate({"items": [{**PLAIN, "pred": None, "judge": {"criterion": "x"}}]}).items[0]
    ask = Ask("ecg", "x", ())
    assert statements(plain, ask) == [ask]
    assert opinion(plain, {}).verdict == "unknown"
