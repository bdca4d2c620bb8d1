"""The Python clients fhirpy and fhirclient work against the facade as against any FHIR server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from medsim.record import Holdings, Record
from tests.record.charts import NOW, chart, order, result
from tests.record.conftest import Serving


@pytest.fixture
def record() -> Record:
    more = [result(f"r{n}", "1-1", f"2023-0{1 + n % 9}-01", n) for n in range(25)]
    return Record(Holdings([*chart(), *more]), now=NOW)


@pytest.fixture
def address(record: Record, serving: Serving) -> Iterator[str]:
    with serving(record) as root:
        yield f"{root}/fhir"


# fhirpy


def test_fhirpy_reads_searches_pages_writes_and_deletes(record: Record, address: str) -> None:
    fhirpy = pytest.importorskip("fhirpy")
    client = fhirpy.SyncFHIRClient(address)
    patient = client.reference("Patient", "p1").to_resource()
    assert patient["name"][0]["family"] == "Núñez"
    found = client.resources("Observation").search(patient=patient.to_reference(), code="2823-3").sort("-date").fetch()
    assert [each.id for each in found] == ["k-new", "k-old"]
    assert len(client.resources("Observation").search(code="1-1").limit(7).fetch_all()) == 25, "over four pages"
    assert client.resources("Observation").search(code="1-1").count() == 25
    assert client.resources("Patient").search(name="nun").first().id == "p1"
    assert [each.id for each in client.resources("Observation").search(encounter__status="finished").fetch()] == ["na"]
    made = client.resource("ServiceRequest", **{name: value for name, value in order().items() if name != "resourceType"})
    made.save()
    assert made.id
    made["priority"] = "urgent"
    made.save()
    assert record.read("ServiceRequest", made.id)["priority"] == "urgent"
    made.delete()
    with pytest.raises(fhirpy.base.exceptions.ResourceNotFound, match="was deleted"):
        client.reference("ServiceRequest", made.id).to_resource()
    assert [write.verb for write in record.writes] == ["create", "update", "delete"]


def test_fhirpy_sees_an_outcome_where_something_is_refused(record: Record, address: str) -> None:
    fhirpy = pytest.importorskip("fhirpy")
    client = fhirpy.SyncFHIRClient(address)
    with pytest.raises(fhirpy.base.exceptions.OperationOutcome, match="not one of"):
        client.resource("ServiceRequest", **{**order(status="eager"), "resourceType": "ServiceRequest"}).save()
    with pytest.raises(fhirpy.base.exceptions.OperationOutcome):
        client.resources("Observation").search(date="soon").fetch()
    with pytest.raises(fhirpy.base.exceptions.ResourceNotFound):
        client.reference("Patient", "none").to_resource()
    assert not record.writes


def test_fhirpy_waits_for_nothing_in_its_asynchronous_form(address: str) -> None:
    fhirpy = pytest.importorskip("fhirpy")

    async def work() -> list[Any]:
        client = fhirpy.AsyncFHIRClient(address)
        return list(await client.resources("Observation").search(patient="Patient/p1", code="2823-3").fetch())

    assert len(asyncio.run(work())) == 2


# fhirclient


def test_fhirclient_reads_searches_and_writes(record: Record, address: str) -> None:
    client = pytest.importorskip("fhirclient.client")
    from fhirclient.models import observation, patient, servicerequest

    server = client.FHIRClient(settings={"app_id": "medsim-tests", "api_base": address}).server
    person = patient.Patient.read("p1", server)
    assert (person.name[0].family, person.birthDate.isostring) == ("Núñez", "1960-05-04")
    (bundle,) = observation.Observation.where({"patient": "p1", "code": "2823-3", "_sort": "-date"}).perform_iter(server)
    assert bundle.total == 2
    assert [entry.resource.id for entry in bundle.entry] == ["k-new", "k-old"]
    found = list(observation.Observation.where({"code": "1-1", "_count": "10"}).perform_resources_iter(server))
    assert len({part.id for part in found}) == 25, "over three pages"
    made = servicerequest.ServiceRequest(order())
    answered = made.create(server)
    assert answered["id"] == record.written()[0]["id"]
    made.id = answered["id"]
    made.status = "revoked"
    assert made.update(server)["status"] == "revoked"
    made.delete(server)
    assert [write.verb for write in record.writes] == ["create", "update", "delete"]


def test_fhirclient_reads_the_capability_statement(address: str) -> None:
    pytest.importorskip("fhirclient.client")
    from fhirclient import client
    from fhirclient.models import capabilitystatement

    server = client.FHIRClient(settings={"app_id": "medsim-tests", "api_base": address}).server
    statement = capabilitystatement.CapabilityStatement.read_from("metadata", server)
    assert statement.fhirVersion == "4.0.1"
    assert len(statement.rest[0].resource) == 18


# a browser


def test_a_file_comes_over_http_as_it_is_and_is_only_to_be_saved(serving: Serving) -> None:
    import urllib.request
    from base64 import b64encode

    page = {"resourceType": "Binary", "id": "b", "contentType": "text/html", "data": b64encode(b"<script>1</script>").decode()}
    with serving(Record(Holdings([page]))) as root:
        asked = urllib.request.Request(f"{root}/fhir/Binary/b", headers={"accept": "text/html,*/*"})
        with urllib.request.urlopen(asked, timeout=10) as response:
            assert response.read() == b"<script>1</script>"
            sent = {name.lower(): value for name, value in response.headers.items()}
    assert sent["content-type"].startswith("text/html")
    assert sent["content-disposition"] == "attachment"
    assert sent["content-security-policy"].startswith("sandbox")
    assert sent["x-content-type-options"] == "nosniff"
