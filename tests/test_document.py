"""Files from strangers: plain data, or an error with file, line and what to write instead."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim import case as case_module
from medsim import document, library
from medsim.case import Case
from medsim.errors import CaseError
from tests.conftest import DATA

GOOD = (DATA / "mini.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\non: 2\n", r"<text>:2:1: key 'on' reads as true or false"),
        ("a: yes\n", r"<text>:1:4: 'yes' reads as true or false"),
        ("a: 1\na: 2\n", r"<text>:2:1: key 'a' stands twice"),
        ("a: &x 1\nb: *x\n", r"<text>:1:4: anchor '&x' is not allowed"),
        ("a: !!python/object/apply:os.system ['true']\n", r"tag .* is not allowed"),
        ("a: !custom 1\n", r"tag '!custom' is not allowed"),
        ("a: [1\n", r"not valid YAML"),
        ("a: b: c\n", r"<text>:1:5: not valid YAML"),
        ("", r"empty"),
        ("- 1\n", r"mapping was expected"),
        ("a: \x07bell\n", r"control character U\+0007"),
        ("[" * 40 + "]" * 40, r"nested deeper"),
        ("? [a]\n: 1\n", r"key must be plain text"),
    ],
)
def test_what_is_not_plain_data_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(CaseError, match=says):
        document.validate(document.parse(text), Case)


def test_aliases_that_explode_are_refused_at_once() -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    start = time.perf_counter()
    with pytest.raises(CaseError, match="anchor"):
        document.parse(bomb)
    assert time.perf_counter() - start < 2


def test_large_binary_and_missing_files_are_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("a: " + "x" * 600_000)
    with pytest.raises(CaseError, match="bytes"):
        case_module.load(large)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"a: \xff\xfe")
    with pytest.raises(CaseError, match="not UTF-8"):
        case_module.load(binary)
    with pytest.raises(CaseError, match="cannot be read"):
        case_module.load(tmp_path / "none.yaml")
    with pytest.raises(CaseError, match="cannot be read"):
        case_module.load(tmp_path)


def test_plain_scalars_are_read_as_yaml_12() -> None:
    data = document.parse('a: true\nb: 12:30\nc: 2026-01-02\nd: 1.5\ne: "1"\nf: null\ng: 007\n').data
    assert data == {"a": True, "b": "12:30", "c": "2026-01-02", "d": 1.5, "e": "1", "f": None, "g": "007"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("talkativeness: 3", "talkativness: 3", r"Did you mean 'talkativeness'"),
        ("after: 2m}", "after: 2}", r"needs a unit"),
        ("to: shock", "to: shok", r"no state 'shok'. Did you mean 'shock'"),
        ("id: site,", "id: onset,", r"fact id 'onset' stands twice"),
        ("pred: {did: {code: ecg12}, within: 10m}", "pred: {dit: {code: ecg12}}", r"Did you mean 'did'"),
        ("pred: {did: {code: ecg12}, within: 10m}", "pred: {did: {code: ecg12}, all: []}", r"one predicate has one operator"),
        ("needs: {trust: 4, heard: [talk.confidential]}, ", "", r"must say what it needs"),
        ("critical: cap, cap: 0.3", "critical: cap", r"belong together"),
        ("doses: {dose_mg: [162, 325]", "doses: {dose_mg: [325, 162]", r"lower bound comes first"),
        ("version: 1.0.0", "", r"'version' is missing"),
        ("sex: female", "sex: femal", r"female"),
        ("initial: ill", "initial: well", r"no state 'well'"),
    ],
)
def test_an_authors_slip_is_answered_with_line_and_remedy(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(CaseError, match=says) as caught:
        case_module.loads(GOOD.replace(old, new, 1), "bad.yaml")
    assert "bad.yaml:" in str(caught.value)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.png", "a/../../x.png", "C:\\x.png", "~/x"])
def test_media_stays_inside_its_folder(path: str) -> None:
    text = GOOD.replace("initial: ill", f"media: [{{id: pic, path: '{path}', text: x}}]\ninitial: ill")
    with pytest.raises(CaseError, match="must stay inside"):
        case_module.loads(text)


def test_a_case_written_out_reads_back_equal(mini: Case) -> None:
    assert case_module.loads(case_module.dumps(mini)) == mini
    assert case_module.loads(case_module.dumps(mini)).hash == mini.hash


def test_every_shipped_case_writes_and_reads_back_equal() -> None:
    for path in library.pack_files("starter"):
        loaded = case_module.load(path)
        assert case_module.loads(case_module.dumps(loaded)) == loaded


def test_the_hash_follows_content(mini: Case) -> None:
    assert case_module.loads(GOOD).hash == mini.hash
    assert case_module.loads(GOOD.replace("Ten a day", "Twenty a day")).hash != mini.hash


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused_but_never_crashes(text: str) -> None:
    with contextlib.suppress(CaseError):
        assert isinstance(document.validate(document.parse(text), Case), Case)


@given(st.integers(0, len(GOOD) - 1), st.text(max_size=4))
def test_a_damaged_case_is_read_or_refused_but_never_crashes(at: int, patch: str) -> None:
    with contextlib.suppress(CaseError):
        assert isinstance(case_module.loads(GOOD[:at] + patch + GOOD[at + 1 :]), Case)


def test_unknown_packs_and_files_are_answered_with_the_nearest() -> None:
    with pytest.raises(CaseError, match="Did you mean 'starter'"):
        library.pack_files("startr")
    with pytest.raises(CaseError, match="Did you mean 'history'"):
        library.find("rubrics", "histori")


def test_a_pack_does_not_follow_links_out_of_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(GOOD)
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "mini.yaml").write_text(GOOD)
    (pack / "link.yaml").symlink_to(outside)
    assert [path.name for path in library.pack_files(pack)] == ["mini.yaml"]
