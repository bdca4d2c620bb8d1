"""Which cases are drawn again together."""

from __future__ import annotations

from medsim.case import Case, load
from medsim.evaluation.groups import groups, groups_of
from tests.conftest import DATA

MINI = load(DATA / "mini.yaml")


def case(name: str, *, notes: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> Case:
    return MINI.model_copy(update={"id": name, "provenance": MINI.provenance.model_copy(update={"notes": notes, "flags": flags})})


def test_cases_of_one_source_are_a_group_and_a_case_by_itself_is_not_listed() -> None:
    one, two, alone = (
        case("b", notes=("doi:x", "split_group:94")),
        case("a", notes=("split_group:94",)),
        case("c", notes=("split_group:95",)),
    )
    assert groups([one, two, alone]) == {one.hash: "a", two.hash: "a"}


def test_a_case_that_repeats_another_stands_with_it_directly_or_over_others() -> None:
    first, again, third = case("first"), case("again", flags=("dup_of:first",)), case("third", flags=("dup_of:again",))
    assert set(groups([third, again, first, case("x")]).values()) == {"again"}
    assert set(groups([third, again, first])) == {first.hash, again.hash, third.hash}


def test_source_and_duplicate_join_into_one_group() -> None:
    listed = [case("a", notes=("split_group:1",)), case("b", notes=("split_group:1",), flags=("dup_of:c",)), case("c"), case("d")]
    assert groups(listed) == {each.hash: "a" for each in listed[:3]}


def test_two_cases_that_name_each_other_are_no_endless_search() -> None:
    here, there = case("here", flags=("dup_of:there",)), case("there", flags=("dup_of:here",))
    assert set(groups([here, there]).values()) == {"here"}


def test_a_duplicate_of_a_case_that_is_not_there_stands_alone() -> None:
    assert groups([case("a", flags=("dup_of:gone",)), case("b")]) == {}
    both = [case("a", flags=("dup_of:gone",)), case("b", flags=("dup_of:gone",))]
    assert set(groups(both)) == {each.hash for each in both}, "two copies of one original are one"


def test_a_run_that_was_stored_without_its_groups_reads_them_off_its_cases() -> None:
    assert groups_of({"groups": {"h": "g"}}) == {"h": "g"}
    assert groups_of({"recipe": {"cases": [str(DATA / "mini.yaml")]}}) == {}
    assert groups_of({"recipe": {"cases": ["/nowhere/at/all"]}}) is None
    assert groups_of({}) is None
