"""What can be read off a case without playing it.

The rule: every check is a function from a case to findings, listed in ``CHECKS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from medsim import vocabulary
from medsim.action import parse
from medsim.case import Case
from medsim.case.chart import CODE as CHART
from medsim.case.checklist import RubricItem
from medsim.case.part import Part
from medsim.case.pattern import DOCTOR_KINDS, Did, covers
from medsim.case.predicate import Codes, Pred
from medsim.errors import CaseError, did_you_mean
from medsim.lint.finding import Finding, error, warning
from medsim.llm import image
from medsim.patient.matcher import matcher
from medsim.rubric.log import patterns
from medsim.rubric.names import folded
from medsim.vocabulary.whole import stands_in


def read_off(case: Case) -> list[Finding]:
    """Run every static check."""
    return [finding for check in CHECKS for finding in check(case)]


def _reachable(case: Case) -> Iterator[Finding]:
    seen, queue = {case.initial}, [case.initial]
    moves = {name: {*(rule.to for rule in state.react), *(rule.to for rule in state.timers)} for name, state in case.states.items()}
    for process in case.processes:
        for before, after in process.to.items():
            moves[before].add(after)
    todo = "no reaction, timer or process leads here; add one or remove the state"
    if case.roles is not None:  # a controller goes through the states in their order
        for name in case.states:
            moves[name] |= {case.following(name)} - {""}
        todo = f"it stands before the first one, '{case.initial}', and nothing leads back; put it behind, or remove it"
    while queue:
        for name in moves[queue.pop()] - seen:
            seen.add(name)
            queue.append(name)
    for name in case.states:
        if name not in seen:
            yield error("unreachable-state", f"states.{name}", todo)


def _between_visits(case: Case) -> Iterator[Finding]:
    """What may come due while nobody is there: short timers after the doctor has left, challenges at times of no visit."""
    if not any(visit.gap for visit in case.encounters[1:]):
        return
    longest = max(visit.limits.sim for visit in case.encounters)
    short = [name for name, state in case.states.items() if any(timer.at <= longest for timer in state.timers)]
    if short:
        yield warning(
            "timer-in-gap",
            f"states.{short[0]}.timers",
            f"the doctor may leave before the timers of {', '.join(short)}: they then run between two visits; "
            "give them an unless that holds when the visit is done, or leave the state at its end",
        )
    for challenge in case.patient.challenges:
        if challenge.when.at is not None and challenge.when.at > case.encounters[0].limits.sim:
            yield warning(
                "challenge-in-gap",
                f"challenges.{challenge.id}.when",
                "lies after the first visit, and what falls between visits is not said; write when: {visit: ID, delay: ...}",
            )


def _pictures(case: Case) -> Iterator[Finding]:
    for i, slot in enumerate(case.media):
        if slot.path and case.folder:
            try:
                image.read(case.folder / slot.path)
            except CaseError as problem:
                yield error("picture", f"media[{i}].path", str(problem))


def _topics_exist(case: Case) -> Iterator[Finding]:
    known = matcher().topics
    for fact in case.patient.facts:
        for topic in (*fact.topics, *(fact.needs.heard if fact.needs else ())):
            if not any(covers(topic, other) for other in known):
                yield error("unknown-topic", f"patient.facts.{fact.id}", f"no topic '{topic}'.{did_you_mean(topic, known)}")
        if fact.needs:
            for name in fact.needs.told:
                if name not in {other.id for other in case.patient.facts}:
                    yield error("unknown-fact", f"patient.facts.{fact.id}.needs", f"no fact '{name}'")


def _every_pattern(case: Case) -> Iterator[tuple[str, Did]]:
    for item in case.rubric.items:
        for did in patterns(item):
            yield f"rubric.{item.id}", did
    for name, state in case.states.items():
        for rule in (*state.react, *state.timers):
            for did in patterns(rule):
                yield f"states.{name}", did
    for process in case.processes:
        for did in patterns(process):
            yield f"processes.{process.id}", did
    for challenge in case.patient.challenges:
        for did in patterns(challenge):
            yield f"challenges.{challenge.id}", did
    for code, action in case.actions.items():
        for did in patterns((action.requires, action.contraindications)):
            yield f"actions.{code}", did


def _patterns_can_match(case: Case) -> Iterator[Finding]:
    actions = {**vocabulary.entries(), **{code: vocabulary.merge(code, action) for code, action in case.actions.items()}}
    groups = {group for entry in actions.values() for group in entry.groups}
    classes = {entry.cls for entry in actions.values()}
    facts = {fact.id for fact in case.patient.every_fact()}
    others = {*case.states, *(c.id for c in case.patient.challenges), *(e.id for e in case.encounters)}
    lexicon = vocabulary.Lexicon(case)
    from medsim.consult import DISPOSITIONS

    for where, did in _every_pattern(case):
        acts = not did.kind or any(kind in DOCTOR_KINDS for kind in did.kind)
        for code in did.code:
            known = set(DISPOSITIONS) if did.kind == ("dispose",) else set(actions) if acts else set(actions) | others
            if code not in known and not (acts and lexicon.entry(code)):
                yield error("unknown-code", where, f"no action '{code}'.{did_you_mean(code, known)}")
        for what, given, names in (
            ("group", did.group, groups),
            ("class", did.cls, classes),
            ("fact", did.fact, facts),
            ("state", did.state, set(case.states)),
        ):
            for name in given:
                if name not in names:
                    yield error(f"unknown-{what}", where, f"no {what} '{name}'.{did_you_mean(name, names)}")
        for topic in did.topic:
            if not any(covers(topic, other) for other in matcher().topics):
                yield error("unknown-topic", where, f"no topic '{topic}'.{did_you_mean(topic, matcher().topics)}")


def _expected_codes_exist(case: Case) -> Iterator[Finding]:
    known, lexicon = {*vocabulary.entries(), *case.actions}, vocabulary.Lexicon(case)
    for item in case.rubric.items:
        for wanted in _sets(item):
            for code in (*(code for slot in wanted.expected for code in slot), *wanted.free):
                if code not in known and not lexicon.entry(code):
                    yield error("unknown-code", f"rubric.{item.id}", f"no action '{code}'.{did_you_mean(code, known)}")


def _sets(part: Any) -> Iterator[Codes]:
    """Every set of codes inside an item or predicate."""
    if isinstance(part, Codes):
        yield part
    elif isinstance(part, Part):
        for name in type(part).model_fields:
            yield from _sets(getattr(part, name))
    elif isinstance(part, (tuple, dict)):
        for one in part.values() if isinstance(part, dict) else part:
            yield from _sets(one)


def _used_facts(case: Case) -> Iterator[Finding]:
    for fact in case.patient.facts:
        if not fact.topics and case.provenance.origin == "original":
            yield warning(
                "fact-without-topic", f"patient.facts.{fact.id}", "matched by its words only; name the topics a doctor would ask about"
            )


def _guarded_facts(case: Case) -> Iterator[Finding]:
    for fact in case.patient.facts:
        if fact.tier == "sensitive" and not fact.deflect and any(topic in matcher().symptoms for topic in fact.topics):
            yield warning(
                "no-deflect", f"patient.facts.{fact.id}", "asked too early the patient would say no; write what is said instead (deflect)"
            )


def _visible(case: Case) -> Iterator[tuple[str, str]]:
    yield "id", case.id.replace("-", " ")
    yield "title", case.title
    for encounter in case.encounters:
        yield f"encounters.{encounter.id}.door_note", f"{encounter.door_note} {encounter.task}"
        yield f"encounters.{encounter.id}.opening", encounter.opening or ""
    yield "patient.opening", case.patient.opening
    for fact in case.patient.every_fact():
        if fact.tier != "never":
            yield f"patient.facts.{fact.id}", " ".join((*fact.say, fact.deflect or ""))
    yield "patient.persona.manner", case.patient.persona.manner
    yield "patient.unknown", " ".join((*case.patient.unknown.symptom, *case.patient.unknown.other))
    for challenge in case.patient.challenges:
        yield f"challenges.{challenge.id}", challenge.say
    for code, action in case.actions.items():
        yield f"actions.{code}.refusal", action.refusal or ""
    for name, state in case.states.items():
        yield f"states.{name}.appear", state.appear or ""
    for process in case.processes:
        yield f"processes.{process.id}.say", process.say or ""


def _no_diagnosis_in_sight(case: Case) -> Iterator[Finding]:
    truth = case.outcome.diagnosis
    terms = {folded(term) for term in (truth.name, *truth.accept, *case.patient.secrets.terms) if len(term) > 2}
    for where, text in _visible(case):
        shown = folded(text)
        for term in terms:
            if stands_in(term, shown):
                yield error("diagnosis-in-sight", where, f"'{term}' can be seen by the doctor or the patient's seat; say it in other words")
    if not case.patient.secrets.terms and case.provenance.origin == "original":
        yield warning("no-secrets", "patient.secrets.terms", "list the words the patient must never say, the diagnosis first")


def _units(case: Case) -> Iterator[Finding]:
    for code, action in case.actions.items():
        for state, result in action.result.items():
            for value in result.values:
                number = isinstance(value.value, (int, float))
                known = vocabulary.analytes().get(vocabulary.analyte_of(value.name or code) or "")
                if number and not value.unit and not (known and not known.unit):
                    yield error("missing-unit", f"actions.{code}.result.{state}", f"{value.name or code} {value.value} has no unit")
                if known and number and value.unit and value.unit != known.unit:
                    yield warning(
                        "other-unit",
                        f"actions.{code}.result.{state}",
                        f"{known.name} is in {value.unit}; the shared table uses {known.unit}",
                    )


def _doses(case: Case) -> Iterator[Finding]:
    for code, action in case.actions.items():
        if action.kind == "treat" and not (action.doses and action.doses.ranges()) and not action.contraindications:
            yield warning(
                "dose-without-range", f"actions.{code}", "give doses: {dose_mg: [low, high], route: [...]} so that a wrong dose can be seen"
            )


def _results_for_states(case: Case) -> Iterator[Finding]:
    askable = {name for name, state in case.states.items() if state.terminal != "bad"}
    for code, action in case.actions.items():
        for what, given in (("result", action.result), ("answer", action.answer)):
            missing = askable - set(given)
            if given and "_" not in given and missing:
                yield error("missing-result", f"actions.{code}.{what}", f"nothing for {', '.join(sorted(missing))}; add them or '_'")
        if case.ehr is not None and code == CHART:
            continue
        if action.kind in {"order", "examine"} and not action.result and code not in vocabulary.entries() and action.cls != "monitor":
            yield error("no-result", f"actions.{code}", "neither the case nor the shared vocabulary knows a result; add result: {_: ...}")


def _rubric_shape(case: Case) -> Iterator[Finding]:
    if case.provenance.origin == "imported":
        return
    items = case.rubric.items
    if not any(item.purpose == "harm" for item in items):
        yield error("no-harm-item", "rubric", "no item with negative points; name what would harm this patient")
    if not any(item.purpose == "efficiency" for item in items):
        yield error("no-over-testing-item", "rubric", "no item of role efficiency; a doctor who orders everything must lose by it")
    sources = {source.id for source in case.provenance.sources}
    for item in items:
        for name in item.source:
            if name not in sources:
                yield error("unknown-source", f"rubric.{item.id}", f"no source '{name}'.{did_you_mean(name, sources)}")
        yield from _timed_without_source(item)


def _timed_without_source(item: RubricItem) -> Iterator[Finding]:
    timed = item.decay is not None or (item.pred is not None and _has_window(item.pred))
    if (
        timed
        and item.comp in {"PC", "MK", "SBP"}
        and not item.source
        and item.pred
        and any(did.code or did.group for did in patterns(item.pred))
    ):
        yield warning("timing-without-source", f"rubric.{item.id}", "name the source of this time window (source: [id])")


def _has_window(pred: Pred) -> bool:
    return pred.within is not None or any(_has_window(part) for part in (*(pred.all or ()), *(pred.any or ())))


def _golden_parses(case: Case) -> Iterator[Finding]:
    if not case.golden and case.provenance.origin == "original":
        yield error("no-golden", "golden", "write the turns of a doctor who does everything right")
    for i, turn in enumerate(case.golden):
        for action in parse(turn):
            if not action.text and action.kind != "end":
                yield error("empty-action", f"golden[{i}]", f"'{action.kind}:' says nothing")


CHECKS: tuple[Callable[[Case], Iterable[Finding]], ...] = (
    _reachable, _topics_exist, _patterns_can_match, _expected_codes_exist, _used_facts, _guarded_facts, _no_diagnosis_in_sight, _units, _doses, _results_for_states, _rubric_shape,
    _golden_parses, _pictures, _between_visits,
)  # fmt: skip
