"""The command line: one verb a job.

The rule: data on stdout, progress and complaints on stderr; exit 0 when all went well, 1 when encounters failed or lint found errors,
2 when the command or its input was wrong, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from medsim.errors import MedsimError, did_you_mean
from medsim.version import __version__

NOTICE = "For research and teaching, not for care."

_EPILOGS = {
    "cases": "examples:\n  medsim cases --setting ed\n  medsim cases show winter-cough\n  medsim cases show winter-cough --truth\n  medsim cases schema > case.schema.json",
    "lint": "example:\n  medsim lint cases/starter",
    "run": "examples:\n  medsim run --agents golden,inert,interviewer --trials 3\n  medsim run --cases my_pack --agents my_module:MyDoctor --store runs.db\n  medsim run --resume",
    "play": "example:\n  medsim play winter-cough --name ann",
    "show": "examples:\n  medsim show                 (list)\n  medsim show 3fa9            (one; the beginning of its id is enough)",
    "replay": "example:\n  medsim replay 3fa9",
    "score": "example:\n  medsim score --run run-1a2b3c --rubric communication",
    "import": "example:\n  medsim import agentclinic agentclinic_medqa.jsonl --to packs/medqa",
    "export": "example:\n  medsim export --run run-1a2b3c > trajectories.jsonl",
}


class _Parser(argparse.ArgumentParser):
    """Says what was meant, in one sentence."""

    def error(self, message: str) -> NoReturn:
        help_at = f"Help: {self.prog} --help"
        if "argument VERB: invalid choice" in message:
            given = message.split("'")[1]
            message = f"no verb '{given}'.{did_you_mean(given, _EPILOGS)} Verbs: {', '.join(_EPILOGS)}."
        elif "required: VERB" in message:
            message = f"a verb was expected: {', '.join(_EPILOGS)}."
        elif "unrecognized arguments: -" in message:
            given = message.split(": ", 1)[1].split()[0]
            message = f"no option '{given}'.{did_you_mean(given.split('=')[0], _options(self))}"
        else:
            message = f"{message}."
        _complain(f"{message} {help_at}")
        raise SystemExit(2)


def _options(top: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its verbs."""
    found = set(top._option_string_actions)
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(name for made in action.choices.values() for name in made._option_string_actions)
    return found


_Add = Callable[[str, str], argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    top = _Parser(prog="medsim", description=f"Simulated clinical encounters. {NOTICE}")
    top.add_argument("--version", action="version", version=f"medsim {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)

    def verb(name: str, summary: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {NOTICE}",
            epilog=_EPILOGS[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.add_argument("--json", action="store_true", help="print JSON on stdout")
        return made

    _content_verbs(verb)
    _playing_verbs(verb)
    _reading_verbs(verb)
    return top


def _stored(made: argparse.ArgumentParser, *, run: str = "only this run") -> None:
    made.add_argument("--store", default="medsim.db", help="database file or SQLAlchemy URL (default: medsim.db)")
    made.add_argument("--run", help=run)


def _content_verbs(verb: _Add) -> None:
    cases = verb("cases", "list cases, or show one")
    cases.add_argument("what", nargs="?", default="list", metavar="WHAT", help="list (default), show ID, or schema (JSON Schema)")
    cases.add_argument("id", nargs="?", help="case id or file, for show")
    cases.add_argument("--truth", action="store_true", help="with show: everything, the diagnosis included")
    cases.add_argument("--pack", action="append", help="pack name or folder (default: all shipped packs)")
    for name in ("specialty", "setting", "population", "tag", "grade"):
        cases.add_argument(f"--{name}", action="append", help=f"only this {name}")

    lint = verb("lint", "say what is wrong with cases")
    lint.add_argument("path", nargs="+", help="case file, folder or pack name")
    lint.add_argument("--no-gates", action="store_true", help="only what can be read off, without playing")

    imported = verb("import", "turn a public data set into a case pack")
    imported.add_argument("format", help="agentclinic or mediq")
    imported.add_argument("file", help="the data file, from your own copy")
    imported.add_argument("--to", help="folder of the pack (default: the file's name)")


def _playing_verbs(verb: _Add) -> None:
    run = verb("run", "play agents over cases, score and store")
    run.add_argument("--env", help="environment recipe (name or file; default: Consult-v0)")
    run.add_argument("--cases", action="append", help="pack, folder, case file or case id (may be repeated; default: the recipe's)")
    run.add_argument(
        "--agents", default="golden,interviewer,random,shotgun,inert", help="comma-separated names, recipe files or module:attribute"
    )
    run.add_argument("--trials", type=int, default=1, help="encounters for each case and agent (default: 1)")
    run.add_argument("--seed", type=int, default=0, help="seed of all chance (default: 0)")
    run.add_argument("--jobs", type=int, default=1, help="encounters at the same time (default: 1; more pays with agents that wait)")
    _models(run)
    run.add_argument("--resume", action="store_true", help="go on with the newest run of this configuration, or with --run")
    _stored(run, run="name of the run")

    play = verb("play", "be the doctor")
    play.add_argument("case", help="case id or file")
    play.add_argument("--name", default="me", help="stored as human:NAME")
    play.add_argument("--seed", type=int, default=0, help="seed of all chance (default: 0)")
    play.add_argument("--store", default="medsim.db", help="database file or SQLAlchemy URL (default: medsim.db)")


def _models(run: argparse.ArgumentParser) -> None:
    models = run.add_argument_group("language models (keys come from the environment only)")
    models.add_argument(
        "--doctor", metavar="MODEL", help="model of the agent 'chat', e.g. openai/gpt-4o-mini or openai/local@http://127.0.0.1:8000/v1"
    )
    models.add_argument("--patient", metavar="MODEL", help="model that gives the patient a voice; left out: the scripted patient")
    models.add_argument("--models", metavar="FILE", help="models file (schema medsim.models/1)")
    models.add_argument("--cache", metavar="FILE", help="keep answers in this file; equal calls are not asked twice")
    models.add_argument(
        "--calls", choices=["live", "record", "replay"], default="live", help="replay: answer from --cache alone, no network"
    )
    models.add_argument("--max-usd", type=float, help="stop before more is spent")
    models.add_argument("--max-tokens", type=int, help="stop before more tokens are used")
    models.add_argument("--max-calls", type=int, help="stop before more calls are made")


def _reading_verbs(verb: _Add) -> None:
    for name, summary in (("show", "list stored trajectories, or show one"), ("replay", "play a stored trajectory again and show it")):
        made = verb(name, summary)
        made.add_argument("id", nargs="?" if name == "show" else None, help="trajectory id, or its beginning")
        made.add_argument("--truth", action="store_true", help="also states, facts and topics")
        if name == "show":
            made.add_argument("--limit", type=int, default=100, help="list at most so many, the newest (default: 100; 0 for all)")
        _stored(made)
        made.add_argument("--cases", action="append", help="where the case is, if it is not shipped (pack, folder or file)")
    score = verb("score", "score stored trajectories again with a rubric")
    score.add_argument("id", nargs="*", help="trajectory ids (default: all of --run)")
    score.add_argument("--rubric", help="rubric name or file (default: each case's own)")
    score.add_argument("--cases", action="append", help="where the cases are, if not shipped")
    _stored(score)

    export = verb("export", "write trajectories as JSON lines")
    export.add_argument("id", nargs="*", help="trajectory ids (default: all)")
    export.add_argument("--out", help="file (default: stdout)")
    _stored(export)


_HOMES = {
    "cases": "content", "lint": "content", "import": "content", "run": "running", "play": "playing", "show": "reading", "replay": "reading",
    "score": "reading", "export": "reading",
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    _open_streams()
    try:
        arguments = parser().parse_args(argv)
        _make_writable(arguments)
        home = importlib.import_module(f"medsim.cli.{_HOMES[arguments.verb]}")
        code: int = getattr(home, f"do_{arguments.verb}")(arguments)
        sys.stdout.flush()
        return code
    except MedsimError as error:
        _complain(str(error))
        return 2
    except BrokenPipeError:
        _shut_up()
        return 0
    except OSError as error:
        _complain(f"the output could not be written ({error.strerror or error}). What is stored is kept.")
        _shut_up()
        return 1
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130


def _make_writable(arguments: argparse.Namespace) -> None:
    """Names that are stored hold no bytes that are not UTF-8."""
    for name in ("run", "name"):
        if isinstance(given := getattr(arguments, name, None), str):
            setattr(arguments, name, given.encode("utf-8", "backslashreplace").decode())


def _open_streams() -> None:
    """Give closed streams a sink, and let no letter that a terminal's encoding lacks stop a verb."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _shut_up() -> None:
    """Send what is still in the buffers nowhere, so that Python's own farewell does not fail."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            os.dup2(sink, stream.fileno())


def _complain(message: str) -> None:
    from medsim.viewer import safe

    with contextlib.suppress(OSError):
        print(f"medsim: {safe(message)}", file=sys.stderr)
