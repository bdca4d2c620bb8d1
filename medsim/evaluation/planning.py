"""The next study: where the spread of a run's scores comes from, and how many cases and trials a difference of two agents needs.

The rule: the unit is the case. What the run cannot tell (one trial, one agent) is assumed cautiously and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from medsim import stats
from medsim.errors import MedsimError
from medsim.evaluation import asked
from medsim.evaluation.comparing import columns, shared
from medsim.evaluation.entrants import Entrant, Key, Measure, entrants
from medsim.evaluation.groups import groups_of
from medsim.stats import Split, Spread
from medsim.stats.bootstrap import FEW, ratio_error
from medsim.stats.estimate import coded, totals
from medsim.stats.power import ALPHA, POWER, Need
from medsim.store import DEFAULT, HUMAN, Store
from medsim.store.tally import Tally, tallies

TRIALS = (1, 2, 3, 5)
TRUSTED = 0.9
"""A judge's score of less coverage says how much was undecided, not how judges differ."""
CASE, AGENT, SEED, TRIAL, JUDGE = "case", "case and agent", "patient (seed of a trial)", "trial", "judge"


class Plan(NamedTuple):
    """What the next study of two agents needs, as far as a run tells."""

    run: str
    agents: list[str]
    """Whose difference is planned for."""
    cases: int
    trials: int
    """Of most cases."""
    split: Split | None
    """Where the spread of the scores of all agents comes from; None with fewer than two scores."""
    spread: Spread
    """How the difference of the two varies."""
    difference: float
    power: float
    needs: list[Need]
    """For each number of trials, the fewest encounters first."""
    supports: str
    """Which differences these cases support, in words."""
    notes: list[str]

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **self._asdict(),
            "split": self.split._asdict() if self.split else None,
            "spread": {**self.spread._asdict(), "sd": self.spread.sd(self.trials)},
            "needs": [need._asdict() for need in self.needs],
        }


def plan(
    run: str,
    *,
    agents: str | Sequence[str] = (),
    store: Store | str = DEFAULT,
    difference: float = 0.1,
    power: float = POWER,
    measure: Measure = "score",
    rubric: str | None = None,
    judge: str | None = None,
) -> Plan:
    """Plan the next study from a stored run: ``difference`` (0.1 is 10 points) is to be found with the given ``power``.

    Two ``agents`` are planned for; of more, the pair whose difference varies most. MedsimError where the run holds too little.
    """
    if not 0 < difference < 1 or not 0 < power < 1:
        raise MedsimError(f"A difference and a power between 0 and 1 are expected (0.1 is 10 points), given {difference} and {power}.")
    kept_in = asked.opened(store, create=False)
    found = entrants([run], store=kept_in, agents=agents, measure=measure, rubric=rubric, judge=judge)
    usable = [one for one in found if len({case for case, _ in one.values}) > 1 and one.scored > 1]
    if not usable:
        raise MedsimError(
            f"Run '{run}' cannot tell how cases differ: at least two cases with a {measure} are needed. Play more cases, or score them."
        )
    pair, spread, notes = _widest(usable)
    keys = shared(pair)
    cases = sorted({case for case, _ in keys})
    trials = Counter(Counter(case for case, _ in keys).values()).most_common(1)[0][0]
    widened, told = _for_groups(pair, spread, groups_of(pair[0].config))
    if widened.sd(trials) <= 0:
        raise MedsimError(
            f"{' and '.join(one.name for one in pair)} differ by the same in every case, so there is no spread to plan from. Name other agents."
        )
    counts = trials_told(widened)
    return Plan(
        run,
        [one.name for one in pair],
        len(cases),
        trials,
        _split(usable, tallies(kept_in, run=run), kept_in.rows(run=run), measure),
        widened,
        difference,
        power,
        stats.plan(difference, spread=widened, trials=counts, power=power),
        stats.claim(len(cases), sd=widened.sd(trials), power=power, alpha=ALPHA),
        [note for note in (*notes, *told, widened.note, *_rough(len(cases), trials, widened)) if note],
    )


def trials_told(spread: Spread) -> tuple[int, ...]:
    """Which numbers of trials can be planned for; where trials cannot be told from cases, only one."""
    return TRIALS if spread.trial > 0 else (1,)


def _rough(cases: int, trials: int, spread: Spread) -> list[str]:
    few = f"The spread itself is seen in {cases} cases only, so the plan is rough." if cases < FEW else ""
    alike = "Trials of one case came out alike: more trials would add nothing." if trials > 1 and spread.trial <= 0 else ""
    return [few, alike]


def _widest(found: Sequence[Entrant]) -> tuple[list[Entrant], Spread, list[str]]:
    """The pair whose difference varies most, so that the plan is cautious; a lone agent is paired with an unknown one like it."""
    if len(found) == 1:
        return [found[0]], _alone(found[0]), [
            f"One agent only: its rival is taken to vary as much and independently of it, which asks for more cases than a paired study. "
            f"Play another agent over the same cases to know better than from {found[0].name} alone."
        ]  # fmt: skip
    spreads = [(list(pair), _paired(pair[0], pair[1])) for pair in combinations(found, 2)]
    known = [(pair, spread) for pair, spread in spreads if spread is not None]
    if not known:
        raise MedsimError("No two agents of this run share two cases with a value, so the spread of their difference cannot be told.")
    pair, spread = max(known, key=lambda each: each[1].sd())
    of_many = f"Of {len(known)} pairs the one whose difference varies most; others need no more cases. Choose with --agents A,B."
    return pair, spread, [of_many] if len(known) > 1 else []


def _paired(one: Entrant, other: Entrant) -> Spread | None:
    keys = shared([one, other])
    if len({case for case, _ in keys}) < 2:
        return None
    cases = [case for case, _ in keys]
    gaps = [(one.values[key] or 0.0) - (other.values[key] or 0.0) for key in keys]
    return stats.spread(gaps, cases=cases, other=[0.0] * len(gaps), other_cases=cases)


def _alone(one: Entrant) -> Spread:
    """Twice the variance of one agent: two like it, independent of each other."""
    keys = shared([one])
    cases = [case for case, _ in keys]
    own = stats.spread([one.values[key] or 0.0 for key in keys], cases=cases, other=[0.0] * len(keys), other_cases=cases)
    return own._replace(case=2 * own.case, trial=2 * own.trial)


def _for_groups(pair: Sequence[Entrant], spread: Spread, groups: Mapping[str, str] | None) -> tuple[Spread, list[str]]:
    """Widen the spread by as much as cases of one source vouch for each other."""
    cases, means = columns(pair)
    gaps = np.array(means[0]) - (np.array(means[1]) if len(means) > 1 else 0.0)
    codes, names = coded((groups or {}).get(case, case) for case in cases)
    if not groups or len(names) in (1, len(cases)):
        return spread, []
    sizes = totals(codes, np.ones(len(cases)), len(names))
    together, apart = ratio_error(totals(codes, gaps, len(names)), bottom=sizes), ratio_error(gaps, bottom=np.ones(len(cases)))
    effect = float((together / apart) ** 2) if apart > 0 else 1.0
    if effect <= 1:
        return spread, []
    told = f"Cases share sources ({len(cases)} cases, {len(names)} sources): sqrt of the design effect {sqrt(effect):.2f}, planned for."
    return spread._replace(case=spread.case * effect, trial=spread.trial * effect), [told]


# ---- where the spread comes from -------------------------------------------------------------------------------------------------------


def _split(
    found: Sequence[Entrant], counts: Mapping[str, Sequence[Tally]], rows: Sequence[Mapping[str, Any]], measure: Measure
) -> Split | None:
    """Variance of the agents' scores about their own means, by case, seed, trial and judge as far as each is there."""
    judged = _judged(found, counts, rows, measure)
    if judged:
        return _components(judged)
    return _components([(one.name, key, "", value) for one in found for key, value in one.values.items() if value is not None])


def _judged(
    found: Sequence[Entrant], counts: Mapping[str, Sequence[Tally]], rows: Sequence[Mapping[str, Any]], measure: Measure
) -> list[tuple[str, Key, str, float]]:
    """Every judge's value of each encounter that several judges have decided by its own rubric; empty where none has several."""
    agents = {one.agent: one.name for one in found}
    kept: list[tuple[str, Key, str, float]] = []
    for row in rows:
        scores = counts.get(row["id"], ())
        own = [one for one in scores if one.rubric_hash == scores[0].rubric_hash and _judges(one.judge) and one.coverage >= TRUSTED]
        values = [(one.judge, value) for one in own if (value := getattr(one, measure)) is not None]
        if row["agent"] in agents and len(values) > 1:
            key = (row["case_hash"], row["trial"])
            kept += [(agents[row["agent"]], key, judge, float(value)) for judge, value in values]
    return kept


def _judges(name: str) -> bool:
    """Whether a score is a judge's; people's labels are what judges are held against, and their spread is no judge's."""
    return name != "none" and not name.startswith(HUMAN)


def _components(seen: Sequence[tuple[str, Key, str, float]]) -> Split | None:
    """Split what is seen: (agent, case and trial, judge, value)."""
    if len(seen) < 2:
        return None
    by_agent: dict[str, list[float]] = {}
    for agent, _, _, value in seen:
        by_agent.setdefault(agent, []).append(value)
    means = {agent: float(np.mean(values)) for agent, values in by_agent.items()}
    factors: dict[str, list[Hashable]] = {CASE: [key[0] for _, key, _, _ in seen]}
    if len(means) > 1:
        factors[AGENT] = [(agent, key[0]) for agent, key, _, _ in seen]
    if len({key[1] for _, key, _, _ in seen}) > 1 and len(means) > 1:
        factors[SEED] = [key for _, key, _, _ in seen]
    if any(judge for _, _, judge, _ in seen):
        factors[TRIAL] = [(agent, key) for agent, key, _, _ in seen]
        factors[JUDGE] = [judge for _, _, judge, _ in seen]
    return stats.components([value - means[agent] for agent, _, _, value in seen], factors=factors)
