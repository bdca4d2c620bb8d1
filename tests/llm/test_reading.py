"""An answer is taken only when all of it is as asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.llm import Call, Message
from medsim.llm.fault import Fault
from medsim.llm.reading import Reading, Reply, misfit, read
from medsim.llm.request import closed
from medsim.llm.scrub import clean

PLAIN = Call("m", (Message("user", "?"),), max_tokens=5)
VERDICT = {
    "type": "object",
    "properties": {"met": {"type": "boolean"}, "why": {"type": "string"}},
    "required": ["met"],
    "additionalProperties": False,
}
JSON = Call("m", (Message("user", "?"),), schema=VERDICT)
TOOLS = Call("m", (Message("user", "?"),), tools=({"type": "function", "function": {"name": "order", "parameters": {"type": "object"}}},))


def fault(call: Call, reply: Reply) -> Fault:
    found = read(call, reply)
    assert isinstance(found, Fault)
    return found


@pytest.mark.parametrize("text", [None, "", "  \n\t", "\x00\x01", "\ud800\udfff"[:1], "\ufffd\ufffd"])
def test_an_empty_answer_is_a_fault_that_is_tried_again(text: str | None) -> None:
    assert fault(PLAIN, Reply(text)).again


def test_an_answer_cut_by_max_tokens_is_kept() -> None:
    assert read(PLAIN, Reply("It began", finish="length")) == Reading("It began", ())


@pytest.mark.parametrize("call", [PLAIN, JSON])
def test_max_tokens_that_leave_nothing_usable_end_at_once(call: Call) -> None:
    found = fault(call, Reply("" if call is PLAIN else '{"met": tr', finish="length"))
    assert not found.again
    assert "max_tokens" in found.advice


def test_an_answer_of_the_content_filter_ends_at_once() -> None:
    assert not fault(PLAIN, Reply("some", finish="content_filter")).again


def test_a_refusal_is_told_with_its_words() -> None:
    assert "cannot help with that" in fault(JSON, Reply(None, refusal="I cannot help with that")).reason


@pytest.mark.parametrize("text", ['{"met": true}', '```json\n{"met": true}\n```', ' {"met": true, "why": "said so"} '])
def test_json_that_fits_is_taken_and_a_fence_around_it_removed(text: str) -> None:
    found = read(JSON, Reply(text))
    assert isinstance(found, Reading)
    assert found.text.startswith("{")


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        '{"met": tru',
        '{"met": "yes"}',
        '{"met": 1}',
        "{}",
        "[]",
        "null",
        '{"met": true, "more": 1}',
        '{"met": true} or not',
        "[" * 100_000,
    ],
)
def test_what_is_not_the_json_asked_for_is_tried_again(text: str) -> None:
    assert fault(JSON, Reply(text)).again


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("order", "{"), ("order", "[]"), ("order", '"x"'), ("order", "null"), ("ordr", "{}"), ("", "{}"), ("order", "\x00")],
)
def test_a_malformed_or_unknown_tool_call_is_tried_again(name: str, arguments: str) -> None:
    assert fault(TOOLS, Reply(tool_calls=((name, arguments, "1"),))).again


def test_a_tool_call_needs_no_text() -> None:
    found = read(TOOLS, Reply(tool_calls=(("order", '{"code": "ecg"}', "1"),)))
    assert isinstance(found, Reading)
    assert found.tool_calls == (("order", {"code": "ecg"}, "1"),)


def test_a_tool_that_nobody_offered_is_not_taken() -> None:
    assert fault(PLAIN, Reply("text", tool_calls=(("order", "{}", "1"),))).again


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        (3, {"type": "integer"}, True), (3.0, {"type": "integer"}, True), (3.5, {"type": "integer"}, False), (True, {"type": "integer"}, False),
        (True, {"type": "number"}, False), (None, {"type": ["string", "null"]}, True), ("c", {"enum": ["a", "b"]}, False), ("a", {"const": "a"}, True),
        ([1, "x"], {"type": "array", "items": {"type": "integer"}}, False), ({"a": {"b": 1}}, {"properties": {"a": {"required": ["c"]}}}, False),
        ({"free": 1}, {"type": "object"}, True), ("x", True, True), ("x", {"type": "unheard-of"}, True),
    ],
)  # fmt: skip
def test_the_keywords_of_a_schema_that_are_checked(value: Any, schema: Any, fits: bool) -> None:
    assert (misfit(value, schema) == "") == fits


def test_strict_mode_is_asked_only_of_closed_schemas() -> None:
    loose = {"type": "object", "properties": {"a": {}}}
    tight = loose | {"required": ["a"], "additionalProperties": False}
    assert not closed(loose)
    assert closed(tight)
    assert not closed({"type": "array", "items": loose})


@given(st.text(st.characters()))
def test_cleaned_text_can_be_stored_and_cleaning_it_again_changes_nothing(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\x00" not in cleaned
    assert clean(cleaned) == cleaned


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_ordinary_text_comes_back_as_it_is(text: str) -> None:
    assert clean(text) == text
