"""Old runs of MedSP1000 in our store: their turns as events, their verdicts as a score, so that they can be shown, scored again and exported.

The rule: every run gives one row. One without turns is refused with the reason; one that was not judged is kept without a score. The old
judge's verdicts are one score among others, under its own name: what it left out is unknown, what it invented is dropped and told.

The original engine has no clock, so every event stands at minute 0. With the cases of the packets at hand a run belongs to its case and can be
scored again; without them its items come from the rubric that the result file carries.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medsim import action as act
from medsim.agent.packet_turn import action_of
from medsim.case import Case
from medsim.case.checklist import Pass
from medsim.episode import episode_id
from medsim.importers import Row
from medsim.importers import medsp1000_rubric as frozen
from medsim.importers.medsp1000_case import PREFIX, TAG, TURNS, packet_items
from medsim.importers.medsp1000_export import MARK
from medsim.importers.medsp1000_rubric import PacketItem
from medsim.importers.medsp1000_runs import Action, Run, Turn, load_runs
from medsim.importers.medsp1000_score import UNKNOWN, Verdicts, read_verdicts
from medsim.rubric import ItemScore, Scorecard, rubric_hash
from medsim.rubric.scorecard import TRUSTED_COVERAGE
from medsim.store import Store
from medsim.trajectory import Event, Outcome, Trajectory, Usage

SOURCE = "medsp1000-runs"
_ROLES = {"examinee": "doctor", "sp": "patient", "environment": "controller", "evaluator": "judge"}
_SPEAKER = re.compile(r"(?P<who>[A-Z][\w.'’ -]{0,39}):\s+(?P<words>\S.*)", re.DOTALL)


def keep(folder: Path, store: Store, *, run: str = "", cases: Iterable[Case] = (), places: Sequence[str] = ()) -> tuple[str, list[Row]]:
    """Write the runs below a folder into a store, as one run of ours; return its name and a row for each.

    ``cases``: those of the packets, as imported; ``places`` are where they lie, for scoring later. What is stored already is not written again.
    """
    runs, rows = load_runs(folder)
    where = str(Path(folder).resolve())
    identity = hashlib.sha256(f"{SOURCE}\n{where}".encode()).hexdigest()[:16]
    name = run or f"{SOURCE}-{identity[:6]}"
    known = {case.title: case for case in cases if TAG in case.blueprint.tags}
    store.begin_run(
        name, identity=identity, config={"source": where, "recipe": {"cases": [str(Path(place).resolve()) for place in places]}}
    )
    done = {row["id"] for row in store.rows(run=name)}
    trials: Counter[tuple[str, str]] = Counter()
    found = []
    for row, old in zip(rows, runs, strict=True):
        agent = agent_of(old)
        trial = trials[old.packet, agent]
        trials[old.packet, agent] += 1
        found.append(_kept(row, old, known.get(old.packet), store, name, identity, trial, done))
    return name, found


def _kept(row: Row, old: Run, case: Case | None, store: Store, name: str, identity: str, trial: int, done: set[str]) -> Row:
    """Store one run and say what became of it."""
    if not old.turns:
        return row._replace(status="refused", reasons=(*row.reasons, "no_turns"))
    trajectory = trajectory_of(old, case, run=name, identity=identity, trial=trial)
    if trajectory.id in done:
        return row._replace(status="flagged", reasons=(*row.reasons, "stored_before"))
    card, reasons = card_of(old, case)
    store.save(trajectory, card)
    reasons = (*row.reasons, *(() if case else ("case_not_given",)), *reasons)
    return row._replace(status="flagged" if reasons else "imported", reasons=tuple(dict.fromkeys(reasons)))


def agent_of(old: Run) -> str:
    """The examinee's name: its model, and its test-time strategy where it had one."""
    named = _plain(old.models.get("examinee", "")) or "unknown"
    return f"{MARK}{named}{f'+{_plain(old.strategy)}' if old.strategy else ''}"[:120]


def _plain(text: str, most: int = 100) -> str:
    """A name from a file on one line, without control codes."""
    return " ".join(act.tidy(text).split())[:most]


# ---- events ----------------------------------------------------------------------------------------------------------------------


def trajectory_of(old: Run, case: Case | None, *, run: str = "", identity: str = "", trial: int = 0) -> Trajectory:
    """One old run as a trajectory of ours."""
    agent = agent_of(old)
    packet = _plain(old.packet, 120)
    packet_hash = hashlib.sha256(f"{TAG}\n{old.packet}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
    full = len(old.turns) >= TURNS and old.ended in ("", "max_total_turns_reached")
    outcome = Outcome(
        "truncated" if full or old.status != "ok" else "finished",
        "turns" if full else "complete" if old.status == "ok" else "incomplete",
        state=_plain(old.turns[-1].stage_after or old.turns[-1].stage, 80),
        turns=len(old.turns),
    )
    return Trajectory(
        id=episode_id(SOURCE, run, packet, old.stamp, agent), case_id=case.id if case else packet,
        case_hash=case.hash if case else packet_hash, agent=agent, seed=0, trial=trial, events=events_of(old, case), outcome=outcome,
        patient=f"{MARK}{_plain(old.models.get('sp', '')) or 'unknown'}", env=SOURCE, identity=identity, run=run, started=_time(old.stamp),
        usage={_ROLES.get(role, role): Usage(calls=len(calls)) for role, calls in old.calls.items() if calls},
    )  # fmt: skip


def events_of(old: Run, case: Case | None = None) -> list[Event]:
    """What happened, in the order of the original engine: the doctor, the patient, the surroundings."""
    opening = case.encounters[0].door_note if case else f"Imported run of {_plain(old.packet)}."
    parts: list[dict[str, Any]] = [
        {"turn": 0, "actor": "controller", "kind": "encounter", "text": opening, "state": _plain(old.turns[0].stage, 80) if old.turns else "",
         "args": {"limit_s": 24 * 3600, "limit_turns": TURNS, "source": SOURCE}}
    ]  # fmt: skip
    assessed = iter(old.actions)
    for number, turn in enumerate(old.turns, 1):
        stage, after = _plain(turn.stage, 80), _plain(turn.stage_after, 80)
        parts += [{"turn": number, "state": stage, **part} for part in _turn(turn, assessed)]
        if after and after != stage:
            parts.append({"turn": number, "actor": "controller", "kind": "state", "text": after, "code": after, "state": after})
    return [Event(seq=seq, t=0, **part) for seq, part in enumerate(parts)]


def _turn(turn: Turn, assessed: Iterator[Action]) -> Iterator[dict[str, Any]]:
    words = act.tidy(turn.say)
    if words:
        yield {"actor": "doctor", "kind": act.speech(words).kind, "text": words}
    for raw in turn.actions:
        entry = next(assessed, None)
        args = {"raw": raw} | ({"status": entry.status, "understood": entry.understood} if entry and entry.raw == raw else {})
        meant = action_of(raw)
        yield {"actor": "doctor", "kind": meant.kind, "text": meant.text or act.tidy(raw), "args": args}
    for said in turn.patient:
        named = _SPEAKER.fullmatch(act.tidy(said))
        args = {"speaker": named["who"] if named else "Patient", "source": SOURCE}
        yield {"actor": "patient", "kind": "reply", "text": named["words"] if named else act.tidy(said), "args": args}
    for kind, several in (("finding", turn.findings), ("alarm", turn.events)):
        for text in several:
            yield {"actor": "controller", "kind": kind, "text": act.tidy(text)}


def _time(stamp: str) -> str:
    day, clock = stamp[:8], stamp[9:15]
    return f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}"


# ---- verdicts --------------------------------------------------------------------------------------------------------------------


def card_of(old: Run, case: Case | None = None) -> tuple[Scorecard | None, tuple[str, ...]]:
    """The old judge's verdicts as a score, with what is odd about them; None where there are none, or no rubric to hold them against."""
    evaluation = old.frozen or old.evaluation
    if not evaluation:
        return None, ()
    items = packet_items(case) if case else _carried(old)
    if not items:
        return None, ("no_rubric_items",)
    read = read_verdicts(items, evaluation)
    open_ = {str(name) for name in held} if isinstance(held := evaluation.get(UNKNOWN), list) else set()
    read = read._replace(given={name: said for name, said in read.given.items() if name not in open_})
    odd = [f"invented_by_judge:{len(read.invented)}"] if read.invented else []
    unjudged = sum(item.id not in read.given for item in items)
    odd += [f"not_judged_items:{unjudged}"] if unjudged else []
    judge = str(evaluation.get("_judge_model") or old.models.get("evaluator") or "unknown")
    digest = rubric_hash(case.rubric) if case else hashlib.sha256(json.dumps([item.id for item in items]).encode()).hexdigest()[:16]
    return scorecard(
        items, read, rubric=case.id if case else _plain(old.packet), digest=digest, judge=f"{MARK}{_plain(judge)}", case=case
    ), tuple(odd)


def scorecard(items: Sequence[PacketItem], read: Verdicts, *, rubric: str, digest: str, judge: str, case: Case | None = None) -> Scorecard:
    """Verdicts of a judge on a packet's items as a score of ours: an item without one is unknown."""
    scored = tuple(_item(item, read) for item in items)
    met, known = sum(item.verdict == "met" for item in scored), sum(item.verdict != "unknown" for item in scored)
    value, coverage = round(met / known, 6) if known else None, known / len(scored)
    mark = (case.rubric.pass_ if case else Pass()).min_score
    passed = None if value is None or coverage < TRUSTED_COVERAGE else value >= mark
    return Scorecard(rubric[:120], digest, judge[:120], scored, value, value, passed, coverage)


def _item(item: PacketItem, read: Verdicts) -> ItemScore:
    said = read.given.get(item.id)
    reason = "answered with something else than true or false" if item.id in read.not_boolean else "not judged" if said is None else ""
    verdict: Any = "unknown" if said is None else "met" if said else "unmet"
    return ItemScore(f"{PREFIX}{item.id}", item.text, item.competency, 1.0, verdict, float(bool(said)), reason=reason)


def _carried(old: Run) -> tuple[PacketItem, ...]:
    """The items of the rubric that a result file carries."""
    held = old.frozen.get("_frozen_rubric")
    return frozen.linted(frozen.items_of(held, old.packet)[0]) if isinstance(held, Mapping) else ()
