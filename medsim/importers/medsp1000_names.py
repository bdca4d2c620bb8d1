"""What the names of MedSP1000 tell: the article a case was made from, the packet of a rubric's file, and the packets of a list.

The rule: a packet's id is ``<case>/<scenarioN>`` wherever it is named, and names are put in one order, their numbers as numbers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from medsim.errors import CaseError

SCENARIO = re.compile(r"scenario\d*\Z", re.I)
_ARTICLE = re.compile(r"(?:mededportal_|mep-\d+-|mep_2374-8265\.)(\d+)(?:-s\d+)?(_\d+)?\Z")
_RUBRIC = re.compile(r"(.+)_(scenario\d*)\.json\Z", re.I)


class Origin(NamedTuple):
    """What the name of a case tells of where it comes from."""

    doi: str
    split_group: str
    twin_of: str


def origin(case: str) -> Origin:
    """Read article, split group and twin from the name of a case."""
    match = _ARTICLE.match(case)
    if not match:
        return Origin("", case, "")
    twin = case[: -len(match[2])] if match[2] else ""
    return Origin(f"10.15766/mep_2374-8265.{match[1]}", match[1], twin)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Order names with their numbers as numbers: scenario10 after scenario9."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part)


def rubric_path(shelf: Path, name: str) -> Path:
    """Return where the rubric of a packet lies."""
    case, scenario = name.rsplit("/", 1)
    return shelf / f"{case}_{scenario}.json"


def packet_of(path: Path) -> str:
    """Return the packet that the name of a rubric's file names; empty where it is none."""
    match = _RUBRIC.fullmatch(path.name)
    return f"{match[1]}/{match[2]}" if match else ""


def read_subset(path: Path) -> list[str]:
    """Read packet ids from a subset file or a manifest: a list, or an object with ``scenarios``; of paths the last two parts count.

    A path that ends in a case means its ``scenario1``, as in the original batch script.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CaseError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise CaseError(f"{path}: not JSON ({str(error)[:80]}). Expected a list of '<case>/<scenarioN>'.") from error
    listed = data.get("scenarios") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise CaseError(f"{path}: a list of '<case>/<scenarioN>' was expected, or an object with such a list under 'scenarios'.")
    return list(dict.fromkeys(_entry(item, path, at) for at, item in enumerate(listed)))


def _entry(item: object, path: Path, at: int) -> str:
    if isinstance(item, dict):
        item = f"{item.get('case_id', '')}/{item.get('scenario_id', item.get('scenario', ''))}"
    parts = [part for part in item.replace("\\", "/").split("/") if part not in {"", ".", ".."}] if isinstance(item, str) else []
    if not parts:
        raise CaseError(f"{path}: entry {at} is no '<case>/<scenarioN>': {item!r}"[:300])
    return f"{parts[-2]}/{parts[-1]}" if len(parts) > 1 and SCENARIO.match(parts[-1]) else f"{parts[-1]}/scenario1"
