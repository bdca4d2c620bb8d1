"""Calculators of the brain, of mood and habits, of birth and childhood.

The rule: a questionnaire is scored only when every question has an answer; its questions are not reproduced here.
"""

from __future__ import annotations

from medsim.calculator.calculator import Calculator, Source, yes
from medsim.calculator.inputs import Answers, Choice
from medsim.calculator.measures import ADULT, AGE, DBP, GCS, SBP
from medsim.calculator.quantity import Quantity


def abcd2(age: float, sbp: float, dbp: float, signs: str, duration: float, diabetes: bool) -> float:
    """Points of a transient ischaemic attack, 0 to 7; duration in minutes."""
    clinical = {"none": 0, "speech": 1, "weakness": 2}[signs]
    return (age >= 60) + (sbp >= 140 or dbp >= 90) + clinical + (2 if duration >= 60 else 1 if duration >= 10 else 0) + diabetes


def audit_c(answers: tuple[int, ...], sex: str) -> float:
    """Points of drinking, 0 to 12."""
    return float(sum(answers))


def _drinks(value: float, sex: str, **_: object) -> str:
    bound = 3 if sex == "female" else 4
    return f"{'hazardous drinking possible' if value >= bound else 'not raised'}; from {bound} on of note in a {'woman' if sex == 'female' else 'man'}"


def _last_answer(value: float, answers: tuple[int, ...]) -> str:
    return "the question about being better off dead was answered with yes: ask about suicide" if answers[8] else ""


def _harm(value: float, answers: tuple[int, ...]) -> str:
    return "the question about self-harm was answered with yes: ask about suicide" if answers[9] else ""


_THREE = "each 0 to 3"
_MOOD = ((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "moderately severe"), (20, "severe"))

CALCULATORS = (
    Calculator(
        id="abcd2", title="ABCD2", area="brain", names=("abcd2 score",),
        inputs=(
            ADULT, SBP, DBP, Choice(name="signs", what="Signs: weakness of one side, speech alone, neither", options={"none": 0, "speech": 1, "weakness": 2}),
            Quantity(name="duration", what="How long it lasted", unit="min", low=0, high=1440), yes("diabetes", "Diabetes"),
        ),
        formula=abcd2, bands=((0, "low risk of stroke in two days"), (4, "moderate risk"), (6, "high risk")),
        sources=(Source("Johnston SC et al. Validation and refinement of scores to predict very early stroke risk after transient ischaemic attack. Lancet", 2007),),
    ),
    Calculator(
        id="nihss", title="NIH stroke scale, sum", area="brain", names=("nih stroke scale",),
        inputs=(
            Answers(
                name="items", what="items 1a 1b 1c 2 3 4, left arm, right arm, left leg, right leg, 7 8 9 10 11",
                most=(3, 2, 2, 2, 3, 3, 4, 4, 4, 4, 2, 2, 3, 2, 2),
            ),
        ),
        bands=((0, "no stroke signs"), (1, "minor"), (5, "moderate"), (16, "moderate to severe"), (21, "severe")),
        sources=(Source("Brott T et al. Measurements of acute cerebral infarction: a clinical examination scale. Stroke", 1989),),
    ),
    Calculator(
        id="ich", title="ICH score", area="brain", names=("intracerebral haemorrhage score",),
        inputs=(
            GCS.scored((3, 2), (5, 1), (13, 0)), Quantity(name="volume", what="Volume of the haematoma", unit="mL", low=0, high=300, bare=True, steps=((0, 0), (30, 1))),
            yes("ventricle", "Blood in the ventricles"), yes("infratentorial", "Below the tentorium"), ADULT.scored((0, 0), (80, 1)),
        ),
        sources=(Source("Hemphill JC et al. The ICH score: a simple, reliable grading scale for intracerebral hemorrhage. Stroke", 2001),),
    ),
    Calculator(
        id="phq9", title="PHQ-9", area="mind", names=("phq-9",), inputs=(Answers(name="answers", what=_THREE, most=(3,) * 9),), remark=_last_answer, bands=_MOOD,
        sources=(Source("Kroenke K, Spitzer RL, Williams JBW. The PHQ-9: validity of a brief depression severity measure. J Gen Intern Med", 2001),),
    ),
    Calculator(
        id="gad7", title="GAD-7", area="mind", names=("gad-7",), inputs=(Answers(name="answers", what=_THREE, most=(3,) * 7),),
        bands=((0, "minimal"), (5, "mild"), (10, "moderate"), (15, "severe")),
        sources=(Source("Spitzer RL et al. A brief measure for assessing generalized anxiety disorder: the GAD-7. Arch Intern Med", 2006),),
    ),
    Calculator(
        id="epds", title="Edinburgh postnatal depression scale", area="mind", names=("edinburgh",),
        inputs=(Answers(name="answers", what=f"{_THREE}, already reversed where the form reverses", most=(3,) * 10),), remark=_harm,
        bands=((0, "depression unlikely"), (10, "depression possible"), (13, "depression likely")),
        sources=(Source("Cox JL, Holden JM, Sagovsky R. Detection of postnatal depression. Br J Psychiatry", 1987),),
    ),
    Calculator(
        id="audit_c", title="AUDIT-C", area="mind", names=("audit-c",),
        inputs=(Answers(name="answers", what="each 0 to 4", most=(4,) * 3), Choice(name="sex", what="Sex", options={"female": 0, "male": 0})),
        formula=audit_c, remark=_drinks,
        sources=(Source("Bush K et al. The AUDIT alcohol consumption questions (AUDIT-C). Arch Intern Med", 1998),),
    ),
    Calculator(
        id="cage", title="CAGE", area="mind",
        inputs=(
            yes("cut_down", "Thought of cutting down"), yes("annoyed", "Annoyed by criticism"), yes("guilty", "Felt guilty"), yes("eye_opener", "Drink in the morning"),
        ),
        bands=((0, "not raised"), (2, "of note")), sources=(Source("Ewing JA. Detecting alcoholism: the CAGE questionnaire. JAMA", 1984),),
    ),
    Calculator(
        id="ciwa_ar", title="CIWA-Ar, sum", area="mind", names=("ciwa", "ciwa-ar"),
        inputs=(Answers(name="items", what="nine items 0 to 7, orientation last 0 to 4", most=(7,) * 9 + (4,)),),
        bands=((0, "mild withdrawal"), (8, "moderate withdrawal"), (16, "severe withdrawal")),
        sources=(Source("Sullivan JT et al. Assessment of alcohol withdrawal: the revised CIWA-Ar. Br J Addict", 1989),),
    ),
    Calculator(
        id="apgar", title="Apgar score", area="child", names=("apgar score",),
        inputs=(Answers(name="items", what="heart rate, breathing, tone, response, colour", most=(2,) * 5),), bands=((0, "low"), (4, "moderately low"), (7, "reassuring")),
        sources=(Source("Apgar V. A proposal for a new method of evaluation of the newborn infant. Curr Res Anesth Analg", 1953),),
    ),
    Calculator(
        id="bishop", title="Bishop score", area="child", names=("bishop score",),
        inputs=(
            Quantity(name="dilation", what="Dilation of the cervix", unit="cm", low=0, high=10, bare=True, steps=((0, 0), (1, 1), (3, 2), (5, 3))),
            Quantity(name="effacement", what="Effacement", unit="%", low=0, high=100, bare=True, steps=((0, 0), (40, 1), (60, 2), (80, 3))),
            Quantity(name="station", what="Station, -3 to 3", low=-3, high=3, bare=True, whole=True, steps=((-3, 0), (-2, 1), (-1, 2), (1, 3))),
            Choice(name="consistency", what="Cervix to the touch", options={"firm": 0, "medium": 1, "soft": 2}),
            Choice(name="position", what="Position of the cervix", options={"posterior": 0, "mid": 1, "anterior": 2}),
        ),
        bands=((0, "unfavourable"), (6, "between"), (9, "favourable")), sources=(Source("Bishop EH. Pelvic scoring for elective induction. Obstet Gynecol", 1964),),
    ),
    Calculator(
        id="westley", title="Westley croup score", area="child", names=("croup score", "westley croup"),
        inputs=(
            Choice(name="stridor", what="Stridor", options={"none": 0, "agitated": 1, "at_rest": 2}),
            Choice(name="retractions", what="Retractions", options={"none": 0, "mild": 1, "moderate": 2, "severe": 3}),
            Choice(name="air_entry", what="Air entry", options={"normal": 0, "decreased": 1, "markedly_decreased": 2}),
            Choice(name="cyanosis", what="Cyanosis", options={"none": 0, "agitated": 4, "at_rest": 5}),
            Choice(name="conscious", what="Consciousness", options={"normal": 0, "disturbed": 5}), AGE.within(0.25, 15),
        ),
        bands=((0, "mild"), (3, "moderate"), (8, "severe"), (12, "impending respiratory failure")),
        sources=(Source("Westley CR, Cotton EK, Brooks JG. Nebulized racemic epinephrine by IPPB for the treatment of croup. Am J Dis Child", 1978),),
    ),
)  # fmt: skip
