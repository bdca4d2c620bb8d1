"""The verb play: a person is the doctor, in the terminal."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterable

from medsim import recipe as recipes
from medsim.action import HELP, slip
from medsim.case import Case
from medsim.cli.output import console, print_json, remark, say
from medsim.consult import Consult
from medsim.episode import episode_id
from medsim.evaluation import information
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import score
from medsim.store import Store
from medsim.trajectory import Event, Outcome, Trajectory, line, stamp
from medsim.viewer import encounter_page
from medsim.viewer.page import STYLES

_HOW = f"""\
{HELP}
At this prompt a turn is one line; separate actions with ';'. Type help to see this again, quit to leave."""
_NOTED = {"diagnose": "Diagnosis noted", "dispose": "Disposition noted", "note": "Note written"}
RUN = "play"


def do_play(arguments: argparse.Namespace) -> int:
    """Play one encounter by hand; what was played is scored, stored and shown."""
    case = recipes.case_named(arguments.case)
    store = Store(arguments.store)
    store.begin_run(RUN, identity=RUN, config={"recipe": {"cases": []}})  # a store that cannot be written is told of before the work
    consult = Consult(case, seed=arguments.seed)
    remark(f"For research and teaching, not for care.\n{_HOW}")
    _print(consult.events)
    left = _talk(consult, ScriptedPatient(case.brief()))
    trajectory = _trajectory(consult, case, arguments, store, left=left)
    card = score(case, trajectory.events, trajectory.outcome)
    store.save(trajectory, card, information=information(case, trajectory.events))
    _debrief(trajectory, store, arguments)
    return 0


def _talk(consult: Consult, patient: ScriptedPatient) -> bool:
    """Read turns until the encounter is over; True where the person left before."""
    _ready_input()
    while not consult.over:
        try:
            message = input(f"[{stamp(consult.outcome().seconds)}] doctor> ") if sys.stdin.isatty() else _piped()
        except (EOFError, KeyboardInterrupt):
            return True
        word = message.strip().lower()
        if word in {"quit", "exit"}:
            return True
        if word in {"help", "?"}:
            remark(_HOW)
        elif hint := slip(message):
            remark(f"Not sent: {hint} To say it to the patient: say: {message.strip()}")
        elif word:
            _print(consult.play(message, patient))
    return False


def _ready_input() -> None:
    """Line editing where there is a terminal; broken bytes in a pipe are read as marks."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401


def _piped() -> str:
    line_read = sys.stdin.readline()
    if not line_read:
        raise EOFError
    return line_read.rstrip("\n")


def _print(events: Iterable[Event]) -> None:
    for event in events:
        if event.kind in _NOTED:
            say(f"[{stamp(event.t)}] {_NOTED[event.kind]}: {event.text}", style="dim")
        elif event.visible and event.actor != "doctor":
            say(line(event), style=STYLES.get(event.kind, ""))


def _trajectory(consult: Consult, case: Case, arguments: argparse.Namespace, store: Store, *, left: bool) -> Trajectory:
    outcome = consult.outcome()
    if left:
        rest = (outcome.state, outcome.diagnosis, outcome.disposition, outcome.seconds, outcome.turns, outcome.cost)
        outcome = Outcome("truncated", "left", *rest)
    agent = f"human:{arguments.name}"[:100]
    trial = sum(row["case_hash"] == case.hash and row["agent"] == agent for row in store.rows(run=RUN))
    return Trajectory(
        id=episode_id(RUN, case.hash, agent, trial, arguments.seed), case_id=case.id, case_hash=case.hash, agent=agent, seed=arguments.seed,
        trial=trial, events=list(consult.events), outcome=outcome, run=RUN, env="play",
    )  # fmt: skip


def _debrief(trajectory: Trajectory, store: Store, arguments: argparse.Namespace) -> None:
    scores = store.scores(trajectory.id, run=trajectory.run)
    if arguments.json:
        print_json({"trajectory": trajectory.data(), "scores": scores})
        return
    brief = Trajectory(**{**{name: getattr(trajectory, name) for name in trajectory.__slots__}, "events": []})
    console().print(encounter_page(brief, scores))
    remark(f"Stored as {trajectory.id} in {store.shown}. See it whole: medsim show {trajectory.id}")
