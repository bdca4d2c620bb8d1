"""A part as an author would write it: short, with its units, and the same when it is read again."""

from __future__ import annotations

import pytest

from medsim import recipe
from medsim.case import Case, Limits, authored
from medsim.case.part import Part
from medsim.case.person import Fact

CASE = recipe.case_named("chest-vice")


def test_durations_are_written_with_their_units() -> None:
    assert authored(Limits(sim="1h30m", turns=7)) == {"sim": "1h30m", "turns": 7}  # type: ignore[arg-type]


def test_what_nobody_set_is_left_out_and_what_was_set_to_its_default_is_kept() -> None:
    assert authored(Limits()) == {}
    assert authored(Limits(turns=60)) == {"turns": 60}
    assert set(authored(Fact(id="moon", tier="ask", say=("Never.",)))) == {"id", "tier", "say"}


@pytest.mark.parametrize("part", [CASE, CASE.encounters[0], CASE.patient, CASE.rubric], ids=lambda part: type(part).__name__)
def test_what_is_written_reads_back_to_an_equal_part(part: Part) -> None:
    written = authored(part)
    assert written
    assert type(part).model_validate(written) == part


def test_a_key_that_is_written_in_another_name_keeps_it() -> None:
    assert authored(CASE)["schema"] == "medsim.case/1"
    assert "schema_" not in authored(CASE)
    assert isinstance(Case.model_validate(authored(CASE)), Case)
