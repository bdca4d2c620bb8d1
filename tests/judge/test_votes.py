"""Votes: an answer of any shape is read, a quotation is looked for, and only a majority decides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.judge.ask import Ask, Line
from medsim.judge.votes import Vote, checked, count, read, split

ASK = Ask(
    "x",
    "It is so.",
    (
        Line(3, "patient", "Patient (0:10)", "I am afraid of dying, doctor."),
        Line(5, "words", "Doctor (0:20)", "I can see that you’re “frightened”; we will look after you."),
        Line(8, "notes", "Doctor, note (0:30)", "Yes."),
        Line(9, "words", "Doctor (0:40)", "Yes."),
    ),
)


def vote(turn: Any, quote: Any, said: str = "met") -> Vote:
    text = json.dumps({"answers": [{"statement": "S1", "why": "w", "turn": turn, "quote": quote, "verdict": said}]})
    return checked(read(text, ["S1"], model="m")["S1"], ASK)


@pytest.mark.parametrize(
    ("turn", "quote", "seq"),
    [
        (2, "we will look after you", 5),
        (2.0, 'you\'re "frightened"; we  will', 5),
        (2, "\u201cI can see that you're\u201d", 5),
        (2, "[2] Doctor (0:20): we will look after you.", 5),
        (4, "Yes", 9),
    ],
)
def test_words_of_the_entry_count_whatever_their_spaces_and_quotation_marks(turn: Any, quote: str, seq: int) -> None:
    found = vote(turn, quote)
    assert found.counts, found.fault
    assert found.seq == seq


@pytest.mark.parametrize(
    ("turn", "quote", "why"),
    [
        (2, "you will be fine", "do not stand"),
        (1, "I am afraid of dying", "not by one whose words count"),
        (3, "Yes.", "not by one whose words count"),
        (0, "we will look after you", "no entry"),
        (5, "we will look after you", "no entry"),
        (None, "we will look after you", "no entry"),
        (True, "we will look after you", "no entry"),
        (2, None, "quotes nothing"),
        (2, " ' ", "quotes nothing"),
        (2, "[2] Doctor (0:20):", "quotes nothing"),
        (2, "we will", "too short"),
    ],
)
def test_a_quotation_that_was_never_said_voids_the_vote(turn: Any, quote: Any, why: str) -> None:
    found = vote(turn, quote)
    assert not found.counts
    assert why in found.fault


def test_not_met_and_cannot_tell_need_no_quotation() -> None:
    assert vote(None, None, "not_met").counts
    assert vote(99, "never said", "cannot_tell").counts


def test_an_item_whose_evidence_cannot_be_quoted_may_say_so() -> None:
    free = ASK._replace(needs_quote=False)
    assert checked(Vote("m", "met"), free).counts
    assert not checked(Vote("m", "met", 2, None, "never said"), free).counts, "what is quoted must be true all the same"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["S1", "met", "not_met", "answers"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["answers", "statement", "turn", "quote", "verdict", "why", "x"]), inner)
    ),
    max_leaves=12,
)


@given(
    st.text()
    | JSON.map(json.dumps)
    | JSON.map(lambda part: json.dumps({"answers": [part]}))
    | JSON.map(lambda part: json.dumps({"answers": part}))
)
def test_an_answer_of_any_shape_is_a_vote(text: str) -> None:
    found = read(text, ["S1", "S2"], model="m")
    assert set(found) == {"S1", "S2"}
    for each in found.values():
        after = checked(each, ASK)
        assert after.counts or after.fault
        json.dumps(after.data())


@given(turn=JSON, quote=JSON, said=JSON, why=JSON)
def test_fields_of_any_shape_never_make_met_without_words_that_stand_there(turn: Any, quote: Any, said: Any, why: Any) -> None:
    text = json.dumps({"answers": [{"statement": "S1", "why": why, "turn": turn, "quote": quote, "verdict": said}]})
    found = checked(read(text, ["S1"], model="m")["S1"], ASK)
    assert not (found.counts and found.said == "met") or (isinstance(quote, str) and quote.strip())


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"answers": [{"statement": "S1", "turn": 1' + "0" * 4000 + "}]}", "", "null", '{"answers": {}}']
)
def test_answers_made_to_break_a_reader_are_void(text: str) -> None:
    assert not read(text, ["S1"], model="m")["S1"].counts


def test_a_statement_answered_twice_is_void() -> None:
    one = {"statement": "S1", "why": "", "turn": None, "quote": None, "verdict": "not_met"}
    assert not read(json.dumps({"answers": [one, {**one, "verdict": "met"}]}), ["S1"], model="m")["S1"].counts


def votes(text: str) -> list[Vote]:
    """m met, n not met, c cannot tell, v void."""
    said: dict[str, Any] = {"m": "met", "n": "not_met", "c": "cannot_tell"}
    return [Vote("m", said[letter]) if letter in said else Vote("m", fault="no answer: down") for letter in text]


@pytest.mark.parametrize(
    ("given_", "said", "reason"),
    [
        ("m", "met", ""), ("n", "not_met", ""), ("mmn", "met", ""), ("nnm", "not_met", ""), ("mmv", "met", ""), ("mmmnn", "met", ""),
        ("c", None, "cannot tell"), ("ccm", None, "cannot tell"), ("mnc", None, "split"), ("mnv", None, "split"), ("mmnnc", None, "split"),
        ("mvv", None, "only 1 of 3"), ("vvv", None, "no vote counts: no answer: down"), ("v", None, "does not count"), ("", None, "does not count"),
    ],
)  # fmt: skip
def test_only_a_majority_of_votes_that_count_decides(given_: str, said: str | None, reason: str) -> None:
    found, why = count(votes(given_))
    assert found == said
    assert reason in why
    assert bool(why) == (said is None)


def test_a_split_is_a_difference_among_votes_that_count() -> None:
    assert split(votes("mmn"))
    assert not split(votes("mmv"))
