"""The verb play: a person is the doctor, in the terminal."""

from __future__ import annotations

import argparse
import sys

from rich.text import Text

from medsim import recipe as recipes
from medsim.action import HELP
from medsim.case import Case
from medsim.cli.output import console, print_json, remark
from medsim.consult import Consult
from medsim.episode import episode_id
from medsim.evaluation import information
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import Scorecard, score
from medsim.store import Store
from medsim.trajectory import Event, Outcome, Trajectory, line
from medsim.viewer import encounter_page, safe


def do_play(arguments: argparse.Namespace) -> int:
    """Play one encounter by hand; what was played is scored, stored and shown."""
    case = recipes.case_named(arguments.case)
    store = Store(arguments.store)
    consult = Consult(case, seed=arguments.seed)
    remark(f"For research and teaching, not for care. Type help for the actions, quit to leave.\n{HELP}")
    _print(consult.events)
    left = _talk(consult, ScriptedPatient(case.brief()))
    trajectory = _trajectory(consult, case, arguments, store, left=left)
    card = score(case, trajectory.events, trajectory.outcome)
    store.begin_run("play", identity="play", config={"recipe": {"cases": []}})
    store.save(trajectory, card, information=information(case, trajectory.events))
    _debrief(trajectory, card, store, arguments)
    return 0


def _talk(consult: Consult, patient: ScriptedPatient) -> bool:
    """Read turns until the encounter is over; True where the person left before."""
    while not consult.over:
        try:
            message = input(f"[{consult.outcome().seconds // 60} min] doctor> ") if sys.stdin.isatty() else _piped()
        except (EOFError, KeyboardInterrupt):
            return True
        if message.strip().lower() in {"quit", "exit"}:
            return True
        if message.strip().lower() in {"help", "?"}:
            remark(HELP)
            continue
        if message.strip():
            _print(consult.play(message, patient))
    return False


def _piped() -> str:
    line_read = sys.stdin.readline()
    if not line_read:
        raise EOFError
    return line_read.rstrip("\n")


def _print(events: list[Event]) -> None:
    for event in events:
        if event.visible and event.actor != "doctor":
            style = {"reply": "cyan", "challenge": "bold cyan", "alarm": "bold yellow", "result": "green", "finding": "green"}.get(
                event.kind, ""
            )
            console().print(Text(safe(line(event)), style=style), soft_wrap=True)


def _trajectory(consult: Consult, case: Case, arguments: argparse.Namespace, store: Store, *, left: bool) -> Trajectory:
    outcome = consult.outcome()
    if left:
        rest = (outcome.state, outcome.diagnosis, outcome.disposition, outcome.seconds, outcome.turns, outcome.cost)
        outcome = Outcome("truncated", "left", *rest)
    agent = f"human:{arguments.name}"[:100]
    trial = sum(row["case_hash"] == case.hash and row["agent"] == agent for row in store.rows(run="play"))
    run = "play"
    return Trajectory(
        id=episode_id(run, case.hash, agent, trial, arguments.seed), case_id=case.id, case_hash=case.hash, agent=agent, seed=arguments.seed,
        trial=trial, events=list(consult.events), outcome=outcome, run=run, env="play",
    )  # fmt: skip


def _debrief(trajectory: Trajectory, card: Scorecard, store: Store, arguments: argparse.Namespace) -> None:
    scores = store.scores(trajectory.id, run=trajectory.run)
    if arguments.json:
        print_json({"trajectory": trajectory.data(), "scores": scores})
        return
    brief = Trajectory(**{**{name: getattr(trajectory, name) for name in trajectory.__slots__}, "events": []})
    console().print(encounter_page(brief, scores))
    remark(f"Stored as {trajectory.id} in {store.shown}. See it whole: medsim show {trajectory.id}")
