"""A drawn patient as the parts of a case: what is read off the patient, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medsim import world
from medsim.world.drawn import GREETING, Drawn, case_of
from medsim.world.patients import Patients
from medsim.world.tables import PRESENT, Tables


@pytest.fixture(scope="module")
def throat() -> Tables:
    return world.compile_world(world.load("sore-throat"))


def drawn(tables: Tables, patients: Patients, row: int) -> Drawn:
    return Drawn.of(tables, patients.take(slice(row, row + 1)))


def test_who_comes_without_a_complaint_only_says_hello(throat: Tables) -> None:
    patients = world.sample(throat, 1, seed=2)
    silent = replace(patients, complaint=np.full_like(patients.complaint, -1))
    case = case_of(drawn(throat, silent, 0), path=[], name="silent", max_turns=30)
    assert case["patient"]["opening"] == GREETING
    assert case["title"].endswith(", no complaint")
    assert "Comes with" not in case["encounters"][0]["door_note"]
    assert "volunteer" not in [fact.get("tier") for fact in case["patient"]["facts"]]


def test_what_the_patient_opens_with_is_told_unasked_and_is_no_action(throat: Tables) -> None:
    patients = world.sample(throat, 8, seed=2)
    for row in range(8):
        one = drawn(throat, patients, row)
        case = case_of(one, path=[], name="x", max_turns=30)
        assert [fact["id"] for fact in case["patient"]["facts"] if fact.get("tier") == "volunteer"] == [one.codes[one.complaint]]
        assert one.codes[one.complaint] not in case["actions"]


def test_a_treatment_that_harms_is_warned_of_and_never_called_for(throat: Tables) -> None:
    patients, findings = world.sample(throat, 40, seed=2), len(throat.world.findings)
    harmed = 0
    for row in range(40):
        one = drawn(throat, patients, row)
        case = case_of(one, path=[], name="x", max_turns=30)
        warned = {code for code, action in case["actions"].items() if "contraindications" in action}
        assert warned == {one.codes[findings + m] for m in one.harmful if one.codes[findings + m]}
        assert ("harmed" in case["states"]) == bool(one.harmful)
        assert not one.harmful & set(one.critical)
        harmed += bool(warned)
    assert harmed


def test_a_fact_that_hangs_on_another_is_told_after_it(throat: Tables) -> None:
    patients, side, sore = world.sample(throat, 60, seed=3), throat.finding_index["throat-side"], throat.finding_index["sore-throat"]
    row = next(row for row in range(60) if patients.reported[row, sore] >= PRESENT and patients.complaint[row] != sore)
    one = drawn(throat, patients, row)
    facts = {fact["id"]: fact for fact in case_of(one, path=[], name="x", max_turns=30)["patient"]["facts"]}
    assert facts[one.codes[side]]["needs"] == {"told": [one.codes[sore]]}
