"""Calculators of breathing, oxygen, and the severity of infection and critical illness.

The rule: a score adds the points of its published items and says what band they fall into; it decides nothing.
"""

from __future__ import annotations

from medsim.calculator.calculator import Calculator, Source, yes
from medsim.calculator.inputs import Choice
from medsim.calculator.measures import (
    ADULT,
    AGE,
    BILIRUBIN,
    CREATININE,
    DBP,
    FIO2,
    GCS,
    HR,
    PACO2,
    PAO2,
    PLATELETS,
    RR,
    SBP,
    SPO2,
    TEMP,
    UREA,
    WBC,
)
from medsim.calculator.quantity import Quantity, above


def gradient(pao2: float, paco2: float, fio2: float, age: float, pressure: float) -> float:
    """Difference of oxygen tension between alveoli and artery in mmHg."""
    return fio2 * (pressure - 47) - paco2 / 0.8 - pao2


def _expected(value: float, age: float, **_: float) -> str:
    return f"up to {age / 4 + 4:.0f} is usual at this age on room air"


def pf_ratio(pao2: float, fio2: float) -> float:
    """Arterial oxygen tension over inspired fraction, in mmHg."""
    return pao2 / fio2


def rox(spo2: float, fio2: float, rr: float) -> float:
    """Saturation over inspired fraction, over respiratory rate."""
    return spo2 / fio2 / rr


def curb65(age: float, urea: float, rr: float, sbp: float, dbp: float, confusion: bool) -> float:
    """Points of pneumonia."""
    return sum((confusion, urea > 7, rr >= 30, sbp < 90 or dbp <= 60, age >= 65))


def qsofa(rr: float, sbp: float, gcs: float) -> float:
    """Points of suspected sepsis."""
    return sum((rr >= 22, sbp <= 100, gcs < 15))


def sirs(temp: float, hr: float, rr: float, wbc: float, bands: bool) -> float:
    """How many signs of a systemic inflammatory response there are."""
    return sum((temp > 38 or temp < 36, hr > 90, rr > 20, wbc > 12 or wbc < 4 or bands))


CIRCULATION = {"none": 0.0, "map_below_70": 1.0, "dobutamine_or_low_dopamine": 2.0, "moderate_pressor": 3.0, "high_pressor": 4.0}
"""Dopamine at most 5; dopamine above 5, or adrenaline or noradrenaline at most 0.1; dopamine above 15, or the others above 0.1 µg/kg/min."""


def sofa(
    pao2: float,
    fio2: float,
    ventilated: bool,
    platelets: float,
    bilirubin: float,
    circulation: str,
    gcs: float,
    creatinine: float,
    urine: float,
) -> float:
    """Points of organ failure, 0 to 24; urine in mL a day."""
    ratio = pao2 / fio2
    lungs = 4 if ratio < 100 and ventilated else 3 if ratio < 200 and ventilated else 2 if ratio < 300 else 1 if ratio < 400 else 0
    clotting = sum(platelets < bound for bound in (150, 100, 50, 20))
    liver = sum(bilirubin >= bound for bound in (1.2, 2.0, 6.0)) + (bilirubin > 12.0)
    brain = sum(gcs < bound for bound in (15, 13, 10, 6))
    kidney = sum(creatinine >= bound for bound in (1.2, 2.0, 3.5)) + (creatinine > 5.0)
    return lungs + clotting + liver + CIRCULATION[circulation] + brain + max(kidney, 4 if urine < 200 else 3 if urine < 500 else 0)


def news2(rr: float, spo2: float, oxygen: bool, sbp: float, hr: float, conscious: str, temp: float, scale: str) -> float:
    """Points of the observations, 0 to 20."""
    breath = 3 if rr <= 8 else 1 if rr <= 11 else 0 if rr <= 20 else 2 if rr <= 24 else 3
    pressure = 3 if sbp <= 90 else 2 if sbp <= 100 else 1 if sbp <= 110 else 0 if sbp <= 219 else 3
    pulse = 3 if hr <= 40 else 1 if hr <= 50 else 0 if hr <= 90 else 1 if hr <= 110 else 2 if hr <= 130 else 3
    heat = 3 if temp <= 35 else 1 if temp <= 36 else 0 if temp <= 38 else 1 if temp <= 39 else 2
    return breath + _saturation(spo2, oxygen, scale) + 2 * oxygen + pressure + pulse + (0 if conscious == "alert" else 3) + heat


def _saturation(spo2: float, oxygen: bool, scale: str) -> float:
    if scale == "1":
        return 3 if spo2 <= 91 else 2 if spo2 <= 93 else 1 if spo2 <= 95 else 0
    if spo2 <= 92 or not oxygen:
        return 3 if spo2 <= 83 else 2 if spo2 <= 85 else 1 if spo2 <= 87 else 0
    return 1 if spo2 <= 94 else 2 if spo2 <= 96 else 3


_PERC_SPO2 = SPO2.scored((0, 1), (95, 0))
_AIR = Quantity(name="pressure", what="Air pressure", unit="mmHg", low=230, high=800, bare=True, default=760)

CALCULATORS = (
    Calculator(
        id="aa_gradient", title="Alveolar-arterial oxygen gradient", area="lungs", unit="mmHg", decimals=0, names=("a-a gradient", "aa"),
        inputs=(PAO2, PACO2, FIO2, AGE, _AIR), formula=gradient, remark=_expected,
        sources=(Source("Kanber GJ et al. The alveolar-arterial oxygen gradient in young and elderly men during air and oxygen breathing. Am Rev Respir Dis", 1968),),
    ),
    Calculator(
        id="pf_ratio", title="PaO2/FiO2", area="lungs", unit="mmHg", names=("p/f", "p/f ratio", "pao2/fio2"), inputs=(PAO2, FIO2), formula=pf_ratio,
        bands=((0, "100 or less: severe, if ARDS"), (100.5, "up to 200: moderate, if ARDS"), (200.5, "up to 300: mild, if ARDS"), (300.5, "above 300")),
        sources=(Source("ARDS Definition Task Force. Acute respiratory distress syndrome: the Berlin definition. JAMA", 2012),),
    ),
    Calculator(
        id="rox", title="ROX index", area="lungs", unit="", decimals=2, names=("rox index",), inputs=(SPO2, FIO2, RR), formula=rox,
        bands=((0, "below 4.88"), (4.88, "4.88 or more: high-flow oxygen is likely to do")),
        sources=(Source("Roca O et al. An index combining respiratory rate and oxygenation to predict outcome of nasal high-flow therapy. Am J Respir Crit Care Med", 2019),),
    ),
    Calculator(
        id="curb65", title="CURB-65", area="lungs", names=("curb-65",),
        inputs=(yes("confusion", "New confusion"), UREA, RR, SBP, DBP, ADULT), formula=curb65, bands=((0, "low severity"), (2, "moderate severity"), (3, "high severity")),
        sources=(Source("Lim WS et al. Defining community acquired pneumonia severity on presentation to hospital. Thorax", 2003),),
    ),
    Calculator(
        id="perc", title="PERC rule, criteria that are not met", area="lungs", unit="criteria", names=("pulmonary embolism rule out",),
        inputs=(
            ADULT.scored((0, 0), (50, 1)), HR.scored((0, 0), (100, 1)), _PERC_SPO2, yes("leg", "Swelling of one leg"), yes("haemoptysis", "Haemoptysis"),
            yes("surgery", "Surgery or injury within 4 weeks"), yes("previous", "Earlier thrombosis or embolism"), yes("oestrogen", "Oestrogen"),
        ),
        bands=((0, "embolism is ruled out where it was unlikely at first sight"), (1, "embolism is not ruled out")),
        sources=(Source("Kline JA et al. Clinical criteria to prevent unnecessary diagnostic testing in suspected pulmonary embolism. J Thromb Haemost", 2004),),
    ),
    Calculator(
        id="qsofa", title="qSOFA", area="critical", names=("quick sofa",), inputs=(RR, SBP, GCS), formula=qsofa, bands=((0, "below 2"), (2, "2 or more: high risk")),
        sources=(Source("Singer M et al. The third international consensus definitions for sepsis and septic shock (Sepsis-3). JAMA", 2016),),
    ),
    Calculator(
        id="sirs", title="Signs of systemic inflammatory response", area="critical", unit="criteria",
        inputs=(TEMP, HR, RR, WBC, yes("bands", "More than 10 % immature neutrophils")), formula=sirs, bands=((0, "below 2"), (2, "present")),
        sources=(Source("Bone RC et al. Definitions for sepsis and organ failure (ACCP/SCCM consensus). Chest", 1992),),
    ),
    Calculator(
        id="sofa", title="SOFA", area="critical", names=("sequential organ failure assessment",),
        inputs=(
            PAO2, FIO2, yes("ventilated", "Breathing is supported by a machine"), PLATELETS, BILIRUBIN,
            Choice(name="circulation", what="Circulation and drugs for it", options=CIRCULATION), GCS, CREATININE,
            Quantity(name="urine", what="Urine in 24 h", unit="mL", low=0, high=20000, bare=True, default=1500),
        ),
        formula=sofa, sources=(Source("Vincent JL et al. The SOFA (sepsis-related organ failure assessment) score. Intensive Care Med", 1996),),
    ),
    Calculator(
        id="news2", title="NEWS2", area="critical", names=("news", "national early warning score"),
        inputs=(
            RR, SPO2, yes("oxygen", "Breathes added oxygen"), SBP, HR,
            Choice(name="conscious", what="Consciousness: alert, new confusion, or a response to voice, to pain, none", options=dict.fromkeys(("alert", "confused", "voice", "pain", "unresponsive"), 0.0)),
            TEMP, Choice(name="scale", what="Scale of saturation; 2 for a target of 88 to 92 % in hypercapnic failure", options={"1": 0, "2": 0}, default="1"),
        ),
        formula=news2, bands=((0, "low, unless a single sign scores 3"), (5, "medium: urgent review"), (7, "high: emergency")),
        sources=(Source("Royal College of Physicians. National Early Warning Score (NEWS) 2", 2017),),
    ),
    Calculator(
        id="gcs", title="Glasgow Coma Scale", area="critical", names=("glasgow coma scale", "coma scale"),
        inputs=(
            Choice(name="eye", what="Opens the eyes: 4 by itself, 3 to sound, 2 to pressure, 1 not", options={str(n): n for n in range(1, 5)}),
            Choice(name="verbal", what="Speaks: 5 oriented, 4 confused, 3 words, 2 sounds, 1 not", options={str(n): n for n in range(1, 6)}),
            Choice(name="motor", what="Moves: 6 obeys, 5 localises, 4 withdraws, 3 flexes, 2 extends, 1 not", options={str(n): n for n in range(1, 7)}),
        ),
        bands=((3, "severe"), (9, "moderate"), (13, "mild")), sources=(Source("Teasdale G, Jennett B. Assessment of coma and impaired consciousness. Lancet", 1974),),
    ),
    Calculator(
        id="centor", title="Centor score, with age (McIsaac)", area="infection", names=("mcisaac",),
        inputs=(
            AGE.within(3, 120).scored((0, 1), (15, 0), (45, -1)), TEMP.scored((0, 0), (above(38), 1)), yes("no_cough", "No cough"),
            yes("nodes", "Tender nodes at the front of the neck"), yes("tonsils", "Swollen tonsils or exudate"),
        ),
        bands=((-1, "streptococci unlikely"), (2, "possible: test"), (4, "likely")),
        sources=(
            Source("Centor RM et al. The diagnosis of strep throat in adults in the emergency room. Med Decis Making", 1981),
            Source("McIsaac WJ et al. A clinical score to reduce unnecessary antibiotic use in patients with sore throat. CMAJ", 1998),
        ),
    ),
    Calculator(
        id="anc", title="Absolute neutrophil count", area="infection", unit="10^9/L", decimals=2, names=("absolute neutrophil count",),
        inputs=(WBC, Quantity(name="neutrophils", what="Neutrophils, with bands", unit="%", low=0, high=100, bare=True)), formula=lambda wbc, neutrophils: wbc * neutrophils / 100,
        bands=((0, "severe neutropenia"), (0.5, "moderate neutropenia"), (1.0, "mild neutropenia"), (1.5, "no neutropenia")),
        sources=(Source("Common Terminology Criteria for Adverse Events, version 5.0", 2017),),
    ),
)  # fmt: skip
