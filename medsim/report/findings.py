"""The sections of the page about what happened: coverage, harms, hardest items, facts found and facts missed.

The rule: a harm stands with its turn and its words and leads to the place in the transcript where there is one. Long lists are cut with a
count of what is left out; the CSV and JSON have them whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from medsim.report import plots
from medsim.report.figures import Row
from medsim.report.items import told as told_harm
from medsim.report.markup import Cell, count, folded, head, link, paragraph, picture, section, table, words
from medsim.report.sections import Figures, place, places
from medsim.report.text import esc, number, percent

HARDEST = 15
MOST_REASONS = 20
MOST_HARMS = 150
MOST_FACTS = 12
_MOST_LINKS = 30
_MOST_WORDS = 4


def coverage(figures: Figures) -> str:
    """What was decided, what was not, and why."""
    body = [
        [
            head(link(place(row["arm"]), esc(row["name"]))), Cell(link(place(row["arm"]), percent(row["decided"])) if row["decided"] is not None else esc(row["note"]), "n" if row["decided"] is not None else "s", row["decided"]),
            count(row["applicable"], place(row["arm"])), count(row["unknown"], place(row["arm"])), count(row["undecided_harms"], place(row["arm"])), count(row["flagged"], place(row["arm"])), count(row["scored"], place(row["arm"])),
        ]
        for row in figures["coverage"]
    ]  # fmt: skip
    heads = [
        "agent",
        "items decided",
        "applicable verdicts",
        "unknown",
        "unknown harms",
        "encounters below 90 %",
        "encounters with a score",
    ]
    reasons = figures["unknowns"]
    listed = [
        [words(row["reason"], longest=200), Cell({"item": "a verdict", "encounter": "a score"}[row["what"]]), count(row["count"]), Cell(_trajectories(row["numbers"], figures), "w", row["encounters"])]
        for row in reasons[:MOST_REASONS]
    ]  # fmt: skip
    more = f"{len(reasons) - MOST_REASONS} rarer reasons are in the CSV and JSON." if len(reasons) > MOST_REASONS else ""
    return section(
        "coverage", "Coverage and what is unknown",
        table(heads, body, caption="How much of the rubrics was decided."),
        table(["reason", "what is missing", "count", "trajectories"], listed, caption="Why something is unknown, by reason."),
        paragraph(more) if reasons else paragraph("Nothing is unknown: every applicable item was decided and every encounter has a score." if any(row["applicable"] for row in figures["coverage"]) else "There is no verdict to count."),
    )  # fmt: skip


def _trajectories(numbers: Sequence[int], figures: Figures) -> str:
    """Links to encounters by number; many are folded."""
    ids = {row["number"]: row["trajectory"] for row in figures["encounters"]}
    listed = " ".join(link(f"t{at}", f"<code>{esc(ids[at])}</code>") for at in numbers[:_MOST_LINKS])
    more = f" and {len(numbers) - _MOST_LINKS} more" if len(numbers) > _MOST_LINKS else ""
    return f"{listed}{more}" if len(numbers) <= 3 else folded(f"{len(numbers)} encounters", listed + more)


def harms(figures: Figures, embedded: Collection[int]) -> str:
    """Every harm with its turn and words: a row for each kind and agent, a line for each encounter."""
    rows = figures["harms"]
    undecided = sum(row["undecided_harms"] for row in figures["coverage"])
    doubt = f"{undecided} harm verdicts could not be decided: that they are not in this list does not clear them." if undecided else ""
    if not rows:
        looked, scored = (any(row[name] for row in figures["coverage"]) for name in ("harm_items", "applicable"))
        nothing = "No harm was found in any encounter." if looked else "No item of these rubrics looks for harm, so nothing is known of it."
        nothing = nothing if scored else "No encounter was scored, so nothing is known of harms."
        return section("harms", "Harms", paragraph(nothing), paragraph(doubt))
    kinds: dict[tuple[str, str, int], list[Row]] = {}
    for row in rows[:MOST_HARMS]:
        kinds.setdefault((row["hash"], row["item"], row["arm"]), []).append(row)
    numbers = places(figures)
    trials = {(row["hash"], row["arm"]): row["trials"] for row in figures["cases"]}
    body = [
        [
            words(told_harm(own[0])), Cell(esc(own[0]["case"]), "k"), Cell(link(place(arm), esc(own[0]["name"]))),
            Cell(link(place(arm, numbers[key]), f"{len(own)} of {trials[key, arm]}"), "n", len(own)), Cell("<br>".join(_done(row, row["number"] in embedded) for row in own), "w"),
        ]
        for (key, _, arm), own in kinds.items()
    ]  # fmt: skip
    more = f"The first {MOST_HARMS} are listed, critical ones first; the CSV and JSON have all." if len(rows) > MOST_HARMS else ""
    made = table(["harm", "case", "agent", "trials", "trajectory, turn and words"], body, caption="Harms, critical ones first.")
    told = f"{len(rows)} harms of {len({(row['hash'], row['item']) for row in rows})} kinds in {len({row['number'] for row in rows})} encounters."
    return section("harms", "Harms", paragraph(told), paragraph(doubt), paragraph(more), made)


def _done(row: Row, embedded: bool) -> str:
    """The trajectory, the turn and the words of one harm; where its transcript is shown they lead to the line."""
    to = f"x{row['number']}" if embedded else f"t{row['number']}"
    code = link(to, f"<code>{esc(row['trajectory'])}</code>")
    if not row["words"]:
        return f"{code} {esc(row['reason'] or 'by omission: no event shows what was not done', longest=400)}"
    said = []
    for word in row["words"][:_MOST_WORDS]:
        text = esc(f"turn {word['turn']}: {word['text']}", longest=400)
        said.append(link(f"x{row['number']}-e{word['seq']}", text) if embedded else text)
    return f"{code} {' / '.join(said)}"


def hardest(figures: Figures, examples: dict[tuple[str, str], int]) -> str:
    """The items that were met least."""
    rows, numbers = figures["items"], places(figures)
    if not rows:
        return section("items", "Hardest items", paragraph("No item was scored, so none can be called hard."))
    names = {row["arm"]: row["name"] for row in figures["headline"]}
    body = []
    for row in rows[:HARDEST]:
        arms = {arm["arm"]: arm for arm in row["arms"]}
        example = examples.get((row["hash"], row["item"]))
        shown = Cell(link(f"x{example}", "transcript") if example else "")
        share = Cell(percent(row["share"]), "n", row["share"]) if row["share"] is not None else Cell(esc(row["note"]), "s")
        body.append([words(row["text"]), Cell(esc(row["case"]), "k"), Cell(number(row["points"], digits=0), "n", row["points"]), share,
                     *(_met(arms.get(arm), numbers[row["hash"]]) for arm in names), shown])  # fmt: skip
    return section(
        "items", "Hardest items",
        paragraph(f"The {min(HARDEST, len(rows))} items that were met least, of {len(rows)}: the mean over agents of the share of trials that met them."),
        table(["item", "case", "points", "met", *names.values(), "one that missed it"], body, caption="Met of decided trials, by agent."),
    )  # fmt: skip


def _met(arm: Row | None, case: int) -> Cell:
    if arm is None:
        return Cell("n/a", "n")
    unknown = f"<small>{arm['unknown']} unknown</small>" if arm["unknown"] else ""
    text = f"{arm['met']} of {arm['decided']}" if arm["decided"] else "none decided"
    return Cell(link(place(arm["arm"], case), text) + unknown, "n", arm["met"] / arm["decided"] if arm["decided"] else None)


def disclosure(figures: Figures) -> str:
    """Facts found by turn."""
    rows = figures["disclosure"]
    svg = plots.curves(rows, name="plot-facts")
    body = [
        [head(link(place(row["arm"]), esc(row["name"]))), *(Cell(percent(row["share"][min(at, len(row["share"]) - 1)]), "n", row["share"][min(at, len(row["share"]) - 1)]) for at in (5, 10, 20)),
         Cell(percent(row["share"][-1]), "n", row["share"][-1]), count(row["last_turn"]), count(row["cases"])]
        for row in rows if row["share"]
    ]  # fmt: skip
    why = [f"{row['name']}: {row['note']}" for row in rows if row["note"]]
    return section(
        "disclosure", "Facts found by turn",
        paragraph("The share of the facts that the patient could tell which had been told by each turn: the mean over cases. After its longest encounter an agent's line is dotted."),
        picture(svg, "Facts found by turn of the doctor.", wide=True),
        table(["agent", "by turn 5", "by turn 10", "by turn 20", "at the end", "longest encounter, turns", "cases"], body, caption="Share of facts found, mean over cases."),
        *(paragraph(text, kind="quiet") for text in why),
    )  # fmt: skip


def missed(figures: Figures) -> str:
    """Facts that nobody brought out, and what they would have unlocked."""
    rows, numbers = figures["missed"], places(figures)
    if not rows:
        notes = {row["note"] for row in figures["disclosure"] if row["note"]}
        return section("missed", "Questions that were missed", paragraph(" ".join(sorted(notes)) or "Every fact was found by every agent."))
    names = {row["arm"]: row["name"] for row in figures["headline"]}
    parts = [
        paragraph("Facts that at least one agent brought out in no trial. Asked: in how many trials a question was heard as one about the fact; a fact may be asked for and not told, because the patient did not trust enough. Unlocked: unmet items whose predicate looks at the fact or at a question about it."),
        paragraph("This section tells the cases' hidden facts. Keep it from whoever is to play them."),
    ]  # fmt: skip
    for key in dict.fromkeys(row["hash"] for row in rows):
        own = [row for row in rows if row["hash"] == key]
        lost = sum({item["item"]: item["points"] for row in own for item in row["unlocks"]}.values())
        hang = f"; {number(lost, digits=0)} points hang on them" if lost else ""
        heading = f"{own[0]['case']}: {len(own)} facts that some agent never found{hang}"
        inside = (
            paragraph(_never(own, names))
            + _facts(own[:MOST_FACTS], names, numbers[key])
            + (folded(f"{len(own) - MOST_FACTS} more", _facts(own[MOST_FACTS:], names, numbers[key])) if len(own) > MOST_FACTS else "")
        )
        parts.append(folded(heading, inside))
    return section("missed", "Questions that were missed", *parts)


def _never(rows: Sequence[Row], names: dict[int, str]) -> str:
    """How many facts each agent never found and never asked for."""
    arms = [arm for row in rows for arm in row["arms"]]
    told = []
    for at, name in names.items():
        unfound = [arm for arm in arms if arm["arm"] == at and not arm["found"]]
        if unfound:
            told.append(f"{name} {len(unfound)} (never asked for: {sum(not arm['asked'] for arm in unfound)})")
    return f"Facts found in no trial: {'; '.join(told)}." if told else ""


def _facts(rows: Sequence[Row], names: dict[int, str], case: int) -> str:
    body = []
    for row in rows:
        arms = {arm["arm"]: arm for arm in row["arms"]}
        unlocks = (
            "<br>".join(f"{esc(item['text'])} ({number(item['points'], digits=0)})" for item in row["unlocks"])
            or "nothing that the rubric looks at"
        )
        body.append([Cell(f"{esc(row['words'], longest=300)}<small class=words>{esc(row['fact'])}, {esc(row['tier'])}</small>", "w"), Cell(unlocks, "w", row["points"]), *(_found(arms.get(arm), case) for arm in names)])  # fmt: skip
    return table(
        ["fact", "would have unlocked (points)", *names.values()],
        body,
        caption="Trials in which each agent found the fact, and asked for it.",
    )


def _found(arm: Row | None, case: int) -> Cell:
    if arm is None:
        return Cell("not played", "s")
    asked = (
        ""
        if arm["found"] == arm["trials"]
        else "<small>never asked</small>"
        if not arm["asked"]
        else f"<small>asked in {arm['asked']}</small>"
    )
    return Cell(link(place(arm["arm"], case), f"{arm['found']} of {arm['trials']}") + asked, "n", arm["found"] / arm["trials"])
