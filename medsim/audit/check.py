"""Play the bots over a case and say what they got.

The rule: a bot that passes, a patient that lets slip, and an encounter that breaks are faults. Without a judge its items are unknown, so
each bot is also scored as if a judge had said yes to everything it would be paid for: what fails even then needs no judge to fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medsim.audit.bots import BOTS, Bot
from medsim.audit.leaks import Leak, answers, leaks
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.episode import rollout
from medsim.judge import Ask, Judge, Line, score_with
from medsim.patient.personas import persona_over
from medsim.rubric import Opinion, Scorecard
from medsim.seats import Seats
from medsim.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Finding:
    """What one bot got out of one case."""

    case: str
    bot: str
    tries: str
    counts: bool
    status: str
    turns: int
    score: float | None
    best: float | None
    """The score where a judge says yes to everything that pays."""
    passed: bool | None
    """None where only a judge could tell: the bot would pass with one that says yes to everything."""
    leaks: tuple[Leak, ...] = ()
    told: int = 0
    """Facts the patient told."""
    withheld: int = 0
    """Replies that held a secret term and were kept back by the controller."""
    answers: int = 0
    """Findings and results that name the diagnosis: no leak, as that is what they are for, but where one is enough it can be copied."""
    error: str = ""

    @property
    def fault(self) -> bool:
        """Whether this is a fault of the case or the engine."""
        return bool(self.leaks) or bool(self.error) or (self.counts and self.passed is True)

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return {**plain, "leaks": [leak._asdict() for leak in self.leaks], "fault": self.fault}


class Generous:
    """A judge that says yes to whatever pays and no to whatever costs: the most that could be got out of one."""

    name = "generous"

    def __init__(self, rubric: Rubric) -> None:
        self._paying = {item.id for item in rubric.items if item.points > 0}

    def opinions(self, asks: Sequence[Ask], lines: Sequence[Line]) -> dict[str, Opinion]:
        """Answer without looking."""
        return {ask.id: Opinion("met" if ask.id in self._paying else "unmet", reason="says yes to everything") for ask in asks}


def audit(
    case: Case, *, bots: Sequence[Bot] = BOTS, seats: Seats | None = None, judge: Judge | None = None, seed: int = 0
) -> list[Finding]:
    """Play every bot over a case; a documented one needs ``seats`` with a model, and a judge to be scored at all."""
    seated = seats or Seats()
    seated.check([case])
    return [tried(case, bot, seats=seated, judge=judge, seed=seed) for bot in bots if bot.fits(case)]


def tried(case: Case, bot: Bot, *, seats: Seats, judge: Judge | None = None, seed: int = 0) -> Finding:
    """Play one bot over one case; what breaks is in the finding, but for a spent budget of the judge, which is raised."""
    patient, controller = seats.patient_of(case), seats.controller_of(case)
    run = rollout(case, bot.make(case), name=bot.name, seed=seed, run="audit", patient=patient, controller=controller)
    return _finding(case, bot, run, judge, persona_over(case.brief(), seats.persona).trust_shift)


def _finding(case: Case, bot: Bot, run: Trajectory, judge: Judge | None, trust_shift: int) -> Finding:
    told = len({name for event in run.events for name in event.facts})
    withheld = sum(bool(event.args.get("withheld")) for event in run.events)
    seen = (told, withheld, answers(case, run.events))
    base = (case.id, bot.name, bot.tries, bot.counts, run.outcome.status, run.outcome.turns)
    found = tuple(leaks(case, run.events, trust_shift=trust_shift))
    if run.error:
        return Finding(*base, None, None, None, found, *seen, run.error)
    if not case.rubric.items:
        return Finding(*base, None, None, False, found, *seen)
    card = score_with(case, run, judge)
    best = card if judge is None and card.coverage == 1 else score_with(case, run, Generous(case.rubric))
    return Finding(*base, card.score, best.score, _passed(card, best, judge), found, *seen)


def _passed(card: Scorecard, best: Scorecard, judge: Judge | None) -> bool | None:
    """Whether a bot passes. Open where no judge was asked, or it gave too few answers, and one that says yes to everything would let it."""
    unanswered = judge is None or card.passed is None
    if card.passed is not True and unanswered and best.passed is True:
        return None
    return card.passed is True
