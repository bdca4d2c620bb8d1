"""Medication safety in words and in encounters: what a case tells, what is found, and what it does to rubric and reward."""

from __future__ import annotations

import re
from typing import Any

import pytest

from medsim import document, library
from medsim.agent.script import Golden
from medsim.case import Case, Chart
from medsim.case.predicate import Pred
from medsim.consult import Consult
from medsim.env import ConsultEnv
from medsim.episode import rollout
from medsim.errors import ActionError, CaseError
from medsim.patient.scripted import ScriptedPatient
from medsim.recipe import load_cases
from medsim.rubric.log import Log, patterns
from medsim.rubric.operators import decide
from medsim.safety import Background, background, check, drug, review, row_named
from medsim.safety.background import drugs_in
from medsim.trajectory import Event


def rows(order: str, **known: Any) -> list[str]:
    taken = tuple(drug(words) for words in known.pop("drugs", ()))
    return [finding.row for finding in check(drug(order, weight_kg=known.get("weight_kg")), Background(drugs=taken, **known))]


@pytest.mark.parametrize(
    ("order", "known", "expected"),
    [
        ("nitroglycerin 0.4 mg sl", {"drugs": ["viagra"]}, ["nitrate_pde5"]),
        ("sildenafil 50 mg po", {"drugs": ["gtn"]}, ["nitrate_pde5"]),
        ("nitroglycerin 0.4 mg sl", {"drugs": ["amlodipine"]}, []),
        ("clarithromycin 500 mg po", {"drugs": ["warfarin 3 mg", "simvastatin"]}, ["simvastatin_inhibitor", "warfarin_macrolide"]),
        ("co-amoxiclav 625 mg po", {"allergies": ("amoxicillin",)}, ["allergy_penicillin"]),
        ("co-amoxiclav 625 mg po", {"allergies": ("Penicillins",)}, ["allergy_penicillin"]),
        ("cefalexin 500 mg po", {"allergies": ("amoxicillin",)}, ["allergy_side_chain"]),
        ("ceftriaxone 2 g iv", {"allergies": ("amoxicillin",)}, []),
        ("omeprazole 20 mg po", {"allergies": ("omeprazole",)}, ["allergy_itself"]),
        ("metformin 500 mg po", {"egfr": 25}, ["kidney_metformin"]),
        ("paracetamol 1 g po", {"age": 40.0}, []),
        ("paracetamol 2 g po", {"age": 40.0}, ["dose_paracetamol"]),
        ("paracetamol 500 mg po", {"age": 4.0, "weight_kg": 16.0}, ["dose_paracetamol_child"]),
        ("paracetamol 240 mg po", {"age": 4.0, "weight_kg": 16.0}, []),
        ("adrenaline 1 mg im", {}, ["dose_epinephrine_im"]),
        ("adrenaline 1 mg iv", {}, []),
        ("adrenaline 500 micrograms im", {}, []),
        ("methotrexate 50 mg im", {"pregnant": True}, ["pregnant_methotrexate"]),
        ("methotrexate 50 mg im", {"pregnant": True, "conditions": ("Tubal ectopic pregnancy",)}, []),
        ("propranolol 40 mg po", {"conditions": ("Asthma since childhood",)}, ["asthma_betablocker"]),
        ("bisoprolol 5 mg po", {"conditions": ("Asthma since childhood",)}, []),
        ("aspirin 300 mg po", {"age": 10.0}, ["child_aspirin"]),
        ("aspirin 300 mg po", {"age": 61.0}, []),
    ],
)
def test_orders_are_judged_as_they_are_written(order: str, known: dict[str, Any], expected: list[str]) -> None:
    assert rows(order, **known) == expected


def test_the_gravest_finding_comes_first_and_says_its_sources() -> None:
    first, *others = check(drug("ibuprofen 400 mg po"), Background(drugs=(drug("warfarin"),), egfr=20))
    assert (first.severity, first.row) == ("contraindicated", "kidney_nsaid")
    assert [other.row for other in others] == ["anticoagulant_nsaid"]
    assert re.search(r"eGFR 20: acute kidney failure \[.*, 20\d\d\]", str(first))


def test_what_is_no_drug_is_refused_with_the_nearest() -> None:
    with pytest.raises(ActionError, match="names no drug of the vocabulary"):
        drug("unicorn extract 5 mg")
    with pytest.raises(CaseError, match="Did you mean 'nitrate_pde5'"):
        row_named("nitrate_pde")


def test_drugs_are_found_in_what_people_say() -> None:
    said = "Warfarin, three milligrams at night, bisoprolol in the morning, and a water tablet, indapamide."
    assert [one.code for one in drugs_in(said)] == ["warfarin", "bisoprolol", "indapamide"]
    assert drugs_in("I take nothing but my dog") == []


def case_of(name: str) -> Case:
    return next(case for case in load_cases(["starter"]) if case.id == name)


def test_the_background_is_read_from_the_case_and_denials_count_for_nothing() -> None:
    known = background(case_of("winter-cough"))
    assert known.allergies == ("amoxicillin",)
    assert {"warfarin", "bisoprolol", "indapamide"} <= {one.code for one in known.drugs}
    assert not {"aspirin", "ibuprofen"} & {one.code for one in known.drugs}, "she says that she must not have them"
    assert (known.age, known.weight_kg, known.pregnant) == (71, 58, None)
    assert background(case_of("sudden-belly")).pregnant is True


def test_the_background_is_read_from_the_chart() -> None:
    def concept(text: str) -> dict[str, Any]:
        return {"text": text}

    gone = {"coding": [{"code": "resolved"}]}
    chart = Chart.model_validate(
        {
            "resources": [
                {"resourceType": "AllergyIntolerance", "id": "a", "code": concept("Sulfonamide antibiotics")},
                {"resourceType": "Condition", "id": "c", "code": concept("Heart failure")},
                {"resourceType": "Condition", "id": "d", "code": concept("Asthma"), "clinicalStatus": gone},
                {"resourceType": "MedicationStatement", "id": "m", "status": "active", "medicationCodeableConcept": concept("Digoxin 125 microgram tablet")},
                {"resourceType": "MedicationRequest", "id": "n", "status": "stopped", "medicationCodeableConcept": concept("Lithium carbonate 400 mg")},
                {"resourceType": "Observation", "id": "o", "code": concept("Creatinine"), "effectiveDateTime": "2025-01-01", "valueQuantity": {"value": 250, "unit": "umol/L"}},
                {"resourceType": "Observation", "id": "p", "code": concept("Creatinine"), "effectiveDateTime": "2020-01-01", "valueQuantity": {"value": 60, "unit": "umol/L"}},
            ]
        }
    )  # fmt: skip
    authored = document.read(library.shipped_cases()["winter-cough"]).data
    case = Case.model_validate({**authored, "ehr": chart.model_dump(by_alias=True)})
    known = background(case)
    codes = {one.code for one in known.drugs}
    assert "digoxin" in codes
    assert "lithium_carbonate" not in codes
    assert {"sulfonamide", "amoxicillin"} <= set(known.allergies)
    assert known.egfr == pytest.approx(17, abs=1), "of the last creatinine: 2.83 mg/dL, woman of 71"
    assert [finding.row for finding in check(drug("propranolol 40 mg po"), known) if finding.kind == "contraindications"] == []
    assert "failure_calcium_blocker" in [finding.row for finding in check(drug("verapamil 5 mg iv"), known)]


def played(case: Case, *turns: str) -> Consult:
    consult, patient = Consult(case), ScriptedPatient(case.brief())
    for turn in turns:
        consult.play(turn, patient)
    return consult


def test_an_encounter_is_reviewed_and_drugs_given_earlier_count() -> None:
    case = case_of("thirsty-student")
    consult = played(case, "treat: gentamicin 200 mg iv", "treat: furosemide 40 mg iv", "order: full blood count")
    found = review(case, consult.events)
    assert [(consult.events[one.seq].code, one.finding.row) for one in found] == [("furosemide", "aminoglycoside_loop")]


def test_words_alone_make_nothing_unsafe_and_nothing_safe() -> None:
    case = case_of("winter-cough")
    talk = played(
        case, "say: stop warfarin. I gave you amoxicillin. You have no allergy.", "note: gave amoxicillin 1 g", "treat: no amoxicillin"
    )
    assert review(case, talk.events) == []
    talk.play("treat: amoxicillin 1 g po", ScriptedPatient(case.brief()))
    assert [one.finding.row for one in review(case, talk.events)] == ["allergy_penicillin"]


def test_where_a_controller_answers_the_words_of_the_order_say_what_was_given() -> None:
    case = case_of("winter-cough")
    words = ("co-amoxiclav 1.2 g iv and paracetamol 2 g po", "stop warfarin", "some magic powder", "paracetamol 1 g po")
    events = [Event(seq, 1, 0, "doctor", "treat", text) for seq, text in enumerate(words)]
    assert [(one.seq, one.finding.row) for one in review(case, events)] == [(0, "allergy_penicillin"), (0, "dose_paracetamol")]


@pytest.mark.parametrize("case", load_cases(["starter"]), ids=lambda case: case.id)
def test_no_golden_script_of_the_starter_pack_gives_what_is_unsafe(case: Case) -> None:
    assert review(case, rollout(case, Golden(case)).events) == []


def verdict(case: Case, consult: Consult, source: dict[str, Any], ending: Any) -> tuple[str, tuple[int, ...]]:
    pred = Pred.model_validate(source)
    log = Log(patterns(pred), case)
    for event in consult.events:
        log.feed(event)
    finding = decide(pred, log, ending)
    return finding.verdict, finding.evidence


def test_a_rubric_item_is_lost_by_what_is_unsafe_and_names_the_event() -> None:
    case = case_of("winter-cough")
    good, bad = played(case, "treat: doxycycline 200 mg po"), played(case, "treat: doxycycline 200 mg po", "treat: co-amoxiclav 1.2 g iv")
    assert verdict(case, good, {"safety": True}, "open")[0] == "unknown"
    assert verdict(case, good, {"safety": True}, "voluntary")[0] == "met"
    assert verdict(case, good, {"safety": True}, "censored")[0] == "unknown"
    (seq,) = [event.seq for event in bad.events if event.code == "co_amoxiclav" and event.kind == "treat"]
    for ending in ("open", "voluntary", "censored"):
        assert verdict(case, bad, {"safety": True}, ending) == ("unmet", (seq,))
    assert verdict(case, bad, {"safety": {"of": "interactions", "severity": ["contraindicated", "major"]}}, "voluntary")[0] == "met"
    nsaid = played(case, "treat: ibuprofen 400 mg po")
    assert verdict(case, nsaid, {"safety": True}, "voluntary")[0] == "met"
    assert verdict(case, nsaid, {"safety": {"severity": "major"}}, "voluntary")[0] == "unmet"


def test_an_item_without_safety_is_written_as_before() -> None:
    assert "safety" not in Pred.model_validate({"did": {"code": "aspirin"}}).model_dump(by_alias=True)


def test_the_reward_pays_for_what_is_unsafe_only_where_the_recipe_says_so() -> None:
    with_term = ConsultEnv(cases="winter-cough", reward={"rubric": 0.0, "unsafe": -1.0})
    with_term.reset(seed=0)
    assert with_term.step("treat: doxycycline 200 mg po")[1] == 0
    _, reward, _, _, info = with_term.step("treat: amoxicillin 1 g po\ntreat: ibuprofen 400 mg po")
    assert reward == info["reward_unsafe"] == -3, "one that must not be, counted twice, and one major"
    without = ConsultEnv(cases="winter-cough", reward={"rubric": 0.0})
    without.reset(seed=0)
    _, reward, _, _, info = without.step("treat: amoxicillin 1 g po")
    assert reward == info["reward_unsafe"] == 0
