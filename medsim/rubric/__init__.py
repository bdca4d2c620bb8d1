"""Rubrics at work: predicates over the event log, online verdicts, scores.

The rule: verdicts are met, unmet, unknown or na; a failure never becomes a number, and a decided verdict never changes.
"""

from medsim.case.checklist import Rubric, RubricItem
from medsim.rubric.opinion import Opinion
from medsim.rubric.scorecard import ItemScore, Scorecard, rubric_hash, score
from medsim.rubric.sums import by_tag, mean_score
from medsim.rubric.verdict import Monitor, Verdict

__all__ = [
    "ItemScore",
    "Monitor",
    "Opinion",
    "Rubric",
    "RubricItem",
    "Scorecard",
    "Verdict",
    "by_tag",
    "mean_score",
    "rubric_hash",
    "score",
]
