"""The thread-vectorised environment: one that fails is raised, and leaves nothing behind for the next encounter."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from medsim.env import ConsultEnv
from medsim.errors import ActionError, PatientError
from medsim.patient.scripted import ScriptedPatient
from medsim.patient.seat import Reply, Turn
from medsim.recipe import load_cases
from medsim.vector import ThreadVectorEnv, consult_vec
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")


class Moody(ScriptedPatient):
    """A patient's seat that can be made to fail."""

    fails = False

    def reply(self, turn: Turn) -> Reply:
        if self.fails:
            raise PatientError("no answer came")
        return super().reply(turn)


def make(patient: ScriptedPatient | None = None) -> ConsultEnv:
    return ConsultEnv(MINI, patient=patient)


def test_after_one_has_failed_the_next_encounter_begins_clean() -> None:
    moody = Moody(load_cases((MINI,))[0].brief())
    env = ThreadVectorEnv([make, lambda: make(moody)])
    env.reset(seed=1)
    moody.fails = True
    with pytest.raises(PatientError, match="no answer came"):
        env.step(("ask: do you smoke?", "ask: do you smoke?"))
    moody.fails = False
    env.reset(seed=1)
    observations, _, _, _, infos = env.step(("examine: heart", "examine: heart"))
    assert all("Slow, regular, no murmur." in text for text in observations)
    assert infos["turn"].tolist() == [1, 1]
    env.close()


def test_all_step_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=20)

    class Meeting(ScriptedPatient):
        def reply(self, turn: Turn) -> Reply:
            meeting.wait()
            return super().reply(turn)

    brief = load_cases((MINI,))[0].brief()
    env = ThreadVectorEnv([lambda: make(Meeting(brief))] * 3)
    env.reset(seed=0)
    observations, *_ = env.step(("ask: do you smoke?",) * 3)
    assert all("Ten a day." in text for text in observations)
    env.close()


def test_a_limit_of_steps_is_a_limit_of_turns() -> None:
    env = consult_vec(2, cases=MINI, max_episode_steps=1)
    env.reset(seed=0)
    assert env.step(("ask: hello?", "end:"))[3].tolist() == [True, False]
    env.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"reward": {"rubrik": 1.0}}, "No reward term 'rubrik'. Did you mean 'rubric'"),
        ({"max_turns": 0}, "1 or more"),
        ({"max_turns": -3}, "1 or more"),
    ],
)
def test_a_setting_that_means_nothing_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ActionError, match=says):
        ConsultEnv(MINI, **settings)
