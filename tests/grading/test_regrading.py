"""A class over a term, as its teacher types it: graded, handed on, released, and graded again in part."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course.engine import load_subject, read_patch
from course.grading.cells import suite_files
from course.shipped import shipped

pytestmark = pytest.mark.slow
COURSE = Path(sys.executable).with_name("course")
ADDRESS = 'f"/todos/{todo.id}"'
WORKSHEET = """Identifier,Full name,Grade,Maximum Grade,Last modified (grade)
Participant 11,Ada,,10.00,-
Participant 12,Bob,,10.00,-
"""
RULES = """deadline = 2020-01-01T00:00:00
percent_per_day = 50
most = 50
[[learner]]
name = "bob"
handed_in = 2019-12-31T23:00:00
"""


def course(*arguments):
    """Run the command; its exit code and what it printed."""
    ended = subprocess.run([COURSE, *map(str, arguments)], capture_output=True, text=True, check=False)
    return ended.returncode, " ".join((ended.stdout + ended.stderr).split())


def grades(out):
    return {row["name"]: row for row in csv.DictReader((out / "grades.csv").read_text().splitlines())}


def write_with_program(folder, new):
    """Put the program beside a suite, with another line where it says where a todo is."""
    shutil.copytree(load_subject("todo_api").folder / "todo_api", folder / "todo_api")
    path = folder / "todo_api" / "routes.py"
    path.write_text(path.read_text().replace(ADDRESS, new))


@pytest.fixture(scope="module")
def graded(classroom, tmp_path_factory):
    """A graded class of two, with all that is made of it for others."""
    folder = tmp_path_factory.mktemp("term")
    write_with_program(classroom.good(folder / "class" / "ada"), 'f"/elsewhere/{todo.id}"')
    write_with_program(classroom.weak(folder / "class" / "bob"), '"/todos/" + str(todo.id)')
    (folder / "worksheet.csv").write_text(WORKSHEET)
    (folder / "late.toml").write_text(RULES)
    options = ["--similarity", folder / "similarity", "--harvest", folder / "harvest"]
    code, said = course("grade", folder / "class", "--out", folder / "out", "--trust", *options)
    assert code == 0, said
    return folder, said


@pytest.fixture
def term(graded, tmp_path):
    """A copy of that class, to go on with: hand-ins, reports, and a function that grades."""
    shutil.copytree(graded[0], tmp_path, dirs_exist_ok=True)

    def grade(*options):
        code, said = course("grade", tmp_path / "class", "--out", tmp_path / "out", "--trust", *options)
        assert code == 0, said
        return said

    return tmp_path, grade


def test_programs_beside_suites_are_kept_as_bugs_and_right_variants(graded):
    harvest = graded[0] / "harvest"
    bug = read_patch(harvest / "bugs" / "harvest" / "by_ada.patch")
    assert "assert '/elsewhere/" in bug.shows
    assert read_patch(harvest / "correct" / "by_bob.patch").header["Varies"]
    (found,) = load_subject("todo_api").with_bugs(harvest / "bugs").bugs[-1:]
    assert found.id == "harvest/by_ada"


def test_bugs_that_few_caught_stand_with_the_tests_that_come_nearest(graded):
    rows = {
        row["bug"]: row for row in csv.DictReader((graded[0] / "harvest" / "survivors.csv").read_text().splitlines())
    }
    assert (
        rows["update/touches_every_todo"]["tests that come nearest"]
        == "ada: test_todos.py::test_a_change_keeps_the_rest"
    )
    assert {row["caught by"] for row in rows.values()} == {"0"}


def test_a_folder_for_jplag_and_dolos_has_a_file_for_each_and_the_starter(graded):
    folder, said = graded
    rows = list(csv.DictReader((folder / "similarity" / "info.csv").read_text().splitlines()))
    assert [row["full_name"] for row in rows] == ["ada", "bob"]
    text = (folder / "similarity" / rows[0]["filename"]).read_text()
    assert "# conftest.py\n" in text
    assert "def test_a_change_keeps_the_rest" in text
    assert "todo_api/routes.py" not in text
    starter = (folder / "similarity" / "base" / "starter.py").read_text()
    given = suite_files((shipped("notebooks") / "14_challenge_todo.ipynb").read_text())
    assert all(cell.rstrip() in starter for cell in given.values())
    assert f'java -jar jplag.jar -l python3 -bc "{folder}/similarity/base/starter.py"' in said
    assert "dolos run -f web -l python -i base/starter.py info.csv" in said


def test_late_rules_and_grade_books_need_no_grading_and_hold_until_they_are_dropped(term):
    folder, grade = term
    kept = (folder / "out" / ".course" / "ada.json").read_bytes()
    before = grades(folder / "out")
    grade("--late", folder / "late.toml", "--gradebook", folder / "worksheet.csv")
    after = grades(folder / "out")
    assert float(after["ada"]["points"]) == pytest.approx(float(before["ada"]["points"]) / 2, abs=0.01)
    assert after["bob"] == before["bob"]
    assert (folder / "out" / ".course" / "ada.json").read_bytes() == kept
    rows = list(csv.DictReader((folder / "out" / "moodle-worksheet.csv").read_text().splitlines()))
    assert float(rows[0]["Grade"]) == pytest.approx(float(after["ada"]["points"]) / 10, abs=0.01)
    grade()
    assert grades(folder / "out") == after
    (folder / "out" / "late.toml").unlink()
    grade()
    assert grades(folder / "out") == before
    assert "late" not in (folder / "out" / "learners" / "ada" / "result.json").read_text()
    assert not (folder / "out" / "changes.csv").exists()


def test_a_regrade_of_one_says_what_changed_and_why_and_loses_no_other(term):
    folder, grade = term
    before = grades(folder / "out")
    code, said = course("release", folder / "out")
    assert (code, "Release 1: " in said, "For the first time: ada, bob" in said) == (0, True, True)
    said = grade("--only", "ada", "--bugs", folder / "harvest" / "bugs")
    assert "What has changed" in said
    after = grades(folder / "out")
    (row,) = csv.DictReader((folder / "out" / "changes.csv").read_text().splitlines())
    assert (row["submission"], row["old"]) == ("ada", f"{float(before['ada']['points']):.2f}")
    assert float(row["new"]) == float(after["ada"]["points"])
    assert row["why"].startswith("New bugs: harvest/by_ada.")
    assert after["bob"]["points"] == before["bob"]["points"]
    assert "Graded before a change of bugs." in after["bob"]["line"]
    assert json.loads((folder / "out" / "released" / "1" / "ada" / "result.json").read_text())["inputs"]
    code, said = course("release", folder / "out")
    assert "Release 2: " in said
    assert "Other bugs." in said


def test_since_grades_what_came_later_and_what_is_as_it_was_is_taken_over(term):
    folder, grade = term
    old = 1_600_000_000
    for path in (folder / "class" / "bob").rglob("*"):
        os.utime(path, (old, old))
    said = grade("--since", "2020-12-31")
    assert "1/1 ada" in said
    assert "bob" not in said.partition("Grades")[0]
    assert set(grades(folder / "out")) == {"ada", "bob"}
    kept = json.loads((folder / "out" / ".course" / "ada.json").read_text())["times"]
    grade("--since", "2020-12-31", "--again")
    assert json.loads((folder / "out" / ".course" / "ada.json").read_text())["times"] != kept
    code, said = course("grade", folder / "class", "--out", folder / "out", "--trust", "--since", "2100-01-01")
    assert (code, "The newest submission is of 20" in said) == (1, True)
