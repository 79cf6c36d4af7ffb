from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile

import pytest

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
