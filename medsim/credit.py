"""Credit turn by turn: what each turn of an encounter has brought.

The rule: credit goes to what the environment revealed, and to each fact once, in the turn in which it first came out. What the doctor says
earns nothing: naming a fact in a question, or asking again, is worth zero. In a world the gain is exact; in an authored case the rubric says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from medsim.case import Case
from medsim.errors import ActionError
from medsim.rubric import Monitor
from medsim.rubric.scorecard import ending
from medsim.trajectory import Event, Outcome
from medsim.world.belief import entropy, posterior
from medsim.world.patients import UNKNOWN, Patients
from medsim.world.settling import Reckoning
from medsim.world.tables import F32, F64, I64, PRESENT, Tables

ENUMERATED = 10
"""Up to so many facts Shapley values are summed over all subsets; beyond, over permutations drawn by chance."""
FEWEST, MOST = 16, 256
"""Permutations drawn, each with its reverse."""
SETTLED = 1e-3
"""Standard error in nats at which no more permutations are drawn."""
TEMPERATURE = 2.0

Turns = Sequence[Sequence[int]]
"""The findings that came out in each turn, by number."""


def first_told(turns: Turns) -> list[list[int]]:
    """Return the turns with each finding left in the first turn it came out in, and taken off the others."""
    seen: set[int] = set()
    kept = []
    for turn in turns:
        fresh = [f for f in dict.fromkeys(turn) if f not in seen]
        seen.update(fresh)
        kept.append(fresh)
    return kept


def told_in(reckoning: Reckoning, events: Sequence[Event]) -> list[list[int]]:
    """Return the findings that came out in each turn of a text encounter with a told patient, from its events."""
    last = max((event.turn for event in events), default=0)
    turns: list[list[int]] = [[] for _ in range(last)]
    for event in events:
        named = (*event.facts, event.code) if event.kind in {"reply", "finding", "result"} else ()
        places = [reckoning.told.number[name] for name in named if name in reckoning.told.number]
        if event.turn:
            turns[event.turn - 1] += [f for f in places if f < len(reckoning.told.tables.offset)]
    return first_told(turns)


def beliefs(tables: Tables, patients: Patients, turns: Turns, *, row: int = 0) -> F32:
    """Return the exact posterior before the first turn and after each, (T + 1, D) log-probabilities."""
    told = first_told(turns)
    outcomes: I64 = np.full((len(told) + 1, len(tables.offset)), UNKNOWN, dtype=np.int64)
    for t, turn in enumerate(told):
        outcomes[t + 1 :, turn] = patients.reported[row, turn]
    many = len(outcomes)
    group, complaint = np.repeat(patients.group[row], many), np.repeat(patients.complaint[row], many)
    return posterior(tables, group=group, complaint=complaint, outcomes=outcomes)


def information(tables: Tables, patients: Patients, turns: Turns, *, row: int = 0) -> list[float]:
    """Return the information each turn brought: how far the posterior's entropy fell, in nats; below zero where it rose."""
    return [float(before - after) for before, after in pairwise(entropy(beliefs(tables, patients, turns, row=row)))]


def towards_truth(tables: Tables, patients: Patients, turns: Turns, *, row: int = 0) -> list[float]:
    """Return how far each turn moved the posterior towards the true condition: the rise of its log-probability, in nats."""
    log = beliefs(tables, patients, turns, row=row)[:, int(patients.condition[row])]
    return [float(after - before) for before, after in pairwise(log)]


def rubric_points(case: Case, events: Sequence[Event], outcome: Outcome) -> list[float]:
    """Return the share of the rubric's points that each turn earned; what is decided by the end goes to the last turn.

    They add up to what the whole encounter earned. Items that wait for a judge earn nothing here.
    """
    turns = outcome.turns or max((event.turn for event in events), default=0)
    monitor, earned, at = Monitor(case.rubric, case), [0.0], 0
    for turn in range(turns + 1):
        start = at
        while at < len(events) and events[at].turn <= turn:
            at += 1
        monitor.feed(events[start:at])
        closing = ending(outcome) if turn == turns and outcome.status != "open" else "open"
        now = monitor.earned(closing)
        earned.append(now)
    if turns == 0:
        return []
    steps = [after - before for before, after in pairwise(earned)]
    return [steps[0] + steps[1], *steps[2:]]


# ---- Shapley values ------------------------------------------------------------------------------------------------------------------


def shapley(tables: Tables, patients: Patients, findings: Sequence[int], *, row: int = 0, seed: int = 0) -> F64:
    """Return each finding's Shapley value for the true condition, in nats: its fair share of log b(y | all) - log b(y | none).

    Exact up to ten findings; beyond, over permutations and their reverses until the standard error is small. They always add up exactly.
    """
    if len(set(findings)) != len(findings):
        raise ActionError("Each finding is given once; a repeated one has no second share.")
    if not findings:
        return np.zeros(0)
    rows = tables.offset[list(findings)] + patients.reported[row, list(findings)]
    log = tables.log_likelihood[rows].astype(np.float64)
    base = tables.log_start[patients.group[row], patients.complaint[row]].astype(np.float64)
    truth = int(patients.condition[row])
    return _enumerated(base, log, truth) if len(findings) <= ENUMERATED else _permuted(base, log, truth, np.random.default_rng(seed))


def shapley_gain(
    tables: Tables,
    patients: Patients,
    turns: Turns,
    *,
    row: int = 0,
    findings: Sequence[int] | None = None,
    temperature: float = TEMPERATURE,
    seed: int = 0,
) -> list[float]:
    """Return the Shapley information gain of each turn (after ProMed): the weights of the facts that first came out in it.

    The weights are softmax(Shapley value / temperature) over ``findings``, by default all that are reported present, the complaint apart; so
    an encounter earns at most 1. A fact counts once, when the environment reveals it; a fact that is not among them counts nothing.
    """
    if temperature <= 0:
        raise ActionError(f"A temperature above 0 was expected, given {temperature:g}.")
    if findings is None:
        there = patients.reported[row] >= PRESENT
        findings = [int(f) for f in np.flatnonzero(there) if f != patients.complaint[row]]
    if not findings:
        return [0.0 for _ in turns]
    value = shapley(tables, patients, findings, row=row, seed=seed) / temperature
    weight = np.exp(value - value.max())
    share = dict(zip(findings, (weight / weight.sum()).tolist(), strict=True))
    return [float(sum(share.get(f, 0.0) for f in turn)) for turn in first_told(turns)]


def _worth(log: F64, truth: int) -> F64:
    """log b(y | S) for log-weights (n, D)."""
    top = log.max(axis=-1)
    return np.asarray(log[..., truth] - top - np.log(np.exp(log - top[..., None]).sum(axis=-1)))


def _enumerated(base: F64, log: F64, truth: int) -> F64:
    n = len(log)
    members = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    worth = _worth(base + members @ log, truth)
    size = members.sum(axis=1)
    share = np.array([math.factorial(k) * math.factorial(n - k - 1) / math.factorial(n) for k in range(n)])
    value = np.zeros(n)
    for i in range(n):
        without = np.flatnonzero(members[:, i] == 0)
        value[i] = (share[size[without]] * (worth[without + 2**i] - worth[without])).sum()
    return value


def _permuted(base: F64, log: F64, truth: int, rng: np.random.Generator) -> F64:
    drawn: list[F64] = []
    while len(drawn) < MOST:
        order = rng.permutation(len(log))
        drawn.append((_steps(base, log, truth, order) + _steps(base, log, truth, order[::-1])) / 2)
        if len(drawn) >= FEWEST and float(np.std(drawn, axis=0, ddof=1).max()) / math.sqrt(len(drawn)) < SETTLED:
            break
    return np.asarray(np.mean(drawn, axis=0))


def _steps(base: F64, log: F64, truth: int, order: I64) -> F64:
    """What each finding adds when they come in this order."""
    along = np.concatenate([base[None], base + np.cumsum(log[order], axis=0)])
    value = np.zeros(len(log))
    value[order] = np.diff(_worth(along, truth))
    return value
