from __future__ import annotations

import sys

import pytest

from course.notebook.cell import Cell
from course.notebook.reached import Reached

SETTING = ("import contextlib, pytest", "def fails(): raise ValueError", "users = []", "def test_it():")


def never_reached(*body):
    """The lines, from 1 for the first of the body, with the reasons."""
    cell = Cell("%%exercise 1.1", "\n".join([*SETTING, *(f"    {line}" for line in body)]), "test_1_1", "It")
    module, reached = cell.run(), Reached(cell)
    run = reached.pytest_runtest_call()
    next(run)
    module.test_it()
    with pytest.raises(StopIteration):
        run.send(None)
    return [
        (each.line - 5, each.what.removeprefix("This line is never reached: "))
        for each in reached.problems({"test_it"})
    ]


RAISES = "with pytest.raises(ValueError):"


def test_what_stands_below_a_call_that_raises_is_told():
    [(line, why)] = never_reached(RAISES, "    fails()", "    assert not users", "assert not users")
    assert line == 3
    assert "raises, and that ends the `with`" in why


@pytest.mark.parametrize("last", ["return", "for _ in (1,):", "while True:"])
def test_what_stands_below_a_way_out_is_told(last):
    inner = ["    break", "    assert not users"] if last.endswith(":") else ["assert not users"]
    [(line, why)] = never_reached(last, *inner)
    assert line == len(inner) + 1
    assert "it stands below the `" in why


def test_the_assertions_of_a_loop_over_nothing_are_told():
    assert never_reached("for user in users:", "    name = user", "    assert name")[0][0] == 2
    assert not never_reached("for user in users:", "    user.close()")


@pytest.mark.parametrize(
    "body",
    [
        (RAISES, "    fails()", "assert not users"),
        (RAISES, "    fails()", "    pytest.fail('it does not')"),
        ("try:", "    fails()", "    assert not users", "except ValueError:", "    pass"),
        ("if users:", "    assert users", "else:", "    assert not users"),
        ("while users:", "    pass", "assert not users"),
        ("for number in range(9):", "    if not users:", "        break", "    assert users"),
        ("'''A docstring.'''", "total: int", "assert not users"),
        ("def check(user):", "    return user", "    assert user", "assert not users"),
        ("assert (", "    not", "    users", ")"),
        ("with contextlib.suppress(ValueError):", "    fails()"),
        ("if not users:", "    return", "assert users"),
    ],
)
def test_a_line_that_need_not_be_reached_is_no_slip(body):
    assert not never_reached(*body)


def test_a_debugger_is_left_alone():
    def debugger(*_):
        return None

    sys.settrace(debugger)
    try:
        assert not never_reached(RAISES, "    fails()", "    assert not users")
        assert sys.gettrace() is debugger
    finally:
        sys.settrace(None)
