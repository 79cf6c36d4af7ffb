from __future__ import annotations

import pytest

from course.authoring.render import LESSONS
from course.authoring.suites import exercise_files
from course.notebook.assertions import made_up, silent
from course.notebook.cell import Cell
from course.notebook.slips import slips
from course.syllabus import syllabus


def cell_of(*lines, module="test_1_1"):
    return Cell("%%exercise 1.1", "\n".join(lines), module, "It")


def found(*lines):
    return [(each.line, each.what) for each in slips(cell_of(*lines))]


@pytest.mark.parametrize(
    "condition",
    [
        "(answer == 1, 'one')", "[answer]", "{'a': answer}", "(each for each in answer)", "True", "'one'",
        "f'{answer}'", "answer == 200 or 201", "answer or (answer, 1)",
    ],
)  # fmt: skip
def test_an_assertion_that_always_holds_is_told(condition):
    [(line, what)] = found("def test_it(answer):", f"    assert {condition}")
    assert line == 3
    assert what.startswith("This assertion is always true")


@pytest.mark.parametrize("condition", ["()", "answer", "answer == 1 or answer == 2", "0", "(answer)", "all(answer)"])
def test_an_assertion_that_may_fail_is_none(condition):
    assert not found("def test_it(answer):", f"    assert {condition}")


def test_an_assertion_outside_of_its_test_is_told():
    assert found("def test_it():", "    pass", "assert 1 == 2") == [
        (4, "This assertion stands outside of the test: indent it as the lines of the test are.")
    ]


def test_a_comparison_without_assert_is_told():
    assert found("def test_it(answer):", "    if answer:", "        answer == 2")[0][0] == 4
    assert not found(
        "import pytest", "def test_it(answer):", "    with pytest.raises(TypeError):", "        answer < 2"
    )


def test_a_test_whose_name_is_taken_again_is_told():
    [(line, what)] = found("def test_it(): assert not 1", "", "def test_it(): assert not 2")
    assert (line, "`test_it` is the name of a test at line 2 as well" in what) == (4, True)
    methods = ("class TestIt:", "    def test_it(self): assert not 1")
    assert not found(*methods, "class TestThat:", methods[1], "def test_it(): assert not 3")
    assert found(*methods, methods[1])


CONFTEST = ("import pytest", "@pytest.fixture", "def add(client):", "    assert client.post('/').status_code == 201")


@pytest.mark.parametrize(
    "line",
    [
        "assert not client", "with pytest.raises(ValueError): client.get('/')", "client.get('/').raise_for_status()",
        "spy.assert_not_called()", "pytest.fail('never')", "check(client)", "User.model_validate(client.get('/'))",
        "raise ValueError",
    ],
)  # fmt: skip
def test_whatever_may_fail_asserts_something(line):
    cell = cell_of("import pytest", "def check(it): assert not it", "def test_it(client, spy):", f"    {line}")
    assert not [*silent(cell)]


def test_a_fixture_asserts_for_the_test_that_asks_for_it():
    conftest = cell_of(*CONFTEST, module="conftest")
    cell = cell_of("def test_it(add): add('Walk')")
    assert [each.test for each in silent(cell)] == ["test_it"]
    assert not [*silent(cell, conftest)]


def test_a_test_that_only_prints_asserts_nothing():
    [problem] = silent(cell_of("def test_it(client):", "    print(client.get('/users').json())"))
    assert problem.line == 2
    assert problem.what.startswith("`test_it` asserts nothing")


@pytest.mark.parametrize(("path", "is_told"), [("/users/999", True), ("/users/0", False), ("/users/2147483648", False)])
def test_an_id_that_is_written_down_is_told_unless_nobody_can_have_it(path, is_told):
    assert bool([*made_up(cell_of(f"def test_it(client): assert client.get('{path}')"))]) is is_told
    assert not [*made_up(cell_of("def test_it(client, ada): assert client.get(f'/users/{ada + 1}')"))]


EXERCISES = [
    (lesson, exercise)
    for lesson in syllabus().lessons
    for exercise in lesson.exercises
    if exercise.language == "python"
]


@pytest.mark.parametrize(("lesson", "exercise"), EXERCISES, ids=[exercise.id for _, exercise in EXERCISES])
def test_no_exercise_has_a_slip_as_it_is_solved_or_as_it_is_shipped(lesson, exercise):
    for options in ({}, {"as_shipped": True}, *([{"otherwise_solved": True}] if exercise.other_way else [])):
        files = exercise_files(lesson, exercise, LESSONS / f"{lesson.slug}.py", **options)
        conftest, (cell,) = files.pop("conftest.py", None), map(cell_of, files.values())
        assert not slips(cell)
        assert not [*silent(cell, conftest and cell_of(conftest, module="conftest"))]
