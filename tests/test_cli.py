"""The command line as a stranger would type it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from rich.console import Console

from medsim.cli import main
from medsim.cli.playing import slip
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


def run(*words: str) -> int:
    try:
        return main(list(words))
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.fixture
def store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    path = str(tmp_path / "r.db")
    assert run("run", "--cases", MINI, "--agents", "golden,inert", "--store", path, "--run", "r") == 0
    capsys.readouterr()
    return path


def test_cases_lists_filters_and_speaks_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cases", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert len(listed) >= 6
    assert run("cases", "--setting", "clinic", "--json") == 0
    clinic = json.loads(capsys.readouterr().out)
    assert 0 < len(clinic) < len(listed)
    assert all(row["setting"] == "clinic" for row in clinic)


def test_cases_show_gives_the_door_note_and_the_truth_only_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cases", "show", MINI) == 0
    out = capsys.readouterr().out
    assert "64-year-old woman" in out
    assert "STEMI" not in out
    assert run("cases", "show", MINI, "--truth") == 0
    assert "STEMI" in capsys.readouterr().out


def test_cases_schema_is_a_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("cases", "schema") == 0
    assert "properties" in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["cases", "show", "winter-cogh"], "Did you mean 'winter-cough'"),
        (["run", "--agents", "goldn"], "Did you mean 'golden'"),
        (["run", "--env", "Consult-v1"], "Did you mean 'Consult-v0'"),
        (["rnu"], "Did you mean 'run'"),
        (["run", "--trials", "0"], "at least 1"),
        (["show", "abc", "--store", "/nowhere/x.db"], "No database"),
        (["cases", "show"], "Which case"),
        (["score", "--rubric", "comunication"], "What is to be scored"),
        (["import", "agentclinc", "x"], "Did you mean 'agentclinic'"),
        (["lint", "/nowhere"], "No case pack"),
        (["run", "--agents", ","], "No agent"),
        (["run", "--agnets", "golden"], "Did you mean '--agents'"),
        (["run", "--trials", "99999999999"], "at most"),
        (["run", "--trials", "many"], "invalid int value"),
        ([], "a verb was expected"),
        (["cases", "shwo"], "Did you mean 'show'"),
        (["cases", "winter-cough"], "medsim cases show winter-cough"),
        (["cases", "--specialty", "cardiolgy"], "Did you mean 'cardiology'"),
        (["cases", "--setting", "moon"], "setting: clinic, ed"),
        (["run", "--store", ""], "is empty"),
        (["run", "--cases", "winter-cough,chest-vice"], "--cases winter-cough --cases chest-vice"),
        (["lint", "--foo"], "no option '--foo'"),
        (["lint", "--no-gtes"], "Did you mean '--no-gates'"),
        (["lint", "--no-g"], "arguments are required: path"),
        (["import", "medsp1000-run", "x"], "Did you mean 'medsp1000-runs'"),
        (["import", "foo", "x"], "Known: agentclinic, mediq, medsp1000, medsp1000-runs."),
        (["bench", "inquiry", "trap", "--turns", "0"], "--turns must be at least 1, given 0"),
        (["bench", "inquiry", "trap", "--learned", "ppo", "--seconds", "0"], "--seconds must be more than 0, given 0"),
        (["bench", "inquiry", "trap", "--learned", "ppo", "--seconds", "nan"], "--seconds must be more than 0, given nan"),
    ],
)
def test_wrong_input_gets_a_clear_sentence_and_exit_code_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err


def test_run_prints_a_table_and_where_things_are(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(tmp_path / "r.db")
    assert run("run", "--cases", MINI, "--agents", "golden,inert", "--store", path) == 0
    captured = capsys.readouterr()
    assert "golden" in captured.out
    assert all(heading in captured.out for heading in ("score", "interval", "passed", "critical", "turns", "sim.", "cost $", "coverage"))
    assert path in captured.out


def test_run_speaks_json_only_on_stdout(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("run", "--cases", MINI, "--agents", "golden", "--store", str(tmp_path / "r.db"), "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["summaries"][0]["agent"] == "golden"


def test_failed_encounters_give_exit_code_1(tmp_path: Path) -> None:
    assert run("run", "--cases", MINI, "--agents", "tests.test_evaluate:Fails", "--trials", "2", "--store", str(tmp_path / "r.db")) == 1


def test_show_lists_and_shows_one(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--store", store, "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["agent"] for row in listed] == ["golden", "inert"]
    assert run("show", listed[0]["id"], "--store", store) == 0
    out = capsys.readouterr().out
    assert "12-lead ECG" in out
    assert "✓ met" in out
    assert "(state)" not in out


def test_replay_checks_that_the_trajectory_is_identical(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    run("show", "--store", store, "--json")
    first = json.loads(capsys.readouterr().out)[0]["id"]
    assert run("replay", first, "--store", store, "--cases", MINI) == 0
    assert "identical" in capsys.readouterr().err


def test_score_adds_a_score_by_another_rubric(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("score", "--run", "r", "--rubric", "history", "--store", store, "--cases", MINI, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["added"] for row in rows] == [True, True]
    assert run("score", "--run", "r", "--rubric", "communication", "--store", store, "--cases", MINI, "--json") == 0
    unscored = json.loads(capsys.readouterr().out)
    assert all(row["score"] is None and row["coverage"] == 0 for row in unscored), (
        "without a judge nothing is decided, and nothing becomes 0"
    )


def test_export_writes_one_json_object_a_line(store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("export", "--store", store) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["agent"] for line in lines] == ["golden", "inert"]
    assert json.loads(lines[0])["scores"][0]["items"]


def test_files_are_written_into_folders_that_are_made_for_them(store: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run("show", "--store", store, "--json")
    first = json.loads(capsys.readouterr().out)[0]["id"]
    one = ["show", first, "--store", store, "--cases", MINI]
    wanted = {
        "a": [*one, "--html"],
        "b": [*one, "--text"],
        "c": ["export", "--store", store, "--out"],
        "d": ["report", "r", "--store", store, "--cases", MINI, "--to"],
    }
    for name, words in wanted.items():
        assert run(*words, str(tmp_path / name / "new" / "file")) == 0
        assert (tmp_path / name / "new" / "file").stat().st_size > 100
    in_the_way = tmp_path / "a" / "new" / "file"
    for words in wanted.values():
        assert run(*words, str(in_the_way / "x")) == 2
        assert "cannot be written" in capsys.readouterr().err


def test_lint_names_a_broken_file_above_and_at_each_place_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("schema: medsim.case/1\nid: x\n")
    assert run("lint", str(path)) == 1
    head, first, second, *_ = capsys.readouterr().out.splitlines()
    assert head == f"{path}: 1 error"
    assert first == f"  error   cannot-load: {path}:1:1: version: 'version' is missing"
    assert second == f"          {path}:1:1: title: 'title' is missing"


def test_old_runs_from_an_empty_folder_make_no_run_and_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "old" / "case" / "scenario").mkdir(parents=True)
    assert run("import", "medsp1000-runs", str(tmp_path / "old"), "--store", str(tmp_path / "r.db")) == 2
    assert "no run in it" in capsys.readouterr().err
    assert not (tmp_path / "r.db").exists()


def test_a_bundle_that_is_no_text_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "chart.json"
    path.write_bytes(b"\x9f\x00\xff")
    assert run("serve", "fhir", "--bundle", str(path)) == 2
    told = capsys.readouterr().err
    assert "chart.json: byte 0x9F is not UTF-8 text. A FHIR Bundle as JSON was expected." in told
    assert "codec" not in told


def test_a_path_with_a_comma_is_one_place(tmp_path: Path) -> None:
    place = tmp_path / "one, two"
    place.mkdir()
    (place / "mini.yaml").write_text((DATA / "mini.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert run("run", "--cases", str(place), "--agents", "inert", "--store", str(tmp_path / "r.db"), "--quiet") == 0


def test_lint_of_a_good_case_is_silent_and_of_a_bad_one_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lint", MINI, "--no-gates") == 0
    bad = tmp_path / "bad.yaml"
    text = (DATA / "mini.yaml").read_text().replace("tier: volunteer", "teir: volunteer")
    line = text[: text.index("teir")].count("\n") + 1
    bad.write_text(text)
    assert run("lint", str(bad)) == 1
    out = capsys.readouterr().out
    assert "Did you mean 'tier'" in out
    assert f"bad.yaml:{line}:" in out


def test_play_reads_turns_from_a_pipe_and_stores_them(tmp_path: Path) -> None:
    turns = "hello, what brings you in?\norder: ecg\nhelp\nwait: result\ndiagnose: inferior stemi\nend:\n"
    command = [sys.executable, "-m", "medsim", "play", MINI, "--store", str(tmp_path / "p.db"), "--name", "ann"]
    done = subprocess.run(command, input=turns, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "It's my chest" in done.stdout
    assert "ST elevation" in done.stdout
    shown = subprocess.run(
        [*command[:3], "show", "--store", str(tmp_path / "p.db"), "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(shown.stdout)[0]["agent"] == "human:ann"


def test_help_is_short_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("cases", "lint", "run", "play", "show", "replay", "score", "import", "export"):
        assert run(verb, "--help") == 0
        out = capsys.readouterr().out
        assert "example" in out
        assert len(out.splitlines()) < 60
    assert run("--help") == 0
    assert "not for care" in capsys.readouterr().out


def test_importing_medsim_pulls_in_nothing_heavy() -> None:
    code = "import sys, medsim, medsim.cli; medsim.cli.parser(); bad = {'litellm', 'fhir', 'torch', 'sqlalchemy', 'rich'} & set(sys.modules); print(sorted(bad)); sys.exit(bool(bad))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_scripted_run_never_imports_a_model_library(tmp_path: Path) -> None:
    code = (
        f"import sys; from medsim.cli import main; main(['run','--cases',{MINI!r},'--agents','golden','--store',{str(tmp_path / 'x.db')!r}]); "
        "sys.exit(bool({'litellm', 'fhir', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("verb", [["show"], ["export"], ["score", "--rubric", "history"]])
def test_a_run_that_is_not_there_is_answered_with_the_nearest(verb: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "r.db")
    assert run("run", "--cases", MINI, "--agents", "inert", "--store", path, "--run", "monday") == 0
    capsys.readouterr()
    assert run(*verb, "--run", "mondya", "--store", path) == 2
    assert "Did you mean 'monday'" in capsys.readouterr().err


def test_show_lists_the_newest_and_says_how_to_see_all(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--store", store, "--limit", "1") == 0
    captured = capsys.readouterr()
    assert "inert" in captured.out
    assert "golden" not in captured.out
    assert "--limit 0" in captured.err


HOSTILE = r"\e[31mRED\e]0;title\a \u202eright\u2066 \x9b2J \u200b [bold]x[/bold] [/] [link=http://x]y[/link] \U000E0041 \u2028 \r\b"


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    """The small case, each of its texts full of what steers or deceives a terminal."""
    text = (DATA / "mini.yaml").read_text()
    text = re.sub(r'(?<![a-z_])(say|text|appear|refusal|_): "[^"]*"', lambda found: f'{found[1]}: "{HOSTILE}"', text)
    text = re.sub(r"^( *)(title|door_note|opening): [^{].*$", lambda found: f'{found[1]}{found[2]}: "{HOSTILE}"', text, flags=re.MULTILINE)
    path = tmp_path / "hostile.yaml"
    path.write_text(text)
    assert text.count("u202e") > 20
    return str(path)


def steering(text: str) -> set[str]:
    return {
        hex(ord(letter)) for letter in text if letter != "\n" and unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
    }


def test_a_case_with_hidden_characters_is_refused(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("play", hostile) == 2
    assert "hidden character U+001B" in capsys.readouterr().err


def test_even_such_a_case_would_write_no_codes_to_the_terminal(
    hostile: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medsim.document._HIDDEN", re.compile("(?!)"))
    path = str(tmp_path / "h.db")
    run("run", "--cases", hostile, "--agents", "golden", "--store", path, "--json")
    name = Store(path).rows()[0]["id"]
    assert steering(Store(path).load(name).to_json()), "the store keeps the text as it came"
    one = ["--store", path, "--cases", hostile]
    for words in (
        ["cases", "show", hostile], ["cases", "show", hostile, "--truth"], ["cases", "show", hostile, "--json"], ["cases", "--pack", hostile],
        ["cases", "--pack", hostile, "--json"], ["lint", hostile, "--no-gates"], ["lint", hostile, "--no-gates", "--json"], ["show", name, "--truth", *one],
        ["show", name, "--json", *one], ["replay", name, *one], ["export", "--store", path], ["show", "\x1b[31m", *one],
    ):  # fmt: skip
        run(*words)
        captured = capsys.readouterr()
        assert captured.out + captured.err
        assert steering(captured.out + captured.err) == set(), words
    assert run("show", name, "--json", *one) == 0
    shown = json.loads(capsys.readouterr().out)["trajectory"]["events"]
    assert [event["text"] for event in shown] == [event.text for event in Store(path).load(name).events], "and JSON loses nothing"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id: 1e400", r":1:5: the number '1e400' is too large"),
        ('id: "never closed', r"begun at line 1\)\. Something was opened and not closed"),
        ("a: 1\n---\nb: 2", r":2:1: not valid YAML: .* one document"),
        ("a:\n\tb: 1", r":2:1: not valid YAML: .* Indent with spaces"),
        ("a: [1, 2", r"Close the list"),
        ("a: 1\nb: \x07", r":2:4: control character U\+0007"),
        ("~", r"a mapping was expected, found nothing"),
    ],
)
def test_broken_yaml_is_answered_with_place_and_remedy(text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text + "\n")
    assert run("lint", str(path)) == 1
    assert re.search(says, capsys.readouterr().out.replace("\n", " "))


def test_bytes_that_are_not_utf8_are_named_with_line_and_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"id: x\ntitle: caf\xe9\n")
    assert run("lint", str(path)) == 1
    assert "bad.yaml:2:11: byte 0xE9 is not UTF-8" in capsys.readouterr().out


def test_a_pipe_among_the_cases_is_refused_and_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert run("lint", str(tmp_path)) == 1
    assert "a folder, pipe or device" in capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_of_a_run_fits_the_terminal_and_breaks_no_word(width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None, markup=False)
    for module in ("output", "running"):
        monkeypatch.setattr(f"medsim.cli.{module}.console", lambda: screen)
    assert run("run", "--cases", MINI, "--agents", "golden,interviewer", "--store", str(tmp_path / "r.db")) == 0
    lines = screen.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert max(map(len, lines)) <= width
    assert any(line.startswith("interviewer") for line in lines)
    assert any("coverage" in line for line in lines), "coverage stands beside every score"


def test_an_agent_of_ones_own_is_found_where_the_command_is_typed(tmp_path: Path) -> None:
    (tmp_path / "doctor_here.py").write_text("class Mine:\n    def reset(self, seed): ...\n    def act(self, seen): return 'end:'\n")
    code = f"import sys; from medsim.cli import main; sys.exit(main(['run', '--cases', {MINI!r}, '--agents', 'doctor_here:Mine']))"
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "doctor_here:Mine" in done.stdout


def shell(command: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)


def test_a_closed_pipe_ends_quietly_and_loses_nothing(store: str, tmp_path: Path) -> None:
    medsim = f"{sys.executable} -m medsim"
    for words in (f"show --store {store}", f"export --store {store}", "cases schema"):
        done = shell(f"{medsim} {words} 2>err | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}", tmp_path)
        assert done.stdout.strip() == "0", words
        assert "Traceback" not in (tmp_path / "err").read_text() + done.stderr
    piped = shell(f"{medsim} run --cases {MINI} --agents golden,inert --store p.db 2>&1 | true; echo ${{PIPESTATUS[0]}}", tmp_path)
    assert "Traceback" not in piped.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_gives_one_sentence(store: str, tmp_path: Path) -> None:
    for words in (f"show --store {store}", f"export --store {store}", "cases --json"):
        done = shell(f"{sys.executable} -m medsim {words} > /dev/full", tmp_path)
        assert done.returncode == 1
        assert "could not be written" in done.stderr
        assert "Traceback" not in done.stderr


def test_without_standard_output_the_work_is_done_all_the_same(tmp_path: Path) -> None:
    done = shell(f"{sys.executable} -m medsim run --cases {MINI} --agents inert --store o.db >&-", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(Store(tmp_path / "o.db").rows()) == 1


def test_a_terminal_without_unicode_is_no_obstacle(store: str, tmp_path: Path) -> None:
    first = Store(store).rows()[0]["id"]
    done = shell(f"PYTHONIOENCODING=ascii {sys.executable} -m medsim show {first} --store {store}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "met" in done.stdout


def test_export_never_writes_over_the_database(store: str) -> None:
    before = Store(store).rows()
    assert run("export", "--store", store, "--out", store) == 2
    assert Store(store).rows() == before
    assert before


def test_play_tells_of_a_store_that_cannot_be_written_before_the_first_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.db"
    path.write_text("this is no database, though it is long enough to be taken for one" * 20)
    assert run("play", MINI, "--store", str(path)) == 2
    captured = capsys.readouterr()
    assert "not a readable database" in captured.err
    assert captured.out == ""


def test_play_confirms_what_gets_no_answer(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "medsim", "play", MINI, "--store", str(tmp_path / "p.db")]
    done = subprocess.run(
        command, input=b"diagnose: pneumonia\ndispose: ward\nhi \xff\xfe\nquit\n", capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"Diagnosis noted: pneumonia" in done.stdout
    assert b"Disposition noted: ward" in done.stdout
    assert Store(tmp_path / "p.db").rows()[0]["status"] == "truncated"


@pytest.mark.parametrize(
    ("turn", "meant"),
    [
        ("oder: ecg", "'order: ecg'"),
        ("order ecg", "'order: ecg'"),
        ("Treat aspirin 300 mg", "'treat: aspirin 300 mg'"),
        ("exmine: heart", "'examine: heart'"),
    ],
)
def test_play_asks_back_before_an_action_is_said_to_the_patient(turn: str, meant: str) -> None:
    assert meant in slip(turn)


@pytest.mark.parametrize(
    "turn", ["order: ecg", "hello: I am Dr Reed", "Wait, where does it hurt?", "tell me more", "end", "?", "say: order ecg", "order"]
)
def test_play_sends_what_is_plain(turn: str) -> None:
    assert slip(turn) == ""


def test_every_verb_has_a_module_that_does_it() -> None:
    import importlib

    from medsim.cli import _HOMES, parser

    declared = next(action for action in parser()._actions if action.dest == "verb").choices
    assert declared is not None
    assert set(declared) == set(_HOMES)
    for verb, home in _HOMES.items():
        assert callable(getattr(importlib.import_module(f"medsim.cli.{home}"), f"do_{verb}"))
