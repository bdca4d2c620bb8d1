"""The debrief as lines, for a screen and for plain text.

The rule: the viewer's: every word goes through ``flat``, nothing is markup, nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from medsim.play.debrief import Competence, Debrief, Judged, Moment
from medsim.play.golden import Step
from medsim.rubric import ItemScore
from medsim.trajectory import Event, stamp
from medsim.viewer.lines import BAD, DOUBT, GOOD, QUIET, cell, flat, hung, wrapped

SECTIONS = ("Score", "Items", "Missed", "Golden path", "Harm")
_MARKS = {"met": ("✓ met", GOOD), "unmet": ("✗ unmet", BAD), "unknown": ("? unknown", DOUBT), "na": ("– n/a", QUIET)}
_SORTS = {
    "state": ("· state", ""),
    "unsafe": ("! unsafe", BAD),
    "harm": ("! harm", BAD),
    "omission": ("! omitted", BAD),
    "end": ("■ end", QUIET),
}
Section = tuple[str, list[Text]]


def sections(found: Debrief, width: int) -> list[Section]:
    """Every part of the debrief: its title and its lines, broken to a width."""
    parts = (_score(found, width), _items(found, width), _missed(found, width), _path(found, width), _harm(found, width))
    return [(title, [part for line in lines for part in _fitted(line, width)]) for title, lines in zip(SECTIONS, parts, strict=True)]


def _fitted(line: Text, width: int) -> list[Text]:
    return [line] if line.cell_len <= width else wrapped(line, width, indent=2)


def _score(found: Debrief, width: int) -> Iterator[Text]:
    card, outcome = found.card, found.outcome
    if card is None:
        yield Text("This case has no rubric: it was played and is not scored.", DOUBT)
    else:
        passed = {True: "✓ passed", False: "✗ not passed", None: "? pass not decided"}[card.passed]
        shown = "unscored" if card.score is None else f"{card.score:.2f}"
        yield (
            Text()
            .append(f"Score {shown}  ", "bold")
            .append(passed, GOOD if card.passed else BAD)
            .append(f"  {card.coverage:.0%} of the items decided" + (": too few to trust the score" if card.flagged else ""), QUIET)
        )
    for hint in found.hints:
        yield from hung(Text(f"  hint after turn {hint.turn}  ", BAD), Text(flat(hint.text)), width)
    if found.hints:
        yield Text("  each hint is a negative item of its own", QUIET)
    yield from hung(Text("Named       "), Text(flat("; ".join(outcome.diagnosis) or "nothing"), "bold"), width)
    yield from hung(Text("In truth    "), Text(flat(found.case.outcome.diagnosis.name), "bold"), width)
    went = flat(outcome.disposition.replace("_", " ") or "nowhere")
    meant = flat(", ".join(found.case.outcome.disposition).replace("_", " ") or "anywhere")
    yield from hung(Text("Sent        "), Text(f"{went} (accepted: {meant})"), width)
    yield Text(
        f"It took     {stamp(outcome.seconds)}, {outcome.turns} turns, ${outcome.cost:,.0f}; ended: {flat(outcome.status)} ({flat(outcome.reason)})"
    )
    harms = sum(moment.sort in {"harm", "omission"} for moment in found.harm)
    yield Text(f"Harm        {harms}, on the time line" if harms else "Harm        none found", BAD if harms else GOOD)
    yield Text("")
    for one in found.competences:
        yield _bar(one, width)


def _bar(one: Competence, width: int) -> Text:
    share = max(0.0, min(1.0, one.earned / one.possible)) if one.possible else 0.0
    room = max(min(width - 48, 30), 8)
    full = round(share * room)
    text = Text().append(cell(one.name, 24)).append("█" * full, GOOD).append("░" * (room - full), QUIET)
    return text.append(f"  {one.earned:g} of {one.possible:g}" if one.possible else f"  {one.earned:+g}")


def _items(found: Debrief, width: int) -> Iterator[Text]:
    for one in found.competences:
        yield Text(f"{one.name}: {one.earned:g} of {one.possible:g}", "bold")
        for judged in one.items:
            yield from _item(judged, width)
        yield Text("")


def mark(item: ItemScore, sort: str) -> tuple[str, str]:
    """The mark of an item and its style."""
    if sort:
        return ("! harm" if sort == "harm" else "! omitted"), BAD
    if item.points < 0 and item.verdict == "unmet":
        return "✓ avoided", QUIET
    return ("✗ costs", BAD) if item.points < 0 and item.verdict == "met" else _MARKS.get(item.verdict, (flat(item.verdict), ""))


def _item(judged: Judged, width: int) -> Iterator[Text]:
    item = judged.item
    words, style = mark(item, judged.mark)
    text = Text().append(f"{item.earned:+g}/{item.points:g}  ", QUIET).append(flat(item.text))
    if item.reason:
        text.append(f"  ({flat(item.reason)})", QUIET)
    yield from hung(Text(f"  {words:<10}", style), text, width)
    for event in () if item.id.startswith("hint_") else judged.evidence[:3]:
        yield from hung(Text(f"            {stamp(event.t):>7} ", QUIET), Text(f"{_did(event)}", QUIET), width)


def _did(event: Event) -> str:
    return flat(f"{event.kind}: {event.text}" if event.actor == "doctor" or event.kind == "state" else event.text, longest=300)


def _missed(found: Debrief, width: int) -> Iterator[Text]:
    if not found.missed:
        yield Text("Nothing: all that this case holds was found.", GOOD)
    for planned, title in ((True, "On the golden path"), (False, "Also there to be found")):
        some = [missed for missed in found.missed if missed.golden is planned]
        if some:
            yield Text(title, "bold")
        for missed in some:
            yield from hung(Text("  ○ "), Text().append(flat(missed.what)).append(f"  {flat(missed.would, longest=300)}", GOOD), width)


def _path(found: Debrief, width: int) -> Iterator[Text]:
    if not found.path:
        yield Text("This case has no golden script.", QUIET)
        return
    half = max((width - 3) // 2, 16)
    yield Text(cell("A good doctor", half) + " │ " + found.who, "bold")
    for step in found.path:
        yield from _step(step, half)
    if found.beyond:
        yield Text("")
        yield Text("Done beside it", "bold")
        for event in found.beyond:
            yield from hung(Text(f"  {stamp(event.t):>7} ", QUIET), Text(_did(event)), width)


def _step(step: Step, half: int) -> Iterator[Text]:
    left = _two(hung(Text(f"{stamp(step.golden.t):>7} ", QUIET), Text(_did(step.golden)), half))
    if step.own is None:
        right = [Text("      – not done", BAD)]
    else:
        right = _two(hung(Text(f"{stamp(step.own.t):>7} ", QUIET), Text(_did(step.own)), half))
    for row in range(max(len(left), len(right))):
        text = left[row] if row < len(left) else Text("")
        text.truncate(half, overflow="ellipsis", pad=True)
        yield text.append(" │ ", QUIET).append_text(right[row] if row < len(right) else Text(""))


def _two(lines: Sequence[Text]) -> list[Text]:
    """The first two lines; where there are more, the second says so."""
    kept = list(lines[:2])
    if len(lines) > 2:
        kept[1].rstrip()
        kept[1].append(" …")
    return kept


def _harm(found: Debrief, width: int) -> Iterator[Text]:
    for moment in found.harm:
        yield from _moment(moment, width)


def _moment(moment: Moment, width: int) -> Iterator[Text]:
    words, style = _SORTS[moment.sort]
    head = Text().append(f"{stamp(moment.t):>8} ", QUIET).append(f"{words:<10}", style)
    yield from hung(head, Text(flat(moment.words)), width)


def plain(parts: Sequence[Section]) -> Text:
    """All sections, one after the other."""
    text = Text()
    for title, lines in parts:
        text.append(f"\n{title.upper()}\n", "bold")
        for line in lines:
            text.append_text(line).append("\n")
    return text
