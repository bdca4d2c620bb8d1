"""What holds for every measure whatever it is given."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim import stats
from medsim.stats import Estimate

VERDICT = st.sampled_from([0, 1, None])
ROWS = st.lists(st.tuples(VERDICT, VERDICT, st.sampled_from("abcdef")), max_size=25)
FEW = {"resamples": 40}


def labelled(truth: list, judged: list, cases: list) -> stats.Labelled:  # type: ignore[type-arg]
    return stats.Labelled(truth, judged, cases)


MEASURES: dict[str, Callable[[list, list, list], Estimate]] = {  # type: ignore[type-arg]
    "macro": lambda t, j, c: stats.macro(t, cases=c, **FEW),
    "micro": lambda t, j, c: stats.micro(t, possible=j, cases=c, **FEW),
    "pass_rate": lambda t, j, c: stats.pass_rate(t, cases=c),
    "harm_rate": lambda t, j, c: stats.harm_rate(t, cases=c),
    "pass_at_2": lambda t, j, c: stats.pass_at_k(t, cases=c, k=2),
    "pass_hat_2": lambda t, j, c: stats.pass_hat_k(t, cases=c, k=2),
    "difference": lambda t, j, c: stats.difference(t, other=j, **FEW),
    "cohen_kappa": lambda t, j, c: stats.cohen_kappa(t, second=j, cases=c, **FEW),
    "quadratic kappa": lambda t, j, c: stats.cohen_kappa(t, second=j, cases=c, weights="quadratic", **FEW),
    "fleiss_kappa": lambda t, j, c: stats.fleiss_kappa(list(zip(t, j, strict=True)), cases=c, **FEW),
    "nominal alpha": lambda t, j, c: stats.krippendorff_alpha(list(zip(t, j, strict=True)), cases=c, **FEW),
    "ordinal alpha": lambda t, j, c: stats.krippendorff_alpha(list(zip(t, j, strict=True)), cases=c, level="ordinal", **FEW),
    "interval alpha": lambda t, j, c: stats.krippendorff_alpha(list(zip(t, j, strict=True)), cases=c, level="interval", **FEW),
    "icc 2,1": lambda t, j, c: stats.icc(list(zip(t, j, strict=True)), cases=c, **FEW),
    "icc 3,1": lambda t, j, c: stats.icc(list(zip(t, j, strict=True)), cases=c, kind="3,1", **FEW),
    "macro_f1": lambda t, j, c: stats.macro_f1(t, judged=j, cases=c, **FEW),
    "sensitivity": lambda t, j, c: stats.sensitivity(t, judged=j, cases=c, **FEW),
    "specificity": lambda t, j, c: stats.specificity(t, judged=j, cases=c, **FEW),
    "bias": lambda t, j, c: stats.bias(t, judged=j, cases=c, **FEW),
    "rogan_gladen": lambda t, j, c: stats.rogan_gladen(j, cases=c, labelled=labelled(t, j, c), **FEW),
    "ppi_mean": lambda t, j, c: stats.ppi_mean(j, cases=c, labelled=labelled(t, j, c)),
}


@pytest.mark.parametrize("name", MEASURES)
@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=ROWS)
def test_a_measure_is_a_finite_number_or_none_with_the_reason(name: str, rows: list[tuple[int | None, int | None, str]]) -> None:
    found = MEASURES[name]([t for t, _, _ in rows], [j for _, j, _ in rows], [c for _, _, c in rows])
    assert all(number is None or math.isfinite(number) for number in found[:3])
    if found.value is None or found.low is None:
        assert found.note
    assert (found.low is None) == (found.high is None)
    if found.low is not None and found.high is not None:
        assert found.value is not None
        assert found.low <= found.high


@pytest.mark.parametrize("name", MEASURES)
def test_nothing_given_is_none_with_the_reason(name: str) -> None:
    found = MEASURES[name]([], [], [])
    assert found[:3] == (None, None, None)
    assert found.note


@pytest.mark.parametrize("name", sorted(set(MEASURES) - {"difference"}))
def test_the_order_of_rows_and_the_names_of_types_change_nothing(name: str) -> None:
    generator = np.random.default_rng(6)
    truth, judged = generator.integers(0, 2, 60), generator.integers(0, 2, 60) | (generator.random(60) < 0.3)
    cases, order = np.arange(60) % 11, generator.permutation(60)
    plain = MEASURES[name](truth.tolist(), judged.tolist(), cases.tolist())
    mixed = MEASURES[name](truth[order], judged[order], cases[order])  # type: ignore[arg-type]
    assert plain.value == pytest.approx(mixed.value)
    assert (plain.low, plain.high) == (pytest.approx(mixed.low), pytest.approx(mixed.high))
