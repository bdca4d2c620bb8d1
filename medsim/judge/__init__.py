"""Judges: opinions on the rubric items that no predicate can decide.

The rule: a failure never becomes a number. A judge that cannot be reached, answers nonsense, quotes what was never said, misses a control
or follows an instruction in the transcript gives unknown with the reason, and every verdict keeps the words that earned it::

    judge = ModelJudge([Chair("openai/gpt-4o-mini", Models(roles={"judge": Role(model="openai/gpt-4o-mini")}))], votes=3)
    card = score_with(case, trajectory, judge)
"""

from __future__ import annotations

from medsim.judge.ask import Ask, Judge, Line, View
from medsim.judge.keywords import KeywordJudge
from medsim.judge.panel import Chair, ModelJudge
from medsim.judge.scoring import score_with, unanswered

__all__ = ["Ask", "Chair", "Judge", "KeywordJudge", "Line", "ModelJudge", "View", "score_with", "unanswered"]
