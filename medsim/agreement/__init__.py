"""How far judges may be believed: people's labels, judges and rubrics compared item by item, and scores corrected by what that shows.

The rule: a person's label stands beside a judge's verdict and never in its place. What an event log decides is no judge's merit, so where
neither side gave an opinion of its own nothing is compared. A measure that cannot be taken is a sentence, never a number::

    found = compare(table_of(store, run="r"))
    for fault in unscorable(store, run="r"):
        print(fault.judge, fault.competency, fault.reason)
"""

from __future__ import annotations

from medsim.agreement.columns import REFERENCE, Table, table_of
from medsim.agreement.compare import Comparison, Together, compare
from medsim.agreement.corrected import Corrected, corrected
from medsim.agreement.labels import ADJUDICATED, Encounter, Label, encounters, labels_of, store_labels
from medsim.agreement.marks import borderline_of, read_estimates
from medsim.agreement.sheet import Task, differing, sheet
from medsim.agreement.trust import Trust, trust, unscorable

__all__ = [
    "ADJUDICATED", "REFERENCE", "Comparison", "Corrected", "Encounter", "Label", "Table", "Task", "Together", "Trust", "borderline_of", "compare",
    "corrected", "differing", "encounters", "labels_of", "read_estimates", "sheet", "store_labels", "table_of", "trust", "unscorable",
]  # fmt: skip
