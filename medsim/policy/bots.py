"""Bots that look for pay without work; each has to earn less than greedy questions, or the reward has a hole.

The rule: a bot does one thing that a learner might stumble on. None may win, and shaping must pay each of them what it pays everyone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from medsim.policy.greedy import finish
from medsim.policy.view import Policy, View
from medsim.world.game import Game
from medsim.world.tables import I64


def _end(view: View) -> I64:
    return finish(view, view.belief)


def _first_question(view: View) -> I64:
    """The first question that may be asked, or the end where there is none."""
    return np.where(view.questions.any(axis=1), view.questions.argmax(axis=1), _end(view))


def ask_forever(view: View) -> I64:
    """Ask while anything may be asked, and repeat the first question after that."""
    return np.asarray(view.questions.argmax(axis=1))


def guess_at_once(view: View) -> I64:
    """End on the first turn."""
    return _end(view)


def repeat(view: View) -> I64:
    """Ask one question again and again, then guess on the last turn."""
    return np.where(view.last, _end(view), _always_first(view))


def _always_first(view: View) -> I64:
    """The first question that stood open at the start, whether it may still be asked or not."""
    return np.where(view.complaint == 0, 1 if view.game.findings > 1 else 0, np.zeros(len(view), dtype=np.int64))


def ask_for_the_diagnosis(view: View) -> I64:
    """Propose one condition after the other and watch for a better reward; in the inquiry task, end and end again."""
    g = view.game
    return np.full(len(view), g.stop) if g.task == "inquiry" else g.stop + view.turn % g.conditions


def name_facts(view: View) -> I64:
    """Ask only for what the likeliest condition is known for, so as to hear yes."""
    t = view.game.tables
    chance = np.where(view.questions != 0, t.present[view.belief.argmax(axis=1)], -1.0)
    return np.where(view.last | (chance.max(axis=1) < 0), _end(view), chance.argmax(axis=1))


def least_telling(view: View) -> I64:
    """Ask what everybody answers alike, and so learn nothing for as long as it can."""
    t = view.game.tables
    spread = np.where(view.questions != 0, t.present.std(axis=0), np.inf)
    return np.where(view.last | np.isinf(spread.min(axis=1)), _end(view), spread.argmin(axis=1))


def edge(view: View) -> I64:
    """Ask whatever comes first, and end in the last moment that is legal."""
    return np.where(view.last, _end(view), _first_question(view))


def treat_everything(view: View) -> I64:
    """Give every treatment before anything else, then guess."""
    g = view.game
    given = view.mask[:, g.findings : g.stop]
    if not given.shape[1]:
        return _end(view)
    return np.where(given.any(axis=1), g.findings + given.argmax(axis=1), _end(view))


def illegal(view: View) -> I64:
    """Do what the mask forbids for as long as it can, then guess."""
    closed = view.mask == 0
    return np.where(view.last | ~closed.any(axis=1), _end(view), closed.argmax(axis=1))


@dataclass(frozen=True)
class Bot:
    """One of them."""

    name: str
    choose: Callable[[View], I64]

    def act(self, view: View) -> I64:
        """Return what it does."""
        return self.choose(view)


_INQUIRY = (ask_forever, guess_at_once, repeat, name_facts, least_telling, edge, illegal)
_WORKUP = (*_INQUIRY, ask_for_the_diagnosis, treat_everything)


def bots(game: Game) -> list[Policy]:
    """Return every bot that can do its trick in this game; to treat everything needs treatments."""
    tricks = _INQUIRY if game.task == "inquiry" else _WORKUP if game.treatments else _WORKUP[:-1]
    return [Bot(trick.__name__.replace("_", " "), trick) for trick in tricks]
