"""What is said of a changed configuration when a run is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medsim.errors import StoreError
from medsim.evaluation import Seats, evaluate
from medsim.llm import Scripted
from medsim.recipe import Recipe
from medsim.store import Store
from medsim.store.changes import difference
from tests.conftest import DATA

MINI = str(DATA / "mini.yaml")
CONFIG: dict[str, Any] = {
    "medsim": "1", "agents": {"chat": "a" * 16, "own:Doctor": ""}, "cases": {"x": "1" * 64, "y": "2" * 64}, "models": {"doctor": "openai/a"},
    "patient": "scripted", "recipe": {"bias": "", "persona": {}, "turns": None}, "seed": 0,
}  # fmt: skip
CHANGES = [
    ({"seed": 5}, "seed: 0 -> 5"),
    ({"medsim": "2"}, "version of medsim: 1 -> 2"),
    ({"patient": "role"}, "patient: scripted -> role"),
    ({"models": {"doctor": "openai/b"}}, "model of the doctor: openai/a -> openai/b"),
    ({"models": {"doctor": "openai/a", "patient": "openai/c"}}, "model of the patient is new (openai/c)"),
    ({"models": {}}, "model of the doctor is gone (openai/a)"),
    ({"agents": {"chat": "b" * 16, "own:Doctor": ""}}, "agent 'chat' has changed"),
    ({"agents": {"chat": "a" * 16}}, "agent 'own:Doctor' is gone"),
    ({"cases": {"x": "3" * 64}}, "case 'x' has changed; case 'y' is gone"),
    ({"recipe": {"bias": "recency", "persona": {"recall": "low"}, "turns": 6}},
     "environment 'bias': nothing -> recency; environment 'persona' 'recall' is new (low); environment 'turns': nothing -> 6"),
    ({"patient": {"kind": "role"}}, "patient: scripted -> {'kind': 'role'}"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), CHANGES, ids=[words for _, words in CHANGES])
def test_each_change_is_told_in_words(change: dict[str, Any], words: str) -> None:
    assert difference(CONFIG, CONFIG | change) == words


def test_many_changes_of_one_kind_are_counted() -> None:
    said = difference(CONFIG | {"cases": {}}, CONFIG | {"cases": {f"c{i}": "1" * 64 for i in range(500)}})
    assert said.endswith("494 more changes of cases")
    assert len(said) < 300


def test_a_run_with_models_is_not_resumed_with_another_model_patient_bias_or_persona(tmp_path: Path) -> None:
    store, llm = Store(tmp_path / "r.db"), Scripted(["end:"] * 9)
    recipe = Recipe(id="R", cases=(MINI,), patient="role")
    seats = Seats(llm, "role", (("doctor", "openai/a"), ("patient", "openai/p")))
    evaluate(["chat"], recipe=recipe, store=store, run="r", seats=seats)

    def again(recipe: Recipe = recipe, models: tuple[tuple[str, str], ...] = seats.models, agent: str = "chat") -> str:
        with pytest.raises(StoreError) as refused:
            evaluate([agent], recipe=recipe, store=store, run="r", resume=True, seats=seats._replace(models=models))
        return str(refused.value)

    assert "model of the doctor: openai/a -> openai/b" in again(models=(("doctor", "openai/b"), ("patient", "openai/p")))
    assert "patient: role -> voiced" in again(recipe.model_copy(update={"patient": "voiced"}))
    assert "environment 'bias' is new (self_diagnosis)" in again(recipe.model_copy(update={"bias": "self_diagnosis", "target": "flu"}))
    assert "persona" in again(recipe.model_copy(update={"persona": {"recall": "low"}}))
    assert "agent 'chat' is gone; agent 'tools' is new" in again(agent="tools")
    assert evaluate(["chat"], recipe=recipe, store=store, run="r", resume=True, seats=seats).kept == 1, "what has not changed is resumed"
