"""Stored agents held against each other, case by case and trial by trial.

The rule: two agents are compared over the encounters that both have a value for, and only where cases, rubrics, recipe, patient and judge
are the same; where they are not, it is refused, or said in the result. Nothing is pooled over runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from medsim import stats
from medsim.errors import MedsimError
from medsim.evaluation import asked
from medsim.evaluation.entrants import BINDING, DOCTORS, Entrant, Key, Measure, clash, entrants
from medsim.evaluation.groups import groups_of
from medsim.stats import Comparison, Estimate, Rank
from medsim.stats.compare import floored
from medsim.stats.estimate import counted
from medsim.store import DEFAULT, Store
from medsim.store.changes import difference as told_difference


class Standing(NamedTuple):
    """One agent by itself."""

    agent: str
    run: str
    mean: Estimate
    """Over its own cases; the paired differences are over shared ones."""
    cases: int
    encounters: int
    unscored: int
    """Encounters that ended without a value."""
    failed: int


class Compared(NamedTuple):
    """What a comparison came to."""

    measure: str
    standings: list[Standing]
    contrasts: list[Comparison]
    """One less the other, for every pair; the p values are corrected for all of them by Holm's method."""
    ranks: list[Rank]
    """Best first, with the ranks that are possible for all agents at once; empty where no case has a value from every agent."""
    refused: list[str]
    """Parts that should have been the same and are not, where the comparison was made anyway."""
    differences: list[str]
    """What else differs between the runs, a sentence for each run against the first."""
    notes: list[str]

    def data(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            **self._asdict(),
            "standings": [{**row._asdict(), "mean": row.mean._asdict()} for row in self.standings],
            "contrasts": [{**row._asdict(), "difference": row.difference._asdict()} for row in self.contrasts],
            "ranks": [row._asdict() for row in self.ranks],
        }


def compare(
    runs: str | Sequence[str],
    *,
    agents: str | Sequence[str] = (),
    store: Store | str = DEFAULT,
    measure: Measure = "score",
    rubric: str | None = None,
    judge: str | None = None,
    anyway: bool = False,
) -> Compared:
    """Compare the agents of one or several stored runs over the cases and trials they share.

    ``agents`` picks some, as ``name`` or ``name@run``; ``measure`` is ``score`` or ``passed``; ``rubric`` and ``judge`` name a stored score
    other than the encounters' own. MedsimError where there is nothing to compare, and where cases, rubrics, recipe, patient or judge of the
    runs differ, unless ``anyway``; then ``refused`` names them.
    """
    kept_in, names = asked.opened(store, create=False), asked.names(runs)
    found = entrants(names, store=kept_in, agents=agents, measure=measure, rubric=rubric, judge=judge)
    _enough(found, names)
    refused = _checked(found, anyway)
    groups, notes = _groups(found)
    pairs = [_contrast(one, other, groups) for one, other in combinations(found, 2)]
    ranked, told = _ranked(found, groups)
    return Compared(
        measure,
        [_standing(one, groups) for one in found],
        _corrected(pairs),
        ranked,
        refused,
        _differences(found),
        [*notes, *_left_out(found), *told, *_floored(pairs), *([UNCLIPPED] if unclipped(*(one.values.values() for one in found)) else [])],
    )


def _enough(found: Sequence[Entrant], runs: Sequence[str]) -> None:
    named = " and ".join(f"'{run}'" for run in runs)
    if not any(one.values for one in found):
        raise MedsimError(f"No encounter of run {named} has ended, so there is nothing to compare. Play on: medsim run --resume")
    if len(found) < 2:
        raise MedsimError(
            f"There is one agent only, '{found[0].agent}' in run '{found[0].run}': nothing to compare it with. "
            "Name another run, or play more agents over the same cases."
        )
    if not any(one.scored for one in found):
        raise MedsimError(
            f"No encounter of run {named} has a value: every score or verdict is unknown. Score them: medsim score RUN --judge MODEL"
        )


def _checked(found: Sequence[Entrant], anyway: bool) -> list[str]:
    differing = {part for one, other in combinations(found, 2) for part in clash(one.identity, other.identity)}
    parts = [part for part in BINDING if part in differing]
    if parts and not anyway:
        first = found[0]
        other = next(one for one in found if clash(first.identity, one.identity) or one.run != first.run)
        told = told_difference(_shown(first.config), _shown(other.config))
        raise MedsimError(
            f"These agents are not compared: {', '.join(parts)} differ, so a difference would not be theirs alone."
            f"{f' What differs: {told}.' if told else ''} Run them again alike, or say --anyway (anyway=True)."
        )
    return parts


def _shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without what may differ between two agents, and without what does not decide a result."""
    models = {role: model for role, model in config.get("models", {}).items() if role not in DOCTORS}
    kept = {name: value for name, value in config.items() if name not in ("agents", "groups", "models")}
    recipe = {name: value for name, value in config.get("recipe", {}).items() if name not in ("cases", "select", "title")}
    return {**kept, "models": models, "recipe": recipe}


def _differences(found: Sequence[Entrant]) -> list[str]:
    """What differs between the first run and each other one."""
    first, told = found[0], []
    for run in dict.fromkeys(one.run for one in found if one.run != first.run):
        config = next(one.config for one in found if one.run == run)
        text = told_difference(_shown(first.config), _shown(config))
        if text:
            told.append(f"{first.run} and {run} differ beside their agents: {text}.")
        told += [
            f"Agent '{agent}' is not the same in {first.run} and {run}."
            for agent, print_ in sorted(first.config.get("agents", {}).items())
            if config.get("agents", {}).get(agent, print_) != print_
        ]
    return told


def _groups(found: Sequence[Entrant]) -> tuple[dict[str, str], list[str]]:
    """The groups of cases of all runs, and a sentence for each run of which they cannot be told."""
    known: dict[str, str] = {}
    notes = []
    for run, config in {one.run: one.config for one in found}.items():
        own = groups_of(config)
        known |= own or {}
        if own is None:
            notes.append(f"Which cases of {run} share a source is not known: each is taken as independent.")
    return known, notes


def _standing(one: Entrant, groups: Mapping[str, str]) -> Standing:
    cases = [case for case, _ in one.values]
    units = [groups.get(case, case) for case in cases]
    mean = stats.macro(one.values.values(), cases=cases, groups=units, bounds=(0.0, 1.0))
    played = len({case for (case, _), value in one.values.items() if value is not None})
    return Standing(one.name, one.run, mean, played, len(one.values), len(one.values) - one.scored, one.failed)


def shared(found: Sequence[Entrant]) -> list[Key]:
    """The encounters, by case and trial, that all of these have a value for."""
    keys = [{key for key, value in one.values.items() if value is not None} for one in found]
    return sorted(set.intersection(*keys)) if keys else []


def columns(found: Sequence[Entrant]) -> tuple[list[str], list[list[float]]]:
    """The cases that all of these have a value for, and each one's mean over the trials that all have."""
    trials: dict[str, list[Key]] = {}
    for key in shared(found):
        trials.setdefault(key[0], []).append(key)
    return list(trials), [[sum(one.values[key] or 0.0 for key in keys) / len(keys) for keys in trials.values()] for one in found]


def _contrast(one: Entrant, other: Entrant, groups: Mapping[str, str]) -> Comparison:
    cases, (first, second) = columns([one, other])
    if not cases:
        why = "No case and trial has a value from both agents."
        return Comparison(one.name, other.name, Estimate(None, note=why), None)
    units = [groups.get(case, case) for case in cases]
    gap = stats.difference(first, other=second, groups=units, bounds=limits(first, second))
    p = stats.permutation_test(first, other=second, groups=units) if gap.n > 1 else None
    return Comparison(one.name, other.name, gap, p)


UNCLIPPED = (
    "Some scores lie beyond 0 to 1, for their rubric clips the mean only: differences and ranks are of scores as they are, unclipped."
)


def limits(*scores: Sequence[float | None]) -> tuple[float, float] | None:
    """What a difference of scores can be; None where a rubric clips the mean only and single scores lie beyond 0 to 1."""
    return None if unclipped(*scores) else (-1.0, 1.0)


def unclipped(*scores: Iterable[float | None]) -> bool:
    """Whether some score lies beyond 0 to 1."""
    return any(score is not None and not 0 <= score <= 1 for column in scores for score in column)


def _floored(found: Sequence[Comparison]) -> list[str]:
    """Where no pair could have a small p value."""
    tested = [row.difference.n for row in found if row.p is not None]
    told = floored(max(tested, default=0), pairs=len(tested))
    return [told] if told else []


def _corrected(found: Sequence[Comparison]) -> list[Comparison]:
    adjusted = iter(stats.holm([row.p for row in found if row.p is not None]))
    return [row._replace(p_holm=next(adjusted)) if row.p is not None else row for row in found]


def _ranked(found: Sequence[Entrant], groups: Mapping[str, str]) -> tuple[list[Rank], list[str]]:
    cases, means = columns(found)
    if not cases:
        return [], ["No case has a value from every agent, so they are not ranked."] if len(found) > 2 else []
    units = [groups.get(case, case) for case in cases]
    ranked, note = stats.ranks({one.name: column for one, column in zip(found, means, strict=True)}, groups=units)
    return ranked, [note] if note else []


def _left_out(found: Sequence[Entrant]) -> list[str]:
    """How much of the agents' encounters the comparison does not see."""
    keys = set(shared(found))
    told = []
    for one in found:
        alone = one.scored - len(keys)
        parts = [
            f"{one.failed} failed" if one.failed else "",
            f"{len(one.values) - one.scored} without a value" if len(one.values) > one.scored else "",
            f"{alone} that not every other agent has" if alone else "",
        ]
        if any(parts):
            total = counted(len(one.values) + one.failed, "encounter")
            told.append(f"{one.name}, of {total}: {', '.join(filter(None, parts))}. A pair is compared over what both have.")
    return told
