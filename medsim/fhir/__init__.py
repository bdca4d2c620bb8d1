"""FHIR R4 at the edges: a chart in, an encounter out.

The rule: inside medsim resources are plain dicts; ``fhir.resources`` (its R4B models) is imported here alone, when something is checked.
"""

from __future__ import annotations

from medsim.fhir.check import Fault, bundle_faults, faults
from medsim.fhir.export import bundle_of, written
from medsim.fhir.read import Intake, load, take_in
from medsim.fhir.records import Records
from medsim.fhir.skeleton import skeleton

__all__ = ["Fault", "Intake", "Records", "bundle_faults", "bundle_of", "faults", "load", "skeleton", "take_in", "written"]
