"""AgentClinic's moderator: a model says whether the given answer is the right one.

The rule: the ruling is same, not the same, or unknown with the reason; what cannot be read is asked for again and is then unknown, never
"no". Upstream compares the model's words with exactly ``yes``, so that "Yes." counts as wrong. Both answers are put as data. A ruling is a
score beside the one by accepted names and never in its place.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from medsim import library
from medsim.case import Case
from medsim.llm import LLM, Message
from medsim.metrics.asking import ask, quoted
from medsim.rubric import ItemScore, Scorecard
from medsim.rubric.verdict import Verdict
from medsim.trajectory import Trajectory

RUBRIC = "moderator"
PROMPT = "moderator"
LONGEST = 300
"""Of each answer, so many characters are shown."""


class Ruling(NamedTuple):
    """What the moderator says; ``same`` is None where it could not decide."""

    same: bool | None
    why: str = ""

    @property
    def verdict(self) -> Verdict:
        """As a verdict: met, unmet or unknown."""
        return "unknown" if self.same is None else "met" if self.same else "unmet"


def moderate(right: str, given: str, llm: LLM, *, model: str = "") -> Ruling:
    """Ask whether two answers are the same; BudgetSpent where that may not be asked any more."""
    if not given.strip():
        return Ruling(False, "no answer was given")
    data = f"The right answer: {quoted(right, longest=LONGEST)}\nThe given answer: {quoted(given, longest=LONGEST)}"
    said = ask(llm, (Message("system", library.prompt(PROMPT)), Message("user", data)), _fault, role="judge", model=model)
    return Ruling(None, said.fault) if said.data is None else Ruling(said.data["same"], str(said.data["why"])[:500])


def moderated(case: Case, trajectory: Trajectory, llm: LLM, *, model: str = "") -> Ruling:
    """Rule on the first answer of a visit; one that failed is not ruled on."""
    if trajectory.outcome.status in {"error", "open"}:
        return Ruling(None, "the visit did not come to its end")
    return moderate(case.outcome.diagnosis.name, next(iter(trajectory.outcome.diagnosis), ""), llm, model=model)


def card(ruling: Ruling, judge: str) -> Scorecard:
    """A ruling as a score of one item; ``judge`` names the model."""
    decided = ruling.same is not None
    value = float(bool(ruling.same)) if decided else None
    text = "The moderator takes the answer for the right one."
    item = ItemScore("diagnosis", text, "MK", 1.0, ruling.verdict, value or 0.0, reason=ruling.why)
    return Scorecard(
        rubric=RUBRIC, rubric_hash=fingerprint(), judge=judge, items=(item,), raw=value, score=value, passed=None, coverage=float(decided)
    )


def fingerprint() -> str:
    """A hash of what the moderator is told."""
    return hashlib.sha256(library.prompt(PROMPT).encode()).hexdigest()[:16]


def _fault(data: dict[str, Any]) -> str:
    if set(data) - {"same", "why"} or "same" not in data:
        return 'it should have the keys "same" and "why"'
    if not isinstance(data["same"], bool):
        return '"same" should be true or false'
    return "" if isinstance(data.setdefault("why", ""), str) else '"why" should be a text'
