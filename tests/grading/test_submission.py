"""Submissions are found, told apart and read, whatever strangers put into them."""

from __future__ import annotations

import json
import os

import pytest

from course.grading.loading import SubmissionError
from course.grading.submission import NoSubmissionsError, find_submissions, load

TEST = {"test_a.py": "def test_a(): pass\n"}


def read(path, tmp_path):
    (submission,) = find_submissions([path])
    return load(submission, tmp_path / "read", "todo_api")


def files(loaded):
    return sorted(
        str(path.relative_to(loaded.suite.folder)) for path in loaded.suite.folder.rglob("*") if path.is_file()
    )


def test_each_entry_of_a_folder_without_tests_is_a_submission(classroom, tmp_path):
    classroom.good(tmp_path / "class" / "ada")
    classroom.zipped(tmp_path / "class" / "bob.zip", TEST)
    assert [(s.name, s.kind) for s in find_submissions([tmp_path / "class"])] == [("ada", "folder"), ("bob", "zip")]


def test_a_folder_with_tests_is_one_submission(classroom, tmp_path):
    classroom.contained(tmp_path / "ada")
    assert [s.name for s in find_submissions([tmp_path / "ada"])] == ["ada"]


def test_the_folder_of_reports_is_no_submission(classroom, tmp_path):
    classroom.good(tmp_path / "class" / "ada")
    (tmp_path / "class" / "grades").mkdir()
    found = find_submissions([tmp_path / "class"], tmp_path / "class" / "grades")
    assert [submission.name for submission in found] == ["ada"]


def test_two_with_one_name_are_told_apart(classroom, tmp_path):
    classroom.good(tmp_path / "class" / "ada")
    classroom.zipped(tmp_path / "class" / "ada.zip", TEST)
    found = find_submissions([tmp_path / "class"])
    assert [s.name for s in found] == ["ada", "ada (2)"]
    assert len({s.folder for s in found}) == 2


def test_names_are_made_safe_to_show_and_to_use(classroom, tmp_path):
    (tmp_path / "class").mkdir()
    classroom.write(tmp_path / "class" / "a\x1b[31mb", TEST)
    (tmp_path / "class" / "caf\udce9").mkdir()
    found = find_submissions([tmp_path / "class"])
    assert [s.name for s in found] == ["a\\x1b[31mb", "caf\\xe9"]
    assert all(s.folder.isascii() and "/" not in s.folder for s in found)


def test_nothing_to_grade_is_said(tmp_path):
    with pytest.raises(NoSubmissionsError):
        find_submissions([tmp_path])


def test_the_only_folder_in_a_zip_is_gone_into(classroom, tmp_path):
    path = classroom.zipped(tmp_path / "ada.zip", {"project/tests/test_a.py": "x", "__MACOSX/test_a.py": "x"})
    assert files(read(path, tmp_path)) == ["tests/test_a.py"]


def test_a_notebook_is_its_conftest_and_its_exercises(tmp_path):
    cells = ["import course", "%%conftest\nx = 1\n", "%%exercise 14.2\ndef test_a(): pass\n"]
    notebook = {"cells": [{"cell_type": "code", "source": source} for source in cells]}
    (tmp_path / "ada.ipynb").write_text(json.dumps(notebook))
    loaded = read(tmp_path / "ada.ipynb", tmp_path)
    assert files(loaded) == ["conftest.py", "test_14_2.py"]


def test_a_copy_of_the_program_is_set_aside(classroom, tmp_path):
    path = classroom.write(tmp_path / "ada", {**TEST, "src/todo_api/__init__.py": "", "todo_api.py": ""})
    loaded = read(path, tmp_path)
    assert files(loaded) == ["test_a.py"]
    assert "set aside" in loaded.notes[0]


def test_links_are_not_followed(classroom, tmp_path):
    folder = classroom.write(tmp_path / "ada", TEST)
    (folder / "passwd.py").symlink_to("/etc/passwd")
    (folder / "above").symlink_to("..")
    loaded = read(folder, tmp_path)
    assert files(loaded) == ["test_a.py"]
    assert len(loaded.notes) == 2


def test_a_pipe_in_a_folder_holds_nobody_up(classroom, tmp_path):
    folder = classroom.write(tmp_path / "ada", TEST)
    os.mkfifo(folder / "pipe")
    assert files(read(folder, tmp_path)) == ["test_a.py"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["../x.py"], "leads outside"),
        (["/x.py"], "leads outside"),
        (["a\\..\\..\\x.py"], "leads outside"),
        (["C:/x.py"], "leads outside"),
        (["n" * 300 + ".py"], "too long"),
        (["a/" * 30 + "x.py"], "too deep"),
        ([f"{number}.py" for number in range(2001)], "more than 2,000 files"),
    ],
)
def test_a_zip_that_goes_too_far_is_refused(classroom, tmp_path, names, message):
    path = classroom.zipped(tmp_path / "ada.zip", {**TEST, **dict.fromkeys(names, "x")})
    with pytest.raises(SubmissionError, match=message):
        read(path, tmp_path)
    assert not (tmp_path / "x.py").exists()


@pytest.mark.slow
def test_a_zip_bomb_is_stopped_while_it_swells(classroom, tmp_path):
    with pytest.raises(SubmissionError, match=r"swells|larger"):
        read(classroom.bomb(tmp_path / "ada.zip"), tmp_path)
    assert sum(path.stat().st_size for path in (tmp_path / "read").rglob("*")) < 60 << 20


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no zip at all"])
def test_what_is_no_zip_is_said_to_be_none(tmp_path, data):
    (tmp_path / "ada.zip").write_bytes(data)
    with pytest.raises(SubmissionError, match="zip cannot be read"):
        read(tmp_path / "ada.zip", tmp_path)


def test_an_empty_folder_and_one_without_tests_are_told_apart(classroom, tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    classroom.write(tmp_path / "class" / "bob", {"readme.txt": "x"})
    said = []
    for number, submission in enumerate(find_submissions([tmp_path / "class"])):
        with pytest.raises(SubmissionError) as error:
            load(submission, tmp_path / f"read{number}", "todo_api")
        said.append(error.value.what)
    assert said == ["It is empty.", "It holds no tests."]
