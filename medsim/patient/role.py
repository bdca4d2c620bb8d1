"""AgentClinic's patient: a language model that plays the patient from the whole story.

The rule: the model is given every fact of the brief as its own story and says what it likes of it, so no gate holds: this is the
benchmark's patient, not the scripted one. What it disclosed is computed from its words. The consult holds back what names a secret. The
talk so far comes with the turn, as it was heard, so that a fork or a replay asks the same.

Disclosed is a fact, if one sentence of the reply uses at least ``SHARE`` of the content words of one wording (all, where there are
only two; five letters count) and every number ("ten" is 10, "an hour" is 1), and denies exactly where the fact does. So a
paraphrase in other words is missed, rather than a fact credited that was not told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import NamedTuple

from medsim import library
from medsim.case import Brief
from medsim.llm import LLM, Call, Message
from medsim.llm.meanwhile import later
from medsim.patient import biases, personas
from medsim.patient.seat import Line, Reply, Turn
from medsim.patient.voiced import MANNERS

SHARE = 0.6
"""Of a wording's content words, how many must be said."""

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[a-z]+(?:'[a-z]+)?")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|,\s*but\s+")
_DENIES = re.compile(r"\b(?:no|not|never|without|none|nor|neither|denies|deny)\b|n't\b")
_ONE = re.compile(r"\ban?\s+(?=(?:minute|hour|day|week|month|year)\b)")
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_DIGITS = {word: str(i) for i, word in enumerate(_NUMBERS.split(), 1)} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60"}
_ANSWER = re.compile(r"\A\W*(?:(?:no|nope|yes|yeah|well|oh)\b,\s*)+")
_EMPTY_WORDS = """
    a about after all also am an and any are as at be been before but by can come could did do does doctor for from get go got had has
    have having he her his how i if in into is it its just like main me more much my no nor not of off on or our out over really she since
    so some than that the their them then there these they this those to too up us very was we went were what when where which who will
    with would yes you your never none neither without don't doesn't didn't haven't hasn't hadn't isn't aren't wasn't weren't can't
    couldn't won't i'm i've i'd it's that's there's denies deny problem feel felt feeling
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())


class Sentence(NamedTuple):
    """What counts of a sentence: its content words, the numbers among them, and whether it denies."""

    words: frozenset[str]
    numbers: frozenset[str]
    denied: bool


class RolePatient:
    """Plays the patient of a brief with a model. ``bias`` and ``target`` put one of ``agents/prompts/biases.yaml`` into its prompt.

    The patient knows what was done to it; ``results`` lets it know what examinations and tests showed too, as AgentClinic's does.
    """

    def __init__(
        self,
        brief: Brief,
        llm: LLM,
        *,
        model: str = "",
        prompt: str = "patient_role",
        bias: str = "",
        target: str = "",
        results: bool = False,
    ) -> None:
        self.brief, self.llm, self.model, self.results = brief, llm, model, results
        self.name = ":".join(filter(None, ("role", model, f"{bias}={target}" if bias else "")))
        informant = brief.informant
        self.speaker = informant.name or (brief.name.given if informant.role == "patient" else informant.role.capitalize())
        self.system = "\n\n".join(filter(None, (self._prompt(library.prompt(prompt)), biases.sentence("patient", bias, target))))
        self.tell = Disclosure({fact.id: fact.say for fact in brief.facts})

    def reply(self, turn: Turn) -> Reply:
        """Answer one turn; LLMError where the model gives no answer."""
        hampered = turn.speech != "normal" and self.brief.informant.role == "patient"
        now = (Line("doctor", turn.utterance), *((Line("scene", f"You are now one who {MANNERS[turn.speech]}."),) if hampered else ()))
        talk = conversation((*turn.dialogue, *now), results=self.results)
        answer = self.llm.complete(Call(self.model, (Message("system", self.system), *talk), role="patient", seed=turn.seed))
        text = " ".join(answer.text.split())
        return Reply(text, self.tell.of(text), self.speaker, "role", answer.usage)

    def _prompt(self, template: str) -> str:
        brief = self.brief
        who = f"{brief.name.given} {brief.name.family}".strip()
        speaks = "" if brief.informant.role == "patient" else f" You are not the patient but speak as the patient's {brief.informant.role}."
        person = f"The patient is {who}, {brief.age}, {brief.sex}.{speaks} {personas.portrait(brief.persona)}".strip()
        story = "\n".join(f"- {line}" for line in (brief.opening, *(fact.say[0] for fact in brief.facts)))
        return template.replace("{person}", person).replace("{story}", story)


def conversation(lines: Iterable[Line], *, results: bool = False) -> list[Message]:
    """An encounter as messages for a model in the patient's seat: its own words as the assistant, all else as the user, by turns.

    What was done stands in brackets; what it showed only where ``results`` says that the patient is told.
    """
    talk: list[Message] = []
    for line in lines:
        if line.who == "result" and not results:
            continue
        role = "assistant" if line.who == "patient" else "user"
        words = line.text if line.who in {"doctor", "patient"} else f"({'You are told: ' if line.who == 'result' else ''}{line.text})"
        if talk and talk[-1].role == role:
            talk[-1] = Message(role, f"{talk[-1].content}\n{words}")
        elif not talk and role == "assistant":
            talk += [Message("user", "(The doctor is with you.)"), Message(role, words)]
        else:
            talk.append(Message(role, words))
    return talk


class Disclosure:
    """Finds which facts a text tells, by the rule at the head of this module; a fact of several sentences is told when each of them is."""

    def __init__(self, wordings: dict[str, tuple[str, ...]]) -> None:
        self._given = wordings
        later(lambda: self._wordings)  # there is nothing to look for in before somebody has spoken

    @cached_property
    def _wordings(self) -> dict[str, list[list[Sentence]]]:
        return {name: [_sentences(said) for said in several] for name, several in self._given.items()}

    def of(self, text: str) -> tuple[str, ...]:
        """The ids of the facts that are told, in the order of the brief."""
        said = _sentences(text)
        return tuple(name for name, wordings in self._wordings.items() if any(_told(wording, said) for wording in wordings))


def _sentences(text: str) -> list[Sentence]:
    cut = (_sentence(part) for part in _SENTENCE.split(text.lower().replace("’", "'")))
    return [sentence for sentence in cut if sentence.words]


def _told(wording: list[Sentence], said: list[Sentence]) -> bool:
    return bool(wording) and all(any(_tells(wanted, sentence) for sentence in said) for wanted in wording)


def _tells(wanted: Sentence, said: Sentence) -> bool:
    if wanted.denied != said.denied or not wanted.numbers <= said.words:
        return False
    common, needed = len(wanted.words & said.words), len(wanted.words)
    return common == needed if needed <= 2 else common >= SHARE * needed


def _sentence(text: str) -> Sentence:
    """Read a sentence in small letters. A "no" or "yes" that only answers the question says nothing of whether the rest denies."""
    words = frozenset([_stem(word) for word in _WORD.findall(_ONE.sub("1 ", text)) if word not in _EMPTY])
    return Sentence(words, frozenset([word for word in words if word[0].isdigit()]), _DENIES.search(_ANSWER.sub("", text)) is not None)


@lru_cache(maxsize=8192)
def _stem(word: str) -> str:
    """A number as digits, else the first letters of a word."""
    number = _DIGITS.get(word, word)
    return number if number[0].isdigit() or len(number) <= 3 else number.removesuffix("s")[:5]
