"""The file of answers: what goes in comes out, the first answer stays, other files are left alone."""

from __future__ import annotations

import re
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from medsim.errors import LLMError
from medsim.llm import Answer, Call, Logprob, Message, ToolCall
from medsim.llm.cache import Cache
from medsim.llm.call import Signature
from medsim.trajectory import Usage

CALL = Call("openai/local", (Message("system", "Be brief."), Message("user", "Where does it hurt?")), temperature=0)
WHOLE = Answer(
    "In my chest — ‘tight’ 😖\n", (ToolCall("order", {"code": ["ecg"]}, "1"),), Usage(1, 20, 5, 0.25), "served", "length", 0.125,
    logprobs=(Logprob("In", -0.5, (("In", -0.5), ("On", -1.5))),),
)  # fmt: skip


def put(cache: Cache, call: Call, answer: Answer) -> Answer:
    signature = Signature(call)
    return cache.put(signature, signature.text, answer)


def test_an_answer_comes_out_as_it_went_in_after_opening_again(tmp_path: Path) -> None:
    put(Cache(tmp_path / "a.db"), CALL, WHOLE)
    assert Cache(tmp_path / "a.db").get(Signature(CALL)) == replace(WHOLE, cached=True, hash=Signature(CALL).hash)


def test_the_first_answer_stays(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a.db")
    put(cache, CALL, WHOLE)
    assert put(cache, CALL, replace(WHOLE, text="another")).text == WHOLE.text
    assert len(cache) == 1


def test_many_threads_write_and_read_at_once(tmp_path: Path) -> None:
    cache, missed = Cache(tmp_path / "a.db"), []

    def work(number: int) -> None:
        for turn in range(20):
            call = replace(CALL, salt=f"{number} {turn}")
            put(cache, call, replace(WHOLE, text=call.salt))
            found = cache.get(Signature(call))
            if found is None or found.text != call.salt:
                missed.append(call.salt)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missed
    assert len(cache) == 320


def test_a_closed_cache_is_one_file(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a.db")
    put(cache, CALL, WHOLE)
    cache.close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]


def test_a_recording_can_be_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a.db")
    put(cache, CALL, WHOLE)
    cache.close()
    (tmp_path / "a.db").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert Cache(tmp_path / "a.db", read_only=True).get(Signature(CALL)) is not None
    finally:
        tmp_path.chmod(0o755)


def test_a_database_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "runs.db")
    other.execute("CREATE TABLE runs (id TEXT)")
    other.commit()
    other.close()
    before = (tmp_path / "runs.db").read_bytes()
    with pytest.raises(LLMError, match="database of something else"):
        Cache(tmp_path / "runs.db")
    assert (tmp_path / "runs.db").read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be looked at" * 20, b"SQLite format 3\x00" + b"\xff" * 2000]
)
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.db").write_bytes(content)
    with pytest.raises(LLMError, match="cannot be used"):
        Cache(tmp_path / "a.db")


def test_a_broken_answer_in_the_file_is_told(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "a.db")
    put(cache, CALL, WHOLE)
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("UPDATE answers SET answer = '{\"text\": 1'")
    with pytest.raises(LLMError, match="broken answer"):
        cache.get(Signature(CALL))


def test_a_cache_of_a_later_version_is_refused(tmp_path: Path) -> None:
    Cache(tmp_path / "a.db").close()
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(LLMError, match="version 99"):
        Cache(tmp_path / "a.db")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (replace(CALL, temperature=0.7), r"temperature was 0\.0, is 0\.7"),
        (replace(CALL, model="openai/other"), 'model was "openai/local", is "openai/other"'),
        (replace(CALL, salt="3"), 'salt was "", is "3"'),
        (
            replace(CALL, messages=(CALL.messages[0], Message("user", "Where does it ache?"))),
            r"message 2 \(user\) differs at character 15: .*hurt.*ache",
        ),
        (replace(CALL, messages=(*CALL.messages, Message("user", "And?"))), r"message 3 was not in it"),
        (replace(CALL, messages=CALL.messages[:1]), "number of messages was 2, is 1"),
    ],
)
def test_what_differs_from_the_call_most_like_it_is_named(tmp_path: Path, call: Call, said: str) -> None:
    cache = Cache(tmp_path / "a.db")
    put(cache, replace(CALL, messages=(Message("user", "Something quite different"),), seed=5), WHOLE)
    put(cache, CALL, WHOLE)
    assert re.search(said, cache.missing(Signature(call)))
