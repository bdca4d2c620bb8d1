"""What every part of a case is made of: frozen models that refuse unknown keys, and durations with a unit.

The rule: an author's slip is answered with the nearest key that exists, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from medsim.errors import did_you_mean

_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+\Z")
_PIECE = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_MAX_SECONDS = 366 * 86400


class Part(BaseModel):
    """A frozen piece of content; unknown keys are refused with the nearest known one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    kept: ClassVar[frozenset[str]] = frozenset()
    """What was reckoned from outside of the fields, and stays with a changed copy."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy, with other fields where ``update`` has any; what was reckoned from the fields is reckoned anew then."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            for name in copied.__dict__.keys() - type(self).model_fields.keys() - self.kept:
                del copied.__dict__[name]
        return copied

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()} | set(cls.model_fields)
        for key in data:
            if key not in known:
                names = ", ".join(sorted(field.alias or name for name, field in cls.model_fields.items()))
                raise ValueError(f"unknown key '{key}'.{did_you_mean(str(key), known)} Known keys: {names}.")
        return data


_UNSET: tuple[Any, ...] = (None, "", (), [], {})


class Later(Part):
    """Content with keys that came later: unset, they are left out when it is written, so that older hashes stay what they were."""

    later: ClassVar[frozenset[str]] = frozenset()
    """Their names, as they are written."""

    @model_serializer(mode="wrap")
    def _unset_left_out(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if name not in self.later or value not in _UNSET}


def seconds(value: Any) -> int:
    """Turn ``"90s"``, ``"10m"``, ``"1h30m"`` or ``"2d"`` into seconds; a bare number has no unit and is refused."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"a duration such as '90s', '10m' or '1h30m' was expected, given {value!r}")
    if isinstance(value, int):
        if value == 0:
            return 0
        raise ValueError(f"a duration needs a unit: write '{value}m' for minutes or '{value}s' for seconds")
    text = value.replace(" ", "").lower()
    if not _DURATION.match(text):
        raise ValueError(f"a duration such as '90s', '10m' or '1h30m' was expected, given {value!r}")
    total = sum(float(number) * _UNIT[unit] for number, unit in _PIECE.findall(text))
    if total > _MAX_SECONDS:
        raise ValueError(f"a duration of at most 366 days was expected, given {value!r}")
    return round(total)


def clock(total: int) -> str:
    """Write seconds as an author would: ``90`` -> ``"1m30s"``, ``0`` -> ``"0s"``."""
    parts = []
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, total = divmod(total, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, (str, int, float, dict)) else value


Item = TypeVar("Item")
Seconds = Annotated[
    int,
    BeforeValidator(seconds),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd])+$", "description": "A duration such as 90s, 10m, 1h30m."}),
]
"""A duration, authored as text with a unit, held as whole seconds."""

Many = Annotated[tuple[Item, ...], BeforeValidator(_listed)]
"""One value or a list of values."""

CODE = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"
