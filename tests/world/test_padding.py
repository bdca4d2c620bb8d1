"""Worlds of one shape, and features that mean the same in each."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import CaseError
from medsim.world import load
from medsim.world.game import game
from medsim.world.inquiry import WorldVectorEnv
from medsim.world.padding import action_features, pad
from medsim.world.procedural import random_world
from medsim.world.schema import World


@pytest.mark.parametrize("task", ["inquiry", "workup"])
def test_a_filled_up_world_plays_the_same_and_never_offers_a_filled_place(world: World, task: str) -> None:
    own = WorldVectorEnv(20, world=world, task=task)
    filled = WorldVectorEnv(20, world=pad(world, findings=9, conditions=6, treatments=4), task=task)
    _, info = own.reset(seed=1)
    _, wide = filled.reset(seed=1)
    kept = np.array([filled.game.menu.index(act) for act in own.game.menu])
    assert filled.single_action_space.n == (10 if task == "inquiry" else 19)
    rng = np.random.default_rng(0)
    for _ in range(40):
        assert (wide["action_mask"][:, kept] == info["action_mask"]).all()
        assert wide["action_mask"].sum() == info["action_mask"].sum()
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in info["action_mask"]])
        seen, reward, _, _, info = own.step(actions)
        wide_seen, wide_reward, _, _, wide = filled.step(kept[actions])
        assert np.allclose(reward, wide_reward)
        assert (seen["findings"] == wide_seen["findings"][:, :5]).all()


def test_worlds_of_different_size_get_equal_spaces() -> None:
    a, b = (pad(random_world(seed, conditions=n, findings=4 * n), findings=60, conditions=15) for seed, n in ((0, 10), (1, 15)))
    assert game(a).observation_space == game(b).observation_space
    assert game(a).actions == game(b).actions


def test_a_world_is_not_cut(world: World) -> None:
    with pytest.raises(CaseError, match="has 5 findings, more than the 3"):
        pad(world, findings=3)


def test_the_same_words_have_the_same_features_in_every_world(world: World) -> None:
    here, there = game(world), game(load("sore-throat"))
    a, b = action_features(here), action_features(there)
    assert a.shape == (6, 72)
    assert np.allclose(a[here.number("history", "cough")], b[there.number("history", "cough")])
    assert not np.allclose(a[0], a[2])
