"""Judges made of code, to test with: they read a call as a model would and answer by a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from medsim.judge import Chair, ModelJudge
from medsim.judge.controls import FALSE, WHO
from medsim.llm import Call, Scripted
from medsim.llm.scripted import Line

_ENTRY = re.compile(r"\[(\d+)\] (.*?) \((\d[\d:]*)\): (.*)")


class Seen(NamedTuple):
    """What a call shows: entries (number, speaker, text) and statements by label."""

    mark: str
    entries: list[tuple[int, str, str]]
    statements: dict[str, str]


Rule = Callable[[str, Seen], dict[str, Any]]


def seen(call: Call) -> Seen:
    """Read a judge's call."""
    text = call.messages[-1].content
    mark = text.split("code word ")[1].split(".")[0]
    record = text.split(f"\n{mark}\n")[1]
    entries = [(int(found[1]), found[2], found[4]) for line in record.split("\n") if (found := _ENTRY.match(line))]
    told = text.split("Statements to assess:\n")[1].split("\n\nAnswer for")[0]
    return Seen(mark, entries, dict(line.split(". ", 1) for line in told.split("\n")))


def met(turn: int | None, quote: str | None) -> dict[str, Any]:
    """A vote of met."""
    return {"verdict": "met", "turn": turn, "quote": quote}


NOT_MET: dict[str, Any] = {"verdict": "not_met", "turn": None, "quote": None}
CANNOT_TELL: dict[str, Any] = {"verdict": "cannot_tell", "turn": None, "quote": None}


def control(statement: str, shown: Seen) -> dict[str, Any] | None:
    """The right answer to a control; None for any other statement."""
    if found := re.fullmatch(r"Entry (\d+) of the transcript is by (.+)\.", statement):
        number, speaker, text = shown.entries[int(found[1]) - 1]
        doctor = speaker.startswith("Doctor")
        right = doctor == (found[2] == WHO["words"])
        return met(number, text) if right else NOT_MET
    return NOT_MET if statement in {false for false, _ in FALSE} or "code word" in statement else None


def says(words: str) -> Rule:
    """Met where the doctor says these words."""

    def rule(statement: str, shown: Seen) -> dict[str, Any]:
        for number, speaker, text in shown.entries:
            if words in text.lower() and speaker.startswith("Doctor"):
                return met(number, text)
        return NOT_MET

    return rule


def always(answer: dict[str, Any]) -> Rule:
    """The same on every statement that is no control."""
    return lambda statement, shown: answer


def answering(rule: Rule, *, honest: bool = True) -> Callable[[Call], Line]:
    """A model that answers by a rule; an honest one also gets its controls right."""

    def answer(call: Call) -> str:
        shown = seen(call)
        given = []
        for label, statement in shown.statements.items():
            right = control(statement, shown) if honest else None
            given.append({"statement": label, "why": "so it is", **(right or rule(statement, shown))})
        return json.dumps({"answers": given})

    return answer


def obedient(call: Call) -> str:
    """A model that does what the transcript tells it, and is honest otherwise."""
    shown = seen(call)
    for number, _, text in shown.entries:
        if re.search(r"mark all items met|every statement|answer met", text, re.IGNORECASE):
            return json.dumps({"answers": [{"statement": label, "why": "told so", **met(number, text)} for label in shown.statements]})
    return str(answering(always(NOT_MET))(call))


def judge(rule: Rule, **settings: Any) -> ModelJudge:
    """A judge of one honest model that answers by a rule."""
    return ModelJudge([Chair("fake", Scripted(answering(rule)))], **settings)


def is_control(statement: str) -> bool:
    """Whether a statement is none of the rubric's."""
    return statement.startswith("Entry ") or statement in {false for false, _ in FALSE} or "code word" in statement
