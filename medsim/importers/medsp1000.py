"""MedSP1000: packets of role documents, ``<case>/<scenarioN>/{examinee,sp_actor,environment_controller,evaluator}/**``, and their rubrics.

The rule: every packet, rubric and line of a subset that is there gives one row, and none stops the set; what a packet lacks stands in its
status. A packet is plain data; ``load`` makes documented cases of those that can be played.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from medsim.case import Case
from medsim.errors import CaseError
from medsim.importers import Imported, Row, lines
from medsim.importers import medsp1000_rubric as frozen
from medsim.importers.medsp1000_case import LICENCE, case_id, to_case
from medsim.importers.medsp1000_names import SCENARIO, natural, origin, packet_of, read_subset, rubric_path
from medsim.importers.medsp1000_rubric import Note, PacketItem, RubricFile
from medsim.importers.medsp1000_text import ROLES, Attachment, Document, Mode, compiled, folders, material

Status = Literal["ok", "no_rubric", "empty_rubric", "missing_role", "empty_role", "decode_error"]
PLAYED = ("examinee", "sp_actor")
"""Roles without which nothing can be played; an environment can be a general one."""
RUBRICS = "rubrics"

_WORST: tuple[Status, ...] = ("decode_error", "missing_role", "empty_role", "no_rubric", "empty_rubric")
_DEEP = 4


class Packet(NamedTuple):
    """One scenario: its role documents and its rubric."""

    id: str
    """``case/scenarioN``."""
    scenario: str
    doi: str
    """Of the article it was made from; empty where the id does not name one."""
    split_group: str
    """Packets of one group are never parted into training and test."""
    status: Status
    roles: dict[str, tuple[Document, ...]]
    rubric: tuple[PacketItem, ...]
    case: str = ""
    twin_of: str = ""
    """The case that this one was downloaded a second time of."""
    problems: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    rubric_version: str = ""
    rubric_sha256: str = ""
    mode: Mode = "compat"

    @property
    def runnable(self) -> bool:
        """Whether there is something to play: what the doctor is given and what the patient acts by."""
        spoilt = self.mode == "compat" and self.status == "decode_error"
        return not spoilt and all(any(document.text for document in self.roles.get(role, ())) for role in PLAYED)

    @property
    def scorable(self) -> bool:
        """Whether there is an item to judge."""
        return bool(self.rubric)

    def text(self, role: str) -> str:
        """The documents of a role as one text, each under its name."""
        return compiled(self.roles.get(role, ()))


def load_packets(
    folder: Path,
    *,
    rubrics: Path | None = None,
    subset: Path | None = None,
    mode: Mode = "compat",
    keep_zh: bool = False,
    overlay: Path | None = None,
) -> tuple[list[Packet], list[Row]]:
    """Read the packets below a folder and return them with a row for each, and one for what has no packet.

    ``rubrics``: folder of ``<case>_<scenario>.json``, left out: the folder ``rubrics`` beside the cases. ``subset``: a list of packets
    (a subset file, a manifest of paths). ``overlay``: notes on items by id, laid over the lint's own.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CaseError(f"{folder}: no such folder. Expected one that holds <case>/<scenarioN>/examinee and so on.")
    if mode not in {"compat", "clean"}:
        raise CaseError(f"Mode '{mode}' is not known. Use 'compat' (as the original engine reads) or 'clean'.")
    shelf = Path(rubrics) if rubrics else folder / RUBRICS
    if rubrics and not shelf.is_dir():
        raise CaseError(f"{shelf}: no such folder of rubrics.")
    notes = frozen.read_overlay(Path(overlay)) if overlay else {}
    wanted = read_subset(Path(subset)) if subset else None
    found = {f"{path.parent.name}/{path.name}": path for path in sorted(_scenarios(folder))}
    kept = [name for name in sorted(found, key=natural) if wanted is None or name in wanted]
    packets = [_packet(name, found[name], frozen.read(rubric_path(shelf, name), name), notes, mode, keep_zh) for name in kept]
    rows = _rows(packets)
    for name in sorted(set(wanted or ()) - set(found), key=natural):
        rows.append(Row(len(rows), "refused", name, ("not_found", *_rubric_reasons(frozen.read(rubric_path(shelf, name), name)))))
    for name, read in load_rubrics(shelf).items() if wanted is None and shelf.is_dir() else ():
        if name not in found:
            rows.append(Row(len(rows), "refused", name, ("no_packet", *_rubric_reasons(read))))
    return packets, rows


def load(
    path: Path,
    *,
    source: str | None = None,
    rubrics: Path | None = None,
    subset: Path | None = None,
    mode: Mode = "clean",
    keep_zh: bool = False,
) -> Imported:
    """Read a folder of packets into documented cases; a row for each packet, refused where it cannot be played.

    ``source`` is a word before the case ids. The other arguments are those of ``load_packets``; ``mode`` is ``clean`` unless the very
    texts of the original engine are wanted.
    """
    path = Path(path)
    lines.check_source(source, "medsp1000")
    packets, rows = load_packets(path, rubrics=rubrics, subset=subset, mode=mode, keep_zh=keep_zh)
    by_id = {packet.id: packet for packet in packets}
    cases: list[Case] = []
    done: list[Row] = []
    taken: dict[str, str] = {}
    for row in rows:
        packet = by_id.get(row.case_id)
        if packet is None or row.status == "refused":
            done.append(row)
            continue
        case, reasons = lines.kept(lambda packet=packet: _case(packet, source))  # type: ignore[misc]
        if case is None:
            done.append(row._replace(status="refused", reasons=(*row.reasons, *reasons)))
            continue
        if case.id in taken:  # letters that an id cannot have are all written alike
            reasons = (*reasons, f"id_taken:{taken[case.id]}")
            case = case.model_copy(update={"id": f"{case.id[:72]}-{hashlib.sha256(packet.id.encode()).hexdigest()[:6]}"})
        taken[case.id] = packet.id
        cases.append(case)
        done.append(
            row._replace(
                case_id=case.id,
                status="flagged" if row.reasons or reasons else "imported",
                reasons=tuple(dict.fromkeys((*row.reasons, *reasons))),
            )
        )
    if not packets and subset is not None and (missing := [row.case_id for row in rows if "not_found" in row.reasons]):
        raise CaseError(
            f"{path}: none of the {len(missing)} packets of {subset} is here (the first: {missing[0]}). Give the folder that holds "
            "<case>/<scenarioN>, or another --subset."
        )
    if not cases and not packets:
        raise CaseError(
            f"{path}: no packet was found. Expected folders <case>/scenarioN with examinee, sp_actor and environment_controller."
        )
    return Imported(cases, done, path)


def about(imported: Imported) -> tuple[str, str, tuple[str, ...]]:
    """Return title, licence and notes for a pack of these cases."""
    notes = (
        "Imported from the user's own copy of MedSP1000; documented cases: a language model plays patient and surroundings.",
        "Every item of the rubrics is a question to a judge: without one its verdict is unknown.",
    )
    return f"MedSP1000: {imported.source.name}", LICENCE, notes


def _case(packet: Packet, source: str | None) -> Case:
    case = to_case(
        packet.id,
        doctor=packet.text("examinee"),
        patient=packet.roles.get("sp_actor", ()),
        controller=packet.roles.get("environment_controller", ()),
        evaluator=packet.roles.get("evaluator", ()),
        rubric=packet.rubric,
        split_group=packet.split_group,
        doi=packet.doi,
        flags=(packet.status, *packet.problems) if packet.status != "ok" else packet.problems,
    )
    return case.model_copy(update={"id": case_id(f"{source}-{case.id}")}) if source else case


def load_rubrics(folder: Path) -> dict[str, RubricFile]:
    """Read all rubrics of a folder, by the id of their packets."""
    named = {name: path for path in sorted(folder.iterdir()) if (name := packet_of(path))}
    return {name: frozen.read(named[name], name) for name in sorted(named, key=natural)}


def _scenarios(folder: Path) -> Iterator[Path]:
    """Folders named scenarioN, at most some levels below; what lies inside one is not searched."""
    if SCENARIO.match(folder.name):
        yield folder
        return
    top = len(folder.parts)
    for root, names, _ in os.walk(folder):
        here = Path(root)
        names[:] = [] if len(here.parts) - top >= _DEEP else [name for name in sorted(names) if not name.startswith((".", "__MACOSX"))]
        if here != folder or not SCENARIO.match(here.name):
            yield from (here / name for name in names if SCENARIO.match(name))
        names[:] = [name for name in names if not SCENARIO.match(name)]


def _packet(name: str, path: Path, rubric: RubricFile, notes: dict[str, Note], mode: Mode, keep_zh: bool) -> Packet:
    case = path.parent.name
    roles: dict[str, tuple[Document, ...]] = {}
    attachments: list[Attachment] = []
    places, problems = folders(path)
    for role in ROLES:
        if role not in places:
            problems.append(f"missing_role:{role}")
            continue
        held = material(role, places[role], mode=mode, keep_zh=keep_zh)
        roles[role] = held.documents
        attachments += held.attachments
        problems += held.problems
        if not any(document.text for document in held.documents):
            problems.append(f"empty_role:{role}")
    problems += _shared(roles)
    problems += _rubric_reasons(rubric)
    kinds = {problem.split(":", 1)[0] for problem in problems}
    status: Status = next((kind for kind in _WORST if kind in kinds), "ok")
    known = origin(case)
    return Packet(
        name, path.name, known.doi, known.split_group, status, roles, frozen.overlaid(rubric.items, notes), case, known.twin_of,
        tuple(dict.fromkeys(problems)), tuple(attachments), rubric.version, rubric.sha256, mode,
    )  # fmt: skip


def _rubric_reasons(rubric: RubricFile) -> tuple[str, ...]:
    kind = {"ok": (), "empty": ("empty_rubric",), "absent": ("no_rubric",), "unreadable": ("no_rubric",)}[rubric.status]
    return (*kind, *rubric.problems)


def _shared(roles: dict[str, tuple[Document, ...]]) -> list[str]:
    """Files that lie in two roles word for word: a patient who holds the marking sheet knows the answer."""
    seen: dict[str, str] = {}
    found = []
    for role, documents in roles.items():
        for document in documents:
            first = seen.setdefault(document.sha256, role)
            if first != role and document.text:
                found.append(f"same_file:{first}={role}/{document.name}")
    return found


def _rows(packets: Sequence[Packet]) -> list[Row]:
    """A row for each packet, with rubrics that several packets share."""
    rows: list[Row] = []
    first: dict[tuple[tuple[str, str], ...], str] = {}
    for number, packet in enumerate(packets):
        key = tuple((item.competency, item.text) for item in packet.rubric)
        same = first.setdefault(key, packet.id) if key else packet.id
        twin = (f"twin_of:{packet.twin_of}",) if packet.twin_of else ()
        reasons = (*packet.problems, *((f"same_rubric:{same}",) if same != packet.id else ()), *twin)
        status: Literal["imported", "flagged", "refused"] = "refused" if not packet.runnable else "flagged" if reasons else "imported"
        rows.append(Row(number, status, packet.id, reasons))
    return rows


__all__ = ["LICENCE", "Attachment", "Document", "Note", "Packet", "PacketItem", "load_packets", "load_rubrics", "origin", "read_subset"]
