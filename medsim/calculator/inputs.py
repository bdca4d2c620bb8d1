"""What a calculator takes beside quantities: choices, findings that are present or not, and lists of answers.

The rule: a value is one of those that are expected, or it is refused with what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from medsim.calculator.quantity import Quantity, Taken
from medsim.errors import ActionError, did_you_mean

_YES = {"yes", "y", "true", "present", "positive", "1", "+"}
_NO = {"no", "n", "false", "absent", "negative", "none", "0", "-"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several words, each with its points."""

    name: str
    what: str
    options: Mapping[str, float]
    default: str | None = None
    also: Mapping[str, None] = field(default_factory=dict)

    @property
    def required(self) -> bool:
        """Whether the calculator cannot do without it."""
        return self.default is None

    def take(self, given: Any, *, name: str = "") -> str:
        """Read one of the options; ActionError names them where it is none."""
        words = re.sub(r"[\s_-]+", "_", str(given).strip().lower()) if isinstance(given, (str, int)) and not isinstance(given, bool) else ""
        short = [option for option in self.options if len(words) == 1 and option[0] == words]
        if words not in self.options and len(short) != 1:
            near = did_you_mean(words, self.options)
            raise ActionError(f"{self.name} should be one of {', '.join(self.options)}; given '{str(given)[:40]}'.{near}")
        return words if words in self.options else short[0]

    def points(self, value: Taken) -> float:
        """The points of an option."""
        return self.options[str(value)]

    @property
    def span(self) -> str:
        """The options in words."""
        return ", ".join(self.options)

    @property
    def hint(self) -> str:
        """How it is written."""
        return f"{self.name}={'|'.join(self.options)}"

    def show(self, value: Taken) -> str:
        """Write a value with its name."""
        return f"{self.name} {value}"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of one argument."""
        return {"type": "string", "enum": list(self.options), "description": f"{self.what}."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A finding that is there or not. What is not named counts as absent, and the answer says so."""

    name: str
    what: str
    weight: float = 1.0
    also: Mapping[str, None] = field(default_factory=dict)
    required: bool = False
    default: bool = False

    def take(self, given: Any, *, name: str = "") -> bool:
        """Read yes or no; ActionError for anything else."""
        words = str(given).strip().lower() if isinstance(given, (bool, int, str)) else ""
        if words not in _YES and words not in _NO:
            raise ActionError(f"{self.name} should be yes or no; given '{str(given)[:40]}'.")
        return words in _YES

    def points(self, value: Taken) -> float:
        """The points of the finding where it is there."""
        return self.weight if value else 0.0

    @property
    def span(self) -> str:
        """The answers in words."""
        return "yes, no"

    @property
    def hint(self) -> str:
        """How it is written."""
        return f"{self.name}=yes|no"

    def show(self, value: Taken) -> str:
        """Write a value with its name."""
        return f"{self.name} {'yes' if value else 'no'}"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of one argument."""
        return {"type": "boolean", "description": f"{self.what}; left out: absent."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers to a questionnaire or the items of an examination, in its own order; ``most`` is the highest of each."""

    name: str
    what: str
    most: tuple[int, ...]
    also: Mapping[str, None] = field(default_factory=dict)
    required: bool = True
    default: None = None

    def take(self, given: Any, *, name: str = "") -> tuple[int, ...]:
        """Read a list of whole numbers, or text such as ``1, 2, 0``; ActionError where one is missing or too high."""
        parts = re.split(r"[\s,/]+", given.strip()) if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else []
        if len(parts) != len(self.most):
            raise ActionError(f"{self.name} should be {len(self.most)} whole numbers ({self.what}); given {len(parts)}.")
        found = []
        for place, (part, most) in enumerate(zip(parts, self.most, strict=True), 1):
            text = str(part)
            if isinstance(part, bool) or not re.fullmatch(r"\d{1,2}", text) or int(text) > most:
                raise ActionError(f"number {place} of {self.name} should be a whole number from 0 to {most}; given '{text[:20]}'.")
            found.append(int(text))
        return tuple(found)

    def points(self, value: Taken) -> float:
        """The sum of the answers."""
        assert isinstance(value, tuple)
        return float(sum(value))

    @property
    def span(self) -> str:
        """What is expected, in words."""
        top = f"0 to {self.most[0]}" if len(set(self.most)) == 1 else f"at most {', '.join(map(str, self.most))}"
        return f"{len(self.most)} whole numbers, each {top}" if len(set(self.most)) == 1 else f"{len(self.most)} whole numbers, {top}"

    @property
    def hint(self) -> str:
        """How it is written."""
        return f"{self.name}={','.join('0' for _ in self.most)}"

    def show(self, value: Taken) -> str:
        """Write the answers."""
        assert isinstance(value, tuple)
        return f"{self.name} {','.join(map(str, value))}"

    def schema(self) -> dict[str, Any]:
        """JSON Schema of one argument."""
        size = len(self.most)
        items = {"type": "integer", "minimum": 0, "maximum": max(self.most)}
        return {"type": "array", "items": items, "minItems": size, "maxItems": size, "description": f"{self.what}; {self.span}."}


Input = Quantity | Choice | Flag | Answers
