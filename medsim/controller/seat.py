"""What a controller is given, and what it gives back.

The rule: both are plain values. A task holds what has happened and never the rubric; a ruling holds one deed for each action, in order.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, get_args

from medsim.errors import StoreError
from medsim.trajectory import Usage

Standing = Literal["executed", "pending", "unsupported"]
"""executed: done, with what is found; pending: done, the result comes later; unsupported: not to be had here."""
STANDINGS: tuple[Standing, ...] = get_args(Standing)
LONGEST_ACT, LONGEST_RESULT = 4 * 3600, 24 * 3600
"""Seconds: what one action may take, and how long a result may be awaited."""
VITALS = {"hr": (0, 350), "sbp": (0, 350), "dbp": (0, 250), "rr": (0, 120), "spo2": (0, 100), "temp": (20, 45), "gcs": (3, 15)}
"""The vital signs a ruling may give, with the bounds outside which a number is a slip."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the doctor does at the bedside in one go, as put to the controller."""

    index: int
    actions: tuple[str, ...]
    """Lines of the grammar, ``examine: heart``, in the order in which they are done."""
    state: str
    following: str
    """The declared state after this one; empty in the last."""
    seconds: int
    """Since arrival."""
    transcript: tuple[str, ...]
    """What has been said, done and seen so far, one line each, with the clock."""
    ended: bool = False
    """The doctor has declared the present stage finished."""
    to: str = "controller"
    seed: int = 0


class Deed(NamedTuple):
    """What became of one action. ``seconds``: how long it takes; ``result_in``: when a pending result is back."""

    status: Standing
    text: str
    seconds: int = 60
    result_in: int = 0


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a controller says: one deed for each action, what is seen to happen, and whether the story goes on."""

    deeds: tuple[Deed, ...]
    seen: tuple[str, ...] = ()
    vitals: dict[str, float] = field(default_factory=dict)
    """Those that changed or were measured: hr, sbp, dbp, rr, spo2, temp, gcs."""
    advance: bool = False
    """The conditions for the next declared state are met."""
    complete: bool = False
    """The last state has run its course."""
    withheld: tuple[str, ...] = ()
    """Sentences that were left out because they told the doctor what to do."""
    source: str = ""
    usage: Usage | None = None

    def data(self) -> dict[str, Any]:
        """Plain data for the log, from which ``of`` makes an equal ruling."""
        plain = {name: value for name, value in asdict(self).items() if name != "usage"}
        return {**plain, "deeds": [list(deed) for deed in self.deeds], "seen": list(self.seen), "withheld": list(self.withheld)}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Ruling:
        """Rebuild a ruling from the log."""
        try:
            deeds = tuple(Deed(*deed) for deed in data["deeds"])
            rest: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name != "deeds"
            }
            return cls(deeds, **rest)
        except (KeyError, TypeError) as error:
            raise StoreError(f"A stored ruling cannot be read ({error}).") from error


class Controller(Protocol):
    """Anything that can sit in the controller's seat."""

    @property
    def name(self) -> str:
        """What a result's identity calls this controller."""
        ...

    def rule(self, task: Task) -> Ruling:
        """Answer for the body, the laboratory and the surroundings."""
        ...
