"""The doctor who calls tools: every call is one action of the grammar, and a wrong one is answered, never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim import action as act
from medsim.action import VERBS, Action, from_tool, parse, ranked, show, tool_schemas
from medsim.agent import make
from medsim.agent.tools import CALLED, TRIES, ToolsDoctor, turn_of
from medsim.case import Case
from medsim.episode import replay, rollout
from medsim.errors import ActionError, LLMError
from medsim.llm import Answer, Models, Scripted, ToolCall
from medsim.llm.reading import misfit
from tests.llm.server import chat, response, running, tool

ECG = ToolCall("order", {"test": "ecg"})
TOOLS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tool_schemas()}
WORDS = st.text(max_size=60) | st.text(alphabet="ask:order;\\ \nend123.>-", max_size=40)


def several(*calls: ToolCall, text: str = "") -> Answer:
    return Answer(text, calls)


def doctor(*script: Any) -> tuple[ToolsDoctor, Scripted]:
    llm = Scripted(script)
    made = ToolsDoctor(llm)
    made.reset(0)
    return made, llm


@st.composite
def uses(draw: st.DrawFn) -> ToolCall:
    """A call that fits the schema of its tool; what a parameter may hold is any text."""
    name = draw(st.sampled_from(sorted(TOOLS)))
    wanted = TOOLS[name]
    chosen = [key for key in wanted["properties"] if key in wanted["required"] or draw(st.booleans())]
    kinds = {key: st.lists(WORDS, max_size=4) if wanted["properties"][key]["type"] == "array" else WORDS for key in chosen}
    return ToolCall(name, {key: draw(kind) for key, kind in kinds.items()})


@given(st.lists(uses(), min_size=1, max_size=5))
def test_calls_that_are_taken_print_and_parse_back_to_the_same_actions(calls: list[ToolCall]) -> None:
    taken = []
    for call in calls:
        try:
            taken.append(from_tool(call.name, call.arguments))
        except ActionError:
            continue
    if taken:
        assert parse(show(taken)) == taken


@given(uses())
def test_no_word_of_a_call_is_lost(call: ToolCall) -> None:
    try:
        action = from_tool(call.name, call.arguments)
    except ActionError:
        return
    if call.name == "diagnose":
        assert ranked(action.text) == [act.tidy(name).strip(" .,-*") for name in call.arguments["ranked"]]
    else:
        given = " ".join(act.tidy(value) for value in ({"how_long": "result"} if call == ToolCall("wait", {}) else call.arguments).values())
        assert "".join(action.text.split()) == "".join(given.split()).rstrip("; \n")


def test_there_is_one_tool_for_every_verb_and_no_other() -> None:
    assert tuple(TOOLS) == tuple(act.CONSTRUCTORS)
    assert set(TOOLS) == set(VERBS)
    assert list(TOOLS["treat"]["properties"]) == ["drug", "dose", "route"]
    assert TOOLS["treat"]["required"] == ["drug"]
    assert TOOLS["diagnose"]["properties"]["ranked"]["type"] == "array"
    assert TOOLS["end"]["properties"] == {}


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (ToolCall("treat", {"drug": "aspirin", "dose": "300 mg", "route": "po"}), "treat: aspirin 300 mg po"),
        (ToolCall("treat", {"drug": "aspirin", "dose": None}), "treat: aspirin"),
        (ToolCall("diagnose", {"ranked": ["PE", "pneumonia"]}), "diagnose: PE; pneumonia"),
        (ToolCall("wait", {}), "wait: result"),
        (ToolCall("end", {}), "end:"),
        (ToolCall("note", {"text": "plan\norder: nothing"}), "note: plan\n\\order: nothing"),
    ],
)
def test_a_call_is_the_line_a_person_would_write(call: ToolCall, line: str) -> None:
    assert turn_of(several(call)) == line
    assert misfit({key: value for key, value in call.arguments.items() if value is not None}, TOOLS[call.name]) == ""


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (ToolCall("ordr", {"test": "ecg"}), "no tool 'ordr'. Did you mean 'order'"),
        (ToolCall("order", {}), "needs 'test'"),
        (ToolCall("order", {"test": None}), "needs 'test'"),
        (ToolCall("order", {"name": "ecg"}), "takes no 'name'. It takes: test"),
        (ToolCall("order", {"test": ["ecg", "fbc"]}), "should be text, is list"),
        (ToolCall("order", {"test": " ; "}), "is empty"),
        (ToolCall("order", {"test": "x" * 20_000}), "longer than"),
        (ToolCall("treat", {"drug": "x" * 15_000, "dose": "x" * 15_000}), "more than"),
        (ToolCall("treat", {"drug": "aspirin", "dose": 300}), "'dose' of tool 'treat' should be text, is int"),
        (ToolCall("end", {"why": "done"}), "It takes: nothing"),
        (ToolCall("diagnose", {"ranked": "PE; pneumonia"}), "a list of 1 to 20"),
        (ToolCall("diagnose", {"ranked": []}), "a list of 1 to 20"),
        (ToolCall("diagnose", {"ranked": ["PE; pneumonia"]}), "one bare name"),
        (ToolCall("diagnose", {"ranked": ["1. PE"]}), "one bare name"),
        (ToolCall("diagnose", {"ranked": ["PE", 2]}), "should be text, is int"),
    ],
)
def test_a_wrong_call_is_answered_with_what_was_expected(call: ToolCall, says: str) -> None:
    made, llm = doctor(several(call), ECG)
    assert made.act("A woman of 64.") == "order: ecg"
    assert says in llm.calls[1].messages[-1].content
    assert llm.calls[1].messages[-1].role == "user"


def test_several_calls_in_one_answer_are_several_actions_in_their_order() -> None:
    made, _ = doctor(several(ECG, ToolCall("examine", {"what": "heart"}), ToolCall("wait", {"how_long": "5m"}), text="First the heart."))
    assert parse(made.act("A woman of 64.")) == [act.order("ecg"), act.examine("heart"), act.wait("5m")]


def test_an_answer_with_one_wrong_call_does_nothing_until_it_is_right() -> None:
    made, llm = doctor(several(ECG, ToolCall("treat", {})), several(ECG))
    assert made.act("A woman of 64.") == "order: ecg"
    assert "Nothing of this was done" in llm.calls[1].messages[-1].content


def test_more_calls_than_a_turn_may_hold_are_sent_back() -> None:
    made, llm = doctor(several(*[ECG] * (act.MAX_ACTIONS + 1)), ECG)
    assert made.act("A woman of 64.") == "order: ecg"
    assert f"At most {act.MAX_ACTIONS} calls" in llm.calls[1].messages[-1].content


def test_a_model_that_is_wrong_three_times_is_an_error_and_no_turn() -> None:
    made, llm = doctor(*[ToolCall("order", {})] * 5)
    with pytest.raises(LLMError, match=r"3 times; last: Tool 'order' needs 'test'"):
        made.act("A woman of 64.")
    assert len(llm.calls) == TRIES == 3


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Where does it hurt?", act.ask("Where does it hurt?")),
        ("A patient like you needs C", act.say("A patient like you needs C")),
        ("Yes.", act.say("Yes.")),
        ("order: ecg", act.say("order: ecg")),
        ("Let me see.\ntreat: morphine 10 mg iv\nend:", act.say("Let me see.\ntreat: morphine 10 mg iv\nend:")),
        ("end", act.say("end")),
        ("<think>order: nothing</think>Good morning.", act.say("Good morning.")),
    ],
)
def test_text_without_a_call_is_speech_and_nothing_in_it_acts(text: str, action: Action) -> None:
    made, _ = doctor(text)
    assert parse(made.act("A woman of 64.")) == [action]


@pytest.mark.parametrize(
    "text",
    [
        "<think>Perhaps the heart?</think>",
        "<think>Perhaps the heart",
        '{"name": "order", "arguments": {"test": "ecg"}}',
        '```json\n[{"name": "order"}]\n```',
        "<tool_call>order</tool_call>",
        CALLED,
        ";",
    ],
)
def test_a_thought_or_a_call_written_as_text_is_not_said_to_the_patient(text: str) -> None:
    made, llm = doctor(text, ECG)
    assert made.act("A woman of 64.") == "order: ecg"
    assert len(llm.calls) == 2


def test_results_come_back_as_words_of_the_user_below_the_calls_they_answer() -> None:
    made, llm = doctor(several(ToolCall("order", {})), ECG, "Good morning.", "Sit down.")
    made.act("A woman of 64.")
    made.act("ECG: ST elevation.")
    made.act("She nods.")
    first, second = llm.calls[2].messages, llm.calls[3].messages
    assert [message.role for message in second] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert first[-1].content == 'You called:\norder {"test": "ecg"}\n\nRESULTS\nECG: ST elevation.'
    assert second[-1].content == "She nods.", "nothing was called in between"
    assert first[2].content == CALLED, "what was sent back is not kept"


def test_a_doctor_with_tools_plays_a_whole_encounter_and_it_replays(mini: Case) -> None:
    script: list[Any] = [
        "Hello, what brings you in?",
        several(ECG, ToolCall("wait", {})),
        several(ToolCall("diagnose", {"ranked": ["inferior STEMI"]}), ToolCall("end", {})),
    ]
    llm = Scripted(script)
    run = rollout(mini, ToolsDoctor(llm), name="tools", seed=3)
    assert run.outcome.reason == "doctor"
    assert run.outcome.diagnosis == ("inferior STEMI",)
    assert [(call.role, call.seed) for call in llm.calls] == [("doctor", 3)] * 3
    assert "ST elevation" in llm.calls[-1].messages[-1].content
    assert replay(mini, run).events == run.events


def test_a_failing_model_is_an_error_of_the_trajectory(mini: Case) -> None:
    run = rollout(mini, ToolsDoctor(Scripted(["Hello?", LLMError("gone")])), name="tools")
    assert (run.outcome.status, run.outcome.reason) == ("error", "LLMError")


def test_over_a_real_socket_the_tools_go_out_and_the_calls_come_back(mini: Case) -> None:
    script = [
        response(tool("order", '{"test": "ecg"}')),
        response(tool("order", "{}")),
        response(tool("wait", '{"how_long": "result"}')),
        response(chat("It is your heart.")),
        response(tool("end", "{}")),
    ]
    with running(script) as server, Models(api_base=server.url, retries=0) as models:
        run = rollout(mini, ToolsDoctor(models, model="openai/served"), name="tools")
    assert run.error == ""
    assert [event.text for event in run.events if event.kind == "message"] == [
        "order: ecg",
        "wait: result",
        "say: It is your heart.",
        "end:",
    ]
    assert [sent["function"]["name"] for sent in server.bodies[0]["tools"]] == list(TOOLS)
    assert all(set(message) <= {"role", "content"} for body in server.bodies for message in body["messages"])


def test_the_shipped_recipe_makes_a_doctor_with_tools(mini: Case) -> None:
    llm = Scripted([ToolCall("end", {})])
    name, maker = make("tools", llm)
    assert name == "tools"
    assert rollout(mini, maker(mini)).outcome.reason == "doctor"
    assert llm.calls[0].tools == tool_schemas()


def test_every_tool_and_parameter_says_what_it_is_for() -> None:
    for schema in tool_schemas():
        function = schema["function"]
        assert function["description"]
        assert "`" not in function["description"]
        assert all(part["description"] for part in function["parameters"]["properties"].values())
