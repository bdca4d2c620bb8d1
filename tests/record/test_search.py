"""Searches, by a table: what a query finds in a small chart, and what it refuses."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsim.record import Record, Refusal
from medsim.record.parameters import TYPES, parameters
from medsim.record.values import interval
from tests.record.charts import NOW, chart, order, result


@pytest.fixture(scope="module")
def record() -> Record:
    return Record(chart(), check=None)


def ids(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]


FOUND = [
    # references: bare id, Type/id and URL, for patient and subject alike
    ("Observation", "patient=p2", "na"),
    ("Observation", "patient=Patient/p2", "na"),
    ("Observation", "patient=http://example.org/fhir/Patient/p2", "na"),
    ("Observation", "subject=p2", "na"),
    ("Observation", "subject=Patient/p2", "na"),
    ("Observation", "subject=https://example.org/fhir/Patient/p2/_history/3", "na"),
    ("Observation", "subject:Patient=p2", "na"),
    ("Observation", "subject=Group/p2", ""),
    ("Observation", "patient=p9", ""),
    ("Observation", "encounter=e1", "na"),
    ("Appointment", "patient=p2", "a1"),
    ("Appointment", "patient=p1", ""),  # p1 is a practitioner's id there
    ("Appointment", "practitioner=p1", "a1"),
    # tokens
    ("Observation", "code=2951-2", "na"),
    ("Observation", "code=http://loinc.org|2951-2", "na"),
    ("Observation", "code=http://snomed.info/sct|2951-2", ""),
    ("Observation", "code=|2951-2", ""),
    ("Condition", "code=|local-7", "c1"),
    ("Condition", "code=local-7", "c1"),
    ("Observation", "code=http://loinc.org|&patient=p2", "na"),
    ("Observation", "code=2951-2,8867-4", "hr na"),
    ("Observation", "code=2951-2&code=8867-4", ""),
    ("Observation", "category=vital-signs", "hr"),
    ("Observation", "category:not=laboratory", "hr"),
    ("Observation", "code:text=TEST 2951", "na"),
    ("Condition", "code:text=kidney", "c1"),
    ("Condition", "clinical-status=active&category=problem-list-item", "c1"),
    ("Encounter", "class=AMB", "e1"),
    ("Encounter", "status=http://hl7.org/fhir/encounter-status|finished", "e1"),
    ("Patient", "gender=male,female", "p1 p2"),
    ("Patient", "gender:missing=true", "p3"),
    ("Patient", "gender:missing=false", "p1 p2"),
    ("Patient", "identifier=S1", "p1"),
    ("Patient", "identifier=urn:mrn|S1", "p1"),
    ("Patient", "identifier=|S1", ""),
    ("Patient", "identifier=|S3", "p3"),
    ("Patient", "phone=555-0101", "p1"),
    ("Patient", "email=555-0101", ""),
    ("Patient", "_id=p1,p3", "p1 p3"),
    # strings begin so, whatever the case and accents
    ("Patient", "name=nunez", "p1"),
    ("Patient", "name=MARIA", "p1"),
    ("Patient", "name=ana maria nun", "p1"),
    ("Patient", "name=Núñez, Ana", "p1"),
    ("Patient", "name=unez", ""),
    ("Patient", "name:contains=unez", "p1"),
    ("Patient", "name:exact=nunez", ""),
    ("Patient", "family:exact=Núñez", "p1"),
    ("Patient", "name=unknown\\, trauma", "p3"),
    ("Patient", "name=ana,sean", "p1 p2"),
    ("Patient", "given=sean&family=o'b", "p2"),
    ("Patient", "address=mill", ""),
    ("Patient", "address=1 mill", "p1"),
    ("Patient", "address-city=lee", "p1"),
    # dates: intervals against intervals
    ("Patient", "birthdate=1960-05-04", "p1"),
    ("Patient", "birthdate=1960", "p1 p2"),
    ("Patient", "birthdate=1960-11-05", ""),
    ("Patient", "birthdate=ge1960-11-05", "p2"),
    ("Patient", "birthdate=sa1960-11-05", ""),
    ("Patient", "birthdate=lt1960-06", "p1"),
    ("Patient", "birthdate=ne1960-05-04", "p2"),
    ("Observation", "date=2023-11-13", "k-new"),
    ("Observation", "date=2023-11-13T01:30:00Z", "k-new"),
    ("Observation", "date=2023-11-13T01:30:00+00:00", "k-new"),
    ("Observation", "date=2023-11-12", ""),
    ("Observation", "date=ge2023-11-13&code=2823-3", "k-new k-later"),
    ("Observation", "date=gt2023-11-13&code=2823-3", "k-later"),
    ("Observation", "date=le2023-01-05&code=2823-3", "k-old"),
    # where one interval ends as the other begins, they share nothing
    ("Observation", "date=ge2023-11-15&code=2823-3", ""),
    ("Observation", "date=le2023-11-13&code=2823-3", "k-old k-new"),
    ("Observation", "date=sa2023-11-13&code=2823-3", "k-later"),
    ("Observation", "date=eb2023-11-14&code=2823-3", "k-old k-new"),
    ("Observation", "date=eb2023-11-15&code=2823-3", "k-old k-new k-later"),
    ("Observation", "date=lt2023-01-05T08:00:00Z", ""),
    ("Observation", "date=ap2023-11-13", "k-new k-later hr"),
    ("Observation", "date=2023-01,2023-11-14", "k-old k-later"),
    ("Encounter", "date=2023-11-02", ""),
    ("Encounter", "date=2023-11", "e1"),
    ("Encounter", "date=ge2023-11-02&date=le2023-11-02", "e1"),
    ("Encounter", "date=eb2023-11-04", "e1"),
    ("Encounter", "date=gt2030", "e2"),
    ("Encounter", "period=ge2023-11-20", "e2"),
    ("Condition", "onset-date=2019", "c1"),
    ("Condition", "recorded-date=gt2020-02", "c1"),
    ("Appointment", "date=ge2024-01-31", "a1"),
    # quantities
    ("Observation", "value-quantity=3.0", "k-new"),
    ("Observation", "value-quantity=3", "k-new"),
    ("Observation", "value-quantity=gt4.1", "hr na"),
    ("Observation", "value-quantity=ap75", ""),
    ("Observation", "value-quantity=ap80", "hr"),
    ("Observation", "value-quantity=ap98", ""),
    ("Observation", "value-quantity=9e1", "hr"),
    ("Observation", "value-quantity=8e1", ""),
    ("Observation", "value-quantity=le3.9|http://unitsofmeasure.org|mmol/L", "k-new k-later"),
    ("Observation", "value-quantity=le3.9||mmol/L", "k-new k-later"),
    ("Observation", "value-quantity=le3.9||mg/dL", ""),
    # order
    ("Observation", "code=2823-3&_sort=date", "k-old k-new k-later"),
    ("Observation", "code=2823-3&_sort=-date", "k-later k-new k-old"),
    ("Patient", "_sort=-birthdate", "p2 p1 p3"),
    ("Patient", "_sort=family,-_id", "p1 p2 p3"),
    ("Observation", "code=2823-3&_sort=-date&_count=1", "k-later"),
    # what is missing is the element, not a code in it
    ("Condition", "code:missing=false", "c1"),
    ("Patient", "name:missing=false", "p1 p2 p3"),
    ("Patient", "birthdate:missing=true", "p3"),
    ("Observation", "value-quantity:missing=true", ""),
    ("Patient", "deceased:missing=false", "p1 p2 p3"),
    # chains of one step
    ("Observation", "patient.name=nun&code=2823-3", "k-old k-new k-later"),
    ("Observation", "subject:Patient.gender=male", "na"),
    ("Observation", "subject.identifier=urn:mrn|S1&code=8867-4", "hr"),
    ("Observation", "encounter.status=finished", "na"),
    ("Observation", "encounter.date=ge2024", ""),
    ("Observation", "patient.name:exact=ana", ""),
    ("Observation", "patient.birthdate=lt1960-06&code=8867-4", "hr"),
    ("Appointment", "actor:Patient.gender=male", "a1"),
    ("Encounter", "patient._id=p1", "e2"),
    # ignored: unknown, without a value, of the wire format
    ("Patient", "shoe-size=44&_id=p1", "p1"),
    ("Patient", "_id=p1&name=", "p1"),
    ("Patient", "_id=p1&_format=json&_pretty=true", "p1"),
]


@pytest.mark.parametrize(("kind", "query", "expected"), FOUND, ids=[f"{kind}?{query}" for kind, query, _ in FOUND])
def test_a_search_finds(record: Record, kind: str, query: str, expected: str) -> None:
    pairs = [tuple(part.split("=", 1)) for part in query.split("&")]
    assert ids(record.search(kind, pairs)) == expected.split()


REFUSED = [
    ("Observation", "date=yesterday"), ("Observation", "date=2023-02-30"), ("Observation", "date=2023-02-03T24:00:00Z"), ("Observation", "date=2023-02-03T23:60:00Z"), ("Observation", "date=xx2023"), ("Observation", "code=|"),
    ("Observation", "code:in=http://x"), ("Observation", "date:exact=2023"), ("Observation", "subject.shoe=44"),
    ("Observation", "subject:Claim.name=ana"), ("Observation", "patient:Group.name=x"), ("Observation", "code.name=ana"),
    ("Observation", "encounter.patient.name=ana"), ("Observation", "patient.birthdate=soon"), ("Observation", "patient.=x"),
    ("Patient", "_has:Observation:patient:code=2823-3"), ("Patient", "_filter=name eq x"), ("Observation", "_count=-1"), ("Observation", "_count=many"),
    ("Observation", "value-quantity=high"), ("Patient", "gender:missing=maybe"), ("Observation", "subject:Patient=Group/p1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "query"), REFUSED)
def test_what_cannot_be_understood_is_refused_with_an_outcome(record: Record, kind: str, query: str) -> None:
    with pytest.raises(Refusal) as refusal:
        record.search(kind, query)
    assert refusal.value.status == 400
    assert refusal.value.outcome["resourceType"] == "OperationOutcome"
    assert refusal.value.outcome["issue"][0]["diagnostics"]


def test_strict_handling_refuses_an_unknown_parameter_and_says_which_was_meant(record: Record) -> None:
    with pytest.raises(Refusal, match="Did you mean 'birthdate'"):
        record.search("Patient", "birthdat=1960", strict=True)
    with pytest.raises(Refusal, match="cannot be sorted"):
        record.search("Patient", "_sort=shoe", strict=True)


def test_the_self_link_holds_what_counted_and_nothing_else(record: Record) -> None:
    link = record.search("Patient", "shoe-size=44&gender=male&_format=json", base="http://x/fhir")["link"][0]
    assert link == {"relation": "self", "url": "http://x/fhir/Patient?gender=male"}


def test_following_next_visits_every_match_once_and_previous_leads_back(record: Record) -> None:
    seen, query = [], "_count=2&_sort=date"
    for _ in range(10):
        page = record.search("Observation", query)
        seen += ids(page)
        assert page["total"] == 5
        links = {link["relation"]: link["url"] for link in page["link"]}
        if "next" not in links:
            break
        query = links["next"].partition("?")[2]
    assert sorted(seen) == ["hr", "k-later", "k-new", "k-old", "na"]
    back = record.search("Observation", links["previous"].partition("?")[2])
    assert ids(back) == seen[2:4]


def test_a_count_of_nothing_gives_the_total_alone(record: Record) -> None:
    for query in ("_count=0", "_summary=count"):
        page = record.search("Observation", query)
        assert page["total"] == 5
        assert "entry" not in page


def test_included_resources_stand_beside_the_matches_and_are_not_counted(record: Record) -> None:
    page = record.search("Observation", "code=2951-2&_include=Observation:patient&_include=Observation:encounter")
    assert page["total"] == 1
    assert [(entry["resource"]["id"], entry["search"]["mode"]) for entry in page["entry"]] == [
        ("na", "match"),
        ("p2", "include"),
        ("e1", "include"),
    ]
    page = record.search("Patient", "_id=p2&_revinclude=Observation:subject")
    assert [entry["resource"]["id"] for entry in page["entry"]] == ["p2", "na"]


def test_elements_keep_what_was_asked_for(record: Record) -> None:
    (entry,) = record.search("Patient", "_id=p1&_elements=gender")["entry"]
    assert set(entry["resource"]) == {"resourceType", "id", "gender"}


def test_a_code_that_never_occurs_is_told_where_hints_are_given_and_only_there() -> None:
    plain, hinting = Record(chart(), check=None), Record(chart(), check=None, hints=True)
    assert "entry" not in plain.search("Observation", "code=4548-4")
    (entry,) = hinting.search("Observation", "code=4548-4")["entry"]
    assert entry["search"]["mode"] == "outcome"
    assert "4548-4" in entry["resource"]["issue"][0]["diagnostics"]
    assert "entry" not in hinting.search("Observation", "code=2951-2&patient=p1")  # it occurs, though not here
    assert hinting.search("Observation", "code=4548-4")["total"] == 0


def test_a_hint_does_not_betray_what_is_not_yet_known() -> None:
    late = [result("troponin", "6598-7", "2023-11-13T12:00:00Z", 9.0)]
    before = Record(chart() + late, now=NOW, hints=True).search("Observation", "code=6598-7")
    without = Record(chart(), now=NOW, hints=True).search("Observation", "code=6598-7")
    assert before == without


@pytest.mark.parametrize(("asked", "there"), [("4", False), ("5", True), ("ne4", True), ("ne5", False), ("le4.5", True), ("lt4.5", False)])
def test_half_way_between_two_numbers_is_rounded_up(asked: str, there: bool) -> None:
    record = Record([result("half", "1-1", "2023-01-01", 4.5)], check=None)
    assert ids(record.search("Observation", f"value-quantity={asked}")) == (["half"] if there else [])


def test_every_parameter_of_every_type_can_be_asked_for(record: Record) -> None:
    values = {"date": "2023", "quantity": "1", "token": "x", "code": "x", "reference": "x", "string": "x", "uri": "x"}
    for kind in TYPES:
        for name, parameter in parameters(kind).items():
            assert record.search(kind, {name: values[parameter.kind]})["resourceType"] == "Bundle"


@given(st.sampled_from([(kind, query) for kind, query, _ in FOUND]), st.sets(st.integers(0, 11)))
@settings(max_examples=120, deadline=None)
def test_what_was_written_is_found_as_what_was_there(asked: tuple[str, str], written: set[int]) -> None:
    kind, query = asked
    whole = chart()
    record = Record([part for place, part in enumerate(whole) if place not in written], check=None)
    for place in sorted(written):
        part = whole[place]
        over = {
            **record.state.over.get(part["resourceType"], {}),
            part["id"]: Record([part], check=None).held(part["resourceType"], part["id"]),
        }
        record.restore(type(record.state)({**record.state.over, part["resourceType"]: over}, record.writes, record.now))  # type: ignore[arg-type]
    pairs = [tuple(part.split("=", 1)) for part in query.split("&") if not part.startswith("_count")]
    expected = ids(Record(whole, check=None).search(kind, pairs))
    assert sorted(ids(record.search(kind, pairs))) == sorted(expected)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_coarser_dates_contain_finer_ones(at: Any) -> None:
    text = at.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    spans = [interval(text[:size]) for size in (4, 7, 10)] + [interval(text[:16] + "Z"), interval(text)]
    for (low, high), (inner_low, inner_high) in pairwise(spans):
        assert low <= inner_low < inner_high <= high


def test_a_query_string_is_decoded() -> None:
    record = Record([*chart(), {**order(), "id": "o"}], check=None)
    assert ids(record.search("Patient", "?name=n%C3%BA%C3%B1ez")) == ["p1"]
    assert parse_qsl(record.search("Patient", {"name": "o'brien"})["link"][0]["url"].partition("?")[2]) == [("name", "o'brien")]
