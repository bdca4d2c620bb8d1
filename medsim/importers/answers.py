"""The right answer: the names that count as giving it, and where it shows before it should.

The rule: names are varied in spelling and form only, never in meaning; what a variant names, the whole name names.
"""

from __future__ import annotations

import re
from functools import lru_cache

from medsim.vocabulary.whole import stands_in

_SPELLINGS = (
    ("anaesth", "anesth"), ("anaem", "anem"), ("leukaem", "leukem"), ("ischaem", "ischem"), ("haem", "hem"), ("aemi", "emi"),
    ("oedem", "edem"), ("oesoph", "esoph"), ("oestr", "estr"), ("paed", "ped"), ("tumour", "tumor"), ("rrhoea", "rrhea"),
    ("coeliac", "celiac"), ("caec", "cec"), ("faec", "fec"), ("foet", "fet"), ("gynaec", "gynec"), ("behaviour", "behavior"),
    ("caesar", "cesar"), ("naevus", "nevus"), ("naevi", "nevi"), ("leuco", "leuko"), ("palaeo", "paleo"), ("aetiolog", "etiolog"),
    ("pnoea", "pnea"), ("litre", "liter"), ("fibre", "fiber"), ("alised", "alized"), ("alisation", "alization"), ("sulph", "sulf"),
    ("manoeuvre", "maneuver"), ("disc ", "disk "),
)  # fmt: skip
_TO_BRITISH = tuple(
    (re.compile(pattern), british)
    for pattern, british in (
        (r"\bhem(?=[oa])", "haem"), ("anem", "anaem"), ("leukem", "leukaem"), ("ischem", "ischaem"), (r"(?<!o)edem", "oedem"),
        (r"\besoph", "oesoph"), (r"\bestr", "oestr"), ("tumor", "tumour"), ("rrhea", "rrhoea"), (r"\bceliac", "coeliac"),
        (r"\bgynec", "gynaec"), ("behavior", "behaviour"), ("pnea", "pnoea"), (r"\bfetal", "foetal"),
    )
)  # fmt: skip
_BRACKET = re.compile(r"\s*[(\[]([^)\]]*)[)\]]")
_ABBREVIATION = re.compile(r"(?=(?:.*[A-Z]){2})[A-Za-z0-9][A-Za-z0-9/-]{1,9}\Z")
_SUFFIX = re.compile(r"\s+(?:disease|syndrome)\Z")
_ORDINARY = re.compile(
    r"(?:ic|al|ary|ive|ous|ing|ar|ine|ed|ory|oid|tion|ure|ment|in)\Z|\A(?:heart|kidney|liver|lung|bowel|eye|skin|brain|bone|"
    r"muscle|breast|blood|"
    r"compartment|withdrawal|pain|stroke|fatigue|nerve|joint|vein|artery|valve|prostate|thyroid|pancreas|stomach|gum|motor|"
    r"neuron)\Z"
)


def accepted(name: str) -> tuple[str, ...]:
    """Return the lower-case names to accept: with and without brackets, abbreviation, possessive, article, either spelling."""
    bare = _BRACKET.sub("", name).strip(" .")
    inner = [found.strip() for found in _BRACKET.findall(name)]
    found = [name.strip(" ."), bare, *(part for part in inner if _ABBREVIATION.match(part))]
    names = [_plain(part) for part in found]
    names += [re.sub(r"\A(?:the|an?)\s+", "", part) for part in names]
    names += [_unpossessed(part) for part in names]
    names += [part.replace("-", " ") for part in names]
    names += [f"{match[1]}'s {match[2]}" for part in names if (match := re.match(r"([a-zé]{4,}) (disease|syndrome)\Z", part))]
    names += [short for part in names if (short := _eponym(part))]
    names += [american(part) for part in names]
    names += [british(part) for part in names]
    return tuple(dict.fromkeys(part for part in names if re.search(r"[^\W\d_]{2}", part)))[:40]


def abbreviations(name: str) -> tuple[str, ...]:
    """Return the abbreviations in brackets, as written."""
    return tuple(part.strip() for part in _BRACKET.findall(name) if _ABBREVIATION.match(part.strip()))


def american(text: str) -> str:
    """Rewrite British spellings."""
    for old, new in _SPELLINGS:
        text = text.replace(old, new)
    return text


def british(text: str) -> str:
    """Rewrite the American spellings that have one British form."""
    for pattern, new in _TO_BRITISH:
        text = pattern.sub(new, text)
    return text


def holds(text: str, name: str, *, also: tuple[str, ...] = ()) -> bool:
    """Say whether a text gives an answer away: any accepted name as whole words, an abbreviation as written."""
    if any(stands_in(short, text) for short in abbreviations(name)):
        return True
    compared = _compared(text)
    whole = {_compared(form) for one in (name, *also) for form in (one, _BRACKET.sub("", one))}
    if any(len(form) > 5 and form in compared for form in whole):
        return True
    return bool(_pattern((name, *also)).search(compared))


@lru_cache(maxsize=512)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    shorts = {short.lower() for name in names for short in abbreviations(name)}
    forms = {_compared(form) for name in names for form in accepted(name) if form not in shorts}
    whole = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True) if len(form) > 2)
    return re.compile(rf"(?<!\w)(?:{whole})(?:e?s)?(?!\w)" if whole else r"(?!)")


def _compared(text: str) -> str:
    return " ".join(american(_unpossessed(_plain(text))).replace("-", " ").split())


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("\u2019", "'").replace("\u2010", "-").replace("\u2013", "-").split())


def _unpossessed(text: str) -> str:
    return re.sub(r"(\w)'s\b", r"\1", re.sub(r"s'(?=\s)", "s", text))


def _eponym(name: str) -> str:
    """``hirschsprung disease`` -> ``hirschsprung``; ordinary words (``kidney disease``) do not stand alone."""
    short = _unpossessed(_SUFFIX.sub("", name)) if _SUFFIX.search(name) else ""
    return short if re.fullmatch(r"[a-zé-]{5,}", short) and not _ORDINARY.search(short) else ""
