"""Recipes choose cases, limits and rewards; they hold nothing else, and a slip is answered with the nearest name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from medsim import library
from medsim import recipe as recipes
from medsim.case import Case
from medsim.cli import content
from medsim.consult import Consult
from medsim.errors import CaseError
from medsim.recipe import Recipe, Reward, Select, load, load_cases
from tests.conftest import DATA

MINI = DATA / "mini.yaml"


def written(folder: Path, text: str, name: str = "own.yaml") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", library.names("envs"))
def test_every_shipped_recipe_loads_and_finds_cases(name: str) -> None:
    recipe = load(name)
    assert recipe.id == name
    assert recipe.title
    if recipe.data:
        with pytest.raises(CaseError, match="user's own copy"):
            recipe.listed()
    else:
        assert recipe.listed() == load_cases(recipe.cases, recipe.select)


def test_ones_own_recipe_takes_its_name_from_its_file(tmp_path: Path) -> None:
    recipe = load(written(tmp_path, "schema: medsim.env/1\nturns: 7\ntime: 30m\nreward: {minute: -0.01}\n"))
    assert (recipe.id, recipe.turns, recipe.time) == ("own", 7, 1800)
    assert recipe.reward == Reward(minute=-0.01)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("schema: medsim.env/1\nturn: 7\n", r"Did you mean 'turns'"),
        ("schema: medsim.env/1\nturns: 0\n", r"turns"),
        ("schema: medsim.env/1\ntime: 30\n", r"needs a unit"),
        ("schema: medsim.env/2\n", r"medsim\.env/1"),
        ("schema: medsim.env/1\nreward: {rubrik: 1}\n", r"Did you mean 'rubric'"),
        ("schema: medsim.env/1\nselect: {specialities: [x]}\n", r"Did you mean 'specialty'"),
    ],
)
def test_a_slip_is_answered_with_its_place_and_remedy(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(CaseError, match=says) as caught:
        load(written(tmp_path, text))
    assert "own.yaml:" in str(caught.value)


def test_what_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(CaseError, match="Did you mean 'Consult-v0'"):
        load("Consult-v1")
    with pytest.raises(CaseError, match="Did you mean 'winter-cough'"):
        recipes.case_named("winter-cogh")
    with pytest.raises(CaseError, match="Did you mean 'starter'"):
        load_cases(("startr",))


def test_limits_are_the_cases_own_unless_the_recipe_says_otherwise(mini: Case) -> None:
    assert Recipe().limits == (None, None)
    assert Recipe(turns=5).limits == (None, 5)
    assert Recipe.model_validate({"time": "10m"}).limits == (600, None)
    own = mini.encounters[0].limits
    assert Consult(mini, limits=(None, 5)).limits == own.model_copy(update={"turns": 5})
    assert Consult(mini, limits=(600, None)).limits == own.model_copy(update={"sim": 600})


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        ({}, True),
        ({"id": "mini"}, True),
        ({"id": "maxi"}, False),
        ({"specialty": "Emergency Medicine"}, True),
        ({"specialty": ["surgery", "emergency medicine"]}, True),
        ({"specialty": "surgery"}, False),
        ({"setting": "ed"}, True),
        ({"setting": "clinic"}, False),
        ({"population": "child"}, False),
        ({"tag": "TEST"}, True),
        ({"tag": "test", "setting": "clinic"}, False),
        ({"grade": "documented"}, False),
    ],
)
def test_a_case_is_taken_when_every_given_field_fits(mini: Case, chosen: dict[str, object], taken: bool) -> None:
    assert Select.model_validate(chosen).takes(mini) is taken


def test_a_selection_that_takes_nothing_says_so() -> None:
    with pytest.raises(CaseError, match="No case of starter fits the selection"):
        load_cases(("starter",), Select(specialty=("astrology",)))


def test_packs_files_and_ids_can_be_mixed_and_each_case_comes_once() -> None:
    found = load_cases(("winter-cough", str(MINI), "starter"))
    assert [case.id for case in found[:2]] == ["winter-cough", "mini"]
    assert len({case.id for case in found}) == len(found) == len(library.pack_files("starter")) + 1


def test_two_different_cases_of_one_id_are_refused(tmp_path: Path) -> None:
    other = written(tmp_path, MINI.read_text().replace("Ten a day.", "Twenty a day."), "mini.yaml")
    with pytest.raises(CaseError, match="Two different cases have the id 'mini'"):
        load_cases((str(MINI), other))
    assert len(load_cases((str(MINI), str(MINI)))) == 1


def test_a_case_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = Path(written(tmp_path, MINI.read_text(), "mini.yaml"))
    first = recipes.load_case(path)
    assert recipes.load_case(path) is first
    path.write_text(MINI.read_text().replace("Ten a day.", "Twenty a day."))
    os.utime(path, (1, 1))
    assert recipes.load_case(path).hash != first.hash


def test_who_imports_a_data_set_is_told_to_play_it_in_its_own_environment() -> None:
    own = [recipe for name in library.names("envs") if (recipe := load(name)).data]
    assert {recipe.data for recipe in own} >= {"agentclinic", "mediq", "medsp1000"}
    for recipe in own:
        assert f"--env {recipe.id} --cases FOLDER" in content._RUNS[recipe.data]
