"""`medsim run`: who sits in the patient's seat, said on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from medsim.cli import main
from medsim.store import Store
from tests.conftest import DATA


def test_kind_and_persona_of_the_patient_are_checked_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ["run", "--agents", "inert", "--cases", str(DATA / "mini.yaml"), "--store", str(tmp_path / "runs.db")]
    for more, says in (
        (["--patient-kind", "rol"], "Did you mean 'role'"),
        (["--patient-kind", "role"], "needs a language model"),
        (["--persona", "recal=low"], "Did you mean 'recall'"),
        (["--persona", "recall"], "axis=level"),
    ):
        assert main([*start, *more]) == 2
        assert says in capsys.readouterr().err
    assert main([*start, "--persona", "recall=low", "--run", "low"]) == 0
    assert Store(tmp_path / "runs.db").runs()[0]["config"]["persona"] == {"recall": "low"}
