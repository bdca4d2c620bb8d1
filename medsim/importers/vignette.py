"""One item of MediQ as a draft of a case: a record that the patient tells fact by fact, and a question with lettered options.

The rule: the doctor is given the first sentence of the record, the question and its options, and has to ask for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from medsim.case.person import Unknown
from medsim.importers import clues, people, vitals
from medsim.importers.choices import LETTERS, key, lettered, nested, plain
from medsim.importers.draft import NEUTRAL, Draft, Refused
from medsim.importers.nejm import kind_of
from medsim.importers.people import Person
from medsim.importers.record import Record, record
from medsim.importers.speech import Voice
from medsim.importers.text import clean, leaves, sentence

HOW = "Answer with one letter: diagnose: LETTER"
NOTE = (
    "The facts are the data set's own, word for word; the patient tells findings and results as well. Vital signs are those of the record or "
    "assumed for the age; no seat is shown the assumed ones."
)
SILENT = Unknown(symptom=("I can't answer that.",), other=("I can't answer that.",))
"""The record is open: what it does not say is neither so nor not so."""
_SHORT, _LEAST = 5, 8
"""A first sentence of fewer words says nothing by itself; sentences are then joined until there are so many words."""
_NO_PATIENT = re.compile(r"\A(?:study|stud(?:ies)|none|n/?a|not a patient)\W*\Z", re.I)
_SIGN = re.compile(r"\b(?:temperature|blood pressure|pulse|heart rate|respirations?|respiratory rate|oxygen saturation)\b", re.I)
_IMAGE = re.compile(
    r"\b(?:(?-i:figures? [A-Z]\b)|(?:in|see|the) (?:figure|image|exhibit|picture)\b(?! out)|(?-i:[Ii]mage [A-Z]\b)|"
    r"(?:photographs?|pictures?) of|(?:is|are|as) shown|shown (?:here|below|in))\b(?!(?: below| in [^|:.]*| to\b[^|]*)?[:.,]?\s*\|)"
    r"(?! (?:to|in comparison)\b)",
    re.I,
)
_NEGATED = re.compile(r"\bEXCEPT\b|\bNOT\b|\bleast (?:likely|appropriate)\b|\bexcept\?*\Z")


class Options(NamedTuple):
    """The options, the index of the right one, other names for it, and flags."""

    texts: tuple[str, ...]
    right: int
    also: tuple[str, ...]
    flags: tuple[str, ...]


def vignette(data: Mapping[str, Any], *, told: str = "atomic") -> Draft:
    """Read an item; refused where there is nothing to ask, or where the answer contradicts itself."""
    chosen = options(data.get("options"), data.get("answer"), data.get("answer_idx"))
    asked = question(data.get("question"))
    held = record(data.get("context"), data.get("facts") or data.get("atomic_facts"), told=told)
    if not held.script.facts:
        raise Refused("not_interactive:no record to ask about")
    about = data.get("patient")
    patient: Mapping[str, Any] = about if isinstance(about, dict) else {}
    lead = sentence(clean(data.get("initial_info"))) or initial(held)
    person, demographics, flags = who(patient, lead)
    subject = "non_patient" not in flags
    answer = chosen.texts[chosen.right]
    found = key(chosen.texts, chosen.right, also=chosen.also)
    voice = Voice(person.sex, people.informant(person.age, lead))
    signs = [text for text in held.sentences if _SIGN.search(text)]
    reading = vitals.read(" ".join(signs)[:2_000] or None, years=person.age.years)
    concern = clues.concern([lead]) if voice.own else "my child"
    return Draft(
        person=person,
        demographics=demographics,
        door=lead,
        task=f"{asked}\n{lettered(chosen.texts)}\n{HOW}",
        opening=f"Hello, doctor. {'I have come' if voice.own else 'We have come'} about {concern}."
        if subject
        else f"Hello, doctor. {NEUTRAL}",
        script=held.script,
        voice=voice,
        reading=reading._replace(record="\n".join(signs)),
        actions={},
        media=(),
        answer=answer,
        also=chosen.also,
        question={"text": asked, "options": chosen.texts, "answer": chosen.right, "kind": kind_of(asked)},
        tags=("non_patient",) if not subject else (),
        flags=(*flags, *chosen.flags, *_marks(data, held, asked, chosen)),
        shown=True,
        called=found.name,
        accept=found.accept,
        pred=found.pred,
        unknown=SILENT,
        title="" if subject else "A question without a patient",
        specialty=specialties(patient),
        notes=(NOTE,),
    )


def options(given: object, answer: object, index: object) -> Options:
    """Read options and answer; the letter decides, and an answer that is another option's text is a contradiction."""
    pairs = (
        list(given.items())
        if isinstance(given, dict)
        else [(LETTERS[i], one) for i, one in enumerate(given[:26])]
        if isinstance(given, list)
        else []
    )
    read = [(clean(name, limit=20), clean(text, limit=600)) for name, text in pairs]
    read = sorted((name, text) for name, text in read if name and re.search(r"\S", text))
    if not 2 <= len(read) <= len(LETTERS):
        raise Refused("no_options")
    names, texts = [name for name, _ in read], tuple(text for _, text in read)
    flags = [] if names == list(LETTERS[: len(names)]) else ["relettered"]
    told = clean(answer, limit=600)
    same = [i for i, text in enumerate(texts) if _same(text, told)]
    marked = clean(index, limit=20)
    if marked not in names:
        if len(same) != 1:
            raise Refused("no_answer")
        return Options(texts, same[0], (), (*flags, "answer_index_missing"))
    right = names.index(marked)
    if told and same and right not in same:
        raise Refused(f"contradictory_answer:{marked} is marked, the answer reads as {names[same[0]]}")
    synonym = told and not same and bool(re.search(r"\w", told))
    return Options(
        texts,
        right,
        (told,) if synonym else (),
        (*flags, *(("answer_is_synonym",) if synonym else ()), *(() if told else ("no_answer_text",))),
    )


def question(given: object) -> str:
    """Return the question with one line for each row of a table, without a stray quotation mark at its end."""
    text = clean(given, limit=4_000)
    if text.count('"') % 2 and text.endswith('"'):
        text = text[:-1].rstrip()
    lines = [line.strip() for line in text.split("|")]
    return "\n".join(line for line in lines if line) or "Which of the following is the right answer?"


def initial(held: Record) -> str:
    """What the doctor is given: the first sentence; where it says nothing by itself, or there is none, the first that do."""
    told = list(held.sentences) or [fact.say[0] for fact in held.script.facts]
    if held.sentences and len(told[0].split()) >= _SHORT:
        return told[0]
    if held.sentences and not re.search(r"\d", told[0]) and len(told) > 1:
        told = told[1:]
    lead = ""
    for text in told:
        lead = f"{lead} {text}".strip()
        if len(lead.split()) >= _LEAST:
            break
    return lead


def who(patient: Mapping[str, Any], lead: str) -> tuple[Person, str, tuple[str, ...]]:
    """Return the person with the line it was read from and flags; a study has none."""
    age, gender = (clean(patient.get(name), limit=200) for name in ("age", "gender"))
    demographics = "; ".join(part for part in (age, gender) if part)
    if _NO_PATIENT.match(gender) or _NO_PATIENT.match(age):
        return people.person("")._replace(flags=()), demographics, ("non_patient",)
    born = re.sub(r"\(?\bgestational age\b[^)]*\)?", " ", age, flags=re.I)
    person = people.person(f"{born} {gender}".strip())
    other = people.person(lead)
    if "age_assumed" in person.flags and "age_assumed" not in other.flags:
        person = person._replace(age=other.age, flags=tuple(flag for flag in person.flags if flag != "age_assumed"))
    if person.sex == "unknown" and other.sex != "unknown":
        person = person._replace(sex=other.sex, flags=tuple(flag for flag in person.flags if flag != "sex_unknown"))
    return person, demographics, ()


def specialties(patient: Mapping[str, Any]) -> tuple[str, ...]:
    """The specialties that the data set names."""
    return tuple(dict.fromkeys(leaf.text.lower()[:60] for leaf in leaves(patient.get("specialties"))))[:4]


def _marks(data: Mapping[str, Any], held: Record, asked: str, chosen: Options) -> list[str]:
    """Flags about what the item is like."""
    whole = " ".join(leaf.text for name in ("context", "question") for leaf in leaves(data.get(name)))
    found = {
        "one_sentence": len(held.sentences) == 1,
        "lead_joined": bool(held.sentences) and initial(held) != held.sentences[0],
        "data_in_question": "\n" in asked,
        "negated_question": bool(_NEGATED.search(asked)),
        "mentions_image": bool(_IMAGE.search(whole)),
        "nested_options": nested(chosen.texts),
        "look_alike_letters": any(re.search(r"[\u0400-\u04ff]", text) for text in chosen.texts),
        "no_question": not re.search(r"\w", clean(data.get("question"))),
    }
    return [name for name, holds_ in found.items() if holds_]


def _same(one: str, other: str) -> bool:
    return bool(other) and plain(one).casefold().strip(" .") == plain(other).casefold().strip(" .")


__all__ = ["Options", "initial", "options", "question", "vignette", "who"]
