"""What is wrong with a FHIR resource or Bundle: structure by the R4B models, codes and references by ours.

The rule: every fault is listed with its place; nothing is mended in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from medsim.fhir.codes import TARGETS, references, wrong_codes


class Fault(NamedTuple):
    """One thing that is wrong."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@cache
def _model(kind: str) -> Any:
    """The R4B model of a type; None where there is no such type."""
    from fhir.resources.R4B import get_fhir_model_class  # a third of a second and 27 MB: only where something is checked

    try:
        return get_fhir_model_class(kind)
    except (ValueError, KeyError, LookupError):
        return None


def faults(resource: Any) -> list[Fault]:
    """What is wrong with one resource: structure first, then codes outside their required set."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return [Fault("resource", f"a mapping with a resourceType was expected, given {type(resource).__name__}")]
    kind = resource["resourceType"]
    model = _model(kind) if kind.isalpha() else None
    if model is None:
        return [Fault(kind[:60], "there is no such type of resource in FHIR R4")]
    return [*_misshapen(model, resource, kind), *(Fault(where, what) for where, what in wrong_codes(resource))]


def _misshapen(model: Any, resource: dict[str, Any], kind: str) -> Iterator[Fault]:
    from pydantic import ValidationError

    try:
        model.model_validate(resource)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            yield Fault(".".join((kind, *map(str, fault["loc"]))), str(fault["msg"])[:300])
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:  # what its own validators raise
        yield Fault(kind, f"cannot be read ({str(error)[:200]})")


def bundle_faults(bundle: Any) -> list[Fault]:
    """What is wrong with a Bundle: its shell, each resource, and every reference that leads nowhere or to a wrong type."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        return [Fault("Bundle", "a FHIR Bundle was expected")]
    entries = bundle.get("entry") or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return [Fault("Bundle.entry", "a list of entries was expected")]
    shell = {**bundle, "entry": [{name: part for name, part in entry.items() if name != "resource"} for entry in entries]}
    found = list(faults(shell)) if entries else faults(bundle)
    for at, entry in enumerate(entries):
        found += [Fault(f"Bundle.entry[{at}].{where}", what) for where, what in faults(entry.get("resource"))]
    return [*found, *_entries(bundle, entries), *_dangling(entries)]


def _entries(bundle: dict[str, Any], entries: list[dict[str, Any]]) -> Iterator[Fault]:
    for url, count in Counter(entry.get("fullUrl") for entry in entries).items():
        if url is not None and count > 1:
            yield Fault("Bundle.entry.fullUrl", f"'{url}' stands {count} times")
    for at, entry in enumerate(entries):
        if bundle.get("type") in {"transaction", "batch"} and not entry.get("request"):
            yield Fault(f"Bundle.entry[{at}]", f"an entry of a {bundle['type']} needs a request")


def _dangling(entries: list[dict[str, Any]]) -> Iterator[Fault]:
    known: dict[str, str] = {}
    for entry in entries:
        resource = entry.get("resource")
        if isinstance(resource, dict):
            kind = str(resource.get("resourceType"))
            known[str(entry.get("fullUrl"))] = kind
            known[f"{kind}/{resource.get('id')}"] = kind
    for at, entry in enumerate(entries):
        for name, reference in references(entry.get("resource")):
            target = reference["reference"]
            if target not in known:
                yield Fault(f"Bundle.entry[{at}]…{name}", f"'{target[:100]}' is no resource of this Bundle")
            elif name in TARGETS and known[target] not in TARGETS[name]:
                yield Fault(f"Bundle.entry[{at}]…{name}", f"points at a {known[target]}; {', '.join(sorted(TARGETS[name]))} was expected")
