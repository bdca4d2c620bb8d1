"""A Bundle becomes a chart: one patient, references that resolve, nothing from the future, and a case that can be played."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import case as case_module
from medsim.case import Case
from medsim.case.chart import KINDS, known_from, named
from medsim.cli import main
from medsim.errors import CaseError
from medsim.fhir import bundle_faults, bundle_of, faults, load, skeleton, take_in, written
from medsim.fhir.codes import references
from medsim.fhir.skeleton import text_of

from .people import Person, person
from .test_export import played

SEEDS = range(13)
Run = Callable[..., tuple[int, str, str]]


def collection(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources]}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_made_up_person_becomes_a_chart_and_a_case_that_plays(seed: int) -> None:
    bundle = person(seed, kind="batch" if seed % 4 == 3 else "transaction")
    before = json.dumps(bundle)
    intake = take_in(bundle)
    assert json.dumps(bundle) == before
    assert bundle_faults(collection(intake.resources)) == []
    assert {resource["resourceType"] for resource in intake.resources} <= set(KINDS)
    assert intake.left_out["Claim (not kept)"] == intake.left_out["ExplanationOfBenefit (not kept)"] == 4
    assert len(intake.resources) + sum(intake.left_out.values()) == len(bundle["entry"])
    case = skeleton(intake)
    assert case_module.loads(text_of(case)) == case
    events = played(case, ["order: previous records", "ask: Do you have any allergies?"]).events
    allergen = next(part["code"]["text"] for part in intake.resources if part["resourceType"] == "AllergyIntolerance")
    assert allergen in next(event.text for event in events if event.kind == "result")
    assert allergen in next(event.text for event in events if event.kind == "reply")


@pytest.mark.parametrize("seed", SEEDS[::4])
def test_a_chart_taken_in_twice_is_the_same(seed: int) -> None:
    once = take_in(person(seed))
    again = take_in(collection(once.resources))
    assert again.resources == once.resources
    assert again.left_out == {}
    assert again.start == once.start


@pytest.mark.parametrize("year", [2018, 2020, 2022])
def test_nothing_from_after_the_visit_begins_is_kept(year: int) -> None:
    start = datetime(year, 6, 1, 9, tzinfo=UTC)
    whole, intake = take_in(person(5)), take_in(person(5), start=start)
    times = [known for resource in intake.resources if (known := known_from(resource))]
    assert max(times) <= start
    assert intake.left_out["after the visit begins"] == len(whole.resources) - len(intake.resources) > 0
    kept = {f"{resource['resourceType']}/{resource['id']}" for resource in intake.resources}
    assert all(target["reference"] in kept for resource in intake.resources for _, target in references(resource))


def test_what_names_the_diagnosis_is_left_out_with_every_paper_that_does() -> None:
    bundle = person(2)
    ills = Counter(entry["resource"]["code"]["text"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Condition")
    name = ills.most_common(1)[0][0]
    intake = take_in(bundle, hide=[name])
    assert intake.left_out["names the diagnosis"] == 3 * ills[name]
    case = skeleton(intake, diagnosis=[name])
    assert case.outcome.diagnosis.name == name
    assert case.ehr is not None
    assert not [record.key for record in case.ehr.resources if named(record.resource, [name])]
    with pytest.raises(CaseError, match="which the doctor is to find out"):
        skeleton(take_in(bundle), diagnosis=[name])


def test_old_results_and_visits_can_be_left_out_but_allergies_and_problems_stay() -> None:
    bundle = person(4)
    conditions = sum(entry["resource"]["resourceType"] == "Condition" for entry in bundle["entry"])
    intake = take_in(bundle, since=datetime(2030, 1, 1, tzinfo=UTC))
    assert Counter(resource["resourceType"] for resource in intake.resources) == {
        "Patient": 1,
        "AllergyIntolerance": 1,
        "Condition": conditions,
    }


def test_what_is_of_the_very_moment_is_neither_too_old_nor_too_new() -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    resources = [
        {"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01", "gender": "female"},
        {
            "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "Weight"}, "subject": {"reference": "Patient/p"},
            "effectiveDateTime": moment.isoformat(), "valueQuantity": {"value": 60, "unit": "kg"},
        },
    ]  # fmt: skip
    second = timedelta(seconds=1)
    for since, start, reason in (
        (moment, moment, ""),
        (moment + second, moment + second, "older than --since"),
        (moment - second, moment - second, "after the visit begins"),
    ):
        intake = take_in(collection(resources), since=since, start=start)
        assert ("o" in {resource["id"] for resource in intake.resources}, list(intake.left_out)) == (not reason, [reason] if reason else [])


def test_a_patient_keeps_no_death_to_come_and_no_measure_of_a_life() -> None:
    bundle = person(3)
    assert "deceasedDateTime" in bundle["entry"][0]["resource"]
    patient = take_in(bundle).patient
    assert not {"deceasedDateTime", "extension", "meta", "text"} & set(patient)


def test_a_prescription_by_reference_gets_the_name_of_its_medicine() -> None:
    made = [part for part in take_in(person(1)).resources if part["resourceType"] == "MedicationRequest"]
    assert made
    assert all(part["medicationCodeableConcept"]["text"] and "medicationReference" not in part for part in made)


def test_a_reference_to_elsewhere_keeps_its_words_and_one_to_what_was_dropped_goes() -> None:
    visit = next(part for part in take_in(person(1)).resources if part["resourceType"] == "Encounter")
    assert visit["participant"][0]["individual"] == {"display": "Dr. Made Up"}
    chosen = Person(1)
    observation = chosen.add("Observation", status="final", code={"text": "late"}, subject=chosen.patient, issued="2029-01-01T00:00:00Z")
    chosen.add("DiagnosticReport", status="final", code={"text": "panel"}, subject=chosen.patient, issued="2025-12-30T00:00:00Z", result=[{**observation, "display": "9.9"}])  # fmt: skip
    chosen.add(
        "Encounter",
        status="finished",
        **{"class": {"code": "AMB"}},
        subject=chosen.patient,
        diagnosis=[{"condition": observation, "rank": 1}],
    )
    intake = take_in(chosen.bundle(), start=datetime(2026, 1, 1, tzinfo=UTC))
    report = next(part for part in intake.resources if part.get("code") == {"text": "panel"})
    assert "result" not in report
    assert "9.9" not in json.dumps(intake.resources)
    assert [fault for part in intake.resources for fault in faults(part)] == []


def test_one_of_several_patients_is_chosen_and_the_others_left_out() -> None:
    both = {**person(1), "entry": [*person(1)["entry"], *person(2)["entry"]]}
    with pytest.raises(CaseError, match=r"2 Patients .* choose one with --patient"):
        take_in(both)
    wanted = person(2)["entry"][0]["resource"]["id"]
    intake = take_in(both, patient=wanted)
    assert intake.resources == take_in(person(2)).resources
    assert intake.left_out["another patient"] == 46
    with pytest.raises(CaseError, match="No Patient 'nobody'"):
        take_in(both, patient="nobody")


def test_hand_made_bundles_with_plain_references_are_taken() -> None:
    bundle = collection([
        {"resourceType": "Patient", "id": "p1", "birthDate": "2025-11", "name": [{"text": "Mo"}]},
        {"resourceType": "Observation", "id": "w", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
         "subject": {"reference": "https://example.org/fhir/Patient/p1/_history/2"}, "effectiveDateTime": "2026-01-05", "valueQuantity": {"value": 5.2, "unit": "kg"}},
        {"resourceType": "Immunization", "status": "completed", "vaccineCode": {"text": "Hep\u200bB \x07"}, "patient": {"reference": "Patient/p1"}, "occurrenceDateTime": "2026-01-02"},
    ])  # fmt: skip
    intake = take_in(bundle)
    assert intake.start == datetime(2026, 1, 6, 9, tzinfo=UTC)
    assert intake.resources[1]["subject"] == {"reference": "Patient/p1"}
    assert intake.resources[2]["vaccineCode"] == {"text": "HepB"}
    case = skeleton(intake)
    assert (str(case.patient.age), case.patient.weight_kg, case.patient.informant.role) == ("2-month-old", 5.2, "parent")
    assert case_module.loads(text_of(case)) == case


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gender": "banana"}, "gender"), ({"birthDate": "late"}, "birthDate"), ({"gendre": "male"}, "gendre"),
    ],
)  # fmt: skip
def test_what_is_invalid_is_said_and_left_out_only_on_request(change: dict[str, Any], said: str) -> None:
    chosen = Person(1)
    chosen.add("Observation", status="finale", code={"text": "x"}, subject=chosen.patient)
    with pytest.raises(CaseError, match=r"1 resources are not valid FHIR R4: Observation/.*finale.*--skip-bad"):
        take_in(chosen.bundle())
    intake = take_in(chosen.bundle(), skip_bad=True)
    assert intake.left_out["invalid"] == 1
    assert len(intake.bad) == 1
    bundle = person(1)
    bundle["entry"][0]["resource"].update(change)
    with pytest.raises(CaseError, match=said):
        take_in(bundle)
    with pytest.raises(CaseError, match="The Patient itself"):
        take_in(bundle, skip_bad=True)


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ({}, "no entries"), ({"entry": []}, "no entries"), ({"entry": [7]}, r"entry\[0\]"), ({"entry": [{"resource": {"id": "x"}}]}, "holds no resource"),
        (collection([{"resourceType": "Organization", "id": "x"}]), "no Patient"), (collection([{"resourceType": "Patient", "id": "x"}]), "--start"),
    ],
)  # fmt: skip
def test_a_bundle_of_something_else_is_refused(bundle: dict[str, Any], said: str) -> None:
    with pytest.raises(CaseError, match=said):
        take_in(bundle)


def test_a_patient_without_a_possible_age_is_refused() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for patient, said in (({}, "no birthDate"), ({"birthDate": "2027-01-01"}, "born on"), ({"birthDate": "1700"}, "years old")):
        intake = take_in(collection([{"resourceType": "Patient", "id": "p", **patient}]), start=start)
        with pytest.raises(CaseError, match=said):
            skeleton(intake)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "not JSON"), ("{", "not JSON"), ("[" * 100_000, "nested|not JSON"), ('{"resourceType": "Patient"}', "given a Patient"), ("[]", "given list"),
     ('{"resourceType": "Bundle", "x": NaN}', "NaN"), ("\udcff", "UTF-8")],
)  # fmt: skip
def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CaseError, match=said):
        load(path)
    with pytest.raises(CaseError, match="no such file"):
        load(tmp_path / "none.json")


def test_a_file_is_read_up_to_the_largest_size_and_not_a_byte_beyond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(collection([])), encoding="utf-8")
    monkeypatch.setattr("medsim.fhir.read.MAX_BYTES", path.stat().st_size)
    assert load(path)["resourceType"] == "Bundle"
    monkeypatch.setattr("medsim.fhir.read.MAX_BYTES", path.stat().st_size - 1)
    with pytest.raises(CaseError, match=r"at most .* are read"):
        load(path)


def test_a_chart_too_long_for_a_case_says_how_to_shorten_it() -> None:
    chosen = Person(1)
    for at in range(200):
        note = base64.b64encode(b"many words " * 300).decode()
        chosen.add("DocumentReference", status="current", subject=chosen.patient, date=f"2017-01-01T00:00:{at % 60:02d}Z", content=[{"attachment": {"contentType": "text/plain", "data": note}}])  # fmt: skip
    with pytest.raises(CaseError, match="--since"):
        text_of(skeleton(take_in(chosen.bundle())))


def test_an_exported_encounter_is_a_chart_for_the_next_visit(mini: Case) -> None:
    trajectory = played(
        mini,
        [
            "ask: where?",
            "order: lactate\nexamine: heart",
            "treat: aspirin 300 mg po",
            *["wait: result"] * 4,
            "diagnose: pericarditis",
            "end:",
        ],
    )
    case = skeleton(take_in(json.loads(written(bundle_of(trajectory, case=mini)))))
    assert (case.patient.name.given, case.patient.age.value, case.patient.sex) == ("Ann", 64, "female")
    (text,) = [event.text for event in played(case, ["order: previous records"]).events if event.kind == "result"]
    for words in ("pericarditis", "Lactate level: 4.1 mmol/L", "aspirin 300 mg po", "Slow, regular, no murmur"):
        assert words in text


ODD: list[Any] = [
    None,
    True,
    -1,
    1e308,
    "",
    "x",
    "\x1b[2J\u202e",
    "2024-02-30",
    "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
    "urn:uuid:none",
    [],
    {},
    [None],
    {"reference": "#a"},
    {"coding": [{}]},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inner for found in ((*path, key), *places(part, (*path, key)))]


@settings(max_examples=25)
@given(data=st.data())
def test_a_spoilt_bundle_becomes_a_case_or_is_refused_in_a_sentence(data: st.DataObject) -> None:
    bundle = person(1)
    bundle["entry"] = [bundle["entry"][0], *bundle["entry"][-9:], *bundle["entry"][1:8]]
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(bundle["entry"])))
        holder: Any = bundle["entry"]
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = deepcopy(data.draw(st.sampled_from(ODD)))
    try:
        case = skeleton(take_in(bundle, skip_bad=True))
        text = text_of(case)
    except CaseError:
        return
    assert case_module.loads(text) == case
    assert "\x1b" not in text
    assert next(event for event in played(case, ["order: previous records"]).events if event.kind == "result").text


# ---- the command line ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def once(*argv: str) -> tuple[int, str, str]:
        code = main(list(argv))
        out, err = capsys.readouterr()
        return code, out, err

    return once


def test_a_case_is_begun_from_a_bundle_and_its_encounters_are_exported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(person(6)))
    code, _, err = run("cases", "from-fhir", "bundle.json", "--to", "case.yaml", "--case-id", "a-visit")
    assert code == 0
    assert "4 Claim (not kept)" in err
    assert run("lint", "--no-gates", "case.yaml")[0] == 0
    assert run("run", "--cases", "case.yaml", "--agents", "inert", "--store", "s.db", "--quiet")[0] == 0
    code, _, err = run("export", "--store", "s.db", "--fhir", "out", "--cases", "case.yaml")
    assert code == 0
    (path,) = (tmp_path / "out").iterdir()
    first = path.read_bytes()
    assert bundle_faults(json.loads(first)) == []
    assert b'"Grau"' in first
    assert run("export", "--store", "s.db", "--fhir", "out", "--cases", "case.yaml")[0] == 0
    assert path.read_bytes() == first
    assert [part.name for part in (tmp_path / "out").iterdir()] == [path.name]


def test_the_skeleton_goes_to_stdout_and_its_report_as_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(person(6)))
    code, out, _ = run("cases", "from-fhir", "bundle.json")
    assert code == 0
    case = case_module.loads(out)
    code, out, _ = run("cases", "from-fhir", "bundle.json", "--json", "--since", "2024", "--start", "2025-12-31T08:00:00")
    report = json.loads(out)
    assert report["resources"] < len(case.ehr.resources if case.ehr else ())
    assert case_module.loads(report["case"]).encounters[0].start == "2025-12-31T08:00:00+00:00"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("cases", "from-fhir"), "Which Bundle"), (("cases", "from-fhir", "none.json"), "no such file"), (("cases", "from-fhir", "b.json", "--start", "soon"), "--start"),
        (("cases", "from-fhir", "b.json", "--since", "then"), "--since"), (("cases", "from-fhir", "b.json", "--case-id", "No Id"), "pattern"),
    ],
)  # fmt: skip
def test_a_wrong_command_is_answered_in_a_sentence(run: Run, tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    (tmp_path / "b.json").write_text(json.dumps(person(6)))
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def _with_allergies(*texts: str, given: str = "Ana") -> Case:
    who = {
        "resourceType": "Patient",
        "id": "p",
        "gender": "female",
        "birthDate": "1961-05-05",
        "name": [{"given": [given], "family": "Test"}],
    }
    known = [{"resourceType": "AllergyIntolerance", "id": f"a{at}", "patient": {"reference": "Patient/p"}, "recordedDate": "2020-01-01", "code": {"text": text}} for at, text in enumerate(texts)]  # fmt: skip
    return skeleton(take_in(collection([who, *known])))


@pytest.mark.parametrize("text", ["No known drug allergy", "No known allergies (situation)", "NKDA", "Not allergic"])
def test_nobody_is_allergic_to_having_no_allergy(text: str) -> None:
    (fact,) = _with_allergies(text).patient.facts
    assert fact.say == ("I have no allergy that I know of.",)
    (fact,) = _with_allergies(text, "Penicillin", "Nickel").patient.facts
    assert fact.say == ("Allergic to Penicillin, Nickel.",)


def test_a_name_is_one_line_without_codes_for_the_terminal() -> None:
    assert _with_allergies("Latex", given="A\nB:\x1b[31m said  so").patient.name.given == "A B:[m said so"
