"""The report as one HTML file, with the trajectories behind its numbers.

The rule: it needs nothing but itself. The list of trajectories is whole; transcripts stand in it for harms and for the hardest items, folded,
so many and no more, and every other is one command away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import chain, groupby
from typing import Any

from medsim.report import Report, findings, sections
from medsim.report.arms import Material
from medsim.report.figures import Row
from medsim.report.findings import HARDEST
from medsim.report.markup import Cell, count, folded, head, link, paragraph, section, table, words
from medsim.report.sections import Figures, place, places
from medsim.report.style import CSS, POLICY, SCRIPT
from medsim.report.text import esc, number
from medsim.trajectory import Event, Trajectory, stamp

MOST_TRANSCRIPTS = 40
_LONGEST_EVENT = 1500
_MOST_EVENTS = 600
_CONTENTS = (
    ("headline", "Headline"), ("cases", "Score by case"), ("competencies", "Competencies"), ("efficiency", "Score against what it took"),
    ("differences", "Differences"), ("coverage", "Coverage"), ("harms", "Harms"), ("items", "Hardest items"), ("disclosure", "Facts found"),
    ("missed", "Missed questions"), ("limits", "Limits"), ("identity", "Identity"), ("trajectories", "Trajectories"),
)  # fmt: skip


def page(made: Report) -> str:
    """The whole file."""
    figures = made.figures
    shown, examples = _embedded(figures)
    parts = (
        _top(figures), sections.headline(figures), sections.cases(figures), sections.competencies(figures), sections.efficiency(figures),
        sections.differences(figures), findings.coverage(figures), findings.harms(figures, shown), findings.hardest(figures, examples),
        findings.disclosure(figures), findings.missed(figures), _limits(figures), _identity(figures), _trajectories(figures, made.material, shown),
    )  # fmt: skip
    title = f"medsim report: {', '.join(figures['runs'])}"
    text = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{esc(title, longest=200)}</title><style>{CSS}</style></head><body>{''.join(parts)}<script>{SCRIPT}</script></body></html>\n"
    )
    return text.encode("utf-8", "backslashreplace").decode()


def _top(figures: Figures) -> str:
    scoring = figures["scoring"]
    others = "; ".join(f"rubric {one['rubric']}, judge {one['judge']} ({one['encounters']} encounters)" for one in scoring["others"])
    contents = "".join(f"<li>{link(name, title)}</li>" for name, title in _CONTENTS)
    dated = f", {figures['date']}" if figures["date"] else ""
    return (
        f"<header><p class=notice>{esc(figures['notice'])}</p><h1>Report on {esc(', '.join(figures['runs']), longest=300)}</h1>"
        + paragraph(f"medsim {figures['medsim']}{dated}. Scored with rubric {scoring['rubric']}, judge {scoring['judge']}.")
        + (paragraph(f"There are other scores, which are not shown here: {others}.", kind="quiet") if others else "")
        + f"<p><strong>{esc(figures['limits'][0])}</strong> {link('limits', 'What else may not be concluded')}</p><nav aria-label=Contents><ul>{contents}</ul></nav></header>"
    )


def _limits(figures: Figures) -> str:
    return section(
        "limits", "Limits of the claim", f"<ul class=plain>{''.join(f'<li>{esc(text)}</li>' for text in figures['limits'])}</ul>"
    )


def _identity(figures: Figures) -> str:
    parts = []
    for block in figures["identity"]:
        body = [[head(esc(row["what"], longest=200)), Cell(f"<code>{esc(row['hash'])}</code>" if row["hash"] else ""), words(row["value"], longest=600)] for row in block["parts"]]  # fmt: skip
        parts.append(
            f"<h3>Run {esc(block['run'])}</h3>"
            + table(["part", "hash", "value"], body, caption="All that decides the results of this run.", sortable=False)
        )
    used = [
        [head(esc(row["name"])), Cell(esc(row["role"])), count(row["calls"]), count(row["tokens_in"]), count(row["tokens_out"]), Cell(number(row["usd"], digits=4), "n", row["usd"])]
        for row in figures["usage"]
    ]  # fmt: skip
    models = table(["agent", "role", "calls", "tokens in", "tokens out", "USD"], used, caption="What models were used for, all encounters.")
    return section("identity", "Identity", *parts, models or paragraph("No model was asked in any seat."))


# ---- trajectories ----------------------------------------------------------------------------------------------------------------


def _embedded(figures: Figures) -> tuple[dict[int, None], dict[tuple[str, str], int]]:
    """Which encounters are shown in full, and the one shown for each hard item: the first of each harm, and one that missed each item."""
    firsts: dict[tuple[Any, ...], int] = {}
    for row in figures["harms"]:
        firsts.setdefault((row["case"], row["item"], row["arm"]), row["number"])
    chosen = dict.fromkeys(list(dict.fromkeys(firsts.values()))[: MOST_TRANSCRIPTS - HARDEST])
    examples = {}
    for row in figures["items"][:HARDEST]:
        missing = [arm["arm"] for arm in row["arms"] if arm["decided"] > arm["met"]]
        fit = [
            one["number"]
            for one in figures["encounters"]
            if one["hash"] == row["hash"] and one["arm"] in missing and one["score"] is not None
        ]
        fit = [at for at in fit if at in chosen] or fit
        if fit:
            examples[row["hash"], row["item"]] = fit[0]
            chosen.setdefault(fit[0])
    return dict.fromkeys(sorted(chosen)), examples


def _trajectories(figures: Figures, material: Material, shown: Mapping[int, None]) -> str:
    numbers, parts = places(figures), []
    for arm, rows in groupby(figures["encounters"], key=lambda row: row["arm"]):
        listed = list(rows)
        ids = [f"t{row['number']}" for row in listed]
        firsts = {row["hash"]: row["number"] for row in reversed(listed)}
        body = [
            _line(row, place(arm, numbers[row["hash"]]) if firsts[row["hash"]] == row["number"] else "", row["number"] in shown)
            for row in listed
        ]
        heads = ["case", "trial", "trajectory", "status", "score", "passed", "harms", "turns", "minutes", "cost, USD", "how to see it"]
        parts.append(
            f"<h3 id={place(arm)}>{esc(listed[0]['name'])}</h3>" + table(heads, body, caption="Its encounters.", sortable=False, ids=ids)
        )
    idle = [arm for arm in material.arms if not arm.encounters]
    parts += [f"<h3 id={place(arm.number)}>{esc(arm.name)}</h3>" + paragraph("It has no encounter in this run yet.") for arm in idle]
    by_number = {one.number: one for one in material.encounters}
    cited: dict[int, set[int]] = {}
    for row in figures["harms"]:
        cited.setdefault(row["number"], set()).update(word["seq"] for word in row["words"])
    texts = [_transcript(at, material.transcript(by_number[at]), figures["encounters"][at - 1], cited.get(at, ())) for at in shown]
    told = (
        f"{len(texts)} transcripts follow: of harms and of the hardest items. All others: medsim show ID."
        if texts
        else "No transcript is shown here. See one with medsim show ID."
    )
    return section("trajectories", "Trajectories", *parts, "<h3 id=transcripts>Transcripts</h3>", paragraph(told), *texts)


def _line(row: Row, anchor: str, shown: bool) -> list[Cell]:
    passed = {True: "yes", False: "no", None: "not decided"}[row["passed"]] if row["status"] != "error" else ""
    score = (
        Cell(number(row["score"]), "n", row["score"])
        if row["score"] is not None
        else Cell(esc(row["error"] or row["why"], longest=300), "s")
    )
    see = link(f"x{row['number']}", "transcript") if shown else f"<code>medsim show {esc(row['trajectory'])}</code>"
    name = f"<span id={anchor}>{esc(row['case'])}</span>" if anchor else esc(row["case"])
    return [
        head(name), count(row["trial"]), Cell(f"<code>{esc(row['trajectory'])}</code>"), Cell(esc(row["status"])), score, Cell(passed), count(row["harms"]),
        count(row["turns"]), Cell(number(row["minutes"], digits=0) or "not recorded", "n", row["minutes"]), Cell(number(row["cost"], digits=0), "n", row["cost"]), Cell(see),
    ]  # fmt: skip


def _transcript(at: int, trajectory: Trajectory, row: Row, cited: Collection[int]) -> str:
    """One encounter, folded; of a very long one the beginning and what harms rest on."""
    kept = [event for place_, event in enumerate(trajectory.events) if place_ < _MOST_EVENTS or event.seq in cited]
    lines = "".join(chain.from_iterable(_event(at, event) for event in kept))
    left_out = len(trajectory.events) - len(kept)
    more = paragraph(f"{left_out} later events are left out.") if left_out else ""
    summary = f"{row['name']} on {row['case']}, trial {row['trial']}: {row['trajectory']}"
    see = f"<p><code>medsim show {esc(row['trajectory'])}</code>, {link(f't{at}', 'in the list')}</p>"
    return folded(summary, f"<div class=transcript>{see}{lines}{more}</div>", name=f"x{at}")


def _event(at: int, event: Event) -> Iterator[str]:
    """One line of a transcript; a change of state is shown, for harms may rest on it, the rest that the doctor did not see is not."""
    if not event.visible and event.kind != "state":
        return
    said = f"{event.kind}: {event.text}".rstrip(": ") if event.actor == "doctor" else event.text
    who = "Doctor" if event.actor == "doctor" else event.speaker if event.actor == "patient" else {"state": "(state)", "encounter": "Visit"}.get(event.kind, event.kind)  # fmt: skip
    kind = " class=doctor" if event.actor == "doctor" else ""
    yield f'<p id="x{at}-e{int(event.seq)}"{kind}><span class=at>{event.turn} · {stamp(event.t)}</span> {esc(who, longest=60)}: {esc(said, longest=_LONGEST_EVENT)}</p>'
