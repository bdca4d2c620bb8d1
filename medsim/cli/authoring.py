"""The verb ``cases new``: asks an author what there is to know, and writes the skeleton of a case.

The rule: every question has an option and a default, so that a person, a pipe and a script come to the same file. Nothing is written
before the last answer, and no file is ever written over.
"""

from __future__ import annotations

import argparse
import io
import re
import shlex
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_args

from medsim import case as case_module
from medsim.case.body import Place
from medsim.case.person import Sex
from medsim.cli.answers import Answers, amount, clean, named, place_of
from medsim.cli.output import print_json, remark, say
from medsim.cli.skeleton import MARK, skeleton
from medsim.errors import CaseError, did_you_mean
from medsim.lint import Finding, lint
from medsim.viewer import safe

_DEFAULTS = Answers()
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")


class Question(NamedTuple):
    """One thing to ask: the field of ``Answers`` it fills, the words, and how an answer is read."""

    field: str
    words: str
    read: Callable[[str], Any] = clean


def _age(text: str) -> int:
    if not text.isdigit() or int(text) > 120:
        raise CaseError(f"'{text}' is no age. Give whole years, 0 to 120.")
    return int(text)


def _one_of(what: str, known: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in known:
            raise CaseError(f"No {what} '{text}'.{did_you_mean(text.lower(), known)} One of: {', '.join(known)}.")
        return text.lower()

    return read


def _several(text: str) -> tuple[str, ...]:
    found = tuple(filter(None, (part.strip() for part in text.split(";"))))
    if not found:
        raise CaseError("At least one name was expected.")
    return found


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise CaseError(f"'{text}' is no case id. Use small letters, digits and hyphens, at most 80, e.g. restless-man.")
    return text


def _checked(check: Callable[[str], object]) -> Callable[[str], str]:
    """Read an answer as it is, once it has passed a check."""

    def read(text: str) -> str:
        check(text)
        return text

    return read


QUESTIONS = (
    Question("id", "A short id (the doctor sees it: it must not betray the diagnosis)", _id),
    Question("name", "The patient's name (invented)"),
    Question("age", "Age in years", _age),
    Question("sex", "Sex (female, male, other, unknown)", _one_of("sex", get_args(Sex))),
    Question("setting", f"Where ({', '.join(get_args(Place))})", _one_of("setting", get_args(Place))),
    Question("specialty", "Specialty (several: separate with ;)", _several),
    Question("reason", "What the door note says, beside age and sex"),
    Question("opening", "The patient's first words"),
    Question("worry", "What the patient is worried about, in their words"),
    Question("secret", "What the patient keeps back until they trust the doctor, in their words"),
    Question("diagnosis", "What is the matter (other names that count: separate with ;)", _several),
    Question("rival", "What must not be missed and is not the matter"),
    Question("examine", "The examination that helps most", _checked(lambda text: named("examine", text))),
    Question("sign", "What it finds"),
    Question("test", "The test that settles it", _checked(lambda text: named("order", text))),
    Question("result", "What it shows"),
    Question("treatment", "The right treatment, with dose and route where it is a drug", _checked(amount)),
    Question("avoid", "A drug or procedure that would harm this patient", _checked(lambda text: named("treat", text))),
    Question("why", "Why it would"),
    Question("dispose", "Where the patient should go (home, ward, icu ...)", place_of),
    Question("source", "The guideline all this follows: title and year"),
    Question("author", "Your name, as author"),
)


def new_case(arguments: argparse.Namespace) -> int:
    """Ask, write the skeleton, lint it, and say what comes next."""
    file = Path(arguments.id) if arguments.id else None
    if file:
        _free(file)
    answers = _answers(arguments, file)
    file = file or Path(f"{answers.id}.yaml")
    _free(file)
    text = skeleton(answers)
    case = case_module.loads(text, str(file))
    _write(file, text)
    findings, _ = lint(case)
    _tell(arguments, file, text, findings)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _tell(arguments: argparse.Namespace, file: Path, text: str, findings: list[Finding]) -> None:
    places = text.count(MARK) - 1  # the first line says what the mark is
    if arguments.json:
        print_json({"file": str(file), "to_write": places, "findings": [finding._asdict() for finding in findings]})
        return
    say(f"{file}: a whole case, with {places} places marked WRITE that are yours to fill")
    for finding in findings:
        say(f"  {finding.level:7} {finding.rule}: {finding.where}: {finding.message}")
    shown = shlex.quote(str(file))
    remark(f"Next: medsim lint {shown} --watch (in a second window), open {shown} in an editor, and play it: medsim play {shown}")


def _answers(arguments: argparse.Namespace, file: Path | None) -> Answers:
    """Collect all answers: from options, then by asking, then from the defaults."""
    found: dict[str, Any] = {"created": date.today().isoformat()}
    asking = not arguments.yes
    _ready()
    if asking and sys.stdin is not None and sys.stdin.isatty():
        remark(
            "Enter keeps what stands in [brackets]. Nothing is written before the last answer; ctrl-D takes the rest as it stands, ctrl-C leaves."
        )
    for question in QUESTIONS:
        given = _option(arguments, question.field)
        if given is not None:
            found[question.field] = _read(question, given, option=True)
        elif question.field == "id" and file and _ID.fullmatch(file.stem):
            found["id"] = file.stem
        elif asking:
            answer, asking = _asked(question)
            if answer is not None:
                found[question.field] = answer
    title = _option(arguments, "title")
    if title:
        found["title"] = clean(title)
    return Answers(**found)


def _option(arguments: argparse.Namespace, field: str) -> str | None:
    given = getattr(arguments, {"id": "case_id"}.get(field, field))
    return "; ".join(given) if isinstance(given, list) else given


def _read(question: Question, text: str, *, option: bool) -> Any:
    name = {"id": "case-id"}.get(question.field, question.field)
    try:
        held = clean(text)
        if not held:
            raise CaseError("An answer was expected, given nothing.")
        if "\ufffd" in held or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise CaseError("The answer is no UTF-8 text. Save or type it as UTF-8.")
        return question.read(held)
    except CaseError as error:
        raise CaseError(f"--{name}: {error}" if option else str(error)) from error


def _asked(question: Question) -> tuple[Any, bool]:
    """Ask on a terminal until the answer can be read; in a pipe read one line. (None, more) is the default; more: False at the end."""
    default = getattr(_DEFAULTS, question.field)
    shown = "; ".join(default) if isinstance(default, tuple) else default
    while True:
        line = _line(f"{question.words}\n  [{shown}] ")
        if line is None:
            return None, False
        if not line.strip():
            return None, True
        try:
            return _read(question, line, option=False), True
        except CaseError as error:
            if not sys.stdin.isatty():
                raise CaseError(f"{question.field}: {error}") from error
            remark(str(error))


def _line(prompt: str) -> str | None:
    """One line of input without its end; None at the end of the input. The prompt goes to stderr, data alone to stdout."""
    if sys.stdin is None:
        return None
    if sys.stdin.isatty() and sys.stderr is not None:
        sys.stderr.write(safe(prompt))
        sys.stderr.flush()
    line = sys.stdin.readline(100_000)
    return line.rstrip("\r\n") if line else None


def _ready() -> None:
    """Broken bytes in a pipe are read as marks."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")


def _free(file: Path) -> None:
    if file.suffix not in {".yaml", ".yml"}:
        stem = file.stem if file.suffix else file.name.lstrip(".").removesuffix("yaml")
        raise CaseError(f"'{file}' does not end in .yaml. For example: medsim cases new {stem or 'case'}.yaml")
    if file.exists() or file.is_symlink():
        raise CaseError(f"'{file}' is there already and is not written over. Give another name: medsim cases new OTHER.yaml")


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
    except OSError as error:
        raise CaseError(f"'{file}' cannot be written ({error.strerror or error}). Give another place.") from error
