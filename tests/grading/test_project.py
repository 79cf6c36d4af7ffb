"""The project is found in what was handed in: its root, its notebook, and what is no part of it."""

from __future__ import annotations

import json

import pytest

from course.grading.cells import suite_files
from course.grading.loading import SubmissionError
from course.grading.submission import find_submissions, load

TEST, CONFTEST = "def test_a(): pass\n", "x = 1\n"
SUITE = {"conftest.py": CONFTEST, "test_a.py": TEST}
PROGRAM = "def create_app(url): ...\n"
SET_ASIDE = "Its own copy of todo_api was set aside: the grader brings the program."


def under(prefix, files):
    return {f"{prefix}{name}": text for name, text in files.items()}


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": source} for source in cells]})


WORKED = notebook("%%conftest\nx = 1", f"%%exercise 14.1\n{TEST}")
STUB = notebook(
    "%%conftest\nx = 1", '%%exercise 14.1\ndef test_a():\n    raise NotImplementedError("TODO 14.1: write")'
)
OTHER = notebook(f"%%exercise 6.1\n{TEST}")


@pytest.fixture
def read(classroom, tmp_path):
    """The files of the one hand-in, from its root, and what is said of them."""

    def read(files):
        classroom.write(tmp_path / "class" / "ada", files)
        (submission,) = find_submissions([tmp_path / "class"], each=True)
        loaded = load(submission, tmp_path / "read", "todo_api")
        root = loaded.suite.folder
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py")), list(loaded.notes)

    return read


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (under("project/", under("tests/", SUITE)), ["tests/conftest.py", "tests/test_a.py"]),
        ({"README.md": "", **under("project/", SUITE)}, ["conftest.py", "test_a.py"]),
        ({"pytest.ini": "", "README.md": "", **under("e2e/", SUITE)}, ["e2e/conftest.py", "e2e/test_a.py"]),
        ({"a/tox.ini": "[pytest]", **under("a/e2e/", SUITE), "b/x.js": ""}, ["e2e/conftest.py", "e2e/test_a.py"]),
        ({"tests/pytest.ini": "[pytest]\npython_files = check_*.py", "tests/check_a.py": TEST}, ["check_a.py"]),
        ({"e2e/test_a.py": "from e2e.x import y", "e2e/x.py": ""}, ["e2e/test_a.py", "e2e/x.py"]),
        ({"src/e2e/test_a.py": "open('src/e2e/data.json')"}, ["src/e2e/test_a.py"]),
        ({"pytest.ini": "[pytest]\npython_files = check_*.py", "checks/check_a.py": TEST}, ["checks/check_a.py"]),
        ({"pyproject.toml": "[project]", **under("e2e/", SUITE)}, ["conftest.py", "test_a.py"]),
    ],
)  # fmt: skip
def test_the_root_is_where_the_settings_lie_and_where_pytest_was_run(read, files, found):
    assert read(files) == (found, [])


def test_settings_of_several_parts_are_told_and_not_read(read):
    files = {**under("a/", {"pytest.ini": "", **SUITE}), **under("b/", {"pytest.ini": "", **SUITE})}
    found, notes = read(files)
    assert len(found) == 4
    assert notes == ["Settings of a part were not read: a, b. Hand in the part that counts."]


def test_what_tools_leave_behind_is_no_test(read):
    files = {
        **SUITE, "._test_a.py": "\0", "env/pyvenv.cfg": "", "env/lib/test_x.py": "", "conda/conda-meta/history": "",
        "conda/test_y.py": "", "__pycache__/test_z.py": "",
    }  # fmt: skip
    assert read(files) == (["conftest.py", "test_a.py"], [])


def test_an_environment_in_a_zip_is_no_test(classroom, tmp_path):
    files = {**under("p/", SUITE), "p/my env/pyvenv.cfg": "", "p/my env/lib/test_x.py": "", "p/._test_a.py": "\0"}
    classroom.zipped(tmp_path / "ada.zip", files)
    (submission,) = find_submissions([tmp_path / "ada.zip"])
    root = load(submission, tmp_path / "read", "todo_api").suite.folder
    assert sorted(path.name for path in root.rglob("*") if path.is_file()) == ["conftest.py", "test_a.py"]


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        ({"src/todo_api/__init__.py": "", "src/todo_api/main.py": PROGRAM}, []),
        ({"todo_api/__init__.py": ""}, []),
        ({"todo_api.py": PROGRAM}, []),
        ({"todo_api/main.py": PROGRAM, "todo_api/tests/test_b.py": TEST}, ["todo_api/tests/test_b.py"]),
    ],
)
def test_a_copy_of_the_program_is_set_aside_but_for_tests_in_it(read, files, kept):
    assert read({**SUITE, **files}) == ([*SUITE, *kept], [SET_ASIDE])


@pytest.mark.parametrize(
    "files",
    [
        {"tests/__init__.py": "", "tests/todo_api/__init__.py": "", "tests/todo_api/test_b.py": TEST},
        {"tests/todo_api/test_b.py": TEST, "tests/todo_api/client.py": "x = 1\n"},
        {"tests/__init__.py": "", "tests/todo_api.py": "x = 1\n"},
    ],
)
def test_a_folder_of_tests_that_is_called_as_the_program_is_no_copy_of_it(read, files):
    assert read({**SUITE, **files}) == (sorted({**SUITE, **files}), [])


@pytest.mark.parametrize(
    "files",
    [
        {"14_challenge_todo.ipynb": WORKED},
        {"14_challenge_todo.ipynb": WORKED, "14_challenge_todo-Copy1.ipynb": notebook("x = 1")},
        {"14_challenge_todo.ipynb": WORKED, "14_challenge_todo-Copy1.ipynb": WORKED},
        {"14_challenge_todo.ipynb": WORKED, "pictures/x.txt": "x", "conftest.py": ""},
        {"06_test_an_api.ipynb": OTHER, "14_challenge_todo.ipynb": WORKED, "broken.ipynb": "{"},
        {"notebooks/14_challenge_todo.ipynb": WORKED, "README.md": "x"},
    ],
)
def test_the_notebook_of_the_challenge_is_found_among_others(read, files):
    assert read(files) == (["conftest.py", "test_14_1.py"], [])


def test_of_two_notebooks_the_one_that_was_worked_in_counts_and_is_told(read):
    files = {"14_challenge_todo.ipynb": STUB, "14_challenge_todo-Copy1.ipynb": WORKED}
    found, notes = read(files)
    assert found == ["conftest.py", "test_14_1.py"]
    assert notes == [
        "Of 2 notebooks of the challenge the one that was worked in counts: 14_challenge_todo-Copy1.ipynb."
    ]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.ipynb": WORKED, "b.ipynb": WORKED.replace("test_a", "test_b")}, "2 notebooks of the challenge: a.ipynb"),
        ({"06.ipynb": OTHER, "07.ipynb": OTHER}, "None of its notebooks is the challenge's: 06.ipynb, 07.ipynb"),
        ({"main.py": "x = 1\n", "notes.txt": "x"}, "It holds: main.py, notes.txt"),
    ],
)  # fmt: skip
def test_what_was_found_is_named_where_nothing_can_be_graded(read, files, said):
    with pytest.raises(SubmissionError, match=said):
        read(files)


def test_test_files_count_before_a_notebook_and_that_is_told(read):
    found, notes = read({**SUITE, "14_challenge_todo.ipynb": WORKED})
    assert found == ["conftest.py", "test_a.py"]
    assert notes == ["The test files count, and not the cells of 14_challenge_todo.ipynb."]


def test_an_exercise_stands_on_the_last_conftest_cell_above_it():
    first, second = "from __future__ import annotations\nx = 1\n", "from __future__ import annotations\nx = 2\n"
    cells = [f"%%conftest\n{first}", f"%%exercise 14.1\n{TEST}", f"%%conftest\n{second}", f"%%exercise 14.2\n{TEST}"]
    assert suite_files(notebook(*cells)) == {
        "conftest_1/conftest.py": first,
        "conftest_1/test_14_1.py": TEST,
        "conftest_2/conftest.py": second,
        "conftest_2/test_14_2.py": TEST,
    }
    assert suite_files(notebook(cells[0], cells[2], cells[1], cells[3])) == {
        "conftest.py": second, "test_14_1.py": TEST, "test_14_2.py": TEST,
    }  # fmt: skip


def test_a_copy_of_the_program_is_kept_apart_and_what_mirrors_it_is_none(classroom, tmp_path):
    program = {"todo_api/__init__.py": "from .app import create_app\n", "todo_api/app.py": "def create_app(url): ...\n"}
    for name, files in (("ada", program), ("bob", {"todo_api/test_a.py": "", "todo_api/helper.py": "x = 1\n"})):
        classroom.write(tmp_path / name, {"test_a.py": classroom.WEAK, **files})
    found = {each.name: load(each, tmp_path / "read" / each.name, "todo_api") for each in find_submissions([tmp_path])}
    assert {name: dict(loaded.program) for name, loaded in found.items()} == {"ada": program, "bob": {}}
