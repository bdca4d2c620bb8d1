"""What a text encounter with a told patient is worth by the rules of the discrete game: the same fees, utility and safety.

The rule: it is reckoned from the events of the consult alone, never by playing the discrete environment again. A fact is charged when it is
first told, however it was asked for, so that a compound question costs what its parts cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from medsim.errors import ActionError
from medsim.trajectory import Event
from medsim.world.belief import posterior
from medsim.world.game import Game
from medsim.world.patients import UNKNOWN
from medsim.world.tables import F32, I64
from medsim.world.telling import Told

COUNTED = frozenset({"ask", "say", "examine", "order", "treat", "procedure", "consult", "unclear", "refused"})
"""Kinds of events that are an action of the doctor, beside diagnosis and end; notes, waiting and dispositions are free."""

_ACTS = COUNTED | {"diagnose", "end"}


@dataclass(slots=True)
class Settled:
    """How an encounter stands, term by term."""

    cost: float = 0.0
    utility: float = 0.0
    safety: float = 0.0
    actions: int = 0
    spent: float = 0.0
    """US dollars."""
    illegal: int = 0
    diagnosis: int = UNKNOWN
    success: bool = False
    ended: bool = False
    truncated: bool = False
    asked: list[int] = field(default_factory=list)
    """Findings in the order in which they came out."""
    treated: list[int] = field(default_factory=list)

    @property
    def unshaped(self) -> float:
        """The return without shaping."""
        return self.cost + self.utility + self.safety


class Reckoning:
    """Follows one encounter: feed it events, look at ``now`` at any time. What comes after the end changes nothing."""

    def __init__(self, told: Told, game: Game) -> None:
        if game.min_turn:
            raise ActionError(f"min_turn={game.min_turn} has no meaning in a text encounter. Leave it out.")
        if game.tables.world.id != told.tables.world.id or game.findings != len(told.tables.offset):
            raise ActionError(f"The patient is of world '{told.tables.world.id}', the game of '{game.tables.world.id}'. Give one world.")
        self.told, self.game, self.now = told, game, Settled()
        self._open: Event | None = None
        """A question that has not told anything yet."""
        complaint = int(told.patients.complaint[0])
        self._known = {complaint} if complaint >= 0 else set()

    def feed(self, events: Sequence[Event]) -> Settled:
        """Take in the events of whole turns and return how things stand."""
        for event in events:
            if self.now.ended or self.now.truncated:
                break
            self._take(event)
        if not self.now.ended:
            self._unanswered()
            self._cut_off()
        return self.now

    def finish(self, *, over: bool) -> Settled:
        """Close the books: an encounter that is ``over`` without a diagnosis was cut off."""
        if over and not self.now.ended and not self.now.truncated:
            self._truncate()
        return self.now

    def outcomes(self) -> I64:
        """Return (F,): the outcome of each finding that came out, -1 elsewhere; the complaint is not among them."""
        found = np.full(len(self.told.tables.offset), UNKNOWN, dtype=np.int64)
        found[self.now.asked] = self.told.patients.reported[0, self.now.asked]
        return found

    def belief(self) -> F32:
        """Return the exact posterior given what came out, (D,) probabilities."""
        one = self.told.patients
        log = posterior(self.game.tables, group=one.group, complaint=one.complaint, outcomes=self.outcomes()[None])
        return np.asarray(np.exp(log[0]))

    # ---- one event -----------------------------------------------------------------------------------------------------------------

    def _take(self, event: Event) -> None:
        if event.kind == "reply":
            self._told(event)
            return
        if event.actor != "doctor" or event.kind == "message":
            return
        self._unanswered()
        if event.kind in _ACTS and self._cut_off():
            return
        if event.kind in COUNTED:
            self.now.actions += 1
        if event.kind == "ask":
            self._open = event
        elif event.kind in {"unclear", "refused"}:
            self._illegal()
        elif event.code:
            self._done(event)
        elif event.kind == "diagnose" and self.game.task == "workup":
            self._diagnose(self.told.condition(str(event.args["ranked"][0])))
        elif event.kind == "end" and self.game.task == "inquiry":
            self._diagnose(int(self.belief().argmax()))

    def _told(self, event: Event) -> None:
        places = [self.told.number[name] for name in event.facts if name in self.told.number]
        for f in places:
            if f not in self._known:
                self._charge(f)
                self.now.asked.append(f)
            self._known.add(f)
        if places:
            self._open = None

    def _unanswered(self) -> None:
        """A question that told nothing: what is not there to be asked, or was told before."""
        if self._open is not None:
            self._open = None
            self._illegal()

    def _done(self, event: Event) -> None:
        at = self.told.number.get(event.code)
        findings = len(self.told.tables.offset)
        if at is None or at in self._known:
            self._illegal()
            return
        self._known.add(at)
        if at < findings:
            self._charge(at)
            self.now.asked.append(at)
            return
        if self.game.task == "inquiry":
            self._illegal()
            return
        m = at - findings
        self._charge(self.game.findings + m)
        self.now.treated.append(m)
        if event.args.get("contraindicated"):
            self.now.safety += self._vetoed(self.game.payoff.harm)
            self.now.ended = True

    def _diagnose(self, given: int) -> None:
        g, now, truth = self.game, self.now, int(self.told.patients.condition[0])
        now.actions += 1
        now.diagnosis, now.success, now.ended = given, given == truth, True
        grave = g.tables.world.conditions[truth].must_not_miss
        now.utility += float(g.utility[truth, given]) if given >= 0 else g.payoff.missed if grave else g.payoff.wrong
        if g.treatments:
            left_out = [m for m in np.flatnonzero(g.critical[truth]) if int(m) not in now.treated]
            if left_out:
                now.safety += self._vetoed(g.payoff.critical * len(left_out))

    def _charge(self, action: int) -> None:
        self.now.cost -= float(self.game.fee[action])
        self.now.spent += float(self.game.cost[action])

    def _illegal(self) -> None:
        self.now.illegal += 1
        self.now.cost += self.game.payoff.illegal

    def _cut_off(self) -> bool:
        """Whether the last action was one too many; looked at when it has been answered."""
        over_budget = self.game.budget is not None and self.now.spent > self.game.budget
        if not self.now.ended and not self.now.truncated and (self.now.actions >= self.game.max_turns or over_budget):
            self._truncate()
        return self.now.truncated

    def _truncate(self) -> None:
        self.now.truncated = True
        self.now.utility += self.game.payoff.truncated

    def _vetoed(self, safety: float) -> float:
        """A failure of safety, and with it whatever the return had above zero."""
        return safety - max(self.now.unshaped + safety, 0.0) if self.game.payoff.veto else safety


def settle(told: Told, game: Game, events: Sequence[Event], *, over: bool = True) -> Settled:
    """Return what a whole text encounter is worth by the rules of a game."""
    reckoning = Reckoning(told, game)
    reckoning.feed(events)
    return reckoning.finish(over=over)
