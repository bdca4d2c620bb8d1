"""The verb bench: policies on one world, as a table, as JSON, as pictures.

The rule: progress on stderr, figures on stdout; every figure with its interval, and every seed's own in the JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medsim.bench import Arena, Gaps, Ladder, Row, arena, climb, gaps
from medsim.bench.arena import MADE
from medsim.bench.ladder import BOT_SHAPING, REFERENCE, Tell
from medsim.bench.learners import Lesson
from medsim.bench.memory import SETS
from medsim.cli.output import as_json, console, print_json, progress_console, remark, say, table
from medsim.errors import ActionError, StoreError
from medsim.stats.estimate import Estimate
from medsim.viewer import safe

OFFICIAL = ("IL", "GTPA@1", "DDR", "DDP", "DDF1")


def do_bench(arguments: argparse.Namespace) -> int:
    """Measure each arena in turn."""
    if arguments.what not in ("inquiry", "workup"):
        raise ActionError(f"bench measures inquiry or workup, given '{arguments.what}'. For example: medsim bench inquiry trap")
    if arguments.turns < 1:
        raise ActionError(f"--turns must be at least 1, given {arguments.turns}.")
    if not 0 < arguments.seconds < math.inf:
        raise ActionError(f"--seconds must be more than 0, given {arguments.seconds:g}.")
    places = [arena(name, task=arguments.what, noise=arguments.noise, max_turns=arguments.turns) for name in arguments.world or MADE]
    lesson = _lesson(arguments)
    if arguments.memorisation is not None and (lesson is None or arguments.noise):
        raise ActionError("--memorisation is for learners in a world with its own noise: give --learned, and leave --noise out.")
    found = []
    for place in places:
        with _told(place.name) as tell:
            ladder = climb(place, seeds=arguments.seeds, patients=arguments.patients, learned=lesson, tell=tell)
            learnt = _gaps(place, lesson, arguments, tell)
        data = ladder.data() | ({"memorisation": [row.data() for row in learnt]} if learnt else {})
        found.append(data)
        if not arguments.json:
            _print(ladder)
            if learnt:
                _print_gaps(learnt)
        if arguments.to:
            _write(ladder, data, Path(arguments.to) / _folder(place.name))
    if arguments.json:
        print_json(found)
    return 0


def _gaps(place: Arena, lesson: Lesson | None, arguments: argparse.Namespace, tell: Tell) -> list[Gaps]:
    if lesson is None or arguments.memorisation is None:
        return []
    return gaps(place, lesson, seeds=arguments.seeds, patients=arguments.patients, few=arguments.memorisation or None, tell=tell)


def _lesson(arguments: argparse.Namespace) -> Lesson | None:
    if arguments.learned is None:
        return None
    named = tuple(name.strip() for name in arguments.learned.split(",") if name.strip())
    return Lesson(seconds=arguments.seconds, learners=named) if named else Lesson(seconds=arguments.seconds)


@contextlib.contextmanager
def _told(name: str) -> Iterator[Tell]:
    with progress_console().status(safe(name)) as status:
        yield lambda text: status.update(safe(f"{name}: {text}"))


def _print(ladder: Ladder) -> None:
    say(f"{ladder.arena.name} ({ladder.arena.game.task})", style="bold")
    rows = [*ladder.of("baseline"), *ladder.of("learned")]
    grave = any(row.estimate("must_not_miss_recall").value is not None for row in rows)
    columns = {"policy": "fold", "accuracy": "right", "questions": "right", "return": "right", "regret to greedy": "right"}
    columns |= {"must-not-miss\nrecall": "right"} if grave else {}
    columns |= {"calibration\nerror": "right"}
    cells = [
        [
            row.name, _around(row.estimate("accuracy"), 3), _around(row.estimate("questions"), 2), _around(row.estimate("return"), 3),
            "-" if row.name == REFERENCE else _around(row.estimate("regret"), 3),
            *([_around(row.estimate("must_not_miss_recall"), 3)] if grave else []), _around(row.estimate("calibration_error"), 3),
        ]
        for row in rows
    ]  # fmt: skip
    console().print(table(columns, cells, drop=("questions", "calibration\nerror")))
    if any(name in rows[0].measured[0] for name in OFFICIAL):
        names = {"policy": "fold", **dict.fromkeys(OFFICIAL, "right")}
        console().print(table(names, [[row.name, *(_around(row.estimate(name), 3) for name in OFFICIAL)] for row in rows]))
    if ladder.of("bot"):
        _print_bots(ladder.of("bot"))
    for note in ladder.notes:
        remark(note)


def _print_bots(rows: list[Row]) -> None:
    say("Bots that look for pay without work")
    columns = {"bot": "fold", "return": "right", "margin below\nthe first row": "right", f"shaping paid\n(weight {BOT_SHAPING:g})": "right"}
    cells = [
        [
            row.name,
            _around(row.estimate("return"), 3),
            "-" if i == 0 else _around(row.estimate("regret"), 3),
            _around(row.estimate("shaping"), 4),
        ]
        for i, row in enumerate(rows)
    ]
    console().print(table(columns, cells))


def _print_gaps(rows: list[Gaps]) -> None:
    say("Learnt, or known by heart? Trained on some templates (condition, complaint, age group, sex), played on others: return")
    columns = {"policy": "fold", "train": "right", "iid": "right", "template": "right", "noise": "right", "memorisation\nnumber": "right"}
    cells = [[row.name, *(_around(row.estimate(name), 3) for name in (*SETS, "gap"))] for row in rows]
    console().print(table(columns, cells, drop=("noise", "iid")))
    remark("Memorisation number: train less template. Greedy learns nothing: its number is what the templates themselves differ by.")


def _around(found: Estimate, digits: int) -> str:
    if found.value is None:
        return "-"
    if found.low is None or found.high is None:
        return f"{found.value:.{digits}f}"
    return f"{found.value:.{digits}f} ± {max(found.high - found.value, found.value - found.low):.{digits}f}"


def _folder(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "world"


def _write(ladder: Ladder, data: Mapping[str, Any], folder: Path) -> None:
    from medsim.bench.figures import draw

    made = draw(ladder, folder)
    path = folder / "ladder.json"
    try:
        path.write_text(as_json(data, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error}). Give --to a folder that can be written to.") from error
    for written in (*made, path):
        remark(f"written: {written}")
