"""Judges, people and rubrics item by item: what is compared, what is left out, and when nothing can be said."""

from __future__ import annotations

import pytest

from medsim.agreement import REFERENCE, compare, table_of, trust, unscorable
from medsim.agreement.compare import together
from medsim.errors import StoreError
from medsim.stats import cohen_kappa
from tests.agreement.conftest import CASES, JUDGED, Ward, truth, wrong

ITEMS = 2 * CASES * len(JUDGED)


def test_a_judge_is_held_against_people_over_all_and_by_competency(ward: Ward) -> None:
    noisy = wrong(truth, share=0.3, name="a")
    ward.judge("model a", noisy)
    ward.people("ann", truth)
    (found,) = [one for one in compare(table_of(ward.store, run="r", rubrics=["talk"]), resamples=200) if one.second == "model a"]
    assert found.first == REFERENCE
    assert [(row.competency, row.items) for row in found.rows] == [("all", ITEMS), ("ICS", 2 * ITEMS // 5), ("PC", 3 * ITEMS // 5)]
    keys = [(one.trajectory, item, one.case.id) for one in ward.known for item in JUDGED]
    said = {"met": 1, "unmet": 0}
    by_hand = cohen_kappa(
        [said[truth(t, i)] for t, i, _ in keys], second=[said[noisy(t, i)] for t, i, _ in keys], cases=[c for *_, c in keys]
    )
    assert found.rows[0].kappa.value == pytest.approx(by_hand.value)
    assert found.rows[0].kappa.n == CASES, "the unit is the case, not the encounter"


def test_what_the_log_decided_for_both_is_no_agreement(ward: Ward) -> None:
    ward.judge("model a", truth)
    ward.judge("model b", wrong(truth, share=1.0, name="b"))
    (found,) = compare(table_of(ward.store, run="r", rubrics=["talk"]), resamples=50)
    assert found.logged == 2 * CASES, "the ECG item of each encounter"
    assert found.rows[0].items == ITEMS
    assert found.rows[0].kappa.value == pytest.approx(-0.9, abs=0.2)
    (row,) = [
        one
        for one in together(table_of(ward.store, run="r"), between=["model a", "model b", "none"], resamples=50)
        if one.competency == "all"
    ]
    assert row.items == ITEMS


def test_two_offline_judges_of_one_log_have_nothing_to_compare(ward: Ward) -> None:
    ward.judge("model a", truth, rubric=ward.known[0].case.rubric)
    (found,) = compare(table_of(ward.store, run="r"))
    assert found.rows == ()
    assert "decided by the event log" in found.note


def test_a_competency_in_which_the_judge_fails_is_not_scorable(ward: Ward) -> None:
    def good_at_talk(trajectory: str, item: str) -> str:
        return truth(trajectory, item) if item in {"greets", "listens"} else wrong(truth, share=0.5, name="x")(trajectory, item)

    ward.judge("model a", good_at_talk)  # type: ignore[arg-type]
    assert unscorable(ward.store, run="r") == [], "without labels nothing is claimed"
    ward.people("ann", truth)
    found = [one for one in unscorable(ward.store, run="r", rubrics=["talk"]) if one.judge == "model a"]
    assert [one.competency for one in found] == ["all", "PC"]
    assert "below 0.6" in found[1].reason
    assert found[1].items == 3 * ITEMS // 5
    every = trust(compare(table_of(ward.store, run="r", rubrics=["talk"]), resamples=50))
    assert [one.competency for one in every if one.scorable and one.judge == "model a"] == ["ICS"]


def test_a_bias_beyond_five_points_is_not_scorable_though_kappa_is_high(ward: Ward) -> None:
    ward.judge("model a", wrong(truth, share=0.25, name="up", only="unmet"))
    ward.people("ann", truth)
    (found,) = [one for one in unscorable(ward.store, run="r", rubrics=["talk"]) if one.judge == "model a" and one.competency == "all"]
    assert found.kappa is not None
    assert found.kappa > 0.6
    assert found.bias is not None
    assert found.bias > 5
    assert "bias of +" in found.reason


def test_the_reference_leaves_out_what_people_differ_on_until_it_is_adjudicated(ward: Ward) -> None:
    ward.judge("model a", truth)
    first = ward.people("ann", truth)
    other = ward.people("ben", wrong(truth, share=0.2, name="ben"))
    differ = {one[:2] for one, two in zip(first, other, strict=True) if one.verdict != two.verdict}
    assert differ
    table = table_of(ward.store, run="r")
    assert table.undecided == len(differ)
    assert len(table.said[REFERENCE]) == ITEMS - len(differ)
    ward.people("adjudicated", truth, items=JUDGED)
    settled = table_of(ward.store, run="r")
    assert settled.undecided == 0
    assert len(settled.said[REFERENCE]) == ITEMS
    assert next(one for one in compare(settled, resamples=20) if one.second == "model a").rows[0].kappa.value == 1.0


def test_people_are_compared_with_each_other(ward: Ward) -> None:
    ward.people("ann", truth)
    ward.people("ben", wrong(truth, share=0.2, name="ben"))
    found = compare(table_of(ward.store, run="r"), resamples=20)
    assert ("human:ann", "human:ben") in [(one.first, one.second) for one in found]


def test_two_rubrics_are_compared_where_they_share_items(ward: Ward) -> None:
    ward.judge("model a", truth)
    half = ward.rubric.model_copy(update={"id": "half", "items": ward.rubric.items[:3]})
    ward.judge("model a", wrong(truth, share=0.2, name="half"), rubric=half)
    (found,) = compare(table_of(ward.store, run="r", rubrics=["talk", "half"]), resamples=50)
    assert {found.first, found.second} == {"model a by talk", "model a by half"}
    assert found.rows[0].items == 2 * CASES * 3
    assert found.rows[0].kappa.value is not None
    assert found.rows[0].kappa.value < 1


def test_three_raters_are_measured_together(ward: Ward) -> None:
    for name, share in (("model a", 0.0), ("model b", 0.1), ("model c", 0.1)):
        ward.judge(name, wrong(truth, share=share, name=name))
    rows = together(table_of(ward.store, run="r", rubrics=["talk"]), resamples=100)
    assert [row.competency for row in rows] == ["all", "ICS", "PC"]
    assert rows[0].fleiss.value == pytest.approx(rows[0].alpha.value, abs=0.02)
    assert 0.4 < (rows[0].fleiss.value or 0) < 1


def test_ratings_on_a_scale_give_an_intraclass_correlation(ward: Ward) -> None:
    from medsim.metrics import ratings

    for at, one in enumerate(ward.known):
        for name, more in (("patient:a", 0), ("patient:b", 1)):
            found = ratings.Ratings(1 + at % 8 + more, 2 + at % 7, 3 + at % 5)
            ward.store.add_score(one.trajectory, ratings.card(found, name))
    (found,) = compare(table_of(ward.store, run="r", rubrics=["patient_ratings"]), resamples=50)
    assert found.rows == ()
    assert [(scale.competency, scale.items) for scale in found.scales] == [("ICS", 3 * 2 * CASES)]
    assert 0.9 < (found.scales[0].icc.value or 0) < 1


def test_nobody_agrees_alone(ward: Ward) -> None:
    with pytest.raises(StoreError, match="One rater cannot agree"):
        compare(table_of(ward.store, run="r"))
    with pytest.raises(StoreError, match="Two raters at least"):
        compare(table_of(ward.store, run="r"), between=["none"])


def test_a_judge_that_decides_nothing_gives_a_sentence(ward: Ward) -> None:
    ward.judge("model a", lambda *_: "unknown")
    ward.people("ann", truth)
    found = next(one for one in compare(table_of(ward.store, run="r", rubrics=["talk"])) if one.second == "model a")
    assert found.rows == ()
    assert "none was decided" in found.note


def test_one_class_and_one_case_give_sentences_and_no_numbers(ward: Ward) -> None:
    ward.judge("model a", lambda *_: "met")
    ward.people("ann", lambda *_: "met", cases=1)
    found = next(one for one in compare(table_of(ward.store, run="r", rubrics=["talk"])) if one.second == "model a")
    kappa, spec = found.rows[0].kappa, found.rows[0].specificity
    assert kappa.value is None
    assert "one and the same class" in kappa.note
    assert spec.value is None
    assert "No item is truly unmet" in spec.note
    assert found.rows[0].bias.low is None
    assert "One case" in found.rows[0].bias.note


def test_a_rater_is_named_by_a_beginning_and_a_wrong_one_gets_the_nearest(ward: Ward) -> None:
    ward.judge("openai/model-a #1234", truth)
    ward.judge("openai/model-b #1234", truth)
    ward.people("ann", truth, cases=2)
    table = table_of(ward.store, run="r")
    assert (table.named("openai/model-a"), table.named("ann")) == ("openai/model-a #1234", "human:ann")
    with pytest.raises(StoreError, match="Several raters begin"):
        table.named("openai")
    with pytest.raises(StoreError, match="Did you mean 'human:ann'"):
        table.named("human:anna")
    with pytest.raises(StoreError, match="Did you mean 'talk'"):
        table_of(ward.store, run="r", rubrics=["talks"])
