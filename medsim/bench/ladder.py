"""The ladder: every baseline, the learners if asked for, and the bots, on the same held-out patients, seed by seed.

The rule: the seed is the unit of every interval. A seed has its own patients, and for a learner its own training as well; regrets are taken
patient by patient against greedy questions until 0.99. Figures are of the unshaped return.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from medsim import stats
from medsim.bench.arena import Arena
from medsim.bench.learners import Lesson, lessons
from medsim.bench.measures import measures
from medsim.errors import ActionError
from medsim.policy import AskAll, Fixed, Greedy, LookAhead, Oracle, Played, Policy, Random, Silent, play, tuned, without_complaint
from medsim.policy.bots import bots
from medsim.policy.training import Point
from medsim.stats.estimate import Estimate
from medsim.world.game import Game
from medsim.world.patients import Patients

Tell = Callable[[str], None]
REFERENCE = "greedy, until 0.99"
PRIOR = "prior"
BOUND = "knows the answer, asks nothing"
"""A bound and no policy: in the inquiry task the reference diagnoser has to be told something."""
SHARES = {"accuracy", "must_not_miss_recall", "calibration_error", "truncated", "GTPA@1", "DDR", "DDP", "DDF1"}
"""Measures from 0 to 1."""
BOT_SHAPING = 0.3
TUNED_ON = 2048
"""Patients on which settings are chosen, at most."""
FAILS = 0.1
"""Greedy fails where looking one question further earns so much more."""


@dataclass(eq=False)
class Row:
    """One policy over all seeds."""

    name: str
    measured: list[dict[str, float | None]] = field(default_factory=list)
    """One a seed."""
    regrets: list[float] = field(default_factory=list)
    right_by: list[list[float]] = field(default_factory=list)
    """Accuracy after 0, 1, 2 … turns, one list a seed."""
    kind: str = "baseline"

    def estimate(self, measure: str) -> Estimate:
        """Return a measure's mean over seeds with its interval."""
        values = self.regrets if measure == "regret" else [one.get(measure) for one in self.measured]
        return stats.macro(values, cases=range(len(values)), bounds=(0.0, 1.0) if measure in SHARES else None)

    def data(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        names = [*(self.measured[0] if self.measured else ()), "regret"]
        return {
            "policy": self.name, "kind": self.kind, "measures": {name: self.estimate(name)._asdict() for name in names},
            "by_seed": self.measured, "regret_by_seed": self.regrets, "accuracy_by_turn": self.right_by,
        }  # fmt: skip


@dataclass(eq=False)
class Ladder:
    """What was measured in one arena."""

    arena: Arena
    seeds: int
    patients: int
    rows: list[Row]
    curves: dict[str, list[list[Point]]] = field(default_factory=dict)
    """Learning curves by learner, one a seed."""
    notes: list[str] = field(default_factory=list)

    def row(self, name: str) -> Row:
        """Return the row of this name."""
        return next(row for row in self.rows if row.name == name)

    def of(self, kind: str) -> list[Row]:
        """Return the rows of a kind: baseline, learned, bot."""
        return [row for row in self.rows if row.kind == kind]

    def data(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        g = self.arena.game
        return {
            "arena": self.arena.name, "world": g.tables.world.id, "task": g.task, "seeds": self.seeds, "patients_a_seed": self.patients,
            "max_turns": g.max_turns, "payoff": g.payoff.model_dump(), "reference": REFERENCE, "rows": [row.data() for row in self.rows],
            "learning": {name: [[asdict(point) for point in curve] for curve in seeds] for name, seeds in self.curves.items()},
            "notes": self.notes,
        }  # fmt: skip


def climb(
    place: Arena,
    *,
    seeds: int = 5,
    patients: int = 4096,
    learned: Lesson | None = None,
    cheats: bool = True,
    tell: Tell = lambda _: None,
) -> Ladder:
    """Measure everything; ``learned`` says how long learners are trained, ``cheats`` whether the bots play, ``tell`` hears the progress."""
    if seeds < 1 or patients < 1:
        raise ActionError(f"At least one seed and one patient were expected, given {seeds} and {patients}.")
    made = Ladder(place, seeds, patients, [])
    rows: dict[str, Row] = {}
    honest = _honest(place, min(patients, 512)) if cheats else Greedy(place.tables)
    for seed in range(seeds):
        held_out, stated = place.patients(seed, patients)
        greedy = play(Greedy(place.tables), place.game, held_out, seed=seed)
        for policy, game, met in contestants(place, held_out, place.tuning(seed, min(patients, TUNED_ON))):
            tell(f"seed {seed + 1} of {seeds}: {policy.name}")
            played = greedy if policy.name == REFERENCE else play(policy, game, met, seed=seed)
            _enter(rows, _steady(policy.name), "baseline", played, greedy, game, stated)
        _bound(rows, place.game, greedy)
        if learned is not None:
            for lesson in lessons(place, learned, seed=seed, tell=lambda text, s=seed: tell(f"seed {s + 1} of {seeds}: {text}")):  # type: ignore[misc]
                policy, curve = lesson
                made.curves.setdefault(policy.name, []).append(curve)
                _enter(rows, policy.name, "learned", play(policy, place.game, held_out, seed=seed), greedy, place.game, stated)
        if cheats:
            tell(f"seed {seed + 1} of {seeds}: bots")
            _cheat(rows, place.game, honest, held_out.take(slice(0, 1024)), seed=seed)
    made.rows = list(rows.values())
    made.notes = _notes(made)
    return made


def contestants(place: Arena, held_out: Patients, tuning: Patients) -> list[tuple[Policy, Game, Patients]]:
    """Return the baselines, the game each plays, and the patients it meets."""
    game, t = place.game, place.tables
    most = game.max_turns - 1
    endless = replace(game, max_turns=max(game.max_turns, game.findings + 1 + game.treatments + 1))
    counts = [k for k in (10, 20) if k < most] + [most]
    made: list[tuple[Policy, Game, Patients]] = [(Silent(PRIOR), game, without_complaint(held_out))]
    if t.opens or place.official is not None:
        made.append((Silent(), game, held_out))
    made += [(Random(k), game, held_out) for k in counts]
    made += [(Fixed(t, k), game, held_out) for k in counts]
    made += [(Greedy(t, questions=k), game, held_out) for k in (5, 10, 15, 20) if k < most]
    made += [(Greedy(t, certain=0.95), game, held_out), (Greedy(t), game, held_out)]
    if float(np.ptp(t.fee)) > 0:
        made.append((Greedy(t, per_price=True), game, held_out))
    if place.noisy:
        made.append((Greedy(t, blind=True), game, held_out))
    made += [(tuned(game, tuning), game, held_out), (LookAhead(t), game, held_out)]
    return [*made, (AskAll(), endless, held_out), (Oracle(t), game, held_out)]


def _steady(name: str) -> str:
    """A name that is the same for every seed: the tuned level may differ from one to the next."""
    return "greedy, tuned to the return" if name.startswith("greedy, tuned") else name


def _enter(rows: dict[str, Row], name: str, kind: str, played: Played, greedy: Played, game: Game, stated: Any = None) -> None:
    row = rows.setdefault(name, Row(name, kind=kind))
    row.measured.append(measures(played, game, stated))
    row.regrets.append(float((greedy.earned.astype(np.float64) - played.earned).mean()))
    row.right_by.append(played.right_by.tolist())


def _bound(rows: dict[str, Row], game: Game, greedy: Played) -> None:
    row = rows.setdefault(BOUND, Row(BOUND))
    recall = measures(greedy, game)["must_not_miss_recall"]
    row.measured.append(
        {"accuracy": 1.0, "questions": 0.0, "return": game.payoff.correct, "must_not_miss_recall": None if recall is None else 1.0}
    )
    row.regrets.append(float(greedy.earned.astype(np.float64).mean()) - game.payoff.correct)


def _cheat(rows: dict[str, Row], game: Game, honest: Policy, patients: Patients, *, seed: int) -> None:
    """Play the bots with shaping on, beside an honest policy with the same shaping."""
    asked = play(honest, game, patients, seed=seed, shaping=BOT_SHAPING)
    _enter(rows, f"{honest.name} (for comparison)", "bot", asked, asked, game)
    for bot in bots(game):
        _enter(rows, bot.name, "bot", play(bot, game, patients, seed=seed, shaping=BOT_SHAPING), asked, game)


def _honest(place: Arena, count: int) -> Policy:
    """Greedy; or two-step look-ahead in a world where greedy fails, found out on patients of no seed."""
    greedy, ahead, met = Greedy(place.tables), LookAhead(place.tables), place.tuning(-1, count)
    fails = play(ahead, place.game, met).earned.mean() > play(greedy, place.game, met).earned.mean() + FAILS
    return ahead if fails else greedy


def _notes(made: Ladder) -> list[str]:
    game = made.arena.game
    told = [
        f"{made.patients:,} held-out patients a seed. "
        + (
            f"{made.seeds} seeds; intervals 95 % over seeds, a learner trained anew for each."
            if made.seeds > 1
            else "One seed gives no interval."
        ),
        f"Regret: the unshaped return of '{REFERENCE}' less the policy's, on the same patients.",
    ]
    if not any(condition.must_not_miss for condition in game.tables.world.conditions):
        told.append("No condition of this world is marked as one that must not be missed.")
    if made.of("learned"):
        told.append("Learners with 'posterior' or 'gains' see the exact posterior; a learner's patients are drawn anew and never held out.")
    if made.of("bot"):
        told.append(f"Bots play with shaping of weight {BOT_SHAPING:g}; it pays every encounter the same, so that none gains by it.")
    return told
