"""The verb agree: judges, people and rubrics compared item by item, and scores corrected by what people's labels show."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medsim.cli.output import console, number, print_json, remark, say, table
from medsim.cli.stores import with_store
from medsim.store import Store

if TYPE_CHECKING:
    from medsim.agreement import Comparison, Corrected, Table, Together, Trust
    from medsim.stats import Estimate

_MOST_RATERS = 30
_MEASURES = {"f1": "macro-F1", "fleiss": "Fleiss' kappa"}


def do_agree(arguments: argparse.Namespace) -> int:
    """Compare; with labels also say what is not scorable, and correct."""
    from medsim import agreement
    from medsim.agreement.compare import together
    from medsim.agreement.corrected import RECOMMENDED

    store = Store(arguments.store, create=False)
    read = agreement.table_of(store, run=arguments.run, rubrics=tuple(arguments.rubric or ()))
    between = tuple(arguments.between or ())
    found = agreement.compare(read, between=between)
    everyone = together(read, between=between)
    trust = agreement.trust(found)
    mended = [row for row in agreement.corrected(read) if not between or row.judge in {name for one in found for name in one[:2]}]
    if arguments.json:
        print_json(_data(read, found, everyone, trust, mended))
        return 0
    _raters(read)
    for one in found:
        _pair(one)
    _together(everyone)
    _verdict(read, found, trust)
    _corrected(mended, RECOMMENDED)
    return 0


def _raters(read: Table) -> None:
    rows = []
    for name, column in list(read.said.items())[:_MOST_RATERS]:
        decided = [one for one in column.values() if one.verdict is not None]
        own = sum(one.own for one in decided)
        encounters = len({key[0] for key in column})
        rows.append([name, str(encounters), str(len(column)), str(len(decided)), str(own)])
    columns = {"rater": "fold", "encounters": "right", "items": "right", "met or unmet": "right", "not by the log": "right"}
    console().print(table(columns, rows))
    if read.undecided:
        remark(
            f"On {read.undecided} items people differ; they are in no reference until settled: medsim label {read.run} --adjudicate --rater NAME"
        )


def _pair(one: Comparison) -> None:
    say(f"\n{one.second}\nheld against {one.first} (95 % intervals, over cases)", style="bold")
    if one.note:
        say(one.note)
    if one.rows:
        columns = {"": "left", "items": "right", "kappa": "right", "alpha": "right", "macro-F1": "right", "sens.": "right", "spec.": "right",
                   "bias": "right"}  # fmt: skip
        names = ("kappa", "alpha", "f1", "sensitivity", "specificity")
        shown = [
            [row.competency, str(row.items), *(_cell(getattr(row, name)) for name in names), _cell(row.bias, digits=1, sign=True)]
            for row in one.rows
        ]
        console().print(table(columns, shown, drop=("alpha", "macro-F1")))
        _notes({(row.competency, name): getattr(row, name).note for row in one.rows for name in (*names, "bias")})
    if one.scales:
        columns = {"scale": "left", "ratings of both": "right", "ICC(2,1)": "right"}
        console().print(table(columns, [[row.competency, str(row.items), _cell(row.icc)] for row in one.scales]))
        _notes({(row.competency, "ICC"): row.icc.note for row in one.scales})
    if one.logged and one.rows:
        say(f"{one.logged} items that the event log decided for both are left out.", style="dim")


def _together(rows: Sequence[Together]) -> None:
    if not rows:
        return
    say("\nall together", style="bold")
    columns = {"": "left", "items": "right", "Fleiss' kappa": "right", "alpha": "right"}
    console().print(table(columns, [[row.competency, str(row.items), _cell(row.fleiss), _cell(row.alpha)] for row in rows]))
    _notes({(row.competency, name): getattr(row, name).note for row in rows for name in ("fleiss", "alpha")})


def _verdict(read: Table, found: Sequence[Comparison], trust: Sequence[Trust]) -> None:
    """What may not be scored, or that it is not known."""
    if not trust:
        if read.judges and not read.labelled:
            say(
                "\nWhether these judges may score is not known: nobody has labelled an item. "
                + with_store(f"Label some: medsim label {read.run} --rater NAME")
            )
        return
    say("\nnot scorable", style="bold")
    wrong = [one for one in trust if not one.scorable]
    for one in wrong:
        say(f"{one.competency}, {one.judge}: {one.reason.removeprefix('Not scorable: ')}")
    if not wrong:
        say("Nothing: kappa is at least 0.6 and the bias within 5 points in every competency that was labelled.")


def _corrected(rows: Sequence[Corrected], recommended: int) -> None:
    if not rows:
        return
    say("\nmean raw score of each agent, as judged and corrected by the labels", style="bold")
    rubrics = {row.rubric for row in rows}
    columns = {"agent": "fold", "rubric": "fold", "judge": "fold", "judged": "right", "Rogan-\nGladen": "right", "prediction-\npowered": "right",
               "labels": "right"}  # fmt: skip
    shown = [
        [row.agent, row.rubric, row.judge, _cell(row.score), _cell(row.rogan_gladen), _cell(row.prediction_powered), str(row.labels)]
        for row in rows
    ]
    console().print(table(columns, shown, drop=("rubric", "judge") if len(rubrics) == 1 else ("judge",)))
    _notes(
        {
            (row.agent if len(rubrics) == 1 else f"{row.agent}, {row.rubric}", name): estimate.note
            for row in rows
            for name, estimate in (
                ("judged", row.score),
                ("Rogan-Gladen", row.rogan_gladen),
                ("prediction-powered", row.prediction_powered),
            )
        }
    )
    few = min(
        (row.labels for row in rows if row.score.value is not None), default=0
    )  # a judge that decided nothing has none to be known by
    say("Raw scores: before clipping and caps. Intervals hold what the labels leave open about the judge.", style="dim")
    if few < recommended:
        say(f"{few} labelled items: {recommended}, spread over cases, competencies and verdicts, are recommended.", style="dim")


def _cell(found: Estimate, *, digits: int = 2, sign: bool = False) -> str:
    """A number over its interval."""
    if found.value is None:
        return "-"
    value = f"{found.value:+.{digits}f}" if sign else number(found.value, digits)
    return value if found.low is None or found.high is None else f"{value}\n{found.low:.{digits}f}, {found.high:.{digits}f}"


def _notes(notes: dict[tuple[str, str], str]) -> None:
    """Each reason once, with the measures and rows it is about."""
    where: dict[str, dict[str, list[str]]] = {}
    for (row, column), note in notes.items():
        if note:
            where.setdefault(note, {}).setdefault(_MEASURES.get(column, column), []).append(row)
    for note, columns in where.items():
        rows: dict[str, list[str]] = {}
        for column, found in columns.items():
            rows.setdefault(", ".join(found), []).append(column)
        say(f"{'; '.join(_of(names, row) for row, names in rows.items())}: {note}", style="dim")


def _of(measures: Sequence[str], rows: str) -> str:
    return f"{', '.join(measures)} of {rows}"


# ---- JSON --------------------------------------------------------------------------------------------------------------------------


def _data(
    read: Table, found: Sequence[Comparison], everyone: Sequence[Together], trust: Sequence[Trust], mended: Sequence[Corrected]
) -> dict[str, Any]:
    counts = {
        name: {"items": len(column), "decided": sum(one.verdict is not None for one in column.values()), "own": sum(one.own for one in column.values())}
        for name, column in read.said.items()
    }  # fmt: skip
    return {
        "run": read.run, "rubrics": list(read.rubrics), "raters": counts, "labelled": read.labelled, "to_adjudicate": read.undecided,
        "comparisons": _plain(list(found)), "together": _plain(list(everyone)), "not_scorable": _plain([one for one in trust if not one.scorable]),
        "corrected": _plain(list(mended)),
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """Named tuples as objects."""
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value
