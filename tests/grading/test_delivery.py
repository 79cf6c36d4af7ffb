"""A class is graded as platforms deliver it: nobody is lost, or joined with another, or made up from a stray file."""

from __future__ import annotations

import pytest

from course.grading.delivery import DoubtError
from course.grading.loading import SubmissionError
from course.grading.submission import find_submissions, load

SUITE = {"conftest.py": "x = 1\n", "test_a.py": "def test_a(): pass\n"}
PROJECT = {f"tests/{name}": text for name, text in SUITE.items()}
OLD = {"test_old.py": "def test_old(): pass\n"}
NOTEBOOK = '{"cells": [{"cell_type": "code", "source": "%%exercise 14.1\\ndef test_a(): pass"}]}'
NEWEST, LATE = "Handed in 2 times: the newest counts.", "Handed in late, as its name says."
VERSIONS = "Of 2 versions the newest counts: Version 10."


def under(prefix, files):
    return {f"{prefix}{name}": text for name, text in files.items()}


@pytest.fixture
def deliver(classroom, tmp_path):
    """Write a class; a dictionary is packed into a zip."""

    def deliver(files):
        for name, content in files.items():
            path = tmp_path / "class" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = classroom.zip_bytes(content) if isinstance(content, dict) else content.encode()
            path.write_bytes(data)
        return tmp_path / "class"

    return deliver


@pytest.fixture
def read(tmp_path_factory):
    """The names of those who have handed in, with the files of each and what is said of them."""

    def read(folder, **options):
        found = {}
        for submission in find_submissions([folder], **options):
            loaded = load(submission, tmp_path_factory.mktemp("read") / "files", "todo_api")
            root = loaded.suite.folder
            names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
            found[submission.name] = (names, loaded.notes)
        return found

    return read


PLATFORMS = {
    "a folder for each learner": {**under("ada/", SUITE), **under("bob/", PROJECT)},
    "a zip for each learner": {"ada.zip": SUITE, "bob.zip": PROJECT},
    "Moodle, folders with zips": {
        "ada_11_assignsubmission_file_/suite.zip": SUITE, "bob_12_assignsubmission_file_/suite.zip": PROJECT
    },
    "Moodle, folders with loose files": {
        **under("ada_11_assignsubmission_file_/", SUITE), **under("bob_12_assignsubmission_file_/", PROJECT)
    },
    "Moodle, flat": {
        "ada_11_assignsubmission_file_suite.zip": SUITE, **under("bob_12_assignsubmission_file_", SUITE)
    },
    "Moodle, all in one zip": {
        "Todo-4711.zip": {
            **under("ada_11_assignsubmission_file_/", SUITE), **under("bob_12_assignsubmission_file_/", PROJECT)
        }
    },
    "Canvas, zips": {"ada_11_101_suite.zip": SUITE, "bob_12_102_suite.zip": SUITE},
    "Canvas, loose files": {**under("ada_11_101_", SUITE), **under("bob_12_102_", SUITE)},
    "Canvas, files that were handed in again": {
        "ada_11_101_conftest-1.py": "x = 1\n", "ada_11_101_test_a-1.py": SUITE["test_a.py"], "bob_12_102_s-3.zip": SUITE
    },
    "Blackboard": {
        "Todo_ada_attempt_2026-05-01-10-00-00_suite.zip": SUITE, "Todo_ada_attempt_2026-05-01-10-00-00.txt": "x",
        "Todo_bob_attempt_2026-05-01-11-00-00_suite.zip": SUITE, "Todo_bob_attempt_2026-05-01-11-00-00.txt": "x",
    },
    "Brightspace": {
        **under("12-34 - ada - May 1, 2026 1000 AM/", SUITE), **under("13-34 - bob - May 1, 2026 900 AM/", SUITE)
    },
    "Teams": {**under("ada/Version 1/", SUITE), **under("bob/Version 1/", SUITE)},
    "a folder around the class": under("class-7/", {"ada_11_101_suite.zip": SUITE, "bob_12_102_suite.zip": SUITE}),
}  # fmt: skip


@pytest.mark.parametrize("files", PLATFORMS.values(), ids=PLATFORMS)
def test_each_learner_is_found_as_a_platform_names_them(deliver, read, files):
    found = read(deliver({**files, "grades.xlsx": "x", "readme.txt": "x", "~$grades.xlsx": "x", "Thumbs.db": "x"}))
    assert list(found) == ["ada", "bob"]
    assert all(names in (sorted(SUITE), sorted(PROJECT)) for names, _ in found.values())


def test_gradescopes_folders_are_learners_and_its_metadata_is_none(deliver, read):
    files = {**under("submission_1/", SUITE), **under("submission_2/", SUITE), "submission_metadata.yml": "x"}
    assert list(read(deliver(under("assignment_7_export/", files)))) == ["submission_1", "submission_2"]


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"ada_11_101_s.zip": OLD, "ada_11_203_s.zip": SUITE}, NEWEST),
        ({"ada_11_101_s.zip": OLD, "ada_11_101_s-1.zip": SUITE}, "s.zip was handed in again: the newest counts."),
        ({"ada_LATE_11_101_s.zip": SUITE}, LATE),
        ({f"T_ada_attempt_2026-05-{day}-10-00-00_s.zip": files for day, files in (("09", OLD), ("10", SUITE))}, NEWEST),
        ({**under("1-2 - ada - Nov 9, 2026 900 AM/", OLD), **under("1-2 - ada - Nov 10, 2026 800 AM/", SUITE)}, NEWEST),
        ({**under("ada/Version 9/", OLD), **under("ada/Version 10/", SUITE)}, VERSIONS),
    ],
)  # fmt: skip
def test_the_newest_attempt_counts_and_is_told(deliver, read, files, note):
    assert read(deliver(files)) == {"ada": (["conftest.py", "test_a.py"], (note,))}


def test_what_lies_beside_hand_ins_is_told_and_is_nobody(deliver, read):
    told = []
    files = {**under("ada/", SUITE), "readme.txt": "x", "grades.xlsx": "x", "out/.course/ada.json": "{}"}
    assert list(read(deliver(files), tell=told.append)) == ["ada"]
    assert told == ["grades.xlsx", "readme.txt"]


def test_an_archive_of_another_kind_is_somebodys_all_the_same(deliver):
    folder = deliver({**under("ada/", SUITE), "bob.rar": "x"})
    assert [(each.name, each.kind) for each in find_submissions([folder])] == [("ada", "folder"), ("bob.rar", "file")]


def test_a_single_file_is_somebody_s_and_a_known_stray_is_nobody_s(deliver, read):
    told = []
    strays = ("conftest.py", "grades.xlsx", "readme.txt", "submission_metadata.yml")
    files = {**under("ada/", SUITE), "leo.py": SUITE["test_a.py"], "joe.pdf": "x", "max.docx": "x", "bob.rar": "x"}
    folder = deliver({**files, **dict.fromkeys(strays, "x")})
    found = find_submissions([folder], each=True, tell=told.append)
    assert [each.name for each in found] == ["ada", "bob.rar", "joe.pdf", "leo", "max.docx"]
    assert told == list(strays)
    assert read(folder / "leo.py") == {"leo": (["test_leo.py"], ("leo.py was read as test_leo.py.",))}
    for name in ("bob.rar", "joe.pdf", "max.docx"):
        with pytest.raises(SubmissionError, match=f"{name} is no folder, no zip, no notebook and no Python file"):
            read(folder / name)


def test_a_single_file_beside_folders_counts_without_being_asked_for(deliver):
    folder = deliver({**under("ada/", SUITE), "leo.py": SUITE["test_a.py"], "joe.pdf": "x", "readme.txt": "x"})
    assert [each.name for each in find_submissions([folder])] == ["ada", "joe.pdf", "leo"]


def test_flat_files_of_two_learners_are_two_where_each_is_one(deliver, read):
    files = {f"{name}_test_todos.py": SUITE["test_a.py"] for name in ("ada", "bob")}
    assert list(read(deliver({**files, "conftest.py": ""}), each=True)) == ["ada_test_todos", "bob_test_todos"]


def test_a_folder_called_test_may_be_a_learners(deliver, read):
    files = {**under("one/", SUITE), **under("two/", SUITE), **under("test/", SUITE)}
    assert list(read(deliver(files))) == ["one", "test", "two"]


def test_a_zip_of_zips_is_a_class(deliver, read, classroom):
    folder = deliver({"all.zip": {f"{name}.zip": classroom.zip_bytes(SUITE) for name in ("ada", "bob")}})
    assert list(read(folder)) == list(read(folder / "all.zip")) == ["ada", "bob"]


def test_names_that_differ_in_capitals_or_in_the_form_of_accents_are_different_learners(deliver):
    names = ("Ada", "ada", "Jose\u0301", "Jos\u00e9")
    found = find_submissions([deliver({f"{name}/test_a.py": name for name in names})])
    assert sorted(each.path.name for each in found) == sorted(names)
    assert sorted(each.name for each in found) == sorted(("Ada", "ada (2)", "Jose\u0301", "Jos\u00e9 (2)"))
    assert len({each.folder.casefold() for each in found}) == len(names)


def test_two_learners_of_one_name_are_told_apart_by_their_entries(deliver):
    names = ("Ada_111_assignsubmission_file_", "Ada_222_assignsubmission_file_")
    found = find_submissions([deliver({**under(f"{names[0]}/", SUITE), **under(f"{names[1]}/", SUITE)})])
    assert [(each.name, each.entry) for each in found] == list(zip(("Ada", "Ada (2)"), names, strict=True))


@pytest.mark.parametrize(
    "files",
    [
        {**under("ada/", SUITE), **under("bob/", SUITE), "conftest.py": ""},
        {**under("ada/", SUITE), **under("bob/", SUITE), "pytest.ini": ""},
        {**under("group/ada/", SUITE), **under("group/bob/", SUITE)},
        {"all.zip": {**under("ada/", SUITE), **under("bob/", SUITE)}},
        {"group/ada.ipynb": NOTEBOOK, "group/bob.ipynb": NOTEBOOK, **under("cem/", SUITE)},
        {"ada_11_101_suite.zip": SUITE, **PROJECT},
        {"ada_test_todos.py": "", "bob_test_todos.py": "", "conftest.py": ""},
        {"ada.py": "", "bob.py": ""},
        {"all.zip": {"ada_test_todos.py": "", "bob_test_todos.py": ""}},
    ],
)
def test_in_doubt_nothing_is_graded_and_what_was_seen_is_said(deliver, files):
    with pytest.raises(DoubtError, match="Is it one hand-in, or several"):
        find_submissions([deliver(files)])


def test_each_entry_is_one_where_the_teacher_says_so(deliver, read):
    folder = deliver({**under("ada/unit/", SUITE), **under("ada/api/", OLD), "conftest.py": ""})
    assert list(read(folder, each=True)) == ["ada"]


@pytest.mark.parametrize(
    "files",
    [
        PROJECT,
        {"conftest.py": "", "unit/test_a.py": SUITE["test_a.py"]},
        {"pytest.ini": "", **PROJECT, "scripts/test_x.py": "", "tools/test_y.py": ""},
        {"submission.json": "{}", **under("a/", SUITE), **under("b/", SUITE)},
        {"data_2024_01_dump.sql": "x", **PROJECT},
        {"00_start_here.ipynb": NOTEBOOK, "14_challenge_todo.ipynb": NOTEBOOK},
    ],
)
def test_a_project_that_is_named_is_one_hand_in(deliver, files):
    assert [each.name for each in find_submissions([deliver(files)])] == ["class"]
