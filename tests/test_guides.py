"""The guides: every step of the first case is carried out as it is printed, the page for clinicians is true, the index is current."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from medsim import case as case_module
from medsim import library
from medsim.case import Case
from medsim.cli import main
from medsim.cli.authoring import QUESTIONS
from medsim.cli.catalogue import index_page
from medsim.consult import Consult
from medsim.lint import lint
from medsim.patient.scripted import ScriptedPatient

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FIRST, CLINICIANS, INDEX = DOCS / "first-case.md", DOCS / "for-clinicians.md", DOCS / "cases.md"
BLOCK = re.compile(r"(?:<!-- (\w+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
FILE = Path("restless-man.yaml")


def blocks(path: Path) -> list[tuple[str, str]]:
    """(what it is, text) of every block: find, write, sh, text, output, console."""
    return [(tag or kind, text) for tag, kind, text in BLOCK.findall(path.read_text(encoding="utf-8"))]


def carried_out(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str]]:
    """Follow the guide in this folder; return (kind, what it prints according to the guide, what it printed) of each step."""
    found, wanted, printed, beside = [], "", "", ""
    for kind, text in blocks(FIRST):
        if kind == "sh":
            main(shlex.split(text.replace("\\\n", " "))[1:])
            said = capsys.readouterr()
            printed, beside = said.out, said.err
        elif kind == "find":
            wanted = text
        elif kind == "write":
            held = FILE.read_text()
            assert held.count(wanted) == 1, f"not there once: {wanted}"
            FILE.write_text(held.replace(wanted, text))
        elif kind in {"text", "output"}:
            found.append((kind, text, printed if kind == "text" else printed + beside))
    return found


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[Case, list[tuple[str, str, str]]]:
    monkeypatch.chdir(tmp_path)
    steps = carried_out(capsys)
    return case_module.load(FILE), steps


def about(text: str) -> str:
    """A text without what follows from how well the patient hears on that day: the score of the doctor who does everything."""
    return re.sub(r"shotgun -?\d\.\d\d", "shotgun", text)


def test_the_guide_prints_what_it_says_and_ends_with_a_sound_case(written: tuple[Case, list[tuple[str, str, str]]]) -> None:
    case, steps = written
    assert [kind for kind, *_ in steps] == ["text"] * 7 + ["output"] * 2
    for kind, says, printed in steps:
        if kind == "text":
            assert about(printed) == about(says)
        else:  # the layout follows the terminal: the first words and the score of each row are held
            rows = {tuple(line.split()[:2]) for line in printed.splitlines()}
            assert {tuple(line.split()[:2]) for line in says.splitlines()} <= rows
    findings, report = lint(case)
    assert findings == []
    assert report is not None
    assert report.golden.raw == 1.0


def test_the_talk_in_the_guide_is_what_this_patient_says(written: tuple[Case, list[tuple[str, str, str]]]) -> None:
    talk = next(text for kind, text in blocks(FIRST) if kind == "console" and "doctor>" in text)
    case, _ = written
    consult, patient = Consult(case, seed=0), ScriptedPatient(case.brief())
    consult.play("hello, I am Dr Lee. What is the matter?", patient)
    turns = re.findall(r"doctor> (.+)\n(?:Walter: \"(.+)\"|Finding: (.+))", talk)
    authored, held = case_module.dumps(case).replace("''", "'"), 0
    for said, reply, finding in turns:
        heard = " ".join(event.text for event in consult.play(said, patient))
        if (reply or finding).split(": ")[-1] in authored:  # small talk has several wordings, chance chooses
            assert (reply or finding) in heard
            held += 1
    assert (len(turns), held) == (4, 3)


def test_the_number_of_questions_is_the_one_told() -> None:
    assert len(QUESTIONS) == 22
    assert "asks 21 things" in " ".join(FIRST.read_text().split())  # the id is taken from the file's name
    assert "21 questions" in CLINICIANS.read_text()


def test_what_clinicians_are_told_to_write_is_understood() -> None:
    case = case_module.load(library.shipped_cases()["winter-cough"])
    consult, patient = Consult(case, seed=0), ScriptedPatient(case.brief())
    rows = re.findall(r"^\| `(.+?)`(?: or `(.+?)`)? \|", CLINICIANS.read_text(), re.MULTILINE)
    assert len(rows) == 12
    for turn in (turn for row in rows for turn in row if turn):
        if turn == "wait: result":
            consult.play("order: chest x-ray", patient)
        kinds = {event.kind for event in consult.play(turn, patient)}
        assert not kinds & {"unclear", "refused"}, turn
    assert consult.over


@pytest.mark.parametrize("path", [FIRST, CLINICIANS], ids=lambda path: path.name)
def test_links_of_the_guides_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert targets
    for target in targets:
        assert (DOCS / target).exists(), target


def test_the_index_page_is_current() -> None:
    assert INDEX.read_text(encoding="utf-8") == index_page(), "cases changed: medsim cases index --to docs/cases.md"


def test_the_index_names_every_case_and_no_diagnosis() -> None:
    page = index_page()
    for name, path in library.shipped_cases().items():
        case = case_module.load(path)
        assert f"`{name}`" in page
        assert case.outcome.diagnosis.name.lower() not in page.lower()


def test_the_index_of_an_own_pack_is_written_or_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = library.shipped_cases()["winter-cough"].read_text(encoding="utf-8")
    title = 'title: "It has gone right down onto my chest"'
    assert title in text
    (tmp_path / "one.yaml").write_text(text.replace(title, 'title: "a | b <b> [x](y)"'), encoding="utf-8")
    assert main(["cases", "index", "--pack", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert r"a \| b \<b\> \[x\](y)" in printed
    assert main(["cases", "index", "--pack", str(tmp_path), "--to", str(tmp_path / "sub" / "page.md")]) == 0
    assert (tmp_path / "sub" / "page.md").read_text(encoding="utf-8") == printed
    assert main(["cases", "index", "--to", str(tmp_path)]) == 2
    assert "cannot be written" in capsys.readouterr().err
