"""A case before it is one: what a line of a data set holds, read but not yet judged.

The rule: a draft may hold leaks and lies; only ``build.build`` decides what the seats may see of it.
"""

from __future__ import annotations

from typing import NamedTuple

from medsim.case.body import CaseAction, Media
from medsim.case.person import Unknown
from medsim.importers.people import Person
from medsim.importers.script import Script
from medsim.importers.speech import Voice
from medsim.importers.vitals import Reading

TASK = "Find the most likely diagnosis."
NEUTRAL = "I haven't been well, and I would like to know what it is."


class Refused(Exception):
    """No encounter can be formed from this line."""


class Draft(NamedTuple):
    """What a line holds, before it is a case."""

    person: Person
    demographics: str
    door: str
    task: str
    opening: str
    script: Script
    voice: Voice
    reading: Reading
    actions: dict[str, CaseAction]
    media: tuple[Media, ...]
    answer: str
    also: tuple[str, ...]
    question: dict[str, object] | None
    tags: tuple[str, ...]
    flags: tuple[str, ...]
    shown: bool = False
    """Whether the doctor is shown the options, the answer among them."""
    called: str = ""
    """The name of the answer in the truth, where it is not the answer itself."""
    accept: tuple[str, ...] = ()
    """What counts as the answer; left out: the forms of its name."""
    pred: dict[str, object] | None = None
    """The predicate of the answer's rubric item; left out: the accepted names."""
    unknown: Unknown | None = None
    """What is said to questions the record does not answer; left out: a closed world for symptoms."""
    title: str = ""
    specialty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
