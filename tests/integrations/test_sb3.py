"""The adapter for Stable-Baselines3 plays the very encounters of the vector environment."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("stable_baselines3", reason="stable-baselines3 is not installed (extra rl)")

from medsim.errors import ActionError
from medsim.integrations.sb3 import WorldVecEnv
from medsim.world.inquiry import WorldVectorEnv
from tests.policy.conftest import made

GAME = made(observation="flat")


def test_it_plays_what_the_vector_environment_plays() -> None:
    ours, theirs = WorldVecEnv(5, world=GAME, seed=3), WorldVectorEnv(5, world=GAME)
    seen, (plain, _) = ours.reset(), theirs.reset(seed=3)
    assert np.array_equal(seen, plain)
    rng, ends = np.random.default_rng(0), 0
    for _ in range(80):
        mask = np.stack(ours.env_method("action_masks"))
        assert np.array_equal(mask, theirs.action_masks() != 0)
        actions = np.where(mask, rng.random(mask.shape), -1).argmax(axis=1)
        seen, reward, over, infos = ours.step(actions)
        plain, paid, ended, cut, info = theirs.step(actions)
        assert np.array_equal(seen, plain)
        assert np.array_equal(reward, paid)
        assert np.array_equal(over, ended | cut)
        for i in np.flatnonzero(over):
            ends += 1
            assert np.array_equal(infos[i]["terminal_observation"], info["final_obs"][i])
            assert infos[i]["episode"]["r"] == pytest.approx(float(info["final_info"]["return_unshaped"][i]))
        assert all(not infos[i] for i in np.flatnonzero(~over))
    assert ends > 5


def test_a_seed_holds_for_one_reset() -> None:
    env = WorldVecEnv(3, world=GAME, seed=1)
    first, second = env.reset(), env.reset()
    assert not np.array_equal(first, second)
    env.seed(1)
    assert np.array_equal(env.reset(), first)


def test_masks_are_found_as_sb3_contrib_looks_for_them() -> None:
    masking = pytest.importorskip("sb3_contrib.common.maskable.utils", reason="sb3-contrib is not installed (extra rl)")
    env = WorldVecEnv(4, world=GAME)
    env.reset()
    assert masking.is_masking_supported(env)
    assert masking.get_action_masks(env).shape == (4, GAME.actions)
    assert len(env.env_method("action_masks", indices=[1, 3])) == 2


def test_maskable_ppo_trains_on_it_and_acts_legally() -> None:
    contrib = pytest.importorskip("sb3_contrib", reason="sb3-contrib is not installed (extra rl)")
    import torch

    torch.set_num_threads(1)
    env = WorldVecEnv(16, world=GAME)
    model = contrib.MaskablePPO("MlpPolicy", env, n_steps=16, batch_size=128, n_epochs=2, seed=0, device="cpu")
    model.learn(512)
    env.seed(5)
    seen = env.reset()
    for _ in range(40):
        mask = np.stack(env.env_method("action_masks"))
        actions, _ = model.predict(seen, action_masks=mask)
        assert mask[np.arange(16), actions].all()
        seen, _, _, _ = env.step(actions)


def test_what_it_cannot_do_it_refuses() -> None:
    env = WorldVecEnv(2, world=GAME)
    with pytest.raises(ActionError, match="action_masks"):
        env.env_method("action_mask")
    with pytest.raises(ActionError, match="cannot be set"):
        env.set_attr("max_turns", 3)
    assert env.env_is_wrapped(object) == [False, False]  # type: ignore[arg-type]
    assert not env.has_attr("nothing")
