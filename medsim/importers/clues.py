"""What a piece of history is about: topics by section and by key words.

The rule: a topic is given only where the words name it; a fact without one is matched by its own words.
"""

from __future__ import annotations

import re
from functools import cache

SECTIONS: dict[str, tuple[str, ...]] = {
    "pmh": ("pmh.any",),
    "family": ("fh.any",),
    "meds": ("meds.current",),
    "allergy": ("allergy.any",),
}
"""Topics that a section decides by itself."""

_STORY = """
onset.when = \\d+[- ](?:hour|day|week|month|year)s?(?:-long)? history|started|began|onset|\\bsince\\b|\\bago\\b
    |for (?:the )?(?:past|last)|for \\w+ (?:hour|day|week|month|year)s?
onset.how = sudden|gradual|insidious|progressive|abrupt|immediately
onset.trigger = after (?:eating|exercise|playing|lifting)|triggered|following (?:a|an|the)
    |while (?:playing|exercising|lifting|working)
timing.pattern = intermittent|constant|comes and goes|episod|every (?:day|night|morning)|daily|recurr|times (?:a|per)
timing.duration = last(?:s|ed|ing)? (?:for )?(?:about |approximately )?\\w+ (?:second|minute|hour)|after about \\d+ seconds
pain.radiation = radiat
pain.worse = (?:worse|aggravat|exacerbat)\\w*(?: \\w+){0,3} (?:with|by|when|on|after|in|during)
    |worsen(?:s|ing|ed)? (?:with|by|when|on|after|during)
pain.relief = relie(?:f|ved)|improv\\w+ (?:with|after|by)|better (?:with|after|when)
pain.severity = severe pain|\\d+ ?/ ?10|out of (?:10|ten)
pain.character = (?:sharp|dull|burning|stabbing|cramping|throbbing|aching|crushing|shooting)\\b.{0,30}\\bpain
    |pain .{0,20}(?:sharp|dull|burning|stabbing)
complaint.course = worsen|getting worse|progressi|improv|resolved|increas(?:ed|ing) in size
complaint.previous = similar (?:episode|symptom|complaint|problem)|prior episode|previous episode|before this
complaint.contact = was (?:initially )?treated|tried|over-the-counter|ibuprofen .{0,20}relief|was seen by|advised
injury.mechanism = collision|accident|\\bfall\\b|\\bfell\\b|trauma|injur
injury.head = head (?:injur|trauma)
travel.any = travel|returned from|recently (?:moved|emigrat|immigrat)|camping|abroad
travel.exposure = sick contact|exposed to|exposure to|contact with|outbreak
travel.bites = \\b(?:bite|bites|tick|mosquito|insect)
"""
_SYMPTOMS = """
ros.general = fatigue|tired|malaise|letharg|generali[sz]ed weakness|exhaust
ros.fever = fever|febrile|temperature
ros.chills = \\bchills?\\b|rigor|shiver
ros.sweating = (?<!night )sweat(?!s at)|diaphore|clammy
ros.nightsweats = night ?sweat
ros.weight = weight (?:loss|gain|change)|lost .{0,20}(?:kg|lb|pound|weight)|gain(?:ed|ing) weight
ros.appetite = appetite|anorexia|eating less|decreased feeding
ros.thirst = thirst|polydipsia
ros.sleep = sleep|insomnia|nightmare
ros.falls = \\bfalls\\b|unsteady
ros.pallor = \\bpale\\b(?! stool)|pallor
ros.chest_pain = chest (?:pain|tightness|pressure|discomfort)
ros.palpitations = palpitation|heart racing|racing heart
ros.breathless = short(?:ness)? of breath|dyspn|breathless|difficulty (?:in )?breathing|respiratory (?:distress|symptom)
    |breathing difficult
ros.orthopnoea = orthopn|lying flat|paroxysmal nocturnal
ros.oedema = (?:ankle|leg|pedal|peripheral|foot|feet|lower extremit\\w+).{0,15}(?:swell|edema|oedema)|edema|oedema
    |swelling (?:in|of) (?:the|his|her|my) (?:legs?|ankles?)|swollen (?:legs?|ankles?|feet)
ros.calf = calf
ros.syncope = syncop|faint|passed out|loss of consciousness|lost consciousness|unconscious|blackout
ros.dizziness = dizz|vertigo|light-?headed
ros.cough = cough
ros.sputum = sputum|phlegm
ros.haemoptysis = h(?:a)?emoptysis|cough\\w* (?:up )?blood
ros.wheeze = wheez
ros.stridor = stridor|chok|drool
ros.sore_throat = sore throat|hoarse|throat pain|dysphonia
ros.runny_nose = runny nose|nasal (?:discharge|obstruction|congestion)|rhinorrh|\\bcold\\b symptoms|congestion
ros.ear = \\bears?\\b|hearing|tinnitus|otalgia
ros.eyes = vision|visual|\\beyes?\\b|diplopia|photophob|blurr
ros.headache = headache
ros.neck = neck (?:pain|stiff)|stiff neck
ros.nausea = nause
ros.vomiting = vomit|emesis(?!.*blood)|throwing up|retch
ros.haematemesis = h(?:a)?ematemesis|vomit\\w* blood
ros.abdominal_pain = abdom\\w+.{0,25}(?:pain|discomfort|cramp|tender)|stomach (?:pain|ache)|belly|epigastric pain|pelvic pain
ros.bloating = bloat|disten(?:sion|tion|ded)|abdominal (?:girth|size)
ros.heartburn = heartburn|reflux|indigest|dyspepsia
ros.dysphagia = dysphagia|(?:difficulty|trouble|pain)\\w* (?:in |with |on )?swallow|swallowing
ros.diarrhoea = diarrh|loose stool|loose bowel|watery stool
ros.constipation = constipat|bowel (?:habit|movement|function)|meconium
ros.rectal_bleeding = rectal bleed|blood\\w* (?:in (?:the )?stool|bowel|stool)|melena|hematochezia|black stool
ros.jaundice = jaundice|yellow(?:ish|ing)? (?:skin|discolor|colou?r)|scleral icterus|dark urine|pale stool
ros.urinary_pain = dysuria|(?:pain|burning)\\w* (?:with |on |during |when )?(?:urinat|micturit)|urinary (?:pain|symptom)
ros.urinary_frequency = (?:urinary|increased) frequency|frequen\\w+ (?:of )?urinat|nocturia|polyuria|voiding
ros.haematuria = h(?:a)?ematuria|blood in (?:the |his |her |my )?urine|urine colou?r
ros.urinary_retention = incontinen|urinary retention|urgency|loss of urine
ros.flank_pain = flank pain|loin pain
ros.genital = testic|scrot|genital|penile|penis|vulv
ros.back_pain = back pain
ros.joint = joint|arthralg|(?:knee|ankle|wrist|shoulder|hip|elbow|finger).{0,20}(?:pain|swell|stiff)
    |(?:pain|swelling).{0,25}(?:knee|ankle|wrist|shoulder|hip|elbow|finger)
ros.muscle = muscle|myalg|cramp
ros.rash = rash|skin (?:darken|thicken|issue|problem)|\\bpatches|\\bspots on|itch|prurit|hives|lesion|blister|macule
    |papule|skin (?:change|lesion)|pustule|plaque|ulcer
ros.bruising = bruis|bleed(?:ing)? (?:gum|easily|disorder)|nosebleed|epistaxis|petechia
ros.swelling = (?:lip|tongue|facial|face).{0,12}swell
ros.lumps = lump|(?:swelling|swollen areas?).{0,20}neck|\\bmass\\b|lymph node|swollen gland|nodule|swelling on the|neck swelling
ros.wound = wound
ros.weakness = weakness|paralys|facial droop
ros.numbness = numb|tingl|paresthes|paraesthes|decreased sensation
ros.speech = slurred|speech|speaking|articulation
ros.seizure = seiz|convuls|unresponsive|staring
ros.memory = memory|forget|confus|altered ment|mental status
ros.tremor = tremor|shaking
ros.balance = balance|gait|difficulty (?:in )?walking|ataxi|coordination
ros.heat_cold = heat intoleran|cold intoleran
ros.hair_skin = hair loss|alopecia|dry skin
gyn.bleeding = vaginal bleed|spotting|postmenopausal bleed
gyn.discharge = vaginal discharge
gyn.breast = breast|nipple
psych.mood = depress|\\bsad|low mood|mood|tearful
psych.anxiety = anxi|worry|worries|nervous
psych.psychosis = hallucinat|hearing voices|delusion|paranoi|telepath|spied on
psych.concentration = concentrat|attention
psych.suicide_ideation = suicid(?:al ideation|al thoughts)|thoughts of (?:suicide|death)
psych.suicide_attempt = suicide attempt|attempted suicide
psych.harm_others = harm others|homicid
sexual.pain = dyspareunia|(?:pain\\w*|discomfort) (?:during |with )?(?:sexual )?(?:intercourse|sex)
"""
_PAST = """
pmh.heart = heart (?:disease|failure|attack)|myocardial|angina|coronary|atrial|cardiomyop|murmur
pmh.hypertension = hypertens|high blood pressure
pmh.cholesterol = cholesterol|lipid
pmh.diabetes = diabet
pmh.lung = asthma|\\bcopd\\b|obstructive pulmonary|bronchitis|emphysema
pmh.stroke = stroke|transient isch
pmh.bleeding = thrombos|\\bdvt\\b|embol|bleeding disorder|ulcer disease|hemophil
pmh.cancer = cancer|carcinoma|lymphoma|leuk|malignan|sarcoma|tumor
pmh.kidney = kidney|renal|dialysis
pmh.liver = hepat|\\bliver\\b|cirrhosis
pmh.thyroid = thyroid
pmh.epilepsy = epilep|seizure disorder|prior seizure
pmh.infection = \\bhiv\\b|\\baids\\b|tubercul|pneumonia|infection|influenza|lyme
pmh.psych = psychiat|depression|bipolar|schizo|anxiety disorder|dysmorphic|adhd
pmh.surgery = surg|ectomy|plasty|cesarean|caesarean|transplant|operation|operat(?:ed|ive)
pmh.admissions = hospitali[sz]|admitted|intensive care
pmh.trauma = accident|trauma|fracture|\\bfall\\b
pmh.immunisation = vaccin|immuni[sz]
pmh.transfusion = transfus
"""
_LIFE = """
social.occupation = \\bworks\\b|\\bworks? (?:as|in|at|for)\\b|worker|employ|occupation|profession|retired|teacher|engineer
    |student|school|farmer|accountant|\\bjob\\b|kindergarten|grade\\b
social.living = liv(?:es|ing) with|\\blives\\b|\\bhome\\b|homeless|incarcerat|prison
social.relationship = married|\\bwife\\b|husband|divorc|partner|single\\b
social.children = children|mother of
social.tobacco = smok|tobacco|cigar|pack[- ]year
social.passive_smoke = (?:exposure|exposed) to tobacco|second-?hand
social.alcohol = alcohol|drinks?\\b|beers?|wine|vodka|liquor
social.drugs = drug|illicit|substance|cannabis|marijuana|ecstasy|heroin|steroid use|recreational
social.cocaine = cocaine
social.injecting = inject
social.diet = \\bdiet\\b|vegetarian|vegan|breastf|formula-?fed
social.exercise = exercis|\\bgym\\b|sport|football|volleyball|hiking|walks? daily|physical(?:ly)? activ
social.stress = \\bstress|terminated from|lost (?:his|her|my) job
social.pets = \\bpets?\\b|\\bcats?\\b|\\bdogs?\\b|livestock|animal
social.hobbies = hobb|outdoor|plays golf|enjoys|interests
travel.any = travel|returned from|camping|abroad|visit to
travel.exposure = sick contact|exposed|exposure|contact with
sexual.active = sexual(?:ly)? activ|unprotected sex
sexual.partners = partner
sexual.contraception = condom|contracepti|diaphragm
sexual.sti = sexually transmitted|\\bstis?\\b|\\bstds?\\b|gonorrh|chlamyd|syphil
gyn.pregnancies = deliver(?:y|ies|ed)|gravid|\\bpara\\b|pregnan|miscarr|cesarean|conceiv|childbirth
gyn.lmp = last menstrual|\\blmp\\b|missed period|late period
gyn.cycle = menstr|menarche|\\b(?:her|my|regular|irregular|heavy) periods?\\b
gyn.menopause = menopaus
child.birth = born |birth|gestation|premature|neonatal period|prenatal|delivered
child.development = development|milestone|growth
child.feeding = feeding|breastf|formula
"""
_DRUGS = """
meds.current = medication|medicine|takes |taking |managed with|treated with|started on|regimen|\\bpills?\\b|insulin
    |metformin|tablets?
meds.contraceptive = contracepti
meds.insulin = insulin
meds.nsaid = ibuprofen|naproxen|\\bnsaid|aspirin|diclofenac|meloxicam
meds.steroids = prednis|corticosteroid|glucocorticoid
meds.anticoagulant = warfarin|heparin|apixaban|rivaroxaban|anticoag
meds.recent = recently started|stopped|discontinued|antibiotic|changed to|new medication
meds.adherence = complian|adheren|as prescribed
meds.herbal = herbal|supplement|vitamin
meds.otc = over-the-counter
allergy.any = allerg|adverse drug reaction
allergy.penicillin = (?:allerg|reaction).{0,30}(?:penicillin|amoxicillin)|(?:penicillin|amoxicillin).{0,12}allerg
"""
_KIN = """
fh.heart = heart|cardiac|myocardial|sudden death
fh.diabetes = diabet
fh.cancer = cancer|carcinoma|leuk|lymphoma|tumor
fh.psych = suicid|schizo|depress|bipolar|psychiat|mental
fh.atopy = asthma|eczema|hay fever|psoriasis|atop
fh.clots = clot|thrombos
fh.parents = mother|father|parents?
"""
_FAMILY = re.compile(
    r"family history|familial|runs in the family|\b(?:his|her|my|the|patient['\u2019]s|maternal|paternal|older|younger|an?)?\s*"
    r"(?:mother|father|brother|sister|uncle|aunt|cousin|grand(?:mother|father|parent)s?|siblings?|parents?)\b(?!(?:'s|"
    r"\u2019s)? (?:\w+ )?(?:reports?|states?|notes?|describes?|believes?|is concerned|observed))(?![^.]{0,60}\breports? )[^.]{0,40}"
    r"\b(?:had|has|have|died|death|diagnosed|suffer\w*|with|similar|history|committ\w+)\b",
    re.I,
)
_NOUN_TEXT = """
ros.rash = my skin
ros.eyes = my eyes
ros.cough = a cough
ros.breathless = my breathing
ros.joint = my joints
ros.headache = my head
ros.abdominal_pain = my stomach
ros.haematuria = my urine
ros.fever = a fever
ros.lumps = a swelling
ros.numbness = a strange feeling
ros.weakness = a weakness
ros.sore_throat = my throat
ros.chest_pain = my chest
ros.jaundice = my colour
ros.wound = a wound
ros.ear = my ear
"""
_NOUNS = tuple(line.split(" = ") for line in _NOUN_TEXT.strip().splitlines())


@cache
def _table(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    blocks = {"story": _STORY + _SYMPTOMS, "symptoms": _SYMPTOMS, "past": _PAST, "life": _LIFE, "drugs": _DRUGS, "kin": _KIN}
    lines = (line.split(" = ", 1) for line in blocks[name].replace("\n    ", "").splitlines() if line)
    return tuple((topic.strip(), re.compile(rf"(?:{words})", re.I)) for topic, words in lines)


_TABLES = {
    "symptom": ("symptoms",),
    "history": ("story", "past", "life", "drugs"),
    "pmh": ("past", "drugs", "life"),
    "social": ("life", "drugs"),
    "ros": ("symptoms", "past", "life"),
    "meds": ("drugs",),
    "family": ("kin",),
    "allergy": ("drugs",),
    "other": ("story", "past", "life", "drugs"),
}


def topics(text: str, section: str) -> tuple[str, ...]:
    """Return the topics of a text in a section: what the section decides first, then what the words name, at most eight."""
    given = SECTIONS.get(section, ())
    if section != "family" and _FAMILY.search(text):
        return ("fh.any", *_named(text, ("kin",)))[:8]
    return tuple(dict.fromkeys((*given, *_named(text, _TABLES[section]))))[:8]


def _named(text: str, tables: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(topic for table in tables for topic, words in _table(table) if words.search(text)))


def symptom(text: str) -> bool:
    """Say whether a text names a symptom."""
    return bool(_named(text, ("symptoms",)))


def concern(told: list[str]) -> str:
    """A lay word for what a narrative is about: that of the first sentence which has one."""
    for text in told:
        named = set(_named(text, ("symptoms",)))
        for topic, noun in _NOUNS:
            if topic in named:
                return noun
    return "something that worries me"
