"""What a case says of itself is for people: whoever plays it meets the same encounter whatever stands there."""

from __future__ import annotations

from medsim import recipe
from medsim.case import Case
from medsim.consult import Consult
from medsim.patient.scripted import ScriptedPatient

CASE = recipe.case_named("chest-vice")


def heard(case: Case) -> list[dict[str, object]]:
    consult, patient = Consult(case, seed=3), ScriptedPatient(case.brief())
    for turn in case.golden:
        consult.play(turn, patient)
    return [event.data() for event in consult.events]


def test_an_encounter_goes_the_same_under_another_label() -> None:
    provenance = CASE.provenance.model_copy(update={"origin": "imported", "notes": ("Of another house.",), "flags": ("odd",)})
    blueprint = CASE.blueprint.model_copy(update={"specialty": ("podiatry",), "level": "student", "population": "child"})
    other = CASE.model_copy(update={"provenance": provenance, "blueprint": blueprint})
    assert other.hash != CASE.hash
    assert len(heard(CASE)) > len(CASE.golden)
    assert heard(other) == heard(CASE)
