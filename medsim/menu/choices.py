"""What can be done in a compiled case, as a list of choices with the words that do it.

The rule: a choice is offered only where its words are understood as that one thing. What has no such words (a fact without a topic, a drug
without a dose that fits) is left out and listed; a case with nothing to ask or do is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from medsim import action as act
from medsim import recipe as recipes
from medsim.agent.script import order_text
from medsim.case import Case
from medsim.consult import DISPOSITIONS
from medsim.consult.answers import judged_dose
from medsim.dose import dose_args
from medsim.errors import CaseError
from medsim.record.questions import questions
from medsim.rubric.names import accepted, named
from medsim.safety import Drug
from medsim.safety.check import of_entry
from medsim.vocabulary import Entry, Lexicon, entries
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
    for name, words in questions(case):
        yield Choice("history", name, f"ask: {words}", TARIFF["history"])


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


def listed(cases: str | Case | list[str] | list[Case]) -> list[Case]:
    """Load cases by pack name, id or file; cases themselves are taken as they are."""
    if isinstance(cases, Case):
        return [cases]
    several = list(cases) if isinstance(cases, (list, tuple)) else []
    if several and any(isinstance(one, Case) for one in several):
        return [found for one in several for found in ([one] if isinstance(one, Case) else recipes.load_cases(recipes.named(one)))]
    return [found for name in recipes.named(cases) for found in recipes.load_cases([name])]


def drug_of(choice: Choice, *, weight_kg: float | None) -> Drug:
    """What a treatment of the menu would give."""
    entry, args = entries().get(choice.id), dose_args(choice.words, weight_kg=weight_kg)
    return of_entry(entry, args) if entry else Drug(choice.id, (), args)


def diagnoses(menus: list[Menu]) -> tuple[str, ...]:
    """The diagnoses of all cases and what stands beside them on their lists, by name; one for each disease, in the order of the names."""
    found: dict[str, tuple[str, ...]] = {}
    for known in (one for menu in menus for one in (menu.case.outcome.diagnosis, *menu.case.outcome.differential)):
        if not any(named([known.name], names) for names in found.values()):
            found[known.name] = accepted(known)
    return tuple(sorted(found))
