"""People's labels: verdicts on the items of stored encounters, kept as scores whose judge is ``human:NAME``.

The rule: a label is stored the moment it is given, and only its rater can replace it. What a rater has not labelled is unknown in that
rater's score and counts for nothing; "cannot tell" is unknown too, and is a label.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from medsim.case import Case
from medsim.case.checklist import STEPS, Question, Rubric, RubricItem
from medsim.errors import CaseError, JudgeError, StoreError
from medsim.metrics.stored import cases_of, configuration
from medsim.rubric import Monitor, Opinion, Scorecard, Verdict, rubric_hash
from medsim.rubric.scorecard import ending, tally
from medsim.store import HUMAN, Revision, Store
from medsim.store.record import now
from medsim.store.verdicts import ItemVerdict, verdicts
from medsim.trajectory import Outcome

ADJUDICATED = "adjudicated"
"""The rater under whose name differences of the others are settled."""
LONGEST_NAME, LONGEST_COMMENT = 60, 2000
NOT_LABELLED = "not labelled"
WORDS: dict[str, Verdict] = {
    "met": "met", "m": "met", "unmet": "unmet", "u": "unmet", "not met": "unmet", "not_met": "unmet", "unknown": "unknown", "?": "unknown",
    "cannot tell": "unknown", "cannot_tell": "unknown", "na": "na", "n": "na", "n/a": "na",
}  # fmt: skip
"""How a verdict may be written."""


class Label(NamedTuple):
    """One person's verdict on one item of one encounter."""

    trajectory: str
    item: str
    verdict: Verdict
    rater: str
    evidence: tuple[int, ...] = ()
    """Numbers of the events that show it."""
    comment: str = ""
    rating: int | None = None
    """On a scale: from 1 to 5."""


@dataclass(frozen=True, slots=True)
class Encounter:
    """A stored encounter that can be labelled, with its case and the rubric it is labelled by; its events are read when they are shown."""

    trajectory: str
    run: str
    agent: str
    outcome: Outcome
    case: Case
    rubric: Rubric

    @property
    def rubric_hash(self) -> str:
        """Which version of the rubric."""
        return rubric_hash(self.rubric)


def encounters(store: Store, run: str, *, rubric: Rubric | None = None, places: Sequence[str] = ()) -> list[Encounter]:
    """The encounters of a run that came to an end, each with the given rubric or its case's own."""
    config = configuration(store, run)
    rows = [row for row in store.rows(run=run) if row["status"] in {"finished", "truncated"}]
    if not rows:
        raise StoreError(f"Run '{run}' has no encounter that ended, so there is nothing to label.")
    cases = cases_of(config, places)
    missing = sorted({row["case_id"] for row in rows if row["case_hash"] not in cases})
    if missing:
        raise CaseError(
            f"{len(missing)} cases of run '{run}' were not found in the version that was played ({', '.join(missing[:3])}): "
            "the files are elsewhere (give --cases FOLDER) or have changed since."
        )
    found = []
    for row in rows:
        case = cases[row["case_hash"]]
        outcome = Outcome(row["status"], row["reason"], row["state"])
        found.append(Encounter(row["id"], run, row["agent"], outcome, case, rubric or case.rubric))
    if not any(one.rubric.items for one in found):
        raise JudgeError(f"The cases of run '{run}' have no rubric of their own. Give one with --rubric.")
    return [one for one in found if one.rubric.items]


def rater_name(name: str) -> str:
    """A rater's name as it is stored, or JudgeError where it will not do."""
    short = " ".join(name.split())
    if not short or len(short) > LONGEST_NAME or any(unicodedata.category(ch)[0] == "C" for ch in short):
        raise JudgeError(f"A rater's name is 1 to {LONGEST_NAME} printable characters, given {name[:80]!r}.")
    return short


def labels_of(store: Store, wanted: Iterable[Encounter]) -> list[Label]:
    """Every label that people gave to these encounters by these versions of their rubrics, in the order they were stored."""
    known = {(one.trajectory, one.rubric_hash) for one in wanted}
    runs = {one.run for one in wanted}
    return [
        label_of(row)
        for run in sorted(runs)
        for row in verdicts(store, run=run)
        if row.judge.startswith(HUMAN) and (row.trajectory, row.rubric_hash) in known and is_label(row.data)
    ]


def older_labels(store: Store, wanted: Iterable[Encounter], rater: str) -> int:
    """How many labels a rater gave to these encounters by other versions of their rubrics."""
    known = {(one.run, one.trajectory): one for one in wanted}
    found = 0
    for run in sorted({run for run, _ in known}):
        for row in verdicts(store, run=run, judges=[f"{HUMAN}{rater}"]):
            one = known.get((run, row.trajectory))
            same_name = one is not None and row.rubric == (one.rubric.id or one.case.id)
            found += same_name and one is not None and row.rubric_hash != one.rubric_hash and is_label(row.data)
    return found


def store_labels(store: Store, labels: Iterable[Label], *, known: Iterable[Encounter], by: str = "") -> None:
    """Store labels in one transaction, each in the place of the same rater's earlier label of the same item; ``by`` names who adjudicated."""
    at = {one.trajectory: one for one in known}
    gathered: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        gathered.setdefault((label.trajectory, label.rater), []).append(label)
    changes = [_revision(at[trajectory], rater, given, by) for (trajectory, rater), given in gathered.items()]
    store.revise(changes)


def label_of(row: ItemVerdict) -> Label:
    """The label that a row of a person's score holds: what the rater said, whatever the rubric then made of it."""
    kept = row.data["judged"]
    rating = kept.get("rating")
    return Label(
        row.trajectory, row.item, _verdict(kept.get("verdict")), row.judge.removeprefix(HUMAN), row.evidence, str(kept.get("comment", "")),
        rating if isinstance(rating, int) else None,
    )  # fmt: skip


def said(item: RubricItem, word: str) -> tuple[Verdict, int | None] | None:
    """The verdict and rating that a word gives on an item: a verdict, or 1 to 5 on a scale; None where it gives none."""
    low = word.lower()
    verdict = WORDS.get(low)
    if item.scale is None:
        return None if verdict is None else (verdict, None)
    if low in {str(step) for step in STEPS}:
        return ("met" if int(low) >= item.scale.met_from else "unmet"), int(low)
    return (verdict, None) if verdict in {"unknown", "na"} else None


def is_label(data: Mapping[str, Any]) -> bool:
    """Whether what is stored of an item holds a person's label."""
    judged = data.get("judged")
    return isinstance(judged, dict) and "labelled" in judged


def _revision(one: Encounter, rater: str, labels: Sequence[Label], by: str) -> Revision:
    judge = f"{HUMAN}{rater}"
    return Revision(one.trajectory, one.run, judge, one.rubric_hash, partial(_card, one, judge, labels, by))


def _card(one: Encounter, judge: str, labels: Sequence[Label], by: str, before: Mapping[str, Any] | None) -> Scorecard:
    """The rater's score: what was labelled before, with the new labels in place."""
    opinions = {item["item"]: _stored(item) for item in before["items"] if is_label(item)} if before else {}
    opinions |= {label.item: _opinion(label, by) for label in labels}
    empty = Opinion("unknown", reason=NOT_LABELLED)
    asked = one.rubric.model_copy(update={"items": tuple(_asked(item) for item in one.rubric.items)})
    card = tally(
        Monitor(asked, one.case),
        ending(one.outcome),
        judge=judge,
        opinions={item.id: opinions.get(item.id, empty) for item in one.rubric.items},
    )
    return replace(card, rubric=one.rubric.id or one.case.id, rubric_hash=one.rubric_hash)


def _asked(item: RubricItem) -> RubricItem:
    """The item as a question to a person, who decides it alone: nothing is taken from the log."""
    scale = item.scale.model_copy(update={"by": {}}) if item.scale else None
    return item.model_copy(update={"pred": None, "gate": None, "decay": None, "judge": Question(criterion=item.text), "scale": scale})


def _opinion(label: Label, by: str) -> Opinion:
    comment = label.comment[:LONGEST_COMMENT]
    reason = comment or ("the rater cannot tell" if label.verdict == "unknown" else "")
    data: dict[str, Any] = {"labelled": now(), "verdict": label.verdict, "comment": comment}
    data |= {"rating": label.rating} if label.rating is not None else {}
    return Opinion(label.verdict, label.evidence, reason, {**data, "by": by} if by else data, label.rating)


def _stored(item: Mapping[str, Any]) -> Opinion:
    kept = item["judged"]
    verdict = _verdict(kept.get("verdict"))
    reason = str(kept.get("comment", "")) or ("the rater cannot tell" if verdict == "unknown" else "")
    return Opinion(verdict, tuple(item["evidence"]), reason, kept, kept.get("rating"))


def _verdict(text: object) -> Verdict:
    known: tuple[Verdict, ...] = ("met", "unmet", "na")
    return next((verdict for verdict in known if verdict == text), "unknown")
