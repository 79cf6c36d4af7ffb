from __future__ import annotations

import pytest

from course.notebook.cell import Cell
from course.notebook.slips import slips


def found(*lines):
    cell = Cell("%%exercise 1.1", "\n".join(lines), "test_1_1", "It")
    return [(each.line, each.what) for each in slips(cell)]


@pytest.mark.parametrize("call", ["breakpoint()", "input('Go on?')", "pdb.set_trace()"])
def test_what_waits_for_a_keyboard_is_told(call):
    [(line, what)] = found("def test_it():", f"    {call}")
    assert line == 3
    assert what.startswith(f"`{call.partition('(')[0].rpartition('.')[2]}()` waits for somebody at a keyboard")


def test_a_function_of_that_name_is_the_learner_s_own():
    assert not found("def input(): return 1", "def test_it(): assert input()")


FIXTURE = ("import pytest", "@pytest.fixture", "def ada(): return 1")


def test_a_fixture_of_the_cell_that_is_not_named_is_told():
    assert found(*FIXTURE, "def test_it():", "    assert ada") == [
        (6, "`ada` is a fixture. Name it among the arguments of `test_it`.")
    ]


@pytest.mark.parametrize("test", ["def test_it(ada): assert ada", "def test_it():\n    ada = 2\n    assert ada"])
def test_a_name_that_is_the_function_s_own_is_no_slip(test):
    assert not found(*FIXTURE, test)


def test_a_fixture_that_leans_on_another_without_asking_is_told():
    assert "of `bob`" in found(*FIXTURE, "@pytest.fixture(scope='module')", "def bob(): return ada + 1")[0][1]
