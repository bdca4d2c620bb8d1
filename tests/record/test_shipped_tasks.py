"""The shipped tasks: their charts are whole, what is right passes in whatever correct form it is written, and what is wrong fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from medsim.fhir import faults
from medsim.fhir.codes import references
from medsim.record.grade import grade
from medsim.record.menu import menu
from medsim.record.parameters import TYPES
from medsim.record.sitting import Sitting
from medsim.record.task import Task, listed, load
from medsim.record.tools import TOOLS, Call, from_text, shown

SHIPPED = [load(path) for path in listed()]
by_task = pytest.mark.parametrize("made", SHIPPED, ids=lambda made: made.id)


def written(call: Call) -> bool:
    return call.verb in {"create", "update", "note"}


def golden(made: Task) -> list[Call]:
    return [from_text(text) for text in made.golden]


def passed(made: Task, calls: list[Call]) -> bool | None:
    sitting = Sitting.begin(made)
    for call in calls:
        sitting.say(shown(call))
    return grade(sitting).passed


def resources(made: Task) -> list[dict[str, Any]]:
    return [held.resource for kind in TYPES for held in made.holdings.at(None).rows[kind]]


def other_form(made: Task, call: Call) -> Call:
    """The same order in another form that means the same: coded, in grams, by the hour, with what else an order may carry."""
    if call.verb != "create" or call.kind not in {"MedicationRequest", "ServiceRequest"}:
        return call
    resource = json.loads(json.dumps(call.arguments["resource"]))
    resource |= {"authoredOn": made.now, "requester": {"display": "Dr Example"}, "priority": resource.get("priority", "routine")}
    if call.kind == "MedicationRequest":
        name = resource["medicationCodeableConcept"]["text"]
        resource["medicationCodeableConcept"] = {"coding": [{"system": "urn:example:drugs", "code": "1", "display": name.upper()}]}
        (dosage,) = resource["dosageInstruction"]
        repeat, dose = dosage["timing"]["repeat"], dosage["doseAndRate"][0]["doseQuantity"]
        if repeat["periodUnit"] == "d":
            repeat |= {"frequency": 1, "period": 24 // repeat["frequency"], "periodUnit": "h"}
        else:
            repeat |= {"frequency": 24 // repeat["period"], "period": 1, "periodUnit": "d"}
        if dose["unit"] == "mg":
            dose |= {"value": dose["value"] / 1000, "unit": "grams", "system": "http://unitsofmeasure.org", "code": "g"}
        elif dose["unit"] == "mmol":
            dose["unit"] = "mEq"  # of an ion with one charge
        if dosage.pop("asNeededBoolean", False):
            dosage["asNeededCodeableConcept"] = {"text": "fever or pain"}
    return Call(call.tool, call.verb, call.kind, arguments={"resource": resource})


def wrong_forms(made: Task, call: Call) -> Iterator[tuple[str, Call]]:
    """Orders that the record takes as well, and that are not what was asked."""
    others = [held["id"] for held in resources(made) if held["resourceType"] == "Patient" and held["id"] != made.patient]
    if call.verb == "note":
        for other in others:
            yield "another patient", Call(call.tool, call.verb, call.kind, arguments={**call.arguments, "patient": other})
    if call.verb != "create":
        return
    text = json.dumps(call.arguments["resource"])

    def changed(**more: Any) -> Call:
        return Call(call.tool, call.verb, call.kind, arguments={"resource": {**json.loads(text), **more}})

    for other in others:
        moved = json.loads(text.replace(f'"Patient/{made.patient}"', f'"Patient/{other}"'))
        yield "another patient", Call(call.tool, call.verb, call.kind, arguments={"resource": moved})
    if "status" in call.arguments["resource"]:
        yield "a mistake", changed(status="entered-in-error")
    if call.kind in {"MedicationRequest", "ServiceRequest"}:
        yield "a draft", changed(status="draft")
        yield "a proposal", changed(intent="proposal")
        yield "not to be done", changed(doNotPerform=True)
    if call.kind == "MedicationRequest":
        yield "another drug", changed(medicationCodeableConcept={"text": "ranitidine"})
        for what, part, name, value in (
            ("tenfold", "dose", "value", lambda old: old * 10),
            ("in another unit", "dose", "unit", lambda _: "drop"),
            ("twice as often", "repeat", "frequency", lambda old: old * 2),
        ):
            resource = json.loads(text)
            (dosage,) = resource["dosageInstruction"]
            inner = dosage["doseAndRate"][0]["doseQuantity"] if part == "dose" else dosage["timing"]["repeat"]
            inner[name] = value(inner[name])
            yield what, Call(call.tool, call.verb, call.kind, arguments={"resource": resource})


def test_twenty_tasks_over_ten_charts_ship_with_their_licence_sources_and_review() -> None:
    assert len(SHIPPED) >= 20
    assert len({made.chart if isinstance(made.chart, str) else made.id for made in SHIPPED}) >= 10
    for made in SHIPPED:
        assert made.license == "CC-BY-4.0"
        assert made.clinical_review == "pending"
        assert made.sources
        assert any(check.kind == "trace" for check in made.checks), f"{made.id} can be passed without looking"
        assert any(check.answer is not None for check in made.checks)


@by_task
def test_a_chart_is_whole_and_holds_the_patient(made: Task) -> None:
    held = resources(made)
    ids = {f"{resource['resourceType']}/{resource['id']}" for resource in held}
    assert f"Patient/{made.patient}" in ids
    for resource in held:
        assert not list(faults(resource)), resource["id"]
        for _, given in references(resource):
            assert given["reference"] in ids, f"{resource['id']} refers to {given}"


@by_task
def test_nothing_from_later_is_ever_told(made: Task) -> None:
    sitting = Sitting.begin(made.model_copy(update={"rounds": 500}).over(made.holdings))
    for tool in TOOLS.values():
        if tool.verb == "search":
            sitting.call(tool.name, {"_count": "1000"})
    assert len(sitting.rounds) == 16
    assert not [name for part in sitting.rounds for _, name in part.shown if name.startswith("later-")]


def test_charts_hold_something_from_later() -> None:
    assert sum(any(resource["id"].startswith("later-") for resource in resources(made)) for made in SHIPPED) >= 18


@by_task
def test_a_menu_has_what_it_takes(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    right = [call for call in golden(made) if written(call) or call.verb == "finish"]
    searches = [call for call in menu(made) if call.verb in {"search", "ask"}]
    assert not [shown(call) for call in right if call not in menu(made)]
    assert passed(made.model_copy(update={"rounds": 500}).over(made.holdings), [*searches, *right]) is True


@by_task
def test_the_right_answer_without_looking_fails(made: Task) -> None:
    assert passed(made, [call for call in golden(made) if written(call) or call.verb == "finish"]) is False


@pytest.mark.parametrize("made", [made for made in SHIPPED if any(map(written, golden(made)))], ids=lambda made: made.id)
def test_the_right_reading_and_answer_without_the_writing_fails(made: Task) -> None:
    assert passed(made, [call for call in golden(made) if not written(call)]) is False


@by_task
def test_every_offered_write_and_the_right_answer_fails(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    calls = golden(made)
    writes = [call for call in map(from_text, made.choices) if written(call)]
    assert writes or made.id == "latest-potassium"
    assert not writes or passed(made, [*calls[:-1], *writes, calls[-1]]) is False


@by_task
def test_a_wrong_write_in_place_of_the_right_one_fails(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    calls = golden(made)
    right = [call for call in calls if written(call)]
    wrong = [call for call in map(from_text, made.choices) if written(call) and call not in right]
    assert wrong or made.id == "latest-potassium"
    for call in wrong:
        for place in [at for at, old in enumerate(calls) if written(old)] or [len(calls) - 1]:
            kept = calls[place + 1 :] if right else calls[place:]
            assert passed(made, [*calls[:place], call, *kept]) is False, shown(call)


@by_task
def test_a_wrong_answer_after_the_right_work_fails(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    *work, end = golden(made)
    wrong = [call for call in map(from_text, made.choices) if call.verb == "finish" and call != end]
    assert wrong
    for call in wrong:
        assert passed(made, [*work, call]) is False, shown(call)


@by_task
def test_the_same_order_in_another_correct_form_passes(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    calls = golden(made)
    other = [other_form(made, call) for call in calls]
    assert passed(made, other) is True


def test_other_forms_were_really_tried() -> None:
    assert sum(other_form(made, call) != call for made in SHIPPED for call in golden(made)) >= 10


WRITING = [made for made in SHIPPED if any(call.verb in {"create", "note"} for call in golden(made))]


@pytest.mark.parametrize("made", WRITING, ids=lambda made: made.id)
def test_a_write_that_the_record_takes_and_that_is_not_what_was_asked_fails(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    calls, tried = golden(made), []
    for place, call in enumerate(calls):
        for what, spoiled in wrong_forms(made, call):
            sitting = Sitting.begin(made)
            tried.append(what)
            assert all(sitting.use(each).done for each in (*calls[:place], spoiled, *calls[place + 1 :])), what
            assert grade(sitting).passed is False, what
    assert tried


@pytest.mark.parametrize(
    "made", [made for made in SHIPPED if any(call.verb == "update" for call in golden(made))], ids=lambda made: made.id
)
def test_an_update_that_changes_nothing_fails(made: Task) -> None:
    pytest.importorskip("fhirpathpy")
    calls = golden(made)
    for place, call in enumerate(calls):
        if call.verb == "update":
            resource = call.arguments["resource"]
            same = Sitting.begin(made).record.read(resource["resourceType"], resource["id"])
            idle = Call(call.tool, call.verb, call.kind, arguments={"resource": same})
            assert passed(made, [*calls[:place], idle, *calls[place + 1 :]]) is False


def test_tasks_with_a_patient_to_ask_and_with_medication_safety_ship() -> None:
    asked = {made.id for made in SHIPPED if any(check.heard for check in made.checks)}
    watched = {made.id for made in SHIPPED if any(check.safety for check in made.checks)}
    assert len(asked) >= 2
    assert len(watched) >= 2
    assert all(made.case for made in SHIPPED if made.id in asked)


@pytest.mark.parametrize(
    ("name", "wrong", "drug"), [("painkiller-and-her-own-tablets", "paracetamol", "ibuprofen"), ("antibiotic-allergy", "trimethoprim", "amoxicillin")]
)  # fmt: skip
def test_an_order_that_harms_fails_by_medication_safety(name: str, wrong: str, drug: str) -> None:
    pytest.importorskip("fhirpathpy")
    sitting = Sitting.begin(load(name))
    for text in sitting.task.golden:
        sitting.say(text.replace(wrong, drug))
    graded = grade(sitting)
    assert graded.findings["safe"].verdict == "unmet"
    assert graded.score == 0.0


def test_an_allergy_that_was_guessed_and_not_asked_for_is_not_enough() -> None:
    pytest.importorskip("fhirpathpy")
    made = load("allergy-not-on-file")
    calls = golden(made)
    assert passed(made, calls) is True
    assert passed(made, [call for call in calls if call.verb != "ask"]) is False
    asks = [call for call in calls if call.verb == "ask"]
    rest = [call for call in calls if call.verb not in {"ask", "finish"}]
    assert passed(made, [*rest, *asks, calls[-1]]) is False, "written before it was heard"
