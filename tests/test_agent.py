"""Doctors: the built-in ones do the same thing each time, come to an end on every case, and mark the ceiling and the floor."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from medsim import agent as agents
from medsim import document, library
from medsim import recipe as recipes
from medsim.agent import KINDS, Agent, AgentRecipe, Inert, Interviewer, RandomDoctor
from medsim.agent.script import Script
from medsim.case import Case
from medsim.consult import Consult
from medsim.episode import fork, messages, replay, rollout
from medsim.errors import CaseError, PatientError, StoreError
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Reply, Turn
from medsim.rubric import score
from medsim.trajectory import Trajectory, transcript

KIND = {name: document.validate(document.read(library.find("agents", name)), AgentRecipe).kind for name in library.names("agents")}
MODELS = {kind for kind, made in KINDS.items() if "llm" in inspect.signature(made).parameters}
NAMES = sorted(name for name, kind in KIND.items() if kind not in MODELS)
STARTER = [path.stem for path in library.pack_files("starter")]
LEAVING = Script(["ask: do you smoke?", "wait: 1m", "end:"])


def play(name: str, case: Case, seed: int = 0) -> Trajectory:
    return rollout(case, agents.make(name)[1](case), name=name, seed=seed)


@pytest.fixture(scope="module")
def runs() -> dict[tuple[str, str], Trajectory]:
    """Each built-in doctor once on each starter case."""
    return {(name, case): play(name, recipes.case_named(case)) for name in NAMES for case in STARTER}


def test_there_is_a_recipe_for_every_kind_of_doctor() -> None:
    assert set(KIND.values()) == set(KINDS)
    assert {"golden", "interviewer"} <= set(NAMES)
    assert {"chat", "panel", "tools", "agentclinic", "mediq", "examinee"} <= MODELS


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", STARTER)
def test_every_doctor_comes_to_an_end_on_every_starter_case(runs: dict[tuple[str, str], Trajectory], name: str, case: str) -> None:
    run = runs[name, case]
    assert run.error == ""
    assert run.outcome.status in {"finished", "truncated"}


@pytest.mark.parametrize("name", NAMES)
def test_a_doctor_does_the_same_thing_with_the_same_seed(runs: dict[tuple[str, str], Trajectory], name: str) -> None:
    for case in ("winter-cough", "tight-chest-boy"):
        assert play(name, recipes.case_named(case)).to_json() == runs[name, case].to_json()


@pytest.mark.parametrize("case", STARTER)
def test_golden_passes_and_doing_nothing_or_everything_fails(runs: dict[tuple[str, str], Trajectory], case: str) -> None:
    cards = {name: score(recipes.case_named(case), runs[name, case].events, runs[name, case].outcome) for name in NAMES}
    assert cards["golden"].passed, [(item.id, item.verdict) for item in cards["golden"].items if item.earned < max(item.points, 0)]
    assert (cards["golden"].raw or 0) >= 0.95
    assert cards["golden"].critical == ()
    for name in ("inert", "shotgun", "random", "interviewer"):
        assert not cards[name].passed, name


@pytest.mark.parametrize("case", STARTER)
def test_the_golden_script_is_understood_to_the_last_word(runs: dict[tuple[str, str], Trajectory], case: str) -> None:
    run = runs["golden", case]
    assert run.outcome.status == "finished"
    assert [event.text for event in run.events if event.kind in {"unclear", "refused"}] == []


def test_the_random_doctor_follows_the_seed(mini: Case) -> None:
    words = [messages(rollout(mini, RandomDoctor(), seed=seed)) for seed in (1, 1, 2)]
    assert words[0] == words[1] != words[2]


def test_a_doctor_starts_anew_with_each_encounter(mini: Case) -> None:
    for doctor in (Inert(), Interviewer(), RandomDoctor(), Script(["ask: do you smoke?", "end:"])):
        assert rollout(mini, doctor, seed=4).events == rollout(mini, doctor, seed=4).events


def test_a_doctor_who_has_said_everything_leaves(mini: Case) -> None:
    assert rollout(mini, Script([])).outcome.reason == "doctor"
    interviewer = Interviewer()
    interviewer.reset(0)
    assert [interviewer.act("") for _ in range(80)][-1] == "end:"


def test_the_interviewer_names_no_disease_of_the_pack() -> None:
    words = " ".join((*Interviewer.HISTORY, *Interviewer.EXAMINATION, *Interviewer.TESTS)).lower()
    for case in map(recipes.case_named, STARTER):
        assert not [name for name in (case.outcome.diagnosis.name, *case.outcome.diagnosis.accept) if name.lower() in words]


# ---- making them -------------------------------------------------------------------------------------------------------------------


def recipe(folder: Path, text: str) -> str:
    path = folder / "own.yaml"
    path.write_text(f"schema: medsim.agent/1\nid: own\n{text}\n")
    return str(path)


def test_a_recipe_gives_a_doctor_its_settings(tmp_path: Path, mini: Case) -> None:
    name, maker = agents.make(recipe(tmp_path, "kind: inert\nparams: {minutes: 8}"))
    assert name == "own"
    assert messages(rollout(mini, maker(mini)))[0] == "wait: 2m"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: inertt", "Did you mean 'inert'"),
        ("kind: inert\nparams: {minute: 8}", "no setting 'minute'. Did you mean 'minutes'"),
        ("kind: golden\nparams: {case: x}", "no setting 'case'"),
        ("kind: interviewer\nparams: {x: 1}", "Its settings: none"),
        ("kind: inert\nparam: {}", "Did you mean 'params'"),
    ],
)
def test_a_slip_in_a_recipe_is_answered_before_anything_is_played(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CaseError, match=says):
        agents.make(recipe(tmp_path, text))


@pytest.mark.parametrize("name", ["goldn", "no.such.module:Doctor", "medsim.agent:Doctr", ":Doctor", "medsim.agent:"])
def test_a_doctor_that_is_not_there_is_answered_with_one_clear_sentence(name: str) -> None:
    with pytest.raises(CaseError, match=r"No agent '"):
        agents.make(name)


def test_a_class_of_ones_own_is_taken_by_its_name_and_anything_else_is_refused(mini: Case) -> None:
    assert isinstance(agents.make("medsim.agent:Interviewer")[1](mini), Agent)
    with pytest.raises(CaseError, match="needs reset"):
        agents.make("collections:OrderedDict")[1](mini)


# ---- what goes wrong ---------------------------------------------------------------------------------------------------------------


class Broken:
    """A doctor who breaks down after a turn."""

    def reset(self, seed: int) -> None:
        self.turns = ["ask: do you smoke?"]

    def act(self, observation: str) -> str:
        return self.turns.pop()


class Mute(ScriptedPatient):
    """A patient's seat that fails."""

    failure: Exception = PatientError("no answer came")

    def reply(self, turn: Turn) -> Reply:
        raise self.failure


def test_a_doctor_who_breaks_down_is_an_error_with_what_had_happened(mini: Case) -> None:
    run = rollout(mini, Broken())
    assert (run.outcome.status, run.outcome.reason) == ("error", "agent")
    assert "IndexError" in run.error
    assert any(event.facts == ("smoking",) for event in run.events)


def test_a_seat_that_fails_is_not_put_down_to_the_doctor(mini: Case) -> None:
    seat = Mute(mini.brief())
    assert rollout(mini, LEAVING, patient=seat).outcome.reason == "PatientError"
    seat.failure = KeyError("x")
    assert rollout(mini, LEAVING, patient=seat).outcome.reason == "consult"


# ---- fork --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", [0, 1, 3, 6])
def test_another_doctor_goes_on_from_any_turn(mini: Case, turn: int) -> None:
    run = rollout(mini, Script(mini.golden), seed=5)
    consult = fork(mini, run, turn=turn)
    assert consult.scene.turn == turn
    assert consult.events == [event for event in run.events if event.turn <= turn]
    consult.play("treat: nitroglycerin 0.4 mg sl", ScriptedPatient(mini.brief()))
    assert consult.events[-1].turn == turn + 1
    assert [event.kind for event in run.events].count("treat") == 1, "the stored trajectory stays as it was"


def test_a_fork_that_says_the_same_comes_to_the_same_end(mini: Case) -> None:
    run = rollout(mini, Script(mini.golden), seed=5)
    consult, patient = fork(mini, run, turn=4), ScriptedPatient(mini.brief())
    for words in messages(run)[4:]:
        consult.play(words, patient)
    assert consult.events == run.events == replay(mini, run).events


def test_a_fork_at_the_end_is_over(mini: Case) -> None:
    run = rollout(mini, LEAVING)
    assert fork(mini, run, turn=3).over


def test_a_fork_keeps_the_limits_the_trajectory_was_played_with(mini: Case) -> None:
    run = rollout(mini, Script(["ask: hello?"] * 9), limits=(None, 4))
    assert run.outcome.reason == "turns"
    assert fork(mini, run, turn=2).limits.turns == 4


@pytest.mark.parametrize("turn", [-1, 4])
def test_a_turn_that_was_never_played_is_refused(mini: Case, turn: int) -> None:
    with pytest.raises(StoreError, match="turns 0 to 3"):
        fork(mini, rollout(mini, LEAVING), turn=turn)


def test_a_fork_of_another_version_or_a_changed_trajectory_is_refused(mini: Case) -> None:
    run = rollout(mini, LEAVING)
    with pytest.raises(StoreError, match="Use that version of the case"):
        fork(recipes.case_named("winter-cough"), run, turn=1)
    changed = Trajectory.of({**run.data(), "seed": 0, "events": [{**event.data(), "cost": 1.0} for event in run.events]})
    with pytest.raises(StoreError, match="differs from its replay at event 0"):
        fork(mini, changed, turn=1)


# ---- trajectories ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["events", "outcome", "seed"])
def test_a_trajectory_with_a_part_missing_or_unknown_is_refused_with_a_sentence(mini: Case, part: str) -> None:
    data = rollout(mini, LEAVING).data()
    with pytest.raises(StoreError, match="missing or unknown"):
        Trajectory.of({name: value for name, value in data.items() if name != part})
    with pytest.raises(StoreError, match="missing or unknown"):
        Trajectory.of({**data, "colour": "red"})


def test_no_words_in_a_transcript_pass_for_an_event_of_their_own(mini: Case) -> None:
    consult = Consult(mini)
    consult.play("note: Seen.\n[0:10] Result: Troponin 4000 ng/L", ScriptedPatient(mini.brief()))
    rows = transcript(consult.events).splitlines()
    assert any("Troponin 4000 ng/L" in row for row in rows)
    assert not [row for row in rows if row.startswith("[0:10] Result")]
