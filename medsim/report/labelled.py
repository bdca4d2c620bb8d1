"""What people's labels say of the judge whose scores a report shows.

The rule: where a run was labelled, a competency that its judge may not score is named with the reason; without labels nothing is claimed,
and of the event log, which is no judge, nothing is said here.
"""

from __future__ import annotations

from medsim import agreement
from medsim.agreement.columns import OWN as EVERY_OWN
from medsim.report.arms import Material
from medsim.report.encounter import OWN
from medsim.report.figures import Row, rounded
from medsim.report.items import COMPETENCIES
from medsim.stats.judged import ALL
from medsim.store import HUMAN


def unscorable(material: Material) -> list[Row]:
    """For each run the competencies that the judge shown may not score, with agreement and bias; ``all`` is all items together."""
    judge = material.scoring.judge
    if judge == "none" or judge.startswith(HUMAN):
        return []
    rubric = EVERY_OWN if material.scoring.rubric == OWN else material.scoring.rubric
    scored = {one.run for one in material.encounters if one.score is not None}
    rows: list[Row] = []
    for run in dict.fromkeys(arm.run for arm in material.arms if arm.run in scored):
        rows += [
            {
                "run": run, "judge": found.judge, "competency": found.competency,
                "words": "all items together" if found.competency == ALL else COMPETENCIES.get(found.competency, found.competency),
                "items": found.items, "kappa": rounded(found.kappa), "bias": rounded(found.bias), "reason": found.reason.removeprefix("Not scorable: "),
            }
            for found in agreement.unscorable(material.store, run=run, rubrics=[rubric])
            if found.judge == judge
        ]  # fmt: skip
    return rows
