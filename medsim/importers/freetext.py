"""Findings told in free text: parted into examinations and tests by their labels and headings.

The rule: a sentence that only says that there are no data is no finding; everything else comes back word for word.
"""

from __future__ import annotations

import re

from medsim.importers.findings import Bench
from medsim.importers.names import Kind, generic, resolve
from medsim.importers.nejm import ITEM, MAX_CHARS, lines
from medsim.importers.text import clean, sentences

OTHER = "Other findings"
ALSO = ("clinical findings", "physical examination", "test results", "laboratory tests", "investigations")

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
_TEST = re.compile(
    r"\b(?:ct|mri|x-?ray|radiogra\w*|ultraso\w*|biops\w*|histo(?!ry)\w*|laborator\w*|cultures?|serolog\w*|"
    r"antibod\w*|blood|stain\w*|level|count|tomograph\w*|endoscop\w*|"
    r"laryngoscop\w*|bronchoscop\w*|dermoscop\w*|electro\w*|echocardio\w*|angiogra\w*|catheteri\w*|"
    r"sequencing|pcr|urinalysis|urine|test\w*)\b",
    re.I,
)


def findings(bench: Bench, text: object) -> None:
    """Part the free text of findings into examinations and tests."""
    heading, given = "", lines(text)
    body = "\n".join(" ".join(part for part in sentences(line) if not _NODATA.search(part)) for line in given.split("\n"))
    if body != given:
        bench.flags.append("no_data_stated")
    if isinstance(text, str) and len(text) > MAX_CHARS:
        bench.flags.append("cut")
    for item in ITEM.split(_LEADIN.sub("", body)):
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
