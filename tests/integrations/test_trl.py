"""Encounters as TRL takes them: the class of tools for a world or for cases, the rows of a data set and the reward, without TRL."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from medsim.errors import ActionError, CaseError
from medsim.integrations import trl
from medsim.integrations.trl import EncounterTools


def test_trl_is_not_imported() -> None:
    code = "import sys, medsim.integrations.trl; print(sorted({'trl', 'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_rollouts_of_one_row_meet_the_same_patient_and_rows_of_another_seed_other_ones() -> None:
    first, second = EncounterTools(), EncounterTools()
    for row in trl.rows(8, seed=1):
        random.seed()
        assert first.reset(**row) == second.reset(**row)
        assert first._running().case.hash == second._running().case.hash
        assert first.ask("Have you had a fever?") == second.ask("Have you had a fever?")
    assert {row["seed"] for row in trl.rows(50, seed=1)}.isdisjoint(row["seed"] for row in trl.rows(50, seed=2))


def test_authored_cases_are_rewarded_by_their_rubric() -> None:
    tools = trl.encounter_tools(cases="starter")()
    assert "71-year-old" in tools.reset(seed=0, case="winter-cough")
    start = tools.reward
    tools.examine("vitals")
    tools.ask("Do you have any allergies?")
    tools.treat("oxygen 4 L/min nasal cannula")
    assert tools.reward > start
    tools.diagnose("community-acquired pneumonia; pulmonary embolism")
    assert tools.done
    assert 0 < tools.reward < 1
    final = tools.reward
    tools.treat("amoxicillin 1 g po")
    assert tools.reward == final
    with pytest.raises(CaseError, match="Did you mean 'winter-cough'"):
        tools.reset(seed=0, case="winter-couhg")
    with pytest.raises(ActionError, match="one of the two"):
        trl.encounter_tools()
