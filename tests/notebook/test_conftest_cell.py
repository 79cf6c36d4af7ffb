from __future__ import annotations

import pytest

TEST = ("%%exercise 6.2", "def test_it(one):", "    assert one == 1")


def fixture(value, name="one"):
    return ("%%conftest", "import pytest", "@pytest.fixture", f"def {name}():", f"    return {value}")


@pytest.mark.slow
def test_a_fixture_is_there_in_the_notebook_and_in_the_runs(lesson):
    said = lesson.run(*fixture(1))
    assert said.error is None
    assert said.text == "1 fixture: `one`"
    assert "one" in lesson.shell.user_ns
    assert "✔ passes on right code" in lesson.run(*TEST).text


def test_the_latest_conftest_cell_counts(lesson):
    lesson.run(*fixture(1))
    lesson.run(*fixture(2))
    assert "assert 2 == 1" in lesson.run(*TEST).text


def test_a_fixture_that_was_renamed_is_gone(lesson):
    lesson.run(*fixture(1))
    lesson.run(*fixture(1, "two"))
    assert "There is no fixture `one`" in lesson.run(*TEST).text


def test_a_conftest_cell_with_an_id_is_for_that_exercise_only(lesson):
    lesson.run(*fixture(1))
    lesson.run("%%conftest 6.1", *fixture(2)[1:])
    assert "✔ passes on right code" in lesson.run(*TEST).text


def test_hooks_of_a_conftest_work(lesson):
    lesson.run(*fixture(1), "def pytest_collection_modifyitems(items):", "    items[:] = items[:1]")
    said = lesson.run(*TEST, "def test_other(): assert False")
    assert "✔ passes on right code" in said.text


def test_a_conftest_that_fails_is_told_with_its_line_and_no_traceback(lesson):
    said = lesson.run("%%conftest", "x = 1", "y = nobody")
    assert said.printed == (
        "CellError: line 3 of this cell: NameError: name 'nobody' is not defined\n    > y = nobody\n"
    )


def test_a_conftest_that_is_not_python_is_told_with_its_line(lesson):
    assert "line 3 of this cell: This is not Python" in lesson.run("%%conftest", "x = 1", "y = (").printed


def test_a_conftest_that_leans_on_another_cell_is_told(lesson):
    lesson.run("helper = 1")
    said = lesson.run("%%conftest", "def f():", "    return helper")
    assert "`helper` comes from another cell. Move what defines it into this `%%conftest` cell." in said.printed


def test_a_failing_conftest_is_told_in_the_exercise_as_well(lesson):
    lesson.run("%%conftest", "x = 1", "1 / 0")
    said = lesson.run("%%exercise 6.2", "def test_it(): pass")
    assert "ZeroDivisionError" in said.text
    assert "line 3 of the %%conftest cell" in said.text


def test_a_stub_in_the_conftest_is_to_do_and_told_once(lesson):
    lesson.run(*fixture(1)[:-1], '    raise NotImplementedError("TODO 6.2: make the fixture")')
    said = lesson.run(*TEST, "def test_again(one): pass")
    assert said.text.count("TODO 6.2") == 1
    assert "and 1 other test" in said.text
    assert "line 5 of the %%conftest cell" in said.text


def test_without_a_lesson_it_says_so(kernel):
    assert "No lesson has begun" in kernel.run("%%conftest", "x = 1").printed


def test_a_conftest_cell_says_which_fixtures_it_makes(lesson):
    said = lesson.run(*fixture(1), "@pytest.fixture", "def two(one): return 2", "LIMIT = 3")
    assert said.text == "2 fixtures: `one`, `two`"
    assert lesson.run("%%conftest", "x = 1").text.startswith("no fixture:")
