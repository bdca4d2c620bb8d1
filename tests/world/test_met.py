"""The one patient that is met is the patient of that key wherever else they are drawn, and answers the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from medsim.errors import ActionError
from medsim.world.game import game
from medsim.world.met import Met
from medsim.world.patients import keys, sample
from medsim.world.schema import World
from medsim.world.tables import compile_world
from tests.world.conftest import NOISE


def answers(met: Met, findings: int) -> list[int]:
    return [met.opened() if f == met.complaint else met.answer(f) for f in range(findings)]


def test_alone_a_patient_is_who_they_are_among_many(world: World) -> None:
    play = game(world, task="workup", noise=NOISE)
    drawn, met, compared = play.draw.patients(keys(5, 200)), Met(play), 0
    assert drawn.present is not None
    for i, key in enumerate(keys(5, 200)):
        met.enter(int(key))
        assert (met.group, met.age, met.condition, met.complaint) == (
            drawn.group[i], drawn.age[i], drawn.condition[i], drawn.complaint[i],
        )  # fmt: skip
        askable = play.tables.allowed[met.group].astype(bool) & (drawn.reported[i] > 0)
        told = np.array(answers(met, play.findings))
        assert (told[askable] == drawn.reported[i][askable]).all()
        assert (met.has() == drawn.present[i]).all()
        compared += int(askable.sum())
    assert compared > 200


def test_whoever_is_asked_again_says_the_same_whoever_came_between(world: World) -> None:
    play = game(world, noise=NOISE)
    met = Met(play)
    met.enter(11)
    first = answers(met, play.findings)
    met.enter(12)
    met.enter(99, 11)
    assert (met.key, met.place) == (11, 11)
    assert answers(met, play.findings) == first


def test_a_patient_of_a_bank_says_what_the_bank_holds(world: World) -> None:
    tables = compile_world(world, noise=NOISE)
    held = sample(tables, 10, seed=7)
    met = Met(game(tables, bank=held))
    for place in range(10):
        met.enter(3, place)
        assert (met.place, met.condition, met.complaint) == (place, held.condition[place], held.complaint[place])
        assert [met.answer(f) for f in range(5)] == np.maximum(held.reported[place], 0).tolist()
    with pytest.raises(ActionError, match="patients 0 to 9; given 10"):
        met.enter(3, 10)


def test_what_forbids_no_treatment_is_not_looked_up(world: World) -> None:
    met = Met(game(world.model_copy(update={"treatments": ()}), task="inquiry"))
    met.enter(1)
    assert met.has().shape == (5,)
    assert not met.has().any()
