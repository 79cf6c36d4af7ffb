from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from course.shipped import CLONE

pytestmark = pytest.mark.slow


def run(*command, cwd, **variables):
    """Run a command outside of the clone, and show all it said where it fails."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=CLONE)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder with the programs of an environment that holds the wheel and what it asks for, in locked versions."""
    folder = tmp_path_factory.mktemp("empty")
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "-q", "--python", sys.executable, folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    run(*uv, "pip", "install", "-q", "--python", python, "-c", CLONE / "requirements.lock", wheel, cwd=folder)
    return python.parent


def test_the_wheel_carries_the_notebooks_the_solutions_and_the_compose_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "course/_shipped/compose.yaml" in names
    for each in ("notebooks", "solutions"):
        ours = {f"course/_shipped/{each}/{path.name}" for path in (CLONE / each).glob("*.ipynb")}
        assert ours == {
            name for name in names if name.startswith(f"course/_shipped/{each}/") and name.endswith(".ipynb")
        }


def test_the_wheel_carries_every_bug_and_no_lesson_source(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    patches = {str(path.relative_to(CLONE)) for path in (CLONE / "course" / "subjects").rglob("*.patch")}
    assert patches <= names
    assert not [name for name in names if name.startswith("course/lessons/")]


def test_the_wheel_alone_opens_a_workspace_and_runs_the_first_lesson(installed, tmp_path):
    folder = tmp_path / "my lessons"
    said = run(installed / "course", "lab", folder, "--version", cwd=tmp_path)
    assert said.strip().splitlines()[-1][0].isdigit(), "JupyterLab's version"
    lessons = sorted(folder.glob("*.ipynb"))
    assert [path.name for path in lessons] == sorted(path.name for path in (CLONE / "notebooks").glob("*.ipynb"))
    if not lessons:
        pytest.skip("no lesson is written yet")
    assert "untouched" in run(installed / "course", "status", "--folder", folder, cwd=tmp_path, COLUMNS="200")
    run(installed / "jupyter", "execute", "--inplace", lessons[0], cwd=folder, JUPYTER_PREFER_ENV_PATH="1")
    cells = json.loads(lessons[0].read_text())["cells"]
    assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")


def test_the_wheel_s_environment_is_one_of_its_own(installed, tmp_path):
    where = run(installed / "python", "-c", "import course; print(course.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)
