"""Calculators of the liver, the gut and the blood.

The rule: bounds that a source sets on its inputs are part of its formula.
"""

from __future__ import annotations

from math import log, sqrt

from medsim.calculator.calculator import Calculator, Source, yes
from medsim.calculator.inputs import Choice
from medsim.calculator.measures import (
    ADULT,
    ALBUMIN,
    ALT,
    AST,
    BILIRUBIN,
    BUN,
    CREATININE,
    GLUCOSE,
    HAEMOGLOBIN,
    HR,
    INR,
    PLATELETS,
    SBP,
    SEX,
    SODIUM,
    TEMP,
    UREA,
    WBC,
)
from medsim.calculator.quantity import Quantity, above


def meld3(bilirubin: float, sodium: float, inr: float, creatinine: float, albumin: float, sex: str) -> float:
    """MELD 3.0, 6 to 40, rounded."""
    bilirubin, inr, creatinine = max(bilirubin, 1.0), max(inr, 1.0), min(max(creatinine, 1.0), 3.0)
    salt, low = 137 - min(max(sodium, 125.0), 137.0), 3.5 - min(max(albumin, 1.5), 3.5)
    liver = 4.56 * log(bilirubin) + 0.82 * salt - 0.24 * salt * log(bilirubin) + 9.09 * log(inr)
    kidney = 11.14 * log(creatinine) + 1.85 * low - 1.83 * low * log(creatinine)
    return min(max(float(round(liver + kidney + 6 + (1.33 if sex == "female" else 0))), 6.0), 40.0)


def fib4(age: float, ast: float, alt: float, platelets: float) -> float:
    """Index of fibrosis."""
    return age * ast / (platelets * sqrt(alt))


def apri(ast: float, upper: float, platelets: float) -> float:
    """Aminotransferase to platelet ratio."""
    return ast / upper * 100 / platelets


def maddrey(pt: float, control: float, bilirubin: float) -> float:
    """Discriminant function of alcoholic hepatitis; times in seconds."""
    return 4.6 * (pt - control) + bilirubin


def blatchford(
    urea: float, haemoglobin: float, sex: str, sbp: float, hr: float, melaena: bool, syncope: bool, liver: bool, heart_failure: bool
) -> float:
    """Points of upper gastrointestinal bleeding, 0 to 23."""
    nitrogen = 6 if urea >= 25 else 4 if urea >= 10 else 3 if urea >= 8 else 2 if urea >= 6.5 else 0
    if sex == "female":
        blood = 6 if haemoglobin < 10 else 1 if haemoglobin < 12 else 0
    else:
        blood = 6 if haemoglobin < 10 else 3 if haemoglobin < 12 else 1 if haemoglobin < 13 else 0
    pressure = 3 if sbp < 90 else 2 if sbp < 100 else 1 if sbp < 110 else 0
    return nitrogen + blood + pressure + (hr >= 100) + melaena + 2 * (syncope + liver + heart_failure)


def gradient(serum: float, ascites: float) -> float:
    """Albumin of serum less albumin of ascites in g/dL."""
    return serum - ascites


def mentzer(mcv: float, rbc: float) -> float:
    """Mean cell volume over red cell count."""
    return mcv / rbc


CALCULATORS = (
    Calculator(
        id="child_pugh", title="Child-Pugh score", area="abdomen", names=("child-turcotte-pugh", "ctp"),
        inputs=(
            BILIRUBIN.scored((0, 1), (2, 2), (above(3), 3)), ALBUMIN.scored((0, 3), (2.8, 2), (above(3.5), 1)), INR.scored((0, 1), (1.7, 2), (above(2.3), 3)),
            Choice(name="ascites", what="Ascites", options={"none": 1, "slight": 2, "moderate": 3}),
            Choice(name="encephalopathy", what="Encephalopathy: none, grade 1 or 2, grade 3 or 4", options={"none": 1, "mild": 2, "severe": 3}),
        ),
        bands=((5, "class A"), (7, "class B"), (10, "class C")),
        sources=(Source("Pugh RNH et al. Transection of the oesophagus for bleeding oesophageal varices. Br J Surg", 1973),),
    ),
    Calculator(
        id="meld3", title="MELD 3.0", area="abdomen", names=("meld 3.0",), inputs=(BILIRUBIN, SODIUM, INR, CREATININE, ALBUMIN, SEX),
        formula=meld3, sources=(Source("Kim WR et al. MELD 3.0: the model for end-stage liver disease updated for the modern era. Gastroenterology", 2021),),
    ),
    Calculator(
        id="fib4", title="FIB-4", area="abdomen", unit="", decimals=2, names=("fib-4",), inputs=(ADULT, AST, ALT, PLATELETS), formula=fib4,
        bands=((0, "advanced fibrosis unlikely (from 65 years on below 2.0)"), (1.3, "undecided"), (2.68, "advanced fibrosis likely")),
        sources=(
            Source("Sterling RK et al. Development of a simple noninvasive index to predict significant fibrosis in HIV/HCV coinfection. Hepatology", 2006),
            Source("EASL Clinical Practice Guidelines on non-invasive tests for evaluation of liver disease severity and prognosis", 2021),
        ),
    ),
    Calculator(
        id="apri", title="APRI", area="abdomen", unit="", decimals=2,
        inputs=(AST, Quantity(name="upper", what="Upper limit of normal of AST", unit="U/L", low=10, high=100, bare=True, default=40), PLATELETS), formula=apri,
        bands=((0, "fibrosis unlikely"), (0.5, "undecided"), (1.5, "significant fibrosis likely")),
        sources=(Source("Wai CT et al. A simple noninvasive index can predict both significant fibrosis and cirrhosis in chronic hepatitis C. Hepatology", 2003),),
    ),
    Calculator(
        id="maddrey", title="Maddrey discriminant function", area="abdomen", unit="", decimals=1, names=("discriminant function",),
        inputs=(
            Quantity(name="pt", what="Prothrombin time", unit="s", low=8, high=120, bare=True),
            Quantity(name="control", what="Prothrombin time of the control", unit="s", low=8, high=18, bare=True), BILIRUBIN,
        ),
        formula=maddrey, bands=((-50, "below 32"), (32, "32 or more: severe")),
        sources=(Source("Carithers RL et al. Methylprednisolone therapy in patients with severe alcoholic hepatitis. Ann Intern Med", 1989),),
    ),
    Calculator(
        id="glasgow_blatchford", title="Glasgow-Blatchford score", area="abdomen", names=("gbs", "blatchford"),
        inputs=(
            UREA, HAEMOGLOBIN, SEX, SBP, HR, yes("melaena", "Melaena"), yes("syncope", "Syncope"), yes("liver", "Liver disease"), yes("heart_failure", "Heart failure"),
        ),
        formula=blatchford, bands=((0, "0: an outpatient"), (1, "1: low risk"), (2, "2 or more: not low")),
        sources=(Source("Blatchford O, Murray WR, Blatchford M. A risk score to predict need for treatment for upper-gastrointestinal haemorrhage. Lancet", 2000),),
    ),
    Calculator(
        id="ranson", title="Ranson score, not from gallstones", area="abdomen", names=("ranson's criteria",),
        inputs=(
            ADULT.scored((0, 0), (above(55), 1)), WBC.scored((0, 0), (above(16), 1)), GLUCOSE.scored((0, 0), (above(200), 1)), AST.scored((0, 0), (above(250), 1)),
            Quantity(name="ldh", what="Lactate dehydrogenase", unit="U/L", low=20, high=30000, bare=True, steps=((0, 0), (above(350), 1))),
            yes("haematocrit", "48 h: haematocrit fallen by more than 10 points"), yes("urea", "48 h: urea nitrogen risen by more than 5 mg/dL (1.8 mmol/L)"),
            yes("calcium", "48 h: calcium below 8 mg/dL (2 mmol/L)"), yes("oxygen", "48 h: oxygen tension below 60 mmHg"),
            yes("base", "48 h: base deficit above 4 mmol/L"), yes("fluid", "48 h: more than 6 L of fluid lost into tissues"),
        ),
        bands=((0, "mild likely"), (3, "severe likely")),
        sources=(Source("Ranson JH et al. Prognostic signs and the role of operative management in acute pancreatitis. Surg Gynecol Obstet", 1974),),
    ),
    Calculator(
        id="bisap", title="BISAP", area="abdomen",
        inputs=(
            BUN.scored((0, 0), (above(25), 1)), yes("mental", "Impaired mental state"), yes("sirs", "Two or more signs of inflammatory response"),
            ADULT.scored((0, 0), (above(60), 1)), yes("effusion", "Pleural effusion"),
        ),
        bands=((0, "low mortality"), (3, "raised mortality")),
        sources=(Source("Wu BU et al. The early prediction of mortality in acute pancreatitis: a large population-based study. Gut", 2008),),
    ),
    Calculator(
        id="alvarado", title="Alvarado score", area="abdomen", names=("mantrels",),
        inputs=(
            yes("migration", "Pain moved to the right lower quadrant"), yes("anorexia", "No appetite, or ketones in urine"), yes("nausea", "Nausea or vomiting"),
            yes("tenderness", "Tenderness in the right lower quadrant", weight=2), yes("rebound", "Rebound pain"), TEMP.scored((0, 0), (37.3, 1)),
            WBC.scored((0, 0), (above(10), 2)), yes("left_shift", "More than 75 % neutrophils"),
        ),
        bands=((0, "appendicitis unlikely"), (5, "possible"), (7, "probable")),
        sources=(Source("Alvarado A. A practical score for the early diagnosis of acute appendicitis. Ann Emerg Med", 1986),),
    ),
    Calculator(
        id="saag", title="Serum-ascites albumin gradient", area="abdomen", unit="g/dL", decimals=1, names=("serum ascites albumin gradient",),
        inputs=(ALBUMIN.called("serum", "Albumin of serum"), ALBUMIN.called("ascites", "Albumin of ascites").within(0.1, 6)), formula=gradient,
        bands=((-5, "below 1.1: no portal hypertension"), (1.1, "1.1 or more: portal hypertension")),
        sources=(Source("Runyon BA et al. The serum-ascites albumin gradient is superior to the exudate-transudate concept. Ann Intern Med", 1992),),
    ),
    Calculator(
        id="mentzer", title="Mentzer index", area="blood", unit="", decimals=1,
        inputs=(
            Quantity(name="mcv", what="Mean cell volume", unit="fL", low=40, high=160, bare=True),
            Quantity(name="rbc", what="Red cell count", unit="10^12/L", low=0.5, high=10, bare=True),
        ),
        formula=mentzer, bands=((0, "below 13: thalassaemia trait more likely"), (13, "13 or more: iron deficiency more likely")),
        sources=(Source("Mentzer WC. Differentiation of iron deficiency from thalassaemia trait. Lancet", 1973),),
    ),
)  # fmt: skip
