"""The viewer: hostile text from a case, a model or a database is shown as text and does nothing."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from medsim.agent.script import Script
from medsim.case import Case
from medsim.episode import rollout
from medsim.trajectory import Event, Trajectory
from medsim.viewer import encounter_page, safe

HOSTILE = [
    "\x1b[2J\x1b[H",
    "\x1b]8;;http://bad\x07click\x1b]8;;\x07",
    "\x9b31m",
    "\x07\x08\x7f\r",
    "\u202egnp.exe",
    "\u2066hidden\u2069",
    "\ud800",
    "\u2028\u2029",
    "\U000e0041",
    "[bold red]not markup[/] [link=http://bad]x[/link]",
    "[/]",
    "x" * 100_000,
]
STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def shown(trajectory: Trajectory, scores: list[dict[str, Any]], *, truth: bool = False, colour: bool = False) -> str:
    out = io.StringIO()
    Console(file=out, width=120, force_terminal=colour, color_system="truecolor" if colour else None).print(
        encounter_page(trajectory, scores, truth=truth)
    )
    return out.getvalue()


def harmless(text: str) -> bool:
    return all(ch == "\n" or unicodedata.category(ch) not in STEERING for ch in text)


@pytest.fixture(scope="module")
def run(mini: Case) -> Trajectory:
    return rollout(mini, Script(["ask: do you smoke?", "order: ecg", "wait: result", "diagnose: inferior STEMI", "end:"]))


def card(text: str = "x") -> dict[str, Any]:
    item = {"item": text, "verdict": "met", "points": 1.0, "earned": 1.0, "evidence": [3, text], "reason": text, "text": text}
    return {
        "rubric": text, "rubric_hash": text, "judge": text, "score": 0.5, "raw": 0.5, "passed": False, "coverage": 0.5, "critical": [text],
        "items": [item, {**item, "verdict": text}],
    }  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_anywhere_on_a_page_can_steer_the_terminal(run: Trajectory, text: str) -> None:
    events = [
        replace(event, text=text, code=text, facts=(text,), topics=(text,), args={"speaker": text}) for event in run.events
    ]  # fmt: skip
    kinds = [Event(99, 9, 9, "controller", text, text), Event(100, 9, 9, "patient", "reply", text, args={"speaker": text})]
    outcome = replace(run.outcome, reason=text, diagnosis=(text,), disposition=text, state=text)
    bad = Trajectory(text, text, text, text, 0, 0, [*events, *kinds], outcome, patient=text, error=text)
    assert harmless(shown(bad, [card(text)], truth=True))


@pytest.mark.parametrize("text", ["[bold red]not markup[/]", "[/]", "[link=http://bad]x[/link]", "\\[b]"])
def test_markup_is_shown_and_not_obeyed(run: Trajectory, text: str) -> None:
    note = replace(run, events=[*run.events, Event(99, 9, 9, "doctor", "note", text)])
    assert text in shown(note, [])
    assert "\x1b]8" not in shown(note, [card(text)], colour=True)


def test_the_page_says_what_happened_and_what_it_was_worth(run: Trajectory) -> None:
    page = shown(run, [card("smoking")])
    for words in ("do you smoke?", "Ten a day.", "ST elevation", "inferior STEMI", "met", "smoking", "50%"):
        assert words in page, words


def test_states_and_told_facts_are_shown_only_with_the_truth(run: Trajectory) -> None:
    assert "[smoking]" not in shown(run, [])
    assert "[smoking]" in shown(run, [], truth=True)
    assert "(state)" not in shown(run, [])
    assert "(state)" in shown(run, [], truth=True)


def test_a_score_that_could_not_be_formed_is_no_number_and_a_doubtful_one_is_flagged(run: Trajectory) -> None:
    none = {**card(), "score": None, "raw": None, "passed": None, "coverage": 0.0}
    assert "unscored" in shown(run, [none])
    assert "FLAGGED" in shown(run, [card()])
    assert "FLAGGED" not in shown(run, [{**card(), "coverage": 0.95}])


def test_a_page_stays_a_page_whatever_was_said(run: Trajectory) -> None:
    long = replace(run, events=[*run.events, Event(99, 9, 9, "doctor", "note", "x" * 1_000_000)])
    page = shown(long, [])
    assert len(page) < 20_000
    assert "more" in page


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_safe_text_is_harmless_and_plain_text_stays_as_it_is(text: str) -> None:
    assert harmless(safe(text))
    assert safe(safe(text)) == safe(text)
    if harmless(text):
        assert safe(text) == text


def test_what_people_write_is_left_alone() -> None:
    for text in ("38,5 °C – “quoted”", "Ménière", "胸が痛い", "ألم في الصدر", "two\nlines", "👩"):
        assert safe(text) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    assert safe("x" * 10, longest=4) == "xxxx… [6 more characters]"
