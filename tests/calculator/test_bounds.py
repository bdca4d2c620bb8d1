"""Where a step begins: the value on the bound is the first of the next step, and what a formula clamps stands still beyond it.

The tables say the bounds a second time, as the scores are commonly taught.
"""

from __future__ import annotations

import re

import pytest

from medsim.calculator import said

Steps = list[tuple[float, float]]

BLEEDING = "glasgow_blatchford urea=5 mmol/L haemoglobin=14 g/dL sex=male sbp=120 hr=80"
WOMAN = BLEEDING.replace("sex=male", "sex=female")
OBSERVED = "news2 rr=16 spo2=97 oxygen=no sbp=120 hr=70 conscious=alert temp=37 °C"
HYPERCAPNIC = f"{OBSERVED} scale=2"
ON_OXYGEN = HYPERCAPNIC.replace("oxygen=no", "oxygen=yes")
FAILING = "sofa pao2=450 mmHg fio2=100 % platelets=200 10^9/L bilirubin=0.8 mg/dL circulation=none gcs=15 creatinine=0.9 mg/dL urine=2000"
VENTILATED = f"{FAILING} ventilated=yes"
PNEUMONIA = "curb65 age=40 urea=5 mmol/L rr=16 sbp=120 dbp=80 confusion=no"
SEPTIC = "qsofa rr=16 sbp=120 gcs=15"
INFLAMED = "sirs temp=37 °C hr=70 rr=16 wbc=8 10^9/L"
KIDNEY = "aki_stage baseline=1 mg/dL creatinine=1 mg/dL"
STEPS: list[tuple[str, str, str, Steps]] = [
    (BLEEDING, "urea", "mmol/L", [(6.4, 0), (6.5, 2), (7.9, 2), (8, 3), (9.9, 3), (10, 4), (24.9, 4), (25, 6)]),
    (BLEEDING, "haemoglobin", "g/dL", [(13, 0), (12.9, 1), (12, 1), (11.9, 3), (10, 3), (9.9, 6)]),
    (WOMAN, "haemoglobin", "g/dL", [(12, 0), (11.9, 1), (10, 1), (9.9, 6)]),
    (BLEEDING, "sbp", "", [(110, 0), (109, 1), (100, 1), (99, 2), (90, 2), (89, 3)]),
    (BLEEDING, "hr", "", [(99, 0), (100, 1)]),
    (OBSERVED, "rr", "", [(8, 3), (9, 1), (11, 1), (12, 0), (20, 0), (21, 2), (24, 2), (25, 3)]),
    (OBSERVED, "spo2", "", [(91, 3), (92, 2), (93, 2), (94, 1), (95, 1), (96, 0)]),
    (OBSERVED, "sbp", "", [(90, 3), (91, 2), (100, 2), (101, 1), (110, 1), (111, 0), (219, 0), (220, 3)]),
    (OBSERVED, "hr", "", [(40, 3), (41, 1), (50, 1), (51, 0), (90, 0), (91, 1), (110, 1), (111, 2), (130, 2), (131, 3)]),
    (OBSERVED, "temp", "°C", [(35, 3), (35.1, 1), (36, 1), (36.1, 0), (38, 0), (38.1, 1), (39, 1), (39.1, 2)]),
    (HYPERCAPNIC, "spo2", "", [(83, 3), (84, 2), (85, 2), (86, 1), (87, 1), (88, 0), (93, 0), (97, 0)]),
    (ON_OXYGEN, "spo2", "", [(83, 5), (84, 4), (86, 3), (88, 2), (92, 2), (93, 3), (94, 3), (95, 4), (96, 4), (97, 5)]),
    (FAILING, "pao2", "mmHg", [(400, 0), (399, 1), (300, 1), (299, 2), (99, 2)]),
    (VENTILATED, "pao2", "mmHg", [(200, 2), (199, 3), (100, 3), (99, 4)]),
    (FAILING, "platelets", "10^9/L", [(150, 0), (149, 1), (100, 1), (99, 2), (50, 2), (49, 3), (20, 3), (19, 4)]),
    (FAILING, "bilirubin", "mg/dL", [(1.1, 0), (1.2, 1), (1.9, 1), (2, 2), (5.9, 2), (6, 3), (12, 3), (12.1, 4)]),
    (FAILING, "gcs", "", [(15, 0), (14, 1), (13, 1), (12, 2), (10, 2), (9, 3), (6, 3), (5, 4)]),
    (FAILING, "creatinine", "mg/dL", [(1.1, 0), (1.2, 1), (1.9, 1), (2, 2), (3.4, 2), (3.5, 3), (5, 3), (5.1, 4)]),
    (FAILING, "urine", "", [(500, 0), (499, 3), (200, 3), (199, 4)]),
    (PNEUMONIA, "age", "", [(64, 0), (65, 1)]),
    (PNEUMONIA, "urea", "mmol/L", [(7, 0), (7.1, 1)]),
    (PNEUMONIA, "rr", "", [(29, 0), (30, 1)]),
    (PNEUMONIA, "sbp", "", [(90, 0), (89, 1)]),
    (PNEUMONIA, "dbp", "", [(61, 0), (60, 1)]),
    (SEPTIC, "rr", "", [(21, 0), (22, 1)]),
    (SEPTIC, "sbp", "", [(101, 0), (100, 1)]),
    (SEPTIC, "gcs", "", [(15, 0), (14, 1)]),
    (INFLAMED, "temp", "°C", [(35.9, 1), (36, 0), (38, 0), (38.1, 1)]),
    (INFLAMED, "hr", "", [(90, 0), (91, 1)]),
    (INFLAMED, "rr", "", [(20, 0), (21, 1)]),
    (INFLAMED, "wbc", "10^9/L", [(3.9, 1), (4, 0), (12, 0), (12.1, 1)]),
    (KIDNEY, "creatinine", "mg/dL", [(1.29, 0), (1.3, 1), (1.99, 1), (2, 2), (2.99, 2), (3, 3)]),
    ("aki_stage baseline=2.5 mg/dL creatinine=2.5 mg/dL", "creatinine", "mg/dL", [(2.79, 0), (2.8, 1), (3.99, 1), (4, 3)]),
    ("child_weight age=3", "age", "", [(0, 4), (1, 10), (5, 18), (6, 25), (12, 43)]),
]  # fmt: skip


def worth(line: str, name: str, value: str) -> float:
    """What a line comes to with one of its numbers changed."""
    changed = re.sub(rf" {name}=[^=]*(?= \w+=|$)", f" {name}={value}", line)
    assert f" {name}={value}" in changed
    return said(changed).value


@pytest.mark.parametrize(
    ("line", "name", "unit", "steps"), STEPS, ids=[f"{line.split()[0]}-{name}-{place}" for place, (line, name, *_) in enumerate(STEPS)]
)
def test_every_step_begins_at_its_bound(line: str, name: str, unit: str, steps: Steps) -> None:
    assert [(value, worth(line, name, f"{value} {unit}".strip())) for value, _ in steps] == steps


@pytest.mark.parametrize(
    ("name", "unit", "inner", "bound", "outer"),
    [("albumin", "g/dL", 2.1, 1.5, 1.0), ("albumin", "g/dL", 2.8, 3.5, 4.5), ("creatinine", "mg/dL", 2.6, 3.0, 5.0), ("sodium", "", 128, 125, 115)],
)  # fmt: skip
def test_meld_stands_still_beyond_the_bounds_of_what_goes_into_it(name: str, unit: str, inner: float, bound: float, outer: float) -> None:
    ill = "meld3 bilirubin=4 mg/dL sodium=131 inr=1.8 creatinine=1.0 mg/dL albumin=2.5 g/dL sex=male"
    near, at, beyond = (worth(ill, name, f"{value} {unit}".strip()) for value in (inner, bound, outer))
    assert near != at == beyond


@pytest.mark.parametrize(("weight", "held"), [(66, False), (67, True)])
def test_a_dose_is_said_to_be_held_only_above_its_maximum(weight: int, held: bool) -> None:
    found = said(f"dose_by_weight weight={weight} kg per_kg=15 mg/kg maximum=990 mg")
    assert (found.value, "held at the maximum" in found.meaning) == (990, held)
