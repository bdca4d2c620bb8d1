"""The facade: whatever is asked, the answer is FHIR below 500, in process and over HTTP."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from medsim.record import Holdings, Record, Request, Response, answer
from medsim.record.match import MODIFIERS
from medsim.record.parameters import CLINICAL, TYPES, parameters
from medsim.record.serve import Application
from medsim.record.site import Site
from tests.record.charts import NOW, chart, order
from tests.record.conftest import Serving

HOLDINGS = Holdings(chart())
JSON = {"content-type": "application/fhir+json"}

ODD = (
    "_count", "_sort", "_offset", "_include", "_revinclude", "_summary", "x", "_has", "_filter",
    "patient.name", "subject:Patient.birthdate", "encounter.status", "subject.x", "patient.patient.name", ".", "code.x", "target.code",
)  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "p1",
            "Patient/p1",
            "http://x/Patient/p1",
            "2023",
            "ge2023-11-13T10:15:00+01:00",
            "-date",
            "0",
            "Patient:x",
            "Observation:subject",
            "gt1e5|u|c",
        ]
    ),
    st.from_regex(r"(eq|gt|ap)?\d{4}(-\d\d){0,2}(T\d\d:\d\d)?", fullmatch=True),
    st.from_regex(r"[+-]?\d{1,40}(e-?\d{1,4})?\|?", fullmatch=True),
)
MARKS = st.just("") | st.sampled_from([*sorted({mark for each in MODIFIERS.values() for mark in each}), "of"])
Query = list[tuple[str, str, str]]


def queries(kind: str) -> st.SearchStrategy[Query]:
    """What a type can be asked for, and now and then what it cannot."""
    return st.lists(st.tuples(st.sampled_from(sorted(parameters(kind))) | st.sampled_from(ODD), MARKS, VALUES), max_size=4)


SEARCHES = st.sampled_from(TYPES).flatmap(lambda kind: st.tuples(st.just(kind), queries(kind)))
QUERIES = SEARCHES.map(lambda search: search[1])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["Patient/p1", "2023-01-01", "final", "active"]),
)
ELEMENTS = st.sampled_from(
    ["reference", "coding", "system", "code", "value", "text", "start", "end", "subject", "period", "event", "meta", "tag", "id", "status", "name", "given", "family", "category", "participant", "actor", "effectivePeriod", "birthDate", "identifier", "extension", "url", "repeat", "boundsPeriod"]
)  # fmt: skip
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ELEMENTS, inner, max_size=4), max_leaves=12)
RESOURCES = st.builds(
    lambda kind, more: {**more, "resourceType": kind}, st.sampled_from([*TYPES, "Claim", ""]), st.dictionaries(ELEMENTS, TREES, max_size=5)
)
BUNDLES = st.builds(
    lambda kind, entries: {"resourceType": "Bundle", "type": kind, "entry": entries},
    st.sampled_from(["transaction", "batch", "collection", None]),
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "fullUrl": st.sampled_from(["urn:uuid:1", "urn:uuid:2", "", 3]),
                "resource": st.one_of(RESOURCES, TREES),
                "request": st.one_of(TREES, st.fixed_dictionaries({"method": st.sampled_from(["GET", "POST", "PUT", "DELETE", "get"]), "url": st.sampled_from(["Patient", "Patient/p1", "Observation?code=x", "/", "Patient/p1/x", "Condition"])}, optional={"ifNoneExist": st.sampled_from(["", "_id=p1", "status=active", "_count=0&gender=male", 1])})),
            },
        ),
        max_size=4,
    ),
)  # fmt: skip
BODIES = st.one_of(st.binary(max_size=30), st.builds(lambda tree: json.dumps(tree).encode(), st.one_of(RESOURCES, BUNDLES, TREES)))
PATHS = st.one_of(
    st.text(max_size=10),
    st.builds("/".join, st.lists(st.sampled_from([*TYPES, "p1", "e1", "c1", "_search", "_history", "metadata", "$everything", "", "..", "%00", "%ff", "ü", "1"]), max_size=4)),
    st.sampled_from(TYPES),
)  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS"])
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "prefer", "if-match", "if-none-exist", "accept"]),
    st.sampled_from(["application/fhir+json", "application/json", "text/plain", "application/x-www-form-urlencoded", "handling=strict", 'W/"1"', "_id=p1", "status=active", "foo=1"]),
)  # fmt: skip


def told(response: Response) -> None:
    """It is an answer: below 500, readable, and a refusal is an OperationOutcome that says something."""
    assert 200 <= response.status < 500
    resource = json.loads(response.body) if response.body else None
    if response.status >= 400:
        assert resource["resourceType"] == "OperationOutcome"
        assert all(issue["severity"] == "error" and issue["diagnostics"] for issue in resource["issue"])


def asked(query: Query) -> str:
    return "&".join(f"{name}{':' + modifier if modifier else ''}={value}" for name, modifier, value in query)


@given(METHODS, PATHS, QUERIES, HEADERS, BODIES)
@settings(max_examples=250, deadline=None)
def test_no_request_fails_in_process(method: str, path: str, query: Query, headers: dict[str, str], body: bytes) -> None:
    request = Request(method, path, asked(query), body, headers)
    told(answer(Record(HOLDINGS, now=NOW, hints=True, check=None), request, base="http://x/fhir"))


@given(SEARCHES)
@settings(max_examples=250, deadline=None)
def test_no_search_fails(search: tuple[str, Query]) -> None:
    kind, query = search
    told(answer(Record(HOLDINGS, hints=True, check=None), Request("GET", kind, asked(query))))


@given(st.lists(RESOURCES, min_size=1, max_size=3), QUERIES)
@settings(max_examples=40, deadline=None)
def test_no_search_fails_over_what_was_written_without_a_check(written: list[dict[str, Any]], query: Query) -> None:
    record = Record(HOLDINGS, check=None)
    text = "&".join(f"{name}={value}" for name, _, value in query)
    for resource in written:
        told(answer(record, Request("POST", str(resource["resourceType"]), body=json.dumps(resource).encode(), headers=JSON)))
    for kind in {str(resource["resourceType"]) for resource in written} & set(TYPES):
        told(answer(record, Request("GET", kind, text)))
        for name in parameters(kind):
            told(answer(record, Request("GET", kind, f"_sort=-{name}")))
            told(answer(record, Request("GET", kind, f"{name}:missing=true")))


@given(BUNDLES)
@settings(max_examples=120, deadline=None)
def test_no_bundle_fails_and_a_refused_transaction_writes_nothing(bundle: dict[str, Any]) -> None:
    record = Record(HOLDINGS, check=None)
    response = answer(record, Request("POST", body=json.dumps(bundle).encode(), headers=JSON))
    told(response)
    if response.status >= 400:
        assert not record.writes


@given(st.one_of(RESOURCES, TREES))
@settings(max_examples=60, deadline=None)
def test_no_body_fails_the_check_of_what_is_written(resource: Any) -> None:
    kind = resource.get("resourceType") if isinstance(resource, dict) else "Patient"
    told(answer(Record(HOLDINGS), Request("POST", str(kind), body=json.dumps(resource).encode(), headers=JSON)))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 10_000,
        b'{"resourceType":"Patient","x":NaN}',
        b'{"resourceType":"Patient","x":"\\ud800"}',
        b"\xff",
        b"",
        b'{"resourceType":"Patient","x":1e999}',
    ],
    ids=len,
)
def test_bodies_made_to_hurt_are_refused(body: bytes) -> None:
    response = answer(Record(HOLDINGS), Request("POST", "Patient", body=body, headers=JSON))
    told(response)
    assert response.status == 400


def test_the_statement_names_what_is_there_and_what_it_names_works() -> None:
    record = Record(HOLDINGS, now=NOW)
    statement = answer(record, Request("GET", "metadata")).resource
    assert statement is not None
    assert statement["fhirVersion"] == "4.0.1"
    (rest,) = statement["rest"]
    assert [part["type"] for part in rest["resource"]] == list(TYPES)
    assert len(TYPES) == len(CLINICAL) + 2 == 18
    assert {code["code"] for code in rest["resource"][0]["interaction"]} >= {"vread", "history-instance", "delete"}
    for part in rest["resource"]:
        for parameter in part["searchParam"]:
            value = {"date": "2023", "quantity": "1"}.get(parameter["type"], "x")
            found = answer(record, Request("GET", part["type"], f"{parameter['name']}={value}", headers={"prefer": "handling=strict"}))
            assert found.status == 200, parameter


def test_the_statement_is_valid_fhir() -> None:
    from medsim.fhir import faults

    assert not faults(answer(Record(HOLDINGS, now=NOW), Request("GET", "metadata"), base="http://x/fhir").resource)


def test_answers_are_valid_fhir() -> None:
    from medsim.fhir import faults

    record = Record(HOLDINGS, now=NOW, hints=True)
    for request in (
        Request("GET", "Observation", "_count=2"),
        Request("GET", "Observation", "code=none"),
        Request("GET", "Nothing"),
        Request("GET", "Patient/p1"),
    ):
        assert not faults(answer(record, request, base="http://x/fhir").resource)
    made = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "Patient/p1"}}, {"request": {"method": "GET", "url": "Patient/p9"}}],
    }
    assert not faults(record.submit(made, base="http://x/fhir"))


def test_a_change_with_an_old_version_is_refused() -> None:
    record = Record(HOLDINGS, check=None)
    patient = json.dumps({**record.read("Patient", "p1"), "active": True}).encode()
    put = Request("PUT", "Patient/p1", body=patient, headers={**JSON, "if-match": 'W/"1"'})
    first, second = answer(record, put), answer(record, put)
    assert (first.status, first.headers["etag"]) == (200, 'W/"2"')
    assert second.status == 412


# over the wire


@pytest.fixture(scope="module")
def server(serving: Serving) -> Iterator[tuple[str, Record]]:
    record = Record(HOLDINGS, now=NOW)
    with serving(record) as address:
        yield address, record


def ask(url: str, *, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any, dict[str, str]]:
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers if headers is not None else JSON)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            text, status, sent = response.read(), response.status, dict(response.headers)
    except urllib.error.HTTPError as error:
        text, status, sent = error.read(), error.code, dict(error.headers)
    return status, json.loads(text) if text else None, {name.lower(): value for name, value in sent.items()}


def test_over_http_a_record_is_searched_written_and_read(server: tuple[str, Record]) -> None:
    base = f"{server[0]}/episodes/one/fhir"
    status, found, sent = ask(f"{base}/Observation?patient={base}/Patient/p1&code=2823-3&_sort=-date&_count=1")
    assert (status, found["total"], sent["content-type"]) == (200, 2, "application/fhir+json; charset=utf-8")
    assert found["entry"][0]["fullUrl"] == f"{base}/Observation/k-new"
    following = next(link["url"] for link in found["link"] if link["relation"] == "next")
    assert ask(following)[1]["entry"][0]["resource"]["id"] == "k-old"
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ask(f"{base}/Patient/_search?gender=female", method="POST", body="name=nuñez".encode(), headers=form)[1]["total"] == 1
    status, made, sent = ask(f"{base}/ServiceRequest", method="POST", body=order())
    assert (status, sent["location"], sent["etag"]) == (201, f"{base}/ServiceRequest/{made['id']}", 'W/"1"')
    assert ask(sent["location"])[1] == made
    status, changed, _ = ask(sent["location"], method="PUT", body={**made, "status": "revoked"})
    assert (status, changed["status"]) == (200, "revoked")
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": order(), "request": {"method": "POST", "url": "ServiceRequest"}}],
    }
    assert ask(base, method="POST", body=bundle)[1]["entry"][0]["response"]["status"] == "201 Created"
    assert ask(f"{base}/ServiceRequest")[1]["total"] == 2


def test_episodes_over_http_are_isolated_and_forgotten_when_asked(server: tuple[str, Record]) -> None:
    address, record = server
    for name in ("a", "b"):
        assert ask(f"{address}/episodes/{name}/fhir/ServiceRequest", method="POST", body=order(name))[0] == 201
        assert ask(f"{address}/episodes/{name}/fhir/ServiceRequest")[1]["total"] == 1
    assert ask(f"{address}/fhir/ServiceRequest")[1]["total"] == 0
    assert not record.writes
    assert ask(f"{address}/episodes/a", method="DELETE")[0] == 204
    assert ask(f"{address}/episodes/a/fhir/ServiceRequest")[1]["total"] == 0
    assert ask(f"{address}/episodes/b/fhir/ServiceRequest")[1]["total"] == 1


def test_refusals_over_http_are_outcomes(server: tuple[str, Record]) -> None:
    base = f"{server[0]}/fhir"
    asked = [
        ask(f"{base}/Patient/none"), ask(f"{base}/Claim"), ask(f"{base}/Patient?birthdate=soon"), ask(f"{base}/Patient", method="DELETE"),
        ask(f"{base}/Patient", method="POST", body=b"{"), ask(f"{base}/Patient", method="POST", body=b"x", headers={"content-type": "text/plain"}),
        ask(server[0]), ask(f"{base}/Patient", method="POST", body=b" " * (9 * 1024 * 1024)), ask(f"{server[0]}/episodes/x"),
    ]  # fmt: skip
    assert [status for status, _, _ in asked] == [404, 404, 400, 405, 400, 415, 404, 413, 405]
    assert {body["resourceType"] for _, body, _ in asked} == {"OperationOutcome"}


@example("GET", "\n", [], {}, b"")
@given(METHODS, PATHS, QUERIES, HEADERS, BODIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_request_fails_over_http(
    server: tuple[str, Record], method: str, path: str, query: Query, headers: dict[str, str], body: bytes
) -> None:
    from urllib.parse import quote, urlencode

    url = f"/fhir/{quote(path, safe='/%', errors='replace')}?{urlencode([(f'{n}:{m}' if m else n, v) for n, m, v in query], errors='replace')}"
    connection = HTTPConnection(server[0].removeprefix("http://"), timeout=10)
    try:
        connection.request(method, url, body=body if method in {"POST", "PUT", "PATCH"} else None, headers=headers)
        response = connection.getresponse()
        text = response.read()
        assert response.status < 500, text
        if method != "HEAD" and response.status != 204:
            assert json.loads(text)["resourceType"]
    finally:
        connection.close()


def test_the_asgi_application_answers_like_the_server(server: tuple[str, Record]) -> None:
    async def call(method: str, path: str, query: str, body: bytes) -> tuple[int, Any]:
        sent: list[Any] = []
        parts = [{"type": "http.request", "body": body[:5], "more_body": True}, {"type": "http.request", "body": body[5:]}]

        async def receive() -> Any:
            return parts.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(b"host", server[0].removeprefix("http://").encode()), (b"Content-Type", b"application/json")],
        }
        await Application(Record(HOLDINGS, now=NOW))(scope, receive, send)
        return sent[0]["status"], json.loads(sent[1]["body"]) if sent[1]["body"] else None

    for path, query in (("/fhir/Observation", "code=2823-3"), ("/fhir/metadata", ""), ("/fhir/Patient/none", "")):
        status, body, _ = ask(f"{server[0]}{path}?{query}")
        assert asyncio.run(call("GET", path, query, b"")) == (status, body)
    assert asyncio.run(call("POST", "/fhir/ServiceRequest", "", json.dumps(order()).encode()))[0] == 201
    assert asyncio.run(call("POST", "/fhir/Patient", "", b" " * (9 * 1024 * 1024)))[0] == 413


def test_a_fault_of_the_program_shows_nothing_of_its_inside() -> None:
    class Broken(Record):
        def search(self, *given: Any, **more: Any) -> Any:
            raise RuntimeError("secret")

    response = Site(Broken(HOLDINGS)).respond("GET", "/fhir/Patient")
    assert response.status == 500
    assert b"secret" not in response.body


def test_the_command_line_serves_a_bundle_on_loopback(tmp_path: Path) -> None:
    file = tmp_path / "chart.json"
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": part} for part in chart()]}))
    command = [sys.executable, "-m", "medsim", "serve", "fhir", "--bundle", str(file), "--port", "0", "--now", NOW, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            assert told["resources"] == len(chart())
            assert told["address"].startswith("http://127.0.0.1:")
            assert ask(f"{told['address']}/Observation?code=2823-3")[1]["total"] == 2
        finally:
            process.terminate()


@pytest.mark.parametrize("given", [["serve", "mail"], ["serve", "fhir", "--bundle", "none.json"], ["serve", "fhir", "--now", "noon"]])
def test_the_command_line_says_what_it_cannot_serve(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from medsim.cli import main

    assert main(given) == 2
    assert "medsim: " in capsys.readouterr().err
