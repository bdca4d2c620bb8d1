"""The effect of a bias: pairs of the same case, trial and seed, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim import recipe as recipes
from medsim.errors import StoreError
from medsim.evaluation import evaluate
from medsim.evaluation.seats import Seats
from medsim.llm import Call, Scripted
from medsim.metrics import Metric, stored
from medsim.metrics.bias import paired
from medsim.metrics.ratings import Ratings, card
from medsim.store import Store
from medsim.trajectory import Outcome
from tests.conftest import DATA
from tests.metrics.played import RIGHT, WRONG, case, played


def by_name(found: list[Metric]) -> dict[str, Metric]:
    return {one.name: one for one in found}


def test_the_effect_is_with_minus_without_by_case_and_trial() -> None:
    cases = [case(f"c{i}") for i in range(4)]
    without = [played(one, [RIGHT], trial=trial, seed=trial) for one in cases for trial in range(2)]
    with_ = [
        played(one, [WRONG if i == 0 or (i == 1 and trial) else RIGHT], trial=trial, seed=trial)
        for i, one in enumerate(cases)
        for trial in range(2)
    ]
    found = by_name(paired(without, with_))
    effect = found["effect_on_accuracy"]
    assert effect.value == pytest.approx(-(1 + 0.5) / 4)
    assert effect.n == 4
    assert effect.low is not None
    assert effect.high is not None
    assert effect.low < effect.value < effect.high
    assert found["effect_on_turns"].value == 0.0
    assert (found["effect_on_turns"].low, found["effect_on_turns"].high) == (0.0, 0.0)
    assert (found["unpaired"].value, found["unpaired"].note) == (0.0, "every encounter has its partner")


def test_a_paired_interval_is_narrower_than_the_cases_are_apart() -> None:
    """Cases of very different difficulty, one and the same effect: pairing sees it, whatever the cases do."""
    talk = ["ask: do you smoke?"]
    without = [played(case(f"c{i}"), talk * i + [RIGHT]) for i in range(5)]
    with_ = [played(case(f"c{i}"), talk * (i + 1) + [RIGHT]) for i in range(5)]
    effect = by_name(paired(without, with_))["effect_on_turns"]
    assert (effect.value, effect.low, effect.high) == (1.0, 1.0, 1.0)


def test_what_has_no_partner_is_counted_and_left_out() -> None:
    one, two, three = case("one"), case("two"), case("three")
    without = [played(one, [RIGHT]), played(two, [RIGHT]), played(three, [RIGHT], seed=5)]
    failed = played(two, [WRONG])
    failed.trajectory.outcome = Outcome("error", "LLMError")
    found = by_name(paired(without, [played(one, [WRONG]), failed, played(three, [WRONG], seed=6)]))
    assert (found["effect_on_accuracy"].value, found["effect_on_accuracy"].n) == (-1.0, 1)
    assert (found["unpaired"].value, found["unpaired"].note) == (4.0, "encounters of 6")


def test_without_any_pair_nothing_is_measured() -> None:
    found = by_name(paired([played(case("one"), [RIGHT])], [played(case("two"), [RIGHT])]))
    assert found["effect_on_accuracy"].value is None
    assert "no pair" in found["effect_on_accuracy"].note
    assert found["unpaired"].value == 2.0


def test_ratings_are_compared_where_both_sides_have_them() -> None:
    one, two = case("one"), case("two")
    without = [played(item, [RIGHT], cards=[card(Ratings(8, 8, 8), "patient:m")]) for item in (one, two)]
    with_ = [
        played(one, [RIGHT], cards=[card(Ratings(5, 8, 9), "patient:m")]),
        played(two, [RIGHT], cards=[card(Ratings(error="down"), "patient:m")]),
    ]
    found = by_name(paired(without, with_))
    assert {name: found[f"effect_on_{name}"].value for name in ("confidence", "compliance", "consultation")} == {
        "confidence": -3.0,
        "compliance": 0.0,
        "consultation": 1.0,
    }
    assert "1 of 2 pairs could not be measured" in found["effect_on_confidence"].note


def test_one_agent_of_either_side_is_compared_under_both_names_and_several_by_name() -> None:
    one = case("one")
    plain, biased = played(one, [RIGHT], agent="plain"), played(one, [WRONG], agent="biased")
    assert {metric.agent for metric in paired([plain], [biased])} == {"biased - plain"}
    found = paired([plain, biased], [plain, biased, played(one, [RIGHT], agent="third")])
    assert {metric.agent for metric in found} == {"plain", "biased"}
    with pytest.raises(StoreError, match="--against-agent"):
        paired([plain, biased], [played(one, [RIGHT], agent="third")])


@pytest.mark.parametrize("seat", ["patient", "doctor"])
def test_a_bias_set_in_a_recipe_is_measured_over_two_stored_runs(tmp_path: Path, seat: str) -> None:
    """Whoever is told of lung cancer goes wrong in this world: the doctor by itself, or by what the patient says."""

    def say(call: Call) -> str:
        told = "\n".join(message.content for message in call.messages)
        if call.role == "patient":
            return "It must be lung cancer." if "lung cancer" in told else "Ten a day."
        if len(call.messages) == 2:
            return "Do you smoke?"
        return f"DIAGNOSIS READY: [{'Pneumonia' if 'lung cancer' in told else 'Inferior STEMI'}]"

    biased = tmp_path / "biased.yaml"
    biased.write_text("schema: medsim.agent/1\nid: biased\nkind: agentclinic\nparams: {bias: recency, target: lung cancer}\n")
    own = {"bias": "self_diagnosis", "target": "lung cancer"} if seat == "patient" else {}
    plain, other = recipes.Recipe(id="x", patient="role"), recipes.Recipe(id="x", patient="role", **own)
    agents = ("agentclinic", str(biased) if seat == "doctor" else "agentclinic")
    store = Store(tmp_path / "r.db")
    for run, recipe, agent in (("without", plain, agents[0]), ("with", other, agents[1])):
        done = evaluate([agent], recipe=recipe, cases=[str(DATA / "mini.yaml")], trials=3, store=store, run=run, seats=Seats(Scripted(say)))
        assert (done.played, done.errors) == (3, [])
    found = by_name(paired(stored.played(store, "without"), stored.played(store, "with")))
    assert found["effect_on_accuracy"].value == -1.0
    assert found["unpaired"].value == 0.0, "runs share their seeds"
