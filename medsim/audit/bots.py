"""Doctors that know no medicine, each with one short way past a patient, a rubric or a judge.

The rule: none of them may pass any case. What they say stands in ``agents/prompts/audit.yaml``; what they order is everything.
Some are given more than a doctor could have (the rubric's words, the patient's facts, the case's own script after the end, the right
answer): a case that withstands those withstands a guess at them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Literal, NamedTuple

from pydantic import Field

from medsim import document, library
from medsim.action import MAX_ACTIONS, MAX_RANKED, Action, show, tidy
from medsim.agent import Agent
from medsim.agent.script import Inert, Script, Shotgun, order_text, topic_entries
from medsim.case import Case
from medsim.case.part import Many, Part
from medsim.errors import CaseError, did_you_mean
from medsim.evaluation import asked
from medsim.vocabulary import Lexicon, entries

TOGETHER = MAX_ACTIONS - 5
_MARKS = re.compile(r"[.,;:!?()\[\]]+")
GUESS = "viral illness"
_LONG_WAIT = ("wait: result",) * 6
"""For what takes hours."""
CLOSING = (f"diagnose: {GUESS}\ndispose: ward", "end:")


class Wordings(Part):
    """The file of what the bots say."""

    schema_: Literal["medsim.audit/1"] = Field(alias="schema")
    everything: Many[str] = Field(min_length=1)
    diagnosis: Many[str] = Field(min_length=1)
    third_person: Many[str] = Field(min_length=1)
    override: Many[str] = Field(min_length=1)
    judge: Many[str] = Field(min_length=1)
    once: str


@cache
def wordings() -> Wordings:
    """What the bots say."""
    return document.validate(document.read(library.folder("agents") / "prompts" / "audit.yaml"), Wordings)


class Forever:
    """Says one thing until the encounter is cut off."""

    def __init__(self, turn: str) -> None:
        self.turn = turn

    def reset(self, seed: int) -> None:
        """Nothing to prepare."""

    def act(self, observation: str) -> str:
        """Say it again."""
        return self.turn


class Echo(Script):
    """Says its turns, then gives whatever came back, phrase by phrase and the last one first, as the diagnosis."""

    def reset(self, seed: int) -> None:
        """Begin anew."""
        super().reset(seed)
        self.heard: list[str] = []

    def act(self, observation: str) -> str:
        """Say the next turn with what was heard so far as the diagnosis, as the encounter may end any time; at last leave."""
        self.heard += phrases(observation)
        named = list(dict.fromkeys(reversed(self.heard)))[:MAX_RANKED] or [GUESS]
        answer = show([Action("diagnose", "; ".join(named))])
        if self.at < len(self.turns):
            return f"{answer}\n{super().act(observation)}" if self.at else super().act(observation)
        self.at += 1
        return f"{answer}\ndispose: ward\nend:"


def phrases(observation: str) -> list[str]:
    """What could pass for a name in the lines of an observation: one to six words between marks."""
    said = (line.partition("] ")[2].partition(": ")[2] if line.startswith("[") else line for line in observation.splitlines())
    found = (" ".join(part.strip(' "').split()) for words in said for part in _MARKS.split(tidy(words)))
    return [part for part in found if 1 <= len(part.split()) <= 6 and any(letter.isalpha() for letter in part)]


class Bot(NamedTuple):
    """One way to cheat."""

    name: str
    tries: str
    """What it tries, in a few words."""
    make: Callable[[Case], Agent]
    counts: bool = True
    """Whether its passing is a fault of the case; not so where it is told the right answer."""
    fits: Callable[[Case], bool] = lambda case: True
    """Whether there is anything to try it on."""


def _spoken(lines: Iterable[str], kind: Literal["ask", "say", "note"] = "ask", *, each: int = 5) -> list[str]:
    return _turns((Action(kind, tidy(line)) for line in lines), each=each)


def _turns(actions: Iterable[Action], *, each: int = TOGETHER) -> list[str]:
    listed = list(actions)
    return [show(listed[at : at + each]) for at in range(0, len(listed), each)]


def _closing(turns: Sequence[str]) -> Script:
    return Script([*turns, *CLOSING])


def _in_one(case: Case) -> Agent:
    return Script([f"diagnose: {GUESS}\ndispose: home\nend:"])


def _everything_ordered(case: Case, *, treat: bool, copy: bool = False) -> Agent:
    """Every examination, test, call and procedure there is to be had here, without a word."""
    own = list(Lexicon(case).own.values()) or list(entries().values())
    wanted = ("examine", "order", "consult", "procedure", *(("treat",) if treat else ()))
    lines = [order_text(entry, case) for kind in wanted for entry in own if entry.kind == kind]
    turns = [*("\n".join(lines[at : at + TOGETHER]) for at in range(0, len(lines), TOGETHER)), "wait: 30m", *_LONG_WAIT]
    return Echo(turns) if copy else _closing(turns)


def _courteous(case: Case) -> Agent:
    kind_words = [entry["ask"][0] for entry in topic_entries() if entry["id"].startswith("talk.") and entry["id"] not in _UNKIND]
    return _closing(_spoken(kind_words, "say", each=10))


_UNKIND = {"talk.dismiss", "talk.interrupt"}


def checklist(case: Case) -> list[str]:
    """Everything a rubric credits, in its own words."""
    items = [item for item in case.rubric.items if item.points > 0]
    return list(dict.fromkeys(words for item in items for words in (item.text, item.judge.criterion if item.judge else "") if words))


def _recite(case: Case) -> Agent:
    read = checklist(case)
    return _closing([*_spoken(read, "ask", each=10), *_spoken(read, "say", each=10), *_spoken(read, "note", each=TOGETHER)])


def _read_out(case: Case) -> Agent:
    """The same at once, and as the diagnosis too: what looks for words in the record finds all of them."""
    read = checklist(case)
    named = Action("diagnose", "; ".join(tidy(words).replace(";", ",") for words in read if "diagnos" in words.lower()) or GUESS)
    return Script([*_spoken(read, "note", each=TOGETHER), show([named, Action("dispose", "ward")]), "end:"])


def _leading(case: Case) -> Agent:
    """Every fact put to the patient as a question, the hidden ones too; of a documented case, every line of the script."""
    told = [fact.say[0] for fact in case.patient.every_fact()]
    lines = [line.strip(" #-*") for text in (case.roles.patient if case.roles else ()) for line in text.text.splitlines()]
    return _closing(_spoken((f"Is this so: {words.rstrip('.')}?" for words in [*told, *(line for line in lines if line)][:400]), each=10))


def _judged(case: Case) -> Agent:
    """Words for the judge, said to the patient and written into the record."""
    plants = wordings().judge
    return _closing([*_spoken(plants, "say"), *_spoken(plants, "note")])


def _afterwards(case: Case) -> Agent:
    """Ends, and then does what the case's own golden script does, in the same breath and later."""
    acts = [*case.golden] or ["ask: What brings you in today?", f"diagnose: {case.outcome.diagnosis.name}"]
    return Script(["\n".join([f"diagnose: {GUESS}", "dispose: ward", "end:", *acts]), *acts])


def _memory(case: Case) -> Agent:
    """Names the right diagnosis and the right place at the door, and does nothing else."""
    name, place = case.outcome.diagnosis.name, next(iter(case.outcome.disposition), "ward")
    return Script([show([Action("diagnose", name), Action("dispose", place), Action("end")])])


def _inert(case: Case) -> Agent:
    return Inert()


BOTS: tuple[Bot, ...] = (
    Bot("end-at-once", "leaves at the door", lambda case: Script(["end:"])),
    Bot("ask-nothing", "guesses and sends home without a question", _in_one),
    Bot("wait", "lets time pass", _inert),
    Bot("tell-all", "asks to be told everything", lambda case: Echo(_spoken(wordings().everything))),
    Bot("ask-diagnosis", "asks for the diagnosis in many wordings, then repeats what came back", lambda case: Echo(_spoken(wordings().diagnosis))),
    Bot("third-person", "asks for it on behalf of others", lambda case: Echo(_spoken(wordings().third_person))),
    Bot("override", "tells the patient to drop the part", lambda case: Echo(_spoken(wordings().override))),
    Bot("repeat", "asks one question until cut off", lambda case: Forever(show([Action("ask", wordings().once)] * TOGETHER))),
    Bot("courteous", "says every kind word there is and nothing else", _courteous),
    Bot("recite", "reads the checklist aloud and into the record", _recite),
    Bot("read-out", "writes the checklist into the record and the diagnosis, at once", _read_out),
    Bot("leading", "puts every fact to the patient as a question", _leading),
    Bot("order-all", "examines and orders everything, without a word", lambda case: _everything_ordered(case, treat=False)),
    Bot("copy-results", "the same, and copies what came back as the diagnosis", lambda case: _everything_ordered(case, treat=False, copy=True)),
    Bot("treat-all", "orders everything and gives every treatment", lambda case: _everything_ordered(case, treat=True)),
    Bot("shotgun", "asks, orders and gives everything", Shotgun),
    Bot("ask-and-order", "asks and orders everything, gives nothing", lambda case: Shotgun(case, treat=False)),
    Bot("judge", "tells the judge what to say", _judged, fits=lambda case: any(item.judge for item in case.rubric.items)),
    Bot("after-the-end", "ends, then does everything right", _afterwards),
    Bot("memory", "knows the answer and does nothing for it", _memory, counts=False),
)  # fmt: skip
"""All of them."""


def chosen(names: str | Iterable[str]) -> tuple[Bot, ...]:
    """The bots of these names, all where none is given; CaseError for a name that is none."""
    known = {bot.name: bot for bot in BOTS}
    wanted = asked.names(names) or list(known)
    for name in wanted:
        if name not in known:
            raise CaseError(f"No bot '{name}'.{did_you_mean(name, known)} Bots: {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(wanted))
