"""A term as a whole in a text: what plain search finds is what a pattern of word characters would."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.vocabulary.whole import place_of, stands_in

LETTERS = st.sampled_from(["a", "b", "_", " ", "-", "1", "é", "²", "."])


@pytest.mark.parametrize(
    ("term", "text", "place"),
    [
        ("mi", "an mi, inferior", 3),
        ("mi", "familial mi", 9),
        ("mi", "familial", -1),
        ("mi", "mi_2", -1),
        ("mi", "mi2", -1),
        ("mi", "émi", -1),
        ("mi", "(mi)", 1),
        ("type 1", "type 10, type 1", 9),
        ("a-a", "ba-a-a", 3),
        ("mi", "", -1),
    ],
)
def test_a_letter_digit_or_underscore_right_before_or_after_forbids_it(term: str, text: str, place: int) -> None:
    assert place_of(term, text) == place
    assert stands_in(term, text) == (place >= 0)


@given(st.text(LETTERS, max_size=4), st.text(LETTERS, max_size=14))
def test_the_first_place_is_where_a_pattern_finds_it(term: str, text: str) -> None:
    found = re.search(rf"(?<!\w){re.escape(term)}(?!\w)", text)
    assert place_of(term, text) == (found.start() if found else -1)
