"""Pictures of a ladder: accuracy against questions, and the learning curves.

The rule: a picture shows the same numbers as the table, says on how many seeds they rest, and is written where it was asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medsim.bench.ladder import Ladder, Row
from medsim.errors import StoreError
from medsim.policy.training import Point

CURVES = ("random", "fixed order", "greedy, until 0.99", "two-step")


def draw(ladder: Ladder, folder: str | Path) -> list[Path]:
    """Write the pictures into a folder and return their paths."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        made = [_accuracy(ladder, place / "accuracy-by-questions.png")]
        if ladder.curves:
            made.append(learning(ladder.curves, place / "learning.png", title=ladder.arena.name, lines=_lines(ladder)))
    except OSError as error:
        raise StoreError(
            f"{place}: the pictures cannot be written ({error.strerror or error}). Give a folder that can be written to."
        ) from error
    return made


def _accuracy(ladder: Ladder, path: Path) -> Path:
    """Lines: the likeliest condition is right after so many questions. Points: where each policy ends, with its interval."""
    figure, axes = _figure()
    most = ladder.arena.game.max_turns
    for row in [*ladder.of("baseline"), *ladder.of("learned")]:
        if _has_line(row) or row.kind == "learned":
            mean = np.mean([line[:most] for line in row.right_by], axis=0)
            axes.plot(np.arange(len(mean)), mean, lw=1.4, alpha=0.8, ls="-" if row.kind == "baseline" else "--", label=row.name)
    for row in [*ladder.of("baseline"), *ladder.of("learned")]:
        asked, right = row.estimate("questions"), row.estimate("accuracy")
        if asked.value is None or right.value is None or asked.value > most:
            continue
        low, high = right.low if right.low is not None else right.value, right.high if right.high is not None else right.value
        error = [[max(right.value - low, 0.0)], [max(high - right.value, 0.0)]]
        axes.errorbar(asked.value, right.value, yerr=error, fmt="o" if row.kind == "baseline" else "D", ms=4, color="0.25", lw=1)
    axes.set(
        xlabel="questions",
        ylabel="accuracy",
        title=f"{ladder.arena.name}: {ladder.seeds} seeds x {ladder.patients:,} patients",
        ylim=(0, 1.02),
    )
    axes.legend(fontsize=7, frameon=False, loc="lower right")
    return _written(figure, path)


def _has_line(row: Row) -> bool:
    """One line for each way of asking: the longest of its kind."""
    return any(row.name.startswith(name) for name in CURVES) and not row.name.startswith(
        ("random, 10", "random, 20", "fixed order, 10", "fixed order, 20")
    )


def _lines(ladder: Ladder) -> dict[str, float]:
    named = {
        row.name: row.estimate("return").value
        for row in ladder.of("baseline")
        if row.name in ("greedy, until 0.99", "chief complaint only")
    }
    return {name: value for name, value in named.items() if value is not None}


def learning(curves: dict[str, list[list[Point]]], path: str | Path, *, title: str, lines: dict[str, float] | None = None) -> Path:
    """Write learning curves, unshaped return against processor seconds, a thin line a seed; ``lines`` are levels to compare with."""
    figure, axes = _figure()
    for number, (name, seeds) in enumerate(curves.items()):
        for i, curve in enumerate(seeds):
            label = f"{name} ({len(seeds)} seed{'s' if len(seeds) > 1 else ''})" if i == 0 else None
            axes.plot([p.seconds for p in curve], [p.earned for p in curve], color=f"C{number}", lw=0.9, alpha=0.8, label=label)
    for number, (name, level) in enumerate((lines or {}).items()):
        axes.axhline(level, color="0.3", ls=("--", ":", "-.")[number % 3], lw=1, label=name)
    axes.set(xlabel="seconds of processor time", ylabel="unshaped return in training", title=title)
    axes.legend(fontsize=7, frameon=False)
    return _written(figure, Path(path))


def _figure() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    return figure, figure.subplots()


def _written(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=140)
    return path
