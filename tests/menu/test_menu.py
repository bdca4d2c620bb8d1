"""Authored cases play in the discrete environments, by choices that do what they say."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import medsim  # noqa: F401
from medsim import recipe, world
from medsim.consult import Consult
from medsim.errors import ActionError, CaseError
from medsim.menu.choices import menu_of
from medsim.menu.env import CasesEnv
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import Monitor
from medsim.rubric.scorecard import ending
from medsim.world.telling import tell_many
from tests.contract import complaints


@pytest.fixture(scope="module")
def starter() -> CasesEnv:
    return CasesEnv(cases="starter", task="workup")


@pytest.mark.parametrize("task", ["Inquiry", "Workup"])
@pytest.mark.parametrize("observation", ["dict", "flat"])
def test_gymnasium_finds_nothing_wrong(task: str, observation: str) -> None:
    assert complaints(f"medsim/{task}-v0", cases="winter-cough", observation=observation) == []


def test_every_choice_of_a_shipped_case_is_understood(starter: CasesEnv) -> None:
    """Played early and alone; a refusal (it cannot be done yet, or not again) is an answer, a misunderstanding is not."""
    tried = 0
    for index in (0, 5):
        starter.reset(seed=0, options={"patient": index})
        for a in range(0, starter.stop, 3):
            starter.reset(seed=0, options={"patient": index})
            words = starter.words(a)
            if not words:
                assert starter.action_masks()[a] == 0
                continue
            starter.step(a)
            unclear = [event.text for event in starter._begun().events if event.kind == "unclear"]
            assert not unclear or words == "wait: result", (words, unclear)
            tried += 1
    assert tried > 100


def test_what_no_choice_reaches_is_listed_and_is_little(starter: CasesEnv) -> None:
    for menu in starter.menus:
        assert len(menu.left_out) <= 0.05 * (len(menu.findings) + len(menu.acts)), (menu.case.id, menu.left_out)


def test_by_choices_and_by_words_the_rubric_says_the_same(starter: CasesEnv) -> None:
    earned = []
    for index in range(len(starter.menus)):
        rng = np.random.default_rng(index)
        _, info = starter.reset(seed=index, options={"patient": index})
        said, total, ended = [], 0.0, False
        for turn in range(25):
            legal = np.flatnonzero(info["action_mask"])
            a = starter.stop + starter.truth if turn == 24 else int(rng.choice(legal[legal < starter.stop]))
            said.append(starter.words(a))
            _, _, ended, cut, info = starter.step(a)
            total += info["reward_rubric"]
            if ended or cut:
                break
        case = starter.menu.case
        consult = Consult(case, seed=0, limits=(None, 60))
        for words in said:
            consult.play(words, ScriptedPatient(case.brief()))
        monitor = Monitor(case.rubric, case)
        monitor.feed(consult.events)
        closing = ending(consult.outcome()) if consult.over else "open"
        assert total == pytest.approx(monitor.earned(closing), abs=1e-6)
        earned.append(total)
        assert info["success"] == int(ended and turn == 24)
    assert max(earned) != min(earned)


def test_the_terms_add_up_to_the_reward_and_the_unshaped_return(starter: CasesEnv) -> None:
    _, info = starter.reset(seed=3)
    rng, total, over = np.random.default_rng(0), 0.0, False
    while not over:
        _, reward, ended, cut, info = starter.step(int(rng.choice(np.flatnonzero(info["action_mask"]))))
        terms = [info[f"reward_{name}"] for name in ("cost", "rubric", "utility", "safety", "unsafe", "shaping")]
        assert reward == pytest.approx(sum(terms))
        total, over = total + reward, ended or cut
    assert info["return_unshaped"] == pytest.approx(total)
    with pytest.raises(ActionError, match="over"):
        starter.step(0)


def test_an_illegal_choice_costs_and_changes_nothing(starter: CasesEnv) -> None:
    starter.reset(seed=0, options={"patient": 0})
    a = int(np.flatnonzero(starter.action_masks()[: starter.findings] == 0)[0])
    before = len(starter._begun().events)
    _, reward, ended, cut, info = starter.step(a)
    assert (reward, ended, cut, info["turn"]) == (pytest.approx(-0.05), False, False, 1)
    assert len(starter._begun().events) == before


def test_the_diagnosis_is_not_to_be_seen(starter: CasesEnv) -> None:
    env = CasesEnv(cases=["winter-cough", "chest-vice"], task="inquiry")
    seen, info = env.reset(seed=0)
    assert isinstance(seen, dict)
    assert env.diagnoses == ()
    assert info["diagnosis"] == -1
    _, _, ended, _, info = env.step(env.stop)
    assert (ended, info["success"], info["diagnosis"]) == (True, 0, -1)


@pytest.mark.parametrize("terms", [{"belief": True}, {"reward": {"shaping": 0.3}}])
def test_what_needs_a_posterior_is_refused(terms: dict[str, object]) -> None:
    with pytest.raises(ActionError, match="no posterior"):
        gym.make("medsim/Workup-v0", cases="winter-cough", **terms)


def test_what_cannot_be_played_by_choices_says_why() -> None:
    case = recipe.case_named("winter-cough")
    twice = case.model_copy(update={"encounters": (case.encounters[0], case.encounters[0].model_copy(update={"id": "second"}))})
    with pytest.raises(CaseError, match="2 visits"):
        menu_of(twice)
    with pytest.raises(ActionError, match="not both"):
        gym.make("medsim/Workup-v0", cases="starter", world="sore-throat")
    with pytest.raises(ActionError, match="one by one"):
        gym.make_vec("medsim/Workup-v0", num_envs=2, cases="starter")
    many = gym.make_vec("medsim/Workup-v0", num_envs=2, vectorization_mode="sync", cases="winter-cough")
    assert many.reset(seed=0)[0]["findings"].shape[0] == 2


def test_a_told_patient_plays_by_choices_as_well() -> None:
    told = tell_many(world.compile_world(world.load("sore-throat")), 3, seed=0)
    env = CasesEnv(cases=[each.case for each in told])
    for index, each in enumerate(told):
        env.reset(seed=0, options={"patient": index})
        for turn in each.case.golden[:-1]:
            at = [a for a in range(env.stop) if env.words(a).partition("\n")[0] == turn.partition("\n")[0]]
            assert len(at) == 1, turn
            env.step(at[0])
        _, _, ended, _, info = env.step(env.stop + env.truth)
        assert ended
        assert info["success"] == 1


def given(env: CasesEnv, what: str) -> int:
    """The number of a treatment of the menu."""
    return env.findings + next(at for at, choice in enumerate(env.menu.acts) if choice.kind == "treat" and what in choice.words)


def test_medication_safety_pays_for_what_is_given_only_where_it_is_asked_to() -> None:
    with_term, without = CasesEnv(cases="winter-cough", unsafe=-1.0), CasesEnv(cases="winter-cough")
    for env, worth in ((with_term, True), (without, False)):
        env.reset(seed=0)
        found = env._watch
        assert (found is not None) is worth
        _, reward, _, _, info = env.step(given(env, "amoxi"))
        assert info["reward_unsafe"] == (-2.0 if worth else 0.0)
        assert "warnings" not in info
        assert reward <= info["reward_cost"] + info["reward_rubric"] + info["reward_unsafe"] + 1e-9


def test_warnings_are_seen_before_and_told_after_and_are_off_unless_asked_for() -> None:
    env = CasesEnv(cases="winter-cough", warnings=True)
    seen, info = env.reset(seed=0)
    assert isinstance(seen, dict)
    assert info["warnings"] == []
    at = given(env, "amoxi") - env.findings
    assert seen["warned"][at] == 1
    assert 0 < seen["warned"].sum() < seen["warned"].size / 2
    _, _, _, _, info = env.step(env.findings + at)
    assert "allergy" in info["warnings"][0]
    assert info["reward_unsafe"] == 0.0
    assert "warned" not in CasesEnv(cases="winter-cough").layout
    check_env(CasesEnv(cases="winter-cough", warnings=True, observation="flat"), skip_render_check=True)
    with pytest.raises(ActionError, match="Nothing is given in an inquiry"):
        CasesEnv(cases="winter-cough", task="inquiry", warnings=True)
