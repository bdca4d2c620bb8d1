"""Documented cases from MedSP1000 packets: texts word for word, states as declared, rubric as questions to a judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medsim import case as cases
from medsim import importers
from medsim.errors import CaseError
from medsim.importers import medsp1000
from medsim.importers.medsp1000_case import case_id, packet_items, place, stages
from medsim.importers.medsp1000_text import Document
from medsim.rubric import score
from medsim.trajectory import Outcome

PACKETS = Path(__file__).parent / "fixtures" / "packets"


def packet(folder: Path, name: str, *, rubric: dict[str, object] | None, **roles: str) -> None:
    """Write a packet; roles are folder=text."""
    for role, text in roles.items():
        (folder / name / role).mkdir(parents=True)
        (folder / name / role / "A.md").write_text(text, encoding="utf-8")
    shelf = folder / "rubrics"
    shelf.mkdir(exist_ok=True)
    if rubric is not None:
        (shelf / f"{name.replace('/', '_')}.json").write_text(json.dumps(rubric), encoding="utf-8")


def controller(*lines: str) -> list[Document]:
    return [Document("C.md", "\n".join(lines))]


def test_every_runnable_packet_becomes_a_case_that_reads_back(tmp_path: Path) -> None:
    imported = medsp1000.load(PACKETS)
    assert [case.id for case in imported.cases] == ["medsim_roofer.scenario1", "medsim_roofer.scenario2"]
    folder = importers.write("medsp1000", imported, tmp_path / "packets")
    for case in imported.cases:
        assert cases.load(folder / f"{case.id}.yaml") == case


def test_each_seat_is_given_its_own_texts_alone() -> None:
    case = medsp1000.load(PACKETS, mode="compat").cases[0]
    packets, _ = medsp1000.load_packets(PACKETS)
    assert case.encounters[0].door_note == packets[0].text("examinee")
    script = case.brief().script
    for document in packets[0].roles["sp_actor"]:
        assert document.text in script
    for role in ("environment_controller", "evaluator"):
        for document in packets[0].roles[role]:
            assert document.text not in script
            assert document.text not in case.encounters[0].door_note


def test_items_keep_their_words_competency_and_stable_id() -> None:
    case = medsp1000.load(PACKETS).cases[0]
    packets, _ = medsp1000.load_packets(PACKETS)
    assert packet_items(case) == packets[0].rubric
    assert all(item.points == 1 and item.judge and item.judge.criterion == item.text for item in case.rubric.items)


def test_without_a_judge_every_item_is_unknown_and_there_is_no_score() -> None:
    card = score(medsp1000.load(PACKETS).cases[0], [], Outcome("finished", "doctor"))
    assert {item.verdict for item in card.items} == {"unknown"}
    assert (card.score, card.coverage) == (None, 0.0)


def test_a_packet_without_a_rubric_is_played_and_flagged_and_one_without_a_patient_is_refused(tmp_path: Path) -> None:
    roles = {"examinee": "A woman of 45.", "sp_actor": "You are Ann.", "environment_controller": "Vitals normal."}
    packet(tmp_path, "mededportal_1/scenario1", rubric=None, **roles, evaluator="Marks.")
    packet(tmp_path, "mededportal_2/scenario1", rubric={"PC": []}, **roles)
    packet(tmp_path, "mededportal_3/scenario1", rubric={"PC": ["Greets."]}, examinee="Text.", environment_controller="x")
    imported = medsp1000.load(tmp_path)
    assert [case.rubric.items for case in imported.cases] == [(), ()]
    assert all("not_scorable" in case.provenance.flags for case in imported.cases)
    status = {row.case_id: (row.status, row.reasons[0]) for row in imported.rows}
    assert status["mededportal_3/scenario1"][0] == "refused"
    assert status["mededportal_1.scenario1"][0] == "flagged"
    card = score(imported.cases[0], [], Outcome("finished", "doctor"))
    assert card.score is None


def test_a_folder_without_packets_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no packet was found"):
        medsp1000.load(tmp_path)


def test_declared_states_are_read_from_headings_in_order() -> None:
    found = stages(controller("# State 1: Arrival", "HR 120", "## State 2 - Better after fluids", "## State 3", "see State 2"))
    assert list(found) == ["state_1", "state_2", "state_3"]
    assert found["state_2"]["note"] == "Better after fluids"


@pytest.mark.parametrize(
    "lines",
    [
        ("Vitals normal.",),
        ("# State 1", "text"),
        ("# State 2", "# State 3"),
        ("# Stage 1", "# Stage 4"),
        ("In state 1 or state 2 of New York",),
    ],
)
def test_where_states_are_not_declared_one_after_the_other_there_is_one(lines: tuple[str, ...]) -> None:
    assert list(stages(controller(*lines))) == ["encounter"]


def test_ids_and_places_are_plain() -> None:
    assert case_id("mep_2374-8265.10866-s001/scenario10") == "mep_2374-8265.10866-s001.scenario10"
    assert place("You are in the emergency department.") == "ed"
    assert place("A clinic.") == "clinic"


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("Ann Lee is a 45-year-old teacher. She has been unwell for three years.", 45),
        ("She has smoked for 20 years. Matthias Brandt, 34, a roofer, is brought in.", 34),
        ("Age: 7. A boy.", 7),
        ("He is a 6-month-old infant.", 0.5),
    ],
)
def test_the_age_is_a_persons_and_not_a_span_of_time(tmp_path: Path, text: str, years: float) -> None:
    packet(tmp_path, "c/scenario1", rubric=None, examinee=text, sp_actor="You are the patient.", environment_controller="x")
    assert medsp1000.load(tmp_path).cases[0].patient.age.years == years


def test_an_age_that_is_not_said_is_assumed_and_flagged(tmp_path: Path) -> None:
    packet(tmp_path, "c/scenario1", rubric=None, examinee="For three years in pain.", sp_actor="You hurt.", environment_controller="x")
    assert "age_assumed" in medsp1000.load(tmp_path).cases[0].provenance.flags


def test_two_packets_whose_names_are_written_alike_are_two_cases(tmp_path: Path) -> None:
    roles = {"sp_actor": "You are Ann.", "environment_controller": "Vitals normal."}
    for name in ("f\u00e4lle", "f\u00f6lle"):
        packet(tmp_path, f"{name}/scenario1", rubric={"PC": [f"Greets {name}."]}, examinee=f"A woman of 45, {name}.", **roles)
    imported = medsp1000.load(tmp_path)
    ids = [case.id for case in imported.cases]
    assert ids[0] == "f-lle.scenario1"
    assert ids[1].startswith("f-lle.scenario1-")
    assert [row.case_id for row in imported.rows] == ids
    assert imported.rows[1].reasons[-1] == "id_taken:f\u00e4lle/scenario1"
    folder = importers.write("medsp1000", imported, tmp_path / "pack")
    assert [cases.load(folder / f"{name}.yaml") for name in ids] == imported.cases


def test_a_subset_of_other_packets_says_which_are_not_here(tmp_path: Path) -> None:
    subset = tmp_path / "subset.json"
    subset.write_text('["mededportal_1/scenario1", "mededportal_2/scenario1"]', encoding="utf-8")
    with pytest.raises(CaseError, match=r"none of the 2 packets of .*subset.json is here \(the first: mededportal_1/scenario1\)"):
        medsp1000.load(PACKETS, subset=subset)
