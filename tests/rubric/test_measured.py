"""Numbers read out of a text, and measures of sets, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case.predicate import Codes, Number, Steps
from medsim.case.unit import UnknownUnit, converted, unit
from medsim.rubric.measured import Done, codes, measure, number, readings, steps, steps_of

CLEARANCE: dict[str, Any] = {"of": ["CrCl", "creatinine clearance"], "value": 54, "tolerance": "5%", "unit": "mL/min"}


def said(text: str, **more: Any) -> str:
    return number(Number.model_validate({**CLEARANCE, **more}), [Done(3, "", text)], "voluntary").verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("CrCl 54 mL/min", "met"),
        ("The creatinine clearance comes to about 52.1 ml/min.", "met"),
        ("CrCl = 3.2 L/h", "met"),  # 53.3 mL/min
        ("CrCl (Cockcroft-Gault, 70 kg, 64 years): 54 mL/min", "met"),
        ("CrCl-54 mL/min", "met"),
        ("CrCl 45 mL/min at first; with the new weight CrCl 54 mL/min", "met"),
        ("CrCl 54 mL/min. No: CrCl 45 mL/min", "unmet"),
        ("CrCl 60 mL/min", "unmet"),
        ("CrCl 54", "unmet"),
        ("CrCl 54 mL/min/1.73 m²", "unmet"),
        ("CrCl 50-58 mL/min", "unmet"),
        ("CrCl is low. 54 mL/min of urine", "unmet"),
        ("clearance 54 mL/min", "unmet"),
        ("CrCl 1,054 mL/min", "unmet"),
        ("", "unmet"),
    ],
)
def test_the_last_number_after_a_label_counts_in_its_unit(text: str, verdict: str) -> None:
    assert said(text) == verdict


def test_a_number_without_a_unit_counts_only_where_the_rubric_says_so() -> None:
    assert said("CrCl 54", unit_needed=False) == "met"
    assert said("CrCl 54 mg", unit_needed=False) == "unmet"
    assert said("score 4", of=["score"], value=4, tolerance=0, unit="") == "met"
    assert said("score -4", of=["score"], value=-4, tolerance=0, unit="") == "met"
    assert said("potassium 3,5 mmol/L", of=["potassium"], value=3.5, tolerance=0, unit="mmol/L") == "met"


@pytest.mark.parametrize(
    ("text", "label", "unit_", "value"),
    [
        ("Platelets 250 ×10⁹/L", "platelets", "10^3/uL", 250),
        ("temp 101.3 F", "temp", "°C", 38.5),
        ("QTc 440 ms", "QTc", "s", 0.44),
        ("SpO2 94%", "SpO2", "%", 94),
        ("eGFR 55 mL/min/1.73 m²", "eGFR", "mL/min/1.73m2", 55),
        ("heparin at 18 units/kg/h", "heparin", "units/kg/h", 18),
        ("K+ −0.5 mmol/l", "K+", "mmol/L", -0.5),
        ("creatinine 88.4 µmol/L", "creatinine", "mg/dL", 1.0),
    ],
)
def test_units_are_read_as_they_are_written(text: str, label: str, unit_: str, value: float) -> None:
    wanted = {"of": label, "value": value, "unit": unit_, **({"molar_mass": 113.12} if label == "creatinine" else {})}
    (found,) = readings(text, Number.model_validate(wanted))
    assert found.value == pytest.approx(value, rel=1e-3)


def test_bounds_do_as_well_as_a_value() -> None:
    bounds: dict[str, Any] = {"value": None, "tolerance": 0.0, "ge": 51.3, "le": 56.7}
    assert [said(f"CrCl {value} mL/min", **bounds) for value in (51.2, 51.3, 56.7, 56.8)] == ["unmet", "met", "met", "unmet"]


def test_a_number_that_is_missing_in_an_open_or_cut_off_visit_is_unknown() -> None:
    wanted = Number.model_validate(CLEARANCE)
    assert number(wanted, [], "open").verdict == "unknown"
    assert number(wanted, [Done(1, "", "CrCl 54 mL/min")], "open").verdict == "unknown", "it may still be corrected"
    assert number(wanted, [], "censored").verdict == "unknown"
    assert number(wanted, [Done(1, "", "CrCl 54 mL/min")], "censored").verdict == "met"


@given(st.text(max_size=200) | st.text("0123456789.,-+/%<> mLinCr", max_size=40), st.integers(0, 999))
def test_any_text_at_all_gives_readings_that_can_be_shown(text: str, value: int) -> None:
    found = readings(f"{text} CrCl {text}; CrCl {value} mL/min", Number.model_validate(CLEARANCE))
    assert found[-1].value == value
    assert all(reading.shown for reading in found)


@pytest.mark.parametrize(
    ("value", "from_", "to", "mass", "expected"),
    [
        (1.0, "mg/dL", "µmol/L", 113.12, 88.4017),
        (88.4, "umol/L", "mg/dL", 113.12, 0.99998),
        (100, "°F", "°C", None, 37.7778),
        (37, "C", "F", None, 98.6),
        (5, "x10^9/L", "10^3/uL", None, 5),
        (120, "mm Hg", "kPa", None, 15.9987),
        (72, "bpm", "/min", None, 72),
        (5, "mg/dL", "mmol/L", None, None),
        (5, "mg", "mL", None, None),
        (5, "mEq/L", "mmol/L", None, None),
    ],
)
def test_units_are_converted_or_refused(value: float, from_: str, to: str, mass: float | None, expected: float | None) -> None:
    found = converted(value, given=from_, wanted=to, molar_mass=mass)
    assert found == (expected if expected is None else pytest.approx(expected, rel=1e-4))


def test_an_unknown_unit_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownUnit, match="Did you mean 'mmol'"):
        unit("mmoll/L")


def test_measures_by_hand_and_none_of_nothing() -> None:
    assert measure("recall", hits=3, expected=6, given=5) == 0.5
    assert measure("precision", hits=3, expected=6, given=5) == 0.6
    assert measure("f1", hits=3, expected=6, given=5) == pytest.approx(6 / 11)
    assert measure("precision", hits=0, expected=6, given=0) is None
    assert measure("f1", hits=0, expected=6, given=0) == 0.0


def test_a_set_counts_each_code_once_and_any_alternative() -> None:
    wanted = Codes.model_validate({"expected": ["ecg12", ["vbg", "abg"]], "free": ["cbc"]})
    done = [Done(i, code, code) for i, code in enumerate(("vbg", "abg", "vbg", "cbc"))]
    found = codes(wanted, done, "voluntary")
    assert (found.verdict, found.share, found.evidence) == ("met", pytest.approx(2 / 3), (0, 1))
    assert codes(wanted, done, "open").verdict == codes(wanted, done, "censored").verdict == "unknown"
    strict = wanted.model_copy(update={"ge": 0.7})
    assert codes(strict, done, "voluntary").verdict == "unmet"


def test_what_has_no_code_is_known_by_its_words_or_the_set_is_unknown() -> None:
    wanted = Codes.model_validate({"expected": ["chest_xray"]})
    assert codes(wanted, [Done(0, "", "Chest X-ray")], "voluntary").share == 1.0
    assert codes(wanted, [Done(0, "", "that scan")], "voluntary").verdict == "unknown"


def test_steps_are_lines_and_sentences_and_a_repeated_one_does_not_serve() -> None:
    note = "1. Chest pain suggests infarction.\n- The ECG shows it. The ECG shows it!\nYes"
    assert len(steps_of(note)) == 3
    wanted = Steps.model_validate({"expected": ["infarction", "ecg"], "measure": "precision"})
    found = steps(wanted, [Done(0, "", note)], "voluntary")
    assert found.share == pytest.approx(2 / 3)
    assert steps(wanted, [], "voluntary").verdict == "na"
