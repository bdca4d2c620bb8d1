"""An NEJM image challenge as a draft of a case.

The rule: the image stays an address, shown as one and never fetched, unless a file of one's own was given for it; the vignette gives age and sex at most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from medsim.case.body import CaseAction, Media, Result
from medsim.case.person import Informant
from medsim.importers import clues, people, vitals
from medsim.importers.draft import TASK, Draft, Refused
from medsim.importers.findings import Bench
from medsim.importers.freetext import findings
from medsim.importers.nejm import LICENCE, first_person, narrative, options, truth_question
from medsim.importers.pictures import Pictures
from medsim.importers.script import Writer
from medsim.importers.speech import Voice
from medsim.importers.text import clean, leaves, sentences

_REQUESTS = "request image, request images, images, picture, photograph, photo, clinical image, case image, show image, view image"


def challenge(data: Mapping[str, Any], pictures: Pictures) -> Draft:
    """Read an NEJM image challenge, with the file of its picture where there is one."""
    found = options(data.get("question"), data.get("answers"))
    if found is None:
        raise Refused("no_diagnosis")
    told = narrative(data.get("patient_info"))
    if not told:
        raise Refused("no_patient_data")
    vignette = next(iter(sentences(clean(data.get("question")))), "")
    person = max((people.person(text) for text in (" ".join(told)[:400], vignette)), key=lambda read: -len(read.flags))
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
    actions = bench.actions()
    picture = image(data.get("image_url"), tags, path=pictures.of(data.get("image_url")))
    flags = [*found.flags, *bench.flags, *([] if picture else ["no_image"]), *([] if actions else ["no_findings"])]
    flags += ["no_local_image"] if picture and pictures.given and not picture[0].path else []
    flags += ["not_a_diagnosis"] if found.kind == "other" else []
    told_of = clues.concern([fact.say[0] for fact in script.facts if not fact.negative]) if voice.own else "my child"
    return Draft(
        person=person,
        demographics=str(person),
        door=f"{person} is seen in clinic.",
        task=TASK if found.kind == "diagnosis" else found.asked,
        opening=f"Hello, doctor. I have come about {told_of}.",
        script=script,
        voice=voice,
        reading=vitals.read(None, years=person.age.years),
        actions={**actions, "image": picture[1]} if picture else actions,
        media=(picture[0],) if picture else (),
        answer=found.answer,
        also=(),
        question=truth_question(found),
        tags=tags,
        flags=tuple(flags),
    )


def image(url: object, tags: tuple[str, ...], *, path: str = "") -> tuple[Media, CaseAction] | None:
    """Return the image's slot and the order that shows it; None where there is no address."""
    address = clean(url, limit=500)
    if not re.match(r"https?://\S+\Z", address):
        return None
    sort = f" ({', '.join(tags)})" if tags else ""
    text = f"The image of this case{sort}, kept by its publisher at {address}; it is not described in words."
    synonyms = (*_REQUESTS.split(", "), *tags)
    slot = Media(id="image", url=address, path=path or None, text=text, license=LICENCE)
    shown = {"kind": "order", "name": "Image of the case", "synonyms": synonyms, "class": "imaging"}
    return slot, CaseAction.model_validate({**shown, "result": {"_": Result(text=text, media="image")}})
