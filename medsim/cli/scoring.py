"""The verb score: stored trajectories by another rubric or another judge, beside the scores there are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from medsim import document, library
from medsim.case import Case
from medsim.case.checklist import Rubric
from medsim.cli.output import console, number, print_json, remark, table
from medsim.cli.reading import _case_of, _opened
from medsim.errors import ActionError, JudgeError, StoreError, did_you_mean
from medsim.evaluation.seats import book, booking
from medsim.judge import Chair, Judge, KeywordJudge, ModelJudge, score_with, unanswered
from medsim.llm import Budget, BudgetSpent, Entry, Models, Role
from medsim.llm import roles as files
from medsim.llm.fault import TO_THE_END
from medsim.rubric import Scorecard, rubric_hash
from medsim.store import Store
from medsim.trajectory import Trajectory

OFFLINE = ("none", "keywords")
_MOST_JOBS = 256


class Work(NamedTuple):
    """One trajectory to score."""

    case: Case
    trajectory: Trajectory


class Judged(NamedTuple):
    """What came of it, and the calls it took; without a score the judge's budget was spent, or it gave no answer."""

    work: Work
    card: Scorecard | None
    calls: Sequence[Entry] = ()
    error: str = ""
    before: dict[str, Any] | None = None
    """The stored score, where this judge and rubric have scored it already."""


def do_score(arguments: argparse.Namespace) -> int:
    """Add scores by a rubric and a judge; exit 1 where a judge gave no answer, 130 where the budget was spent."""
    if not arguments.id and not arguments.run:
        raise StoreError("What is to be scored? Give a run, trajectory ids, or --run NAME. List them: medsim show")
    if not 1 <= arguments.jobs <= _MOST_JOBS:
        raise ActionError(f"--jobs must be at least 1 and at most {_MOST_JOBS}, given {arguments.jobs}.")
    store = _opened(arguments)
    rubric = rubric_of(arguments.rubric) if arguments.rubric else None
    judge = judge_of(arguments)
    rows: list[dict[str, Any]] = []
    failed, spent = 0, ""
    for judged in _judged(_works(store, arguments), judge, rubric, store, arguments.jobs):
        trajectory, card = judged.work.trajectory, judged.card
        if judged.before is not None:
            rows.append(_row(judged.work, judged.before, judged.before["items"], added=False))
        elif card is None:
            spent = spent or judged.error
        elif reason := unanswered(card):
            failed += 1
            remark(f"{trajectory.id}: the judge gave no answer, nothing was stored: {reason[:500].removesuffix(TO_THE_END).rstrip()}")
        else:
            if beside := _beside(card):
                remark(f"{trajectory.id}: {beside[:500]}")
            added = store.add_score(trajectory.id, card, run=trajectory.run, calls=judged.calls)
            data = card.data()
            rows.append(_row(judged.work, data, [{**item, "item": item["id"]} for item in data["items"]], added=added))
    _print(rows, as_json=arguments.json)
    if not (rows or failed or spent):
        remark("Nothing was scored: no encounter that ended was found. List them: medsim show")
    if judge is not None and any(not row["added"] for row in rows):
        remark("What this judge has scored before by this rubric was not asked again; --repeat N asks it once more.")
    if spent:
        remark(f"Stopped. {spent[:500]} What was scored is kept; the same command with a larger budget goes on.")
        return 130
    return 0 if rows and not failed else 1


def _works(store: Store, arguments: argparse.Namespace) -> Iterator[Work]:
    """What can be scored, with its case; one case is looked for once."""
    cases: dict[str, Case] = {}
    for trajectory in _chosen(store, arguments):
        if trajectory.outcome.status == "error":
            remark(f"{trajectory.id}: ended in an error and is not scored.")
            continue
        if trajectory.case_hash not in cases:
            cases[trajectory.case_hash] = _case_of(trajectory, arguments.cases, store)
        yield Work(cases[trajectory.case_hash], trajectory)


def _chosen(store: Store, arguments: argparse.Namespace) -> Iterator[Trajectory]:
    """The trajectories of runs and ids that were named, or of --run."""
    runs = {row["id"] for row in store.runs()} if arguments.id else set()
    for name in arguments.id or [None]:
        if name is None or name in runs:
            yield from (store.load(row["id"], run=row["run"]) for row in store.rows(run=name or arguments.run))
        else:
            yield _loaded(store, name, arguments.run, runs)


def _loaded(store: Store, name: str, run: str | None, runs: set[str]) -> Trajectory:
    try:
        return store.load(name, run=run)
    except StoreError as error:
        near = did_you_mean(name, runs)
        raise StoreError(f"{error}. Runs are named too.{near}" if near else str(error)) from error


def _judged(works: Iterator[Work], judge: Judge | None, rubric: Rubric | None, store: Store, jobs: int) -> Iterator[Judged]:
    """Score in the order given, ``jobs`` at a time; what this judge has scored already is not asked again. A spent budget ends it."""

    def one(work: Work) -> Judged:
        with booking() as calls:
            try:
                return Judged(work, score_with(work.case, work.trajectory, judge, rubric=rubric), calls)
            except BudgetSpent as error:
                return Judged(work, None, calls, str(error))

    with ThreadPoolExecutor(jobs, thread_name_prefix="medsim-judge") as pool:
        while some := list(islice(works, jobs)):
            before = [None if judge is None else _before(store, work, judge, rubric) for work in some]
            asked = pool.map(one, [work for work, row in zip(some, before, strict=True) if row is None])
            done = [next(asked) if row is None else Judged(work, None, before=row) for work, row in zip(some, before, strict=True)]
            yield from done
            if any(judged.error for judged in done):
                return


def _before(store: Store, work: Work, judge: Judge, rubric: Rubric | None) -> dict[str, Any] | None:
    """The stored score by the same rubric and judge, if there is one."""
    wanted = (rubric_hash(rubric or work.case.rubric), judge.name)
    stored = store.scores(work.trajectory.id, run=work.trajectory.run)
    return next((row for row in stored if (row["rubric_hash"], row["judge"]) == wanted), None)


def _row(work: Work, card: Mapping[str, Any], items: Sequence[Mapping[str, Any]], *, added: bool) -> dict[str, Any]:
    """One line of the report, of a new score or a stored one."""
    unknown = {item["item"]: item["reason"] for item in items if item["verdict"] == "unknown"}
    shown = {name: card[name] for name in ("rubric", "judge", "score", "passed", "coverage")}
    return {
        "id": work.trajectory.id,
        "agent": work.trajectory.agent,
        "case": work.trajectory.case_id,
        **shown,
        **{name: card[name] for name in ("scales", "groups", "axes") if card.get(name)},
        "unknown": unknown,
        "added": added,
    }


def _beside(card: Scorecard) -> str:
    """What stands beside a score, in words: why there is none, ratings, totals."""
    rated = [f"{name} {'not rated' if rating is None else f'{rating} of 5'}" for name, rating in (card.scales or {}).items()]
    summed = [f"{name} {'not known' if value is None else f'{value:,g}'}" for name, value in (card.axes or {}).items()]
    return " ".join(filter(None, (card.why, "; ".join((*rated, *summed)))))


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    if not rows:
        return
    columns = {
        "id": "left", "agent": "fold", "case": "fold", "rubric": "fold", "judge": "fold", "score": "right", "passed": "left", "coverage": "right",
        "": "left",
    }  # fmt: skip
    shown = [
        [row["id"], row["agent"], row["case"], row["rubric"], row["judge"], number(row["score"]),
         {True: "yes", False: "no", None: "-"}[row["passed"]], f"{row['coverage']:.0%}", "added" if row["added"] else "was there"]
        for row in rows
    ]  # fmt: skip
    console().print(table(columns, shown, drop=("judge", "rubric")))


def rubric_of(name: str) -> Rubric:
    """A rubric by name or file."""
    rubric = document.validate(document.read(library.find("rubrics", name)), Rubric)
    return rubric if rubric.id else rubric.model_copy(update={"id": Path(name).stem})


# ---- the judge ---------------------------------------------------------------------------------------------------------------------


def judge_of(arguments: argparse.Namespace, *, shared: Models | None = None) -> Judge | None:
    """The judge that was asked for; None where items that need one stay unknown. ``shared`` is asked where it has the judge's model."""
    named: list[str] = list(arguments.judge or ())
    if set(named) & set(OFFLINE):
        if len(named) > 1:
            raise JudgeError(f"--judge {' and '.join(named)}: an offline judge ({', '.join(OFFLINE)}) sits alone.")
        if arguments.votes is not None or arguments.second_judge:
            raise JudgeError(f"--judge {named[0]} has no votes and no second model: leave --votes and --second-judge out.")
        return KeywordJudge() if named[0] == "keywords" else None
    seats = judges_of(arguments)
    if seats:
        return _model_judge(arguments, seats, shared)
    if arguments.votes is not None or arguments.second_judge:
        raise JudgeError("--votes and --second-judge need a judge: give --judge MODEL, or a judge in the models file.")
    return None


def judges_of(arguments: argparse.Namespace) -> list[Role]:
    """The models that were asked to judge, or the one of the models file; none where the judge is an offline one."""
    named: list[str] = list(arguments.judge or ())
    if set(named) & set(OFFLINE):
        return []
    refuse_misnamed(named)
    kept = _kept(arguments)
    return [files.of(name, kept) for name in named] or ([kept] if kept is not None else [])


def refuse_misnamed(named: Sequence[str], *, known: Sequence[str] = OFFLINE) -> None:
    """Refuse a name that is no model's and near that of an offline judge; ``known`` are those that may sit."""
    wrong = next((name for name in named if "/" not in name and (name in OFFLINE or did_you_mean(name, OFFLINE))), None)
    if wrong is not None:
        near = did_you_mean(wrong, known)
        raise JudgeError(f"No judge '{wrong}'.{near} Judges: {', '.join((*known, 'a model such as openai/gpt-4o-mini'))}.")


def _kept(arguments: argparse.Namespace) -> Role | None:
    """The judge of the models file."""
    return files.load(arguments.models).get("judge") if arguments.models else None


def _model_judge(arguments: argparse.Namespace, seats: list[Role], shared: Models | None) -> Judge:
    """Seat models; all share one cache and one budget."""
    limits = (arguments.max_usd, arguments.max_tokens, arguments.max_calls)
    budget = Budget(usd=limits[0], tokens=limits[1], calls=limits[2]) if any(limit is not None for limit in limits) else None
    common: dict[str, Any] = {
        "cache": arguments.cache, "mode": arguments.calls, "on_call": book, "budget": shared.budget if shared is not None else budget,
    }  # fmt: skip

    def chair(role: Role) -> Chair:
        same = shared is not None and shared.roles.get("judge") == role
        sampled = role.model_dump(include={"temperature", "max_tokens", "seed"}, exclude_none=True)
        return Chair(role.model, shared if shared is not None and same else Models(roles={"judge": role}, **common), tuple(sampled.items()))

    if any(role.temperature == 0 for role in seats) and arguments.votes != 1:
        remark("Votes of one model at temperature 0 are mostly one vote: leave its temperature out, or name several judges.")
    second = files.of(arguments.second_judge, _kept(arguments)) if arguments.second_judge else None
    return ModelJudge(
        [chair(role) for role in seats],
        votes=arguments.votes,
        second=chair(second) if second else None,
        group=arguments.judge_group,
        repeat=getattr(arguments, "repeat", 0),
    )
