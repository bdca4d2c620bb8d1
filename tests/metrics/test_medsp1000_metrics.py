"""MedSP1000's figures, against numbers computed by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from medsim.case import Case
from medsim.importers import medsp1000_rubric as frozen
from medsim.importers.medsp1000_case import to_case
from medsim.importers.medsp1000_text import Document
from medsim.metrics import Metric, Played
from medsim.metrics.medsp1000 import measure
from medsim.trajectory import Outcome, Trajectory

PAIN, FEVER, FAILS, EYES = "Asks about pain", "Asks about fever", "Fails to ask about allergies", "Maintained eye contact"
GOOD, LOW = "BP good: give metoprolol", "BP low: shock"


def packet(name: str, **texts: list[str]) -> Case:
    items = frozen.items_of({competency: list(several) for competency, several in texts.items()}, name)[0]
    return to_case(name, doctor="A 50-year-old man.", patient=[Document("b.md", "He limps.")], controller=[], rubric=frozen.linted(items))


def score(case: Case, judge: str = "judge", **said: bool | None) -> Mapping[str, Any]:
    """A stored score: the items whose text begins with a key are met or unmet, with None unknown; all others unmet."""
    verdicts = {True: "met", False: "unmet", None: "unknown"}
    items = [
        {
            "item": item.id, "text": item.text, "comp": item.comp,
            "verdict": verdicts[next((value for key, value in said.items() if item.text.startswith(key.replace("_", " "))), False)],
        }
        for item in case.rubric.items
    ]  # fmt: skip
    return {"judge": judge, "scored": "2026-01-01T00:00:00", "items": items}


def played(case: Case, *scores: Mapping[str, Any], agent: str = "doctor", status: Any = "finished", trial: int = 0) -> Played:
    run = Trajectory("x", case.id, case.hash, agent, 0, trial, [], Outcome(status))
    return Played(case, run, scores=scores)


def figures(*encounters: Played) -> dict[tuple[str, str], Metric]:
    return {(one.agent, one.name): one for one in measure(encounters)}


LONG = packet("mededportal_1/scenario1", PC=[PAIN, FEVER, FAILS, EYES], MK=[GOOD, LOW])
SHORT = packet("mededportal_2/scenario1", PC=[PAIN, FEVER])
TWIN = packet("mededportal_2_1/scenario2", ICS=["Greets", "Thanks"])


def test_micro_pools_items_and_macro_takes_each_packet_as_one() -> None:
    found = figures(played(LONG, score(LONG, Asks_about_pain=True)), played(SHORT, score(SHORT, Asks=True)))
    assert found["doctor", "raw_micro"].value == pytest.approx(3 / 8)
    assert found["doctor", "raw_macro"].value == pytest.approx((1 / 6 + 1) / 2)
    assert found["doctor", "raw_micro_PC"].value == pytest.approx(3 / 6)
    assert found["doctor", "raw_micro_MK"].value == 0
    assert (found["doctor", "raw_micro_MK"].n, found["doctor", "raw_micro"].n) == (1, 2)
    assert found["doctor", "coverage"].value == 1


def test_the_linted_figures_stand_beside_the_raw_ones() -> None:
    found = figures(played(LONG, score(LONG, Asks_about_pain=True, BP_low=True)))
    assert found["doctor", "raw_micro"].value == pytest.approx(2 / 6)
    assert found["doctor", "linted_micro"].value == pytest.approx(3 / 4), "fails turned round and met, eye contact out, two branches one"
    assert found["doctor", "linted_micro_MK"].value == 1
    assert found["doctor", "raw_micro_MK"].value == pytest.approx(1 / 2)


def test_an_unknown_item_is_false_in_the_raw_figure_and_leaves_the_linted_one() -> None:
    found = figures(played(SHORT, score(SHORT, Asks_about_pain=True, Asks_about_fever=None)))
    assert found["doctor", "raw_micro"].value == pytest.approx(1 / 2)
    assert found["doctor", "linted_micro"].value == 1
    assert found["doctor", "coverage"].value == pytest.approx(1 / 2)


def test_a_competency_without_items_has_no_figure_and_no_zero() -> None:
    one = figures(played(SHORT, score(SHORT)))["doctor", "raw_micro_PROF"]
    assert (one.value, one.n) == (None, 0)
    assert "no such item" in one.note


def test_the_interval_draws_articles_and_not_their_packets() -> None:
    together = figures(played(SHORT, score(SHORT, Asks=True)), played(TWIN, score(TWIN)))["doctor", "raw_micro"]
    assert (together.value, together.low, together.high) == (0.5, None, None)
    assert "one article" in together.note
    apart = figures(played(SHORT, score(SHORT, Asks=True)), played(LONG, score(LONG)))["doctor", "raw_micro"]
    assert apart.low is not None
    assert apart.high is not None
    assert apart.low <= 2 / 8 <= apart.high
    assert (apart.low, apart.high) == (0.0, 1.0)


def test_equal_values_give_no_interval_of_no_width() -> None:
    found = figures(played(SHORT, score(SHORT)), played(LONG, score(LONG)))
    for name in ("raw_micro", "raw_macro"):
        assert (found["doctor", name].value, found["doctor", name].low) == (0, None)
        assert "all articles gave the same" in found["doctor", name].note


def test_trials_of_a_packet_are_averaged_before_packets_are() -> None:
    runs = [played(SHORT, score(SHORT, Asks=good), trial=trial) for trial, good in enumerate((True, True, False))]
    found = figures(*runs, played(LONG, score(LONG)))
    assert found["doctor", "raw_macro"].value == pytest.approx((2 / 3 + 0) / 2)
    assert found["doctor", "raw_micro"].value == pytest.approx(4 / 12)


def test_judges_are_never_pooled_and_the_newest_score_of_each_counts() -> None:
    scores = (score(SHORT, "a"), score(SHORT, "b", Asks=True), score(SHORT, "a", Asks_about_pain=True))
    found = figures(played(SHORT, *scores))
    assert found["doctor (a)", "raw_micro"].value == pytest.approx(1 / 2)
    assert found["doctor (b)", "raw_micro"].value == 1
    assert ("doctor", "raw_micro") not in found


def test_what_failed_or_was_not_judged_is_left_out_and_told() -> None:
    found = figures(played(SHORT, score(SHORT, Asks=True)), played(SHORT, status="error", trial=1), played(LONG))
    assert found["doctor", "raw_micro"].value == 1
    assert found["doctor", "raw_micro"].note.startswith("judge judge; 1 failed; 1 not judged")
    unknown = score(LONG, "none", Asks=None, Fails=None, Maintained=None, BP=None)
    none = figures(played(LONG), played(LONG, unknown, agent="other"))
    assert [(name, one.value) for name, one in none.items()] == [(("doctor", "raw_micro"), None), (("other", "raw_micro"), None)]


def test_agents_have_their_own_figures() -> None:
    found = figures(played(SHORT, score(SHORT, Asks=True)), played(SHORT, score(SHORT), agent="other"))
    assert (found["doctor", "raw_micro"].value, found["other", "raw_micro"].value) == (1, 0)


def test_a_judge_that_decided_nothing_is_not_called_no_judge() -> None:
    undecided = score(SHORT, Asks=None)
    assert "no encounter of a packet has been judged" in figures(played(SHORT))["doctor", "raw_micro"].note
    assert "decided no item" in figures(played(SHORT, undecided))["doctor", "raw_micro"].note
