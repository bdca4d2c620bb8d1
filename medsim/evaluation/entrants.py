"""The agents of stored runs with a value for each case and trial, and what stood around them when they earned it.

The rule: one entrant is one agent in one run, scored by one rubric a case and one judge. Two runs are never joined into one entrant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from medsim.errors import MedsimError, StoreError, did_you_mean
from medsim.evaluation import asked
from medsim.evaluation.stats import Row, one_identity
from medsim.store import HUMAN, Store
from medsim.store.tally import Tally, tallies

Measure = Literal["score", "passed"]
Key = tuple[str, int]
"""Case hash and trial."""

BINDING = ("cases", "rubrics", "recipe", "patient", "judge")
"""What has to be the same before two agents are compared."""
DOCTORS = frozenset({"doctor", "question"})
"""Roles whose models are the agent's own."""
_PATIENT = ("patient", "patient_words", "controller_words", "persona")
_APART = {"agents", "groups", "cases", "rubrics", "recipe", "judge", "models", *_PATIENT}
_PLACES = {"cases", "select", "title"}
"""Parts of a recipe that say where cases are found, not what they are."""


class Entrant(NamedTuple):
    """One agent of one run."""

    name: str
    """The agent, with its run where several runs are compared."""
    agent: str
    run: str
    values: dict[Key, float | None]
    """Of each encounter that ended; None where it has no value."""
    identity: Mapping[str, str]
    """What stood around it, by part; the agent and its model are no part of it."""
    config: Mapping[str, Any]
    failed: int
    """Encounters that ended in an error: they have no value at all."""

    @property
    def scored(self) -> int:
        """Encounters with a value."""
        return sum(value is not None for value in self.values.values())


def entrants(
    runs: str | Sequence[str],
    *,
    store: Store,
    agents: str | Sequence[str] = (),
    measure: Measure = "score",
    rubric: str | None = None,
    judge: str | None = None,
) -> list[Entrant]:
    """Read the agents of runs; ``agents`` picks some of them (``name`` or ``name@run``), in that order.

    Their own score counts unless ``rubric`` or ``judge`` names another that was stored beside it. StoreError for names that are not there.
    """
    known = {row["id"]: row for row in store.runs()}
    found: list[Entrant] = []
    runs, agents = asked.names(runs), asked.names(agents)
    for run in dict.fromkeys(runs):
        if run not in known:
            named = ", ".join(list(known)[:8]) or "none"
            raise StoreError(f"No run '{run}' in {store.shown}.{did_you_mean(run, known)} Runs: {named}.")
        found += _of_run(store, run, known[run]["config"], measure, rubric, judge, several=len(set(runs)) > 1)
    return _picked(found, agents) if agents else found


def _picked(found: Sequence[Entrant], agents: Sequence[str]) -> list[Entrant]:
    picked: list[Entrant] = []
    for name in agents:
        own = [one for one in found if name in (one.agent, one.name, f"{one.agent}@{one.run}") and one not in picked]
        if not own:
            names = list(dict.fromkeys(one.agent for one in found))
            raise StoreError(f"No agent '{name}' in these runs.{did_you_mean(name, names)} Agents: {', '.join(names) or 'none'}.")
        picked += own
    return picked


def _of_run(
    store: Store, run: str, config: dict[str, Any], measure: Measure, rubric: str | None, judge: str | None, *, several: bool
) -> list[Entrant]:
    rows = store.rows(run=run)
    by_agent: dict[str, list[Row]] = {}
    for row in rows:
        by_agent.setdefault(row["agent"], []).append(row)
    ended = [row for row in rows if row["status"] not in ("error", "open")]
    counts = tallies(store, run=run)
    judge = _judge_named(judge, counts, rubric) if judge else None
    used = {row["id"]: _used(row, counts.get(row["id"], ()), rubric, judge) for row in ended}
    if ended and (rubric or judge) and not any(used.values()):
        raise _unknown(run, counts, rubric, judge)
    identity = around(config, ended, used, own=not (rubric or judge))
    made = []
    for agent, own in by_agent.items():
        one_identity(own)
        values = {
            (row["case_hash"], row["trial"]): _value(row, used[row["id"]], measure, own=not (rubric or judge))
            for row in own
            if row["id"] in used
        }
        made.append(Entrant(f"{agent}@{run}" if several else agent, agent, run, values, identity, config, len(own) - len(values)))
    return made


def _judge_named(given: str, counts: Mapping[str, Sequence[Tally]], rubric: str | None) -> str:
    """The judge whose stored name is given, or begins so; a name that fits none is left as it is, for the caller to answer."""
    names = {one.judge for several in counts.values() for one in several if rubric in (None, one.rubric, one.rubric_hash)}
    near = [given] if given in names else sorted(name for name in names if name.startswith(given))
    if len(near) > 1:
        raise StoreError(f"Several judges begin with '{given}': {'; '.join(near[:6])}. Give more of the name.")
    return near[0] if near else given


def _used(row: Row, found: Sequence[Tally], rubric: str | None, judge: str | None) -> Tally | None:
    """The score that counts: the encounter's own, which is the oldest, or the one by the rubric and judge that were named."""
    if not (rubric or judge):
        return found[0] if found and row["coverage"] is not None else None
    fit = [one for one in found if rubric in (None, one.rubric, one.rubric_hash) and judge in (None, one.judge)]
    fit = [one for one in fit if judge or not one.judge.startswith(HUMAN)]  # people's labels count only where they are asked for
    if len(fit) > 1 and rubric is None:
        fit = [one for one in fit if one.rubric_hash == found[0].rubric_hash] or fit
    if len({(one.rubric_hash, one.judge) for one in fit}) > 1:
        told = ", ".join(sorted({f"{one.rubric} by {one.judge}" for one in fit}))
        raise MedsimError(f"Encounter {row['id']} has several scores that fit: {told}. Name both --rubric and --judge.")
    return fit[0] if fit else None


def _unknown(run: str, counts: Mapping[str, Sequence[Tally]], rubric: str | None, judge: str | None) -> StoreError:
    wanted = " and ".join(part for part in (f"rubric '{rubric}'" if rubric else "", f"judge '{judge}'" if judge else "") if part)
    there = sorted({f"{one.rubric} by {one.judge}" for several in counts.values() for one in several})
    told = f"{', '.join(there[:6])}{' …' if len(there) > 6 else ''}" if there else "none"
    return StoreError(f"Run '{run}' has no score by {wanted}. Scores there: {told}. Add one: medsim score {run} --judge MODEL")


def _value(row: Row, tally: Tally | None, measure: Measure, *, own: bool) -> float | None:
    value = row[measure] if own else None if tally is None else getattr(tally, measure)
    return None if value is None else float(value)


def around(config: Mapping[str, Any], rows: Sequence[Row], used: Mapping[str, Tally | None], *, own: bool = True) -> dict[str, str]:
    """What stood around the agents of a run, by part; a part that was not stored is read off the results.

    Where the scores are not the encounters' ``own``, the model that judged while they were played has no say in them.
    """
    models = dict(config.get("models", {}))
    scored = [(row["case_hash"], tally) for row in rows if (tally := used[row["id"]]) is not None]
    cases = sorted(config["cases"].values()) if config.get("cases") else sorted({row["case_hash"] for row in rows})
    recipe = {name: value for name, value in config.get("recipe", {}).items() if name not in _PLACES}
    seated = {role: model for role, model in models.items() if role not in DOCTORS and role != "judge"}
    parts: dict[str, Any] = {
        "cases": cases,
        "rubrics": sorted({(case, tally.rubric_hash) for case, tally in scored}),
        "recipe": recipe,
        "patient": [seated, *(config.get(name, "") for name in _PATIENT)],
        "judge": [sorted({tally.judge for _, tally in scored}), models.get("judge", "") if own else ""],
        **{name: value for name, value in config.items() if name not in _APART},
    }
    return {name: json.dumps(value, sort_keys=True) for name, value in parts.items()}


def clash(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The binding parts in which two surroundings differ; rubrics are held against each other over the cases that both have."""
    found = [name for name in BINDING if name != "rubrics" and one.get(name) != other.get(name)]
    first, second = (_by_case(json.loads(parts.get("rubrics", "[]"))) for parts in (one, other))
    if any(first[case] != second[case] for case in first.keys() & second.keys()):
        found.insert(1 if "cases" in found else 0, "rubrics")
    return found


def _by_case(pairs: Sequence[Sequence[str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for case, rubric in pairs:
        found.setdefault(case, set()).add(rubric)
    return found
