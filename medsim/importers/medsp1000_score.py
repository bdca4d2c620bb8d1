"""Scores of MedSP1000: in the set's own convention and linted, side by side, and its result file.

The rule: the denominator is the rubric's, whatever a judge returned. In the raw score an item nobody judged is not completed; in the linted
one it is unknown, leaves the score and shows in the coverage. What a judge invented is dropped and counted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medsim.importers.medsp1000 import Packet
from medsim.importers.medsp1000_rubric import COMPETENCIES, PacketItem

RESULT = "final_evaluation_frozen_rubric.json"
UNKNOWN = "_unknown_items"
"""Key of our result files: ids of items that stand as false because nobody decided them."""
COLUMNS = ("examinee", "dimension", "n_scenarios", "n_scenarios_with_dim", "n_rubric", "n_true", "micro", "macro")


class Tally(NamedTuple):
    """Items completed of all, and how many of all are unknown."""

    met: int
    total: int
    unknown: int = 0

    @property
    def ratio(self) -> float | None:
        """Completed over known items; None where there are none."""
        known = self.total - self.unknown
        return self.met / known if known else None

    @property
    def coverage(self) -> float:
        """Known over all items."""
        return (self.total - self.unknown) / self.total if self.total else 1.0


class Verdicts(NamedTuple):
    """A judge's answers by item id, and what was no answer to an item of the rubric."""

    given: dict[str, bool]
    invented: tuple[str, ...] = ()
    """Keys that are no item's text."""
    not_boolean: tuple[str, ...] = ()
    """Ids of items answered with something else than true or false."""


class Score(NamedTuple):
    """Both scores of one packet, by competency and ``overall``."""

    packet: str
    raw: dict[str, Tally]
    linted: dict[str, Tally]
    unjudged: tuple[str, ...]
    invented: tuple[str, ...]
    not_boolean: tuple[str, ...]


def read_verdicts(packet: Packet | Sequence[PacketItem], evaluation: Mapping[str, Any]) -> Verdicts:
    """Read a judge's result: by competency ``{item text: bool}``, or item ids; blanks in a text do not matter, other words do."""
    items = packet.rubric if isinstance(packet, Packet) else packet
    by_text = {(item.competency, " ".join(item.text.split())): item.id for item in items}
    ids = {item.id for item in items}
    given: dict[str, bool] = {}
    invented: list[str] = []
    broken: list[str] = []
    for name, held in evaluation.items():
        if name.startswith("_") or name == "reasoning":
            continue
        answers = held.items() if name in COMPETENCIES and isinstance(held, Mapping) else [(name, held)] if name not in COMPETENCIES else []
        for key, answer in answers:
            found = by_text.get((name, " ".join(str(key).split()))) if name in COMPETENCIES else key if key in ids else None
            if found is None:
                invented.append(str(key))
            elif isinstance(answer, bool):
                given[found] = answer
            else:
                broken.append(found)
    return Verdicts(given, tuple(invented), tuple(broken))


def score(packet: Packet, verdicts: Verdicts | Mapping[str, Any]) -> Score:
    """Score a packet; ``verdicts`` may be a judge's result as it stands."""
    read = verdicts if isinstance(verdicts, Verdicts) else read_verdicts(packet, verdicts)
    groups = {name: [item for item in packet.rubric if item.competency == name] for name in COMPETENCIES}
    raw = {str(name): Tally(sum(read.given.get(item.id, False) for item in items), len(items)) for name, items in groups.items()}
    linted = {str(name): _linted(items, read.given) for name, items in groups.items()}
    unjudged = tuple(item.id for item in packet.rubric if item.id not in read.given)
    return Score(packet.id, _overall(raw), _overall(linted), unjudged, read.invented, read.not_boolean)


def rates(scores: Sequence[Score], *, examinee: str, linted: bool = False) -> list[dict[str, Any]]:
    """Return the set's long table: over all items (micro), and the mean over the packets that have any (macro)."""
    rows = []
    for name in ("overall", *COMPETENCIES):
        tallies = [(one.linted if linted else one.raw)[name] for one in scores]
        ratios = [tally.ratio for tally in tallies if tally.ratio is not None]
        known = sum(tally.total - tally.unknown for tally in tallies)
        met = sum(tally.met for tally in tallies)
        micro, macro = met / known if known else 0.0, sum(ratios) / len(ratios) if ratios else 0.0
        values = (examinee, name, len(scores), len(ratios), known, met, round(micro, 4), round(macro, 4))
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def write_rates(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the long table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def result(
    packet: Packet,
    verdicts: Verdicts | Mapping[str, Any],
    *,
    judge: str,
    reasoning: Sequence[str] = (),
    at: str = "",
    run: str = "",
    prompt: str = "",
    raw_output: str = "",
    original_judge: str | None = None,
    rubric_file: str | None = None,
) -> dict[str, Any]:
    """Return the result in the set's own form, every item of the rubric in it once; ``at`` is the time of judging, ISO 8601."""
    read = verdicts if isinstance(verdicts, Verdicts) else read_verdicts(packet, verdicts)
    own = {str(name): [item for item in packet.rubric if item.competency == name] for name in COMPETENCIES}
    whole = score(packet, read).raw["overall"]
    case, scenario = packet.id.rsplit("/", 1)
    return {
        "reasoning": list(reasoning),
        **{name: {item.text: read.given.get(item.id, False) for item in items} for name, items in own.items()},
        "_rescore_kind": "frozen_rubric",
        "_judge_model": judge,
        "_original_evaluator_model": original_judge,
        "_rubric_version": packet.rubric_version or None,
        "_rubric_case_id": case,
        "_rubric_scenario": scenario,
        "_rubric_file": rubric_file,
        "_frozen_rubric": {name: [item.text for item in items] for name, items in own.items()},
        "_source_run_dir": run,
        "_source_user_prompt_from": "medsim",
        "_rescored_at": at,
        "_score_summary": {
            "completed_items": whole.met,
            "total_items": whole.total,
            "false_items": whole.total - whole.met,
            "completion_ratio": whole.ratio or 0.0,
        },
        "_evaluator_system_prompt": prompt,
        "_raw_output": raw_output,
    }


def _linted(items: Sequence[PacketItem], given: Mapping[str, bool]) -> Tally:
    """Count what the lint left: turned-round items by their opposite, branches that exclude one another as one."""
    verdicts: dict[str, list[bool | None]] = {}
    for item in items:
        if item.status != "excluded":
            said = given.get(item.id)
            verdicts.setdefault(item.group or item.id, []).append(None if said is None else said != (item.status == "inverted"))
    met = sum(any(verdict for verdict in group) for group in verdicts.values())
    unknown = sum(not any(group) and any(verdict is None for verdict in group) for group in verdicts.values())
    return Tally(met, len(verdicts), unknown)


def _overall(tallies: dict[str, Tally]) -> dict[str, Tally]:
    whole = Tally(*(sum(column) for column in zip(*tallies.values(), strict=True)))
    return {"overall": whole, **tallies}
