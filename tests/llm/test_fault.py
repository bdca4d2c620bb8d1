"""When another attempt is made, how long is waited, and what is said in the end: decided without a network."""

from __future__ import annotations

import random
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsim.llm.fault import LONGEST_WAIT, End, Endpoint, Fault, Wait, decide, of_status, retry_after

HERE = Endpoint("openai/local", "http://127.0.0.1:1/v1", retries=3, backoff=0.5, patience=60)
BUSY = Fault("HTTP 503: busy", again=True)


@given(st.integers(1, 3), st.integers())
def test_waits_double_and_are_jittered(attempt: int, seed: int) -> None:
    step = decide(HERE, BUSY, attempt, chance=random.Random(seed))
    assert isinstance(step, Wait)
    assert 0.25 * 2 ** (attempt - 1) <= step.seconds <= 0.5 * 2 ** (attempt - 1)


def test_no_wait_of_our_own_is_longer_than_half_a_minute() -> None:
    patient = Endpoint("openai/local", retries=100)
    step = decide(patient, BUSY, 60, chance=random.Random(0))
    assert isinstance(step, Wait)
    assert step.seconds <= LONGEST_WAIT


@given(st.floats(0, 60), st.integers())
def test_never_earlier_than_the_server_asks(after: float, seed: int) -> None:
    step = decide(HERE, BUSY._replace(after=after), 1, chance=random.Random(seed))
    assert isinstance(step, Wait)
    assert step.seconds >= after


def test_a_server_that_asks_for_an_hour_is_not_waited_for() -> None:
    step = decide(HERE, BUSY._replace(after=3600), 1, chance=random.Random(0))
    assert isinstance(step, End)
    assert "3600 s" in step.message


def test_when_retries_are_spent_the_end_names_model_address_how_often_and_why() -> None:
    step = decide(HERE, BUSY, 4, chance=random.Random(0))
    assert isinstance(step, End)
    assert all(part in step.message for part in ("openai/local", "http://127.0.0.1:1/v1", "4 times", "HTTP 503: busy"))


@pytest.mark.parametrize(
    ("status", "kind", "text", "advice"),
    [
        (401, "AuthenticationError", "no", "OPENAI_API_KEY"),
        (402, "APIError", "pay", "credit"),
        (403, "PermissionDeniedError", "no", "may not use"),
        (404, "NotFoundError", "no such model", "api_base"),
        (400, "BadRequestError", "bad", "parameters"),
        (400, "ContextWindowExceededError", "long", "longer context"),
        (400, "ContentPolicyViolationError", "no", "content filter"),
        (400, "UnsupportedParamsError", "seed", "never dropped"),
        (429, "RateLimitError", "You exceeded your current quota", "credit"),
    ],
)
def test_what_no_retry_can_mend_ends_at_once_with_advice(status: int, kind: str, text: str, advice: str) -> None:
    step = decide(HERE, of_status(HERE, status, kind, text, {}), 1, chance=random.Random(0))
    assert isinstance(step, End)
    assert advice in step.message


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert of_status(HERE, status, "APIError", "busy", {}).again


NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "2"}, 2.0), ({"retry-after": "0.5"}, 0.5), ({"RETRY-AFTER": formatdate(NOW + 30, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(NOW - 30, usegmt=True)}, 0.0), ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"Retry-After": "soon"}, None), ({"Retry-After": "-3"}, None), ({"Retry-After": "nan"}, None), ({"Retry-After": ""}, None), ({}, None),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_seconds_and_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds


@given(st.text())
def test_no_retry_after_of_any_kind_breaks_the_reading(value: str) -> None:
    found = retry_after({"Retry-After": value}, now=NOW)
    assert found is None or found >= 0
