"""Names of diagnoses: the same thing said otherwise counts; a near thing, a denied thing and a list of everything do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Case
from medsim.case import Diagnosis as Named
from medsim.rubric.names import accepted, alternatives, folded, is_correct, named, names

STEMI = ("Inferior STEMI", "inferior ST elevation myocardial infarction", "I21.19")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("inferior stemi", "Inferior STEMI"),
        ("  INFERIOR—STEMI. ", "Inferior STEMI"),
        ("probable acute inferior STEMI", "Inferior STEMI"),
        ("acute inferior ST-elevation myocardial infarction with RV involvement", STEMI[1]),
        ("i21.19", "I21.19"),
        ("haemolytic anaemia", "Hemolytic anemia"),
        ("Hemolytic Anemia", "haemolytic anaemia"),
        ("Crohn’s disease", "Crohn's disease"),
        ("crohn disease", "Crohn's disease"),
        ("Ménière disease", "Meniere's disease"),
        ("oesophageal tumour", "esophageal tumor"),
        ("myocardial infarction, inferior", "myocardial infarction inferior"),
        ("DKA due to omitted insulin", "DKA"),
        ("MI", "mi"),
        ("acute on chronic pancreatitis", "acute pancreatitis"),
        ("71-year-old man with pneumonia", "pneumonia"),
        ("asthma with a history of atopy", "asthma"),
        ("inferior STEMI, not a dissection", "inferior STEMI"),
        ("no PE, inferior STEMI", "inferior STEMI"),
        ("history of asthma, now severe asthma", "severe asthma"),
        ("inferior STEMI without shock", "inferior STEMI"),
    ],
)
def test_the_same_thing_said_otherwise_is_the_same_thing(said: str, name: str) -> None:
    assert names(said, (name,))


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("anterior STEMI", "Inferior STEMI"),
        ("not an inferior STEMI", "Inferior STEMI"),
        ("inferior STEMI ruled out", "Inferior STEMI"),
        ("inferior STEMI unlikely", "Inferior STEMI"),
        ("inferior STEMI not likely", "Inferior STEMI"),
        ("unlikely to be an inferior STEMI", "Inferior STEMI"),
        ("chest pain, rule out inferior STEMI", "Inferior STEMI"),
        ("r/o inferior STEMI", "Inferior STEMI"),
        ("history of inferior STEMI", "Inferior STEMI"),
        ("previous inferior STEMI", "Inferior STEMI"),
        ("at risk of pneumonia", "pneumonia"),
        ("chronic pancreatitis", "acute pancreatitis"),
        ("type 2 diabetes mellitus", "type 1 diabetes mellitus"),
        ("right tubal pregnancy", "left tubal pregnancy"),
        ("familial syndrome", "mi"),
        ("hypothyroidism", "thyroid"),
        ("pneumonitis", "pneumonia"),
        ("myocardial", "myocardial infarction"),
        ("", "pneumonia"),
        ("...", "pneumonia"),
        ("pneumonia", ""),
        ("anything at all could be wrong with him, the heart, the lungs, the gut, sepsis, trauma, even a pneumonia", "pneumonia"),
    ],
)
def test_a_near_or_denied_thing_is_not_the_thing(said: str, name: str) -> None:
    assert not names(said, (name,))


def test_alternatives_in_one_breath_stand_on_ranks_of_their_own() -> None:
    assert alternatives(["PE or pneumonia", "asthma vs. COPD", "cholecystitis/cholangitis"]) == [
        "PE", "pneumonia", "asthma", "COPD", "cholecystitis", "cholangitis",
    ]  # fmt: skip
    assert alternatives(["ST/T changes"]) == ["ST/T changes"]


def test_a_list_joined_by_commas_is_a_ranked_list_and_one_comma_is_not() -> None:
    assert alternatives(["PE, pneumonia, and inferior STEMI"]) == ["PE", "pneumonia", "inferior STEMI"]
    assert alternatives(["STEMI, inferior"]) == ["STEMI, inferior"]
    assert not named(["PE, pneumonia, inferior STEMI"], STEMI)
    assert named(["PE, pneumonia, inferior STEMI"], STEMI, rank_le=3)
    assert named(["depression, recurrent, severe"], ("Depression, recurrent, severe",)), "a name may hold commas itself"


def test_only_the_first_ranks_count(mini: Case) -> None:
    assert is_correct(mini, ["inferior STEMI", "dissection"])
    assert not is_correct(mini, ["dissection", "inferior STEMI"])
    assert is_correct(mini, ["dissection", "inferior STEMI"], rank_le=2)
    assert not is_correct(mini, ["dissection or inferior STEMI"])
    assert not is_correct(mini, [])


def test_the_code_of_a_diagnosis_counts_as_its_name() -> None:
    assert accepted(Named(name="X", accept=("y",), code="I21.19")) == ("X", "y", "I21.19")
    assert names("I21.19", accepted(Named(name="X", code="I21.19")))


@given(st.text(max_size=60))
def test_folding_again_changes_nothing_and_a_name_names_itself(text: str) -> None:
    assert folded(folded(text)) == folded(text)
    assert names(text, (text,)) == bool(folded(text))


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_said_and_accepted_there_is_an_answer(said: str, name: str) -> None:
    assert names(said, (name,)) in {True, False}
    assert named([said], (name,), rank_le=1) in {True, False}
