"""Small games for the policies."""

from __future__ import annotations

import pytest

from medsim import world
from medsim.world.game import Game, game
from medsim.world.patients import Patients
from medsim.world.procedural import random_world, trap_world
from medsim.world.schema import Noise
from tests.world.conftest import small


def made(**terms: object) -> Game:
    return game(world.compile_world(random_world(1, conditions=8, findings=24)), **terms)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def clear() -> Game:
    """A random world whose patients answer truly."""
    return made()


@pytest.fixture(scope="session")
def noisy() -> Game:
    noise = {"history": Noise(unsure=0.05, flip=0.1, omit=0.05), "exam": Noise(flip=0.1), "lab": Noise(flip=0.05)}
    return made(noise=noise)


@pytest.fixture(scope="session")
def trap() -> Game:
    """A world in which greedy questions fail."""
    return game(world.compile_world(trap_world(0)))


@pytest.fixture(scope="session")
def workup() -> Game:
    """Treatments, a gate, a valued finding, and sexes."""
    return game(world.World.model_validate(small()), task="workup", max_turns=12)


def patients(game: Game, count: int = 800, seed: int = 7) -> Patients:
    return world.sample(game.tables, count, seed=seed)
