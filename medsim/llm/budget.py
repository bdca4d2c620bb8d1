"""Limits in USD, tokens and calls for a run, never passed.

The rule: before a call goes out, the most that it could cost is set aside; when it is back, what it did cost is booked and the rest is
free again. A call whose worst case does not fit beside what is already spent is not made.
"""

from __future__ import annotations

import threading

from medsim.errors import LLMError
from medsim.trajectory import Usage

_SLACK = 1e-9


class BudgetSpent(LLMError):
    """The next call could pass a limit of the run, so it was not made."""


class Budget:
    """What a run may cost. ``calls`` counts every request that goes out, retries too; ``spent`` is what earlier parts of the run used."""

    def __init__(
        self,
        *,
        usd: float | None = None,
        tokens: int | None = None,
        calls: int | None = None,
        spent: Usage = Usage(),  # noqa: B008 (a value)
    ) -> None:
        for name, limit in (("usd", usd), ("tokens", tokens), ("calls", calls)):
            if limit is not None and not limit >= 0:
                raise LLMError(f"A budget of at least 0 {name} was expected, given {limit!r}.")
        self.usd, self.tokens, self.calls = usd, tokens, calls
        self._lock = threading.Lock()
        self._spent, self._held = spent, Usage()

    def __repr__(self) -> str:
        return f"Budget(usd={self.usd}, tokens={self.tokens}, calls={self.calls}, spent={self.spent})"

    @property
    def spent(self) -> Usage:
        """What is spent for certain, or must be taken as spent because the provider did not say."""
        with self._lock:
            return self._spent

    def carry(self, spent: Usage) -> None:
        """Count what earlier parts of the run have spent."""
        with self._lock:
            self._spent = self._spent.plus(spent)

    def reserve(self, worst: Usage) -> bool:
        """Set the worst case of one request aside. False: calls on their way must come back first. BudgetSpent: it can never fit."""
        with self._lock:
            self._refuse(self._spent.plus(worst), worst)
            together = self._spent.plus(self._held).plus(worst)
            if any(limit is not None and sum_ > limit + _SLACK for _, limit, sum_ in self._limits(together)):
                return False
            self._held = self._held.plus(worst)
            return True

    def settle(self, worst: Usage, real: Usage) -> None:
        """Book what a request cost and free what was set aside for it."""
        with self._lock:
            held = self._held
            self._held = Usage(
                held.calls - worst.calls,
                held.tokens_in - worst.tokens_in,
                held.tokens_out - worst.tokens_out,
                max(0.0, held.usd - worst.usd),
            )
            self._spent = self._spent.plus(real)

    def _limits(self, usage: Usage) -> tuple[tuple[str, float | None, float], ...]:
        return ("USD", self.usd, usage.usd), ("tokens", self.tokens, usage.tokens_in + usage.tokens_out), ("calls", self.calls, usage.calls)

    def _refuse(self, then: Usage, worst: Usage) -> None:
        costs = {name: value for name, _, value in self._limits(worst)}
        for name, limit, value in self._limits(then):
            if limit is not None and value > limit + _SLACK:
                used = value - costs[name]
                raise BudgetSpent(
                    f"The budget of {_amount(limit)} {name} is spent: {_amount(used)} used, and the next call could take {_amount(costs[name])}. "
                    "What is done is kept; give a larger budget and run the same again to go on."
                )


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6f}".rstrip("0")
