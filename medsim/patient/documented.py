"""The patient of a documented case: a language model that acts from the script written for a human actor.

The rule: it is given the script, the words and acts so far, and nothing of the controller's: no results, no states. It keeps nothing
between turns. Its answer is JSON with at least one line or it is asked for again, twice, and is then an LLMError. There are no facts in
such a case, so no ids are disclosed and information coverage does not exist.
"""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medsim import library
from medsim.case import Brief
from medsim.errors import CaseError
from medsim.llm import LLM, Answer, Call, Message, unusable
from medsim.patient.seat import Line, Reply, Turn

TRIES = 3
PROMPT = "patient_document"
LONGEST = 2000
"""Characters of one line; a longer one is a slip."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    speaker: str = Field(max_length=60)
    text: str = Field(min_length=1, max_length=LONGEST)


class _Lines(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    lines: list[_Line] = Field(min_length=1, max_length=12)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"speaker": {"type": "string"}, "text": {"type": "string"}},
                "required": ["speaker", "text"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["lines"],
    "additionalProperties": False,
}
AGAIN = "That is not the JSON object that was asked for. Answer with it and nothing else, with at least one line that is said."


class DocumentPatient:
    """Acts from the role documents of a brief. ``persona`` is a line of manner laid over the script's own."""

    def __init__(self, brief: Brief, llm: LLM, *, model: str = "", prompt: str = PROMPT, persona: str = "") -> None:
        if not brief.script:
            raise CaseError(f"Case '{brief.case_id}' has no role documents: seat a scripted, voiced or role-played patient.")
        self.llm, self.model = llm, model
        self.name = ":".join(filter(None, ("document", model)))
        added = f"- {persona}\n" if persona else ""
        self.system = library.prompt(prompt).replace("{persona}\n", added).replace("{script}", brief.script)

    def reply(self, turn: Turn) -> Reply:
        """Answer one turn; LLMError where the model fails or gives no line in three tries."""
        messages = [Message("system", self.system), Message("user", _told(turn))]
        answers: list[Answer] = []
        for _ in range(TRIES):
            call = Call(self.model, tuple(messages), role="patient", seed=turn.seed, schema=SCHEMA, salt=f"turn {turn.index}")
            answers.append(answer := self.llm.complete(call))
            lines = read(answer.text)
            if lines:
                speaker, text = _as_one(lines)
                return Reply(text, (), speaker, self.name, answer.usage)
            messages += [Message("assistant", answer.text), Message("user", AGAIN)]
        raise unusable(self.llm, answers, f"The patient's model said nothing that can be read as lines in {TRIES} tries.")


def read(text: str) -> tuple[tuple[str, str], ...]:
    """Read (speaker, words) from an answer; empty where it is not of the form."""
    bare = text.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        found = _Lines.model_validate_json(bare).lines
    except ValidationError:
        return ()
    said = tuple((" ".join(line.speaker.split()) or "Patient", " ".join(line.text.split())) for line in found)
    return said if all(words for _, words in said) else ()


def _as_one(lines: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """One reply: the speaker and the words; where several speak, each line is under its name."""
    if len({speaker for speaker, _ in lines}) == 1:
        return lines[0][0], " ".join(words for _, words in lines)
    return lines[0][0], "\n".join(f"{speaker}: {words}" for speaker, words in lines)


def _told(turn: Turn) -> str:
    """What went before and what is said now, with a mark around it that the doctor cannot have written."""
    before = "\n".join(_line(line) for line in turn.dialogue if line.who != "result") or "(Nothing yet.)"
    mark = hashlib.sha256(f"{before}\n{turn.utterance}".encode()).hexdigest()[:12]
    return f"So far:\n<<{mark}\n{before}\n{mark}>>\n\nThe doctor says now:\n<<{mark}\n{turn.utterance}\n{mark}>>"


def _line(line: Line) -> str:
    return f"({line.text})" if line.who == "scene" else f"{line.who.capitalize()}: {line.text}"


def fingerprint(prompt: str = PROMPT) -> str:
    """The hash of what decides a reply beside the model: the prompt."""
    return hashlib.sha256(library.prompt(prompt).encode()).hexdigest()[:16]
