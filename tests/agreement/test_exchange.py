"""Labels by CSV: what is written comes back, and a wrong line stores nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from medsim.agreement import labels_of, sheet
from medsim.agreement.exchange import export, read
from medsim.agreement.spreadsheet import records
from medsim.cli import main
from medsim.errors import StoreError
from tests.agreement.conftest import CASES, Ward, truth

HEAD = "trajectory,item,verdict,rater,evidence,comment\n"


def label(ward: Ward, path: Path, *more: str) -> int:
    rubric = path.parent / "talk.yaml"
    rubric.write_text(str_of(ward))
    words = ["label", "r", "--rubric", str(rubric), "--store", str(ward.store.path), "--cases", *ward.places]
    return main([*words, *more])


def str_of(ward: Ward) -> str:
    import json

    return json.dumps(ward.rubric.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_what_is_written_comes_back(ward: Ward, tmp_path: Path) -> None:
    given = ward.people("ann", truth, cases=2)
    ward.people("ben", truth, cases=1)
    nasty = given[0]._replace(comment='=HYPERLINK("x"), said "é"\n\'quoted', evidence=(1, 3), rater="-ben")
    labels = [*labels_of(ward.store, ward.known), nasty]
    path = tmp_path / "labels.csv"
    assert export(path, labels) == len(labels)
    back = read(path, known=ward.known, store=ward.store)
    assert (back.faults, back.empty) == ([], 0)
    assert sorted(back.labels) == sorted(labels)
    with open(path, encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and cell], "no cell is a formula"


def test_a_sheet_to_fill_in_has_a_line_for_each_open_item_in_the_raters_order(ward: Ward, tmp_path: Path) -> None:
    ward.people("ann", truth, cases=1)
    tasks = sheet(ward.known, rater="ann", judged=True)
    path = tmp_path / "sheet.csv"
    export(path, [one for one in labels_of(ward.store, ward.known) if one.rater == "ann"], tasks=tasks, rater="ann")
    rows = [row for _, row in records(path, needed=("trajectory", "item", "verdict"), allowed=("rater", "evidence", "comment"))]
    assert len(rows) == 2 * CASES * 5
    open_ones = [(row["trajectory"], row["item"]) for row in rows if not row["verdict"]]
    done = {(row["trajectory"], row["item"]) for row in rows if row["verdict"]}
    assert open_ones == [task.key for task in tasks if task.key not in done]
    assert read(path, known=ward.known, store=ward.store).empty == len(open_ones)


def test_every_wrong_line_is_told_and_nothing_is_stored(ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = ward.known[0].trajectory
    path = tmp_path / "labels.csv"
    lines = [
        f"{name},plans,met,ann,,fine", f"{name},plan,met,ann,,", "zzzz,plans,met,ann,,", f"{name},rude,yes,ann,,", f"{name},rude,met,,,",
        f"{name},rude,met,ann,9999,", f"{name},rude,met,ann,x,", f"{name},plans,unmet,ann,,", f"{name},greets,,ann,,",
    ]  # fmt: skip
    path.write_text(HEAD + "\n".join(lines) + "\n")
    assert label(ward, path, "--from", str(path)) == 2
    told = capsys.readouterr().err
    for words in ("line 3: no item 'plan'", "Did you mean 'plans'", "line 4: no trajectory 'zzzz'", "line 5: no verdict 'yes'",
                  "line 6: the rater is missing", "line 7: evidence 9999: the encounter has events 0 to", "line 8: evidence 'x'",
                  "line 9: ann has labelled item 'plans'", "Nothing was stored"):  # fmt: skip
        assert words in told
    assert "line 2" not in told
    assert "line 10" not in told
    assert labels_of(ward.store, ward.known) == []
    assert label(ward, path, "--from", str(path), "--skip-bad", "--json") == 0
    told = capsys.readouterr()
    assert '"skipped": 7' in told.out
    assert "7 lines were left out" in told.err
    assert [(one.item, one.verdict, one.comment) for one in labels_of(ward.store, ward.known)] == [("plans", "met", "fine")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "columns"),
        ("a,b,c\n1,2,3\n", "columns"),
        ("trajectory,item,verdicts\nx,y,met\n", "Did you mean 'verdict'"),
        (HEAD + 'x,"y,met\n', "CSV"),
        (HEAD + "x,y,met,ann,,,,,,\n", "cells"),
    ],
)
def test_a_file_of_another_shape_gives_a_sentence(ward: Ward, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(StoreError, match=said):
        read(path, known=ward.known, store=ward.store)


def test_bytes_that_are_no_text_and_files_that_are_not_there_give_a_sentence(ward: Ward, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(HEAD.encode() + b"\xff\xfe\x00")
    with pytest.raises(StoreError, match="line 2: not UTF-8"):
        read(path, known=ward.known, store=ward.store)
    with pytest.raises(StoreError, match="cannot be read"):
        read(tmp_path / "none.csv", known=ward.known, store=ward.store)


def test_semicolons_and_windows_line_ends_are_read(ward: Ward, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    name = ward.known[0].trajectory
    path.write_bytes(f"\ufefftrajectory;item;verdict\r\n{name};plans;not met\r\n\r\n{name[:8]};rude;n/a\r\n".encode())
    found = read(path, known=ward.known, store=ward.store, rater="ann")
    assert [(one.item, one.verdict) for one in found.labels] == [("plans", "unmet"), ("rude", "na")]


def test_a_hostile_cell_does_not_reach_the_terminal_raw(ward: Ward, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEAD + "\x1b[31mx,\u202ey,met,ann,,\n")
    assert label(ward, path, "--from", str(path)) == 2
    told = capsys.readouterr().err
    assert "line 2" in told
    assert "\x1b" not in told
    assert "\u202e" not in told


def test_the_database_is_not_written_over(ward: Ward, tmp_path: Path) -> None:
    assert label(ward, tmp_path / "x.csv", "--to", str(ward.store.path)) == 2
    assert ward.store.rows()
