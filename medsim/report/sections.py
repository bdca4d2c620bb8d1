"""The sections of the page about scores: headline, cases, competencies, what it took, differences.

The rule: every number leads to the trajectories behind it; where a column says nothing for anybody, one sentence says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medsim.report import plots
from medsim.report.drawing import MOST
from medsim.report.figures import Row
from medsim.report.headline import AXES
from medsim.report.markup import Cell, Notes, count, figure, folded, head, link, paragraph, picture, section, table, words
from medsim.report.text import esc, number, p_value

Figures = Mapping[str, Any]
_RESULTS = (
    ("score", "score (0 to 1)", "score"), ("micro", "items met, pooled (micro)", "share"), ("pass_rate", "passed", "share"),
    ("pass_at_k", "passed at least once in k trials", "share"), ("pass_hat_k", "passed in all k trials", "share"),
    ("critical_harm", "with critical harm", "share"), ("coverage", "items decided", "share"),
)  # fmt: skip
_TAKEN = (
    ("cost", "cost of care, USD", "amount"), ("minutes", "simulated minutes", "count"), ("turns", "turns", "count"), ("tokens", "doctor's tokens", "amount"),
    ("model_usd", "models, USD", "score"), ("information", "facts and results known", "share"),
)  # fmt: skip
_MOST_CASES = 40
"""More rows than this are folded."""
_NO_TRIALS = {"value": None, "low": None, "high": None, "note": "Needs two trials of every case."}


def place(arm: int, case: int | None = None) -> str:
    """The anchor of an arm's trajectories, or of those of one case."""
    return f"a{arm}" if case is None else f"a{arm}-c{case}"


def places(figures: Figures) -> dict[str, int]:
    """A number for each case, by hash."""
    return {key: at for at, key in enumerate(dict.fromkeys(row["hash"] for row in figures["cases"]), 1)}


def headline(figures: Figures) -> str:
    """The tables to begin with: what came out, and what it took."""
    rows: Sequence[Row] = figures["headline"]
    if not rows:
        return section(
            "headline", "Headline", paragraph("There is no encounter and no agent in these runs, so there is nothing to report.")
        )
    notes, said = Notes("headline"), []
    ks = "/".join(str(k) for k in sorted({row["k"] for row in rows if "k" in row}))
    tables = []
    for columns, caption in ((_RESULTS, "What came out"), (_TAKEN, "What an encounter took")):
        shown = [column for column in columns if any(row.get(column[0], _NO_TRIALS)["value"] is not None for row in rows)]
        said += [
            _silent(title, {row[name]["note"] for row in rows if name in row})
            for name, title, _ in columns
            if (name, title, _) not in shown
        ]
        titles = [title.replace(" k ", f" {ks} ") for _, title, _ in shown]
        last = ["encounters", "of these"] if columns is _RESULTS else []
        body = [[head(link(place(row["arm"]), esc(row["name"]))), *(figure(row.get(name, _NO_TRIALS), place(row["arm"]), notes, sort=sort) for name, _, sort in shown), *(_counts(row) if last else ())] for row in rows]  # fmt: skip
        if titles or last:
            tables.append(table(["agent", *titles, *last], body, caption=f"{caption}: means over cases, below each its 95 % interval."))
    return section(
        "headline", "Headline", paragraph("Intervals draw whole cases again. Every number leads to the trajectories behind it."), *tables,
        notes.html(), *(paragraph(text, kind="quiet") for text in said),
    )  # fmt: skip


def _silent(title: str, notes: set[str]) -> str:
    """The sentence in the place of a column that says nothing for anybody."""
    return f"{title[0].upper()}{title[1:]}: {' '.join(sorted(notes))}" if notes else ""


def _counts(row: Row) -> tuple[Cell, Cell]:
    return Cell(f"{link(place(row['arm']), str(row['ended']))}<small>{row['cases']} cases</small>", "n", row["ended"]), words(_odd(row))


def _odd(row: Row) -> str:
    told = [f"{row[name]} {words_}" for name, words_ in (("harmed", "with critical harm"), ("truncated", "cut off by a limit"), ("unscored", "without a score")) if row[name]]  # fmt: skip
    if row["errors"]:
        told.append(f"besides, {row['errors']} failed and counted nowhere")
    return "; ".join(told)


def cases(figures: Figures) -> str:
    """Score by case, one column an agent."""
    numbers = places(figures)
    names = {row["arm"]: row["name"] for row in figures["headline"]}
    by_case: dict[str, dict[int, Row]] = {}
    for row in figures["cases"]:
        by_case.setdefault(row["hash"], {})[row["arm"]] = row
    body = [
        [head(_titled(next(iter(arms.values())))), *(_case_cell(arms.get(arm), numbers[key]) for arm in names)]
        for key, arms in by_case.items()
    ]
    made = table(
        ["case", *names.values()],
        body,
        caption="Mean score over trials (0 to 1); below it how many trials passed, and how many did critical harm.",
    )
    if len(body) > _MOST_CASES:
        made = folded(f"All {len(body)} cases", made)
    return section("cases", "Score by case", made or paragraph("No encounter has been stored."))


def _titled(row: Row) -> str:
    title = f"<small class=words>{esc(row['title'], longest=120)}</small>" if row["title"] else ""
    return f"{esc(row['case'])}{title}"


def _case_cell(row: Row | None, case: int) -> Cell:
    if row is None or not (row["trials"] or row["errors"]):
        return Cell("not played", "s")
    if row["score"] is None:
        why = "failed" if not row["trials"] else "no score"
        return Cell(link(place(row["arm"], case), why), "s")
    harmed = f", {row['harmed']} harmed" if row["harmed"] else ""
    return Cell(
        f"{link(place(row['arm'], case), number(row['score']))}<small>{row['passed']} of {row['trials']} passed{harmed}</small>",
        "n",
        row["score"],
    )


def _drawn(figures: Figures) -> str:
    """What to say where not every agent fits into a picture."""
    agents = len(figures["headline"])
    return f" The first {MOST} of {agents} agents are drawn; the tables have all." if agents > MOST else ""


def competencies(figures: Figures) -> str:
    """The profile, as a picture and a table."""
    rows: Sequence[Row] = figures["competencies"]
    if not rows:
        return section("competencies", "Competency profile", paragraph("No item was decided, so there is no profile."))
    notes = Notes("competencies")
    names = {row["arm"]: row["name"] for row in figures["headline"]}
    grid = {(row["words"], row["arm"]): row for row in rows}
    body = [
        [head(esc(comp)), *(figure(grid[comp, arm]["share"], place(arm), notes, sort="share") for arm in names)]
        for comp in dict.fromkeys(row["words"] for row in rows)
    ]
    return section(
        "competencies", "Competency profile",
        picture(plots.profile(rows, name="plot-profile"), f"Points earned of those that were decided, items with positive points, all cases pooled. Each agent has its marker and is named beside it.{_drawn(figures)}", wide=True),
        table(["competency", *names.values()], body, caption="Share of points earned, with 95 % interval."), notes.html(), _unscorable(figures),
    )  # fmt: skip


def _unscorable(figures: Figures) -> str:
    """What people's labels say that the judge may not score."""
    body = [
        [head(esc(row["words"])), Cell(esc(row["run"]), "k"), count(row["items"]), Cell(number(row["kappa"]) or "none", "n", row["kappa"]), Cell(number(row["bias"], digits=1) or "none", "n", row["bias"]), words(row["reason"], longest=400)]
        for row in figures["unscorable"]
    ]  # fmt: skip
    return table(
        ["competency", "run", "items labelled", "kappa", "bias, points", "why"], body, caption="Not scorable by this judge, held against people's labels.", sortable=False
    )  # fmt: skip


def efficiency(figures: Figures) -> str:
    """Score against cost, minutes, turns and tokens."""
    drawn, said = [], []
    for axis in AXES:
        rows = [row for row in figures["efficiency"] if row["axis"] == axis.name]
        made = plots.efficiency(rows, name=f"plot-{axis.name}")
        drawn.append(picture(made, f"Score against {axis.name}.{_drawn(figures)}"))
        if not made:
            notes = " ".join(sorted({row["note"] for row in rows if row["note"]}))
            said.append(f"Score against {axis.name} cannot be drawn. {notes}")
    on_front = {axis.name: [row for row in figures["efficiency"] if row["axis"] == axis.name and row["front"]] for axis in AXES}
    fronts = [f"{axis}: {', '.join(link(place(row['arm']), esc(row['name'])) for row in rows)}" for axis, rows in on_front.items() if rows]
    listed = "".join(f"<li>{text}</li>" for text in fronts)
    return section(
        "efficiency", "Score against what it took",
        paragraph("On the Pareto front (filled, ringed, joined by a broken line and named so) is an agent where none scores as much for less, or more for as much."),
        f'<div class="plots">{"".join(drawn)}</div>', *(paragraph(text, kind="quiet") for text in said),
        f"<p>On the front, by axis:</p><ul class=plain>{listed}</ul>" if listed else "", paragraph("The numbers stand in the headline table." if listed else ""),
    )  # fmt: skip


def differences(figures: Figures) -> str:
    """Paired differences and ranks."""
    rows: Sequence[Row] = figures["differences"]
    if not rows:
        return section("differences", "Differences between agents", paragraph("There is one agent, so there is nothing to compare."))
    notes = Notes("differences")
    body = [
        [
            head(f"{link(place(row['one']), esc(row['name_one']))} less {link(place(row['other']), esc(row['name_other']))}"),
            figure(row["difference"], place(row["one"]), notes, sort="points"),
            count(row["difference"]["cases"]), _p(row["p"]), _p(row["p_holm"]), words(row["claim"]),
        ]
        for row in rows
    ]  # fmt: skip
    ranked = [
        [head(link(place(row["arm"]), esc(row["name"]))), Cell(number(row["mean"]), "n", row["mean"]), count(row["rank"]), Cell(f"{row['best']} to {row['worst']}", "n", row["best"])]
        for row in figures["ranks"]
    ]  # fmt: skip
    left_out = f" The first {plots.PAIRS} pairs are drawn." if len(rows) > plots.PAIRS else ""
    return section(
        "differences", "Differences between agents",
        paragraph("Case by case, over the cases on which both have a score, in points of 100. Whole cases are drawn again for the interval; the test turns the sign of whole cases; Holm's p holds for all pairs together."),
        picture(plots.gaps(rows, name="plot-gaps"), f"Difference of scores, first agent less second, with 95 % interval.{left_out}", wide=True),
        table(["pair", "difference, points", "cases", "p", "p, Holm", "what so many cases support"], body, caption="Paired differences."), notes.html(),
        *(paragraph(text) for text in figures["remarks"]),
        table(["agent", "mean score", "rank", "ranks it may hold"], ranked, caption="Ranks, with intervals that hold for all agents together (95 %)."),
        paragraph(figures["rank_note"]),
    )  # fmt: skip


def _p(value: float | None) -> Cell:
    return Cell(p_value(value) or "none", "n", value)
