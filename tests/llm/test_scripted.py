"""The fake keeps the promises of the real one."""

from __future__ import annotations

import asyncio

import pytest

from medsim.errors import LLMError
from medsim.llm import Answer, Call, Message, Scripted, ToolCall

CALL = Call("openai/local", (Message("user", "Where does it hurt?"),), role="patient")


def test_it_answers_line_by_line_and_remembers_the_calls() -> None:
    model = Scripted(["In my chest.", Answer("Since noon.")])
    assert model.complete(CALL).text == "In my chest."
    assert asyncio.run(model.acomplete(CALL)).text == "Since noon."
    assert model.calls == [CALL, CALL]


def test_it_answers_by_a_function_of_the_call() -> None:
    model = Scripted(lambda call: call.messages[-1].content.upper())
    assert model.complete(CALL).text == "WHERE DOES IT HURT?"


def test_it_raises_what_the_script_says() -> None:
    with pytest.raises(LLMError, match="gone"):
        Scripted([LLMError("gone")]).complete(CALL)


def test_it_uses_tools() -> None:
    assert Scripted([ToolCall("order", {"code": "ecg"})]).complete(CALL).tool_calls[0].arguments == {"code": "ecg"}


def test_a_script_that_has_ended_is_an_error() -> None:
    model = Scripted(["In my chest."])
    model.complete(CALL)
    with pytest.raises(LLMError, match="1 answers; call 2"):
        model.complete(CALL)


@pytest.mark.parametrize(("line", "schema"), [("", None), ("yes", {"type": "object"}), ("[]", {"type": "object"})])
def test_an_answer_that_the_real_one_would_not_give_is_an_error(line: str, schema: dict[str, str] | None) -> None:
    with pytest.raises(LLMError, match="scripted model failed"):
        Scripted([line]).complete(Call("m", CALL.messages, schema=schema))
