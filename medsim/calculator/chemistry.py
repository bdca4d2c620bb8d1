"""Calculators of acid and base, salts, water and blood fats.

The rule: what a formula estimates is named as an estimate; where two constants are in use the choice is an input.
"""

from __future__ import annotations

from math import isclose

from medsim.calculator.calculator import Calculator, Source, yes
from medsim.calculator.inputs import Choice
from medsim.calculator.measures import (
    AGE,
    ALBUMIN,
    BICARBONATE,
    BUN,
    CALCIUM,
    CHLORIDE,
    GLUCOSE,
    SEX,
    SODIUM,
    WEIGHT,
)
from medsim.calculator.quantity import Quantity
from medsim.errors import ActionError


def anion_gap(sodium: float, chloride: float, bicarbonate: float, albumin: float) -> float:
    """Anion gap in mmol/L without potassium, raised by 2.5 for each g/dL that albumin is below 4."""
    return sodium - chloride - bicarbonate + 2.5 * (4.0 - albumin)


def delta_ratio(sodium: float, chloride: float, bicarbonate: float) -> float:
    """Rise of the anion gap over 12 divided by the fall of bicarbonate below 24."""
    if bicarbonate >= 24:
        raise ActionError("delta_ratio needs a bicarbonate below 24 mmol/L: without its fall there is no ratio.")
    return (sodium - chloride - bicarbonate - 12) / (24 - bicarbonate)


def winters(bicarbonate: float) -> float:
    """Carbon dioxide tension in mmHg that goes with a metabolic acidosis."""
    return 1.5 * bicarbonate + 8


def osmolality(sodium: float, glucose: float, bun: float) -> float:
    """Osmolality of serum in mosm/kg."""
    return 2 * sodium + glucose / 18 + bun / 2.8


def osmolal_gap(measured: float, sodium: float, glucose: float, bun: float, ethanol: float) -> float:
    """Measured less calculated osmolality, ethanol included."""
    return measured - osmolality(sodium, glucose, bun) - ethanol / 3.7


def corrected_calcium(calcium: float, albumin: float) -> float:
    """Total calcium in mg/dL as it would be at an albumin of 4 g/dL."""
    return calcium + 0.8 * (4.0 - albumin)


def corrected_sodium(sodium: float, glucose: float, method: str) -> float:
    """Sodium in mmol/L as it would be at a glucose of 100 mg/dL."""
    return sodium + (2.4 if method == "hillier" else 1.6) * (glucose - 100) / 100


def body_water(weight: float, sex: str, age: float) -> float:
    """Total body water in litres, by the shares that Adrogue and Madias give."""
    if age < 18:
        return 0.6 * weight
    return weight * ((0.45 if age >= 65 else 0.5) if sex == "female" else (0.5 if age >= 65 else 0.6))


def water_deficit(sodium: float, weight: float, sex: str, age: float) -> float:
    """Water in litres that brings sodium down to 140 mmol/L."""
    return body_water(weight, sex, age) * (sodium / 140 - 1)


def sodium_change(sodium: float, infusate: float, potassium: float, weight: float, sex: str, age: float) -> float:
    """Change of serum sodium in mmol/L by one litre of an infusion."""
    return (infusate + potassium - sodium) / (body_water(weight, sex, age) + 1)


def sodium_deficit(sodium: float, target: float, weight: float, sex: str, age: float) -> float:
    """Sodium in mmol that lifts serum sodium to a target."""
    if target <= sodium:
        raise ActionError(f"sodium_deficit needs a target above the sodium of {sodium:g} mmol/L, given {target:g}.")
    return body_water(weight, sex, age) * (target - sodium)


def ldl(total: float, hdl: float, triglycerides: float) -> float:
    """LDL cholesterol in mg/dL."""
    if hdl > total:
        raise ActionError("ldl: HDL cholesterol cannot exceed total cholesterol; check the numbers.")
    return total - hdl - triglycerides / 5


def average_glucose(hba1c: float) -> float:
    """Mean glucose in mg/dL of the last weeks."""
    return 28.7 * hba1c - 46.7


def resistance(glucose: float, insulin: float) -> float:
    """Index of insulin resistance, fasting."""
    return glucose * insulin / 405


def phenytoin(measured: float, albumin: float, renal_failure: bool) -> float:
    """Phenytoin level in mg/L as it would be at a normal albumin."""
    return measured / ((0.1 if renal_failure else 0.2) * albumin + 0.1)


def _tolerance(value: float, bicarbonate: float) -> str:
    return f"expected {value - 2:.0f} to {value + 2:.0f}; lower or higher: a respiratory disorder beside it"


def _is_mended(value: float, albumin: float, **_: float) -> str:
    return "" if isclose(albumin, 4.0) else "corrected for albumin"


_CHOLESTEROL = Quantity(name="total", what="Total cholesterol", unit="mg/dL", low=30, high=1000, molar_mass=386.65)
_ADROGUE_LOW = Source("Adrogué HJ, Madias NE. Hyponatremia. N Engl J Med", 2000)
_ADROGUE_HIGH = Source("Adrogué HJ, Madias NE. Hypernatremia. N Engl J Med", 2000)

CALCULATORS = (
    Calculator(
        id="anion_gap", title="Anion gap", area="chemistry", unit="mmol/L", decimals=1, names=("ag", "albumin corrected anion gap"),
        inputs=(SODIUM, CHLORIDE, BICARBONATE, ALBUMIN.assumed(4.0)), formula=anion_gap, remark=_is_mended,
        bands=((-50, "not raised"), (12.1, "raised")),
        sources=(
            Source("Emmett M, Narins RG. Clinical use of the anion gap. Medicine (Baltimore)", 1977),
            Source("Figge J, Jabor A, Kazda A, Fencl V. Anion gap and hypoalbuminemia. Crit Care Med", 1998),
        ),
    ),
    Calculator(
        id="delta_ratio", title="Delta ratio", area="chemistry", unit="", decimals=1, names=("delta delta", "delta gap"),
        inputs=(SODIUM, CHLORIDE, BICARBONATE), formula=delta_ratio,
        bands=((-9, "below 0.4: normal-gap acidosis"), (0.4, "0.4 to 1: both kinds of acidosis"), (1, "1 to 2: high-gap acidosis alone"), (2.1, "above 2: a metabolic alkalosis beside it")),
        sources=(Source("Rastegar A. Use of the delta AG/delta HCO3 ratio in the diagnosis of mixed acid-base disorders. J Am Soc Nephrol", 2007),),
    ),
    Calculator(
        id="winters", title="Expected carbon dioxide tension, Winters", area="chemistry", unit="mmHg", decimals=1, names=("winter's formula", "expected pco2"),
        inputs=(BICARBONATE.within(1, 24),), formula=winters, remark=_tolerance,
        sources=(Source("Albert MS, Dell RB, Winters RW. Quantitative displacement of acid-base equilibrium in metabolic acidosis. Ann Intern Med", 1967),),
    ),
    Calculator(
        id="osmolality", title="Serum osmolality, calculated", area="chemistry", unit="mosm/kg", names=("serum osmolality", "osmolarity"),
        inputs=(SODIUM, GLUCOSE, BUN), formula=osmolality, bands=((0, "low"), (275, "usual"), (296, "high")),
        sources=(Source("Rasouli M. Basic concepts and practical equations on osmolality: biochemical approach. Clin Biochem", 2016),),
    ),
    Calculator(
        id="osmolal_gap", title="Osmolal gap", area="chemistry", unit="mosm/kg", names=("osmolar gap",),
        inputs=(
            Quantity(name="measured", what="Measured osmolality", unit="mosm/kg", low=150, high=600, bare=True), SODIUM, GLUCOSE, BUN,
            Quantity(name="ethanol", what="Blood ethanol", unit="mg/dL", low=0, high=1200, molar_mass=46.07, default=0),
        ),
        formula=osmolal_gap, bands=((-60, "not raised"), (11, "raised: look for a toxic alcohol")),
        sources=(Source("Purssell RA et al. Derivation and validation of a formula to calculate the contribution of ethanol to the osmolal gap. Ann Emerg Med", 2001),),
    ),
    Calculator(
        id="corrected_calcium", title="Calcium corrected for albumin", area="chemistry", unit="mg/dL", decimals=1, names=("adjusted calcium",),
        inputs=(CALCIUM, ALBUMIN), formula=corrected_calcium, bands=((0, "low"), (8.5, "usual"), (10.6, "high")),
        sources=(Source("Payne RB et al. Interpretation of serum calcium in patients with abnormal serum proteins. BMJ", 1973),),
    ),
    Calculator(
        id="corrected_sodium", title="Sodium corrected for glucose", area="chemistry", unit="mmol/L", decimals=1, names=("sodium correction",),
        inputs=(SODIUM, GLUCOSE.within(100, 2500), Choice(name="method", what="Fall of sodium for 100 mg/dL glucose: Katz 1.6, Hillier 2.4", options={"katz": 0, "hillier": 0}, default="katz")),
        formula=corrected_sodium,
        sources=(
            Source("Katz MA. Hyperglycemia-induced hyponatremia: calculation of expected serum sodium depression. N Engl J Med", 1973),
            Source("Hillier TA, Abbott RD, Barrett EJ. Hyponatremia: evaluating the correction factor for hyperglycemia. Am J Med", 1999),
        ),
    ),
    Calculator(
        id="free_water_deficit", title="Free water deficit", area="chemistry", unit="L", decimals=1, names=("water deficit",),
        inputs=(SODIUM.within(140, 200), WEIGHT, SEX, AGE), formula=water_deficit, sources=(_ADROGUE_HIGH,),
    ),
    Calculator(
        id="sodium_change", title="Change of sodium by one litre of an infusion", area="chemistry", unit="mmol/L", decimals=1, names=("adrogue-madias",),
        inputs=(
            SODIUM,
            SODIUM.called("infusate", "Sodium of the infusion: 513 in 3 %, 154 in 0.9 % saline, 0 in 5 % glucose").within(0, 1030),
            Quantity(name="potassium", what="Potassium of the infusion", unit="mmol/L", low=0, high=200, bare=True, valence=1, default=0),
            WEIGHT, SEX, AGE,
        ),
        formula=sodium_change, sources=(_ADROGUE_LOW, _ADROGUE_HIGH),
    ),
    Calculator(
        id="sodium_deficit", title="Sodium deficit", area="chemistry", unit="mmol",
        inputs=(SODIUM.within(90, 140), SODIUM.called("target", "Sodium to be reached").within(90, 145), WEIGHT, SEX, AGE), formula=sodium_deficit,
        sources=(_ADROGUE_LOW,),
    ),
    Calculator(
        id="ldl", title="LDL cholesterol, Friedewald", area="chemistry", unit="mg/dL", names=("friedewald", "ldl cholesterol"),
        inputs=(
            _CHOLESTEROL, _CHOLESTEROL.called("hdl", "HDL cholesterol").within(5, 200),
            Quantity(name="triglycerides", what="Triglycerides, fasting", unit="mg/dL", low=10, high=400, molar_mass=885.4),
        ),
        formula=ldl,
        sources=(Source("Friedewald WT, Levy RI, Fredrickson DS. Estimation of the concentration of low-density lipoprotein cholesterol in plasma. Clin Chem", 1972),),
    ),
    Calculator(
        id="average_glucose", title="Estimated average glucose from HbA1c", area="chemistry", unit="mg/dL", names=("eag", "hba1c"),
        inputs=(Quantity(name="hba1c", what="HbA1c, NGSP", unit="%", low=3.5, high=20, bare=True, also={"a1c": None}),), formula=average_glucose,
        sources=(Source("Nathan DM et al. Translating the A1C assay into estimated average glucose values. Diabetes Care", 2008),),
    ),
    Calculator(
        id="homa_ir", title="Insulin resistance, HOMA", area="chemistry", unit="", decimals=2, names=("homa",),
        inputs=(GLUCOSE.within(40, 400), Quantity(name="insulin", what="Fasting insulin", unit="mU/L", low=0.2, high=300, bare=True)), formula=resistance,
        sources=(Source("Matthews DR et al. Homeostasis model assessment: insulin resistance and beta-cell function. Diabetologia", 1985),),
    ),
    Calculator(
        id="corrected_phenytoin", title="Phenytoin corrected for albumin, Sheiner-Tozer", area="chemistry", unit="mg/L", decimals=1, names=("phenytoin", "sheiner-tozer"),
        inputs=(
            Quantity(name="measured", what="Measured total phenytoin", unit="mg/L", low=0.5, high=100), ALBUMIN,
            yes("renal_failure", "Creatinine clearance below 10 mL/min"),
        ),
        formula=phenytoin,
        bands=((0, "below the usual range of 10 to 20"), (10, "in the usual range of 10 to 20"), (20.1, "above the usual range of 10 to 20")),
        sources=(Source("Sheiner LB, Tozer TN. Clinical pharmacokinetics: the use of plasma concentrations of drugs. In: Melmon and Morrelli's Clinical Pharmacology", 1978),),
    ),
)  # fmt: skip
