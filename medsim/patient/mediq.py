"""MediQ's patients: a record that answers one question at a time, told by a language model in one of three ways.

The rule: a patient works from the facts of a brief and from nothing else, and every question stands alone. ``factselect`` says facts
word for word, so what it tells cannot be untrue; ``direct`` and ``instruct`` speak freely, and what they told is found in their words.
A reply that cannot be used is asked for again, twice; then the turn fails with LLMError and nothing is said.

Differences from upstream, whose patients these are by name: ``direct`` is given the record, as its paper has it (its code gives the
first sentence only); ``factselect`` is shown the data set's own facts, numbered, and answers by number (its code has a model take the
record apart anew for every case, and lets it write the facts down again).
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from medsim import library
from medsim.case import Brief
from medsim.errors import CaseError, did_you_mean
from medsim.llm import LLM, Answer, Call, Message, unusable
from medsim.patient import personas
from medsim.patient.role import Disclosure
from medsim.patient.seat import Reply, Turn
from medsim.trajectory import Usage

Kind = Literal["direct", "instruct", "factselect"]
KINDS: tuple[str, ...] = get_args(Kind)
UNANSWERED = "I can't answer that."
"""All that is said where the record does not answer; the scripted patient of an imported case says the same."""
TRIES = 3
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>|<think(?:ing)?>.*\Z", re.IGNORECASE | re.DOTALL)
_MARKS = " \t\n*_`\"'“”‘’[]()."
_LABEL = re.compile(r"\A(?:facts?|numbers?|answer)(?: numbers?)?\s*:?\s+", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s,;]+(?:and\s+)?")
_NUMBER = re.compile(r"#?([0-9]{1,5})\.?")
_SILENT = re.compile(r"not\s+recorded", re.IGNORECASE)


class MediqPatient:
    """Answers from the record of a brief by ``kind``: ``direct``, ``instruct`` or ``factselect``."""

    def __init__(self, brief: Brief, llm: LLM, *, kind: str = "factselect", model: str = "") -> None:
        if kind not in KINDS:
            raise CaseError(f"No patient '{kind}' of MediQ.{did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}.")
        self.brief, self.llm, self.kind, self.model = brief, llm, kind, model
        self.name = f"{kind}:{model}" if model else kind
        informant = brief.informant
        self.speaker = informant.name or (brief.name.given if informant.role == "patient" else informant.role.capitalize())
        self.system = library.prompt(f"patient_{kind}").replace("{record}", self._record()) + self._manner()
        self.again = library.prompt("patient_again")
        self.tell = Disclosure({fact.id: fact.say for fact in brief.facts})

    def reply(self, turn: Turn) -> Reply:
        """Answer one question; LLMError where the model fails or none of its replies can be used. A record without facts asks no model."""
        if not self.brief.facts:
            return Reply(UNANSWERED, (), self.speaker, self.kind)
        messages: tuple[Message, ...] = (Message("system", self.system), Message("user", f"The doctor asks:\n<<<\n{turn.utterance}\n>>>"))
        usage, problem, answers = Usage(), "", []
        for _ in range(TRIES):
            answers.append(answer := self.llm.complete(Call(self.model, messages, role="patient", seed=turn.seed)))
            usage = usage.plus(answer.usage)
            try:
                text, facts = self._read(answer)
            except _Unusable as fault:
                problem = str(fault)
            else:
                return Reply(text, facts, self.speaker, self.kind, usage)
            again = Message("user", self.again.replace("{problem}", problem))
            messages = (*messages, Message("assistant", _spoken(answer.text) or "(nothing)"), again)
        why = f"The {self.kind} patient gave no reply that can be used, asked {TRIES} times: {problem}; it was asked again each time."
        raise unusable(self.llm, answers, why)

    def _manner(self) -> str:
        """How those speak who speak freely; nothing, where the persona does not stand out."""
        portrait = "" if self.kind == "factselect" else personas.portrait(self.brief.persona)
        return f"\n\nYou speak as the patient would. {portrait}" if portrait else ""

    def _record(self) -> str:
        facts = [" ".join(fact.say[0].split()) for fact in self.brief.facts]
        if self.kind == "factselect":
            return "\n".join(f"{number}. {fact}" for number, fact in enumerate(facts, 1))
        return " ".join(fact if fact.endswith((".", "!", "?")) else f"{fact}." for fact in facts)

    def _read(self, answer: Answer) -> tuple[str, tuple[str, ...]]:
        """What is said and which facts it tells."""
        if answer.finish == "length":
            raise _Unusable("it was cut off; it has to be shorter")
        said = _spoken(answer.text)
        if not said:
            raise _Unusable("it was empty")
        return self._selected(said) if self.kind == "factselect" else self._free(said)

    def _selected(self, said: str) -> tuple[str, tuple[str, ...]]:
        numbers = selection(said)
        if numbers is None:
            raise _Unusable("it was not a list of numbers, nor NONE")
        facts = self.brief.facts
        wrong = [number for number in numbers if not 1 <= number <= len(facts)]
        if wrong:
            raise _Unusable(f"there is no fact {wrong[0]}; the facts are numbered 1 to {len(facts)}")
        chosen = [facts[number - 1] for number in sorted(set(numbers))]
        return " ".join(fact.say[0] for fact in chosen) or UNANSWERED, tuple(fact.id for fact in chosen)

    def _free(self, said: str) -> tuple[str, tuple[str, ...]]:
        text = " ".join(said.split())
        if self.kind == "direct" or not _SILENT.search(text):
            return text, self.tell.of(text)
        if not _SILENT.fullmatch(text.strip(_MARKS)):
            raise _Unusable("it held NOT RECORDED together with other words; it is either the one or the other")
        return UNANSWERED, ()


class _Unusable(ValueError):
    """Why a reply cannot be used, in words that hold nothing of the reply itself."""


def selection(said: str) -> tuple[int, ...] | None:
    """The numbers of a reply that is nothing but numbers; empty for NONE, None where it is neither."""
    words = _LABEL.sub("", said.strip(_MARKS)).strip(_MARKS)
    if words.lower() == "none":
        return ()
    found = [_NUMBER.fullmatch(part) for part in _BETWEEN.split(words)]
    return tuple(int(number[1]) for number in found if number) if all(found) else None


def _spoken(text: str) -> str:
    """The words behind and before the model's thoughts."""
    return _THOUGHT.sub("", text).strip()
