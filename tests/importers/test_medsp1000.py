"""The MedSP1000 importer: packets, rubrics, lints, scores and old runs, against an original packet and synthetic irregularities."""

from __future__ import annotations

import csv
import json
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim.errors import CaseError
from medsim.importers.medsp1000 import Packet, load_packets, load_rubrics
from medsim.importers.medsp1000_lint import lint
from medsim.importers.medsp1000_names import origin, read_subset
from medsim.importers.medsp1000_rubric import COMPETENCIES, PacketItem, item_id, items_of, linted, read, read_overlay
from medsim.importers.medsp1000_runs import load_runs
from medsim.importers.medsp1000_score import COLUMNS, RESULT, Tally, rates, read_verdicts, result, score, write_rates
from medsim.importers.medsp1000_text import ROLES, clean, compat, compiled
from tests.importers.mutants import JSON, mutants

EXAMPLE = Path(__file__).parent / "fixtures" / "packets"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "medsp1000"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data set is not here: {SHARED}")

EMPTY: dict[str, Any] = {name: [] for name in COMPETENCIES}


def written(
    root: Path, case: str = "mededportal_9", scenario: str = "scenario1", *, rubric: object = None, **roles: dict[str, str | bytes]
) -> Path:
    """A packet with one line for each role, or with the given files, and its rubric."""
    place = root / case / scenario
    place.mkdir(parents=True)
    for role in ROLES:
        for name, content in roles.get(role, {"note.md": f"The {role} of {case}/{scenario}."}).items():
            path = place / role / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    held = {"case_id": case, "scenario": scenario, "rubric_version": "v1", **EMPTY, "PC": ["Asks about pain"]} if rubric is None else rubric
    (root / "rubrics").mkdir(exist_ok=True)
    path = root / "rubrics" / f"{case}_{scenario}.json"
    path.write_bytes(held if isinstance(held, bytes) else json.dumps(held).encode())
    return place


def one(root: Path, **options: Any) -> tuple[Packet, tuple[str, ...]]:
    packets, rows = load_packets(root, **options)
    return packets[0], rows[0].reasons


def items(*texts: str, competency: str = "PC") -> list[PacketItem]:
    return items_of({**EMPTY, competency: list(texts)}, "case/scenario1")[0]


def statuses(*texts: str) -> list[tuple[str, str]]:
    return [(item.status, item.why.split(":")[0]) for item in linted(items(*texts))]


# ---- the example -------------------------------------------------------------------------------------------------------------


def test_the_shipped_example_is_whole_and_sound() -> None:
    packets, rows = load_packets(EXAMPLE, subset=EXAMPLE / "subset.json")
    assert [packet.id for packet in packets] == ["medsim_roofer/scenario1", "medsim_roofer/scenario2"]
    assert [(row.status, row.reasons) for row in rows] == [("imported", ()), ("imported", ())]
    for packet in packets:
        assert packet.status == "ok"
        assert packet.runnable
        assert all(packet.text(role) for role in ROLES)
        assert {item.status for item in packet.rubric} == {"ok"}
    assert [len(packet.rubric) for packet in packets] == [14, 10]
    assert "heat stroke" not in packets[0].text("examinee").lower() + packets[0].text("sp_actor").lower()


# ---- names -------------------------------------------------------------------------------------------------------------------


def test_twins_share_a_split_group(tmp_path: Path) -> None:
    written(tmp_path, "mededportal_9400")
    written(tmp_path, "mededportal_9400_1")
    packets, rows = load_packets(tmp_path)
    assert {packet.split_group for packet in packets} == {"9400"}
    assert rows[1].reasons == ("same_rubric:mededportal_9400/scenario1", "twin_of:mededportal_9400")


def test_scenario_ten_comes_after_scenario_nine(tmp_path: Path) -> None:
    for number in (10, 9, 2):
        written(tmp_path, "mededportal_9", f"scenario{number}")
    assert [packet.scenario for packet in load_packets(tmp_path)[0]] == ["scenario2", "scenario9", "scenario10"]


# ---- statuses ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "status", "reason", "runnable"),
    [
        ({}, "ok", "", True),
        ({"rubric": b""}, "no_rubric", "rubric_zero_bytes", True),
        ({"rubric": b" \n"}, "no_rubric", "rubric_blank", True),
        ({"rubric": b"{"}, "no_rubric", "rubric_not_json", True),
        ({"rubric": b"\xff\xfe"}, "no_rubric", "rubric_not_json", True),
        ({"rubric": [1]}, "no_rubric", "rubric_not_an_object", True),
        ({"rubric": {"case_id": "mededportal_9", "scenario": "scenario1", **EMPTY}}, "empty_rubric", "empty_rubric", True),
        ({"rubric": {"PC": "Asks"}}, "empty_rubric", "rubric_no_list:PC", True),
        ({"rubric": {"case_id": "x", "scenario": "scenario1", "PC": ["Asks"]}}, "ok", "rubric_names_another_scenario", True),
        ({"rubric": {"PC": ["Asks", 3, "", "Asks"]}}, "ok", "rubric_item_twice:PC", True),
        ({"evaluator": {}}, "missing_role", "missing_role:evaluator", True),
        ({"sp_actor": {}}, "missing_role", "missing_role:sp_actor", False),
        ({"examinee": {"a.md": b""}}, "empty_role", "empty_role:examinee", False),
        ({"examinee": {"a.md": b"", "b.md": "Text."}}, "ok", "zero_bytes:examinee/a.md", True),
        ({"examinee": {"a.md": "  \n", "b.md": "Text."}}, "ok", "empty_file:examinee/a.md", True),
        ({"examinee": {"scan.pdf": b"%PDF"}}, "empty_role", "empty_role:examinee", False),
        ({"environment_controller": {"a.md": b"caf\xe9"}}, "decode_error", "decode_error:environment_controller/a.md", False),
    ],
)
def test_what_a_packet_lacks_stands_in_its_status(tmp_path: Path, spoil: dict[str, Any], status: str, reason: str, runnable: bool) -> None:
    written(tmp_path, **spoil)
    packet, reasons = one(tmp_path)
    assert packet.status == status
    assert not reason or reason in reasons
    assert packet.runnable == runnable
    assert packet.scorable == (status not in {"no_rubric", "empty_rubric"})


def test_no_packet_stops_another(tmp_path: Path) -> None:
    written(tmp_path, "mededportal_1", examinee={"a.md": b"\x81\x00"})
    written(tmp_path, "mededportal_2", sp_actor={}, rubric=b"")
    written(tmp_path, "mededportal_3")
    packets, rows = load_packets(tmp_path)
    assert [packet.status for packet in packets] == ["decode_error", "missing_role", "ok"]
    assert [row.status for row in rows] == ["refused", "refused", "flagged"]
    assert rows[2].reasons == ("same_rubric:mededportal_1/scenario1",)
    assert rows[1].reasons == ("missing_role:sp_actor", "no_rubric", "rubric_zero_bytes")


def test_a_role_folder_goes_by_its_other_names_and_the_best_one_wins(tmp_path: Path) -> None:
    place = written(tmp_path, sp_actor={}, environment_controller={})
    for name in ("SP materials", "sp", "Environment (Controller)"):
        (place / name).mkdir()
        (place / name / "note.md").write_text(f"from {name}")
    packet, _ = one(tmp_path)
    assert packet.text("sp_actor") == "## note.md\n\nfrom sp"
    assert packet.text("environment_controller") == "## note.md\n\nfrom Environment (Controller)"


def test_files_that_are_no_text_are_noted_as_attachments(tmp_path: Path) -> None:
    written(tmp_path, examinee={"a.md": "Text.", "ecg.png": b"\x89PNG", ".hidden.md": "no", "sub/plain": "More."})
    packet, _ = one(tmp_path)
    assert [(file.role, file.name, file.mime, file.size) for file in packet.attachments] == [("examinee", "ecg.png", "image/png", 4)]
    assert [document.name for document in packet.roles["examinee"]] == ["a.md", "sub/plain"]


def test_a_file_that_lies_in_two_roles_is_noted(tmp_path: Path) -> None:
    written(tmp_path, sp_actor={"case.md": "Diagnosis: x."}, evaluator={"case.md": "Diagnosis: x."})
    assert one(tmp_path)[1] == ("same_file:sp_actor=evaluator/case.md",)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links on this system")
def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("outside")
    place = written(tmp_path / "data")
    (place / "examinee" / "link.md").symlink_to(tmp_path / "secret.md")
    packet, reasons = one(tmp_path / "data")
    assert "outside" not in packet.text("examinee")
    assert "link:examinee/link.md" in reasons


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links on this system")
def test_a_download_that_links_into_its_own_store_is_read_and_nothing_else_is(tmp_path: Path) -> None:
    place = written(tmp_path / "snapshots" / "0a1b")
    (tmp_path / "blobs").mkdir()
    (tmp_path / "secret.md").write_text("outside")
    for at, path in enumerate(sorted(path for path in place.rglob("*") if path.is_file())):
        (tmp_path / "blobs" / f"{at}").write_bytes(path.read_bytes())
        path.unlink()
        path.symlink_to(os.path.relpath(tmp_path / "blobs" / f"{at}", path.parent))
    (place / "examinee" / "link.md").symlink_to(tmp_path / "secret.md")
    packet, reasons = one(tmp_path / "snapshots" / "0a1b")
    assert packet.text("examinee").endswith("The examinee of mededportal_9/scenario1.")
    assert reasons == ("link:examinee/link.md",)


def test_runs_inside_the_data_are_no_packets(tmp_path: Path) -> None:
    place = written(tmp_path)
    (place / "runs" / "mededportal_9" / "scenario1" / "20260101_000000").mkdir(parents=True)
    assert len(load_packets(tmp_path)[0]) == 1


def test_a_missing_folder_and_an_unknown_mode_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no such folder"):
        load_packets(tmp_path / "none")
    with pytest.raises(CaseError, match="no such folder of rubrics"):
        load_packets(tmp_path, rubrics=tmp_path / "none")
    with pytest.raises(CaseError, match="Use 'compat'"):
        load_packets(tmp_path, mode="best")  # type: ignore[arg-type]


# ---- subsets -----------------------------------------------------------------------------------------------------------------


def test_what_a_subset_names_and_is_not_there_has_a_row(tmp_path: Path) -> None:
    written(tmp_path, "mededportal_1")
    written(tmp_path, "mededportal_2")
    path = tmp_path / "subset.json"
    path.write_text('["mededportal_2/scenario1", "mededportal_3/scenario1"]')
    packets, rows = load_packets(tmp_path, subset=path)
    assert [packet.id for packet in packets] == ["mededportal_2/scenario1"]
    assert [(row.status, row.case_id, row.reasons) for row in rows[1:]] == [
        ("refused", "mededportal_3/scenario1", ("not_found", "no_rubric"))
    ]


def test_a_rubric_without_a_packet_has_a_row(tmp_path: Path) -> None:
    written(tmp_path, "mededportal_1")
    (tmp_path / "rubrics" / "mededportal_2_scenario4.json").write_bytes(b"")
    assert load_packets(tmp_path)[1][1][1:] == ("refused", "mededportal_2/scenario4", ("no_packet", "no_rubric", "rubric_zero_bytes"))


# ---- text --------------------------------------------------------------------------------------------------------------------


def test_compat_gives_the_text_of_the_original_engine() -> None:
    source = "\n# Title  \n\n\n~~gone\nand gone~~\n#\n-\n1.\nKept   \n   indented\n\n"
    assert compat(source) == "# Title\n\nKept\n   indented"


def test_compat_joins_files_under_their_names_in_the_order_of_their_paths(tmp_path: Path) -> None:
    written(tmp_path, sp_actor={"b.md": "Second.\r\n", "a/z.md": "First.", "B.txt": "~~x~~", "c-zh.md": "Twin.", "c.md": "Third."})
    assert (
        one(tmp_path)[0].text("sp_actor")
        == "## B.txt\n\n\n\n## z.md\n\nFirst.\n\n## b.md\n\nSecond.\n\n## c-zh.md\n\nTwin.\n\n## c.md\n\nThird."
    )


def test_clean_takes_away_what_only_damages_the_text() -> None:
    assert clean("\ufeffA &lt; B\u200b and cafe\u0301\x07") == "A < B and café"


def test_clean_leaves_out_translated_twins_and_reads_windows_text(tmp_path: Path) -> None:
    written(tmp_path, examinee={"a.md": "English.", "a-zh.md": "Other.", "b-zh.md": "Alone.", "c.md": b"caf\xe9 \x96 hot"})
    packet, reasons = one(tmp_path, mode="clean")
    assert [document.text for document in packet.roles["examinee"]] == ["English.", "Alone.", "café – hot"]
    assert reasons == ("translated_twin:examinee/a-zh.md", "decoded_as_cp1252:examinee/c.md")
    assert len(one(tmp_path, mode="clean", keep_zh=True)[0].roles["examinee"]) == 4


def test_a_document_keeps_the_hash_and_size_of_its_file_in_both_modes(tmp_path: Path) -> None:
    written(tmp_path, examinee={"a.md": "~~x~~Text."})
    both = [one(tmp_path, mode=mode)[0].roles["examinee"][0] for mode in ("compat", "clean")]
    assert both[0].sha256 == both[1].sha256
    assert {document.size for document in both} == {10}


@given(st.text())
def test_no_mode_leaves_trailing_blanks_or_doubled_blank_lines(text: str) -> None:
    for mode in (compat, clean):
        once = mode(text)
        assert all(line == line.rstrip() for line in once.splitlines())
        assert "\n\n\n" not in once
    assert unicodedata.is_normalized("NFC", clean(text))


def test_an_empty_role_compiles_to_nothing() -> None:
    assert compiled(()) == ""


# ---- rubrics -----------------------------------------------------------------------------------------------------------------


def test_items_keep_their_text_their_order_and_a_stable_id(tmp_path: Path) -> None:
    rubric = {**EMPTY, "ICS": ["Greets.  "], "PC": ["Asks **why**", "Asks when"], "case_id": "mededportal_9", "scenario": "scenario1"}
    written(tmp_path, rubric=rubric)
    found = one(tmp_path)[0].rubric
    assert [(item.competency, item.text) for item in found] == [("PC", "Asks **why**"), ("PC", "Asks when"), ("ICS", "Greets.  ")]
    assert found[0].id == item_id("mededportal_9/scenario1", "PC", "Asks **why**")
    assert len({item_id(packet, comp, text) for packet in "ab" for comp in ("PC", "MK") for text in "xy"}) == 8


@pytest.mark.parametrize(
    "text",
    [
        "Failure to place defibrillation pads", "Failed to ask about allergies", "Did not respond to the patient's concerns", "Fails to examine the abdomen",
        "The student does not introduce himself", "Never asked about pain", "Inappropriate dose of adrenaline", "Forgot to check the glucose",
    ],
)  # fmt: skip
def test_a_failing_is_turned_round(text: str) -> None:
    assert statuses(text) == [("inverted", "negative_descriptor")]


@pytest.mark.parametrize(
    "text",
    [
        "Do not apply ice", "Avoided false reassurance", "Did not interrupt one another", "Does not use jargon", "Did not ask leading questions",
        "Did not use accusatory language", "Not monogamous", "Does not discuss the case in front of the family", "Did not avoid questions",
    ],
)  # fmt: skip
def test_a_duty_not_to_do_something_is_not_turned_round(text: str) -> None:
    assert statuses(text)[0][0] == "ok"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("TB", "fragment"), ("*Name*", "fragment"), ("CBC normal", "finding_not_an_act"), ("Maintained good eye contact", "not_observable_in_text"),
        ("Washed her hands", "not_observable_in_text"), ("I felt listened to.", "felt_by_the_patient"), ("Takes part in the debriefing", "debriefing"),
        ("Teamwork, circle one: 1 - poor", "scale_in_one_item"), ("Rate:\n1 - poor\n2 - fair\n3 - good", "scale_in_one_item"),
    ],
)  # fmt: skip
def test_what_a_yes_or_no_about_a_text_does_not_fit_is_left_out(text: str, why: str) -> None:
    assert statuses(text) == [("excluded", why)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Orders an ECG within 10 minutes", "timed"),
        (
            "Listens: a. eye contact and nodding, b. repeats in own words what the patient said and asks whether that is right",
            "partly_not_observable_in_text",
        ),
        ("¿Tiene usted dolor cuando come?", "not_english"),
        ("Asks about pain", ""),
        ("Defibrillate", ""),
    ],
)
def test_a_hint_that_is_not_certain_changes_nothing(text: str, why: str) -> None:
    assert statuses(text) == [("ok", why)]


@pytest.mark.parametrize(
    "steps",
    [
        (
            "Fundamentally inconsistent: lectures",
            "Tells more than it asks",
            "Mixed",
            "Mostly follows the patient",
            "Proficient: follows the patient",
        ),
        ("NOT COMPETENT: cannot do it", "COMPETENT: can do it"),
        ("**Poor** structure", "**Fair** structure", "**Good** structure"),
        ("Lists no cancer 0 points", "Lists one cancer 1 point", "Lists two cancers 2 points"),
    ],
)
def test_steps_of_a_scale_stored_as_items_are_left_out_as_one_group(steps: tuple[str, ...]) -> None:
    found = linted(items("Asks about pain", *steps, "Asks about fever"))
    assert [item.status for item in found] == ["ok", *["excluded"] * len(steps), "ok"]
    assert len({item.group for item in found[1:-1]}) == 1


def test_two_scales_are_two_groups() -> None:
    found = linted(items(*["Poor x", "Fair x", "Good x"], *["Poor y", "Fair y", "Good y"]))
    assert [item.group for item in found] == [found[0].group] * 3 + [found[3].group] * 3
    assert found[0].group != found[3].group


def test_a_single_word_of_a_scale_is_no_scale() -> None:
    assert statuses("Good handover to the nurse", "Asks about pain", "Complete history taken") == [("ok", "")] * 3


def test_branches_that_exclude_one_another_are_one_group() -> None:
    found = linted(items("BP good: give metoprolol", "BP low: shock", "ECG: read it"))
    assert [item.group for item in found] == ["PC.branch.bp", "PC.branch.bp", ""]
    assert {item.status for item in found} == {"ok"}


def test_an_item_that_says_the_same_again_is_left_out() -> None:
    found = linted([*items("Asks about pain."), *items("ASKS ABOUT PAIN", competency="ICS")])
    assert [item.status for item in found] == ["ok", "excluded"]
    assert found[1].why == f"repeats:{found[0].id}"


def test_a_persons_notes_lie_over_the_lints(tmp_path: Path) -> None:
    written(tmp_path, rubric={**EMPTY, "PC": ["TB", "Asks about pain"]})
    first, second = one(tmp_path)[0].rubric
    path = tmp_path / "notes.yaml"
    path.write_text(f"{first.id}: {{status: ok, why: asks about tuberculosis}}\n{second.id}: {{status: excluded}}\n")
    found = one(tmp_path, overlay=path)[0].rubric
    assert [(item.status, item.why) for item in found] == [("ok", "asks about tuberculosis"), ("excluded", "")]
    assert [item.text for item in found] == ["TB", "Asks about pain"]
    path.write_text("0123456789ab: {status: gone}\n")
    with pytest.raises(CaseError, match=r"notes\.yaml:1.*status"):
        read_overlay(path)


RUBRIC = json.loads((EXAMPLE / "rubrics" / "medsim_roofer_scenario1.json").read_text(encoding="utf-8"))


@settings(max_examples=150)
@given(mutants([RUBRIC]) | JSON)
def test_no_mutation_of_a_rubric_raises(tmp_path_factory: pytest.TempPathFactory, held: Any) -> None:
    path = tmp_path_factory.mktemp("rubric") / "a_scenario1.json"
    path.write_text(json.dumps(held))
    found = read(path, "a/scenario1")
    assert found.status in {"ok", "empty", "unreadable", "absent"}
    assert (found.status == "ok") == bool(found.items)
    assert len({item.id for item in found.items}) == len(found.items)


@given(
    st.lists(
        st.text(min_size=1, max_size=80) | st.sampled_from(["Good x", "Poor x", "BP low: y", "Fails to z", "1 point", "TB"]), max_size=12
    )
)
def test_no_text_makes_the_lint_raise_or_name_an_item_that_is_not_there(texts: list[str]) -> None:
    found = items(*texts)
    assert set(lint(found)) <= {item.id for item in found}


@settings(max_examples=60)
@given(st.binary(max_size=200), st.sampled_from(["compat", "clean"]))
def test_no_bytes_in_a_file_stop_the_set(tmp_path_factory: pytest.TempPathFactory, content: bytes, mode: Any) -> None:
    root = tmp_path_factory.mktemp("bytes")
    written(root, "mededportal_1", examinee={"a.md": content}, rubric=content)
    written(root, "mededportal_2")
    packets, rows = load_packets(root, mode=mode)
    assert len(packets) == len(rows) == 2
    assert packets[1].status == "ok"


# ---- scores ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def packet(tmp_path: Path) -> Packet:
    rubric = {
        **EMPTY,
        "PC": ["Asks about pain", "Asks about fever", "Fails to ask about allergies", "Maintained eye contact"],
        "MK": ["BP good: give metoprolol", "BP low: shock"],
    }
    written(tmp_path, rubric=rubric)
    return one(tmp_path)[0]


def judged(packet: Packet, **changes: bool) -> dict[str, Any]:
    """All items false, but for the items whose text begins with a key."""
    return {
        name: {
            item.text: next((value for key, value in changes.items() if item.text.startswith(key.replace("_", " "))), False)
            for item in packet.rubric
            if item.competency == name
        }
        for name in COMPETENCIES
    }


def test_the_raw_score_keeps_the_denominator_of_the_rubric(packet: Packet) -> None:
    found = score(packet, {"PC": {"Asks about pain": True, "Danced": True}, "XX": {"a": True}, "reasoning": ["well"]})
    assert found.raw["overall"] == Tally(1, 6)
    assert found.invented == ("Danced", "XX")
    assert len(found.unjudged) == 5


def test_the_linted_score_turns_leaves_out_and_joins(packet: Packet) -> None:
    found = score(packet, judged(packet, Asks_about_pain=True, BP_low=True))
    assert found.raw["overall"] == Tally(2, 6)
    assert found.linted["PC"] == Tally(2, 3)
    assert found.linted["MK"] == Tally(1, 1)
    assert score(packet, judged(packet, Fails=True)).linted["PC"] == Tally(0, 3)
    assert score(packet, judged(packet, Fails=True)).raw["PC"] == Tally(1, 4)


def test_what_nobody_judged_is_unknown_in_the_linted_score(packet: Packet) -> None:
    found = score(packet, {"PC": {"Asks about pain": True}})
    assert found.linted["PC"] == Tally(1, 3, 2)
    assert (found.linted["PC"].ratio, found.linted["PC"].coverage) == (1.0, pytest.approx(1 / 3))
    assert score(packet, {}).linted["overall"].ratio is None


def test_only_true_counts_as_true(packet: Packet) -> None:
    found = score(packet, {"PC": {"Asks about pain": "yes", "Asks about fever": 1, "Maintained eye contact": None}})
    assert found.raw["overall"].met == 0
    assert len(found.not_boolean) == 3


def test_verdicts_may_come_by_item_id_and_blanks_do_not_matter(packet: Packet) -> None:
    first = packet.rubric[0]
    assert read_verdicts(packet, {first.id: True}).given == {first.id: True}
    assert read_verdicts(packet, {"PC": {"Asks  about\npain": True}}).given == {first.id: True}
    assert read_verdicts(packet, {"PC": {"asked about pain": True}}).invented == ("asked about pain",)


@given(st.data())
def test_a_score_never_leaves_its_bounds(data: st.DataObject) -> None:
    packet = load_packets(EXAMPLE)[0][0]
    verdicts = {item.id: data.draw(st.booleans()) for item in packet.rubric if data.draw(st.booleans())}
    for tally in (*score(packet, verdicts).raw.values(), *score(packet, verdicts).linted.values()):
        assert 0 <= tally.met <= tally.total - tally.unknown
        assert tally.ratio is None or 0 <= tally.ratio <= 1


def test_rates_are_the_long_table_of_the_set(packet: Packet, tmp_path: Path) -> None:
    scores = [score(packet, judged(packet, Asks_about_pain=True)), score(packet, judged(packet, Asks=True, BP=True))]
    rows = rates(scores, examinee="me")
    assert rows[0] == dict(zip(COLUMNS, ("me", "overall", 2, 2, 12, 5, 0.4167, 0.4167), strict=True))
    assert rows[3] == dict(zip(COLUMNS, ("me", "SBP", 2, 0, 0, 0, 0.0, 0.0), strict=True))
    write_rates(tmp_path / "rates.csv", rows)
    with (tmp_path / "rates.csv").open(encoding="utf-8", newline="") as file:
        assert [row["dimension"] for row in csv.DictReader(file)] == ["overall", *COMPETENCIES]


def test_the_exported_result_has_the_original_form_and_every_item_once(packet: Packet) -> None:
    found = result(packet, {"PC": {"Asks about pain": True, "Danced": True}}, judge="me", reasoning=["r"], at="2026-01-01T00:00:00+00:00")
    assert list(found)[:7] == ["reasoning", *COMPETENCIES]
    assert {text: verdict for name in COMPETENCIES for text, verdict in found[name].items()} == {
        item.text: item.text == "Asks about pain" for item in packet.rubric
    }
    assert found["_score_summary"] == {"completed_items": 1, "total_items": 6, "false_items": 5, "completion_ratio": pytest.approx(1 / 6)}
    assert (found["_rubric_case_id"], found["_rubric_scenario"], found["_judge_model"]) == ("mededportal_9", "scenario1", "me")
    assert score(packet, json.loads(json.dumps(found))).raw == score(packet, {"PC": {"Asks about pain": True}}).raw


# ---- old runs ----------------------------------------------------------------------------------------------------------------

RUN: dict[str, Any] = {
    "run_manifest.json": {"case_id": "mededportal_9", "scenario_id": "scenario1", "models": {"examinee": "m1", "evaluator": "m2"}},
    "run_models.json": {"models": {"examinee": "m1"}},
    "transcript.json": [{"role": "system", "content": "Started."}, {"role": "examinee", "content": "Hello."}],
    "turns.json": [
        {"turn_index": 1, "phase_id": "second", "examinee_speak": "Hello.", "examinee_actions": ["Obtain vitals"], "sp_speak": ["Hi."],
         "environment_feedback": ["HR 90"], "environment_events": []},
        {"turn_index": 2, "phase_id": "second", "examinee_speak": "", "examinee_actions": [], "sp_speak": "Oh.", "environment_feedback": [],
         "environment_events": ["He falls asleep"]},
    ],
    "action_history.json": [{"raw": "Obtain vitals", "canonical_id": "vitals", "status": "executed", "rationale": ""}],
    "final_evaluation.json": {"PC": {"Asks about pain": False}},
    RESULT: {"PC": {"Asks about pain": True}},
    "agent_logs/examinee_calls.json": [{"raw_output": "{}"}],
}  # fmt: skip


def ran(root: Path, files: dict[str, Any], stamp: str = "20260101_120000") -> Path:
    place = root / "mededportal_9" / "scenario1" / stamp
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return place


def test_a_run_is_read_with_its_turns_its_models_and_its_verdicts(tmp_path: Path) -> None:
    ran(tmp_path / "runs", RUN)
    runs, rows = load_runs(tmp_path / "runs")
    run = runs[0]
    assert (run.packet, run.stamp, run.status, run.models["examinee"]) == ("mededportal_9/scenario1", "20260101_120000", "ok", "m1")
    assert [(turn.stage, turn.stage_after) for turn in run.turns] == [("initial_assessment", "second"), ("second", "second")]
    assert run.turns[0].actions == ("Obtain vitals",)
    assert run.turns[1].patient == ("Oh.",)
    assert run.actions[0].understood == "vitals"
    assert run.calls == {"examinee": ({"raw_output": "{}"},)}
    assert rows[0][1:] == ("imported", "mededportal_9/scenario1/20260101_120000", ())


def test_a_run_is_scored_again_by_the_verdicts_of_the_frozen_rubric(tmp_path: Path) -> None:
    written(tmp_path / "data")
    written(tmp_path / "data", scenario="scenario2")
    ran(tmp_path / "runs", RUN)
    packets = load_packets(tmp_path / "data")[0]
    run = load_runs(tmp_path / "runs")[0][0]
    assert run.score(packets[0]).raw["overall"] == Tally(1, 1)
    with pytest.raises(CaseError, match="not of mededportal_9/scenario2"):
        run.score(packets[1])


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "missing:turns.json"),
        ({**RUN, "turns.json": "[{"}, "not_json:turns.json"),
        ({name: held for name, held in RUN.items() if "final" not in name}, "not_judged"),
    ],
)
def test_a_run_that_broke_off_says_what_it_lacks(tmp_path: Path, files: dict[str, Any], problem: str) -> None:
    ran(tmp_path, files)
    runs, rows = load_runs(tmp_path)
    assert runs[0].status == "incomplete"
    assert runs[0].packet == "mededportal_9/scenario1"
    assert problem in rows[0].reasons
    assert rows[0].status == "flagged"


def test_runs_inside_the_data_are_found_and_come_in_order(tmp_path: Path) -> None:
    place = written(tmp_path)
    for stamp in ("20260102_000000", "20260101_000000"):
        ran(place / "runs", RUN, stamp)
    assert [run.stamp for run in load_runs(tmp_path)[0]] == ["20260101_000000", "20260102_000000"]
    with pytest.raises(CaseError, match="no such folder"):
        load_runs(tmp_path / "none")


@settings(max_examples=80)
@given(mutants([RUN]))
def test_no_mutation_of_a_run_raises(tmp_path_factory: pytest.TempPathFactory, files: dict[str, Any]) -> None:
    root = tmp_path_factory.mktemp("run")
    ran(root, {name: json.dumps(held) for name, held in files.items()})
    runs, rows = load_runs(root)
    assert len(runs) == len(rows) == 1
    packet = load_packets(EXAMPLE)[0][0]
    score(packet, runs[0].frozen)


# ---- the real rubrics --------------------------------------------------------------------------------------------------------


@needs_data
def test_the_published_rubrics_give_the_published_numbers() -> None:
    found = load_rubrics(SHARED / "rubrics")
    subset = set(read_subset(SHARED / "subset.json"))
    assert len(subset) == 100
    assert sum(len(found[name].items) for name in subset) == 1_321
    assert {name: sum(item.competency == name for read in found.values() for item in read.items) for name in COMPETENCIES} == {
        "PC": 628, "ICS": 372, "SBP": 143, "MK": 126, "PROF": 38, "PBLI": 14,
    }  # fmt: skip
    assert sorted(read.status for name, read in found.items() if name not in subset) == ["absent", "empty", "empty", "empty"]
    assert {name for name, read in found.items() if read.problems} == {"mep_2374-8265.11256-s001/scenario3"}
    assert all(origin(name.split("/")[0]).doi for name in found)
    assert len({item.id for read in found.values() for item in read.items}) == 1_321


@needs_data
def test_every_published_rubric_has_a_row_although_no_packet_is_there(tmp_path: Path) -> None:
    packets, rows = load_packets(tmp_path, rubrics=SHARED / "rubrics")
    assert packets == []
    assert len(rows) == 104
    assert {row.reasons[0] for row in rows} == {"no_packet"}
