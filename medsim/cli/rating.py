"""The verb rate: after the visit the patient rates the doctor, and a moderator rules on the answer; both are stored as scores."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from medsim.cli.output import console, print_json, remark, table
from medsim.cli.scoring import refuse_misnamed
from medsim.errors import ActionError
from medsim.evaluation.seats import book, booking
from medsim.llm import BudgetSpent
from medsim.metrics import Played, moderator, ratings
from medsim.metrics.stored import configuration, played
from medsim.patient.personas import persona_over
from medsim.rubric import Scorecard
from medsim.store import Store

if TYPE_CHECKING:
    from medsim.llm import Entry, Models

_AGAIN = " again "
"""Between the name of a rater and the number of a later attempt."""
Scorer = Callable[[Played, str], Scorecard]
"""Makes the score of an encounter under the name of a judge."""


class _Work(NamedTuple):
    one: Played
    judge: str
    scorer: Scorer


class _Done(NamedTuple):
    one: Played
    card: Scorecard | None
    """None where the budget was spent."""
    calls: list[Entry]


def do_rate(arguments: argparse.Namespace) -> int:
    """Rate every encounter of a run that is not rated yet; exit 1 where some could not be, 130 where it stopped."""
    if not 1 <= arguments.jobs <= 256:
        raise ActionError(f"--jobs must be at least 1 and at most 256, given {arguments.jobs}.")
    refuse_misnamed([name for name in (arguments.judge, arguments.patient) if name], known=())
    store = Store(arguments.store, create=False)
    config = configuration(store, arguments.run)
    models = _models(arguments)
    if not models.roles.keys() & {"patient", "judge"}:
        raise ActionError("Who is to rate? Give --patient MODEL, --judge MODEL, or a models file with these roles.")
    encounters = played(store, arguments.run, places=tuple(arguments.cases or ()))
    work = [found for one in encounters for found in _work(one, models, config)]
    rows, stopped = _kept(_rated(work, arguments.jobs), store, arguments.run)
    models.close()
    _print(rows, as_json=arguments.json)
    _remark(rows, stopped, sum(map(mute, encounters)) if "patient" in models.roles else 0)
    return 130 if stopped else 1 if any(row["error"] for row in rows) else 0


def _kept(rated: Iterator[_Done], store: Store, run: str) -> tuple[list[dict[str, Any]], bool]:
    """Store what comes, and say whether the budget ended it.

    What needs no question is stored when the rater has answered one elsewhere: else verdicts would stand under the name of a model that
    nobody could ask.
    """
    rows, stopped = [], False
    answered, failed = set[str](), set[str]()
    unasked: list[tuple[_Done, Scorecard, dict[str, Any]]] = []
    for done in rated:
        if (card := done.card) is None:
            stopped = True
            continue
        rows.append(_row(done.one, card))
        if card.coverage == 1.0 and not done.calls:
            unasked.append((done, card, rows[-1]))
            continue
        (answered if card.coverage == 1.0 else failed).add(_rater(card.judge))
        store.add_score(done.one.trajectory.id, card, run=run, calls=done.calls)
    for done, card, row in unasked:
        if _rater(card.judge) not in answered and (stopped or _rater(card.judge) in failed):
            row["figures"], row["error"] = {}, "not stored, since this model has answered nothing"
        else:
            store.add_score(done.one.trajectory.id, card, run=run)
    return rows, stopped


def _rater(name: str) -> str:
    """Who rates, without the number of the attempt."""
    return name.split(_AGAIN)[0]


def _models(arguments: argparse.Namespace) -> Models:
    from medsim.llm import Budget, Models
    from medsim.llm import roles as files

    roles = files.with_models(
        files.load(arguments.models) if arguments.models else {}, {"patient": arguments.patient, "judge": arguments.judge}
    )
    budget = Budget(usd=arguments.max_usd) if arguments.max_usd is not None else None
    return Models(roles=roles, cache=arguments.cache, mode=arguments.calls, budget=budget, on_call=book)


def _work(one: Played, models: Models, config: dict[str, Any]) -> Iterator[_Work]:
    """What is still to be asked about an encounter; one that failed is not asked about."""
    if one.trajectory.outcome.status in {"error", "open"}:
        return
    recipe = config.get("recipe", {})
    bias, target = str(recipe.get("bias", "")), str(recipe.get("target", ""))

    def rated(played: Played, judge: str) -> Scorecard:
        brief = persona_over(played.case.brief(), recipe.get("persona", {}))
        told = bool(recipe.get("results_told", False))
        found = ratings.rate(played.trajectory, brief, models, bias=bias, target=target, results=told)
        return ratings.card(found, judge, bias=bias, target=target)

    def ruled(played: Played, judge: str) -> Scorecard:
        return moderator.card(moderator.moderated(played.case, played.trajectory, models), judge)

    asked: list[tuple[str, str, str, Scorer]] = [
        ("patient", ratings.RUBRIC, ratings.fingerprint(bias, target), rated), ("judge", moderator.RUBRIC, moderator.fingerprint(), ruled),
    ]  # fmt: skip
    for role, rubric, told, scorer in asked:
        if role in models.roles and not (scorer is rated and mute(one)):
            judge = _judge(one, rubric, told, f"{role}:{models.roles[role].model}"[:100])
            if judge:
                yield _Work(one, judge, scorer)


def mute(one: Played) -> bool:
    """Whether the doctor never spoke to the patient, who then has nothing to rate."""
    return not ratings.lived(one.trajectory.events)


def _judge(one: Played, rubric: str, told: str, name: str) -> str:
    """The name to store a score under; empty where it is there. What could not be rated before is tried again under a name of its own."""
    before = [
        score for score in one.scores
        if (score["rubric"], score["rubric_hash"]) == (rubric, told) and _rater(score["judge"]) == name
    ]  # fmt: skip
    if any(score["coverage"] == 1.0 for score in before):
        return ""
    return f"{name}{_AGAIN}{len(before)}" if before else name


def _rated(work: Sequence[_Work], jobs: int) -> Iterator[_Done]:
    """Results in order; once the budget is spent nothing more is asked."""
    spent = False

    def ask(each: _Work) -> _Done:
        nonlocal spent
        with booking() as calls:
            try:
                card = None if spent else each.scorer(each.one, each.judge)
            except BudgetSpent:
                card, spent = None, True
        return _Done(each.one, card, calls)

    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="medsim-rate") as pool:
        yield from pool.map(ask, work)


def _row(one: Played, card: Scorecard) -> dict[str, Any]:
    decided = card.coverage == 1.0
    figures = {item.id: item.verdict if card.rubric == moderator.RUBRIC else item.earned for item in card.items} if decided else {}
    error = "" if decided else card.items[0].reason
    return {
        "id": one.trajectory.id, "agent": one.trajectory.agent, "case": one.trajectory.case_id, "rubric": card.rubric, "judge": card.judge,
        "figures": figures, "error": error,
    }  # fmt: skip


def _print(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    columns = {"id": "left", "agent": "fold", "case": "fold", "rubric": "left", "result": "fold"}
    shown = [[row["id"], row["agent"], row["case"], row["rubric"], _told(row)] for row in rows]
    console().print(table(columns, shown))


def _told(row: dict[str, Any]) -> str:
    figures = (f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in row["figures"].items())
    return f"unknown: {row['error'][:300]}" if row["error"] else ", ".join(figures)


def _remark(rows: Sequence[dict[str, Any]], stopped: bool, silent: int) -> None:
    failed = sum(bool(row["error"]) for row in rows)
    if silent:
        remark(f"{silent} visits in which the doctor never spoke to the patient cannot be rated.")
    if stopped:
        remark("Stopped: the budget is spent. What was rated is stored; the same command goes on.")
    remark(
        f"{len(rows)} rated{f', {failed} of them could not be: the same command tries these again' if failed else ''}. medsim metrics RUN"
    )
