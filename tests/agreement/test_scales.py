"""Labels on scales, and in rubrics whose items hang together."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim.agreement import Label, compare, corrected, differing, labels_of, store_labels, table_of
from medsim.agreement.exchange import export, read
from medsim.agreement.labels import said
from medsim.case.checklist import Rubric
from tests.agreement.conftest import RUBRIC, Ward, truth

ANCHORS = {1: "Nothing of it.", 2: "A trace.", 3: "Half.", 4: "Most.", 5: "All of it."}
OVERALL = {"id": "overall", "text": "Overall", "comp": "ICS", "scale": {"anchors": ANCHORS}, "judge": {"criterion": "How well?"}}


@pytest.fixture
def scaled(ward: Ward) -> Ward:
    ward.rubric = Rubric.model_validate({**RUBRIC, "id": "scaled", "items": [*RUBRIC["items"], OVERALL]})
    return ward


def rate(ward: Ward, rater: str, more: int) -> None:
    labels = []
    for at, one in enumerate(ward.known):
        told = said(one.rubric.items[-1], str(1 + at % 4 + more))
        assert told is not None
        labels.append(Label(one.trajectory, "overall", told[0], rater, rating=told[1]))
    store_labels(ward.store, labels, known=ward.known)


def test_a_scale_takes_one_to_five_and_nothing_else(scaled: Ward) -> None:
    item = scaled.rubric.items[-1]
    assert [said(item, word) for word in ("1", "4", "5")] == [("unmet", 1), ("met", 4), ("met", 5)]
    assert [said(item, word) for word in ("m", "0", "6", "yes")] == [None] * 4
    assert said(item, "?") == ("unknown", None)
    assert said(scaled.rubric.items[0], "3") is None


def test_ratings_are_kept_go_out_and_come_back(scaled: Ward, tmp_path: Path) -> None:
    rate(scaled, "ann", 0)
    labels = labels_of(scaled.store, scaled.known)
    assert {label.rating for label in labels} == {1, 2, 3, 4}
    export(tmp_path / "x.csv", labels)
    assert sorted(read(tmp_path / "x.csv", known=scaled.known, store=scaled.store).labels) == sorted(labels)


def test_two_raters_on_a_scale_differ_by_the_number_and_agree_by_icc(scaled: Ward) -> None:
    rate(scaled, "ann", 0)
    rate(scaled, "ben", 1)
    assert len(differing(labels_of(scaled.store, scaled.known))) == len(scaled.known)
    found = next(one for one in compare(table_of(scaled.store, run="r"), resamples=50) if one.second == "human:ben")
    assert found.rows == (), "a scale is no verdict of met or unmet"
    assert found.scales[0].icc.value == pytest.approx(0.727, abs=0.01), "always one apart: (2,1) by hand 16/22"


def test_what_a_rater_said_stands_though_the_group_is_not_whole_yet(ward: Ward) -> None:
    items = [{**item, "group": "stage"} if item["id"] in {"greets", "listens"} else item for item in RUBRIC["items"]]
    ward.rubric = Rubric.model_validate({**RUBRIC, "items": items, "groups": {"stage": {"whole": True}}})
    one = ward.known[0]
    store_labels(ward.store, [Label(one.trajectory, "greets", "met", "ann")], known=[one])
    store_labels(ward.store, [Label(one.trajectory, "plans", "met", "ann")], known=[one])
    assert {label.item: label.verdict for label in labels_of(ward.store, [one])} == {"greets": "met", "plans": "met"}


def test_a_score_that_is_no_sum_of_points_is_not_corrected(ward: Ward) -> None:
    ward.rubric = Rubric.model_validate({**RUBRIC, "formula": "f1"})
    ward.judge("model a", truth)
    ward.people("ann", truth)
    rows = [row for row in corrected(table_of(ward.store, run="r"), resamples=50) if row.judge == "model a"]
    assert len(rows) == 2
    assert all(row.rogan_gladen.value is None and "not points earned over points possible" in row.rogan_gladen.note for row in rows)


def test_a_label_of_met_earns_the_points_in_the_raters_own_score(ward: Ward) -> None:
    one = ward.known[0]
    labels = [Label(one.trajectory, item.id, "met", "ann") for item in ward.rubric.items]
    store_labels(ward.store, labels, known=[one])
    (score,) = [score for score in ward.store.scores(one.trajectory) if score["judge"] == "human:ann"]
    assert score["raw"] == pytest.approx((1 + 2 + 2 + 1 - 2 + 2) / 8)
