"""Keys come from the environment and appear nowhere; litellm is kept quiet and off the network until a call."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import medsim.llm
from medsim.errors import LLMError
from medsim.llm import Call, Entry, Message, Models, provider
from medsim.llm.scrub import scrub
from tests.llm.server import chat, error, response, running

pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer", "ignore:Item '.*' on TypedDict")
CANARY = "canary/KEY+with=odd.chars-4711"


@pytest.mark.parametrize("way", ["in the caller's thread", "on the loop", "through litellm"])
def test_the_key_is_sent_and_appears_nowhere_else(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    if way != "in the caller's thread":
        monkeypatch.setattr(provider, "is_blocking", lambda _: False)
    if way == "through litellm":
        monkeypatch.setattr(provider, "is_plain", lambda _: False)
    caplog.set_level(logging.DEBUG)
    entries: list[Entry] = []
    shown: list[str] = []
    with (
        running() as server,
        Models(api_base=server.url, cache=tmp_path / "a.db", backoff=0.01, retries=1, on_call=entries.append) as models,
    ):
        server.then(
            error(401, f"Incorrect API key provided: {CANARY}"), error(500, f"boom for Bearer {CANARY}"), error(500, CANARY),
            response(f"<html>{CANARY}</html>"), response({"error": {"message": CANARY}}), response(chat(f"Your key is {CANARY}!")),
        )  # fmt: skip
        for number in range(4):
            try:
                shown.append(repr(models.complete(Call("openai/local", (Message("user", f"{number} {CANARY if number == 3 else ''}"),)))))
            except LLMError as failed:
                shown += ["".join(traceback.format_exception(failed)), repr(failed), repr(failed.__cause__), repr(failed.__context__)]
        shown += [repr(models), repr(models.__dict__["_endpoints"]), repr(entries)]
        sent = "".join(server.headers)
    assert CANARY in sent
    assert "Your key is [key]!" in "".join(shown)
    shown += [caplog.text, *capfd.readouterr(), *(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())]
    assert not [text for text in shown if CANARY in text or CANARY[:12] in text]


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-abc123*******************wxyz.", "Authorization: Bearer abcdef123456", "https://x.test/v1?key=abcdefgh1234&x=1",
        "x-api-key: abcdefgh1234", '{"api_key": "abcdefgh1234"}', "token AIzaSyA1234567890abcdefghijklmnop", "eyJhbGciOiJIUzI1.eyJzdWIiOiIx.abc",
    ],
)  # fmt: skip
def test_what_looks_like_a_key_is_struck_out(text: str) -> None:
    assert "[key]" in scrub(text)
    assert not re.search(r"abc123|abcdef|AIza|eyJ", scrub(text))


def test_ordinary_words_are_left_alone() -> None:
    text = "This model's maximum context length is 8192 tokens; ask-again, skeletal, risk-adjusted."
    assert scrub(text) == text


@given(st.text(st.characters(), max_size=2000))
def test_a_providers_words_are_made_short_whole_and_one_line(text: str) -> None:
    said = scrub(text)
    said.encode()
    assert len(said) <= 300
    assert len(said.splitlines()) <= 1


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_the_model_layer_does_not_import_litellm_until_it_is_needed(tmp_path: Path) -> None:
    code = (
        "import sys, medsim.llm as l; "
        "l.Models(); l.Scripted(['a']).complete(l.Call('m', (l.Message('user', 'x'),))); print('litellm' in sys.modules, 'openai' in sys.modules)"
    )
    assert run(code).split() == ["False", "False"]


@pytest.mark.parametrize(("package", "where"), [("litellm", ["llm/lite.py"]), ("aiohttp", ["llm/direct.py", "record/serve.py"])])
def test_one_module_alone_imports_each_client(package: str, where: list[str]) -> None:
    """aiohttp is also the server of ``medsim serve``."""
    root = Path(medsim.llm.__file__).parents[1]
    found = [path for path in root.rglob("*.py") if re.search(rf"^\s*(?:import|from) {package}\b", path.read_text("utf-8"), re.MULTILINE)]
    assert sorted(found) == sorted(root / name for name in where)


def test_importing_litellm_touches_no_network_and_no_env_file_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_BASE_URL=http://evil.test\n")
    code = (
        f"import os, socket; os.chdir({str(tmp_path)!r}); calls = []\n"
        "socket.getaddrinfo = lambda *a, **k: calls.append(a)\n"
        "real = socket.socket.connect; socket.socket.connect = lambda *a: calls.append(a)\n"
        "from medsim.llm.lite import litellm; lite = litellm()\n"
        "print(calls, os.environ.get('OPENAI_BASE_URL'), lite.telemetry, lite.callbacks, lite.success_callback, lite.drop_params)"
    )
    assert run(code) == "[] None False [] [] False\n"
