"""Pieces of the page: cells, tables with their notes, links to the trajectories behind a number.

The rule: everything that comes from outside is escaped where it enters a piece; pieces are joined and never read again. A table says below
itself, once, what its numbers need to be said of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from medsim.report.text import esc, estimate


class Cell(NamedTuple):
    """What stands in a cell, as markup."""

    html: str
    kind: str = ""
    """n: a number, s: a sentence in the place of one, w: words."""
    value: float | None = None
    """What it is sorted by."""
    head: bool = False


class Notes:
    """Sentences below a table, each once, by number."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.said: list[str] = []

    def mark(self, note: str) -> str:
        """A raised number that points at a sentence."""
        if not note:
            return ""
        if note not in self.said:
            self.said.append(note)
        at = self.said.index(note) + 1
        return f'<sup><a href="#{self.name}-n{at}" aria-label="note {at}">{at}</a></sup>'

    def html(self) -> str:
        """The sentences."""
        listed = "".join(f'<li id="{self.name}-n{at}">{esc(note)}</li>' for at, note in enumerate(self.said, 1))
        return f'<ol class="notes">{listed}</ol>' if listed else ""


def link(to: str, text: str) -> str:
    """A link inside the page; ``text`` is markup already."""
    return f'<a href="#{to}">{text}</a>'


def words(text: object, *, longest: int = 4000) -> Cell:
    """A cell of words."""
    return Cell(esc(text, longest=longest), "w")


def head(text: str) -> Cell:
    """The heading of a row; ``text`` is markup already."""
    return Cell(text, head=True)


def count(value: int, to: str = "") -> Cell:
    """A whole number that leads to what it counts."""
    return Cell(link(to, f"{value:,}") if to and value else f"{value:,}", "n", value)


def figure(found: Mapping[str, Any], to: str, notes: Notes, *, sort: str = "score") -> Cell:
    """A number with its interval below it, leading to the trajectories; or the sentence in its place."""
    value, interval = estimate(found, sort=sort)
    if not value:
        return Cell(esc(found["note"] or "There is nothing to measure."), "s")
    left_out = f"{found['left_out']} without this value are left out." if found["left_out"] else ""
    mark = notes.mark(f"{found['note']} {left_out}".strip())
    span = f"<small>{interval}</small>" if interval else "<small>no interval</small>"
    return Cell(f"{link(to, value)}{mark}{span}", "n", found["value"])


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, caption: str, sortable: bool = True, ids: Sequence[str] = ()) -> str:
    """A table that scrolls on its own; ``heads`` are plain text, ``ids`` one anchor a row."""
    body = []
    right: set[int] = set()
    for at, row in enumerate(rows):
        right |= {column for column, cell in enumerate(row) if cell.kind == "n"}
        anchor = f' id="{ids[at]}"' if ids and ids[at] else ""
        body.append(f"<tr{anchor}>{''.join(map(_cell, row))}</tr>")
    if not body:
        return ""
    top = "".join(f'<th scope="col"{" class=n" if at in right else ""}>{esc(text)}</th>' for at, text in enumerate(heads))
    label = esc(caption)
    return (
        f'<p class=caption>{label}</p><div class="wide" tabindex="0" role="region" aria-label="{label}"><table aria-label="{label}"{" class=sort" if sortable else ""}>'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    sort = f' data-v="{cell.value:.6g}"' if cell.value is not None else ' data-v=""' if cell.kind in {"n", "s"} else ""
    kind = f' class="{cell.kind}"' if cell.kind else ""
    return f'<th scope="row"{kind}{sort}>{cell.html}</th>' if cell.head else f"<td{kind}{sort}>{cell.html}</td>"


def paragraph(text: str, *, kind: str = "") -> str:
    """A paragraph of plain text."""
    return f"<p{f' class={kind}' if kind else ''}>{esc(text)}</p>" if text else ""


def section(name: str, title: str, *parts: str) -> str:
    """A section under its heading; parts are markup."""
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{esc(title)}</h2>{"".join(parts)}</section>'


def folded(summary: str, inside: str, *, name: str = "") -> str:
    """Something that opens on demand; ``summary`` is plain text."""
    return f"<details{f' id={name}' if name else ''}><summary>{esc(summary)}</summary>{inside}</details>"


def picture(svg: str, caption: str, *, wide: bool = False) -> str:
    """A plot with its caption; nothing where there is no plot. A wide one scrolls where the screen is narrow, to keep its letters readable."""
    return (
        f"<figure{' class=broad' if wide else ''}><div class=wide>{svg}</div><figcaption>{esc(caption)}</figcaption></figure>"
        if svg
        else ""
    )
