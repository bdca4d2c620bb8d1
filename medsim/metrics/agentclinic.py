"""AgentClinic's figures: accuracy, information coverage, turns, tests and cost, from stored encounters.

The rule: an encounter that failed is left out and counted; one that ended without an answer is wrong, as in AgentClinic. Unlike there,
accuracy is by accepted names and not by a model's ``== "yes"``; where a moderator's ruling is stored too, both stand side by side. Questions
that do not ask for a diagnosis (28 of the 120 extended NEJM items; AgentClinic asks for "the most likely diagnosis" all the same) are
counted apart. Coverage is computed from fact ids and findings, not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from medsim.evaluation import information
from medsim.metrics import Metric, Played
from medsim.metrics.clusters import clusters, metric
from medsim.metrics.moderator import RUBRIC as MODERATOR
from medsim.metrics.ratings import ITEMS as SCALES
from medsim.metrics.ratings import given
from medsim.rubric.names import is_correct
from medsim.trajectory import Event

Value = Callable[[Played], float | None]


def measure(played: Iterable[Played]) -> list[Metric]:
    """Every figure for every agent, in order of the agents' first appearance."""
    listed = list(played)
    found: list[Metric] = []
    for agent in dict.fromkeys(one.trajectory.agent for one in listed):
        found += _of(agent, [one for one in listed if one.trajectory.agent == agent])
    return found


def _of(agent: str, played: Sequence[Played]) -> list[Metric]:
    ended = [one for one in played if one.trajectory.outcome.status not in {"error", "open"}]
    failed = f"{len(played) - len(ended)} failed and left out" if len(ended) < len(played) else ""
    cluster = clusters(one.case for one in played)

    def figure(name: str, value: Value, among: Iterable[Played] = ended, note: str = failed, *, yes_no: bool = False) -> Metric:
        return metric(agent, name, by_case(among, value), cluster, note=note, yes_no=yes_no)

    def share(name: str, value: Value, among: Iterable[Played] = ended, note: str = failed) -> Metric:
        return figure(name, value, among, note, yes_no=True)

    diagnoses, others = [one for one in ended if not other(one)], [one for one in ended if other(one)]
    judged = [share("accuracy_moderator", ruled, diagnoses)] if any(ruling(one) for one in ended) else []
    judged += [share("moderator_agrees", agrees, ended, _undecided(ended))] if judged else []
    right, wrong = [one for one in ended if correct(one)], [one for one in ended if not correct(one)]
    rated = [figure(name, _scale(name)) for name in SCALES] if any(given(one) for one in ended) else []
    return [
        share("accuracy", correct, diagnoses),
        *judged,
        *([share("accuracy_other_questions", correct, others, "questions that do not ask for a diagnosis")] if others else []),
        share("no_answer", lambda one: float(not one.trajectory.outcome.diagnosis)),
        figure("information", covered),
        figure("information_right", covered, right, "among encounters with the right answer"),
        figure("information_wrong", covered, wrong, "among the others"),
        figure("turns", lambda one: float(turns(one.trajectory.events))),
        figure("tests", lambda one: float(sum(event.actor == "doctor" and event.kind == "order" for event in one.trajectory.events))),
        figure("cost", lambda one: one.trajectory.outcome.cost, note="USD of simulated care"),
        figure("model_usd", spent, note="USD of language models, where their prices are known"),
        *rated,
    ]


def by_case(played: Iterable[Played], value: Value) -> dict[str, list[float]]:
    """The values of encounters by case hash, those that cannot be measured left out."""
    found: dict[str, list[float]] = {}
    for one in played:
        measured = value(one)
        if measured is not None:
            found.setdefault(one.trajectory.case_hash, []).append(float(measured))
    return found


def other(one: Played) -> bool:
    """Whether the case asks for something else than a diagnosis."""
    question = one.case.outcome.question
    return question is not None and question.kind == "other"


def correct(one: Played) -> float:
    """Whether the first answer names an accepted one; no answer does not."""
    return float(is_correct(one.case, one.trajectory.outcome.diagnosis))


def covered(one: Played) -> float | None:
    """The share of tellable facts and authored findings that the doctor came to know."""
    return information(one.case, one.trajectory.events)


def turns(events: Iterable[Event]) -> int:
    """The doctor's turns in which something other than waiting was done."""
    return sum(event.kind == "message" and not event.text.strip().lower().startswith("wait:") for event in events)


def spent(one: Played) -> float | None:
    """What the encounter's language models cost; None where none was asked."""
    usage = one.trajectory.usage
    return sum(use.usd for use in usage.values()) if usage else None


def ruling(one: Played) -> str:
    """The latest ruling of a moderator (met, unmet), unknown where none decided; empty where none was asked."""
    verdicts = [str(score["items"][0]["verdict"]) for score in one.scores if score["rubric"] == MODERATOR]
    return next((verdict for verdict in reversed(verdicts) if verdict != "unknown"), "unknown" if verdicts else "")


def ruled(one: Played) -> float | None:
    """The moderator's ruling as a number; undecided is None."""
    return {"met": 1.0, "unmet": 0.0}.get(ruling(one))


def agrees(one: Played) -> float | None:
    """Whether moderator and accepted names say the same; None where the moderator did not decide."""
    said = ruled(one)
    return None if said is None else float(said == correct(one))


def _undecided(ended: Sequence[Played]) -> str:
    open_ = sum(ruled(one) is None for one in ended)
    return f"{open_} of {len(ended)} without a ruling" if open_ else ""


def _scale(name: str) -> Value:
    return lambda one: (given(one) or {}).get(name)
