"""The command line: one verb a job. Here a line is read, its verb started, and what goes wrong told.

The rule: data on stdout, progress and complaints on stderr; exit 0 when all went well, 1 when encounters failed or lint found errors,
2 when the command or its input was wrong, 130 when interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn

from medsim.cli import stores, verbs
from medsim.errors import MedsimError, did_you_mean
from medsim.version import __version__

NOTICE = "For research and teaching, not for care."

_HOMES = {
    "cases": "content",
    "rubrics": "rubrics",
    "lint": "content",
    "audit": "auditing",
    "run": "running",
    "play": "playing",
    "show": "reading",
    "replay": "reading",
    "fork": "forking",
    "score": "scoring",
    "import": "content",
    "metrics": "measuring",
    "report": "reporting",
    "compare": "comparing",
    "power": "comparing",
    "agree": "agreeing",
    "label": "labelling",
    "standards": "standards",
    "rate": "rating",
    "bench": "benching",
    "serve": "serving",
    "export": "reading",
}
"""The module of ``medsim.cli`` that does a verb, imported when it runs; its arguments stand in ``medsim.cli.verbs``."""


class _Parser(argparse.ArgumentParser):
    """Says what was meant, in one sentence."""

    _unknown = ""
    """The first option given that there is not."""

    def error(self, message: str) -> NoReturn:
        help_at = f"Help: {self.prog} --help"
        if "argument VERB: invalid choice" in message:
            given = message.split("'")[1]
            message = f"no verb '{given}'.{did_you_mean(given, _HOMES)} Verbs: {', '.join(_HOMES)}."
        elif "required: VERB" in message:
            message = f"a verb was expected: {', '.join(_HOMES)}."
        elif "unrecognized arguments: -" in message or ("are required:" in message and self._unknown):
            given = message.split(": ", 1)[1].split()[0] if "unrecognized" in message else self._unknown
            message = f"no option '{given}'.{did_you_mean(given.split('=')[0], _options(self))}"
        else:
            message = f"{message}."
        _complain(f"{message} {help_at}")
        raise SystemExit(2)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]  # as argparse has it, in overloads
        """Refuse what a verb does not know in the verb's own name, with its own options beside it."""
        named = [given.split("=")[0] for given in (sys.argv[1:] if args is None else args) if re.match("--[a-z]", given)]
        self._unknown = next((name for name in named if not any(own.startswith(name) for own in _options(self))), "")
        known, rest = super().parse_known_args(args, namespace)
        if rest and self._subparsers is None:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return known, rest


def _options(top: argparse.ArgumentParser) -> set[str]:
    """Every option of a parser and of its verbs."""
    found = set(top._option_string_actions)
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            found.update(name for made in action.choices.values() for name in made._option_string_actions)
    return found


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    top = _Parser(prog="medsim", description=f"Simulated clinical encounters. {NOTICE}")
    top.add_argument("--version", action="version", version=f"medsim {__version__}")
    under = top.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)

    def verb(name: str, *, summary: str, examples: tuple[str, ...], json: bool = True) -> argparse.ArgumentParser:
        made = under.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {NOTICE}",
            epilog="\n  ".join(("example:" if len(examples) == 1 else "examples:", *examples)),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if json:
            made.add_argument("--json", action="store_true", help="print JSON on stdout")
        return made

    verbs.declare(verb)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    _open_streams()
    stores.use(None)
    try:
        arguments = parser().parse_args(argv)
        _make_writable(arguments)
        stores.use(getattr(arguments, "store", None))
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
    for name in ("run", "name", "rater"):
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
        print(f"medsim: {safe(stores.with_store(message))}", file=sys.stderr)
