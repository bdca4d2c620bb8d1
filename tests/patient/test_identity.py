"""The fingerprint of a patient: other words given to it, another identity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from medsim import library
from medsim.case import Case
from medsim.errors import CaseError
from medsim.evaluation import Seats
from medsim.evaluation.configuration import configuration
from medsim.llm import Scripted
from medsim.patient import personas
from medsim.patient.identity import PROMPTS, fingerprint
from medsim.recipe import Recipe, load_case

DATA = Path(__file__).parents[1] / "data"
KINDS = get_args(Recipe.model_fields["patient"].annotation)


def test_every_kind_of_patient_a_recipe_may_ask_for_has_a_fingerprint_of_its_own() -> None:
    assert set(PROMPTS) == {*KINDS, "document"}
    assert len({fingerprint(kind) for kind in PROMPTS}) == len(PROMPTS)
    assert fingerprint("role") == fingerprint("role")


@pytest.mark.parametrize("kind", PROMPTS)
def test_the_prompts_of_a_kind_are_those_it_is_made_from(kind: str, mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    found = library.prompt

    def reading(name: str) -> str:
        read.append(name)
        return found(name)

    monkeypatch.setattr(library, "prompt", reading)
    case = load_case(DATA / "documented.yaml") if kind == "document" else mini
    levels = {} if kind == "factselect" else {"recall": "low"}
    Seats(Scripted([]), "scripted" if kind == "document" else kind, persona=levels).patient_of(case)
    assert set(read) == set(PROMPTS[kind])


@pytest.mark.parametrize("kind", [kind for kind in PROMPTS if PROMPTS[kind]])
def test_a_changed_prompt_is_another_fingerprint(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, found = fingerprint(kind), library.prompt
    for changed in PROMPTS[kind]:
        monkeypatch.setattr(library, "prompt", lambda name, changed=changed: found(name) + ("!" if name == changed else ""))
        assert fingerprint(kind) != before


@pytest.mark.parametrize("kind", PROMPTS)
def test_a_changed_persona_file_is_another_fingerprint_for_every_kind_that_has_personas(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprint(kind)
    own = tmp_path / "personas.yaml"
    own.write_text(personas.path().read_text().replace("is in a hurry", "is in no hurry"))
    monkeypatch.setattr(personas, "path", lambda: own)
    assert fingerprint(kind) != before


def test_bias_persona_and_documented_cases_tell_patients_apart() -> None:
    given: tuple[dict[str, Any], ...] = (
        {}, {"bias": "recency", "target": "asthma"}, {"bias": "recency", "target": "flu"}, {"persona": {"recall": "low"}}, {"documented": True},
    )  # fmt: skip
    assert len({fingerprint("role", **each) for each in given}) == len(given)
    assert fingerprint("role", persona={"trust": "4"}) == fingerprint("role", persona={"trust": 4})


def test_a_slip_is_answered_with_the_nearest_kind() -> None:
    with pytest.raises(CaseError, match="Did you mean 'role'"):
        fingerprint("rle")


def test_a_runs_configuration_holds_the_words_of_its_patient(mini: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    seats, documented = Seats(Scripted([]), "role"), load_case(DATA / "documented.yaml")
    plain = configuration(Recipe(id="own"), [mini], ["inert"], 0, seats)
    assert fingerprint("role") in json.dumps(plain)
    assert fingerprint("role", documented=True) in json.dumps(configuration(Recipe(id="own"), [mini, documented], ["inert"], 0, seats))
    found = library.prompt
    monkeypatch.setattr(library, "prompt", lambda name: found(name) + ("!" if name == "patient_role" else ""))
    assert configuration(Recipe(id="own"), [mini], ["inert"], 0, seats) != plain
