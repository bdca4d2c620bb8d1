"""The MediQ importer, against synthetic lines that carry every irregularity, and against the real files where they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import importers
from medsim.action import ranked
from medsim.case import Case, dumps, loads
from medsim.consult import Consult
from medsim.errors import CaseError
from medsim.importers import mediq
from medsim.importers.choices import key, lettered
from medsim.importers.record import record, tidy
from medsim.importers.vignette import question
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import score
from medsim.rubric.names import is_correct
from tests.importers.mutants import mutants

FIXTURES = Path(__file__).parent / "fixtures"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "mediq"
REAL = {"dev": SHARED / "all_dev_good.first400.jsonl", "craft": SHARED / "all_craft_md.jsonl"}
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data set is not here: {SHARED}")

DEV = mediq.load(FIXTURES / "mediq_dev.jsonl")
CRAFT = mediq.load(FIXTURES / "mediq_craft.jsonl")
EVERY = [*DEV.cases, *CRAFT.cases]
SOUND = [json.loads((FIXTURES / name).read_text(encoding="utf-8").split("\n")[0]) for name in ("mediq_dev.jsonl", "mediq_craft.jsonl")]


def dev(line: int) -> Case:
    return next(case for case in DEV.cases if case.provenance.line == line)


def craft(line: int) -> Case:
    return next(case for case in CRAFT.cases if case.provenance.line == line)


def reasons(line: int, source: importers.Imported = DEV) -> tuple[str, ...]:
    return next(row.reasons for row in source.rows if row.line == line)


def told(case: Case) -> dict[str, str]:
    return {fact.id: fact.say[0] for fact in case.patient.facts}


def played(case: Case, *turns: str) -> Consult:
    consult, patient = Consult(case), ScriptedPatient(case.brief())
    for turn in turns:
        consult.play(turn, patient)
    return consult


def verdict(case: Case, answer: str) -> str:
    consult = played(case, f"diagnose: {answer}", "end:")
    return score(case, consult.events, consult.outcome()).items[0].verdict


def wrote(folder: Path, *lines: object) -> Path:
    path = folder / "set.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


# ---- lines and rows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "source"), [("mediq_dev.jsonl", DEV), ("mediq_craft.jsonl", CRAFT)])
def test_every_line_that_is_not_blank_gives_one_row(name: str, source: importers.Imported) -> None:
    text = (FIXTURES / name).read_text(encoding="utf-8")
    assert [row.line for row in source.rows] == [i for i, line in enumerate(text.split("\n")) if line.strip()]
    assert len({row.case_id for row in source.rows}) == len(source.rows)
    assert {row.case_id for row in source.rows if row.status != "refused"} == {case.id for case in source.cases}


def test_cases_are_named_after_their_set_and_line() -> None:
    assert dev(0).id == "mediq-dev-0000"
    assert craft(3).id == "mediq-craft-0003"
    assert mediq.load(FIXTURES / "mediq_dev.jsonl", source="mine").cases[0].id == "mine-0000"


def test_an_item_with_nothing_to_ask_is_refused() -> None:
    assert reasons(2) == ("not_interactive:no record to ask about",)


def test_an_answer_that_is_another_option_is_refused() -> None:
    assert reasons(4, CRAFT) == ("contradictory_answer:B is marked, the answer reads as A",)


def test_rows_say_what_became_of_each_line() -> None:
    assert [reasons(line) for line in (10, 11, 12, 14)] == [("not_json",), ("not_an_object",), ("unknown_form",), ("no_answer",)]
    assert reasons(0) == ("nested_options",)
    assert "data_in_question" in reasons(1)
    assert {"duplicate_fact:4", "facts_break_off:6", "facts_lack:context_1"} <= set(reasons(3))
    assert "lead_joined" in reasons(4)
    assert "non_patient" in reasons(5)
    assert {"age_assumed", "sex_unknown", "one_sentence", "mentions_image", "negated_question"} <= set(reasons(6))
    assert {"leak:door_note", "answer_in:fact_3"} <= set(reasons(7))
    assert "look_alike_letters" in reasons(8)
    assert reasons(9) == ("dup_of:mediq-dev-0000",)
    assert reasons(13) == ("answer_index_missing",)
    assert reasons(16) == ("facts_from_context",)
    assert reasons(17) == ("no_context", "dup_of:mediq-dev-0016")
    assert reasons(18) == ("facts_lack:context_1", "relettered")
    assert "id_differs:99" in reasons(20)
    assert reasons(0, CRAFT) == ("nested_options",)
    assert [reasons(line, CRAFT) for line in (1, 2, 3)] == [("sex_unknown",), ("age_assumed",), ("answer_is_synonym",)]


@pytest.mark.parametrize(
    ("content", "where"), [(b"", ":1:"), (b"one\ntwo\n", ":1:"), (b'{"answers": []}\n', ":1:"), (b'{"options": {}}\n\xff', ":2: byte")]
)
def test_a_file_that_is_no_such_set_is_refused_with_file_and_line(tmp_path: Path, content: bytes, where: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(CaseError, match=re.escape(f"{path}{where}")):
        mediq.load(path)


def test_unknown_ways_to_tell_the_record_are_refused() -> None:
    with pytest.raises(CaseError, match="Use 'atomic' or 'context'"):
        mediq.load(FIXTURES / "mediq_dev.jsonl", facts="all")  # type: ignore[arg-type]


# ---- what the doctor is given ------------------------------------------------------------------------------------------------


def test_the_doctor_is_given_the_first_sentence_the_question_and_its_options() -> None:
    visit = dev(0).encounters[0]
    assert visit.door_note == "A 41-year-old woman comes to the clinic with an itchy red arm for 6 days."
    assert visit.task == (
        "Which of the following is the most likely diagnosis?\nA. Harrow fever\nB. Harrow fever of the lung\nC. Brass itch\nD. Wrist eczema\n"
        "Answer with one letter: diagnose: LETTER"
    )
    assert visit.task in played(dev(0)).events[0].text


def test_tables_in_a_question_are_shown_as_lines_and_a_stray_quotation_mark_is_taken_off() -> None:
    assert (
        dev(1)
        .encounters[0]
        .task.startswith(
            "Laboratory studies show:\nHemoglobin 9.1 g/dL\nPlatelets 410,000/mm3\nGiving which of the following is the most appropriate next step?\nA. Copper tablets\n"
        )
    )
    assert question('Is it "so"?') == 'Is it "so"?'


def test_a_first_sentence_that_says_nothing_is_joined_by_the_next_ones() -> None:
    assert dev(4).encounters[0].door_note == "Age: 2 days. Gender: girl. Weight: 3.1 kg."
    assert dev(17).encounters[0].door_note == "Patient is a 38-year-old man with a stiff neck."


def test_a_door_note_that_holds_the_answer_is_neutral_but_the_record_is_told_as_it_stands() -> None:
    case = dev(7)
    assert case.encounters[0].door_note == "A 52-year-old woman is seen in clinic."
    assert told(case)["fact_3"] == "Patient breathes in coal dust at home."
    assert all(fact.tier != "never" for fact in case.patient.facts)


def test_a_study_is_no_patient() -> None:
    case = dev(5)
    assert case.title == "A question without a patient"
    assert "non_patient" in case.blueprint.tags
    assert case.encounters[0].door_note == "An investigator is studying a new drug in 40 rabbits."


# ---- the record --------------------------------------------------------------------------------------------------------------


def test_facts_keep_their_words_and_their_numbers() -> None:
    assert told(dev(0))["fact_5"] == "Patient repairs old lanterns."
    assert len(dev(0).patient.facts) == 10
    assert all(fact.topics == () for fact in dev(0).patient.facts)
    assert {fact.id for fact in dev(0).patient.facts if fact.negative} == {"fact_3", "fact_4"}


def test_what_the_facts_lost_is_told_as_the_sentence_that_held_it() -> None:
    facts = told(dev(3))
    assert facts["context_1"] == "A 29-year-old man is brought in after 3 hours of shaking."
    assert facts["context_2"] == "His wife says he drank 4 cups of valerian tea."
    assert facts["context_3"] == "Laboratory studies show: Sodium: 128 mEq/L; Potassium: 4.4 mEq/L."
    assert facts["context_4"] == "His speech became slurred on the way to hospital, according to his wife."
    assert "fact_6" not in facts
    assert "fact_4" not in facts


def test_bullets_are_told_under_their_headings() -> None:
    assert told(dev(4)) == {
        "fact_2": "Patient information: Age: 2 days.",
        "fact_3": "Patient information: Weight: 3.1 kg.",
        "fact_4": "Noisy breathing since birth.",
        "fact_5": "The breathing is louder on her back.",
    }


@pytest.mark.parametrize(
    ("table", "listed"),
    [
        ("Shown: | Hb 9 | WBC 4 | .", "Shown: Hb 9; WBC 4"),
        ("a | b. | c", "a; b. c"),
        ("| |", ""),
        ("no table, no change.", "no table, no change."),
    ],
)
def test_tables_are_told_as_lists(table: str, listed: str) -> None:
    assert tidy(table) == listed


def test_the_record_may_be_told_by_its_sentences() -> None:
    case = mediq.load(FIXTURES / "mediq_dev.jsonl", facts="context").cases[0]
    assert list(told(case)) == [f"context_{i}" for i in range(1, 6)]
    assert told(case)["context_3"] == "She repairs old lanterns and handles brass polish every day."


def test_sentences_without_a_full_stop_get_one() -> None:
    assert record(["  A cousin keeps hedgehogs"], []).sentences == ("A cousin keeps hedgehogs.",)


def test_a_question_brings_the_fact_that_answers_it_and_nothing_else_is_denied() -> None:
    consult = played(dev(0), "ask: What do you repair at work?", "ask: Do you have trouble with your hearing?")
    replies = [event for event in consult.events if event.kind == "reply"]
    assert "fact_5" in replies[0].facts
    assert replies[1].facts == ()
    assert replies[1].text.endswith("I can't answer that.")


def test_vital_signs_of_the_record_are_found_on_examination_and_others_are_not_made_up() -> None:
    assert "temperature is 38.4°C" in played(dev(0), "examine: vital signs").events[-1].text
    assert dev(0).states["visit"].vitals.temp == 38.4
    assert "No vital signs were recorded" in played(dev(1), "examine: vital signs").events[-1].text


@pytest.mark.parametrize(
    ("case", "age", "sex"),
    [
        (dev(1), "63-year-old", "male"), (dev(4), "2-day-old", "female"), (craft(1), "8-month-old", "unknown"), (craft(2), "75-year-old", "female"),
        (dev(18), "38-year-old", "male"),
    ],
)  # fmt: skip
def test_age_and_sex_come_from_the_patient_field_and_from_the_record_where_it_is_silent(case: Case, age: str, sex: str) -> None:
    assert (str(case.patient.age), case.patient.sex) == (age, sex)


def test_weeks_of_gestation_are_no_age() -> None:
    line = {
        **SOUND[0],
        "patient": {"age": "Baby (gestational age of 31 weeks)", "gender": "Male"},
        "context": ["A boy has just been born, and he is pale."],
    }
    assert str(mediq._placed(mediq.vignette(line), "dev").person.age) == "6-month-old"


# ---- the answer --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_every_form_of_the_right_letter_counts_and_no_form_of_another_does(case: Case) -> None:
    asked = case.outcome.question
    assert asked is not None
    for at, text in enumerate(asked.options):
        letter = "ABCDEFGH"[at]
        for form in (
            letter,
            letter.lower(),
            f"{letter}.",
            f"({letter})",
            f"**{letter}**",
            f"{letter}. {text}",
            f"{letter}) {text}",
            f"Option {letter}",
        ):
            assert verdict(case, form) == ("met" if at == asked.answer else "unmet"), (form, asked)
    assert is_correct(case, ["ABCDEFGH"[asked.answer]])
    assert not any(is_correct(case, ranked(form)) for at, form in enumerate(asked.options) if at != asked.answer and form not in "ABC")


def test_the_text_of_an_option_counts_only_as_a_whole() -> None:
    assert verdict(dev(0), "Harrow fever") == "met"
    assert verdict(dev(0), "Harrow fever of the lung") == "unmet"
    assert verdict(dev(1), "Iron tablets") == "met"
    assert verdict(dev(1), "Iron tablets and a blood transfusion") == "unmet"
    assert verdict(dev(15), "Stretching or an insole") == "met"
    assert verdict(dev(15), "Rest; ice; then stretching") == "unmet"
    assert verdict(dev(8), "A\u03b2 amyloid") == verdict(dev(8), "Abeta amyloid") == "met"
    assert verdict(dev(8), "AL amyloid") == "unmet"


def test_naming_another_option_beside_the_right_one_is_no_answer() -> None:
    assert verdict(dev(18), "Meningitis rather than Wry neck") == "unmet"
    assert verdict(dev(18), "B. Wry neck") == "unmet" or verdict(dev(18), "C. Wry neck") == "met"


def test_where_options_are_letters_the_letter_of_the_option_decides() -> None:
    options = ("B", "A", "C")
    assert key(options, 0).accept[0] == "A"
    assert "B" not in key(options, 0).accept
    assert verdict(dev(20), "B") == "met"
    assert verdict(dev(20), "A") == "unmet"


def test_a_synonym_of_the_answer_counts() -> None:
    assert verdict(craft(3), "Quillfeather-Moss vasculitis") == verdict(craft(3), "A") == "met"


def test_the_question_is_kept_with_its_kind() -> None:
    assert dev(0).outcome.question is not None
    assert (dev(0).outcome.question.kind, dev(0).outcome.question.answer) == ("diagnosis", 0)
    assert dev(1).outcome.question is not None
    assert dev(1).outcome.question.kind == "other"
    assert lettered(("x", "y")) == "A. x\nB. y"


TEXTS = st.text(alphabet="ab AB.;/or-12αА", min_size=1, max_size=12).filter(lambda text: bool(text.strip()))


@settings(max_examples=150)
@given(options=st.lists(TEXTS, min_size=2, max_size=5, unique=True), data=st.data())
def test_whatever_the_options_the_right_letter_is_accepted_and_no_other_letter(options: list[str], data: st.DataObject) -> None:
    right = data.draw(st.integers(0, len(options) - 1))
    found = key(options, right)
    letters = "ABCDE"[: len(options)]
    assert letters[right] in found.accept
    assert not {letter for letter in letters if letter != letters[right]} & set(found.accept)


# ---- whole -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_a_case_reads_back_as_it_was_written(case: Case) -> None:
    assert loads(dumps(case)) == case
    assert case.unlisted == "unavailable"
    assert case.grade == "compiled"
    assert case.encounters[0].limits.turns == 60


def test_nothing_that_a_seat_sees_depends_on_which_option_is_right(tmp_path: Path) -> None:
    seen = set()
    for letter, text in SOUND[0]["options"].items():
        case = mediq.load(wrote(tmp_path, {**SOUND[0], "answer_idx": letter, "answer": text})).cases[0]
        seen.add((repr(case.brief()), case.encounters[0].door_note, case.encounters[0].task, case.title, repr(case.actions)))
    assert len(seen) == 1


@settings(max_examples=80)
@given(st.data())
def test_no_mutation_of_a_line_raises_and_each_gives_one_row(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    line = data.draw(mutants(SOUND))
    imported = mediq.load(wrote(tmp_path_factory.mktemp("mutant"), SOUND[0], line))
    assert [row.line for row in imported.rows] == [0, 1]
    assert not any(reason.startswith(("error:", "cannot_be_stored")) for row in imported.rows for reason in row.reasons), imported.rows
    for case in imported.cases:
        assert loads(dumps(case)) == case


@pytest.mark.parametrize(
    "spoil",
    [
        {"facts": ["1. He coughs. " * 9_000]},
        {"facts": [f"{i}. Fact {i}." for i in range(5_000)]},
        {"context": "one text", "facts": "one fact"},
        {"options": {chr(65 + i): f"text {i}" for i in range(26)}},
        {"question": "why " * 50_000},
        {"options": ["Harrow fever", "Brass itch"]},
        {"patient": "none"},
    ],
)
def test_hostile_lines_give_a_case_of_bounded_size(tmp_path: Path, spoil: dict[str, Any]) -> None:
    imported = mediq.load(wrote(tmp_path, {**SOUND[0], **spoil}))
    assert imported.rows[0].status != "refused"
    assert len(dumps(imported.cases[0]).encode()) < 512_000


@pytest.mark.parametrize(
    "given_", [{"options": {}}, {"options": {"A": "one"}}, {"options": 5}, {"options": {f"{i}": f"{i}" for i in range(40)}}]
)
def test_an_item_without_options_is_refused(tmp_path: Path, given_: dict[str, Any]) -> None:
    assert mediq.load(wrote(tmp_path, {**SOUND[0], **given_})).rows[0].reasons == ("no_options",)


def test_the_registry_writes_a_pack_of_the_set(tmp_path: Path) -> None:
    assert importers.importer("mediq") is mediq.load
    head = (importers.write("mediq", CRAFT, tmp_path / "pack") / "pack.yaml").read_text(encoding="utf-8")
    assert "CC BY 4.0" in head
    assert "contradictory_answer: 1" in head


# ---- the real files ----------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize(("name", "refused"), [("dev", {224, 298}), ("craft", {129})])
def test_the_published_files_import_but_for_the_items_that_cannot_be_played(name: str, refused: set[int]) -> None:
    imported = mediq.load(REAL[name])
    lines = [json.loads(line) for line in REAL[name].read_text(encoding="utf-8").split("\n") if line.strip()]
    assert {row.line for row in imported.rows if row.status == "refused"} == refused
    assert len(imported.rows) == len(lines)
    for case in imported.cases:
        data, asked = lines[case.provenance.line or 0], case.outcome.question
        assert asked is not None
        assert asked.options[asked.answer] == " ".join(data["options"][data["answer_idx"]].split())
        assert data["answer_idx"] in case.outcome.diagnosis.accept
        assert not any(is_correct(case, [letter]) for letter in data["options"] if letter != data["answer_idx"])
        numbers = re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", " ".join(data["context"])))
        assert set(numbers) <= set(re.findall(r"\d+(?:\.\d+)?", re.sub(r"(?<=\d),(?=\d{3}\b)", "", " ".join(told(case).values()))))


@needs_data
def test_the_published_items_count_by_letter_and_by_whole_text() -> None:
    for name, path in REAL.items():
        for case in mediq.load(path).cases[:: 7 if name == "dev" else 3]:
            asked = case.outcome.question
            assert asked is not None
            for at, text in enumerate(asked.options):
                wanted = "met" if at == asked.answer else "unmet"
                assert verdict(case, f"{'ABCD'[at]}. {text}") == verdict(case, "ABCD"[at]) == wanted, (case.id, text)


def test_facts_may_stand_under_their_older_name_and_a_given_first_information_is_the_door_note(tmp_path: Path) -> None:
    old = {("atomic_facts" if name == "facts" else name): value for name, value in SOUND[0].items()}
    new, older, given_ = mediq.load(wrote(tmp_path, SOUND[0], old, {**SOUND[0], "initial_info": "Somebody coughs"})).cases
    assert told(older) == told(new) != {}
    assert "facts_from_context" not in older.provenance.flags
    assert new.encounters[0].door_note != given_.encounters[0].door_note == "Somebody coughs."


def test_the_right_letter_may_be_a_late_one(tmp_path: Path) -> None:
    options = {chr(65 + i): f"Harrow fever of type {i}" for i in range(13)}
    case = mediq.load(wrote(tmp_path, {**SOUND[0], "options": options, "answer": options["M"], "answer_idx": "M"})).cases[0]
    assert (verdict(case, "M"), verdict(case, "C"), case.golden[-1].split("\n")[0]) == ("met", "unmet", "diagnose: M")
