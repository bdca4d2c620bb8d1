"""Calculators of the heart and the circulation.

The rule: a score adds the points of its published items and says what band they fall into; it decides nothing.
"""

from __future__ import annotations

from math import cbrt, sqrt

from medsim.calculator.calculator import Calculator, Source, yes
from medsim.calculator.inputs import Choice
from medsim.calculator.measures import ADULT, CREATININE, DBP, HR, SBP
from medsim.calculator.quantity import Quantity, above
from medsim.errors import ActionError


def mean_pressure(sbp: float, dbp: float) -> float:
    """Mean arterial pressure in mmHg."""
    _pulse(sbp, dbp)
    return (sbp + 2 * dbp) / 3


def _pulse(sbp: float, dbp: float) -> None:
    if dbp >= sbp:
        raise ActionError(f"the diastolic pressure ({dbp:g}) should lie below the systolic ({sbp:g}); check the numbers.")


def shock_index(hr: float, sbp: float) -> float:
    """Heart rate over systolic pressure."""
    return hr / sbp


def qtc(qt: float, hr: float, method: str) -> float:
    """QT interval in ms, corrected for heart rate."""
    rr = 60 / hr
    return {
        "bazett": qt / sqrt(rr),
        "fridericia": qt / cbrt(rr),
        "framingham": qt + 154 * (1 - rr),
        "hodges": qt + 1.75 * (hr - 60),
    }[method]


_LIP = "Lip GYH et al. Refining clinical risk stratification for predicting stroke and thromboembolism in atrial fibrillation. Chest"

CALCULATORS = (
    Calculator(
        id="map", title="Mean arterial pressure", area="heart", unit="mmHg", names=("mean arterial pressure",), inputs=(SBP, DBP), formula=mean_pressure,
        sources=(Source("Perloff D et al. Human blood pressure determination by sphygmomanometry. Circulation", 1993),),
    ),
    Calculator(
        id="shock_index", title="Shock index", area="heart", unit="", decimals=2, inputs=(HR, SBP), formula=shock_index, bands=((0, "usual"), (0.9, "raised")),
        sources=(Source("Allgöwer M, Burri C. Schockindex. Dtsch Med Wochenschr", 1967),),
    ),
    Calculator(
        id="qtc", title="QTc", area="heart", unit="ms", names=("corrected qt", "bazett", "fridericia", "framingham", "hodges"),
        inputs=(
            Quantity(name="qt", what="QT interval", unit="ms", low=150, high=800, bare=True), HR.within(30, 200),
            Choice(name="method", what="Formula", options={"bazett": 0, "fridericia": 0, "framingham": 0, "hodges": 0}),
        ),
        formula=qtc, bands=((0, ""), (500, "500 ms or more: danger of torsade")),
        sources=(
            Source("Bazett HC. An analysis of the time-relations of electrocardiograms. Heart", 1920),
            Source("Fridericia LS. Die Systolendauer im Elektrokardiogramm. Acta Med Scand", 1920),
            Source("Sagie A et al. An improved method for adjusting the QT interval for heart rate (the Framingham Heart Study). Am J Cardiol", 1992),
            Source("Hodges M, Salerno D, Erlien D. Bazett's QT correction reviewed. J Am Coll Cardiol", 1983),
        ),
    ),
    Calculator(
        id="cha2ds2_vasc", title="CHA2DS2-VASc", area="heart", names=("chads vasc", "chadsvasc", "cha2ds2-vasc"),
        inputs=(
            ADULT.scored((0, 0), (65, 1), (75, 2)), Choice(name="sex", what="Sex", options={"female": 1, "male": 0}),
            yes("heart_failure", "Heart failure or weak left ventricle"), yes("hypertension", "Hypertension"), yes("diabetes", "Diabetes"),
            yes("stroke", "Earlier stroke, TIA or embolism", weight=2), yes("vascular", "Earlier infarction, peripheral artery disease or aortic plaque"),
        ),
        bands=((0, "low"), (1, "intermediate in men, low in women by sex alone"), (2, "raised")), sources=(Source(_LIP, 2010),),
    ),
    Calculator(
        id="has_bled", title="HAS-BLED", area="heart", names=("hasbled",),
        inputs=(
            yes("hypertension", "Systolic pressure above 160 mmHg"), yes("renal", "Dialysis, transplant or creatinine above 200 µmol/L"),
            yes("liver", "Cirrhosis or markedly raised liver tests"), yes("stroke", "Earlier stroke"), yes("bleeding", "Earlier major bleeding or a disposition to it"),
            yes("labile_inr", "INR in range less than 60 % of the time"), ADULT.scored((0, 0), (above(65), 1)),
            yes("drugs", "Antiplatelet drug or NSAID"), yes("alcohol", "8 or more alcoholic drinks a week"),
        ),
        bands=((0, "low"), (2, "intermediate"), (3, "high risk of bleeding: mend what can be mended")),
        sources=(Source("Pisters R et al. A novel user-friendly score (HAS-BLED) to assess 1-year risk of major bleeding. Chest", 2010),),
    ),
    Calculator(
        id="heart", title="HEART score", area="heart", names=("heart score",),
        inputs=(
            Choice(name="history", what="How suspicious the history is", options={"slightly": 0, "moderately": 1, "highly": 2}),
            Choice(name="ecg", what="ECG", options={"normal": 0, "unspecific": 1, "st_deviation": 2}), ADULT.scored((0, 0), (45, 1), (65, 2)),
            Choice(name="risk", what="Risk factors: none, one or two, three or known atherosclerosis", options={"none": 0, "some": 1, "many": 2}),
            Choice(name="troponin", what="Troponin: up to the limit, one to three times, above three times", options={"normal": 0, "raised": 1, "high": 2}),
        ),
        bands=((0, "low risk"), (4, "moderate risk"), (7, "high risk")),
        sources=(Source("Six AJ, Backus BE, Kelder JC. Chest pain in the emergency room: value of the HEART score. Neth Heart J", 2008),),
    ),
    Calculator(
        id="timi", title="TIMI score of unstable angina and NSTEMI", area="heart", names=("timi nstemi", "timi ua"),
        inputs=(
            ADULT.scored((0, 0), (65, 1)), yes("risk_factors", "Three or more risk factors of coronary disease"), yes("stenosis", "Known stenosis of 50 % or more"),
            yes("st_deviation", "ST deviation of 0.5 mm or more"), yes("angina", "Two or more attacks in 24 h"), yes("aspirin", "Aspirin in the last 7 days"),
            yes("markers", "Raised cardiac markers"),
        ),
        bands=((0, "low risk"), (3, "intermediate risk"), (5, "high risk")),
        sources=(Source("Antman EM et al. The TIMI risk score for unstable angina/non-ST elevation MI. JAMA", 2000),),
    ),
    Calculator(
        id="grace", title="GRACE score, death in hospital", area="heart", names=("grace score",),
        inputs=(
            ADULT.scored((0, 0), (30, 8), (40, 25), (50, 41), (60, 58), (70, 75), (80, 91), (90, 100)),
            HR.scored((0, 0), (50, 3), (70, 9), (90, 15), (110, 24), (150, 38), (200, 46)),
            SBP.scored((0, 58), (80, 53), (100, 43), (120, 34), (140, 24), (160, 10), (200, 0)),
            CREATININE.scored((0, 1), (0.4, 4), (0.8, 7), (1.2, 10), (1.6, 13), (2.0, 21), (above(4.0), 28)),
            Choice(name="killip", what="Killip class: no failure, crackles, oedema of the lungs, shock", options={"1": 0, "2": 20, "3": 39, "4": 59}),
            yes("arrest", "Cardiac arrest at admission", weight=39), yes("st_deviation", "ST deviation", weight=28), yes("markers", "Raised cardiac markers", weight=14),
        ),
        bands=((0, "low risk"), (109, "intermediate risk"), (141, "high risk")),
        sources=(Source("Granger CB et al. Predictors of hospital mortality in the Global Registry of Acute Coronary Events. Arch Intern Med", 2003),),
    ),
    Calculator(
        id="wells_dvt", title="Wells score of deep vein thrombosis", area="heart", names=("wells dvt", "wells deep vein thrombosis"),
        inputs=(
            yes("cancer", "Active cancer"), yes("paralysis", "Paralysis or plaster of a leg"), yes("bedridden", "In bed for 3 days, or major surgery within 12 weeks"),
            yes("tenderness", "Tenderness along the deep veins"), yes("whole_leg", "Whole leg swollen"), yes("calf", "Calf more than 3 cm larger"),
            yes("oedema", "Pitting oedema of that leg alone"), yes("veins", "Collateral superficial veins"), yes("previous", "Earlier deep vein thrombosis"),
            yes("alternative", "Another diagnosis at least as likely", weight=-2),
        ),
        bands=((-2, "unlikely"), (2, "likely")),
        sources=(Source("Wells PS et al. Evaluation of D-dimer in the diagnosis of suspected deep-vein thrombosis. N Engl J Med", 2003),),
    ),
    Calculator(
        id="wells_pe", title="Wells score of pulmonary embolism", area="heart", decimals=1, names=("wells pe", "wells pulmonary embolism"),
        inputs=(
            yes("dvt_signs", "Signs of deep vein thrombosis", weight=3), yes("most_likely", "No other diagnosis as likely", weight=3),
            HR.scored((0, 0), (above(100), 1.5)), yes("immobile", "In bed for 3 days, or surgery within 4 weeks", weight=1.5),
            yes("previous", "Earlier thrombosis or embolism", weight=1.5), yes("haemoptysis", "Haemoptysis"), yes("cancer", "Active cancer"),
        ),
        bands=((0, "unlikely"), (4.5, "likely")),
        sources=(Source("Wells PS et al. Derivation of a simple clinical model to categorize patients probability of pulmonary embolism. Thromb Haemost", 2000),),
    ),
    Calculator(
        id="spesi", title="Simplified pulmonary embolism severity index", area="heart", names=("spesi",),
        inputs=(
            ADULT.scored((0, 0), (above(80), 1)), yes("cancer", "Cancer, now or before"), yes("chronic", "Chronic heart failure or lung disease"),
            HR.scored((0, 0), (110, 1)), SBP.scored((0, 1), (100, 0)),
            Quantity(name="spo2", what="Oxygen saturation", unit="%", low=30, high=100, bare=True, steps=((0, 1), (90, 0))),
        ),
        bands=((0, "low risk"), (1, "not low")),
        sources=(Source("Jiménez D et al. Simplification of the pulmonary embolism severity index. Arch Intern Med", 2010),),
    ),
    Calculator(
        id="padua", title="Padua score of venous thromboembolism in medical inpatients", area="heart", names=("padua prediction score",),
        inputs=(
            yes("cancer", "Active cancer", weight=3), yes("previous", "Earlier venous thromboembolism", weight=3), yes("immobile", "In bed for 3 days", weight=3),
            yes("thrombophilia", "Known thrombophilia", weight=3), yes("surgery", "Injury or surgery within a month", weight=2), ADULT.scored((0, 0), (70, 1)),
            yes("failure", "Heart or respiratory failure"), yes("infarct", "Acute infarction or stroke"), yes("infection", "Acute infection or rheumatic disorder"),
            yes("obesity", "Body mass index of 30 or more"), yes("hormones", "Hormonal treatment"),
        ),
        bands=((0, "low risk"), (4, "high risk")),
        sources=(Source("Barbar S et al. A risk assessment model for the identification of hospitalized medical patients at risk for VTE. J Thromb Haemost", 2010),),
    ),
)  # fmt: skip
