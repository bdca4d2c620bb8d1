"""What nobody can use is forgotten: a cache never hands it to an encounter that is played again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from medsim import case as cases
from medsim.agent import make
from medsim.case import Case
from medsim.controller import Task
from medsim.controller.model import ModelController
from medsim.episode import rollout
from medsim.errors import LLMError
from medsim.evaluation import Seats, evaluate
from medsim.evaluation.seats import book
from medsim.llm import Call, Message, Models, Role, Scripted
from medsim.llm.call import Signature
from medsim.metrics import asking
from medsim.patient.documented import DocumentPatient
from medsim.patient.mediq import MediqPatient
from medsim.patient.seat import Turn
from tests.conftest import DATA
from tests.llm.server import chat, response, running, tool
from tests.test_mediq_agent import CASE as OPTIONS

MINI, DOCUMENTED = cases.load(DATA / "mini.yaml"), cases.load(DATA / "documented.yaml")
QUESTION = (Message("user", "How was it?"),)
TURN = Turn(1, "ask", "patient", "Where does it hurt?")
SILENT = "<think>Hm.</think>"


class Forgetting(Scripted):
    """A model that always says the same, and notes what it is to forget."""

    def __init__(self, words: str) -> None:
        super().__init__(lambda call: words)
        self.forgotten: list[str] = []

    def forget(self, hashes: Sequence[str]) -> None:
        self.forgotten += hashes


def doctor(name: str, case: Case = MINI) -> Callable[[Any], object]:
    def play(llm: Any) -> None:
        ended = rollout(case, make(name, llm)[1](case))
        if ended.error:
            raise LLMError(ended.error)

    return play


SEATS: dict[str, tuple[Callable[[Any], object], str]] = {
    "tools": (doctor("tools"), SILENT),
    "panel": (doctor("panel"), SILENT),
    "examinee": (doctor("examinee"), '{"speak": "", "actions": [], "eos": false}'),
    "agentclinic": (doctor("agentclinic"), SILENT),
    "mediq": (doctor("mediq_scale", OPTIONS), "not very sure, all in all"),
    "factselect": (lambda llm: MediqPatient(MINI.brief(), llm, kind="factselect").reply(TURN), "I had rather not say."),
    "role documents": (lambda llm: DocumentPatient(DOCUMENTED.brief(), llm).reply(TURN), '{"lines": [{"speaker": "Ivo", "text": " "}]}'),
    "controller": (
        lambda llm: ModelController(DOCUMENTED, llm).rule(Task(1, ("examine: heart",), "first", "", 0, ())),
        '{"actions": [], "seen": [], "vitals": null, "advance": false, "complete": false}',
    ),
}


@pytest.mark.parametrize("seat", SEATS)
def test_a_seat_that_can_use_no_answer_has_all_of_its_last_question_forgotten(seat: str) -> None:
    play, words = SEATS[seat]
    llm, tries = Forgetting(words), 3
    with pytest.raises(LLMError):
        play(llm)
    asked = [Signature(call).hash for call in llm.calls]
    assert len(set(asked)) == len(asked)
    assert set(asked[-tries:]) <= set(llm.forgotten) <= set(asked)
    assert len(llm.forgotten) % tries == 0, "of several samples at a time, each has its own tries"


def test_a_question_that_is_never_answered_has_its_answers_forgotten_too() -> None:
    llm = Forgetting("{}")
    assert asking.ask(llm, QUESTION, lambda data: "a rating is missing", role="patient").data is None
    assert llm.forgotten == [Signature(call).hash for call in llm.calls]


@pytest.mark.parametrize("mode", ["live", "record"])
def test_an_encounter_that_ended_so_is_mended_when_it_is_played_again(tmp_path: Path, mode: Any) -> None:
    sick = True

    def reply(_: object) -> bytes:
        return response(chat(SILENT) if sick else tool("end", "{}"))

    with running([reply] * 40) as server:
        role = Role(model="openai/local", api_base=server.url)

        def run(**again: Any) -> list[str]:
            with Models(roles={"doctor": role}, cache=tmp_path / "calls.db", mode=mode, on_call=book) as models:
                ended = evaluate(["tools"], cases=[str(DATA / "mini.yaml")], store=str(tmp_path / "r.db"), seats=Seats(models), **again)
                return ended.errors

        assert len(run()) == 1
        asked, sick = len(server.bodies), False
        assert run(retry_errors=True) == []
        assert len(server.bodies) > asked


def test_what_was_recorded_stays_while_it_is_replayed(tmp_path: Path) -> None:
    with running() as server:
        call = Call("openai/local", QUESTION)
        with Models(api_base=server.url, cache=tmp_path / "calls.db", mode="record") as models:
            hash = models.complete(call).hash
        with Models(api_base=server.url, cache=tmp_path / "calls.db", mode="replay") as models:
            models.forget([hash])
            assert models.complete(call).cached
        with Models(api_base=server.url, cache=tmp_path / "calls.db") as models:
            models.forget([hash])
            assert not models.complete(call).cached
