"""Baselines do what their names say, see no truth, and stand where they belong on the ladder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medsim.errors import ActionError
from medsim.policy import AskAll, Fixed, Greedy, LookAhead, Oracle, Random, Silent, play, tuned, without_complaint
from medsim.policy.view import Policy, View
from medsim.world import belief
from medsim.world.game import Game
from medsim.world.tables import compile_world
from tests.policy.conftest import patients


def earned(policy: Policy, game: Game) -> float:
    return float(play(policy, game, patients(game)).earned.mean())


def test_the_ladder_stands_in_its_order(clear: Game) -> None:
    met = patients(clear)
    prior = play(Silent("prior"), clear, without_complaint(met)).earned.mean()
    rungs = [earned(policy, clear) for policy in (Silent(), Greedy(clear.tables), Oracle(clear.tables))]
    assert prior < rungs[0] < rungs[1] < rungs[2] <= clear.payoff.correct
    assert rungs[1] > earned(Random(10), clear)
    assert rungs[1] > earned(Fixed(clear.tables, 10), clear)


def test_every_baseline_plays_each_patient_once_and_legally_in_both_tasks(clear: Game, trap: Game, workup: Game, noisy: Game) -> None:
    for game in (clear, trap, workup, noisy):
        t, met = game.tables, patients(game, 200)
        for policy in (Silent(), Random(4), Fixed(t, 4), AskAll(), Greedy(t), Greedy(t, blind=True), LookAhead(t), Oracle(t)):
            played = play(policy, game, met)
            assert played.illegal.sum() == 0, policy.name
            assert not played.truncated.any(), policy.name
            assert np.array_equal(played.condition, met.condition)
            assert (played.diagnosis >= 0).all() or game.treatments
            assert played.right_by[-1] == pytest.approx((played.belief.argmax(axis=1) == met.condition).mean())


def test_a_policy_plays_the_same_whatever_the_batch(clear: Game) -> None:
    met = patients(clear, 60)
    whole = play(Greedy(clear.tables), clear, met)
    parts = [play(Greedy(clear.tables), clear, met.take(np.array([i]))) for i in range(0, 60, 7)]
    assert [p.questions[0] for p in parts] == whole.questions[::7].tolist()
    assert [float(p.earned[0]) for p in parts] == whole.earned[::7].tolist()


def test_chance_comes_from_the_seed_alone(clear: Game) -> None:
    met = patients(clear, 200)
    one, same, other = (play(Random(5), clear, met, seed=s).belief for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_policy_is_shown_no_truth_unless_it_says_that_it_knows(clear: Game) -> None:
    class Curious:
        name = "curious"
        knows = False

        def act(self, view: View) -> np.ndarray:  # type: ignore[type-arg]
            assert view.truth is None
            return np.full(len(view), view.game.stop)

    play(Curious(), clear, patients(clear, 5))
    knowing = Curious()
    knowing.knows = True
    with pytest.raises(AssertionError):
        play(knowing, clear, patients(clear, 5))


def test_the_posterior_worked_out_from_the_observation_is_the_environments(workup: Game, noisy: Game) -> None:
    seen: list[float] = []

    class Checked(Random):
        def act(self, view: View) -> np.ndarray:  # type: ignore[type-arg]
            seen.append(float(np.abs(view.belief_under(view.game.tables) - view.belief).max()))
            return super().act(view)

    for game in (workup, noisy):
        play(Checked(5), game, patients(game, 300))
    assert len(seen) > 8
    assert max(seen) < 1e-4


def test_greedy_asks_what_tells_most(clear: Game) -> None:
    gain = belief.Gain.of(clear.tables)

    class Checked(Greedy):
        def act(self, view: View) -> np.ndarray:  # type: ignore[type-arg]
            chosen = super().act(view)
            asking = chosen < view.game.findings
            worth = np.where(view.questions != 0, gain(view.belief), -1.0)
            assert np.allclose(worth[asking, chosen[asking]], worth[asking].max(axis=1))
            assert (view.belief[~asking].max(axis=1) >= 0.99).all() or view.last[~asking].all() or (worth[~asking].max(axis=1) < 1e-5).any()
            return chosen

    assert play(Checked(clear.tables), clear, patients(clear, 200)).questions.mean() > 1


def test_who_takes_noise_for_truth_is_surer_than_right(noisy: Game) -> None:
    aware, blind = play(Greedy(noisy.tables), noisy, patients(noisy)), play(Greedy(noisy.tables, blind=True), noisy, patients(noisy))
    assert blind.questions.mean() < aware.questions.mean()
    assert blind.success.mean() < aware.success.mean()


def test_two_steps_find_what_one_step_cannot(trap: Game) -> None:
    met = patients(trap)
    greedy, ahead = play(Greedy(trap.tables), trap, met), play(LookAhead(trap.tables), trap, met)
    assert ahead.earned.mean() > greedy.earned.mean() + 0.3


def test_look_ahead_is_worth_what_enumeration_says(workup: Game) -> None:
    """By hand for one belief: gain of the question, and the mean of the best gain after each answer."""
    game = replace(workup, task="inquiry")
    t, ahead = game.tables, LookAhead(game.tables, width=9)
    checked = 0

    class Checked(Silent):
        def act(self, view: View) -> np.ndarray:  # type: ignore[type-arg]
            nonlocal checked
            worth = ahead.worth(view, view.belief)
            for row in range(3):
                legal = set(np.flatnonzero(view.questions[row]))
                for f in legal:
                    total = float(ahead.gain(view.belief[row : row + 1])[0, f])
                    for outcome in range(2 + max(1, int(t.values[f]))):
                        joint = view.belief[row].astype(float) * t.likelihood[t.offset[f] + outcome]
                        after = (legal - {f}) | ({int(c) for c in t.children[f] if c >= 0} if outcome >= 2 else set())
                        if joint.sum() > 1e-6 and after:
                            total += joint.sum() * float(ahead.gain((joint / joint.sum())[None])[0, sorted(after)].max())
                    assert worth[row, f] == pytest.approx(total, abs=1e-4)
                    checked += 1
            return super().act(view)

    play(Checked(), game, patients(game, 20))
    assert checked > 6


def test_tuning_earns_at_least_what_the_fixed_level_does_where_it_is_tuned(noisy: Game) -> None:
    met = patients(noisy, seed=11)
    best = tuned(noisy, met)
    assert play(best, noisy, met).earned.mean() >= play(Greedy(noisy.tables), noisy, met).earned.mean()


def test_greedy_treats_what_must_be_treated_before_it_names_it(workup: Game) -> None:
    met = patients(workup, 1500)
    played = play(Greedy(workup.tables), workup, met)
    clot = workup.tables.condition_index["clot"]
    right = (met.condition == clot) & played.success
    assert right.sum() > 20
    assert played.earned[right].min() > 0.3, "a critical treatment left out would hold the return at zero"


def test_other_tables_change_the_belief_and_not_the_patients(noisy: Game) -> None:
    assert not compile_world(noisy.tables.world, noise={}).noisy
    assert noisy.tables.noisy


def test_no_patients_is_no_result(clear: Game) -> None:
    with pytest.raises(ActionError, match="No patients"):
        play(Silent(), clear, patients(clear, 5).take(slice(0, 0)))
