"""The posterior is exact: it agrees with Bayes' rule over all patients, and with what sampled patients turn out to have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medsim.world.belief import Gain, posterior, start, update
from medsim.world.patients import Draw, keys, sample
from medsim.world.schema import World
from medsim.world.tables import ABSENT, PRESENT, UNSURE, Tables, compile_world
from tests.world.conftest import NOISE, small


@pytest.mark.parametrize("noise", [None, NOISE])
def test_the_posterior_is_calibrated_on_sampled_patients(world: World, noise: Any) -> None:
    tables = compile_world(world, noise=noise)
    drawn = sample(tables, 60_000, seed=3)
    asked = drawn.reported.astype(int)
    asked[:, 1] = np.where(asked[:, 0] >= PRESENT, asked[:, 1], -1)
    asked[:, 3] = np.where(tables.allowed[drawn.group, 3], asked[:, 3], -1)
    told = drawn.complaint
    asked[np.arange(len(drawn)), told] = np.where(told >= 0, -1, asked[np.arange(len(drawn)), told])
    asked[:, 1] = np.where((told == 0) | (asked[:, 0] >= PRESENT), drawn.reported[:, 1], -1)
    belief = np.exp(posterior(tables, group=drawn.group, complaint=told, outcomes=asked))
    true, looked_at = np.eye(3)[drawn.condition], 0
    for d in range(3):
        for low in np.arange(0, 1, 0.1):
            inside = (belief[:, d] >= low) & (belief[:, d] < low + 0.1)
            if inside.sum() > 300:
                looked_at += 1
                gap = true[inside, d].mean() - belief[inside, d].mean()
                assert abs(gap) < 4 * np.sqrt(0.25 / inside.sum()), (d, low, gap)
    assert looked_at >= 15, "of thirty bins"


def test_asking_one_by_one_and_all_at_once_agree(world: World) -> None:
    tables = compile_world(world, noise=NOISE)
    group, complaint = np.array([0, 2]), np.array([0, -1])
    log = start(tables, group=group, complaint=complaint)
    for f, outcome in ((1, [0, 2]), (2, [3, 1]), (4, [2, 0])):
        log = update(tables, log, finding=np.array([f, f]), outcome=np.array(outcome))
    outcomes = np.array([[-1, 0, 3, -1, 2], [-1, 2, 1, -1, 0]])
    assert np.allclose(np.exp(log), np.exp(posterior(tables, group=group, complaint=complaint, outcomes=outcomes)), atol=1e-5)


def test_bayes_by_hand(world: World) -> None:
    tables = compile_world(world)
    group = tables.group_of(age=20, female=False)
    log = start(tables, group=np.array([group]), complaint=np.array([-1]))
    b = np.exp(update(tables, log, finding=np.array([4]), outcome=np.array([PRESENT])))[0]
    weight = np.array([0.6 * 0.2, 0.3 * 0.2, 0.1 * (1 - 0.8 * 0.05)])
    assert np.allclose(b, weight / weight.sum(), atol=1e-5)


def gain_by_hand(tables: Tables, b: Any, f: int) -> float:
    def entropy(p: Any) -> float:
        p = p[p > 0]
        return float(-(p * np.log(p)).sum())

    rows = tables.likelihood[tables.offset[f] : tables.offset[f] + 2 + max(int(tables.values[f]), 1)]
    chance = rows @ b
    return entropy(b) - sum(c * entropy(row * b / c) for c, row in zip(chance, rows, strict=True) if c > 0)


@pytest.mark.parametrize("noise", [None, NOISE])
def test_expected_gain_is_the_expected_fall_of_entropy(world: World, noise: Any) -> None:
    tables = compile_world(world, noise=noise)
    b = np.array([[0.5, 0.3, 0.2], [0.05, 0.05, 0.9], [1 / 3, 1 / 3, 1 / 3]])
    found = Gain.of(tables)(b)
    assert np.allclose(found, [[gain_by_hand(tables, row, f) for f in range(5)] for row in b], atol=1e-5)


def test_a_patient_is_a_function_of_its_key(world: World) -> None:
    draw = Draw.of(compile_world(world, noise=NOISE))
    many = draw.patients(keys(5, 200))
    alone = draw.patients(keys(5, 200)[[17, 3]])
    for name in ("group", "age", "condition", "complaint", "reported", "present"):
        assert (getattr(alone, name) == getattr(many, name)[[17, 3]]).all(), name


def test_frequencies_are_those_of_the_world(world: World) -> None:
    tables = compile_world(world.model_copy(update={"opening": "none"}))
    drawn = sample(tables, 80_000, seed=0)
    assert drawn.present is not None
    shares = np.bincount(drawn.condition, minlength=3) / len(drawn)
    assert np.allclose(shares, tables.weight @ tables.prior, atol=0.01)
    for d in range(3):
        of = drawn.condition == d
        assert np.allclose(drawn.present[of, 0].mean(), tables.present[d, 0], atol=0.02)
        assert np.allclose(drawn.present[of, 1].mean(), tables.present[d, 0] * tables.present[d, 1], atol=0.02)
    assert not drawn.present[tables.female[drawn.group] == 0, 3].any(), "no man has what only women have"
    assert set(np.unique(drawn.age // 40)) == {0, 1, 2}


def test_noise_garbles_as_often_as_it_says() -> None:
    world = World.model_validate(small(opening="none", noise={"history": {"unsure": 0.2, "flip": 0.1, "omit": 0.3}}))
    drawn = sample(compile_world(world), 80_000, seed=1)
    assert drawn.present is not None
    has, says = drawn.present[:, 0], np.sign(drawn.reported[:, 0] - UNSURE)
    assert np.isclose((says[has] == 0).mean(), 0.2, atol=0.01)
    assert np.isclose((says[has] == -1).mean(), 0.4, atol=0.01)
    assert np.isclose((says[~has] == 1).mean(), 0.1, atol=0.01)
    assert np.isclose((says[~has] == 0).mean(), 0.2, atol=0.01)


def test_a_value_is_drawn_by_its_weight(world: World) -> None:
    drawn = sample(compile_world(world.model_copy(update={"opening": "none"})), 40_000, seed=2)
    flu = (drawn.condition == 1) & (drawn.reported[:, 2] != ABSENT)
    assert np.isclose((drawn.reported[flu, 2] == PRESENT + 1).mean(), 0.9, atol=0.02)


@pytest.mark.parametrize(("age", "group"), [(5, (18, 39)), (18, (18, 39)), (39, (18, 39)), (40, (40, 80)), (80, (40, 80)), (99, (40, 80))])
def test_a_patient_whom_the_population_lacks_is_of_the_nearest_ages(age: int, group: tuple[int, int]) -> None:
    changed = small(population=[{"ages": [40, 80], "weight": 1}, {"ages": [18, 39], "weight": 1}])
    tables = compile_world(World.model_validate(changed))
    for female in (False, True):
        found = tables.group_of(age=age, female=female)
        assert (tuple(tables.ages[found].tolist()), bool(tables.female[found])) == (group, female)
