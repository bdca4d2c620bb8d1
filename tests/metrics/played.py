"""Encounters made by hand for the tests of the measures."""

from __future__ import annotations

from collections.abc import Sequence

from medsim.agent.script import Script
from medsim.case import Case, loads
from medsim.episode import rollout
from medsim.metrics import Played
from medsim.rubric import Scorecard
from tests.conftest import DATA

MINI = (DATA / "mini.yaml").read_text(encoding="utf-8")
RIGHT, WRONG = "diagnose: inferior STEMI\nend:", "diagnose: pneumonia\nend:"


def case(name: str, *, dup_of: str = "", other: str = "") -> Case:
    """The small case under another name: a duplicate of another, or with a question that asks for something else."""
    text = MINI.replace("id: mini\n", f"id: {name}\n", 1)
    if dup_of:
        text = text.replace("provenance: {origin: original,", f'provenance: {{origin: original, flags: ["dup_of:{dup_of}"],', 1)
    if other:
        question = f'{{text: "{other}", options: [Mosquito, Sandfly], answer: 0, kind: other}}'
        text = text.replace("outcome:\n", f"outcome:\n  question: {question}\n", 1)
    return loads(text)


def played(
    of: Case, turns: Sequence[str], *, agent: str = "doctor", trial: int = 0, seed: int = 1, cards: Sequence[Scorecard] = ()
) -> Played:
    """An encounter of these turns, with scores as a store would give them."""
    run = rollout(of, Script(turns), name=agent, seed=seed, trial=trial, run="r")
    return Played(of, run, scores=tuple(stored(card) for card in cards))


def stored(card: Scorecard) -> dict[str, object]:
    """A score as a store gives it back."""
    items = [
        {"item": item.id, "verdict": item.verdict, "earned": item.earned, "points": item.points, "reason": item.reason}
        for item in card.items
    ]
    return {
        "rubric": card.rubric,
        "rubric_hash": card.rubric_hash,
        "judge": card.judge,
        "coverage": card.coverage,
        "score": card.score,
        "items": items,
    }
