"""What a judge is asked: one statement, and the part of the transcript that its scope allows.

The rule: the transcript is data. Every entry is one line with a number, so that no words pass for an entry of their own; who the doctor
is, the turn as a model wrote it (with its reasoning) and what the item is worth are not in it; what was said to the patient always is.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from medsim.case.checklist import Question, RubricItem, Scope, Voice
from medsim.rubric import Opinion
from medsim.trajectory import Event, stamp

DOCTOR: frozenset[Voice] = frozenset({"words", "acts", "notes"})
DONE: frozenset[Voice] = frozenset({"words", "acts"})
"""What shows that something was done; that a note says so does not."""
REMOVED = "(name removed)"

_MODEL = re.compile(
    r"\b(?:chatgpt[\w.-]*|gpt-?[345](?:o|\.\d)?(?:-[\w.]+)*\b|claude[- ](?:\d|opus|sonnet|haiku)[\w.-]*|gemini[- ](?:\d|pro|ultra|flash)[\w.-]*"
    r"|llama[- ]?\d[\w.-]*|qwen[\w.-]*|deepseek[\w.-]*|mi[sx]tral[\w.-]*|grok[- ]?\d[\w.-]*)",
    re.IGNORECASE,
)
_WORTH = re.compile(r"\A\s*(?:[\[(]\s*[-+−]?\d+(?:\.\d+)?\s*(?:points?|pts?)?\s*[\])]|harm\s*:|bonus\s*:|penalty\s*:)\s*", re.IGNORECASE)
_ON_PAPER = re.compile(
    r"\b(?:note[sd]?|document\w*|chart\w*|record(?:s|ed)?|writ\w+|wrote|letter|hand-?over|handoff|summary)\b", re.IGNORECASE
)
_WORLD = {"result": "Result", "finding": "Finding", "alarm": "Seen", "encounter": "Visit", "answer": "Answer"}


class Line(NamedTuple):
    """One entry of a transcript as the judge sees it; its number is its place, counted from 1."""

    seq: int
    """Number of the event it was made from."""
    voice: Voice
    speaker: str
    text: str


class Ask(NamedTuple):
    """One statement to judge."""

    id: str
    statement: str
    lines: tuple[Line, ...]
    quotable: frozenset[Voice] = DONE
    """Whose words count as evidence."""
    needs_quote: bool = True
    votes: int = 3
    weight: float = 1.0
    """Points without their sign, for the judge's house-keeping; never shown."""
    critical: bool = False


class Judge(Protocol):
    """Whoever gives opinions on statements."""

    @property
    def name(self) -> str:
        """The judge's identity: two judges with one name are the same judge."""
        ...

    def opinions(self, asks: Sequence[Ask], lines: Sequence[Line]) -> dict[str, Opinion]:
        """Judge the statements of one encounter; ``lines`` is its whole transcript. BudgetSpent is raised, nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """One encounter as judges see it."""

    events: tuple[Event, ...]
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, events: Iterable[Event], *, hide: Sequence[str] = ()) -> View:
        """Make the transcript of events; ``hide`` names agents and models that might give the doctor away."""
        every = tuple(events)
        names = [name for name in hide if len(name) > 3 and not name.isalpha()]
        return cls(every, tuple(line for event in every if event.visible and (line := _line(event, names)).text))

    def ask(self, item: RubricItem) -> Ask | Opinion:
        """Make the question on an item, or an opinion where there is nothing to be asked."""
        question = item.judge
        if question is None:
            return Opinion("unknown", reason="the item has no question for a judge")
        window = self.window(question.scope)
        if window is None:
            return Opinion("na", reason="what the question is about never happened")
        first, last = window
        see = set(question.scope.see) if question.scope else set()
        inside = {event.seq for event in self.events if event.seq >= first and event.turn <= last}
        lines = tuple(line for line in self.lines if line.seq in inside and (not see or line.voice in see))
        if not lines:
            return Opinion("unmet", reason="the transcript holds nothing of what the question may look at")
        return _ask(item, question, lines)

    def window(self, scope: Scope | None) -> tuple[int, float] | None:
        """First event and last turn of a scope; None where its anchor never happened."""
        if scope is None:
            return 0, float("inf")
        first, turn = 0, 0
        if scope.after is not None:
            anchor = next((event for event in self.events if event.kind in scope.after.kinds and scope.after.matches(event)), None)
            if anchor is None:
                return None
            first, turn = anchor.seq, anchor.turn
        return first, float("inf") if scope.turns is None else turn + scope.turns

    def closed(self, item: RubricItem) -> bool:
        """Whether the window of an item's scope had passed when the encounter ended."""
        window = self.window(item.judge.scope if item.judge else None)
        return window is not None and bool(self.events) and self.events[-1].turn >= window[1]


def _ask(item: RubricItem, question: Question, lines: tuple[Line, ...]) -> Ask:
    return Ask(
        id=item.id,
        statement=neutral(question.criterion),
        lines=lines,
        quotable=frozenset(question.quote) or (DOCTOR if _ON_PAPER.search(question.criterion) else DONE),
        needs_quote=question.evidence == "required",
        votes=question.votes,
        weight=abs(item.points),
        critical=item.critical is not None,
    )


def neutral(criterion: str) -> str:
    """A criterion without what gives its worth away: ``[-8] …`` or ``HARM: …``."""
    text, before = clean(criterion), ""
    while text != before:
        before, text = text, _WORTH.sub("", text)
    return text


def clean(text: str) -> str:
    """Text on one line, without control and invisible characters."""
    text = "".join(" " if ch in "\t\n\r\x0b\x0c\x85\u2028\u2029" else ch for ch in text)
    return " ".join("".join(ch for ch in text if unicodedata.category(ch) not in {"Cc", "Cf", "Cs", "Co", "Cn"}).split())


def voice_of(event: Event) -> Voice:
    """Whose part of the transcript an event is."""
    if event.actor == "patient":
        return "patient"
    if event.actor != "doctor":
        return "results"
    return "words" if event.kind in {"ask", "say"} else "notes" if event.kind == "note" else "acts"


def _line(event: Event, names: Sequence[str]) -> Line:
    voice = voice_of(event)
    if voice in DOCTOR:
        speaker = "Doctor" if voice == "words" else f"Doctor, {event.kind}"
    elif voice == "patient":
        said = clean(event.speaker).strip("[]:()")[:40]
        speaker = "Patient" if not said or said.lower().startswith(("doctor", "patient")) else f"{said}, on the patient's side"
    else:
        speaker = _WORLD.get(event.kind, "Record")
    return Line(event.seq, voice, f"{speaker} ({stamp(event.t)})", _blind(clean(event.text), names))


def _blind(text: str, names: Sequence[str]) -> str:
    for name in names:
        text = re.sub(re.escape(name), REMOVED, text, flags=re.IGNORECASE)
    return _MODEL.sub(REMOVED, text)


def mark(lines: Sequence[Line]) -> str:
    """The word that fences a transcript in: it looks random, is the same for the same transcript, and does not stand in it."""
    text = written(lines)
    word = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:20]
    while word in text:  # not to be met with; kept so that the promise holds
        word = hashlib.sha256(word.encode()).hexdigest()[:20]
    return word


def written(lines: Sequence[Line]) -> str:
    """A transcript as text: ``[3] Doctor (1:05): words``."""
    return "\n".join(f"[{number}] {line.speaker}: {line.text}" for number, line in enumerate(lines, 1))
