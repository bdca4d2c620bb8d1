"""Stored encounters in MedSP1000's own form: run folders with their turns and result file, and the long table of rates.

The rule: their convention is kept to the letter. The denominator is the rubric, an item is true or false, and one whose verdict is unknown is
false; here it is also listed apart, which their readers pass over. The linted rates stand in a table of their own, never in theirs.

    DIR/rates.csv, DIR/rates_linted.csv, DIR/<examinee>/<case>/<scenario>/<YYYYMMDD_HHMMSS>/{run_manifest,turns,transcript,final_evaluation_…}.json
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from medsim.action import Action
from medsim.agent.packet_turn import PacketTurn, to_packet_turn
from medsim.case import Case
from medsim.errors import StoreError
from medsim.importers import Row
from medsim.importers.medsp1000 import Packet
from medsim.importers.medsp1000_case import PREFIX, TAG, packet_items
from medsim.importers.medsp1000_names import origin
from medsim.importers.medsp1000_rubric import PacketItem, linted
from medsim.importers.medsp1000_score import RESULT, UNKNOWN, Score, Verdicts, rates, result, score, write_rates
from medsim.trajectory import Event, Trajectory

MARK = "medsp1000:"
"""Before the names that an import brings along."""
_PACKET = re.compile(r"[^/\\]+/scenario\d*\Z", re.IGNORECASE)
_ITEM = re.compile(rf"{PREFIX}[0-9a-f]{{12}}\Z")
_STAMP = "%Y%m%d_%H%M%S"
_ASKED = {"finding", "result", "answer"}
_HAPPENED = {"alarm", "encounter"}


class Encounter(NamedTuple):
    """One stored encounter, its case where that is at hand, and its scores, oldest first."""

    trajectory: Trajectory
    scores: Sequence[Mapping[str, Any]]
    case: Case | None = None


class Judged(NamedTuple):
    """A packet with one judge's verdicts on its items."""

    packet: Packet
    verdicts: Verdicts
    judge: str
    at: str

    @property
    def unknown(self) -> tuple[str, ...]:
        """Ids of the items that nobody decided."""
        return tuple(item.id for item in self.packet.rubric if item.id not in self.verdicts.given)


def judged(trajectory: Trajectory, scores: Iterable[Mapping[str, Any]], case: Case | None = None) -> list[Judged]:
    """The newest verdicts of each judge on the items of an encounter's packet, the newest judge last; empty where nobody judged them."""
    name = case.title if case and TAG in case.blueprint.tags else trajectory.case_id
    if not _PACKET.match(name):
        return []
    own = packet_items(case) if case else ()
    ids = {item.id for item in own}
    found: dict[str, Judged] = {}
    for scored in scores:
        items = own or _items(scored)
        held = {str(item["item"]).removeprefix(PREFIX): item["verdict"] for item in scored["items"] if _ITEM.match(str(item["item"]))}
        given = {key: verdict == "met" for key, verdict in held.items() if verdict in {"met", "unmet"}}
        if not given or (own and not set(held) <= ids):
            continue
        found.pop(scored["judge"], None)
        found[scored["judge"]] = Judged(packet_of(name, items), Verdicts(given), str(scored["judge"]), str(scored["scored"]))
    return list(found.values())


def packet_of(name: str, items: Sequence[PacketItem]) -> Packet:
    """A packet as far as scoring needs it: its name, where it comes from and its items."""
    case, scenario = name.rsplit("/", 1)
    known = origin(case)
    return Packet(name, scenario, known.doi, known.split_group, "ok" if items else "empty_rubric", {}, tuple(items), case, known.twin_of)


def _items(scored: Mapping[str, Any]) -> tuple[PacketItem, ...]:
    listed = [item for item in scored["items"] if _ITEM.match(str(item["item"]))]
    return linted([PacketItem(str(item["item"]).removeprefix(PREFIX), str(item["text"]), item["comp"]) for item in listed])


# ---- writing ---------------------------------------------------------------------------------------------------------------------


def write(folder: Path, encounters: Iterable[Encounter]) -> list[Row]:
    """Write encounters below a folder and return a row for each: imported (written), flagged (with unknown items) or refused."""
    rows: list[Row] = []
    scores: dict[str, list[tuple[int, Score]]] = {}
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(encounters):
            trajectory = one.trajectory
            verdicts = judged(trajectory, one.scores, one.case)
            if trajectory.outcome.status == "error" or not verdicts:
                rows.append(Row(number, "refused", trajectory.case_id, (_why(one),)))
                continue
            newest = verdicts[-1]
            _write_one(Path(folder), trajectory, newest)
            scores.setdefault(trajectory.agent, []).append((trajectory.trial, score(newest.packet, newest.verdicts)))
            left = (f"unknown_counted_as_false:{len(newest.unknown)}",) if newest.unknown else ()
            rows.append(Row(number, "flagged" if left else "imported", newest.packet.id, left))
        for name, of_lint in (("rates.csv", False), ("rates_linted.csv", True)):
            write_rates(Path(folder) / name, [row for agent, several in scores.items() for row in _rates(agent, several, of_lint)])
    except OSError as error:
        raise StoreError(f"'{folder}' cannot be written ({error.strerror}). Give another folder with --medsp1000.") from error
    return rows


def _why(one: Encounter) -> str:
    """Why an encounter is not written."""
    if one.trajectory.outcome.status == "error":
        return "ended_in_error"
    if one.case is None and not _PACKET.match(one.trajectory.case_id):
        return "case_not_found"
    return "no_verdicts_on_a_packet"


def _rates(agent: str, scores: Sequence[tuple[int, Score]], of_lint: bool) -> list[dict[str, Any]]:
    """The table of one agent; each trial on its own, because theirs knows one run of each packet."""
    trials = sorted({trial for trial, _ in scores})
    names = {trial: _bare(agent) if len(trials) == 1 else f"{_bare(agent)} trial {trial}" for trial in trials}
    return [
        row for trial in trials for row in rates([one for at, one in scores if at == trial], examinee=names[trial], linted=of_lint)
    ]  # fmt: skip


def _write_one(folder: Path, trajectory: Trajectory, found: Judged) -> None:
    place = folder / _named(_bare(trajectory.agent)) / _named(found.packet.case) / _named(found.packet.scenario)
    at = _moment(trajectory.started)
    while (place / at.strftime(_STAMP)).exists() and _other(place / at.strftime(_STAMP), trajectory.id):
        at += timedelta(seconds=1)
    place /= at.strftime(_STAMP)
    place.mkdir(parents=True, exist_ok=True)
    models = {
        "examinee": _bare(trajectory.agent),
        "sp": _bare(trajectory.patient),
        "environment": _bare(trajectory.env),
        "evaluator": _bare(found.judge),
    }
    held = result(found.packet, found.verdicts, judge=_bare(found.judge), at=found.at, run=trajectory.id)
    held["_score_summary"]["unknown_items"] = len(found.unknown)
    held[UNKNOWN] = list(found.unknown)
    manifest = {
        "run_id": trajectory.id, "run_name": place.name, "run_timestamp": place.name, "status": "completed", "success": True,
        "case_id": found.packet.case, "scenario_id": found.packet.scenario, "models": models, "test_time": {"strategy": "off"},
    }  # fmt: skip
    written = turns(trajectory)
    opening = next((event.text for event in trajectory.events if event.kind == "encounter"), "")
    for name, content in (
        ("run_manifest.json", manifest), ("turns.json", written), ("transcript.json", _transcript(opening, written)), (RESULT, held),
    ):  # fmt: skip
        (place / name).write_text(json.dumps(content, ensure_ascii=True, indent=2), encoding="utf-8")


def _other(place: Path, identity: str) -> bool:
    """Whether a folder holds another encounter than this one; the same one is written over."""
    try:
        return bool(json.loads((place / "run_manifest.json").read_text(encoding="utf-8")).get("run_id") != identity)
    except (OSError, ValueError, AttributeError):
        return True


def _moment(started: str) -> datetime:
    try:
        return datetime.fromisoformat(started).replace(tzinfo=None, microsecond=0)
    except ValueError:
        return datetime(2000, 1, 1)


def _bare(name: str) -> str:
    """A name without the mark of an import."""
    return name.removeprefix(MARK)


def _named(text: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^\w.+=@-]+", "_", text, flags=re.ASCII).strip(".")[:100] or "unnamed"


# ---- turns -----------------------------------------------------------------------------------------------------------------------


def turns(trajectory: Trajectory) -> list[dict[str, Any]]:
    """The turns of an encounter in the form of ``turns.json``: ``phase_id`` is the stage after the turn, as theirs is."""
    found: list[dict[str, Any]] = []
    stages: list[str] = []
    for number in sorted({event.turn for event in trajectory.events if event.turn > 0}):
        events = [event for event in trajectory.events if event.turn == number]
        stage = next((event.text or event.state for event in reversed(events) if event.kind == "state"), events[-1].state)
        stages += [stage] if stage not in stages else []
        said = _doctor(events)
        found.append(
            {
                "turn_index": number, "phase_id": stage, "progress_index": stages.index(stage), "minutes_since_encounter": events[-1].t // 60,
                "examinee_speak": said.speak, "examinee_actions": list(said.actions), "canonical_actions": [], "eos": said.eos,
                "sp_speak": [_said(event) for event in events if event.kind in {"reply", "challenge"}],
                "environment_feedback": [event.text for event in events if event.kind in _ASKED and event.actor == "controller"],
                "environment_events": [event.text for event in events if event.kind in _HAPPENED],
            }
        )  # fmt: skip
    return found


def _doctor(events: Sequence[Event]) -> PacketTurn:
    """What the doctor said and did in a turn: as it was written where that is kept, else from the events."""
    written = next((event.text for event in events if event.kind == "message"), None)
    if written is not None:
        return to_packet_turn(written)
    own = [event for event in events if event.actor == "doctor" and event.kind not in {"unclear", "refused"}]
    meant = to_packet_turn([Action(event.kind, event.text) for event in own if "raw" not in event.args])  # type: ignore[arg-type]
    raw = tuple(str(event.args["raw"]) for event in own if "raw" in event.args)
    return meant._replace(actions=(*meant.actions, *raw))


def _said(event: Event) -> str:
    return event.text if event.speaker == "Patient" else f"{event.speaker}: {event.text}"


def _transcript(opening: str, written: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"role": "system", "type": "opening_context", "content": opening}]
    for turn in written:
        parts += [
            {"role": role, "content": turn[name]}
            for role, name in (
                ("examinee", "examinee_speak"), ("examinee_actions", "examinee_actions"), ("sp", "sp_speak"),
                ("environment", "environment_feedback"),
            )
        ]  # fmt: skip
        parts += [{"role": "system_event", "content": turn["environment_events"]}] if turn["environment_events"] else []
    return parts
