"""Score a trajectory with a judge: predicates first, then the judge on what they leave to it.

The rule: a judge is asked only where nothing else decides, and what it says is joined to the score and never put over a predicate. In an
encounter that was cut off, what was not done yet stays unknown.
"""

from __future__ import annotations

from medsim.case import Case
from medsim.case.checklist import Rubric, RubricItem
from medsim.judge import scales
from medsim.judge.ask import Ask, Judge, View
from medsim.rubric import Monitor, Opinion, Scorecard
from medsim.rubric.scorecard import ending, score, tally
from medsim.rubric.verdict import Ending
from medsim.trajectory import Trajectory

CUT_OFF = "not done when the encounter was cut off"


def score_with(case: Case, trajectory: Trajectory, judge: Judge | None, *, rubric: Rubric | None = None) -> Scorecard:
    """Score an ended encounter; the case's own rubric unless another is given. Without a judge its items stay unknown.

    Raises BudgetSpent where the judge's budget is spent, so that no half-judged score is kept.
    """
    if judge is None or trajectory.outcome.status == "open":
        return score(case, trajectory.events, trajectory.outcome, rubric=rubric)
    monitor = Monitor(rubric or case.rubric, case)
    monitor.feed(trajectory.events)
    how = ending(trajectory.outcome)
    view = View.of(trajectory.events, hide=(trajectory.agent,))
    waiting = {item.id: scales.about(item, case) for item in monitor.rubric.items if monitor.verdict(item, how).waits}
    asked = {name: view.ask(item) for name, item in waiting.items()}
    asks = [one for name, ask in asked.items() if isinstance(ask, Ask) for one in scales.statements(waiting[name], ask)]
    answers = judge.opinions(asks, view.lines) if asks else {}
    opinions: dict[str, Opinion] = {}
    for name, ask in asked.items():
        given = ask if isinstance(ask, Opinion) else scales.opinion(waiting[name], answers)
        opinions[name] = _standing(given, waiting[name], view, how)
    return tally(monitor, how, judge=judge.name, opinions=opinions)


def _standing(opinion: Opinion, item: RubricItem, view: View, how: Ending) -> Opinion:
    """What an opinion is worth at the end: in an encounter that was cut off, an item could still have been met while its window was open."""
    if how == "voluntary" or opinion.verdict != "unmet" or view.closed(item):
        return opinion
    return opinion._replace(verdict="unknown", reason=CUT_OFF, rating=None)


def unanswered(card: Scorecard) -> str:
    """Why a judge of models gave no answer at all, where it was asked and none of its calls was answered; empty otherwise."""
    votes = [vote for item in card.items if item.judged for vote in item.judged.get("votes", ())]
    return str(votes[0]["void"]) if votes and not any(vote["call"] for vote in votes) else ""
