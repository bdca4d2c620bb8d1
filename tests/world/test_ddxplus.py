"""DDXPlus: the official format on a synthetic fixture, and the table of marginals where a copy is at hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsim.errors import CaseError
from medsim.world import ddxplus, lint
from medsim.world.belief import Gain
from medsim.world.inquiry import WorldVectorEnv
from medsim.world.tables import PRESENT, Tables, compile_world
from tests.conftest import SHARED

COPY = SHARED / "ddxplus"
"""One's own copy: symptom_condition_probs.json and release_evidences.json."""


def evidence(code: str, kind: str = "B", *, above: str = "", antecedent: bool = False, default: Any = 0) -> dict[str, Any]:
    meaning = {"V_1": {"fr": "gorge", "en": "throat"}, "V_2": {"fr": "nez", "en": "nose"}, "V_0": {"fr": "nulle part", "en": "nowhere"}}
    return {
        "name": code, "code_question": above or code, "question_fr": "?", "question_en": f"Do you have {code}?", "is_antecedent": antecedent,
        "default_value": default, "value_meaning": meaning if kind != "B" else {}, "possible-values": list(meaning) if kind != "B" else [],
        "data_type": kind,
    }  # fmt: skip


@pytest.fixture
def official(tmp_path: Path) -> Path:
    items = [
        evidence("E_1"), evidence("E_2"), evidence("E_3", "C", above="E_2", default="V_0"), evidence("E_4", antecedent=True),
        evidence("E_5", "M", default="V_0"),
    ]  # fmt: skip
    (tmp_path / "release_evidences.json").write_text(json.dumps({item["name"]: item for item in items}))
    about = {
        name: {
            "condition_name": name,
            "cond-name-eng": name,
            "icd10-id": code,
            "severity": severity,
            "symptoms": {"E_1": {}},
            "antecedents": {},
        }
        for name, code, severity in (("Bronchite", "J20.9", 4), ("Embolie pulmonaire", "I26", 2))
    }
    (tmp_path / "release_conditions.json").write_text(json.dumps(about))
    rng = np.random.default_rng(0)
    with (tmp_path / "release_train_patients.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["AGE", "DIFFERENTIAL_DIAGNOSIS", "SEX", "PATHOLOGY", "EVIDENCES", "INITIAL_EVIDENCE"])
        for i in range(400):
            lung = i % 4 == 0
            listed = ["E_1"] if rng.random() < (0.3 if lung else 0.9) else []
            if rng.random() < (0.9 if lung else 0.4) or not listed:
                listed += ["E_2", f"E_3_@_V_{1 if lung else 2}"]
            listed += ["E_5_@_V_1", "E_5_@_V_2"] if lung else ["E_5_@_V_0"]
            name = "Embolie pulmonaire" if lung else "Bronchite"
            writer.writerow([30 + i % 60, str([[name, 0.7], ["x", 0.3]]), "FM"[i % 2], name, str(listed), listed[0]])
    return tmp_path


def world_of(folder: Path) -> Any:
    return ddxplus.from_patients(
        folder / "release_train_patients.csv", folder / "release_evidences.json", folder / "release_conditions.json"
    )


def test_frequencies_gates_and_values_are_counted(official: Path) -> None:
    world = world_of(official)
    assert not [str(fault) for fault in lint(world) if fault.level == "error"]
    tables = compile_world(world)
    lung, child = tables.condition_index["embolie-pulmonaire"], tables.finding_index["E_3"]
    assert world.conditions[lung].must_not_miss
    assert np.isclose(world.conditions[lung].prior, 0.25)
    assert tables.parent[child] == tables.finding_index["E_2"]
    assert np.isclose(tables.present[lung, child], 1.0), "every patient with the parent has a value"
    assert tables.likelihood[tables.offset[child] + PRESENT, lung] > 0.99
    assert tables.present[1 - lung, tables.finding_index["E_5"]] == 0, "the value that says 'none' is absence"


def test_official_patients_are_played(official: Path) -> None:
    tables = compile_world(world_of(official))
    found = list(ddxplus.records(official / "release_train_patients.csv", limit=8))
    assert found[0].differential[0] == ("Embolie pulmonaire", 0.7)
    held = ddxplus.bank(tables, found, official / "release_evidences.json")
    env = WorldVectorEnv(8, world=tables, bank=held, in_order=True)
    seen, _ = env.reset(seed=0)
    assert [tables.world.conditions[d].name for d in env.truth] == [record.pathology for record in found]
    first = [tables.finding_index[record.initial] for record in found]
    assert (seen["findings"][np.arange(8), first] == 1).all()
    seen, *_ = env.step(np.full(8, tables.finding_index["E_5"]))
    assert seen["findings"][:, tables.finding_index["E_5"]].tolist() == [1, -1, -1, -1, 1, -1, -1, -1]


def test_what_is_no_ddxplus_is_refused_in_words(official: Path) -> None:
    with pytest.raises(CaseError, match="Give your own copy"):
        list(ddxplus.records(official / "nowhere.csv"))
    bad = official / "bad.csv"
    bad.write_text("AGE,SEX\n1,M\n")
    with pytest.raises(CaseError, match="PATHOLOGY, EVIDENCES, INITIAL_EVIDENCE are missing"):
        list(ddxplus.records(bad))
    bad.write_text("AGE,SEX,PATHOLOGY,EVIDENCES,INITIAL_EVIDENCE\n4,F,x,__import__('os'),E_1\n")
    with pytest.raises(CaseError, match=r"bad\.csv:2: not a patient"):
        list(ddxplus.records(bad))
    with pytest.raises(CaseError, match="'conditions' is missing"):
        ddxplus.from_marginals(official / "release_conditions.json", official / "release_evidences.json")


def greedy(tables: Tables, *, certain: float, patients: int) -> tuple[float, float, float]:
    """Return, accuracy and questions of greedy information gain, at +1 and -1."""
    gain = Gain.of(tables)
    env = WorldVectorEnv(patients, world=tables, belief=True, reward={"block": -1, "wrong": -1, "missed": -1})
    seen, info = env.reset(seed=0)
    left = np.ones(patients, dtype=bool)
    total, right, asked = np.zeros(patients), np.zeros(patients), np.zeros(patients)
    while left.any():
        worth = np.where(info["action_mask"][:, :-1] == 1, gain(seen["belief"]), -1)
        stop = (seen["belief"].max(axis=1) >= certain) | (info["turn"] == 29)
        seen, _, _, _, info = env.step(np.where(stop, env.game.stop, worth.argmax(axis=1)))
        if "final_info" in info:
            now, final = info["_final_info"] & left, info["final_info"]
            total[now], right[now], asked[now] = (final[name][now] for name in ("return_unshaped", "success", "turn"))
            left &= ~now
    return float(total.mean()), float(right.mean()), float(asked.mean()) - 1


@pytest.mark.skipif(not (COPY / "symptom_condition_probs.json").is_file(), reason="no copy of the DDXPlus marginals")
def test_greedy_reproduces_its_row_on_the_marginals() -> None:
    world = ddxplus.from_marginals(COPY / "symptom_condition_probs.json", COPY / "release_evidences.json", gated=False)
    assert (len(world.conditions), len(world.findings)) == (49, 223)
    value, accuracy, questions = greedy(compile_world(world), certain=0.99, patients=4096)
    assert abs(value - 0.8985) < 0.012, "three standard errors"
    assert abs(accuracy - 0.990) < 0.006
    assert abs(questions - 8.2) < 0.4
