"""AgentClinic: OSCE cases made from MedQA, and NEJM image challenges, one JSON object a line.

The rule: the gold answer goes into the truth and nowhere else. A text that names it is kept from the patient and the doctor and
flagged; management and interventions stay out of the case altogether.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from medsim.case import Case
from medsim.errors import CaseError
from medsim.importers import Imported, Row, lines
from medsim.importers.build import build
from medsim.importers.challenge import challenge
from medsim.importers.duplicates import Known
from medsim.importers.nejm import LICENCE
from medsim.importers.osce import medqa
from medsim.importers.pictures import Pictures

Format = Literal["medqa", "nejm"]
LICENCES: dict[Format, str] = {"medqa": "MIT (AgentClinic repository); derived from MedQA", "nejm": LICENCE}
EXPECTED = "one JSON object a line, with 'OSCE_Examination' (MedQA) or 'patient_info' and 'answers' (NEJM)"


def load(path: Path, *, source: str | None = None, images: Path | None = None) -> Imported:
    """Read a file of either form; every line that is not blank gives one row, and no line stops the others.

    ``source`` is the beginning of the case ids, e.g. ``agentclinic-medqa-ext``; left out, it is taken from the form.
    ``images`` is a folder with one's own copies of the pictures, named by the ids in their addresses (``IC20240111.jpg``).
    """
    path = Path(path)
    lines.check_source(source, "agentclinic-medqa-ext")
    held = lines.read(path, EXPECTED)
    parsed = [(number, raw, lines.parsed(raw)) for number, raw in held]
    forms = [form for *_, data in parsed if (form := form_of(data))]
    if not forms:
        number = held[0][0] + 1 if held else 1
        raise CaseError(f"{path}:{number}: no line of this file is an AgentClinic case. Expected {EXPECTED}.")
    cases: list[Case] = []
    rows: list[Row] = []
    known = Known()
    pictures = Pictures(images, (data.get("image_url") for *_, data in parsed if isinstance(data, dict)))
    for number, raw, data in parsed:
        form = form_of(data)
        name = f"{source or f'agentclinic-{form or forms[0]}'}-{number:04d}"
        case, reasons = _case(data, form, name, path.name, number, raw, known, pictures)
        if case:
            cases.append(case)
        rows.append(Row(number, "refused" if case is None else "flagged" if reasons else "imported", name, reasons))
    return Imported(cases, rows, path, pictures.files)


def about(imported: Imported) -> tuple[str, str, tuple[str, ...]]:
    """Return title, licence and notes for a pack of these cases."""
    licences = " and ".join(sorted({case.license for case in imported.cases})) or "unknown"
    notes = (
        "Imported from the user's own copy of AgentClinic (Schmidgall and others, 2024).",
        "Not to be passed on where it holds NEJM text.",
    )
    nejm = LICENCES["nejm"] in licences
    return f"AgentClinic: {imported.source.stem}", licences, notes if nejm else notes[:1]


def form_of(data: object) -> Format | None:
    """Recognise the form of a line by its keys."""
    if not isinstance(data, dict):
        return None
    if "OSCE_Examination" in data or "Patient_Actor" in data:
        return "medqa"
    return "nejm" if "answers" in data and ({"patient_info", "question", "image_url", "physical_exams"} & data.keys()) else None


def _case(
    data: Any, form: Format | None, name: str, file: str, line: int, raw: str, known: Known, pictures: Pictures
) -> tuple[Case | None, tuple[str, ...]]:
    """Return the case of a line with its flags, or None with the reason."""
    if form is None:
        return None, (lines.unfit(data),)

    def make() -> Case:
        draft = medqa(data) if form == "medqa" else challenge(data, pictures)
        return build(draft, licence=LICENCES[form], name=name, file=file, line=line, raw=raw, known=known)

    case, reasons = lines.kept(make)
    if case:
        known.add(case)
    return case, reasons


__all__ = ["LICENCES", "Imported", "Row", "about", "load"]
