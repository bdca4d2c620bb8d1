"""What is wrong with a case: first what can be read off it, then what running its gates shows.

The rule: a finding names the place, what is wrong and what to do; errors stop a case from shipping, warnings ask its author to look.
"""

from __future__ import annotations

from medsim.case import Case
from medsim.lint.finding import Finding
from medsim.lint.gates import GateReport, gates
from medsim.lint.static import read_off


def lint(case: Case, *, run_gates: bool = True) -> tuple[list[Finding], GateReport | None]:
    """Return all findings on a case, and the gate figures where they were run (compiled cases with a golden script)."""
    found = read_off(case)
    if not run_gates or case.grade != "compiled" or case.provenance.origin == "imported":
        return found, None
    report = gates(case)
    return [*found, *report.findings], report


__all__ = ["Finding", "GateReport", "gates", "lint", "read_off"]
