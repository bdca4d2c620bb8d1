"""Encounters become training text that holds no truth and learns only the doctor's turns."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from medsim import recipe, traces, world
from medsim.agent.script import Golden, Inert, Interviewer
from medsim.consult import Consult
from medsim.episode import rollout
from medsim.errors import ActionError
from medsim.patient.scripted import ScriptedPatient
from medsim.traces import Scored
from medsim.world.game import game
from medsim.world.settling import settle
from medsim.world.teacher import Teacher
from medsim.world.telling import tell_many

CASE = recipe.case_named("winter-cough")
GOLDEN, INERT, ROUTINE = (
    rollout(CASE, agent, name=name) for name, agent in (("golden", Golden(CASE)), ("inert", Inert()), ("routine", Interviewer()))
)


def test_a_trajectory_becomes_a_chat_with_the_doctors_turns_to_be_learnt() -> None:
    made = traces.of_trajectory(GOLDEN, score=0.9)
    messages, mask = made["messages"], made["loss_mask"]
    assert [message["role"] for message in messages[:3]] == ["system", "user", "assistant"]
    assert mask == [int(message["role"] == "assistant") for message in messages]
    assert [message["content"] for message in messages if message["role"] == "assistant"] == [turn.strip() for turn in CASE.golden]
    seen = "\n".join(message["content"] for message in messages if message["role"] == "user")
    assert "Doctor, " not in seen
    assert all(state not in seen for state in ("oxygenated", "improving"))
    assert "71-year-old" in messages[1]["content"]


def test_what_the_user_says_is_what_an_agent_was_shown() -> None:
    shown: list[str] = []

    class Watching(Golden):
        def act(self, observation: str) -> str:
            shown.append(observation)
            return super().act(observation)

    trajectory = rollout(CASE, Watching(CASE))
    told = [message["content"] for message in traces.of_trajectory(trajectory)["messages"] if message["role"] == "user"]
    assert told == [words or "(Nothing happens.)" for words in shown]


def test_an_encounter_that_broke_off_teaches_nothing() -> None:
    broken = replace(GOLDEN, outcome=replace(GOLDEN.outcome, status="error", reason="LLMError"))
    with pytest.raises(ActionError, match="ended in an error"):
        traces.of_trajectory(broken)
    assert not list(traces.pairs([Scored(broken, 1.0), Scored(INERT, 0.0)]))


@pytest.mark.parametrize("task", ["inquiry", "workup"])
def test_the_teacher_does_not_know_the_truth_and_its_trace_plays_again(task: str) -> None:
    tables = world.compile_world(world.load("sore-throat"))
    play = game(tables, task=task)  # type: ignore[arg-type]
    told = tell_many(tables, 25, seed=3, max_turns=30)
    made = [traces.of_teacher(each, play, teacher=Teacher(tables, certain=0.75)) for each in told]
    assert {chat["success"] for chat in made} == {True, False}
    for each, chat in zip(told, made, strict=True):
        consult, seat = Consult(each.case), ScriptedPatient(each.case.brief())
        for message, mask in zip(chat["messages"], chat["loss_mask"], strict=True):
            if mask:
                consult.play(message["content"], seat)
        assert settle(each, play, consult.events).unshaped == pytest.approx(chat["return_unshaped"])
        assert "truth" not in json.dumps(chat)
    assert sum(chat["return_unshaped"] for chat in made) / 25 > 0.2


def test_pairs_are_of_one_case_and_better_by_a_margin() -> None:
    other = recipe.case_named("chest-vice")
    stranger = rollout(other, Golden(other))
    found = list(traces.pairs([Scored(INERT, 0.0), Scored(GOLDEN, 0.97), Scored(ROUTINE, 0.2), Scored(stranger, 1.0)], margin=0.5))
    assert [(pair["score_chosen"], pair["score_rejected"]) for pair in found] == [(0.97, 0.0), (0.97, 0.2)]
    for pair in found:
        assert pair["case_id"] == CASE.id
        assert pair["prompt"][0]["role"] == "system"
        assert pair["chosen"][0]["role"] == pair["rejected"][0]["role"] == "assistant"
        assert pair["chosen_mask"][0] == 1
        assert len(pair["chosen_mask"]) == len(pair["chosen"])
    assert len(list(traces.pairs([Scored(INERT, 0.0), Scored(GOLDEN, 0.97), Scored(ROUTINE, 0.2)], margin=0.1, most=1))) == 1
    with pytest.raises(ActionError, match="margin above 0"):
        list(traces.pairs([], margin=0.0))


def test_lines_are_json() -> None:
    (line,) = traces.lines([traces.golden(CASE)])
    assert json.loads(line)["case_id"] == CASE.id
    assert "\n" not in line
