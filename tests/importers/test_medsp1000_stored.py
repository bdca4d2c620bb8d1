"""Old runs of MedSP1000 in a store and out again: nothing is lost in silence, and the verdicts come back as they were."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from medsim.case import Case
from medsim.cli import main
from medsim.errors import StoreError
from medsim.importers.medsp1000 import load, load_packets, read_subset
from medsim.importers.medsp1000_export import Encounter, judged, write
from medsim.importers.medsp1000_rubric import COMPETENCIES
from medsim.importers.medsp1000_runs import load_runs
from medsim.importers.medsp1000_score import RESULT
from medsim.importers.medsp1000_stored import keep, trajectory_of
from medsim.rubric import score
from medsim.store import Store
from medsim.trajectory import Trajectory, transcript
from medsim.viewer import encounter_page
from tests.importers.mutants import mutants

SHIPPED = Path(__file__).parents[2] / "examples" / "packets"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "medsp1000"
PACKET = "medsim_unused_tablets/scenario1"

TURNS: list[dict[str, Any]] = [
    {"turn_index": 1, "phase_id": "talk", "examinee_speak": "What brings you in?", "examinee_actions": ["Measure blood pressure", "Wash hands"],
     "sp_speak": ["They sent me.", "Nurse: He was in a hurry."], "environment_feedback": ["162/96 mmHg"], "environment_events": ["The door opens"]},
    {"turn_index": 2, "phase_id": "talk", "examinee_speak": "", "examinee_actions": ["Order ECG"], "sp_speak": "Fine.",
     "environment_feedback": [], "environment_events": []},
]  # fmt: skip


@pytest.fixture(scope="module")
def case() -> Case:
    return next(case for case in load(SHIPPED).cases if case.title == PACKET)


@pytest.fixture(scope="module")
def verdicts(case: Case) -> dict[str, Any]:
    """A result file: every other item true, the first one left out, one invented."""
    found: dict[str, Any] = {"reasoning": ["Well."], "_judge_model": "old-judge", "_frozen_rubric": {}}
    for number, item in enumerate(case.rubric.items):
        found["_frozen_rubric"].setdefault(item.comp, []).append(item.text)
        if number:
            found.setdefault(item.comp, {})[item.text] = number % 2 == 0
    found["PC"]["Danced"] = True
    return found


@pytest.fixture
def old(tmp_path: Path, verdicts: dict[str, Any]) -> Path:
    """A folder of four runs: two whole ones of one packet, one that was not judged, one that is empty."""
    manifest = {"case_id": "medsim_unused_tablets", "scenario_id": "scenario1", "models": {"examinee": "m1", "sp": "d", "evaluator": "d"}}
    actions = [{"raw": "Measure blood pressure", "canonical_id": "bp", "status": "executed", "rationale": "r"}]
    whole = {"run_manifest.json": manifest, "turns.json": TURNS, "action_history.json": actions, "agent_logs/examinee_calls.json": [{}, {}]}
    for stamp, files in {
        "20260101_120000": {**whole, RESULT: verdicts, "run_models.json": {}, "transcript.json": [], "final_evaluation.json": {}},
        "20260102_120000": {**whole, RESULT: verdicts},
        "20260103_120000": whole,
        "20260104_120000": {},
    }.items():
        place = tmp_path / "runs" / "medsim_unused_tablets" / "scenario1" / stamp
        place.mkdir(parents=True)
        for name, content in files.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(json.dumps(content), encoding="utf-8")
    return tmp_path / "runs"


# ---- in --------------------------------------------------------------------------------------------------------------------------


def test_every_run_gives_a_row_and_what_can_be_read_is_stored_once(old: Path, tmp_path: Path, case: Case) -> None:
    store = Store(tmp_path / "runs.db")
    name, rows = keep(old, store, cases=[case])
    assert [row.status for row in rows] == ["flagged", "flagged", "flagged", "refused"]
    assert rows[0].reasons == ("invented_by_judge:1", "not_judged_items:1")
    assert {"not_judged", "missing:final_evaluation.json"} <= set(rows[2].reasons)
    assert rows[3].reasons[-1] == "no_turns"
    stored = store.rows(run=name)
    assert [(row["agent"], row["trial"], row["case_hash"]) for row in stored] == [("medsp1000:m1", trial, case.hash) for trial in range(3)]
    assert [row["score"] is None for row in stored] == [False, False, True]
    assert stored[0]["started"] == "2026-01-01T12:00:00"
    again, rows = keep(old, store, cases=[case])
    assert again == name
    assert [row.reasons[-1] for row in rows] == ["stored_before"] * 3 + ["no_turns"]
    assert len(store.rows()) == 3


def test_the_turns_become_events_that_a_doctor_could_have_seen(old: Path, case: Case) -> None:
    run = trajectory_of(load_runs(old)[0][0], case)
    shown = [(event.turn, event.actor, event.kind, event.text) for event in run.events[1:]]
    assert shown == [
        (1, "doctor", "ask", "What brings you in?"), (1, "doctor", "examine", "blood pressure"), (1, "doctor", "procedure", "Wash hands"),
        (1, "patient", "reply", "They sent me."), (1, "patient", "reply", "He was in a hurry."), (1, "controller", "finding", "162/96 mmHg"),
        (1, "controller", "alarm", "The door opens"), (1, "controller", "state", "talk"), (2, "doctor", "order", "ECG"),
        (2, "patient", "reply", "Fine."),
    ]  # fmt: skip
    assert run.events[0].text == case.encounters[0].door_note
    assert run.events[2].args == {"raw": "Measure blood pressure", "status": "executed", "understood": "bp"}
    assert run.events[3].args == {"raw": "Wash hands"}
    assert [event.speaker for event in run.events if event.kind == "reply"] == ["Patient", "Nurse", "Patient"]
    assert [event.state for event in run.events][1] == "initial_assessment", "the stage in which a turn was played, not the one after it"
    assert (run.outcome.status, run.outcome.turns, run.usage["doctor"].calls) == ("finished", 2, 2)
    assert Trajectory.of(json.loads(run.to_json())).events == run.events
    assert "Wash hands" in transcript(run.events)
    assert encounter_page(run, [])


def test_the_old_verdicts_are_a_score_beside_which_others_can_stand(old: Path, tmp_path: Path, case: Case) -> None:
    store = Store(tmp_path / "runs.db")
    keep(old, store, run="mine", cases=[case])
    first = store.rows(run="mine")[0]
    (scored,) = store.scores(first["id"])
    assert scored["judge"] == "medsp1000:old-judge"
    assert [item["verdict"] for item in scored["items"]] == ["unknown", *(["unmet", "met"] * 10)[: len(case.rubric.items) - 1]]
    assert scored["coverage"] == pytest.approx(19 / 20)
    assert scored["score"] == pytest.approx(9 / 19, abs=1e-6)
    assert store.add_score(first["id"], score(case, store.load(first["id"]).events, store.load(first["id"]).outcome))
    assert [found["judge"] for found in store.scores(first["id"])] == ["medsp1000:old-judge", "none"]


def test_without_the_cases_the_items_come_from_the_result_file(old: Path, tmp_path: Path, case: Case) -> None:
    store = Store(tmp_path / "runs.db")
    name, rows = keep(old, store)
    first = store.rows(run=name)[0]
    assert first["case_id"] == PACKET
    assert "case_not_given" in rows[0].reasons
    assert [item["item"] for item in store.scores(first["id"])[0]["items"]] == [item.id for item in case.rubric.items]


def test_a_run_of_the_same_name_from_another_folder_is_refused(old: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs.db")
    keep(old, store, run="mine")
    with pytest.raises(StoreError, match="another configuration"):
        keep(tmp_path, store, run="mine")


def test_names_in_a_file_cannot_steer_what_shows_them(old: Path, tmp_path: Path) -> None:
    place = old / "medsim_unused_tablets" / "scenario1" / "20260101_120000"
    odd = "\ud800\x1b[31m\nx\u202e"
    manifest = {"case_id": f"../{odd}", "scenario_id": "scenario1", "models": {"examinee": odd, "sp": odd}, "test_time": {"strategy": odd}}
    (place / "run_manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (place / "turns.json").write_text(json.dumps([{**TURNS[0], "phase_id": odd * 50, "examinee_speak": odd, "examinee_actions": [odd]}]))
    store = Store(tmp_path / "runs.db")
    keep(old, store)
    row = next(row for row in store.rows() if "[31m" in row["agent"])
    assert row["agent"] == "medsp1000:[31m x+[31m x"
    assert not [text for text in (row["agent"], row["patient"], row["case_id"], row["state"]) if not text.isprintable()]
    run = store.load(row["id"])
    written = write(tmp_path / "out", [Encounter(run, store.scores(row["id"]))])
    assert [found.status for found in written] == ["refused"], "a case whose name leads out of the folder is written nowhere"


@settings(max_examples=25)
@given(mutants([{"turns.json": TURNS, "action_history.json": [{"raw": "x"}], RESULT: {"PC": {"a": True}, "_frozen_rubric": {"PC": ["a"]}},
                 "run_manifest.json": {"case_id": "a", "scenario_id": "scenario1", "test_time": {"strategy": "bon"}},
                 "execution_log.json": [{"event": "simulation_stop_condition_met", "payload": {"reason": "done"}}]}]))  # fmt: skip
def test_no_mutation_of_a_run_stops_the_import(tmp_path_factory: pytest.TempPathFactory, files: dict[str, Any]) -> None:
    root = tmp_path_factory.mktemp("runs")
    place = root / "a" / "scenario1" / "20260101_120000"
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / Path(name).name[:60].replace("\x00", "")).write_text(json.dumps(content), encoding="utf-8") if name.endswith(
            ".json"
        ) else None
    store = Store(root / "runs.db")
    name, rows = keep(root, store)
    assert len(rows) == 1
    assert len(store.rows(run=name)) == (rows[0].status != "refused")
    for row in store.rows(run=name):
        assert encounter_page(store.load(row["id"]), store.scores(row["id"]), truth=True)
    store.close()


# ---- out -------------------------------------------------------------------------------------------------------------------------


def encounters(store: Store, case: Case | None) -> list[Encounter]:
    return [Encounter(store.load(row["id"]), store.scores(row["id"]), case) for row in store.rows()]


def test_what_is_written_has_the_form_of_their_result_and_counts_unknown_items_apart(
    old: Path, tmp_path: Path, case: Case, verdicts: dict[str, Any]
) -> None:
    store = Store(tmp_path / "runs.db")
    keep(old, store, cases=[case])
    rows = write(tmp_path / "out", encounters(store, case))
    assert [(row.status, row.reasons) for row in rows] == [("flagged", ("unknown_counted_as_false:1",))] * 2 + [
        ("refused", ("no_verdicts_on_a_packet",))
    ]
    held = json.loads((tmp_path / "out/m1/medsim_unused_tablets/scenario1/20260101_120000" / RESULT).read_text(encoding="utf-8"))
    assert held["_score_summary"] == {
        "completed_items": 9, "total_items": 20, "false_items": 11, "completion_ratio": 0.45, "unknown_items": 1,
    }  # fmt: skip
    assert held["_unknown_items"] == [case.rubric.items[0].id.removeprefix("i")]
    assert {text: said for comp in ("PC", "ICS") for text, said in held[comp].items()} | {"Danced": True} == {
        case.rubric.items[0].text: False, **verdicts["PC"], **verdicts["ICS"],
    }  # fmt: skip
    assert held["_frozen_rubric"] == {**verdicts["_frozen_rubric"], "PBLI": []}
    assert held["_judge_model"] == "old-judge"


def test_the_long_tables_stand_beside_it_raw_and_linted(old: Path, tmp_path: Path, case: Case) -> None:
    store = Store(tmp_path / "runs.db")
    keep(old, store, cases=[case])
    write(tmp_path / "out", encounters(store, case))
    tables = {}
    for name in ("rates.csv", "rates_linted.csv"):
        with (tmp_path / "out" / name).open(encoding="utf-8", newline="") as file:
            tables[name] = [row for row in csv.DictReader(file) if row["dimension"] == "overall"]
    assert [row["examinee"] for row in tables["rates.csv"]] == ["m1 trial 0", "m1 trial 1"]
    assert [(row["n_rubric"], row["n_true"], row["micro"]) for row in tables["rates.csv"]] == [("20", "9", "0.45")] * 2
    assert [(row["n_rubric"], row["n_true"]) for row in tables["rates_linted.csv"]] == [("19", "9")] * 2


def test_what_was_written_can_be_imported_again_with_the_same_turns_and_verdicts(old: Path, tmp_path: Path, case: Case) -> None:
    first, second = Store(tmp_path / "first.db"), Store(tmp_path / "second.db")
    keep(old, first, cases=[case])
    written = encounters(first, case)
    write(tmp_path / "out", written)
    write(tmp_path / "out", written)
    keep(tmp_path / "out", second, cases=[case])
    again = encounters(second, case)
    assert len(again) == 2
    for before, after in zip(written, again, strict=False):
        assert before.trajectory.agent == after.trajectory.agent
        assert [(event.kind, event.text, event.turn) for event in before.trajectory.events] == [
            (event.kind, event.text, event.turn) for event in after.trajectory.events
        ]
        assert judged(*after).__repr__().count("True") == judged(*before).__repr__().count("True") == 9
        assert [item["verdict"] for item in after.scores[0]["items"]] == [item["verdict"] for item in before.scores[0]["items"]]


def test_only_encounters_of_packets_with_verdicts_are_written(tmp_path: Path, mini: Case) -> None:
    from medsim.agent.script import Script
    from medsim.episode import rollout

    run = rollout(mini, Script(["end:"]), run="r")
    card = score(mini, run.events, run.outcome)
    scores = [
        {
            "judge": "none",
            "scored": "",
            "items": [{"item": item.id, "verdict": item.verdict, "text": "", "comp": "PC"} for item in card.items],
        }
    ]
    assert judged(run, scores, mini) == []
    assert [row.status for row in write(tmp_path / "out", [Encounter(run, scores, mini)])] == ["refused"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be written"):
        write(tmp_path / "file", [])


# ---- the command line ------------------------------------------------------------------------------------------------------------


def test_old_runs_go_in_are_shown_measured_and_go_out(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack, store = str(tmp_path / "pack"), str(tmp_path / "runs.db")
    assert main(["import", "medsp1000", str(SHIPPED), "--to", pack]) == 0
    assert main(["import", "medsp1000-runs", str(old), "--store", store, "--cases", pack, "--run", "old", "--json"]) == 0
    told = capsys.readouterr().out
    assert json.loads(told[told.index("{") :])["counts"] == {"imported": 0, "flagged": 3, "refused": 1}
    assert main(["show", "--store", store, "--run", "old", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) == 3
    assert main(["show", listed[0]["id"], "--store", store]) == 0
    assert "What brings you in?" in capsys.readouterr().out
    assert main(["score", listed[0]["id"], "--store", store]) == 0
    assert main(["export", "--store", store, "--run", "old", "--medsp1000", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "rates.csv").is_file()
    capsys.readouterr()
    assert main(["import", "medsp1000-runs", str(old), "--store", store, "--to", "x"]) == 2
    assert "--to does not go with" in capsys.readouterr().err
    assert main(["import", "medsp1000-runs", str(tmp_path / "none"), "--store", store]) == 2


# ---- the shipped packets ---------------------------------------------------------------------------------------------------------


def test_the_shipped_packets_are_whole_sound_and_become_cases() -> None:
    packets, rows = load_packets(SHIPPED, subset=SHIPPED / "subset.json")
    assert [(row.status, row.reasons) for row in rows] == [("imported", ())] * 2
    assert [len(packet.rubric) for packet in packets] == [24, 20]
    assert {item.status for packet in packets for item in packet.rubric} == {"ok"}
    imported = load(SHIPPED)
    assert [row.status for row in imported.rows] == ["imported", "imported"]
    assert [list(case.states) for case in imported.cases] == [["state_1", "state_2"], ["encounter"]]
    assert [(case.patient.age.value, case.patient.sex) for case in imported.cases] == [(71, "female"), (52, "male")]
    doctor = packets[0].text("examinee").lower()
    assert not [word for word in ("opioid", "naloxone", "morphine") if word in doctor], "the door note names no diagnosis"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data set is not here: {SHARED}")
def test_runs_of_the_published_subset_keep_its_denominators(tmp_path: Path) -> None:
    for name in read_subset(SHARED / "subset.json"):
        case, scenario = name.split("/")
        rubric = json.loads((SHARED / "rubrics" / f"{case}_{scenario}.json").read_text(encoding="utf-8"))
        frozen = {comp: rubric[comp] for comp in COMPETENCIES}
        held = {**{comp: dict.fromkeys(texts, True) for comp, texts in frozen.items()}, "_frozen_rubric": frozen, "_judge_model": "all"}
        place = tmp_path / "runs" / case / scenario / "20260101_120000"
        place.mkdir(parents=True)
        (place / "turns.json").write_text(json.dumps(TURNS), encoding="utf-8")
        (place / RESULT).write_text(json.dumps(held), encoding="utf-8")
    store = Store(tmp_path / "runs.db")
    rows = keep(tmp_path / "runs", store)[1]
    assert {row.status for row in rows} == {"flagged"}
    assert len(write(tmp_path / "out", encounters(store, None))) == 100
    with (tmp_path / "out" / "rates.csv").open(encoding="utf-8", newline="") as file:
        table = {row["dimension"]: (row["n_scenarios"], row["n_rubric"], row["n_true"], row["micro"]) for row in csv.DictReader(file)}
    assert table["overall"] == ("100", "1321", "1321", "1.0")
    assert [table[comp][1] for comp in COMPETENCIES] == ["628", "126", "143", "372", "14", "38"]
