"""How answers are garbled on the way to the doctor, finding by finding.

The rule: noise goes by the class of a finding; what is no class, or no chance, is refused in words and never taken for none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from medsim.errors import CaseError
from medsim.world.schema import CLASS_OF, TARIFF, Noise, World

NoiseLike = Mapping[str, Noise | Mapping[str, float]] | None


def levels(world: World, given: NoiseLike) -> NDArray[np.float64]:
    """Return (F, 3): the chances of unsure, flip and omit of each finding; ``given`` by class replaces the world's own."""
    classes = {**TARIFF, **dict.fromkeys(CLASS_OF.values(), 0.0)}
    if given is not None and not isinstance(given, Mapping):
        raise CaseError(f"noise is the chances of unsure, flip and omit by class, {{'history': {{'flip': 0.05}}}}; given {given!r}.")
    said: dict[str, Any] = dict(given if given is not None else world.noise.items())
    table: dict[str, Noise] = {}
    for name, level in said.items():
        if name not in classes:
            raise CaseError(f"No class of findings '{name}' to be noisy. Classes: {', '.join(classes)}.")
        try:
            table[name] = level if isinstance(level, Noise) else Noise.model_validate(dict(level))
        except ValidationError as error:
            wrong = "; ".join(_said(one["loc"], one["msg"], one["input"]) for one in error.errors())
            raise CaseError(f"The noise of '{name}' cannot be used: {wrong} It has unsure, flip and omit, each from 0 to 1.") from error
        except (TypeError, ValueError) as error:
            raise CaseError(f"The noise of '{name}' is unsure, flip and omit, each from 0 to 1; given {level!r}.") from error
    found = [table.get(finding.group, Noise()) for finding in world.findings]
    return np.array([(level.unsure, level.flip, level.omit) for level in found])


def _said(place: tuple[int | str, ...], message: str, given: object) -> str:
    """What is wrong with one of the chances, or with all together."""
    what = message.removeprefix("Value error, ").rstrip(".")
    return f"{'.'.join(map(str, place))}: {what}, given {given}." if place else f"{what}."
