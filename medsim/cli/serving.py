"""The verb ``serve``: a patient record that other programs work with over HTTP, or a task in one over MCP.

The rule: it listens on this machine alone unless told otherwise, says where, and ends on ctrl-C. Over standard input and output nothing is
printed on stdout but the protocol.
"""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from medsim.cli.output import remark
from medsim.errors import CaseError, did_you_mean
from medsim.record import Holdings, Record
from medsim.record.serve import opened, serve

WHATS = ("fhir", "mcp")


def do_serve(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if arguments.what not in WHATS:
        raise CaseError(f"Nothing to serve is called '{arguments.what}'.{did_you_mean(arguments.what, WHATS)} Known: {', '.join(WHATS)}.")
    return _mcp(arguments) if arguments.what == "mcp" else _fhir(arguments)


def _fhir(arguments: argparse.Namespace) -> int:
    for file in arguments.bundle or ():
        _check_text(Path(file))
    holdings = opened(*arguments.bundle) if arguments.bundle else Holdings()
    for kind, count in sorted(holdings.dropped.items()):
        remark(f"{count} {kind} left out: a record does not hold them.")
    record = Record(holdings, now=arguments.now, hints=arguments.hints)

    def ready(address: str) -> None:
        if arguments.json:
            print(json.dumps({"address": address, "resources": len(holdings)}), flush=True)
        else:
            print(f"{len(holdings)} resources at {address}; ctrl-C ends.", flush=True)

    serve(record, host=arguments.host, port=arguments.port, ready=ready)
    return 0


def _check_text(file: Path) -> None:
    """Refuse a file that is no text; one that cannot be read at all is told of where it is opened."""
    with contextlib.suppress(OSError):
        held = file.read_bytes()
        try:
            held.decode()
        except UnicodeDecodeError as error:
            raise CaseError(f"{file}: byte 0x{held[error.start]:02X} is not UTF-8 text. A FHIR Bundle as JSON was expected.") from error


def _mcp(arguments: argparse.Namespace) -> int:
    from medsim.record import protocol
    from medsim.record.task import listed, load
    from medsim.store import Store

    if not arguments.task:
        raise CaseError(f"Which task? --task NAME or a file. Shipped: {', '.join(path.stem for path in listed())}.")
    task = load(arguments.task)
    store = Store(Path(arguments.store) if "://" not in arguments.store else arguments.store)
    keeper = protocol.Keeper(store, task, run=arguments.run or "", agent=arguments.agent or "")
    made = protocol.server(task, keeper=keeper, calculators=arguments.calculators)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(store):
        if not arguments.http:
            remark(f"Task {task.id} over standard input and output; stored in {store.shown}, run {keeper.run}.")
            protocol.serve_stdio(made)
            return 0

        def ready(address: str) -> None:
            told = {"address": address, "task": task.id, "store": store.shown, "run": keeper.run}
            print(json.dumps(told) if arguments.json else f"Task {task.id} at {address}; ctrl-C ends.", flush=True)

        protocol.serve_http(made, host=arguments.host, port=arguments.port, ready=ready)
    return 0
