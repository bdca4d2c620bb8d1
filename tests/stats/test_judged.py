"""Which competencies a judge may score."""

from __future__ import annotations

import pytest

from medsim.errors import MedsimError
from medsim.stats import Calibration, calibration


def judged(competency: str, met: int, missed: int, unmet: int, wrong: int) -> list[tuple[int, int, int, str]]:
    pairs = [(1, 1)] * met + [(1, 0)] * missed + [(0, 0)] * unmet + [(0, 1)] * wrong
    return [(truth, verdict, place % 10, competency) for place, (truth, verdict) in enumerate(pairs)]


def measured(*parts: list[tuple[int, int, int, str]]) -> dict[str, Calibration]:
    truth, verdicts, cases, competencies = zip(*[row for part in parts for row in part], strict=True)
    found = calibration(truth, judged=verdicts, cases=cases, competencies=competencies, resamples=200)
    return {row.competency: row for row in found}


def test_a_competency_is_scorable_where_the_judge_agrees_and_does_not_lean() -> None:
    found = measured(judged("PC", 45, 3, 40, 2), judged("ICS", 30, 15, 25, 20), judged("MK", 40, 0, 40, 12))
    assert list(found) == ["all", "ICS", "MK", "PC"]
    assert found["PC"].scorable
    assert "kappa" in found["ICS"].reason
    assert "bias of +13.0 points" in found["MK"].reason
    assert (found["PC"].items, found["all"].items) == (90, 272)


def test_what_cannot_be_told_is_not_scorable() -> None:
    row = measured(judged("PC", 20, 0, 20, 0), judged("PROF", 12, 0, 0, 0))["PROF"]
    assert not row.scorable
    assert "cannot be told" in row.reason
    assert row.specificity.value is None
    assert row.sensitivity.value == 1


def test_items_without_a_verdict_are_not_counted() -> None:
    found = calibration([1, 0, 1], judged=[1, None, 0], cases="abc", competencies=["PC"] * 3)
    assert (found[0].items, found[0].kappa.left_out) == (2, 1)


def test_no_label_at_all_gives_a_sentence() -> None:
    found = calibration([], judged=[], cases=[], competencies=[])
    assert [row.scorable for row in found] == [False]


def test_uneven_columns_are_refused() -> None:
    with pytest.raises(MedsimError, match="one length"):
        calibration([1, 0], judged=[1, 0], cases="ab", competencies=["PC"])
