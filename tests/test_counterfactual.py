"""Counterfactuals: what is kept is the parent's, what follows the new seats' own, and nothing changed gives the same encounter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from medsim import case as cases
from medsim import recipe as recipes
from medsim.agent import make
from medsim.agent.chat import ChatDoctor
from medsim.agent.handover import TAKEN_OVER, Exchange, exchanges, told
from medsim.agent.script import Golden, Inert, RandomDoctor, Script
from medsim.case import Case
from medsim.cli import main
from medsim.counterfactual import branch, differences
from medsim.episode import replay, rollout
from medsim.errors import LLMError, StoreError
from medsim.llm import Call, Scripted
from medsim.patient.personas import persona_over
from medsim.patient.scripted import ScriptedPatient
from medsim.rubric import score
from medsim.seats import Seats
from medsim.store import Store
from medsim.trajectory import Trajectory
from tests.conftest import DATA

RESUMING = ("golden", "inert", "shotgun", "random", "interviewer")
TURNS = [
    "say: Hello, what brings you in?",
    "order: ecg\nwait: result",
    "ask: do you smoke?",
    "treat: aspirin 300 mg po",
    "diagnose: inferior STEMI\nend:",
]


def written(trajectory: Trajectory) -> str:
    return json.dumps([event.data() for event in trajectory.events], sort_keys=True)


def by_history(call: Call) -> str:
    """A model whose turn depends on how many it has taken."""
    return TURNS[min(sum(message.role == "assistant" for message in call.messages), len(TURNS) - 1)]


# ---- the law -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RESUMING)
def test_nothing_changed_gives_the_same_encounter_from_every_turn(mini: Case, name: str) -> None:
    _, maker = make(name)
    parent = rollout(mini, maker(mini), name=name, seed=7)
    assert parent.outcome.turns > 1
    for turn in range(parent.outcome.turns):
        made = branch(mini, parent, turn=turn, agent=maker(mini), run="fork")
        assert made.resumed
        assert written(made.trajectory) == written(parent), turn
        assert made.trajectory.outcome == parent.outcome


def test_a_model_that_is_shown_its_own_words_goes_on_as_before(mini: Case) -> None:
    asked, again = Scripted(by_history), Scripted(by_history)
    parent = rollout(mini, ChatDoctor(asked), name="chat")
    made = branch(mini, parent, turn=2, agent=ChatDoctor(again))
    assert (parent.error, parent.outcome.turns, made.resumed) == ("", 5, True)
    assert written(made.trajectory) == written(parent)
    assert [call.messages for call in again.calls] == [call.messages for call in asked.calls[2:]], (
        "the very calls, so that a cache answers them"
    )


@pytest.mark.parametrize("turn", [0, 1, 4])
def test_the_kept_turns_are_the_parents_and_the_branch_replays(mini: Case, turn: int) -> None:
    parent = rollout(mini, RandomDoctor(), name="random", seed=3)
    child = branch(mini, parent, turn=turn, agent=Golden(mini), name="golden", run="fork").trajectory
    kept = [event for event in parent.events if event.turn <= turn]
    assert child.events[: len(kept)] == kept
    assert child.events != parent.events
    assert (child.agent, child.seed, child.trial, child.run) == ("golden", parent.seed, parent.trial, "fork")
    assert child.id != parent.id
    assert len(replay(mini, child).events) == len(child.events)


# ---- who takes over --------------------------------------------------------------------------------------------------------------


def test_a_script_after_another_doctors_words_begins_at_its_beginning(mini: Case) -> None:
    parent = rollout(mini, Inert(8), name="inert")
    child = branch(mini, parent, turn=1, agent=Golden(mini)).trajectory
    words = [event.text for event in child.events if event.kind == "message"]
    assert words[0] == "wait: 2m"
    assert words[1] == mini.golden[0]
    assert score(mini, child.events, child.outcome).passed


class Plain:
    """Knows nothing of turns before its own."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def reset(self, seed: int) -> None:
        self.seen = []

    def act(self, observation: str) -> str:
        self.seen.append(observation)
        return "end:"


def test_an_agent_that_cannot_resume_is_told_the_transcript(mini: Case) -> None:
    parent = rollout(mini, Script(["ask: Where is the pain?", "wait: 1m"]), name="script")
    agent = Plain()
    made = branch(mini, parent, turn=1, agent=agent)
    assert not made.resumed
    assert agent.seen[0].startswith(TAKEN_OVER)
    assert "Doctor, ask: Where is the pain?" in agent.seen[0]
    assert "middle" in agent.seen[0]
    assert "STEMI" not in agent.seen[0]
    at_the_door = Plain()
    assert branch(mini, parent, turn=0, agent=at_the_door).resumed
    assert at_the_door.seen[0] == rollout_first(mini)


def rollout_first(case: Case) -> str:
    agent = Plain()
    rollout(case, agent)
    return agent.seen[0]


def test_what_is_handed_over_is_what_the_doctor_saw_and_nothing_hidden(mini: Case) -> None:
    heard: list[str] = []

    class Listener(Script):
        def act(self, observation: str) -> str:
            heard.append(observation)
            return super().act(observation)

    run = rollout(mini, Listener(["ask: Where is the pain?", "examine: heart", "end:"]))
    history = exchanges(mini, run.events)
    assert [past.observation for past in history] == heard
    assert [past.words for past in history] == ["ask: Where is the pain?", "examine: heart", "end:"]
    hidden = [event.text for event in run.events if not event.visible and event.kind == "state"]
    assert all(text not in told(mini, run.events) for text in hidden if text)


class Later:
    """An agent with async methods that resumes."""

    def __init__(self) -> None:
        self.past: list[Exchange] = []

    async def reset(self, seed: int) -> None:
        self.past = []

    async def resume(self, history: Sequence[Exchange]) -> None:
        self.past = list(history)

    async def act(self, observation: str) -> Any:
        return "end:" if self.past else 7


def test_an_agent_may_be_asynchronous(mini: Case) -> None:
    parent = rollout(mini, Script(["wait: 1m", "wait: 1m"]))
    agent: Any = Later()
    made = branch(mini, parent, turn=1, agent=agent)
    assert (made.resumed, made.trajectory.error, made.trajectory.outcome.turns) == (True, "", 2)
    assert "it returned int" in branch(mini, parent, turn=0, agent=agent).trajectory.error


# ---- other seats -----------------------------------------------------------------------------------------------------------------


def test_another_person_answers_from_the_turn_on(mini: Case) -> None:
    asks = ["ask: What brings you in today?", "ask: What else is there?", "ask: What else is there?", "end:"]
    parent = rollout(mini, Script(asks))
    quiet = ScriptedPatient(persona_over(mini.brief(), {"talkativeness": 1}))
    child = branch(mini, parent, turn=1, agent=Script(asks), patient=quiet).trajectory
    told_facts = [[event.facts for event in run.events if event.kind == "reply"] for run in (parent, child)]
    assert told_facts[0][0] == told_facts[1][0]
    assert 0 < len(told_facts[1][1]) < len(told_facts[0][1])


def test_a_documented_case_goes_on_with_models_in_its_seats() -> None:
    case = cases.load(DATA / "documented.yaml")

    def model(call: Call) -> str:
        if call.role == "patient":
            return json.dumps({"lines": [{"speaker": "Ivo", "text": "I am so wheezy."}]})
        return json.dumps({"actions": [], "seen": [], "vitals": None, "advance": True, "complete": False})

    def played(words: list[str]) -> Trajectory:
        seats = Seats(Scripted(model))
        return rollout(case, Script(words), patient=seats.patient_of(case), controller=seats.controller_of(case))

    parent = played(["ask: How are you?", "end:", "end:"])
    assert parent.error == ""
    seats, silent = Seats(Scripted(model)), Seats(Scripted(lambda call: LLMError("gone")))
    more = Script(["ask: How are you?", "ask: And now?", "end:", "end:"])
    child = branch(case, parent, turn=1, agent=more, patient=seats.patient_of(case), controller=seats.controller_of(case)).trajectory
    assert child.error == ""
    assert len(replay(case, child).events) == len(child.events)
    broken = branch(case, parent, turn=1, agent=more, patient=silent.patient_of(case), controller=silent.controller_of(case)).trajectory
    assert (broken.outcome.status, broken.outcome.reason) == ("error", "LLMError")


def test_an_encounter_that_broke_off_can_go_on(mini: Case) -> None:
    class Breaks(Script):
        def act(self, observation: str) -> str:
            if self.at == 1:
                raise RuntimeError("gone")
            return super().act(observation)

    parent = rollout(mini, Breaks(["wait: 1m"]))
    assert parent.outcome.status == "error"
    child = branch(mini, parent, turn=1, agent=Golden(mini)).trajectory
    assert child.outcome.status == "finished"


# ---- bad input -------------------------------------------------------------------------------------------------------------------


def test_a_turn_that_there_is_not_or_after_which_all_was_over_is_refused(mini: Case) -> None:
    parent = rollout(mini, Script(["wait: 1m", "end:"]))
    with pytest.raises(StoreError, match="has the turns 0 to 2, given 3"):
        branch(mini, parent, turn=3, agent=Golden(mini))
    with pytest.raises(StoreError, match="was over at turn 2"):
        branch(mini, parent, turn=2, agent=Golden(mini))


def test_scores_by_two_rubrics_are_not_compared(mini: Case) -> None:
    run = rollout(mini, Golden(mini))
    other = mini.rubric.model_copy(update={"items": mini.rubric.items[:3]})
    mine, theirs = score(mini, run.events, run.outcome), score(mini, run.events, run.outcome, rubric=other)
    with pytest.raises(StoreError, match="Two rubrics cannot be compared"):
        differences(mine, theirs, parent=run.events, child=run.events)


def test_the_difference_names_the_turns_that_decided(mini: Case) -> None:
    parent = rollout(mini, Inert(8), name="inert")
    child = branch(mini, parent, turn=1, agent=Golden(mini)).trajectory
    cards = [score(mini, run.events, run.outcome) for run in (parent, child)]
    found = {item.id: item for item in differences(*cards, parent=parent.events, child=child.events)}
    ecg, smoke = found["ecg"], found["nitrate"]
    assert (ecg.before, ecg.after, ecg.changed, ecg.turns_before, ecg.turns_after) == ("unmet", "met", True, (), (3,))
    assert not smoke.changed


# ---- the verb --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fork") / "runs.db"
    made = ["run", "--cases", "chest-vice", "--agents", "golden,inert", "--run", "first", "--store", str(path), "--quiet"]
    assert main(made) == 0
    return path


def forked(path: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["fork", *words, "--store", str(path), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_verb_stores_where_a_branch_comes_from(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(stored)
    parent = next(row["id"] for row in store.rows(run="first") if row["agent"] == "inert")
    told_of = forked(stored, capsys, parent[:6], "--turn", "1", "--agent", "golden", "--to", "second")
    (one,) = told_of["branches"]
    child = store.load(one["id"], run="second")
    config = next(row["config"] for row in store.runs() if row["id"] == "second")
    source = config["forked_from"]
    assert (source["run"], source["trajectory"], source["turn"], source["agent"]) == ("first", [parent], 1, "inert")
    assert child.identity not in {"", store.load(parent, run="first").identity}
    case = recipes.case_named("chest-vice")
    assert len(replay(case, child).events) == len(child.events)
    assert main(["replay", child.id, "--run", "second", "--store", str(stored)]) == 0
    assert one["before"]["score"] < 0.1 < one["after"]["score"]
    assert any(item["changed"] and item["turns_after"] for item in one["items"])


def test_the_verb_with_nothing_changed_gives_the_same_encounter(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told_of = forked(stored, capsys, "first", "--of", "golden", "--turn", "5")
    store = Store(stored)
    (one,) = told_of["branches"]
    parent, child = store.load(one["parent"]["id"], run="first"), store.load(one["id"], run=told_of["run"])
    assert written(child) == written(parent)
    assert not any(item["changed"] for item in one["items"])
    assert (child.agent, child.run) == ("golden", told_of["run"])


def test_the_verb_lays_another_person_over_the_parents(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told_of = forked(stored, capsys, "first", "--of", "golden", "--turn", "1", "--persona", "recall=low,trust=0")
    config = next(row["config"] for row in Store(stored).runs() if row["id"] == told_of["run"])
    assert config["persona"] == {"recall": "low", "trust": 0}
    again = forked(stored, capsys, told_of["run"], "--turn", "2", "--persona", "talkativeness=1")
    config = next(row["config"] for row in Store(stored).runs() if row["id"] == again["run"])
    assert config["persona"] == {"recall": "low", "trust": 0, "talkativeness": 1}


def test_the_verb_compares_by_the_judge_that_is_named(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = forked(stored, capsys, "first", "--of", "inert", "--turn", "1", "--agent", "golden", "--judge", "keywords")["branches"][0]
    assert changed["before"]["judge"] == changed["after"]["judge"] != "none"
    parent = next(row["id"] for row in Store(stored).rows(run="first") if row["agent"] == "golden")
    alone = forked(stored, capsys, parent, "--turn", "3", "--judge", "keywords")["branches"][0]
    assert (alone["before"]["judge"], alone["after"]["judge"]) == ("none", changed["after"]["judge"])
    differing = [item for item in alone["items"] if item["changed"]]
    assert {item["before"] for item in differing} == {"unknown"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["first", "--turn", "1"], "several agents: say whose encounters with --of NAME (golden, inert)"),
        (["first", "--turn", "1", "--of", "goldn"], "Did you mean 'golden'?"),
        (["first", "--turn", "900", "--of", "golden"], "No encounter of 'first' went on after turn 900"),
        (["frst", "--turn", "1"], "Did you mean 'first'?"),
        (["first", "--turn", "-1", "--of", "golden"], "--turn must be 0 (the door) or more"),
        (["first", "--turn", "1", "--of", "golden", "--patient-kind", "voiced"], "needs a language model"),
        (["first", "--turn", "1", "--of", "golden", "--to", "first"], "exists already"),
    ],
)
def test_the_verb_says_what_is_wrong(stored: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str) -> None:
    before = len(Store(stored).runs())
    assert main(["fork", *words, "--store", str(stored)]) == 2
    assert says in capsys.readouterr().err
    assert len(Store(stored).runs()) == before, "nothing is begun that cannot be played"


def test_the_page_shows_both_sides_and_the_items(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fork", "first", "--of", "inert", "--turn", "1", "--agent", "golden", "--store", str(stored)]) == 0
    out = capsys.readouterr().out
    assert "up to turn 1, then golden, scripted" in out
    assert "items differ (at: the turns that decided them)" in out
    line = next(row for row in out.splitlines() if row.startswith("ecg_ten"))
    assert line.split()[:5] == ["ecg_ten", "6", "unmet", "-", "met"]
