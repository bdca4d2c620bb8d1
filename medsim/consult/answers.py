"""What a compiled case answers for the body and the laboratory.

The rule: the case's own word comes first; what it does not author is normal for this age and sex, except where the case measures the
same quantity elsewhere, and says in the event that it came from the shared vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from medsim import vocabulary
from medsim.case import Case
from medsim.case.body import CaseAction, Result, Value
from medsim.dose import unit_of
from medsim.vocabulary import Analyte, Entry


class Answer(NamedTuple):
    """The words of a result and what is recorded with it."""

    text: str
    args: dict[str, Any]


class Laboratory:
    """Answers orders and examinations of one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._measured = self._index()

    def _index(self) -> dict[str, list[CaseAction]]:
        """Which authored actions measure an analyte, so that two panels never disagree."""
        found: dict[str, list[CaseAction]] = {}
        for code, authored in self.case.actions.items():
            for result in authored.result.values():
                for value in result.values:
                    analyte = vocabulary.analyte_of(value.name or code)
                    if analyte and authored not in found.setdefault(analyte, []):
                        found[analyte].append(authored)
        return found

    def result(self, entry: Entry, state: str) -> Answer | None:
        """What comes back for an entry with a specimen taken in a state; None where nothing is reported."""
        if entry.authored and entry.authored.result:
            authored = entry.authored.result.get(state) or entry.authored.result.get("_")
            if authored:
                return Answer(self._written(authored, entry), self._shown(authored))
            return Answer("No result could be obtained.", {})
        if entry.analytes:
            rows = [self._shared_value(vocabulary.analytes()[name], state) for name in entry.analytes if name in vocabulary.analytes()]
            return Answer("; ".join(rows), {"shared": True})
        if entry.kind in {"order", "examine"} and entry.normal:
            return Answer(entry.normal, {"shared": True})
        return None

    def at_once(self, entry: Entry, state: str) -> str:
        """What is seen when something is given or done."""
        if entry.authored and entry.authored.answer:
            return entry.authored.answer.get(state) or entry.authored.answer.get("_") or ""
        if entry.kind in {"procedure", "consult"}:
            return entry.normal
        return ""

    def _shared_value(self, analyte: Analyte, state: str) -> str:
        for authored in self._measured.get(analyte.id, ()):
            result = authored.result.get(state) or authored.result.get("_")
            for value in result.values if result else ():
                if vocabulary.analyte_of(value.name or "") == analyte.id or (not value.name and len(result.values if result else ()) == 1):
                    return self._row(value, analyte)
        text, low, high = analyte.normal(sex=self.case.patient.sex, years=self.case.patient.age.years)
        return self._row(Value(name=analyte.name, value=text, unit=analyte.unit or None, low=low, high=high), analyte)

    def _shown(self, result: Result) -> dict[str, Any]:
        """The picture that comes with a result: its slot, and where it is kept."""
        slot = next((slot for slot in self.case.media if slot.id == result.media), None)
        places = {"media": slot.id, "url": slot.url, "path": slot.path} if slot else {}
        return {name: value for name, value in places.items() if value}

    def _written(self, result: Result, entry: Entry) -> str:
        parts = [self._row(value, None, name=entry.name) for value in result.values]
        if result.text:
            parts.append(result.text)
        if result.media:
            slot = next(slot for slot in self.case.media if slot.id == result.media)
            parts.append(f"[image: {slot.text}]" if slot.text != result.text else "[image]")
        return "; ".join(parts)

    def _row(self, value: Value, analyte: Analyte | None, *, name: str = "") -> str:
        low, high = value.low, value.high
        known = analyte or vocabulary.analytes().get(vocabulary.analyte_of(value.name or name) or "")
        if known and low is None and high is None and value.unit == known.unit:
            _, low, high = known.normal(sex=self.case.patient.sex, years=self.case.patient.age.years)
        number = value.value if isinstance(value.value, str) else f"{value.value:g}"
        flag = value.flag or _flag(value.value, low, high)
        limits = f" ({_limits(low, high)})" if low is not None or high is not None else ""
        unit = f" {value.unit}" if value.unit else ""
        mark = f" {flag}" if flag and flag != "N" else ""
        return f"{value.name or name} {number}{unit}{limits}{mark}"


def _limits(low: float | None, high: float | None) -> str:
    if low is None or low == 0:
        return f"up to {high:g}" if high is not None else ""
    return f"{low:g}-{high:g}" if high is not None else f"from {low:g}"


def _flag(value: float | int | str, low: float | None, high: float | None) -> str:
    try:
        number = float(value)
    except ValueError:
        return ""
    if low is not None and number < low:
        return "L"
    return "H" if high is not None and number > high else ""


def vitals_text(vitals: dict[str, Any], conscious: str) -> str:
    """Write vital signs as a chart line."""
    alert = {"alert": "alert", "voice": "responds to voice", "pain": "responds to pain", "unresponsive": "unresponsive"}[conscious]
    return (
        f"HR {vitals['hr']}/min ({vitals['rhythm']}), BP {vitals['sbp']}/{vitals['dbp']} mmHg, RR {vitals['rr']}/min, "
        f"SpO2 {vitals['spo2']} %, temperature {vitals['temp']:.1f} °C, GCS {vitals['gcs']}, {alert}"
    )


def vitals_line(vitals: dict[str, float]) -> str:
    """Write the vital signs that are known as a chart line; the two blood pressures stand together."""
    parts = [f"HR {vitals['hr']:g}/min"] if "hr" in vitals else []
    if "sbp" in vitals or "dbp" in vitals:
        parts.append(f"BP {_or_dash(vitals, 'sbp')}/{_or_dash(vitals, 'dbp')} mmHg")
    for name, form in (("rr", "RR {:g}/min"), ("spo2", "SpO2 {:g} %"), ("temp", "temperature {:.1f} °C"), ("gcs", "GCS {:g}")):
        if name in vitals:
            parts.append(form.format(vitals[name]))
    return "Vital signs: " + ", ".join(parts)


def _or_dash(vitals: dict[str, float], name: str) -> str:
    return f"{vitals[name]:g}" if name in vitals else "-"


def judged_dose(action: CaseAction, args: dict[str, Any]) -> tuple[str | None, bool]:
    """Compare a dose with the authored ranges.

    Returns ``("ok"|"low"|"high", True)``; ``(None, True)`` where nothing is authored; ``(None, False)`` where a dose is needed and no
    argument speaks to any authored range. Ranges of one kind (dose, rate, flow, energy) are alternatives; kinds must all be right.
    """
    ranges = action.doses.ranges() if action.doses else {}
    if not ranges:
        return None, True
    verdicts = []
    for sort in {name.split("_", 1)[0] for name in ranges}:
        given = [(args[name], *bounds) for name, bounds in sorted(ranges.items()) if name.startswith(sort + "_") and name in args]
        if given:
            verdicts.append(_best(given))
    if not verdicts:
        return None, False
    return next((verdict for verdict in verdicts if verdict != "ok"), "ok"), True


def _best(given: list[tuple[float, float, float]]) -> str:
    if any(low - 1e-6 <= value <= high * (1 + 1e-6) for value, low, high in given):
        return "ok"
    value, low, _ = given[0]
    return "low" if value < low else "high"


def amounts(action: CaseAction) -> str:
    """The units in which an amount can be given, as a doctor writes them: ``mg or mg/kg``."""
    names = action.doses.ranges() if action.doses else {}
    return " or ".join(dict.fromkeys(unit_of(name) for name in names)) or "its unit"
