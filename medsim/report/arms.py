"""What a report stands on: the stored encounters of some runs, gathered into arms.

The rule: an arm is one agent under one identity, and arms are never joined. An encounter that failed stays in its arm, is counted, and
gives no number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medsim.case import Case
from medsim.errors import StoreError, did_you_mean
from medsim.evaluation import asked
from medsim.evaluation.groups import groups, groups_of
from medsim.metrics.stored import cases_of, configuration
from medsim.report.encounter import OWN, Encounter, Scoring, read, scoring_of
from medsim.store import HUMAN, Store
from medsim.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Arm:
    """One agent under one identity."""

    number: int
    name: str
    """As it is shown: the agent, and the run where the name alone would not do."""
    agent: str
    run: str
    identity: str
    config: Mapping[str, Any]
    encounters: tuple[Encounter, ...]

    @property
    def ended(self) -> list[Encounter]:
        """The encounters that came to an end."""
        return [one for one in self.encounters if one.ended]

    def of(self, case_hash: str) -> list[Encounter]:
        """Its ended encounters of one case."""
        return [one for one in self.ended if one.case_hash == case_hash]


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report is made from."""

    arms: tuple[Arm, ...]
    cases: Mapping[str, Case]
    """By hash: those that were found in the version that was played."""
    names: Mapping[str, str]
    """The id of every case that was played, by hash, in the order of the ids."""
    groups: Mapping[str, str]
    """The group of each case, by hash: cases that repeat each other or share a source are drawn together."""
    scoring: Scoring
    others: Mapping[Scoring, int]
    """Other scorings there are, and of how many encounters."""
    store: Store = field(repr=False)

    @property
    def encounters(self) -> Iterator[Encounter]:
        """All encounters, arm by arm."""
        return (one for arm in self.arms for one in arm.encounters)

    def transcript(self, one: Encounter) -> Trajectory:
        """Read an encounter's events again."""
        return self.store.load(one.id, run=one.run)


def gather(
    store: Store,
    runs: str | Sequence[str],
    *,
    agents: str | Sequence[str] = (),
    places: str | Sequence[str] = (),
    rubric: str | None = None,
    judge: str | None = None,
) -> Material:
    """Read the runs; ``agents`` keeps only these, ``places`` says where cases are, ``rubric`` and ``judge`` choose among scores."""
    runs, agents = asked.names(runs), asked.names(agents)
    if not runs:
        raise StoreError("A report needs at least one run. List them: medsim show")
    names = list(dict.fromkeys(runs))
    configs = {run: configuration(store, run) for run in names}
    rows = {run: store.rows(run=run) for run in names}
    _refuse_unknown(
        agents, {row["agent"] for several in rows.values() for row in several} | {a for c in configs.values() for a in c.get("agents", {})}
    )
    kept = {run: [row for row in several if not agents or row["agent"] in agents] for run, several in rows.items()}
    scores = {(run, row["id"]): store.scores(row["id"], run=run) for run, several in kept.items() for row in several}
    scoring, others = _choose(scores, kept, rubric=rubric, judge=judge)
    cases = {key: case for run in names for key, case in cases_of(configs[run], places).items()}
    arms, number = [], 0
    shown = _shown_names(kept, configs, agents)
    for at, ((run, agent, identity), name) in enumerate(shown.items(), 1):
        own = [row for row in kept[run] if row["agent"] == agent and row["identity"] == identity]
        own.sort(key=lambda row: (row["case_id"], row["case_hash"], row["trial"], row["id"]))
        found = []
        for row in own:
            number += 1
            found.append(read(number, row, store, scores[run, row["id"]], scoring))
        arms.append(Arm(at, name, agent, run, identity, configs[run], tuple(found)))
    played = sorted({(one.case_id, one.case_hash) for arm in arms for one in arm.encounters})
    there = {key: cases[key] for _, key in played if key in cases}
    return Material(
        tuple(arms), there, {key: name for name, key in played}, _groups(list(configs.values()), there, played), scoring, others, store
    )


def _refuse_unknown(agents: Sequence[str], known: set[str]) -> None:
    for name in agents:
        if name not in known:
            raise StoreError(
                f"No agent '{name}' in these runs.{did_you_mean(name, known)} Agents: {', '.join(sorted(known)[:12]) or 'none'}."
            )


def _shown_names(
    rows: Mapping[str, Sequence[Mapping[str, Any]]], configs: Mapping[str, Mapping[str, Any]], agents: Sequence[str]
) -> dict[tuple[str, str, str], str]:
    """(run, agent, identity) of each arm, in order, with the name it is shown by."""
    keys: dict[tuple[str, str, str], None] = {}
    for run, several in rows.items():
        found = {(run, row["agent"], row["identity"]) for row in several}
        planned = [name for name in configs[run].get("agents", {}) if not agents or name in agents]
        idle = {(run, name, "") for name in planned if name not in {agent for _, agent, _ in found}}
        keys |= dict.fromkeys(sorted(found | idle))
    seen = Counter(agent for _, agent, _ in keys)
    in_run = Counter((run, agent) for run, agent, _ in keys)
    return {
        key: key[1]
        if seen[key[1]] == 1
        else f"{key[1]} ({key[0]})"
        if in_run[key[0], key[1]] == 1
        else f"{key[1]} ({key[0]}, {key[2] or 'no identity'})"
        for key in keys
    }


def _choose(
    scores: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    rubric: str | None,
    judge: str | None,
) -> tuple[Scoring, dict[Scoring, int]]:
    """The scoring that was asked for, by default the one that most encounters have (of equals the first), and the others.

    People's labels are what judges are held against: they are shown only where they are named, or where there is nothing else.
    """
    homes = {(run, row["id"]): row["case_id"] for run, several in rows.items() for row in several}
    found: Counter[Scoring] = Counter()
    for key, several in scores.items():
        found.update(dict.fromkeys((scoring_of(score, homes[key]) for score in several), 1))
    exact = judge in {one.judge for one in found}
    fit = [
        one
        for one in found
        if rubric in (None, one.rubric) and (judge is None or (one.judge == judge if exact else one.judge.startswith(judge)))
    ]
    judges = {one.judge for one in fit}
    if (rubric or judge) and (not fit or (judge and len(judges) > 1)):
        told = "; ".join(f"rubric {one.rubric}, judge {one.judge} ({count} encounters)" for one, count in found.items())
        what = "Several judges' scores begin so" if fit else "No such score"
        raise StoreError(
            f"{what}: {f'rubric {rubric!r}' if rubric else 'any rubric'}, {f'judge {judge!r}' if judge else 'any judge'}. There are: {told or 'none'}."
        )
    if judge is None:
        fit = [one for one in fit if not one.judge.startswith(HUMAN)] or fit
    chosen = max(fit, key=lambda one: found[one], default=Scoring(OWN, "none"))  # max keeps the first of equals
    return chosen, {one: count for one, count in found.items() if one != chosen}


def _groups(configs: Sequence[Mapping[str, Any]], cases: Mapping[str, Case], played: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The group of every case: as stored with the runs, else read off the cases that were found; one that shares with none is its own."""
    found = {key: key for _, key in played} | groups(cases.values())
    for config in configs:
        found |= groups_of(config) or {}
    return {key: found[key] for _, key in played}
