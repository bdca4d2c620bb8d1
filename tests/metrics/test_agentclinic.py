"""AgentClinic's figures on encounters small enough to be counted by hand."""

from __future__ import annotations

import pytest

from medsim.evaluation import information
from medsim.metrics import Metric, Played
from medsim.metrics.agentclinic import measure
from medsim.metrics.clusters import clusters, mean
from medsim.metrics.moderator import Ruling
from medsim.metrics.moderator import card as ruled
from medsim.metrics.ratings import Ratings
from medsim.metrics.ratings import card as rated
from medsim.stats import Estimate
from medsim.trajectory import Outcome
from tests.metrics.played import RIGHT, WRONG, case, played


def figures(*encounters: Played, agent: str = "doctor") -> dict[str, Metric]:
    found = measure(encounters)
    names = [one.name for one in found if one.agent == agent]
    assert len(set(names)) == len(names)
    return {one.name: one for one in found if one.agent == agent}


def test_accuracy_is_the_share_of_accepted_names_with_an_interval_over_cases() -> None:
    found = figures(*(played(case(f"c{i}"), [RIGHT if i < 3 else WRONG]) for i in range(4)))
    accuracy = found["accuracy"]
    assert (accuracy.value, accuracy.n) == (0.75, 4)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert 0 <= accuracy.low < 0.75 < accuracy.high <= 1
    assert "accuracy_other_questions" not in found
    assert "accuracy_moderator" not in found
    assert "confidence" not in found


def test_trials_of_a_case_are_averaged_before_cases_are() -> None:
    one, two = case("one"), case("two")
    trials = [played(one, [RIGHT], trial=i) for i in range(3)] + [played(two, [WRONG])]
    assert figures(*trials)["accuracy"].value == 0.5


def test_a_visit_without_an_answer_is_wrong_and_one_that_failed_is_left_out_and_told() -> None:
    silent, right, broken = played(case("silent"), ["ask: do you smoke?"]), played(case("right"), [RIGHT]), played(case("broken"), [RIGHT])
    broken.trajectory.outcome = Outcome("error", "LLMError")
    found = figures(silent, right, broken)
    assert (found["accuracy"].value, found["accuracy"].n) == (0.5, 2)
    assert found["no_answer"].value == 0.5
    assert "1 failed and left out" in found["accuracy"].note


def test_questions_that_ask_for_something_else_are_counted_apart() -> None:
    asks = case("asks", other="Which insect carries it?")
    found = figures(played(asks, [WRONG]), played(case("plain"), [RIGHT]))
    assert (found["accuracy"].value, found["accuracy"].n) == (1.0, 1)
    assert (found["accuracy_other_questions"].value, found["accuracy_other_questions"].n) == (0.0, 1)


def test_coverage_stands_for_all_and_among_right_and_wrong() -> None:
    talker = played(case("talker"), ["ask: do you smoke?", "ask: when did it begin?", RIGHT])
    mute = played(case("mute"), [WRONG])
    found = figures(talker, mute)
    own = information(talker.case, talker.trajectory.events)
    assert own
    assert found["information"].value == pytest.approx(own / 2)
    assert found["information_right"].value == pytest.approx(own)
    assert found["information_wrong"].value == 0.0
    assert found["information_right"].low is None, "one case has no interval"
    assert "no interval" in found["information_right"].note


def test_what_nobody_did_is_not_measured_and_never_zero() -> None:
    found = figures(played(case("right"), [RIGHT]))
    assert found["information_wrong"].value is None
    assert found["model_usd"].value is None
    assert found["model_usd"].note


def test_turns_leave_waiting_out_and_tests_are_orders() -> None:
    found = figures(played(case("c"), ["order: ecg; order: troponin", "wait: result", "examine: heart", RIGHT]))
    assert found["turns"].value == 3
    assert found["tests"].value == 2
    cost = found["cost"].value
    assert cost is not None
    assert cost >= 60


def test_cases_that_repeat_each_other_are_one_cluster() -> None:
    alone, first, again, third = case("alone"), case("first"), case("again", dup_of="first"), case("third", dup_of="again")
    grouped = clusters([alone, first, again, third])
    assert grouped[first.hash] == grouped[again.hash] == grouped[third.hash] == "first"
    assert grouped[alone.hash] == "alone"


def test_a_cluster_of_duplicates_widens_the_interval_and_leaves_the_mean() -> None:
    values = {f"c{i}": [float(i % 2)] for i in range(8)}
    apart, together = (mean(values, {name: (name if way else str(i % 2)) for i, name in enumerate(values)}) for way in (True, False))
    assert apart.value == together.value == 0.5
    assert _width(together) > _width(apart) > 0
    assert mean(values, dict.fromkeys(values, "one"))[:3] == (0.5, None, None)
    assert mean({}, {})[:3] == (None, None, None)


def _width(found: Estimate) -> float:
    assert found.low is not None
    assert found.high is not None
    return found.high - found.low


def test_two_cases_that_name_each_other_are_one_cluster_and_no_endless_search() -> None:
    here, there = case("here", dup_of="there"), case("there", dup_of="here")
    assert clusters([here, there]).keys() == {here.hash, there.hash}


def test_agents_stand_apart() -> None:
    one = case("one")
    found = measure([played(one, [RIGHT], agent="a"), played(one, [WRONG], agent="b")])
    assert {(metric.agent, metric.value) for metric in found if metric.name == "accuracy"} == {("a", 1.0), ("b", 0.0)}


def test_a_moderator_stands_beside_the_accepted_names_and_one_that_cannot_decide_is_no_no() -> None:
    found = figures(
        played(case("a"), [RIGHT], cards=[ruled(Ruling(True), "judge:m")]),
        played(case("b"), [WRONG], cards=[ruled(Ruling(True), "judge:m")]),
        played(case("c"), [WRONG], cards=[ruled(Ruling(None, "unreadable"), "judge:m")]),
    )
    assert found["accuracy"].value == pytest.approx(1 / 3)
    assert (found["accuracy_moderator"].value, found["accuracy_moderator"].n) == (1.0, 2)
    assert (found["moderator_agrees"].value, found["moderator_agrees"].note) == (0.5, "1 of 3 without a ruling")


def test_a_later_ruling_that_decides_counts_over_one_that_did_not() -> None:
    cards = [ruled(Ruling(False), "judge:m"), ruled(Ruling(None, "down"), "judge:m again 1")]
    assert figures(played(case("a"), [RIGHT], cards=cards))["accuracy_moderator"].value == 0.0


def test_ratings_are_means_of_those_who_rated() -> None:
    found = figures(
        played(case("a"), [RIGHT], cards=[rated(Ratings(4, 6, 10), "patient:m")]),
        played(case("b"), [RIGHT], cards=[rated(Ratings(error="down"), "patient:m")]),
        played(case("c"), [RIGHT], cards=[rated(Ratings(8, 6, 1), "patient:m")]),
    )
    assert {name: (found[name].value, found[name].n) for name in ("confidence", "compliance", "consultation")} == {
        "confidence": (6.0, 2),
        "compliance": (6.0, 2),
        "consultation": (5.5, 2),
    }


def test_a_share_of_none_or_all_has_an_interval_too() -> None:
    found = figures(*(played(case(f"c{i}"), [WRONG]) for i in range(10)))["accuracy"]
    assert (found.value, found.low) == (0.0, pytest.approx(0.0))
    assert found.high is not None
    assert 0.2 < found.high < 0.35, "Wilson's for 0 of 10 is 0.28"
