"""Greedy questions are not optimal: shown by dynamic programming over every history of a small world."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import ActionError
from medsim.world.exact import Exact
from medsim.world.inquiry import WorldVectorEnv
from medsim.world.procedural import random_world, trap_world
from medsim.world.tables import compile_world


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("depth", [1, 2])
def test_greedy_is_not_optimal_behind_a_gate(seed: int, depth: int) -> None:
    tables = compile_world(trap_world(seed, pairs=2, decoys=3, depth=depth))
    exact = Exact(tables)
    best, first = exact.best()
    assert tables.world.findings[first].id == "gate0", "the best first question tells nothing by itself"
    assert best > exact.greedy_best_stop() + 0.02
    assert exact.greedy_best_stop() >= exact.greedy() - 1e-9


def test_the_best_value_is_what_its_policy_earns_in_the_environment() -> None:
    tables = compile_world(trap_world(0, pairs=2, decoys=2))
    exact = Exact(tables)
    value, _ = exact.best()
    n = 20_000
    env = WorldVectorEnv(n, world=tables)
    env.reset(seed=0)
    names = tables.finding_index
    total = np.zeros(n)
    _, reward, *_ = env.step(np.full(n, names["gate0"]))
    total += reward
    seen, reward, *_ = env.step(np.full(n, names["key"]))
    total += reward
    opened = seen["findings"][:, names["key"]] == 1
    assert 0.94 < opened.mean() < 0.98
    _, reward, *_ = env.step(np.full(n, env.game.stop))
    assert (reward[opened] == 1).all()
    assert value >= total[opened].mean() * opened.mean() - 0.5 * (1 - opened.mean())
    assert value <= 0.98


def test_asking_at_random_is_no_better_than_the_best_and_stopping_at_once_is_the_prior() -> None:
    tables = compile_world(trap_world(1, pairs=2, decoys=3))
    exact = Exact(tables)
    assert np.isclose(exact.follow(lambda b, legal: None), 0.25 - 0.75 * 0.5)
    assert exact.follow(lambda b, legal: legal[-1]) <= exact.best()[0] + 1e-9


def test_what_cannot_be_searched_through_is_refused() -> None:
    with pytest.raises(ActionError, match="At most 14 findings"):
        Exact(compile_world(random_world(0)))


def test_with_one_turn_left_nothing_is_asked_and_with_two_one_question_is() -> None:
    tables = compile_world(trap_world(1, pairs=2, decoys=3))
    at_once = 0.25 - 0.75 * 0.5
    assert Exact(tables, turns=1).best() == (pytest.approx(at_once), len(tables.offset))
    assert Exact(tables, turns=2).best()[0] >= at_once
    assert Exact(tables, turns=3).best()[0] > Exact(tables, turns=1).best()[0]
