from __future__ import annotations

import pytest

from course.authoring.render import learner_notebook
from course.authoring.source import LessonError
from course.authoring.suites import exercise_files, is_sick
from course.syllabus import load

COURSE = r"""
[[lesson]]
slug = "06_test_an_api"
title = "Test an API"
minutes = 40
summary = "Status codes."
do = "Test it."
learn = ["to test it"]
need = "Nothing."

[[lesson.exercise]]
id = "6.1"
title = "The first"
hints = ["Think."]

[[lesson.exercise]]
id = "6.2"
title = "The second"
hints = ["Think."]
other_way = "Or:\n\n```python\nassert session > 1\n\nassert session < 3\n```"
"""

SOURCE = """\
# %% alone tags=["exercise"] exercise="6.1"
def test_one():
    # BEGIN SOLUTION
    assert 1
    # END SOLUTION

# %% session tags=["conftest"] exercise="6.2"
def session():
    # BEGIN SOLUTION: open a session
    return 2
    # END SOLUTION

# %% together tags=["exercise"] exercise="6.2"
def test_two(session):
    # BEGIN SOLUTION
    assert session
    # END SOLUTION

# %% later tags=["conftest"]
later = True
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "course.toml").write_text(COURSE)
    path = tmp_path / "06_test_an_api.py"
    path.write_text(SOURCE)
    course = load(tmp_path / "course.toml")
    return lambda name, **how: exercise_files(course.everything[0], course.exercise(name), path, **how)


def test_an_exercise_above_every_conftest_stands_alone(files):
    assert files("6.1") == {"test_6_1.py": "def test_one():\n    assert 1\n"}


def test_an_exercise_runs_with_the_last_conftest_above_it(files):
    assert files("6.2") == {
        "test_6_2.py": "def test_two(session):\n    assert session\n",
        "conftest.py": "def session():\n    return 2\n",
    }


def test_as_shipped_both_cells_are_red(files):
    red = files("6.2", as_shipped=True)
    assert 'raise NotImplementedError("TODO 6.2: The second")' in red["test_6_2.py"]
    assert 'raise NotImplementedError("TODO 6.2: open a session")' in red["conftest.py"]


def test_another_way_stands_in_place_of_the_solution_and_gets_its_indent(files):
    other = files("6.2", otherwise_solved=True)
    assert other["test_6_2.py"] == "def test_two(session):\n    assert session > 1\n\n    assert session < 3\n"
    assert other["conftest.py"] == files("6.2")["conftest.py"]


@pytest.mark.parametrize(
    ("source", "sick"), [(SOURCE, False), (SOURCE.replace("    # END", "    # INSTEAD:\n    # pass\n    # END"), True)]
)
def test_a_suite_is_sick_where_something_stands_below_instead(tmp_path, source, sick):
    (tmp_path / "course.toml").write_text(COURSE, encoding="utf-8")
    path = tmp_path / "06_test_an_api.py"
    path.write_text(source, encoding="utf-8")
    (lesson,) = load(tmp_path / "course.toml").everything
    assert is_sick(lesson, lesson.exercises[1], path) is sick


WORKFLOW_COURSE = """
[[lesson]]
slug = "12_run_them_in_ci"
title = "Run them in CI"
minutes = 1
summary = "S."
do = "D."
learn = ["L"]
need = "N."

[[lesson.exercise]]
id = "12.1"
title = "The first"
language = "workflow"
hints = ["H"]
"""
WORKFLOW_SOURCE = """
# %% first tags=["exercise"] exercise="12.1"
# on: pull_request
# jobs:
#   # BEGIN SOLUTION: write a job
#   test: {runs-on: ubuntu-latest, steps: [{run: pytest}]}
#   # END SOLUTION
"""


@pytest.fixture
def workflow(tmp_path):
    def read(source=WORKFLOW_SOURCE, language="workflow"):
        course = WORKFLOW_COURSE.replace('"workflow"', f'"{language}"')
        (tmp_path / "course.toml").write_text(course, encoding="utf-8")
        path = tmp_path / "12_run_them_in_ci.py"
        path.write_text(source, encoding="utf-8")
        (lesson,) = load(tmp_path / "course.toml").everything
        return lesson, lesson.exercises[0], path

    return read


def test_a_workflow_is_commented_as_a_whole_and_its_stub_is_a_comment(workflow):
    lesson, exercise, path = workflow()
    assert exercise_files(lesson, exercise, path) == {
        "workflow_12_1.yml": "on: pull_request\njobs:\n  test: {runs-on: ubuntu-latest, steps: [{run: pytest}]}\n"
    }
    (shipped,) = exercise_files(lesson, exercise, path, as_shipped=True).values()
    assert shipped == "on: pull_request\njobs:\n  # TODO 12.1: write a job\n"
    cell = learner_notebook(lesson, path)["cells"][-1]
    assert cell["source"][0] == "%%workflow 12.1\n"
    assert cell["metadata"]["tags"] == ["exercise", "raises-exception"]


def test_a_workflow_to_cure_stands_below_instead_commented_twice(workflow):
    cured = "steps: [{run: pytest}]}\n"
    sick = "steps: [{run: pytest || true}]}\n"
    instead = f"#   # INSTEAD:\n#   # test: {{runs-on: ubuntu-latest, {sick}#   # END"
    source = WORKFLOW_SOURCE.replace(": write a job", "").replace("#   # END", instead)
    lesson, exercise, path = workflow(source)
    assert is_sick(lesson, exercise, path)
    (shipped,) = exercise_files(lesson, exercise, path, as_shipped=True).values()
    assert shipped == f"on: pull_request\njobs:\n  test: {{runs-on: ubuntu-latest, {sick}"
    assert cured in exercise_files(lesson, exercise, path)["workflow_12_1.yml"]


JAVASCRIPT_SOURCE = """
# %% first tags=["exercise"] exercise="12.1"
# test("one", () => {
#   // BEGIN SOLUTION: TEXT
#   expect(1).toBe(1);
#   // END SOLUTION
# });
"""


@pytest.mark.parametrize(
    ("text", "shipped"),
    [
        ("say one", ['  throw new Error("TODO 12.1: say one");']),
        ("say " + 30 * "one " + "end", ['  throw new Error("TODO 12.1: say one ', '                  "one']),
        ('say "one"', ['  throw new Error("TODO 12.1: say \\"one\\"");']),
    ],
)
def test_a_test_in_javascript_has_marks_of_its_own_and_a_stub_that_throws(workflow, text, shipped):
    lesson, exercise, path = workflow(JAVASCRIPT_SOURCE.replace("TEXT", text), "javascript")
    assert exercise_files(lesson, exercise, path) == {
        "exercise_12_1.test.js": 'test("one", () => {\n  expect(1).toBe(1);\n});\n'
    }
    (stub,) = exercise_files(lesson, exercise, path, as_shipped=True).values()
    lines = stub.splitlines()[1:-1]
    assert [line.startswith(start) for line, start in zip(lines, shipped, strict=True)] == [True] * len(lines)
    assert all(line.endswith('" +') for line in lines[:-1])
    assert lines[-1].endswith('");')
    assert learner_notebook(lesson, path)["cells"][-1]["source"][0] == "%%jest 12.1\n"


def test_a_line_of_a_workflow_that_is_not_commented_is_told(workflow):
    with pytest.raises(LessonError, match=r"12_run_them_in_ci.py:4: a line of this cell is not commented"):
        exercise_files(*workflow(WORKFLOW_SOURCE.replace("# jobs:", "jobs:")))
