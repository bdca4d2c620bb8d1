"""MedSP1000's examinee: a doctor that answers ``{"speak", "actions", "eos"}``, with its test-time strategies.

The rule: whoever helps (candidates, selector, experts, the panel's votes) sees the whole encounter, and only the final turn enters the
conversation. Helpers of one turn are asked at the same time. What cannot be read, from the doctor or from a helper, is asked for again
with the reason, twice; then the turn fails with LLMError. A candidate that cannot be read is not quietly left out: best of five is five.

Calls a turn: off and single 1; bon ``n`` + 1; medagents ``experts`` for advice, 1 draft, then for each consensus round ``experts`` votes
and 1 revision unless all agree; and 1 call at the start that chooses the specialties. In upstream the helpers saw this turn alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from medsim import library
from medsim.agent.packet_turn import SCHEMA, PacketTurn, message_of, one_object, read
from medsim.errors import ActionError, CaseError, did_you_mean
from medsim.llm import LLM, Call, Message, unusable

STRATEGIES = ("off", "single", "bon", "medagents")
TRIES = 3
"""How often an answer is asked for before the model is given up."""
MOST = 20
"""Candidates or experts at most."""
SAMPLING = 0.8
"""Temperature of candidates, as upstream has it."""
_TEMPERATURE: dict[str, float | None] = {"off": None, "single": 0.0, "bon": 0.0, "medagents": 0.0}
"""Of everything but candidates, where no other is given; None leaves it to the provider."""

_TEXT = {"type": "string"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_SCHEMAS = {
    "select": _object(choice={"type": "integer"}),
    "recruit": _object(specialties={"type": "array", "items": _TEXT}),
    "advise": _object(advice=_TEXT),
    "vote": _object(agree={"type": "boolean"}, change=_TEXT),
}
"""What a helper answers, by its prompt."""

Value = TypeVar("Value")


class ExamineeDoctor:
    """Plays in MedSP1000's protocol. ``strategy``: off, single (temperature 0), bon (best of ``n``) or medagents (``experts`` confer).

    ``temperature`` overrides the strategy's (of the candidates, for bon). ``structured`` asks the provider for JSON of the schema; the
    model layer then does the asking again, as often as its retries say.
    """

    prompts = tuple(f"examinee_{name}" for name in ("again", "select", "recruit", "advise", "draft", "vote", "revise"))

    def __init__(
        self,
        llm: LLM,
        *,
        strategy: str = "off",
        n: int = 5,
        experts: int = 5,
        rounds: int = 1,
        structured: bool = False,
        model: str = "",
        prompt: str = "examinee",
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if strategy not in STRATEGIES:
            raise CaseError(f"No strategy '{strategy}'.{did_you_mean(str(strategy), STRATEGIES)} Known: {', '.join(STRATEGIES)}.")
        for name, given, least in (("n", n, 1), ("experts", experts, 1), ("rounds", rounds, 0)):
            if type(given) is not int or not least <= given <= MOST:
                raise CaseError(f"examinee: {name} must be a whole number from {least} to {MOST}, given {given!r}.")
        self.llm, self.model, self.strategy, self.structured = llm, model, strategy, structured
        self.n, self.experts, self.rounds = n, experts, rounds
        self.max_tokens = max_tokens
        self.temperature = temperature if temperature is not None and strategy != "bon" else _TEMPERATURE[strategy]
        self.sampling = SAMPLING if temperature is None else temperature
        self.system = library.prompt(prompt)
        self.text = {name.removeprefix("examinee_"): library.prompt(name) for name in self.prompts}
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin a new encounter; the seed is handed to the model, one further for each candidate and expert."""
        self.seed = seed
        self.messages = [Message("system", self.system)]
        self.specialties: tuple[str, ...] = ()

    def act(self, observation: str) -> str:
        """Answer with one turn of the grammar; LLMError where the model, or a helper, gives nothing that can be read."""
        self.messages.append(Message("user", observation or "(Nothing happens.)"))
        turn = {"bon": self._best, "medagents": self._conferred}.get(self.strategy, self._turn)()
        self.messages.append(Message("assistant", turn.to_json()))
        return message_of(turn)

    # ---- best of n -------------------------------------------------------------------------------------------------------------

    def _turn(self) -> PacketTurn:
        return self._asked(tuple(self.messages), read, "turn", schema=SCHEMA)

    def _best(self) -> PacketTurn:
        candidates = _together([partial(self._candidate, number) for number in range(self.n)])
        if len(candidates) == 1:
            return candidates[0]
        listed = "\n".join(f"{number}. {turn.to_json()}" for number, turn in enumerate(candidates, 1))
        request = self.text["select"].replace("{n}", str(self.n))
        reader = partial(_choice, most=self.n)
        chosen = self._asked(self._told(request, ("CANDIDATES", listed)), reader, "choice", schema=_SCHEMAS["select"])
        return candidates[chosen - 1]

    def _candidate(self, number: int) -> PacketTurn:
        return self._asked(
            tuple(self.messages), read, "turn", schema=SCHEMA, number=number, salt=f"candidate {number}", temperature=self.sampling
        )

    # ---- a conference ----------------------------------------------------------------------------------------------------------

    def _conferred(self) -> PacketTurn:
        if not self.specialties:
            request = self.text["recruit"].replace("{n}", str(self.experts))
            reader = partial(_specialties, count=self.experts)
            self.specialties = self._asked(self._told(request), reader, "list of specialties", schema=_SCHEMAS["recruit"])
        advice = self._each("advise", _advice, "advice")
        said = ("ADVICE", self._listed(advice))
        turn = self._asked(self._told(f"{self.system}\n\n{self.text['draft']}", said), read, "turn", schema=SCHEMA)
        for _ in range(self.rounds):
            draft = ("PROPOSED TURN", turn.to_json())
            votes = self._each("vote", _vote, "vote", draft)
            if not any(votes):
                break
            objections = ("OBJECTIONS", self._listed(votes))
            turn = self._asked(self._told(f"{self.system}\n\n{self.text['revise']}", said, draft, objections), read, "turn", schema=SCHEMA)
        return turn

    def _each(self, prompt: str, reader: Callable[[str], str], what: str, *more: tuple[str, str]) -> list[str]:
        """Ask every expert at the same time."""
        return _together(
            [
                partial(
                    self._asked, self._told(self.text[prompt].replace("{specialty}", name), *more), reader, f"{what} of {name}",
                    schema=_SCHEMAS[prompt], number=number, salt=f"{prompt} {number}",
                )
                for number, name in enumerate(self.specialties)
            ]
        )  # fmt: skip

    def _listed(self, said: Sequence[str]) -> str:
        return "\n".join(f"{name}: {words}" for name, words in zip(self.specialties, said, strict=True) if words)

    # ---- asking ----------------------------------------------------------------------------------------------------------------

    def _told(self, system: str, *more: tuple[str, str]) -> tuple[Message, ...]:
        """What a helper is given: its own instructions, the whole encounter, and what else there is to look at."""
        names = {"user": "[seen]", "assistant": "[done]"}
        story = [f"{names[message.role]}\n{message.content}" for message in self.messages[1:]]
        parts = ["THE ENCOUNTER SO FAR", *story, *(part for title, words in more for part in (title, words))]
        return Message("system", system), Message("user", "\n\n".join(parts))

    def _asked(
        self,
        messages: tuple[Message, ...],
        reader: Callable[[str], Value],
        what: str,
        *,
        schema: dict[str, Any] | None = None,
        number: int = 0,
        salt: str = "",
        temperature: float | None = None,
    ) -> Value:
        """Ask until the answer can be read; LLMError after so many tries."""
        wrong, answers = "", []
        for attempt in range(TRIES):
            call = Call(
                self.model, messages, role="doctor", temperature=self.temperature if temperature is None else temperature,
                max_tokens=self.max_tokens, seed=self.seed + number, schema=schema if self.structured else None,
                salt=" ".join(filter(None, (salt, f"again {attempt}" if attempt else ""))), soft=("seed", "temperature"),
            )  # fmt: skip
            answers.append(answer := self.llm.complete(call))
            try:
                return reader(answer.text)
            except ActionError as error:
                wrong = str(error)
            messages = (*messages, Message("assistant", answer.text), Message("user", self.text["again"].replace("{wrong}", wrong)))
        raise unusable(self.llm, answers, f"No {what} could be read from the model's words, asked {TRIES} times; last: {wrong}")


def _choice(text: str, most: int) -> int:
    chosen = one_object(text).get("choice")
    if type(chosen) is not int or not 1 <= chosen <= most:
        raise ActionError(f'"choice" should be a whole number from 1 to {most}.')
    return chosen


def _specialties(text: str, count: int) -> tuple[str, ...]:
    listed = one_object(text).get("specialties")
    names = [" ".join(name.split()) for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    if len({name.casefold() for name in names if name}) != count or not isinstance(listed, list) or len(listed) != count:
        raise ActionError(f'"specialties" should be a list of {count} different names.')
    return tuple(name[:60] for name in names)


def _advice(text: str) -> str:
    return _words(one_object(text), "advice")


def _vote(text: str) -> str:
    """The objection of an expert; empty where there is none."""
    held = one_object(text)
    if type(held.get("agree")) is not bool:
        raise ActionError('"agree" should be true or false, without quotes.')
    return "" if held["agree"] else _words(held, "change")


def _words(held: dict[str, Any], key: str) -> str:
    words = held.get(key)
    if not isinstance(words, str) or not words.strip():
        raise ActionError(f'"{key}" should be text.')
    return " ".join(words.split())[:4000]


def _together(works: Sequence[Callable[[], Value]]) -> list[Value]:
    """Run all at the same time, each with the books of this thread; the first error is raised when all have ended."""
    if len(works) == 1:
        return [works[0]()]
    with ThreadPoolExecutor(len(works)) as pool:
        return [one.result() for one in [pool.submit(copy_context().run, work) for work in works]]
