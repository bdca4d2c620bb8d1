"""Bots that look for pay without work earn less than honest questions, and shaping pays them nothing more."""

from __future__ import annotations

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

import medsim  # noqa: F401
from medsim.errors import ActionError
from medsim.policy import Greedy, play
from medsim.policy.bots import bots
from medsim.world.game import Game, Task
from medsim.world.game import game as made_game
from medsim.world.inquiry import WorldVectorEnv
from tests.policy.conftest import patients

SHAPING = 0.3


@pytest.mark.parametrize("task", ["inquiry", "workup"])
def test_every_bot_earns_less_than_greedy_and_none_gains_by_shaping(task: Task, clear: Game) -> None:
    game = clear if task == "inquiry" else made_game("sore-throat", task=task)
    met = patients(game, 600)
    greedy = play(Greedy(game.tables), game, met, shaping=SHAPING)
    names = []
    for bot in bots(game):
        played = play(bot, game, met, shaping=SHAPING)
        margin = float((greedy.earned - played.earned).mean())
        print(f"{task}: {bot.name} earns {margin:.3f} less than greedy")
        assert margin > 0.01, bot.name
        assert np.allclose(played.shaping, greedy.shaping, atol=1e-4), bot.name
        assert np.allclose(played.shaping, SHAPING, atol=1e-4), bot.name
        names.append(bot.name)
    assert {"ask forever", "guess at once", "repeat", "name facts", "edge", "illegal"} <= set(names)
    assert task == "inquiry" or {"treat everything", "ask for the diagnosis"} <= set(names)


def test_who_never_ends_is_cut_and_earns_less_than_a_guess(clear: Game) -> None:
    by_name = {bot.name: play(bot, clear, patients(clear, 200)) for bot in bots(clear)}
    assert by_name["ask forever"].truncated.all()
    assert by_name["ask forever"].earned.max() < by_name["guess at once"].earned.mean()


def test_a_proposal_before_its_time_says_nothing_of_the_condition(workup: Game) -> None:
    """With no diagnosis allowed yet, naming the right condition is paid, and shown, exactly as naming a wrong one."""
    game = replace(workup, min_turn=3, masked=False)
    env = WorldVectorEnv(200, world=game)
    first, _ = env.reset(seed=0)
    right = env.truth == 0
    assert 0 < right.sum() < 200
    seen, reward, ended, _, info = env.step(np.full(200, game.stop))
    assert not ended.any()
    assert len(np.unique(reward)) == 1
    assert (info["diagnosis"] == -1).all()
    assert isinstance(seen, dict)
    assert isinstance(first, dict)
    assert all(np.array_equal(seen[name], first[name]) for name in first if name != "budget")


def test_nothing_is_paid_after_the_end(clear: Game) -> None:
    env = gym.make("medsim/Inquiry-v0", world=clear.tables).unwrapped
    env.reset(seed=0)
    env.step(clear.stop)
    with pytest.raises(ActionError, match="over"):
        env.step(clear.stop)
    many = WorldVectorEnv(4, world=clear, autoreset_mode="Disabled")
    many.reset(seed=0)
    _, _, _, _, info = many.step(np.full(4, clear.stop))
    with pytest.raises(ActionError, match="over"):
        many.step(np.full(4, clear.stop))
    assert (info["return_unshaped"] <= 1).all()
