"""Results that know what they are results of."""

from __future__ import annotations

import pytest

from medsim.errors import MedsimError
from medsim.stats import Result, paired, pooled

IDENTITY = {"agent": "a", "case_set": "c1", "rubric": "r1", "judge": "j1"}


def result(values: list[float | None], cases: str = "xyz", **parts: str) -> Result:
    return Result({**IDENTITY, **parts}, list(cases), values)


def test_results_of_one_identity_are_joined() -> None:
    joined = pooled([result([1, 0, 1]), result([0.5], "x")])
    assert (list(joined.cases), list(joined.values)) == (["x", "y", "z", "x"], [1, 0, 1, 0.5])


@pytest.mark.parametrize("part", sorted(IDENTITY))
def test_results_of_two_identities_are_never_pooled(part: str) -> None:
    with pytest.raises(MedsimError, match=f"never pooled: they differ in {part}"):
        pooled([result([1, 0, 1]), result([1, 0, 1], **{part: "else"})])


def test_a_part_that_only_one_has_is_a_difference() -> None:
    with pytest.raises(MedsimError, match="differ in patient"):
        pooled([result([1, 0, 1]), result([1, 0, 1], patient="p")])


def test_two_agents_are_paired_over_the_cases_both_have() -> None:
    pairs = paired(result([1, 0, 1, 0.5], "xxyz"), result([0.2, 0.4, None], "yxw", agent="b"))
    assert pairs.cases == ["x", "y"]
    assert (pairs.one.tolist(), pairs.other.tolist()) == ([0.5, 1.0], [0.4, 0.2])
    assert (pairs.only_one, pairs.only_other) == (1, 0)


def test_agents_under_two_judges_are_never_compared() -> None:
    with pytest.raises(MedsimError, match="never compared: they differ in judge"):
        paired(result([1, 0, 1]), result([1, 0, 1], agent="b", judge="j2"))


def test_two_judges_are_compared_when_that_is_what_is_asked() -> None:
    assert paired(result([1, 0, 1]), result([1, 0, 0], judge="j2"), differ=("judge",)).cases == ["x", "y", "z"]


def test_no_shared_case_is_refused() -> None:
    with pytest.raises(MedsimError, match="share no case"):
        paired(result([1], "x"), result([1], "y", agent="b"))


def test_nothing_to_pool_is_refused() -> None:
    with pytest.raises(MedsimError, match="no result"):
        pooled([])
