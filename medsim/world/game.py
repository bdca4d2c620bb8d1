"""The rules of a discrete encounter with a world: actions, prices, what is seen, what it earns. Shared by one environment and by many.

The rule: an action is an integer. Findings come first (ask, examine or test, as the finding's kind says), then for ``inquiry`` STOP, at
which the reference diagnoser answers, and for ``workup`` the treatments and the diagnoses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from operator import index
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from medsim.errors import ActionError, CaseError, did_you_mean
from medsim.world.check import unreachable
from medsim.world.noise import NoiseLike
from medsim.world.patients import Draw, Patients
from medsim.world.payoff import HARMFUL, Payoff, payoff
from medsim.world.schema import World
from medsim.world.tables import F32, I8, Tables, compile_world

Task = Literal["inquiry", "workup"]
Seen = Literal["dict", "flat"]


class Act(NamedTuple):
    """An action in words: its kind (history, exam, test, treat, diagnose, stop) and the id of what it is about."""

    kind: str
    id: str


def numbered(action: Any, *, actions: int) -> int:
    """Return an action as the number it is; ActionError for what is no whole number below ``actions``."""
    try:
        number = index(action)
    except TypeError:
        raise ActionError(f"An action is a whole number, 0 to {actions - 1}; given {str(action)[:60]} ({type(action).__name__}).") from None
    if not 0 <= number < actions:
        raise ActionError(f"An action is 0 to {actions - 1}; given {number}.")
    return number


@dataclass(frozen=True, eq=False)
class Game:
    """A world, a task and their terms."""

    tables: Tables
    task: Task = "inquiry"
    payoff: Payoff = field(default_factory=Payoff)
    max_turns: int = 30
    min_turn: int = 0
    """No STOP, treatment or diagnosis before this many turns, unless there is nothing left to ask."""
    budget: float | None = None
    """US dollars after which the encounter is truncated; None: no limit."""
    seen: Seen = "dict"
    belief: bool = False
    """Whether the exact posterior is part of the observation; results should say so."""
    masked: bool = True
    """False: the published mask is all ones, and the policy must learn what is legal."""
    bank: Patients | None = None
    """Play these patients and no others."""

    def __post_init__(self) -> None:
        """Refuse limits that leave no encounter."""
        if self.task not in ("inquiry", "workup"):
            raise ActionError(f"A task 'inquiry' or 'workup' was expected, given {self.task!r}.")
        if self.seen not in ("dict", "flat"):
            raise ActionError(f"observation is 'dict' or 'flat', given {self.seen!r}.")
        if not (isinstance(self.min_turn, (int, np.integer)) and isinstance(self.max_turns, (int, np.integer))):
            raise ActionError(f"Whole numbers of turns were expected, given min_turn={self.min_turn!r}, max_turns={self.max_turns!r}.")
        if not 0 <= self.min_turn < self.max_turns:
            raise ActionError(f"0 <= min_turn < max_turns was expected, given min_turn={self.min_turn}, max_turns={self.max_turns}.")
        if self.budget is not None and not (isinstance(self.budget, Real) and self.budget > 0):
            raise ActionError(f"A budget in US dollars above 0 was expected, given {self.budget!r}; leave it out for none.")
        if self.bank is not None and (len(self.bank) == 0 or self.bank.reported.shape[1] != self.findings):
            raise ActionError(
                f"The bank holds {len(self.bank)} patients with {self.bank.reported.shape[1]} findings; at least one patient with the "
                f"{self.findings} findings of world '{self.tables.world.id}' was expected."
            )

    @property
    def conditions(self) -> int:
        """D"""
        return self.tables.shape[0]

    @property
    def findings(self) -> int:
        """F"""
        return self.tables.shape[1]

    @property
    def treatments(self) -> int:
        """M, 0 in the inquiry task."""
        return self.tables.shape[2] if self.task == "workup" else 0

    @property
    def stop(self) -> int:
        """The first action that ends the encounter: STOP, or the first diagnosis."""
        return self.findings + self.treatments

    @cached_property
    def actions(self) -> int:
        """How many actions there are."""
        return self.stop + (1 if self.task == "inquiry" else self.conditions)

    @cached_property
    def draw(self) -> Draw:
        """Where patients come from."""
        return Draw.of(self.tables)

    @cached_property
    def tracks(self) -> bool:
        """Whether the posterior is kept at every step."""
        return self.belief or self.payoff.shaping > 0

    @cached_property
    def menu(self) -> tuple[Act, ...]:
        """Every action in words, by number."""
        world = self.tables.world
        asked = [Act(finding.kind, finding.id) for finding in world.findings]
        if self.task == "inquiry":
            return (*asked, Act("stop", ""))
        given = [Act("treat", treatment.id) for treatment in world.treatments]
        return (*asked, *given, *(Act("diagnose", condition.id) for condition in world.conditions))

    def number(self, kind: str, id: str = "") -> int:
        """Return the number of an action given in words."""
        try:
            return self.menu.index(Act(kind, id))
        except ValueError:
            known = [act.id for act in self.menu if act.kind == kind]
            kinds = ", ".join(dict.fromkeys(act.kind for act in self.menu))
            raise ActionError(f"No action '{kind}: {id}'.{did_you_mean(id, known)} Kinds of action here: {kinds}.") from None

    @cached_property
    def fee(self) -> F32:
        """(A,): taken off the reward."""
        given = [treatment.fee for treatment in self.tables.world.treatments][: self.treatments]
        return np.concatenate([self.tables.fee, given, np.zeros(self.actions - self.stop)]).astype(np.float32)

    @cached_property
    def cost(self) -> F32:
        """(A,): US dollars."""
        given = [treatment.cost for treatment in self.tables.world.treatments][: self.treatments]
        return np.concatenate([self.tables.cost, given, np.zeros(self.actions - self.stop)]).astype(np.float32)

    @cached_property
    def dollars(self) -> float:
        """What the budget in the observation is a share of: the limit, or the price of everything."""
        return float(self.budget or max(self.cost.sum(), 1.0))

    @cached_property
    def utility(self) -> F32:
        """(D, D): what each diagnosis (second axis) earns for each condition."""
        return self.payoff.utility(self.tables.world)

    @cached_property
    def opening_mask(self) -> I8:
        """(G, A): what is legal at first, by group."""
        mask = np.zeros((len(self.tables.weight), self.actions), dtype=np.int8)
        mask[:, : self.findings] = self.tables.allowed & (self.tables.parent < 0)
        mask[:, self.findings :] = self.closing_mask * (self.min_turn == 0)
        return mask

    @cached_property
    def closing_mask(self) -> I8:
        """(A - F,): what of STOP, treatments and diagnoses is ever offered: nothing hidden, no condition that nobody can have."""
        if self.task == "inquiry":
            return np.ones(1, dtype=np.int8)
        offered = [not treatment.hidden for treatment in self.tables.world.treatments]
        return np.array([*offered, *(self.tables.weight @ self.tables.prior > 0)], dtype=np.int8)

    @cached_property
    def harmful(self) -> NDArray[np.bool_]:
        """(M, D): which treatment harms whom."""
        table = np.zeros((self.treatments, self.conditions), dtype=bool)
        for m, treatment in enumerate(self.tables.world.treatments[: self.treatments]):
            for name, harm in treatment.harm.items():
                table[m, self.tables.condition_index[name]] = harm >= HARMFUL
        return table

    @cached_property
    def critical(self) -> NDArray[np.bool_]:
        """(D, M): which treatments must not be left out."""
        table = np.zeros((self.conditions, self.treatments), dtype=bool)
        for m, treatment in enumerate(self.tables.world.treatments[: self.treatments]):
            for name in treatment.critical:
                table[self.tables.condition_index[name], m] = True
        return table

    @cached_property
    def forbidding(self) -> NDArray[np.bool_]:
        """(M, F): which findings, when present, make a treatment harmful."""
        table = np.zeros((self.treatments, self.findings), dtype=bool)
        for m, treatment in enumerate(self.tables.world.treatments[: self.treatments]):
            for name in treatment.contraindicated_by:
                table[m, self.tables.finding_index[name]] = True
        return table

    @cached_property
    def value_offset(self) -> NDArray[np.int64]:
        """(F,): where each finding's values begin in the observation's ``values``."""
        return np.concatenate([[0], np.cumsum(self.tables.values)[:-1]]).astype(np.int64)

    @cached_property
    def layout(self) -> dict[str, int]:
        """The parts of the observation and their widths, in the order of the flat form."""
        parts = {"findings": self.findings, "asked": self.findings, "values": int(self.tables.values.sum()), "treated": self.treatments}
        parts |= {"demo": 3, "budget": 2, "belief": self.conditions if self.belief else 0}
        return {name: width for name, width in parts.items() if width}

    @cached_property
    def observation_space(self) -> spaces.Space[Any]:
        """A Dict, or one float32 Box of its parts side by side."""
        if self.seen == "flat":
            low = np.zeros(sum(self.layout.values()), dtype=np.float32)
            low[: self.findings] = -1.0
            return spaces.Box(low, np.ones_like(low), dtype=np.float32)
        parts: dict[str, spaces.Space[Any]] = {}
        for name, width in self.layout.items():
            if name in ("asked", "values", "treated"):
                parts[name] = spaces.MultiBinary(width)
            elif name == "findings":
                parts[name] = spaces.Box(-1, 1, (width,), np.int8)
            else:
                parts[name] = spaces.Box(0.0, 1.0, (width,), np.float32)
        return spaces.Dict(parts)


def game(
    world: str | World | Tables,
    *,
    task: Task = "inquiry",
    reward: Payoff | Mapping[str, float] | None = None,
    noise: NoiseLike = None,
    max_turns: int = 30,
    min_turn: int = 0,
    budget: float | None = None,
    observation: Seen = "dict",
    belief: bool = False,
    masked: bool = True,
    bank: Patients | None = None,
) -> Game:
    """Build a game from a world's name, path, model or tables; a condition that nobody can have is refused, but for tables."""
    from medsim.world import load

    if not isinstance(world, (str, World, Tables)):
        raise CaseError(f"world is the name or the path of a world, for example world='sore-throat'; given {world!r}.")
    if isinstance(world, Tables):
        tables = world if noise is None else compile_world(world.world, noise=noise)
    else:
        tables = compile_world(load(world) if isinstance(world, str) else world, noise=noise)
        if wrong := unreachable(tables):  # a world from a file was linted when it was loaded
            raise CaseError("\n".join(f"World '{tables.world.id}': {fault}" for fault in wrong))
    terms = payoff(reward)
    return Game(tables, task, terms, max_turns, min_turn, budget, observation, belief, masked, bank)
