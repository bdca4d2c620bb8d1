"""A call is a value: what its hash covers and what it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.errors import LLMError
from medsim.llm import LLM, Call, Message, Models, Scripted
from medsim.llm.call import Signature

CALL = Call("openai/local", (Message("system", "Be brief."), Message("user", "Where does it hurt?")))


def hash_of(call: Call, base: str = "") -> str:
    return Signature(call, base).hash


@pytest.mark.parametrize(
    "change",
    [
        {"model": "openai/other"}, {"messages": (Message("user", "Where does it hurt?"),)}, {"temperature": 0.0}, {"max_tokens": 5}, {"seed": 1},
        {"schema": {"type": "object"}}, {"tools": ({"type": "function", "function": {"name": "x"}},)}, {"logprobs": 0}, {"stop": ("\n",)}, {"salt": "2"},
    ],
)  # fmt: skip
def test_everything_that_may_change_the_answer_changes_the_hash(change: dict[str, Any]) -> None:
    assert hash_of(replace(CALL, **change)) != hash_of(CALL)


def test_the_address_is_part_of_the_hash() -> None:
    assert hash_of(CALL, "http://127.0.0.1:1/v1") != hash_of(CALL)


def test_who_asks_is_not_part_of_the_hash() -> None:
    assert hash_of(replace(CALL, role="judge")) == hash_of(CALL)


def test_equal_numbers_have_equal_hashes() -> None:
    assert hash_of(replace(CALL, temperature=0)) == hash_of(replace(CALL, temperature=0.0))


@given(st.lists(st.text(st.characters()), min_size=1, max_size=4), st.lists(st.text(st.characters()), min_size=1, max_size=4))
def test_two_conversations_share_a_hash_only_where_they_are_the_same(one: list[str], other: list[str]) -> None:
    first, second = (replace(CALL, messages=tuple(Message("user", text) for text in texts)) for texts in (one, other))
    assert (hash_of(first) == hash_of(second)) == (one == other)


def test_a_call_without_messages_is_refused() -> None:
    with pytest.raises(LLMError, match="at least one message"):
        Call("openai/local", ())


def test_the_real_models_and_the_scripted_one_are_both_llms() -> None:
    assert isinstance(Models(), LLM)
    assert isinstance(Scripted([]), LLM)
