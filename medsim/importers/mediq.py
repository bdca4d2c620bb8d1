"""MediQ: multiple-choice vignettes whose record is told only when asked for: iMedQA (from MedQA) and iCRAFT-MD, one JSON object a line.

The rule: an item is played as it stands or not at all. What has no record to ask about, or an answer that contradicts itself, is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from medsim.case import Case
from medsim.errors import CaseError
from medsim.importers import Imported, Row, lines
from medsim.importers.build import build
from medsim.importers.draft import Draft
from medsim.importers.duplicates import Known
from medsim.importers.vignette import vignette

Form = Literal["dev", "craft"]
Told = Literal["atomic", "context"]
LICENCES: dict[Form, str] = {
    "dev": "CC BY 4.0 (MediQ repository); derived from MedQA (MIT)",
    "craft": "CC BY 4.0 (MediQ repository); cases of CRAFT-MD, whose own licence is not stated: local use only",
}
TAGS: dict[Form, str] = {"dev": "imedqa", "craft": "icraft-md"}
EXPECTED = "one JSON object a line, with 'question', 'options', 'context' and 'facts' (MediQ)"
ALIKE = 85.0
"""Likeness of two stories from which they count as one; atomic facts share many standing words."""
_DEV = ("context_len", "explanation")
_KEYS = ("question", "context", "facts", "answer_idx")


def load(path: Path, *, source: str | None = None, facts: Told = "atomic") -> Imported:
    """Read a file of either set; every line that is not blank gives one row, and no line stops the others.

    ``source`` is the beginning of the case ids, left out: ``mediq-dev`` or ``mediq-craft``. ``facts`` says what the patient tells:
    the set's atomic facts, or the sentences of the context.
    """
    path = Path(path)
    lines.check_source(source, "mediq-dev")
    if facts not in {"atomic", "context"}:
        raise CaseError(f"Facts '{facts}' are not known. Use 'atomic' or 'context'.")
    held = lines.read(path, EXPECTED)
    parsed = [(number, raw, lines.parsed(raw)) for number, raw in held]
    items = [data for *_, data in parsed if is_item(data)]
    if not items:
        number = held[0][0] + 1 if held else 1
        raise CaseError(f"{path}:{number}: no line of this file is a MediQ item. Expected {EXPECTED}.")
    form: Form = "dev" if sum(any(name in data for name in _DEV) for data in items) * 2 >= len(items) else "craft"
    cases: list[Case] = []
    rows: list[Row] = []
    known = Known(alike=ALIKE)
    for number, raw, data in parsed:
        name = f"{source or f'mediq-{form}'}-{number:04d}"
        case, reasons = _case(data, form, facts, name, path.name, number, raw, known)
        if case:
            cases.append(case)
        rows.append(Row(number, "refused" if case is None else "flagged" if reasons else "imported", name, reasons))
    return Imported(cases, rows, path)


def about(imported: Imported) -> tuple[str, str, tuple[str, ...]]:
    """Return title, licence and notes for a pack of these cases."""
    licences = " and ".join(sorted({case.license for case in imported.cases})) or "unknown"
    notes = (
        "Imported from the user's own copy of MediQ (Li and others, 2024).",
        "Options are shown to the doctor; the answer is a letter.",
    )
    return f"MediQ: {imported.source.stem}", licences, notes


def is_item(data: object) -> bool:
    """Recognise an item by its keys."""
    return isinstance(data, dict) and "options" in data and any(name in data for name in _KEYS)


def _case(
    data: Any, form: Form, facts: Told, name: str, file: str, line: int, raw: str, known: Known
) -> tuple[Case | None, tuple[str, ...]]:
    """Return the case of a line with its flags, or None with the reason."""
    if not is_item(data):
        return None, (lines.unfit(data),)

    def make() -> Case:
        draft = _placed(vignette(data, told=facts), form)
        if isinstance(data.get("id"), int) and data["id"] != line:
            draft = draft._replace(flags=(*draft.flags, f"id_differs:{data['id']}"[:40]))
        return build(draft, licence=LICENCES[form], name=name, file=file, line=line, raw=raw, known=known)

    case, reasons = lines.kept(make)
    if case:
        known.add(case)
    return case, reasons


def _placed(draft: Draft, form: Form) -> Draft:
    """Name the set an item belongs to."""
    specialty = draft.specialty or (("dermatology",) if form == "craft" else ())
    return draft._replace(tags=(TAGS[form], *draft.tags), specialty=specialty)


__all__ = ["LICENCES", "Imported", "Row", "about", "load"]
