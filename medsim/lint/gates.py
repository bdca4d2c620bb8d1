"""The gates: what must come out when a case is played by its golden script, by nobody, and by doctors who try everything.

The rule: golden scores at least 0.95 and passes; doing nothing and doing everything fail; every predicate item is met by some script and
unmet by another. Variants of the golden script (a turn left out, a late start, one more action) are tried until each item has flipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from medsim.action import Action, parse, show
from medsim.agent.script import Inert, Script, Shotgun, order_text, topic_entries
from medsim.case import Case
from medsim.case.checklist import RubricItem
from medsim.case.pattern import Did, Range, covers
from medsim.consult import DISPOSITIONS
from medsim.dose import unit_of
from medsim.episode import rollout
from medsim.lint.finding import Finding, error
from medsim.rubric import Scorecard, score
from medsim.rubric.log import patterns
from medsim.trajectory import Trajectory
from medsim.vocabulary import Lexicon

GOLDEN_AT_LEAST = 0.95


@dataclass(slots=True)
class GateReport:
    """What the gates showed."""

    golden: Scorecard
    inert: Scorecard
    shotgun: Scorecard
    trajectory: Trajectory
    verdicts: dict[str, set[str]] = field(default_factory=dict)
    scripts: int = 0
    findings: list[Finding] = field(default_factory=list)


def gates(case: Case) -> GateReport:
    """Play the gates of a compiled case."""
    golden_run = rollout(case, Script(case.golden), name="golden")
    runs = (golden_run, rollout(case, Inert(), name="inert"), rollout(case, Shotgun(case), name="shotgun"))
    golden, inert, shotgun = (score(case, run.events, run.outcome) for run in runs)
    report = GateReport(golden, inert, shotgun, golden_run)
    for card in (golden, inert, shotgun):
        _collect(report, card)
    _flip(case, report)
    report.findings = [*_broken(runs), *_golden(report), *_idle(report), *_everything(report), *_stuck(case, report)]
    return report


def _collect(report: GateReport, card: Scorecard) -> None:
    report.scripts += 1
    for item in card.items:
        report.verdicts.setdefault(item.id, set()).add(item.verdict)


def _flip(case: Case, report: GateReport) -> None:
    """Play variants until every predicate item has been met by one and unmet by another."""
    reached: dict[str, list[str]] = {}
    for turns in chain(_variants(case), _targeted(case, report, reached)):
        if not _open_items(case, report):
            return
        run = rollout(case, Script(turns))
        _collect(report, score(case, run.events, run.outcome))
        for event in run.events:
            if event.kind == "state":
                reached.setdefault(event.code, turns[: max(event.turn, 0)])


def _open_items(case: Case, report: GateReport) -> list[RubricItem]:
    """Predicate items that have not yet been both met and unmet (a hybrid is met when only the judge is missing)."""
    return [
        item for item in case.rubric.items if item.pred and not {"unmet", "unknown" if item.judge else "met"} <= report.verdicts[item.id]
    ]


def _variants(case: Case) -> Iterator[list[str]]:
    """Scripts that any case is tried with: shortened, late, lavish, careless, and each thing the body reacts to on its own."""
    golden, waits = list(case.golden), [f"wait: {minutes}m" for minutes in (1, 2, 5, 5, 10, 10, 15, 30, 30, 60)]
    yield [*golden[:1], "end:"]
    yield [*waits[2:7], *golden]
    yield [*waits, *waits, "end:"]
    lavish = Shotgun(case, treat=False).turns
    yield [*golden[:-1], *lavish[:-1], *golden[-1:]]
    yield [*golden[:1], *_orders(case), *golden[1:]]
    half = len(golden) // 2
    yield [*golden[:half], *_orders(case)[:1], *golden[half:]]
    yield from (golden[:i] + golden[i + 1 :] for i in range(len(golden)))
    for name in DISPOSITIONS:
        yield [_replaced(turn, "dispose", name) for turn in golden]
    yield [_replaced(turn, "diagnose", "nothing in particular") for turn in golden]
    reactions = [did for state in case.states.values() for rule in state.react for did in patterns(rule)]
    for line in dict.fromkeys(line for did in reactions for line in _lines(case, did)):
        yield [line, *waits, "end:"]
        yield [*golden[:half], line, *waits, "end:"]


def _targeted(case: Case, report: GateReport, reached: dict[str, list[str]]) -> Iterator[list[str]]:
    """Scripts aimed at the items that are still open: what they speak of, early, midway, late, and in every state that can be reached."""
    golden = list(case.golden)
    for item in _open_items(case, report):
        lines = list(dict.fromkeys(line for did in patterns(item) for line in _lines(case, did)))
        together = "\n".join(lines[:20])
        for line in (*lines, together):
            for cut in (0, len(golden) // 3, 2 * len(golden) // 3, len(golden) - 1):
                yield [*golden[:cut], line, *golden[cut:]]
            yield [line, "wait: 30m", "wait: 60m", "end:"]
        for name, prefix in list(reached.items()):
            yield [*prefix, together, *golden]
            yield [*prefix, *golden]
            yield [*prefix, *(f"wait: {minutes}m" for minutes in (5, 10, 20, 30, 60)), "end:"]
            if name in str(item):
                yield from ([*prefix, line, "wait: 30m", "end:"] for line in lines)


def _orders(case: Case) -> list[str]:
    lines = [f"order: {entry.name}" for entry in Lexicon(case).codes if entry.kind == "order"][:160]
    return ["\n".join(lines[i : i + 20]) for i in range(0, len(lines), 20)]


def _replaced(turn: str, kind: str, words: str) -> str:
    return show(Action(action.kind, words) if action.kind == kind else action for action in parse(turn))


def _lines(case: Case, did: Did) -> list[str]:
    """Actions that would match a pattern, as a doctor would write them."""
    found: list[str] = []
    lexicon = Lexicon(case)
    for code in did.code:
        stop = lexicon.entry(code)
        if stop is not None and stop.stops:
            found.append(f"procedure: {stop.name}")
    for entry in lexicon.codes:
        named = entry.code in did.code or set(entry.groups) & set(did.group) or (entry.cls in did.cls and entry.authored)
        if named and len(found) < 5:
            asked = _asked_for(did)
            found.append(f"{entry.kind}: {entry.name} {asked}" if asked else order_text(entry, case))
    if "dispose" in did.kind:
        found += [f"dispose: {code}" for code in did.code]
    asked_facts = [fact for fact in case.patient.every_fact() if fact.id in did.fact]
    topics = [
        *did.topic[:3],
        *(topic for fact in asked_facts for topic in (*fact.topics[:1], *(fact.needs.heard[:2] if fact.needs else ()))),
    ]
    return found + [f"say: {words}" for topic in topics for words in _exemplars(topic)]


def _asked_for(did: Did) -> str:
    """The dose and route that a pattern's conditions ask for, in words."""
    words = ""
    for name, wanted in did.where.items():
        if isinstance(wanted, Range) and "_" in name:
            base = [bound for bound in (wanted.ge, wanted.gt) if bound is not None]
            amount = base[0] * 1.5 + 0.001 if base else (wanted.le or wanted.lt or 1) * 0.5
            words += f"{amount:.4g} {unit_of(name)} "
        elif name == "route":
            words += str(wanted[0] if isinstance(wanted, list) else wanted)
    return words.strip()


def _exemplars(topic: str) -> list[str]:
    found = [entry["ask"][:2] for entry in topic_entries() if covers(topic, entry["id"])]
    return found[0] if found else []


def _broken(runs: Sequence[Trajectory]) -> Iterator[Finding]:
    for run in runs:
        if run.error:
            yield error("gate-broken", run.agent, f"the encounter broke off: {run.error}")


def _golden(report: GateReport) -> Iterator[Finding]:
    card = report.golden
    if report.trajectory.outcome.status != "finished":
        yield error("gate-golden", "golden", f"the golden script does not finish: {report.trajectory.outcome} {report.trajectory.error}")
    if card.score is None or (card.raw or 0) < GOLDEN_AT_LEAST or not card.passed:
        lost = [
            f"{item.id} ({item.verdict}, {item.earned:g}/{item.points:g})"
            for item in card.items
            if _lost(item.points, item.earned, item.verdict)
        ]
        yield error(
            "gate-golden", "golden", f"scores {card.raw}, passed {card.passed}, coverage {card.coverage:.2f}; lost: {', '.join(lost)}"
        )
    unclear = [event.text[:80] for event in report.trajectory.events if event.kind in {"unclear", "refused"}]
    if unclear:
        yield error("gate-golden", "golden", f"not understood or refused: {'; '.join(unclear)}")


def _lost(points: float, earned: float, verdict: str) -> bool:
    return verdict in {"unmet", "unknown", "met"} and (earned < points if points > 0 else earned < 0)


def _idle(report: GateReport) -> Iterator[Finding]:
    if report.inert.passed or (report.inert.raw or 0) > 0:
        gained = [f"{item.id} ({item.earned:g})" for item in report.inert.items if item.earned > 0]
        yield error(
            "gate-inert", "rubric", f"doing nothing scores {report.inert.raw}; gate these items on something done: {', '.join(gained)}"
        )


def _everything(report: GateReport) -> Iterator[Finding]:
    if report.shotgun.passed:
        yield error(
            "gate-shotgun", "rubric", f"asking and ordering everything passes with {report.shotgun.score}; add harm or over-testing items"
        )


def _stuck(case: Case, report: GateReport) -> Iterator[Finding]:
    for item in _open_items(case, report):
        seen = ", ".join(sorted(report.verdicts[item.id]))
        yield error(
            "item-cannot-flip",
            f"rubric.{item.id}",
            f"only {seen} in {report.scripts} scripts; it must be met by some doctor and unmet by another",
        )
