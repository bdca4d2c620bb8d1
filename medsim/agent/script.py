"""The built-in doctors, none of which needs a model.

The rule: each is a yard-stick for one thing: golden is the ceiling, inert the floor, shotgun the price of thoughtless thoroughness,
random the noise, and the interviewer what routine without thought achieves.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from medsim import document, library, vocabulary
from medsim.action import MAX_TURN_CHARS, tidy
from medsim.agent.handover import Exchange
from medsim.case import Case
from medsim.dose import unit_of
from medsim.patient.fitting import FILES
from medsim.vocabulary import Entry, Lexicon


class Script:
    """Says its turns in order, then leaves."""

    def __init__(self, turns: Sequence[str]) -> None:
        self.turns = tuple(turns)
        self.at = 0

    def reset(self, seed: int) -> None:
        """Go back to the first turn."""
        self.at = 0

    def resume(self, history: Sequence[Exchange]) -> None:
        """Go on behind one's own words; where another doctor's were said, begin at the beginning."""
        own = (*self.turns, *("end:",) * len(history))[: len(history)]
        self.at = len(history) if same_words(own, history) else 0

    def act(self, observation: str) -> str:
        """Say the next turn whatever is observed."""
        self.at += 1
        return self.turns[self.at - 1] if self.at <= len(self.turns) else "end:"


class Golden(Script):
    """Replays the case's golden script."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.golden)


class Inert(Script):
    """Does nothing but let time pass, then leaves."""

    def __init__(self, minutes: int = 60) -> None:
        super().__init__([f"wait: {max(1, minutes // 4)}m"] * 4)


class Shotgun(Script):
    """Asks about everything, examines everything, orders everything and gives everything."""

    def __init__(self, case: Case, *, treat: bool = True) -> None:
        lexicon = Lexicon(case)
        own = list(lexicon.own.values())
        asked = [f"ask: {topic['ask'][0]}" for topic in topic_entries() if not topic["id"].startswith(("talk.", "meta."))]
        spoken = [f"say: {topic['ask'][0]}" for topic in topic_entries() if topic["id"].startswith("talk.")]
        done = [order_text(entry, case) for kind in ("examine", "order", "consult", "procedure") for entry in own if entry.kind == kind]
        given = [order_text(entry, case) for entry in own if entry.kind == "treat"] if treat else []
        turns = [*asked, *spoken, *done, *given, "wait: 30m", "diagnose: unclear illness", "dispose: ward", "end:"]
        super().__init__(["\n".join(turns[i : i + 20]) for i in range(0, len(turns), 20)])


class RandomDoctor:
    """Does something at random each turn; the seed decides what."""

    def __init__(self, turns: int = 15) -> None:
        self.turns = turns
        self.left = turns
        self.chance = random.Random(0)

    def reset(self, seed: int) -> None:
        """Start the stream of chance anew."""
        self.chance, self.left = random.Random(f"random doctor {seed}"), self.turns

    def resume(self, history: Sequence[Exchange]) -> None:
        """Let the chance of those turns pass."""
        for past in history:
            self.act(past.observation)

    def act(self, observation: str) -> str:
        """Ask, examine, order or wait; at last name something and leave."""
        self.left -= 1
        if self.left <= 0:
            return "diagnose: viral illness\ndispose: home\nend:"
        topics = topic_entries()
        choice = self.chance.random()
        if choice < 0.5:
            return f"ask: {self.chance.choice(self.chance.choice(topics)['ask'])}"
        if choice < 0.7:
            return f"examine: {self.chance.choice(_shared('examine')).name}"
        if choice < 0.9:
            return f"order: {self.chance.choice(_shared('order')).name}"
        return "wait: 5m"


class Interviewer:
    """Takes a structured history, makes a standard examination and a basic work-up, treats nothing, knows no diagnosis."""

    HISTORY = (
        "Hello, my name is Doctor Reed. I am the doctor looking after you today.",
        "What brings you in today?",
        "When did it start?",
        "Did it come on suddenly or gradually?",
        "Do you have any pain?",
        "Where is the pain?",
        "What is the pain like?",
        "Does the pain go anywhere else?",
        "How bad is it out of ten?",
        "What makes it better?",
        "What makes it worse?",
        "Do you have any other symptoms?",
        "That must be hard for you, I am sorry.",
        "Do you have any medical conditions?",
        "What medicines do you take?",
        "Are you allergic to anything?",
        "Any illnesses in the family?",
        "Do you smoke?",
        "Do you drink alcohol?",
        "Who do you live with?",
        "Have you had a fever?",
        "Are you short of breath?",
        "What do you think is going on?",
        "What worries you most?",
    )
    EXAMINATION = (
        "vital signs",
        "general appearance",
        "heart sounds",
        "lungs",
        "abdomen",
        "hydration status",
        "legs for swelling",
        "neurological screen",
    )
    TESTS = ("full blood count", "basic metabolic panel", "12-lead ecg")

    def __init__(self) -> None:
        self.turns: list[str] = []

    def reset(self, seed: int) -> None:
        """Prepare the routine."""
        history = [f"ask: {question}" if question.endswith("?") else f"say: {question}" for question in self.HISTORY]
        tests = "\n".join(f"order: {test}" for test in self.TESTS)
        closing = (
            "note: History, examination and basic tests done; cause not established.\ndiagnose: undifferentiated illness\ndispose: ward"
        )
        self.turns = [history[0], "examine: vital signs", *history[1:], *(f"examine: {part}" for part in self.EXAMINATION[1:]), tests]
        self.turns += ["wait: result", "wait: result", "say: I am going to admit you so that we can find out more.", closing, "end:"]

    def resume(self, history: Sequence[Exchange]) -> None:
        """Go on with one's own routine; after another doctor's words begin it."""
        own = (*self.turns, *("end:",) * len(history))[: len(history)]
        if same_words(own, history):
            del self.turns[: len(history)]

    def act(self, observation: str) -> str:
        """Go on with the routine."""
        return self.turns.pop(0) if self.turns else "end:"


def same_words(own: Sequence[str], history: Sequence[Exchange]) -> bool:
    """Whether these turns are those of a history, as an encounter writes turns down."""
    return [tidy(turn, limit=MAX_TURN_CHARS) for turn in own] == [past.words for past in history]


def order_text(entry: Entry, case: Case) -> str:
    """Write how a doctor would ask for an entry, with a dose in the authored range."""
    doses = entry.authored.doses if entry.authored else None
    return f"{entry.kind}: {entry.name}{_dose(doses.ranges(), doses.route) if doses else ''}"


def _dose(ranges: dict[str, tuple[float, float]], routes: Iterable[str]) -> str:
    route = next(iter(routes), "")
    for name, (low, high) in ranges.items():
        return f" {(low + high) / 2:g} {unit_of(name)} {route}".rstrip()
    return f" {route}" if route else ""


@cache
def topic_entries() -> list[dict[str, Any]]:
    """The shared vocabulary's topics with their phrasings."""
    return [topic for file in FILES for topic in document.read(library.vocabulary(file)).data["entries"]]


@cache
def _shared(kind: str) -> list[Entry]:
    return [entry for entry in vocabulary.entries().values() if entry.kind == kind]
