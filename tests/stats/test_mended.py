"""A score corrected item by item: by hand on a small example, and over many drawn ones for its interval."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.stats.correction import Labelled, rogan_gladen
from medsim.stats.mended import Parts, rogan_gladen_score


def labels(cases: int, *, sensitive: tuple[int, int], specific: tuple[int, int]) -> Labelled:
    """In each case so many items truly met, of which so many were found; the same for unmet."""
    truth = [1] * sensitive[1] + [0] * specific[1]
    judged = [1] * sensitive[0] + [0] * (sensitive[1] - sensitive[0]) + [0] * specific[0] + [1] * (specific[1] - specific[0])
    return Labelled(truth * cases, judged * cases, [case for case in range(cases) for _ in truth])


def test_the_correction_by_hand() -> None:
    # sensitivity 0.8, specificity 0.9: gain 0.7. One encounter a case: fixed 0.2, judged 0.3 of weight 0.6.
    parts = Parts([0.2] * 6, [0.3] * 6, [0.6] * 6, [0.0] * 6)
    found = rogan_gladen_score(parts, cases=range(6), labelled=labels(6, sensitive=(8, 10), specific=(9, 10)), resamples=100)
    assert found.value == pytest.approx(0.2 + (0.3 - 0.1 * 0.6) / 0.7)


def test_where_all_is_judged_and_weighs_alike_it_is_the_published_correction() -> None:
    generator = np.random.default_rng(3)
    verdicts = (generator.random((12, 10)) < 0.6).astype(float)
    labelled = labels(12, sensitive=(8, 10), specific=(7, 8))
    shares = verdicts.mean(axis=1)
    mine = rogan_gladen_score(Parts([0.0] * 12, list(shares), [1.0] * 12, [0.0] * 12), cases=range(12), labelled=labelled, resamples=300)
    theirs = rogan_gladen(verdicts.ravel(), cases=np.repeat(np.arange(12), 10).tolist(), labelled=labelled, resamples=300)
    assert mine.value == pytest.approx(theirs.value)
    assert mine.low == pytest.approx(theirs.low)


@pytest.mark.parametrize(
    ("labelled", "said"),
    [
        (labels(4, sensitive=(8, 10), specific=(9, 10)), "4 labelled cases of at least 5"),
        (labels(1, sensitive=(8, 10), specific=(9, 10)), "1 labelled case of"),
        (labels(9, sensitive=(8, 10), specific=(0, 0)), "one class only"),
        (labels(9, sensitive=(5, 10), specific=(5, 10)), "no better than chance"),
        (Labelled([], [], []), "0 labelled cases"),
    ],
)
def test_what_cannot_be_corrected_is_a_sentence(labelled: Labelled, said: str) -> None:
    found = rogan_gladen_score(Parts([0.0] * 9, [0.5] * 9, [1.0] * 9, [0.0] * 9), cases=range(9), labelled=labelled)
    assert found.value is None
    assert said in found.note
    assert rogan_gladen_score(Parts([], [], [], []), cases=[], labelled=labels(9, sensitive=(8, 10), specific=(8, 10))).value is None


def test_the_interval_covers_the_truth() -> None:
    generator = np.random.default_rng(11)
    hits, trials = 0, 150
    for _ in range(trials):
        rate = generator.beta(4, 3, size=60)
        truth = generator.random((60, 12)) < rate[:, None]
        judged = np.where(truth, generator.random(truth.shape) < 0.85, generator.random(truth.shape) < 0.2)
        points = np.array([1, 2, 1, 1, 3, 1, 1, 1, 2, 1, -1, -2.0])
        weight = points / points[points > 0].sum()
        parts = Parts([0.0] * 60, list(judged @ weight), [float(weight.sum())] * 60, [float(weight[weight < 0].sum())] * 60)
        some = Labelled(truth[:25].ravel().tolist(), judged[:25].ravel().tolist(), np.repeat(np.arange(25), 12).tolist())
        found = rogan_gladen_score(parts, cases=range(60), labelled=some, resamples=400)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= (4 / 7) * weight.sum() <= found.high
    assert 0.91 <= hits / trials <= 0.99


def test_neither_value_nor_interval_leaves_what_a_score_can_be() -> None:
    # a judge that hardly knows anything, on one item worth 1 and one harm of -0.25
    labelled = labels(9, sensitive=(6, 10), specific=(6, 10))
    parts = Parts([0.0] * 9, [0.75, 1.0, 0.0] * 3, [0.75] * 9, [-0.25] * 9)
    found = rogan_gladen_score(parts, cases=range(9), labelled=labelled, resamples=400)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert -0.25 <= found.low <= found.value <= found.high <= 1
    low = rogan_gladen_score(parts._replace(judged=[-0.25] * 9), cases=range(9), labelled=labelled, resamples=400)
    assert low.value == -0.25
    assert "outside -0.25 to 1" in low.note
