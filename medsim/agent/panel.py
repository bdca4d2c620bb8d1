"""A doctor that is a panel: five voices of one model, one after the other, and a sixth that writes the turn.

The rule: each voice sees what the doctor has seen and what the voices before it said; only the last one acts, and only in the grammar. A
turn with a line that is no action (a note may have several) is asked for again, twice, and is then an LLMError: prose of the panel never
reaches the patient.

Money: with ``ceiling_usd`` the doctor keeps count of what it asked for at the shared vocabulary's prices (it knows no other; what has no
price there counts nothing). A test that would pass the ceiling is dropped from the turn. Treatments, procedures and consultations are
counted and never dropped: nobody goes untreated for the price. The steward says so to the panel, in every call until the next turn; in
the chart stands a note only where nothing else is left of the turn, and it names no test, so that it earns nothing.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import NamedTuple

from medsim import action as act
from medsim import library
from medsim.action import Action
from medsim.agent.chat import actions_of
from medsim.errors import CaseError
from medsim.llm import LLM, Answer, Call, Message, unusable
from medsim.vocabulary import Lexicon

VOICES = ("hypotheses", "chooser", "challenger", "steward", "checklist", "consensus")
"""The order in which the panel speaks; each has a prompt ``panel_VOICE``."""
TRIES = 3
"""How often words are asked for before the model is given up."""
_PRICED = {"examine", "order", "treat", "procedure", "consult"}
_BEGINS = re.compile(rf"\s*(?:(?:{'|'.join((*act.VERBS, *act.ALIASES))})[ \t]*:|(?:end|finish)[ \t.!]*\Z)", re.IGNORECASE)
_THOUGHT = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)
_NO_TURN = "That is no turn. Write actions of the grammar and nothing else, each a line that begins with a verb and a colon; only a note may be longer."
_NO_WORDS = "Your answer held a thought and no words. Answer again, without thinking aloud."


class Bill(NamedTuple):
    """What an action would cost at the shared prices, in USD, and whether it asks for a test."""

    usd: float
    test: bool


class PanelDoctor:
    """Asks the model six times for each turn. ``model`` empty: the model of the role doctor; ``ceiling_usd`` None: no ceiling."""

    prompts = tuple(f"panel_{voice}" for voice in VOICES)

    def __init__(
        self,
        llm: LLM,
        *,
        model: str = "",
        ceiling_usd: float | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> None:
        if ceiling_usd is not None and not (type(ceiling_usd) in {int, float} and 0 <= ceiling_usd < math.inf):
            raise CaseError(f"ceiling_usd should be an amount in USD of 0 or more, given {ceiling_usd!r}; leave it out for no ceiling.")
        self.llm, self.model, self.ceiling = llm, model, ceiling_usd
        self.temperature, self.max_tokens = temperature, max_tokens
        self.systems = {voice: library.prompt(name) for voice, name in zip(VOICES, self.prompts, strict=True)}
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Begin a new encounter; the seed is handed to the model, which may or may not keep to it."""
        self.seed, self.spent = seed, 0.0
        self.story: list[str] = []
        self.differential, self.ruling = "", ""

    def act(self, observation: str) -> str:
        """Let the panel speak and write one turn; LLMError where the model fails or writes none in three tries."""
        self.story.append(f"[observed]\n{observation or '(Nothing happens.)'}")
        said: dict[str, str] = {}
        for voice in VOICES[:-1]:
            said[voice] = self._hear(voice, said)
        turn = self._kept(act.parse(self._hear("consensus", said)))
        self.differential = said["hypotheses"]
        self.story.append(f"[doctor]\n{turn}")
        return turn

    # ---- voices -----------------------------------------------------------------------------------------------------------------

    def _hear(self, voice: str, said: dict[str, str]) -> str:
        """Ask one voice until it says something that can be used."""
        messages, wrong = [Message("system", self.systems[voice]), Message("user", self._situation(voice, said))], ""
        answers: list[Answer] = []
        for _ in range(TRIES):
            answers.append(self.llm.complete(self._call(messages)))
            bare = actions_of(answers[-1].text)
            wrong = _wrong(voice, bare)
            if not wrong:
                return bare
            messages += [Message("assistant", bare or "(nothing)"), Message("user", wrong)]
        raise unusable(
            self.llm, answers, f"The panel's {voice} was asked {TRIES} times and gave no usable answer. Last said to it: {wrong}"
        )

    def _situation(self, voice: str, said: dict[str, str]) -> str:
        parts = ["THE ENCOUNTER SO FAR", *self.story]
        if self.differential:
            parts += ["THE PANEL'S DIFFERENTIAL BEFORE THIS", self.differential]
        parts += ["MONEY", self._account()]
        if voice == "steward" and (prices := self._prices(said["chooser"])):
            parts += ["PRICES OF WHAT IS PROPOSED", prices]
        for name, words in said.items():
            parts += [f"THE PANEL: {name.upper()}", words]
        return "\n\n".join(parts)

    def _call(self, messages: list[Message]) -> Call:
        return Call(self.model, tuple(messages), role="doctor", temperature=self.temperature, max_tokens=self.max_tokens, seed=self.seed)

    # ---- money ------------------------------------------------------------------------------------------------------------------

    def _account(self) -> str:
        of = "there is no ceiling." if self.ceiling is None else f"the ceiling is {self.ceiling:g} USD."
        return f"About {self.spent:g} USD spent so far; {of} {self.ruling}".strip()

    def _prices(self, proposal: str) -> str:
        lines = [Action(action.kind, action.text.partition("\n")[0]) for action in act.parse(proposal) if action.kind in _PRICED]
        return "\n".join(f"{str(line)[:200]}   about {bill(line).usd:g} USD" for line in lines[: act.MAX_ACTIONS])

    def _kept(self, actions: list[Action]) -> str:
        """The turn without the tests that would pass the ceiling; what is kept is added to the count, but for what no turn may hold."""
        kept: list[Action] = []
        dropped: list[str] = []
        for action in actions:
            cost = bill(action) if len(kept) < act.MAX_ACTIONS else Bill(0.0, False)
            if self.ceiling is not None and cost.test and cost.usd and self.spent + cost.usd > self.ceiling:
                dropped.append(f"{str(action)[:200]} (about {cost.usd:g} USD)")
                continue
            self.spent = round(self.spent + cost.usd, 2)
            kept.append(action)
        self.ruling = f"The steward dropped from the last turn, as the ceiling would be passed: {', '.join(dropped)}." if dropped else ""
        return act.show(kept or [act.note("Cost steward: nothing more can be asked for within the ceiling.")])


def is_turn(text: str) -> bool:
    """Whether text is actions of the grammar and nothing else: no line before, between or behind them but those of a note."""
    return bool(_BEGINS.match(text)) and not any("\n" in action.text for action in act.parse(text) if action.kind != "note")


def _wrong(voice: str, text: str) -> str:
    """What to say to a voice whose words cannot be used; empty where they can."""
    if not text or _THOUGHT.search(text):
        return _NO_WORDS
    return _NO_TURN if voice == "consensus" and not is_turn(text) else ""


@cache
def _lexicon() -> Lexicon:
    return Lexicon()


def bill(action: Action) -> Bill:
    """Price an action by the shared vocabulary; a test stays a test under any verb. What is not known there costs nothing."""
    if action.kind not in _PRICED or not action.text:
        return Bill(0.0, False)
    known = {found.entry.code: found.entry for _, found in _lexicon().resolve_all(action.kind, action.text) if found.entry}
    return Bill(round(sum(entry.cost for entry in known.values()), 2), any(entry.kind == "order" for entry in known.values()))
