"""What examinations and tests are called: the shared vocabulary's codes for the names data sets use.

The rule: a name resolves only where its words are those of a vocabulary name, in any order and spelling, never by likeness.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Literal

from medsim.importers.answers import american
from medsim.importers.text import label
from medsim.vocabulary import Entry, analytes, entries

Kind = Literal["examine", "order"]

_HEADINGS = """
a additional an analyses analysis and any assessment basic biochemistry blood chemistries chemistry data diagnostic exam
examination examinations exams finding findings for further general hematologic hematological hematology image images
imaging in initial investigation investigations lab laboratory labs of other others panel physical procedure procedures
radiological radiology relevant remainder report reports result results review routine screening serum special specific
studies study system systemic systems test tested testing tests the tools value values work work-up workup
"""
_EMPTY_NAMES = """
analysis appearance auscultation color colour comment comments conclusion culture description detail details distribution
evaluation examination finding findings findings_summary general histopathology impression inspection
inspection_and_palpation interpretation left level levels location lower microscopic microscopy motor nature note notes
observation observations optional other others overall palpation percussion position preliminary random report response
result results right score scores shape side size special specific status strength suggestion summary test tests type upper
value visual
"""
_IGNORED = """
a an and assessment bilateral check count evaluation exam examination examinations exams finding findings for in left level
levels of on panel profile report result results right scan screen screening serum studies study system test testing tests
the to with without
"""
_SAME_TEXT = r"""
xray = \bx[- ]?rays?\b|radiograph(?:s|y|ic)?|roentgenograms?|plain films?
ultrasound = ultrasonograph(?:y|ic)|ultrasonogram|ultrasounds?|sonogra(?:m|phy)|\buss\b
ct = computed tomograph(?:y|ic)|\bct scans?\b|\bcat scans?\b
mri = magnetic resonance imaging
ecg = electrocardiogra(?:m|phy)|\bekg\b|12[- ]lead ecg
eeg = electroencephalogra(?:m|phy)
emg = electromyogra(?:m|phy)
echo = echocardiogra(?:m|phy)
angiogram = angiogra(?:m|phy)
mammogram = mammogra(?:m|phy)
cbc = complete blood (?:cell )?count(?: with (?:differential|differentiation|diff))?|full blood count|\bfbc\b
    |cbc with diff\w*
bmp = basic metabolic panel|metabolic panel|chemistry panel|serum electrolytes
    |renal function tests?|kidney function tests?|electrolytes
liver panel = liver function tests?|liver panel|hepatic (?:function )?panel|liver enzymes|\blfts?\b
thyroid panel = thyroid function tests?|\btfts?\b
coagulation = coagulation(?: (?:profile|studies|screen|panel|test))*(?: results)?
abg = (?:arterial )?blood gas(?:es)?(?: analysis)?|\babgs?\b
urinalysis = urine analysis|urinalysis|urine tests?(?! for)
blood film = peripheral (?:blood )?(?:smear|film)|blood smear
urine toxicology = toxicology screen(?:ing)?|urine toxicology(?: screen)?|drug screen|tox screen
hormone panel = hormon(?:al|e) (?:profile|panel|studies|levels?)
spirometry = pulmonary function tests?|\bpfts?\b|spirometry
abdomen = abdominal
heart = cardiovascular|cardiac
lung = pulmonary|respiratory|\bchest auscultation\b
neuro = neurologic(?:al)?
eye = ophthalmolog(?:ic|ical)|ophthalmic|ocular
skin = dermatolog(?:ic|ical)
brain = cranial(?= (?:ct|mri|ultrasound))|cerebral|\bhead\b
esr = erythrocyte sedimentation rate
crp = c[- ]reactive protein
lung = \blungs\b
prothrombin time = prothrombin time
"""
_ALIAS_TEXT = """
hemoglobin = hb, hgb, haemoglobin
hematocrit = hct, pcv
wbc = wbc, white blood cell, white blood cells, white blood cell count, total wbc count, total count wbc, leukocyte count,
    leukocytes, leukocyte, wbc count
rbc_count = rbc, rbc count, red blood cells, erythrocytes
platelets = platelet, platelet count, plt
neutrophils = neutrophil, segmented neutrophils, bands, differential count, differential
mcv = mean corpuscular volume
sodium = na, na+
potassium = k, k+
chloride = cl, cl-
bicarbonate = hco3, hco3-, co2
urea_nitrogen = bun, urea, urea nitrogen, blood urea nitrogen, serum urea nitrogen
creatinine = cr
glucose = glu, blood glucose, serum glucose, blood glucose level
calcium = ca, ca2, ca2+, ca+2, total serum calcium, serum calcium
magnesium = mg, mg2+
phosphate = phosphorus
ast = aspartate aminotransferase, sgot
alt = alanine aminotransferase, sgpt, liver enzymes
alp = alkaline phosphatase
bilirubin_total = bilirubin, total bilirubin, bilirubin total
bilirubin_direct = direct bilirubin, bilirubin direct, conjugated bilirubin
total_protein = protein total
ldh = lactate dehydrogenase
ck = creatine kinase
prothrombin_time = prothrombin time, pt
aptt = ptt, partial thromboplastin time, activated partial thromboplastin time
cholesterol = total cholesterol
esr = erythrocyte sedimentation rate
crp = c-reactive protein
reticulocytes = reticulocyte count, reticulocyte
tsh = thyroid-stimulating hormone, thyroid stimulating hormone
free_t4 = ft4
uric_acid = uric acid level
ca125 = ca-125
dat = direct antiglobulin test
ana = antinuclear antibodies, anti-nuclear antibody, antinuclear antibody
ferritin = serum ferritin
iron = serum iron
tibc = total iron binding capacity
ethanol_level = blood alcohol level
hcv_antibody = hepatitis c antibody
hbsag = hepatitis b surface antigen
gonorrhoea = gonorrhea
blood_culture = blood cultures
"""
GENERIC = frozenset(_HEADINGS.split())
"""A section all of whose words stand here is a heap, not a test: its parts are tests of their own."""
PLAIN = frozenset(_EMPTY_NAMES.split())
"""Names that say nothing without the section they stand in."""
_STOP = frozenset(_IGNORED.split())


def _rows(text: str) -> list[list[str]]:
    """Read ``left = right`` lines; an indented line goes on with the one before it."""
    return [line.split(" = ", 1) for line in re.sub(r"\n {4}", "", text).strip().splitlines()]


_SAME = tuple((re.compile(pattern), same) for same, pattern in _rows(_SAME_TEXT))
"""One word for what goes by several, in order."""
_ALIASES = {name.strip(): analyte for analyte, names in _rows(_ALIAS_TEXT) for name in names.split(",")}
"""What data sets write for an analyte."""
_PREFERRED = ("cbc", "bmp", "liver_panel", "coagulation", "thyroid_panel", "iron_studies", "lipid_panel")


@lru_cache(maxsize=4096)
def phrase(name: str) -> str:
    """Reduce a name to American spelling, one word for one thing, no punctuation."""
    text = american(name.lower().replace("_", " ").replace("\u2019", "'"))
    text = re.sub(r"\([^)]*\)", " ", text)
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return " ".join(re.findall(r"[a-z0-9]+", text))


@lru_cache(maxsize=4096)
def words(name: str) -> frozenset[str]:
    """Reduce a name to the set of words it is compared by."""
    found = phrase(name).split()
    kept = {
        word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
        for word in found
        if word not in _STOP
    }
    return frozenset(kept or set(found))


def generic(name: str) -> bool:
    """Say whether a section's name is only a heading for tests of different kinds."""
    found = re.findall(r"[a-z-]+", american(name.lower()))
    return bool(found) and all(word in GENERIC for word in found)


def plain(name: str) -> bool:
    """Say whether a leaf's name means nothing outside its section."""
    found = re.findall(r"[a-z]+", name.lower())
    return not found or all(word in PLAIN or word in GENERIC for word in found)


@cache
def _index(kind: Kind) -> tuple[dict[str, str], dict[frozenset[str], str]]:
    order = {"examine": ("examine",), "order": ("order", "procedure", "examine")}[kind]
    exact: dict[str, str] = {}
    loose: dict[frozenset[str], str] = {}
    for wanted in order:
        for entry in entries().values():
            if entry.kind == wanted:
                for name in (entry.name, entry.code.removeprefix("exam."), *entry.synonyms):
                    exact.setdefault(phrase(name), entry.code)
                    loose.setdefault(words(name), entry.code)
    return exact, loose


def resolve(name: str, kind: Kind) -> str | None:
    """Return the vocabulary's code for the name of an examination or test, or None."""
    exact, loose = _index(kind)
    code = exact.get(phrase(name)) or loose.get(words(name))
    if code or kind == "examine":
        return code
    analyte = analyte_of(name)
    return order_of(analyte) if analyte else None


def analyte_of(name: str) -> str | None:
    """Return the analyte a leaf's name stands for."""
    low = re.sub(r"\s*\([^)]*\)", "", name.lower().replace("_", " ")).strip()
    found = _ALIASES.get(low) or _ALIASES.get(american(low))
    if found:
        return found
    key = low.replace(" ", "_").replace("-", "_")
    return key if key in analytes() else _analyte_words().get(words(low))


@cache
def _analyte_words() -> dict[frozenset[str], str]:
    found: dict[frozenset[str], str] = {}
    for analyte in analytes().values():
        found.setdefault(words(analyte.name.split(",")[0]), analyte.id)
    return found


@cache
def order_of(analyte: str) -> str | None:
    """Return the order that brings an analyte: a common panel, or the narrowest order."""
    able = [entry for entry in entries().values() if entry.kind == "order" and analyte in entry.analytes]
    return next((code for code in _PREFERRED if any(entry.code == code for entry in able)), None) or min(
        (entry.code for entry in able), key=lambda code: len(entries()[code].analytes), default=None
    )


def known(code: str) -> Entry | None:
    """Return the vocabulary's entry."""
    return entries().get(code)


def slug(name: str) -> str:
    """Turn a name into the tail of a code."""
    text = american(name.lower()).replace("+", " plus ").replace("°", " ")
    return re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:60].strip("_") or "finding"


def forms(name: str) -> list[str]:
    """Ways to ask for something of this name."""
    whole = label(name)
    bare = re.sub(r"\s*\([^)]*\)", "", whole).strip()
    inner = [part for part in re.findall(r"\(([^)]*)\)", whole) if re.fullmatch(r"[A-Za-z0-9-]{2,10}", part)]
    bare = re.sub(r"\A(?:results? of|tests? for|level of|serum levels? of) ", "", bare, flags=re.I)
    short = re.sub(
        r"\s+(?:tests?|testing|exam(?:ination)?s?|levels?|stud(?:y|ies)|results?|findings|assessment|scans?)\Z",
        "",
        bare,
        flags=re.I,
    )
    unsided = re.sub(r"\b(?:the|of|left|right|bilateral)\b\s*", "", short, flags=re.I)
    found = [whole, bare, short, *inner, unsided, re.sub(r"[-/]", " ", short)]
    modality = re.match(
        r"(x[- ]?rays?|ct(?: scan)?|mri|ultrasound|doppler ultrasound|biopsy|radiographs?)\s+(?:of (?:the )?)?(.+)", short, re.I
    )
    if modality:
        found += [f"{modality[2]} {modality[1]}", f"{modality[1]} of the {modality[2]}"]
    behind = re.match(r"(.+) (x[- ]?rays?|ct(?: scan)?|mri|ultrasound|ultrasonography|biopsy|radiographs?)\Z", short, re.I)
    if behind:
        found += [f"{behind[2]} {behind[1]}", f"{behind[2]} of the {behind[1]}"]
    joint = re.match(r"(x[- ]?rays?|ct(?: scan)?|mri|ultrasound)\s+(?:of (?:the )?)?(.+?) and (?:the )?(.+)", short, re.I)
    if joint:
        found += [f"{joint[1]} {part}" for part in joint.groups()[1:]]
    found += [re.sub(r"\bthorax\b", "chest", form, flags=re.I) for form in found if "thorax" in form.lower()]
    found += [re.sub(r"\bct scan\b", "ct", form, flags=re.I) for form in found if "ct scan" in form.lower()]
    found += [
        re.sub(r"\b(?:antibody|antibodies)\b", word, short, flags=re.I) for word in ("antibody", "antibodies") if "antibod" in short.lower()
    ]
    found += [re.sub(r"\bx[- ]?rays?\b", "x-ray", short, flags=re.I)] if re.search(r"\bx[- ]?rays?\b", short, re.I) else []
    return list(dict.fromkeys(" ".join(form.lower().split()) for form in found if len(form.strip()) > 1))
