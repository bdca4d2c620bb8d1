"""Small worlds for the tests."""

from __future__ import annotations

from typing import Any

import pytest

from medsim.world.schema import World


def small(**changes: Any) -> dict[str, Any]:
    """Three conditions; a gate, a valued finding, a test, treatments."""
    data: dict[str, Any] = {
        "schema": "medsim.world/1",
        "id": "small",
        "population": [{"ages": [0, 39], "weight": 3}, {"ages": [40, 80], "weight": 1, "female": 0.75}],
        "conditions": [
            {"id": "cold", "name": "Cold", "prior": 6, "severity": 5, "block": "airway"},
            {"id": "flu", "name": "Flu", "prior": 3, "severity": 4, "block": "airway"},
            {"id": "clot", "name": "Clot", "prior": 1, "severity": 1, "must_not_miss": True, "by": [{"ages": [40, 80], "times": 4}]},
        ],
        "findings": [
            {"id": "cough", "name": "Cough", "kind": "history", "question": "Cough?", "complaint": 1, "leak": 0.1, "links": {"cold": 0.7, "flu": 0.6, "clot": 0.4}},
            {"id": "blood", "name": "Blood", "kind": "history", "question": "Blood?", "parent": "cough", "leak": 0.02, "links": {"clot": 0.5}},
            {
                "id": "fever", "name": "Fever", "kind": "history", "question": "Fever?", "complaint": 0.5, "leak": 0.05,
                "links": {"cold": 0.2, "flu": 0.9, "clot": 0.1},
                "values": [{"id": "low", "text": "38", "by": {"flu": 0.2}}, {"id": "high", "text": "40", "by": {"flu": 1.8}}],
            },
            {"id": "late", "name": "Late period", "kind": "history", "question": "Late?", "only_sex": "female", "leak": 0.1, "links": {"clot": 0.2}},
            {"id": "dimer", "name": "D-dimer", "kind": "test", "leak": 0.2, "links": {"clot": 0.95}, "cost": 30},
        ],
        "treatments": [
            {"id": "heparin", "name": "Heparin", "harm": {"cold": 0.6}, "critical": ["clot"]},
            {"id": "thrombolysis", "name": "Thrombolysis", "contraindicated_by": ["blood"]},
        ],
    }  # fmt: skip
    return {**data, **changes}


NOISE = {"history": {"unsure": 0.1, "flip": 0.1, "omit": 0.1}, "lab": {"flip": 0.05}}


@pytest.fixture
def world() -> World:
    return World.model_validate(small())
