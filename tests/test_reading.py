"""Reading a model's words: only what is the answer is read, and what merely contains one is not."""

from __future__ import annotations

import pytest

from medsim.agent import reading

OPTIONS = {"A": "Gentamicin", "B": "Ciprofloxacin", "C": "Ceftriaxone", "D": "Ceftriaxone and doxycycline"}


@pytest.mark.parametrize(
    "text",
    [
        "C", "C.", "(C)", "C)", "**C**", "`C`", '"C"', " C \n", "Option C", "C. Ceftriaxone", "C: Ceftriaxone", "**C. Ceftriaxone**",
        "Ceftriaxone", "ceftriaxone.", "Answer: C", "**Answer:** C", "Final answer: **C**", "The answer is C.", "The correct answer is C",
        "I would not choose Gentamicin; the answer is C", "REASON: A is wrong.\nDECISION: C", "\\boxed{C}", "$\\boxed{\\text{C}}$",
        "<think>A or B? A.</think>C", "A, I think.</think>C", "```\nC\n```", "Answer: C\nReason: the joint",
    ],
)  # fmt: skip
def test_a_letter_is_read_where_it_is_the_answer(text: str) -> None:
    assert reading.letter(text, OPTIONS) == "C"


def test_a_sentence_that_begins_with_a_is_not_option_a() -> None:
    assert reading.letter("A patient with gonorrhea needs C", OPTIONS) is None
    assert reading.letter("A", OPTIONS) == reading.letter("Option A", OPTIONS) == reading.letter("A. Gentamicin", OPTIONS) == "A"


@pytest.mark.parametrize(
    "text",
    [
        "", "?", "c", "E", "AC", "A or C", "A, C", "A and C", "C because of the joint", "Choose C", "C. Gentamicin", "Answer: A\nAnswer: C",
        "The answer is not C", "I doubt the answer is C", "The answer is C if he is not allergic", "The answer is A. No: the answer is C.",
        "The answer is C. But I may be wrong.", "Not C", "Ceftriaxone, perhaps", "doxycycline", "<think>The answer is C", "I cannot say",
        "REASON: I think\nC", "A Gentamicin or B",
    ],
)  # fmt: skip
def test_a_letter_inside_other_words_or_two_of_them_is_not_read(text: str) -> None:
    assert reading.letter(text, OPTIONS) is None


def test_an_option_that_contains_another_is_told_apart() -> None:
    assert reading.letter("Ceftriaxone and doxycycline", OPTIONS) == "D"
    assert reading.letter("D. Ceftriaxone", OPTIONS) is None


def test_a_letter_that_is_also_the_text_of_another_option_is_not_read() -> None:
    options = {"A": "B", "B": "A", "C": "E"}
    assert reading.letter("A", options) is None
    assert reading.letter("A. B", options) == "A"
    assert reading.letter("E", options) == "C"


@pytest.mark.parametrize(("text", "value"), [("Yes.", True), ("YES", True), ("**No**", False), ("no!", False), ("DECISION: NO", False)])
def test_yes_and_no_are_read_alone(text: str, value: bool) -> None:
    assert reading.yes_no(text) is value


@pytest.mark.parametrize(
    "text", ["eyes", "yesterday", "not yet", "Yes, but no", "nothing", "I know", "yes no", "", "DECISION: NO\nDECISION: YES"]
)
def test_words_that_contain_yes_or_no_are_neither(text: str) -> None:
    assert reading.yes_no(text) is None


def test_reasons_do_not_decide() -> None:
    assert reading.yes_no("REASON: his eyes were red yesterday. Yes!\nDECISION: NO") is False
    assert reading.yes_no("REASON: yes") is None
    assert reading.letter("REASON: the answer is A\nDECISION: B", OPTIONS) == "B"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.9", 0.9), ("90%", 0.9), ("90 percent", 0.9), (".25", 0.25), ("1", 1.0), ("0", 0.0), ("1.0", 1.0), ("100 %", 1.0), ("0.9.", 0.9),
        ("Confidence: 0.85", 0.85), ("**0.4**", 0.4), ("My confidence is 70%", 0.7), ("REASON: 3 of 5 hold\nDECISION: 0.6", 0.6),
    ],
)  # fmt: skip
def test_a_probability_is_read_from_a_number_or_a_percentage(text: str, value: float) -> None:
    assert reading.probability(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["90", "1.5", "-0.3", "101%", "0.8-0.9", "about 0.9", "8/10", "not very confident", "high", "", "nan", "0,9", "1e-1"]
)
def test_a_number_that_is_no_probability_is_not_read(text: str) -> None:
    assert reading.probability(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4), ("4.", 4), ("4/5", 4), ("4 out of 5", 4), ("**4**", 4), ("Rating: 4", 4), ("4 - rather sure", 4), ("4 (rather sure)", 4),
        ("4 rather sure", 4), ("Very sure", 5), ("very confident", 5), ("Somewhat unconfident.", 2), ("1", 1), ("undecided", 3),
    ],
)  # fmt: skip
def test_a_rating_is_read_from_its_number_or_its_name(text: str, value: int) -> None:
    assert reading.rating(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "not very confident",
        "I am not very confident",
        "not sure",
        "0",
        "6",
        "4.5",
        "3-4",
        "4 very sure",
        "3 or 4",
        "90%",
        "4/10",
        "sure",
        "",
    ],
)
def test_a_denied_name_a_range_or_a_contradiction_is_no_rating(text: str) -> None:
    assert reading.rating(text) is None


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Does he smoke?", "Does he smoke?"), ("**Does he smoke?**", "Does he smoke?"), ("Question: Does he smoke?", "Does he smoke?"),
        ("What is the ratio: high or low?", "What is the ratio: high or low?"), ("REASON: x\nDECISION: Any rash: where?", "Any rash: where?"),
    ],
)  # fmt: skip
def test_a_question_is_kept_whole_with_its_colons(text: str, asked: str) -> None:
    assert reading.question(text) == asked


@pytest.mark.parametrize(
    "text",
    ["None", "", "?", "B?", "I would ask about smoking.", "Sure!\nDoes he smoke?", "ANSWER: B, right?", "x" * 600 + "?", "diagnose: B"],
)
def test_what_is_no_single_question_is_not_asked(text: str) -> None:
    assert reading.question(text) is None


def test_a_letter_and_a_question_at_once_are_neither() -> None:
    assert reading.either("ANSWER: B\nQUESTION: Does he smoke?", OPTIONS) == (None, None)
    assert reading.either("B", OPTIONS) == ("B", None)
    assert reading.either("Does he smoke?", OPTIONS) == (None, "Does he smoke?")
    assert reading.either("DECISION: Does he smoke?", OPTIONS) == (None, "Does he smoke?")
