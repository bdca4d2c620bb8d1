"""The NEJM form of AgentClinic: a narrative, free text of findings, an image address and a multiple-choice question.

The rule: the vignette of the question is never shown; only its last sentence, which asks, may leave the truth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from medsim.case.body import CaseAction, Media, Result
from medsim.case.person import Informant
from medsim.importers import clues, people, vitals
from medsim.importers.draft import TASK, Draft, Refused
from medsim.importers.findings import Bench
from medsim.importers.names import Kind, generic, resolve
from medsim.importers.script import Writer
from medsim.importers.speech import REPORTED, Said, Voice
from medsim.importers.text import clean, leaves, sentence, sentences

LICENCE = "NEJM text and images: local use only"
OTHER = "Other findings"
ALSO = ("clinical findings", "physical examination", "test results", "laboratory tests", "investigations")
MAX_CHARS = 20_000

_ITEM = re.compile(
    r"\n+\s*(?:[-•*]\s+)?|(?:(?<=\s)|\A)(?:[-\u2013•]\s+)(?=[*A-Z0-9\"\u201c(])|(?:(?<=\s)|\A)\(?\d{1,2}[.)]\s+(?=[*A-Z\"\u201c])"
)
_ROLE = re.compile(
    r"\A(?:(?:for|in) (?:your|the) role(?: as (?:a|the) patient(?: actor)?)?|as (?:a|the) patient(?: actor)?|for the "
    r"patient(?: actor)?|patient(?: actor)? information)"
    r"\s*[,:]?\s*",
    re.I,
)
_META = re.compile(
    r"\b(?:you need to (?:convey|know)|here(?:'|\u2019)s (?:what|the)|here (?:is|are) (?:what|the)|minimal information|"
    r"remember,|role as|you should be aware|"
    r"(?:you are|you're|you\u2019re) (?:also )?(?:not|un)\s*aware of (?:your|the|any|specific)|your character|not (?:been "
    r")?(?:informed|told) (?:of|about) (?:any|your|the) diagnos|"
    r"you (?:do not|don't|don\u2019t) know (?:your|the) diagnos|which you(?:'|\u2019)?(?: a)?re not aware|patient actor|act "
    r"as|portray|"
    r"knowledge is limited|(?:have not|haven(?:'|\u2019)t) seen any (?:specific )?test|(?:symptoms|information) to "
    r"(?:report|convey))",
    re.I,
)
_NODATA = re.compile(
    r"\b(?:does not|do not|doesn't|did not) (?:explicitly )?(?:include|contain|provide|mention|specify|list|give|describe|"
    r"offer|present)\b|\bno (?:specific |numerical |additional )*"
    r"(?:or specific )?(?:instrument|test|laboratory|numerical)[\w ,/]*(?:readings?|results?|data|values?)\b.{0,40}(?:\bto "
    r"report|provided|given|mentioned|available|included|from)|"
    r"\bthere are no\b.{0,60}(?:readings?|results?)|\binstrument reader\b|^therefore\b|\bcannot (?:generate|provide|"
    r"report)\b|(?:text|case|information|description|report|it)\s+(?:describes|focuses|primarily|only)\b",
    re.I,
)
_LEADIN = re.compile(
    r"\A(?:the )?(?:information|relevant|following|instrument readings|provided|data)\b[^:]{0,160}(?:includes?|are|is|"
    r"follows)?:\s*",
    re.I,
)
_HEAD = re.compile(
    r"\s+((?=[^:]*\b(?:results?|findings?|studies|tests?|testing|examination|[Ii]maging|analysis|include|indicated|follows|"
    r"[Uu]rinalysis|[Bb]iopsy)\b)"
    r"[A-Z][\w/()-]*(?: [a-z][\w/()-]*){0,9}):\Z"
)
_LABELLED = re.compile(r"\A\**([^:*]{2,90}?)\**\s*:\**\s+(.+)\Z", re.S)
_EXAM = re.compile(
    r"\b(?:physical exam\w*|vital signs?|temperature|blood pressure|heart rate|pulse|respiratory rate|auscultation|"
    r"palpation|inspection|fundoscop\w*|"
    r"ophthalmoscop\w*|visual acuity|slit[- ]lamp|neurologic\w* exam\w*|skin exam\w*|examination|on exam|appearance|"
    r"clinical observations?)\b",
    re.I,
)
_TEST = re.compile(r"\b(?:ct|mri|x-?ray|radiogra\w*|ultraso\w*|biops\w*|histo(?!ry)\w*|laborator\w*|cultures?|serolog\w*|"
r"antibod\w*|blood|stain\w*|level|count|tomograph\w*|endoscop\w*|"
                   r"laryngoscop\w*|bronchoscop\w*|dermoscop\w*|electro\w*|echocardio\w*|angiogra\w*|catheteri\w*|"
                   r"sequencing|pcr|urinalysis|urine|test\w*)\b", re.I)  # fmt: skip
_OBJECT = re.compile(
    r"\byou(?=\s*(?:[.,;:!?)]|\Z|(?:to|in|on|at|with|for|by|and|or|from|when|while|as|because|after|before|more|about|over|"
    r"during|that|who|any|much)\b))",
    re.I,
)
_PAST = re.compile(
    r"(?:\w+ed|had|felt|was|were|went|took|saw|began|ate|fell|lost|found|got|left|came|became|noticed|did|said|could|can|"
    r"may|might|will|would|should|must|cannot)\Z"
)


class Options(NamedTuple):
    """The answer with the question it belongs to."""

    answer: str
    texts: tuple[str, ...]
    right: int
    asked: str
    kind: Literal["diagnosis", "other"]
    flags: tuple[str, ...]


def options(question: object, answers: object) -> Options | None:
    """Read the options; None where no option is marked as correct."""
    flags: list[str] = []
    held = answers if isinstance(answers, list) else []
    read = [(clean(item.get("text"), limit=300), item.get("correct")) for item in held[:40] if isinstance(item, dict)]
    pairs = [(text, mark is True or str(mark).lower() in {"true", "1", "yes"}) for text, mark in read if text]
    right = [i for i, (_, marked) in enumerate(pairs) if marked]
    if not right:
        return None
    if len(right) > 1:
        flags.append("several_correct")
    if len(pairs) < 2:
        flags.append("no_options")
    asked = last_question(question)
    if not asked:
        flags.append("no_question")
    return Options(pairs[right[0]][0], tuple(text for text, _ in pairs), right[0], asked, kind_of(asked), tuple(flags))


def last_question(question: object) -> str:
    """Return the last sentence that asks; else the last one."""
    parts = sentences(clean(question, limit=6_000))
    return next((part for part in reversed(parts) if part.rstrip("\"'\u201d\u2019) ").endswith("?")), parts[-1] if parts else "")


def kind_of(asked: str) -> Literal["diagnosis", "other"]:
    """Say whether a question asks for the diagnosis; no question counts as that."""
    named = re.search(r"\bdiagnos[ie]s\b", asked, re.I) and not re.search(
        r"\b(?:treatment|therapy|management|step|confirm\w*|test|associated|cause of|used to|make the|establish)\b", asked, re.I
    )
    which = re.search(
        r"\bwh(?:at|ich)(?: of the following)?(?: \w+){0,2} (?:condition|disease|disorder|syndrome)s?\b(?! (?:is|are) "
        r"(?:\w+ )?associated)",
        asked,
        re.I,
    )
    return "diagnosis" if not asked or named or which else "other"


def truth_question(found: Options) -> dict[str, object] | None:
    """The question as kept in the truth."""
    if len(found.texts) < 2:
        return None
    return {
        "text": found.asked or "What is the most likely diagnosis?",
        "options": found.texts,
        "answer": found.right,
        "kind": found.kind,
    }


# ---- the narrative -----------------------------------------------------------------------------------------------------------------


def narrative(text: object) -> list[str]:
    """Part the patient's narrative into sentences, without what is said to the actor."""
    found: list[str] = []
    for item in _ITEM.split(lines(text)):
        item = _ROLE.sub("", item.replace("**", "").strip())
        labelled = re.match(r"[A-Z][^:.!?]{1,60}:\s+(?=\S)", item)
        said = item[labelled.end() :] if labelled and not _META.search(labelled[0]) else item
        for part in sentences(_ROLE.sub("", said.strip(" -"))):
            part = re.sub(
                r"\A(?:mention|report|describe)(?: that you(?:'ve|\u2019ve| have)?)?(?: noticing| having| noticed)? ",
                "You have noticed ",
                part,
                flags=re.I,
            )
            if re.search(r"\w", part) and not _META.search(part) and not part.endswith(":"):
                found.append(part)
    return found


def lines(value: object) -> str:
    """Return a text of any shape with its line breaks, each line cleaned."""
    parts = value[:MAX_CHARS].split("\n") if isinstance(value, str) else [leaf.text for leaf in leaves(value)][:200]
    return "\n".join(line for line in map(clean, parts) if line)


def first_person(text: str, *, child: str = "") -> Said:
    """Turn ``"You have noticed your ..."`` to the first person, or to the child's parent; text without "you" stays as it is."""
    denies = bool(
        re.search(
            r"\A(?:you(?:'ve|\u2019ve)? (?:have never|never|have not|haven(?:'|\u2019)t|do not|don(?:'|\u2019)t|did not|"
            r"deny|are not)|there (?:is|was) no|no)\b",
            text,
            re.I,
        )
    )
    if not re.search(r"\byou(?:r|rs|rself)?\b", text, re.I):
        return Said(
            sentence(text) if not re.search(r"\b(?:the patient|he|she)\b", text, re.I) else REPORTED.format(sentence(text)),
            denies,
            bool(re.search(r"\bthe patient\b", text)),
        )
    if child:
        return Said(sentence(_parent(text, child)), denies)
    for pattern, new in (
        (r"\byou(?:'|\u2019)re\b", "I'm"), (r"\byou(?:'|\u2019)ve\b", "I've"), (r"\byou(?:'|\u2019)(d|ll)\b", r"I'\1"), (r"\byou are\b", "I am"), (r"\byou were\b", "I was"),
        (r"\bare you\b", "am I"), (r"\byourself\b", "myself"), (r"\byours\b", "mine"), (r"\byour\b", "my"),
    ):  # fmt: skip
        text = re.sub(pattern, new, text, flags=re.I)
    text = re.sub(r"\byou\b", "I", _OBJECT.sub("me", text), flags=re.I)
    return Said(sentence(re.sub(r"(?<=[.!?] )my\b", "My", text)), denies)


def _parent(text: str, child: str) -> str:
    for pattern, new in (
        (r"\byou(?:'|\u2019)re\b|\byou are\b", f"{child} is"), (r"\byou were\b", f"{child} was"), (r"\byou(?:'|\u2019)ve\b|"
        r"\byou have\b|\byou haven", f"{child} has"),
        (r"\byou don(?:'|\u2019)t\b|\byou do not\b", f"{child} does not"), (r"\byourself\b", "themselves"), (r"\byour\b", f"{child}'s"),
    ):  # fmt: skip
        text = re.sub(pattern, new, text, flags=re.I)
    text = re.sub(rf"({child} has)(?:n(?:'|\u2019)t|'t|\u2019t)\b", r"\1 not", text)
    text = _OBJECT.sub(child, text)
    return re.sub(
        r"\byou\s+(\w+)", lambda match: f"{child} {match[1] if _PAST.match(match[1]) else match[1] + 's'}", text, flags=re.I
    )


# ---- findings and the image ----------------------------------------------------------------------------------------------------------


def findings(bench: Bench, text: object) -> None:
    """Part the free text of findings into examinations and tests."""
    heading, given = "", lines(text)
    body = "\n".join(" ".join(part for part in sentences(line) if not _NODATA.search(part)) for line in given.split("\n"))
    if body != given:
        bench.flags.append("no_data_stated")
    if isinstance(text, str) and len(text) > MAX_CHARS:
        bench.flags.append("cut")
    for item in _ITEM.split(_LEADIN.sub("", body)):
        item = item.replace("**", "").strip(" -\u2013•\n")
        tail = _HEAD.search(item)
        held = item[: tail.start()] if tail else "" if item.endswith(":") else item
        if re.search(r"\w", held):
            _item(bench, held, heading)
        heading = tail[1] if tail else item.rstrip(": ") if item.endswith(":") else heading


def _item(bench: Bench, item: str, heading: str) -> None:
    """Take in one item: labelled, or under the heading before it, or among the other findings."""
    parts = sentences(item)
    labelled = [(match[1], match[2]) for part in parts if (match := _LABELLED.match(part))]
    if labelled and len(labelled) < len(parts):
        match = _LABELLED.match(item)
        labelled = [(match[1], match[2])] if match else []
    for name, text in labelled or [(heading, item)]:
        bench.add(clean(name, limit=80) or OTHER, text, _kind(name or item, heading), also=ALSO if not name else ())


def _kind(name: str, heading: str) -> Kind:
    for words in (name, heading):
        if words and _TEST.search(words):
            return "order"
        if words and _EXAM.search(words):
            return "examine"
    return "examine" if not generic(name) and resolve(name, "examine") else "order"


def image(url: object, tags: tuple[str, ...]) -> tuple[Media, CaseAction] | None:
    """Return the image's slot and the order that shows it; None where there is no address."""
    address = clean(url, limit=500)
    if not re.match(r"https?://\S+\Z", address):
        return None
    sort = f" ({', '.join(tags)})" if tags else ""
    text = f"The image of this case{sort} is kept by its publisher at {address}; it is not shipped and not described here."
    synonyms = (
        "request image",
        "request images",
        "images",
        "picture",
        "photograph",
        "photo",
        "clinical image",
        "case image",
        "show image",
        "view image",
        *tags,
    )
    slot = Media(id="image", url=address, text=text, license=LICENCE)
    return slot, CaseAction(
        kind="order",
        name="Image of the case",
        synonyms=synonyms,
        result={"_": Result(text=text, media="image")},
        **{"class": "imaging"},
    )  # type: ignore[arg-type]


# ---- the whole -------------------------------------------------------------------------------------------------------------------


def challenge(data: Mapping[str, Any]) -> Draft:
    """Read an NEJM image challenge."""
    found = options(data.get("question"), data.get("answers"))
    if found is None:
        raise Refused("no_diagnosis")
    told = narrative(data.get("patient_info"))
    if not told:
        raise Refused("no_patient_data")
    vignette = next(iter(sentences(clean(data.get("question")))), "")
    demographics, person = max(
        ((text, people.person(text)) for text in (" ".join(told)[:400], vignette)), key=lambda pair: -len(pair[1].flags)
    )
    voice = Voice(person.sex, people.informant(person.age, "") if person.age.years < 8 else Informant())
    writer = Writer(voice)
    child = "" if voice.own else voice.me if voice.me == "My child" else "my child"
    for text in told:
        said = first_person(text, child=child)
        aside = re.fullmatch(
            r"(?:I am|I'm|my child is) an? [\w -]+(?:old )?(?:woman|man|boy|girl|female|male|child|person)\W*", said.text, re.I
        )
        symptom = clues.symptom(said.text) and not said.negative
        first = symptom and not any(fact.tier == "volunteer" for fact in writer.facts)
        writer.add("history", "history", said, "volunteer" if first else "open" if symptom and not aside else "ask")
    script = writer.script()
    bench = Bench()
    findings(bench, data.get("physical_exams"))
    tags = tuple(text for leaf in leaves(data.get("type")) if (text := leaf.text[:40].lower()))[:6]
    actions, media = bench.actions(), ()
    picture = image(data.get("image_url"), tags)
    flags = [*found.flags, *bench.flags, *([] if picture else ["no_image"]), *([] if actions else ["no_findings"])]
    if picture:
        media, actions = (picture[0],), {**actions, "image": picture[1]}  # type: ignore[assignment]
    opening = f"Hello, doctor. I have come about {clues.concern([fact.say[0] for fact in script.facts if not fact.negative]) if voice.own else 'my child'}."
    task = TASK if found.kind == "diagnosis" else found.asked
    reading = vitals.read(None, years=person.age.years)
    return Draft(
        person, str(person), f"{person} is seen in clinic.", task, opening, script, voice, reading, actions, media, found.answer, (),
        truth_question(found), tags, (*flags, *(("not_a_diagnosis",) if found.kind == "other" else ())),
    )  # fmt: skip
