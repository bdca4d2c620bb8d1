"""The examples that train run, print their table and save what they say."""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "rl"
QUICK = {
    "baselines.py": (["--world", "trap"], ["baselines.png"], ()),
    "imitation.py": (["--world", "random", "--steps", "2000"], ["imitation.png", "imitation.npz"], ()),
    "ppo_inquiry.py": (["--steps", "4000", "--envs", "64"], ["ppo_inquiry.png"], ("torch",)),
    "maskable_ppo.py": (["--world", "trap", "--steps", "8192"], ["maskable_ppo.png"], ("torch", "sb3_contrib")),
    "memorisation.py": (["--steps", "4000"], ["memorisation.png"], ()),
    "grpo_inquiry.py": (
        ["--traces", "20", "--steps", "2", "--groups", "4", "--group", "4", "--seeds", "1"],
        ["grpo_inquiry.png"],
        ("torch",),
    ),
}


@pytest.mark.parametrize("name", QUICK)
def test_an_example_trains_and_shows_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process: to import torch anew for each would take longer than the trainings."""
    arguments, files, needs = QUICK[name]
    lacking = [package for package in needs if importlib.util.find_spec(package) is None]
    if lacking:
        pytest.skip(f"{' and '.join(lacking)} not installed (extra rl)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name, *arguments, "--patients", "200"])
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    runpy.run_path(str(FOLDER / name), run_name="__main__")
    out = capsys.readouterr().out
    assert "return (score)" in out
    assert "greedy, until 0.9" in out
    assert all((tmp_path / file).stat().st_size > 1000 for file in files)
