"""What a class has made and a teacher keeps: each program once, and only what can be a patch."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from course.engine import Prover, load_subject, read_patch
from course.grading.harvest import write_harvest
from course.services.embedded.postgres import Embedded

pytestmark = pytest.mark.slow
NAME = "todo_api/routes.py"


@pytest.fixture
def program():
    """The program of a learner, with other routes."""
    subject = load_subject("todo_api")
    paths = [path for path in subject.folder.glob("todo_api/*") if path.is_file()]
    files = {path.relative_to(subject.folder).as_posix(): path.read_text() for path in paths}
    return lambda change: files | {NAME: change(files[NAME])}


@pytest.fixture
def harvest(tmp_path):
    """Harvests programs by name; what was said."""

    def harvest(programs, records=()):
        with Prover(Embedded().start, jobs=2) as prover:
            return write_harvest(tmp_path, programs.items(), records, load_subject("todo_api"), prover)

    return harvest


def test_each_program_is_kept_once_and_what_is_no_patch_is_told(harvest, program, tmp_path):
    wrong = program(lambda text: text.replace('f"/todos/{todo.id}"', 'f"/elsewhere/{todo.id}"'))
    said = harvest({
        "Ada 1": wrong,
        "bob": wrong,
        "cid": program(lambda text: text) | {"todo_api/more.py": "x = 1\n"},
        "dan": program(lambda text: text + "\ndef broken(:\n"),
        "eve": program(lambda text: text + "\nraise RuntimeError('not finished')\n"),
        "fay": program(lambda text: f"# I have read this\n{text}"),
    })  # fmt: skip
    assert [path.name for path in tmp_path.rglob("*.patch")] == ["by_ada_1.patch"]
    assert read_patch(tmp_path / "bugs" / "harvest" / "by_ada_1.patch").boundary == "api"
    assert "of learners: bugs 1 (write their Hint), right programs 0" in said
    assert "No patch can be made of the program of cid, dan, eve." in said


def test_right_programs_that_tests_fail_on_come_with_a_test(harvest, make, verdict, tmp_path):
    said = replace(
        verdict, tests=(replace(verdict.tests[1], variant="correct/names_todos_by_uuid", message="no number"),)
    )
    harvest({}, [make("ada", said), make("bob", said), make("cid")])
    rows = list(csv.DictReader((tmp_path / "disputed.csv").read_text().splitlines()))
    assert [(row["right program"], row["suites that fail on it"], row["of"]) for row in rows] == [
        ("correct/names_todos_by_uuid", "2", "3"),
        ("original", "1", "3"),
    ]
    assert (rows[0]["a test"], rows[0]["what it says"]) == ("ada: test_a.py::test_two", "no number")
