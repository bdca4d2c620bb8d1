"""The verb standards: where the pass mark lies, by clinicians' estimates or by rated runs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from medsim.cli.output import print_json, say
from medsim.cli.scoring import rubric_of
from medsim.errors import CaseError, JudgeError, did_you_mean
from medsim.store import Store

if TYPE_CHECKING:
    from medsim.agreement.marks import Estimates
    from medsim.stats import PassMark

_METHODS = ("angoff", "borderline")


def do_standards(arguments: argparse.Namespace) -> int:
    """Set a pass mark; exit 1 where there is none."""
    if arguments.method not in _METHODS:
        raise JudgeError(f"No method '{arguments.method}'.{did_you_mean(arguments.method, _METHODS)} Methods: {', '.join(_METHODS)}.")
    mark, told = _angoff(arguments) if arguments.method == "angoff" else _borderline(arguments)
    if arguments.json:
        print_json({**mark._asdict(), "about": told})
    else:
        _print(mark, told)
    return 1 if mark.mark is None else 0


def _angoff(arguments: argparse.Namespace) -> tuple[PassMark, str]:
    from medsim.agreement import read_estimates
    from medsim.stats import angoff

    given = read_estimates(arguments.what)
    mark = angoff(given.chances, points=_points(given, arguments.rubric) if arguments.rubric else None)
    if mark.mark is None and given.missing:
        more = f" and {len(given.missing) - 5} more" if len(given.missing) > 5 else ""
        mark = mark._replace(note=f"{mark.note} {'; '.join(given.missing[:5])}{more}.")
    weighed = f"weighed by the points of rubric {arguments.rubric}" if arguments.rubric else "all weighing alike (--rubric weighs them)"
    return mark, f"{len(given.raters)} raters, {len(given.items)} items, {weighed}."


def _points(given: Estimates, name: str) -> list[float]:
    """What each estimated item is worth."""
    points = {item.id: item.points for item in rubric_of(name).items}
    wrong = [item for item in given.items if item not in points]
    if wrong:
        raise CaseError(f"Rubric '{name}' has no item '{wrong[0]}'.{did_you_mean(wrong[0], points)}")
    harmful = [item for item in given.items if points[item] <= 0]
    if harmful:
        raise CaseError(f"Item '{harmful[0]}' has points below 0: a pass mark is set over what is expected of a doctor. Leave it out.")
    return [points[item] for item in given.items]


def _borderline(arguments: argparse.Namespace) -> tuple[PassMark, str]:
    from medsim.agreement import borderline_of

    if arguments.borderline is None or not arguments.rating:
        raise JudgeError("Borderline regression needs a global rating and what counts as borderline: --rating ITEM --borderline 2")
    store = Store(arguments.store, create=False)
    more = {"rubric": arguments.rubric} if arguments.rubric else {}
    return borderline_of(store, arguments.what, rating=arguments.rating, borderline=arguments.borderline, judge=arguments.judge, **more)


def _print(mark: PassMark, told: str) -> None:
    if mark.mark is not None:
        kind = "provisional pass mark" if mark.provisional else "pass mark"
        say(f"{mark.method}: {kind} {mark.mark:.2f} (95 % interval {mark.low:.2f} to {mark.high:.2f})", style="bold")
    if mark.r_squared is not None:
        say(f"R² {mark.r_squared:.2f}, RMSE {mark.rmse:.3f}, {mark.n} rated runs.")
    if mark.note:
        say(mark.note)
    say(told, style="dim")
