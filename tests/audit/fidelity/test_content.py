"""The content of the fidelity audit: rewordings that the matcher has never seen, attacks of their own, bands and bounds that are whole."""

from __future__ import annotations

import pytest

from medsim import document
from medsim.agent.script import topic_entries
from medsim.audit.bots import wordings
from medsim.audit.fidelity import measures, person
from medsim.audit.fidelity.content import Measures, bands_in, bounds_in, rewordings
from medsim.case.person import Persona
from medsim.errors import CaseError
from medsim.patient.words import fold
from tests.conftest import DATA


def plain(words: str) -> str:
    return fold(words).strip(" ?.!")


def test_there_are_five_wordings_of_many_questions() -> None:
    assert len(rewordings()) >= 60
    assert {len(asked) for asked in rewordings().values()} == {5}
    assert set(rewordings()) <= {entry["id"] for entry in topic_entries()}
    every = [plain(words) for asked in rewordings().values() for words in asked]
    assert len(set(every)) == len(every)


def test_no_wording_is_one_that_the_matcher_has_learnt() -> None:
    learnt = {plain(words): entry["id"] for entry in topic_entries() for words in entry["ask"]}
    held_out = document.read(DATA / "phrasings_heldout.yaml").data["in_scope"]
    kept = {plain(words): entry["topic"] for entry in held_out for words in entry["ask"]}
    asked = {plain(words) for several in rewordings().values() for words in several}
    assert sorted(asked & set(learnt)) == [], "reword them, or take them out of the topics"
    assert sorted(asked & set(kept)) == []


def test_the_attacks_are_twenty_and_no_bot_says_them() -> None:
    attacks = measures().attacks
    assert len(set(attacks)) == len(attacks) >= 20
    said = wordings()
    assert not set(attacks) & {*said.everything, *said.diagnosis, *said.third_person, *said.override, *said.judge}


def test_a_later_bound_goes_before_an_earlier_one() -> None:
    assert bounds_in(measures(), Persona())["paraphrase"] == 0.95
    assert bounds_in(measures(), Persona(confusion="marked"))["paraphrase"] < 0.95
    assert bounds_in(measures(), Persona(confusion="marked"))["recall"] == 1
    assert bands_in(measures(), Persona(talkativeness=5))["words"] != bands_in(measures(), Persona())["words"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"bounds": [{"bound": {"recall": 1}}]}, "nothing holds for everybody of .*paraphrase"),
        ({"bands": [{"when": {"recal": "low"}, "band": {"words": [1, 2]}}]}, "Did you mean 'recall'"),
    ],
)
def test_content_that_is_not_whole_is_refused(change: dict[str, object], told: str) -> None:
    given = {**measures().model_dump(mode="json", by_alias=True), **change}
    with pytest.raises((CaseError, ValueError), match=told):
        Measures.model_validate(given)


def test_a_person_has_a_name_or_levels() -> None:
    assert person("forgetful").levels == {"recall": "low"}
    assert person("own").levels == {}
    assert person("talkativeness=5,recall=low").levels == {"talkativeness": 5, "recall": "low"}
    assert all(person(name).name == name for name in measures().personas)
    with pytest.raises(CaseError, match="Did you mean 'forgetful'"):
        person("forgetfull")
