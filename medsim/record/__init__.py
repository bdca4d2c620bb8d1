"""The patient record: a FHIR R4 store as a value, its REST facade, and what agents do with it.

The rule: resources are plain dicts; what an agent writes really happens, to its own record alone, and what is not yet known in simulated
time cannot be found by any request.
"""

from __future__ import annotations

from medsim.record.facade import Request, Response, answer
from medsim.record.holdings import Holdings
from medsim.record.outcome import Refusal
from medsim.record.parameters import TYPES
from medsim.record.store import Record, State, Write

__all__ = ["TYPES", "Holdings", "Record", "Refusal", "Request", "Response", "State", "Write", "answer"]
