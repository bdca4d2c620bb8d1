"""Scores, worked out by hand: what counts, what is left out, what caps and fails, and when there is no score at all."""

from __future__ import annotations

from typing import Any

import pytest

from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.errors import JudgeError
from medsim.rubric import Scorecard, rubric_hash, score
from medsim.rubric.scorecard import ending, tally
from medsim.rubric.verdict import Ending, Monitor
from medsim.trajectory import Event, Outcome

GIVEN = {"did": {"code": "aspirin"}}
ECG = {"did": {"code": "ecg12"}}
LAB = {"did": {"code": "cath_lab"}}
HARM = {"did": {"code": "nitroglycerin"}}


def item(name: str, points: float, pred: dict[str, Any] | None, comp: str = "PC", **rest: Any) -> dict[str, Any]:
    return {"id": name, "text": name, "points": points, "comp": comp, **({"pred": pred} if pred else {}), **rest}


def events(*done: tuple[int, str, str]) -> list[Event]:
    return [Event(seq, seq, t, "doctor", kind, text=code, code=code) for seq, (t, kind, code) in enumerate(done)]


def card(case: Case, items: list[dict[str, Any]], *done: tuple[int, str, str], how: Ending = "voluntary", **rubric: Any) -> Scorecard:
    monitor = Monitor(Rubric.model_validate({"items": items, **rubric}), case)
    monitor.feed(events(*done))
    return tally(monitor, how)


ASPIRIN, DONE_ECG, TEAM, NITRATE = (
    (60, "treat", "aspirin"),
    (30, "order", "ecg12"),
    (90, "consult", "cath_lab"),
    (120, "treat", "nitroglycerin"),
)


def test_a_score_is_what_was_earned_over_what_could_be_earned(mini: Case) -> None:
    found = card(mini, [item("a", 3, GIVEN), item("e", 1, ECG)], ASPIRIN)
    assert (found.raw, found.score, found.passed, found.coverage) == (0.75, 0.75, True, 1.0)
    assert [(each.id, each.verdict, each.earned, each.evidence) for each in found.items] == [("a", "met", 3, (0,)), ("e", "unmet", 0, ())]


def test_harm_is_taken_off_and_a_score_stops_at_nought(mini: Case) -> None:
    items = [item("a", 3, GIVEN), item("e", 1, ECG), item("h", -2, HARM)]
    assert card(mini, items, ASPIRIN, NITRATE).raw == 0.25
    worst = card(mini, items, NITRATE)
    assert (worst.raw, worst.score, worst.passed) == (-0.5, 0.0, False)
    assert worst.harms == ("h",)
    assert card(mini, items, ASPIRIN, DONE_ECG).harms == ()


def test_what_is_unknown_is_left_out_of_the_score_and_lowers_coverage(mini: Case) -> None:
    found = card(mini, [item("a", 3, GIVEN), item("e", 1, ECG)], ASPIRIN, how="censored")
    assert [each.verdict for each in found.items] == ["met", "unknown"]
    assert (found.raw, found.coverage, found.flagged) == (1.0, 0.5, True)
    assert found.items[1].reason


def test_coverage_of_nine_tenths_is_trusted_and_less_is_flagged(mini: Case) -> None:
    judged: dict[str, Any] = {"judge": {"criterion": "Kind?"}}
    nine = [item(f"a{n}", 1, GIVEN) for n in range(9)]
    assert not card(mini, [*nine, item("k", 1, None, **judged)], ASPIRIN).flagged
    assert card(mini, [*nine[:8], item("k", 1, None, **judged)], ASPIRIN).flagged
    assert card(mini, [*nine, item("k", 1, None, **judged)], ASPIRIN).passed is True
    assert card(mini, [*nine[:8], item("k", 1, None, **judged)], ASPIRIN).passed is None


def test_what_does_not_apply_leaves_numerator_and_denominator(mini: Case) -> None:
    items = [item("a", 3, GIVEN), item("g", 5, ECG, gate=LAB)]
    without, with_team = card(mini, items, ASPIRIN), card(mini, items, ASPIRIN, TEAM)
    assert [each.verdict for each in without.items] == ["met", "na"]
    assert (without.raw, without.coverage) == (1.0, 1.0)
    assert (with_team.raw, with_team.coverage) == (0.375, 1.0)


def test_a_gate_that_is_still_open_is_unknown(mini: Case) -> None:
    found = card(mini, [item("a", 1, GIVEN), item("g", 1, ECG, gate=LAB)], ASPIRIN, DONE_ECG, how="censored")
    assert [each.verdict for each in found.items] == ["met", "unknown"]


def test_a_judges_question_is_unknown_until_a_judge_is_named_and_asked_only_where_the_predicate_holds(mini: Case) -> None:
    hybrid = item("k", 1, GIVEN, judge={"criterion": "Explained?"})
    assert [each.verdict for each in card(mini, [hybrid, item("e", 1, ECG)], ASPIRIN).items] == ["unknown", "unmet"]
    assert card(mini, [hybrid, item("e", 1, ECG)]).items[0].verdict == "unmet"


@pytest.mark.parametrize(("minutes", "credit"), [(0, 1.0), (15, 1.0), (30, 0.5), (37.5, 0.25), (44, 1 / 30), (45, 0.0), (60, 0.0)])
def test_credit_decays_in_a_straight_line(mini: Case, minutes: float, credit: float) -> None:
    items = [item("a", 3, GIVEN, decay={"full": "15m", "zero": "45m"}), item("e", 1, ECG)]
    found = card(mini, items, (0, "order", "ecg12"), (int(minutes * 60), "treat", "aspirin"))
    assert found.items[0].earned == pytest.approx(3 * credit, abs=1e-5)
    assert found.items[0].verdict == ("met" if credit else "unmet")
    assert found.raw == pytest.approx((3 * credit + 1) / 4, abs=1e-5)


def test_the_second_of_two_times_is_late_where_two_are_asked_for(mini: Case) -> None:
    items = [item("a", 2, {**GIVEN, "min": 2}, decay={"full": "10m", "zero": "20m"})]
    assert card(mini, items, (0, "treat", "aspirin"), (900, "treat", "aspirin")).raw == 0.5


def test_staying_under_a_maximum_has_nothing_that_could_be_late(mini: Case) -> None:
    items = [item("a", 2, {**GIVEN, "max": 1}, decay={"full": "10m", "zero": "20m"})]
    assert card(mini, items).raw == 1.0


def test_a_fatal_mistake_fails_whatever_the_score(mini: Case) -> None:
    items = [item("a", 10, GIVEN), item("h", -1, HARM, critical="fail")]
    found = card(mini, items, ASPIRIN, NITRATE)
    assert (found.score, found.passed, found.critical) == (0.9, False, ("h",))
    assert card(mini, items, ASPIRIN).passed


def test_a_cap_limits_the_score_and_the_lowest_cap_counts(mini: Case) -> None:
    items = [item("a", 10, GIVEN), item("h", -1, HARM, critical="cap", cap=0.4), item("i", -1, LAB, critical="cap", cap=0.2)]
    assert card(mini, items, ASPIRIN, NITRATE).score == 0.4
    assert card(mini, items, ASPIRIN, NITRATE, TEAM).score == 0.2
    assert card(mini, items, ASPIRIN, NITRATE).raw == 0.9, "the raw score stays visible"
    low = card(mini, items, NITRATE)
    assert low.score == 0.0, "a cap never lifts a score"


def test_a_cap_blocks_a_pass_only_where_the_rubric_says_so(mini: Case) -> None:
    items = [item("a", 10, GIVEN), item("h", -1, HARM, critical="cap", cap=0.7)]
    assert card(mini, items, ASPIRIN, NITRATE).passed is False
    for mark, passed in ((0.6, True), (0.8, False)):
        lenient: dict[str, Any] = {"pass": {"min_score": mark, "no_critical": False}}
        assert card(mini, items, ASPIRIN, NITRATE, **lenient).passed is passed


def test_a_critical_item_that_is_not_decided_is_not_held_against_anybody(mini: Case) -> None:
    found = card(mini, [item("a", 1, GIVEN), item("h", -1, HARM, critical="fail")], ASPIRIN, how="censored")
    assert (found.critical, found.score) == ((), 1.0)
    assert found.passed is None, "half of the items are unknown, so the pass is not decided"


def test_the_profile_speaks_only_of_competencies_with_three_decided_items(mini: Case) -> None:
    items = [
        item("a", 1, GIVEN, "PC"), item("b", 1, GIVEN, "PC"), item("c", 2, ECG, "PC"), item("h", -1, HARM, "PC"),
        item("d", 1, GIVEN, "ICS"), item("e", 1, ECG, "ICS"), item("f", 1, ECG, "PROF"), item("g", 1, ECG, "PROF"), item("i", -9, GIVEN, "PROF"),
        item("j", 1, ECG, "PROF"),
    ]  # fmt: skip
    assert card(mini, items, ASPIRIN).profile == {"PC": 0.5, "ICS": None, "PROF": 0.0}


def test_where_nothing_is_decided_there_is_no_score(mini: Case) -> None:
    found = card(mini, [item("a", 1, GIVEN), item("k", 1, None, judge={"criterion": "Kind?"})], how="censored")
    assert (found.raw, found.score, found.passed, found.coverage) == (None, None, None, 0.0)
    assert found.profile == {}


def test_where_only_harm_is_decided_there_is_no_score(mini: Case) -> None:
    found = card(mini, [item("k", 1, None, judge={"criterion": "Kind?"}), item("h", -1, HARM)], NITRATE)
    assert (found.raw, found.score, found.passed, found.harms) == (None, None, None, ("h",))


def test_where_nothing_applies_there_is_no_score(mini: Case) -> None:
    found = card(mini, [item("g", 1, ECG, gate=LAB)])
    assert (found.raw, found.coverage) == (None, 0.0)


def test_a_rubric_that_can_give_nothing_is_refused(mini: Case) -> None:
    harms = Rubric.model_validate({"items": [item("k", 1, ECG), item("h", -1, HARM)]}).items[1:]
    rubric = Rubric.model_construct(items=harms, pass_=Rubric.model_fields["pass_"].default)
    with pytest.raises(JudgeError, match="no positive points"):
        Monitor(rubric, mini)


def test_only_a_finished_encounter_closes_obligations(mini: Case) -> None:
    assert ending(Outcome("finished")) == "voluntary"
    assert {ending(Outcome("truncated")), ending(Outcome("error"))} == {"censored"}
    with pytest.raises(ValueError, match="still open"):
        score(mini, [], Outcome("open"))


def test_another_rubric_gives_another_score_under_its_own_name(mini: Case) -> None:
    other = Rubric.model_validate({"id": "other", "items": [item("a", 1, GIVEN)]})
    own, by_other = (score(mini, events(ASPIRIN), Outcome("finished"), rubric=rubric) for rubric in (None, other))
    assert (own.rubric, by_other.rubric) == ("mini", "other")
    assert own.rubric_hash == rubric_hash(mini.rubric) != by_other.rubric_hash == rubric_hash(other)
    assert by_other.score == 1.0


@pytest.mark.parametrize(
    ("done", "ending_", "verdict"),
    [
        ([NITRATE], "voluntary", "unmet"),
        ([NITRATE], "censored", "unmet"),
        ([NITRATE, (130, "order", "ecg12")], "voluntary", "unmet"),
        ([DONE_ECG, NITRATE], "censored", "met"),
        ([DONE_ECG], "censored", "met"),
        ([], "voluntary", "met"),
        ([], "censored", "unknown"),
    ],
)
def test_never_before_is_broken_even_where_the_other_thing_never_came(mini: Case, done: Any, ending_: Ending, verdict: str) -> None:
    items = [item("n", 1, {"never": {"code": "nitroglycerin"}, "before": {"code": "ecg12"}})]
    assert card(mini, items, *done, how=ending_).items[0].verdict == verdict
