from __future__ import annotations

import dataclasses
import io
import re

import pytest
from rich.console import Console

from course.authoring.verify import (
    VerifyError,
    exercise_faults,
    lesson_faults,
    patch_of,
    reference_faults,
    told,
    unnamed_bugs,
    verify,
)
from course.engine import Prover, load_subject
from course.errors import CourseError
from course.services.embedded.postgres import Embedded
from course.shipped import CLONE
from course.syllabus import Exercise, load, syllabus

BUG = """\
Boundary: api
Shows: Nought is called positive.
Hint: Ask for nought.

--- a/signs/__init__.py
+++ b/signs/__init__.py
@@ -1,2 +1,2 @@
 def positive(number):
-    return number > 0
+    return number >= 0
"""

COURSE = """
[[lesson]]
slug = "01_test_one_unit"
title = "Signs"
minutes = 5
summary = "Signs."
subject = "signs"
do = "Test it."
learn = ["to test it"]
need = "Nothing."

[[lesson.exercise]]
id = "1.1"
title = "Nought is not positive"
bugs = ["api/calls_nought_positive"]
hints = ["Ask for nought."]
"""

SOURCE = """\
# %% nought tags=["exercise"] exercise="1.1"
from signs import positive

def test_nought_is_not_positive():
    # BEGIN SOLUTION
    assert not positive(0)
    # END SOLUTION
"""


@pytest.fixture(scope="module")
def prover():
    with Prover(Embedded().start, jobs=1) as one:
        yield one


@pytest.fixture
def signs(tmp_path):
    """A program of two lines with one bug; a function changes its reference suite."""
    folder = tmp_path / "subjects" / "signs"
    for name, text in {
        "subject.toml": 'language = "python"\npackage = "signs"\nseconds = 60\n',
        "signs/__init__.py": "def positive(number):\n    return number > 0\n",
        "bugs/api/calls_nought_positive.patch": BUG,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def with_suite(body="assert not positive(0)"):
        (folder / "reference_suite").mkdir(exist_ok=True)
        suite = f"from signs import positive\n\ndef test_it():\n    {body}\n"
        (folder / "reference_suite" / "test_signs.py").write_text(suite)
        return load_subject("signs", tmp_path / "subjects")

    return with_suite


@pytest.fixture
def faults_of_exercise(tmp_path, signs, prover):
    def faults(source=SOURCE, course=COURSE):
        (tmp_path / "course.toml").write_text(course)
        path = tmp_path / "01_test_one_unit.py"
        path.write_text(source)
        (lesson,) = load(tmp_path / "course.toml").everything
        return list(exercise_faults(lesson, lesson.exercises[0], signs(), prover, path))

    return faults


@pytest.mark.slow
def test_a_subject_whose_suite_catches_all_by_assertion_has_no_faults(signs, prover):
    assert list(reference_faults(signs(), prover)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("assert positive(1)", "SURVIVED. Give the reference suite a test that catches it"),
        ("1 / (not positive(0))", "test_it breaks on it, and no assertion fails"),
        ("assert positive(-1)", "test_signs.py::test_it: false alarm on original"),
        ("assert (", "the suite is BROKEN"),
    ],
)
def test_a_reference_suite_that_proves_too_little_is_told(signs, prover, body, fault):
    assert any(fault in each for each in reference_faults(signs(body), prover))


def test_a_good_exercise_has_no_faults(faults_of_exercise):
    assert faults_of_exercise() == []


@pytest.mark.slow
def test_an_exercise_that_is_green_as_shipped_is_told(faults_of_exercise):
    source = SOURCE + "\ndef test_too_much():\n    assert positive(1)\n"
    assert faults_of_exercise(source)[0].startswith("as shipped, test_1_1.py::test_too_much passes")


@pytest.mark.slow
def test_a_sick_suite_may_be_green_as_shipped_and_must_not_be_solved(faults_of_exercise):
    sick = SOURCE.replace("    # END", "    # INSTEAD:\n    # assert positive(1)\n    # END")
    assert faults_of_exercise(sick) == []
    (fault,) = faults_of_exercise(sick.replace("# assert positive(1)", "# assert not positive(0)"))
    assert fault.startswith("as shipped, it is solved: what stands below INSTEAD is not sick")


@pytest.mark.slow
def test_a_solution_that_misses_its_bug_is_told(faults_of_exercise):
    (fault,) = faults_of_exercise(SOURCE.replace("not positive(0)", "positive(1)"))
    assert fault == "api/calls_nought_positive: SURVIVED. It is listed in `bugs`."


def test_a_bug_that_is_said_to_stay_alive_and_does_not_is_told(faults_of_exercise):
    (fault,) = faults_of_exercise(course=COURSE.replace("bugs = ", "alive = "))
    assert fault == "api/calls_nought_positive: CAUGHT. It is listed in `alive`."


def test_a_solution_that_fails_on_right_code_is_told(faults_of_exercise):
    faults = faults_of_exercise(SOURCE.replace("not positive(0)", "positive(0)"))
    assert any("false alarm on original" in each for each in faults)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("assert positive(0) is False", []),
        ("assert positive(1)", ["other_way: api/calls_nought_positive: SURVIVED. It is listed in `bugs`."]),
    ],
)
def test_another_way_is_proved_as_the_solution_is(faults_of_exercise, code, faults):
    course = f"{COURSE}other_way = '''\n```python\n{code}\n```\n'''\n"
    assert faults_of_exercise(course=course) == faults


def test_an_exercise_that_names_no_bug_is_told(tmp_path, prover):
    exercise = Exercise("0.1", "One", "users_api", ("database/forgets",), (), (), ("Think.",), None, None)
    lesson = dataclasses.replace(syllabus().everything[0], exercises=(exercise,))
    source = SOURCE.replace("1.1", "0.1").replace("from signs import positive\n", "positive = bool\n")
    (tmp_path / f"{lesson.slug}.py").write_text(source)
    (fault,) = lesson_faults(lesson, prover, tmp_path)
    assert fault.startswith('0.1: users_api has no bug "database/forgets".')


def test_each_fault_is_told_on_a_line_of_its_own_below_the_name():
    said = io.StringIO()
    assert told(Console(file=said, width=40), "signs", iter(["a [long] fault " + "x" * 60, "another"])) == 2
    assert said.getvalue() == "✗ signs\n    a [long] fault " + "x" * 60 + "\n    another\n"


def test_a_wrong_name_is_told_the_nearest():
    with pytest.raises(VerifyError, match=r'no lesson "user_api"\. Did you mean "users_api"'):
        verify(("user_api",))


@pytest.mark.slow
def test_one_bug_is_proved_by_itself(signs, prover):
    subject = signs()
    assert list(reference_faults(subject, prover, [subject.bugs[0]])) == []
    (fault,) = reference_faults(signs("assert positive(1)"), prover, [subject.bugs[0]])
    assert "SURVIVED. Give the reference suite a test that catches it." in fault


def test_a_bug_that_no_exercise_names_is_told_unless_it_is_the_challenge_s(signs):
    subject = signs()
    assert unnamed_bugs(subject) == list(subject.bugs)
    (subject.folder / "challenge.toml").touch()
    assert unnamed_bugs(subject) == []


def test_a_wrong_name_of_a_bug_is_told_the_nearest():
    subject, patch = patch_of("users_api/database/forgets_to_commit")
    assert (subject.name, patch.id) == ("users_api", "database/forgets_to_commit")
    assert patch_of("users_api/correct/looks_before_it_inserts")[1].id == "correct/looks_before_it_inserts"
    with pytest.raises(CourseError, match=r'Did you mean "database/forgets_to_commit"'):
        verify(("users_api/database/forgets_to_comit",))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("", "", None),
        ("tests/unit/\n", "tests/unit/ || true\n", "unit/keeps_double_spaces: SURVIVED. It is listed in `bugs`."),
        ("tests/unit/\n", "tests/nothing/\n", "false alarm on original"),
        ("tests/unit/ || true", "tests/unit/", "as shipped, it is solved"),
    ],
)
def test_a_workflow_is_added_as_contributing_says(tmp_path, prover, right, wrong, fault):
    lesson, path = added(tmp_path, "I want to add a workflow", "guestbook", right, wrong)
    found = list(exercise_faults(lesson, lesson.exercises[0], load_subject("guestbook"), prover, path))
    assert not found if fault is None else any(fault in each for each in found)


@pytest.mark.node
@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ("", "", None),
        ("toBe(201)", "toBeLessThan(300)", "api/answers_200_to_a_creation: SURVIVED. It is listed in `bugs`."),
        ("toBe(201)", "toBe(200)", "false alarm on original: expect(received).toBe(expected)"),
        ("# });", '# });\n# test("one", () => expect(1).toBe(1));', "as shipped, exercise_11_1.test.js::one passes"),
        (": create a user and expect 201", "", None),
        ("// END", "// INSTEAD:\n#   // expect(app).toBeTruthy();\n#   // END", None),
    ],
)
def test_an_exercise_in_javascript_is_added_as_contributing_says(tmp_path, prover, right, wrong, fault):
    lesson, path = added(tmp_path, "I want to add an exercise in JavaScript", "users_js", right, wrong)
    found = list(exercise_faults(lesson, lesson.exercises[0], load_subject("users_js"), prover, path))
    assert not found if fault is None else any(fault in each for each in found)


def added(folder, title, subject, right, wrong):
    """A lesson of the exercise that CONTRIBUTING.md shows below a title, changed in one place, and its source."""
    page = (CLONE / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"## {title}")[2]
    toml, cell = re.findall(r"^```(?:toml|python)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)[:2]
    shown = re.search(r'id = "(.+)"', toml)[1]
    number = shown.partition(".")[0]
    head = COURSE.partition("[[lesson.exercise]]")[0].replace('subject = "signs"', f'subject = "{subject}"')
    toml = head.replace("01_test_one_unit", f"{number}_run") + toml.replace(shown, f"{number}.1")
    (folder / "course.toml").write_text(toml)
    cell = cell.replace(right, wrong) if right else cell
    if "INSTEAD" in wrong:  # where there is one, no TODO tells what to do
        cell = re.sub(r"(BEGIN SOLUTION): .*", r"\1", cell)
    path = folder / f"{number}_run.py"
    path.write_text(cell.replace(shown, f"{number}.1"))
    (lesson,) = load(folder / "course.toml").everything
    return lesson, path


def test_an_exercise_that_needs_a_browser_is_left_out_where_none_is(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setattr("course.services.machine.browser.PROGRAMS", ("chromium",))
    last = syllabus().lesson("15")
    assert list(lesson_faults(dataclasses.replace(last, exercises=last.exercises[:1]), prover=None)) == []
