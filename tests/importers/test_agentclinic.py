"""The AgentClinic importer, against synthetic lines that carry every irregularity, and against the real files where they are."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import importers
from medsim.case import Case, dumps, load, loads
from medsim.case.person import Informant
from medsim.errors import CaseError
from medsim.importers import agentclinic, people, vitals
from medsim.importers.answers import accepted, holds
from medsim.importers.findings import placeholder, substance
from medsim.importers.nejm import kind_of, last_question
from medsim.importers.pack import write_pack
from medsim.importers.speech import Voice
from medsim.importers.text import leaves
from medsim.rubric.names import is_correct
from medsim.vocabulary import Lexicon
from tests.importers.mutants import mutants

FIXTURES = Path(__file__).parent / "fixtures"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "agentclinic"
REAL = [SHARED / "agentclinic_medqa.jsonl", SHARED / "agentclinic_nejm.jsonl"]
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data set is not here: {SHARED}")

OSCE = agentclinic.load(FIXTURES / "osce.jsonl")
CHALLENGE = agentclinic.load(FIXTURES / "challenge.jsonl")
EVERY = [*OSCE.cases, *CHALLENGE.cases]


def osce(line: int) -> Case:
    return next(case for case in OSCE.cases if case.provenance.line == line)


def challenge(line: int) -> Case:
    return next(case for case in CHALLENGE.cases if case.provenance.line == line)


def reasons(line: int, source: importers.Imported = OSCE) -> tuple[str, ...]:
    return next(row.reasons for row in source.rows if row.line == line)


def said(case: Case) -> list[str]:
    return [text for fact in case.patient.facts for text in fact.say]


def seen(case: Case) -> str:
    """All that the doctor's door and the patient's brief hold."""
    encounter = case.encounters[0]
    return json.dumps([case.id, case.title, encounter.door_note, encounter.task, repr(case.brief())], ensure_ascii=False)


def result(case: Case, kind: str, words: str) -> str:
    entry = Lexicon(case).resolve(kind, words).entry
    return (case.actions[entry.code].result["_"].text or "") if entry else ""


def wrote(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


# ---- lines and rows ----------------------------------------------------------------------------------------------------------


def test_every_line_that_is_not_blank_gives_one_row_under_its_own_number() -> None:
    text = (FIXTURES / "osce.jsonl").read_text(encoding="utf-8")
    assert [row.line for row in OSCE.rows] == [i for i, line in enumerate(text.split("\n")) if line.strip()]
    assert len({row.case_id for row in OSCE.rows}) == len(OSCE.rows)


def test_rows_say_what_became_of_each_line() -> None:
    assert reasons(0) == ()
    assert OSCE.rows[0].status == "imported"
    assert "no_symptoms" in reasons(1)
    assert {"no_tests", "empty:Special tests", "age_assumed", "sex_unknown"} <= set(reasons(2))
    assert "vitals_assumed:all" in reasons(3)
    assert "unknown_key:Hobby notes" in reasons(5)
    assert {"placeholder:Stool culture", "placeholder:CT abdomen", "placeholder:Electrolytes/Potassium", "empty:Imaging"} <= set(reasons(7))
    assert {"management_left_out", "leak:history_1"} <= set(reasons(8))
    assert reasons(9) == ("dup_of:agentclinic-medqa-0000",)
    assert [reasons(line)[0] for line in (10, 11, 13, 14, 15)] == [
        "no_diagnosis",
        "no_patient_data",
        "not_json",
        "not_an_object",
        "unknown_form",
    ]
    assert {row.status for row in OSCE.rows if row.line in {10, 11, 13, 14, 15}} == {"refused"}


def test_a_line_keeps_its_origin_and_its_hash() -> None:
    raw = (FIXTURES / "osce.jsonl").read_text(encoding="utf-8").split("\n")[7]
    origin = osce(7).provenance
    assert (origin.file, origin.line, origin.origin, origin.clinical_review) == ("osce.jsonl", 7, "imported", "not_applicable")
    assert origin.sha256 == hashlib.sha256(raw.encode()).hexdigest()
    assert origin.flags == reasons(7)


def test_a_source_names_the_cases() -> None:
    assert agentclinic.load(FIXTURES / "challenge.jsonl", source="my-set").cases[0].id == "my-set-0000"
    with pytest.raises(CaseError, match="cannot begin a case id"):
        agentclinic.load(FIXTURES / "challenge.jsonl", source="No Good")


@pytest.mark.parametrize(
    ("content", "where"),
    [(b"", ":1:"), (b"one\ntwo\n", ":1:"), (b"[1]\n", ":1:"), (b'{"OSCE_Examination": {}}\n\xff\xfe\n', ":2: byte 25")],
)
def test_a_file_that_is_no_such_set_is_refused_with_file_line_and_what_was_expected(tmp_path: Path, content: bytes, where: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(CaseError, match=re.escape(f"{path}{where}")) as error:
        agentclinic.load(path)
    assert "Expected one JSON object a line" in str(error.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(CaseError, match="cannot be read"):
            agentclinic.load(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + (FIXTURES / "osce.jsonl").read_bytes().replace(b"\n", b"\r\n"))
    again = agentclinic.load(path)
    assert again.rows == OSCE.rows
    assert [case.provenance.sha256 for case in again.cases] == [case.provenance.sha256 for case in OSCE.cases]


# ---- the answer stays hidden -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_no_seat_sees_the_answer(case: Case) -> None:
    assert not holds(seen(case), case.outcome.diagnosis.name)
    assert set(case.patient.secrets.terms) <= {*case.outcome.diagnosis.accept}, "kept by the controller, told to no seat"
    assert not any(holds(str(case.brief()), term) for term in case.patient.secrets.terms)


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_a_case_reads_back_as_it_was_written(case: Case) -> None:
    assert loads(dumps(case)) == case
    assert case.unlisted == "unavailable"
    assert case.encounters[0].limits.turns == 60
    assert case.encounters[0].limits.sim == 86_400


def test_management_is_nowhere_in_the_case() -> None:
    assert "drops" not in dumps(osce(8)).lower()


def test_a_leaking_fact_is_never_told_and_a_leaking_door_note_is_neutral(tmp_path: Path) -> None:
    assert [fact.tier for fact in osce(8).patient.facts if "lantern eye" in fact.say[0].lower()] == ["never"]
    data = json.loads((FIXTURES / "osce.jsonl").read_text(encoding="utf-8").split("\n")[0])
    data["OSCE_Examination"]["Objective_for_Doctor"] = "Confirm Harrow fever."
    data["OSCE_Examination"]["Patient_Actor"]["Symptoms"]["Primary_Symptom"] = "Harrow's fever"
    data["OSCE_Examination"]["Test_Results"] = {"Biopsy": "Consistent with HARROW FEVER"}
    imported = agentclinic.load(wrote(tmp_path, data))
    case = imported.cases[0]
    assert {"leak:door_note", "leak:opening", "leak:primary_1", "answer_in_results"} <= set(imported.rows[0].reasons)
    assert case.encounters[0].door_note == "A 41-year-old woman is seen in clinic."
    assert not holds(seen(case), "Harrow fever")


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        (
            "Quillfeather syndrome (QFS)",
            {"quillfeather syndrome (qfs)", "quillfeather syndrome", "qfs", "quillfeather", "quillfeather's syndrome"},
        ),
        ("Marrow\u2019s disease", {"marrow's disease", "marrow disease", "marrow"}),
        ("Acute lymphoblastic leukemia", {"acute lymphoblastic leukemia", "acute lymphoblastic leukaemia"}),
        ("Iron deficiency anaemia", {"iron deficiency anaemia", "iron deficiency anemia"}),
        ("The X-linked thing", {"x-linked thing", "x linked thing"}),
    ],
)
def test_spellings_and_forms_of_the_answer_are_accepted(name: str, forms: set[str]) -> None:
    assert forms <= set(accepted(name))


@pytest.mark.parametrize(
    "name", ["Kidney disease", "Respiratory distress syndrome", "Compartment syndrome", "Nephrotic syndrome", "Burn (left hand)"]
)
def test_an_ordinary_word_alone_is_no_answer(name: str) -> None:
    assert set(accepted(name)).isdisjoint({"kidney", "respiratory distress", "compartment", "nephrotic", "left hand"})


def test_an_abbreviation_gives_the_answer_away_only_as_written() -> None:
    assert holds("Could it be QFS?", "Quillfeather syndrome (QFS)")
    assert not holds("some qfs thing", "Quillfeather syndrome (QFS)")
    assert holds("a Quillfeather's syndrome, surely", "Quillfeather syndrome (QFS)")
    assert not holds("marrowfat peas", "Marrow disease")


# ---- the patient -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "age", "sex", "flags"),
    [
        ("35-year-old female", "35-year-old", "female", ()),
        ("Newborn, female", "0-day-old", "female", ("age_assumed",)),
        ("1100-g (2-lb 7-oz) newborn, 31 weeks' gestation", "0-day-old", "unknown", ("age_assumed", "sex_unknown")),
        ("32-year-old woman, gravida 2, para 1, at 38 weeks' gestation", "32-year-old", "female", ()),
        ("9-month-old infant", "9-month-old", "unknown", ("sex_unknown",)),
        ("70-year-old man accompanied by his wife", "70-year-old", "male", ()),
        ("2-week-old female newborn", "2-week-old", "female", ()),
        ("A boy of 18 months", "18-month-old", "male", ()),
        ("Age: 44, Sex: M", "44-year-old", "male", ()),
        ("thirty-five-year-old man", "35-year-old", "male", ()),
        ("45 y/o F", "45-year-old", "female", ()),
        ("65", "65-year-old", "unknown", ("sex_unknown",)),
        ("elderly lady", "75-year-old", "female", ("age_assumed",)),
        ("200-day-old girl", "29-week-old", "female", ()),
        ("36-hour-old boy", "2-day-old", "male", ()),
        ("999-year-old", "40-year-old", "unknown", ("age_assumed", "sex_unknown")),
        ("", "40-year-old", "unknown", ("age_assumed", "sex_unknown")),
    ],
)
def test_age_and_sex_are_read_leniently(text: str, age: str, sex: str, flags: tuple[str, ...]) -> None:
    person = people.person(text)
    assert (str(person.age), person.sex, person.flags) == (age, sex, flags)


@pytest.mark.parametrize(
    ("note", "spoken", "negative"),
    [
        ("The patient reports a 2-week history of a stiff elbow.", "For 2 weeks I have had a stiff elbow.", False),
        ("The patient reports experiencing night cramps.", "I have been experiencing night cramps.", False),
        ("She notes that her elbow hurts when she wears her coat.", "My elbow hurts when I wear my coat.", False),
        ("She denies any fever or cough.", "No fever or cough.", True),
        ("Denies using tobacco.", "Not using tobacco.", True),
        ("Works as a baker and drinks wine.", "I work as a baker and drink wine.", False),
        ("Non-smoker, drinks wine on Sundays.", "Non-smoker, drinks wine on Sundays.", False),
        ("No significant past medical history.", "No significant past medical history.", True),
        ("The patient's appetite is poor.", "My appetite is poor.", False),
        ("Her mother says she is tired.", "I was told: Her mother says she is tired.", False),
        ("The patient frobnicates daily.", "I was told: The patient frobnicates daily.", False),
    ],
)
def test_case_notes_are_turned_to_the_first_person_only_where_that_is_safe(note: str, spoken: str, negative: bool) -> None:
    told = Voice("female", Informant()).tell(note)
    assert (told.text, told.negative, told.reported) == (spoken, negative, spoken.startswith("I was told"))


def test_a_parent_speaks_for_a_small_child() -> None:
    case = osce(1)
    assert case.patient.informant.role == "mother"
    assert "She has had noisy breathing since birth." in said(case)
    assert challenge(2).patient.informant.role == "parent"
    assert "My child has a rash on my child's arms." in said(challenge(2))


def test_symptoms_and_sections_become_facts_with_tiers_and_topics() -> None:
    facts = {fact.id: fact for fact in osce(0).patient.facts}
    assert facts["primary_1"].tier == "volunteer"
    assert facts["secondary_1"].tier == "open"
    assert {fact.tier for name, fact in facts.items() if name.startswith(("history", "pmh", "social", "ros"))} == {"ask"}
    assert {"pmh.any", "pmh.hypertension"} <= set(facts["pmh_1"].topics)
    assert "social.occupation" in facts["social_1"].topics
    assert any(fact.negative and fact.topics == ("ros.headache",) for fact in facts.values())
    assert all(fact.loose == bool(fact.topics) for fact in facts.values())
    assert osce(0).patient.opening == "Hello, doctor. I have come about itchy red arm."


def test_sections_of_any_shape_are_read_and_unknown_keys_are_kept() -> None:
    told = said(osce(5))
    for text in (
        "I take salbutamol.",
        "I take iron tablets.",
        "I have had asthma.",
        "Mother had diabetes.",
        "I keep two parrots.",
        "No chest pain.",
    ):
        assert text in told
    topics = {fact.say[0]: fact.topics for fact in osce(5).patient.facts}
    assert "fh.diabetes" in topics["Mother had diabetes."]
    assert topics["I take salbutamol."] == ("meds.current",)
    assert {"I have had migraine.", "I have had broken wrist."} <= set(said(osce(7)))


def test_a_patient_without_any_story_is_imported_with_flags() -> None:
    case = osce(12)
    assert case.patient.facts == ()
    assert {"no_history", "no_tests", "no_examination", "vitals_assumed:all"} <= set(reasons(12))


# ---- vital signs -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ({"Temperature": "36.6°C (97.9°F)"}, "temp", 36.6),
        ({"Temperature": "98.5°F (36.9 °C)"}, "temp", 36.9),
        ({"Temp": "101.3 ℉"}, "temp", 38.5),
        ({"Temperature": 99.5}, "temp", 37.5),
        ({"Blood_Pressure": "120/80 mm Hg"}, "sbp", 120),
        ({"Blood_Pressure": {"Sitting": "130/80", "Standing": "110/65"}}, "dbp", 80),
        ({"BP": "systolic 90"}, "sbp", 90),
        ({"Pulse": "150-160/min"}, "hr", 155),
        ({"Respirations": 18}, "rr", 18),
        ({"SO2": "80%"}, "spo2", 80),
        ({"Pulse_Oximetry": "97% on room air"}, "spo2", 97),
        ("Temperature 38.1 C, BP 110/70 mmHg, pulse 99/min, RR 20", "rr", 20),
        ("Temperature 38.1 C, BP 110/70 mmHg, pulse 99/min, RR 20", "hr", 99),
    ],
)
def test_vital_signs_are_read_leniently(section: object, field: str, value: float) -> None:
    reading = vitals.read(section, years=40)
    assert getattr(reading.vitals, field) == pytest.approx(value, abs=0.1)
    assert field not in reading.assumed


@pytest.mark.parametrize(
    "section",
    [
        None,
        {},
        [],
        "",
        "Normal",
        {"Heart_Rate": "Normal"},
        {"Heart_Rate": 9999},
        {"Blood_Pressure": "80/120"},
        {"Within_Normal_Limits": True},
    ],
)
def test_what_cannot_be_read_is_assumed_for_the_age_and_said_so(section: object) -> None:
    child, adult = vitals.read(section, years=0.5), vitals.read(section, years=40)
    assert len(child.assumed) == len(adult.assumed) == 6
    assert child.vitals.hr > adult.vitals.hr


def test_vital_signs_come_back_word_for_word() -> None:
    case = osce(4)
    assert "Blood pressure, Standing: 112/70 mmHg" in result(case, "examine", "vitals")
    assert "Right eye: 20/40" in result(case, "examine", "vision")
    assert (case.patient.weight_kg, case.patient.height_cm) == (80, 178)
    assert result(osce(12), "examine", "vital signs") == "No vital signs were recorded."
    assert result(osce(3), "examine", "vital signs") == "Within normal limits: Yes"


# ---- findings and results ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words", "text"),
    [
        ("order", "harrow virus antibodies", "Present (1:320)"),
        ("order", "harrow virus antibody test", "Present (1:320)"),
        ("order", "cbc", "Hemoglobin: 13.1 g/dL\nWBC: 9,400 /μL"),
        ("order", "haemoglobin", "Hemoglobin: 13.1 g/dL\nWBC: 9,400 /μL"),
        ("order", "chest radiograph", "Clear lungs."),
        ("order", "x-ray of the chest", "Clear lungs."),
        ("order", "potassium", "Na: 139 mEq/L\nK: 4.4 mEq/L"),
        ("examine", "skin", "Inspection: Scaly red patch on the left forearm.\nPalpation: Warm, not tender."),
    ],
)
def test_a_result_is_reached_by_its_own_names_and_the_vocabularys(kind: str, words: str, text: str) -> None:
    assert result(osce(0), kind, words) == text


def test_a_heading_over_several_tests_answers_with_all_and_names_them() -> None:
    heap = osce(0).actions["test.blood_work"]
    assert heap.args == {"covers": "cbc,bmp,test.harrow_virus_antibodies"}
    assert "Present (1:320)" in (heap.result["_"].text or "")


def test_lists_texts_and_deep_sections_are_findings_too() -> None:
    assert result(osce(4), "examine", "knee") == "Special tests: Lachman test negative\nSpecial tests: McMurray test positive"
    assert result(osce(4), "examine", "neurological examination") == "Motor, Arms, Strength: 5/5"
    assert result(osce(3), "examine", "oral examination") == "Two white patches on the tongue."
    assert result(osce(7), "order", "biopsy") == "Sites: Colon: inflamed\nSites: Ileum: normal"
    assert result(osce(7), "order", "lactate") == "1.2 mmol/L"


def test_what_is_not_in_the_source_is_not_normal_but_unavailable() -> None:
    assert Lexicon(osce(0)).resolve("order", "lumbar puncture").entry is None


@pytest.mark.parametrize(
    "text",
    [
        "Pending",
        "Not done",
        "N/A",
        "Not provided",
        "The film would show a double bubble.",
        "Could be considered if needed",
        "Not indicated at this stage",
        "Expected to show a tear",
        "Data not provided",
        "Optional",
        "Not specified, but imagine a raised count.",
    ],
)
def test_a_placeholder_is_no_result(text: str) -> None:
    assert placeholder(text)
    assert substance(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "Negative",
        "None",
        "Normal, rib notching not observed",
        "Reduced hearing, details not specified.",
        "Patient refuses",
        "Na 140",
    ],
)
def test_a_finding_is_no_placeholder(text: str) -> None:
    assert substance(text) == text


def test_sentences_about_nothing_are_cut_from_a_finding() -> None:
    assert substance("Raised white count. Culture pending.") == "Raised white count."


# ---- image challenges --------------------------------------------------------------------------------------------------------


def test_a_narrative_is_told_in_the_first_person_without_the_actors_directions() -> None:
    told = said(challenge(0))
    assert "I am a 34-year-old man who has noticed a blue tongue for two weeks." in told
    assert "I've had a sore throat, and it bothers me." in told
    assert not any("aware" in text or "role" in text for text in told)


def test_the_vignette_is_never_shown_and_its_question_is_kept_in_the_truth() -> None:
    case = challenge(0)
    assert "ink cells" not in seen(case)
    question = case.outcome.question
    assert question is not None
    assert (question.kind, question.options[question.answer], len(question.options)) == ("diagnosis", "Ink tongue", 5)
    assert case.encounters[0].task == "Find the most likely diagnosis."
    assert challenge(2).encounters[0].task == "Which insect carries this disease?"
    assert "not_a_diagnosis" in reasons(2, CHALLENGE)


def test_free_text_findings_are_parted_by_labels_and_headings() -> None:
    case = challenge(0)
    assert result(case, "order", "white-cell count") == "12,300 per cubic millimeter"
    assert result(case, "order", "squid virus") == "Negative"
    assert result(case, "order", "CT neck") == "Swollen tongue"
    assert result(challenge(2), "order", "skin biopsy") == "wedge-shaped infiltrate."
    assert "no_data_stated" in reasons(1, CHALLENGE)


def test_an_image_stays_an_address_with_words_beside_it() -> None:
    case = challenge(1)
    assert case.media[0].url == "https://example.org/images?id=1"
    assert case.media[0].path is None
    assert case.actions["image"].result["_"].media == "image"
    assert "example.org" in result(case, "order", "request images")
    assert case.blueprint.tags == ("dermatology", "ct scan")
    assert "no_image" in reasons(5, CHALLENGE)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("What is the most likely diagnosis?", "diagnosis"),
        ("What is the diagnosis?", "diagnosis"),
        ("Which condition does this patient have?", "diagnosis"),
        ("Which treatment is indicated?", "other"),
        ("Which test would confirm the diagnosis?", "other"),
        ("What is the vector?", "other"),
        ("", "diagnosis"),
    ],
)
def test_a_question_asks_for_a_diagnosis_or_something_else(question: str, kind: str) -> None:
    assert kind_of(last_question(f"A man came. {question}" if question else "")) == kind


# ---- laws --------------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(["missing", "a"]) | st.text(max_size=200))
def test_placeholders_and_sentences_never_fail(text: str) -> None:
    assert isinstance(substance(text), str)
    assert isinstance(holds(text, "Harrow fever (HF)"), bool)
    assert isinstance(accepted(text), tuple)


SOUND = [json.loads((FIXTURES / name).read_text(encoding="utf-8").split("\n")[0]) for name in ("osce.jsonl", "challenge.jsonl")]


@settings(max_examples=100)
@given(st.data())
def test_no_mutation_of_a_line_raises_and_each_gives_one_row(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    line = data.draw(mutants(SOUND))
    folder = tmp_path_factory.mktemp("mutant")
    imported = agentclinic.load(wrote(folder, SOUND[0], line))
    assert [row.line for row in imported.rows] == [0, 1]
    assert not any(reason.startswith(("error:", "cannot_be_stored")) for row in imported.rows for reason in row.reasons), imported.rows
    for case in imported.cases:
        assert loads(dumps(case)) == case
        assert not holds(seen(case), case.outcome.diagnosis.name)


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"Findings": value}
    return value


@pytest.mark.parametrize(
    "spoil",
    [
        lambda osce: osce.update(Test_Results=nested(400)),
        lambda osce: osce.update(Test_Results={f"Panel {i}": {f"Leaf {j}": "x" * 400 for j in range(20)} for i in range(300)}),
        lambda osce: osce["Patient_Actor"].update(History="He coughs loudly. " * 50_000),
        lambda osce: osce["Patient_Actor"].update(History="\x00\x1b[31m \ud800 \u202e\ufeff bell\x07 pain 😀."),
        lambda osce: osce.update(Objective_for_Doctor=["One.", {"two": 2.5}]),
        lambda osce: osce["Patient_Actor"].update({f"Key {i}": f"Story number {i} goes on." for i in range(2_000)}),
        lambda osce: osce.update(Correct_Diagnosis="(((" * 300),
        lambda osce: osce.update(Correct_Diagnosis=["Harrow fever", "Barrow fever"]),
        lambda osce: osce.update(Physical_Examination_Findings="Pale and thin."),
    ],
)
def test_hostile_lines_give_a_row_and_a_case_of_bounded_size(tmp_path: Path, spoil: Callable[[dict[str, Any]], None]) -> None:
    line = copy.deepcopy(SOUND[0])
    spoil(line["OSCE_Examination"])
    imported = agentclinic.load(wrote(tmp_path, line, SOUND[0]))
    assert len(imported.rows) == 2
    assert not any(reason.startswith(("error:", "cannot")) for row in imported.rows for reason in row.reasons), imported.rows
    for case in imported.cases:
        assert loads(dumps(case)) == case
        assert len(dumps(case).encode()) < 512_000


def test_lines_nested_beyond_the_parser_and_numbers_beyond_reason_are_rows(tmp_path: Path) -> None:
    imported = agentclinic.load(
        wrote(tmp_path, SOUND[0], '{"a":' * 100_000, '{"answers": ' + "9" * 5_000 + "}", '{"OSCE_Examination": null}')
    )
    assert [row.status for row in imported.rows] == ["imported", "refused", "refused", "refused"]


# ---- packs -------------------------------------------------------------------------------------------------------------------


def test_a_pack_holds_its_head_its_report_and_every_case(tmp_path: Path) -> None:
    folder = write_pack(OSCE, tmp_path / "deep" / "My Pack", title="A pack", licence="MIT", notes="a note")
    head = yaml.safe_load((folder / "pack.yaml").read_text(encoding="utf-8"))
    assert (head["id"], head["title"], head["license"]) == ("my-pack", "A pack", "MIT")
    assert head["provenance"]["sha256"] == hashlib.sha256((FIXTURES / "osce.jsonl").read_bytes()).hexdigest()
    assert head["provenance"]["notes"] == ["a note"]
    assert head["counts"]["cases"] == len(OSCE.cases)
    assert head["counts"]["lines"] == len(OSCE.rows) == len((folder / "report.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert [load(folder / f"{case.id}.yaml") for case in OSCE.cases] == OSCE.cases


def test_a_pack_made_of_a_folder_holds_the_hash_of_all_its_files(tmp_path: Path) -> None:
    hashes = []
    for name in ("x", "y", "x"):
        (tmp_path / "set").mkdir(exist_ok=True)
        (tmp_path / "set" / "file.txt").write_text(name)
        folder = write_pack(OSCE._replace(source=tmp_path / "set"), tmp_path / "pack", title="x", licence="x")
        hashes.append(yaml.safe_load((folder / "pack.yaml").read_text(encoding="utf-8"))["provenance"]["sha256"])
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_pack_written_before_is_replaced_whole(tmp_path: Path) -> None:
    write_pack(OSCE, tmp_path / "pack", title="One", licence="MIT", notes=())
    folder = write_pack(CHALLENGE, tmp_path / "pack", title="Two", licence="local", notes=["x", "y"])
    assert {path.stem for path in folder.glob("agentclinic-*.yaml")} == {case.id for case in CHALLENGE.cases}
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]


def test_a_folder_that_is_no_imported_pack_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(CaseError, match="not overwritten"):
        write_pack(OSCE, tmp_path / "mine", title="x", licence="x", notes=())
    (tmp_path / "starter").mkdir()
    (tmp_path / "starter" / "pack.yaml").write_text("id: starter\ntitle: Mine\n")
    with pytest.raises(CaseError, match="not overwritten"):
        write_pack(OSCE, tmp_path / "starter", title="x", licence="x", notes=())
    folder = write_pack(OSCE, tmp_path / "pack", title="x", licence="x", notes=())
    (folder / "my-own.yaml").write_text("a: 1")
    with pytest.raises(CaseError, match=r"no import wrote \(my-own.yaml\)"):
        write_pack(OSCE, folder, title="x", licence="x", notes=())
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep me"


def test_a_stop_half_way_leaves_no_broken_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = write_pack(CHALLENGE, tmp_path / "pack", title="Old", licence="x", notes=())
    files = sorted(path.name for path in before.iterdir())

    def stop(_: Case) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("medsim.importers.pack.dumps", stop)
    for name in ("pack", "new"):
        with pytest.raises(KeyboardInterrupt):
            write_pack(OSCE, tmp_path / name, title="New", licence="x", notes=())
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]
    assert sorted(path.name for path in before.iterdir()) == files


def test_the_registry_knows_the_importer_and_names_the_nearest(tmp_path: Path) -> None:
    assert importers.importer("agentclinic") is agentclinic.load
    assert (importers.write("agentclinic", CHALLENGE, tmp_path / "pack") / "pack.yaml").is_file()
    with pytest.raises(CaseError, match="Did you mean 'agentclinic'"):
        importers.importer("agentclinc")


# ---- pictures of one's own ---------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))


def challenges(tmp_path: Path) -> Path:
    lines = []
    for i in range(2):
        data = json.loads((FIXTURES / "challenge.jsonl").read_text(encoding="utf-8").split("\n")[0])
        lines.append({**data, "image_url": f"https://example.org/images?id=IC2024011{i}&width=1500&height=4000"})
    return wrote(tmp_path, *lines)


def pictures(tmp_path: Path, **files: bytes) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("_", ".")).write_bytes(data)
    return folder


def test_a_picture_of_ones_own_goes_into_the_pack_and_its_case_says_where(tmp_path: Path) -> None:
    folder = pictures(tmp_path, ic20240110_PNG=PNG, other_png=b"no picture, and none of this set")
    imported = agentclinic.load(challenges(tmp_path), images=folder)
    one, two = imported.cases
    path = one.media[0].path
    assert path is not None
    assert path.startswith("images/ic20240110-")
    assert path.endswith(".png")
    assert two.media[0].path is None
    assert "no_local_image" in two.provenance.flags
    assert "no_local_image" not in one.provenance.flags
    pack = importers.write("agentclinic", imported, tmp_path / "pack")
    assert (pack / path).read_bytes() == PNG
    assert load(pack / f"{one.id}.yaml") == one
    assert importers.write("agentclinic", imported, pack) == pack, "a pack with pictures is replaced too"
    (pack / "images" / "mine.png").write_bytes(PNG)
    with pytest.raises(CaseError, match=r"no import wrote \(images/mine.png\)"):
        importers.write("agentclinic", imported, pack)


def test_another_picture_makes_another_case(tmp_path: Path) -> None:
    source = challenges(tmp_path)
    hashes = [agentclinic.load(source, images=pictures(tmp_path, IC20240110_png=PNG + end)).cases[0].hash for end in (b"", b"x", b"")]
    assert hashes[0] == hashes[2] != hashes[1]
    assert agentclinic.load(source).cases[0].hash not in hashes


def test_pictures_that_cannot_be_used_are_refused_by_name(tmp_path: Path) -> None:
    source = challenges(tmp_path)
    with pytest.raises(CaseError, match=r"none of 2 pictures of this set is in it.*IC20240110\.jpg"):
        agentclinic.load(source, images=pictures(tmp_path))
    with pytest.raises(CaseError, match="cannot be read"):
        agentclinic.load(source, images=tmp_path / "nowhere")
    with pytest.raises(CaseError, match="this set has no pictures"):
        agentclinic.load(FIXTURES / "osce.jsonl", images=pictures(tmp_path, IC20240110_png=PNG))
    with pytest.raises(CaseError, match=r"IC20240111\.jpg' is no picture"):
        agentclinic.load(source, images=pictures(tmp_path, IC20240111_jpg=b"<html>gone</html>"))
    with pytest.raises(CaseError, match="two files are named"):
        agentclinic.load(source, images=pictures(tmp_path, IC20240111_jpg=PNG, IC20240110_jpg=PNG))


# ---- the extended forms ------------------------------------------------------------------------------------------------------

EXTENDED: dict[str, Any] = {
    "Objective_for_Doctor": "Assess the patient who comes with a limp.",
    "Patient_Actor": {
        "Demographics": "1100-g newborn, 31 weeks' gestation",
        "History": "The patient has limped for two days.",
        "Symptoms": {},
        "Past_Medical_History": {"Illnesses": ["Measles", "Mumps"], "Operations": "None"},
        "Social_History": {"Home": "Lives by the sea", "Work": "Keeps bees"},
        "Review_of_Systems": {"Skin": "A rash on the shins", "Eyes": "No complaint"},
        "Medications": ["Iron", "Vitamin D"],
        "Family_History": "An aunt with gout",
    },
    "Physical_Examination_Findings": {
        "Vital_Signs": {"Within_Normal_Limits": True, "Blood_Pressure": {"Sitting": "118/76 mmHg", "Standing": "98/60 mmHg"}},
        "Gait": "Limps on the left",
        "Joints": ["Left knee swollen", "Right knee cool"],
        "Back": {},
    },
    "Test_Results": {"CBC": "Normal", "139 no specific lab tests": {}, "Films": [{"View": "Front", "Findings": "A line"}]},
    "Correct_Diagnosis": "Paget marsh disease (PMD)",
}


def test_the_extended_osce_form_is_read_with_lists_mappings_and_truth_values(tmp_path: Path) -> None:
    imported = agentclinic.load(wrote(tmp_path, {"OSCE_Examination": EXTENDED}), source="agentclinic-medqa-ext")
    (case,) = imported.cases
    assert case.id == "agentclinic-medqa-ext-0000"
    told = " ".join(said(case))
    for words in ("Measles", "Mumps", "bees", "rash", "Iron", "Vitamin D", "gout"):
        assert words.lower() in told.lower(), words
    record = result(case, "examine", "vital signs")
    assert "118/76" in record
    assert "98/60" in record
    assert "within normal limits" in record.lower()
    assert result(case, "examine", "gait") == "Limps on the left"
    assert "Left knee swollen" in result(case, "examine", "joints")
    assert "A line" in result(case, "order", "films")
    assert is_correct(case, ["Paget marsh disease"])
    assert is_correct(case, ["PMD"])
    assert "Paget" not in seen(case)


def test_an_extended_osce_case_without_tests_is_a_case_that_says_so(tmp_path: Path) -> None:
    imported = agentclinic.load(wrote(tmp_path, {"OSCE_Examination": {**EXTENDED, "Test_Results": {}}}))
    assert "no_tests" in imported.rows[0].reasons
    assert len(imported.cases) == 1


@pytest.mark.parametrize("kinds", [["physical"], ["CT scan", "dermatology"]])
def test_the_types_of_an_extended_challenge_become_tags_in_any_order_of_keys(tmp_path: Path, kinds: list[str]) -> None:
    data = json.loads((FIXTURES / "challenge.jsonl").read_text(encoding="utf-8").split("\n")[0])
    turned = dict(reversed([*data.items(), ("type", kinds)]))
    (case,) = agentclinic.load(wrote(tmp_path, turned), source="agentclinic-nejm-ext").cases
    assert case.blueprint.tags == tuple(kind.lower() for kind in kinds)
    assert case.id.startswith("agentclinic-nejm-ext-")


# ---- the real files ----------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_the_published_files_import_whole(path: Path) -> None:
    imported = agentclinic.load(path)
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    assert len(imported.rows) == len(imported.cases) == len(lines)
    for case, line in zip(imported.cases, lines, strict=True):
        data = json.loads(line)
        answer = (
            data["OSCE_Examination"]["Correct_Diagnosis"]
            if "OSCE_Examination" in data
            else next(item["text"] for item in data["answers"] if item["correct"])
        )
        assert case.outcome.diagnosis.name == answer
        assert loads(dumps(case)) == case
        assert not holds(seen(case), answer)
        assert answer.lower() not in seen(case).lower()


@needs_data
def test_every_leaf_of_the_published_osce_cases_comes_back_word_for_word() -> None:
    lines = REAL[0].read_text(encoding="utf-8").split("\n")
    whole = 0
    for case in agentclinic.load(REAL[0]).cases:
        source = json.loads(lines[case.provenance.line or 0])["OSCE_Examination"]
        texts = "\n".join(item.text or "" for action in case.actions.values() for item in action.result.values())
        for section in ("Physical_Examination_Findings", "Test_Results"):
            for leaf in leaves(source[section]):
                assert leaf.text in texts or substance(leaf.text) in texts
                whole += leaf.text in texts
    assert whole > 1400, "of 1518; the rest has sentences that only say that nothing is known"
