"""Eight small cases played by two doctors, and judges that say what they are told to."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medsim import recipe as recipes
from medsim.agent.script import Golden, Inert
from medsim.agreement import Encounter, Label, encounters, store_labels
from medsim.case.checklist import Rubric
from medsim.episode import rollout
from medsim.judge import Ask, Line, score_with
from medsim.rubric import Opinion, Verdict, score
from medsim.store import Store
from tests.conftest import DATA

CASES = 8
RUBRIC: dict[str, Any] = {
    "schema": "medsim.rubric/1",
    "id": "talk",
    "items": [
        {"id": "greets", "text": "Greets", "points": 1, "comp": "ICS", "judge": {"criterion": "The doctor greets the person."}},
        {"id": "listens", "text": "Listens", "points": 2, "comp": "ICS", "judge": {"criterion": "The doctor lets the story be told."}},
        {"id": "plans", "text": "Plans", "points": 2, "comp": "PC", "judge": {"criterion": "The doctor makes a plan."}},
        {"id": "explains", "text": "Explains", "points": 1, "comp": "PC", "judge": {"criterion": "The doctor explains the plan."}},
        {"id": "rude", "text": "HARM: is rude", "points": -2, "comp": "PC", "judge": {"criterion": "[-2] The doctor is rude."}},
        {"id": "ecg", "text": "ECG", "points": 2, "comp": "PC", "pred": {"did": {"code": "ecg12"}}},
    ],
}
JUDGED = ("greets", "listens", "plans", "explains", "rude")

Tells = Callable[[str, str], Verdict]
"""What is said of (trajectory, item)."""


def truth(trajectory: str, item: str) -> Verdict:
    """A truth that is met in three of five."""
    return "met" if random.Random(f"{trajectory}/{item}").random() < 0.6 else "unmet"


def wrong(tells: Tells, *, share: float, name: str, only: str = "") -> Tells:
    """The same with a share of the verdicts the other way round; ``only`` where they were that."""

    def told(trajectory: str, item: str) -> Verdict:
        said = tells(trajectory, item)
        if random.Random(f"{name}/{trajectory}/{item}").random() < share and only in ("", said):
            return "met" if said == "unmet" else "unmet"
        return said

    return told


@dataclass
class Told:
    """A judge that says what it is told, or never decides."""

    name: str
    tells: Tells
    trajectory: str = ""

    def opinions(self, asks: Sequence[Ask], lines: Sequence[Line]) -> dict[str, Opinion]:
        return {ask.id: Opinion(self.tells(self.trajectory, ask.id), reason="told", data={"votes": []}) for ask in asks}


@dataclass
class Ward:
    """The stored run ``r`` of eight cases and two doctors."""

    store: Store
    places: tuple[str, ...]
    rubric: Rubric

    @property
    def known(self) -> list[Encounter]:
        return encounters(self.store, "r", rubric=self.rubric, places=self.places)

    def judge(self, name: str, tells: Tells, *, rubric: Rubric | None = None) -> None:
        """Let a judge score every encounter."""
        for one in self.known:
            trajectory = self.store.load(one.trajectory)
            card = score_with(one.case, trajectory, Told(name, tells, one.trajectory), rubric=rubric or self.rubric)
            assert self.store.add_score(one.trajectory, card)

    def people(self, rater: str, tells: Tells, *, cases: int = CASES, items: Sequence[str] = JUDGED) -> list[Label]:
        """Let a person label the items of the first cases."""
        some = [one for one in self.known if int(one.case.id.removeprefix("mini_")) < cases]
        labels = [Label(one.trajectory, item, tells(one.trajectory, item), rater) for one in some for item in items]
        store_labels(self.store, labels, known=some)
        return labels


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cases and the store, to be copied."""
    home = tmp_path_factory.mktemp("ward")
    text = (DATA / "mini.yaml").read_text()
    for number in range(CASES):
        (home / f"mini_{number}.yaml").write_text(text.replace("id: mini\n", f"id: mini_{number}\n", 1))
    store = Store(home / "r.db")
    store.begin_run("r", identity="same", config={"recipe": {"cases": []}})
    for case in recipes.load_cases([str(home)]):
        for name, agent in (("secret-agent-1", Golden(case)), ("secret-agent-2", Inert())):
            one = rollout(case, agent, name=name, run="r")
            store.save(one, score(case, one.events, one.outcome))
    store.close()
    return home


@pytest.fixture
def ward(played: Path, tmp_path: Path) -> Ward:
    shutil.copy(played / "r.db", tmp_path / "r.db")
    return Ward(Store(tmp_path / "r.db"), (str(played),), Rubric.model_validate(RUBRIC))
