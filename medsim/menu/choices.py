"""What can be done in a compiled case, as a list of choices with the words that do it.

The rule: a choice is offered only where its words are understood as that one thing. What has no such words (a fact without a topic, a drug
without a dose that fits) is left out and listed; a case with nothing to ask or do is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from medsim import action as act
from medsim.agent.script import order_text, topic_entries
from medsim.case import Case
from medsim.consult import DISPOSITIONS
from medsim.consult.answers import judged_dose
from medsim.dose import dose_args
from medsim.errors import CaseError
from medsim.patient.matcher import matcher
from medsim.vocabulary import Entry, Lexicon
from medsim.world.schema import TARIFF, Class

FEE = 0.02
"""Of what is given or done, called or waited for; a disposition is free."""


class Choice(NamedTuple):
    """One choice: its kind (history, exam, test, treat, procedure, consult, wait, dispose), what it is about, and the words for it."""

    kind: str
    id: str
    words: str
    fee: float


@dataclass(frozen=True)
class Menu:
    """The choices of one case, what it tells and shows first."""

    case: Case
    findings: tuple[Choice, ...]
    """Topics to ask about, then examinations, then tests."""
    acts: tuple[Choice, ...]
    """What is given or done, waiting, and where the patient goes."""
    left_out: tuple[str, ...]
    """Facts and actions of the case that no choice reaches."""


def menu_of(case: Case) -> Menu:
    """Return what can be done in a compiled case of one visit; raise CaseError for what cannot be played by choices."""
    if case.grade != "compiled":
        raise CaseError(f"Case '{case.id}' is a documented one: its answers are words of a model. Play it in a text environment.")
    if len(case.encounters) > 1:
        raise CaseError(f"Case '{case.id}' has {len(case.encounters)} visits; choices play one. Play it in medsim/Consult-v0.")
    lexicon = Lexicon(case)
    asked = list(_questions(case))
    done = [_ordered(lexicon, entry, case) for entry in lexicon.own.values()]
    if case.unlisted == "vocabulary" and (vitals := lexicon.entry("exam.vitals")):
        done.append(Choice("exam", vitals.code, "examine: vital signs", TARIFF["exam"]))
    choices = [choice for choice in done if choice]
    order = {"history": 0, "exam": 1, "test": 2}
    findings = sorted([*asked, *(choice for choice in choices if choice.kind in order)], key=lambda choice: order[choice.kind])
    if not findings:
        raise CaseError(f"Case '{case.id}': none of its facts and actions can be reached by a choice. Give its facts topics.")
    acts = [
        *(choice for choice in choices if choice.kind not in order),
        Choice("wait", "result", "wait: result", FEE), Choice("wait", "10m", "wait: 10m", FEE),
        *(Choice("dispose", code, f"dispose: {code}", 0.0) for code in DISPOSITIONS),
    ]  # fmt: skip
    reached = {topic for choice in asked for topic in (choice.id,)}
    lost = [fact.id for fact in case.patient.facts if fact.tier != "never" and fact.id not in reached and reached.isdisjoint(fact.topics)]
    lost += [entry.code for entry, choice in zip(lexicon.own.values(), done, strict=False) if choice is None]
    return Menu(case, tuple(findings), tuple(acts), tuple(lost))


def _questions(case: Case) -> Iterator[Choice]:
    """One choice for each fact that is asked for in words of its own, and one for each topic of the others."""
    topics: dict[str, None] = {}
    for fact in case.patient.every_fact():
        if fact.tier == "never":
            continue
        if fact.asked:
            yield Choice("history", fact.id, f"ask: {fact.asked[0]}", TARIFF["history"])
        else:
            topics |= dict.fromkeys(fact.topics)
    for topic in topics:
        if words := _exemplar(topic):
            yield Choice("history", topic, f"ask: {words}", TARIFF["history"])


@cache
def _exemplar(topic: str) -> str:
    """A question that is heard as this topic alone; empty where there is none."""
    phrasings = next((entry["ask"] for entry in topic_entries() if entry["id"] == topic), ())
    for words in phrasings[:12]:
        heard = matcher().hear(words)
        if len(heard) == 1 and heard[0].topic == topic:
            return str(words)
    return ""


def _ordered(lexicon: Lexicon, entry: Entry, case: Case) -> Choice | None:
    """The choice of one of the case's own actions, or None where no words do just that."""
    for words in _wordings(entry, case):
        verb, _, what = words.partition(": ")
        found = lexicon.resolve_all(verb, act.parse(words)[0].text)
        if len(found) == 1 and found[0][1].entry is not None and found[0][1].entry.code == entry.code and _dose_fits(entry, what, case):
            kind = {"examine": "exam", "order": "test"}.get(entry.kind, entry.kind)
            return Choice(kind, entry.code, words, TARIFF[_class(entry)] if kind in {"exam", "test"} else FEE)
    return None


def _wordings(entry: Entry, case: Case) -> Iterator[str]:
    yield order_text(entry, case)
    for name in (entry.code, *entry.synonyms[:5]):
        yield order_text(entry, case).replace(entry.name, name)


def _dose_fits(entry: Entry, words: str, case: Case) -> bool:
    if entry.authored is None or not entry.authored.doses:
        return True
    verdict, stated = judged_dose(entry.authored, dose_args(words, weight_kg=case.patient.weight_kg))
    return stated and verdict in {None, "ok"}


def _class(entry: Entry) -> Class:
    known: dict[str, Class] = {"exam": "exam", "bedside": "exam", "imaging": "imaging", "monitor": "exam"}
    return known.get(entry.cls, "lab")
