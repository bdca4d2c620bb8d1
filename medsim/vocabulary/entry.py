"""The entries of the shared vocabulary and the values that are normal, and how a case's own action takes over an entry.

The rule: an entry is the same in every case; what a case authors under the same code overrides it part by part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from medsim import document, library
from medsim.case.body import CaseAction
from medsim.case.part import seconds
from medsim.case.person import Sex

_FILLER = re.compile(
    r"\b(please|kindly|urgent(?:ly)?|stat|immediate(?:ly)?|asap|now|also|then|repeat|recheck|get|obtain|send|perform|do|check|start|begin|give|administer|apply|"
    r"commence|request|order|a|an|the|some|of|for|his|her|their|patient'?s?|him|again|another|serial|continuous|result|results|level|levels|"
    r"test|tests|exam|examination|assessment|assess|examine|inspect|inspection)\b"
)
_NOT_IN_NAMES = re.compile(r"[^\w\s%+'./&]")

FILES = {"orders": "order", "drugs": "treat", "exams": "examine", "procedures": "procedure"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be done: its code, names, times (seconds), price (USD) and normal answer."""

    code: str
    kind: str
    name: str
    cls: str
    synonyms: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    busy: int = 60
    result_in: int = 0
    cost: float = 0.0
    places: tuple[str, ...] = ()
    analytes: tuple[str, ...] = ()
    normal: str = ""
    only_sex: str = ""
    authored: CaseAction | None = None
    stops: str = ""
    """Code of the drug that this stops, where the case authors nothing for it."""


@dataclass(frozen=True, slots=True)
class Analyte:
    """A measured quantity with its reference range by age and sex."""

    id: str
    name: str
    unit: str
    decimals: int
    bands: tuple[tuple[str, float, float, float, float, float], ...] = ()
    typical_text: str = ""

    def normal(self, *, sex: Sex, years: float) -> tuple[str, float | None, float | None]:
        """Return a typical value as text with its low and high limits."""
        aged = [band for band in self.bands if band[1] <= years <= band[2]]
        of_sex = [band for band in aged if band[0] in {"any", sex}]
        for *_, low, high, typical in (*of_sex, *aged, *self.bands):
            return f"{typical:.{self.decimals}f}", low, high
        return self.typical_text, None, None


def normal_form(text: str) -> str:
    """Reduce words to what names are compared by."""
    text = _NOT_IN_NAMES.sub(" ", text.lower().replace("’", "'").replace("-", " ").replace("_", " "))
    return " ".join(text.split()).strip(" .'")


@lru_cache(maxsize=4096)
def bare_form(text: str) -> str:
    """Reduce words further: without those that say nothing of what is meant."""
    return " ".join(_FILLER.sub(" ", normal_form(text)).split())


@cache
def entries() -> dict[str, Entry]:
    """Every entry of the shared vocabulary by code."""
    found: dict[str, Entry] = {}
    for file, kind in FILES.items():
        for data in document.read(library.vocabulary(file)).data["entries"]:
            found[data["id"]] = _entry(data, kind)
    return found


def _entry(data: dict[str, Any], kind: str) -> Entry:
    cls = data.get("class") or {"treat": "med", "examine": "exam"}.get(kind, kind)
    return Entry(
        code=data["id"],
        kind="consult" if cls == "consult" else kind,
        name=data["name"],
        cls=cls,
        synonyms=tuple(str(word) for word in data.get("synonyms", ())),
        groups=tuple(data.get("groups", ())),
        busy=seconds(data.get("busy", "1m")),
        result_in=seconds(data.get("result_in", 0)),
        cost=float(data.get("cost", 0)),
        places=_places(data.get("places", ())),
        analytes=tuple(data.get("analytes", ())),
        normal=data.get("normal") or data.get("answer") or "",
        only_sex=(data.get("only") or {}).get("sex", ""),
    )


def _places(named: Iterable[str]) -> tuple[str, ...]:
    """Where a thing is to be had: what is taken along to a home is there at the roadside."""
    places = tuple(named)
    return (*places, "roadside") if "home" in places and "roadside" not in places else places


@cache
def analytes() -> dict[str, Analyte]:
    """Every analyte of the reference table by id."""
    found = {}
    for data in document.read(library.vocabulary("ranges")).data["entries"]:
        bands = tuple(
            (band["sex"], float(band["age"][0]), float(band["age"][1]), float(band["low"]), float(band["high"]), float(band["typical"]))
            for band in data.get("bands", ())
        )
        text = str(data.get("typical_text", ""))
        found[data["id"]] = Analyte(data["id"], data["name"], str(data.get("unit", "")), int(data.get("decimals", 0)), bands, text)
    return found


@cache
def _analyte_names() -> dict[str, str]:
    names = {normal_form(analyte.name): key for key, analyte in analytes().items()}
    return {**names, **{normal_form(key): key for key in analytes()}}


def analyte_of(name: str) -> str | None:
    """Return the id of the analyte a value's name stands for, or None."""
    return _analyte_names().get(normal_form(name))


@cache
def bundles() -> dict[tuple[str, str], tuple[str, ...]]:
    """What words for several things at once stand for: (kind, name) to codes."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for data in document.read(library.vocabulary("bundles")).data["entries"]:
        for name in (data["name"], *data["synonyms"]):
            for form in (normal_form(name), bare_form(name)):
                if form:
                    found.setdefault((data["of"], form), tuple(data["parts"]))
    return found


def merge(code: str, authored: CaseAction) -> Entry:
    """Join a case's action with the shared entry of the same code; what the case says comes first."""
    shared = entries().get(code)
    cls = {"treat": "med", "examine": "exam"}.get(authored.kind, authored.kind)
    base = shared or Entry(code, authored.kind, code.removeprefix("exam.").replace("_", " ").replace(".", " "), cls)
    given = authored.model_fields_set
    return Entry(
        code=code,
        kind=authored.kind,
        name=authored.name or base.name,
        cls=authored.cls or (base.cls if shared and shared.kind == authored.kind else cls),
        synonyms=(*authored.synonyms, *base.synonyms),
        groups=tuple(dict.fromkeys((*base.groups, *authored.groups))),
        busy=authored.busy if authored.busy is not None else base.busy,
        result_in=authored.result_in if authored.result_in is not None else base.result_in if "result" in given else 0,
        cost=authored.cost if authored.cost is not None else base.cost,
        places=authored.places if "places" in given else (),
        analytes=base.analytes,
        normal=base.normal,
        only_sex="",
        authored=authored,
    )
