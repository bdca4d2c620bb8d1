"""The gate: what a question opens depends on tier, trust and what was asked before, never on how it is worded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.case import Brief, Case
from medsim.case.pattern import covers
from medsim.case.person import Fact, Informant, Needs
from medsim.patient.gate import INVITING_TOPICS, OPEN_TOPICS, Gate, Opened
from medsim.patient.matcher import Heard
from medsim.patient.seat import Turn

FACTS = (
    Fact(id="site", topics=("pain.site",), tier="volunteer", say=("In the middle.",)),
    Fact(id="worst", topics=("pain.severity",), tier="volunteer", say=("The worst I have had.",)),
    Fact(id="onset", topics=("onset.when",), tier="open", say=("An hour ago.",)),
    Fact(id="sweats", topics=("ros.sweating",), tier="open", say=("I came out in a sweat.",)),
    Fact(id="sick", topics=("ros.nausea",), tier="open", say=("I felt sick.",)),
    Fact(id="no_cough", topics=("ros.cough",), tier="open", negative=True, say=("No cough.",)),
    Fact(id="smoking", topics=("social.tobacco",), say=("Ten a day.",)),
    Fact(id="quit", topics=("social.tobacco",), say=("I tried to stop last year.",)),
    Fact(id="mother", topics=("fh.heart",), say=("My mother had angina.",)),
    Fact(id="no_clots", topics=("fh.clots",), negative=True, say=("No clots in the family.",)),
    Fact(id="statin", topics=("meds.current",), say=("A statin.",)),
    Fact(id="tablet", topics=("meds.current",), say=("A water tablet.",)),
    Fact(id="vitamins", topics=("meds.current",), say=("Vitamins.",)),
    Fact(id="herbs", topics=("meds.current",), say=("Herbs.",)),
    Fact(
        id="pill", topics=("meds.erectile",), tier="sensitive", say=("One of his tablets.",), deflect="Nothing that matters.",
        needs=Needs(trust=4, heard=("talk.confidential", "talk.privacy"), told=("smoking",)),
    ),
    Fact(id="debt", topics=("social.money",), tier="sensitive", say=("I owe money.",), needs=Needs(trust=3)),
)  # fmt: skip
BY_ID = {fact.id: fact for fact in FACTS}
TOPICS = sorted({topic for fact in FACTS for topic in fact.topics} | INVITING_TOPICS | {"ros.headache", "fh.any", "talk.thanks"})


def brief(mini: Case, facts: tuple[Fact, ...] = FACTS, **persona: Any) -> Brief:
    plain = mini.brief()
    return plain._replace(facts=facts, persona=plain.persona.model_copy(update=persona))


def turn(*topics: str | None, opened: bool = True, **rest: Any) -> Turn:
    heard = tuple(Heard(topic or "zzyzx", topic, 1.0, ()) for topic in topics)
    return Turn(index=1, kind="ask", to="patient", heard=heard, opened=opened, **rest)


def seen(parts: list[Opened]) -> list[tuple[str, tuple[str, ...]]]:
    return [(part.sort, tuple(fact.id for fact in part.facts)) for part in parts]


@pytest.mark.parametrize("topic", sorted(INVITING_TOPICS))
def test_the_first_invitation_brings_the_opening_with_what_is_volunteered(mini: Case, topic: str) -> None:
    assert seen(Gate(brief(mini, talkativeness=3)).open(turn(topic, opened=False))) == [("opening", ("site",))]
    assert seen(Gate(brief(mini, talkativeness=5)).open(turn(topic, opened=False))) == [("opening", ("site", "worst"))]


def test_a_closed_question_first_leaves_the_opening_for_later(mini: Case) -> None:
    gate = Gate(brief(mini))
    assert seen(gate.open(turn("ros.sweating", opened=False))) == [("fact", ("sweats",))]
    assert seen(gate.open(turn("talk.greeting", opened=False, told=("sweats",)))) == [("opening", ("site",))]


def test_the_opening_comes_once_even_when_two_invitations_stand_in_one_breath(mini: Case) -> None:
    sorts = [sort for sort, _ in seen(Gate(brief(mini)).open(turn("talk.greeting", "complaint.main", opened=False)))]
    assert sorts.count("opening") == 1


@pytest.mark.parametrize(("talkativeness", "expected"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 4)])
def test_an_open_question_brings_as_much_as_the_person_talks(mini: Case, talkativeness: int, expected: int) -> None:
    (part,) = Gate(brief(mini, talkativeness=talkativeness)).open(turn("complaint.more"))
    assert len(part.facts) == expected


def test_an_open_question_brings_volunteered_and_open_facts_and_no_negatives_or_others(mini: Case) -> None:
    told: list[str] = []
    gate = Gate(brief(mini, talkativeness=5))
    while (part := gate.open(turn("complaint.more", told=tuple(told)))[0]).sort == "fact":
        told += [fact.id for fact in part.facts]
    assert told == ["site", "worst", "onset", "sweats", "sick"]
    assert part.sort == "unscripted"


def test_a_closed_question_brings_one_fact_and_the_next_one_when_asked_again(mini: Case) -> None:
    gate = Gate(brief(mini))
    assert seen(gate.open(turn("social.tobacco"))) == [("fact", ("smoking",))]
    assert seen(gate.open(turn("social.tobacco", told=("smoking",)))) == [("fact", ("quit",))]
    assert seen(gate.open(turn("social.tobacco", told=("smoking", "quit")))) == [("repeat", ("smoking",))]


def test_a_list_is_told_as_a_list(mini: Case) -> None:
    assert len(Gate(brief(mini, talkativeness=1)).open(turn("meds.current"))[0].facts) == 3
    assert len(Gate(brief(mini, talkativeness=5)).open(turn("meds.current"))[0].facts) == 4


def test_a_question_about_any_of_a_family_brings_what_there_is_and_not_what_there_is_not(mini: Case) -> None:
    (part,) = Gate(brief(mini)).open(turn("fh.any"))
    assert seen([part]) == [("fact", ("mother",))]


def test_what_was_told_a_moment_ago_in_the_same_turn_is_not_said_twice(mini: Case) -> None:
    one_fact = (BY_ID["sweats"],)
    assert seen(Gate(brief(mini, one_fact)).open(turn("ros.sweating", "ros.sweating"))) == [("fact", ("sweats",)), ("said", ())]


@pytest.mark.parametrize("trust", [3, 4])
@pytest.mark.parametrize("said", [(), ("talk.greeting",), ("talk.privacy",), ("talk.confidential",)])
@pytest.mark.parametrize("told", [(), ("smoking",)])
def test_a_guarded_fact_opens_when_every_need_is_met_and_is_deflected_before(
    mini: Case, trust: int, said: tuple[str, ...], told: tuple[str, ...]
) -> None:
    (part,) = Gate(brief(mini)).open(turn("meds.erectile", trust=trust, said=said, told=told))
    earned = trust >= 4 and bool({"talk.privacy", "talk.confidential"} & set(said)) and "smoking" in told
    assert seen([part]) == [("fact" if earned else "deflect", ("pill",))]


def test_a_guarded_fact_without_a_deflection_is_answered_as_if_nothing_were_known(mini: Case) -> None:
    assert seen(Gate(brief(mini)).open(turn("social.money", trust=2))) == [("unscripted", ())]


def test_a_guarded_fact_never_comes_on_an_open_question(mini: Case) -> None:
    gate = Gate(brief(mini, (BY_ID["debt"], BY_ID["onset"]), talkativeness=5))
    assert seen(gate.open(turn("complaint.more", trust=5))) == [("fact", ("onset",))]


def test_what_is_not_understood_opens_nothing(mini: Case) -> None:
    assert seen(Gate(brief(mini)).open(turn(None))) == [("unclear", ())]
    assert seen(Gate(brief(mini)).open(turn("ros.headache"))) == [("unscripted", ())]


def test_a_fact_without_topics_is_found_by_its_words_but_never_by_courtesies(mini: Case) -> None:
    gate = Gate(brief(mini, (Fact(id="dog", say=("We have a dog and a parrot.",)),)))
    assert gate.open(Turn(1, "ask", "patient", heard=(Heard("any pets, a dog?", None, 0.0, ()),), opened=True))[0].facts[0].id == "dog"
    assert gate.open(Turn(1, "say", "patient", heard=(Heard("what a nice dog", "talk.praise", 1.0, ()),), opened=True))[0].facts == ()


def test_who_cannot_answer_tells_nothing_when_asked(mini: Case) -> None:
    own = (Fact(id="tummy", topics=("pain.site",), tier="open", by="patient", say=("My tummy.",)),)
    gate = Gate(brief(mini, own)._replace(informant=Informant(role="mother", name="Maria")))
    assert seen(gate.open(turn("pain.site"))) == [("fact", ("tummy",))]
    assert seen(gate.open(turn("pain.site", conscious="unresponsive"))) == [("unscripted", ())]


@given(
    st.lists(st.sampled_from(TOPICS) | st.none(), min_size=1, max_size=5),
    st.sets(st.sampled_from(sorted(BY_ID))),
    st.sets(st.sampled_from(["talk.privacy", "talk.confidential", "talk.empathy"])),
    st.integers(0, 5),
    st.integers(1, 5),
    st.booleans(),
)
def test_whatever_is_asked_nothing_is_opened_twice_or_before_its_time(
    mini: Case, topics: list[str | None], told: set[str], said: set[str], trust: int, talkativeness: int, opened: bool
) -> None:
    gate = Gate(brief(mini, talkativeness=talkativeness))
    asked = turn(*topics, opened=opened, told=tuple(sorted(told)), said=tuple(sorted(said)), trust=trust)
    parts = gate.open(asked)
    assert seen(parts) == seen(gate.open(asked))
    assert [part.heard for part in parts] == list(asked.heard)
    new = [fact for part in parts if part.sort in {"fact", "opening"} for fact in part.facts]
    assert len({fact.id for fact in new}) == len(new)
    assert not {fact.id for fact in new} & told
    for part in parts:
        assert part.sort != "repeat" or {fact.id for fact in part.facts} <= told
    for fact in new:
        if fact.needs:
            assert fact.needs.trust is None or trust >= fact.needs.trust
            assert not fact.needs.heard or any(covers(topic, heard) for heard in said for topic in fact.needs.heard)
            assert set(fact.needs.told) <= told


def test_open_topics_are_invitations_too() -> None:
    assert OPEN_TOPICS < INVITING_TOPICS


@pytest.mark.parametrize(("trust", "told"), [(0, 1), (1, 1), (2, 4), (5, 4)])
def test_a_wary_patient_answers_an_open_question_with_one_thing_however_much_it_talks(mini: Case, trust: int, told: int) -> None:
    (part,) = Gate(brief(mini, talkativeness=5)).open(turn("complaint.more", trust=trust))
    assert len(part.facts) == told
