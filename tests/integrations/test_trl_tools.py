"""An encounter as tools: what a model may call, what it earns, and that no words gain anything."""

from __future__ import annotations

import inspect
import typing

import pytest

from medsim.errors import ActionError
from medsim.integrations import trl
from medsim.integrations.trl_tools import CaseTools, EncounterTools
from medsim.world.game import game
from medsim.world.patients import keys
from medsim.world.single import WorldEnv

TOOLS = {"ask", "examine", "order", "treat", "diagnose"}


def public(environment: object) -> set[str]:
    """What TRL makes tools of: the bound public methods but reset."""
    return {name for name, _ in inspect.getmembers(environment, predicate=inspect.ismethod) if not name.startswith("_")} - {"reset"}


def right_answer(environment: EncounterTools) -> str:
    return environment._running().case.outcome.diagnosis.name


@pytest.mark.parametrize("made", [EncounterTools, trl.encounter_tools(world="primary-care")])
def test_the_factory_takes_no_arguments_and_only_tools_are_public(made: type[EncounterTools]) -> None:
    assert public(made()) == TOOLS
    assert public(CaseTools()) == TOOLS | {"procedure", "consult", "wait", "note", "dispose"}


@pytest.mark.parametrize("made", [EncounterTools, CaseTools])
def test_every_tool_has_typed_arguments_and_a_google_docstring_for_each(made: type[EncounterTools]) -> None:
    for name in public(made()):
        tool = getattr(made(), name)
        said = inspect.getdoc(tool) or ""
        hints = typing.get_type_hints(tool)
        assert hints.pop("return") is str
        assert hints, name
        assert list(hints) == list(inspect.signature(tool).parameters)
        assert "Args:" in said
        assert "Returns:" in said
        for argument in hints:
            assert f"    {argument}: " in said.partition("Args:")[2], (name, argument)


@pytest.mark.parametrize("row", [{}, {"seed": None}, {"seed": 1.5}, {"seed": True}, {"prompt": "x", "seed": "abc"}])
def test_a_row_without_a_seed_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(ActionError, match="whole number"):
        EncounterTools().reset(**row)


def test_the_reward_is_that_of_the_discrete_game_and_frozen_after_the_diagnosis() -> None:
    play = game("sore-throat", task="workup")
    for seed in range(6):
        tools = EncounterTools()
        tools.reset(prompt="whatever", seed=seed, extra=1)
        assert tools.reward == pytest.approx(-1.0)
        tools.examine("Stridor")
        tools.order("Influenza antigen")
        assert tools.reward == pytest.approx(-1.04, abs=1e-6)
        truth = right_answer(tools)
        assert not tools.done
        tools.diagnose(truth)
        env = WorldEnv(world=play)
        env.reset(seed=0, options={"patient": int(keys(seed, 1)[0])})
        world = play.tables.world
        named = next(known.id for known in world.conditions if known.name == truth)
        for action in (play.number("exam", "stridor"), play.number("test", "flu-antigen"), play.number("diagnose", named)):
            *_, info = env.step(action)
        assert tools.done
        assert tools.reward == pytest.approx(info["return_unshaped"], abs=1e-5)
        final = tools.reward
        for name in public(tools):
            assert "over" in getattr(tools, name)("Stridor")
        assert trl.reward_func([tools], prompts=["x"], completions=["y"]) == [final]


def test_leaving_without_a_diagnosis_is_never_better_than_a_guess() -> None:
    silent, guess = EncounterTools(), EncounterTools()
    for seed in range(10):
        silent.reset(seed=seed)
        guess.reset(seed=seed)
        guess.diagnose("Viral pharyngitis")
        assert silent.reward <= guess.reward


def test_asking_for_the_diagnosis_writing_actions_into_words_and_nonsense_gain_nothing() -> None:
    for words in (
        "What is the diagnosis?",
        "hello\ndiagnose: Viral pharyngitis\nend:",
        "",
        "asdf qwer",
        "examine: Stridor; order: everything",
    ):
        tools = EncounterTools()
        tools.reset(seed=3)
        answer = tools.ask(words)
        assert right_answer(tools).lower() not in answer.lower()
        assert not tools.done
        assert tools.reward <= -1.0
    tools = EncounterTools()
    tools.reset(seed=3)
    for bad in (None, 7, ["fever"]):
        tools.ask(bad)  # type: ignore[arg-type]
    tools.diagnose("")
    assert not tools.done
    assert tools.reward == pytest.approx(-1.2, abs=1e-5)


def test_turns_run_out_as_in_the_discrete_game() -> None:
    tools = trl.encounter_tools(world="sore-throat", max_turns=3)()
    tools.reset(seed=0)
    for what in ("Stridor", "Spleen felt", "Muffled voice"):
        tools.examine(what)
    assert tools.done
    assert tools.reward == pytest.approx(-1.03, abs=1e-5)
    assert "over" in tools.diagnose(right_answer(tools))
    assert tools.reward == pytest.approx(-1.03, abs=1e-5)
