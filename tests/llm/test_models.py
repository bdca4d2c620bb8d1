"""The real models over real sockets, with everything going wrong that can."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from medsim.errors import LLMError
from medsim.llm import Answer, Budget, BudgetSpent, Call, Entry, Message, Models, Role, provider
from medsim.llm.fault import Endpoint
from medsim.llm.reading import Reply
from medsim.trajectory import Usage
from tests.llm.server import Server, Step, chat, cut, error, response, running, tool

CALL = Call("openai/local", (Message("system", "Be brief."), Message("user", "When did it begin?")), temperature=0, max_tokens=32)
SCHEMA = {"type": "object", "properties": {"met": {"type": "boolean"}}, "required": ["met"], "additionalProperties": False}
ORDER = {"type": "function", "function": {"name": "order", "parameters": {"type": "object", "properties": {"code": {"type": "string"}}}}}

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer", "ignore:Item '.*' on TypedDict")
every_way = pytest.mark.usefixtures("way")


@pytest.fixture(params=["in the caller's thread", "on the loop", "through litellm"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three ways to ask a server, of which the first is taken where nothing is said."""
    if request.param != "in the caller's thread":
        monkeypatch.setattr(provider, "is_blocking", lambda _: False)
    if request.param == "through litellm":
        monkeypatch.setattr(provider, "is_plain", lambda _: False)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as here:
        yield here


def models(server: Server, **settings: Any) -> Models:
    return Models(**{"api_base": server.url, "backoff": 0.01, "timeout": 10.0, **settings})


def came(true: Callable[[], bool]) -> bool:
    """Whether something becomes true; the server sees the end of a request a moment later than the client."""
    until = time.monotonic() + 5
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


def numbered(number: int) -> Call:
    return replace(CALL, messages=(*CALL.messages, Message("user", f"Question {number}?")))


# ---- an answer ----------------------------------------------------------------------------------------------------------------------


@every_way
def test_an_answer_comes_with_its_usage_model_and_hash(server: Server) -> None:
    answer = models(server, price_in=1.0, price_out=2.0).complete(CALL)
    assert (answer.text, answer.usage, answer.model, answer.finish) == ("It began yesterday.", Usage(1, 20, 5, 30e-6), "served", "stop")
    assert not answer.cached
    assert len(answer.hash) == 64
    assert 0 < answer.latency < 10


@every_way
def test_what_is_sent_is_the_call_and_no_more(server: Server) -> None:
    models(server).complete(replace(CALL, seed=7, stop=("\n",), logprobs=2))
    assert server.bodies == [
        {
            "model": "local", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When did it begin?"}],
            "temperature": 0, "max_tokens": 32, "seed": 7, "stop": ["\n"], "logprobs": True, "top_logprobs": 2,
        }
    ]  # fmt: skip


def test_a_model_that_litellm_knows_gets_the_same_messages(server: Server) -> None:
    models(server).complete(replace(CALL, model="openai/gpt-4o-mini"))
    models(server).complete(replace(CALL, model="hosted_vllm/local"))
    assert [body["messages"] for body in server.bodies] == [
        [{"role": message.role, "content": message.content} for message in CALL.messages]
    ] * 2


@every_way
def test_text_that_is_no_unicode_is_sent_as_what_can_be_sent(server: Server) -> None:
    models(server).complete(replace(CALL, messages=(Message("user", "half \ud800 a character, 😖, naïve"),)))
    assert server.bodies[0]["messages"][0]["content"] == "half \ufffd a character, 😖, naïve"


@every_way
def test_a_schema_is_asked_of_the_provider_and_checked(server: Server) -> None:
    server.then(response(chat("yes")), response(chat('{"met": 1}')), response(chat('{"met": true}')))
    assert json.loads(models(server).complete(replace(CALL, schema=SCHEMA)).text) == {"met": True}
    assert server.bodies[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
    }


@every_way
def test_tools_are_offered_and_their_use_is_read(server: Server) -> None:
    server.then(response(tool("order", '{"code": "ec')), response(tool("odrer", "{}")), response(tool("order", '{"code": "ecg"}')))
    answer = models(server).complete(replace(CALL, tools=(ORDER,)))
    assert [(use.name, use.arguments) for use in answer.tool_calls] == [("order", {"code": "ecg"})]
    assert server.bodies[0]["tools"] == [ORDER]
    assert set(server.bodies[0]) == {"model", "messages", "temperature", "max_tokens", "tools"}


@every_way
def test_log_probabilities_are_given_where_the_server_has_them(server: Server) -> None:
    content = [{"token": "A", "logprob": -0.25, "bytes": [65], "top_logprobs": [{"token": "B", "logprob": -1.5, "bytes": [66]}]}]
    body = chat("A")
    body["choices"][0]["logprobs"] = {"content": content, "refusal": None}
    server.then(response(body))
    layer = models(server)
    assert layer.complete(replace(CALL, logprobs=1)).logprobs == (("A", -0.25, (("B", -1.5),)),)
    assert layer.complete(replace(CALL, logprobs=1)).logprobs is None


@every_way
def test_an_answer_cut_by_max_tokens_is_kept_as_it_is(server: Server) -> None:
    server.then(response(chat("It began", finish="length")))
    answer = models(server).complete(CALL)
    assert (answer.text, answer.finish) == ("It began", "length")


def test_the_role_gives_model_address_and_parameters(server: Server) -> None:
    layer = Models(roles={"patient": Role(model="openai/local", api_base=server.url, temperature=0.5, max_tokens=9)})
    layer.complete(Call("", CALL.messages, role="patient"))
    assert (server.bodies[0]["model"], server.bodies[0]["temperature"], server.bodies[0]["max_tokens"]) == ("local", 0.5, 9)
    with pytest.raises(LLMError, match="No model is given for the role 'judge'"):
        layer.complete(Call("", CALL.messages, role="judge"))


def test_the_address_of_the_environment_is_used_and_is_part_of_the_hash(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url + "/")
    assert Models().complete(CALL).hash == models(server).complete(CALL).hash


# ---- faults -------------------------------------------------------------------------------------------------------------------------

PASSING: dict[str, Step] = {
    "rate limit": error(429, "slow down"),
    "server error": error(500, "boom"),
    "overloaded": error(503, "busy"),
    "hung up": 0.0,
    "cut body": cut(chat()),
    "not HTTP": b"\x00\x01nonsense\r\n\r\n",
    "no body": response(""),
    "HTML": response("<html>Bad gateway</html>", kind="text/html"),
    "HTML said to be JSON": response("<html>Bad gateway</html>"),
    "half a JSON": response('{"id": "x", "choices": [{"mess'),
    "JSON of another kind": response([]),
    "null": response("null"),
    "no choices": response({**chat(), "choices": []}),
    "choices null": response({**chat(), "choices": None}),
    "choices missing": response({"id": "x", "object": "chat.completion"}),
    "message missing": response({**chat(), "choices": [{"index": 0, "finish_reason": "stop"}]}),
    "empty": response(chat("")),
    "blank": response(chat(" \n ")),
    "content null": response(chat(None)),
    "content a number": response(chat(5)),
    "not UTF-8": response(json.dumps(chat("It began.")).encode().replace(b"began", b"\xff\xfe\xfa")),
    "an error inside a 200": response({"error": {"message": "hidden", "code": 500}}),
}


@pytest.mark.parametrize("name", PASSING)
@every_way
def test_a_passing_fault_costs_a_retry_and_no_answer(server: Server, name: str) -> None:
    entries: list[Entry] = []
    server.then(PASSING[name])
    assert models(server, on_call=entries.append).complete(CALL).text == "It began yesterday."
    assert len(server.bodies) == 2
    assert [(entry.retries, entry.error) for entry in entries] == [(1, "")]


@pytest.mark.parametrize("name", PASSING)
@every_way
def test_a_fault_that_does_not_pass_ends_in_an_error_and_never_in_an_answer(server: Server, name: str) -> None:
    entries: list[Entry] = []
    server.then(*[PASSING[name]] * 3)
    with pytest.raises(LLMError, match="failed 3 times") as caught:
        models(server, retries=2, on_call=entries.append).complete(CALL)
    assert "openai/local" in str(caught.value)
    assert server.url in str(caught.value)
    assert len(server.bodies) == 3
    assert [(entry.retries, bool(entry.error)) for entry in entries] == [(2, True)]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (error(401, "Incorrect API key provided"), "OPENAI_API_KEY"),
        (error(400, "Unknown parameter"), "does not accept"),
        (error(404, "The model does not exist"), "check the model's name"),
        (error(400, "This model's maximum context length is 8 tokens", code="context_length_exceeded"), "longer context"),
        (error(400, "Your request was rejected as a result of our safety system", code="content_policy_violation"), "content filter"),
        (error(429, "You exceeded your current quota", code="insufficient_quota"), "no credit"),
        (response(chat("some", finish="content_filter")), "content filter"),
        (response(chat("", finish="length")), "Raise max_tokens"),
    ],
)
@every_way
def test_what_no_retry_can_mend_ends_at_once_and_says_what_to_do(server: Server, step: Step, said: str) -> None:
    server.then(step)
    with pytest.raises(LLMError, match=said):
        models(server).complete(CALL)
    assert len(server.bodies) == 1


def test_a_model_without_a_provider_is_told_so() -> None:
    with pytest.raises(LLMError, match="provider/name"):
        Models(retries=0).complete(replace(CALL, model="nonsense"))


def test_a_parameter_that_the_model_does_not_take_is_never_dropped_silently(server: Server) -> None:
    with pytest.raises(LLMError, match="never dropped silently"):
        models(server).complete(replace(CALL, model="openai/o3-mini", temperature=0.5))
    assert not server.bodies


def claude(text: str) -> bytes:
    """A good answer in Anthropic's protocol."""
    content, usage = [{"type": "text", "text": text}], {"input_tokens": 5, "output_tokens": 5}
    return response(
        {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude",
            "content": content,
            "stop_reason": "end_turn",
            "usage": usage,
        }
    )


@pytest.mark.parametrize(
    ("model", "wished", "sent"),
    [
        ("anthropic/claude-3-5-haiku-latest", ("seed",), {"temperature": 0}),
        ("anthropic/claude-3-5-haiku-latest", ("seed", "temperature"), {"temperature": 0}),
        ("openai/o3-mini", ("seed", "temperature"), {"seed": 7}),
        ("openai/gpt-5", ("seed", "temperature"), {"seed": 7}),
        ("openai/gpt-4o", ("seed", "temperature"), {"seed": 7, "temperature": 0}),
    ],
)
def test_what_is_only_wished_for_is_left_out_where_the_model_is_known_to_take_none(
    server: Server, monkeypatch: pytest.MonkeyPatch, model: str, wished: tuple[str, ...], sent: dict[str, float]
) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "made-up-for-a-test")
    anthropic = model.startswith("anthropic")
    server.then(claude("Monday.") if anthropic else response(chat("Monday.")))
    layer = models(server, api_base=server.url.removesuffix("/v1") if anthropic else server.url, retries=0)
    assert layer.complete(replace(CALL, model=model, seed=7, soft=wished)).text == "Monday."
    (body,) = server.bodies
    assert {name: body[name] for name in ("seed", "temperature") if name in body} == sent


def test_a_seed_that_the_role_itself_sets_is_more_than_a_wish(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "made-up-for-a-test")
    role = Role(model="anthropic/claude-3-5-haiku-latest", api_base=server.url.removesuffix("/v1"), seed=3)
    with pytest.raises(LLMError, match="never dropped silently"):
        Models(roles={"doctor": role}).complete(replace(CALL, model=""))
    assert not server.bodies


@every_way
def test_a_count_of_tokens_that_cannot_be_is_not_believed(server: Server) -> None:
    server.then(response(chat(tokens=(10**30, -5))))
    usage = models(server).complete(CALL).usage
    assert 0 < usage.tokens_in < 1000
    assert 0 < usage.tokens_out < 1000


@every_way
def test_a_server_that_is_not_there_is_asked_about() -> None:
    with running() as gone:
        pass
    with pytest.raises(LLMError, match="Is the server running"):
        models(gone, retries=1).complete(CALL)


@every_way
def test_a_silent_server_is_given_up_and_the_request_ended(server: Server) -> None:
    provider._warm.add("openai")
    models(server).complete(numbered(7))
    server.then(5.0, 5.0)
    start = time.monotonic()
    with pytest.raises(LLMError, match=r"no answer in 0\.2 s"):
        models(server, timeout=0.2, retries=1).complete(CALL)
    assert time.monotonic() - start < 4, "the server would have been silent for ten seconds"
    assert came(lambda: server.hung_up == 2)


@pytest.mark.parametrize("stamp", [lambda: "0.6", lambda: formatdate(time.time() + 2, usegmt=True)], ids=["seconds", "date"])
@every_way
def test_retry_after_is_honoured_by_every_call_to_that_server(server: Server, stamp: Any) -> None:
    layer = models(server)
    layer.complete(CALL)
    start = time.monotonic()
    server.then(error(429, "slow down", Retry_After=stamp()))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(layer.complete, numbered(1))
        while len(server.bodies) < 2:
            time.sleep(0.005)
        time.sleep(0.05)
        layer.complete(numbered(2))
        assert time.monotonic() - start >= 0.6
        first.result()
    assert len(server.bodies) == 4


@every_way
def test_a_key_of_an_own_variable_that_is_not_set_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = models(server, key_env="MEDSIM_TEST_KEY", budget=Budget(calls=1))
    with pytest.raises(LLMError, match="MEDSIM_TEST_KEY is not set"):
        layer.complete(CALL)
    assert not server.bodies
    monkeypatch.setenv("MEDSIM_TEST_KEY", "canary-of-its-own")
    models(server, key_env="MEDSIM_TEST_KEY").complete(CALL)
    assert "canary-of-its-own" in server.headers[0]


@pytest.mark.parametrize("base", ["http://me:secret@127.0.0.1/v1", "http://127.0.0.1/v1?key=abc", "127.0.0.1:8000"])
def test_an_address_that_is_more_or_less_than_one_is_refused_without_repeating_it(base: str) -> None:
    with pytest.raises(LLMError, match="api_base") as caught:
        Models(api_base=base).complete(CALL)
    assert base not in str(caught.value)


# ---- many at once -------------------------------------------------------------------------------------------------------------------


def test_two_hundred_and_fifty_six_tasks_ask_at_once(server: Server) -> None:
    server.latency = 0.05
    layer = models(server, concurrency=256)

    async def ask() -> list[Answer]:
        return list(await asyncio.gather(*(layer.acomplete(numbered(number)) for number in range(256))))

    assert len({answer.hash for answer in asyncio.run(ask())}) == 256
    assert 32 < server.busiest <= 256


@every_way
def test_threads_and_tasks_together_keep_the_limit_of_the_server(server: Server) -> None:
    server.latency = 0.02
    layer = models(server, concurrency=5)

    async def ask() -> None:
        await asyncio.gather(*(layer.acomplete(numbered(number)) for number in range(40)))

    with ThreadPoolExecutor(30) as pool:
        asked = [pool.submit(layer.complete, numbered(number)) for number in range(100, 140)]
        asyncio.run(ask())
        assert all(one.result().text for one in asked)
    assert server.busiest == 5
    assert len(server.bodies) == 80


@pytest.mark.parametrize(("given", "most"), [({}, 48), ({"concurrency": 5}, 5)], ids=["no limit of one's own", "a limit of one's own"])
@every_way
def test_a_run_of_many_jobs_has_room_for_all_of_them_unless_a_limit_is_set(server: Server, given: dict[str, int], most: int) -> None:
    server.latency = 0.6
    layer = Models(roles={"doctor": Role(model="openai/local", api_base=server.url, **given)})
    layer.complete(CALL)
    layer.widen(48)
    layer.widen(3)
    with ThreadPoolExecutor(48) as pool:
        answers = list(pool.map(layer.complete, map(numbered, range(48))))
    assert len(answers) == 48
    assert (server.busiest == most) if given else (32 < server.busiest <= most)


@every_way
def test_every_call_of_a_faulty_run_is_answered_once_and_booked_once(server: Server, tmp_path: Path) -> None:
    entries: list[Entry] = []
    faults = list(PASSING.values())
    server.then(*(faults[i // 3 % len(faults)] if i % 3 == 0 else response(chat()) for i in range(90)))
    layer = models(server, cache=tmp_path / "a.db", retries=8, concurrency=20, on_call=entries.append)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(layer.complete, map(numbered, range(80))))
    assert all(answer.text == "It began yesterday." for answer in answers)
    assert len(entries) == len({entry.hash for entry in entries}) == 80
    assert sum(entry.retries for entry in entries) == len(server.bodies) - 80 == 30
    assert layer.cache is not None
    assert len(layer.cache) == 80


@every_way
def test_a_cancelled_task_ends_its_request_and_frees_its_place(server: Server) -> None:
    server.then(5.0)
    layer = models(server, concurrency=1)

    async def ask() -> Answer:
        task = asyncio.ensure_future(layer.acomplete(CALL))
        while not server.bodies:
            await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await layer.acomplete(CALL)

    assert asyncio.run(ask()).text
    assert came(lambda: server.hung_up == 1)


def test_memory_stays_flat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def at_once(_call: Call, _endpoint: Endpoint) -> Reply:
        return Reply("It began yesterday.", tokens_in=20, tokens_out=5)

    monkeypatch.setattr(provider, "ask", at_once)
    layer = Models(api_base="http://127.0.0.1:1/v1", cache=tmp_path / "a.db", budget=Budget(calls=10**6))

    async def ask(first: int) -> None:
        for start in range(first, first + 500, 50):
            await asyncio.gather(*(layer.acomplete(numbered(start + i)) for i in range(50)))

    asyncio.run(ask(0))
    gc.collect()
    before = len(gc.get_objects())
    asyncio.run(ask(1000))
    gc.collect()
    assert len(gc.get_objects()) - before < 250


# ---- budget -------------------------------------------------------------------------------------------------------------------------


@every_way
def test_a_run_stops_before_its_budget_is_passed(server: Server) -> None:
    budget = Budget(usd=0.01)
    layer = models(server, price_in=10.0, price_out=10.0, budget=budget, concurrency=16)
    done, stopped = [], []

    def ask(number: int) -> None:
        try:
            done.append(layer.complete(numbered(number)))
        except BudgetSpent as spent:
            stopped.append(spent)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(80)))
    assert 20 <= len(done) < 40
    assert len(done) + len(stopped) == 80
    assert len(server.bodies) == len(done)
    assert sum(answer.usage.usd for answer in done) == pytest.approx(budget.spent.usd)
    assert budget.spent.usd <= 0.01


@every_way
def test_retries_count_as_calls_and_stop_at_the_limit(server: Server) -> None:
    server.then(*[error(500, "boom")] * 9)
    with pytest.raises(BudgetSpent, match="3 calls"):
        models(server, budget=Budget(calls=3)).complete(CALL)
    assert len(server.bodies) == 3


@every_way
def test_an_attempt_that_may_have_been_charged_counts_in_full(server: Server) -> None:
    server.then(cut(chat()), error(429, "slow down"))
    budget = Budget(tokens=10_000)
    models(server, budget=budget).complete(CALL)
    assert budget.spent.calls == 3
    assert budget.spent.tokens_out == 32 + 5


def test_an_unknown_price_is_refused_under_a_budget_in_usd(server: Server) -> None:
    with pytest.raises(LLMError, match="price_in and price_out"):
        models(server, budget=Budget(usd=1)).complete(CALL)
    models(server, budget=Budget(tokens=10_000)).complete(CALL)
    models(server, budget=Budget(usd=1)).complete(replace(CALL, model="openai/gpt-4o-mini"))
    assert len(server.bodies) == 2


def test_an_answer_of_unknown_length_is_refused_under_a_budget(server: Server) -> None:
    with pytest.raises(LLMError, match="set max_tokens"):
        models(server, budget=Budget(tokens=10_000)).complete(replace(CALL, max_tokens=None))
    assert not server.bodies


def test_the_bound_is_never_below_what_any_tokenizer_makes(server: Server) -> None:
    from medsim.llm.attempts import bound
    from medsim.llm.call import Signature

    for text in ("x", "胸が痛い" * 50, "😖" * 50, "a b c " * 50, "\x00\n\t" * 50):
        call = replace(CALL, messages=(Message("user", text),), schema=SCHEMA, tools=(ORDER,))
        assert bound(Signature(call)) >= len(text.encode()) + len(json.dumps(SCHEMA)) + len(json.dumps(ORDER)) - 40


# ---- cache, record and replay -------------------------------------------------------------------------------------------------------


def test_an_equal_call_is_answered_from_the_cache_and_costs_nothing(server: Server, tmp_path: Path) -> None:
    layer = models(server, cache=tmp_path / "a.db", budget=Budget(calls=1), price_in=1, price_out=1)
    first, second = layer.complete(CALL), asyncio.run(layer.acomplete(replace(CALL, role="judge")))
    assert replace(second, cached=False) == first
    assert second.cached
    assert layer.ledger.total == Usage(1, 20, 5, 25e-6)
    assert layer.ledger.cached == {"judge": Usage(1, 20, 5, 25e-6)}


def test_a_salt_asks_again(server: Server, tmp_path: Path) -> None:
    layer = models(server, cache=tmp_path / "a.db")
    for salt in ("", "1", "2", "1"):
        layer.complete(replace(CALL, salt=salt))
    assert len(server.bodies) == 3


def test_a_failed_call_is_not_kept(server: Server, tmp_path: Path) -> None:
    layer = models(server, cache=tmp_path / "a.db", retries=0)
    server.then(response(chat("")))
    with pytest.raises(LLMError):
        layer.complete(CALL)
    assert layer.complete(CALL).text == "It began yesterday."


def test_equal_calls_at_the_same_time_give_the_same_answer(server: Server, tmp_path: Path) -> None:
    server.latency = 0.05
    server.then(*(response(chat(f"Answer {number}.")) for number in range(8)))
    layer = models(server, cache=tmp_path / "a.db")
    with ThreadPoolExecutor(8) as pool:
        texts = {answer.text for answer in pool.map(layer.complete, [CALL] * 8)}
    assert texts == {layer.complete(CALL).text}


def test_a_recorded_run_replays_without_a_network(tmp_path: Path) -> None:
    with running() as here:
        here.then(*(response(chat(f"Answer {number}.")) for number in range(5)))
        with models(here, cache=tmp_path / "run.db", mode="record") as recording:
            recorded = [recording.complete(numbered(number)) for number in range(5)]
    replaying = models(here, cache=tmp_path / "run.db", mode="replay", retries=0)
    assert [replaying.complete(numbered(number)) for number in range(5)] == [replace(answer, cached=True) for answer in recorded]


def test_replay_names_the_first_part_that_differs_and_asks_nobody(server: Server, tmp_path: Path) -> None:
    models(server, cache=tmp_path / "run.db", mode="record").complete(CALL)
    replaying = models(server, cache=tmp_path / "run.db", mode="replay")
    with pytest.raises(LLMError, match=r"temperature was 0\.0, is 0\.7"):
        replaying.complete(replace(CALL, temperature=0.7))
    assert len(server.bodies) == 1


@pytest.mark.parametrize(("settings", "said"), [({"mode": "replay"}, "needs a file"), ({"mode": "tape"}, "mode of live, record, replay")])
def test_a_mode_that_cannot_be_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(LLMError, match=said):
        Models(**settings)


def test_replay_of_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LLMError, match="Record one first"):
        Models(cache=tmp_path / "none.db", mode="replay")
    assert not list(tmp_path.iterdir())


# ---- books --------------------------------------------------------------------------------------------------------------------------


def test_every_call_is_booked_under_its_role_in_the_callers_thread(server: Server) -> None:
    seen: list[tuple[str, Entry]] = []
    layer = models(server, on_call=lambda entry: seen.append((threading.current_thread().name, entry)), price_in=1, price_out=1)
    layer.complete(CALL)
    server.then(error(401, "no"))
    with pytest.raises(LLMError):
        layer.complete(replace(CALL, role="judge"))
    assert {name for name, _ in seen} == {threading.current_thread().name}
    good, bad = (entry for _, entry in seen)
    assert (good.role, good.model, good.parameters, good.finish, good.tokens_in) == (
        "doctor", "openai/local", {"temperature": 0.0, "max_tokens": 32}, "stop", 20,
    )  # fmt: skip
    assert "HTTP 401" in bad.error
    assert layer.ledger.paid == {"doctor": Usage(1, 20, 5, 25e-6), "judge": Usage(1, 0, 0, 0.0)}
    assert layer.ledger.failed == {"judge": 1}


def test_an_unknown_price_is_unknown_and_not_nothing(server: Server, tmp_path: Path) -> None:
    entries: list[Entry] = []
    layer = models(server, on_call=entries.append, cache=tmp_path / "a.db")
    layer.complete(CALL)
    layer.complete(CALL)
    assert [(entry.usd, entry.cached) for entry in entries] == [(None, False), (None, True)]
    assert layer.ledger.unpriced == ("openai/local",)


@every_way
def test_what_failed_attempts_cost_is_in_the_usage(server: Server) -> None:
    server.then(response(chat("", tokens=(20, 0))))
    assert models(server).complete(CALL).usage == Usage(1, 40, 5, 0.0)


@every_way
def test_a_server_that_counts_no_tokens_is_charged_with_the_bound(server: Server) -> None:
    server.then(response(chat(tokens=None)))
    assert models(server).complete(CALL).usage.tokens_in > len("Be brief.When did it begin?")
