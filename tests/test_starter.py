"""The starter pack holds what was promised: how much is in each case, where it comes from, and that it does not give itself away."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from medsim import document, library
from medsim import recipe as recipes
from medsim.agent.script import Golden
from medsim.case import Case
from medsim.case.checklist import RubricItem
from medsim.case.predicate import Pred
from medsim.episode import rollout
from medsim.rubric import score
from medsim.rubric.names import accepted, folded
from medsim.trajectory import transcript

CASES = recipes.load_cases(("starter",))
each_case = pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])


def operators(pred: Pred | None) -> Iterator[str]:
    if pred is None:
        return
    yield pred.operator
    if pred.within is not None:
        yield "within"
    for part in (*(pred.all or ()), *(pred.any or ()), *([pred.not_] if pred.not_ else []), *(pred.k_of.of if pred.k_of else ())):
        yield from operators(part)
    if pred.implies:
        yield from operators(pred.implies.if_)
        yield from operators(pred.implies.then)


def timed(item: RubricItem) -> bool:
    return item.decay is not None or "within" in operators(item.pred)


def test_there_are_six_cases_of_the_kinds_that_were_promised() -> None:
    codes = {case.outcome.diagnosis.code or "" for case in CASES}
    assert len(CASES) == 6
    for start in ("I21", "E10", "J1", "O00", "F3", "J4"):
        assert any(code.startswith(start) for code in codes), start
    assert {case.blueprint.setting for case in CASES} >= {"ed", "clinic"}
    assert "child" in {case.blueprint.population for case in CASES}
    assert any("psychiatry" in case.blueprint.specialty for case in CASES)


@each_case
def test_a_patient_knows_at_least_thirty_things_in_four_tiers(case: Case) -> None:
    assert len(case.patient.facts) >= 30
    assert len({fact.tier for fact in case.patient.facts}) >= 4
    assert all(fact.topics for fact in case.patient.facts)


@each_case
def test_there_are_enough_findings_and_orders_with_results_of_their_own(case: Case) -> None:
    kinds = [(action.kind, bool(action.result or action.answer)) for action in case.actions.values()]
    assert kinds.count(("examine", True)) >= 15
    assert sum(kind != "examine" and answered for kind, answered in kinds) >= 20


@each_case
def test_the_patient_raises_at_least_two_challenges(case: Case) -> None:
    assert len(case.patient.challenges) >= 2


@each_case
def test_the_body_gets_worse_by_delay_and_by_harm_and_better_when_treated(case: Case) -> None:
    assert len(case.states) >= 4
    assert any(state.timers for state in case.states.values()), "worse when slow"
    assert any(state.terminal == "bad" for state in case.states.values())
    run = rollout(case, Golden(case))
    assert case.states[run.outcome.state].terminal != "bad"
    vitals = [state.vitals for state in case.states.values()]
    assert len({(vital.hr, vital.sbp, vital.spo2) for vital in vitals}) >= 3


@each_case
def test_the_rubric_is_rich_enough(case: Case) -> None:
    items = case.rubric.items
    assert len(items) >= 25
    assert len({item.comp for item in items}) >= 4
    assert sum(item.purpose == "harm" for item in items) >= 3
    assert any(item.purpose == "efficiency" for item in items)
    assert any(item.critical for item in items)


@each_case
def test_the_rubric_knows_windows_orders_of_events_and_alternatives(case: Case) -> None:
    used = {name for item in case.rubric.items for name in operators(item.pred)}
    assert sum(timed(item) for item in case.rubric.items) >= 2
    assert "precedes" in used or any(item.pred and item.pred.before for item in case.rubric.items)
    assert used & {"any", "k_of"}


@each_case
def test_timings_and_doses_name_their_source(case: Case) -> None:
    sources = {source.id for source in case.provenance.sources}
    assert len(sources) >= 2
    assert all(source.title and source.year for source in case.provenance.sources)
    for item in case.rubric.items:
        assert set(item.source) <= sources
        if timed(item) and item.comp in {"PC", "MK", "SBP"} and item.pred and item.pred.did and (item.pred.did.code or item.pred.did.group):
            assert item.source, item.id
    assert any(source.used_for for source in case.provenance.sources)


@each_case
def test_licence_origin_and_missing_review_are_stated(case: Case) -> None:
    assert case.license == "CC-BY-4.0"
    assert case.provenance.origin == "original"
    assert case.provenance.clinical_review == "pending"
    assert case.provenance.authors
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", case.provenance.created or "")


def test_the_pack_states_its_title_licence_and_provenance() -> None:
    pack = document.read(library.folder("cases") / "starter" / "pack.yaml").data
    assert pack["title"]
    assert pack["license"] == "CC-BY-4.0"
    assert "provenance" in pack


@each_case
def test_no_diagnosis_is_in_sight_of_the_doctor_or_the_patients_seat(case: Case) -> None:
    terms = {folded(name) for name in (*accepted(case.outcome.diagnosis), *case.patient.secrets.terms) if len(name) > 3}
    door = " ".join((case.id.replace("-", " "), case.title, *(f"{visit.door_note} {visit.task}" for visit in case.encounters)))
    brief = case.brief()
    told = " ".join(text for fact in brief.facts for text in (*fact.say, fact.deflect or ""))
    seat = f"{brief.name} {brief.persona.manner} {brief.opening} {brief.unknown} {told}"
    for text in (door, seat):
        assert [term for term in terms if re.search(rf"(?<!\w){re.escape(term)}(?!\w)", folded(text))] == []
    assert case.patient.secrets.terms


@each_case
def test_what_the_golden_doctor_is_shown_names_no_diagnosis_unless_a_result_or_colleague_does(case: Case) -> None:
    run = rollout(case, Golden(case))
    spoken = transcript([event for event in run.events if event.actor == "patient" or event.kind in {"alarm", "encounter"}])
    heard = " ".join(event.text for event in run.events if event.actor == "doctor" and event.kind in {"ask", "say"})
    for name in accepted(case.outcome.diagnosis):
        if folded(name) not in folded(heard):
            assert not re.search(rf"(?<!\w){re.escape(folded(name))}(?!\w)", folded(spoken)), name


@each_case
def test_every_must_not_miss_diagnosis_can_be_credited(case: Case) -> None:
    assert any(diagnosis.must_not_miss for diagnosis in case.outcome.differential)


@each_case
def test_the_disposition_is_one_a_doctor_can_choose(case: Case) -> None:
    run = rollout(case, Golden(case))
    assert run.outcome.disposition in case.outcome.disposition
    assert not score(case, run.events, run.outcome).flagged
