"""Every family of rubrics, by its example file, against a score worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim import case as case_module
from medsim import document, library
from medsim.agent.script import Golden
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.episode import rollout
from medsim.judge import score_with
from medsim.recipe import case_named
from medsim.rubric import Opinion, Scorecard, by_tag, mean_score, score
from medsim.rubric.scorecard import tally
from medsim.rubric.verdict import Ending, Monitor
from medsim.trajectory import Event
from tests.conftest import DATA
from tests.judge.fake import always, judge, met

Done = tuple[str, str] | tuple[str, str, dict[str, Any]]

ASKED = ("ask", "complaint.main")
ALLERGY = ("ask", "allergy.any")
VITALS = ("examine", "exam.vitals")
WRONG_DRUG: Done = ("treat", "nitroglycerin", {"args": {"contraindicated": True}, "cls": "med"})
RIGHT: Done = ("diagnose", "", {"args": {"ranked": ["Made-up infarction"]}})


def shipped(name: str) -> Rubric:
    return document.validate(document.read(library.find("rubrics", name)), Rubric)


def event(seq: int, kind: str, code: str, more: dict[str, Any] | None = None) -> Event:
    """One thing the doctor did, a minute after the last; what is asked or said is a topic."""
    spoken = kind in {"ask", "say"}
    given: dict[str, Any] = {"text": code, "code": "" if spoken else code, "topics": (code,) if spoken else (), **(more or {})}
    return Event(seq, seq + 1, 60 * seq, "doctor", kind, **given)


def card(case: Case, rubric: str | Rubric, *done: Any, how: Ending = "voluntary", opinions: dict[str, Opinion] | None = None) -> Scorecard:
    monitor = Monitor(shipped(rubric) if isinstance(rubric, str) else rubric, case)
    monitor.feed(event(seq, *one) for seq, one in enumerate(done))
    return tally(monitor, how, opinions=opinions)


def right(case: Case) -> Done:
    return ("diagnose", "", {"args": {"ranked": [case.outcome.diagnosis.name]}})


def placed(case: Case) -> Done:
    return ("dispose", case.outcome.disposition[0])


def verdicts(found: Scorecard) -> dict[str, str]:
    return {item.id: item.verdict for item in found.items}


# ---- signed points, clipped at the mean ----------------------------------------------------------------------------------------------


def test_signed_points_may_fall_below_nought_in_one_encounter_and_are_clipped_only_in_the_mean(mini: Case) -> None:
    good = card(mini, "signed", ASKED, ALLERGY, right(mini))  # 4 + 5 + 7 of 20
    bad = card(mini, "signed", ASKED, WRONG_DRUG, ("say", "talk.dismiss"))  # 4 - 10 - 6 of 20
    assert (good.raw, good.score) == (0.8, 0.8)
    assert (bad.raw, bad.score) == (-0.6, -0.6)
    assert mean_score([good, bad]).value == pytest.approx(0.1)
    assert mean_score([bad, bad]).value == 0.0
    clipped = shipped("signed").model_copy(update={"clip": None})
    assert card(mini, clipped, ASKED, WRONG_DRUG, ("say", "talk.dismiss")).score == 0.0


def test_signed_points_add_up_by_tag(mini: Case) -> None:
    rubric = shipped("signed")
    found = by_tag(card(mini, rubric, ASKED, right(mini), ("say", "talk.dismiss")), rubric, prefix="axis:")
    assert found == {"axis:accuracy": 1.0, "axis:communication_quality": -1.5, "axis:completeness": pytest.approx(4 / 9)}


def test_a_mean_leaves_out_what_has_no_score_and_says_how_many(mini: Case) -> None:
    none = card(mini, "communication")
    found = mean_score([none, card(mini, "signed", ASKED)])
    assert (found.value, found.encounters, found.left_out) == (0.2, 1, 1)
    assert mean_score([none]).value is None
    assert "none of 1" in mean_score([none]).reason
    assert "no encounter" in mean_score([]).reason


# ---- yes or no, by competency --------------------------------------------------------------------------------------------------------


def test_yes_or_no_items_are_counted_and_shown_by_competency(mini: Case) -> None:
    found = card(mini, "competencies", ASKED, ("ask", "talk.greeting"), ("say", "talk.empathy"), VITALS, right(mini))
    # met: story, examined, first, ranked, sparing, greeting, feelings; unmet: medicines, reasons, placed, follow_up, checks, permission
    assert found.raw == pytest.approx(7 / 13, abs=1e-6)
    assert found.coverage == pytest.approx(13 / 14)
    expected = {"PC": 2 / 3, "MK": 2 / 3, "SBP": 1 / 3, "ICS": 2 / 3, "PROF": None}
    assert found.profile == {name: value if value is None else pytest.approx(value, abs=1e-6) for name, value in expected.items()}


# ---- priorities and severities -------------------------------------------------------------------------------------------------------


def test_a_priority_is_the_weight(mini: Case) -> None:
    found = card(mini, "must_ask", ASKED, ALLERGY, ("ask", "pmh.heart"), ("ask", "fh.any"))
    assert found.raw == pytest.approx((3 + 3 + 2 + 1) / (4 * 3 + 2 * 2 + 2 * 1))
    assert {item.id: (item.level, item.points) for item in found.items}["past"] == ("should", 2)


def test_harm_weighs_by_severity_and_what_is_left_undone_counts_like_what_is_done_amiss(mini: Case) -> None:
    low: Done = ("treat", "aspirin", {"args": {"dose": "low"}, "cls": "med"})
    found = card(mini, "harm", VITALS, low, placed(mini))
    # earned 24 + 72, missed 3 (allergies before the drug) + 1 (safety net), harm 3: 2*96 / (2*96 + 4 + 3)
    assert (found.score, found.critical) == (pytest.approx(192 / 199, abs=1e-6), ())


def test_any_severe_harm_takes_the_score_to_nought(mini: Case) -> None:
    found = card(mini, "harm", VITALS, ALLERGY, WRONG_DRUG, placed(mini))
    # 24 + 3 + 72 earned, 1 missed, 72 done amiss
    assert (found.raw, found.score, found.passed) == (pytest.approx(198 / 271, abs=1e-6), 0.0, False)
    assert (found.critical, found.harms) == (("contraindicated",), ("contraindicated",))


def test_a_severe_omission_is_as_critical_as_a_severe_deed(mini: Case) -> None:
    left = card(mini, "harm", VITALS, ALLERGY)
    assert (left.score, left.critical, left.passed) == (0.0, ("right_place",), False)
    cut_off = card(mini, "harm", VITALS, ALLERGY, how="censored")
    assert cut_off.critical == (), "what was cut off was not left undone"
    done = card(mini, "harm", VITALS, placed(mini))
    assert next(item for item in done.items if item.id == "right_place").critical == "", "done, it is no critical finding"


# ---- veto ----------------------------------------------------------------------------------------------------------------------------


def test_a_veto_takes_all_and_another_fails_whatever_the_score(mini: Case) -> None:
    well = (ASKED, VITALS, right(mini), ("say", "talk.empathy"))
    assert (card(mini, "veto", *well).score, card(mini, "veto", *well).passed) == (1.0, True)
    vetoed = card(mini, "veto", *well, WRONG_DRUG)
    assert (vetoed.raw, vetoed.score, vetoed.passed) == (0.9, 0.0, False)
    monitor = Monitor(shipped("veto"), mini)
    monitor.feed([*(event(seq, *one) for seq, one in enumerate(well)), Event(9, 9, 900, "controller", "state", code="dead")])
    died = tally(monitor, "voluntary")
    assert (died.score, died.passed, died.critical) == (0.9, False, ("died",))


# ---- checkpoints ---------------------------------------------------------------------------------------------------------------------


def test_a_stage_earns_as_a_whole_and_the_task_is_done_when_all_stages_are(mini: Case) -> None:
    note: Done = ("note", "", {"text": "Plan: the team takes over at once. " + "Word " * 20})
    whole = card(mini, "checkpoints", VITALS, ALLERGY, note, right(mini), placed(mini))
    assert (whole.score, whole.passed) == (1.0, True)
    part = card(mini, "checkpoints", ALLERGY, note, right(mini), placed(mini))
    # no drug was given, so 'asked_first' does not apply; 'looked' is missing, so its stage earns nothing
    assert part.score == pytest.approx(4 / 5)
    assert part.passed is False
    assert part.groups is not None
    assert {name: (stage.verdict, stage.share) for name, stage in part.groups.items()} == {
        "trajectory": ("unmet", 0.0), "state": ("met", 1.0), "artefact": ("met", 1.0),
    }  # fmt: skip


def test_half_a_stage_earns_nothing_and_says_why(mini: Case) -> None:
    found = card(mini, "checkpoints", VITALS, right(mini))
    item = next(item for item in found.items if item.id == "concluded")
    assert (item.verdict, item.earned) == ("met", 0.0)
    assert "('placed')" in item.reason
    assert found.score == pytest.approx(1 / 4), "vital signs, of four: no drug was given, and 'next_step' needs a note"


def test_a_stage_with_something_undecided_is_not_decided(mini: Case) -> None:
    found = card(mini, "checkpoints", right(mini), how="censored")
    assert verdicts(found)["concluded"] == "unknown"
    assert found.score is None
    assert "none of 6 items could be decided" in found.why


def test_what_comes_first_must_be_met(mini: Case) -> None:
    assert verdicts(card(mini, "checkpoints"))["next_step"] == "na"
    assert verdicts(card(mini, "checkpoints", how="censored"))["next_step"] == "unknown"


@pytest.mark.parametrize(("done", "stage"), [(True, "met"), (False, "unmet")])
def test_a_scale_without_points_counts_for_its_stage_as_it_is(mini: Case, done: bool, stage: str) -> None:
    scale = {"anchors": {step: f"step {step}" for step in range(1, 6)}, "by": {5: {"did": {"code": "aspirin"}}}}
    items = [
        {"id": "a", "text": "a", "points": 2, "comp": "PC", "group": "g", "pred": {"did": {"code": "ecg12"}}},
        {"id": "z", "text": "z", "comp": "PC", "group": "g", "scale": scale},
    ]
    rubric = Rubric.model_validate({"groups": {"g": {}}, "items": items})
    found = card(mini, rubric, ("order", "ecg12"), *([("treat", "aspirin")] if done else []))
    assert found.groups is not None
    assert found.groups["g"].verdict == stage


@pytest.mark.parametrize(("harmed", "earned", "stage"), [(False, 1.0, "met"), (True, 0.0, "unmet")])
def test_harm_that_was_not_done_does_not_break_a_stage_and_harm_that_was_does(mini: Case, harmed: bool, earned: float, stage: str) -> None:
    items = [
        {"id": "a", "text": "a", "points": 2, "comp": "PC", "group": "g", "pred": {"did": {"code": "ecg12"}}},
        {"id": "h", "text": "h", "points": -1, "comp": "PC", "group": "g", "pred": {"did": {"code": "nitroglycerin"}}},
    ]
    rubric = Rubric.model_validate({"groups": {"g": {"whole": True}}, "items": items})
    found = card(mini, rubric, ("order", "ecg12"), *([WRONG_DRUG] if harmed else []))
    assert found.groups is not None
    assert (found.items[0].earned / 2, found.groups["g"].verdict) == (earned, stage)
    assert found.raw == (-0.5 if harmed else 1.0)


# ---- numbers -------------------------------------------------------------------------------------------------------------------------


def test_numbers_count_inside_their_interval_in_whatever_unit_they_are_written(mini: Case) -> None:
    note = "Anion gap 34. Insulin 5.7 units/h. Dextrose when glucose is below 14 mmol/L."
    found = card(mini, "calculation", ("note", "", {"text": note}))
    assert (found.score, verdicts(found)) == (1.0, {"anion_gap": "met", "insulin_rate": "met", "glucose_fall": "met"})
    assert "252.2" in found.items[2].reason, "14 mmol/L of glucose (180.156 g/mol) are 252.2 mg/dL"
    wrong = card(
        mini, "calculation", ("note", "", {"text": "Anion gap 35. Insulin 0.1 units/kg/h. Dextrose when glucose is below 250 mg/dL."})
    )
    assert (wrong.raw, verdicts(wrong)["insulin_rate"]) == (0.2, "unmet")
    assert "no measure" in wrong.items[1].reason


# ---- sets of tests -------------------------------------------------------------------------------------------------------------------


def test_tests_earn_their_f1(mini: Case) -> None:
    lab: dict[str, Any] = {"cls": "lab"}
    ordered = [("order", code, lab) for code in ("poc_glucose", "vbg", "abg", "vbg", "bmp", "cbc", "lipase", "amylase")]
    found = card(mini, "tests_ordered", *ordered)
    # 3 of 6 expected (glucose, gas, chemistry); cbc is free; lipase and amylase are extra: precision 3/5, recall 3/6
    f1 = 2 * 0.6 * 0.5 / 1.1
    item = found.items[0]
    assert (item.verdict, item.earned) == ("met", pytest.approx(4 * f1, abs=1e-5))
    assert found.raw == pytest.approx(4 * f1 / 5, abs=1e-5)
    assert "3 of 6" in item.reason


def test_a_test_that_cannot_be_told_leaves_the_set_unknown(mini: Case) -> None:
    vague: Done = ("order", "", {"text": "the usual", "cls": "lab"})
    assert verdicts(card(mini, "tests_ordered", ("order", "vbg", {"cls": "lab"}), vague))["tests"] == "unknown"


# ---- scales --------------------------------------------------------------------------------------------------------------------------


def test_a_rating_stands_beside_the_checklist_and_does_not_enter_it(mini: Case) -> None:
    opinions = {"global": Opinion("unmet", rating=2), "entrustment": Opinion("met", rating=4)}
    found = card(mini, "global", ASKED, right(mini), opinions=opinions)
    assert found.raw == pytest.approx(2 / 3, abs=1e-6)
    assert found.scales == {"global": 2, "entrustment": 4}
    unrated = card(mini, "global", ASKED, right(mini))
    assert (unrated.raw, unrated.coverage, unrated.scales) == (found.raw, 1.0, {"global": None, "entrustment": None})


def test_a_scale_with_points_earns_its_rating_less_one_over_four(mini: Case) -> None:
    whole = shipped("global")
    items = tuple(item.model_copy(update={"points": 2.0}) if item.id == "global" else item for item in whole.items)
    weighed = whole.model_copy(update={"items": items})
    found = card(mini, weighed, ASKED, right(mini), opinions={"global": Opinion("unmet", rating=2)})
    assert found.raw == pytest.approx((2 + 2 * 0.25) / 5)
    bare = card(mini, weighed, ASKED, right(mini), opinions={"global": Opinion("met")})
    assert verdicts(bare)["global"] == "unknown", "met alone is no rating"


@pytest.mark.parametrize(("rank", "grade", "credit"), [(1, 5, 1.0), (2, 4, 0.75), (3, 3, 0.5), (4, 2, 0.25), (0, 1, 0.0)])
def test_a_diagnosis_is_graded_and_its_cost_is_an_axis_of_its_own(mini: Case, rank: int, grade: int, credit: float) -> None:
    others = ["Gout", "Migraine", "Shingles", "Scurvy"]
    ranked = [*others[: rank - 1], mini.outcome.diagnosis.name] if rank else others
    done: Done = ("diagnose", "", {"args": {"ranked": ranked}})
    found = card(mini, "diagnosis", ("order", "ecg12", {"cost": 60.0}), ("order", "troponin", {"cost": 40.5}), done)
    assert found.scales == {"grade": grade, "closeness": None}
    assert (found.score, found.items[0].rating) == (credit, grade)
    assert found.axes == {"cost": 100.5, "minutes": 2.0, "orders": 2}
    assert (found.score or 0) >= 0.75 or found.passed is False


def test_what_a_visit_that_was_cut_off_would_have_cost_is_not_known(mini: Case) -> None:
    found = card(mini, "diagnosis", ("order", "ecg12", {"cost": 60.0}), how="censored")
    assert found.axes == {"cost": None, "minutes": None, "orders": None}
    assert (found.score, found.scales) == (None, {"grade": None, "closeness": None})


def test_nine_domains_are_rated_and_make_no_score(mini: Case) -> None:
    rubric = shipped("communication_scale")
    ratings = {item.id: Opinion("met", rating=5 - place % 5) for place, item in enumerate(rubric.items)}
    found = card(mini, rubric, opinions=ratings)
    assert found.scales == dict(zip((item.id for item in rubric.items), (5, 4, 3, 2, 1, 5, 4, 3, 2), strict=True))
    assert (found.score, found.coverage) == (None, 1.0)
    assert "make no score" in found.why
    assert card(mini, rubric).coverage == 0.0


# ---- the written reasoning -----------------------------------------------------------------------------------------------------------


def test_reasoning_is_complete_as_far_as_its_points_go_and_efficient_as_far_as_its_steps_serve(mini: Case) -> None:
    note = "Ketoacidosis is likely.\nKetones are high.\nThe weather is fine.\nKetones are high.\nPotassium comes first."
    found = card(mini, "reasoning", ("note", "", {"text": note}), opinions={"unfounded": Opinion("met")})
    assert found.groups is not None
    # three of six points; of five steps one wanders and one repeats
    assert found.groups["completeness"].share == 0.5
    assert found.groups["efficiency"].share == 0.6
    assert found.raw == pytest.approx((3 * 0.5 + 2 * 0.6 - 3) / 5)
    assert (found.score, found.harms) == (0.0, ("unfounded",))


def test_no_reasoning_has_no_efficiency_and_is_not_complete(mini: Case) -> None:
    assert verdicts(card(mini, "reasoning")) == {
        "completeness": "unmet", "efficiency": "na", "unfounded": "unknown", "support": "unknown",
    }  # fmt: skip


# ---- all of them ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", library.names("rubrics"))
def test_every_shipped_rubric_scores_a_played_visit_and_has_no_score_for_one_that_says_nothing(name: str, mini: Case) -> None:
    case = case_named("thirsty-student")
    played = rollout(case, Golden(case), name="golden")
    rubric = shipped(name)
    found = score(case, played.events, played.outcome, rubric=rubric)
    assert (found.score is None) == (not any(item.verdict not in {"unknown", "na"} and item.points > 0 for item in found.items))
    nothing = card(mini, rubric, how="censored")
    assert nothing.passed is None
    assert nothing.score is None
    assert nothing.why.endswith(".")


def test_a_judge_that_approves_of_everything_rates_everything_five(mini: Case) -> None:
    played = rollout(mini, Golden(mini), name="golden")
    words = next(event.text for event in played.events if event.actor == "doctor" and event.kind in {"ask", "say"})

    def rule(statement: str, shown: Any) -> dict[str, Any]:
        number = next(number for number, _, text in shown.entries if text == words)
        return met(number, words)

    found = score_with(mini, played, judge(rule, votes=1), rubric=shipped("communication_scale"))
    assert set((found.scales or {}).values()) == {5}
    silent = score_with(
        mini, played, judge(always({"verdict": "cannot_tell", "turn": None, "quote": None}), votes=1), rubric=shipped("communication_scale")
    )
    assert set((silent.scales or {}).values()) == {None}


KINDS = [
    ASKED, ALLERGY, VITALS, WRONG_DRUG, RIGHT, ("say", "talk.dismiss"), ("say", "talk.empathy"), ("order", "vbg", {"cls": "lab"}), ("order", "", {"text": "that"}),
    ("note", "", {"text": "Anion gap 33. Ketones high. Plan: insulin 5.8 units/h."}), ("dispose", "home"), ("treat", "aspirin", {"cls": "med"}),
]  # fmt: skip


@given(st.sampled_from(library.names("rubrics")), st.lists(st.sampled_from(KINDS), max_size=8), st.sampled_from(["voluntary", "censored"]))
def test_laws_of_every_family(name: str, done: list[Any], how: Ending) -> None:
    case = case_module.load(DATA / "mini.yaml")
    rubric = shipped(name)
    found = card(case, rubric, *done, how=how)
    assert 0 <= found.coverage <= 1
    assert (found.raw is None) == (found.score is None) == bool(found.why)
    assert found.raw is None or found.raw <= 1
    assert found.score is None or rubric.clip == "mean" or 0 <= found.score <= 1
    for item in found.items:
        assert item.verdict not in {"unknown", "na"} or (item.earned == 0 and item.rating is None)
        assert abs(item.earned) <= abs(item.points)
    assert json.loads(json.dumps(found.data()))["rubric"] == name
