"""An encounter that is pickled, copied or sent to another process goes on as if nothing had been done to it."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import gymnasium as gym
import pytest

import medsim  # noqa: F401  (registers)
from medsim import library
from medsim.consult import Consult
from medsim.env import ConsultEnv
from medsim.llm import Call, Scripted
from medsim.patient.scripted import ScriptedPatient
from medsim.recipe import case_named
from tests.test_env import anything, given

TEXT = [f"medsim/{name}" for name in library.names("envs")]
CARELESS = ["treat: nitroglycerin 0.4 mg sl", "ask: Are you allergic to anything?", *["wait: 30m"] * 8]
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda env: pickle.loads(pickle.dumps(env)),
    "cloudpickle": lambda env: cloudpickle.loads(cloudpickle.dumps(env)),
    "deepcopy": copy.deepcopy,
}


def answered(call: Call) -> str:
    """What a model in any seat answers: as controller that each action is done."""
    if call.role != "controller":
        return anything(call)
    numbers = [int(found) for found in re.findall(r"^(\d+)\. ", call.messages[1].content.split("The doctor now:")[1], re.MULTILINE)]
    deeds = [{"number": i, "status": "executed", "text": "Clear.", "minutes": 2, "result_minutes": None} for i in numbers]
    return json.dumps({"actions": deeds, "seen": [], "vitals": None, "advance": False, "complete": False})


class Anyone(Scripted):
    """A model that can be pickled, as one of the user's own may be."""

    def __init__(self) -> None:
        super().__init__(answered)

    def __reduce__(self) -> tuple[Any, ...]:
        return Anyone, ()


def made(name: str, folder: Path) -> gym.Env[Any, Any]:
    of_ones_own = given(name, folder)
    return gym.make(name, disable_env_checker=True, **(of_ones_own and {**of_ones_own, "models": Anyone()}))


def turns_of(env: gym.Env[Any, Any]) -> list[str]:
    """What is done in an encounter: what its case's golden doctor does, or a round of everything."""
    golden = env.unwrapped._consult.case.golden  # type: ignore[attr-defined]
    return list(golden) or ["ask: what brings you in?", "examine: chest\norder: full blood count", "wait: 10m", "note: seen", "end:"]


def played(env: gym.Env[Any, Any], turns: list[str]) -> list[Any]:
    """What comes of turns, until the encounter ends, and what it is worth."""
    came: list[Any] = []
    for turn in turns:
        came.append(env.step(turn))
        if came[-1][2] or came[-1][3]:
            break
    inner = env.unwrapped
    assert isinstance(inner, ConsultEnv)
    return [*came, inner.trajectory.data(), inner.scorecard.data() if inner._consult and inner._consult.over else None]


def played_on(begun: list[tuple[Any, list[str]]]) -> list[Any]:
    """Play on in the process this is called in."""
    return [played(env, turns) for env, turns in begun]


@pytest.mark.parametrize("name", TEXT)
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_an_encounter_plays_on_to_the_same_trajectory(name: str, way: str, tmp_path: Path) -> None:
    env = made(name, tmp_path)
    env.reset(seed=5)
    turns = turns_of(env)
    half = len(turns) // 2
    begun = WAYS[way](env)
    for turn in turns[:half]:
        env.step(turn)
    halfway = WAYS[way](env)
    came = played(env, turns[half:])
    assert played(halfway, turns[half:]) == came
    assert played(begun, turns)[half:] == came


@pytest.mark.parametrize("way", WAYS)
def test_the_body_of_a_copy_reacts_to_what_was_done_before_and_after(way: str) -> None:
    env = gym.make("medsim/Consult-v0", cases="chest-vice")
    env.reset(seed=1)
    env.step(CARELESS[0])
    twin = WAYS[way](env)
    came = played(env, CARELESS[1:])
    assert came[-1] is not None, "the encounter did not end: nothing was compared that depends on the body"
    assert played(twin, CARELESS[1:]) == came


def test_another_process_plays_on_to_the_same_trajectories(tmp_path: Path) -> None:
    begun = []
    for env in (gym.make("medsim/Consult-v0", cases="chest-vice"), *(made(name, tmp_path / name) for name in TEXT)):
        env.reset(seed=1)
        turns = CARELESS if not begun else turns_of(env)
        env.step(turns[0])
        begun.append((env, turns[1:]))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as other:
        came = other.submit(played_on, begun).result()
    assert len(came) == len(TEXT) + 1
    assert came == played_on(begun)


def test_a_consult_is_pickled_without_its_environment() -> None:
    case = case_named("chest-vice")
    consult, patient = Consult(case, seed=3), ScriptedPatient(case.brief())
    consult.play(CARELESS[0], patient)
    twin = pickle.loads(pickle.dumps(consult))
    assert consult.clock._seen
    assert not twin.clock._seen, "what is known by an identity would be taken for another pattern's elsewhere"
    for turn in CARELESS[1:4]:
        assert twin.play(turn, patient) == consult.play(turn, patient)


@pytest.mark.parametrize(
    ("name", "options"),
    [("Inquiry", {}), ("Workup", {"cases": "chest-vice"}), ("Record", {"actions": "menu", "tasks": "painkiller-and-her-own-tablets"})],
)
@pytest.mark.parametrize("way", WAYS)
def test_the_other_environments_are_copied_too(name: str, options: dict[str, Any], way: str) -> None:
    env = gym.make(f"medsim/{name}-v0", **options)
    _, info = env.reset(seed=2)
    legal = [int(i) for i in info["action_mask"].nonzero()[0]][:6]
    for action in legal[:3]:
        env.step(action)
    twin = WAYS[way](env)
    for action in legal[3:]:
        mine, others = env.step(action), twin.step(action)
        assert str(mine) == str(others)
