"""Learners learn, by the same seed the same, and a checkpoint stays in its world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medsim.errors import ActionError
from medsim.policy import Greedy, Silent, play
from medsim.policy.imitate import imitate
from medsim.policy.learned import Learned
from medsim.policy.net import Net, drawn, log_softmax
from medsim.policy.ppo import Rollout, Terms, advantages, averaged, ppo
from medsim.policy.training import Clock, Stream
from medsim.world.game import Game, game
from medsim.world.procedural import trap_world
from medsim.world.tables import compile_world
from tests.policy.conftest import made, patients

SMALL = Terms(envs=64, length=16, batch=512)


def test_the_slopes_are_those_of_the_function() -> None:
    """A tiny step along the given slope changes the loss by as much as a finite difference says."""
    rng = np.random.default_rng(0)
    net = Net((5, 7, 6, 3), rng=rng, last=1.0)
    x, aim = rng.normal(size=(11, 5)).astype(np.float32), rng.normal(size=(11, 3)).astype(np.float32)
    taken: list[np.ndarray] = []  # type: ignore[type-arg]
    net._adam = lambda slopes, *, scale, rate: taken.extend(slopes)  # type: ignore[method-assign]
    through = net.forward(x)
    net.learn(through, through[-1] - aim, rate=0.0)
    for weight, slope in zip(net.weights, taken, strict=True):
        at = tuple(int(rng.integers(size)) for size in weight.shape)
        was, loss = weight[at], []
        for nudge in (1e-2, -1e-2):
            weight[at] = was + np.float32(nudge)
            loss.append(0.5 * float(((net(x) - aim) ** 2).sum()))
        weight[at] = was
        assert (loss[0] - loss[1]) / 2e-2 == pytest.approx(float(slope[at]), rel=0.05, abs=0.02)


def test_what_is_illegal_is_never_drawn() -> None:
    rng = np.random.default_rng(0)
    mask = (rng.random((4000, 9)) < 0.3).astype(np.int8)
    mask[:, 4] = 1
    logs = log_softmax(rng.normal(size=(4000, 9)).astype(np.float32) * 3, mask)
    chosen = drawn(logs, rng)
    assert (mask[np.arange(4000), chosen] == 1).all()
    assert np.allclose(np.exp(logs).sum(axis=1), 1, atol=1e-5)


def test_advantages_are_returns_less_values_where_nothing_is_traced_away() -> None:
    reward = np.array([[1.0], [2.0], [4.0], [8.0]], dtype=np.float32)
    over = np.array([[False], [True], [False], [False]])
    value = np.array([[0.5], [0.25], [0.125], [1.0]], dtype=np.float32)
    made_ = Rollout(reward, over.astype(np.int8), over.astype(np.int64), reward, value, reward, over)
    found = advantages(made_, np.array([16.0], dtype=np.float32), trace=1.0)
    assert found[:, 0].tolist() == [3 - 0.5, 2 - 0.25, 28 - 0.125, 24 - 1.0]


def test_the_averaged_reward_has_the_mean_of_the_one_drawn(noisy: Game) -> None:
    stream, stop = Stream(noisy, 20_000, seed=0), noisy.stop
    known = stream.view().belief.copy()
    reward, _ = stream.step(np.full(20_000, stop))
    change = averaged(stream, np.full(20_000, stop), known)
    assert abs(float(change.mean())) < 4 * float(change.std()) / np.sqrt(20_000)
    assert (reward + change).std() < 0.8 * reward.std()


def test_dagger_comes_close_to_its_teacher(clear: Game) -> None:
    met, teacher = patients(clear), Greedy(clear.tables)
    policy, curve = imitate(clear, teacher, seed=0, steps=40_000, hidden=(64,), envs=64, batch=256)
    taught, shown, silent = (float(play(p, clear, met).earned.mean()) for p in (policy, teacher, Silent()))
    assert taught > silent + 0.8 * (shown - silent)
    assert len(curve) > 10


def test_ppo_beats_greedy_where_greedy_fails() -> None:
    trap = game(compile_world(trap_world(0, pairs=3, decoys=8)))
    policy, curve = ppo(trap, seed=0, steps=100_000, hidden=(32,), sight="belief", terms=Terms(envs=64, length=32, batch=512, rate=2e-3))
    met = patients(trap)
    gap = play(policy, trap, met).earned - play(Greedy(trap.tables), trap, met).earned
    assert gap.mean() - 4 * gap.std() / np.sqrt(len(gap)) > 0.1
    assert curve[-1].earned > curve[0].earned + 0.3


def test_the_same_seed_trains_the_same_policy(clear: Game) -> None:
    one, same, other = (ppo(clear, seed=s, steps=4096, hidden=(16,), terms=SMALL)[0].net.weights[0] for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_going_on_leaves_the_policy_it_began_with_as_it_was(clear: Game) -> None:
    start, _ = imitate(clear, Greedy(clear.tables), seed=0, steps=2048, hidden=(16,), envs=64)
    before = [weight.copy() for weight in start.net.weights]
    after, _ = ppo(clear, seed=0, steps=8192, start=start, terms=replace(SMALL, warm=1))
    assert all(np.array_equal(a, b) for a, b in zip(before, start.net.weights, strict=True))
    assert not np.array_equal(before[0], after.net.weights[0])
    assert after.eyes.sight == start.eyes.sight


def test_with_gains_in_sight_an_untrained_policy_asks_as_greedy_does(clear: Game) -> None:
    fresh, greedy = Learned.fresh(clear, seed=0, hidden=(16,)), Greedy(clear.tables)
    asked = []

    class Both(Greedy):
        def act(self, view):  # type: ignore[no-untyped-def]
            ours, theirs = fresh.act(view), greedy.act(view)
            asked.append((ours == theirs)[theirs < clear.findings].mean() if (theirs < clear.findings).any() else 1.0)
            return theirs

    play(Both(clear.tables), clear, patients(clear, 100))
    assert np.mean(asked) > 0.9


def test_a_checkpoint_comes_back_as_it_was(clear: Game, tmp_path: Path) -> None:
    policy = Learned.fresh(clear, seed=3, hidden=(16, 8), sight="belief", name="mine")
    policy.save(tmp_path / "p.npz")
    again = Learned.load(tmp_path / "p.npz", game=clear)
    met = patients(clear, 50)
    assert again.name == "mine"
    assert np.array_equal(play(policy, clear, met).earned, play(again, clear, met).earned)


def test_a_checkpoint_from_another_world_or_task_is_refused(clear: Game, trap: Game, tmp_path: Path) -> None:
    policy = Learned.fresh(clear, seed=0, hidden=(8,))
    policy.save(tmp_path / "p.npz")
    for other in (trap, made(task="workup")):
        with pytest.raises(ActionError, match="another world or task"):
            Learned.load(tmp_path / "p.npz", game=other)
        with pytest.raises(ActionError, match="another world or task"):
            play(policy, other, patients(other, 3))


def test_the_same_world_with_noisier_patients_is_the_same_world(clear: Game, noisy: Game, tmp_path: Path) -> None:
    Learned.fresh(clear, seed=0, hidden=(8,)).save(tmp_path / "p.npz")
    assert play(Learned.load(tmp_path / "p.npz", game=noisy), noisy, patients(noisy, 20)).name == "learned"


def test_what_is_no_checkpoint_is_refused(clear: Game, tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_bytes(b"no")
    for path in (tmp_path / "p.npz", tmp_path / "none.npz"):
        with pytest.raises(ActionError, match="not a policy"):
            Learned.load(path, game=clear)


def test_a_training_has_a_length() -> None:
    with pytest.raises(ActionError, match="at least one step"):
        Clock(0)
