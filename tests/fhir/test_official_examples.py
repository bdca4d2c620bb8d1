"""The official R4 examples (CC0, not part of this project) are sound to us, and the record gives them back as they are.

npm pack hl7.fhir.r4.examples && tar xzf hl7.fhir.r4.examples-4.0.1.tgz
MEDSIM_R4_EXAMPLES=package pytest tests/fhir/test_official_examples.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medsim.fhir.check import faults
from medsim.record import Holdings, Record, Request, answer
from medsim.record.parameters import TYPES

FOLDER = os.environ.get("MEDSIM_R4_EXAMPLES", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="MEDSIM_R4_EXAMPLES names no folder with the official examples")
SERVERS = ("versionId", "lastUpdated")
"""What a server writes into meta itself."""


def examples(*kinds: str) -> Iterator[dict[str, Any]]:
    """The examples of these types."""
    for path in sorted(Path(FOLDER).glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and found.get("resourceType") in kinds:
            yield found


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource without what a server adds."""
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in SERVERS}
    return {name: value for name, value in resource.items() if name != "meta"} | ({"meta": meta} if meta else {})


def test_every_example_of_our_types_is_sound() -> None:
    found = list(examples(*TYPES))
    assert len(found) >= 200
    wrong = {f"{one['resourceType']}/{one['id']}": [str(fault) for fault in faults(one)] for one in found}
    assert {name: said for name, said in wrong.items() if said} == {}


def test_of_the_bundles_only_two_collections_of_definitions_are_refused() -> None:
    wrong = {one["id"] for one in examples("Bundle") if faults(one)}
    assert wrong <= {"v2-valuesets", "searchParams"}


def test_what_is_filed_is_read_back_as_it_was() -> None:
    found = list(examples(*TYPES))
    record = Record(Holdings(found))
    changed = [f"{one['resourceType']}/{one['id']}" for one in found if plain(record.read(one["resourceType"], one["id"])) != plain(one)]
    assert changed == []


def test_each_can_be_found_and_is_written_over_http_words() -> None:
    record = Record(Holdings(list(examples(*TYPES))))
    asked = list(examples("Patient", "Observation", "Condition", "MedicationRequest"))
    assert asked
    for one in asked:
        kind, name = one["resourceType"], one["id"]
        said = answer(record, Request("GET", f"/{kind}", {"_id": name}))
        assert said.status == 200, (kind, name)
        assert [entry["resource"]["id"] for entry in said.resource["entry"]] == [name]
