"""The environments: Gymnasium's contract, one beside many, rewards to the letter, and nothing that pays for asking."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import medsim  # noqa: F401  (registers)
from medsim.errors import ActionError
from medsim.world.grading import harmful_to
from medsim.world.inquiry import WorldVectorEnv
from medsim.world.patients import sample
from medsim.world.procedural import random_world
from medsim.world.schema import World
from medsim.world.single import WorldEnv
from medsim.world.tables import compile_world
from tests.contract import complaints
from tests.world.conftest import NOISE, small

WAYS: list[dict[str, Any]] = [
    {"task": "inquiry"},
    {"task": "workup"},
    {"task": "workup", "belief": True, "reward": {"shaping": 0.3, "gamma": 0.99}, "noise": NOISE},
    {"task": "inquiry", "observation": "flat", "belief": True, "min_turn": 3, "max_turns": 8},
    {"task": "workup", "observation": "flat", "budget": 25.0, "noise": NOISE},
]


def legal(mask: Any, rng: np.random.Generator) -> int:
    return int(rng.choice(np.flatnonzero(mask)))


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return set(a) == set(b) and all(np.allclose(a[name], b[name], atol=1e-4) for name in a)
    return bool(np.allclose(a, b, atol=1e-4))


def row(seen: Any, i: int) -> Any:
    return {name: value[i] for name, value in seen.items()} if isinstance(seen, dict) else seen[i]


@pytest.mark.parametrize("name", ["medsim/Inquiry-v0", "medsim/Workup-v0"])
@pytest.mark.parametrize("terms", [{}, {"observation": "flat"}, {"belief": True, "reward": {"shaping": 0.3}}])
def test_check_env_passes_without_a_warning(name: str, terms: dict[str, Any]) -> None:
    assert complaints(name, **terms) == []


@pytest.mark.parametrize("terms", WAYS)
def test_one_alone_is_one_of_many(world: World, terms: dict[str, Any]) -> None:
    many = WorldVectorEnv(4, world=world, **terms)
    alone = [WorldEnv(world=world, **terms) for _ in range(4)]
    seen, info = many.reset(seed=11)
    own = [env.reset(seed=11 + i) for i, env in enumerate(alone)]
    rng, ends = np.random.default_rng(1), 0
    for step in range(150):
        actions = [legal(mask, rng) if step % 5 else int(rng.integers(many.game.actions)) for mask in info["action_mask"]]
        seen, reward, terminated, truncated, info = many.step(np.array(actions))
        assert many.observation_space.contains(seen)
        for i, env in enumerate(alone):
            o, r, over, cut, said = env.step(actions[i])
            assert np.isclose(r, reward[i], atol=1e-4)
            assert (over, cut) == (terminated[i], truncated[i])
            assert np.isclose(r, sum(said[f"reward_{name}"] for name in ("cost", "utility", "safety", "shaping")))
            if over or cut:
                ends += 1
                assert same(o, row(info["final_obs"], i))
                for name in ("return_unshaped", "success", "diagnosis", "turn"):
                    assert np.isclose(said[name], info["final_info"][name][i], atol=1e-4)
                o, said = env.reset()
            own[i] = o, said
            assert same(o, row(seen, i))
            assert (said["action_mask"] == info["action_mask"][i]).all()
            assert np.allclose(env.belief, many.belief[i], atol=1e-4)
            assert env.truth == many.truth[i]
    assert ends > 20


@pytest.mark.parametrize("terms", [{}, {"belief": True, "reward": {"shaping": 0.3}, "task": "workup"}])
def test_a_sub_environment_plays_the_same_in_any_batch(world: World, terms: dict[str, Any]) -> None:
    """To the last bit, the posterior and its shaping included: what the others do changes nothing."""

    def facts(n: int) -> list[Any]:
        env = WorldVectorEnv(n, world=world, noise=NOISE, **terms)
        env.reset(seed=4)
        rng, found = np.random.default_rng(0), []
        plan = rng.integers(0, env.game.actions, (60, 3))
        for actions in plan:
            seen, reward, *_ = env.step(np.resize(actions, n))
            found.append((seen["findings"][:3].tolist(), reward[:3].tolist(), seen.get("belief", reward)[:3].tolist()))
        return found

    assert facts(3) == facts(7) == facts(50)


def test_make_vec_gives_the_native_one_and_next_step_resets_a_step_later(world: World) -> None:
    made = gym.make_vec("medsim/Inquiry-v0", num_envs=3)
    assert isinstance(made.unwrapped, WorldVectorEnv)
    env = WorldVectorEnv(2, world=world, autoreset_mode=AutoresetMode.NEXT_STEP)
    env.reset(seed=0)
    before = env.truth
    stop = env.game.stop
    _, reward, terminated, _, info = env.step(np.array([stop, 4]))
    assert terminated.tolist() == [True, False]
    assert reward[0] != 0
    assert "final_info" not in info
    assert info["turn"].tolist() == [1, 1]
    assert env.truth[0] == before[0]
    seen, reward, terminated, truncated, info = env.step(np.array([4, 2]))
    assert (reward[0], terminated[0], truncated[0], info["turn"][0]) == (0, False, False, 0)
    assert seen["asked"][0, 4] == 0, "the action after the end is not carried out"
    assert seen["asked"][1, 4] == 1


def test_gymnasiums_own_vector_environment_takes_it_too() -> None:
    env = gym.make_vec("medsim/Workup-v0", num_envs=3, vectorization_mode="sync")
    own = gym.make_vec("medsim/Workup-v0", num_envs=3)
    seen, info = env.reset(seed=5)
    other, _ = own.reset(seed=5)
    assert all((seen[name] == other[name]).all() for name in seen)
    assert (info["patient"] == own.unwrapped.patients).all()  # type: ignore[attr-defined]
    env.close()


def test_without_autoreset_one_resets_where_it_ended(world: World) -> None:
    env = WorldVectorEnv(2, world=world, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    _, _, terminated, _, _ = env.step(np.array([env.game.stop, 4]))
    with pytest.raises(ActionError, match="reset_mask"):
        env.step(np.array([0, 0]))
    seen, info = env.reset(options={"reset_mask": terminated})
    assert info["turn"].tolist() == [0, 1]
    assert seen["asked"][1, 4] == 1


def test_nothing_handed_over_changes_later(world: World) -> None:
    env = WorldVectorEnv(3, world=world, belief=True)
    seen, info = env.reset(seed=0)
    kept = [value.copy() for value in (*seen.values(), info["action_mask"])]
    for _ in range(5):
        env.step(np.array([4, 2, env.game.stop]))
    assert all((a == b).all() for a, b in zip(kept, (*seen.values(), info["action_mask"]), strict=True))


def find(world: Any, condition: str, *, task: str = "workup", **terms: Any) -> WorldEnv:
    env = WorldEnv(world=world, task=task, **terms)
    env.reset(seed=0)
    for _ in range(500):
        if env.game.tables.world.conditions[env.truth].id == condition:
            return env
        env.reset()
    raise AssertionError(condition)


def play(env: WorldEnv, *actions: tuple[str, str]) -> tuple[float, dict[str, Any], bool, bool]:
    total, info, ended, cut = 0.0, {}, False, False
    for action in actions:
        _, reward, ended, cut, info = env.step(env.game.number(*action))
        total += reward
    return total, info, ended, cut


@pytest.mark.parametrize(
    ("condition", "actions", "worth"),
    [
        ("flu", [("diagnose", "flu")], 1.0),
        ("flu", [("diagnose", "cold")], 0.3),
        ("flu", [("diagnose", "clot")], -0.5),
        ("clot", [("treat", "heparin"), ("diagnose", "clot")], 0.98),
        ("clot", [("treat", "heparin"), ("diagnose", "cold")], -1.02),
        ("clot", [("diagnose", "clot")], 0.0),
        ("clot", [("diagnose", "cold")], -1.2),
        ("cold", [("treat", "heparin")], -1.02),
        ("cold", [("test", "dimer"), ("diagnose", "cold")], 0.97),
    ],
)
def test_what_an_encounter_is_worth(world: World, condition: str, actions: list[tuple[str, str]], worth: float) -> None:
    total, info, ended, _ = play(find(world, condition), *actions)
    assert ended
    assert np.isclose(total, worth, atol=1e-6)
    assert np.isclose(info["return_unshaped"], worth, atol=1e-6)


def test_accuracy_does_not_buy_safety_and_the_veto_can_be_seen(world: World) -> None:
    _, info, _, _ = play(find(world, "clot"), ("diagnose", "clot"))
    assert info["success"] == 1
    assert info["return_unshaped"] == 0
    assert np.isclose(info["reward_safety"], -1.0)
    without = find(world, "clot", reward={"veto": False})
    assert np.isclose(play(without, ("diagnose", "clot"))[0], 0.8)


def test_a_treatment_is_harmful_to_whom_it_is_forbidden() -> None:
    data = small()
    data["findings"][1]["leak"] = 1.0
    data["findings"][0]["leak"] = 1.0
    _, info, ended, _ = play(find(World.model_validate(data), "flu"), ("treat", "thrombolysis"))
    assert ended
    assert info["reward_safety"] == -1


@pytest.mark.parametrize(("harm", "harmful"), [(0.49, False), (0.5, True)])
def test_from_a_half_on_harm_forbids_a_treatment_in_numbers_and_in_text(harm: float, harmful: bool) -> None:
    data = small()
    data["treatments"][0]["harm"] = {"cold": harm}
    tables = compile_world(World.model_validate(data))
    _, info, ended, _ = play(find(tables.world, "cold"), ("treat", "heparin"))
    assert (ended, info["reward_safety"] == -1) == (harmful, harmful)
    patients = sample(tables, 40, seed=0)
    row = next(row for row in range(40) if tables.world.conditions[patients.condition[row]].id == "cold")
    assert (0 in harmful_to(tables, patients.take(slice(row, row + 1)))) == harmful


def test_running_out_of_turns_is_never_better_than_a_guess(world: World) -> None:
    env = find(world, "flu", max_turns=3)
    env.step(4)
    env.step(4)
    _, reward, ended, cut, info = env.step(4)
    assert (ended, cut) == (False, True)
    assert np.isclose(reward, -1.05)
    assert np.isclose(info["return_unshaped"], -0.03 - 0.05 - 1.05)
    with pytest.raises(ActionError, match="Call reset"):
        env.step(4)


def test_an_illegal_action_costs_a_turn_and_tells_nothing(world: World) -> None:
    env = WorldEnv(world=world)
    env.reset(seed=1)
    gated = env.game.tables.finding_index["blood"]
    while env.action_masks()[gated]:
        env.reset()
    before, (seen, reward, _, _, info) = env.belief, env.step(gated)
    assert reward == -0.05
    assert info["turn"] == 1
    assert seen["asked"][gated] == 0
    assert np.allclose(before, env.belief)


def test_a_child_opens_with_its_parent_and_a_question_closes(world: World) -> None:
    env = WorldVectorEnv(300, world=world.model_copy(update={"opening": "none"}))
    _, info = env.reset(seed=0)
    assert not info["action_mask"][:, 1].any()
    seen, _, _, _, info = env.step(np.zeros(300, dtype=int))
    has = seen["findings"][:, 0] == 1
    assert 0 < has.sum() < 300
    assert (info["action_mask"][:, 1] == has).all()
    assert not info["action_mask"][:, 0].any()


def test_the_published_mask_can_be_left_to_be_learnt(world: World) -> None:
    env = WorldEnv(world=world, masked=False)
    _, info = env.reset(seed=0)
    assert info["action_mask"].all()


@pytest.mark.parametrize("task", ["inquiry", "workup"])
def test_shaping_adds_the_same_to_every_episode(world: World, task: str) -> None:
    env = WorldVectorEnv(64, world=world, task=task, reward={"shaping": 0.7}, noise=NOISE, max_turns=6)
    _, info = env.reset(seed=0)
    rng = np.random.default_rng(0)
    total, added = np.zeros(64), []
    for _ in range(80):
        actions = np.array([legal(mask, rng) for mask in info["action_mask"]])
        _, reward, terminated, truncated, info = env.step(actions)
        total += reward
        over = terminated | truncated
        if over.any():
            added += (total - info["final_info"]["return_unshaped"])[over].tolist()
            total[over] = 0
    assert len(added) > 300
    assert np.allclose(added, 0.7, atol=1e-3)


def test_no_action_but_a_diagnosis_earns_anything(world: World) -> None:
    env = WorldVectorEnv(64, world=world, task="workup")
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(100):
        actions = rng.integers(0, env.game.stop, 64)
        _, reward, *_ = env.step(actions)
        assert (reward < 0).all()


def test_the_same_patient_is_met_again_by_its_key(world: World) -> None:
    env = WorldEnv(world=world, noise=NOISE)
    _, info = env.reset(seed=3)
    first = [env.step(f)[0]["findings"].tolist() for f in (4, 2, 0)]
    env.reset(seed=99)
    env.reset(options={"patient": info["patient"]})
    assert [env.step(f)[0]["findings"].tolist() for f in (4, 2, 0)] == first


def test_a_sampled_set_plays_as_it_says(world: World) -> None:
    tables = compile_world(world, noise=NOISE)
    held = sample(tables, 10, seed=7)
    env = WorldVectorEnv(5, world=tables, bank=held, in_order=True)
    env.reset(seed=0)
    assert env.truth.tolist() == held.condition[:5].tolist()
    seen, *_ = env.step(np.full(5, 4))
    assert (seen["findings"][:, 4] == np.sign(held.reported[:5, 4] - 1)).all()
    env.step(np.full(5, env.game.stop))
    assert env.truth.tolist() == held.condition[5:].tolist()
    one = WorldEnv(world=tables, bank=held)
    _, info = one.reset(seed=0, options={"patient": 8})
    assert (info["patient"], one.truth) == (8, held.condition[8])


def test_the_key_of_a_vector_environment_is_the_patient_of_a_set(world: World) -> None:
    env = WorldVectorEnv(6, world=world)
    seen, _ = env.reset(seed=2)
    drawn = env.game.draw.patients(env.patients.astype(np.uint64))
    assert (drawn.condition == env.truth).all()
    seen, *_ = env.step(np.full(6, 4))
    assert (seen["findings"][:, 4] == np.sign(drawn.reported[:, 4] - 1)).all()


def test_no_truth_is_in_what_is_seen(world: World) -> None:
    env = WorldVectorEnv(4, world=world, task="workup")
    seen, info = env.reset(seed=0)
    assert set(info) == {"action_mask", "turn", "return_unshaped"}
    assert set(seen) == {"findings", "asked", "values", "treated", "demo", "budget"}


def test_what_has_no_meaning_is_refused_in_words(world: World) -> None:
    env = WorldVectorEnv(2, world=world)
    with pytest.raises(ActionError, match="Call reset first"):
        env.step(np.zeros(2))
    env.reset(seed=0)
    with pytest.raises(ActionError, match="2 actions were expected"):
        env.step(np.zeros(3))
    with pytest.raises(ActionError, match="An action is 0 to 5"):
        env.step(np.array([0, 6]))
    with pytest.raises(ActionError, match="Did you mean 'shaping'"):
        WorldEnv(world=world, reward={"shapping": 1.0})
    with pytest.raises(ActionError, match="min_turn"):
        WorldEnv(world=world, min_turn=30)
    with pytest.raises(ActionError, match="Did you mean 'dimer'"):
        env.game.number("test", "dimmer")
    bank = sample(compile_world(random_world(0)), 3, seed=0)
    with pytest.raises(ActionError, match="80 findings"):
        WorldEnv(world=world, bank=bank)
