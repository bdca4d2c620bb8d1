"""The Gymnasium contract: check_env without a warning for every registered id, seeds, vector envs, rendering."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import medsim  # noqa: F401  (registers)
from medsim import importers, library
from medsim.env import ConsultEnv, Utterance
from medsim.errors import ActionError, CaseError
from medsim.llm import Call, Scripted
from medsim.patient.voiced import VoicedPatient
from medsim.recipe import Recipe, load
from medsim.rubric import score
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
IDS = [f"medsim/{name}" for name in library.names("envs")]
FIXTURES = Path(__file__).parent / "importers" / "fixtures"
FILES = {"medsp1000": "packets", "mediq": "mediq_craft.jsonl", "agentclinic": "osce.jsonl"}
DEATH = ["treat: nitroglycerin 0.4 mg sl", *["wait: 30m"] * 8]


def anything(call: Call) -> str:
    """A model that can sit in every seat."""
    if call.role == "controller":
        return json.dumps({"actions": [], "seen": [], "vitals": None, "advance": False, "complete": False})
    if call.schema:
        return json.dumps({"lines": [{"speaker": "Patient", "text": "It hurts."}]})
    return "NONE"


def given(name: str, folder: Path) -> dict[str, Any]:
    """What an environment over a data set of one's own must be given: the imported pack, and models."""
    data = load(name.removeprefix("medsim/")).data
    if not data:
        return {}
    pack = importers.write(data, importers.importer(data)(FIXTURES / FILES[data]), folder / "pack")
    return {"cases": str(pack), "models": Scripted(anything)}


@pytest.mark.parametrize("name", IDS)
def test_check_env_passes_without_a_warning(name: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(name, **given(name, tmp_path))
        check_env(env.unwrapped)
        assert env.spec is not None
        assert env.spec.id == name
        env.close()


@pytest.mark.parametrize("name", [name for name in IDS if load(name.removeprefix("medsim/")).data])
def test_an_environment_over_ones_own_copy_says_how_to_import_it_and_what_it_needs(name: str, tmp_path: Path) -> None:
    recipe = load(name.removeprefix("medsim/"))
    with pytest.raises(CaseError, match=f"medsim import {recipe.data} FILE --to packs/{recipe.data}"):
        gym.make(name)
    with pytest.raises(CaseError, match=r"models=Models\(...\)"):
        gym.make(name, cases=given(name, tmp_path)["cases"])


@pytest.mark.parametrize("name", ["medsim/MediQ-v0", "medsim/AgentClinic-v0"])
def test_imported_cases_also_play_offline_with_the_scripted_patient(name: str, tmp_path: Path) -> None:
    env = gym.make(name, cases=given(name, tmp_path)["cases"], patient="scripted")
    env.reset(seed=0)
    assert env.step("ask: what brings you in?")[0]
    with pytest.raises(CaseError, match="Did you mean 'scripted'"):
        ConsultEnv(MINI, patient="scriptd")


def test_the_readme_episode_runs() -> None:
    env = gym.make("medsim/Consult-v0")
    observation, info = env.reset(seed=0)
    assert isinstance(observation, str)
    observation, _, terminated, truncated, info = env.step("ask: where does it hurt?")
    assert observation
    assert (terminated, truncated) == (False, False)
    assert info["turn"] == 1


def test_same_seed_gives_the_same_encounter() -> None:
    def play(seed: int) -> list[Any]:
        env = gym.make("medsim/Consult-v0")
        seen: list[Any] = [env.reset(seed=seed)]
        seen += [env.step(text) for text in ("ask: what is the matter?", "examine: heart", "order: ecg", "wait: result")]
        return seen

    assert play(3) == play(3)
    assert len({str(play(seed)[0][1]["case_id"]) for seed in range(12)}) > 1, "the seed picks the case"


def test_global_random_state_is_left_alone() -> None:
    import random

    random.seed(1)
    np.random.seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[union-attr,index]
    env = gym.make("medsim/Consult-v0")
    env.reset(seed=5)
    env.step("ask: hello?")
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[union-attr,index]


def test_options_pick_the_case_and_a_wrong_name_is_answered_with_the_nearest() -> None:
    env = gym.make("medsim/Consult-v0")
    assert env.reset(options={"case": "winter-cough"})[1]["case_id"] == "winter-cough"
    with pytest.raises(CaseError, match="Did you mean 'winter-cough'"):
        env.reset(options={"case": "winter-cogh"})


def test_rewards_add_up_to_the_rubric_and_terms_to_the_reward() -> None:
    env = ConsultEnv(MINI, reward={"rubric": 1.0, "minute": -0.01, "unclear": -0.5})
    env.reset(seed=0)
    total = 0.0
    for turn in [*env.cases[0].golden, "end:"]:
        _, reward, terminated, truncated, info = env.step(turn)
        assert reward == pytest.approx(sum(value for name, value in info.items() if name.startswith("reward_")))
        total += info["reward_rubric"]
        if terminated or truncated:
            break
    card = env.scorecard
    positive = sum(item.points for item in card.items if item.points > 0)
    assert total == pytest.approx(sum(item.earned for item in card.items) / positive)
    assert card == score(env.cases[0], env.trajectory.events, env.trajectory.outcome)


def test_death_terminates_and_a_turn_limit_truncates() -> None:
    env = ConsultEnv(MINI)
    env.reset(seed=0)
    ended = (False, False)
    for turn in DEATH:
        ended = env.step(turn)[2:4]
        if any(ended):
            break
    assert ended == (True, False)
    with pytest.raises(ActionError, match="over"):
        env.step("ask: hello?")
    short = ConsultEnv(MINI, max_turns=2)
    short.reset(seed=0)
    assert short.step("ask: hello?")[2:4] == (False, False)
    assert short.step("ask: hello?")[2:4] == (False, True)


@pytest.mark.parametrize("action", [None, 3, b"ask: hello", ["ask"], "", "\x00", "x" * 300_000, "\ud800"])
def test_an_action_of_any_kind_is_answered(action: Any) -> None:
    env = ConsultEnv(MINI)
    env.reset(seed=0)
    observation, reward, *_ = env.step(action)
    assert isinstance(observation, str)
    assert observation
    assert np.isfinite(reward)


def test_a_patient_of_ones_own_is_made_from_the_brief_and_a_model_is_asked_for_where_a_recipe_needs_one() -> None:
    env = ConsultEnv(MINI, patient=lambda brief: VoicedPatient(brief, Scripted(lambda call: "Ten a day, doctor.")))
    env.reset(seed=0)
    assert "Ten a day, doctor." in env.step("ask: do you smoke?")[0]
    with pytest.raises(CaseError, match="needs a language model"):
        ConsultEnv(MINI, recipe=Recipe(id="own", patient="voiced"))


def test_step_before_reset_says_what_to_do() -> None:
    with pytest.raises(ActionError, match="reset"):
        ConsultEnv(MINI).step("ask: hello?")


def test_rendering_gives_text_or_writes_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    env = ConsultEnv(MINI, render_mode="ansi")
    env.reset(seed=0)
    env.step("ask: do you smoke?")
    assert "Doctor, ask: do you smoke?" in str(env.render())
    human = ConsultEnv(MINI, render_mode="human")
    human.reset(seed=0)
    first = capsys.readouterr().out
    human.step("ask: do you smoke?")
    assert "chest discomfort" in first
    assert "chest discomfort" not in capsys.readouterr().out
    odd = ConsultEnv(MINI, render_mode="rgb_array")
    odd.reset(seed=0)
    with pytest.raises(ActionError, match="ansi"):
        odd.render()


def test_info_is_fresh_flat_and_of_the_same_shape_each_step() -> None:
    env = ConsultEnv(MINI)
    _, first = env.reset(seed=0)
    _, _, _, _, second = env.step("ask: do you smoke?")
    assert first.keys() == second.keys()
    assert {name: type(value) for name, value in first.items()} == {name: type(value) for name, value in second.items()}
    assert all(isinstance(value, (str, int, float)) for value in second.values())


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_thread_vector_env_equals_the_synchronous_one(mode: AutoresetMode) -> None:
    turns = ["ask: do you smoke?", "order: ecg", "end:", "ask: hello?"]
    seen = []
    for kind in ("vector_entry_point", "sync"):
        options = {"autoreset_mode": mode} if kind == "vector_entry_point" else {}
        vector_options = {} if kind == "vector_entry_point" else {"autoreset_mode": mode}
        env = gym.make_vec("medsim/Consult-v0", 3, vectorization_mode=kind, vector_kwargs=vector_options or None, cases=MINI, **options)
        run: list[Any] = [env.reset(seed=7)[0]]
        for turn in turns[:3] if mode is AutoresetMode.DISABLED else turns:
            observations, rewards, terminated, truncated, _ = env.step((turn, "wait: 1m", turn))
            run.append((observations, rewards.tolist(), terminated.tolist(), truncated.tolist()))
        env.close()
        seen.append(run)
    assert seen[0] == seen[1]


def test_vector_observations_are_text_and_one_failure_is_raised() -> None:
    env = gym.make_vec("medsim/Consult-v0", num_envs=2, cases=MINI)
    observations, infos = env.reset(seed=0)
    assert all(isinstance(text, str) for text in observations)
    assert infos["case_id"].tolist() == ["mini", "mini"]
    env.close()


def test_utterance_takes_any_text_and_knows_its_equal() -> None:
    space = Utterance(seed=1)
    assert "38.5 °C, “quoted”" in space
    assert 3 not in space
    assert space == Utterance()
    assert space != Utterance(10)
    assert space.sample() in space
    assert Utterance(seed=4).sample() == Utterance(seed=4).sample()


def test_the_import_free_name_works() -> None:
    assert gym.make("medsim:medsim/Consult-v0").reset(seed=0)
