"""What an environment is given that has no meaning: told at once and in words, never taken for something else, and nothing is spent on it."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import medsim  # noqa: F401  (registers)
from medsim.errors import ActionError, CaseError, MedsimError


@pytest.mark.parametrize("action", [3, None, b"ask: why?", ["ask: why?"]])
def test_a_call_that_is_no_text_is_refused_and_costs_nothing(action: Any) -> None:
    env = gym.make("medsim/Record-v0")
    env.reset(seed=1)
    with pytest.raises(ActionError, match=f"An action is text.*given .*{type(action).__name__}"):
        env.step(action)
    info = env.step("ask: why?")[-1]
    assert info.get("turn", info.get("round")) == 1


@pytest.mark.parametrize("action", ["", None, 3])
def test_an_empty_text_or_none_is_a_turn_that_is_answered(action: Any) -> None:
    env = gym.make("medsim/Consult-v0")
    env.reset(seed=1)
    observation, *_, info = env.step(action)
    assert "Nothing was said." in observation
    assert info["turn"] == 1


DISCRETE: list[tuple[str, dict[str, Any]]] = [
    ("Inquiry", {}), ("Workup", {}), ("Inquiry", {"cases": "winter-cough"}), ("Workup", {"cases": "winter-cough"}), 
    ("Record", {"actions": "menu", "tasks": "painkiller-and-her-own-tablets"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), DISCRETE)
@pytest.mark.parametrize("action", [1.5, np.float64(1), "1", None, np.array([1]), -1])
def test_what_is_no_number_of_a_choice_is_refused_and_costs_nothing(name: str, options: dict[str, Any], action: Any) -> None:
    env = gym.make(f"medsim/{name}-v0", **options)
    env.reset(seed=1)
    with pytest.raises(ActionError, match=r"An action is .*0 to .*given "):
        env.step(action)
    info = env.step(np.int64(1))[-1]
    assert info.get("turn", info.get("round")) == 1


def test_many_encounters_refuse_fractions_too() -> None:
    envs = gym.make_vec("medsim/Inquiry-v0", num_envs=2)
    envs.reset(seed=1)
    with pytest.raises(ActionError, match="whole numbers"):
        envs.step(np.array([1.5, 0.0]))
    with pytest.raises(ActionError, match="whole numbers"):
        envs.step(np.array(["1", "0"]))
    assert envs.step(np.array([1, 0]))[-1]["turn"].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("Inquiry", {"world": 3}, CaseError, "world is the name or the path of a world.*given 3"),
        ("Workup", {"world": None}, CaseError, "world='sore-throat'"),
        ("Inquiry", {"noise": 2}, CaseError, "noise is the chances.*given 2"),
        ("Inquiry", {"noise": "a"}, CaseError, "given 'a'"),
        ("Inquiry", {"reward": 3}, ActionError, "reward is terms by name"),
        ("Inquiry", {"max_turns": 1.5}, ActionError, "Whole numbers of turns"),
        ("Inquiry", {"budget": "x"}, ActionError, "budget in US dollars"),
        ("Inquiry", {"cases": 3}, CaseError, "cases is a pack.*given 3"),
        ("Workup", {"cases": [3]}, CaseError, "given \\[3\\]"),
        ("Workup", {"cases": []}, CaseError, "at least one"),
        ("Workup", {"cases": "winter-cough", "max_turns": 1.5}, ActionError, "given 1.5"),
        ("Consult", {"cases": 3}, CaseError, "cases is a pack.*given 3"),
        ("Consult", {"cases": [3]}, CaseError, "given \\[3\\]"),
        ("Consult", {"cases": ""}, CaseError, "at least one"),
        ("Consult", {"recipe": 3}, CaseError, "recipe is the name"),
        ("Consult", {"max_turns": 1.5}, ActionError, "given 1.5"),
        ("Consult", {"patient": 3}, ActionError, "patient is a kind of patient"),
        ("Consult", {"models": "openai/gpt-4o-mini"}, ActionError, "models is medsim.llm.Models"),
        ("Record", {"tasks": 3}, CaseError, "No task was given, but 3"),
        ("Record", {"tasks": [3]}, CaseError, "given 3"),
        ("Record", {"rounds": "a"}, ActionError, "rounds is a whole number"),
    ],
)
def test_an_environment_that_cannot_be_made_says_what_was_expected(
    name: str, options: dict[str, Any], error: type[MedsimError], words: str
) -> None:
    with pytest.raises(error, match=words):
        gym.make(f"medsim/{name}-v0", **options)


def test_text_in_processes_says_what_to_write_and_does_as_it_says() -> None:
    with pytest.raises(ActionError, match=r"vector_kwargs=\{'shared_memory': False\}"):
        gym.make_vec("medsim/Consult-v0", num_envs=2, vectorization_mode="async")
    envs = gym.make_vec("medsim/Consult-v0", num_envs=2, vectorization_mode="async", vector_kwargs={"shared_memory": False})
    alone = gym.make("medsim/Consult-v0")
    try:
        first, _ = envs.reset(seed=7)
        assert first[0] == alone.reset(seed=7)[0]
        assert envs.step(["ask: why?", "ask: why?"])[0][0] == alone.step("ask: why?")[0]
    finally:
        envs.close()
