"""A clinical calculator: what it takes, its formula, its source, and what its number means.

The rule: one definition gives the call in Python, the tool for a language model and the text form. Outside its range a calculator refuses;
it never answers with a number that the source does not cover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from medsim.calculator.inputs import Flag, Input
from medsim.calculator.quantity import Quantity, Taken
from medsim.errors import ActionError, did_you_mean


class Source(NamedTuple):
    """Where a formula was published."""

    title: str
    year: int


class Answer(NamedTuple):
    """What a calculator says: the value in its unit, what it means, and what it was worked out from."""

    calculator: str
    title: str
    value: float
    unit: str
    shown: str
    """The value as it is written, rounded."""
    meaning: str
    taken: dict[str, Taken]
    said: str
    """What was taken, in words."""
    assumed: tuple[str, ...]
    """Findings that nobody named and that count as absent, and what stands at its default."""

    def __str__(self) -> str:
        number = f"{self.title}: {self.shown} {self.unit}".strip()
        meaning = f" ({self.meaning})" if self.meaning else ""
        taken = f" From {self.said}." if self.said else ""
        assumed = f" Not given, taken as: {', '.join(self.assumed)}." if self.assumed else ""
        return f"{number}{meaning}.{taken}{assumed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculator:
    """One calculator. Without a formula it is a score: the sum of the points of its inputs."""

    id: str
    title: str
    area: str
    inputs: tuple[Input, ...]
    sources: tuple[Source, ...]
    names: tuple[str, ...] = ()
    unit: str = "points"
    decimals: int = 0
    formula: Callable[..., float] | None = None
    """Takes each input by name, in its declared unit; returns the value in the calculator's unit, or raises ActionError."""
    bands: tuple[tuple[float, str], ...] = ()
    """From each bound on, what the value means."""
    remark: Callable[..., str] | None = None
    """More about a value: takes ``value`` and each input by name."""
    _by_name: dict[str, Input] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for part in self.inputs:
            for name in (part.name, *part.also):
                self._by_name[name] = part

    def __call__(self, **given: Any) -> Answer:
        """Work out the value; ActionError says what is missing, unknown or out of range."""
        taken, said, assumed = self._taken(given)
        exact = self.formula(**taken) if self.formula else sum(part.points(taken[part.name]) for part in self.inputs)
        shown = f"{exact:.{self.decimals}f}"
        if float(shown) == 0:
            shown = shown.lstrip("-")
        meaning = [self.band(float(shown)), self.remark(value=exact, **taken) if self.remark else ""]
        words = "; ".join(part for part in meaning if part)
        return Answer(self.id, self.title, exact, self.unit, shown, words, taken, ", ".join(said), tuple(assumed))

    def band(self, value: float) -> str:
        """What a value means, empty where nothing is said."""
        return next((text for least, text in reversed(self.bands) if value >= least), "")

    def _taken(self, given: Mapping[str, Any]) -> tuple[dict[str, Taken], list[str], list[str]]:
        found: dict[str, Taken] = {}
        for name, value in given.items():
            part = self._by_name.get(name)
            if part is None:
                raise ActionError(f"'{self.id}' takes no '{name[:40]}'.{did_you_mean(name, self._by_name)} It is written: {self.usage}")
            if part.name in found:
                raise ActionError(f"'{self.id}' was given {part.name} twice.")
            found[part.name] = part.take(value, name=name)
        missing = [part for part in self.inputs if part.required and part.name not in found]
        if missing:
            what = ", ".join(f"{part.name} ({part.what}: {part.span})" for part in missing)
            raise ActionError(f"'{self.id}' needs {what}. It is written: {self.usage}")
        said = [part.show(found[part.name]) for part in self.inputs if part.name in found]
        assumed = [part.show(self._default(part)) for part in self.inputs if part.name not in found]
        taken = {part.name: found[part.name] if part.name in found else self._default(part) for part in self.inputs}
        return taken, said, assumed

    @staticmethod
    def _default(part: Input) -> Taken:
        assert part.default is not None
        return part.default

    @property
    def usage(self) -> str:
        """The text form: ``egfr creatinine=… mg/dL age=… years sex=female|male``; what may be left out stands in brackets."""
        parts = (part.hint if part.required else f"[{part.hint}]" for part in self.inputs)
        return " ".join((self.id, *parts))

    def tool(self) -> dict[str, Any]:
        """The calculator as a tool for a language model."""
        properties = {part.name: part.schema() for part in self.inputs}
        required = [part.name for part in self.inputs if part.required]
        parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        about = f"{self.title}, in {self.unit or 'no unit'}."
        return {"type": "function", "function": {"name": f"calculate_{self.id}", "description": about, "parameters": parameters}}


def yes(name: str, what: str, *, weight: float = 1.0) -> Flag:
    """A finding that is there or not, with its points."""
    return Flag(name=name, what=what, weight=weight)


__all__ = ["Answer", "Calculator", "Flag", "Quantity", "Source", "yes"]
