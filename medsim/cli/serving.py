"""The verb ``serve``: a patient record that other programs work with over HTTP.

The rule: it listens on this machine alone unless told otherwise, says where, and ends on ctrl-C.
"""

from __future__ import annotations

import argparse
import json

from medsim.cli.output import remark
from medsim.errors import CaseError, did_you_mean
from medsim.record import Holdings, Record
from medsim.record.serve import opened, serve


def do_serve(arguments: argparse.Namespace) -> int:
    """Serve FHIR until interrupted."""
    if arguments.what != "fhir":
        raise CaseError(f"Nothing to serve is called '{arguments.what}'.{did_you_mean(arguments.what, ['fhir'])} Known: fhir.")
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
