"""Worlds as content: what is read, what is refused and with which words, what the lint finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from medsim.errors import CaseError
from medsim.world import lint, load, names
from medsim.world.procedural import random_world, trap_world
from medsim.world.schema import World
from medsim.world.tables import compile_world
from tests.world.conftest import small


def written(tmp_path: Path, data: dict[str, Any]) -> str:
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return str(path)


def changed(part: str, index: int, **values: Any) -> dict[str, Any]:
    data = small()
    data[part][index] = {**data[part][index], **values}
    return data


@pytest.mark.parametrize("name", names())
def test_a_shipped_world_has_no_error(name: str) -> None:
    world = load(name)
    assert world.id == name
    assert not [str(fault) for fault in lint(world) if fault.level == "error"]


def test_there_is_a_world_to_begin_with() -> None:
    assert "sore-throat" in names()


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(CaseError, match="Did you mean 'sore-throat'"):
        load("sore-throt")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (changed("findings", 1, leak=1.2), "less than or equal to 1"),
        (changed("findings", 1, links={"clot": -0.1}), "greater than or equal to 0"),
        (changed("findings", 0, parent="blood"), "goes round: cough -> blood -> cough"),
        (changed("findings", 1, parent="blood"), "goes round: blood -> blood"),
        (changed("findings", 1, links={"clott": 0.1}), "no condition 'clott'. Did you mean 'clot'"),
        (changed("findings", 1, id="cough"), "'cough' stands twice"),
        (changed("findings", 1, leek=0.1), "unknown key 'leek'"),
        (changed("conditions", 0, prior=0), "no patient of this population can have it"),
        (changed("conditions", 2, must_not_miss=False), "Write must_not_miss: true"),
        (changed("conditions", 0, by=[{"ages": [40, 10], "times": 2}]), r"write \[10, 40\]"),
        (small(noise={"history": {"unsure": 0.6, "flip": 0.6}}), "must be at most 1"),
        (small(conditions=[*small()["conditions"], {"id": "twin", "name": "Twin", "prior": 1}, {"id": "twin2", "name": "T", "prior": 1}]), "no finding tells it from 'twin2'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_in_words(tmp_path: Path, data: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        load(written(tmp_path, data))


def test_a_good_world_of_ones_own_is_loaded(tmp_path: Path) -> None:
    assert load(written(tmp_path, small())).conditions[2].must_not_miss


def test_a_condition_without_a_complaint_is_an_error(tmp_path: Path) -> None:
    data = changed("findings", 0, leak=0.0, links={"cold": 0.7})
    data["findings"][2] = {**data["findings"][2], "complaint": 0}
    with pytest.raises(CaseError, match="bring no complaint"):
        load(written(tmp_path, data))


def test_presence_is_noisy_or_and_priors_follow_age(world: World) -> None:
    tables = compile_world(world)
    assert np.isclose(tables.present[0, 0], 1 - 0.9 * 0.3)
    young, old = tables.group_of(age=20, female=True), tables.group_of(age=60, female=True)
    assert np.isclose(tables.prior[young, 2], 0.1)
    assert np.isclose(tables.prior[old, 2], 4 / 13)
    assert np.isclose(tables.weight.sum(), 1)


@pytest.mark.parametrize("noise", [None, {"history": {"unsure": 0.2, "flip": 0.1, "omit": 0.3}}])
def test_every_finding_has_some_outcome(world: World, noise: Any) -> None:
    tables = compile_world(world, noise=noise)
    assert np.allclose(np.add.reduceat(tables.likelihood, tables.offset, axis=0), 1)


def test_a_random_world_is_a_function_of_its_seed_and_passes_the_lint() -> None:
    for seed in range(4):
        assert not [str(fault) for fault in lint(random_world(seed, valued=0.1)) if fault.level == "error"]
    assert random_world(1) == random_world(1)
    assert random_world(1).findings != random_world(2).findings


def test_a_procedural_world_is_named_by_its_id() -> None:
    world = random_world(3, conditions=5, findings=20)
    assert world.id == "random-5x20-3"
    assert load(world.id) == world
    trap = trap_world(2, pairs=2, decoys=3, depth=2)
    assert load(trap.id) == trap
    with pytest.raises(CaseError, match="at most 5,000"):
        load("random-9999x10-1")
