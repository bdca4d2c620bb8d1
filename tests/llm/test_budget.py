"""A limit is never passed, whatever comes back and however many ask at once."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.errors import LLMError
from medsim.llm import Budget, BudgetSpent
from medsim.trajectory import Usage

AMOUNTS = st.builds(Usage, st.just(1), st.integers(0, 50), st.integers(0, 50), st.floats(0, 0.5))


@given(st.lists(st.tuples(AMOUNTS, st.floats(0, 1))), st.floats(0, 5), st.integers(0, 500), st.integers(0, 10))
def test_no_limit_is_ever_passed(calls: list[tuple[Usage, float]], usd: float, tokens: int, count: int) -> None:
    budget = Budget(usd=usd, tokens=tokens, calls=count)
    for worst, share in calls:
        try:
            assert budget.reserve(worst)
        except BudgetSpent:
            continue
        budget.settle(worst, Usage(1, int(worst.tokens_in * share), int(worst.tokens_out * share), worst.usd * share))
    spent = budget.spent
    assert spent.usd <= usd + 1e-6
    assert spent.tokens_in + spent.tokens_out <= tokens
    assert spent.calls <= count


def test_a_call_that_may_fit_when_others_are_back_waits_for_them() -> None:
    budget, worst = Budget(tokens=100), Usage(1, 40, 40)
    assert budget.reserve(worst)
    assert not budget.reserve(worst)
    budget.settle(worst, Usage(1, 10, 5))
    assert budget.reserve(worst)


def test_a_call_that_can_never_fit_is_refused_with_the_figures() -> None:
    budget = Budget(usd=1.0, spent=Usage(3, 0, 0, 0.75))
    with pytest.raises(BudgetSpent, match=r"budget of 1 USD is spent: 0\.75 used, and the next call could take 0\.5\b"):
        budget.reserve(Usage(1, 0, 0, 0.5))


def test_what_an_earlier_part_of_the_run_spent_counts() -> None:
    with pytest.raises(BudgetSpent, match="calls"):
        Budget(calls=3, spent=Usage(calls=3)).reserve(Usage(calls=1))


def test_a_budget_that_is_spent_is_an_error_of_the_language_model() -> None:
    assert issubclass(BudgetSpent, LLMError)


def test_a_budget_below_nothing_is_refused() -> None:
    with pytest.raises(LLMError, match="at least 0"):
        Budget(usd=-1)


def test_many_threads_together_do_not_pass_it() -> None:
    budget, made = Budget(calls=100), []

    def spend() -> None:
        for _ in range(50):
            try:
                if budget.reserve(Usage(calls=1)):
                    made.append(1)
                    budget.settle(Usage(calls=1), Usage(calls=1))
            except BudgetSpent:
                return

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 100
    assert budget.spent.calls == 100
