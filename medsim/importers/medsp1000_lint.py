"""What can be read off a frozen rubric: items that a yes or no about a transcript does not fit.

The rule: an item is left out or turned round only where its words leave no doubt; a hint that is not certain is noted and changes nothing.
"Do not apply ice" is a duty, "Did not ask about pain" a failing: only the second is turned round.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from medsim.importers.medsp1000_rubric import Note, PacketItem, normal

LADDERS: tuple[tuple[str, ...], ...] = (
    ("not competent", "competent"),
    ("not done", "incomplete", "partial", "partially complete", "complete"),
    ("unsatisfactory", "marginal", "satisfactory"),
    ("poor", "fair", "average", "good", "very good", "excellent", "outstanding"),
    ("novice", "beginner", "advanced beginner", "competent", "proficient", "expert"),
    ("fundamentally inconsistent", "mostly inconsistent", "somewhat inconsistent", "inconsistent", "somewhat consistent", "mostly consistent",
     "consistent", "proficient"),
    ("below expectations", "needs improvement", "needs work", "meets expectations", "at expectations", "exceeds expectations",
     "above expectations"),
    ("never", "rarely", "sometimes", "usually", "often", "always"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
    ("level 0", "level 1", "level 2", "level 3", "level 4", "level 5"),
    ("0 points", "1 point", "2 points", "3 points", "4 points", "5 points"),
)  # fmt: skip
"""Scales whose steps stand as items of their own; an item begins with its step, or ends with its points."""
SPAN = 6
"""Items from the lowest step to the highest at most; what stands between two steps is a step as well."""

_GOOD_ACT = (
    r"(?:ask|obtain|elicit|inquire|recogni[sz]e|identif|respond|address|explain|introduce|check|assess|examine|listen|acknowledge|discuss|list|"
    r"mention|summari[sz]e|establish|confirm|verif|clarif|counsel|inform|document|seek|notice)"
)
_BAD_WAY = r"\b(?:leading|closed|unnecess\w*|inappropriate\w*|irrelevant|too|multiple|accus\w*|judg\w*|in front of|bluntly|private|prematurely|only)\b"
_SUBJECT = r"(?:(?:the |this )?(?:student|resident|fellow|learner|physician|doctor|examinee|intern|trainee|candidate|team) )?"
_FAILING = re.compile(
    rf"\W*{_SUBJECT}(?:fail(?:s|ed|ure)? to\b|failure (?:of|in)\b|omit(?:s|ted)?\b|neglect(?:s|ed)?\b|forg[eo]t(?:s|ting|ten)?\b|"
    rf"(?:is |was )?unable to\b|(?:did not|does not|didn['\u2019]t|doesn['\u2019]t|never) {_GOOD_ACT}\w*\b(?!.*{_BAD_WAY})|"
    r"(?:inappropriate(?:ly)?|incorrect(?:ly)?|wrong|delayed|delay in)\b)",
    re.I | re.S,
)
_NEGATED = re.compile(rf"\W*{_SUBJECT}(?:did not|does not|didn['\u2019]t|doesn['\u2019]t|never|no|not|without)\b", re.I)
_UNSEEN = re.compile(
    r"\b(?:eye[- ]contact|postures?|body (?:language|position)|non-?\s?verbal\w*|facial expressions?|(?:tone|volume) of (?:\w+ )?voice|"
    r"hand-?\s?washing|wash(?:es|ed|ing)? (?:(?:his|her|their|your)(?:/\w+)? )?hands|hand (?:hygiene|saniti[sz]er)|hand-?shakes?|"
    r"shak(?:es?|ing) (?:the )?(?:patient['\u2019]s )?hands?|shook hands|smil(?:es?|ed|ing)|nod(?:s|ded|ding)|lean(?:s|ed|ing)? (?:in|forward)|"
    r"(?:same|eye) (?:physical )?level|dress(?:ed|es)? (?:appropriately|professionally)|professional (?:dress|appearance|attire)|personal space|"
    r"s[ia]ts? (?:down|at|near)|physical (?:cues|contact))\b",
    re.I,
)
_SAID_TOO = re.compile(r"(?<!non-)(?<!non)\bverbal(?:ly)?\b|\bstatements?\b|\basks?\b|\bexplain", re.I)
_FELT = re.compile(
    r"\A\W*(?:I felt\b|I (?:would|will) (?:return|choose|recommend|see|come|want|go)|I (?:feel|trust(?:ed)?|was comfortable|was satisfied)\b)|"
    r"\bmade? me feel\b|\bI would (?:choose|return to|recommend) (?:this|the)\b|\bI felt (?:heard|respected|comfortable|safe|valued)",
    re.I,
)
_AFTERWARDS = re.compile(r"\bde-?brief\w*|\bfeedback session\b|\b(?:following|after) the simulation\b", re.I)
_SCALE = re.compile(r"\bcircle one\b|(?:(?:\A|[\n;])\s*[0-5]\s*[-\u2013\u2014=:][^\n;]+){3}", re.I)
_STATE = re.compile(
    r"\A\W*((?:if )?(?:the )?[\w /-]{0,40}?)\b(not |un|in|ab|hypo|hyper)?"
    r"(good|low|high|stable|present|absent|positive|negative|normal|adequate|responsive|tensive)\s*[:;\u2013\u2014]",
    re.I,
)
_TIMED = re.compile(
    r"(?:\b(?:within|in|under|less than)|[<\u2264=]\s*/?|=/?<)\s*(?:the first )?\d+\s*(?:or less )?(?:s|sec\w*|min\w*|hours?)\b|\b\d+ min\w* or less",
    re.I,
)
_FINDING = re.compile(r"[\w ()/.-]{2,30}\b(?:normal|negative|positive|unremarkable|elevated|within normal limits)\W*", re.I)
_VERB = re.compile(
    r"(?:admit|defibrillate|intubate|greet|examine|auscultate|reassess|resuscitate|introduce|summari[sz]e|listen|transfuse|cardiovert|ventilate|"
    r"\w+(?:tomy|scopy|centesis|bation|llation|itation))",
    re.I,
)
_SPANISH = re.compile(
    r"[\u00bf\u00a1]|\b(?:usted|tiene|dolor|cuando|c\u00f3mo|qu\u00e9|porque|alguna|durante|despu\u00e9s|paciente|el|los|las|una|por|con|para)\b",
    re.I,
)


def lint(items: Sequence[PacketItem]) -> dict[str, Note]:
    """Return notes by item id; an item without one is sound."""
    notes: dict[str, Note] = {}
    for item in items:
        note = _alone(item.text)
        if note:
            notes[item.id] = note
    for competency in dict.fromkeys(item.competency for item in items):
        own = [item for item in items if item.competency == competency]
        notes |= _branches(own, competency)
        notes |= _tiers(own, competency)
    return notes | _twice(items, notes)


def _alone(text: str) -> Note | None:
    """What one item shows by itself."""
    bare = text.strip(" *_\"'.\u201c\u201d\n")
    if _SCALE.search(text):
        return Note("excluded", "scale_in_one_item")
    if _FELT.search(text):
        return Note("excluded", "felt_by_the_patient")
    if _AFTERWARDS.search(text):
        return Note("excluded", "debriefing")
    if len(re.split(r"[\s/]+", bare)) == 1 and not _VERB.match(bare):
        return Note("excluded", "fragment")
    if len(bare.split()) <= 4 and _FINDING.fullmatch(bare):
        return Note("excluded", "finding_not_an_act")
    core = re.sub(r"\([^)]*\)", " ", text)
    if _UNSEEN.search(core):
        whole = len(core.split()) <= 12 and not _SAID_TOO.search(core)
        return Note("excluded", "not_observable_in_text") if whole else Note("ok", "partly_not_observable_in_text")
    if _FAILING.match(text):
        return Note("inverted", "negative_descriptor")
    if _NEGATED.match(text):
        return Note("ok", "negated")
    if len(_SPANISH.findall(text)) > max(1, len(text.split()) // 6):
        return Note("ok", "not_english")
    return Note("ok", "timed") if _TIMED.search(text) else None


def _tiers(items: Sequence[PacketItem], competency: str) -> dict[str, Note]:
    """Steps of one scale that stand as items of their own: only one of them can be so."""
    notes: dict[str, Note] = {}
    for ladder in LADDERS:
        number = 0
        run: list[tuple[int, str]] = []
        for at, step in [*((i, _step(item.text, ladder)) for i, item in enumerate(items)), (len(items) + SPAN, "")]:
            over = run and (at - run[0][0] >= SPAN or step in {name for _, name in run})
            if over and (step or at - run[0][0] >= SPAN):
                if len(run) > 1:
                    number += 1
                    group = f"{competency}.{normal(ladder[-1]).replace(' ', '_')}.{number}"
                    notes |= {items[i].id: Note("excluded", "step_of_a_scale", group) for i in range(run[0][0], run[-1][0] + 1)}
                run = []
            if step:
                run.append((at, step))
    return notes


def _step(text: str, ladder: Sequence[str]) -> str:
    """The step of a ladder that an item begins with or, for points, ends with; the longest that fits."""
    said = normal(text)
    for step in sorted(ladder, key=len, reverse=True):
        if said == step or said.startswith(f"{step} ") or (step.endswith(("point", "points")) and said.endswith(f" {step}")):
            return step
    return ""


def _branches(items: Sequence[PacketItem], competency: str) -> dict[str, Note]:
    """``BP good: …`` and ``BP low: …``: only one of them can come about, so together they count as one."""
    heads: dict[str, list[tuple[str, str]]] = {}
    for item in items:
        match = _STATE.match(item.text)
        if match:
            heads.setdefault(normal(match[1]), []).append((item.id, normal(f"{match[2] or ''}{match[3]}")))
    return {
        name: Note("ok", "exclusive_branch", f"{competency}.branch.{head.replace(' ', '_') or 'state'}")
        for head, members in heads.items()
        if len({state for _, state in members}) > 1
        for name, _ in members
    }


def _twice(items: Sequence[PacketItem], notes: dict[str, Note]) -> dict[str, Note]:
    """Items that say the same in the same words again."""
    found: dict[str, Note] = {}
    seen: dict[str, str] = {}
    for item in items:
        first = seen.setdefault(normal(item.text) or item.text, item.id)
        if first != item.id and notes.get(item.id, Note("ok", "")).status == "ok":
            found[item.id] = Note("excluded", f"repeats:{first}")
    return found
