"""The wheel and the sdist hold everything, and the installed wheel runs from another folder."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytest.importorskip("build", reason="the package 'build' is not installed (pip install medsim[dev])")
pytest.importorskip("hatchling", reason="the package 'hatchling' is not installed (pip install medsim[dev])")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return out


def content() -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for kind in ("cases", "rubrics", "envs", "agents")
        for path in (ROOT / kind).rglob("*")
        if path.is_file()
    }


def test_the_wheel_holds_all_content(built: Path) -> None:
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    assert content() <= {name.removeprefix("medsim/_content/") for name in names}
    assert "medsim/py.typed" in names


def test_the_sdist_holds_all_content_and_tests(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert content() <= names
    assert {"README.md", "LICENSE", "LICENSE-CONTENT", "tests/test_packaging.py", "medsim/__init__.py"} <= names


def test_the_installed_wheel_runs_from_another_folder(built: Path, tmp_path: Path) -> None:
    """Install without dependencies; those of this environment are lent through a path file."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(next(built.glob("*.whl")))]
    subprocess.run(pip, check=True, timeout=120)
    purelib = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], capture_output=True, text=True, check=True
    )
    lent = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    Path(purelib.stdout.strip(), "lent.pth").write_text("\n".join(lent))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    code = "import medsim, gymnasium as gym; print(medsim.__file__); env = gym.make('medsim/Consult-v0'); print(env.reset(seed=0)[1]['case_id'])"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", code], cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(home) in done.stdout.splitlines()[0]
    listed = subprocess.run(
        [str(python), "-m", "medsim", "cases", "--json"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "winter-cough" in listed.stdout
