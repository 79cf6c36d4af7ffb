from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from course.authoring.render import LESSONS
from course.authoring.suites import exercise_files
from course.notebook.export import project_around, project_around_all
from course.syllabus import syllabus

WITH_EXERCISES = {lesson.number: lesson for lesson in syllabus().lessons if lesson.exercises}
# The commands of a README as they stand there; uv does what venv and pip are asked for, in a second
COMMANDS = """
set -euo pipefail
python() { case "$2" in pip) uv pip "${@:3}" --quiet --python .venv/bin/python;; *) command python "$@";; esac; }
python3() { uv venv --quiet --python PYTHON .venv; }
uv() { PYTHON -m uv "$@"; }
"""

pytestmark = pytest.mark.slow  # each of them starts programs; `make check` has the quick ones

MISSING = (
    "%%exercise 6.1",
    "def test_a_missing_user_is_not_found(client):",
    "    answer = client.get(f'/users/{9**5}')",
    "    assert answer.status_code == 404",
    "    assert answer.json()['detail'] == 'User not found'",
)
EASY = ("%%exercise 6.2", "def test_easy(): assert True")


def test_an_export_passes_under_plain_pytest(lesson, tmp_path):
    lesson.run(*MISSING)
    lesson.run(*EASY)
    said = lesson.run('course.export("06")')
    folder = tmp_path / "exports" / "06_test_an_api"
    assert str(folder) in said.text
    assert "not solved yet, and written as they are: 6.2" in said.text
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout
    required = (folder / "requirements.txt").read_text()
    assert "fastapi==" in required
    assert "psycopg2-binary==" in required
    assert "users" not in required
    assert "bugs" not in {path.name for path in folder.rglob("*")}


def test_the_passing_cell_is_exported_rather_than_a_later_red_one(lesson, tmp_path):
    lesson.run(*MISSING)
    lesson.run("%%exercise 6.1", "def test_red(): assert False")
    said = lesson.run('course.export("06")')
    assert "not run yet, and left out: 6.2" in said.text
    assert "9**5" in (tmp_path / "exports" / "06_test_an_api" / "tests" / "test_6_1.py").read_text()


def test_the_same_export_again_writes_no_second_folder_and_a_changed_one_is_kept(lesson, tmp_path):
    lesson.run(*EASY)
    lesson.run('course.export("06")')
    lesson.run('course.export("06")')
    exports = tmp_path / "exports"
    assert [path.name for path in exports.iterdir()] == ["06_test_an_api"]
    mine = exports / "06_test_an_api" / "tests" / "test_6_2.py"
    mine.write_text("# mine\n")
    lesson.run('course.export("06")')
    assert mine.read_text() == "# mine\n"
    assert (exports / "06_test_an_api-2" / "tests" / "test_6_2.py").exists()


def test_nothing_to_export_is_told(kernel):
    assert "No cell of lesson 06 has run yet" in kernel.run('course.export("06")').printed


def test_a_hand_in_is_a_zip_with_a_manifest(lesson, tmp_path):
    lesson.run(*EASY)
    said = lesson.run('course.hand_in("06")')
    (path,) = (tmp_path / "handed_in").iterdir()
    assert str(path) in said.text
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("submission.json"))
        assert set(archive.namelist()) == {"submission.json", *manifest["files"]}
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert manifest["lesson"] == "06_test_an_api"
    assert set(manifest["files"]) == {"tests/conftest.py", "tests/test_6_2.py", "pyproject.toml"}


def test_a_folder_can_be_handed_in(kernel, tmp_path):
    folder = tmp_path / "mine"
    (folder / ".venv").mkdir(parents=True)
    (folder / "test_mine.py").write_text("def test_it(): pass\n")
    (folder / ".venv" / "test_not.py").write_text("")
    said = kernel.run(f'course.hand_in("06", {str(folder)!r})')
    assert "`test_mine.py`" in said.text
    assert "test_not" not in said.text


def test_a_folder_without_tests_is_told(kernel, tmp_path):
    assert "There is no test file in" in kernel.run(f"course.hand_in('06', {str(tmp_path)!r})").printed


@pytest.mark.parametrize("verb", ["export", "hand_in", "quiz", "begin"])
def test_each_verb_suggests_the_nearest_lesson(kernel, verb):
    assert 'Did you mean "06_test_an_api"?' in kernel.run(f'course.{verb}("06_test_api")').printed


def test_all_lessons_are_exported_as_one_project(lesson, tmp_path):
    lesson.run(*MISSING)
    lesson.run(*EASY)
    said = lesson.run('course.export("all")')
    folder = tmp_path / "exports" / "whole_path"
    assert str(folder) in said.text
    assert "The whole path" in said.text
    assert "not run yet, and left out: 1.1, 4.1" in said.text
    names = {path.relative_to(folder).as_posix() for path in (folder / "tests").rglob("*.py")}
    assert names == {f"tests/lesson_06/{name}.py" for name in ("conftest", "test_6_1", "test_6_2")}
    assert "What you wrote in the course" in (folder / "README.md").read_text()


def test_nothing_of_any_lesson_to_export_is_told(kernel):
    assert "No cell of any lesson has run yet" in kernel.run('course.export("all")').printed


@pytest.fixture
def whole(tmp_path):
    """The export of the whole path as it is solved, and the commands that its README names."""
    works = [(lesson, solved(lesson)) for lesson in WITH_EXERCISES.values()]
    write_files(tmp_path, project_around_all(works))
    return re.findall(r"```\n(.*?)```", (tmp_path / "README.md").read_text(encoding="utf-8"), re.DOTALL)


def test_a_lesson_in_another_language_has_a_project_of_its_own_in_the_whole(whole, tmp_path):
    told = (tmp_path / "README.md").read_text(encoding="utf-8")
    others = [each for each in WITH_EXERCISES.values() if {one.language for one in each.exercises} != {"python"}]
    assert others
    for lesson in others:
        assert f"- `{lesson.slug}/`: *{lesson.title}*." in told
        assert (tmp_path / lesson.slug / "README.md").is_file()


def test_without_docker_the_whole_path_runs_as_its_readme_says(whole, tmp_path):
    ran = type_in(tmp_path, whole[-1], DOCKER_HOST="unix:///nowhere.sock")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout
    assert " failed" not in ran.stdout


def solved(lesson):
    path = LESSONS / f"{lesson.slug}.py"
    return {each.id: exercise_files(lesson, each, path) for each in lesson.exercises}


def write_files(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def written(tmp_path):
    """Writes a lesson's export, with its exercises as they are solved; returns the commands that its README names."""

    def write(lesson):
        write_files(tmp_path, project_around(lesson, solved(lesson)))
        return re.findall(r"```\n(.*?)```", (tmp_path / "README.md").read_text(encoding="utf-8"), re.DOTALL)

    return write


def type_in(folder, commands, **environment):
    """Do what the README says, in a shell that knows nothing of the course; a DATABASE_URL is none of its concern."""
    known = {name: os.environ[name] for name in os.environ if name in {"PATH", "HOME", "UV_SYSTEM_CERTS"}}
    pip = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "PIP_", "SSL_"))}
    if (folder / "conftest.py").exists():
        environment["DATABASE_URL"] = "postgresql://nobody@production.invalid/customers"
    known |= pip | environment
    script = COMMANDS.replace("PYTHON", sys.executable) + commands
    shell = ["bash", "-c", script]
    return subprocess.run(shell, cwd=folder, env=known, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("number", WITH_EXERCISES)
def test_without_docker_an_export_runs_as_its_readme_says(written, tmp_path, number):
    commands = written(WITH_EXERCISES[number])[-1]
    ran = type_in(tmp_path, commands, DOCKER_HOST="unix:///nowhere.sock")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout + ran.stderr


@pytest.mark.docker
@pytest.mark.parametrize("number", [number for number, each in WITH_EXERCISES.items() if each.services])
def test_with_docker_an_export_runs_in_a_fresh_environment_as_its_readme_says(docker_engine, written, tmp_path, number):
    commands = written(WITH_EXERCISES[number])
    assert len(commands) == 2, "it says what to do without Docker, too"
    ran = type_in(tmp_path, commands[0])
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout + ran.stderr  # where jest says it
    assert not list(tmp_path.glob("*.db"))
