"""Which entry has a name: the case's own first, exactly before nearly, and less is believed of words that belong to another verb."""

from __future__ import annotations

import pytest

from medsim.vocabulary import entries
from medsim.vocabulary.entry import Entry
from medsim.vocabulary.lookup import Names

OWN = {
    "ecg12": Entry("ecg12", "order", "Tracing of the heart", "bedside", busy=7),
    "moonlight": Entry("moonlight", "order", "Moonlight scan", "imaging"),
}
BOTH, ALONE = Names(OWN, shared=True), Names(OWN, shared=False)


def code(found: Entry | None) -> str | None:
    return found.code if found else None


def test_a_shared_name_of_a_code_that_the_case_has_means_the_cases_own() -> None:
    name = entries()["ecg12"].name
    assert BOTH.exact("order", name) is OWN["ecg12"]
    assert ALONE.exact("order", name) is None


def test_what_the_case_does_not_have_is_found_among_the_shared_ones_only_where_they_can_be_asked_for() -> None:
    assert code(BOTH.exact("order", "troponin")) == "troponin"
    assert ALONE.exact("order", "troponin") is None
    assert ALONE.inside("order", "a troponin at once") is None
    assert ALONE.near("order", "troponinn") is None


@pytest.mark.parametrize(
    ("words", "exact", "inside", "near"),
    [
        ("moonlight scan", "moonlight", "moonlight", "moonlight"),
        ("now a moonlight scan of the chest", None, "moonlight", None),
        ("monlight scan", None, None, "moonlight"),
        ("sunlight lamp", None, None, None),
    ],
)
def test_a_name_is_found_as_it_stands_inside_other_words_or_nearly(
    words: str, exact: str | None, inside: str | None, near: str | None
) -> None:
    assert (code(ALONE.exact("order", words)), code(ALONE.inside("order", words)), code(ALONE.near("order", words))) == (
        exact,
        inside,
        near,
    )


def test_one_word_inside_others_is_no_name_under_a_verb_of_another_family() -> None:
    assert code(ALONE.inside("order", "some moonlight please")) == "moonlight"
    assert ALONE.inside("order", "some moonlight please", strange=True) is None


def test_a_drug_may_have_one_slip_and_no_more() -> None:
    drugs = Names({"x": Entry("x", "treat", "Metoclopramide", "drug")}, shared=False)
    assert code(drugs.near("treat", "metoclopramid")) == "x"
    assert drugs.near("treat", "metaclopromide") is None


def test_what_is_not_known_is_offered_the_nearest_names_and_three_at_most() -> None:
    assert ALONE.offers("order", "moon scan") == ("Moonlight scan",)
    assert ALONE.offers("order", "") == ()
    assert 0 < len(BOTH.offers("order", "ct scan")) <= 3
