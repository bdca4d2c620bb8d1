"""What an encounter with a discrete environment earns: costs, utility, safety and, apart from them, shaping.

The rule: nothing is ever paid for asking, nor for a positive answer. Shaping is potential-based with a potential of zero at every end, so
that it adds the same to every episode that starts alike; results are compared by the return without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from medsim.case.part import Part
from medsim.errors import ActionError, did_you_mean
from medsim.world.schema import World

Penalty = Annotated[float, Field(le=0.0)]

HARMFUL = 0.5
"""From this harm on, a treatment is contraindicated."""


class Payoff(Part):
    """The terms of the reward; costs come from the world's tariff."""

    correct: float = 1.0
    block: float = 0.3
    """A wrong diagnosis of the same ontology block."""
    wrong: Penalty = -0.5
    missed: Penalty = -1.0
    """Any other diagnosis when the condition must not be missed, of the same block or not."""
    truncated: Penalty = -1.0
    harm: Penalty = -1.0
    """A harmful treatment; it ends the encounter."""
    critical: Penalty = -0.2
    """Each critical treatment not given before the diagnosis."""
    veto: bool = True
    """A failure of safety holds the whole return at zero or below: accuracy does not buy it."""
    illegal: Penalty = -0.05
    shaping: Annotated[float, Field(ge=0.0)] = 0.0
    """Weight of the potential, minus the reference posterior's entropy over that at the start; 0: none."""
    gamma: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """The discount inside the shaping term; give the learner's."""

    def utility(self, world: World) -> NDArray[np.float32]:
        """Return what each diagnosis earns for each condition, as (true, given)."""
        table = np.full((len(world.conditions),) * 2, self.wrong, dtype=np.float32)
        for i, true in enumerate(world.conditions):
            for j, given in enumerate(world.conditions):
                if i == j:
                    table[i, j] = self.correct
                elif true.must_not_miss:
                    table[i, j] = self.missed
                elif true.block and true.block == given.block:
                    table[i, j] = self.block
        return table


def payoff(given: Payoff | Mapping[str, float] | None) -> Payoff:
    """Return the terms as given, or the defaults with some changed."""
    if isinstance(given, Payoff):
        return given
    if given is not None and not isinstance(given, Mapping):
        raise ActionError(f"reward is terms by name, for example {{'correct': 1, 'wrong': -0.5}}; given {given!r}.")
    for name in given or ():
        if name not in Payoff.model_fields:
            known = list(Payoff.model_fields)
            raise ActionError(f"No reward term '{name}'.{did_you_mean(str(name), known)} Terms: {', '.join(known)}.")
    try:
        return Payoff(**(given or {}))  # type: ignore[arg-type]
    except ValueError as error:
        raise ActionError(f"The reward terms cannot be used: {error}") from error
