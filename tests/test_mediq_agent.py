"""MediQ's experts on imported cases: each asks and answers by its own decision, and what cannot be read is never a "no"."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from medsim import agent as agents
from medsim import library
from medsim.action import parse
from medsim.agent.mediq import DECISIONS, MediqExpert, belief, believed, opening
from medsim.case import Case
from medsim.episode import messages, rollout
from medsim.errors import CaseError, LLMError
from medsim.evaluation.seats import book, booking
from medsim.importers import mediq
from medsim.llm import Answer, Call, Entry, Models, Role, Scripted, roles
from medsim.llm.scripted import Line
from medsim.patient.mediq import MediqPatient
from medsim.rubric import score
from medsim.trajectory import Trajectory
from tests.llm.server import chat, response, running

FIXTURES = Path(__file__).parent / "importers" / "fixtures"
REAL = Path(__file__).parents[2] / "shared" / "data" / "mediq" / "all_craft_md.jsonl"
CASE = mediq.load(FIXTURES / "mediq_dev.jsonl").cases[0]
ASKED = ("Has she travelled?", "What does she do at work?", "Does she have a fever?", "Any other skin trouble?")
REQUESTS = {
    library.prompt(f"mediq_{name}").split("\n")[0]: name for name in ("choice", "question", "basic", "binary", "score", "stop", "scale")
}


def request(call: Call) -> str:
    """Which of the requests a call makes; the first of a conversation that was asked again."""
    said = [message.content for message in call.messages if message.role == "user"]
    asked = [name for words in said for line, name in REQUESTS.items() if line in words]
    return asked[-1]


def known(call: Call) -> int:
    """How many questions have been answered."""
    return call.messages[1].content.count("\nTold: ")


def model(sure: Any = 2, **words: Any) -> Scripted:
    """A model that is sure once ``sure`` questions have been answered; ``words`` replaces what it says to one request."""

    def line(call: Call) -> Line:
        name, ready = request(call), known(call) >= sure
        if name in words:
            given: Line = words[name](call) if callable(words[name]) else words[name]
            return given
        question = ASKED[known(call) % len(ASKED)]
        return {
            "choice": "A" if ready else "C", "question": question, "basic": "A" if ready else question, "binary": "YES" if ready else "No.",
            "score": "90%" if ready else "0.3", "stop": "yes" if ready else "NO", "scale": "4" if ready else "2",
        }[name]  # fmt: skip

    return Scripted(line)


def notes(turns: list[str]) -> list[tuple[str, float | None] | None]:
    return [belief(parse(turn)[0].text) for turn in turns]


# ---- the six decisions -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", [name for name in DECISIONS if name not in {"fixed", "random"}])
def test_an_expert_asks_until_it_is_sure_and_then_answers(decision: str) -> None:
    run = rollout(CASE, MediqExpert(model(2), decision=decision))
    assert (run.error, run.outcome.status, run.outcome.diagnosis) == ("", "finished", ("A",))
    turns = [[action.kind for action in parse(turn)] for turn in messages(run)]
    assert turns == [["note", "ask"], ["note", "ask"], ["note", "diagnose", "end"]]
    assert [parse(turn)[1].text for turn in messages(run)[:2]] == list(ASKED[:2])
    assert score(CASE, run.events, run.outcome).items[0].verdict == "met"


@pytest.mark.parametrize(
    ("decision", "asking", "answering"),
    [("basic", 2, 1), ("binary", 3, 2), ("numerical", 4, 3), ("cutoff", 3, 2), ("scale", 3, 2)],
)
def test_a_turn_costs_the_calls_of_its_decision(decision: str, asking: int, answering: int) -> None:
    llm = model(3)
    rollout(CASE, MediqExpert(llm, decision=decision))
    assert [sum(known(call) == turn for call in llm.calls) for turn in range(4)] == [asking, asking, asking, answering]


def test_the_fixed_expert_asks_to_the_end_and_then_has_to_answer() -> None:
    llm = model(0)
    run = rollout(CASE, MediqExpert(llm, decision="fixed", max_questions=3))
    assert [parse(turn)[-1].kind for turn in messages(run)] == ["ask", "ask", "ask", "end"]
    assert messages(run)[-1] == "note: choice A, forced\ndiagnose: A\nend:"
    assert [sum(known(call) == turn for call in llm.calls) for turn in range(4)] == [2, 2, 2, 1]


@pytest.mark.parametrize("decision", DECISIONS)
def test_without_questions_left_an_expert_answers_with_its_choice(decision: str) -> None:
    run = rollout(CASE, MediqExpert(model(9), decision=decision, max_questions=0))
    assert messages(run) == ["note: choice C, forced\ndiagnose: C\nend:"]


def test_every_turn_notes_the_choice_of_the_moment_and_the_confidence_that_was_given() -> None:
    says = {"binary": None, "basic": None, "numerical": (0.3, 0.9), "cutoff": (0.3, 0.9), "scale": (0.25, 0.75)}
    for decision, sure in says.items():
        first, second = sure or (None, None)
        assert notes(messages(rollout(CASE, MediqExpert(model(1), decision=decision)))) == [("C", first), ("A", second)]


def test_a_note_of_another_kind_is_no_belief() -> None:
    assert belief(believed("B", 0.5)) == ("B", 0.5)
    assert belief(believed("B", None) + ", forced") == ("B", None)
    assert [belief(words) for words in ("choice BC", "the choice B", "choice B, confidence high", "")] == [None] * 4


@pytest.mark.parametrize(("decision", "threshold", "asks"), [("cutoff", 0.3, 0), ("cutoff", 0.31, 2), ("scale", 2, 0), ("scale", 2.5, 2)])
def test_a_threshold_says_from_where_an_expert_answers(decision: str, threshold: float, asks: int) -> None:
    run = rollout(CASE, MediqExpert(model(2), decision=decision, threshold=threshold))
    assert len(messages(run)) == asks + 1


def test_by_default_the_scale_expert_asks_below_four_and_the_cutoff_expert_below_four_fifths() -> None:
    for decision, low, high in (("scale", "3", "4"), ("cutoff", "0.79", "0.8")):
        turns = [messages(rollout(CASE, MediqExpert(model(**{name: said}), decision=decision, max_questions=1)))[0]
                 for name in ("score" if decision == "cutoff" else "scale",) for said in (low, high)]  # fmt: skip
        assert [parse(turn)[1].kind for turn in turns] == ["ask", "diagnose"]


# ---- what the model is shown -------------------------------------------------------------------------------------------------------


def test_the_model_sees_the_story_the_options_and_what_the_patient_said() -> None:
    llm = model(1)
    run = rollout(CASE, MediqExpert(llm, decision="binary"))
    reply = next(event.text for event in run.events if event.kind == "reply")
    shown = llm.calls[-1].messages[1].content
    assert "itchy red arm" in shown
    assert "A. Harrow fever\nB. Harrow fever of the lung\nC. Brass itch\nD. Wrist eczema\n" in shown
    assert f"Asked: {ASKED[0]}\nTold: {reply}\n" in shown
    assert "diagnose:" not in shown
    assert "[0:" not in shown


def test_all_that_is_said_in_a_turn_is_heard_without_clock_and_speaker() -> None:
    expert = MediqExpert(llm := model(2), decision="binary")
    expert.act("[0:00] Visit: A woman.\n    A. x\n    B. y\n    C. z")
    expert.act('[0:11] Ada: "No: "never"."\n[1:02:20] Ada\'s son: "One\n    two."\n[0:30] It gets dark.')
    expert.act("")
    assert f'Asked: {ASKED[0]}\nTold: No: "never". One two. It gets dark.\n' in llm.calls[-1].messages[1].content + "\n"
    assert f"Asked: {ASKED[1]}\nTold: (no answer)" in llm.calls[-1].messages[1].content


def test_a_question_is_asked_in_the_conversation_in_which_it_was_decided_to_ask() -> None:
    llm = model(1, scale=lambda call: "REASON: I do not know her work.\nDECISION: " + ("4" if known(call) else "1"))
    rollout(CASE, MediqExpert(llm, decision="scale", rationale=True))
    asked = next(call for call in llm.calls if request(call) == "question")
    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "user"]
    assert "I do not know her work" in asked.messages[2].content
    assert "REASON:" in asked.messages[1].content


def test_thoughts_are_not_kept_in_the_conversation() -> None:
    llm = model(1, scale=lambda call: "<think>C, or yes.</think>4" if known(call) else "Long thoughts.</think>1")
    rollout(CASE, MediqExpert(llm, decision="scale"))
    asked = next(call for call in llm.calls if request(call) == "question")
    assert asked.messages[2].content == "1"


def test_without_rationale_no_reasons_are_asked_for() -> None:
    llm = model(1)
    rollout(CASE, MediqExpert(llm, decision="scale"))
    assert llm.calls
    assert not [call for call in llm.calls if "REASON:" in call.messages[1].content]


def test_a_question_that_looks_like_an_action_is_still_only_asked() -> None:
    run = rollout(CASE, MediqExpert(model(1, question="Is it true; diagnose: B; end: right?"), decision="binary", max_questions=1))
    assert [event.kind for event in run.events if event.kind in {"diagnose", "end"}] == ["diagnose", "end"]
    assert run.outcome.diagnosis == ("A",)


def test_an_expert_starts_anew_with_each_case() -> None:
    expert = MediqExpert(model(2), decision="scale")
    assert rollout(CASE, expert, seed=3).events == rollout(CASE, expert, seed=3).events


def test_the_options_are_the_last_ones_of_the_door_note() -> None:
    text = "Visit: A man.\nA. not this\nWhich?\nHb | 9\nA. one\nB. two. Three\nAnswer with one letter: diagnose: LETTER"
    assert opening(text) == ("A man.\nA. not this\nWhich?\nHb | 9", {"A": "one", "B": "two. Three"})


@pytest.mark.parametrize("text", ["A man.", "A man.\nA. one", "A. one\nB. two\nD. four", "A. one\nB. two\nand more\nC. three"])
def test_options_that_are_not_all_found_are_refused(text: str) -> None:
    with pytest.raises(CaseError, match="lettered options"):
        opening(text)


def test_a_case_without_options_is_no_case_for_an_expert(mini: Case) -> None:
    run = rollout(mini, MediqExpert(model()))
    assert (run.outcome.status, run.outcome.reason) == ("error", "CaseError")


# ---- what cannot be read -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "name", "trap"),
    [
        ("binary", "binary", "yesterday his eyes were red"), ("binary", "choice", "A patient with an itchy arm needs C"),
        ("cutoff", "score", "90"), ("scale", "scale", "I am not very confident"), ("numerical", "stop", "not yet"),
        ("fixed", "question", "None"), ("basic", "basic", "I would like to know more."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_asked_again_twice_and_then_is_an_error(decision: str, name: str, trap: str) -> None:
    llm = model(**{name: trap})
    run = rollout(CASE, MediqExpert(llm, decision=decision))
    assert (run.outcome.status, run.outcome.reason, run.outcome.diagnosis) == ("error", "LLMError", ())
    assert "asked 3 times" in run.error
    assert trap in run.error
    assert sum(request(call) == name for call in llm.calls) == 3
    assert messages(run) == []


def test_a_second_try_is_taken_and_shows_the_first() -> None:
    llm = model(1, scale=lambda call: "not very confident" if len(call.messages) == 2 else "1" if not known(call) else "5")
    run = rollout(CASE, MediqExpert(llm, decision="scale"))
    assert run.error == ""
    again = [call for call in llm.calls if request(call) == "scale" and len(call.messages) == 4]
    assert [call.messages[2].content for call in again] == ["not very confident"] * 2


@pytest.mark.parametrize("line", [LLMError("down"), ""])
@pytest.mark.parametrize("name", ["choice", "scale", "question"])
def test_a_failing_call_is_an_error_and_no_answer(name: str, line: Line) -> None:
    run = rollout(CASE, MediqExpert(model(**{name: line}), decision="scale", votes=3))
    assert (run.outcome.reason, run.outcome.diagnosis) == ("LLMError", ())


# ---- votes -------------------------------------------------------------------------------------------------------------------------


def voting(name: str, *said: str) -> Scripted:
    """A model whose votes differ; each vote has a seed of its own."""
    return model(**{name: lambda call: said[(call.seed or 0) - 100]})


def decided(decision: str, name: str, *said: str, **more: Any) -> tuple[str, tuple[str, float | None] | None]:
    expert = MediqExpert(voting(name, *said), decision=decision, votes=len(said), **more)
    turn = messages(rollout(CASE, expert, seed=100))[0]
    return parse(turn)[1].kind, belief(parse(turn)[0].text)


def test_votes_decide_by_majority_or_by_their_mean_and_a_tie_asks() -> None:
    assert decided("binary", "binary", "yes", "no", "yes", max_questions=1) == ("diagnose", ("C", 0.667))
    assert decided("binary", "binary", "yes", "no", max_questions=1) == ("ask", ("C", 0.5))
    assert decided("scale", "scale", "5", "5", "2", max_questions=1) == ("diagnose", ("C", 0.75))
    assert decided("scale", "scale", "5", "4", "2", max_questions=1)[0] == "ask"
    assert decided("cutoff", "score", "1", "0.6", max_questions=1) == ("diagnose", ("C", 0.8))
    assert decided("numerical", "stop", "no", "yes", "yes", max_questions=1) == ("diagnose", ("C", 0.3))
    assert decided("basic", "basic", "B", "Why?", "B", max_questions=1) == ("diagnose", ("B", 0.667))
    assert decided("basic", "basic", "B", "Why?", max_questions=1) == ("ask", ("C", None))


def test_each_vote_is_a_call_of_its_own() -> None:
    llm = voting("scale", "5", "5", "5")
    rollout(CASE, MediqExpert(llm, decision="scale", votes=3), seed=100)
    votes = [call for call in llm.calls if request(call) == "scale"]
    assert sorted((call.seed, call.salt) for call in votes) == [(100, ""), (101, "vote 1"), (102, "vote 2")]


class Crowd:
    """A model that answers a call only when ``size`` calls wait at the same time, and books each."""

    def __init__(self, llm: Scripted, size: int) -> None:
        self.llm, self.size, self.waiting = llm, size, 0

    def complete(self, call: Call) -> Answer:
        raise AssertionError("an expert asks on the event loop")

    async def acomplete(self, call: Call) -> Answer:
        self.waiting += 1
        for _ in range(2000):
            if self.waiting >= self.size:
                break
            await asyncio.sleep(0.005)
        else:
            raise LLMError(f"{self.waiting} calls came at the same time, {self.size} were expected")
        book(Entry("", call.role, "m", "", "", ""))
        return await self.llm.acomplete(call)


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({"decision": "scale"}, 2), ({"decision": "binary"}, 2), ({"decision": "cutoff"}, 2), ({"decision": "scale", "votes": 3}, 4),
        ({"decision": "basic", "votes": 3}, 3),
    ],
)  # fmt: skip
def test_votes_and_the_choice_are_asked_at_the_same_time_and_booked_to_the_encounter(settings: dict[str, Any], size: int) -> None:
    llm = model(0)
    with booking() as entries:
        run = rollout(CASE, MediqExpert(Crowd(llm, size), **settings))
    assert run.error == ""
    assert [entry.role for entry in entries] == ["doctor"] * size
    assert len(llm.calls) == size


def test_all_calls_of_a_turn_have_ended_when_its_error_is_raised() -> None:
    class Slow(Crowd):
        async def acomplete(self, call: Call) -> Answer:
            if request(call) == "choice":
                raise LLMError("down")
            await asyncio.sleep(0.05)
            return await self.llm.acomplete(call)

    llm = model(0)
    run = rollout(CASE, MediqExpert(Slow(llm, 0), decision="scale", votes=2))
    assert (run.outcome.reason, len(llm.calls)) == ("LLMError", 2)
    assert "down" in run.error


def test_an_expert_can_be_awaited() -> None:
    expert = MediqExpert(model(0), decision="scale")
    assert asyncio.run(expert.aact("[0:00] Visit: A woman.\n    A. x\n    B. y")) == "note: choice A, confidence 0.750\ndiagnose: A\nend:"


# ---- a coin, and a question model of its own ---------------------------------------------------------------------------------------


def test_the_random_expert_throws_a_coin_that_its_seed_decides() -> None:
    asked = [len(messages(rollout(CASE, MediqExpert(model(0), decision="random"), seed=seed))) - 1 for seed in range(40)]
    assert asked == [len(messages(rollout(CASE, MediqExpert(model(0), decision="random"), seed=seed))) - 1 for seed in range(40)]
    assert min(asked) == 0
    assert max(asked) >= 3
    assert 0.5 < sum(asked) / len(asked) < 1.7  # a fair coin: one question in the mean


def test_a_coin_costs_no_call_and_gives_no_confidence() -> None:
    llm = model(0)
    run = rollout(CASE, MediqExpert(llm, decision="random"), seed=next(seed for seed in range(99) if random.Random(seed).random() >= 0.5))
    asked = len(messages(run)) - 1
    assert asked >= 1
    assert len(llm.calls) == 2 * asked + 1
    assert {request(call) for call in llm.calls} == {"choice", "question"}
    assert notes(messages(run)) == [("A", None)] * (asked + 1)
    assert parse(messages(run)[0])[1].text == ASKED[0]


def test_questions_can_come_from_a_model_of_their_own() -> None:
    llm = model(1)
    rollout(CASE, MediqExpert(llm, decision="scale", model="m/doctor", question_model="m/asker"))
    assert [(call.role, call.model) for call in llm.calls if request(call) == "question"] == [("doctor", "m/asker")]
    assert {(call.role, call.model) for call in llm.calls if request(call) != "question"} == {("doctor", "m/doctor")}
    llm = model(1)
    rollout(CASE, MediqExpert(llm, decision="scale", model="m/doctor", question_role="question"))
    assert [(call.role, call.model) for call in llm.calls if request(call) == "question"] == [("question", "")]


def test_without_a_question_model_the_doctor_asks() -> None:
    llm = model(1)
    rollout(CASE, MediqExpert(llm, decision="scale", model="m/doctor"))
    assert {(call.role, call.model) for call in llm.calls} == {("doctor", "m/doctor")}


def test_a_models_file_names_the_question_model(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text("schema: medsim.models/1\ndoctor: {model: openai/a}\nquestion: {model: openai/b}\n")
    assert {name: role.model for name, role in roles.load(path).items()} == {"doctor": "openai/a", "question": "openai/b"}


@pytest.mark.parametrize("decision", ["binary", "numerical", "cutoff", "scale"])
def test_independent_modules_hide_the_decision_from_the_question(decision: str) -> None:
    shown = {}
    for independent in (False, True):
        llm = model(1)
        rollout(CASE, MediqExpert(llm, decision=decision, independent_modules=independent))
        asked = next(call for call in llm.calls if request(call) == "question")
        shown[independent] = [message.role for message in asked.messages]
        assert "itchy red arm" in asked.messages[1].content
    assert shown[True] == ["system", "user"]
    assert len(shown[False]) >= 4


# ---- over sockets ------------------------------------------------------------------------------------------------------------------


def answered(body: dict[str, Any]) -> bytes:
    """What a server says to an expert that is sure after two answers, and to its patient."""
    last, told = body["messages"][-1]["content"], body["messages"][-1]["content"].count("\nTold: ")
    told = max(told, body["messages"][1]["content"].count("\nTold: "))
    if body["model"] == "patient":
        return response(chat("3"))
    said = "A" if "letter alone" in last else ASKED[told] if "question alone" in last else "2" if told < 2 else "5"
    return response(chat(said))


def test_a_recorded_encounter_replays_without_a_server_to_the_same_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def play(mode: Any, url: str) -> tuple[Trajectory, list[Entry]]:
        seated = {name: Role(model=f"openai/{name}", api_base=url) for name in ("doctor", "question", "patient")}
        with booking() as entries, Models(roles=seated, cache=tmp_path / "calls.db", mode=mode, on_call=book) as llm:
            expert = MediqExpert(llm, decision="scale", votes=2, question_role="question")
            return rollout(CASE, expert, patient=MediqPatient(CASE.brief(), llm), seed=5), entries

    with running([answered] * 20, latency=0.05) as server:
        url = server.url
        run, entries = play("record", url)
        assert server.busiest > 1, "votes and choice go out together"
        assert {body["model"] for body in server.bodies if "question alone" in body["messages"][-1]["content"]} == {"question"}
    assert (run.error, run.outcome.diagnosis, run.outcome.turns) == ("", ("A",), 3)
    assert Counter(entry.role for entry in entries) == {"doctor": 9, "question": 2, "patient": 2}
    again, copies = play("replay", url)
    assert again.events == run.events
    assert Counter(entry.role for entry in copies if entry.cached) == {"doctor": 9, "question": 2, "patient": 2}


# ---- recipes -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", DECISIONS)
def test_each_expert_is_a_recipe(decision: str) -> None:
    name, maker = agents.make(f"mediq_{decision}", model(1))
    expert = maker(CASE)
    assert isinstance(expert, MediqExpert)
    assert (name, expert.decision, expert.max_questions) == (f"mediq_{decision}", decision, 30)
    assert expert.threshold == {"cutoff": 0.8, "scale": 4.0}.get(decision, 0.0)


def test_a_changed_prompt_is_another_expert(monkeypatch: pytest.MonkeyPatch) -> None:
    before, prompt = agents.fingerprint("mediq_scale"), library.prompt
    monkeypatch.setattr(library, "prompt", lambda name: prompt(name) + " Hm." * (name == "mediq_scale"))
    assert agents.fingerprint("mediq_scale") != before


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"decision": "scales"}, "Did you mean 'scale'"), ({"decision": "scale", "threshold": 0.8}, "above 1 and at most 5"),
        ({"decision": "cutoff", "threshold": 4}, "above 0 and at most 1"), ({"decision": "binary", "threshold": 0.5}, "has no threshold"),
        ({"votes": 0}, "votes at least 1"), ({"max_questions": -1}, "at least 0"),
        ({"decision": "fixed", "question_role": "questions"}, "Did you mean 'question'"),
        ({"decision": "basic", "independent_modules": True}, "decides and asks in one reply"),
    ],
)  # fmt: skip
def test_a_setting_that_could_not_work_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(CaseError, match=says):
        MediqExpert(model(), **settings)


@pytest.mark.skipif(not REAL.is_file(), reason=f"the data set is not here: {REAL}")
def test_every_real_case_can_be_played() -> None:
    cases = mediq.load(REAL).cases
    assert len(cases) > 10
    for case in cases:
        expert = MediqExpert(model(1), decision="scale")
        run = rollout(case, expert)
        assert (run.error, run.outcome.diagnosis, run.outcome.turns) == ("", ("A",), 2), case.id
        assert len(expert.options) == 4, case.id
