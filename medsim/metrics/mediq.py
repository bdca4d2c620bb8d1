"""What MediQ reports of its experts and patients, from stored encounters: accuracy, questions, abstention, calibration, factuality, relevance.

The rule: everything is computed from the letter of the answer, the experts' notes and the ids of the facts that were told; no model is
asked. The unit is the case: trials of one case are averaged first, intervals resample cases. An encounter that ended in an error is
left out and counted; what was never stated (a confidence, a choice) is left out and counted; neither is ever a zero.

Upstream's code reports accuracy, timeouts and mean turns. Its other measures are placeholders that draw random numbers; factuality,
relevance and ECE are in its paper only. Each function below says how it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from medsim.agent import reading
from medsim.agent.mediq import belief
from medsim.case import Case
from medsim.errors import StoreError
from medsim.metrics import Metric, Played
from medsim.metrics.clusters import mean
from medsim.metrics.told import factual, relevant
from medsim.stats.bootstrap import RESAMPLES, SEED
from medsim.trajectory import Event, Trajectory

BINS = 10
"""Bins of the expected calibration error, all of the same number of answers; fewer where there are fewer answers."""
COVERAGES = (0.5, 0.8)
"""Where the risk–coverage curve is read."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORCED = ", forced"

Numbers = NDArray[np.float64]


class Item(NamedTuple):
    """What one encounter came to."""

    case: str
    """Hash of the case."""
    right: bool
    letter: str
    """Empty where no option was named."""
    timeout: bool
    asked: int
    sure: float | None
    """Confidence in the answer, 0 to 1, where the expert stated one."""
    choices: tuple[bool, ...]
    """Whether the choice noted after 0, 1, 2 … questions was right; empty where none was noted."""
    answered: int
    """Questions that brought at least one fact."""
    statements: tuple[int, int]
    """(supported, all)."""
    told: tuple[int, int]
    """(relevant, all)."""


def measure(played: Iterable[Played]) -> list[Metric]:
    """Return the figures of each agent, in order of name; StoreError where one agent's encounters are of different configurations."""
    by_agent: dict[str, list[Played]] = {}
    for one in played:
        by_agent.setdefault(one.trajectory.agent, []).append(one)
    return [metric for agent in sorted(by_agent) for metric in _of(agent, by_agent[agent])]


def _of(agent: str, played: Sequence[Played]) -> list[Metric]:
    identities = {one.trajectory.identity for one in played}
    if len(identities) > 1:
        raise StoreError(
            f"Encounters of '{agent}' with {len(identities)} configurations ({', '.join(sorted(identities))}) cannot be averaged: give one run."
        )
    asked = [one for one in played if one.case.outcome.question is not None]
    ended = [one for one in asked if one.trajectory.outcome.status in {"finished", "truncated"}]
    items = [read(one.case, one.trajectory) for one in ended]
    left = _left(len(played) - len(asked), "of a case without options") + _left(len(asked) - len(ended), "ended in an error")
    return [
        _mean(agent, "accuracy", items, lambda item: float(item.right), "; ".join((*left, *_unread(items)))),
        _mean(agent, "questions", items, lambda item: float(item.asked)),
        _mean(agent, "timeouts", items, lambda item: float(item.timeout), "share that had to answer, or was cut off, at the limit"),
        _mean(agent, "abstention", items, abstention, "share of its own decisions in which it asked instead of answering"),
        *_calibration(agent, items),
        *_choices(agent, items),
        _mean(
            agent, "questions answered", items, lambda item: _share(item.answered, item.asked), "share that brought a fact of the record"
        ),
        _mean(
            agent,
            "factuality",
            items,
            lambda item: _share(*item.statements),
            "share of statements that are facts of the record; 1 by construction where facts are told word for word",
        ),
        _mean(agent, "relevance", items, lambda item: _share(*item.told), "share of told facts that answer the question; a lower bound"),
        Metric(agent, "errors", float(len(asked) - len(ended)), n=len({one.case.hash for one in asked}), note="encounters; no interval"),
    ]


def _left(count: int, why: str) -> tuple[str, ...]:
    return (f"{count} left out: {why}",) if count else ()


def _unread(items: Sequence[Item]) -> tuple[str, ...]:
    count = sum(not item.letter for item in items)
    return (f"{count} without an answer that names an option, counted as not right",) if count else ()


# ---- one encounter ---------------------------------------------------------------------------------------------------------------------


def read(case: Case, run: Trajectory) -> Item:
    """Read an encounter of a case with options.

    The answer is the first diagnosis, read as a letter (alone, or with or as its own option's whole text); upstream looks for a capital
    letter anywhere. An encounter that ended without an answer is not right. Its timeout is a forced answer or our limit.
    """
    options = _options(case)
    letter = reading.letter(run.outcome.diagnosis[0], options) or "" if run.outcome.diagnosis else ""
    truth = _truth(case)
    chosen, sure, forced = _beliefs(run.events)
    last = max(chosen, default=-1)
    agreed = bool(letter) and chosen.get(last) == letter and last == _asked(run.events)
    return Item(
        case=case.hash, right=letter == truth, letter=letter, timeout=forced or run.outcome.status == "truncated", asked=_asked(run.events),
        sure=sure if agreed else None, choices=_by_turn(chosen, truth, last), answered=sum(bool(event.facts) for event in _replies(run)),
        statements=factual(case.brief(), run.events), told=relevant(case.brief(), run.events),
    )  # fmt: skip


def _options(case: Case) -> dict[str, str]:
    question = case.outcome.question
    return dict(zip(_LETTERS, question.options, strict=False)) if question else {}


def _truth(case: Case) -> str:
    return _LETTERS[case.outcome.question.answer] if case.outcome.question else ""


def _asked(events: Sequence[Event]) -> int:
    return sum(_asks(event) for event in events)


def _asks(event: Event) -> bool:
    return event.actor == "doctor" and event.kind in {"ask", "say"}


def _replies(run: Trajectory) -> list[Event]:
    return [event for event in run.events if event.kind == "reply"]


def _beliefs(events: Sequence[Event]) -> tuple[dict[int, str], float | None, bool]:
    """The choice noted after so many questions, the confidence in the last one, and whether that was forced."""
    chosen: dict[int, str] = {}
    sure, forced, asked = None, False, 0
    for event in events:
        asked += _asks(event)
        found = belief(event.text) if event.actor == "doctor" and event.kind == "note" else None
        if found:
            chosen[asked], sure = found
            forced = event.text.strip().endswith(_FORCED)
    return chosen, sure, forced


def _by_turn(chosen: dict[int, str], truth: str, last: int) -> tuple[bool, ...]:
    """Whether each choice was right; a turn without one keeps the choice before it. Nothing, where the first turn has none."""
    if 0 not in chosen:
        return ()
    held = [chosen[0]]
    for turn in range(1, last + 1):
        held.append(chosen.get(turn, held[-1]))
    return tuple(letter == truth for letter in held)


# ---- means over cases -----------------------------------------------------------------------------------------------------------------


def _mean(agent: str, name: str, items: Sequence[Item], value: Callable[[Item], float | None], note: str = "") -> Metric:
    found = [(item.case, value(item)) for item in items]
    kept: dict[str, list[float]] = {}
    for case, one in found:
        if one is not None:
            kept.setdefault(case, []).append(one)
    without = len({case for case, _ in found} - set(kept))
    notes = filter(None, (note, f"{without} cases have none" if without and kept else "", "" if kept else "no case has one"))
    over = mean(kept, {})
    return Metric(agent, name, over.value, over.low, over.high, len(kept), "; ".join(notes))


def abstention(item: Item) -> float | None:
    """The share of the expert's own decisions in which it asked; an answer at the limit is no decision of its own."""
    return _share(item.asked, item.asked + (not item.timeout))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _choices(agent: str, items: Sequence[Item]) -> list[Metric]:
    """Accuracy of the choice after so many questions.

    An encounter that has ended keeps its last choice, so that every figure is over the same cases (upstream stores the choices and
    reports none of them; a mean over those that still ask would compare ever harder cases).
    """
    longest = max((len(item.choices) for item in items), default=0)
    note = "questions; ended ones keep their last choice"
    return [_mean(agent, f"choice accuracy after {turn}", items, partial(_right_after, turn), note) for turn in range(longest)]


def _right_after(turn: int, item: Item) -> float | None:
    return float(item.choices[min(turn, len(item.choices) - 1)]) if item.choices else None


# ---- confidence -----------------------------------------------------------------------------------------------------------------------


def _calibration(agent: str, items: Sequence[Item]) -> list[Metric]:
    """ECE, Brier score and risk at a coverage, of the confidence noted with the answer itself.

    A probability is taken as it was stated, a rating of 1 to 5 as 0 to 1 in even steps, votes as their share. Forced answers have none.
    The Brier score is that of the chosen option alone: (confidence - right)².
    """
    stated = [item for item in items if item.sure is not None]
    without = "".join(_left(len(items) - len(stated), "no confidence was stated"))
    bins = min(BINS, len(stated))
    curve: dict[str, tuple[Callable[[Numbers, Numbers], float], str]] = {
        "ece": (ece, f"{bins} bins of equal mass"),
        "aurc": (aurc, "mean risk over all coverages"),
        **{f"risk at {part:.0%} coverage": (_risk_at(part), "share of wrong ones among the surest answers") for part in COVERAGES},
    }
    brier = _mean(agent, "brier", stated, lambda item: None if item.sure is None else (item.sure - item.right) ** 2, without)
    if not stated:
        return [
            *(Metric(agent, name, None, note="no confidence was stated") for name in curve),
            brier._replace(note="no confidence was stated"),
        ]
    return [_resampled(agent, name, stated, figure, "; ".join(filter(None, (what, without)))) for name, (figure, what) in curve.items()] + [
        brier
    ]


def ece(sure: Numbers, right: Numbers, bins: int = BINS) -> float:
    """Expected calibration error: the mean distance of confidence and share of right answers, over bins of equal mass.

    Answers of one confidence share their mean, so that the order of equal ones does not matter. The paper does not say which bins it took.
    Resampling adds noise to every bin, so the interval of a small error leans upwards.
    """
    order = np.argsort(sure, kind="stable")
    level, share = sure[order], _tied(sure, right)[order]
    starts = np.linspace(0, len(level), min(bins, len(level)) + 1).round().astype(int)[:-1]
    return float(np.abs(np.add.reduceat(level - share, starts)).sum() / len(level))


def risk_coverage(sure: Numbers, right: Numbers) -> Numbers:
    """The share of wrong answers among the 1, 2, … n surest; equal confidences share their mean."""
    wrong = 1 - _tied(sure, right)[np.argsort(-sure, kind="stable")]
    risks: Numbers = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    return risks


def aurc(sure: Numbers, right: Numbers) -> float:
    """Area under the risk–coverage curve: the mean of its risks; lower is better, the overall error rate is that of no ranking at all."""
    return float(risk_coverage(sure, right).mean())


def _risk_at(coverage: float) -> Callable[[Numbers, Numbers], float]:
    return lambda sure, right: float(risk_coverage(sure, right)[int(np.ceil(coverage * len(sure) - 1e-9)) - 1])


def _tied(sure: Numbers, right: Numbers) -> Numbers:
    _, group = np.unique(sure, return_inverse=True)
    shares: Numbers = (np.bincount(group, right) / np.bincount(group))[group]
    return shares


def _resampled(agent: str, name: str, items: Sequence[Item], figure: Callable[[Numbers, Numbers], float], note: str) -> Metric:
    """A figure that is no mean, with the percentile interval of a bootstrap that draws cases with all their trials."""
    sure, right = np.array([item.sure for item in items], dtype=float), np.array([item.right for item in items], dtype=float)
    names = sorted({item.case for item in items})
    rows = [np.array([at for at, item in enumerate(items) if item.case == case]) for case in names]
    value = figure(sure, right)
    if len(rows) == 1:
        return Metric(agent, name, value, n=1, note=note)
    draws = np.random.default_rng(SEED).integers(len(rows), size=(RESAMPLES, len(rows)))
    single = all(len(row) == 1 for row in rows)
    taken = np.concatenate(rows)[draws] if single else [np.concatenate([rows[at] for at in draw]) for draw in draws]
    low, high = np.percentile([figure(sure[chosen], right[chosen]) for chosen in taken], [2.5, 97.5])
    return Metric(agent, name, value, float(low), float(high), len(rows), note)


__all__ = ["BINS", "Item", "abstention", "aurc", "ece", "measure", "read", "risk_coverage"]
