"""MediQ's experts: a doctor with a question and lettered options, who asks until it will answer.

The rule: the experts are one loop and differ in one decision, whether to ask or to answer. Every turn also names the option that
would be chosen now, in a note. Words that cannot be read are asked for again, twice; then the turn fails with LLMError, and is no "no".
What does not wait for each other in a turn (its votes, and the choice of the moment) is asked at the same time.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from statistics import fmean
from typing import Literal, NamedTuple, TypeVar, cast, get_args

from medsim import library
from medsim.action import Action, show
from medsim.agent import reading
from medsim.case.pattern import DoctorKind
from medsim.errors import CaseError, did_you_mean
from medsim.llm import LLM, ROLES, Call, Message, loop, unusable

Decision = Literal["basic", "fixed", "binary", "numerical", "cutoff", "scale", "random"]
DECISIONS: tuple[str, ...] = get_args(Decision)
THRESHOLDS: dict[str, tuple[float, float, float]] = {"cutoff": (0.8, 0.0, 1.0), "scale": (4.0, 1.0, 5.0)}
"""Default, and the open lower and the upper bound: at or above the threshold the expert answers."""
TRIES = 3
_STAMP = re.compile(r"^\[[\d:]+\] ?", re.MULTILINE)
_SPOKEN = re.compile(r'[^\n:"]{1,60}: "(.*)"', re.DOTALL)
_OPTION = re.compile(r"\s*([A-Z])\. (.*\S)\s*")
_BELIEF = re.compile(r"choice ([A-Z])(?:, confidence (\d\.\d+))?(?:, forced)?")

First = TypeVar("First")
Other = TypeVar("Other")
Value = TypeVar("Value")


class Vote(NamedTuple):
    """One sample of the decision."""

    answers: bool
    sure: float = 0.0
    """As it was given: a probability, or a rating from 1 to 5."""
    talk: tuple[Message, ...] = ()
    letter: str = ""
    question: str = ""


class MediqExpert:
    """Plays imported MediQ cases: ``ask`` until it decides to answer or ``max_questions`` are spent, then ``diagnose`` and ``end``.

    ``decision``: ``basic`` (a letter or a question, in one prompt), ``fixed`` (asks to the end), ``binary`` (sure, yes or no), ``numerical``
    (a probability, then yes or no), ``cutoff`` (a probability against ``threshold``, 0.8), ``scale`` (a rating of 1 to 5 against
    ``threshold``, 4), ``random`` (a coin, drawn from the seed; question and choice are the model's, where upstream has a set sentence).
    ``rationale`` asks for reasons before the decision. ``votes`` samples the decision that often at the same time: majority for basic,
    binary and numerical, where a tie asks; the mean for cutoff and scale.

    ``question_role`` is the role of the models file whose model finds the questions (``question``), ``question_model`` a model's name
    instead. ``independent_modules`` hides from it the conversation in which it was decided to ask. Neither is for basic, where one reply
    decides and asks.
    """

    prompts = tuple(
        f"mediq_{name}" for name in ("expert", "choice", "question", "basic", "binary", "score", "stop", "scale", "reason", "again")
    )

    def __init__(
        self,
        llm: LLM,
        *,
        decision: str = "basic",
        threshold: float | None = None,
        max_questions: int = 30,
        rationale: bool = False,
        votes: int = 1,
        question_role: str = "doctor",
        question_model: str = "",
        independent_modules: bool = False,
        model: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if decision not in DECISIONS:
            raise CaseError(f"No decision '{decision}'.{did_you_mean(decision, DECISIONS)} Known: {', '.join(DECISIONS)}.")
        if max_questions < 0 or votes < 1:
            raise CaseError(f"max_questions is at least 0 and votes at least 1; given {max_questions} and {votes}.")
        if question_role not in ROLES:
            raise CaseError(f"No role '{question_role}'.{did_you_mean(question_role, ROLES)} Roles: {', '.join(ROLES)}.")
        if decision == "basic" and (question_role != "doctor" or question_model or independent_modules):
            raise CaseError(
                "Decision 'basic' decides and asks in one reply: it has no question_role, question_model or independent_modules."
            )
        self.llm, self.decision, self.threshold = llm, decision, _threshold(decision, threshold)
        self.question_role, self.question_model, self.independent_modules = question_role, question_model, independent_modules
        self.max_questions, self.rationale, self.votes = max_questions, rationale, votes
        self.model, self.temperature, self.max_tokens = model, temperature, max_tokens
        self.text = {name.removeprefix("mediq_"): library.prompt(name) for name in self.prompts}
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin a new case; the seed is handed to the model, one further for each vote, and throws the coin of ``random``."""
        self.seed, self.chance = seed, random.Random(seed)
        self.story, self.pending = "", ""
        self.options: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []

    def act(self, observation: str) -> str:
        """Ask or answer; LLMError where the model fails or cannot be understood, CaseError where the case has no options."""
        return loop.wait(self.aact(observation))

    async def aact(self, observation: str) -> str:
        """The same, to be awaited on any event loop."""
        self._hear(observation)
        if len(self.told) >= self.max_questions:
            return self._answers(await self._choice(), None, forced=True)
        if self.decision == "basic":
            return await self._basic()
        if self.decision == "random" and self.chance.random() < 0.5:
            return self._answers(await self._choice(), None)
        if self.decision in {"fixed", "random"}:
            choice, (question,) = await _together(self._choice(), [self._question()])
            return self._asks(question, choice, None)
        choice, votes = await _together(self._choice(), [self._vote(number) for number in range(self.votes)])
        answers, sure = self._judged(votes)
        return self._answers(choice, sure) if answers else self._asks(await self._question(votes[0].talk), choice, sure)

    # ---- what is known ---------------------------------------------------------------------------------------------------------

    def _hear(self, observation: str) -> None:
        parts = [part.strip() for part in _STAMP.split(observation) if part.strip()]
        if not self.options:
            self.story, self.options = opening("\n".join(parts))
        elif self.pending:
            said = [found[1] if (found := _SPOKEN.fullmatch(part)) else part for part in parts]
            self.told.append((self.pending, " ".join(" ".join(said).split()) or "(no answer)"))
            self.pending = ""

    def _known(self) -> str:
        options = "\n".join(f"{name}. {text}" for name, text in self.options.items())
        talk = "\n".join(f"Asked: {question}\nTold: {answer}" for question, answer in self.told) or "Nothing has been asked yet."
        return f"{self.story}\n\nOptions:\n{options}\n\n{talk}"

    # ---- to decide -------------------------------------------------------------------------------------------------------------

    async def _basic(self) -> str:
        first, others = await _together(self._either(0), [self._either(number) for number in range(1, self.votes)])
        votes = [first, *others]
        letters = [vote.letter for vote in votes if vote.answers]
        if len(letters) * 2 <= len(votes):
            return self._asks(next(vote.question for vote in votes if not vote.answers), await self._choice(), None)
        letter, count = Counter(letters).most_common(1)[0]
        return self._answers(letter, count / len(votes) if len(votes) > 1 else None)

    async def _either(self, number: int) -> Vote:
        def read(text: str) -> Vote | None:
            letter, question = reading.either(text, self.options)
            return Vote(bool(letter), letter=letter or "", question=question or "") if letter or question else None

        return (await self._read(self._opened("basic"), read, "letter or question", number))[0]

    async def _vote(self, number: int) -> Vote:
        if self.decision == "binary":
            answers, talk = await self._read(self._opened("binary"), reading.yes_no, "yes or no", number)
            return Vote(answers, float(answers), talk)
        if self.decision == "scale":
            rating, talk = await self._read(self._opened("scale"), reading.rating, "rating", number)
            return Vote(rating >= self.threshold, rating, talk)
        sure, talk = await self._read(self._opened("score"), reading.probability, "probability", number)
        if self.decision == "cutoff":
            return Vote(sure >= self.threshold, sure, talk)
        answers, talk = await self._read((*talk, self._request("stop")), reading.yes_no, "yes or no", number)
        return Vote(answers, sure, talk)

    def _judged(self, votes: Sequence[Vote]) -> tuple[bool, float | None]:
        """Whether to answer, and the confidence from 0 to 1, None where nothing was said about it."""
        mean, most = fmean(vote.sure for vote in votes), sum(vote.answers for vote in votes) * 2 > len(votes)
        if self.decision == "binary":
            return most, mean if len(votes) > 1 else None
        if self.decision == "numerical":
            return most, mean
        return mean >= self.threshold, (mean - 1) / 4 if self.decision == "scale" else mean

    # ---- to speak --------------------------------------------------------------------------------------------------------------

    async def _choice(self) -> str:
        return (await self._read(self._opened("choice"), lambda text: reading.letter(text, self.options), "letter of an option"))[0]

    async def _question(self, talk: tuple[Message, ...] = ()) -> str:
        """Find a question; ``talk`` is the conversation in which it was decided to ask."""
        shown = talk and not self.independent_modules
        asked = (*talk, Message("user", self.text["question"])) if shown else self._opened("question")
        return (await self._read(asked, reading.question, "question", asks=True))[0]

    def _asks(self, question: str, choice: str, sure: float | None) -> str:
        self.pending = question
        return _turn(("note", believed(choice, sure)), ("ask", question))

    def _answers(self, choice: str, sure: float | None, *, forced: bool = False) -> str:
        return _turn(("note", believed(choice, sure) + (", forced" if forced else "")), ("diagnose", choice), ("end", ""))

    def _opened(self, name: str) -> tuple[Message, ...]:
        request = self._request(name).content
        return Message("system", self.text["expert"]), Message("user", f"{self._known()}\n\n{request}")

    def _request(self, name: str) -> Message:
        reasons = self.rationale and name not in {"choice", "question"}
        return Message("user", f"{self.text[name]}\n{self.text['reason']}" if reasons else self.text[name])

    async def _read(
        self, messages: tuple[Message, ...], reader: Callable[[str], Value | None], what: str, number: int = 0, *, asks: bool = False
    ) -> tuple[Value, tuple[Message, ...]]:
        """Ask until the answer can be read; return it with the conversation in which it was given."""
        said, answers = "", []
        for attempt in range(TRIES):
            if attempt:
                messages = (*messages, Message("user", self.text["again"]))
            answers.append(answer := await self.llm.acomplete(self._call(messages, number, asks=asks)))
            said = answer.text
            messages = (*messages, Message("assistant", reading.spoken(said) or "(nothing)"))
            value = reader(said)
            if value is not None:
                return value, messages
        why = f"No {what} could be read from the model's words, asked {TRIES} times; the last began {said[:80]!r}."
        raise unusable(self.llm, answers, why)

    def _call(self, messages: tuple[Message, ...], number: int, *, asks: bool) -> Call:
        role, model = ("doctor", self.model) if not asks else (self.question_role, self.question_model)
        if asks and role == "doctor":
            model = model or self.model
        salt = f"vote {number}" if number else ""
        return Call(
            model, messages, role=role, temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed + number, salt=salt
        )


def opening(text: str) -> tuple[str, dict[str, str]]:
    """Take the first observation apart: the story with its question, and the options by letter."""
    lines = text.split("\n")
    starts = [at for at, line in enumerate(lines) if (found := _OPTION.fullmatch(line)) and found[1] == "A"]
    options: dict[str, str] = {}
    for line in lines[starts[-1] :] if starts else ():
        found = _OPTION.fullmatch(line)
        if found is None or ord(found[1]) != ord("A") + len(options):
            break
        options[found[1]] = found[2]
    rest = lines[starts[-1] + len(options) :] if starts else lines
    if len(options) < 2 or any(_OPTION.fullmatch(line) for line in rest):
        raise CaseError("A MediQ expert plays cases with lettered options, one a line ('A. …'); they could not be found in this door note.")
    story = [line.strip() for line in lines[: starts[-1]]]
    return "\n".join(line for line in story if line).removeprefix("Visit: "), options


def believed(letter: str, sure: float | None) -> str:
    """What an expert notes each turn: the option it would choose, and its confidence where it gave one."""
    return f"choice {letter}" if sure is None else f"choice {letter}, confidence {sure:.3f}"


def belief(note: str) -> tuple[str, float | None] | None:
    """Read such a note again; None for any other."""
    found = _BELIEF.fullmatch(note.strip())
    return (found[1], float(found[2]) if found[2] else None) if found else None


def _threshold(decision: str, given: float | None) -> float:
    if decision not in THRESHOLDS:
        if given is not None:
            raise CaseError(f"Decision '{decision}' has no threshold; only {' and '.join(THRESHOLDS)} do.")
        return 0.0
    default, low, high = THRESHOLDS[decision]
    if given is not None and not low < given <= high:
        raise CaseError(f"The threshold of '{decision}' is above {low:g} and at most {high:g}; given {given:g}.")
    return default if given is None else float(given)


def _turn(*actions: tuple[DoctorKind, str]) -> str:
    return show(Action(kind, words) for kind, words in actions)


async def _together(first: Awaitable[First], others: Sequence[Awaitable[Other]]) -> tuple[First, list[Other]]:
    """Await all at the same time; the first error is raised when all have ended, so that every call is in the books."""

    async def rest() -> list[Other | BaseException]:
        return await asyncio.gather(*others, return_exceptions=True)

    mine, theirs = await asyncio.gather(first, rest(), return_exceptions=True)
    for one in (mine, *(theirs if isinstance(theirs, list) else [theirs])):
        if isinstance(one, BaseException):
            raise one
    return cast(First, mine), cast("list[Other]", theirs)
