"""Ask a model for one JSON object, read it strictly, ask again.

The rule: what cannot be read is asked for again with what was wrong, and is then told as a fault; nothing is searched for inside a
sentence and no answer is guessed. Only a budget that is spent is raised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from medsim.errors import LLMError
from medsim.llm import LLM, BudgetSpent, Call, Message, unusable

AGAIN = 2
"""How often what could not be read is asked for again."""
_THOUGHT = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.IGNORECASE | re.DOTALL)
_FENCE = re.compile(r"\s*```[A-Za-z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)


class Asked(NamedTuple):
    """The object that was answered, or why there is none."""

    data: dict[str, Any] | None = None
    fault: str = ""


def ask(
    llm: LLM, messages: Sequence[Message], check: Callable[[dict[str, Any]], str], *, role: str, model: str = "", seed: int | None = None
) -> Asked:
    """Ask until an object comes that ``check`` finds no fault in (it says what is wrong, or nothing)."""
    talk, fault, answers = list(messages), "", []
    for attempt in range(AGAIN + 1):
        salt = f"again/{attempt}" if attempt else ""
        call = Call(model, tuple(talk), role=role, temperature=0.0, seed=seed, salt=salt, soft=("seed", "temperature"))
        try:
            answers.append(answer := llm.complete(call))
        except BudgetSpent:
            raise
        except LLMError as error:
            return Asked(None, f"LLMError: {error}")
        data, fault = read(answer.text, check)
        if data is not None:
            return Asked(data)
        talk = [
            *messages,
            Message("assistant", answer.text),
            Message("user", f"That could not be read: {fault}. Answer with the JSON object alone."),
        ]
    return Asked(None, str(unusable(llm, answers, f"{AGAIN + 1} answers could not be read, the last because {fault}")))


def read(text: str, check: Callable[[dict[str, Any]], str]) -> tuple[dict[str, Any] | None, str]:
    """An answer that is one JSON object and nothing else, thoughts and a code fence left aside; or what is wrong with it."""
    bare = _THOUGHT.sub("", text).strip()
    fenced = _FENCE.fullmatch(bare)
    try:
        data = json.loads(fenced[1] if fenced else bare)
    except (ValueError, RecursionError):
        return None, "it was no JSON"
    if not isinstance(data, dict):
        return None, "it was no JSON object"
    fault = check(data)
    return (None, fault) if fault else (data, "")


def quoted(text: str, *, longest: int) -> str:
    """Text of others as data: one line of JSON, without signs that could close what delimits it, cut to a length."""
    cut = " ".join(text.split())[:longest]
    return json.dumps(cut, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
