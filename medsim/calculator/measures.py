"""The quantities that many calculators share, each with its usual unit, its molar mass and the range in which it is believed.

The rule: the range is what a living person can have; a calculator narrows it to what its source covers.
"""

from __future__ import annotations

from medsim.calculator.inputs import Choice
from medsim.calculator.quantity import Quantity

_MONTHS = dict.fromkeys(("month", "months", "mo"), 1 / 12)
AGE = Quantity(
    name="age",
    what="Age",
    unit="years",
    low=0,
    high=120,
    bare=True,
    other_units={**_MONTHS, **dict.fromkeys(("y", "yr", "yrs", "yo", "y/o", "years old"), 1)},
)
ADULT = AGE.within(18, 120)
SEX = Choice(name="sex", what="Sex the formula was made for", options={"female": 0, "male": 0}, also={"gender": None})
WEIGHT = Quantity(name="weight", what="Body weight", unit="kg", low=0.3, high=400)
HEIGHT = Quantity(name="height", what="Height", unit="cm", low=30, high=250)

SBP = Quantity(name="sbp", what="Systolic blood pressure", unit="mmHg", low=20, high=300, bare=True, also={"systolic": None})
DBP = Quantity(name="dbp", what="Diastolic blood pressure", unit="mmHg", low=10, high=200, bare=True, also={"diastolic": None})
HR = Quantity(name="hr", what="Heart rate", unit="/min", low=10, high=300, bare=True, also={"heart_rate": None, "pulse": None})
RR = Quantity(name="rr", what="Respiratory rate", unit="/min", low=1, high=100, bare=True, also={"respiratory_rate": None})
TEMP = Quantity(name="temp", what="Body temperature", unit="°C", low=24, high=45, bare=True, also={"temperature": None})
SPO2 = Quantity(name="spo2", what="Oxygen saturation by pulse oximetry", unit="%", low=30, high=100, bare=True, also={"saturation": None})
GCS = Quantity(name="gcs", what="Glasgow Coma Scale", low=3, high=15, bare=True, whole=True)

CREATININE = Quantity(
    name="creatinine", what="Serum creatinine", unit="mg/dL", low=0.1, high=30, molar_mass=113.12, also={"cr": None, "scr": None}
)
BUN = Quantity(name="bun", what="Blood urea nitrogen", unit="mg/dL", low=1, high=300, molar_mass=28.014, also={"urea": 60.056})
UREA = Quantity(name="urea", what="Blood urea", unit="mmol/L", low=0.3, high=110, molar_mass=60.056, also={"bun": 28.014})
SODIUM = Quantity(
    name="sodium", what="Serum sodium", unit="mmol/L", low=90, high=200, bare=True, molar_mass=22.99, valence=1, also={"na": None}
)
CHLORIDE = Quantity(name="chloride", what="Serum chloride", unit="mmol/L", low=50, high=160, bare=True, valence=1, also={"cl": None})
BICARBONATE = Quantity(
    name="bicarbonate", what="Serum bicarbonate", unit="mmol/L", low=1, high=60, bare=True, valence=1, also={"hco3": None}
)
CALCIUM = Quantity(
    name="calcium", what="Total serum calcium", unit="mg/dL", low=2, high=25, molar_mass=40.078, valence=2, also={"ca": None}
)
GLUCOSE = Quantity(name="glucose", what="Blood glucose", unit="mg/dL", low=10, high=2500, molar_mass=180.156)
ALBUMIN = Quantity(name="albumin", what="Serum albumin", unit="g/dL", low=0.5, high=7)
BILIRUBIN = Quantity(name="bilirubin", what="Total bilirubin", unit="mg/dL", low=0.1, high=80, molar_mass=584.66)
INR = Quantity(name="inr", what="International normalised ratio", low=0.5, high=20, bare=True)
AST = Quantity(name="ast", what="Aspartate aminotransferase", unit="U/L", low=1, high=30000, bare=True)
ALT = Quantity(name="alt", what="Alanine aminotransferase", unit="U/L", low=1, high=30000, bare=True)
PLATELETS = Quantity(name="platelets", what="Platelet count", unit="10^9/L", low=1, high=3000, also={"plt": None})
WBC = Quantity(name="wbc", what="White cell count", unit="10^9/L", low=0.05, high=700)
HAEMOGLOBIN = Quantity(
    name="haemoglobin", what="Haemoglobin", unit="g/dL", low=2, high=26, also={"hemoglobin": None, "hb": None, "hgb": None}
)
PAO2 = Quantity(name="pao2", what="Arterial oxygen tension", unit="mmHg", low=15, high=700)
PACO2 = Quantity(name="paco2", what="Arterial carbon dioxide tension", unit="mmHg", low=5, high=200)
FIO2 = Quantity(name="fio2", what="Inspired fraction of oxygen, 0.21 to 1", low=0.21, high=1, bare=True)
