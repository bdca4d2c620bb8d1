"""The words of shipped rubric items claim no more than what decides them.

A topic proves that something was spoken of. It proves neither a manner (honestly, gently, without blame), nor that a greeting was an
introduction, nor that what was said came back. Only a judge can say so; an item without one says what its predicate sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from medsim import library
from medsim.case.checklist import RubricItem
from medsim.case.pattern import Did
from medsim.cli.scoring import rubric_of
from medsim.recipe import load_cases
from medsim.rubric.log import patterns

MANNER = r"honest|gentl|kindly|friendly|coldly|in plain words|without blame|with a reason(?!, )|not argument|a no and a reason"


def shipped() -> Iterator[tuple[str, RubricItem]]:
    """Every item that a predicate decides, with where it stands."""
    for case in load_cases(library.names("cases")):
        yield from ((f"{case.id} {item.id}", item) for item in case.rubric.items if item.pred is not None)
    for name in library.names("rubrics"):
        yield from ((f"{name} {item.id}", item) for item in rubric_of(name).items if item.pred is not None)


ITEMS = list(shipped())


def resting_on(topic: str) -> list[tuple[str, RubricItem]]:
    """Items without a judge that are met by this topic alone."""
    return [(where, item) for where, item in ITEMS if item.judge is None and item.pred is not None and alone(item, topic)]


def alone(item: RubricItem, topic: str) -> bool:
    assert item.pred is not None
    did = item.pred.did
    return did is not None and did.topic == (topic,) and not did.kind and item.pred.min == 1


def test_a_greeting_is_no_introduction() -> None:
    greetings = resting_on("talk.greeting")
    assert len(greetings) >= 15
    claims = [f"{where}: {item.text}" for where, item in greetings if not re.search(r"\bGreets\b.* or says who", item.text)]
    assert claims == []


def test_a_question_whether_all_is_clear_is_no_understanding() -> None:
    asked = resting_on("talk.check_understanding")
    assert len(asked) >= 10
    assert [f"{where}: {item.text}" for where, item in asked if not re.search(r"\bor\b", item.text)] == []


def test_a_manner_of_speaking_is_not_claimed_without_a_judge() -> None:
    spoken = [(where, item) for where, item in ITEMS if item.judge is None and any(did.topic for did in patterns(item.pred))]
    assert len(spoken) > 300
    assert [f"{where}: {item.text}" for where, item in spoken if re.search(MANNER, item.text)] == []


@pytest.mark.parametrize("rubric", ["history", "competencies", "global", "signed"])
def test_an_open_question_is_not_claimed_of_any_question_about_the_complaint(rubric: str) -> None:
    about = [item for item in rubric_of(rubric).items if item.pred is not None and item.pred.did == Did(topic=("complaint",))]
    assert len(about) == 1
    assert "open" not in about[0].text
