"""A sampled patient plays as text and as numbers, with the same facts and the same reward."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest

import medsim  # noqa: F401
from medsim import case as case_module
from medsim import world
from medsim.consult import Consult
from medsim.errors import ActionError
from medsim.lint import lint
from medsim.patient.scripted import ScriptedPatient
from medsim.trajectory import Event
from medsim.world.game import Game, game
from medsim.world.patients import Patients
from medsim.world.procedural import random_world
from medsim.world.settling import settle
from medsim.world.single import WorldEnv
from medsim.world.tables import PRESENT, Tables
from medsim.world.teacher import Teacher
from medsim.world.telling import Told, tell, tell_many
from medsim.world.wording import answer

WORLDS = ["primary-care", "emergency", "sore-throat", "random-12x40-3", "trap-2-6-1-0"]


def tables_of(name: str) -> Tables:
    return world.compile_world(world.load(name))


def played(told: Told, play: Game, actions: list[int]) -> list[Event]:
    """The events of a text encounter in which the doctor does what these actions say."""
    consult, seat = Consult(told.case), ScriptedPatient(told.case.brief())
    for action in actions:
        if not consult.over:
            consult.play(told.words(play, action), seat)
    return consult.events


def discrete(play: Game, patients: Patients, row: int, *, seed: int, legal: bool = True) -> tuple[list[int], np.ndarray, dict[str, float]]:  # type: ignore[type-arg]
    """A doctor by chance: actions, what was found in the end, and the last info."""
    env = WorldEnv(world=Game(play.tables, play.task, play.payoff, play.max_turns, bank=patients))
    seen, info = env.reset(seed=seed, options={"patient": row})
    rng, actions, over = np.random.default_rng(seed), [], False
    while not over:
        may = np.flatnonzero(info["action_mask"])
        asks, rest = may[may < play.findings], may[may >= play.findings]
        right = [play.stop + int(patients.condition[row])] if play.task == "workup" and rng.random() < 0.3 else rest
        actions.append(int(rng.choice(asks if asks.size and rng.random() < 0.85 else right)))
        seen, _, ended, cut, info = env.step(actions[-1])
        over = ended or cut
    assert isinstance(seen, dict)
    return actions, seen["findings"], info


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize(("task", "turns"), [("inquiry", 30), ("workup", 30), ("inquiry", 3), ("workup", 3)])
def test_text_and_discrete_runs_give_the_same_facts_and_the_same_reward(name: str, task: str, turns: int) -> None:
    tables = tables_of(name)
    play, patients = game(tables, task=task, max_turns=turns), world.sample(tables, 12, seed=4)  # type: ignore[arg-type]
    ends, told_facts = set(), 0
    for row in range(len(patients)):
        told = tell(tables, patients, row)
        actions, found, info = discrete(play, patients, row, seed=row)
        events = played(told, play, actions)
        settled = settle(told, play, events)
        assert settled.unshaped == pytest.approx(info["return_unshaped"], abs=1e-4), [told.words(play, action) for action in actions]
        assert settled.cost == pytest.approx(-sum(float(play.fee[action]) for action in actions), abs=1e-4)
        assert settled.success == bool(info["success"])
        assert settled.illegal == 0
        asked = [action for action in actions if action < play.findings]
        assert settled.asked == asked
        present = {f for f in asked if patients.reported[row, f] >= PRESENT}
        assert {f for f in asked if found[f] > 0} == present
        told_facts += len(asked)
        ends.add((settled.truncated, settled.success))
    assert told_facts > turns
    assert len(ends) > 1, "every patient ended alike: this shows little"


@pytest.mark.parametrize("name", WORLDS)
def test_what_the_patient_says_is_what_is_reported(name: str) -> None:
    tables = tables_of(name)
    play, patients = game(tables), world.sample(tables, 6, seed=9)
    for row in range(len(patients)):
        told = tell(tables, patients, row)
        path = Teacher(tables, certain=1.0, most=25).path(patients, row)
        events = played(told, play, path)
        assert path
        for f in path:
            finding, outcome = tables.world.findings[f], int(patients.reported[row, f])
            said = [
                event.text for event in events if told.codes[f] in event.facts or (event.code == told.codes[f] and event.actor != "doctor")
            ]
            assert any(answer(finding, outcome) in text for text in said), (finding.id, outcome, said)


def test_a_treatment_that_harms_ends_both_with_nothing_left_of_the_return() -> None:
    tables = tables_of("sore-throat")
    play, patients = game(tables, task="workup"), world.sample(tables, 40, seed=2)
    drainage = play.number("treat", "drainage")
    harmed = [row for row in range(40) if play.harmful[drainage - play.findings, patients.condition[row]]][:4]
    assert len(harmed) == 4
    for row in harmed:
        env = WorldEnv(world=Game(tables, "workup", bank=patients))
        env.reset(seed=0, options={"patient": row})
        _, _, ended, _, info = env.step(drainage)
        told = tell(tables, patients, row)
        events = played(told, play, [drainage])
        assert ended
        assert settle(told, play, events).unshaped == pytest.approx(info["return_unshaped"], abs=1e-5)


def test_a_compound_question_costs_what_its_parts_cost_and_a_repeated_one_is_no_bargain() -> None:
    tables = tables_of("sore-throat")
    play, patients = game(tables), world.sample(tables, 30, seed=1)
    row = next(row for row in range(30) if tables.world.findings[patients.complaint[row]].id == "sore-throat")
    told = tell(tables, patients, row)
    consult, seat = Consult(told.case), ScriptedPatient(told.case.brief())
    consult.play("ask: Do you have a cough? Is your nose running?", seat)
    once = settle(told, play, consult.events, over=False)
    assert len(once.asked) == 2
    assert once.cost == pytest.approx(-0.02, abs=1e-6)
    consult.play("ask: Do you have a cough?", seat)
    again = settle(told, play, consult.events, over=False)
    assert (again.illegal, again.asked) == (1, once.asked)
    assert again.cost < once.cost


def test_a_child_is_told_only_after_its_parent_and_never_where_the_parent_is_denied() -> None:
    tables = tables_of("sore-throat")
    patients = world.sample(tables, 60, seed=3)
    throat, side = tables.finding_index["sore-throat"], tables.finding_index["throat-side"]
    with_it = next(row for row in range(60) if patients.reported[row, throat] >= PRESENT and patients.complaint[row] != throat)
    without = next(row for row in range(60) if patients.reported[row, throat] < PRESENT)
    told = tell(tables, patients, with_it)
    early, late = (played(told, game(tables), actions) for actions in ([side], [throat, side]))
    assert "throat_side" not in [name for event in early for name in event.facts]
    assert "throat_side" in [name for event in late for name in event.facts]
    assert tell(tables, patients, without).codes[side] == ""


def test_told_cases_pass_the_gates_of_the_house() -> None:
    made = [*tell_many(tables_of("sore-throat"), 2, seed=0), *tell_many(tables_of("random-12x40-3"), 1, seed=0)]
    for told in made:
        findings, report = lint(told.case, run_gates=True)
        assert report is not None
        assert not [str(finding) for finding in findings if finding.level == "error"]
        assert (report.golden.passed, report.inert.passed, report.shotgun.passed) == (True, False, False)
        assert case_module.loads(case_module.dumps(told.case)) == told.case


def test_the_same_seed_tells_the_same_cases_and_no_seat_is_told_the_condition() -> None:
    first, second = (tell_many(tables_of("sore-throat"), 4, seed=7) for _ in range(2))
    assert [told.case.hash for told in first] == [told.case.hash for told in second]
    for told in first:
        shown = str(told.case.brief()).lower() + told.case.encounters[0].door_note.lower() + told.case.id
        truth = told.case.outcome.diagnosis
        assert not [name for name in (truth.name, *truth.accept) if name.lower() in shown]


def test_a_told_case_plays_in_the_text_environment(tmp_path) -> None:  # type: ignore[no-untyped-def]
    told = tell_many(tables_of("sore-throat"), 1, seed=0)[0]
    path = tmp_path / f"{told.case.id}.yaml"
    path.write_text(case_module.dumps(told.case), encoding="utf-8")
    env = gym.make("medsim/Consult-v0", cases=str(path))
    seen, _ = env.reset(seed=0)
    assert "Comes with" in seen
    total, over = 0.0, False
    for turn in told.case.golden:
        _, reward, ended, cut, _ = env.step(turn)
        total, over = total + float(reward), ended or cut
    assert over
    assert total == pytest.approx(1.0)


def test_a_game_that_text_cannot_play_is_refused() -> None:
    tables = tables_of("sore-throat")
    told = tell_many(tables, 1, seed=0)[0]
    with pytest.raises(ActionError, match="min_turn"):
        settle(told, game(tables, min_turn=2), [])
    with pytest.raises(ActionError, match="Give one world"):
        settle(told, game(random_world(1, conditions=4, findings=8)), [])


def test_a_text_encounter_is_cut_off_with_its_last_action_as_the_discrete_one_is() -> None:
    tables = tables_of("sore-throat")
    told = tell_many(tables, 1, seed=0)[0]
    play = game(tables, task="workup", max_turns=3)
    asks = [f for f in range(len(tables.offset)) if tables.parent[f] < 0 and tables.world.findings[f].kind == "history"]
    right = play.stop + int(told.patients.condition[0])
    two, three, late, timely = (
        settle(told, play, played(told, play, actions), over=False)
        for actions in (asks[:2], asks[:3], [*asks[:3], right], [*asks[:2], right])
    )
    assert (two.actions, two.truncated, two.utility) == (2, False, 0.0)
    assert (three.actions, three.truncated, three.utility) == (3, True, play.payoff.truncated)
    assert late == three
    assert (timely.actions, timely.truncated, timely.success) == (3, False, True)


def test_a_budget_may_be_spent_to_the_last_dollar_and_no_further() -> None:
    tables = tables_of("sore-throat")
    told = tell_many(tables, 1, seed=0)[0]
    test = next(f for f in range(len(tables.offset)) if tables.cost[f] > 0 and tables.parent[f] < 0)
    price = float(tables.cost[test])
    for budget, cut in ((price, False), (price - 0.01, True)):
        play = game(tables, budget=budget)
        settled = settle(told, play, played(told, play, [test]), over=False)
        assert (settled.spent, settled.truncated) == (price, cut)
