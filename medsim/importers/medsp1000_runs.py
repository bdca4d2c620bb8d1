"""Old runs of MedSP1000, read for re-scoring: ``<runs>/<case>/<scenario>/<YYYYMMDD_HHMMSS>/``.

The rule: a run that broke off is read as far as it goes and says what it lacks. The original engine notes the stage *after* a turn; here the
stage in which a turn was played stands beside it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from medsim.errors import CaseError
from medsim.importers import Row
from medsim.importers.medsp1000 import Packet
from medsim.importers.medsp1000_names import natural
from medsim.importers.medsp1000_score import RESULT, Score, score

FILES = {
    "manifest": "run_manifest.json",
    "models": "run_models.json",
    "transcript": "transcript.json",
    "turns": "turns.json",
    "actions": "action_history.json",
    "evaluation": "final_evaluation.json",
    "frozen": RESULT,
}
MAX_BYTES = 100_000_000
_STAMP = re.compile(r"\d{8}_\d{6}\Z")
_INITIAL = "initial_assessment"


class Action(NamedTuple):
    """What the doctor did, and what the environment made of it."""

    raw: str
    understood: str
    status: str
    rationale: str


class Turn(NamedTuple):
    """One turn: what was said, done and answered."""

    number: int
    stage: str
    """In which it was played."""
    stage_after: str
    say: str
    actions: tuple[str, ...]
    patient: tuple[str, ...]
    findings: tuple[str, ...]
    events: tuple[str, ...]


class Run(NamedTuple):
    """A run as plain data."""

    packet: str
    """``case/scenario``."""
    stamp: str
    folder: Path
    status: Literal["ok", "incomplete"]
    models: dict[str, str]
    turns: tuple[Turn, ...]
    actions: tuple[Action, ...]
    transcript: tuple[dict[str, Any], ...]
    evaluation: dict[str, Any]
    """The judge's own result; empty where there is none."""
    frozen: dict[str, Any]
    """The result by the frozen rubric; empty where there is none."""
    calls: dict[str, tuple[dict[str, Any], ...]]
    """Every call of a model, by role."""
    problems: tuple[str, ...]
    strategy: str = ""
    """The examinee's test-time strategy; empty where it had none."""
    ended: str = ""
    """Why it ended, where the log says so."""

    def score(self, packet: Packet) -> Score:
        """Score the stored verdicts again, by the frozen rubric where it was judged by that."""
        if packet.id != self.packet:
            raise CaseError(f"The run {self.folder} is one of {self.packet}, not of {packet.id}.")
        return score(packet, self.frozen or self.evaluation)


def load_runs(folder: Path) -> tuple[list[Run], list[Row]]:
    """Read all runs below a folder, in order, with a row for each."""
    folder = Path(folder)
    if not folder.is_dir():
        raise CaseError(f"{folder}: no such folder. Expected one that holds <case>/<scenario>/<YYYYMMDD_HHMMSS>.")
    places = [Path(root) for root, names, _ in os.walk(folder) if not names.sort() and _STAMP.match(Path(root).name)]
    runs = [_run(place) for place in sorted(places, key=lambda place: natural(place.as_posix()))]
    rows = [
        Row(number, "flagged" if run.problems else "imported", f"{run.packet}/{run.stamp}", run.problems) for number, run in enumerate(runs)
    ]
    return runs, rows


def _run(place: Path) -> Run:
    held: dict[str, Any] = {}
    problems: list[str] = []
    for name, file in FILES.items():
        held[name] = _json(place / file, problems)
    manifest = _mapping(held["manifest"])
    case, scenario = manifest.get("case_id"), manifest.get("scenario_id")
    packet = f"{case}/{scenario}" if isinstance(case, str) and isinstance(scenario, str) else "/".join(place.parts[-3:-1])
    models = _mapping(manifest.get("models")) or _mapping(_mapping(held["models"]).get("models"))
    calls = {
        path.name.removesuffix("_calls.json"): tuple(item for item in _list(_json(path, problems)) if isinstance(item, dict))
        for path in sorted((place / "agent_logs").glob("*_calls.json"))
        if path.name != "examinee_tts_calls.json"
    }
    if not held["evaluation"] and not held["frozen"]:
        problems.append("not_judged")
    whole = bool(held["turns"]) and bool(held["evaluation"] or held["frozen"])
    return Run(
        packet,
        place.name,
        place,
        "ok" if whole else "incomplete",
        {str(name): str(model) for name, model in models.items()},
        _turns(held["turns"]),
        tuple(_action(item) for item in _list(held["actions"]) if isinstance(item, dict)),
        tuple(item for item in _list(held["transcript"]) if isinstance(item, dict)),
        _mapping(held["evaluation"]),
        _mapping(held["frozen"]),
        calls,
        tuple(dict.fromkeys(problems)),
        _strategy(manifest),
        _ended(place / "execution_log.json"),
    )


def _strategy(manifest: Mapping[str, Any]) -> str:
    named = _mapping(manifest.get("test_time")).get("strategy")
    return named[:40] if isinstance(named, str) and named != "off" else ""


def _ended(path: Path) -> str:
    """The reason that the log names for the end; empty where there is no log or it names none."""
    for entry in reversed(_list(_json(path, []))):
        held = _mapping(entry)
        if "simulation_stop_condition_met" in [value for value in held.values() if isinstance(value, str)]:
            reasons = (part.get("reason") for part in (held, *filter(None, map(_mapping, held.values()))))
            return next((reason[:200] for reason in reasons if isinstance(reason, str)), "")
    return ""


def _json(path: Path, problems: list[str]) -> Any:
    """Return what a file holds; None with a problem where it is missing or broken."""
    try:
        if path.stat().st_size > MAX_BYTES:
            problems.append(f"too_large:{path.name}")
            return None
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        problems.append(f"missing:{path.name}")
    except (ValueError, RecursionError):
        problems.append(f"not_json:{path.name}")
    return None


def _turns(held: Any) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    stage = _INITIAL
    for item in _list(held):
        if not isinstance(item, dict):
            continue
        after = str(item.get("phase_id", ""))
        number = item.get("turn_index")
        turns.append(
            Turn(
                number if isinstance(number, int) else len(turns) + 1,
                stage,
                after,
                str(item.get("examinee_speak") or ""),
                _texts(item.get("examinee_actions")),
                _texts(item.get("sp_speak")),
                _texts(item.get("environment_feedback")),
                _texts(item.get("environment_events")),
            )
        )
        stage = after or stage
    return tuple(turns)


def _action(item: Mapping[str, Any]) -> Action:
    return Action(*(str(item.get(name) or "") for name in ("raw", "canonical_id", "status", "rationale")))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]) if item not in (None, ""))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
