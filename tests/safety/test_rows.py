"""Every row of medication safety: it holds on the least example, and not when any one part of that example is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from medsim.safety import Background, Drug, Row, check, content, drug, row_named
from medsim.safety.check import of_entry
from medsim.vocabulary import entries

ROWS = content().rows
GIVEN = [entry for entry in entries().values() if entry.kind == "treat"]
LEAST = {"interactions": 55, "contraindications": 40, "allergies": 10, "kidney": 15, "doses": 25, "pregnancy": 15, "ages": 6}


def drugs_of(tags: tuple[str, ...]) -> list[Drug]:
    return [of_entry(entry) for entry in GIVEN if not {entry.code, *entry.groups}.isdisjoint(tags)]


def example(row: Row, given: Drug) -> tuple[Drug, Background]:
    """The least that makes a row hold for a drug."""
    args: dict[str, Any] = {name: bound * 1.01 for name, bound in row.over.items()}
    if row.route:
        args["route"] = row.route[0]
    other = row.with_ if not given.tags.isdisjoint(row.drugs) else row.drugs
    known = Background(
        drugs=tuple(one for one in drugs_of(other) if one.code != given.code)[:1] if row.with_ else (),
        conditions=(content().conditions[row.condition[0]][0],) if row.condition else (),
        allergies=row.allergy[:1],
        pregnant=row.pregnant,
        age=row.age_below * 0.9 if row.age_below else row.age_from,
        egfr=row.egfr_below - 1 if row.egfr_below else None,
    )
    return replace(given, args=args), known


def neighbours(row: Row, given: Drug, known: Background) -> dict[str, tuple[Drug, Background]]:
    """The example with one part changed."""
    changed: dict[str, tuple[Drug, Background]] = {"another drug": (replace(given, code="oral_rehydration", groups=()), known)}
    if row.with_:
        changed["no other drug"] = (given, replace(known, drugs=()))
        changed["another other drug"] = (given, replace(known, drugs=(drug("oral rehydration"),)))
        changed["the same drug twice"] = (given, replace(known, drugs=(given,)))
    if row.condition:
        changed["no condition"] = (given, replace(known, conditions=()))
        changed["another condition"] = (given, replace(known, conditions=("hay fever",)))
    if row.allergy:
        changed["no allergy"] = (given, replace(known, allergies=()))
        changed["another allergy"] = (given, replace(known, allergies=("latex", "peanuts")))
    if row.egfr_below:
        changed["eGFR at the bound"] = (given, replace(known, egfr=row.egfr_below))
        changed["eGFR not known"] = (given, replace(known, egfr=None))
    if row.pregnant:
        changed["not pregnant"] = (given, replace(known, pregnant=False))
        changed["not known to be pregnant"] = (given, replace(known, pregnant=None))
    if row.age_below:
        changed["old enough"] = (given, replace(known, age=row.age_below))
    if row.age_from:
        changed["too young"] = (given, replace(known, age=row.age_from - 1))
    if row.age_below or row.age_from:
        changed["age not known"] = (given, replace(known, age=None))
    if row.over:
        changed["at the bound"] = (replace(given, args={**given.args, **row.over}), known)
        changed["no dose"] = (replace(given, args={name: value for name, value in given.args.items() if name == "route"}), known)
    if row.route:
        changed["another route"] = (replace(given, args={**given.args, "route": "top"}), known)
        changed["no route"] = (replace(given, args={name: value for name, value in given.args.items() if name != "route"}), known)
    for name in row.unless:
        changed[f"in {name}"] = (given, replace(known, conditions=(*known.conditions, content().conditions[name][0])))
    return changed


def found(row: Row, given: Drug, known: Background) -> bool:
    return row.id in {finding.row for finding in check(given, known)}


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[row.id for _, row in ROWS])
def test_a_row_holds_on_its_example_and_not_on_its_neighbours(kind: str, row: Row) -> None:
    wanted = drugs_of(row.drugs)
    assert wanted
    for plain in wanted:
        given, known = example(row, plain)
        assert found(row, given, known), plain.code
        (finding,) = [finding for finding in check(given, known) if finding.row == row.id]
        assert (finding.kind, finding.severity, finding.drug) == (kind, row.severity, given.code)
        assert finding.because
        assert finding.sources
    given, known = example(row, wanted[0])
    held = [what for what, (other, person) in neighbours(row, given, known).items() if found(row, other, person)]
    assert held in ([], ["the same drug twice"] if row.with_ == row.drugs else [])
    if row.with_:
        back, person = example(row, known.drugs[0])
        assert found(row, back, person.with_drugs(given)), "whichever is ordered last"


@pytest.mark.parametrize(
    ("kind", "row"), [(kind, row) for kind, row in ROWS if row.condition or row.unless], ids=lambda part: getattr(part, "id", "")
)
def test_every_name_of_a_condition_is_understood(kind: str, row: Row) -> None:
    given, known = example(row, drugs_of(row.drugs)[0])
    for condition in row.condition:
        for name in content().conditions[condition]:
            assert found(row, given, replace(known, conditions=(f"History of {name.capitalize()}, since 2009.",)))


def test_there_are_enough_rows_of_every_kind_each_with_title_and_year() -> None:
    counted = {kind: sum(other == kind for other, _ in ROWS) for kind in LEAST}
    assert {kind: count for kind, count in counted.items() if count < LEAST[kind]} == {}
    used = {name for _, row in ROWS for name in row.sources}
    assert {source.id for source in content().sources} - used == set(), "no source stands there unused"
    assert {name for _, row in ROWS for name in (*row.condition, *row.unless)} == set(content().conditions)


def test_every_part_is_turned_by_some_row() -> None:
    for part in ("with_", "condition", "allergy", "egfr_below", "pregnant", "age_from", "age_below", "route", "over", "unless"):
        assert any(getattr(row, part) for _, row in ROWS), part
    assert row_named("nitrate_pde5").severity == "contraindicated"
