"""Calculators of kidney function.

The rule: each formula holds for the ages its source studied, with a standardised creatinine that is stable.
"""

from __future__ import annotations

from medsim.calculator.calculator import Calculator, Source
from medsim.calculator.measures import ADULT, AGE, CREATININE, HEIGHT, SEX, SODIUM, UREA, WEIGHT


def egfr(creatinine: float, age: float, sex: str) -> float:
    """Glomerular filtration rate in mL/min/1.73 m2 by the race-free equation of 2021."""
    female = sex == "female"
    ratio = creatinine / (0.7 if female else 0.9)
    below = min(ratio, 1.0) ** (-0.241 if female else -0.302)
    return float(142 * below * max(ratio, 1.0) ** -1.200 * 0.9938**age * (1.012 if female else 1.0))


def egfr_child(creatinine: float, height: float, age: float) -> float:
    """Glomerular filtration rate of a child by the bedside equation."""
    return 0.413 * height / creatinine


def clearance(creatinine: float, age: float, weight: float, sex: str) -> float:
    """Creatinine clearance in mL/min."""
    return (140 - age) * weight / (72 * creatinine) * (0.85 if sex == "female" else 1.0)


def excreted(urine_sodium: float, sodium: float, urine_creatinine: float, creatinine: float) -> float:
    """Share of the filtered sodium that is excreted, in percent."""
    return 100 * urine_sodium * creatinine / (sodium * urine_creatinine)


def urea_excreted(urine_urea: float, urea: float, urine_creatinine: float, creatinine: float) -> float:
    """Share of the filtered urea that is excreted, in percent."""
    return 100 * urine_urea * creatinine / (urea * urine_creatinine)


def injury(baseline: float, creatinine: float) -> float:
    """Stage of acute kidney injury by creatinine, 0 to 3."""
    ratio, rise = creatinine / baseline, creatinine - baseline
    if ratio < 1.5 and rise < 0.3 - 1e-9:
        return 0
    return 3 if ratio >= 3 or creatinine >= 4 else 2 if ratio >= 2 else 1


_STAGES = ((0, "G5"), (15, "G4"), (30, "G3b"), (45, "G3a"), (60, "G2"), (90, "G1"))
_URINE_CREATININE = CREATININE.called("urine_creatinine", "Urine creatinine").within(1, 600)

CALCULATORS = (
    Calculator(
        id="egfr", title="Estimated GFR, CKD-EPI 2021", area="kidney", unit="mL/min/1.73m2", names=("ckd-epi", "gfr", "ckd-epi 2021"),
        inputs=(CREATININE, ADULT, SEX), formula=egfr, bands=_STAGES,
        sources=(Source("Inker LA et al. New creatinine- and cystatin C-based equations to estimate GFR without race. N Engl J Med", 2021),),
    ),
    Calculator(
        id="egfr_child", title="Estimated GFR of a child, bedside Schwartz", area="kidney", unit="mL/min/1.73m2", names=("schwartz",),
        inputs=(CREATININE, HEIGHT, AGE.within(1, 18)), formula=egfr_child,
        sources=(Source("Schwartz GJ et al. New equations to estimate GFR in children with CKD. J Am Soc Nephrol", 2009),),
    ),
    Calculator(
        id="creatinine_clearance", title="Creatinine clearance, Cockcroft-Gault", area="kidney", unit="mL/min", names=("cockcroft-gault", "crcl", "cg"),
        inputs=(CREATININE, ADULT, WEIGHT.within(20, 300), SEX), formula=clearance,
        sources=(Source("Cockcroft DW, Gault MH. Prediction of creatinine clearance from serum creatinine. Nephron", 1976),),
    ),
    Calculator(
        id="fena", title="Fractional excretion of sodium", area="kidney", unit="%", decimals=2, names=("fractional excretion of sodium",),
        inputs=(SODIUM.called("urine_sodium", "Urine sodium").within(1, 300), SODIUM, _URINE_CREATININE, CREATININE), formula=excreted,
        bands=((0, "below 1 %: sodium is held back, as in poor perfusion"), (1, "between 1 and 2 %: undecided"), (2, "above 2 %: as in tubular injury")),
        sources=(Source("Espinel CH. The FENa test: use in the differential diagnosis of acute renal failure. JAMA", 1976),),
    ),
    Calculator(
        id="feurea", title="Fractional excretion of urea", area="kidney", unit="%", decimals=1, names=("fractional excretion of urea",),
        inputs=(UREA.called("urine_urea", "Urine urea").within(1, 1500), UREA, _URINE_CREATININE, CREATININE), formula=urea_excreted,
        bands=((0, "at most 35 %: as in poor perfusion"), (35.1, "above 35 %: as in tubular injury")),
        sources=(Source("Carvounis CP, Nisar S, Guro-Razuman S. Significance of the fractional excretion of urea in acute renal failure. Kidney Int", 2002),),
    ),
    Calculator(
        id="aki_stage", title="Stage of acute kidney injury by creatinine, KDIGO", area="kidney", unit="stage", names=("kdigo", "kdigo aki"),
        inputs=(CREATININE.called("baseline", "Creatinine before, within 7 days (a rise of 0.3 mg/dL: within 48 h)"), CREATININE), formula=injury,
        sources=(Source("KDIGO Clinical Practice Guideline for Acute Kidney Injury", 2012),),
    ),
)  # fmt: skip
