"""Turn what a doctor types into plain words (abbreviations, formal terms, spelling, addressee), and cut it into pieces.

The rule: exemplars and utterances pass through the same door, so that "has he had any pyrexia", "fevr?" and "do you have a
fever" meet as the same words. Only general medical English stands here; what a topic means stands in the vocabulary.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsim.errors import PatientError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Matrix = NDArray[np.float32]
DIM, BUCKETS = 256, 4096

LIMIT = 2_000
"""Characters of an utterance that are read."""
MAX_ATOMS = 8
"""A sentence is cut into no more than this many pieces."""

# plain words = what is read as them; a longer entry wins over a shorter one, and what was replaced is not read again
LEXICON = """
past medical history = pmh, pmhx, pmx, p m h, medical hx, past hx, past history, previous history, medical background; past
surgical history = psh, pshx, surgical hx, surgical history; family history = fh, fhx, famhx, fam hx, family hx, f h, fam history;
social history = shx, sochx, soc hx, social hx; drug history = dhx, drug hx, medication history, med hx; history = hx, h/o, ho;
presenting complaint = cc, pc, hpc, hpi, chief complaint, chief complaints; diagnosis = dx, ddx, diagnoses; symptoms = sx, sxs,
symptom; treatment = tx, therapy; medicine = med, meds, medication, medications, medicines, rx, rxs, medecine, medecines, tablet,
tablets, tabs, pills, drugs prescribed; prescription = prescribed, prescriptions; over the counter = otc, non prescription,
nonprescription, without prescription, without a prescription, off the shelf; allergy = allergies, allergic, nkda, nka, alergy,
alergic, allergys, hypersensitivity; heart attack = mi, stemi, nstemi, myocardial infarction, coronary thrombosis, infarct; heart
disease = ihd, cad, chd, cardiac disease, coronary disease, coronary artery disease, ischaemic heart disease, cardiac problems,
cardiac history, heart trouble, heart problems, heart condition, cardiac hx, dodgy heart, angina, bad heart, heart conditions;
heart failure = chf, ccf, hf, hfref, cardiac failure; heart = cardiac, ticker; irregular heart = af, afib, atrial fibrillation,
arrhythmia, arrhythmias, irregular beats; bypass surgery = cabg, bypass, stent, stents, pci; high blood pressure = htn, hbp,
hypertension, hypertensive, raised blood pressure, raised bp, high bp; blood pressure = bp; high cholesterol = hyperlipidaemia,
hypercholesterolaemia, hyperlipidemia, dyslipidaemia, dyslipidemia, hld, raised lipids, high lipids; diabetes = dm, t1dm, t2dm,
t2d, t1d, iddm, niddm, diabetic, diabetics, diabetis, diabetus, sugar disease, sugar problem, sugar problems, sugar diabetes;
stroke = cva, brain attack, brain bleed, cerebrovascular accident, cerebrovascular disease, strokes; mini stroke = tia, tias,
ministroke; lung disease = copd, coad, emphysema, chronic bronchitis, chest disease, respiratory disease, lung problems, lung
trouble, respiratory problems; asthma = asthmatic, astma, asma; kidney = renal, kidneys; kidney disease = ckd, esrf, esrd, aki,
kidney problems, kidney trouble, kidney failure, nephropathy, dialysis; liver = hepatic; liver disease = cirrhosis, hepatitis,
liver problems, liver trouble; thyroid = hypothyroid, hyperthyroid, hypothyroidism, hyperthyroidism, underactive thyroid,
overactive thyroid, graves, goitre, goiter; epilepsy = epileptic; cancer = ca, malignancy, malignancies, tumour, tumor, tumours,
leukaemia, leukemia, lymphoma, carcinoma, oncology, cancers, oncological; tuberculosis = tb, t b; arthritis = oa, ra; blood clot =
dvt, dvts, pe, pes, vte, thrombosis, embolism, embolus, clot, clots, thrombus, thrombophilia, blood clots, thromboses, clotting
problem, clotting problems, clotting disorder; blood thinner = anticoagulant, anticoagulants, anticoagulation, anticoagulated,
doac, noac, warfarin, apixaban, rivaroxaban, dabigatran, edoxaban, heparin, blood thinners, coumadin, anticoag, anticoags,
eliquis, xarelto; urine infection = uti, utis, bladder infection, cystitis; sexually transmitted infection = sti, std, stis, stds,
vd, chlamydia, gonorrhoea, gonorrhea, syphilis, herpes, venereal disease, the clap; mental illness = psychiatric, psychiatric
history, psych hx, psych history, psych, mental health problems, mental health problem, mental health history, mental disorder,
psychiatric illness, mental problems, psychiatric problems; operation = surgery, surgeries, operations, operated, surgical
procedure, surgical procedures, went under the knife; anaesthetic = anesthetic, anaesthesia, anesthesia; hospital admission =
hospitalised, hospitalized, hospitalisation, hospitalisations, hospitalization, hospitalizations, admitted to hospital, hospital
stay, hospital stays, inpatient, hospital admissions; intensive care = icu, itu, hdu, intensive care unit; emergency department =
a&e, emergency room, casualty; family doctor = gp, pcp, general practitioner, family physician, primary care doctor, primary care;
vaccine = vaccinated, vaccination, vaccinations, immunised, immunized, immunisation, immunisations, immunization, immunizations,
vaccines, jab, jabs, inoculation, inoculations, imms, vax, vaxed; smear = pap, cervical screening, smears; ibuprofen = nsaid,
nsaids, anti inflammatory, anti inflammatories, antiinflammatories, naproxen, diclofenac, aspirin, nurofen, advil; steroid =
steroids, prednisone, prednisolone, corticosteroid, corticosteroids, cortisone, dexamethasone, hydrocortisone; inhaler = puffer,
puffers, inhalers, salbutamol, ventolin, albuterol, mdi, saba; erection medicine = viagra, sildenafil, cialis, tadalafil,
vardenafil, levitra, pde5, pde5 inhibitor, pde5 inhibitors, blue pill; contraceptive pill = ocp, cocp, oral contraceptive, oral
contraceptives, birth control pill, birth control pills, the pill, contraceptive pills; contraception = birth control,
contraceptive, contraceptives, family planning; condom = condoms, rubbers, barrier protection; coil = iud, ius, mirena,
intrauterine device; side effects = side effect, adverse effects, adverse effect, adverse reaction, adverse reactions; supplements
= herbal, herbs, herb, vitamins, vitamin, supplement, homeopathic, natural remedies, traditional remedies, alternative remedies,
herbals, ayurvedic; smoke = smoker, smoking, smokes, smoked, tobacco, cigs, cigarettes, cigarette, fags, ciggies, ppd, pack years,
packs per day, tob, ciggie, smokers, ex smoker; vape = vaping, vapes, e cigarette, e cigarettes, e cig, e cigs, ecig, ecigs,
electronic cigarette, electronic cigarettes, juul, vaper, vaped; alcohol = etoh, booze, boozing, beer, wine, drinker, spirits,
liquor, alcool, alchohol, drink alcohol, alcoholic drinks, tipple; street drugs = recreational drugs, illicit drugs, illegal
drugs, weed, cannabis, marijuana, pot, heroin, ecstasy, mdma, substances, drug use, illicits, illicit substances, recreationals,
substance use, illicit drug use; cocaine = coke, crack, amphetamines, amphetamine, speed, meth, stimulants, crystal meth; inject
drugs = ivdu, ivdus, iv drugs, intravenous drugs, intravenous drug use, inject any drugs, injecting drugs, shoot up, shooting up,
iv drug use, injected drugs, pwid; job = occupation, employed, employment, work for a living, line of work, profession, trade, job
title; relatives = family members, relations, blood relatives, kin, relative, relation, family member, siblings, brother, sister,
brothers, sisters, grandparents, uncle, aunt, in the family, first degree relatives; mother = mum, mom, mam, mummy, mommy; father
= dad, daddy, papa; child = kid, toddler, infant, bairn, little one, little boy, little girl, youngster; children = kids; husband
= hubby; next of kin = nok; date of birth = dob, d o b, birthday, birthdate; resuscitation = dnr, dnar, dnacpr, cpr, polst,
respect form, resuscitated, resuscitate; breathless = sob, sobr, dyspnoea, dyspnea, dyspnoeic, short of breath, shortness of
breath, out of breath, breathlessness, out of puff, puffed out, winded, trouble breathing, difficulty breathing, difficulty in
breathing, breathing difficulty, breathing difficulties, hard to breathe, struggle to breathe, struggling to breathe, struggling
for breath, catch your breath, catching your breath, breathing trouble, problems breathing, breathing problems, problem breathing,
puffing, soboe; breathless on exertion = doe; breathless lying flat = orthopnoea, orthopnea, pnd, paroxysmal nocturnal dyspnoea,
breathless lying down, breathless when lying, breathless when you lie; fever = pyrexia, febrile, feverish, high temperature,
temperature, temp, fevers, pyrexial, temps; chills = rigors, shivers, shivering, shiver, rigor, shivery; night sweats = nocturnal
sweating, sweats at night, sweating at night, drenching sweats, sweat at night; sweating = diaphoresis, diaphoretic, clammy,
sweaty, sweats, perspiring, perspiration, sweat, sweated; vomit blood = haematemesis, hematemesis, throw up blood, thrown up
blood, vomiting blood, vomited blood, bring up blood, brought up blood, blood in your vomit, blood in the vomit, coffee grounds,
coffee ground vomit; vomit = vomiting, vomited, emesis, throw up, threw up, thrown up, throwing up, puke, puked, puking, been
sick, being sick, barf, barfed, chuck up, chucked up, keep food down, keep anything down, upchuck; nausea = nauseated, nauseous,
queasy, queasiness, sick to your stomach, feel sick, feeling sick, felt sick, n&v, n/v, n+v; pass out = syncope, syncopal, passed
out, passing out, blackout, blackouts, blacked out, black out, collapse, collapsed, lost consciousness, lose consciousness, loss
of consciousness, faint, fainted, fainting, loc, keeled over, keel over, faints, losing consciousness; dizzy = giddy, giddiness,
lightheaded, light headed, lightheadedness, light headedness, woozy, vertigo, dizziness, spinning, room spin, dizzyness, dizzy
spells; chest pain = cp, chest tightness, chest pressure, chest discomfort, tight chest, chest ache, chest heaviness, pain in your
chest, pain in the chest, pains in your chest, pains in the chest, chest pains, retrosternal pain, central chest pain, pressure in
your chest, tightness in your chest, tightness in the chest, pressure in the chest; pleuritic pain = pain on breathing, pain on
breathing in, pain when you breathe in, hurts to breathe, hurt to breathe, hurts when you breathe, pleurisy, pain on inspiration,
hurt when you breathe; palpitations = heart racing, heart pounding, racing heart, heart race, heart fluttering, fluttering, heart
skipping, skipped beats, irregular heartbeat, pounding heart, heart flutter, tachycardia, heart skip, heart pound, palps,
palpitation; cough blood = haemoptysis, hemoptysis, coughing blood, coughing up blood, cough up blood, coughed up blood, coughed
blood, blood in your sputum, blood in your phlegm, blood in the sputum, blood when you cough, blood stained sputum, bloody sputum,
bloody phlegm; sputum = phlegm, mucus, expectorate, expectoration, spit, gunk, productive cough, cough anything up, coughing
anything up, cough up anything, productive; cough = coughing, coughs, coughed, tussis; wheeze = wheezing, wheezy, wheezes,
whistling, wheezed; noisy breathing = stridor; swollen legs = oedema, edema, swollen ankles, ankle swelling, leg swelling, puffy
ankles, ankles swollen, swelling of the legs, swelling in your legs, swelling in your ankles, swollen feet, ankles puffy, puffy
legs, oedematous, swelling of the ankles, pedal swelling, ankles swelling, legs swelling; swollen = swelling, swell, swelled,
puffy; tired = fatigue, fatigued, exhausted, lethargy, lethargic, knackered, worn out, malaise, run down, weary, tiredness, wiped
out, washed out; runny nose = coryza, coryzal, rhinorrhoea, rhinorrhea, sniffles, blocked nose, stuffy nose, congested,
congestion, nasal congestion, nasal discharge, snotty, stuffed up, bunged up nose; sore throat = pharyngitis, throat pain,
tonsillitis, throat sore, throat hurt; trouble swallowing = dysphagia, difficulty swallowing, problems swallowing, food stick,
food sticking, food get stuck, difficulty in swallowing, food getting stuck, swallowing difficulty, swallowing problems; painful
swallowing = odynophagia, pain swallowing, pain on swallowing, hurts to swallow, hurt to swallow; hoarse = hoarseness, husky, lost
your voice; hearing = deaf, deafness; ringing in ears = tinnitus, ringing in your ears; earache = otalgia, ear ache, ear pain,
pain in your ear; eyesight = vision, sight, visual, seeing properly; double vision = diplopia, seeing double, see double; light
hurts = photophobia, photophobic, bright light, bright lights; headache = headaches, cephalgia, head ache, sore head, head hurt,
head hurts, migraine, migraines, ha; stiff neck = neck stiffness, meningism, neck stiff, nuchal rigidity; tummy = abdomen,
abdominal, abdo, belly, stomach, tum, guts, epigastric, epigastrium; tummy pain = abdominal pain, stomach ache, tummy ache,
stomachache, bellyache, belly ache, abdo pain, belly pain, stomach pain, tummyache, stomach cramps, sore tummy, pain in your
tummy, pain in your stomach, pain in your belly, pain in the abdomen; bloated = bloating, distension, distended, distention,
swollen belly, swollen tummy; heartburn = acid reflux, reflux, indigestion, gord, gerd, dyspepsia, acid, acidity, waterbrash;
diarrhoea = diarrhea, loose stools, loose stool, loose motions, the runs, the trots, watery stools, runny poo, diarrhoeal, loose
bowels, diarhoea, diarrhoa, diarea, diarrhia, watery stool; constipation = constipated, bunged up, opening your bowels, bowels
open, bowels opened, open your bowels, bowel habit, bowel habits, bo, obstipation; bowels = bowel; stool = stools, faeces, feces,
poo, poop, motions, bowel motions, bowel movements, bowel movement, number two, poos, turd, turds; blood stool = haematochezia,
hematochezia, rectal bleeding, pr bleeding, bleeding from the back passage, blood in your stool, blood in the stool, bleeding from
your bottom, black stool, black stools, tarry stool, tarry stools, melaena, melena, tarry, pr bleed, blood from the back passage,
bleeding from the bottom, blood pr, bleeding pr; jaundice = jaundiced, icterus, icteric, gone yellow, turned yellow, yellow skin,
yellow eyes; burning urine = dysuria, burn when you pee, burning when you pee, pain when you pee, pain passing urine, painful
urination, sting when you pee, stinging when you pee, hurt to pee, hurts to pee, burning passing urine, burning on urination, pain
on urination; frequent urine = polyuria, nocturia, urinary frequency; blood urine = haematuria, hematuria, blood in your urine,
blood in your pee, blood in the urine, bloody urine, pee blood, peeing blood, blood in the pee, blood in your wee; incontinence =
incontinent, leak urine, wet yourself; urine = pee, wee, piss, urinate, urination, urinating, urinary, peeing, weeing, pass water,
passing water, waterworks, micturition, peed; loin pain = flank pain, kidney pain, renal colic, renal angle pain, pain in your
side, pain in the loin, pain in your flank; back pain = backache, lumbago, back ache, bad back, sore back, pain in your back, lbp,
back hurt; joint = joints, arthralgia, knees, knee; muscle ache = myalgia, aching muscles, muscle pain, muscle aches, muscles
ache, cramps, achy muscles, muscle pains; rash = rashes, skin rash, eruption, spots; itch = itchy, itching, pruritus, itchiness,
itches; hives = urticaria, welts, wheals, nettle rash, nettlerash; bruise = bruising, bruises, ecchymosis, easy bruising, bruised,
petechiae, purpura; nosebleed = epistaxis, nosebleeds, nose bleeds, nose bleed; lump = lumps, lymphadenopathy, swollen glands,
glands, swollen lymph nodes, lymph nodes, nodes, bumps; wound = wounds, ulcer, ulcers, lesion, lesions; weak one side =
hemiparesis, hemiplegia, facial droop, face droop, paralysis, paralysed, paralyzed, droopy face, weakness on one side, weakness
down one side, face drooping, one sided weakness, unilateral weakness; pins and needles = paraesthesia, paresthesia,
paraesthesiae, tingling, tingle, tingly, paresthesias; numb = numbness, loss of sensation, altered sensation, sensory loss, loss
of feeling; slurred speech = dysarthria, slurring, slur, dysphasia, aphasia, slurring your words, slur your words; seizure =
seizures, fit, fits, fitting, convulsion, convulsions, convulse, convulsed, fitted; memory = forgetful, forgetfulness, amnesia,
amnesic; confused = muddled, confusion, disoriented, disorientated, delirious; tremor = tremors, shaky hands, hands shake,
trembling, tremble, shaking hands, hands shaking; unsteady = ataxia, off balance, wobbly, lose your balance, loss of balance,
losing your balance; fall = falls, fallen, falling, fell; thirst = thirsty, polydipsia; appetite = anorexia, off your food,
appetit, apetite, off food; insomnia = sleep trouble, trouble sleeping, difficulty sleeping, sleep problems, sleeping problems,
sleepless; pale = pallor, pasty, off colour, ashen, peaky; depressed = depression, low mood, feeling low, feeling down, down in
the dumps, dysthymia, feel low, feel down; anxious = anxiety, nervy, anxieties; panic attack = panic attacks; anhedonia = loss of
interest, lost interest, loss of pleasure, loss of enjoyment; end your life = suicide, suicidal, kill yourself, killing yourself,
si, ending your life, take your own life, taking your own life, ending it all, end it all, taking your life, ending it, do away
with yourself, topping yourself, top yourself; self harm = dsh, cut yourself, cutting yourself, hurt yourself, hurting yourself,
harm yourself, harming yourself, self injury, self harming, self harmed, nssi; suicide attempt = attempted suicide, overdose,
tried to kill yourself, tried to end your life, suicide attempts, attempts on your life; voices = hallucinations, hallucination,
hallucinating, auditory hallucinations, hear things; manic = mania, hypomania, hypomanic, elated, elevated mood; binge = bingeing,
binging, bulimia, bulimic; menstrual period = periods, period, menstruation, menses, menstruating, time of the month, monthlies,
menstrual, menstrual periods; last menstrual period = lmp, last period, last menses; heavy periods = menorrhagia; missed period =
amenorrhoea, amenorrhea, late period, period late; vaginal bleeding = pv bleeding, pv bleed, spotting, bleeding down below,
intermenstrual bleeding, postcoital bleeding, bleeding between periods, pvb, bleeding from the vagina; vaginal discharge = pv
discharge, leucorrhoea, discharge down below, leukorrhea; menopause = menopausal, perimenopausal, hot flushes, hot flashes,
postmenopausal, change of life, hrt, perimenopause; pregnant = expecting, up the duff, in the family way, pregnancy test;
pregnancies = gravida, parity, miscarriage, miscarriages, termination, terminations, abortion, abortions, been pregnant, g p;
ectopic = tubal pregnancy, pelvic inflammatory disease, pid, ectopic pregnancy; antenatal = prenatal; pain during sex =
dyspareunia, pain with intercourse, painful intercourse, painful sex, pain on intercourse, sex painful, pain having sex, sex hurt;
sex = intercourse, coitus, make love, making love, lovemaking; sex drive = libido; erection = erectile, impotence, impotent,
erections, get it up, erectile dysfunction, erection problems; testicle = testicular, testicles, testes, testis, balls, scrotum,
scrotal, bollocks, groin; breast = breasts, boob, boobs, nipple, nipples; blood sugar = blood glucose, glucose, sugars, bm, bms,
bgl, bg, sugar level, sugar levels, sugar readings, glucose levels, capillary glucose, glucose readings, cbg; low blood sugar =
hypo, hypos, hypoglycaemia, hypoglycemia, hypoglycaemic, low sugar, low sugars, sugar lows; ketone = ketones, dka, ketoacidosis;
peak flow = pefr, pef; action plan = asthma plan, pap plan; exercise = physical activity, work out, workout, gym, sport, sports,
active physically, jog, exercising; diet = eating habits, nutrition; firearm = gun, guns, firearms, weapon, weapons, rifle,
shotgun, pistol; insect bite = tick, ticks, bitten, bite, bites, stung, sting, insect bites; abroad = overseas, foreign travel,
out of the country, recent travel, travelled abroad; police = arrested, arrest, criminal record; nappy = nappies, diaper, diapers;
baby = newborn, neonate; premature = preterm, premie, preemie; milestone = milestones; ear discharge = otorrhoea, otorrhea; hair
loss = alopecia; dry skin = xerosis; blue lips = cyanosis, cyanosed, cyanotic; passing wind = flatus, flatulence, flatulent, wind;
breast discharge = galactorrhoea, galactorrhea; breast pain = mastalgia; painful menstrual period = dysmenorrhoea, dysmenorrhea,
painful periods, period pain, period pains; irregular menstrual period = oligomenorrhoea, oligomenorrhea, irregular periods; baby
movements = fetal movements, foetal movements, baby moving, baby kicking; special care = scbu, nicu, neonatal unit, special care
baby unit; being watched = paranoia, paranoid, persecuted, spied on; strange beliefs = delusions, delusional, delusion; trauma =
ptsd, post traumatic stress, traumatised, traumatized; harm others = homicidal, homicide, hurt anyone else, hurting others, hurt
other people, hurting someone else, harming others, hurting other people; alcohol withdrawal = dts, delirium tremens, withdrawals;
hay fever = hayfever, allergic rhinitis; allergic reaction = anaphylaxis, anaphylactic, anaphylactic shock, epipen, epi pen; low
energy = anergia, lack of energy, no energy; weight loss = lost weight, losing weight, lose weight, cachexia; weight gain = gained
weight, gaining weight, put on weight, putting on weight; heart rate = hr; cannot urine = urinary retention, in retention,
retention of urine; worse = aggravating, exacerbating, aggravate, aggravates, exacerbate, exacerbates, worsen, worsens,
aggravated, exacerbated, worsened, worsening; better = relieving, alleviating, relieve, relieves, alleviate, alleviates, ease,
eases, easing, relief, relieved; spread = radiate, radiation, radiates, radiating, spreads, travel anywhere, move anywhere,
spreading, go anywhere else; start = begin, began, begun, started, starting, commence, commenced, beginning, starts, begins,
onset; triggered = precipitated, precipitant, precipitants, precipitating, provoked, triggers, trigger, brought on, brought it on,
bring it on, brings it on, set it off, sets it off, set off, sets off, bring on, brings on; out of ten = out of 10, one to ten, 1
10, 1 to 10, 0 10, zero to ten, 0 to 10; problem = issue, issues, problems, trouble, troubles, bother, bothering
"""

# the same for single words, before spelling is looked at; he, she and they are the patient too
SHORT = """
you = u, ya, yous, yu, he, she, they, him, them, ye; your = ur, yr, his, her, their, yer, yours; are = r, is; have = has, hav, hv,
ave, haz; do = does, doez; were = was; yourself = himself, herself, themselves; please = pls, plz; thanks = thx, ty, ta, cheers;
what = wat, wot, wht; when = wen, whn; with = wiv; because = cos, coz, bc, cuz; want to = wanna; going to = gonna; got to = gotta;
about = abt, bout; before = b4; any = ne, eny, anny; anything = anythin, anyting, nething, owt, anithing; something = smth,
summat, somethin; people = ppl; minutes = mins; hours = hrs; weeks = wks; months = mths; years = yrs; patient = pt; doctor = dr,
doc; appointment = appt; emergency = emerg
"""

_BEGINNINGS = """
what when where who whom whose which why how do does did have has had is are was were can could would will should any shall ever
may am
"""
ASKS = frozenset(_BEGINNINGS.split())
"""Words with which a question begins."""
_NOISES = """
ok okay k yes yeah yep no nope right sure fine alright all good great mm mmm mhm hm hmm uh um huh ah oh i see well so now and then
lovely perfect please got it understood
"""
_CURT = frozenset(_NOISES.split())
_SENTENCE = re.compile(r"(?:[^.?!;\n]|\.(?=\w))+[.?!;]*")
_JOINT = re.compile(
    r"\s*,\s*(?:(?:and|or|but|also|then)\s+)*|\s+(?:and|or|but|plus|also)\s+(?:also\s+)?|(?<=\w{3})\s*[/&+]\s*(?=\w{3})|\s+[-\u2013\u2014]+\s+",
    re.I,
)
_LEAD = re.compile(
    r"(?:(?:have|has|had|do|does|did|are|is|was|were) (?:you|he|she|they|there|your \w+)|any|what about|how about|tell me about"
    r"|your|no|(?:family |past medical |past )?history of|[fp]?m?hx? of)(?: (?:ever|also|been|had|got|have|noticed|take|taken"
    r"|experienced|feel|felt|get|getting|having|feeling|suffer from|any|an?|the|your|family|history of|problems with|trouble with"
    r"|allergic to))*\s",
    re.I,
)

_ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am", "'d": "would", "'s": "is"}
_IS = frozenset(("what", "where", "who", "how", "when", "why", "that", "there", "here", "it", "he", "she", "let"))
_BARE = (
    "don't doesn't didn't haven't hasn't hadn't isn't aren't wasn't weren't couldn't shouldn't wouldn't you've i've we've they've"
    " you're they're i'm you'll what's that's there's it's where's how's who's let's he's she's can't won't"
)
_APOSTROPHE = {word.replace("'", ""): word for word in _BARE.split()}
_MARKS = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u00b4": "'", "`": "'", "\u2013": "-", "\u2014": "-", "\u2026": "."})
_WORD = re.compile(r"[a-z0-9]+(?:[&/+][a-z0-9]+)*(?:'[a-z]+)?")
_STRANGE = re.compile(r"[^\t\n -~]")


def fold(text: str) -> str:
    """Return the first 2,000 characters in lower-case ASCII, without accents, control characters and pictures."""
    text = text[:LIMIT]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_MARKS))[:LIMIT]
    return _STRANGE.sub("", text.lower())


def _table(block: str) -> Iterator[tuple[str, str]]:
    for entry in " ".join(block.split()).split("; "):
        plain, _, forms = entry.partition(" = ")
        for form in forms.split(", "):
            yield form, plain


class Words:
    """The door that every text goes through.

    ``used`` says how often the exemplars use a word; words used twice and those ``known`` to be English are never corrected.
    """

    def __init__(self, used: Mapping[str, int], known: Callable[[str], bool]) -> None:
        self._short = dict(_table(SHORT))
        self._read = functools.lru_cache(20_000)(self._read_once)
        self._joined = frozenset(form for form, _ in _table(LEXICON) if not form.replace(" ", "").isalnum())
        self._phrases: dict[str, list[tuple[list[str], list[str]]]] = {}
        for form, plain in _table(LEXICON):
            key = [word for found in _WORD.findall(form) for word in self._pieces(found)]
            self._phrases.setdefault(key[0], []).append((key, plain.split()))
        for group in self._phrases.values():
            group.sort(key=lambda pair: -len(pair[0]))
        medical = {word for group in self._phrases.values() for pair in group for side in pair for word in side}
        targets = dict.fromkeys(sorted(medical), 1) | {word: count for word, count in used.items() if count > 1}
        self._known, self._english = set(targets) | set(self._short), known
        ranked = sorted((word for word in targets if len(word) > 3), key=lambda word: (targets[word], word))
        self._near = {cut: word for word in ranked for cut in _cuts(word)}

    def plain(self, text: str) -> list[str]:
        """Return the words of a folded text: expanded, corrected and put plainly."""
        words: list[str] = []
        for found in _WORD.findall(text):
            words += self._read(found)
        return self._rename(words)

    def _read_once(self, found: str) -> list[str]:
        words = [word for piece in self._pieces(found) for word in self._short.get(piece, piece).split()]
        return [self._correct(word) for word in words]

    def _pieces(self, found: str) -> Iterator[str]:
        """Yield the words that stand in one: ``n/v`` stays, ``cough/fever`` is two, ``don't`` is two."""
        word = _APOSTROPHE.get(found, found)
        if word.isalnum() or word in self._joined:
            yield word
        elif "'" in word:
            yield from _contraction(word)
        else:
            yield from re.split(r"[&/+]", word)

    def _correct(self, word: str) -> str:
        """Return the word in use that is one slip away, for a word that is not known."""
        if len(word) < 5 or word in self._known or not word.isalpha() or self._english(word):
            return word
        found = (self._near[cut] for cut in _cuts(word) if cut in self._near)
        return next((near for near in found if _slip(word, near)), word)

    def _rename(self, words: list[str]) -> list[str]:
        out: list[str] = []
        at = 0
        while at < len(words):
            group = self._phrases.get(words[at], ())
            key, plain = next((pair for pair in group if words[at : at + len(pair[0])] == pair[0]), ([""], [words[at]]))
            out += plain
            at += len(key)
        return out


def _contraction(word: str) -> Iterator[str]:
    """Write a contraction out: ``don't`` is do not; ``mother's`` is mother."""
    stem, _, _ = word.partition("'")
    if word in {"can't", "won't"}:
        yield from ("can", "not") if word == "can't" else ("will", "not")
    elif ending := next((ending for ending in _ENDINGS if word.endswith(ending)), None):
        yield word.removesuffix(ending)
        if ending != "'s" or stem in _IS:
            yield _ENDINGS[ending]
    else:
        yield stem


def _cuts(word: str) -> list[str]:
    """Return a word and what is left of it without one of its letters."""
    return [word, *(word[:at] + word[at + 1 :] for at in range(len(word)))]


def _slip(word: str, near: str) -> bool:
    """Say whether a word looks like a slip of another: a letter lost, added or swapped, or a vowel for a vowel."""
    if word[0] != near[0]:
        return False
    differing = [pair for pair in zip(word, near, strict=False) if pair[0] != pair[1]]
    return len(word) != len(near) or sorted(word) == sorted(near) or all(set(pair) <= set("aeiouy") for pair in differing)


def sentences(text: str) -> list[str]:
    """Return the sentences of an utterance, of what is read of it, with the marks that end them."""
    return [found.group().strip() for found in _SENTENCE.finditer(text[:LIMIT])]


def atoms(text: str) -> list[tuple[int, int]]:
    """Return where the smallest pieces of a sentence begin and end."""
    spans: list[tuple[int, int]] = []
    start = 0
    for joint in _JOINT.finditer(text):
        if joint.start() > start and len(spans) < MAX_ATOMS - 1:
            spans.append((start, joint.start()))
            start = joint.end()
    return [*spans, (start, len(text))] if start < len(text) else spans or [(0, len(text))]


def lead_of(text: str) -> str:
    """Return the words with which a list of questions begins: ``have you had any``."""
    found = _LEAD.match(text)
    return found.group() if found else ""


def carry(lead: str, text: str) -> str:
    """Give a later piece the words that the first began with: "any fever or cough?" asks "any cough?"."""
    begins = fold(text).partition(" ")[0]
    return text if begins in ASKS or _LEAD.match(text) else lead + text


def curt(text: str) -> bool:
    """Say whether a text is no more than a noise of listening: ``ok``, ``I see``."""
    words = re.findall("[a-z0-9]+", fold(text))
    return bool(words) and _CURT.issuperset(words)


@functools.cache
def static() -> tuple[Tokenizer, Callable[[list[int]], Matrix]]:
    """Return the tokenizer and a look-up of the token vectors that the wordllama wheel carries, without importing it.

    Rows are read from the file as they are needed, so that its 16 MB never stay in memory.
    """
    from tokenizers import Tokenizer

    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise PatientError("The topic matcher needs the word vectors of 'wordllama'. Install it: pip install 'wordllama>=0.4'.")
    root = Path(found.submodule_search_locations[0])
    tokenizer = Tokenizer.from_file(str(root / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    path = root / "weights" / "l2_supercat_256.safetensors"
    file = path.open("rb", buffering=0)
    size = int.from_bytes(file.read(8), "little")
    width = 2 * json.loads(file.read(size))["embedding.weight"]["shape"][1]

    def vectors(tokens: list[int]) -> Matrix:
        rows = b"".join(os.pread(file.fileno(), width, 8 + size + width * token) for token in tokens)
        return np.frombuffer(rows, np.float16).reshape(len(tokens), -1).astype(np.float32)

    return tokenizer, vectors


@functools.cache
def signs() -> Matrix:
    """Return a fixed table of random directions; a group of letters or a pair of words points along the row of its hash."""
    bits = np.random.Generator(np.random.PCG64(2026)).integers(0, 2, (BUCKETS, DIM), dtype=np.int8)
    return np.asarray((bits * 2 - 1) / np.sqrt(DIM), np.float32)


def unit(rows: Matrix) -> Matrix:
    """Return rows of length one."""
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9), np.float32)


def sums(rows: Matrix, starts: NDArray[np.int64]) -> Matrix:
    """Return the sum of each run of rows, added first to last; three times as fast as ``np.add.reduceat``."""
    if len(starts) == 1:
        return np.asarray(np.add.reduce(rows, axis=0, keepdims=True))
    lengths = np.diff(starts, append=len(rows))
    out = rows[starts].copy()
    for at in range(1, int(lengths.max())):
        longer = np.flatnonzero(lengths > at)
        out[longer] += rows[starts[longer] + at]
    return out


def meaning(words: list[str]) -> Matrix:
    """Return what each word means, common directions damped."""
    tokenizer, vectors = static()
    ids = [encoding.ids or [0] for encoding in tokenizer.encode_batch(words, add_special_tokens=False)]
    starts = np.cumsum([0, *map(len, ids[:-1])])
    rows = sums(vectors([token for tokens in ids for token in tokens]), starts)
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) ** 0.75 + 1e-9), np.float32)


def spelling(words: list[str]) -> Matrix:
    """Return how each word is spelt: itself and its groups of three and four letters."""
    groups = [[f"<{word}>"[at : at + size] for size in (3, 4) for at in range(max(1, len(word) + 3 - size))] for word in words]
    starts = np.cumsum([0, *map(len, groups[:-1])])
    letters = signs()[[zlib.crc32(group.encode()) % BUCKETS for parts in groups for group in parts]]
    return 0.65 * signs()[[zlib.crc32(word.encode()) % BUCKETS for word in words]] + 0.75 * unit(sums(letters, starts))


def english(word: str) -> bool:
    """Say whether the tokenizer knows a word whole."""
    return static()[0].token_to_id("\u2581" + word) is not None
