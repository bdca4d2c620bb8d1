"""What a patient told, held against its record: which statements are facts, and which facts answer the question.

The rule: ids decide. A statement is a fact only through a fact that the reply is known to have told, and a fact answers a question only
where the patient's gate would have opened it. No model is asked and no score of likeness is averaged.

Upstream's paper has the same two names: the share of statements that a model judges to be supported, and the mean likeness of
embeddings of the reply and a statement written for the question. Its code has neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from medsim.case import Brief
from medsim.patient.gate import Gate
from medsim.patient.matcher import Heard, matcher
from medsim.patient.mediq import UNANSWERED
from medsim.patient.role import Disclosure
from medsim.patient.seat import Turn
from medsim.patient.verifier import faults
from medsim.trajectory import Event

WORD_FOR_WORD = frozenset({"scripted", "template", "fallback", "factselect"})
"""Sources whose replies are put together from facts by code."""
_STATEMENT = re.compile(r"(?<=[.!?;])\s+|\n+|,\s*but\s+")
_PATIENT = re.compile(r"\b(?:the )?patient(?:'s)?\b", re.IGNORECASE)
"""Questions to a record speak of the patient; the gate hears those that speak to one."""
_WORD = re.compile("[a-z]{4,}")
_STANDING = """
    about after also been before could does doing during ever from going have having into just like long more much other over recent recently
    several show shown some such take taken taking tell than that their them then there these they this those were what when where which
    while will with would your
"""
_EVERYWHERE = frozenset(_STANDING.split())
_IGNORANCE = re.compile(
    r"\b(?:can(?:'t|not)|do(?:es)? ?n[o']t|not|unable to) (?:answer|know|say|tell|sure|mentioned|recorded|stated|specified|documented)\b|"
    r"\bno (?:information|mention|record)\b",
    re.IGNORECASE,
)


def factual(brief: Brief, events: Sequence[Event]) -> tuple[int, int]:
    """Count the statements of all replies that are facts of the record, and all statements.

    A reply that code put together from facts has one statement for each fact id, all true to the record. The words of a model are
    cut into sentences (and at ", but"); a sentence is a fact where it tells, by the rule of ``medsim.patient.role``, one of the facts
    whose ids the reply carries, and holds no number, drug or symptom that stands neither in these facts nor in the question. Sentences
    that only say that something is not known are no statements. So a fact put quite differently counts as unsupported.
    """
    supported = whole = 0
    for question, event in answers(events):
        if event.args.get("withheld"):
            continue
        if event.args.get("source", "scripted") in WORD_FOR_WORD:
            true = every = len(event.facts)
        else:
            found = list(_statements(event.text))
            true, every = sum(_supported(brief, event.facts, question, one) for one in found), len(found)
        supported, whole = supported + true, whole + every
    return supported, whole


def relevant(brief: Brief, events: Sequence[Event]) -> tuple[int, int]:
    """Count the told facts that answer the question they were told to, and all told facts; one that is told twice counts twice.

    A fact answers a question that shares one of its longer words (four letters, the first five compared; words that stand in every
    question are left out), or to which the patient's gate would open it: a patient who trusts fully, knows the whole record and has told
    nothing of it. So a fact with topics answers where one of them is asked about, and one without, as the imported ones are, where it
    is the nearest in its words. An answer in quite other words ("how long" and "for six days") is missed: the share is a lower bound.
    """
    by_id, gate = {fact.id: fact for fact in brief.facts}, Gate(brief)
    told = [(by_id[name], question) for question, event in answers(events) for name in event.facts if name in by_id]
    opened = {question: opens(gate, question) for _, question in told}
    return sum(fact.id in opened[question] or bool(_long(question) & _long(" ".join(fact.say))) for fact, question in told), len(told)


def answers(events: Sequence[Event]) -> Iterator[tuple[str, Event]]:
    """Replies, each with what the doctor had said."""
    question = ""
    for event in events:
        if event.actor == "doctor" and event.kind in {"ask", "say"}:
            question = event.text
        elif event.kind == "reply":
            yield question, event


def opens(gate: Gate, question: str) -> frozenset[str]:
    """The facts that a gate opens to a question put to one who trusts fully and has told nothing but the opening statement."""
    said = _PATIENT.sub("you", question)
    heard = _heard(said)
    topics = tuple(part.topic for part in heard if part.topic)
    turn = Turn(1, "ask", "patient", utterance=said, heard=heard, said=topics, trust=5, opened=True, words=said)
    return frozenset(fact.id for part in gate.open(turn) if part.sort == "fact" for fact in part.facts)


def _long(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in _WORD.findall(_PATIENT.sub("", text).lower()) if word not in _EVERYWHERE)


@lru_cache(maxsize=4096)
def _heard(question: str) -> tuple[Heard, ...]:
    return matcher().hear(question)


def _statements(text: str) -> Iterator[str]:
    for part in _STATEMENT.split(text):
        if re.search(r"[^\W\d_]{2}", part) and part.strip() != UNANSWERED and not _IGNORANCE.search(part):
            yield part.strip()


def _supported(brief: Brief, told: Sequence[str], question: str, statement: str) -> bool:
    wordings = [said for fact in brief.facts if fact.id in told for said in fact.say]
    parts = [part for said in wordings for part in _STATEMENT.split(said)]
    if not Disclosure({str(at): (part,) for at, part in enumerate(parts)}).of(statement):
        return _plain(statement) in {_plain(part) for part in parts}
    return not faults(statement, released=wordings, doctor=question)


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .;!?")
