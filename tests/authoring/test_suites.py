from __future__ import annotations

import pytest

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
