"""The NEJM form of AgentClinic: a narrative, free text of findings, an image address and a multiple-choice question.

The rule: the vignette of the question is never shown; only its last sentence, which asks, may leave the truth.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from medsim.importers.speech import REPORTED, Said
from medsim.importers.text import clean, leaves, sentence, sentences

LICENCE = "NEJM text and images: local use only"
MAX_CHARS = 20_000

ITEM = re.compile(
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


def narrative(text: object) -> list[str]:
    """Part the patient's narrative into sentences, without what is said to the actor."""
    found: list[str] = []
    for item in ITEM.split(lines(text)):
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
        (r"\byou(?:'|\u2019)re\b", "I'm"), (r"\byou(?:'|\u2019)ve\b", "I've"), (r"\byou(?:'|\u2019)(d|ll)\b", r"I'\1"),
        (r"\byou are\b", "I am"), (r"\byou were\b", "I was"),
        (r"\bare you\b", "am I"), (r"\byourself\b", "myself"), (r"\byours\b", "mine"), (r"\byour\b", "my"),
    ):  # fmt: skip
        text = re.sub(pattern, new, text, flags=re.I)
    text = re.sub(r"\byou\b", "I", _OBJECT.sub("me", text), flags=re.I)
    return Said(sentence(re.sub(r"(?<=[.!?] )my\b", "My", text)), denies)


def _parent(text: str, child: str) -> str:
    for pattern, new in (
        (r"\byou(?:'|\u2019)re\b|\byou are\b", f"{child} is"), (r"\byou were\b", f"{child} was"),
        (r"\byou(?:'|\u2019)ve\b|\byou have\b|\byou haven", f"{child} has"),
        (r"\byou don(?:'|\u2019)t\b|\byou do not\b", f"{child} does not"),
        (r"\byourself\b", "themselves"), (r"\byour\b", f"{child}'s"),
    ):  # fmt: skip
        text = re.sub(pattern, new, text, flags=re.I)
    text = re.sub(rf"({child} has)(?:n(?:'|\u2019)t|'t|\u2019t)\b", r"\1 not", text)
    text = _OBJECT.sub(child, text)
    return re.sub(r"\byou\s+(\w+)", lambda match: f"{child} {match[1] if _PAST.match(match[1]) else _third(match[1])}", text, flags=re.I)


def _third(verb: str) -> str:
    return f"{verb}es" if verb.endswith(("ch", "sh", "ss", "x", "o")) else f"{verb}s"
