"""Plain servers are asked without litellm, over connections that are kept, from threads and from the loop."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medsim.errors import LLMError
from medsim.evaluation import Seats, evaluate
from medsim.llm import Answer, Call, Endpoint, Entry, Message, Models, blocking, lite, plain, provider
from medsim.llm.fault import Fault
from tests.conftest import DATA
from tests.llm.server import Server, chat, error, response, running

CALL = Call("openai/local", (Message("user", "When did it begin?"),), max_tokens=32)
WAYS = ("in the caller's thread", "on the loop")


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=WAYS)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    if request.param == "on the loop":
        monkeypatch.setattr(provider, "is_blocking", lambda _: False)
    with running() as here:
        yield here


def models(url: str, **settings: Any) -> Models:
    return Models(**{"api_base": url, "backoff": 0.01, "timeout": 10.0, **settings})


# ---- which -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "base", "so"),
    [
        ("openai/local", "http://127.0.0.1:8000/v1", True), ("openai/meta-llama/Llama-3-8B", "https://models.example.org/v1", True),
        ("openai/gpt-oss-20b", "http://gpu:8000/v1", True), ("openai/local", "", False), ("local", "http://127.0.0.1:8000/v1", False),
        ("hosted_vllm/local", "http://127.0.0.1:8000/v1", False), ("openai/gpt-4o-mini", "http://127.0.0.1:8000/v1", False),
        ("openai/gpt-99-new", "http://127.0.0.1:8000/v1", False), ("openai/o9", "http://127.0.0.1:8000/v1", False),
        ("openai/local", "https://api.openai.com/v1", False), ("openai/local", "https://me.openai.azure.com/v1", False),
    ],
)  # fmt: skip
def test_only_servers_for_whose_model_there_is_nothing_to_translate_are_asked_directly(model: str, base: str, so: bool) -> None:
    assert provider.is_plain(Endpoint(model, base)) == so


@pytest.mark.parametrize(
    ("base", "so"),
    [
        ("http://127.0.0.1:8000/v1", True), ("http://[::1]:8000/v1", True), ("http://localhost/v1", True), ("http://10.0.0.7:8000/v1", True),
        ("http://models.example.org/v1", False), ("https://127.0.0.1:8000/v1", False),
        ("http://127.0.0.1:99999/v1", False),
    ],
)  # fmt: skip
def test_a_thread_waits_itself_only_where_nothing_is_looked_up_or_negotiated(base: str, so: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for made in (blocking.proxy, blocking._usable):
        made.cache_clear()
    assert blocking.usable(Endpoint("openai/local", base)) == so


def test_the_list_of_models_is_that_of_litellm_itself() -> None:
    known = {name for name, row in lite.litellm().model_cost.items() if row}
    assert known
    assert known <= set(lite._list())
    assert lite.price(Endpoint("openai/gpt-4o-mini")) == lite.Price(
        *(lite.litellm().model_cost["gpt-4o-mini"][name] for name in ("input_cost_per_token", "output_cost_per_token", "max_output_tokens"))
    )
    assert lite.price(Endpoint("openai/local")) is None


# ---- connections -------------------------------------------------------------------------------------------------------------------


def test_a_connection_is_kept_for_the_next_call(server: Server) -> None:
    layer = models(server.url)
    for number in range(5):
        layer.complete(replace(CALL, salt=str(number)))
    assert (server.connections, len(server.bodies)) == (1, 5)


def test_a_connection_that_the_server_closed_in_the_meantime_costs_no_attempt(server: Server) -> None:
    entries: list[Entry] = []
    server.then(response(chat()).replace(b"Content-Length", b"content-length"))  # after which it hangs up without a word
    layer = models(server.url, on_call=entries.append)
    layer.complete(CALL)
    time.sleep(0.1)
    layer.complete(CALL)
    assert [entry.retries for entry in entries] == [0, 0]
    assert server.connections == 2


@pytest.mark.parametrize(
    "head", ["HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n", "chunked"]
)
def test_an_answer_without_its_length_is_read_to_its_end(server: Server, head: str) -> None:
    body = json.dumps(chat("It began, naïvely, yesterday.")).encode()
    if head == "chunked":
        parts = b"".join(b"%x\r\n%s\r\n" % (len(body[i : i + 50]), body[i : i + 50]) for i in range(0, len(body), 50))
        server.then(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n")
    else:
        server.then(head.encode() + body)
    assert models(server.url, retries=0).complete(CALL).text == "It began, naïvely, yesterday."
    assert models(server.url).complete(CALL).text


def test_a_chunked_answer_that_breaks_off_is_no_answer(server: Server) -> None:
    server.then(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"choices": [{"message": {"conte')
    with pytest.raises(LLMError, match="no whole answer"):
        models(server.url, retries=0).complete(CALL)


def test_an_answer_without_end_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "LARGEST", 1000)
    server.then(response(chat("x" * 2000)))
    assert models(server.url).complete(CALL).text == "It began yesterday."
    assert len(server.bodies) == 2


def test_an_answer_that_drips_is_not_waited_for_longer_than_one_that_does_not_come(server: Server) -> None:
    stop = threading.Event()

    def drip(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            line.recv(65536)
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not stop.wait(0.02):
                try:
                    line.sendall(b"x")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        try:
            with pytest.raises(LLMError, match=r"no answer in 0\.3 s"):
                models(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", timeout=0.3, retries=0).complete(CALL)
        finally:
            stop.set()
            thread.join()


def test_a_redirection_is_followed_and_the_key_goes_nowhere_else(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary-of-the-first")
    with running() as other:
        server.then(*[response("", 307, Location=f"{other.url}/chat/completions")] * 2)
        entries: list[Entry] = []
        assert models(server.url, on_call=entries.append).complete(CALL).text == "It began yesterday."
        assert entries[0].retries == 0
        assert other.bodies[0]["messages"] == [{"role": "user", "content": "When did it begin?"}]
        assert "canary" in server.headers[0]
        assert "canary" not in other.headers[0]


def test_the_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for made in (blocking.proxy, blocking._usable):
        made.cache_clear()
    try:
        assert models("http://192.0.2.1:8000/v1", retries=0).complete(CALL).text
    finally:
        for made in (blocking.proxy, blocking._usable):
            made.cache_clear()
    assert server.headers[0].startswith("POST http://192.0.2.1:8000/v1/chat/completions ")


@pytest.mark.parametrize("port", ["99999", "x", "0"])
def test_an_address_that_cannot_be_asked_is_told(port: str) -> None:
    with pytest.raises(LLMError, match=r"127\.0\.0\.1"):
        models(f"http://127.0.0.1:{port}/v1", retries=0).complete(CALL)


def test_a_key_that_cannot_be_sent_is_told_without_repeating_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary\nX-Evil: 1")
    with pytest.raises(LLMError, match="one line") as caught:
        models(server.url).complete(CALL)
    assert "canary" not in str(caught.value)
    assert not server.bodies


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"object": "error", "message": "no such adapter", "code": 400}, "no such adapter"), ({"detail": "Field required"}, "Field required"),
        ({"error": "model is loading"}, "model is loading"), ("plain words", "plain words"), ([1], "[1]"), ({}, "{}"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_servers_words_whatever_their_form(server: Server, body: Any, said: str) -> None:
    server.then(response(body, 400))
    with pytest.raises(LLMError) as caught:
        models(server.url).complete(CALL)
    assert f"HTTP 400: {said}" in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 8 tokens", "the request exceeds the available context size",
        "The prompt is too long: 9000", "Requested tokens exceed context window of 512",
    ],
)  # fmt: skip
def test_servers_say_in_many_words_that_a_conversation_is_too_long(words: str) -> None:
    found = plain.answered(Endpoint("openai/local"), 400, json.dumps({"error": {"message": words}}).encode(), {})
    assert isinstance(found, Fault)
    assert "longer context" in found.advice


def test_a_first_attempt_in_the_thread_and_the_rest_on_the_loop_are_one_call(server: Server) -> None:
    entries: list[Entry] = []
    server.then(error(429, "slow down", Retry_After="0.05"), response(chat("")))
    answer = models(server.url, on_call=entries.append).complete(CALL)
    assert (answer.usage.calls, answer.usage.tokens_in, len(server.bodies)) == (1, 40, 3)
    assert [entry.retries for entry in entries] == [2]


def test_a_run_tells_its_models_how_many_jobs_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(Models, "widen", lambda _, jobs: told.append(jobs))
    result = evaluate(["golden"], cases=[str(DATA / "mini.yaml")], jobs=40, store=str(tmp_path / "a.db"), seats=Seats(Models()))
    assert (result.played, told) == (1, [40])


# ---- processes ---------------------------------------------------------------------------------------------------------------------


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_plain_server_is_asked_without_litellm_and_the_end_is_quiet(server: Server) -> None:
    done = run(
        "import asyncio, sys\nfrom medsim.llm import Call, Message, Models\n"
        f"m = Models(api_base={server.url!r}); c = Call('openai/local', (Message('user', 'x'),))\n"
        "print(m.complete(c).text, asyncio.run(m.acomplete(c)).text)\n"
        "print({'litellm', 'openai', 'httpx'} & set(sys.modules))"
    )
    assert done.stdout.splitlines() == ["It began yesterday. It began yesterday.", "set()"]
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_has_connections_of_its_own_and_leaves_its_parents_alone(server: Server) -> None:
    done = run(
        "import asyncio, os, sys\nfrom medsim.llm import Call, Message, Models\n"
        f"m = Models(api_base={server.url!r}); c = Call('openai/local', (Message('user', 'x'),))\n"
        "both = lambda: (m.complete(c).text, asyncio.run(m.acomplete(c)).text)\n"
        "both()\n"
        "if os.fork() == 0:\n    both(); sys.exit()\n"
        "print(os.wait()[1]); print(*both())"
    )
    assert done.stdout.splitlines() == ["0", "It began yesterday. It began yesterday."]
    assert done.stderr == ""
    assert server.connections == 4


def test_tasks_of_several_event_loops_share_the_connections(server: Server) -> None:
    layer = models(server.url)

    async def ask() -> list[Answer]:
        return list(await asyncio.gather(*(layer.acomplete(replace(CALL, salt=str(i))) for i in range(4))))

    assert len(asyncio.run(ask()) + asyncio.run(ask())) == 8
    assert server.connections <= 4
