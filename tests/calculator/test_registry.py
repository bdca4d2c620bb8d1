"""What the registry takes and refuses, and that Python, tools and text are one."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.calculator import Calculator, calculate, find, from_tool, registry, said, table, tool_schemas
from medsim.calculator.inputs import Answers, Choice, Flag
from medsim.calculator.quantity import Quantity
from medsim.case.unit import unit
from medsim.errors import ActionError

DOCS = Path(__file__).parents[2] / "docs" / "calculators.md"


def test_python_text_and_tool_give_the_same_answer() -> None:
    called = calculate("egfr", creatinine="1.2 mg/dL", age=60, sex="female")
    assert (
        called
        == said("egfr creatinine=1.2 mg/dL age=60 sex=female")
        == from_tool("calculate_egfr", {"creatinine": "1.2 mg/dL", "age": 60, "sex": "female"})
    )
    assert str(called) == "Estimated GFR, CKD-EPI 2021: 52 mL/min/1.73m2 (G3a). From creatinine 1.2 mg/dL, age 60 years, sex female."


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("egfr creatinine=1 mg/dL age=50 sex=male", "eGFR: scr=88.4 µmol/L, age=50 years, gender=m"),
        ("osmolality sodium=140 glucose=180.156 mg/dL bun=28.014 mg/dL", "osmolality na=140 mEq/L glucose=10 mmol/L urea=10 mmol/L"),
        ("osmolality sodium=140 glucose=90 mg/dL bun=28.014 mg/dL", "osmolality sodium=140 glucose=90 mg/dL urea=60.056 mg/dL"),
        ("corrected_calcium calcium=10.0195 mg/dL albumin=4 g/dL", "corrected_calcium calcium=5 mEq/L albumin=40 g/L"),
        ("bmi weight=45.359237 kg height=1.524 m", "BMI weight=100 lb height=60 inches"),
        ("pf_ratio pao2=75.00617 mmHg fio2=0.5", "p/f pao2=10 kPa fio2=50 %"),
    ],
)  # fmt: skip
def test_units_and_other_names_change_nothing(one: str, other: str) -> None:
    assert said(one).value == pytest.approx(said(other).value, rel=1e-3)


def test_a_bound_survives_conversion() -> None:
    inflamed = "sirs temp={} hr=80 rr=16 wbc=8 10^9/L"
    assert said(inflamed.format("38 °C")).value == said(inflamed.format("100.4 F")).value == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("egffr creatinine=1.2 mg/dL", "Did you mean 'egfr'?"),
        ("", "Which calculator?"),
        ("zzzzqq", "There are: aa_gradient"),
        ("egfr age=60 sex=female", "needs creatinine"),
        ("egfr creatinine=1.2 age=60 sex=female", "Give its unit"),
        ("egfr creatinine=120 mg/dL age=60 sex=female", "lies outside 0.1 to 30 mg/dL"),
        ("egfr creatinine=1.2 mg/dL age=12 sex=female", "lies outside 18 to 120 years"),
        ("egfr creatinine=1.2 mmHg age=60 sex=female", "measures something else"),
        ("egfr creatinine=1.2 furlong age=60 sex=female", "no unit 'furlong'"),
        ("egfr creatinine=high age=60 sex=female", "should be a number"),
        ("egfr creatinine=-1.2 mg/dL age=60 sex=female", "lies outside"),
        ("egfr creatinine=1.2 mg/dL age=60 sex=robot", "should be one of female, male"),
        ("egfr creatinine=1.2 mg/dL age=60 sex=male weight=80 kg", "takes no 'weight'"),
        ("egfr creatinine=1.2 mg/dL age=60 age=70 sex=male", "age twice"),
        ("egfr creatinine=1.2 mg/dL cr=1.3 mg/dL age=60 sex=male", "creatinine twice"),
        ("phq9 answers=1,2,3", "should be 9 whole numbers"),
        ("phq9 answers=1,2,3,4,0,0,0,0,0", "number 4 of answers should be a whole number from 0 to 3"),
        ("map sbp=80 dbp=100", "should lie below the systolic"),
        ("ldl total=200 mg/dL hdl=50 mg/dL triglycerides=500 mg/dL", "lies outside 10 to 400 mg/dL"),
        ("delta_ratio sodium=140 chloride=100 bicarbonate=24", "below 24"),
        ("adjusted_body_weight height=180 cm weight=50 kg sex=male", "use the actual weight"),
        ("sodium_deficit sodium=130 target=125 weight=60 kg sex=male age=40", "above the sodium"),
        ("cage cut_down=perhaps", "should be yes or no"),
        ("qsofa rr=22 sbp=100 gcs=13.5", "whole number"),
    ],
)
def test_what_is_not_covered_is_refused_and_says_what_is_expected(text: str, expected: str) -> None:
    with pytest.raises(ActionError, match=re.escape(expected)):
        said(text)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, [60], "1e400"])
def test_no_number_is_made_of_what_is_none(value: object) -> None:
    with pytest.raises(ActionError):
        calculate("map", sbp=value, dbp=60)


def test_what_nobody_named_counts_as_absent_and_is_said() -> None:
    answer = said("cha2ds2_vasc age=70 sex=male stroke=yes")
    assert answer.value == 3
    assert answer.assumed == ("heart_failure no", "hypertension no", "diabetes no", "vascular no")
    assert "Not given, taken as: heart_failure no" in str(answer)


def test_a_question_on_suicide_is_never_lost_in_a_low_sum() -> None:
    assert "suicide" in said("phq9 answers=0,0,0,0,0,0,0,0,1").meaning
    assert "suicide" not in said("phq9 answers=1,1,1,1,1,1,1,1,0").meaning


def test_names_are_unique_and_units_known() -> None:
    named: dict[str, str] = {}
    for entry in registry().values():
        for part in entry.inputs:
            assert not isinstance(part, Quantity) or unit(part.unit or "1").name
        for name in {re.sub(r"[^a-z0-9]+", "", name.lower()) for name in (entry.id, entry.title, *entry.names)}:
            assert named.setdefault(name, entry.id) == entry.id
            assert find(name) is entry
        own = [name for part in entry.inputs for name in (part.name, *part.also)]
        assert len(own) == len(set(own)), entry.id


def test_tools_are_plain_json_and_refuse_what_is_not_theirs() -> None:
    schemas = tool_schemas()
    assert len(schemas) == len(registry())
    assert json.loads(json.dumps(schemas)) == list(schemas)
    for schema, entry in zip(schemas, registry().values(), strict=True):
        parameters = schema["function"]["parameters"]
        assert set(parameters["properties"]) == {part.name for part in entry.inputs}
        assert parameters["required"] == [part.name for part in entry.inputs if part.required]
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", schema["function"]["name"])
    assert from_tool("calculate_cage", {"annoyed": True, "guilty": None}).value == 1
    with pytest.raises(ActionError, match="Did you mean 'calculate_cage'"):
        from_tool("calculate_cagee", {})


@pytest.mark.parametrize("entry", registry().values(), ids=list(registry()))
def test_each_calculator_gives_a_finite_number_or_none_at_the_ends_of_its_range(entry: Calculator) -> None:
    for end in ("low", "high"):
        given: dict[str, object] = {}
        for part in entry.inputs:
            if isinstance(part, Quantity):
                given[part.name] = f"{getattr(part, end)!r} {part.unit}"
            elif isinstance(part, Choice):
                given[part.name] = list(part.options)[0 if end == "low" else -1]
            elif isinstance(part, Flag):
                given[part.name] = end == "high"
            elif isinstance(part, Answers):
                given[part.name] = [0] * len(part.most) if end == "low" else list(part.most)
        with suppress(ActionError):  # pressures or times that exclude each other at the ends
            assert math.isfinite(calculate(entry.id, **given).value)


@given(st.text(max_size=200))
def test_no_words_make_it_fail_in_another_way(text: str) -> None:
    for words in (text, f"egfr {text}", f"egfr creatinine={text} age=60 sex=male", f"phq9 answers={text}"):
        with suppress(ActionError):
            assert math.isfinite(said(words).value)


def test_the_page_of_calculators_is_current() -> None:
    assert table() in DOCS.read_text(encoding="utf-8"), (
        "docs/calculators.md is out of date: put the output of medsim.calculator.table() into it"
    )
