"""What the tests share: the small case, and hypothesis without deadlines (first calls load the vocabulary)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from medsim import case as case_module
from medsim.case import Case
from medsim.patient.scripted import ScriptedPatient

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2] / "shared" / "data"

settings.register_profile(
    "medsim", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], derandomize=True
)
settings.load_profile("medsim")


@pytest.fixture(scope="session")
def mini() -> Case:
    return case_module.load(DATA / "mini.yaml")


@pytest.fixture
def patient(mini: Case) -> ScriptedPatient:
    return ScriptedPatient(mini.brief())
