"""Calculators of body size, fluids, and doses by weight.

The rule: a weight is measured or said to be estimated; a dose never passes its stated maximum.
"""

from __future__ import annotations

from math import sqrt

from medsim.calculator.calculator import Calculator, Source
from medsim.calculator.inputs import Choice
from medsim.calculator.measures import AGE, HAEMOGLOBIN, HEIGHT, SEX, WEIGHT
from medsim.calculator.quantity import Quantity
from medsim.errors import ActionError

INCH = 2.54


def bmi(weight: float, height: float) -> float:
    """Body mass index in kg/m2."""
    return weight / (height / 100) ** 2


def bsa(weight: float, height: float, method: str) -> float:
    """Body surface in m2."""
    return sqrt(height * weight / 3600) if method == "mosteller" else 0.007184 * weight**0.425 * height**0.725


def ideal(height: float, sex: str) -> float:
    """Ideal body weight in kg."""
    return (45.5 if sex == "female" else 50.0) + 2.3 * (height / INCH - 60)


def adjusted(height: float, weight: float, sex: str) -> float:
    """Adjusted body weight in kg, for people above their ideal weight."""
    least = ideal(height, sex)
    if weight < least:
        raise ActionError(
            f"adjusted_body_weight is for people above their ideal weight of {least:.1f} kg, given {weight:g} kg; use the actual weight."
        )
    return least + 0.4 * (weight - least)


def tidal_volume(height: float, sex: str, ml_per_kg: float) -> float:
    """Tidal volume in mL by predicted body weight."""
    return ml_per_kg * ((45.5 if sex == "female" else 50.0) + 0.91 * (height - 152.4))


def maintenance(weight: float) -> float:
    """Maintenance fluid in mL/h: 4 for each of the first 10 kg, 2 for each of the next 10, 1 for each further."""
    return 4 * min(weight, 10) + 2 * min(max(weight - 10, 0), 10) + max(weight - 20, 0)


def parkland(weight: float, burned: float) -> float:
    """Crystalloid in mL for the first 24 h after a burn."""
    return 4 * weight * burned


def child_weight(age: float) -> float:
    """Weight in kg that is usual at an age."""
    if age < 1:
        return 0.5 * age * 12 + 4
    return 2 * age + 8 if age < 6 else 3 * age + 7


def dose(weight: float, per_kg: float, maximum: float) -> float:
    """Single dose in mg, at most the maximum."""
    return min(weight * per_kg, maximum)


def tube(age: float, cuff: str) -> float:
    """Internal diameter in mm of a child's tracheal tube."""
    return age / 4 + (3.5 if cuff == "cuffed" else 4.0)


def iron(weight: float, haemoglobin: float, target: float) -> float:
    """Total iron deficit in mg, with 500 mg for the stores."""
    if target < haemoglobin:
        raise ActionError(f"iron_deficit needs a target of at least the haemoglobin of {haemoglobin:g} g/dL, given {target:g}.")
    return weight * (target - haemoglobin) * 2.4 + 500


MORPHINE = {
    "codeine": 0.15, "tramadol": 0.2, "tapentadol": 0.4, "hydrocodone": 1.0, "morphine": 1.0, "oxycodone": 1.5, "oxymorphone": 3.0, "hydromorphone": 5.0,
}  # fmt: skip
"""Milligrams of oral morphine for one milligram by mouth."""
STEROID = {
    "cortisone": 25.0, "hydrocortisone": 20.0, "prednisone": 5.0, "prednisolone": 5.0, "methylprednisolone": 4.0, "triamcinolone": 4.0, "dexamethasone": 0.75,
    "betamethasone": 0.75,
}  # fmt: skip
"""Milligrams that are worth 5 mg of prednisolone."""


def _halves(value: float, **_: float) -> str:
    return f"half, {value / 2:.0f} mL, in the first 8 h after the burn, the rest in the next 16 h"


def _capped(value: float, weight: float, per_kg: float, maximum: float) -> str:
    return "held at the maximum" if weight * per_kg > maximum else ""


_ADULT_HEIGHT = HEIGHT.within(152.4, 250)
_DEVINE = Source("Devine BJ. Gentamicin therapy. Drug Intell Clin Pharm", 1974)
_APLS = Source("Advanced Paediatric Life Support: the practical approach, 5th edition", 2011)

CALCULATORS = (
    Calculator(
        id="bmi", title="Body mass index", area="body", unit="kg/m2", decimals=1, names=("body mass index",), inputs=(WEIGHT, HEIGHT), formula=bmi,
        bands=((0, "underweight, of adults"), (18.5, "normal weight, of adults"), (25, "overweight, of adults"), (30, "obesity, of adults")),
        sources=(Source("WHO. Obesity: preventing and managing the global epidemic. Technical Report Series 894", 2000),),
    ),
    Calculator(
        id="bsa", title="Body surface area", area="body", unit="m2", decimals=2, names=("body surface area", "mosteller", "du bois"),
        inputs=(WEIGHT, HEIGHT, Choice(name="method", what="Formula", options={"mosteller": 0, "dubois": 0}, default="mosteller")), formula=bsa,
        sources=(
            Source("Mosteller RD. Simplified calculation of body-surface area. N Engl J Med", 1987),
            Source("Du Bois D, Du Bois EF. A formula to estimate the approximate surface area if height and weight be known. Arch Intern Med", 1916),
        ),
    ),
    Calculator(
        id="ideal_body_weight", title="Ideal body weight, Devine", area="body", unit="kg", decimals=1, names=("ibw", "devine"),
        inputs=(_ADULT_HEIGHT, SEX), formula=ideal, sources=(_DEVINE,),
    ),
    Calculator(
        id="adjusted_body_weight", title="Adjusted body weight", area="body", unit="kg", decimals=1, names=("abw", "adjbw"),
        inputs=(_ADULT_HEIGHT, WEIGHT, SEX), formula=adjusted,
        sources=(_DEVINE, Source("Winter MA, Guhr KN, Berg GM. Impact of various body weights and serum creatinine concentrations on the bias and accuracy of the Cockcroft-Gault equation. Pharmacotherapy", 2012)),
    ),
    Calculator(
        id="tidal_volume", title="Tidal volume by predicted body weight", area="body", unit="mL", names=("ardsnet", "predicted body weight"),
        inputs=(HEIGHT.within(130, 230), SEX, Quantity(name="ml_per_kg", what="Millilitres for each kilogram", unit="mL/kg", low=3, high=10, bare=True, default=6)),
        formula=tidal_volume,
        sources=(Source("ARDS Network. Ventilation with lower tidal volumes as compared with traditional tidal volumes. N Engl J Med", 2000),),
    ),
    Calculator(
        id="maintenance_fluids", title="Maintenance fluid, 4-2-1 rule", area="body", unit="mL/h", names=("4-2-1", "holliday-segar", "maintenance"),
        inputs=(WEIGHT.within(3, 100),), formula=maintenance,
        sources=(Source("Holliday MA, Segar WE. The maintenance need for water in parenteral fluid therapy. Pediatrics", 1957),),
    ),
    Calculator(
        id="parkland", title="Fluid in the first 24 h after a burn, Parkland", area="body", unit="mL", names=("parkland formula", "burns"),
        inputs=(WEIGHT, Quantity(name="burned", what="Body surface with burns of second or third degree", unit="%", low=1, high=100, bare=True, also={"tbsa": None})),
        formula=parkland, remark=_halves,
        sources=(Source("Baxter CR, Shires T. Physiological response to crystalloid resuscitation of severe burns. Ann N Y Acad Sci", 1968),),
    ),
    Calculator(
        id="child_weight", title="Weight of a child by age, estimated", area="body", unit="kg", decimals=1, names=("apls weight", "paediatric weight", "pediatric weight"),
        inputs=(AGE.within(0, 12),), formula=child_weight, sources=(_APLS,),
    ),
    Calculator(
        id="dose_by_weight", title="Dose by weight", area="body", unit="mg", decimals=1, names=("paediatric dose", "pediatric dose", "weight based dose"),
        inputs=(
            WEIGHT, Quantity(name="per_kg", what="Dose for each kilogram", unit="mg/kg", low=0.0001, high=1000),
            Quantity(name="maximum", what="Highest single dose", unit="mg", low=0.001, high=100000),
        ),
        formula=dose, remark=_capped, sources=(Source("WHO. Pocket book of hospital care for children, 2nd edition", 2013),),
    ),
    Calculator(
        id="tracheal_tube", title="Tracheal tube of a child, internal diameter", area="body", unit="mm", decimals=1, names=("ett size", "endotracheal tube"),
        inputs=(AGE.within(1, 12), Choice(name="cuff", what="With or without a cuff", options={"cuffed": 0, "uncuffed": 0})), formula=tube, sources=(_APLS,),
    ),
    Calculator(
        id="iron_deficit", title="Iron deficit, Ganzoni", area="body", unit="mg", names=("ganzoni",),
        inputs=(WEIGHT.within(35, 300), HAEMOGLOBIN, HAEMOGLOBIN.called("target", "Haemoglobin to be reached").within(10, 18).assumed(15)), formula=iron,
        sources=(Source("Ganzoni AM. Intravenous iron-dextran: therapeutic and experimental possibilities. Schweiz Med Wochenschr", 1970),),
    ),
    Calculator(
        id="morphine_equivalent", title="Oral morphine equivalent a day", area="body", unit="mg/day", decimals=1, names=("mme", "morphine milligram equivalents"),
        inputs=(
            Choice(name="drug", what="Opioid by mouth", options=dict.fromkeys(MORPHINE, 0.0)),
            Quantity(name="daily", what="Its dose a day", unit="mg", low=0.1, high=5000),
        ),
        formula=lambda drug, daily: MORPHINE[drug] * daily, bands=((0, ""), (50, "50 mg or more: the risk of an overdose grows")),
        sources=(Source("CDC Clinical Practice Guideline for Prescribing Opioids for Pain, United States", 2022),),
    ),
    Calculator(
        id="steroid_equivalent", title="Equivalent dose of prednisolone", area="body", unit="mg", decimals=1, names=("steroid conversion",),
        inputs=(
            Choice(name="drug", what="Glucocorticoid", options=dict.fromkeys(STEROID, 0.0)),
            Quantity(name="dose", what="Its dose", unit="mg", low=0.1, high=5000),
        ),
        formula=lambda drug, dose: dose * 5 / STEROID[drug],
        sources=(Source("British National Formulary: glucocorticoid therapy, equivalent anti-inflammatory doses", 2024),),
    ),
)  # fmt: skip
