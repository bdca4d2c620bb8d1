"""What the patient says of the doctor after the visit: confidence, compliance, and whether they would consult again, from 1 to 10.

The rule: the rating patient knows its own story and what it lived through (words, and what was done to it), no results, no diagnosis and no
truth. Three whole numbers are a rating; anything else is an error with its reason, never a number. AgentClinic's paper reports these
three; its published code holds nothing of it, so the wording is our own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from medsim import library
from medsim.case import Brief
from medsim.llm import LLM, Message
from medsim.metrics import Played
from medsim.metrics.asking import ask
from medsim.patient.role import RolePatient
from medsim.patient.seat import dialogue
from medsim.rubric import ItemScore, Scorecard
from medsim.trajectory import Event, Trajectory

RUBRIC = "patient_ratings"
PROMPT = "patient_rating"
ITEMS = ("confidence", "compliance", "consultation")
LOWEST, HIGHEST = 1, 10
_TEXTS = {
    "confidence": "The patient trusts the doctor's judgement.",
    "compliance": "The patient would do what the doctor advises.",
    "consultation": "The patient would see the doctor again.",
}


class Ratings(NamedTuple):
    """Three numbers from 1 to 10, or the reason why there are none."""

    confidence: int | None = None
    compliance: int | None = None
    consultation: int | None = None
    error: str = ""


def rate(
    trajectory: Trajectory, brief: Brief, llm: LLM, *, model: str = "", bias: str = "", target: str = "", results: bool = False
) -> Ratings:
    """Ask the patient of a visit; BudgetSpent where no more may be asked.

    ``bias``, ``target`` and ``results`` (was the patient told what tests showed?) are those the visit was played with.
    """
    visit = lived(trajectory.events, results=results)
    if trajectory.outcome.status in {"error", "open"}:
        return Ratings(error="the visit did not come to its end")
    if not visit:
        return Ratings(error="the doctor never spoke to the patient")
    person = "\n\n".join(filter(None, (RolePatient(brief, llm, model=model, bias=bias, target=target).system, brief.script)))
    asked = library.prompt(PROMPT).replace("{visit}", visit)
    said = ask(llm, (Message("system", person), Message("user", asked)), _fault, role="patient", model=model, seed=trajectory.seed)
    return Ratings(error=said.fault) if said.data is None else Ratings(**{name: said.data[name] for name in ITEMS})


def lived(events: Iterable[Event], *, results: bool = False) -> str:
    """The visit as its patient lived it, a line for each utterance or act; empty where the two never spoke."""
    who = {"doctor": "Doctor: ", "patient": "You: ", "scene": "", **({"result": "You are told: "} if results else {})}
    lines = [line for line in dialogue(events) if line.who in who]
    if not any(line.who == "doctor" for line in lines):
        return ""
    return "\n".join(f"{who[line.who]}{_one_line(line.text)}" for line in lines)


def card(ratings: Ratings, judge: str, *, bias: str = "", target: str = "") -> Scorecard:
    """Ratings as a score of three items of up to ten points; it has no sum and passes nothing. ``judge`` names the model."""
    rated = not ratings.error
    items = tuple(
        ItemScore(
            name,
            _TEXTS[name],
            "ICS",
            float(HIGHEST),
            "met" if rated else "unknown",
            float(getattr(ratings, name) or 0),
            reason=ratings.error,
        )
        for name in ITEMS
    )
    return Scorecard(
        rubric=RUBRIC,
        rubric_hash=fingerprint(bias, target),
        judge=judge,
        items=items,
        raw=None,
        score=None,
        passed=None,
        coverage=float(rated),
    )


def given(played: Played) -> dict[str, float] | None:
    """The latest stored ratings of an encounter, or None."""
    rated = [score for score in played.scores if score["rubric"] == RUBRIC and score["coverage"] == 1.0]
    return {item["item"]: float(item["earned"]) for item in rated[-1]["items"]} if rated else None


def fingerprint(bias: str = "", target: str = "") -> str:
    """A hash of what the rating patient is told."""
    parts = (library.prompt(PROMPT), library.prompt("patient_role"), bias, target)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _one_line(text: str) -> str:
    """Words of others as data: on one line, without signs that could close what delimits them."""
    return " ".join(text.split())[:2000].replace("<", "‹").replace(">", "›")


def _fault(data: dict[str, Any]) -> str:
    if set(data) != set(ITEMS):
        return f"it should have the keys {', '.join(ITEMS)} and no others"
    bad = [name for name, value in data.items() if type(value) is not int or not LOWEST <= value <= HIGHEST]
    return f"{bad[0]} should be a whole number from {LOWEST} to {HIGHEST}" if bad else ""
