"""What `evaluate` and its like are asked for: a lone name is a name, an agent may be given as it is, and what has no meaning is refused."""

from __future__ import annotations

import functools
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import medsim
from medsim.agent import Golden, Inert, called, fingerprint
from medsim.audit import chosen
from medsim.bench.learners import Lesson
from medsim.case import Case
from medsim.errors import ActionError, CaseError, MedsimError, StoreError
from medsim.evaluation.planning import plan
from medsim.report import report
from medsim.store import Store
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
PARTING = "end:"


class Leaver:
    """A doctor that leaves at once."""

    def reset(self, seed: int) -> None: ...

    def act(self, observation: str) -> str:
        return PARTING


def golden_of(case: Case) -> Golden:
    """A doctor made of its case."""
    return Golden(case)


def test_one_case_and_one_agent_may_be_given_as_one_name(tmp_path: Path) -> None:
    alone = medsim.evaluate("golden", cases="winter-cough", store=str(tmp_path / "r.db"))
    listed = medsim.evaluate(["golden"], cases=["winter-cough"], store=str(tmp_path / "s.db"))
    assert (alone.played, alone.identity) == (1, listed.identity)
    assert [summary.agent for summary in alone.summaries] == ["golden"]


def test_one_agent_or_run_or_bot_or_learner_may_be_given_as_one_name(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.db")
    medsim.evaluate(["golden", "inert", "interviewer"], cases=["winter-cough", "chest-vice"], store=store, run="mine")
    with pytest.raises(MedsimError, match="one agent only, 'golden'"):
        medsim.compare("mine", agents="golden", store=store)
    assert plan("mine", agents="interviewer", store=store).agents == ["interviewer"]
    made = report(store, "mine", agents="inert", places=str(DATA / "mini.yaml"))
    assert [arm.agent for arm in made.material.arms] == ["inert"]
    assert [bot.name for bot in chosen("memory")] == ["memory"]
    assert Lesson(learners="ppo").learners == ("ppo",)


def test_a_class_and_a_function_play_as_they_are_named(tmp_path: Path) -> None:
    result = medsim.evaluate([Leaver, golden_of, Golden], cases=MINI, jobs=2, store=str(tmp_path / "r.db"))
    leaver, function, shipped = result.summaries
    names = ["tests.evaluation.test_asked:Leaver", "tests.evaluation.test_asked:golden_of", "medsim.agent.script:Golden"]
    assert [summary.agent for summary in result.summaries] == names
    assert not result.errors
    assert function.score.value == shipped.score.value
    assert shipped.score.value is not None
    assert leaver.score.value is not None
    assert shipped.score.value > 0.9 > leaver.score.value
    assert medsim.evaluate(Leaver, cases=MINI, store=str(tmp_path / "s.db")).played == 1


def test_a_name_of_ones_own_may_be_a_function_of_the_case(tmp_path: Path) -> None:
    result = medsim.evaluate("tests.evaluation.test_asked:golden_of", cases=MINI, store=str(tmp_path / "r.db"))
    assert not result.errors
    assert result.summaries[0].score.value is not None


OWN = """
class Base:
    def reset(self, seed): pass
    def act(self, observation): return says()

def says(): return WORDS

WORDS = {words!r}

class Doctor(Base): pass
"""


def test_a_class_that_says_other_words_is_another_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    file, told = tmp_path / "own_doctor.py", []
    for words, more in (("end:", ""), ("wait: 10m", ""), ("end:", "\nUNUSED = 1\n")):
        file.write_text(OWN.format(words=words) + more)
        monkeypatch.delitem(sys.modules, "own_doctor", raising=False)
        importlib.invalidate_caches()
        told.append(fingerprint(importlib.import_module("own_doctor").Doctor))
    monkeypatch.delitem(sys.modules, "own_doctor")
    assert told[0] == told[2] != told[1]


SCRIPT = """
import sys
import medsim

class Doctor:
    def reset(self, seed): pass
    def act(self, observation): return "end:"

result = medsim.evaluate(Doctor, cases="winter-cough", store="r.db", resume="again" in sys.argv)
sys.stdout.write(f"{result.summaries[0].agent} {result.played} {result.kept} {result.identity}")
"""


def test_a_class_of_a_script_plays_and_the_changed_script_goes_on(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    first = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    (tmp_path / "script.py").write_text(f"{SCRIPT}\n# a line that says nothing of the doctor\n")
    second = subprocess.run([sys.executable, "script.py", "again"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert first[:3] == ["__main__:Doctor", "1", "0"]
    assert second == ["__main__:Doctor", "0", "1", first[3]]


def test_an_agent_that_cannot_be_found_by_a_name_is_refused(tmp_path: Path) -> None:
    class Inside(Leaver):
        """A class nobody else can name."""

    for given in (Inside, lambda case: Golden(case), functools.partial(Inert, 5), Leaver(), 3):
        with pytest.raises(ActionError, match="module:attribute"):
            medsim.evaluate([given], cases=MINI, store=str(tmp_path / "r.db"))  # type: ignore[list-item]
    with pytest.raises(ActionError, match="module:attribute"):
        medsim.evaluate(Leaver(), cases=MINI, store=str(tmp_path / "r.db"))  # type: ignore[arg-type]
    with pytest.raises(ActionError, match=r"source of agent 'builtins:int' cannot be read.*module:attribute"):
        medsim.evaluate(int, cases=MINI, store=str(tmp_path / "r.db"))
    assert not (tmp_path / "r.db").exists(), "nothing was begun"
    assert called(Leaver) == "tests.evaluation.test_asked:Leaver"


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"trials": 0}, ActionError, "trials is a whole number, 1 or more; given 0"),
        ({"trials": 1.5}, ActionError, "trials is a whole number"),
        ({"jobs": 0}, ActionError, "jobs is a whole number, 1 or more; given 0"),
        ({"jobs": -1}, ActionError, "given -1"),
        ({"cases": []}, CaseError, "at least one: cases=.starter.; given"),
        ({"cases": ""}, CaseError, "at least one: cases=.starter.; given"),
        ({"cases": 3}, CaseError, "given 3"),
        ({"cases": [3]}, CaseError, "a pack, a folder, a file or a case id"),
        ({"agents": []}, ActionError, "at least one of them"),
        ({"agents": None}, ActionError, "module:attribute"),
        ({"recipe": 3}, CaseError, "name of an environment recipe"),
        ({"store": 3}, StoreError, "store is a file"),
        ({"store": None}, StoreError, "store='runs.db'"),
    ],
)
def test_what_has_no_meaning_is_refused_in_a_sentence(
    given: dict[str, Any], error: type[MedsimError], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        medsim.evaluate(**{"agents": "inert", "cases": MINI, **given})
    assert not list(tmp_path.iterdir()), "no store was made"
