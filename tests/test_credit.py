"""Each turn is credited with what the environment revealed in it, once."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from medsim import credit, recipe, world
from medsim.consult import Consult
from medsim.errors import ActionError
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import Monitor
from medsim.rubric.scorecard import ending
from medsim.world.belief import posterior
from medsim.world.game import game
from medsim.world.settling import Reckoning
from medsim.world.tables import PRESENT
from medsim.world.teacher import Teacher
from medsim.world.telling import tell

TABLES = world.compile_world(world.load("sore-throat"))
PATIENTS = world.sample(TABLES, 20, seed=5)
PATHS = [[[f] for f in Teacher(TABLES, certain=1.0, most=8).path(PATIENTS, row)] for row in range(20)]


def worth(row: int, findings: list[int]) -> float:
    outcomes = np.full((1, len(TABLES.offset)), -1, dtype=np.int64)
    outcomes[0, findings] = PATIENTS.reported[row, findings]
    group, complaint = PATIENTS.group[row : row + 1], PATIENTS.complaint[row : row + 1]
    return float(posterior(TABLES, group=group, complaint=complaint, outcomes=outcomes)[0, PATIENTS.condition[row]])


def test_the_information_of_the_turns_adds_up_to_what_all_brought() -> None:
    for row, turns in enumerate(PATHS):
        every = [f for turn in turns for f in turn]
        assert every
        assert sum(credit.information(TABLES, PATIENTS, turns, row=row)) == pytest.approx(
            credit.information(TABLES, PATIENTS, [every], row=row)[0], abs=1e-4
        )
        towards = credit.towards_truth(TABLES, PATIENTS, turns, row=row)
        assert sum(towards) == pytest.approx(worth(row, every) - worth(row, []), abs=1e-4)


def test_asking_again_and_naming_what_was_not_told_bring_nothing() -> None:
    for measure in (credit.information, credit.towards_truth, credit.shapley_gain):
        once = measure(TABLES, PATIENTS, PATHS[0])
        again = measure(TABLES, PATIENTS, [turn for turn in PATHS[0] for _ in range(2)])
        assert again[0::2] == pytest.approx(once, abs=1e-5)
        assert again[1::2] == pytest.approx([0.0] * len(once), abs=1e-6)
        assert measure(TABLES, PATIENTS, [[], []]) == [0.0, 0.0]


def test_shapley_values_are_the_mean_over_all_orders_and_add_up() -> None:
    for row in range(6):
        findings = [turn[0] for turn in PATHS[row]][:4]
        value = credit.shapley(TABLES, PATIENTS, findings, row=row)
        expected = np.zeros(len(findings))
        orders = list(permutations(range(len(findings))))
        for order in orders:
            for at, i in enumerate(order):
                before = [findings[j] for j in order[:at]]
                expected[i] += worth(row, [*before, findings[i]]) - worth(row, before)
        assert value == pytest.approx(expected / len(orders), abs=1e-4)
        assert value.sum() == pytest.approx(worth(row, findings) - worth(row, []), abs=1e-4)


def test_with_many_facts_permutations_come_near_the_exact_values(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = list(range(9))
    exact = credit.shapley(TABLES, PATIENTS, findings)
    monkeypatch.setattr(credit, "ENUMERATED", 3)
    drawn = credit.shapley(TABLES, PATIENTS, findings, seed=1)
    assert drawn.sum() == pytest.approx(exact.sum(), abs=1e-6)
    assert drawn == pytest.approx(exact, abs=0.1)
    assert list(drawn) == list(credit.shapley(TABLES, PATIENTS, findings, seed=1))


def test_shapley_gain_is_a_share_of_one_and_counts_only_what_is_there() -> None:
    row = 0
    there = [int(f) for f in np.flatnonzero(PATIENTS.reported[row] >= PRESENT) if f != PATIENTS.complaint[row]]
    absent = [int(f) for f in np.flatnonzero(PATIENTS.reported[row] < PRESENT)]
    assert sum(credit.shapley_gain(TABLES, PATIENTS, [[f] for f in there], row=row)) == pytest.approx(1.0)
    assert credit.shapley_gain(TABLES, PATIENTS, [absent], row=row) == [0.0]
    with pytest.raises(ActionError, match="temperature"):
        credit.shapley_gain(TABLES, PATIENTS, [[0]], temperature=0)
    with pytest.raises(ActionError, match="given once"):
        credit.shapley(TABLES, PATIENTS, [1, 1])


def test_text_turns_are_credited_for_what_was_told_and_not_for_what_was_named() -> None:
    play = game(TABLES)
    for row in range(4):
        told = tell(TABLES, PATIENTS, row)
        consult, seat = Consult(told.case), ScriptedPatient(told.case.brief())
        consult.play("say: fever, cough, runny nose, stridor and drooling, I suppose.\nsay: I name every fact there is.", seat)
        for turn in PATHS[row][:4]:
            consult.play(told.words(play, turn[0]), seat)
        turns = credit.told_in(Reckoning(told, play), consult.events)
        assert turns[1:] == [[f] for (f,) in PATHS[row][:4] if f not in turns[0]] or turns[0]
        fresh = credit.first_told(turns)
        assert credit.information(TABLES, told.patients, turns) == credit.information(TABLES, told.patients, fresh)


def test_rubric_points_by_turn_add_up_to_what_the_encounter_earned() -> None:
    case = recipe.case_named("winter-cough")
    consult, seat = Consult(case), ScriptedPatient(case.brief())
    for turn in case.golden:
        consult.play(turn, seat)
    points = credit.rubric_points(case, consult.events, consult.outcome())
    monitor = Monitor(case.rubric, case)
    monitor.feed(consult.events)
    assert len(points) == consult.outcome().turns == len(case.golden)
    assert sum(points) == pytest.approx(monitor.earned(ending(consult.outcome())))
    assert sum(point > 0 for point in points) > 5
    assert credit.rubric_points(case, Consult(case).events, Consult(case).outcome()) == []
