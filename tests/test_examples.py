"""The examples and the README's code run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_an_example_runs(path: Path) -> None:
    done = subprocess.run([sys.executable, path.name], cwd=path.parent, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "score" in done.stdout


def test_the_readme_python_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})


def test_the_readme_names_only_verbs_that_exist() -> None:
    from medsim.cli import _HOMES

    assert set(re.findall(r"`medsim ([a-z]+)", README)) <= set(_HOMES)


def test_ci_calls_the_test_command_of_the_readme() -> None:
    command = re.search(r"<!-- tests -->\n```sh\n(.*?)\n```", README, re.S)
    assert command
    assert "pytest" in command[1]
    assert "<!-- tests -->" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
